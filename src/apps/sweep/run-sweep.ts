/**
 * Carries a sweep out: rung by rung, every run a process of its own, as many at once as there are
 * jobs. What each run gives depends only on its configuration, and who goes on to the next rung is
 * decided when all are there, in the order of their numbers; so the results are the same for any
 * number of jobs and however often the sweep was cut off. It owns a clock for progress only.
 */
import { assert } from "../../core/index.ts";
import { readConfiguration } from "../configuration.ts";
import type { Console } from "../console.ts";
import type { Interruption } from "../interruption.ts";
import { meanScore, rungSteps, survivorCount, survivors } from "./halving.ts";
import { lockFolder } from "./folder-lock.ts";
import { Meter, type Task } from "./meter.ts";
import { type Call, type CallResult, callProgram } from "./own-program.ts";
import { RunFolder, type RunResult } from "./run-folder.ts";
import { configurationOf, type Setting } from "./settings.ts";
import type { Seed, Sweep } from "./sweep-file.ts";

export interface SweepOptions {
  readonly sweep: Sweep;
  readonly settings: readonly Setting[];
  /** Steps of each setting's whole run. */
  readonly totalSteps: readonly number[];
  /** Folder that the runs and results go into. */
  readonly out: string;
  /** Processes at once. */
  readonly jobs: number;
  readonly io: Console;
  readonly interruption: Interruption;
}

/** One setting with one seed. */
export interface Run {
  readonly run: number;
  readonly setting: number;
  readonly seed: Seed;
  readonly values: Setting;
  readonly result: RunResult;
}

export interface SweepOutcome {
  /** By number: all seeds of the first setting, all of the second, and so on. */
  readonly runs: readonly Run[];
  readonly rungs: number;
  readonly interrupted: boolean;
}

/** Runs what of the sweep has not run yet. `SWEEP_BUSY`, `SWEEP_RESULT`, `SWEEP_PROCESS`. */
export async function runSweep(options: SweepOptions): Promise<SweepOutcome> {
  const lock = await lockFolder(options.out);
  try {
    return await new SweepRunner(options, (pids) => lock.note(pids)).run();
  } finally {
    lock.release();
  }
}

const LOOK_MS = 100;

class SweepRunner {
  readonly #options: SweepOptions;
  readonly #notePids: (pids: readonly number[]) => void;
  readonly #folders: readonly RunFolder[];
  readonly #results: RunResult[];
  readonly #calls = new Map<Task, Call>();
  readonly #meter: Meter;
  #isStopping = false;

  constructor(options: SweepOptions, notePids: (pids: readonly number[]) => void) {
    this.#options = options;
    this.#notePids = notePids;
    const { sweep, settings, out, io } = options;
    const count = settings.length * sweep.seeds.length;
    this.#folders = Array.from({ length: count }, (_, run) => new RunFolder(out, run));
    this.#results = this.#folders.map((folder) => folder.readResult());
    this.#meter = new Meter(io, this.#plannedSteps(), this.#rungCount());
  }

  async run(): Promise<SweepOutcome> {
    const watch = setInterval(() => this.#look(), LOOK_MS);
    try {
      await this.#runRungs();
    } finally {
      clearInterval(watch);
      this.#meter.stop();
    }
    const { interruption } = this.#options;
    const runs = this.#results.map((result, run): Run => ({ ...this.#place(run), result }));
    return { runs, rungs: this.#rungCount(), interrupted: interruption.requested };
  }

  async #runRungs(): Promise<void> {
    const { sweep, settings } = this.#options;
    let candidates = settings.map((_, setting) => setting);
    for (let rung = 0; rung < this.#rungCount() && !this.#isStopping; rung++) {
      if (rung > 0) {
        const factor = sweep.halving?.factor ?? 1;
        const judged = rung - 1;
        candidates = survivors(candidates, (setting) => this.#score(setting, judged), factor);
      }
      this.#meter.begin(rung);
      const tasks = this.#tasksOf(rung, candidates);
      await this.#runAll(tasks);
      if (!this.#isStopping) this.#meter.finish(this.#plannedStepsOf(rung));
    }
  }

  #tasksOf(rung: number, candidates: readonly number[]): Task[] {
    const { sweep } = this.#options;
    const tasks: Task[] = [];
    for (const setting of candidates) {
      const ends = this.#rungEnds(setting);
      const [fromSteps = 0, untilSteps = 0] = [ends[rung - 1], ends[rung]];
      for (let seed = 0; seed < sweep.seeds.length; seed++) {
        const run = setting * sweep.seeds.length + seed;
        const task = { run, rung, fromSteps, untilSteps };
        const { rungs, error } = this.#result(run);
        if (rungs.length > rung || error !== null) this.#meter.skip(task, error !== null);
        else tasks.push(task);
      }
    }
    return tasks;
  }

  /** As many at once as there are jobs, in order. The first fault of ours ends them all. */
  async #runAll(tasks: readonly Task[]): Promise<void> {
    const faults: unknown[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) {
        if (this.#isStopping) return;
        try {
          await this.#runTask(task);
        } catch (fault) {
          faults.push(fault);
          this.#stop();
        }
      }
    };
    await Promise.all(Array.from({ length: this.#options.jobs }, work));
    if (faults.length > 0) throw faults[0];
  }

  async #runTask(task: Task): Promise<void> {
    const { sweep, settings, out } = this.#options;
    const folder = this.#folder(task.run);
    const { setting, seed } = this.#place(task.run);
    folder.writeConfiguration(configurationOf(sweep, settings[setting] ?? {}), seed);
    const trained = await this.#call(task, this.#trainWords(task, folder));
    let outcome = trained;
    let score: number | null = null;
    if (trained.kind === "done" && sweep.score === "meanReturn") {
      score = meanReturn(trained.json, folder);
    }
    if (trained.kind === "done" && sweep.score === "heldOut" && !this.#isStopping) {
      outcome = await this.#call(task, this.#evaluateWords(folder));
      score = outcome.kind === "done" ? heldOutScore(outcome.json) : null;
    }
    // What was stopped on our way out is no result, and goes on another time.
    if (this.#isStopping && outcome.kind !== "failed") return;
    const before = this.#result(task.run);
    if (outcome.kind !== "done" || trained.kind !== "done") {
      const error = outcome.kind === "done" ? "" : outcome.error.replaceAll(`${out}/`, "");
      this.#results[task.run] = { ...before, error };
      // Stopped by someone else, or by a bug: told of, but tried again when the sweep is resumed.
      if (outcome.kind === "failed") folder.writeResult(this.#result(task.run));
    } else {
      const { steps, modelHash } = trained.json as { steps: number; modelHash: string };
      const rungs = [...before.rungs, { steps, score, modelHash }];
      this.#results[task.run] = { rungs, error: null };
      folder.writeResult(this.#result(task.run));
    }
    this.#meter.end(task, outcome.kind !== "done");
  }

  async #call(task: Task, words: readonly string[]): Promise<CallResult> {
    const call = callProgram(words);
    this.#calls.set(task, call);
    this.#notePids(this.#pids());
    try {
      return await call.result;
    } finally {
      this.#calls.delete(task);
      this.#notePids(this.#pids());
    }
  }

  #pids(): number[] {
    return [...this.#calls.values()].map(({ pid }) => pid);
  }

  #trainWords({ rung, untilSteps }: Task, folder: RunFolder): string[] {
    const { env, preset } = this.#options.sweep.base;
    const isLast = rung === this.#rungCount() - 1;
    return [
      "train",
      ...(env === undefined ? [] : ["--env", env]),
      ...(preset === undefined ? [] : ["--preset", preset]),
      // Runs have a core each.
      ...["--config", folder.configuration, "--out", folder.model, "--threads", "1"],
      // Whatever lies there without a checkpoint was cut off before its first one.
      folder.hasCheckpoint ? "--resume" : "--replace",
      ...(isLast ? [] : ["--until", String(untilSteps)]),
    ];
  }

  /** All runs are judged on the same episodes: those of the sweep's seed, not of their own. */
  #evaluateWords(folder: RunFolder): string[] {
    const { heldOut = [], seed } = this.#options.sweep;
    const { fillModel } = readConfiguration(folder.configuration, {}).episode;
    return [
      ...["evaluate", "--model", folder.model, "--config", folder.configuration],
      ...["--seed", String(seed), "--sessions", ...heldOut],
      // The score is of this world alone; `evaluate` would play in two more.
      ...["--fill-model", fillModel],
    ];
  }

  #look(): void {
    if (this.#options.interruption.requested && !this.#isStopping) this.#stop();
    this.#meter.show([...this.#calls.keys()], (run) => this.#folder(run).stepsSoFar());
  }

  #stop(): void {
    this.#isStopping = true;
    for (const call of this.#calls.values()) call.stop();
  }

  #score(setting: number, rung: number): number | null {
    const { seeds } = this.#options.sweep;
    return meanScore(
      seeds.map((_, seed) => {
        const { rungs, error } = this.#result(setting * seeds.length + seed);
        return error === null ? (rungs[rung]?.score ?? null) : null;
      }),
    );
  }

  #rungEnds(setting: number): number[] {
    return rungEnds(this.#options.sweep, this.#options.totalSteps[setting] ?? 0);
  }

  #rungCount(): number {
    return this.#rungEnds(0).length;
  }

  /** Steps of a rung if no run fails. */
  #plannedStepsOf(rung: number): number {
    const { sweep, settings, totalSteps } = this.#options;
    const factor = sweep.halving?.factor;
    let count = settings.length;
    for (let at = 0; at < rung && factor !== undefined; at++) count = survivorCount(count, factor);
    const isLone = this.#rungCount() === 1;
    if (isLone) return sweep.seeds.length * totalSteps.reduce((sum, steps) => sum + steps, 0);
    const ends = this.#rungEnds(0);
    return sweep.seeds.length * count * ((ends[rung] ?? 0) - (ends[rung - 1] ?? 0));
  }

  #plannedSteps(): number {
    return this.#rungEnds(0).reduce((sum, _, rung) => sum + this.#plannedStepsOf(rung), 0);
  }

  #place(run: number): Omit<Run, "result"> {
    const { sweep, settings } = this.#options;
    const { seeds } = sweep;
    const setting = Math.floor(run / seeds.length);
    return { run, setting, seed: seeds[run % seeds.length] ?? 0, values: settings[setting] ?? {} };
  }

  #result(run: number): RunResult {
    const result = this.#results[run];
    assert(result !== undefined, "a run has a place for its result");
    return result;
  }

  #folder(run: number): RunFolder {
    const folder = this.#folders[run];
    assert(folder !== undefined, "a run has a folder");
    return folder;
  }
}

/** Steps at which the rungs of a run end; one rung where the method is not halving. */
function rungEnds({ method, samples = 1, halving }: Sweep, totalSteps: number): number[] {
  if (method !== "halving") return [totalSteps];
  return rungSteps({ factor: 3, ...halving, samples, totalSteps });
}

/** What `train` itself says; where it says nothing, what its metrics do. */
function meanReturn(json: Readonly<Record<string, unknown>>, folder: RunFolder): number | null {
  const { meanReturn: said } = json as { meanReturn?: number | null };
  return said === undefined ? folder.meanReturn() : said;
}

function heldOutScore(json: Readonly<Record<string, unknown>>): number | null {
  const { policies } = json as { policies?: { agent?: { mean?: number | null } } };
  return policies?.agent?.mean ?? null;
}
