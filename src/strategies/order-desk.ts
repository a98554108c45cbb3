/**
 * The desk: intents of a strategy as commands of its trader. It keeps one resting order a side where
 * `quote` asks for one, and it judges what it is given, because a strategy may be anybody's: what is
 * not a price of the market, not a size or not a market at all is a fault and goes to `onFault`.
 */
import type { CentiCents, Lots, TimestampUs } from "../core/index.ts";
import { BookSide, type PriceGrid } from "../market/index.ts";
import {
  type Action,
  ACTION_COUNT,
  type ClientOrderId,
  type Order,
  type OrderCommand,
  type OrderRequest,
  remainingOf,
  type TimeInForce,
} from "../orders/index.ts";
import type { Desk, IntentRefusal, MarketView, NewOrder, View } from "./strategy.ts";
import type { Trader } from "./trader.ts";

/** An intent that a sound strategy does not have. */
export interface IntentFault {
  readonly reason: IntentRefusal;
  /** The order, in words. */
  readonly order: string;
}

/**
 * Refusals that are nobody's fault: cash runs out, markets close, and what is asked of an order may
 * come when it has just ended.
 */
const ORDINARY: ReadonlySet<IntentRefusal> = new Set<IntentRefusal>([
  "insufficient_cash",
  "market_not_open",
  "nothing_to_reduce",
]);

const TIMES_IN_FORCE: readonly TimeInForce[] = [
  "good_till_canceled",
  "immediate_or_cancel",
  "fill_or_kill",
];

export interface OrderDeskOptions {
  readonly trader: Trader;
  readonly view: View;
  readonly grids: readonly PriceGrid[];
  /** Begins every id that the desk gives; other than the trader's own prefix. */
  readonly idPrefix: string;
  /** Told of every fault. It may throw, and then the intent's caller is thrown through. */
  readonly onFault: (fault: IntentFault) => void;
}

export class OrderDesk implements Desk {
  /** What broke in carrying an intent out: a bug of ours, which no strategy is to be blamed for. */
  bug: unknown = null;
  /** True once nothing more is to be sent. */
  isClosed = false;
  readonly #trader: Trader;
  readonly #view: View;
  readonly #grids: readonly PriceGrid[];
  readonly #idPrefix: string;
  readonly #onFault: (fault: IntentFault) => void;
  /** The size last asked for, by market and side. [2 x M] */
  readonly #asked: Float64Array;
  #idCount = 0;

  constructor({ trader, view, grids, idPrefix, onFault }: OrderDeskOptions) {
    this.#trader = trader;
    this.#view = view;
    this.#grids = grids;
    this.#idPrefix = idPrefix;
    this.#onFault = onFault;
    this.#asked = new Float64Array(2 * grids.length);
  }

  quote(market: MarketView, side: BookSide, price: number, size: number): IntentRefusal | null {
    const wrong = this.#judge(market, side, price, size);
    if (wrong !== null) return this.#refuse(wrong, { what: "quote", market, side, price, size });
    const { index } = market;
    const place = 2 * index + side;
    const working = this.#soleWorking(index, side);
    if (working === null) {
      this.#asked[place] = size;
      const request = this.#request(index, side, price, size, "good_till_canceled", true, false);
      return this.#send({ kind: "submit", request });
    }
    if (working.status === "pending" || working.amendInFlight !== null) return null;
    const fits = working.price === price && size <= (this.#asked[place] as number);
    if (fits && remainingOf(working) <= size) return null;
    this.#asked[place] = size;
    return this.#send({
      kind: "amend",
      clientOrderId: working.request.clientOrderId,
      price: price as CentiCents,
      size: (working.filled + size) as Lots,
    });
  }

  withdraw(market: MarketView, side?: BookSide): IntentRefusal | null {
    if (!this.#isMarket(market)) {
      return this.#refuse("unknown_market", { what: "withdraw", market, side });
    }
    if (side !== undefined && !isSide(side)) {
      return this.#refuse("unknown_side", { what: "withdraw", market, side });
    }
    for (const { request, cancelInFlight } of this.#trader.account.openOrders(market.index)) {
      if (cancelInFlight || (side !== undefined && request.side !== side)) continue;
      // The list stays as long as it is: a cancel is a mark on its order.
      this.#send({ kind: "cancel", clientOrderId: request.clientOrderId });
    }
    return null;
  }

  take(market: MarketView, side: BookSide, limit: number, size: number): IntentRefusal | null {
    const wrong = this.#judge(market, side, limit, size);
    if (wrong !== null) {
      return this.#refuse(wrong, { what: "take", market, side, price: limit, size });
    }
    const { index } = market;
    const request = this.#request(index, side, limit, size, "immediate_or_cancel", false, false);
    return this.#send({ kind: "submit", request });
  }

  submit(order: NewOrder): ClientOrderId | null {
    const { market, side, price, size, timeInForce = "good_till_canceled" } = order;
    const { postOnly = false, reduceOnly = false } = order;
    const isKnown = TIMES_IN_FORCE.includes(timeInForce);
    const wrong = this.#judge(market, side, price, size) ?? (isKnown ? null : "invalid_order");
    if (wrong !== null) {
      this.#refuse(wrong, { what: "order to", market, side, price, size });
      return null;
    }
    const { index } = market;
    const { expiresUs, selfTradePrevention } = order;
    const request = {
      ...this.#request(index, side, price, size, timeInForce, postOnly, reduceOnly),
      ...(expiresUs !== undefined && { expiresUs: expiresUs as TimestampUs }),
      ...(selfTradePrevention !== undefined && { selfTradePrevention }),
    };
    return this.#send({ kind: "submit", request }) === null ? request.clientOrderId : null;
  }

  amend(clientOrderId: ClientOrderId, price: number, size: number): IntentRefusal | null {
    const order = this.#trader.account.order(clientOrderId);
    const market = order === undefined ? undefined : this.#view.markets[order.request.market];
    const side = order?.request.side;
    const wrong =
      market === undefined || side === undefined
        ? "unknown_order"
        : this.#judge(market, side, price, size);
    if (wrong !== null) {
      const what = `amend ${String(clientOrderId)} to`;
      return this.#refuse(wrong, { what, market, side, price, size });
    }
    const terms = { price: price as CentiCents, size: size as Lots };
    return this.#send({ kind: "amend", clientOrderId, ...terms });
  }

  cancel(clientOrderId: ClientOrderId): IntentRefusal | null {
    if (this.#trader.account.order(clientOrderId) === undefined) {
      return this.#refuse("unknown_order", { what: `cancel ${String(clientOrderId)}` });
    }
    return this.#send({ kind: "cancel", clientOrderId });
  }

  act(action: Action, market: MarketView): IntentRefusal | null {
    if (!this.#isMarket(market)) return this.#refuse("unknown_market", { what: "act", market });
    if (!Number.isInteger(action) || action < 0 || action >= ACTION_COUNT) {
      return this.#refuse("not_an_action", { what: `act ${String(action)}`, market });
    }
    if (this.isClosed) return "desk_closed";
    if (!market.isOpen) return "market_not_open";
    this.#trying(() => this.#trader.act(action, market.index, this.#view.nowUs));
    return null;
  }

  mask(market: MarketView, mask: Uint8Array): void {
    if (this.#isMarket(market)) this.#trying(() => this.#trader.mask(market.index, mask));
    else this.#refuse("unknown_market", { what: "mask", market });
  }

  /** The one order that works on a side; whatever else works there is cancelled. */
  #soleWorking(market: number, side: BookSide): Order | null {
    let working: Order | null = null;
    for (const order of this.#trader.account.openOrders(market)) {
      if (order.request.side !== side || order.cancelInFlight) continue;
      if (working === null) working = order;
      else this.#send({ kind: "cancel", clientOrderId: order.request.clientOrderId });
    }
    return working;
  }

  /** Why an intent makes no sense, or null; what depends on the account is the gate's to judge. */
  #judge(market: MarketView, side: BookSide, price: number, size: number): IntentRefusal | null {
    if (!this.#isMarket(market)) return "unknown_market";
    if (!isSide(side)) return "unknown_side";
    if (!Number.isInteger(price)) return "not_a_price";
    if (!Number.isSafeInteger(size)) return "not_a_size";
    const tick = (this.#grids[market.index] as PriceGrid).ticks[price];
    if (tick === undefined || tick < 0) return "price_off_grid";
    if (size <= 0) return "size_not_positive";
    return market.isOpen ? null : "market_not_open";
  }

  #isMarket(market: MarketView | undefined): boolean {
    // What strategies in JavaScript give may be anything.
    const given = market as MarketView | null | undefined;
    return given?.index !== undefined && this.#view.markets[given.index] === given;
  }

  #request(
    market: number,
    side: BookSide,
    price: number,
    size: number,
    timeInForce: TimeInForce,
    postOnly: boolean,
    reduceOnly: boolean,
  ): OrderRequest {
    return {
      clientOrderId: `${this.#idPrefix}${this.#idCount++}` as ClientOrderId,
      market,
      side,
      price: price as CentiCents,
      size: size as Lots,
      timeInForce,
      postOnly,
      reduceOnly,
    };
  }

  #send(command: OrderCommand): IntentRefusal | null {
    if (this.isClosed) return "desk_closed";
    const reason = this.#trying(() => this.#trader.send(command, this.#view.nowUs));
    if (reason === null || ORDINARY.has(reason)) return reason;
    this.#onFault({ reason, order: this.#commandWords(command) });
    return reason;
  }

  #trying<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.bug = error;
      throw error;
    }
  }

  #refuse(reason: IntentRefusal, intent: Intent): IntentRefusal {
    if (!ORDINARY.has(reason)) this.#onFault({ reason, order: intentWords(intent) });
    return reason;
  }

  #commandWords(command: OrderCommand): string {
    const { markets } = this.#view;
    if (command.kind === "submit") {
      const { market, side, price, size } = command.request;
      return intentWords({ what: "order to", market: markets[market], side, price, size });
    }
    const { kind, clientOrderId, ...terms } = command;
    const order = this.#trader.account.order(clientOrderId);
    const market = order === undefined ? undefined : markets[order.request.market];
    const what = `${kind} ${clientOrderId}`;
    return intentWords({ what, market, side: order?.request.side, ...terms });
  }
}

/** What was asked for; anything may stand in it. */
interface Intent {
  readonly what: string;
  readonly market?: unknown;
  readonly side?: unknown;
  readonly price?: unknown;
  readonly size?: unknown;
}

function isSide(side: unknown): side is BookSide {
  return side === BookSide.bid || side === BookSide.ask;
}

/** "order to buy 1000 lots at 5600 centi-cents in KX...", as far as it can be told. */
function intentWords({ what, market, side, price, size }: Intent): string {
  const ticker = (market as Partial<MarketView> | null | undefined)?.info?.ticker;
  const words = [what];
  if (isSide(side)) words.push(side === BookSide.bid ? "buy" : "sell");
  if (size !== undefined) words.push(`${String(size)} lots`);
  if (price !== undefined) words.push(`at ${String(price)} centi-cents`);
  if (ticker !== undefined) words.push(`in ${ticker}`);
  return words.join(" ");
}
