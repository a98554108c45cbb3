/**
 * What a run leaves in `<sweep>/runs/<nnn>/`: `configuration.json`, from which it can be repeated by
 * hand, `model/` as `train` makes it, and `result.json`, what each finished rung gave. The result is
 * written last, so a run with one is finished up to there.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, OperationError, writeFileAtomically } from "../../core/index.ts";
import { CHECKPOINT_FILE } from "../../learn/index.ts";
import { meanOfLast, readRollouts } from "../metrics-lines.ts";
import { METRICS_FILE } from "../run-files.ts";
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

const NO_RESULT: RunResult = { rungs: [], error: null };

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
    return readRollouts(join(this.model, METRICS_FILE), LAST_LINES).at(-1)?.steps ?? 0;
  }

  /**
   * Mean return of the last episodes that ended in training: of as many rollouts, from the end, as
   * it takes for a hundred episodes, or of all. Null where none ended.
   */
  meanReturn(): number | null {
    const rollouts = readRollouts(join(this.model, METRICS_FILE));
    return meanOfLast(rollouts, SCORED_EPISODES).meanReturn;
  }
}

/** Episodes that a score is the mean of, at least, where there are as many. */
const SCORED_EPISODES = 100;
/** Enough for the last line of metrics. */
const LAST_LINES = 8192;
