/**
 * A trained model on disk, `models/<run>/`:
 *   manifest.json    what it is and where it comes from; `modelHash` is over shape and weights
 *   policy.bin       the weights, little-endian float32
 *   model.json       the policy for TensorFlow.js, with its weights in weights.bin
 *   policy.onnx      policy and value for anything that runs ONNX
 *   normaliser.json  what their observations must be normalised by; absent where by nothing
 *   checkpoint.bin   all state of the run, from which it continues bit for bit
 * All are written atomically, the manifest last, so a folder with a manifest is a whole model. What
 * is for others holds the same numbers and is not read where there is a manifest.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  canonicalJson,
  messageOf,
  OperationError,
  sha256Stream,
  writeFileAtomically,
} from "../core/index.ts";
import { NORMALISER_FILE, normaliserText } from "./formats/normaliser-file.ts";
import { onnxOf } from "./formats/onnx-write.ts";
import { tfjsOf } from "./formats/tfjs-write.ts";
import { hashOfStatistics, statisticsOf } from "./frozen-normaliser.ts";
import { fromLittleEndian, littleEndian } from "./little-endian.ts";
import { isNetworkShape, type NetworkShape } from "./network-shape.ts";
import type { NormaliserState } from "./observation-normaliser.ts";
import { Policy } from "./policy.ts";

const FORMAT_VERSION = 2;
export const MANIFEST_FILE = "manifest.json";
const POLICY_FILE = "policy.bin";
export const TFJS_FILE = "model.json";
const TFJS_WEIGHTS_FILE = "weights.bin";
const ONNX_FILE = "policy.onnx";

/** All that `saveModel` may write; the manifest first, as without it no model is left. */
export const MODEL_FILES = [
  MANIFEST_FILE,
  POLICY_FILE,
  TFJS_FILE,
  TFJS_WEIGHTS_FILE,
  ONNX_FILE,
  NORMALISER_FILE,
] as const;

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
  /** Observations that are stacked into one input; 1 where none are. */
  readonly frames?: number;
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

/** What is told of a model, without writing it down. */
export function makeManifest(
  shape: NetworkShape,
  params: Float32Array,
  facts: ModelFacts,
): ModelManifest {
  const modelHash = modelHashOf(shape, params, facts.normaliser);
  return { formatVersion: FORMAT_VERSION, modelHash, shape, ...facts };
}

/** Writes policy, exports and manifest into `folder`; `FILE_WRITE` where that cannot be. */
export function saveModel(
  folder: string,
  shape: NetworkShape,
  params: Float32Array,
  facts: ModelFacts,
): ModelManifest {
  const { schemaHash, software, frames = 1 } = facts;
  const manifest = makeManifest(shape, params, facts);
  const { modelHash } = manifest;
  const statistics = facts.normaliser ? statisticsOf(facts.normaliser) : null;
  const normaliser = statistics === null ? null : hashOfStatistics(statistics);
  const notes = { schemaHash, frames, normaliser, modelHash };
  const tfjs = tfjsOf(shape, params, notes, software, TFJS_WEIGHTS_FILE);
  const write = (file: string, content: string | Uint8Array): void =>
    writeFileAtomically(join(folder, file), content);
  write(POLICY_FILE, littleEndian(params));
  write(TFJS_WEIGHTS_FILE, tfjs.weights);
  write(TFJS_FILE, tfjs.model);
  write(ONNX_FILE, onnxOf(shape, params, notes, software));
  if (statistics === null) rmSync(join(folder, NORMALISER_FILE), { force: true });
  else write(NORMALISER_FILE, normaliserText(statistics));
  write(MANIFEST_FILE, `${JSON.stringify(manifest, null, 2)}\n`);
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
  return { manifest, policy: Policy.ofNetwork(shape, params, normaliser) };
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
      `${place}: expected formatVersion ${FORMAT_VERSION}, was ${String(manifest.formatVersion)}; ` +
        `train it again, or use the version of kalshi-gym that wrote it`,
    );
  }
  if (!isNetworkShape(manifest.shape) || typeof manifest.modelHash !== "string") {
    throw new OperationError(
      "MODEL_FORMAT",
      `${place}: expected shape (observations, actions, hidden, activation, trunk) and modelHash, ` +
        `was not both; copy or train the model again`,
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
