/**
 * A policy from a file that need not be ours: an ONNX or TensorFlow.js model, with the normaliser
 * that must stand before it. Metadata of our own exports is believed and checked; a model without
 * any must only have the right sizes.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  canonicalJson,
  messageOf,
  OperationError,
  sha256,
  sha256Stream,
} from "../../core/index.ts";
import { type DenseLayer, hashOfLayers, type LogitNetwork } from "../dense-network.ts";
import { hashOfStatistics, type NormaliserStatistics } from "../frozen-normaliser.ts";
import { KernelDenseNetwork } from "../kernel/kernel-dense-network.ts";
import { Policy } from "../policy.ts";
import { type ModelNotes, notesFromText } from "./model-notes.ts";
import { NORMALISER_FILE, readNormaliser } from "./normaliser-file.ts";
import { readOnnx } from "./onnx-read.ts";
import { readTfjsFile } from "./tfjs-file.ts";
import { beyondMlp, readTfjs } from "./tfjs-read.ts";
import { type PackageImporter, tfjsNetwork } from "./tfjs-runtime.ts";

/** What a policy must fit. */
export interface ForeignModelOptions {
  /** Of the observation that it will be given. */
  readonly schemaHash: string;
  /** Numbers in one observation. */
  readonly observations: number;
  readonly actions: number;
  /** Statistics to normalise by; else those in normaliser.json beside the model, if it is there. */
  readonly normaliserFile?: string | undefined;
  readonly importPackage?: PackageImporter;
}

export interface ForeignModel {
  readonly policy: Policy;
  /** SHA-256 over layers and normaliser. */
  readonly modelHash: string;
  /** Observations that are stacked into one input; told by it, or as many as fit. */
  readonly frames: number;
  /** Where its statistics came from; null where it has none. */
  readonly normaliserFile: string | null;
  /** In a few words, such as "ONNX model, layers 52-64-64-5". */
  readonly description: string;
}

/** Whether `path` names a file that `openForeignModel` reads, by its ending. */
export function isForeignModel(path: string): boolean {
  return /\.(onnx|json)$/i.test(path);
}

/**
 * Opens a `.onnx` file or a TensorFlow.js `model.json`. `MODEL_MISSING`, `MODEL_DAMAGED`,
 * `MODEL_UNSUPPORTED`, `MODEL_RUNTIME`; `MODEL_SHAPE` for one of other sizes, `MODEL_SCHEMA` for
 * another observation; `NORMALISER_MISSING`, `NORMALISER_FORMAT`, `NORMALISER_OTHER`.
 */
export async function openForeignModel(
  path: string,
  options: ForeignModelOptions,
): Promise<ForeignModel> {
  const { network, notes, contentHash, kind } = /\.json$/i.test(path)
    ? await fromTfjs(path, options)
    : fromOnnx(path, options);
  if (notes !== null) requireSchema(path, notes, options.schemaHash);
  const frames = notes?.frames ?? framesOf(network, options);
  requireSizes(path, network, options, frames);
  const { statistics, file } = statisticsFor(path, notes, options.normaliserFile);
  if (statistics !== null && statistics.mean.length !== network.observations) {
    throw new OperationError(
      "NORMALISER_OTHER",
      `${file ?? path}: expected statistics of ${network.observations} observations, as ${path} ` +
        `takes, was ${statistics.mean.length}; name others with --normaliser`,
    );
  }
  const modelHash = sha256(
    canonicalJson([contentHash, statistics === null ? null : hashOfStatistics(statistics)]),
  );
  const policy = new Policy(network, statistics);
  return { policy, modelHash, frames, normaliserFile: file, description: kind };
}

interface Opened {
  readonly network: LogitNetwork;
  readonly notes: ModelNotes | null;
  readonly contentHash: string;
  readonly kind: string;
}

function fromOnnx(path: string, { actions }: ForeignModelOptions): Opened {
  const { layers, metadata } = readOnnx(path, readBytes(path), actions);
  return ofLayers("ONNX model", layers, notesFromText(path, metadata));
}

async function fromTfjs(path: string, options: ForeignModelOptions): Promise<Opened> {
  const model = readTfjsFile(path);
  const notes = notesFromText(path, model.metadata);
  const beyond = beyondMlp(model);
  if (beyond === null) {
    return ofLayers("TensorFlow.js model", readTfjs(path, model, options.actions), notes);
  }
  const network = await tfjsNetwork(path, model, options.actions, options.importPackage);
  const { modelTopology, weightsManifest } = model.json;
  const contentHash = sha256Stream()
    .update(JSON.stringify([modelTopology, weightsManifest]))
    .update(model.weightBytes)
    .digest("hex");
  return { network, notes, contentHash, kind: `TensorFlow.js model with ${beyond}` };
}

function ofLayers(kind: string, layers: readonly DenseLayer[], notes: ModelNotes | null): Opened {
  const widths = [layers[0]?.inputs ?? 0, ...layers.map(({ outputs }) => outputs)];
  return {
    network: new KernelDenseNetwork(layers),
    notes,
    contentHash: hashOfLayers(layers),
    kind: `${kind}, layers ${widths.join("-")}`,
  };
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new OperationError(
      "MODEL_MISSING",
      `${path}: expected an ONNX model, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function requireSchema(path: string, notes: ModelNotes, schemaHash: string): void {
  if (notes.schemaHash === schemaHash) return;
  throw new OperationError(
    "MODEL_SCHEMA",
    `${path}: expected a model for observation schema ${schemaHash.slice(0, 12)}, was one for ` +
      `${notes.schemaHash.slice(0, 12)}; train it again, or use the version of kalshi-gym that ` +
      `it was trained with`,
  );
}

/** A model that does not say takes as many frames as its input has room for. */
function framesOf(network: LogitNetwork, { observations }: ForeignModelOptions): number {
  const frames = network.observations / observations;
  return Number.isInteger(frames) && frames >= 1 ? frames : 1;
}

function requireSizes(
  path: string,
  network: LogitNetwork,
  { observations, actions }: ForeignModelOptions,
  frames: number,
): void {
  const inputs = observations * frames;
  if (network.observations === inputs && network.actions === actions) return;
  const stacked = frames === 1 ? "" : ` (${frames} stacked observations of ${observations})`;
  throw new OperationError(
    "MODEL_SHAPE",
    `${path}: expected ${inputs} inputs${stacked} and ${actions} outputs, was ` +
      `${network.observations} and ${network.actions}; the model is for another environment`,
  );
}

/**
 * The statistics that belong before a model. One of ours says whether it needs any, and which; for
 * another, a file that is named or lies beside it is meant.
 */
function statisticsFor(
  path: string,
  notes: ModelNotes | null,
  named: string | undefined,
): { statistics: NormaliserStatistics | null; file: string | null } {
  const none = { statistics: null, file: null };
  if (notes !== null && notes.normaliser === null) {
    if (named === undefined) return none;
    throw new OperationError(
      "NORMALISER_OTHER",
      `${path}: expected no --normaliser, for it was trained without one, was ${named}`,
    );
  }
  const beside = join(dirname(path), NORMALISER_FILE);
  const file = named ?? beside;
  if (named === undefined && !existsSync(beside)) {
    if (notes === null) return none;
    throw new OperationError(
      "NORMALISER_MISSING",
      `${path}: expected normaliser statistics in ${beside}, for it was trained with them, was ` +
        `none; copy ${NORMALISER_FILE} from the model's folder, or name it with --normaliser`,
    );
  }
  const statistics = readNormaliser(file);
  if (notes !== null && hashOfStatistics(statistics) !== notes.normaliser) {
    throw new OperationError(
      "NORMALISER_OTHER",
      `${file}: expected the statistics that ${path} was trained with, was others; ` +
        `copy ${NORMALISER_FILE} from the model's own folder`,
    );
  }
  return { statistics, file };
}
