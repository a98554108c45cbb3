/**
 * The folders of a recording: its first session has the name that was given, those of later days have
 * their date behind it. What an earlier recorder left unfinished is found and gone on with.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { OperationError, type TimestampUs } from "../../core/index.ts";
import {
  createSession,
  formatIsoTime,
  isBlankSession,
  NO_STAMP,
  openSession,
  resumeSession,
  SESSION_FILE,
  type SessionWriter,
} from "../../market/index.ts";

export interface OpenedSession {
  readonly folder: string;
  readonly writer: SessionWriter;
}

const DAY_US = 86_400_000_000;

export class SessionFamily {
  readonly isDaily: boolean;
  readonly #folder: string;
  readonly #source: string;

  /** `source` says where the recording comes from, for people. */
  constructor(folder: string, source: string, isDaily: boolean) {
    this.#folder = folder;
    this.#source = source;
    this.isDaily = isDaily;
  }

  /** Markets of sessions that were left. */
  leftMarkets(): ReadonlySet<string> {
    const tickers = this.#unfinished().flatMap((folder) => {
      const session = openSession(folder);
      session.close();
      return session.facts.markets.map(({ ticker }) => ticker);
    });
    return new Set(tickers);
  }

  /** Asked before anything else is done: `SESSION_EXISTS` where `begin` would find no room. */
  requireRoom(): void {
    if (this.#unfinished().length > 0 || !existsSync(this.#folder)) return;
    const isFolder = statSync(this.#folder).isDirectory();
    const isEmpty = isFolder && readdirSync(this.#folder).length === 0;
    if (isEmpty || isBlankSession(this.#folder)) return;
    throw new OperationError(
      "SESSION_EXISTS",
      `${this.#folder}: expected a new folder, or a recording that was broken off, was something ` +
        `else; choose another name or remove it`,
    );
  }

  /**
   * The session to go on with and those of earlier days that were left; or a new one, for which
   * there must be no finished one: `SESSION_EXISTS`.
   */
  begin(nowUs: number): {
    readonly current: OpenedSession;
    readonly left: readonly OpenedSession[];
  } {
    const left = this.#unfinished().map((folder) => ({ folder, writer: resumeSession(folder) }));
    const last = left.at(-1);
    if (last === undefined) return { current: this.#create(this.#folder), left };
    const { leftUs } = last.writer;
    const isOfToday = leftUs === null || leftUs === NO_STAMP || dayOf(leftUs) >= dayOf(nowUs);
    if (isOfToday || !this.isDaily) return { current: last, left: left.slice(0, -1) };
    return { current: this.next(nowUs), left };
  }

  /** The session of the day. */
  next(nowUs: number): OpenedSession {
    return this.#create(`${this.#folder}-${formatIsoTime(nowUs as TimestampUs).slice(0, 10)}`);
  }

  #create(folder: string): OpenedSession {
    const id = basename(resolve(folder));
    const facts = { id, source: this.#source, markets: [], events: [], references: [] };
    return { folder, writer: createSession(folder, facts, { inPlace: true }) };
  }

  /** Folders of this recording with a session that was not finished, oldest first. */
  #unfinished(): string[] {
    const name = basename(resolve(this.#folder));
    const home = dirname(resolve(this.#folder));
    if (!existsSync(home)) return [];
    return readdirSync(home)
      .filter((entry) => entry === name || isDated(entry, name))
      .sort()
      .map((entry) => (entry === name ? this.#folder : join(dirname(this.#folder), entry)))
      .filter((folder) => existsSync(join(folder, SESSION_FILE)))
      .filter((folder) => !isBlankSession(folder) && !isFinished(folder));
  }
}

function isDated(entry: string, name: string): boolean {
  return entry.startsWith(`${name}-`) && /^\d{4}-\d{2}-\d{2}$/.test(entry.slice(name.length + 1));
}

function isFinished(folder: string): boolean {
  const session = openSession(folder);
  try {
    return session.finished;
  } finally {
    session.close();
  }
}

function dayOf(atUs: number): number {
  return Math.floor(atUs / DAY_US);
}
