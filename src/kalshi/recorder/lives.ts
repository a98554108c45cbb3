/** The markets that are being recorded: their facts as read, and when the venue is to be asked again. */
import { OperationError } from "../../core/index.ts";
import type { FeeOverride, MarketInfo } from "../../market/index.ts";
import type { EventFeeUpdate } from "../wire/feed-lifecycle.ts";
import { ASKED_AT_ONCE } from "./facts-reader.ts";
import { eventInfoOf, marketInfoOf, overrideOf, type VenueFacts } from "./market-facts.ts";
import type { MarketToRecord } from "./session-recorder.ts";

interface Life {
  /** Null for a market of which only the result is missing. */
  readonly facts: VenueFacts | null;
  readonly sinceUs: number;
  closeUs: number;
  /** When the venue is to be asked about it. */
  askUs: number;
  /** Questions since it closed. */
  asked: number;
  /** Answers in a row that it was missing from. */
  absent: number;
  isAsking: boolean;
}

/** From a market's close to the first question about it: lifecycle messages are quicker, mostly. */
const AFTER_CLOSE_US = 3_000_000;
const ASK_AGAIN_US = 10_000_000;
const ASK_AGAIN_MOST_US = 60_000_000;
/** Answers without a market after which it is given up. */
const ABSENT_MOST = 5;

export class Lives {
  readonly #lives = new Map<string, Life>();
  /** Markets whose facts are on their way. */
  readonly #reserved = new Set<string>();
  /** Markets that are over: they are not begun again. */
  readonly #over = new Set<string>();
  /** What the feed told of events' fees. */
  readonly #overrides = new Map<string, FeeOverride[]>();

  /** Markets that are listened to. */
  get count(): number {
    let count = 0;
    for (const { facts } of this.#lives.values()) if (facts !== null) count += 1;
    return count;
  }

  /** Whether nothing is listened to, and no result of a closed market is awaited. */
  isIdle(nowUs: number): boolean {
    for (const { facts, closeUs } of this.#lives.values()) {
      if (facts !== null || closeUs <= nowUs) return false;
    }
    return true;
  }

  /** Whether a market is listened to, is going to be, or was. */
  has(ticker: string): boolean {
    const isHeard = (this.#lives.get(ticker)?.facts ?? null) !== null;
    return isHeard || this.#reserved.has(ticker) || this.#over.has(ticker);
  }

  reserve(ticker: string): void {
    this.#reserved.add(ticker);
  }

  release(ticker: string): void {
    this.#reserved.delete(ticker);
  }

  /** Takes markets in; those whose fees no formula is known for are left out, with a sentence each. */
  add(
    all: readonly VenueFacts[],
    nowUs: number,
  ): { readonly added: readonly MarketToRecord[]; readonly problems: readonly string[] } {
    const added: MarketToRecord[] = [];
    const problems: string[] = [];
    for (const facts of all) {
      const { ticker, eventTicker, closeUs } = facts.market;
      if (this.has(ticker)) continue;
      try {
        const info = marketInfoOf(facts, nowUs, this.#overrides.get(eventTicker));
        added.push({ info, event: eventInfoOf(facts.event), closeUs });
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        problems.push(`${ticker} is not recorded: ${error.message}`);
        this.#over.add(ticker);
        continue;
      }
      this.#lives.set(ticker, lifeOf(facts, nowUs, closeUs));
    }
    return { added, problems };
  }

  /** Takes in a market of which only the result is missing. */
  leftOver(ticker: string, nowUs: number): void {
    this.#lives.set(ticker, { ...lifeOf(null, nowUs, nowUs), askUs: nowUs });
  }

  /** Takes a market out; false where it was not there. */
  end(ticker: string): boolean {
    const isHeard = this.#lives.delete(ticker);
    // The feed tells of the ends of all the venue's markets, thousands a day: those are not kept.
    if (isHeard || this.#reserved.has(ticker)) this.#over.add(ticker);
    return isHeard;
  }

  closeUsOf(ticker: string): number | null {
    return this.#lives.get(ticker)?.closeUs ?? null;
  }

  setClose(ticker: string, closeUs: number): void {
    const life = this.#lives.get(ticker);
    if (life === undefined || life.closeUs === closeUs) return;
    life.closeUs = closeUs;
    if (!life.isAsking) life.askUs = closeUs + AFTER_CLOSE_US;
  }

  askSoon(ticker: string, nowUs: number): void {
    const life = this.#lives.get(ticker);
    if (life !== undefined) life.askUs = Math.min(life.askUs, nowUs);
  }

  askAll(nowUs: number): void {
    for (const ticker of this.#lives.keys()) this.askSoon(ticker, nowUs);
  }

  /** Markets that the venue is to be asked about now, in portions. */
  due(nowUs: number): readonly (readonly string[])[] {
    const portions: string[][] = [];
    for (const [ticker, life] of this.#lives) {
      if (life.isAsking || nowUs < life.askUs) continue;
      life.isAsking = true;
      const isClosed = nowUs >= life.closeUs;
      if (isClosed) life.asked += 1;
      const againUs = Math.min(ASK_AGAIN_MOST_US, ASK_AGAIN_US * Math.max(1, life.asked));
      life.askUs = isClosed ? nowUs + againUs : life.closeUs + AFTER_CLOSE_US;
      const last = portions.at(-1);
      if (last === undefined || last.length === ASKED_AT_ONCE) portions.push([ticker]);
      else last.push(ticker);
    }
    return portions;
  }

  /**
   * An answer about these has come, or none will. Those that were missing from several are returned:
   * the venue has put them away.
   */
  answered(tickers: readonly string[], isThere: (ticker: string) => boolean): readonly string[] {
    return tickers.filter((ticker) => {
      const life = this.#lives.get(ticker);
      if (life === undefined) return false;
      life.isAsking = false;
      life.absent = isThere(ticker) ? 0 : life.absent + 1;
      return life.absent >= ABSENT_MOST;
    });
  }

  /** The fees of an event's markets change; a sentence where no formula is known for the new ones. */
  feesChanged(
    { eventTicker, feeType, feeMultiplierPpm }: EventFeeUpdate,
    nowUs: number,
    sessions: { setFees(ticker: string, info: MarketInfo): void },
  ): string | null {
    const known = this.#overrides.get(eventTicker) ?? [];
    try {
      known.push(overrideOf(eventTicker, nowUs, feeType, feeMultiplierPpm));
    } catch (error) {
      if (error instanceof OperationError) return error.message;
      throw error;
    }
    this.#overrides.set(eventTicker, known);
    for (const [ticker, { facts, sinceUs }] of this.#lives) {
      if (facts?.market.eventTicker !== eventTicker) continue;
      sessions.setFees(ticker, marketInfoOf(facts, sinceUs, known));
    }
    return null;
  }
}

function lifeOf(facts: VenueFacts | null, sinceUs: number, closeUs: number): Life {
  const askUs = closeUs + AFTER_CLOSE_US;
  return { facts, sinceUs, closeUs, askUs, asked: 0, absent: 0, isAsking: false };
}
