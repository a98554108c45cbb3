/**
 * The file of a training run's metrics: one JSON line per iteration, in the order of steps. A run
 * that was cut off may have written lines beyond its last checkpoint; resuming drops them, so that
 * the file of a resumed run equals that of an uninterrupted one.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { messageOf, OperationError, writeFileAtomically } from "../core/index.ts";
import type { IterationReport } from "../learn/index.ts";

export type MetricsLine = Readonly<Record<string, unknown>>;

export interface MetricsFile {
  /** Adds an iteration; `TRAIN_METRICS` where it cannot be written. */
  append(report: IterationReport): void;
  /** The last iteration that the file tells of, or null. */
  last(): MetricsLine | null;
}

/** Opens `path` keeping what it says up to step `keepSteps`; 0 begins it anew. `FILE_WRITE`. */
export function openMetrics(path: string, keepSteps: number): MetricsFile {
  const kept = keepSteps === 0 ? [] : linesUpTo(path, keepSteps);
  writeFileAtomically(path, kept.map((line) => `${JSON.stringify(line)}\n`).join(""));
  let last = kept.at(-1) ?? null;
  return {
    append: (report) => {
      last = finiteMembers(report);
      try {
        appendFileSync(path, `${JSON.stringify(last)}\n`);
      } catch (error) {
        throw new OperationError(
          "TRAIN_METRICS",
          `${path}: could not be written, was: ${messageOf(error)}; ` +
            `make room and go on with --resume`,
          { cause: error },
        );
      }
    },
    last: () => last,
  };
}

function linesUpTo(path: string, steps: number): MetricsLine[] {
  if (!existsSync(path)) return [];
  const kept: MetricsLine[] = [];
  for (const text of readFileSync(path, "utf8").split("\n")) {
    const line = parseLine(text);
    if (line !== null && typeof line["steps"] === "number" && line["steps"] <= steps) {
      kept.push(line);
    }
  }
  return kept;
}

/** Null for what is no line of ours: the end of the file, or a line that was cut off. */
function parseLine(text: string): MetricsLine | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as MetricsLine) : null;
  } catch {
    return null;
  }
}

/** A report with null where there is no number: an iteration in which no episode ended. */
function finiteMembers(report: IterationReport): MetricsLine {
  return Object.fromEntries(
    Object.entries(report).map(([key, value]) => [key, Number.isNaN(value) ? null : value]),
  );
}
