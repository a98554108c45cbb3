/** Training on recorded sessions: a configuration and sessions become a run of `runTraining`. */
import { canonicalJson, OperationError, sha256 } from "../core/index.ts";
import { FEATURE_NAMES, SCHEMA_HASH } from "../features/index.ts";
import type { VectorEnv } from "../gym/index.ts";
import { ACTION_NAMES } from "../orders/index.ts";
import { kalshiLaneModule, MarketAgnosticKalshiEnv, threadedKalshiEnv } from "../sim/index.ts";
import { callbackOptions, type HeldOutData, recordedCallbacks } from "./callback-flags.ts";
import { type Configuration, episodeSettings, ppoSettings, without } from "./configuration.ts";
import type { Console } from "./console.ts";
import { evaluateEpisodes } from "./held-out.ts";
import type { Interruption } from "./interruption.ts";
import { coresHere } from "./run-flags.ts";
import { runTraining, type TrainingResult } from "./training.ts";
import { agentPolicy, type LoadedSession, sessionHashes } from "./wire.ts";

export interface SessionTrainingOptions {
  readonly configuration: Configuration;
  readonly sessions: readonly LoadedSession[];
  /** Sessions to evaluate on while training; none by default. */
  readonly heldOut?: readonly LoadedSession[];
  /** Model folder to make. */
  readonly out: string;
  /** Goes on from the checkpoint in `out`. */
  readonly resume: boolean;
  /** Starts anew where there is a model in `out` already; refused by default. */
  readonly replace?: boolean;
  readonly io: Console;
  readonly interruption: Interruption;
  /** Threads that share an update and the lanes, by default one a core; they change no result. */
  readonly threads?: number;
  /** Steps from which on the run pauses. */
  readonly until?: number;
}

/**
 * Trains, and leaves a whole model folder behind, also when interrupted. `TRAIN_HELD_OUT` where a
 * session is to be trained and evaluated on.
 */
export async function trainOnSessions(options: SessionTrainingOptions): Promise<TrainingResult> {
  const { configuration, sessions, heldOut = [], threads = coresHere(), ...run } = options;
  const { frames, seed, callbacks } = configuration;
  requireUnseen(heldOut, sessions);
  const settings = ppoSettings(configuration);
  const evaluated = heldOut.length === 0 ? null : heldOutData(configuration, heldOut);
  return runTraining({
    ...run,
    threads,
    env: lanesOf(options, threads),
    settings,
    seed,
    facts: {
      schemaHash: SCHEMA_HASH,
      configuration: recipeOf(configuration),
      sessions: sessionHashes(sessions),
      frames,
    },
    callbacks: callbackOptions(callbacks, settings.totalSteps, evaluated),
    actionNames: ACTION_NAMES,
    featureNames: namesOfFrames(frames),
    // A recording of one evening has one weekday.
    calmFeatures: namesOfFrames(frames).filter((name) => name.startsWith("day_of_week_norm")),
    unit: "$",
  });
}

/**
 * On the caller's thread alone where there is no program for others, as in a bundle; and where
 * observations are normalised: that needs all lanes at every step, which costs more than it saves.
 */
function lanesOf({ configuration, sessions }: SessionTrainingOptions, threads: number): VectorEnv {
  const isAlone = kalshiLaneModule() === null || configuration.ppo.normaliseObservations === true;
  return threadedKalshiEnv({
    sessions: sessions.map(({ data }) => data),
    count: configuration.environments,
    settings: episodeSettings(configuration),
    frames: configuration.frames,
    threads: isAlone ? 1 : threads,
  });
}

/**
 * What of a configuration decides the model: where its files lay does not, nor how often it was
 * saved, and a manifest that told of it would differ from folder to folder. Backtests are others'.
 */
function recipeOf(configuration: Configuration): object {
  const callbacks = recordedCallbacks(configuration.callbacks);
  return { ...without(configuration, ["files", "backtest"]), callbacks };
}

/** The oldest frame comes first. */
function namesOfFrames(frames: number): string[] {
  return Array.from({ length: frames }, (_, frame) => frames - 1 - frame).flatMap((back) =>
    FEATURE_NAMES.map((name) => (back === 0 ? name : `${name}, ${back} before`)),
  );
}

/** The agent as `evaluate` has it, on the same episodes every time. */
function heldOutData(configuration: Configuration, heldOut: readonly LoadedSession[]): HeldOutData {
  const { callbacks, evaluation, frames, seed } = configuration;
  const { evaluateEpisodes: episodes } = callbacks;
  const settings = episodeSettings(configuration);
  const env = new MarketAgnosticKalshiEnv({
    sessions: heldOut.map(({ data }) => data),
    ...settings,
  });
  const sessions = sessionHashes(heldOut);
  const { choice } = evaluation;
  return {
    identity: sha256(canonicalJson({ sessions: Object.values(sessions), episodes, choice })),
    sessions,
    evaluate: (policy) =>
      evaluateEpisodes(env, agentPolicy({ policy, frames }, choice), episodes, `held out ${seed}`),
  };
}

function requireUnseen(
  heldOut: readonly LoadedSession[],
  sessions: readonly LoadedSession[],
): void {
  const seen = new Set(sessions.map(({ data }) => data.contentHash));
  const both = heldOut.find(({ data }) => seen.has(data.contentHash));
  if (both === undefined) return;
  throw new OperationError(
    "TRAIN_HELD_OUT",
    `--evaluate-on ${both.folder}: expected a session that is not trained on, was one of ` +
      `--sessions; leave it out of one of them`,
  );
}
