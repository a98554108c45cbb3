/**
 * One recorded market as the exchange that it was, with our orders in it.
 *
 * The recorded book is replayed row by row. Our resting orders stand in its queues: each knows how
 * many lots of others are ahead of it at its price (`fill-model.ts`), and recorded trades serve those
 * first, then us. What we get of a trade others do not get, and no lot is given twice. Our aggressive
 * orders walk the recorded depth; what they took stays taken (`depletion.ts`). A book that shrinks is
 * not a trade. Nothing rests or fills while the book is unknown (before the first snapshot, in a
 * gap): orders that a gap meets are cancelled and counted as uncertain.
 *
 * A match is two rows, a delta and a trade; it happens at the first of them, once. Times here are the
 * exchange's: a tape row acts `feedUs` before the tape's time, which is when it reached us. It knows
 * no other latency and no cash; the owner (`FillSink`) books fills. See docs/simulator.md for what
 * each rule assumes and which way it errs.
 */
import { assert, type CentiCents, clearList, type Lots } from "../core/index.ts";
import {
  BookSide,
  EventKind,
  type LiquidityRole,
  MarketStatus,
  OrderBook,
  type PriceGrid,
  type Tape,
} from "../market/index.ts";
import type { CancelReason, FillEvidence } from "../orders/index.ts";
import { Depletion } from "./depletion.ts";
import { cancellerOf, type ExchangeOrder, type FillSink, isBetter } from "./exchange-order.ts";
import { Canceller, type FillModel } from "./fill-model.ts";
import { type Overlay, traced } from "./overlay.ts";
import type { MarketState } from "./venue-state.ts";

export interface SimulatedMarketOptions {
  readonly tape: Tape;
  /** The market's first tape row and one past its last. */
  readonly rows: readonly [number, number];
  readonly grid: PriceGrid;
  readonly feedUs: number;
  readonly model: FillModel;
  readonly sink: FillSink;
  /** Chance on top of the model; null for none. */
  readonly overlay: Overlay | null;
}

export class SimulatedMarket {
  readonly grid: PriceGrid;
  readonly book: OrderBook;
  /** Our resting orders, oldest first. */
  readonly resting: ExchangeOrder[] = [];
  /** Orders of ours that a feed gap has met: what became of them is not known. */
  uncertainOrders = 0;
  /** Next row of the tape to happen. */
  row: number;
  bookKnown = false;
  closed = false;
  /** Trading is paused: nothing new rests or trades, what rests stays until it opens again. */
  paused = false;
  readonly #tape: Tape;
  /** The tape's own, near at hand. */
  readonly #atUs: Float64Array;
  readonly #endRow: number;
  #feedUs: number;
  readonly #model: FillModel;
  readonly #sink: FillSink;
  readonly overlay: Overlay | null;
  readonly #depletion: Depletion;
  /** Our resting orders by side, best price first, then oldest. */
  readonly #own: readonly [bids: ExchangeOrder[], asks: ExchangeOrder[]] = [[], []];
  /** Our best and worst resting prices; no tick lies between them where there are none. */
  #ownBidTick = -1;
  #ownBidLow = 0;
  #ownAskTick: number;
  #ownAskHigh = -1;

  /** The book is unknown until a snapshot happens or `startFrom` is called. */
  constructor(options: SimulatedMarketOptions) {
    const { tape, rows, grid, feedUs, model, sink } = options;
    this.#tape = tape;
    this.#atUs = tape.atUs;
    [this.row, this.#endRow] = rows;
    this.#feedUs = feedUs;
    this.grid = grid;
    this.book = new OrderBook(grid);
    this.#model = model;
    this.#sink = sink;
    this.overlay = options.overlay;
    this.#depletion = new Depletion(grid.count);
    this.#ownAskTick = grid.count;
  }

  /** Time of the next row, Infinity after the last. */
  nextUs(): number {
    if (this.row >= this.#endRow) return Infinity;
    return (this.#tape.atUs[this.row] as number) - this.#feedUs;
  }

  /**
   * Starts in the middle of the tape: `restore` makes the book what it was before row `row`, and says
   * whether trading was paused then.
   */
  startFrom(restore: (book: OrderBook) => boolean, row: number): void {
    assert(this.resting.length === 0, "a market starts without orders");
    this.paused = restore(this.book);
    this.row = row;
    this.bookKnown = true;
  }

  save(): MarketState {
    const { row, bookKnown, closed, paused, uncertainOrders } = this;
    return {
      row,
      feedUs: this.#feedUs,
      bookKnown,
      closed,
      paused,
      uncertainOrders,
      book: this.book.save(),
      depletion: this.#depletion.save(),
      overlay: this.overlay?.save() ?? null,
      resting: this.resting.map((order) => ({ ...order })),
    };
  }

  /** Becomes the market that was saved, which is of the same tape. */
  restore(state: MarketState): void {
    this.row = state.row;
    this.#feedUs = state.feedUs;
    this.bookKnown = state.bookKnown;
    this.closed = state.closed;
    this.paused = state.paused;
    this.uncertainOrders = state.uncertainOrders;
    this.book.restore(state.book);
    this.#depletion.restore(state.depletion);
    if (state.overlay !== null) this.overlay?.restore(state.overlay);
    for (const list of [this.resting, ...this.#own]) clearList(list);
    for (const order of state.resting) this.#enlist({ ...order });
    this.#findOwnTicks();
  }

  /** Lets everything up to and including exchange time `exchangeUs` happen. */
  advance(exchangeUs: number): void {
    const untilUs = exchangeUs + this.#feedUs;
    // Most often nothing has happened since the last call.
    if (this.row >= this.#endRow || (this.#atUs[this.row] as number) > untilUs) return;
    const { atUs, kind, side, priceCc, size, pairRow } = this.#tape;
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
        if (change > 0) {
          if (bookSide === BookSide.ask ? tick <= this.#ownBidTick : tick >= this.#ownAskTick) {
            this.row = row + 1;
            this.#quoted(bookSide, tick, change, row);
          }
        } else if (this.resting.length > 0 || this.#depletion.levels > 0) {
          this.row = row + 1;
          this.#taken(bookSide, tick, -change, row);
        }
        row += 1;
      } else if (what === EventKind.trade) {
        // A trade that is told after its delta has happened with it.
        const pair = pairRow[row] as number;
        if (this.resting.length > 0 && (pair < 0 || pair > row)) {
          const tick = ticks[priceCc[row] as number] as number;
          this.row = row + 1;
          this.#traded(side[row] as BookSide, tick, size[row] as number, row);
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
    const selfTrade = this.#takeDepth(order, atUs);
    // What it took may leave resting orders nothing to reduce.
    if (order.remaining < order.size && this.resting.length > 0) this.#sweep(atUs);
    if (order.remaining === 0) return;
    if (this.#sink.tradable(order, order.remaining) === 0) {
      return this.#sink.ended(order, "exceeds_position", atUs);
    }
    if (selfTrade) return this.#sink.ended(order, "self_trade", atUs);
    if (order.request.timeInForce !== "good_till_canceled") {
      return this.#sink.ended(order, "immediate_or_cancel", atUs);
    }
    this.#rest(order);
  }

  /** Takes a resting order out of the market. */
  remove(order: ExchangeOrder): void {
    drop(this.resting, order);
    drop(this.#own[order.side], order);
    this.#findOwnTicks();
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
    return this.crossesOwn(side, tick) || this.depthWithin(side, tick) > 0;
  }

  /** True where an own order of the other side would trade with one at `tick`. */
  crossesOwn(side: BookSide, tick: number): boolean {
    return side === BookSide.bid ? tick >= this.#ownAskTick : tick <= this.#ownBidTick;
  }

  #available(side: BookSide, tick: number): number {
    const recorded = this.book.sizeAt(side, tick);
    return this.#depletion.levels === 0
      ? recorded
      : this.#depletion.available(side, tick, recorded);
  }

  /**
   * Takes the other side's depth in price-time order. Where the walk comes to an order of our own,
   * self-trade prevention ends one of the two: true where that is the newcomer.
   */
  #takeDepth(order: ExchangeOrder, atUs: number): boolean {
    const { side, request } = order;
    const own = this.#own[side === BookSide.bid ? BookSide.ask : BookSide.bid];
    for (;;) {
      const first = own[0];
      if (first === undefined || !this.crossesOwn(side, order.tick)) {
        this.#takeOthers(order, null, atUs);
        return false;
      }
      this.#takeOthers(order, first, atUs);
      if (this.#sink.tradable(order, order.remaining) === 0) return false;
      if (request.selfTradePrevention !== "maker") return true;
      this.remove(first);
      this.#sink.ended(first, "self_trade", atUs);
    }
  }

  /** Takes what others have within the order's limit, as far as they stand before `own`. */
  #takeOthers(order: ExchangeOrder, own: ExchangeOrder | null, atUs: number): void {
    const { book, grid } = this;
    const isBid = order.side === BookSide.bid;
    const other = isBid ? BookSide.ask : BookSide.bid;
    const limit = own?.tick ?? order.tick;
    let tick = isBid ? book.bestAskTick : book.bestBidTick;
    while (order.remaining > 0) {
      const inRange = isBid ? tick <= limit && tick < grid.count : tick >= limit && tick >= 0;
      if (!inRange) break;
      const standing = this.#available(other, tick);
      const available = tick === own?.tick ? Math.min(standing, own.ahead) : standing;
      const wanted = this.#sink.tradable(order, Math.min(order.remaining, available));
      if (wanted > 0) {
        this.#depletion.take(other, tick, wanted, book.sizeAt(other, tick), this.row);
        for (const each of this.#own[other]) {
          if (each.tick === tick) each.ahead = Math.max(0, each.ahead - wanted);
        }
        const given = this.overlay?.given(order, wanted) ?? wanted;
        if (given > 0) {
          const paid = this.overlay?.paidTick(order.side, tick, limit, book) ?? tick;
          const [row, price] = [this.row - 1, grid.prices[tick] as CentiCents];
          const fact = { kind: "book", row, price, size: available as Lots } as const;
          const worse = isBid ? paid - tick : tick - paid;
          const evidence = traced(this.overlay, fact, wanted - given, worse);
          this.#fill(order, grid.prices[paid] as CentiCents, given, "taker", evidence, atUs);
        }
      }
      if (wanted < available) break;
      tick = isBid ? book.askAbove(tick) : book.bidBelow(tick);
    }
  }

  /** Puts an order at the back of its price. */
  #rest(order: ExchangeOrder): void {
    order.restedRow = this.row;
    order.ahead = this.#model.joins(this.#available(order.side, order.tick));
    this.#enlist(order);
    this.#findOwnTicks();
  }

  /** Adds the youngest order to the lists of those that rest. */
  #enlist(order: ExchangeOrder): void {
    this.resting.push(order);
    const own = this.#own[order.side];
    let at = own.length;
    while (at > 0 && isBetter(order, own[at - 1] as ExchangeOrder)) at -= 1;
    own.splice(at, 0, order);
  }

  /** A delta took `size` lots off a level: a match, the second row of one, or a cancel. */
  #taken(side: BookSide, tick: number, size: number, row: number): void {
    const pair = this.#tape.pairRow[row] as number;
    const whose = this.#tape.queueRow[row] as number;
    if (this.#depletion.levels > 0) {
      const recorded = this.book.sizeAt(side, tick);
      if (pair >= 0) this.#depletion.traded(side, tick, size, recorded);
      else this.#depletion.cancelled(side, tick, size, whose, recorded);
    }
    if (pair > row) return this.#traded(side, tick, size, pair);
    const isOwn =
      side === BookSide.bid
        ? tick <= this.#ownBidTick && tick >= this.#ownBidLow
        : tick >= this.#ownAskTick && tick <= this.#ownAskHigh;
    if (!isOwn) return;
    const standing = this.#available(side, tick);
    for (const order of this.#own[side]) {
      if (order.tick !== tick) continue;
      // Those who joined after the trade was told, and before this change, have counted its lots.
      const gone = pair >= 0 && pair < order.restedRow ? size : 0;
      order.ahead =
        pair >= 0
          ? this.#model.traded(order.ahead, gone, standing)
          : this.#model.cancelled(order.ahead, size, cancellerOf(order, whose), standing);
    }
  }

  /** Quotes arrive at or through our orders of the other side. */
  #quoted(side: BookSide, tick: number, size: number, row: number): void {
    const atUs = (this.#tape.atUs[row] as number) - this.#feedUs;
    const recorded = this.book.sizeAt(side, tick);
    let left = Math.min(size, this.#available(side, tick));
    let reached = false;
    for (const order of this.#own[side === BookSide.ask ? BookSide.bid : BookSide.ask]) {
      const beyond = side === BookSide.ask ? order.tick - tick : tick - order.tick;
      if (left <= 0 || beyond < 0) break;
      const ours = left - (beyond === 0 ? this.#model.aheadOfQuote : 0);
      if (ours <= 0) continue;
      reached = true;
      const wanted = this.#sink.tradable(order, Math.min(order.remaining, ours));
      if (wanted === 0) continue;
      left -= wanted;
      // The newcomer has traded with us; it is not there for a later order of ours.
      this.#depletion.take(side, tick, wanted, recorded, this.row);
      const given = this.overlay?.given(order, wanted) ?? wanted;
      if (given === 0) continue;
      const price = this.grid.prices[tick] as CentiCents;
      const fact = { kind: "quote", row, price, size: size as Lots } as const;
      const evidence = traced(this.overlay, fact, wanted - given);
      this.#fill(order, order.price, given, "maker", evidence, atUs);
    }
    if (reached) this.#sweep(atUs);
  }

  /** A taker hits `hit` at `tick` for `size` lots; `row` is the trade's, our evidence. */
  #traded(hit: BookSide, tick: number, size: number, row: number): void {
    const isReached = hit === BookSide.bid ? tick <= this.#ownBidTick : tick >= this.#ownAskTick;
    if (!isReached) return;
    const atUs = (this.#tape.atUs[this.row - 1] as number) - this.#feedUs;
    let left = size;
    let reached = false;
    for (const order of this.#own[hit]) {
      const beyond = hit === BookSide.bid ? order.tick - tick : tick - order.tick;
      if (beyond < 0) break;
      const ahead = beyond === 0 ? order.ahead : 0;
      if (beyond === 0) {
        order.ahead = this.#model.traded(ahead, left, this.#available(hit, tick));
      }
      if (left <= ahead) continue;
      reached = true;
      const wanted = this.#sink.tradable(order, Math.min(order.remaining, left - ahead));
      if (wanted === 0) continue;
      left -= wanted;
      const given = this.overlay?.given(order, wanted) ?? wanted;
      if (given === 0) continue;
      const price = this.grid.prices[tick] as CentiCents;
      const fact = { row, price, size: size as Lots, ahead: ahead as Lots };
      const evidence = traced(this.overlay, { kind: "trade", ...fact }, wanted - given);
      this.#fill(order, order.price, given, "maker", evidence, atUs);
    }
    if (reached) this.#sweep(atUs);
  }

  #other(what: EventKind, row: number): number {
    const atUs = (this.#tape.atUs[row] as number) - this.#feedUs;
    if (what === EventKind.snapshot) {
      const next = this.book.apply(this.#tape, row);
      this.#depletion.clear();
      this.bookKnown = true;
      this.row = next;
      this.#meetSnapshot(row);
      return next;
    }
    if (what === EventKind.gap) {
      this.bookKnown = false;
      this.uncertainOrders += this.resting.length;
      this.#endAll("feed_gap", atUs);
    } else if (what === EventKind.close) {
      this.closed = true;
      this.#endAll("market_closed", atUs);
    } else if (what === EventKind.status) {
      const status = this.#tape.size[row] as MarketStatus;
      // The venue cancels what rested over a pause when it opens again.
      if (this.paused && status === MarketStatus.active) this.#endAll("halt", atUs);
      if (status === MarketStatus.inactive) this.paused = true;
      if (status === MarketStatus.active) this.paused = false;
    }
    return row + 1;
  }

  /** A snapshot may show quotes at or through our orders: they count as newly quoted. */
  #meetSnapshot(row: number): void {
    const { book, grid } = this;
    for (const order of this.resting) {
      const standing = book.sizeAt(order.side, order.tick);
      order.ahead = this.#model.cancelled(order.ahead, 0, Canceller.unknown, standing);
    }
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
      drop(this.#own[order.side], order);
    }
    this.#findOwnTicks();
  }

  #endAll(reason: CancelReason, atUs: number): void {
    for (const order of this.resting) this.#sink.ended(order, reason, atUs);
    for (const list of [this.resting, ...this.#own]) clearList(list);
    this.#findOwnTicks();
  }

  #findOwnTicks(): void {
    const [bids, asks] = this.#own;
    this.#ownBidTick = bids[0]?.tick ?? -1;
    this.#ownBidLow = bids[bids.length - 1]?.tick ?? this.grid.count;
    this.#ownAskTick = asks[0]?.tick ?? this.grid.count;
    this.#ownAskHigh = asks[asks.length - 1]?.tick ?? -1;
  }
}

function drop(list: ExchangeOrder[], order: ExchangeOrder): void {
  const index = list.indexOf(order);
  assert(index >= 0, "only resting orders are removed");
  list.splice(index, 1);
}
