/**
 * One market's book in YES prices: lots resting at each tick, bids and asks. It holds levels, not
 * orders. All arrays are over tick indices; best prices are kept current, found through a bitmap of
 * occupied ticks. A level that would go negative is set to zero and counted, because a recording
 * can be wrong and replay must go on; validation reports the count.
 */
import { type CentiCents, type Lots, ONE_DOLLAR_CC } from "../core/index.ts";
import type { PriceGrid } from "./price-grid.ts";
import { BookSide, EventKind, type Tape } from "./tape.ts";

/** The occupied levels of a book: tick, lots, tick, lots and so on. */
export interface BookLevels {
  readonly bids: readonly number[];
  readonly asks: readonly number[];
}

export class OrderBook {
  readonly grid: PriceGrid;
  /** Lots resting per tick. [grid.count] */
  readonly bids: Float64Array;
  readonly asks: Float64Array;
  /** Highest bid tick; -1 when there is no bid. */
  bestBidTick = -1;
  /** Lowest ask tick; grid.count when there is no ask. */
  bestAskTick: number;
  /** All lots resting on a side. */
  bidTotal = 0;
  askTotal = 0;
  /** Changes that would have made a level negative, since construction. */
  negativeLevelCount = 0;
  readonly #bidBits: Uint32Array;
  readonly #askBits: Uint32Array;

  constructor(grid: PriceGrid) {
    this.grid = grid;
    this.bids = new Float64Array(grid.count);
    this.asks = new Float64Array(grid.count);
    this.bestAskTick = grid.count;
    const words = (grid.count + 31) >>> 5;
    this.#bidBits = new Uint32Array(words);
    this.#askBits = new Uint32Array(words);
  }

  /** Best YES bid, 0 when there is none. */
  bestBid(): CentiCents {
    return (this.bestBidTick < 0 ? 0 : this.grid.prices[this.bestBidTick]) as CentiCents;
  }

  /** Best YES ask, one dollar when there is none. */
  bestAsk(): CentiCents {
    const none = this.bestAskTick >= this.grid.count;
    return none ? ONE_DOLLAR_CC : (this.grid.prices[this.bestAskTick] as CentiCents);
  }

  hasBid(): boolean {
    return this.bestBidTick >= 0;
  }

  hasAsk(): boolean {
    return this.bestAskTick < this.grid.count;
  }

  sizeAt(side: BookSide, tick: number): Lots {
    return ((side === BookSide.bid ? this.bids : this.asks)[tick] ?? 0) as Lots;
  }

  clear(): void {
    this.bids.fill(0);
    this.asks.fill(0);
    this.#bidBits.fill(0);
    this.#askBits.fill(0);
    this.bestBidTick = -1;
    this.bestAskTick = this.grid.count;
    this.bidTotal = 0;
    this.askTotal = 0;
  }

  /** Becomes an equal of `other`, which has the same grid. */
  copyFrom(other: OrderBook): void {
    this.bids.set(other.bids);
    this.asks.set(other.asks);
    this.#bidBits.set(other.#bidBits);
    this.#askBits.set(other.#askBits);
    this.bestBidTick = other.bestBidTick;
    this.bestAskTick = other.bestAskTick;
    this.bidTotal = other.bidTotal;
    this.askTotal = other.askTotal;
  }

  /** The occupied levels, best first. */
  save(): BookLevels {
    const bids: number[] = [];
    const asks: number[] = [];
    for (let tick = this.bestBidTick; tick >= 0; tick = this.bidBelow(tick)) {
      bids.push(tick, this.bids[tick] as number);
    }
    for (let tick = this.bestAskTick; tick < this.grid.count; tick = this.askAbove(tick)) {
      asks.push(tick, this.asks[tick] as number);
    }
    return { bids, asks };
  }

  /** Becomes the book that was saved, which has the same grid. */
  restore({ bids, asks }: BookLevels): void {
    this.clear();
    for (let at = 0; at < bids.length; at += 2) {
      this.change(BookSide.bid, bids[at] as number, bids[at + 1] as number);
    }
    for (let at = 0; at < asks.length; at += 2) {
      this.change(BookSide.ask, asks[at] as number, asks[at + 1] as number);
    }
  }

  /** Changes the level at `tick` by `delta` lots. */
  change(side: BookSide, tick: number, delta: number): void {
    if (side === BookSide.bid) {
      const before = this.bids[tick] as number;
      let after = before + delta;
      if (after < 0) {
        this.negativeLevelCount += 1;
        after = 0;
      }
      this.bids[tick] = after;
      this.bidTotal += after - before;
      if (after === 0) {
        if (before !== 0) this.#emptyBid(tick);
      } else if (before === 0) {
        this.#bidBits[tick >>> 5] = (this.#bidBits[tick >>> 5] as number) | (1 << (tick & 31));
        if (tick > this.bestBidTick) this.bestBidTick = tick;
      }
    } else {
      const before = this.asks[tick] as number;
      let after = before + delta;
      if (after < 0) {
        this.negativeLevelCount += 1;
        after = 0;
      }
      this.asks[tick] = after;
      this.askTotal += after - before;
      if (after === 0) {
        if (before !== 0) this.#emptyAsk(tick);
      } else if (before === 0) {
        this.#askBits[tick >>> 5] = (this.#askBits[tick >>> 5] as number) | (1 << (tick & 31));
        if (tick < this.bestAskTick) this.bestAskTick = tick;
      }
    }
  }

  /**
   * Applies row `row` of `tape` (whose prices are on this grid) and returns the next row to apply:
   * a snapshot takes its level rows with it. Rows that say nothing of the book change nothing.
   */
  apply(tape: Tape, row: number): number {
    const kind = tape.kind[row] as EventKind;
    if (kind === EventKind.delta) {
      const tick = this.grid.ticks[tape.priceCc[row] as number] as number;
      this.change(tape.side[row] as BookSide, tick, tape.size[row] as number);
      return row + 1;
    }
    if (kind === EventKind.snapshot) {
      this.clear();
      const end = row + 1 + (tape.size[row] as number);
      for (let level = row + 1; level < end; level++) {
        const tick = this.grid.ticks[tape.priceCc[level] as number] as number;
        this.change(tape.side[level] as BookSide, tick, tape.size[level] as number);
      }
      return end;
    }
    return row + 1;
  }

  /** The next occupied tick below `tick` on the bid side, or -1. */
  bidBelow(tick: number): number {
    let word = (tick - 1) >> 5;
    if (tick <= 0) return -1;
    let bits = (this.#bidBits[word] as number) & (0xffffffff >>> (31 - ((tick - 1) & 31)));
    while (bits === 0) {
      word -= 1;
      if (word < 0) return -1;
      bits = this.#bidBits[word] as number;
    }
    return (word << 5) + 31 - Math.clz32(bits);
  }

  /** The next occupied tick above `tick` on the ask side, or grid.count. */
  askAbove(tick: number): number {
    const from = tick + 1;
    if (from >= this.grid.count) return this.grid.count;
    let word = from >> 5;
    let bits = (this.#askBits[word] as number) & (0xffffffff << (from & 31));
    while (bits === 0) {
      word += 1;
      if (word >= this.#askBits.length) return this.grid.count;
      bits = this.#askBits[word] as number;
    }
    return (word << 5) + 31 - Math.clz32(bits & -bits);
  }

  #emptyBid(tick: number): void {
    this.#bidBits[tick >>> 5] = (this.#bidBits[tick >>> 5] as number) & ~(1 << (tick & 31));
    if (tick === this.bestBidTick) this.bestBidTick = this.bidBelow(tick);
  }

  #emptyAsk(tick: number): void {
    this.#askBits[tick >>> 5] = (this.#askBits[tick >>> 5] as number) & ~(1 << (tick & 31));
    if (tick === this.bestAskTick) this.bestAskTick = this.askAbove(tick);
  }
}
