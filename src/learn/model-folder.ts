/**
 * A trained model on disk, `models/<run>/`:
 *   manifest.json   what it is and where it comes from; `modelHash` is over shape and weights
 *   policy.bin      the weights, little-endian float32
 *   checkpoint.bin  all state of the run, from which it continues bit for bit
 * All are written atomically, the manifest last, so a folder with a manifest is a whole model.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  bytesOf,
  canonicalJson,
  messageOf,
  OperationError,
  sha256Stream,
  writeFileAtomically,
} from "../core/index.ts";
import type { NetworkShape } from "./network-shape.ts";
import type { NormaliserState } from "./observation-normaliser.ts";
import { Policy } from "./policy.ts";

const FORMAT_VERSION = 1;
export const MANIFEST_FILE = "manifest.json";
export const POLICY_FILE = "policy.bin";

/** What the trainer of a model tells of it; plain data. */
export interface ModelFacts {
  /** Schema hash of the observations that it acts on. */
  readonly schemaHash: string;
  readonly seed: number | string;
  /** The run's whole configuration. */
  readonly configuration: unknown;
  /** Content hashes of the sessions that it was trained on, by id. */
  readonly sessions: Readonly<Record<string, string>>;
  readonly steps: number;
  /** Moments that the policy's observations are normalised by; none where they are not. */
  readonly normaliser?: NormaliserState | null;
  /** Version of this software. */
  readonly software: string;
  /** Figures of the run. */
  readonly result: unknown;
}

export interface ModelManifest extends ModelFacts {
  readonly formatVersion: number;
  readonly shape: NetworkShape;
  readonly modelHash: string;
}

/** SHA-256 over a network's shape, weights and normaliser, if any: equal policies, equal hash. */
export function modelHashOf(
  shape: NetworkShape,
  params: Float32Array,
  normaliser: NormaliserState | null = null,
): string {
  const hash = sha256Stream().update(canonicalJson(shape)).update(littleEndian(params));
  if (normaliser !== null) hash.update(canonicalJson(normaliser));
  return hash.digest("hex");
}

/** Writes policy and manifest into `folder`; `FILE_WRITE` where that cannot be. */
export function saveModel(
  folder: string,
  shape: NetworkShape,
  params: Float32Array,
  facts: ModelFacts,
): ModelManifest {
  const modelHash = modelHashOf(shape, params, facts.normaliser);
  const manifest: ModelManifest = { formatVersion: FORMAT_VERSION, modelHash, shape, ...facts };
  writeFileAtomically(join(folder, POLICY_FILE), littleEndian(params));
  writeFileAtomically(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

export interface Model {
  readonly manifest: ModelManifest;
  readonly policy: Policy;
}

/**
 * Reads the model in `folder`. `MODEL_MISSING`, `MODEL_FORMAT`, `MODEL_VERSION`; `MODEL_SCHEMA`
 * where it acts on other observations than those of `schemaHash`; `MODEL_DAMAGED` where its weights
 * are not those that the manifest speaks of.
 */
export function loadModel(folder: string, schemaHash: string): Model {
  const manifest = readManifest(folder);
  if (manifest.schemaHash !== schemaHash) {
    throw new OperationError(
      "MODEL_SCHEMA",
      `${folder}: expected a model for observation schema ${schemaHash.slice(0, 12)}, was one for ` +
        `${String(manifest.schemaHash).slice(0, 12)}; train it again, or use the version of ` +
        `kalshi-gym that it was trained with (${manifest.software})`,
    );
  }
  const bytes = read(folder, POLICY_FILE);
  const params = fromLittleEndian(bytes);
  const { shape, normaliser = null } = manifest;
  if (params === null || modelHashOf(shape, params, normaliser) !== manifest.modelHash) {
    throw new OperationError(
      "MODEL_DAMAGED",
      `${join(folder, POLICY_FILE)}: expected the weights with hash ` +
        `${manifest.modelHash.slice(0, 12)}, was something else; copy or train the model again`,
    );
  }
  return { manifest, policy: new Policy(shape, params, normaliser) };
}

function readManifest(folder: string): ModelManifest {
  const place = join(folder, MANIFEST_FILE);
  let manifest: Partial<ModelManifest>;
  try {
    const value: unknown = JSON.parse(read(folder, MANIFEST_FILE).toString("utf8"));
    // Whatever JSON it is, the checks below look only at members.
    manifest = Object(value) as Partial<ModelManifest>;
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw new OperationError("MODEL_FORMAT", `${place}: expected JSON, was: ${messageOf(error)}`);
  }
  if (manifest.formatVersion !== FORMAT_VERSION) {
    throw new OperationError(
      "MODEL_VERSION",
      `${place}: expected formatVersion ${FORMAT_VERSION}, was ${String(manifest.formatVersion)}`,
    );
  }
  const { shape, modelHash } = manifest;
  const hidden: unknown = shape?.hidden;
  const sizes: unknown[] = [shape?.observations, shape?.actions];
  sizes.push(...(Array.isArray(hidden) ? (hidden as unknown[]) : [null]));
  const isWhole = sizes.every((size) => Number.isInteger(size) && (size as number) > 0);
  if (!isWhole || typeof modelHash !== "string") {
    throw new OperationError(
      "MODEL_FORMAT",
      `${place}: expected shape and modelHash, was not both`,
    );
  }
  if (!isNormaliser(manifest.normaliser ?? null)) {
    throw new OperationError(
      "MODEL_FORMAT",
      `${place}: expected normaliser to be null or finite count, mean and variance, was neither`,
    );
  }
  return manifest as ModelManifest;
}

function isNormaliser(value: unknown): boolean {
  if (value === null) return true;
  const { count, mean, variance } = Object(value) as Partial<Record<string, unknown>>;
  const lists = [[count], mean, variance];
  return lists.every((list) => Array.isArray(list) && list.every(Number.isFinite));
}

function read(folder: string, file: string): Buffer {
  try {
    return readFileSync(join(folder, file));
  } catch (error) {
    throw new OperationError(
      "MODEL_MISSING",
      `${join(folder, file)}: expected a model's file, was: ${messageOf(error)}; ` +
        `"kalshi-gym train --out ${folder}" makes one`,
      { cause: error },
    );
  }
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The bytes of float32 numbers, lowest byte first on any machine. */
export function littleEndian(params: Float32Array): Uint8Array {
  const bytes = bytesOf(params).slice();
  if (!IS_LITTLE_ENDIAN) Buffer.from(bytes.buffer).swap32();
  return bytes;
}

/** The inverse; null where the length is not a multiple of four. */
export function fromLittleEndian(bytes: Uint8Array): Float32Array | null {
  if (bytes.length % 4 !== 0) return null;
  // A Buffer's own slice would share its memory, and begin anywhere in it.
  const copy = Uint8Array.from(bytes);
  if (!IS_LITTLE_ENDIAN) Buffer.from(copy.buffer).swap32();
  return new Float32Array(copy.buffer);
}
