/**
 * What a session's feed has told so far, market by market: the client's side of the replay, which all
 * worlds share. It is read by strategies and written by nobody else.
 */
import { assert } from "../../core/index.ts";
import { type Cadence, copyMarketRow, type FeatureRows } from "../../features/index.ts";
import { EventKind, type PriceGrid, streamRows, type Tape } from "../../market/index.ts";
import { MarketFeed } from "../../strategies/index.ts";
import { MarkLog } from "./mark-log.ts";

export class SessionFeed {
  readonly feeds: readonly MarketFeed[];
  readonly marks: readonly MarkLog[];
  /** Events told so far: rows, those of a snapshot's levels apart. */
  events = 0;
  readonly #tape: Tape;
  readonly #markets: readonly number[];

  /** `markets` are indices into the tape; everything here is by their place in that list. */
  constructor(tape: Tape, markets: readonly number[], grids: readonly PriceGrid[]) {
    this.#tape = tape;
    this.#markets = markets;
    this.marks = markets.map(() => new MarkLog());
    this.feeds = markets.map((market, index) => {
      const grid = grids[index];
      assert(grid !== undefined, "every market has its grid");
      return new MarketFeed(tape, streamRows(tape, market), grid, this.marks[index] ?? null);
    });
  }

  /** Takes in everything up to and including `untilUs`. */
  advance(untilUs: number): void {
    for (const feed of this.feeds) this.events += feed.advance(untilUs);
  }

  /** Takes in one row of a market; true where it changed its book. */
  apply(market: number): boolean {
    this.events += 1;
    return (this.feeds[market] as MarketFeed).apply();
  }

  /** Writes the places of the markets that are open into `open`; true where they have changed. */
  findOpen(open: number[]): boolean {
    let count = 0;
    let changed = false;
    for (let market = 0; market < this.feeds.length; market++) {
      const { isKnown, isClosed } = this.feeds[market] as MarketFeed;
      if (!isKnown || isClosed) continue;
      if (open[count] !== market) changed = true;
      open[count++] = market;
    }
    if (open.length !== count) changed = true;
    open.length = count;
    return changed;
  }

  /** Time of the last row of a market before which it was not closed; 0 for one without rows. */
  lastUs(market: number): number {
    const tape = this.#tape;
    const [first, end] = streamRows(tape, this.#markets[market] as number);
    for (let row = first; row < end; row++) {
      if (tape.kind[row] === EventKind.close) return tape.atUs[row] as number;
    }
    return end > first ? (tape.atUs[end - 1] as number) : 0;
  }
}

/** The precomputed features of the markets, for strategies that use them. */
export class FeatureSource {
  readonly #rows: readonly (FeatureRows | null)[];
  readonly #cadence: Cadence;
  /** Last row of each market whose time has come, -1 before the first. */
  readonly #cursors: Int32Array;

  /** Null where a market has no features. */
  constructor(rows: readonly (FeatureRows | null)[], cadence: Cadence) {
    this.#rows = rows;
    this.#cadence = cadence;
    this.#cursors = new Int32Array(rows.length).fill(-1);
  }

  /**
   * Writes the recording's features of a market as they are at `nowUs`, when `feedRow` is the next
   * row of its tape; false where there are none. They begin ten minutes into the recording, as
   * episodes do.
   */
  observe(market: number, nowUs: number, feedRow: number, out: Float32Array): boolean {
    const rows = this.#rows[market];
    if (rows === undefined || rows === null) return false;
    let cursor = this.#cursors[market] as number;
    while (cursor + 1 < rows.count) {
      const next = cursor + 1;
      if ((rows.atUs[next] as number) > nowUs) break;
      if (this.#cadence === "event" && (rows.tapeRow[next] as number) > feedRow) break;
      cursor = next;
    }
    this.#cursors[market] = cursor;
    if (cursor < rows.warm || rows.atUs[cursor] !== nowUs || rows.valid[cursor] !== 1) return false;
    copyMarketRow(rows, cursor, out, 0);
    return true;
  }
}
