/**
 * Tells our own trades from those of others. The venue tells of a fill on one channel and of its trade
 * on another, in either order: a trade whose fill came first is known at once; one that may be an open
 * order's waits a moment for its fill, and is somebody else's where none comes.
 */
import type { MarketNews } from "../journal/index.ts";
import { BookSide } from "../market/index.ts";
import type { Order, OrderEvent } from "../orders/index.ts";

export type TradeNews = Extract<MarketNews, { kind: "trade" }>;

/** Where trades go once it is known whose they are. */
export interface TradeTaker {
  passTrade(trade: TradeNews, receivedUs: number): void;
  /** One in which an order of ours was hit. */
  passOwnTrade(trade: TradeNews, receivedUs: number): void;
}

interface LeftOrder {
  readonly order: Order;
  readonly untilUs: number;
}

interface Claim {
  readonly isMaker: boolean;
  readonly sinceUs: number;
  hasTrade: boolean;
}

interface Held {
  readonly trade: TradeNews;
  readonly to: TradeTaker;
  readonly sinceUs: number;
}

/** A fill and its trade leave the venue together; their messages reach us within this of each other. */
const HOLD_US = 100_000;
/** For so long the trade of a fill may still come, or come again. */
const CLAIM_US = 60_000_000;

export class OwnTrades {
  /** Fills of ours by the ids of their trades, oldest first. */
  readonly #claimed = new Map<string, Claim>();
  /** Oldest first. */
  #held: Held[] = [];
  /** Orders that were moved a moment ago, as they were. */
  #left: LeftOrder[] = [];

  /** Takes the trades of our fills for ours; `order` is as it was before the event, where it is known. */
  follow(event: OrderEvent, order: Order | undefined, nowUs: number): void {
    if (event.kind === "amended" && order !== undefined) {
      // A fill at the price that it leaves may not have been told yet.
      this.#left = [...this.#leftSince(nowUs - HOLD_US), { order, untilUs: nowUs }];
    }
    if (event.kind !== "filled" || event.evidence.kind !== "venue") return;
    const { tradeId } = event.evidence;
    for (const [id, { sinceUs }] of this.#claimed) {
      if (nowUs - sinceUs <= CLAIM_US) break;
      this.#claimed.delete(id);
    }
    const claim = { isMaker: event.role === "maker", sinceUs: nowUs, hasTrade: false };
    this.#claimed.set(tradeId, claim);
    const held = this.#held.find(({ trade }) => trade.tradeId === tradeId);
    if (held === undefined) return;
    this.#held = this.#held.filter((each) => each !== held);
    passOwn(claim, held.trade, held.to, nowUs);
  }

  /** Passes a trade on to `to`, now or once its owner is known; `open` are our orders in its market. */
  take(trade: TradeNews, open: readonly Order[], to: TradeTaker, nowUs: number): void {
    const claim = this.#claimed.get(trade.tradeId);
    if (claim !== undefined) {
      passOwn(claim, trade, to, nowUs);
      return;
    }
    const left = this.#leftSince(nowUs - HOLD_US).map(({ order }) => order);
    const isOfLeft = (order: Order): boolean =>
      order.request.market === trade.market && mayBeOf(order, trade);
    const mayBeOurs =
      !trade.isBlock && (open.some((order) => mayBeOf(order, trade)) || left.some(isOfLeft));
    if (mayBeOurs) this.#held.push({ trade, to, sinceUs: nowUs });
    else to.passTrade(trade, nowUs);
  }

  /** Lets go the trades that nobody has claimed for the hold's time, or all that are left. */
  release(nowUs: number, all: boolean): void {
    if (this.#held.length === 0) return;
    const first = this.#held.findIndex(({ sinceUs }) => !all && nowUs - sinceUs < HOLD_US);
    const over = this.#held.splice(0, first < 0 ? this.#held.length : first);
    for (const { trade, to } of over) to.passTrade(trade, nowUs);
  }

  #leftSince(sinceUs: number): LeftOrder[] {
    return this.#left.filter(({ untilUs }) => untilUs >= sinceUs);
  }
}

function passOwn(claim: Claim, trade: TradeNews, to: TradeTaker, nowUs: number): void {
  if (claim.isMaker && !claim.hasTrade) to.passOwnTrade(trade, nowUs);
  claim.hasTrade = true;
}

/** Whether an open order can have been in a trade: it rests at that price, or takes up to its own. */
function mayBeOf({ request, price, amendInFlight }: Order, trade: TradeNews): boolean {
  const { side } = request;
  const prices = amendInFlight === null ? [price] : [price, amendInFlight.price];
  if (side === trade.hit) return prices.includes(trade.price);
  return prices.some((limit) =>
    side === BookSide.bid ? limit >= trade.price : limit <= trade.price,
  );
}
