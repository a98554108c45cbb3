/**
 * A run on a reference environment with a preset's settings, measured as the preset's source
 * measures its own, so that the figure can stand beside a published one.
 */
import { type Env, makeEnv, SyncVectorEnv } from "../gym/index.ts";
import {
  evaluateInSteps,
  type IterationReport,
  modelHashOf,
  Policy,
  PpoTrainer,
  type Preset,
} from "../learn/index.ts";
import type { Console } from "./console.ts";
import { breathe, type Interruption } from "./interruption.ts";

export interface EnvTrainingOptions {
  readonly preset: Preset;
  readonly seed: number | string;
  readonly threads: number;
  readonly io: Console;
  readonly interruption: Interruption;
}

export interface EnvTrainingResult {
  /** As the preset measures it; null where the run was interrupted before anything was measured. */
  readonly meanReturn: number | null;
  /** Episodes that the mean is of. */
  readonly episodes: number;
  readonly steps: number;
  /** Of training alone. */
  readonly stepsPerSecond: number;
  readonly modelHash: string;
  readonly interrupted: boolean;
}

/** Trains and measures; writes nothing. */
export async function trainOnEnv(options: EnvTrainingOptions): Promise<EnvTrainingResult> {
  const { preset, seed, threads, io, interruption } = options;
  const trainer = new PpoTrainer(lanesOf(preset), preset.ppo, seed, { threads });
  const progress = io.progress("training", preset.ppo.totalSteps, "steps");
  const startedAt = process.uptime();
  const history: IterationReport[] = [];
  try {
    while (!trainer.isDone && !interruption.requested) {
      const report = trainer.iterate();
      history.push(report);
      const rate = report.steps / (process.uptime() - startedAt);
      progress.update(report.steps, note(report, rate));
      await breathe();
    }
  } finally {
    progress.stop();
  }
  const seconds = process.uptime() - startedAt;
  const { shape, params, normaliser } = trainer;
  const policy = Policy.ofNetwork(shape, params, normaliser);
  const modelHash = modelHashOf(shape, params, normaliser);
  trainer.close();
  return {
    ...(await measure(options, policy, history)),
    steps: trainer.steps,
    stepsPerSecond: seconds > 0 ? Math.round(trainer.steps / seconds) : 0,
    modelHash,
    interrupted: !trainer.isDone,
  };
}

type Measured = Pick<EnvTrainingResult, "meanReturn" | "episodes">;

async function measure(
  options: EnvTrainingOptions,
  policy: Policy,
  history: readonly IterationReport[],
): Promise<Measured> {
  const { kind, episodes } = options.preset.measure;
  if (kind === "training") return lastEpisodes(history, episodes);
  if (options.interruption.requested) return { meanReturn: null, episodes: 0 };
  return evaluated(options, policy);
}

/** The mean of the last rollouts' episodes, as many rollouts as hold at least `least` of them. */
export function lastEpisodes(history: readonly IterationReport[], least: number): Measured {
  let episodes = 0;
  let total = 0;
  for (let index = history.length - 1; index >= 0 && episodes < least; index--) {
    const report = history[index];
    if (report === undefined || report.episodes === 0) continue;
    episodes += report.episodes;
    total += report.episodes * report.meanReturn;
  }
  return { meanReturn: episodes === 0 ? null : total / episodes, episodes };
}

/** New episodes of the policy's most likely actions; rewards as the environment gives them. */
async function evaluated(options: EnvTrainingOptions, policy: Policy): Promise<Measured> {
  const { preset, seed, io, interruption } = options;
  const { episodes } = preset.measure;
  const progress = io.progress("evaluating", episodes, "episodes");
  const steps = evaluateInSteps({
    policies: [{ name: "agent", act: (observation, mask) => policy.best(observation, mask) }],
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

function note(report: IterationReport, rate: number): string {
  const mean = Number.isNaN(report.meanReturn) ? "" : `  return ${report.meanReturn.toFixed(1)}`;
  return `${Math.round(rate).toLocaleString("en-US")} steps/s${mean}`;
}
