/**
 * What our exports say of themselves beside weights, in ONNX's metadata and in TensorFlow.js's
 * user-defined metadata alike: which observation they take, how many frames of it, and which
 * normaliser must stand before them. Models from elsewhere say nothing, which is no fault.
 */
import { OperationError } from "../../core/index.ts";

export interface ModelNotes {
  /** Schema hash of the observation. */
  readonly schemaHash: string;
  /** Observations that are stacked into one input. */
  readonly frames: number;
  /** Hash of the statistics that inputs are normalised by; null where they are not. */
  readonly normaliser: string | null;
  /** Of the whole model in whose folder the file was written. */
  readonly modelHash: string;
}

const VERSION = "1";

/** All of them as text by key, in a fixed order. */
export function notesAsText(notes: ModelNotes): Record<string, string> {
  return {
    "kalshi-gym.formatVersion": VERSION,
    "kalshi-gym.schemaHash": notes.schemaHash,
    "kalshi-gym.frames": String(notes.frames),
    "kalshi-gym.normaliser": notes.normaliser ?? "none",
    "kalshi-gym.modelHash": notes.modelHash,
  };
}

/**
 * The inverse; null where none of ours are among `texts`. `MODEL_VERSION` for notes of a later
 * version, `MODEL_FORMAT` where some are missing or odd.
 */
export function notesFromText(
  place: string,
  texts: ReadonlyMap<string, unknown>,
): ModelNotes | null {
  const version = texts.get("kalshi-gym.formatVersion");
  if (version === undefined) return null;
  if (version !== VERSION) {
    throw new OperationError(
      "MODEL_VERSION",
      `${place}: kalshi-gym.formatVersion: expected "${VERSION}", was ${JSON.stringify(version)}; ` +
        `use the version of kalshi-gym that wrote it`,
    );
  }
  const text = (key: string, pattern: RegExp): string => {
    const value = texts.get(`kalshi-gym.${key}`);
    if (typeof value === "string" && pattern.test(value)) return value;
    throw new OperationError(
      "MODEL_FORMAT",
      `${place}: kalshi-gym.${key}: expected metadata like ${pattern.source}, was ` +
        `${JSON.stringify(value) ?? "missing"}; export the model again`,
    );
  };
  const normaliser = text("normaliser", /^(none|[0-9a-f]{64})$/);
  return {
    schemaHash: text("schemaHash", /^\S+$/),
    frames: Number(text("frames", /^[1-9][0-9]{0,3}$/)),
    normaliser: normaliser === "none" ? null : normaliser,
    modelHash: text("modelHash", /^[0-9a-f]{64}$/),
  };
}
