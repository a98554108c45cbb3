/**
 * What a training run keeps in its model folder, and in which order, so that a run which is killed at
 * any moment goes on to the same bytes: metrics are on disk before a checkpoint that is later than
 * they are, and whatever lies beyond the checkpoint is written again when the run is resumed.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OperationError } from "../core/index.ts";
import {
  CHECKPOINT_FILE,
  type IterationReport,
  loadCheckpoint,
  MODEL_FILES,
  type ModelFacts,
  type NetworkShape,
  type PpoTrainer,
  saveCheckpoint,
  saveModel,
} from "../learn/index.ts";
import { METRICS_FILES, type MetricsFiles, type MetricsLine, openMetrics } from "./metrics-file.ts";
import type { RunFacts } from "./training.ts";

export { METRICS_FILE } from "./metrics-file.ts";

/** Seconds between checkpoints; one more is written at the end and at Ctrl-C. */
const CHECKPOINT_INTERVAL_S = 20;

export class RunFiles {
  readonly #out: string;
  #metrics: MetricsFiles | null = null;
  #savedAt = process.uptime();

  private constructor(out: string) {
    this.#out = out;
  }

  /**
   * The files of a run in `out`, a new folder or, to resume, one with a checkpoint. `TRAIN_OUT`,
   * `TRAIN_RESUME`.
   */
  static open(out: string, resume: boolean): RunFiles {
    requireFreshFolder(out, resume);
    // A run that was killed may have left a file half-made beside its place, or, without a
    // checkpoint, files that nobody can go on from.
    if (resume) removeUnfinished(out);
    else clearModelFolder(out);
    return new RunFiles(out);
  }

  /** `CHECKPOINT_SESSIONS` where the run began with other data. */
  restore(trainer: PpoTrainer, { schemaHash, sessions }: RunFacts): void {
    const path = join(this.#out, CHECKPOINT_FILE);
    const { state, facts } = loadCheckpoint(path);
    const sameSessions = JSON.stringify(facts["sessions"]) === JSON.stringify(sessions);
    if (!sameSessions || facts["schemaHash"] !== schemaHash) {
      throw new OperationError(
        "CHECKPOINT_SESSIONS",
        `${path}: expected the sessions and observation schema that the run began with, was ` +
          `others; name the same sessions in the same order`,
      );
    }
    trainer.restore(state);
  }

  /** Keeps what the metrics say up to `steps`. */
  openMetrics(steps: number, actionNames: readonly string[]): void {
    this.#metrics = openMetrics(this.#out, steps, actionNames);
  }

  appendMetrics(report: IterationReport): void {
    this.#metrics?.append(report);
  }

  lastMetrics(): MetricsLine | null {
    return this.#metrics?.lines.at(-1) ?? null;
  }

  checkpointIfDue(trainer: PpoTrainer, facts: RunFacts): void {
    if (process.uptime() - this.#savedAt <= CHECKPOINT_INTERVAL_S) return;
    this.checkpoint(trainer, facts);
    this.#savedAt = process.uptime();
  }

  checkpoint(trainer: PpoTrainer, { schemaHash, sessions, configuration }: RunFacts): void {
    // What a checkpoint follows on must not be lost where the checkpoint is not.
    this.#metrics?.flush();
    const facts = { schemaHash, sessions, configuration };
    saveCheckpoint(join(this.#out, CHECKPOINT_FILE), trainer.save(), facts);
  }

  saveModel(shape: NetworkShape, params: Float32Array, facts: ModelFacts): void {
    saveModel(this.#out, shape, params, facts);
  }
}

function requireFreshFolder(out: string, resume: boolean): void {
  const hasCheckpoint = existsSync(join(out, CHECKPOINT_FILE));
  if (resume && !hasCheckpoint) {
    throw new OperationError(
      "TRAIN_RESUME",
      `${out}: expected a ${CHECKPOINT_FILE} to resume from, was none; leave --resume out to start`,
    );
  }
  if (!resume && (hasCheckpoint || existsSync(join(out, "manifest.json")))) {
    throw new OperationError(
      "TRAIN_OUT",
      `${out}: expected a new folder, was one with a model in it; ` +
        `choose another --out, go on with --resume, or --replace it`,
    );
  }
}

/** Removes what an earlier run left in a model folder, and nothing else. */
export function clearModelFolder(out: string): void {
  if (!existsSync(out)) return;
  for (const file of RUN_FILES) rmSync(join(out, file), { force: true });
  removeUnfinished(out);
}

const RUN_FILES = [...MODEL_FILES, CHECKPOINT_FILE, ...METRICS_FILES] as const;

/** Files of ours that a killed process was writing. */
function removeUnfinished(out: string): void {
  for (const name of readdirSync(out)) {
    const file = /^(.+)\.\d+\.tmp$/.exec(name)?.[1];
    if (RUN_FILES.some((known) => known === file)) rmSync(join(out, name), { force: true });
  }
}
