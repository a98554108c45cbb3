/**
 * What came of a sweep: one row a run, in order of number, for tables and machines; and settings in
 * order of merit, for people. Settings that halving gave up stand behind all that it kept, whatever
 * their scores were, for they were judged on fewer steps. Nothing here holds a time or a path, so
 * the results of a resumed sweep are those of an uninterrupted one, byte for byte.
 */
import type { ColumnTable } from "arquero";
import { meanScore } from "./halving.ts";
import type { Run, SweepOutcome } from "./run-sweep.ts";
import type { Setting } from "./settings.ts";

type Cell = number | string | null;
type Row = Readonly<Record<string, Cell>>;

/** A setting with what its runs gave. */
export interface Summary {
  readonly setting: number;
  readonly values: Setting;
  /** Mean over the seeds at the last rung reached; null where a run failed or had no score. */
  readonly score: number | null;
  /** Standard deviation over the seeds; null for fewer than two. */
  readonly deviation: number | null;
  /** Rungs that all its runs finished. */
  readonly rungs: number;
  readonly errors: readonly string[];
}

/** Settings, the best first; equal ones by number. */
export function summaries({ runs }: SweepOutcome): Summary[] {
  const bySetting = new Map<number, Run[]>();
  for (const run of runs) {
    bySetting.set(run.setting, [...(bySetting.get(run.setting) ?? []), run]);
  }
  return [...bySetting.values()].map(summaryOf).sort((a, b) => {
    if ((a.score === null) !== (b.score === null)) return a.score === null ? 1 : -1;
    if (a.rungs !== b.rungs) return b.rungs - a.rungs;
    if (a.score !== b.score) return (b.score ?? 0) - (a.score ?? 0);
    return a.setting - b.setting;
  });
}

function summaryOf(runs: readonly Run[]): Summary {
  const rungs = Math.min(...runs.map(({ result }) => result.rungs.length));
  const errors = runs.map(({ result }) => result.error).filter((error) => error !== null);
  const scores = runs.map(({ result }) => result.rungs[rungs - 1]?.score ?? null);
  const score = errors.length > 0 ? null : meanScore(scores);
  return {
    setting: runs[0]?.setting ?? 0,
    values: runs[0]?.values ?? {},
    score,
    deviation: score === null ? null : deviationOf(scores, score),
    rungs,
    errors,
  };
}

function deviationOf(scores: readonly (number | null)[], mean: number): number | null {
  if (scores.length < 2) return null;
  const squares = scores.reduce<number>((sum, score) => sum + ((score ?? 0) - mean) ** 2, 0);
  return Math.sqrt(squares / (scores.length - 1));
}

/** Runs as `--json` tells of them. */
export function runsForJson({ runs }: SweepOutcome): object[] {
  return runs.map(({ run, setting, seed, values, result }) => ({
    run,
    setting,
    seed,
    values,
    score: result.rungs.at(-1)?.score ?? null,
    steps: result.rungs.at(-1)?.steps ?? null,
    modelHash: result.rungs.at(-1)?.modelHash ?? null,
    rungs: result.rungs,
    error: result.error,
  }));
}

/**
 * Rows of the result table. A searched setting is a column under its key; with several rungs there
 * is a column for the score at each.
 */
export function resultRows({ runs, rungs }: SweepOutcome): Row[] {
  return runs.map(({ run, setting, seed, values, result }) => {
    const last = result.rungs.at(-1);
    const perRung = Array.from({ length: rungs > 1 ? rungs : 0 }, (_, rung): [string, Cell] => [
      `score_${rung + 1}`,
      result.rungs[rung]?.score ?? null,
    ]);
    return {
      run,
      setting,
      seed,
      ...Object.fromEntries(Object.entries(values).map(([key, value]) => [key, cell(value)])),
      rung: result.rungs.length,
      steps: last?.steps ?? null,
      score: last?.score ?? null,
      ...Object.fromEntries(perRung),
      model_hash: last?.modelHash ?? null,
      error: result.error,
    };
  });
}

/** A searched value in one cell: lists and other JSON as text. */
export function cell(value: unknown): number | string {
  return typeof value === "number" || typeof value === "string" ? value : JSON.stringify(value);
}

/** The rows as CSV (RFC 4180 but for the line's end); what is not there is empty. */
export function resultCsv(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? null))];
  return lines.map((cells) => `${cells.map(field).join(",")}\n`).join("");
}

function field(value: Cell): string {
  if (value === null) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The rows as an Arquero table; a column of numbers and texts is one of texts. */
export async function resultTable(rows: readonly Row[]): Promise<ColumnTable> {
  const arquero = await import("arquero");
  const columns = Object.keys(rows[0] ?? {}).map((column): [string, Cell[]] => {
    const cells = rows.map((row) => row[column] ?? null);
    const hasText = cells.some((value) => typeof value === "string");
    return [
      column,
      hasText ? cells.map((value) => (value === null ? null : String(value))) : cells,
    ];
  });
  return arquero.table(columns);
}

/** The table as the bytes of an Arrow file. */
export async function resultArrow(rows: readonly Row[]): Promise<Uint8Array> {
  const { toArrowIPC } = await import("arquero");
  return toArrowIPC(await resultTable(rows), { format: "file" });
}

/** Settings that the terminal shows; the rest stands in the files. */
const LINES_MAX = 10;

/** A table for the terminal, the best settings first. */
export function resultLines(outcome: SweepOutcome, scoreName: string): string[] {
  const all = summaries(outcome);
  const keys = Object.keys(all[0]?.values ?? {});
  const several = outcome.rungs > 1;
  const head = ["setting", scoreName, "+-", ...(several ? ["rungs"] : []), ...keys.map(shortKey)];
  const body = all
    .slice(0, LINES_MAX)
    .map(({ setting, values, score, deviation, rungs, errors }) => [
      String(setting),
      score === null ? (errors.length > 0 ? `${errors.length} failed` : "none") : figure(score),
      deviation === null ? "" : figure(deviation),
      ...(several ? [String(rungs)] : []),
      ...keys.map((key) => String(cell(values[key]))),
    ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...body.map((cells) => cells[column]?.length ?? 0)),
  );
  const lines = [head, ...body].map((cells) =>
    `  ${cells.map((text, column) => text.padStart(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
  const rest = all.length - LINES_MAX;
  return rest > 0 ? [...lines, `  and ${rest} more`] : lines;
}

/** `learningRate` of `ppo.learningRate`: the terminal is narrow. */
function shortKey(key: string): string {
  return key.split(".").at(-1) ?? key;
}

/** Five digits that matter. */
export function figure(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}
