/**
 * How a recording is, on one line: redrawn each second on a terminal, else a line every half a minute.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { SESSION_FILE } from "../../market/index.ts";
import { compact, type Console } from "../console.ts";

/** What is shown. */
export interface RecordingState {
  readonly markets: number;
  readonly messages: number;
  readonly gaps: number;
  readonly lastMessageUs: number | null;
  /** Folder of the session that is written. */
  readonly folder: string;
  /** Of the connection. */
  readonly connection: string;
}

const DRAW_MS = 1_000;
const LINE_EVERY = 30;
const CLEAR_LINE = "\r\u001b[2K";

export class StatusLine {
  readonly #io: Console;
  readonly #nowUs: () => number;
  readonly #state: () => RecordingState;
  readonly #timer: NodeJS.Timeout;
  #draws = 0;
  #messages = 0;
  #drawnUs: number;
  #isDrawn = false;

  constructor(io: Console, nowUs: () => number, state: () => RecordingState) {
    this.#io = io;
    this.#nowUs = nowUs;
    this.#state = state;
    this.#drawnUs = nowUs();
    this.#timer = setInterval(() => this.#draw(), DRAW_MS);
  }

  /** A line that people should not miss. */
  say(text: string): void {
    this.#clear();
    this.#io.warn(text);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(): void {
    this.#draws += 1;
    const isLive = process.stderr.isTTY && !this.#io.isJson;
    if (!isLive && this.#draws % LINE_EVERY !== 0) return;
    const state = this.#state();
    const nowUs = this.#nowUs();
    const seconds = Math.max(1, nowUs - this.#drawnUs) / 1_000_000;
    const perSecond = (state.messages - this.#messages) / seconds;
    this.#messages = state.messages;
    this.#drawnUs = nowUs;
    const line = statusText(state, { perSecond, nowUs, bytes: bytesOf(state.folder) });
    if (!isLive) return this.#io.line(line);
    const width = process.stderr.columns;
    process.stderr.write(`${CLEAR_LINE}${line.slice(0, Math.max(20, width) - 1)}`);
    this.#isDrawn = true;
  }

  #clear(): void {
    if (this.#isDrawn) process.stderr.write(CLEAR_LINE);
    this.#isDrawn = false;
  }
}

export interface Measured {
  readonly perSecond: number;
  readonly bytes: number;
  readonly nowUs: number;
}

/** "4 markets  312/s  12.3k messages  0 gaps  1.2 MB  last 0.1 s ago  open". */
export function statusText(state: RecordingState, { perSecond, bytes, nowUs }: Measured): string {
  const { markets, messages, gaps, lastMessageUs, connection } = state;
  const age = lastMessageUs === null ? null : Math.max(0, nowUs - lastMessageUs) / 1_000_000;
  return [
    `${markets} market${markets === 1 ? "" : "s"}`,
    `${compact(Math.round(perSecond))}/s`,
    `${compact(messages)} message${messages === 1 ? "" : "s"}`,
    `${compact(gaps)} gap${gaps === 1 ? "" : "s"}`,
    `${(bytes / 1_000_000).toFixed(1)} MB`,
    age === null ? "nothing yet" : `last ${age.toFixed(1)} s ago`,
    connection,
  ].join("  ");
}

/** What the session takes on disk, with what SQLite has beside it. */
function bytesOf(folder: string): number {
  let sum = 0;
  for (const ending of ["", "-wal"]) {
    const file = join(folder, SESSION_FILE + ending);
    sum += statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}
