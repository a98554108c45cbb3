/**
 * A training run as commands and the demo do it: trainer, metrics, checkpoints, the model folder.
 * It owns the wall clock (for speed and progress only) and stops between two iterations when asked.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OperationError } from "../core/index.ts";
import { SCHEMA_HASH } from "../features/index.ts";
import { stackFrames } from "../gym/index.ts";
import {
  CHECKPOINT_FILE,
  type IterationReport,
  loadCheckpoint,
  MODEL_FILES,
  type ModelManifest,
  PpoTrainer,
  saveCheckpoint,
  saveModel,
} from "../learn/index.ts";
import { KalshiVectorEnv } from "../sim/index.ts";
import { type Configuration, episodeSettings, ppoSettings } from "./configuration.ts";
import type { Console } from "./console.ts";
import { breathe, type Interruption } from "./interruption.ts";
import { openMetrics } from "./metrics-file.ts";
import { type LoadedSession, sessionHashes, SOFTWARE } from "./wire.ts";

export const METRICS_FILE = "metrics.jsonl";
/** Seconds between checkpoints; one more is written at the end and at Ctrl-C. */
const CHECKPOINT_INTERVAL_S = 20;

export interface TrainingOptions {
  readonly configuration: Configuration;
  readonly sessions: readonly LoadedSession[];
  /** Model folder to make. */
  readonly out: string;
  /** Goes on from the checkpoint in `out`. */
  readonly resume: boolean;
  readonly io: Console;
  readonly interruption: Interruption;
}

export interface TrainingResult {
  readonly manifest: ModelManifest;
  readonly stepsPerSecond: number;
  readonly interrupted: boolean;
  readonly history: readonly IterationReport[];
}

/** Trains, and leaves a whole model folder behind, also when interrupted. */
export async function runTraining(options: TrainingOptions): Promise<TrainingResult> {
  const { configuration, sessions, out, resume, io, interruption } = options;
  requireFreshFolder(out, resume);
  const lanes = new KalshiVectorEnv(
    sessions.map(({ data }) => data),
    configuration.environments,
    episodeSettings(configuration),
  );
  const env = stackFrames(lanes, configuration.frames);
  const trainer = new PpoTrainer(env, ppoSettings(configuration), configuration.seed);
  const recipe = recipeOf(configuration);
  const facts = {
    schemaHash: SCHEMA_HASH,
    sessions: sessionHashes(sessions),
    configuration: recipe,
  };
  const checkpoint = join(out, CHECKPOINT_FILE);
  if (resume) resumeFrom(checkpoint, trainer, facts.sessions);
  // Opened before the work begins: a folder that cannot be written is told of at once.
  const metrics = openMetrics(join(out, METRICS_FILE), trainer.steps);
  const { totalSteps } = trainer.settings;
  const progress = io.progress("training", totalSteps, "steps");
  progress.update(trainer.steps);
  const startedAt = process.uptime();
  const startedSteps = trainer.steps;
  let savedAt = startedAt;
  const history: IterationReport[] = [];
  try {
    while (!trainer.isDone && !interruption.requested) {
      const report = trainer.iterate();
      history.push(report);
      metrics.append(report);
      const rate = (report.steps - startedSteps) / (process.uptime() - startedAt);
      progress.update(report.steps, progressNote(report, rate));
      if (process.uptime() - savedAt > CHECKPOINT_INTERVAL_S) {
        saveCheckpoint(checkpoint, trainer.save(), facts);
        savedAt = process.uptime();
      }
      await breathe();
    }
  } finally {
    progress.stop();
  }
  const seconds = process.uptime() - startedAt;
  const stepsPerSecond = seconds > 0 ? Math.round((trainer.steps - startedSteps) / seconds) : 0;
  saveCheckpoint(checkpoint, trainer.save(), facts);
  const manifest = saveModel(out, trainer.shape, trainer.params, {
    schemaHash: SCHEMA_HASH,
    seed: configuration.seed,
    configuration: recipe,
    sessions: facts.sessions,
    steps: trainer.steps,
    frames: configuration.frames,
    normaliser: trainer.normaliser,
    software: SOFTWARE,
    result: metrics.last(),
  });
  return { manifest, stepsPerSecond, interrupted: !trainer.isDone, history };
}

/**
 * What of a configuration decides the model: where its files lay does not, and a manifest that told
 * of it would differ from folder to folder.
 */
function recipeOf(configuration: Configuration): Omit<Configuration, "files"> {
  const recipe: Partial<Configuration> = { ...configuration };
  delete recipe.files;
  return recipe as Omit<Configuration, "files">;
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
  for (const file of [...MODEL_FILES, CHECKPOINT_FILE, METRICS_FILE]) {
    rmSync(join(out, file), { force: true });
  }
}

function resumeFrom(path: string, trainer: PpoTrainer, sessions: Record<string, string>): void {
  const { state, facts } = loadCheckpoint(path);
  const { schemaHash } = facts;
  if (schemaHash !== SCHEMA_HASH) {
    throw new OperationError(
      "CHECKPOINT_SCHEMA",
      `${path}: expected observation schema ${SCHEMA_HASH.slice(0, 12)}, was ` +
        `${String(schemaHash).slice(0, 12)}; resume with the version of kalshi-gym that the run ` +
        `began with, or start a new run`,
    );
  }
  if (JSON.stringify(facts["sessions"]) !== JSON.stringify(sessions)) {
    throw new OperationError(
      "CHECKPOINT_SESSIONS",
      `${path}: expected the sessions that the run began with, was others; ` +
        `name the same sessions in the same order`,
    );
  }
  trainer.restore(state);
}

function progressNote(report: IterationReport, rate: number): string {
  const episodes = Number.isNaN(report.meanReturn)
    ? ""
    : `  return ${report.meanReturn.toFixed(2)} $`;
  return `${Math.round(rate).toLocaleString("en-US")} steps/s${episodes}`;
}
