/**
 * What a command says, and where. People get lines and progress bars; with `--json` standard output
 * carries one JSON object as its last line and everything meant for people goes to standard error.
 * Progress is a bar on a terminal, and a line every few seconds where there is none.
 */
import type { Command } from "commander";
import cliProgress from "cli-progress";

export interface Progress {
  /** Shows `done` of the total; `note` is a short text behind it. */
  update(done: number, note?: string): void;
  /** A line that people should not miss, above the bar where there is one. */
  say(text: string): void;
  stop(): void;
}

export interface Console {
  readonly isJson: boolean;
  /** A line for people. */
  line(text?: string): void;
  /** A line that people should not miss; always on standard error. */
  warn(text: string): void;
  /** The command's result for machines; printed only with `--json`. */
  json(result: object): void;
  progress(title: string, total: number, unit?: string): Progress;
}

const CLEAR_LINE = "\u001b[2K";
const SAVE_CURSOR = "\u001b7";

/** Milliseconds between lines of progress where there is no terminal. */
const LINE_INTERVAL_MS = 5000;

/** The console of a running command, by its `--json` flag. */
export function consoleFor(command: Command): Console {
  const isJson = command.optsWithGlobals<{ json?: boolean }>().json === true;
  const people = isJson ? process.stderr : process.stdout;
  // What is said while a bar is drawn goes above it.
  let shown: Progress | null = null;
  const start = (title: string, total: number, unit: string): Progress => {
    if (isJson) return SILENT;
    if (!process.stderr.isTTY) return lines(title, total, unit);
    const drawn = bar(title, total, unit);
    shown = drawn;
    return {
      ...drawn,
      stop: () => {
        drawn.stop();
        if (shown === drawn) shown = null;
      },
    };
  };
  return {
    isJson,
    line: (text = "") => void people.write(`${text}\n`),
    warn: (text) => (shown === null ? say(text) : shown.say(text.trimStart())),
    json: (result) => {
      if (isJson) process.stdout.write(`${JSON.stringify(result)}\n`);
    },
    progress: (title, total, unit = "") => start(title, total, unit),
  };
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const SILENT: Progress = { update: () => undefined, say, stop: () => undefined };

function bar(title: string, total: number, unit: string): Progress {
  const single = new cliProgress.SingleBar({
    format: (_options, { progress, value, maxWidth }, payload: { note: string }) =>
      progressLine({ title, share: progress, value, total, unit, note: payload.note }, maxWidth),
    // Lines are made to fit, so that the terminal may go on wrapping what is said above them.
    linewrap: true,
    // Also where nothing changed but what was said over it.
    forceRedraw: true,
    clearOnComplete: false,
    stream: process.stderr,
  });
  single.start(total, 0, { note: "" });
  let last = 0;
  return {
    update: (done, note) => {
      last = Math.min(done, total);
      single.update(last, note === undefined ? {} : { note });
    },
    // The next update draws the bar anew below, where the library is to find the cursor's place.
    say: (text) => void process.stderr.write(`\r${CLEAR_LINE}${text}\n${SAVE_CURSOR}`),
    stop: () => single.stop(),
  };
}

function lines(title: string, total: number, unit: string): Progress {
  let shownAt = process.uptime() * 1000;
  return {
    update: (done, note = "") => {
      const now = process.uptime() * 1000;
      if (now - shownAt < LINE_INTERVAL_MS) return;
      shownAt = now;
      const share = total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 100;
      const amount = `${compact(done)}/${compact(total)} ${unit}`.trim();
      process.stderr.write(`${title}: ${share}% ${amount} ${note}`.trimEnd() + "\n");
    },
    say,
    stop: () => undefined,
  };
}

export interface ProgressText {
  readonly title: string;
  /** 0 to 1. */
  readonly share: number;
  readonly value: number;
  readonly total: number;
  readonly unit: string;
  /** Parts with two spaces between them, the most wanted first. */
  readonly note: string;
}

const TITLE_WIDTH = 22;
const BAR_WIDTH_MOST = 28;
const BAR_WIDTH_STEP = 7;

/**
 * A line of progress that leaves the last of `columns` free. Where they are few, the bar shrinks and
 * goes, then the unit, then parts of the note from its end.
 */
export function progressLine(text: ProgressText, columns: number): string {
  const { title, share, value, total, unit, note } = text;
  const room = columns - 1;
  const amount = `${Math.floor(100 * share)}% ${compact(value)}/${compact(total)}`;
  const parts = note === "" ? [] : note.split("  ");
  const rest = [`${amount} ${unit}`.trimEnd(), ...parts].join("  ");
  const heading = title.padEnd(TITLE_WIDTH);
  for (const [before, least] of [
    [heading, 2 * BAR_WIDTH_STEP],
    [title, BAR_WIDTH_STEP],
  ] as const) {
    const free = Math.min(BAR_WIDTH_MOST, room - before.length - rest.length - 2);
    // In steps, lest it breathe with every figure.
    const width = free - (free % BAR_WIDTH_STEP);
    if (width < least) continue;
    const done = Math.round(share * width);
    return `${before} ${"█".repeat(done)}${"░".repeat(width - done)} ${rest}`;
  }
  if (title.length + rest.length < room) return `${title} ${rest}`;
  let line = `${title} ${amount}`;
  for (const part of parts) {
    if (line.length + 2 + part.length > room) break;
    line += `  ${part}`;
  }
  return line.slice(0, Math.max(0, room));
}

/** 12345678 as "12.3M", 12345 as "12.3k", 1234 as "1,234", fractions to one decimal. */
export function compact(value: number): string {
  const [size, mark] = Math.abs(value) >= 1e6 ? [1e6, "M"] : [1e3, "k"];
  if (Math.abs(value) >= 1e4) return `${(value / size).toFixed(1).replace(/\.0$/, "")}${mark}`;
  return (Math.round(value * 10) / 10).toLocaleString("en-US");
}
