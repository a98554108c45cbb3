/**
 * A training run on any environment: trainer, callbacks, metrics, checkpoints, the model folder. It
 * owns the wall clock, for speed, progress and the time of checkpoints only, and stops between two
 * iterations when asked. What an environment is made of, and what its runs are for, its callers know.
 */
import { join } from "node:path";
import { OperationError } from "../core/index.ts";
import type { VectorEnv } from "../gym/index.ts";
import {
  alarmText,
  type IterationReport,
  makeManifest,
  type ModelFacts,
  type ModelManifest,
  Policy,
  type PpoSettings,
  PpoTrainer,
} from "../learn/index.ts";
import { type CallbackOptions, Callbacks, NO_CALLBACKS } from "./callbacks.ts";
import { compact, type Console, type Progress } from "./console.ts";
import { breathe, type Interruption } from "./interruption.ts";
import { clock, grouped } from "./report/formats.ts";
import { coresHere } from "./run-flags.ts";
import type { BestResult } from "./held-out.ts";
import { BEST_FOLDER, RunFiles } from "./run-files.ts";
import type { RunIdentity } from "./run-identity.ts";
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
  /** Starts anew where there is a model in `out` already; refused by default. */
  readonly replace?: boolean;
  readonly io: Console;
  readonly interruption: Interruption;
  /** Threads that share an update, by default one a core; they change no result. */
  readonly threads?: number;
  /** Steps from which on the run pauses, its schedules still those of the whole run. */
  readonly until?: number;
  /** What is done between two iterations; alarms only by default. */
  readonly callbacks?: CallbackOptions;
  /** Names of the actions and of the observation's columns; their numbers by default. */
  readonly actionNames?: readonly string[];
  readonly featureNames?: readonly string[];
  /** Names of columns that may well be constant. */
  readonly calmFeatures?: readonly string[];
  /** Unit of returns, for people; none by default. */
  readonly unit?: string;
}

export interface RunFacts extends Pick<ModelFacts, "schemaHash" | "sessions" | "frames"> {
  readonly configuration: object;
}

/**
 * Why a run ended: it was done, it stopped early because evaluations got no better, it reached its
 * pause (`until`), or it was interrupted.
 */
export type Ending = "done" | "early" | "paused" | "interrupted";

/** Endings in a word, for people. */
export const ENDINGS: Readonly<Record<Ending, string>> = {
  done: "Trained",
  early: "Stopped early",
  paused: "Paused",
  interrupted: "Interrupted",
};

export interface TrainingResult {
  readonly manifest: ModelManifest;
  readonly policy: Policy;
  readonly stepsPerSecond: number;
  readonly ending: Ending;
  /** The best result on held-out data; null where there was no evaluation. */
  readonly best: KeptBest | null;
  /** Of this process; what ran before it was resumed is not in it. */
  readonly history: readonly IterationReport[];
}

export interface KeptBest extends BestResult {
  /** Folder of the model that gave it; null where it was not kept. */
  readonly model: string | null;
}

/** Trains, and leaves a whole model folder behind, also when interrupted. */
export async function runTraining(options: TrainingOptions): Promise<TrainingResult> {
  const { env, settings, seed, out, resume, replace = false, threads = coresHere() } = options;
  try {
    const trainer = new PpoTrainer(env, settings, seed, { threads });
    try {
      // Only a run that can begin may replace another.
      const files = out === null ? null : RunFiles.open(out, { resume, replace });
      return await new TrainingRun(options, trainer, files).run();
    } finally {
      trainer.close();
    }
  } finally {
    env.close();
  }
}

class TrainingRun {
  readonly #options: TrainingOptions;
  readonly #callbackOptions: CallbackOptions;
  readonly #trainer: PpoTrainer;
  readonly #callbacks: Callbacks;
  readonly #files: RunFiles | null;
  #lastReturn = Number.NaN;

  constructor(options: TrainingOptions, trainer: PpoTrainer, files: RunFiles | null) {
    const {
      callbacks = NO_CALLBACKS,
      actionNames = [],
      featureNames = [],
      calmFeatures = [],
    } = options;
    this.#options = options;
    this.#callbackOptions = callbacks;
    this.#trainer = trainer;
    this.#callbacks = new Callbacks(callbacks, {
      actions: actionNames,
      features: featureNames,
      calm: calmFeatures,
    });
    this.#files = files;
  }

  async run(): Promise<TrainingResult> {
    const { resume, io, actionNames = [] } = this.#options;
    const trainer = this.#trainer;
    if (resume) this.#files?.restore(trainer, this.#callbacks, this.#identity);
    // Opened before the work begins: a folder that cannot be written is told of at once.
    this.#files?.openMetrics(trainer.steps, actionNames);
    const progress = io.progress("training", trainer.settings.totalSteps, "steps");
    progress.update(trainer.steps);
    const pace = new Pace(trainer);
    const history: IterationReport[] = [];
    let ending = this.#ending();
    try {
      for (; ending === null; ending = this.#ending()) {
        const report = await this.#iterate(progress);
        history.push(report);
        progress.update(report.steps, this.#note(report, pace));
        await breathe();
      }
    } finally {
      progress.stop();
    }
    const stepsPerSecond = Math.round(pace.stepsPerSecond());
    return { ...(await this.#finish()), stepsPerSecond, ending, best: this.#best(), history };
  }

  #best(): KeptBest | null {
    const { best = null } = this.#callbacks.state.heldOut ?? {};
    if (best === null) return null;
    const { out } = this.#options;
    const isKept = this.#callbackOptions.heldOut?.keepBest === true && out !== null;
    return { ...best, model: isKept ? join(out, BEST_FOLDER) : null };
  }

  /** One iteration, looked at, written down, and kept where that is due. */
  async #iterate(progress: Progress): Promise<IterationReport> {
    const trainer = this.#trainer;
    const files = this.#files;
    const before = trainer.steps;
    const report = this.#learn();
    const observed = await this.#callbacks.observe(report, before, trainer);
    for (const alarm of observed.news) {
      progress.say(`Alarm at step ${grouped(report.steps)}: ${alarmText(alarm)}`);
    }
    const { iteration, steps, ...rest } = report;
    files?.appendMetrics({ iteration, steps, ...rest, ...observed.metrics });
    const { shape, params } = trainer;
    if (observed.isBest) files?.saveBest(shape, params, this.#modelFacts({}));
    const { checkpointEvery } = this.#callbackOptions;
    const isDue = files?.isCheckpointDue(iteration, checkpointEvery) === true;
    // An evaluation is not to be repeated because the run was cut off after it.
    if (isDue || observed.wasEvaluated) files?.checkpoint(trainer, this.#callbacks, this.#identity);
    return report;
  }

  get #identity(): RunIdentity {
    const { facts, seed } = this.#options;
    return { ...facts, seed };
  }

  /** A run that cannot go on leaves a last line in its metrics, which says so. */
  #learn(): IterationReport {
    try {
      return this.#trainer.iterate();
    } catch (error) {
      if (error instanceof OperationError && error.code === "NOT_A_NUMBER") {
        const { iteration, steps, settings } = this.#trainer;
        const made = settings.rolloutSteps * this.#options.env.count;
        this.#files?.appendFailure(iteration + 1, steps + made);
      }
      throw error;
    }
  }

  /** Null while the run goes on. */
  #ending(): Ending | null {
    const { interruption, until = Infinity } = this.#options;
    if (this.#trainer.isDone) return "done";
    if (this.#callbacks.wantsEnd) return "early";
    if (this.#trainer.steps >= until) return "paused";
    return interruption.requested ? "interrupted" : null;
  }

  async #finish(): Promise<Pick<TrainingResult, "manifest" | "policy">> {
    const { shape, params, normaliser } = this.#trainer;
    const facts = this.#modelFacts(this.#callbacks.summary);
    this.#files?.checkpoint(this.#trainer, this.#callbacks, this.#identity);
    const { env, unit = "" } = this.#options;
    await this.#files?.drawLearningCurve(`Learning curve on ${env.metadata.name}`, unit);
    this.#files?.saveModel(shape, params, facts);
    const policy = Policy.ofNetwork(shape, params, normaliser);
    return { manifest: makeManifest(shape, params, facts), policy };
  }

  /** `more` are figures beside those of the last iteration. */
  #modelFacts(more: object): ModelFacts {
    const { normaliser, steps } = this.#trainer;
    const { facts, seed } = this.#options;
    const result = { ...this.#files?.lastMetrics(), ...more };
    return { ...facts, seed, steps, normaliser, software: SOFTWARE, result };
  }

  /** The most wanted first: a narrow terminal cuts off the rest. */
  #note(report: IterationReport, pace: Pace): string {
    const { unit = "" } = this.#options;
    const { policyLoss, valueLoss, entropy } = report;
    // Of the last rollout in which an episode ended.
    if (report.episodes > 0) this.#lastReturn = report.meanReturn;
    const meanReturn = this.#lastReturn;
    const left = pace.secondsLeft();
    return [
      `${compact(Math.round(pace.stepsPerSecond()))}/s`,
      ...(Number.isFinite(left) ? [`${clock(left)} left`] : []),
      ...(Number.isNaN(meanReturn) ? [] : [`return ${meanReturn.toFixed(2)} ${unit}`.trimEnd()]),
      `loss ${figure(policyLoss)} ${figure(valueLoss)}`,
      `entropy ${entropy.toFixed(2)}`,
    ].join("  ");
  }
}

/** About three digits, for people. */
function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return compact(Math.round(value));
  // No minus before what is shown as 0.
  return size < 5e-4 ? "0.000" : value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** What to say of a run's evaluations, if it had any. */
export function bestLines({ best }: Pick<TrainingResult, "best">, unit = ""): string[] {
  if (best === null) return [];
  const { mean, low, high, steps, model } = best;
  const [of, from, to] = [mean, low, high].map((value) => value.toFixed(2));
  const where = model === null ? "" : `, kept in ${model}`;
  return [
    `Best on held-out data: return ${of} ${unit}`.trimEnd() +
      ` (${from} to ${to}) at step ${grouped(steps)}${where}`,
  ];
}

/** What a run's result for machines says of them. */
export function bestJson({ best, ending }: Pick<TrainingResult, "best" | "ending">): object {
  return {
    ...(best === null ? {} : { best }),
    ...(ending === "early" ? { stoppedEarly: true } : {}),
  };
}

/** Speed since the process took the run up. */
class Pace {
  readonly #trainer: PpoTrainer;
  readonly #startedSteps: number;
  readonly #startedAt = process.uptime();

  constructor(trainer: PpoTrainer) {
    this.#trainer = trainer;
    this.#startedSteps = trainer.steps;
  }

  /** 0 before any was made. */
  stepsPerSecond(): number {
    const seconds = process.uptime() - this.#startedAt;
    return seconds > 0 ? (this.#trainer.steps - this.#startedSteps) / seconds : 0;
  }

  /** Infinity where nothing can be said. */
  secondsLeft(): number {
    const { settings, steps } = this.#trainer;
    const rate = this.stepsPerSecond();
    return rate > 0 ? Math.max(0, settings.totalSteps - steps) / rate : Infinity;
  }
}
