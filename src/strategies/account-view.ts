/**
 * The view of one account over market feeds that others may share: what strategies see. It owns
 * nothing but lists; books and trades are the feeds', orders and positions the trader's.
 */
import { type CentiCents, type Lots, type MicroUsd, ONE_DOLLAR_CC } from "../core/index.ts";
import {
  BookSide,
  type EventInfo,
  type MarketInfo,
  type OrderBook,
  type PriceGrid,
} from "../market/index.ts";
import { type Account, type Order, remainingOf, type RiskLimits } from "../orders/index.ts";
import type { MarketFeed } from "./market-feed.ts";
import type { EventView, LevelView, MarketFacts, MarketView, TradeView, View } from "./strategy.ts";

export interface AccountViewOptions {
  readonly account: Account;
  readonly infos: readonly MarketInfo[];
  readonly events: readonly EventInfo[];
  readonly grids: readonly PriceGrid[];
  readonly feeds: readonly MarketFeed[];
  readonly limits: RiskLimits;
  /** Writes the features of a market as they are at `nowUs`; null where nobody works them out. */
  readonly observe: ((market: number, nowUs: number, out: Float32Array) => boolean) | null;
}

export class ViewOfAccount implements View {
  nowUs = 0;
  readonly markets: readonly MarketView[];
  readonly events: readonly EventView[];
  readonly limits: RiskLimits;
  readonly due: MarketView[] = [];
  readonly #account: Account;
  readonly #observe: AccountViewOptions["observe"];

  constructor(options: AccountViewOptions) {
    const { account, infos, grids, feeds, limits, observe } = options;
    this.#account = account;
    this.#observe = observe;
    this.limits = limits;
    const events = eventsOf(infos, options.events).map((info) => new Event(info, account));
    this.events = events;
    this.markets = infos.map((info, index) => {
      const event = events.find((each) => each.info.eventTicker === info.eventTicker) as Event;
      const market = new Market({
        index,
        info: factsOf(info),
        grid: grids[index] as PriceGrid,
        event,
        feed: feeds[index] as MarketFeed,
        account,
        limits,
      });
      event.markets.push(market);
      return market;
    });
  }

  get cash(): MicroUsd {
    return this.#account.ledger.cash;
  }

  get available(): MicroUsd {
    return this.#account.available;
  }

  observe(market: MarketView, out: Float32Array): boolean {
    return this.#observe !== null && this.#observe(market.index, this.nowUs, out);
  }
}

/** The events of the markets, in the order of the markets; what is not known of one is taken as no. */
/** A recording knows how its markets ended; who decides in the middle of it must not. */
export function factsOf({ settlement: _result, ...facts }: MarketInfo): MarketFacts {
  return facts;
}

function eventsOf(infos: readonly MarketInfo[], known: readonly EventInfo[]): EventInfo[] {
  const events = new Map<string, EventInfo>();
  for (const { eventTicker } of infos) {
    if (events.has(eventTicker)) continue;
    const told = known.find((event) => event.eventTicker === eventTicker);
    events.set(eventTicker, told ?? { eventTicker, exclusive: false, marketCount: null });
  }
  return [...events.values()];
}

class Event implements EventView {
  readonly info: EventInfo;
  readonly markets: Market[] = [];
  readonly #account: Account;

  constructor(info: EventInfo, account: Account) {
    this.info = info;
    this.#account = account;
  }

  get stake(): MicroUsd {
    const { costs } = this.#account.ledger;
    let stake = 0;
    for (const { index } of this.markets) stake += costs[index] as number;
    return stake as MicroUsd;
  }

  /** All markets of the event are here and one of them must happen, so that prices imply others. */
  get isWhole(): boolean {
    const { exclusive, marketCount } = this.info;
    return exclusive && marketCount === this.markets.length && marketCount > 1;
  }
}

interface MarketParts {
  readonly index: number;
  readonly info: MarketFacts;
  readonly grid: PriceGrid;
  readonly event: Event;
  readonly feed: MarketFeed;
  readonly account: Account;
  readonly limits: RiskLimits;
}

class Market implements MarketView {
  readonly index: number;
  readonly info: MarketFacts;
  readonly grid: PriceGrid;
  readonly event: Event;
  readonly #feed: MarketFeed;
  readonly #book: OrderBook;
  readonly #account: Account;
  readonly #limits: RiskLimits;

  constructor({ index, info, grid, event, feed, account, limits }: MarketParts) {
    this.index = index;
    this.info = info;
    this.grid = grid;
    this.event = event;
    this.#feed = feed;
    this.#book = feed.book;
    this.#account = account;
    this.#limits = limits;
  }

  get isOpen(): boolean {
    return this.#feed.isKnown && !this.#feed.isClosed;
  }

  get bestBid(): CentiCents {
    return this.#book.bestBid();
  }

  get bestAsk(): CentiCents {
    return this.#book.bestAsk();
  }

  get bidSize(): Lots {
    return (this.#book.bids[this.#book.bestBidTick] ?? 0) as Lots;
  }

  get askSize(): Lots {
    return (this.#book.asks[this.#book.bestAskTick] ?? 0) as Lots;
  }

  get isTwoSided(): boolean {
    const { bestBidTick, bestAskTick } = this.#book;
    return bestBidTick >= 0 && bestAskTick < this.grid.count && bestBidTick < bestAskTick;
  }

  get mark(): CentiCents {
    return this.#feed.mark;
  }

  get impliedBid(): CentiCents {
    if (!this.event.isWhole) return 0 as CentiCents;
    let asks = 0;
    for (const mate of this.event.markets) {
      if (mate === this) continue;
      if (!mate.#feed.isKnown || !mate.#book.hasAsk()) return 0 as CentiCents;
      asks += mate.bestAsk;
    }
    return Math.max(0, ONE_DOLLAR_CC - asks) as CentiCents;
  }

  get impliedAsk(): CentiCents {
    if (!this.event.isWhole) return ONE_DOLLAR_CC;
    let bids = 0;
    for (const mate of this.event.markets) {
      if (mate === this) continue;
      if (!mate.#feed.isKnown || !mate.#book.hasBid()) return ONE_DOLLAR_CC;
      bids += mate.bestBid;
    }
    return Math.max(0, ONE_DOLLAR_CC - bids) as CentiCents;
  }

  get tradedLots(): number {
    return this.#feed.tradedLots;
  }

  get tradeCount(): number {
    return this.#feed.tradeCount;
  }

  get lastTrade(): TradeView | null {
    return this.#feed.trade(0);
  }

  get position(): Lots {
    return this.#account.ledger.position(this.index);
  }

  get averageCost(): number {
    const { position } = this;
    if (position === 0) return 0;
    return (this.#account.ledger.costs[this.index] as number) / Math.abs(position);
  }

  get orders(): readonly Order[] {
    return this.#account.openOrders(this.index);
  }

  sizeAt(side: BookSide, price: number): Lots {
    return this.#book.sizeAt(side, this.grid.ticks[price] ?? -1);
  }

  levels(side: BookSide, count: number): LevelView[] {
    const book = this.#book;
    const isBid = side === BookSide.bid;
    const sizes = isBid ? book.bids : book.asks;
    const levels: LevelView[] = [];
    let tick = isBid ? book.bestBidTick : book.bestAskTick;
    while (levels.length < count && tick >= 0 && tick < this.grid.count) {
      levels.push({
        price: this.grid.prices[tick] as CentiCents,
        size: sizes[tick] as Lots,
      });
      tick = isBid ? book.bidBelow(tick) : book.askAbove(tick);
    }
    return levels;
  }

  trades(count: number): TradeView[] {
    const trades: TradeView[] = [];
    while (trades.length < count) {
      const trade = this.#feed.trade(trades.length);
      if (trade === null) break;
      trades.push(trade);
    }
    return trades;
  }

  step(price: CentiCents, ticks: number): CentiCents {
    const { grid } = this;
    const on = grid.ticks[price] ?? -1;
    if (on >= 0)
      return grid.prices[Math.min(Math.max(on + ticks, 0), grid.count - 1)] as CentiCents;
    // Off the grid, such as no bid at all: the nearest tick in the direction of the step is one step.
    const near = ticks >= 0 ? grid.ceil(price) : grid.floor(price);
    const end = grid.prices[ticks >= 0 ? grid.count - 1 : 0] as CentiCents;
    return near === null ? end : this.step(near, ticks > 0 ? ticks - 1 : Math.min(ticks + 1, 0));
  }

  working(side: BookSide): Order | null {
    for (const order of this.#account.openOrders(this.index)) {
      if (order.request.side === side && !order.cancelInFlight) return order;
    }
    return null;
  }

  room(side: BookSide): Lots {
    const position = this.#account.ledger.position(this.index);
    const { positionLimit, orderSizeMax } = this.#limits;
    let room = positionLimit - (side === BookSide.bid ? position : -position);
    for (const order of this.#account.openOrders(this.index)) {
      // What is being cancelled may still fill.
      if (order.request.side === side && order.cancelInFlight) room -= remainingOf(order);
    }
    return Math.min(Math.max(0, room), orderSizeMax) as Lots;
  }
}
