/**
 * The metrics of a training run, one entry per iteration in the order of steps, in three forms that
 * say the same: JSON lines, a CSV table, and TensorBoard's events. The lines are what counts; the
 * other two are made of them. A run that was cut off may have written entries beyond its last
 * checkpoint; resuming drops them, so that the files of a resumed run equal those of an
 * uninterrupted one. Nothing in them comes from a clock.
 */
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, OperationError, writeFileAtomically } from "../core/index.ts";
import { EVENT_FILE, eventFileHeader, scalarEvent } from "../learn/index.ts";

export const METRICS_FILE = "metrics.jsonl";
const CSV_FILE = "metrics.csv";
export const METRICS_FILES = [METRICS_FILE, CSV_FILE, EVENT_FILE] as const;

/** Numbers, null where there is none, lists of numbers or of words; plain data. */
export type MetricsLine = Readonly<Record<string, unknown>>;

export interface MetricsFiles {
  /** Entries so far, those of earlier processes included. */
  readonly lines: readonly MetricsLine[];
  /** Adds an iteration; `TRAIN_METRICS` where it cannot be written. */
  append(entry: object): void;
  /** Forces what was added to disk. `TRAIN_METRICS`. */
  flush(): void;
}

/**
 * Opens the files in `folder` keeping what they say up to step `keepSteps`; 0 begins them anew.
 * `actionNames` name the parts of `actionShares`. `FILE_WRITE` where they cannot be written,
 * `TRAIN_METRICS` where the lines do not reach that step: going on would lose what is left of them.
 */
export function openMetrics(
  folder: string,
  keepSteps: number,
  actionNames: readonly string[] = [],
): MetricsFiles {
  const path = (file: string): string => join(folder, file);
  const lines = keepSteps === 0 ? [] : linesUpTo(path(METRICS_FILE), keepSteps);
  const cellsOf = (line: MetricsLine): Cells => flattened(line, actionNames);
  writeFileAtomically(path(METRICS_FILE), lines.map(jsonLine).join(""));
  writeFileAtomically(path(CSV_FILE), csvOf(lines.map(cellsOf)));
  const events = lines.map((line) => eventOf(cellsOf(line)));
  writeFileAtomically(path(EVENT_FILE), Buffer.concat([eventFileHeader(), ...events]));
  return {
    lines,
    append: (entry) => {
      const line = plain(entry);
      const cells = cellsOf(line);
      const isFirst = lines.length === 0;
      lines.push(line);
      add(path(METRICS_FILE), jsonLine(line));
      add(path(CSV_FILE), isFirst ? csvOf([cells]) : csvRow([...cells.values()]));
      add(path(EVENT_FILE), eventOf(cells));
    },
    flush: () => {
      for (const file of METRICS_FILES) attempt(path(file), () => forceToDisk(path(file)));
    },
  };
}

/**
 * The entry as it is read back from a line: null where there is no number (an iteration in which no
 * episode ended), and no minus in front of 0.
 */
function plain(entry: object): MetricsLine {
  return JSON.parse(JSON.stringify(entry)) as MetricsLine;
}

function jsonLine(line: MetricsLine): string {
  return `${JSON.stringify(line)}\n`;
}

function add(path: string, content: string | Uint8Array): void {
  attempt(path, () => appendFileSync(path, content));
}

function attempt(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new OperationError(
      "TRAIN_METRICS",
      `${path}: could not be written, was: ${messageOf(error)}; ` +
        `make room and go on with --resume from the last checkpoint`,
      { cause: error },
    );
  }
}

function forceToDisk(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** None where there is no file: whoever took it away goes on without it. */
function linesUpTo(path: string, steps: number): MetricsLine[] {
  if (!existsSync(path)) return [];
  const kept = wholeLinesUpTo(path, steps);
  const last = kept.at(-1)?.["steps"] ?? 0;
  if (last === steps) return kept;
  throw new OperationError(
    "TRAIN_METRICS",
    `${path}: expected lines up to step ${steps}, where the checkpoint is, was up to step ` +
      `${String(last)}; put a copy of the file in its place, or remove it to go on without it`,
  );
}

function wholeLinesUpTo(path: string, steps: number): MetricsLine[] {
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

/** What stands in the columns of a line, by their names. */
type Cells = ReadonlyMap<string, unknown>;

/** A list of numbers becomes a column for each, a list of words one column. */
function flattened(line: MetricsLine, actionNames: readonly string[]): Cells {
  const cells = new Map<string, unknown>();
  for (const [key, value] of Object.entries(line)) {
    if (!Array.isArray(value)) cells.set(key, value);
    else if (key !== "actionShares") cells.set(key, value.join(" "));
    else {
      for (const [action, share] of value.entries()) {
        cells.set(`${key}.${actionNames[action] ?? action}`, share);
      }
    }
  }
  return cells;
}

function csvOf(rows: readonly Cells[]): string {
  const [first] = rows;
  if (first === undefined) return "";
  return csvRow([...first.keys()]) + rows.map((cells) => csvRow([...cells.values()])).join("");
}

/** Numbers, names and words without commas or quotes: nothing needs quoting. */
function csvRow(values: readonly unknown[]): string {
  return `${values.map((value) => (value === null ? "" : String(value))).join(",")}\n`;
}

/** Where TensorBoard shows what; the rest is about the rollout. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  losses: ["policyLoss", "valueLoss", "loss", "entropy", "approxKl", "clipFraction"],
  gradient: ["gradientNorm"],
  schedules: ["learningRate", "clip", "entropyCoefficient"],
  heldOut: ["heldOutReturn", "heldOutLow", "heldOutHigh"],
};

function eventOf(cells: Cells): Uint8Array {
  const values = new Map<string, number>();
  for (const [name, value] of cells) {
    if (typeof value === "number" && name !== "steps") values.set(tagOf(name), value);
  }
  return scalarEvent(Number(cells.get("steps")), values);
}

function tagOf(name: string): string {
  const [list, action] = name.split(".");
  if (action !== undefined) return `${list ?? ""}/${action}`;
  const group = Object.keys(GROUPS).find((key) => GROUPS[key]?.includes(name));
  return `${group ?? "rollout"}/${name}`;
}
