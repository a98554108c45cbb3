/**
 * What a strategy is: a view of markets and account in, intents out. It keeps what state it likes,
 * but it has no clock, no venue and no random numbers but those that it is given; so the same object
 * decides in a back-test, in replay and live. Prices are centi-cents of YES, sizes lots, times
 * microseconds, cash micro-dollars: all integers.
 */
import type { CentiCents, Lots, MicroUsd, Prng } from "../core/index.ts";
import type { BookSide, EventInfo, MarketInfo, PriceGrid } from "../market/index.ts";
import type {
  Action,
  ClientOrderId,
  Order,
  RiskLimits,
  RiskRefusalReason,
  SelfTradePrevention,
  TimeInForce,
} from "../orders/index.ts";

export interface Strategy {
  /** Told once, before the first decision. */
  start?(view: View): void;
  /**
   * One decision: looks at `view`, says through `desk` what is wanted, and returns nothing. At the
   * cadence of one second it is called at every whole second, at the cadence of events after every
   * change of a book; `view.due` says which markets it is about.
   */
  decide(view: View, desk: Desk): void;
}

/** What is known now. The same object at every decision, with other contents. */
export interface View {
  readonly nowUs: number;
  /** All traded markets, by index. */
  readonly markets: readonly MarketView[];
  readonly events: readonly EventView[];
  /** The markets to decide about now: open, with a known book. */
  readonly due: readonly MarketView[];
  /** Cash in hand, what open orders lock included. */
  readonly cash: MicroUsd;
  /** Cash that no open order locks. */
  readonly available: MicroUsd;
  readonly limits: RiskLimits;
  /**
   * Writes the 52 features of docs/observation.md for a market. False, and nothing written, where
   * there are none now. Only for strategies that declare `usesFeatures`.
   */
  observe(market: MarketView, out: Float32Array): boolean;
}

/** Markets of one event. */
export interface EventView {
  readonly info: EventInfo;
  readonly markets: readonly MarketView[];
  /** What its positions cost, without fees: what is lost if all of them end at nothing. */
  readonly stake: MicroUsd;
}

export interface TradeView {
  readonly atUs: number;
  readonly price: CentiCents;
  readonly size: Lots;
  /** The side of the book that was hit: `bid` where a taker sold YES. */
  readonly hit: BookSide;
}

export interface LevelView {
  readonly price: CentiCents;
  readonly size: Lots;
}

/** What may be known of a market while it is open: all but what it will pay. */
export type MarketFacts = Omit<MarketInfo, "settlement">;

/** One market as it has reached us: others' book and trades, our orders and position. */
export interface MarketView {
  readonly index: number;
  readonly info: MarketFacts;
  readonly grid: PriceGrid;
  readonly event: EventView;
  /** Its book is known and it has not closed: orders may be sent. */
  readonly isOpen: boolean;
  /** Best YES prices of others; 0 and one dollar where there is none. */
  readonly bestBid: CentiCents;
  readonly bestAsk: CentiCents;
  readonly bidSize: Lots;
  readonly askSize: Lots;
  /** Both sides are quoted, and do not cross. */
  readonly isTwoSided: boolean;
  /** Half of bid and ask, rounded down; the last one known while the book is not. */
  readonly mark: CentiCents;
  /**
   * Best prices that the other markets of an exclusive event imply: buying this one is selling all
   * others. 0 and one dollar where they imply none.
   */
  readonly impliedBid: CentiCents;
  readonly impliedAsk: CentiCents;
  /** Lots traded by others since the start, and how often. */
  readonly tradedLots: number;
  readonly tradeCount: number;
  readonly lastTrade: TradeView | null;
  /** Signed lots: YES positive, NO negative. */
  readonly position: Lots;
  /** What the position cost on average, in centi-cents of its own side; 0 without one. */
  readonly averageCost: number;
  /** Our open orders, oldest first. */
  readonly orders: readonly Order[];
  /** Lots of others at a price. */
  sizeAt(side: BookSide, price: number): Lots;
  /** The best `count` levels of a side, best first. */
  levels(side: BookSide, count: number): LevelView[];
  /** The last trades, newest first; at most 32 are kept. */
  trades(count: number): TradeView[];
  /** The price `ticks` above `price` (below, where negative), at most the grid's ends. */
  step(price: CentiCents, ticks: number): CentiCents;
  /** Our order on a side that no cancel is on its way for, the oldest of several. */
  working(side: BookSide): Order | null;
  /** Lots that one order on a side may have within the limits on orders and positions. */
  room(side: BookSide): Lots;
}

/** Why an intent was not carried out. Those of the gate are in `orders`. */
export type IntentRefusal =
  | RiskRefusalReason
  | "unknown_market"
  | "unknown_side"
  | "not_a_price"
  | "not_a_size"
  | "not_an_action"
  | "market_not_open"
  /** The run has ended. */
  | "desk_closed";

export interface NewOrder {
  readonly market: MarketView;
  readonly side: BookSide;
  readonly price: number;
  readonly size: number;
  /** Good till cancelled when left out. */
  readonly timeInForce?: TimeInForce;
  readonly postOnly?: boolean;
  readonly reduceOnly?: boolean;
  /** The venue cancels what is left of it at this time, a whole second. */
  readonly expiresUs?: number;
  /** What gives way where it would trade with an order of ours; itself when left out. */
  readonly selfTradePrevention?: SelfTradePrevention;
}

/**
 * Where intents go. Each is carried out at once, through the risk gate, and takes its time to reach
 * the venue. What comes back is null, or why nothing was sent.
 */
export interface Desk {
  /**
   * Have exactly this one order resting on a side. An order that fits is kept, and its place in the
   * queue with it; else it is amended, or a new one sent, never one that would trade at once. One
   * that has filled in part is filled up only with its next change of price, or when a larger size
   * is asked for than before. While a change is on its way nothing is sent.
   */
  quote(market: MarketView, side: BookSide, price: number, size: number): IntentRefusal | null;
  /** Cancels what rests on a side, or on both. */
  withdraw(market: MarketView, side?: BookSide): IntentRefusal | null;
  /** Takes what is there now up to `limit`; what is left of the order is cancelled. */
  take(market: MarketView, side: BookSide, limit: number, size: number): IntentRefusal | null;
  /** Sends an order as it is; its id, or null where it was refused. */
  submit(order: NewOrder): ClientOrderId | null;
  /** `size` is the total, what has filled included. */
  amend(clientOrderId: ClientOrderId, price: number, size: number): IntentRefusal | null;
  cancel(clientOrderId: ClientOrderId): IntentRefusal | null;
  /** One of the five actions of the environment, as its planner carries it out. */
  act(action: Action, market: MarketView): IntentRefusal | null;
  /** Which of the five can be carried out; writes five bytes. */
  mask(market: MarketView, mask: Uint8Array): void;
}

/** What a strategy is made for. */
export interface StrategyContext {
  readonly markets: readonly MarketFacts[];
  readonly limits: RiskLimits;
  /** The strategy's own stream of random numbers. */
  readonly prng: Prng;
}
