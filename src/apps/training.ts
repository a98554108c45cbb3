/**
 * A training run on any environment: trainer, metrics, checkpoints, the model folder. It owns the
 * wall clock, for speed, progress and the time of checkpoints only, and stops between two iterations
 * when asked. What an environment is made of, and what its runs are for, its callers know.
 */
import type { VectorEnv } from "../gym/index.ts";
import {
  type IterationReport,
  makeManifest,
  type ModelFacts,
  type ModelManifest,
  Policy,
  type PpoSettings,
  PpoTrainer,
} from "../learn/index.ts";
import type { Console } from "./console.ts";
import { breathe, type Interruption } from "./interruption.ts";
import { RunFiles } from "./run-files.ts";
import { SOFTWARE } from "./wire.ts";

export interface TrainingOptions {
  /** Lanes that reset in the same step; the run closes them at its end. */
  readonly env: VectorEnv;
  readonly settings: PpoSettings;
  readonly seed: number | string;
  /** What manifest and checkpoints say of the run beside that. */
  readonly facts: RunFacts;
  /** Model folder to make; null writes nothing. */
  readonly out: string | null;
  /** Goes on from the checkpoint in `out`. */
  readonly resume: boolean;
  readonly io: Console;
  readonly interruption: Interruption;
  /** Threads that share an update; they change no result. 1 by default. */
  readonly threads?: number;
  /** Steps from which on the run pauses, its schedules still those of the whole run. */
  readonly until?: number;
  /** Names of the actions, for the metrics; their numbers by default. */
  readonly actionNames?: readonly string[];
  /** Unit of returns, for people; none by default. */
  readonly unit?: string;
}

export type RunFacts = Pick<ModelFacts, "schemaHash" | "configuration" | "sessions" | "frames">;

/** Why a run ended: it was done, reached its pause (`until`), or was interrupted. */
export type Ending = "done" | "paused" | "interrupted";

/** Endings in a word, for people. */
export const ENDINGS: Readonly<Record<Ending, string>> = {
  done: "Trained",
  paused: "Paused",
  interrupted: "Interrupted",
};

export interface TrainingResult {
  readonly manifest: ModelManifest;
  readonly policy: Policy;
  readonly stepsPerSecond: number;
  readonly ending: Ending;
  /** Of this process; what ran before it was resumed is not in it. */
  readonly history: readonly IterationReport[];
}

/** Trains, and leaves a whole model folder behind, also when interrupted. */
export async function runTraining(options: TrainingOptions): Promise<TrainingResult> {
  const { env, settings, seed, out, resume, threads = 1 } = options;
  const files = out === null ? null : RunFiles.open(out, resume);
  const trainer = new PpoTrainer(env, settings, seed, { threads });
  try {
    return await new TrainingRun(options, trainer, files).run();
  } finally {
    trainer.close();
    env.close();
  }
}

class TrainingRun {
  readonly #options: TrainingOptions;
  readonly #trainer: PpoTrainer;
  readonly #files: RunFiles | null;

  constructor(options: TrainingOptions, trainer: PpoTrainer, files: RunFiles | null) {
    this.#options = options;
    this.#trainer = trainer;
    this.#files = files;
  }

  async run(): Promise<TrainingResult> {
    const { facts, resume, io, actionNames = [] } = this.#options;
    const trainer = this.#trainer;
    if (resume) this.#files?.restore(trainer, facts);
    // Opened before the work begins: a folder that cannot be written is told of at once.
    this.#files?.openMetrics(trainer.steps, actionNames);
    const startedSteps = trainer.steps;
    const startedAt = process.uptime();
    const progress = io.progress("training", trainer.settings.totalSteps, "steps");
    progress.update(trainer.steps);
    const history: IterationReport[] = [];
    let ending = this.#ending();
    try {
      for (; ending === null; ending = this.#ending()) {
        const report = trainer.iterate();
        history.push(report);
        this.#files?.appendMetrics(report);
        const rate = (report.steps - startedSteps) / (process.uptime() - startedAt);
        progress.update(report.steps, this.#note(report, rate));
        this.#files?.checkpointIfDue(trainer, facts);
        await breathe();
      }
    } finally {
      progress.stop();
    }
    const seconds = process.uptime() - startedAt;
    const made = trainer.steps - startedSteps;
    return {
      ...this.#finish(),
      stepsPerSecond: seconds > 0 ? Math.round(made / seconds) : 0,
      ending,
      history,
    };
  }

  /** Null while the run goes on. */
  #ending(): Ending | null {
    const { interruption, until = Infinity } = this.#options;
    if (this.#trainer.isDone) return "done";
    if (this.#trainer.steps >= until) return "paused";
    return interruption.requested ? "interrupted" : null;
  }

  #finish(): Pick<TrainingResult, "manifest" | "policy"> {
    const { facts, seed } = this.#options;
    const { shape, params, normaliser, steps } = this.#trainer;
    const result = this.#files?.lastMetrics() ?? null;
    const modelFacts = { ...facts, seed, steps, normaliser, software: SOFTWARE, result };
    const manifest = makeManifest(shape, params, modelFacts);
    this.#files?.checkpoint(this.#trainer, facts);
    this.#files?.saveModel(shape, params, modelFacts);
    return { manifest, policy: Policy.ofNetwork(shape, params, normaliser) };
  }

  #note(report: IterationReport, rate: number): string {
    const { unit = "" } = this.#options;
    const episodes = Number.isNaN(report.meanReturn)
      ? ""
      : `  return ${report.meanReturn.toFixed(2)} ${unit}`.trimEnd();
    return `${Math.round(rate).toLocaleString("en-US")} steps/s${episodes}`;
  }
}
