/**
 * A market's book kept order by order, as an exchange keeps it: price, then time. Every change goes
 * to a `BookSink` as the feed would tell it: an order that arrives, shrinks or leaves is a delta; a
 * taker's order gives a delta for every maker order that it hits, and then as many trades.
 *
 * Prices are whole cents 1..99, sizes lots. Time never goes back: the caller's clock is asserted.
 */
import { assert } from "../core/index.ts";
import type { SnapshotLevel } from "./session-writer.ts";
import { BookSide } from "./tape.ts";

/** What a feed says of one market. */
export interface BookSink {
  delta(side: BookSide, cents: number, size: number, atUs: number): void;
  trade(makerSide: BookSide, cents: number, size: number, atUs: number): void;
}

/** An order at rest. `size` is what is left of it: 0 once it is filled or cancelled. */
export interface RestingOrder {
  readonly side: BookSide;
  readonly cents: number;
  size: number;
}

const TOP = 100;

export class GeneratedBook {
  readonly #sink: BookSink;
  readonly #levels: readonly (readonly RestingOrder[][])[] = [emptySide(), emptySide()];
  #bestBid = 0;
  #bestAsk = TOP;
  #nowUs = 0;
  /** Before the opening nothing is told: the orders become the opening snapshot. */
  #open = false;

  constructor(sink: BookSink) {
    this.#sink = sink;
  }

  /** From here on the sink is told. */
  open(): void {
    this.#open = true;
  }

  /** Best bid in cents, 0 for none. */
  get bestBid(): number {
    return this.#bestBid;
  }

  /** Best ask in cents, 100 for none. */
  get bestAsk(): number {
    return this.#bestAsk;
  }

  /** Lots resting at a level. */
  sizeAt(side: BookSide, cents: number): number {
    let total = 0;
    for (const order of this.#levels[side]?.[cents] ?? []) total += order.size;
    return total;
  }

  /** Occupied levels, bids downwards and then asks upwards, in YES prices. */
  levels(): SnapshotLevel[] {
    const levels: SnapshotLevel[] = [];
    for (let cents = this.#bestBid; cents >= 1; cents--) {
      const size = this.sizeAt(BookSide.bid, cents);
      if (size > 0) levels.push({ side: BookSide.bid, priceCc: cents * 100, size });
    }
    for (let cents = this.#bestAsk; cents < TOP; cents++) {
      const size = this.sizeAt(BookSide.ask, cents);
      if (size > 0) levels.push({ side: BookSide.ask, priceCc: cents * 100, size });
    }
    return levels;
  }

  /** Puts an order at the end of its level's queue; it must not cross. */
  rest(side: BookSide, cents: number, size: number, atUs: number): RestingOrder {
    this.#tick(atUs);
    assert(size > 0 && Number.isInteger(size), "an order has a whole number of lots");
    assert(cents >= 1 && cents <= 99, "an order rests on a price of the grid");
    if (side === BookSide.bid) {
      assert(cents < this.#bestAsk, "a resting bid does not cross");
      this.#bestBid = Math.max(this.#bestBid, cents);
    } else {
      assert(cents > this.#bestBid, "a resting ask does not cross");
      this.#bestAsk = Math.min(this.#bestAsk, cents);
    }
    const order: RestingOrder = { side, cents, size };
    this.#levels[side]?.[cents]?.push(order);
    if (this.#open) this.#sink.delta(side, cents, size, atUs);
    return order;
  }

  /** Takes `size` lots from an order, all of it by default; a decrease keeps its place. */
  cancel(order: RestingOrder, atUs: number, size: number = order.size): void {
    this.#tick(atUs);
    assert(size > 0 && size <= order.size, "a cancel takes what is there");
    order.size -= size;
    if (order.size === 0) {
      const level = this.#levels[order.side]?.[order.cents] ?? [];
      level.splice(level.indexOf(order), 1);
      this.#settleBest();
    }
    if (this.#open) this.#sink.delta(order.side, order.cents, -size, atUs);
  }

  /**
   * Takes up to `size` lots from the side `makerSide`, at `limit` cents or better, from the oldest
   * order of the best level onwards. Returns what was taken.
   */
  take(makerSide: BookSide, limit: number, size: number, atUs: number): number {
    this.#tick(atUs);
    assert(this.#open, "nobody trades before the opening");
    let left = size;
    const hits: [cents: number, size: number][] = [];
    while (left > 0) {
      const best = makerSide === BookSide.ask ? this.#bestAsk : this.#bestBid;
      if (best <= 0 || best >= TOP) break;
      if (makerSide === BookSide.ask ? best > limit : best < limit) break;
      const level = this.#levels[makerSide]?.[best] ?? [];
      const front = level[0];
      assert(front !== undefined, "the best level has an order");
      const hit = Math.min(left, front.size);
      front.size -= hit;
      left -= hit;
      hits.push([best, hit]);
      if (front.size === 0) {
        level.shift();
        this.#settleBest();
      }
    }
    for (const [cents, hit] of hits) this.#sink.delta(makerSide, cents, -hit, atUs);
    for (const [cents, hit] of hits) this.#sink.trade(makerSide, cents, hit, atUs);
    return size - left;
  }

  #settleBest(): void {
    const bids = this.#levels[BookSide.bid] ?? [];
    const asks = this.#levels[BookSide.ask] ?? [];
    while (this.#bestBid > 0 && (bids[this.#bestBid]?.length ?? 0) === 0) this.#bestBid -= 1;
    while (this.#bestAsk < TOP && (asks[this.#bestAsk]?.length ?? 0) === 0) this.#bestAsk += 1;
  }

  #tick(atUs: number): void {
    assert(atUs >= this.#nowUs, "a book's time does not go back");
    this.#nowUs = atUs;
  }
}

function emptySide(): RestingOrder[][] {
  return Array.from({ length: TOP + 1 }, () => []);
}
