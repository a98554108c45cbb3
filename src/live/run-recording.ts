/**
 * A run as a session: the others' book and trades as the run took them in, with the times under which
 * they counted. Read again as a recording, it gives the very observations of the run. With own trades
 * in it, it is what a simulator needs to say what our orders would have met: somebody came and took.
 */
import { type CentiCents, type Lots, US_PER_SECOND } from "../core/index.ts";
import type { LiveHeader } from "../journal/index.ts";
import {
  type BookSide,
  createSession,
  MarketStatus,
  type SessionWriter,
  type SnapshotLevel,
  StampResolution,
} from "../market/index.ts";
import type { RunListener } from "./live-market.ts";

export interface RunRecordingOptions {
  /** Replace a session that is already there. */
  readonly replace?: boolean;
  /** Trades with our own orders too. */
  readonly ownTrades?: boolean;
}

export class RunRecording implements RunListener {
  readonly #writer: SessionWriter;
  readonly #tickers: readonly string[];
  readonly #statuses: MarketStatus[];
  readonly #hasOwnTrades: boolean;
  #events = 0;

  /** Errors are those of `createSession`. */
  constructor(folder: string, header: LiveHeader, options: RunRecordingOptions = {}) {
    const { replace = false, ownTrades = false } = options;
    const { markets, events } = header;
    const id = `run-${header.idPrefix.replace(/-$/, "")}`;
    const source = `a live run on ${header.venue}`;
    const facts = { id, source, markets, events, references: [], strictGaps: true };
    this.#writer = createSession(folder, facts, { replace });
    this.#tickers = markets.map(({ ticker }) => ticker);
    this.#statuses = markets.map(() => MarketStatus.active);
    this.#hasOwnTrades = ownTrades;
  }

  get events(): number {
    return this.#events;
  }

  snapshot(market: number, levels: readonly SnapshotLevel[], atUs: number): void {
    this.#events += 1;
    this.#writer.snapshot(market, levels, atUs);
  }

  delta(market: number, side: BookSide, price: CentiCents, change: Lots, atUs: number): void {
    this.#events += 1;
    this.#writer.delta(market, side, price, change, atUs);
  }

  trade(market: number, hit: BookSide, price: CentiCents, size: Lots, atUs: number): void {
    this.#events += 1;
    this.#writer.trade(market, hit, price, size, atUs, StampResolution.microsecond);
  }

  blockTrade(market: number, hit: BookSide, price: CentiCents, size: Lots, atUs: number): void {
    this.#events += 1;
    this.#writer.blockTrade(market, hit, price, size, atUs, StampResolution.microsecond);
  }

  ownTrade(market: number, hit: BookSide, price: CentiCents, size: Lots, atUs: number): void {
    if (this.#hasOwnTrades) this.trade(market, hit, price, size, atUs);
  }

  status(market: number, status: MarketStatus, atUs: number): void {
    this.#events += 1;
    this.#statuses[market] = status;
    this.#writer.status(market, status, atUs);
  }

  gap(market: number, atUs: number): void {
    this.#events += 1;
    // A gap has no time but that of the event before it: the market's state, told again, is that event.
    this.#writer.status(market, this.#statuses[market] ?? MarketStatus.active, atUs);
    const ticker = this.#tickers[market] ?? null;
    const unknown = { missing: null, sid: null, firstSeq: null };
    this.#writer.gap({ market: ticker, scope: "book", reason: "reported", ...unknown });
  }

  /** Ends the recording at `atUs`, the run's last tick; returns its content hash. */
  finish(atUs: number | null): string {
    if (atUs !== null) {
      const last = Math.floor(atUs / US_PER_SECOND) * US_PER_SECOND;
      // Rows of a session end with its last event: this one is as late as the last decision.
      this.#writer.status(0, this.#statuses[0] ?? MarketStatus.active, last);
    }
    return this.#writer.finish();
  }

  abort(): void {
    this.#writer.abort();
  }
}
