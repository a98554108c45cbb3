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

/** Milliseconds between lines of progress where there is no terminal. */
const LINE_INTERVAL_MS = 5000;

/** The console of a running command, by its `--json` flag. */
export function consoleFor(command: Command): Console {
  const isJson = command.optsWithGlobals<{ json?: boolean }>().json === true;
  const people = isJson ? process.stderr : process.stdout;
  return {
    isJson,
    line: (text = "") => void people.write(`${text}\n`),
    warn: (text) => void process.stderr.write(`${text}\n`),
    json: (result) => {
      if (isJson) process.stdout.write(`${JSON.stringify(result)}\n`);
    },
    progress: (title, total, unit = "") =>
      isJson ? SILENT : process.stderr.isTTY ? bar(title, total, unit) : lines(title, total, unit),
  };
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const SILENT: Progress = { update: () => undefined, say, stop: () => undefined };

function bar(title: string, total: number, unit: string): Progress {
  const single = new cliProgress.SingleBar({
    format: `${title.padEnd(22)} {bar} {percentage}% {value}/{total} ${unit} {note}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 28,
    hideCursor: true,
    clearOnComplete: false,
    stream: process.stderr,
    formatValue: (value, _options, type) =>
      type === "value" || type === "total" ? compact(value) : String(value),
  });
  single.start(total, 0, { note: "" });
  let last = 0;
  return {
    update: (done, note) => {
      last = Math.min(done, total);
      single.update(last, note === undefined ? {} : { note });
    },
    // What is written over the bar pushes it down; the next update draws it anew.
    say: (text) => say(`\r\u001b[2K${text}`),
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

/** 12345678 as "12.3M", 1234 as "1,234", fractions to one decimal. */
function compact(value: number): string {
  if (Math.abs(value) >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  return (Math.round(value * 10) / 10).toLocaleString("en-US");
}
