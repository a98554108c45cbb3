/**
 * Progress of a sweep on one line: in steps, and in runs. The time left follows from what was done
 * since this process began; what an earlier one had done is no measure of its speed.
 */
import type { Console, Progress } from "../console.ts";
import { clock } from "../report/formats.ts";

/** One run on the way to the end of one rung. */
export interface Task {
  readonly run: number;
  readonly rung: number;
  readonly fromSteps: number;
  readonly untilSteps: number;
}

const SHOW_MS = 1000;

export class Meter {
  readonly #progress: Progress;
  readonly #rungs: number;
  readonly #startedAt = process.uptime();
  #total: number;
  /** Steps of runs that are through with a rung, and those found done at the start. */
  #done = 0;
  #found = 0;
  #rungBegan = 0;
  #rung = 0;
  #runs = { done: 0, failed: 0 };
  #shownAt = 0;

  constructor(io: Console, total: number, rungs: number) {
    this.#progress = io.progress("sweep", total, "steps");
    this.#total = total;
    this.#rungs = rungs;
  }

  begin(rung: number): void {
    this.#rung = rung;
    this.#rungBegan = this.#done;
    this.#runs = { done: 0, failed: 0 };
  }

  /** A task that an earlier sweep had done. */
  skip(task: Task, isFailed: boolean): void {
    this.#found += task.untilSteps - task.fromSteps;
    this.end(task, isFailed);
  }

  end({ fromSteps, untilSteps }: Task, isFailed: boolean): void {
    this.#done += untilSteps - fromSteps;
    this.#runs[isFailed ? "failed" : "done"] += 1;
  }

  /** A rung may end with fewer steps than planned, where settings failed. */
  finish(plannedSteps: number): void {
    this.#done = this.#rungBegan + plannedSteps;
  }

  show(running: readonly Task[], stepsOf: (run: number) => number): void {
    const now = process.uptime() * 1000;
    if (now - this.#shownAt < SHOW_MS) return;
    this.#shownAt = now;
    let done = this.#done;
    for (const { run, fromSteps, untilSteps } of running) {
      done += Math.min(untilSteps, Math.max(fromSteps, stepsOf(run))) - fromSteps;
    }
    const made = done - this.#found;
    const left = ((process.uptime() - this.#startedAt) * (this.#total - done)) / made;
    const rung = this.#rungs > 1 ? `rung ${this.#rung + 1} of ${this.#rungs}: ` : "";
    const counts = `${this.#runs.done} done, ${running.length} running, ${this.#runs.failed} failed`;
    const ahead = Number.isFinite(left) && left > 0 ? `, ${clock(left)} left` : "";
    this.#progress.update(done, `${rung}${counts}${ahead}`);
  }

  stop(): void {
    this.#progress.stop();
  }
}
