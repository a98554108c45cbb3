/**
 * What a training run keeps in its model folder, and in which order, so that a run which is killed at
 * any moment goes on to the same bytes: metrics are on disk before a checkpoint that is later than
 * they are, and whatever lies beyond the checkpoint is written again when the run is resumed.
 */
import { existsSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf, OperationError } from "../core/index.ts";
import {
  CHECKPOINT_FILE,
  loadCheckpoint,
  MODEL_FILES,
  type ModelFacts,
  type NetworkShape,
  type PpoTrainer,
  saveCheckpoint,
  saveModel,
} from "../learn/index.ts";
import type { Callbacks, CallbackState } from "./callbacks.ts";
import { METRICS_FILES, type MetricsFiles, type MetricsLine, openMetrics } from "./metrics-file.ts";
import { requireSameRun, type RunIdentity } from "./run-identity.ts";
import { SOFTWARE } from "./wire.ts";

export { METRICS_FILE } from "./metrics-file.ts";

const PICTURES = ["learning-curve.svg", "learning-curve.png"] as const;
/** Folder of the best model, in the run's own. */
export const BEST_FOLDER = "best";
/** Seconds between checkpoints where iterations are not counted. */
const CHECKPOINT_INTERVAL_S = 20;

export class RunFiles {
  readonly #out: string;
  #metrics: MetricsFiles | null = null;
  #savedAt = process.uptime();

  private constructor(out: string) {
    this.#out = out;
  }

  /**
   * The files of a run in `out`: a new folder, to resume one with a checkpoint, and to replace one
   * whose model is removed. `TRAIN_OUT`, `TRAIN_RESUME`.
   */
  static open(out: string, how: { readonly resume: boolean; readonly replace: boolean }): RunFiles {
    const { resume } = how;
    requireFolderFor(out, how);
    // A run that was killed may have left a file half-made beside its place, or, without a
    // checkpoint, files that nobody can go on from.
    if (resume) removing(out, () => removeUnfinished(out));
    else clearModelFolder(out);
    return new RunFiles(out);
  }

  /** Refuses the checkpoint of another run, as `requireSameRun` does. */
  restore(trainer: PpoTrainer, callbacks: Callbacks, identity: RunIdentity): void {
    const path = join(this.#out, CHECKPOINT_FILE);
    const { state, facts } = loadCheckpoint(path);
    requireSameRun(path, facts, identity);
    trainer.restore(state);
    callbacks.restore(facts["callbacks"] as CallbackState, path);
  }

  /** Keeps what the metrics say up to `steps`. */
  openMetrics(steps: number, actionNames: readonly string[]): void {
    this.#metrics = openMetrics(this.#out, steps, actionNames);
  }

  appendMetrics(entry: object): void {
    this.#metrics?.append(entry);
  }

  /** Says that the iteration which would have ended at `steps` met what is no number. */
  appendFailure(iteration: number, steps: number): void {
    const figures = Object.keys(this.lastMetrics() ?? {}).map((key) => [key, null]);
    const none = Object.fromEntries(figures) as object;
    this.appendMetrics({ ...none, iteration, steps, alarms: ["notANumber"] });
  }

  /** Draws what the metrics tell, those of earlier processes among them. */
  async drawLearningCurve(heading: string, unit: string): Promise<void> {
    const lines = this.#metrics?.lines ?? [];
    if (lines.length === 0) return;
    // Pictures need heavy libraries, which load only here.
    const { writeLearningCurve } = await import("./report/write-learning-curve.ts");
    await writeLearningCurve(this.#out, lines, { heading, unit });
  }

  lastMetrics(): MetricsLine | null {
    return this.#metrics?.lines.at(-1) ?? null;
  }

  /** Whether `every` iterations have passed, or with null about twenty seconds. */
  isCheckpointDue(iteration: number, every: number | null): boolean {
    if (every !== null) return iteration % every === 0;
    return process.uptime() - this.#savedAt > CHECKPOINT_INTERVAL_S;
  }

  checkpoint(trainer: PpoTrainer, callbacks: Callbacks, identity: RunIdentity): void {
    const { schemaHash, sessions, configuration, seed } = identity;
    // What a checkpoint follows on must not be lost where the checkpoint is not.
    this.#metrics?.flush();
    saveCheckpoint(join(this.#out, CHECKPOINT_FILE), trainer.save(), {
      schemaHash,
      sessions,
      seed,
      configuration,
      software: SOFTWARE,
      callbacks: callbacks.state,
    });
    this.#savedAt = process.uptime();
  }

  saveModel(shape: NetworkShape, params: Float32Array, facts: ModelFacts): void {
    saveModel(this.#out, shape, params, facts);
  }

  /** Keeps a model beside the run's last one. */
  saveBest(shape: NetworkShape, params: Float32Array, facts: ModelFacts): void {
    saveModel(join(this.#out, BEST_FOLDER), shape, params, facts);
  }
}

function requireFolderFor(
  out: string,
  { resume, replace }: { readonly resume: boolean; readonly replace: boolean },
): void {
  requireFolderOrNothing(out);
  const hasCheckpoint = existsSync(join(out, CHECKPOINT_FILE));
  if (resume && !hasCheckpoint) {
    throw new OperationError(
      "TRAIN_RESUME",
      `${out}: expected a ${CHECKPOINT_FILE} to resume from, was none; leave --resume out to start`,
    );
  }
  if (resume || replace) return;
  if (hasCheckpoint || existsSync(join(out, "manifest.json"))) {
    throw new OperationError(
      "TRAIN_OUT",
      `${out}: expected a new folder, was one with a model in it; ` +
        `choose another --out, go on with --resume, or --replace it`,
    );
  }
}

function requireFolderOrNothing(out: string): void {
  // Joined with a file's name it would mean the folder that the command runs in.
  if (out === "") {
    throw new OperationError("TRAIN_OUT", `--out: expected the name of a folder, was empty`);
  }
  if (!existsSync(out) || statSync(out).isDirectory()) return;
  throw new OperationError(
    "TRAIN_OUT",
    `${out}: expected a folder, or a name for a new one, was a file; choose another --out`,
  );
}

/** Removes what an earlier run left in a model folder, and nothing else. `TRAIN_OUT`. */
export function clearModelFolder(out: string): void {
  requireFolderOrNothing(out);
  if (!existsSync(out)) return;
  removing(out, () => {
    for (const file of RUN_FILES) rmSync(join(out, file), { force: true });
    const best = join(out, BEST_FOLDER);
    for (const file of MODEL_FILES) rmSync(join(best, file), { force: true });
    removeUnfinished(out);
    if (existsSync(best) && readdirSync(best).length === 0) rmdirSync(best);
  });
}

function removing(out: string, remove: () => void): void {
  try {
    remove();
  } catch (error) {
    throw new OperationError(
      "TRAIN_OUT",
      `${out}: expected a folder whose files may be removed, was: ${messageOf(error)}; ` +
        `make it writable, or choose another --out`,
      { cause: error },
    );
  }
}

const RUN_FILES = [...MODEL_FILES, CHECKPOINT_FILE, ...METRICS_FILES, ...PICTURES] as const;

/** Files of ours that a killed process was writing. */
function removeUnfinished(out: string): void {
  for (const folder of [out, join(out, BEST_FOLDER)]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      const file = /^(.+)\.\d+\.tmp$/.exec(name)?.[1];
      if (RUN_FILES.some((known) => known === file)) rmSync(join(folder, name), { force: true });
    }
  }
}
