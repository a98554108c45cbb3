/**
 * A run on a reference environment with a preset's settings, measured as the preset's source
 * measures its own, so that the figure can stand beside a published one.
 */
import { join } from "node:path";
import { sha256 } from "../core/index.ts";
import { type Env, makeEnv, SyncVectorEnv } from "../gym/index.ts";
import { type EvaluatedPolicy, evaluateInSteps, type Policy, type Preset } from "../learn/index.ts";
import {
  callbackOptions,
  type CallbackSettings,
  type HeldOutData,
  recordedCallbacks,
} from "./callback-flags.ts";
import type { Console } from "./console.ts";
import { evaluateEpisodes } from "./held-out.ts";
import { breathe, type Interruption } from "./interruption.ts";
import { type EpisodesMean, meanOfLast, readRollouts } from "./metrics-lines.ts";
import { METRICS_FILE } from "./run-files.ts";
import { type Ending, runTraining, type TrainingResult } from "./training.ts";

export interface EnvTrainingOptions {
  readonly preset: Preset;
  readonly seed: number | string;
  readonly threads: number;
  /** Model folder to make; null writes nothing. */
  readonly out: string | null;
  /** Goes on from the checkpoint in `out`. */
  readonly resume: boolean;
  /** Starts anew where there is a model in `out` already; refused by default. */
  readonly replace?: boolean;
  /** Steps from which on the run pauses. */
  readonly until?: number;
  /** What is done between two iterations; evaluations where `evaluateEvery` is set. */
  readonly callbacks: CallbackSettings;
  readonly io: Console;
  readonly interruption: Interruption;
}

export interface EnvTrainingResult extends EpisodesMean {
  readonly steps: number;
  /** Of training alone. */
  readonly stepsPerSecond: number;
  readonly modelHash: string;
  readonly ending: Ending;
  readonly best: TrainingResult["best"];
}

/** Trains, and measures as the preset does: no episode where the run was interrupted before. */
export async function trainOnEnv(options: EnvTrainingOptions): Promise<EnvTrainingResult> {
  const { preset, seed, threads, out, resume, replace = false, io, interruption } = options;
  const { until = Infinity } = options;
  const { environment, environments, name, ppo } = preset;
  const run = { threads, out, resume, replace, until, io, interruption };
  const evaluated = options.callbacks.evaluateEvery === null ? null : heldOutData(options);
  const result = await runTraining({
    env: lanesOf(preset),
    settings: ppo,
    seed,
    facts: {
      // Its model acts on no observation but this environment's.
      schemaHash: sha256(`reference environment ${environment}`),
      configuration: {
        environment,
        preset: name,
        environments,
        ppo,
        callbacks: recordedCallbacks(options.callbacks),
      },
      sessions: {},
    },
    callbacks: callbackOptions(options.callbacks, ppo.totalSteps, evaluated),
    ...run,
  });
  const { manifest, stepsPerSecond, ending, best } = result;
  return {
    ...(await measure(options, result)),
    steps: manifest.steps,
    stepsPerSecond,
    modelHash: manifest.modelHash,
    ending,
    best,
  };
}

/** New episodes of the most likely actions, the same ones every time. */
function heldOutData({ preset, seed, callbacks }: EnvTrainingOptions): HeldOutData {
  const { environment } = preset;
  const { evaluateEpisodes: episodes } = callbacks;
  const env = makeEnv(environment);
  return {
    identity: `${episodes} episodes of ${environment}`,
    sessions: {},
    evaluate: (policy) => evaluateEpisodes(env, mostLikely(policy), episodes, `held out ${seed}`),
  };
}

function mostLikely(policy: Policy): EvaluatedPolicy {
  return { name: "agent", act: (observation, mask) => policy.best(observation, mask) };
}

async function measure(
  options: EnvTrainingOptions,
  { policy, history }: TrainingResult,
): Promise<EpisodesMean> {
  const { preset, out, interruption } = options;
  const { kind, episodes } = preset.measure;
  if (kind === "training") {
    // The file also tells of what ran before the run was resumed.
    const rollouts = out === null ? history : readRollouts(join(out, METRICS_FILE));
    return meanOfLast(rollouts, episodes);
  }
  if (interruption.requested) return { meanReturn: null, episodes: 0 };
  return evaluated(options, policy);
}

/** New episodes of the policy's most likely actions; rewards as the environment gives them. */
async function evaluated(options: EnvTrainingOptions, policy: Policy): Promise<EpisodesMean> {
  const { preset, seed, io, interruption } = options;
  const { episodes } = preset.measure;
  const progress = io.progress("evaluating", episodes, "episodes");
  const steps = evaluateInSteps({
    policies: [mostLikely(policy)],
    env: makeEnv(preset.environment),
    episodes,
    seed: `evaluation ${seed}`,
  });
  try {
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) {
        return { meanReturn: step.value.get("agent")?.mean ?? null, episodes };
      }
      progress.update(step.value);
      await breathe();
      if (interruption.requested) return { meanReturn: null, episodes: 0 };
    }
  } finally {
    progress.stop();
  }
}

/** A preset's environments, side by side. */
export function lanesOf({ environment, environments }: Preset): SyncVectorEnv {
  return new SyncVectorEnv(
    Array.from({ length: environments }, () => (): Env => makeEnv(environment)),
  );
}
