/** One market as its recorder knows it: its book, its prices, and where it is in its life. */
import { BookSide, type MarketStatus, PriceGrid, type SnapshotLevel } from "../../market/index.ts";
import type { PriceRange } from "../../market/index.ts";
import type { BookDelta, BookSnapshot } from "../wire/feed-messages.ts";

export class RecordedMarket {
  readonly ticker: string;
  readonly stream: number;
  /** When the venue will close it, as far as is known; Infinity where it is not. */
  closeUs = Infinity;
  isClosed = false;
  /** Told by the venue last, and recorded. */
  status: MarketStatus | null = null;
  /** An empty book came out of the blue: the venue's farewell, or no more than an empty book. */
  isFarewell = false;
  /** Sizes by 2 x price + side; null as long as the book is not known. */
  #levels: Map<number, number> | null = null;
  #ticks: Int16Array;

  constructor(ticker: string, stream: number, ranges: readonly PriceRange[]) {
    this.ticker = ticker;
    this.stream = stream;
    this.#ticks = ticksOf(ranges);
  }

  get isKnown(): boolean {
    return this.#levels !== null;
  }

  get isEmpty(): boolean {
    return this.#levels?.size === 0;
  }

  /** Whether the market's facts have this price as one at which it trades. */
  hasPrice(priceCc: number): boolean {
    return this.#ticks[priceCc] !== -1;
  }

  setRanges(ranges: readonly PriceRange[]): void {
    this.#ticks = ticksOf(ranges);
  }

  /** What was known of the book is not any more. */
  lose(): void {
    this.#levels = null;
    this.isFarewell = false;
  }

  replace(levels: readonly SnapshotLevel[]): void {
    this.#levels = new Map(levels.map(({ side, priceCc, size }) => [2 * priceCc + side, size]));
  }

  change({ side, price, change }: BookDelta): void {
    const level = 2 * price + side;
    const size = (this.#levels?.get(level) ?? 0) + change;
    if (size > 0) this.#levels?.set(level, size);
    else this.#levels?.delete(level);
  }

  /** The book as a snapshot would show it, best prices first; null where it is not known. */
  levels(): SnapshotLevel[] | null {
    if (this.#levels === null) return null;
    const levels = [...this.#levels].map(([level, size]): SnapshotLevel => {
      return { side: (level & 1) as BookSide, priceCc: level >> 1, size };
    });
    return levels.sort((a, b) =>
      a.side === b.side
        ? (a.side === BookSide.bid ? -1 : 1) * (a.priceCc - b.priceCc)
        : a.side - b.side,
    );
  }
}

const TICKS = new Map<string, Int16Array>();

/** Markets by the hundred share a few grids. */
function ticksOf(ranges: readonly PriceRange[]): Int16Array {
  const key = JSON.stringify(ranges);
  const known = TICKS.get(key);
  if (known !== undefined) return known;
  const { ticks } = new PriceGrid(ranges);
  if (TICKS.size < 100) TICKS.set(key, ticks);
  return ticks;
}

/** The levels of a snapshot; prices of 0 and 1 dollar, at which nobody trades, are left out. */
export function snapshotLevels({ bids, asks }: BookSnapshot): SnapshotLevel[] {
  const levels: SnapshotLevel[] = [];
  for (const { price, size } of bids) levels.push({ side: BookSide.bid, priceCc: price, size });
  for (const { price, size } of asks) levels.push({ side: BookSide.ask, priceCc: price, size });
  return levels.filter(({ priceCc, size }) => isPrice(priceCc) && size > 0);
}

export function isPrice(priceCc: number): boolean {
  return priceCc > 0 && priceCc < 10_000;
}
