/**
 * The sessions of a recording: the one that is being written, and those of days before, which wait
 * for the results of markets that had closed by then.
 */
import {
  type Gap,
  type MarketInfo,
  MarketStatus,
  type SessionCounts,
  type Settlement,
} from "../../market/index.ts";
import type { FeedEvent } from "../feed/channels.ts";
import type { SessionFamily } from "./session-family.ts";
import { type MarketToRecord, SessionRecorder } from "./session-recorder.ts";

/** A session that is done. */
export interface RecordedSession {
  readonly folder: string;
  readonly markets: number;
  readonly counts: SessionCounts;
  readonly gaps: readonly Gap[];
  readonly contentHash: string;
}

interface Spooled {
  readonly folder: string;
  readonly recorder: SessionRecorder;
  /** When it is finished even if results are missing. */
  untilUs: number;
}

/** How long a session of a day before waits for results. */
const RESULTS_US = 12 * 3_600_000_000;
const DAY_US = 86_400_000_000;

export class SessionSpool {
  readonly #family: SessionFamily;
  readonly #onFarewell: (ticker: string) => void;
  readonly #waiting: Spooled[] = [];
  readonly #finished: RecordedSession[] = [];
  #current: Spooled | null = null;
  #day = 0;

  constructor(family: SessionFamily, onFarewell: (ticker: string) => void) {
    this.#family = family;
    this.#onFarewell = onFarewell;
  }

  get count(): number {
    return this.#finished.length + this.#all().length;
  }

  /** Folder of the session that is written. */
  get folder(): string {
    return this.#current?.folder ?? "";
  }

  get gaps(): number {
    const counts = [...this.#finished, ...this.#all().map(({ recorder }) => recorder)];
    return counts.reduce((sum, { gaps }) => sum + gaps.length, 0);
  }

  /** Opens the session that is written from now on, and those that an earlier recorder left. */
  begin(nowUs: number): void {
    const { current, left } = this.#family.begin(nowUs);
    this.#day = dayOf(nowUs);
    for (const { folder, writer } of left) {
      const recorder = new SessionRecorder(writer);
      this.#waiting.push({ folder, recorder, untilUs: nowUs + RESULTS_US });
    }
    this.#current = this.#spooled(current.folder, new SessionRecorder(current.writer));
  }

  add(markets: readonly MarketToRecord[]): void {
    this.#current?.recorder.add(markets);
  }

  /** Market data belongs to the session of the day; what a market came to, to all that have it. */
  take(message: Extract<FeedEvent, { kind: "message" }>["payload"]): void {
    if (message.kind === "lifecycle") {
      for (const { recorder } of this.#all()) recorder.take(message);
    } else this.#current?.recorder.take(message);
  }

  missed(gap: Extract<FeedEvent, { kind: "gap" }>): void {
    this.#current?.recorder.missed(gap);
  }

  stillOpen(ticker: string): void {
    for (const { recorder } of this.#all()) recorder.stillOpen(ticker);
  }

  closed(ticker: string): void {
    for (const { recorder } of this.#all()) recorder.close(ticker);
  }

  settle(ticker: string, settlement: Settlement, isFinal: boolean): void {
    for (const { recorder } of this.#all()) {
      recorder.settle(ticker, settlement);
      const { determined, settled } = MarketStatus;
      recorder.status(ticker, isFinal ? settled : determined);
    }
  }

  setFees(ticker: string, info: MarketInfo): void {
    for (const { recorder } of this.#all()) recorder.setFees(ticker, info);
  }

  /** Markets without a result, of all sessions that are not finished. */
  unsettled(): readonly string[] {
    const all = this.#all().flatMap(({ recorder }) => unsettledOf(recorder));
    return [...new Set(all)];
  }

  /**
   * Begins the session of a new day where it has come. Markets that have not closed go on in it, each
   * with the book that is known.
   */
  turn(nowUs: number, closeUsOf: (ticker: string) => number | null): void {
    const before = this.#current;
    if (before === null || !this.#family.isDaily || dayOf(nowUs) <= this.#day) return;
    this.#day = dayOf(nowUs);
    const { folder, writer } = this.#family.next(nowUs);
    const recorder = new SessionRecorder(writer);
    recorder.add(marketsToGoOn(before.recorder, nowUs, closeUsOf));
    recorder.openBooksOf(before.recorder);
    before.untilUs = nowUs + RESULTS_US;
    this.#waiting.push(before);
    this.#current = this.#spooled(folder, recorder);
  }

  /** Stores what has come, and finishes sessions that wait for nothing more. */
  flush(nowUs: number): void {
    for (const { recorder } of this.#all()) recorder.flush();
    for (const spooled of [...this.#waiting]) {
      const isComplete = unsettledOf(spooled.recorder, this.#current?.recorder).length === 0;
      if (!isComplete && nowUs < spooled.untilUs) continue;
      this.#waiting.splice(this.#waiting.indexOf(spooled), 1);
      this.#finish(spooled);
    }
  }

  /** Finishes all sessions; those of this recording, oldest first. */
  finish(): readonly RecordedSession[] {
    for (const spooled of this.#all()) this.#finish(spooled);
    this.#waiting.length = 0;
    this.#current = null;
    return this.#finished;
  }

  #all(): Spooled[] {
    return this.#current === null ? [...this.#waiting] : [...this.#waiting, this.#current];
  }

  #spooled(folder: string, recorder: SessionRecorder): Spooled {
    recorder.onFarewell = this.#onFarewell;
    return { folder, recorder, untilUs: Infinity };
  }

  #finish({ folder, recorder }: Spooled): void {
    const contentHash = recorder.finish();
    const { counts, gaps, infos } = recorder;
    this.#finished.push({ folder, markets: infos.length, counts, gaps, contentHash });
  }
}

/** Markets without a result; not those that go on in a later session. */
function unsettledOf(recorder: SessionRecorder, later?: SessionRecorder): string[] {
  return recorder.infos
    .filter(({ ticker, settlement }) => settlement === null && later?.market(ticker) === undefined)
    .map(({ ticker }) => ticker);
}

function marketsToGoOn(
  before: SessionRecorder,
  nowUs: number,
  closeUsOf: (ticker: string) => number | null,
): MarketToRecord[] {
  return before.infos.flatMap((info): MarketToRecord[] => {
    const { ticker, eventTicker } = info;
    const closeUs = closeUsOf(ticker);
    const event = before.event(eventTicker);
    const isOver = closeUs === null || closeUs <= nowUs || before.market(ticker)?.isClosed === true;
    if (isOver || event === undefined) return [];
    return [{ info: { ...info, settlement: null }, event, closeUs }];
  });
}

function dayOf(atUs: number): number {
  return Math.floor(atUs / DAY_US);
}
