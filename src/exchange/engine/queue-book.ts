/**
 * The orders that rest in one market: at each price a queue, oldest first, and beside it the levels,
 * which are the queues' sums. Price-time priority is this structure: the best price first, and at a
 * price the front of its queue.
 */
import { assert, type CentiCents, type Lots, present } from "../../core/index.ts";
import { BookSide, OrderBook, PriceGrid, type PriceRange } from "../../market/index.ts";
import type { BookLevel, VenueBook } from "../../kalshi/index.ts";
import type { EngineOrder } from "./engine-order.ts";

interface Queue {
  first: EngineOrder | null;
  last: EngineOrder | null;
}

export class QueueBook {
  /** Prices at which new orders may rest. */
  #grid: PriceGrid;
  /** Lots at each price. Its grid holds the prices of all structures that the market has had. */
  #levels: OrderBook;
  #ranges: readonly PriceRange[];
  readonly #bids = new Map<number, Queue>();
  readonly #asks = new Map<number, Queue>();

  constructor(ranges: readonly PriceRange[]) {
    this.#ranges = ranges;
    this.#grid = gridOf(ranges);
    this.#levels = new OrderBook(this.#grid);
  }

  get ranges(): readonly PriceRange[] {
    return this.#ranges;
  }

  isTick(price: number): boolean {
    return this.#grid.has(price as CentiCents);
  }

  /** Changes the prices at which orders may be placed; those that rest stay where they are. */
  restructure(ranges: readonly PriceRange[]): void {
    const grid = gridOf(ranges);
    const held = this.#levels.grid.prices;
    const points = [...held].map((price) => ({
      startCc: price as CentiCents,
      endCc: price as CentiCents,
      stepCc: 1 as CentiCents,
    }));
    const levels = new OrderBook(new PriceGrid([...ranges, ...points]));
    for (const side of [BookSide.bid, BookSide.ask]) {
      for (const { price, size } of this.levelsOf(side)) {
        levels.change(side, levels.grid.tickOf(price), size);
      }
    }
    this.#ranges = ranges;
    this.#grid = grid;
    this.#levels = levels;
  }

  /** Best price of a side, or null. */
  best(side: BookSide): CentiCents | null {
    if (side === BookSide.bid) return this.#levels.hasBid() ? this.#levels.bestBid() : null;
    return this.#levels.hasAsk() ? this.#levels.bestAsk() : null;
  }

  /** The order that trades next against `side`'s other side, or null: the front of its best queue. */
  front(side: BookSide): EngineOrder | null {
    const price = this.best(side);
    return price === null ? null : (this.#queues(side).get(price)?.first ?? null);
  }

  sizeAt(side: BookSide, price: CentiCents): Lots {
    const tick = this.#levels.grid.ticks[price] ?? -1;
    return (tick < 0 ? 0 : this.#levels.sizeAt(side, tick)) as Lots;
  }

  /** Puts an order behind all others of its price. */
  append(order: EngineOrder): void {
    assert(order.remaining > 0, "only what may fill stands in a queue");
    const queues = this.#queues(order.side);
    let queue = queues.get(order.price);
    if (queue === undefined) queues.set(order.price, (queue = { first: null, last: null }));
    order.before = queue.last;
    order.after = null;
    if (queue.last === null) queue.first = order;
    else queue.last.after = order;
    queue.last = order;
    order.isQueued = true;
    this.#change(order, order.remaining);
  }

  /** Takes an order out of its queue, with all that remains of it. */
  remove(order: EngineOrder): void {
    this.#change(order, -order.remaining);
    this.#unlink(order);
  }

  /** Takes `size` lots off an order that keeps its place; one that comes to nothing leaves. */
  reduce(order: EngineOrder, size: number): void {
    assert(size > 0 && size <= order.remaining, "an order loses no more than it has");
    this.#change(order, -size);
    order.remaining = (order.remaining - size) as Lots;
    if (order.remaining === 0) this.#unlink(order);
  }

  /** The orders of a price, the first to trade first. */
  *ordersAt(side: BookSide, price: number): Generator<EngineOrder> {
    let order = this.#queues(side).get(price)?.first ?? null;
    while (order !== null) {
      // The link is read first: the caller may take the order out.
      const { after } = order;
      yield order;
      order = after;
    }
  }

  /** The last order of a price, or null. */
  lastAt(side: BookSide, price: number): EngineOrder | null {
    return this.#queues(side).get(price)?.last ?? null;
  }

  /** All orders of a side, the first to trade first. */
  *orders(side: BookSide): Generator<EngineOrder> {
    for (const { price } of this.levelsOf(side)) yield* this.ordersAt(side, price);
  }

  /** Lots that trade before `order`: those at better prices and those before it in its queue. */
  ahead(order: EngineOrder): Lots {
    let sum = 0;
    for (const { price, size } of this.levelsOf(order.side)) {
      if (price === order.price) break;
      sum += size;
    }
    for (let other = order.before; other !== null; other = other.before) sum += other.remaining;
    return sum as Lots;
  }

  /** Levels of a side, best first. */
  levelsOf(side: BookSide): BookLevel[] {
    const book = this.#levels;
    const found: BookLevel[] = [];
    const isBid = side === BookSide.bid;
    let tick = isBid ? book.bestBidTick : book.bestAskTick;
    while (isBid ? tick >= 0 : tick < book.grid.count) {
      found.push({ price: book.grid.priceOf(tick), size: book.sizeAt(side, tick) });
      tick = isBid ? book.bidBelow(tick) : book.askAbove(tick);
    }
    return found;
  }

  view(): VenueBook {
    return { bids: this.levelsOf(BookSide.bid), asks: this.levelsOf(BookSide.ask) };
  }

  #queues(side: BookSide): Map<number, Queue> {
    return side === BookSide.bid ? this.#bids : this.#asks;
  }

  #change(order: EngineOrder, change: number): void {
    this.#levels.change(order.side, this.#levels.grid.tickOf(order.price), change);
  }

  #unlink(order: EngineOrder): void {
    const queues = this.#queues(order.side);
    const queue = present(queues.get(order.price), "a resting order's price has a queue");
    if (order.before === null) queue.first = order.after;
    else order.before.after = order.after;
    if (order.after === null) queue.last = order.before;
    else order.after.before = order.before;
    order.before = null;
    order.after = null;
    order.isQueued = false;
    if (queue.first === null) queues.delete(order.price);
  }
}

/** Grids are never changed, so markets with the same list of ranges share one. */
const GRIDS = new WeakMap<readonly PriceRange[], PriceGrid>();

function gridOf(ranges: readonly PriceRange[]): PriceGrid {
  let grid = GRIDS.get(ranges);
  if (grid === undefined) GRIDS.set(ranges, (grid = new PriceGrid(ranges)));
  return grid;
}

/** Whether a price of `side` reaches a resting price of the other side. */
export function reaches(side: BookSide, price: number, resting: number): boolean {
  return side === BookSide.bid ? price >= resting : price <= resting;
}
