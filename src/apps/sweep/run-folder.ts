/**
 * What a run leaves in `<sweep>/runs/<nnn>/`: `configuration.json`, from which it can be repeated by
 * hand, `model/` as `train` makes it, and `result.json`, what each finished rung gave. The result is
 * written last, so a run with one is finished up to there.
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { messageOf, OperationError, writeFileAtomically } from "../../core/index.ts";
import { CHECKPOINT_FILE } from "../../learn/index.ts";
import { METRICS_FILE } from "../training.ts";
import type { Seed } from "./sweep-file.ts";

/** What a run gave at the end of one rung. */
export interface RungReport {
  readonly steps: number;
  /** Null where there was nothing to judge it by: no episode ended. */
  readonly score: number | null;
  readonly modelHash: string;
}

/** A run's results so far: its finished rungs in order, and why there will be no more. */
export interface RunResult {
  readonly rungs: readonly RungReport[];
  readonly error: string | null;
}

export const NO_RESULT: RunResult = { rungs: [], error: null };

export class RunFolder {
  readonly path: string;
  readonly model: string;
  readonly configuration: string;
  readonly #result: string;

  constructor(sweepFolder: string, run: number) {
    this.path = join(sweepFolder, "runs", String(run).padStart(3, "0"));
    this.model = join(this.path, "model");
    this.configuration = join(this.path, "configuration.json");
    this.#result = join(this.path, "result.json");
  }

  get hasCheckpoint(): boolean {
    return existsSync(join(this.model, CHECKPOINT_FILE));
  }

  writeConfiguration(configuration: Readonly<Record<string, unknown>>, seed: Seed): void {
    const text = `${JSON.stringify({ ...configuration, seed }, null, 2)}\n`;
    writeFileAtomically(this.configuration, text);
  }

  writeResult(result: RunResult): void {
    writeFileAtomically(this.#result, `${JSON.stringify(result, null, 2)}\n`);
  }

  /** What an earlier sweep wrote down, or nothing; `SWEEP_RESULT` where it cannot be read. */
  readResult(): RunResult {
    if (!existsSync(this.#result)) return NO_RESULT;
    try {
      const value = JSON.parse(readFileSync(this.#result, "utf8")) as RunResult;
      if (Array.isArray(value.rungs)) return value;
      throw new Error("no list of rungs in it");
    } catch (error) {
      throw new OperationError(
        "SWEEP_RESULT",
        `${this.#result}: expected a run's result, was: ${messageOf(error)}; remove it and the ` +
          `run goes on from its checkpoint`,
        { cause: error },
      );
    }
  }

  /** Steps that the run has told of; 0 before it tells of any. */
  stepsSoFar(): number {
    const last = this.#metrics(LAST_LINES).at(-1);
    return last?.steps ?? 0;
  }

  /**
   * Mean return of the last episodes that ended in training: of as many rollouts, from the end, as
   * it takes for a hundred episodes, or of all. Null where none ended.
   */
  meanReturn(): number | null {
    let [episodes, total] = [0, 0];
    const rollouts = this.#metrics(Infinity);
    for (let at = rollouts.length - 1; at >= 0 && episodes < SCORED_EPISODES; at--) {
      const { episodes: ended, meanReturn } = rollouts[at] as Rollout;
      if (ended === 0 || meanReturn === null) continue;
      episodes += ended;
      total += ended * meanReturn;
    }
    return episodes === 0 ? null : total / episodes;
  }

  /** What the last `bytes` of the metrics tell, by rising steps. */
  #metrics(bytes: number): Rollout[] {
    const path = join(this.model, METRICS_FILE);
    if (!existsSync(path)) return [];
    return endOf(path, bytes)
      .split("\n")
      .map(rolloutIn)
      .filter((rollout) => rollout !== null);
  }
}

/** Episodes that a score is the mean of, at least, where there are as many. */
export const SCORED_EPISODES = 100;
/** Enough for the last line of metrics. */
const LAST_LINES = 8192;

interface Rollout {
  readonly steps: number;
  readonly episodes: number;
  readonly meanReturn: number | null;
}

/** Null for what is no whole line: the file's end, or a line that is being written. */
function rolloutIn(line: string): Rollout | null {
  try {
    const value = JSON.parse(line) as Partial<Rollout> | null;
    return typeof value?.steps === "number" && typeof value.episodes === "number"
      ? { steps: value.steps, episodes: value.episodes, meanReturn: value.meanReturn ?? null }
      : null;
  } catch {
    return null;
  }
}

function endOf(path: string, bytes: number): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const from = Math.max(0, size - bytes);
    const buffer = Buffer.alloc(size - from);
    const read = readSync(file, buffer, 0, buffer.length, from);
    return buffer.toString("utf8", 0, read);
  } finally {
    closeSync(file);
  }
}
