/** Training on recorded sessions: a configuration and sessions become a run of `runTraining`. */
import { SCHEMA_HASH } from "../features/index.ts";
import { stackFrames } from "../gym/index.ts";
import { ACTION_NAMES } from "../orders/index.ts";
import { KalshiVectorEnv } from "../sim/index.ts";
import { type Configuration, episodeSettings, ppoSettings } from "./configuration.ts";
import type { Console } from "./console.ts";
import type { Interruption } from "./interruption.ts";
import { runTraining, type TrainingResult } from "./training.ts";
import { type LoadedSession, sessionHashes } from "./wire.ts";

export interface SessionTrainingOptions {
  readonly configuration: Configuration;
  readonly sessions: readonly LoadedSession[];
  /** Model folder to make. */
  readonly out: string;
  /** Goes on from the checkpoint in `out`. */
  readonly resume: boolean;
  readonly io: Console;
  readonly interruption: Interruption;
  /** Threads that share an update; they change no result. 1 by default. */
  readonly threads?: number;
  /** Steps from which on the run pauses. */
  readonly until?: number;
}

/** Trains, and leaves a whole model folder behind, also when interrupted. */
export async function trainOnSessions(options: SessionTrainingOptions): Promise<TrainingResult> {
  const { configuration, sessions, ...run } = options;
  const { environments, frames, seed } = configuration;
  const data = sessions.map((session) => session.data);
  const lanes = new KalshiVectorEnv(data, environments, episodeSettings(configuration));
  return runTraining({
    ...run,
    env: stackFrames(lanes, frames),
    settings: ppoSettings(configuration),
    seed,
    facts: {
      schemaHash: SCHEMA_HASH,
      configuration: recipeOf(configuration),
      sessions: sessionHashes(sessions),
      frames,
    },
    actionNames: ACTION_NAMES,
    unit: "$",
  });
}

/**
 * What of a configuration decides the model: where its files lay does not, and a manifest that told
 * of it would differ from folder to folder.
 */
function recipeOf(configuration: Configuration): Omit<Configuration, "files"> {
  const recipe: Partial<Configuration> = { ...configuration };
  delete recipe.files;
  return recipe as Omit<Configuration, "files">;
}
