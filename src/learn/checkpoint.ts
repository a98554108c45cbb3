/**
 * A checkpoint: all state of a run in one file. A magic word, a version, the lengths of the header
 * and of the file, a JSON header, the arrays (little-endian float32), and at the end a SHA-256 of
 * everything before it.
 */
import { readFileSync } from "node:fs";
import { messageOf, OperationError, sha256, writeFileAtomically } from "../core/index.ts";
import { fromLittleEndian, littleEndian } from "./little-endian.ts";
import type { TrainerState } from "./ppo-trainer.ts";

export const CHECKPOINT_FILE = "checkpoint.bin";
const MAGIC = "KGYMCKPT";
const FORMAT_VERSION = 2;
/** Magic word 8, version 4, length of the header 4, length of the file 8. */
const PREFIX_BYTES = 24;
const HASH_BYTES = 32;
const WAY_OUT = "resume from a copy, or start a new run";
const ARRAYS = ["params", "first", "second"] as const;

/** What the caller stores beside the state and wants back: hashes, configuration. Plain data. */
export type CheckpointFacts = Readonly<Record<string, unknown>>;

/** Writes atomically; `FILE_WRITE` where that cannot be. */
export function saveCheckpoint(path: string, state: TrainerState, facts: CheckpointFacts): void {
  const { params, first, second, ...plain } = state;
  const header = Buffer.from(JSON.stringify({ facts, length: params.length, plain }));
  const content = Buffer.concat([header, ...[params, first, second].map(littleEndian)]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, "latin1");
  prefix.writeUInt32LE(FORMAT_VERSION, 8);
  prefix.writeUInt32LE(header.length, 12);
  prefix.writeDoubleLE(PREFIX_BYTES + content.length + HASH_BYTES, 16);
  const body = Buffer.concat([prefix, content]);
  writeFileAtomically(path, Buffer.concat([body, Buffer.from(sha256(body), "hex")]));
}

/**
 * Reads what `saveCheckpoint` wrote. `CHECKPOINT_MISSING`, `CHECKPOINT_FORMAT` (not ours),
 * `CHECKPOINT_VERSION`, `CHECKPOINT_DAMAGED` (cut short or changed).
 */
export function loadCheckpoint(path: string): { state: TrainerState; facts: CheckpointFacts } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new OperationError(
      "CHECKPOINT_MISSING",
      `${path}: expected a checkpoint, was: ${messageOf(error)}; ${WAY_OUT}`,
      { cause: error },
    );
  }
  // Of a file that was cut short even the magic word may be a part.
  if (!MAGIC.startsWith(bytes.toString("latin1", 0, MAGIC.length))) {
    throw new OperationError(
      "CHECKPOINT_FORMAT",
      `${path}: expected a kalshi-gym checkpoint, was another kind of file; ${WAY_OUT}`,
    );
  }
  const version = bytes.length >= 12 ? bytes.readUInt32LE(8) : FORMAT_VERSION;
  if (version !== FORMAT_VERSION) {
    throw new OperationError(
      "CHECKPOINT_VERSION",
      `${path}: expected checkpoint version ${FORMAT_VERSION}, was ${version}; ` +
        `resume with the version of kalshi-gym that wrote it, or start a new run`,
    );
  }
  const body = requireWhole(path, bytes);
  const headerLength = body.readUInt32LE(12);
  const header = JSON.parse(body.toString("utf8", PREFIX_BYTES, PREFIX_BYTES + headerLength)) as {
    facts: CheckpointFacts;
    length: number;
    plain: Omit<TrainerState, (typeof ARRAYS)[number]>;
  };
  const arrays = ARRAYS.map((_, index) => {
    const from = PREFIX_BYTES + headerLength + index * header.length * 4;
    return fromLittleEndian(body.subarray(from, from + header.length * 4)) as Float32Array;
  });
  const [params, first, second] = arrays as [Float32Array, Float32Array, Float32Array];
  return { state: { ...header.plain, params, first, second }, facts: header.facts };
}

/** What the checksum is of; `CHECKPOINT_DAMAGED` where it does not fit, or not all is there. */
function requireWhole(path: string, bytes: Buffer): Buffer {
  const expected = bytes.length < PREFIX_BYTES ? PREFIX_BYTES : bytes.readDoubleLE(16);
  if (bytes.length < expected) {
    throw new OperationError(
      "CHECKPOINT_DAMAGED",
      `${path}: expected at least ${expected} bytes, was ${bytes.length}: it was cut short; ` +
        WAY_OUT,
    );
  }
  const body = bytes.subarray(0, bytes.length - HASH_BYTES);
  const stored = bytes.subarray(bytes.length - HASH_BYTES).toString("hex");
  if (bytes.length < PREFIX_BYTES + HASH_BYTES || sha256(body) !== stored) {
    throw new OperationError(
      "CHECKPOINT_DAMAGED",
      `${path}: expected a file that fits its own checksum, was one that was changed; ${WAY_OUT}`,
    );
  }
  return body;
}
