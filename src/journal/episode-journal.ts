/**
 * The record of one episode: what it was made from, every decision with what the agent saw and what
 * came of it, and a chain of hashes over it all. One JSON object a line:
 *
 *   {"header": {...}, "hints": {...}}      what the episode is; hints are not part of any hash
 *   {"step": 0, ..., "chain": "..."}       one line per decision
 *   {"end": "truncated", "steps": 600, "value": ..., "journalHash": "..."}
 *
 * chain of step n = SHA-256(chain of step n - 1 + canonical step), the header's own hash before the
 * first; journalHash closes the chain over the end. Equal journals are equal episodes, on any
 * machine. Money is in micro-dollars, sizes in lots, prices in centi-cents, times in microseconds.
 */
import { readFileSync } from "node:fs";
import {
  canonicalJson,
  messageOf,
  OperationError,
  sha256,
  writeFileAtomically,
} from "../core/index.ts";
import type { OrderCommand, OrderEvent } from "../orders/index.ts";
import { requireEnd, requireHeader, requireStep } from "./record-shape.ts";

const FORMAT = "kalshi-gym episode";
const FORMAT_VERSION = 1;

export interface EpisodeHeader {
  readonly format: typeof FORMAT;
  readonly formatVersion: typeof FORMAT_VERSION;
  /** The session by name and by content. */
  readonly session: { readonly id: string; readonly contentHash: string };
  readonly ticker: string;
  /** Feature row at which the episode starts. */
  readonly startRow: number;
  /** Everything that shapes the simulation; plain data. */
  readonly settings: unknown;
  readonly seed: number | string;
  /** Who decided: a model by hash, or a baseline by name; and how from its distribution. */
  readonly policy: {
    readonly name: string;
    readonly modelHash: string | null;
    readonly choice: "best" | "sample";
  };
  readonly schemaHash: string;
  readonly software: string;
}

/** Where things were when the episode was recorded, for whoever looks for them. */
export interface EpisodeHints {
  readonly sessionFolder?: string;
  readonly modelFolder?: string;
  /** Statistics that were named beside the model. */
  readonly normaliserFile?: string;
}

export interface JournalStep {
  readonly step: number;
  readonly atUs: number;
  /** SHA-256 of the 52 float32 numbers that the agent saw. */
  readonly observationHash: string;
  /** Allowed actions, one digit each. */
  readonly mask: string;
  readonly action: number;
  /** Best bid and ask that the decision was made on. */
  readonly bid: number;
  readonly ask: number;
  /** What was sent because of it, and what the risk gate stopped. */
  readonly sent: readonly OrderCommand[];
  readonly refused: readonly string[];
  /** What reached us before the next decision. */
  readonly events: readonly OrderEvent[];
  /** After the step. */
  readonly reward: number;
  readonly value: number;
  readonly cash: number;
  readonly position: number;
}

export interface JournalEnd {
  readonly end: "terminated" | "truncated" | "interrupted";
  readonly steps: number;
  readonly value: number;
}

export interface EpisodeJournal {
  readonly header: EpisodeHeader;
  readonly hints: EpisodeHints;
  readonly steps: readonly JournalStep[];
  readonly end: JournalEnd;
  readonly journalHash: string;
}

/** Collects an episode; `finish` gives the journal. */
export class EpisodeWriter {
  readonly #header: EpisodeHeader;
  readonly #hints: EpisodeHints;
  readonly #steps: JournalStep[] = [];
  readonly #lines: string[] = [];
  #chain: string;

  constructor(header: Omit<EpisodeHeader, "format" | "formatVersion">, hints: EpisodeHints = {}) {
    this.#header = { format: FORMAT, formatVersion: FORMAT_VERSION, ...header };
    this.#hints = hints;
    this.#chain = sha256(canonicalJson(this.#header));
    this.#lines.push(JSON.stringify({ header: this.#header, hints }));
  }

  step(step: JournalStep): void {
    this.#chain = link(this.#chain, step);
    this.#steps.push(step);
    this.#lines.push(JSON.stringify({ ...step, chain: this.#chain }));
  }

  finish(end: JournalEnd): EpisodeJournal {
    const journalHash = link(this.#chain, end);
    this.#lines.push(JSON.stringify({ ...end, journalHash }));
    return { header: this.#header, hints: this.#hints, steps: this.#steps, end, journalHash };
  }

  /** Writes what was collected, atomically; after `finish`. `FILE_WRITE` where that cannot be. */
  save(path: string): void {
    writeFileAtomically(path, `${this.#lines.join("\n")}\n`);
  }
}

function link(chain: string, record: JournalStep | JournalEnd): string {
  return sha256(chain + canonicalJson(record));
}

/**
 * Reads an episode, checks its chain and that each line has what it should. `EPISODE_MISSING`;
 * `EPISODE_NONE` where it is a file of another kind; `EPISODE_VERSION`; `EPISODE_FORMAT` names the line and the member that is not as written;
 * `EPISODE_DAMAGED` names the first line whose hash does not follow from what stands before it.
 */
export function readEpisode(path: string): EpisodeJournal {
  const lines = readLines(path);
  const [text = ""] = lines;
  if (!text.startsWith("{")) {
    throw new OperationError(
      "EPISODE_NONE",
      `${path}: expected a recorded episode, was something else`,
    );
  }
  const first = parseLine(path, 1, text) as {
    header?: EpisodeHeader;
    hints?: EpisodeHints;
  };
  const { header } = first;
  if (header?.format !== FORMAT) {
    throw new OperationError(
      "EPISODE_NONE",
      `${path}:1: expected the header of a ${FORMAT}, was something else`,
    );
  }
  if (header.formatVersion !== FORMAT_VERSION) {
    throw new OperationError(
      "EPISODE_VERSION",
      `${path}:1: expected formatVersion ${FORMAT_VERSION}, was ${String(header.formatVersion)}`,
    );
  }
  requireHeader(`${path}:1`, header);
  let chain = sha256(canonicalJson(header));
  const steps: JournalStep[] = [];
  for (let index = 1; index < lines.length; index++) {
    const line = parseLine(path, index + 1, lines[index] ?? "");
    const isEnd = "journalHash" in line;
    const { chain: stepHash, journalHash, ...record } = line;
    chain = sha256(chain + canonicalJson(record));
    if (chain !== (isEnd ? journalHash : stepHash)) {
      throw new OperationError(
        "EPISODE_DAMAGED",
        `${path}:${index + 1}: expected ${isEnd ? "journalHash" : "chain"} ${chain.slice(0, 12)}, ` +
          `was ${String(isEnd ? journalHash : stepHash).slice(0, 12)}; this line or one before it ` +
          `was changed after it was recorded`,
      );
    }
    if (isEnd) {
      requireNothingAfter(path, lines, index);
      requireEnd(`${path}:${index + 1}`, record, steps.length);
      const end = record as unknown as JournalEnd;
      return { header, hints: first.hints ?? {}, steps, end, journalHash: chain };
    }
    requireStep(`${path}:${index + 1}`, record, steps.length);
    steps.push(record as unknown as JournalStep);
  }
  throw new OperationError(
    "EPISODE_DAMAGED",
    `${path}:${lines.length}: expected a closing line with journalHash, was the end of the file`,
  );
}

function requireNothingAfter(path: string, lines: readonly string[], end: number): void {
  if (end === lines.length - 1) return;
  throw new OperationError(
    "EPISODE_DAMAGED",
    `${path}:${end + 2}: expected nothing after the closing line, was ` +
      `${JSON.stringify(lines[end + 1]?.slice(0, 40))}; it was added after the episode was recorded`,
  );
}

function readLines(path: string): string[] {
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    // Only behind the last line: an empty one further up is damage, and numbers must stay true.
    while (lines.at(-1) === "") lines.pop();
    return lines;
  } catch (error) {
    throw new OperationError(
      "EPISODE_MISSING",
      `${path}: expected a recorded episode, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function parseLine(path: string, number: number, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text, (_key, member: unknown) => {
      // "1e999" parses, as infinity; the canonical form of what we write has no such number.
      if (typeof member === "number" && !Number.isFinite(member)) throw new SyntaxError(text);
      return member;
    });
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through to the one message below: whatever is wrong, the line is not what we wrote.
  }
  throw new OperationError(
    "EPISODE_FORMAT",
    `${path}:${number}: expected a JSON object, was ${JSON.stringify(text.slice(0, 40))}`,
  );
}

/** The first place in which two journals differ. */
export interface Difference {
  /** Step number, or -1 for the header, or the number of steps for the end. */
  readonly step: number;
  readonly field: string;
  readonly recorded: unknown;
  readonly replayed: unknown;
}

/** Null where the journals are identical. */
export function compareEpisodes(
  recorded: EpisodeJournal,
  replayed: EpisodeJournal,
): Difference | null {
  const header = firstDifference(-1, recorded.header, replayed.header);
  if (header !== null) return header;
  const steps = Math.max(recorded.steps.length, replayed.steps.length);
  for (let index = 0; index < steps; index++) {
    const [a, b] = [recorded.steps[index], replayed.steps[index]];
    if (a === undefined || b === undefined) {
      const [was, is] = [recorded.steps.length, replayed.steps.length];
      return { step: index, field: "steps", recorded: was, replayed: is };
    }
    const difference = firstDifference(index, a, b);
    if (difference !== null) return difference;
  }
  return firstDifference(steps, recorded.end, replayed.end);
}

function firstDifference(step: number, recorded: object, replayed: object): Difference | null {
  const a = recorded as Record<string, unknown>;
  const b = replayed as Record<string, unknown>;
  for (const field of new Set([...Object.keys(a), ...Object.keys(b)])) {
    // What was read back has no undefined members, so both sides go through the canonical form.
    const was = a[field] === undefined ? "" : canonicalJson(a[field]);
    const is = b[field] === undefined ? "" : canonicalJson(b[field]);
    if (was !== is) return { step, field, recorded: a[field], replayed: b[field] };
  }
  return null;
}
