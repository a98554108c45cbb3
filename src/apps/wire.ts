/**
 * Composition: folders become sessions, models become policies, a configuration becomes an
 * environment. The one place that knows how the rooms are put together.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { OperationError } from "../core/index.ts";
import { FEATURE_COUNT, SCHEMA_HASH } from "../features/index.ts";
import {
  type EvaluatedPolicy,
  isForeignModel,
  loadModel,
  MANIFEST_FILE,
  type ModelManifest,
  openForeignModel,
  type Policy,
  rememberFrames,
  TFJS_FILE,
} from "../learn/index.ts";
import { queueQuality } from "../market/index.ts";
import { ACTION_COUNT } from "../orders/index.ts";
import { type MarketData, type SessionData, SessionDataLoader } from "../sim/index.ts";
import { BASELINES } from "../strategies/index.ts";
import type { Console } from "./console.ts";

/** A session with the folder that it was loaded from. */
export interface LoadedSession {
  readonly folder: string;
  readonly data: SessionData;
}

interface PackageJson {
  readonly version: string;
}

const packageFile = fileURLToPath(new URL("../../package.json", import.meta.url));

/** Version of this software, as manifests and records carry it. */
export const SOFTWARE = `kalshi-gym ${(JSON.parse(readFileSync(packageFile, "utf8")) as PackageJson).version}`;

/** Root of the installed package: where its sample sessions are. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Sample sessions that come with the product, by what they are meant for. */
export const SAMPLE_TRAINING = ["sample-1", "sample-2", "sample-3", "sample-4"] as const;
export const SAMPLE_HELD_OUT = ["sample-5", "sample-6"] as const;

/**
 * Session folders among `paths`: a session itself, or a folder of sessions. `SESSION_MISSING` for a
 * path that is neither.
 */
export function sessionFolders(paths: readonly string[]): string[] {
  const folders = paths.flatMap((path) => {
    if (existsSync(join(path, "session.db")) || basename(path) === "session.db") return [path];
    const within =
      existsSync(path) && statSync(path).isDirectory()
        ? readdirSync(path)
            .sort()
            .map((entry) => join(path, entry))
            .filter((entry) => existsSync(join(entry, "session.db")))
        : [];
    if (within.length > 0) return within;
    throw new OperationError(
      "SESSION_MISSING",
      `${path}: expected a session folder, or a folder of them, was neither; ` +
        `"kalshi-gym sessions import" and "sessions generate" make sessions`,
    );
  });
  return [...new Set(folders)];
}

/** Loads sessions with progress; the same session twice is refused, for it would count double. */
export function loadSessions(paths: readonly string[], io: Console): LoadedSession[] {
  const folders = sessionFolders(paths);
  const progress = io.progress("loading sessions", folders.length);
  const loaded: LoadedSession[] = [];
  try {
    const loader = new SessionDataLoader();
    for (const folder of folders) {
      const data = loader.load(folder);
      const twin = loaded.find((other) => other.data.contentHash === data.contentHash);
      if (twin !== undefined) {
        throw new OperationError(
          "SESSION_TWICE",
          `${folder}: expected sessions that differ, was the same as ${twin.folder}; name it once`,
        );
      }
      warnOfMissingResults(folder, data, io);
      warnOfMissingQueues(folder, data, io);
      loaded.push({ folder, data });
      progress.update(loaded.length, folder);
    }
  } finally {
    progress.stop();
  }
  return loaded;
}

/** Without a result nothing is paid out at the close, which whoever judges a policy should know. */
function warnOfMissingResults(folder: string, { markets }: SessionData, io: Console): void {
  const without = markets.filter(({ info }) => info.settlement === null);
  if (without.length === 0) return;
  const tickers = without.map(({ info }) => info.ticker).join(", ");
  io.warn(
    `${folder}: no result is known for ${tickers}; their episodes are cut off at the close. ` +
      `"sessions import --result <ticker>=yes|no" gives one.`,
  );
}

/** Where a feed is not order by order, the fill model queue is level. */
function warnOfMissingQueues(folder: string, { tape, markets }: SessionData, io: Console): void {
  const without = markets.filter(({ market }) => !queueQuality(tape, [market]).used);
  if (without.length === 0) return;
  const tickers = without.map(({ info }) => info.ticker).join(", ");
  io.warn(
    `${folder}: the queues of ${tickers} could not be reconstructed; the fill model "queue" uses ` +
      `the totals of levels there, as "level" does.`,
  );
}

/** Content hashes by session id, for manifests. */
export function sessionHashes(sessions: readonly LoadedSession[]): Record<string, string> {
  return Object.fromEntries(sessions.map(({ data }) => [data.sessionId, data.contentHash]));
}

export type Choice = "best" | "sample";

/** A policy from a file or folder, ready to act on this version's observation. */
export interface OpenedModel {
  readonly policy: Policy;
  readonly modelHash: string;
  /** Observations that it sees at once. */
  readonly frames: number;
  /** What its trainer told of it; null for a model from elsewhere. */
  readonly manifest: ModelManifest | null;
  /** In a few words, for people. */
  readonly description: string;
}

/** A model as a policy that can be compared with others; it remembers the frames it needs. */
export function agentPolicy(
  { policy, frames }: Pick<OpenedModel, "policy" | "frames">,
  choice: Choice,
): EvaluatedPolicy {
  const agent: EvaluatedPolicy = {
    name: "agent",
    act: (observation, mask, prng) =>
      choice === "best" ? policy.best(observation, mask) : policy.sample(observation, mask, prng),
  };
  return rememberFrames(agent, FEATURE_COUNT, frames);
}

/** Where a model is, as its user says. */
export interface ModelPlace {
  /** A model folder, a TensorFlow.js model.json or an ONNX file. */
  readonly path: string;
  /** Statistics that observations are normalised by, for models that do not bring them along. */
  readonly normaliser?: string | undefined;
}

/**
 * Opens a model for this version's observation: a folder that `train` made, or what another tool
 * wrote. `MODEL_SHAPE` where it takes other numbers, and the codes of `loadModel` and
 * `openForeignModel`.
 */
export async function openModel({ path, normaliser }: ModelPlace): Promise<OpenedModel> {
  const place = modelFileIn(path);
  if (!isForeignModel(place)) return openOwnModel(place, normaliser);
  const { policy, modelHash, frames, normaliserFile, description } = await openForeignModel(place, {
    schemaHash: SCHEMA_HASH,
    observations: FEATURE_COUNT,
    actions: ACTION_COUNT,
    normaliserFile: normaliser,
  });
  const stacked = frames === 1 ? "" : `, ${frames} frames`;
  const normalised = normaliserFile === null ? "no normaliser" : `normalised by ${normaliserFile}`;
  return {
    policy,
    modelHash,
    frames,
    manifest: null,
    description: `${description}${stacked}, ${normalised}`,
  };
}

function openOwnModel(folder: string, normaliser: string | undefined): OpenedModel {
  const { manifest, policy } = loadModel(folder, SCHEMA_HASH);
  const { shape, frames = 1, modelHash } = manifest;
  if (shape.observations !== frames * FEATURE_COUNT || shape.actions !== ACTION_COUNT) {
    throw new OperationError(
      "MODEL_SHAPE",
      `${folder}: expected a model of ${frames} frames x ${FEATURE_COUNT} features and ` +
        `${ACTION_COUNT} actions, was one of ${shape.observations} numbers and ` +
        `${shape.actions} actions; copy or train the model again`,
    );
  }
  if (normaliser !== undefined) {
    throw new OperationError(
      "NORMALISER_OTHER",
      `${folder}: expected no --normaliser, for a model folder holds what its model needs, was ` +
        `${normaliser}; leave it out`,
    );
  }
  return { policy, modelHash, frames, manifest, description: `model folder ${folder}` };
}

/** What other tools keep models in, and what to do with it. */
const NOT_READ: readonly (readonly [RegExp, string])[] = [
  [/\.zip$/i, "a Stable-Baselines3 archive; export its policy as ONNX"],
  [/\.(pt|pth|pkl)$/i, "a PyTorch file; export its policy as ONNX"],
  [/\.(h5|keras|pb)$/i, "a Keras file; convert it with tensorflowjs_converter"],
];

/**
 * The model file that a path means, or the folder of a model of our own. In a folder a manifest comes
 * first, then a model.json, then an ONNX file that is alone there.
 */
function modelFileIn(path: string): string {
  if (basename(path) === MANIFEST_FILE) return dirname(path);
  const odd = NOT_READ.find(([pattern]) => pattern.test(path));
  if (odd !== undefined) {
    throw new OperationError(
      "MODEL_UNSUPPORTED",
      `${path}: expected a model folder, a TensorFlow.js model.json or an ONNX file, was ` +
        `${odd[1]} (docs/models.md)`,
    );
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return path;
  const files = readdirSync(path);
  if (files.includes(MANIFEST_FILE)) return path;
  if (files.includes(TFJS_FILE)) return join(path, TFJS_FILE);
  const onnx = files.filter((file) => /\.onnx$/i.test(file));
  return onnx.length === 1 && onnx[0] !== undefined ? join(path, onnx[0]) : path;
}

/** The rule-based policy called `name`, or undefined. */
export function baselinePolicy(name: string): EvaluatedPolicy | undefined {
  return BASELINES.find((baseline) => baseline.name === name);
}

/** A market of loaded sessions by its session's content and its ticker. */
export function findMarket(
  sessions: readonly LoadedSession[],
  contentHash: string,
  ticker: string,
): MarketData | undefined {
  const session = sessions.find(({ data }) => data.contentHash === contentHash);
  return session?.data.markets.find(({ info }) => info.ticker === ticker);
}
