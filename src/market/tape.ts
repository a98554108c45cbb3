/**
 * The tape: a session as typed arrays, the form in which everything downstream reads it.
 *
 * Rows are grouped by stream (one stream a market, then one a reference price) and keep the
 * session's order within it, so that one market reads straight through memory; `order` gives the
 * rows of all streams in session order. A snapshot is one `snapshot` row followed by one `level` row
 * per level, which belong to it and are never looked at alone.
 */
import type { EventInfo, MarketInfo } from "./market-info.ts";

/**
 * What a row says. Codes are stored in tape files.
 *   delta     the level at (side, price) changed by `size` lots, signed
 *   trade     `size` lots traded at `price`; `side` is the book side that was hit (the maker's)
 *   snapshot  the book is replaced by the `size` level rows that follow
 *   level     one level of the snapshot before it: (side, price, size)
 *   close     the market closed; the last book stays
 *   gap       messages were lost: the book is unknown until the next snapshot
 *   status    `size` is a MarketStatus code
 *   reference `size` is a reference price in 1e-4 units (reference streams only)
 *   blockTrade  a trade off the book, which no book change belongs to
 */
export const EventKind = {
  delta: 0,
  trade: 1,
  snapshot: 2,
  level: 3,
  close: 4,
  gap: 5,
  status: 6,
  reference: 7,
  blockTrade: 8,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

export const MarketStatus = {
  active: 1,
  inactive: 2,
  closed: 3,
  determined: 4,
  settled: 5,
} as const;
export type MarketStatus = (typeof MarketStatus)[keyof typeof MarketStatus];

/** Sides of the one YES book: bids are YES bids, asks are NO bids at one dollar minus p. */
export const BookSide = { bid: 0, ask: 1 } as const;
export type BookSide = (typeof BookSide)[keyof typeof BookSide];

export interface Tape {
  readonly sessionId: string;
  /** SHA-256 of the session's content: equal events and facts, equal hash, on any machine. */
  readonly contentHash: string;
  readonly markets: readonly MarketInfo[];
  readonly events: readonly EventInfo[];
  /** Names of the reference streams, which follow the markets' streams. */
  readonly references: readonly string[];
  /** Number of rows, R. */
  readonly rowCount: number;
  /** First row of each stream, and R at the end. [markets + references + 1] */
  readonly streamStart: Uint32Array;
  /** Effective time in microseconds; never decreases in session order. [R] */
  readonly atUs: Float64Array;
  /** EventKind. [R] */
  readonly kind: Uint8Array;
  /** BookSide of delta, trade and level rows, else 0. [R] */
  readonly side: Uint8Array;
  /** YES price in centi-cents of delta, trade and level rows, else 0. [R] */
  readonly priceCc: Uint16Array;
  /** Lots, or what `EventKind` says. [R] */
  readonly size: Float64Array;
  /** The row of the delta that a trade made, and of the trade that made a delta; -1 for none. [R] */
  readonly pairRow: Int32Array;
  /**
   * The row of the order that a cancel or decrease is attributed to (a positive delta, or a
   * snapshot's level for the lump it opens with); -1 where nobody is, and on all other rows. [R]
   */
  readonly queueRow: Int32Array;
  /** How good that attribution is; read it by `queueQuality`. [streams x QUEUE_COUNT_FIELDS] */
  readonly queueCounts: Uint32Array;
  /** All rows in session order. [R] */
  readonly order: Uint32Array;
}

/** Stream index of a market's ticker, or -1. */
export function marketIndexOf(tape: Tape, ticker: string): number {
  return tape.markets.findIndex((market) => market.ticker === ticker);
}

/** First row and one past the last row of a stream. */
export function streamRows(tape: Tape, stream: number): readonly [number, number] {
  return [tape.streamStart[stream] as number, tape.streamStart[stream + 1] as number];
}
