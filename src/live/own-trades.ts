/**
 * Tells our own trades from those of others. The venue tells of a fill on one channel and of its trade
 * on another, in either order: a trade whose fill came first is known at once; one that may be an open
 * order's waits a moment for its fill, and is somebody else's where none comes.
 */
import type { MarketNews } from "../journal/index.ts";
import { BookSide } from "../market/index.ts";
import type { Order } from "../orders/index.ts";

export type TradeNews = Extract<MarketNews, { kind: "trade" }>;

/** Where a trade goes that is none of ours. */
export interface TradeTaker {
  passTrade(trade: TradeNews, receivedUs: number): void;
}

interface Held {
  readonly trade: TradeNews;
  readonly to: TradeTaker;
  readonly sinceUs: number;
}

/** A fill and its trade leave the venue together; their messages reach us within this of each other. */
export const HOLD_US = 100_000;
/** For so long the trade of a fill may still come, or come again. */
const CLAIM_US = 60_000_000;

export class OwnTrades {
  /** Ids of our fills and when they were told, oldest first. */
  readonly #claimed = new Map<string, number>();
  /** Oldest first. */
  #held: Held[] = [];

  /** A fill of ours was told. */
  claim(tradeId: string, nowUs: number): void {
    for (const [id, sinceUs] of this.#claimed) {
      if (nowUs - sinceUs <= CLAIM_US) break;
      this.#claimed.delete(id);
    }
    this.#claimed.set(tradeId, nowUs);
    this.#held = this.#held.filter(({ trade }) => trade.tradeId !== tradeId);
  }

  /** Passes a trade on to `to`, now or when it is known to be none of ours; `open` are our orders there. */
  take(trade: TradeNews, open: readonly Order[], to: TradeTaker, nowUs: number): void {
    if (this.#claimed.has(trade.tradeId)) return;
    const mayBeOurs = !trade.isBlock && open.some((order) => mayBeOf(order, trade));
    if (mayBeOurs) this.#held.push({ trade, to, sinceUs: nowUs });
    else to.passTrade(trade, nowUs);
  }

  /** Lets go the trades that nobody has claimed for the hold's time, or all that are left. */
  release(nowUs: number, all: boolean): void {
    if (this.#held.length === 0) return;
    const isOver = ({ sinceUs }: Held): boolean => all || nowUs - sinceUs >= HOLD_US;
    const over = this.#held.filter(isOver);
    if (over.length === 0) return;
    this.#held = this.#held.filter((held) => !isOver(held));
    for (const { trade, to } of over) to.passTrade(trade, nowUs);
  }
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
