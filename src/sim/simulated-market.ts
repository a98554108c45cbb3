/**
 * One recorded market as the exchange that it was, with our orders in it.
 *
 * The recorded book is replayed row by row. Our resting orders stand beside it: the fill model says
 * what recorded trades and quotes give them. Our aggressive orders walk the recorded depth; what
 * they took stays taken until the recording itself changes that level. A book that shrinks is not a
 * trade. Nothing rests or fills while the book is unknown (before the first snapshot, in a gap).
 *
 * Times here are the exchange's: a tape row acts `feedUs` before the tape's time, which is when it
 * reached us. It knows no other latency and no cash; the owner (`FillSink`) books fills. See docs/simulator.md for what each rule assumes and which way it errs.
 */
import { assert, type CentiCents, type Lots } from "../core/index.ts";
import {
  BookSide,
  EventKind,
  type LiquidityRole,
  OrderBook,
  type PriceGrid,
  type Tape,
} from "../market/index.ts";
import type { CancelReason, FillEvidence, OrderRequest } from "../orders/index.ts";
import type { FillModel } from "./fill-model.ts";

/** One of our orders at the exchange. */
export interface ExchangeOrder {
  readonly request: OrderRequest;
  readonly side: BookSide;
  tick: number;
  price: CentiCents;
  /** Total size, filled lots included. */
  size: number;
  filled: number;
  remaining: Lots;
  /** The order's fee rounding account. */
  feeCarry: number;
  /** First tape row that may fill it: what the feed told before belongs to others. */
  restedRow: number;
}

/** The owner of the orders: books what happens to them. */
export interface FillSink {
  /** Lots of `size` that the order may still trade: less than all where it may only reduce. */
  tradable(order: ExchangeOrder, size: number): number;
  filled(
    order: ExchangeOrder,
    price: CentiCents,
    size: Lots,
    role: LiquidityRole,
    evidence: FillEvidence,
    atUs: number,
  ): void;
  ended(order: ExchangeOrder, reason: CancelReason, atUs: number): void;
}

export interface SimulatedMarketOptions {
  readonly tape: Tape;
  /** The market's first tape row and one past its last. */
  readonly rows: readonly [number, number];
  readonly grid: PriceGrid;
  readonly feedUs: number;
  readonly model: FillModel;
  readonly sink: FillSink;
}

export class SimulatedMarket {
  readonly grid: PriceGrid;
  readonly book: OrderBook;
  /** Our resting orders, oldest first. */
  readonly resting: ExchangeOrder[] = [];
  /** Next row of the tape to happen. */
  row: number;
  bookKnown = false;
  closed = false;
  readonly #tape: Tape;
  readonly #endRow: number;
  readonly #feedUs: number;
  readonly #model: FillModel;
  readonly #sink: FillSink;
  /** Lots that our aggressive orders took from each recorded level. [grid.count] */
  readonly #takenBids: Float64Array;
  readonly #takenAsks: Float64Array;
  #takenLevels = 0;
  /** Our best resting prices, -1 and grid.count where there are none. */
  #ownBidTick = -1;
  #ownAskTick: number;

  /** The book is unknown until a snapshot happens or `startFrom` is called. */
  constructor(options: SimulatedMarketOptions) {
    const { tape, rows, grid, feedUs, model, sink } = options;
    this.#tape = tape;
    [this.row, this.#endRow] = rows;
    this.#feedUs = feedUs;
    this.grid = grid;
    this.book = new OrderBook(grid);
    this.#model = model;
    this.#sink = sink;
    this.#takenBids = new Float64Array(grid.count);
    this.#takenAsks = new Float64Array(grid.count);
    this.#ownAskTick = grid.count;
  }

  /** Time of the next row, Infinity after the last. */
  nextUs(): number {
    if (this.row >= this.#endRow) return Infinity;
    return (this.#tape.atUs[this.row] as number) - this.#feedUs;
  }

  /** Starts in the middle of the tape: `restore` makes the book what it was before row `row`. */
  startFrom(restore: (book: OrderBook) => void, row: number): void {
    assert(this.resting.length === 0, "a market starts without orders");
    restore(this.book);
    this.row = row;
    this.bookKnown = true;
  }

  /** Lets everything up to and including exchange time `exchangeUs` happen. */
  advance(exchangeUs: number): void {
    const untilUs = exchangeUs + this.#feedUs;
    const { atUs, kind, side, priceCc, size } = this.#tape;
    const { ticks } = this.grid;
    const { book } = this;
    const end = this.#endRow;
    let row = this.row;
    while (row < end && (atUs[row] as number) <= untilUs) {
      const what = kind[row] as EventKind;
      if (what === EventKind.delta) {
        const tick = ticks[priceCc[row] as number] as number;
        const change = size[row] as number;
        const bookSide = side[row] as BookSide;
        book.change(bookSide, tick, change);
        if (this.#takenLevels > 0) this.#restore(bookSide, tick);
        if (change > 0 && this.#reaches(bookSide, tick)) {
          this.row = row + 1;
          this.#quoted(bookSide, tick, change, row);
        }
        row += 1;
      } else if (what === EventKind.trade) {
        const tick = ticks[priceCc[row] as number] as number;
        const hit = side[row] as BookSide;
        if (hit === BookSide.bid ? tick <= this.#ownBidTick : tick >= this.#ownAskTick) {
          this.row = row + 1;
          this.#traded(hit, tick, size[row] as number, row);
        }
        row += 1;
      } else {
        this.row = row;
        row = this.#other(what, row);
      }
    }
    this.row = row;
  }

  /**
   * An order arrives, or comes back with new terms: it trades what it can at once and the rest
   * rests, unless it may not. The caller has checked funds, grid and state.
   */
  place(order: ExchangeOrder, atUs: number): void {
    order.restedRow = this.row;
    const selfTrade = this.#takeDepth(order, atUs);
    if (order.remaining === 0) return;
    if (selfTrade) return this.#sink.ended(order, "self_trade", atUs);
    if (order.request.timeInForce !== "good_till_canceled") {
      return this.#sink.ended(order, "immediate_or_cancel", atUs);
    }
    if (this.#sink.tradable(order, order.remaining) === 0) {
      return this.#sink.ended(order, "exceeds_position", atUs);
    }
    this.resting.push(order);
    this.#findOwnBest();
  }

  /** Takes a resting order out of the market. */
  remove(order: ExchangeOrder): void {
    const index = this.resting.indexOf(order);
    assert(index >= 0, "only resting orders are removed");
    this.resting.splice(index, 1);
    this.#findOwnBest();
  }

  /** Lots that an order at `limitTick` could take at once. */
  depthWithin(side: BookSide, limitTick: number): number {
    let total = 0;
    if (side === BookSide.bid) {
      for (let at = this.book.bestAskTick; at <= limitTick; at = this.book.askAbove(at)) {
        if (at >= this.grid.count) break;
        total += this.#available(BookSide.ask, at);
      }
    } else {
      for (let at = this.book.bestBidTick; at >= limitTick && at >= 0;) {
        total += this.#available(BookSide.bid, at);
        at = this.book.bidBelow(at);
      }
    }
    return total;
  }

  /** True where a recorded or own order of the other side would trade with one at `tick`. */
  crosses(side: BookSide, tick: number): boolean {
    if (side === BookSide.bid) {
      return tick >= this.#ownAskTick || this.depthWithin(side, tick) > 0;
    }
    return tick <= this.#ownBidTick || this.depthWithin(side, tick) > 0;
  }

  #available(side: BookSide, tick: number): number {
    const taken = (side === BookSide.bid ? this.#takenBids : this.#takenAsks)[tick] as number;
    return Math.max(0, this.book.sizeAt(side, tick) - taken);
  }

  /** Walks the other side's depth; true if the walk stopped at an order of our own. */
  #takeDepth(order: ExchangeOrder, atUs: number): boolean {
    const { book, grid } = this;
    const isBid = order.side === BookSide.bid;
    const other = isBid ? BookSide.ask : BookSide.bid;
    const taken = isBid ? this.#takenAsks : this.#takenBids;
    let tick = isBid ? book.bestAskTick : book.bestBidTick;
    const own = isBid ? this.#ownAskTick : this.#ownBidTick;
    while (order.remaining > 0) {
      const inRange = isBid
        ? tick <= order.tick && tick < grid.count
        : tick >= order.tick && tick >= 0;
      // Own orders stand behind what is recorded at their price.
      if (!inRange || (isBid ? own < tick : own > tick)) break;
      const available = this.#available(other, tick);
      const wanted = this.#sink.tradable(order, Math.min(order.remaining, available));
      if (wanted > 0) {
        if (taken[tick] === 0) this.#takenLevels += 1;
        taken[tick] = (taken[tick] as number) + wanted;
        const price = grid.prices[tick] as CentiCents;
        const evidence = {
          kind: "book",
          row: this.row - 1,
          price,
          size: available as Lots,
        } as const;
        this.#fill(order, price, wanted, "taker", evidence, atUs);
      }
      if (wanted < available) break;
      tick = isBid ? book.askAbove(tick) : book.bidBelow(tick);
    }
    if (order.remaining === 0) return false;
    return isBid ? own <= order.tick : own >= order.tick;
  }

  /** True where a new quote of `side` at `tick` meets our orders of the other side. */
  #reaches(side: BookSide, tick: number): boolean {
    return side === BookSide.ask ? tick <= this.#ownBidTick : tick >= this.#ownAskTick;
  }

  #quoted(side: BookSide, tick: number, size: number, row: number): void {
    const ownSide = side === BookSide.ask ? BookSide.bid : BookSide.ask;
    const price = this.grid.prices[tick] as CentiCents;
    const atUs = (this.#tape.atUs[row] as number) - this.#feedUs;
    const taken = side === BookSide.ask ? this.#takenAsks : this.#takenBids;
    let left = Math.min(size, this.#available(side, tick));
    for (const order of this.#byPriority(ownSide)) {
      if (left <= 0) break;
      const given = this.#sink.tradable(order, this.#model.ofQuote(order, tick, left));
      if (given === 0) continue;
      left -= given;
      // The newcomer has traded with us; it is not there for a later order of ours.
      if (taken[tick] === 0) this.#takenLevels += 1;
      taken[tick] = (taken[tick] as number) + given;
      const evidence = { kind: "quote", row, price, size: size as Lots } as const;
      this.#fill(order, order.price, given, "maker", evidence, atUs);
    }
    this.#sweep(atUs);
  }

  #traded(hit: BookSide, tick: number, size: number, row: number): void {
    const price = this.grid.prices[tick] as CentiCents;
    const atUs = (this.#tape.atUs[row] as number) - this.#feedUs;
    // The match happened with the delta that the trade pairs with, if that came before.
    const pair = this.#tape.pairRow[row] as number;
    const matchRow = pair >= 0 && pair < row ? pair : row;
    let left = size;
    for (const order of this.#byPriority(hit)) {
      if (left <= 0) break;
      if (matchRow < order.restedRow) continue;
      const given = this.#sink.tradable(order, this.#model.ofTrade(order, tick, left));
      if (given === 0) continue;
      left -= given;
      const evidence = { kind: "trade", row, price, size: size as Lots } as const;
      this.#fill(order, order.price, given, "maker", evidence, atUs);
    }
    this.#sweep(atUs);
  }

  #other(what: EventKind, row: number): number {
    const atUs = (this.#tape.atUs[row] as number) - this.#feedUs;
    if (what === EventKind.snapshot) {
      const next = this.book.apply(this.#tape, row);
      this.#takenBids.fill(0);
      this.#takenAsks.fill(0);
      this.#takenLevels = 0;
      this.bookKnown = true;
      this.row = next;
      this.#meetSnapshot(row);
      return next;
    }
    if (what === EventKind.gap) {
      this.bookKnown = false;
      this.#endAll("feed_gap", atUs);
    } else if (what === EventKind.close) {
      this.closed = true;
      this.#endAll("market_closed", atUs);
    }
    return row + 1;
  }

  /** A snapshot may show quotes at or through our orders: they count as newly quoted. */
  #meetSnapshot(row: number): void {
    const { book, grid } = this;
    for (let at = book.bestAskTick; at < grid.count && at <= this.#ownBidTick;) {
      this.#quoted(BookSide.ask, at, book.asks[at] as number, row);
      at = book.askAbove(at);
    }
    for (let at = book.bestBidTick; at >= 0 && at >= this.#ownAskTick; at = book.bidBelow(at)) {
      this.#quoted(BookSide.bid, at, book.bids[at] as number, row);
    }
  }

  #fill(
    order: ExchangeOrder,
    price: CentiCents,
    size: number,
    role: LiquidityRole,
    evidence: FillEvidence,
    atUs: number,
  ): void {
    order.filled += size;
    order.remaining = (order.remaining - size) as Lots;
    this.#sink.filled(order, price, size as Lots, role, evidence, atUs);
  }

  /** Takes out resting orders that are full, or that have nothing left to reduce. */
  #sweep(atUs: number): void {
    for (let index = this.resting.length - 1; index >= 0; index--) {
      const order = this.resting[index] as ExchangeOrder;
      if (order.remaining > 0) {
        if (this.#sink.tradable(order, order.remaining) > 0) continue;
        this.#sink.ended(order, "exceeds_position", atUs);
      }
      this.resting.splice(index, 1);
    }
    this.#findOwnBest();
  }

  #endAll(reason: CancelReason, atUs: number): void {
    for (const order of this.resting) this.#sink.ended(order, reason, atUs);
    this.resting.length = 0;
    this.#findOwnBest();
  }

  /** Our resting orders of a side, best price first, then oldest. */
  #byPriority(side: BookSide): readonly ExchangeOrder[] {
    if (this.resting.length === 1) {
      return (this.resting[0] as ExchangeOrder).side === side ? this.resting.slice() : [];
    }
    const better = side === BookSide.bid ? -1 : 1;
    return this.resting
      .filter((order) => order.side === side)
      .sort((a, b) => better * (a.tick - b.tick) || a.restedRow - b.restedRow);
  }

  #restore(side: BookSide, tick: number): void {
    const taken = side === BookSide.bid ? this.#takenBids : this.#takenAsks;
    if (taken[tick] === 0) return;
    taken[tick] = 0;
    this.#takenLevels -= 1;
  }

  #findOwnBest(): void {
    this.#ownBidTick = -1;
    this.#ownAskTick = this.grid.count;
    for (const { side, tick } of this.resting) {
      if (side === BookSide.bid) this.#ownBidTick = Math.max(this.#ownBidTick, tick);
      else this.#ownAskTick = Math.min(this.#ownAskTick, tick);
    }
  }
}
