/**
 * From one of the five actions to order commands. Shared by training, replay and live trading.
 *
 * Each trading action means "have this one order working in this market": a bid or an ask at the
 * price that the pricing rule gives. Orders of other actions conflict and are cancelled; an order of
 * the same action is kept where its price still fits and amended where the price has moved, so that
 * a place in the queue is not given up without need. HOLD leaves everything alone.
 */
import {
  type CentiCents,
  type Lots,
  LOTS_PER_CONTRACT,
  ONE_DOLLAR_CC,
  unreachable,
} from "../core/index.ts";
import { BookSide, type PriceGrid } from "../market/index.ts";
import { type Account, exposureOf } from "./account.ts";
import type { Exposure } from "./collateral.ts";
import { type ClientOrderId, type Order, type OrderRequest, remainingOf } from "./order.ts";
import type { OrderCommand } from "./order-manager.ts";

export const Action = { hold: 0, buyYes: 1, sellYes: 2, buyNo: 3, sellNo: 4 } as const;
export type Action = (typeof Action)[keyof typeof Action];
export const ACTION_COUNT = 5;
export const ACTION_NAMES = [
  "HOLD",
  "BUY_YES_LIMIT",
  "SELL_YES_LIMIT",
  "BUY_NO_LIMIT",
  "SELL_NO_LIMIT",
] as const;

/**
 * Where orders are placed.
 *   join    at the best price of our own side
 *   improve one tick better than that, where the spread leaves room
 *   cross   at the best price of the other side: trades at once if it is still there
 *   mid     as near to the mid price as the grid allows without crossing it
 */
export const PRICINGS = ["join", "improve", "cross", "mid"] as const;
export type Pricing = (typeof PRICINGS)[number];

/** Best prices as the trader knows them; 0 is no bid, one dollar is no ask. */
export interface Quote {
  readonly bid: CentiCents;
  readonly ask: CentiCents;
}

export interface PlannerSettings {
  readonly pricing: Pricing;
  /** Size of a fresh order. */
  readonly orderSize: Lots;
  /** Largest position, YES or NO, that a buying action may lead to. */
  readonly positionLimit: Lots;
}

/** What an action wants to have working. */
interface Target {
  readonly side: BookSide;
  readonly price: CentiCents;
  readonly size: Lots;
  readonly reduceOnly: boolean;
}

export class Planner {
  readonly settings: PlannerSettings;
  readonly #grids: readonly PriceGrid[];
  readonly #nextId: () => ClientOrderId;

  /** `grids` are the markets' tick grids; `nextId` gives ids that this account never used. */
  constructor(settings: PlannerSettings, grids: readonly PriceGrid[], nextId: () => ClientOrderId) {
    this.settings = settings;
    this.#grids = grids;
    this.#nextId = nextId;
  }

  /** Writes which actions can be carried out now into `mask`[offset .. offset + 5). */
  mask(market: number, account: Account, quote: Quote, mask: Uint8Array, offset = 0): void {
    mask[offset] = 1;
    for (let action = 1; action < ACTION_COUNT; action++) {
      const target = this.#target(action as Action, market, account, quote);
      mask[offset + action] = target === null ? 0 : 1;
    }
  }

  /** Appends the commands that carry `action` out; none where it cannot be. */
  plan(
    action: Action,
    market: number,
    account: Account,
    quote: Quote,
    commands: OrderCommand[],
  ): void {
    if (action === Action.hold) return;
    const target = this.#target(action, market, account, quote);
    if (target === null) return;
    let working: Order | null = null;
    for (const order of account.openOrders(market)) {
      if (order.cancelInFlight) continue;
      if (working === null && actionOf(order.request) === action) working = order;
      else commands.push({ kind: "cancel", clientOrderId: order.request.clientOrderId });
    }
    if (working !== null) {
      this.#adjust(working, target, commands);
      return;
    }
    // Orders on their way out may still fill: what they could add counts against the limit.
    const size = target.reduceOnly ? target.size : this.#sizeBeside(target, market, account);
    if (size <= 0) return;
    commands.push({
      kind: "submit",
      request: {
        clientOrderId: this.#nextId(),
        market,
        side: target.side,
        price: target.price,
        size,
        timeInForce: "good_till_canceled",
        postOnly: false,
        reduceOnly: target.reduceOnly,
      },
    });
  }

  #adjust(working: Order, target: Target, commands: OrderCommand[]): void {
    if (working.status === "pending" || working.amendInFlight !== null) return;
    const remaining = remainingOf(working);
    const tooLarge = target.reduceOnly && remaining > target.size;
    if (working.price === target.price && !tooLarge) return;
    commands.push({
      kind: "amend",
      clientOrderId: working.request.clientOrderId,
      price: target.price,
      size: (working.filled + target.size) as Lots,
    });
  }

  #sizeBeside(target: Target, market: number, account: Account): Lots {
    const position = account.ledger.position(market);
    const towards = target.side === BookSide.bid ? position : -position;
    let others = 0;
    for (const order of account.openOrders(market)) {
      if (order.request.side === target.side) others += exposureOf(order).remaining;
    }
    const room = this.settings.positionLimit - towards - others;
    const size = Math.min(target.size, Math.max(0, room)) as Lots;
    return size > 0 ? this.#affordable(market, account, { ...target, size }, null) : size;
  }

  #target(action: Action, market: number, account: Account, quote: Quote): Target | null {
    if (action === Action.hold) return null;
    const side = action === Action.buyYes || action === Action.sellNo ? BookSide.bid : BookSide.ask;
    const reduceOnly = action === Action.sellYes || action === Action.sellNo;
    const position = account.ledger.position(market);
    const towards = side === BookSide.bid ? position : -position;
    const { orderSize, positionLimit } = this.settings;
    const wanted = reduceOnly
      ? Math.min(orderSize, -towards)
      : Math.min(orderSize, positionLimit - towards);
    if (wanted <= 0) return null;
    const price = this.#price(side, market, quote);
    if (price === 0) return null;
    const target = { side, price, size: wanted as Lots, reduceOnly };
    // Reducing orders pay for themselves.
    if (reduceOnly || isPlenty(account, target.size)) return target;
    const working = workingOrder(account, market, action);
    const size = this.#affordable(market, account, target, working);
    return size > 0 ? { side, price, size, reduceOnly } : null;
  }

  /** The price that the rule gives, or 0 where the book has none. */
  #price(side: BookSide, market: number, quote: Quote): CentiCents {
    const none = 0 as CentiCents;
    const { bid, ask } = quote;
    const hasBid = bid > 0;
    const hasAsk = ask < ONE_DOLLAR_CC;
    const isBid = side === BookSide.bid;
    const { pricing } = this.settings;
    switch (pricing) {
      case "join":
        return isBid ? bid : hasAsk ? ask : none;
      case "cross":
        return isBid ? (hasAsk ? ask : none) : bid;
      case "improve":
      case "mid": {
        if (isBid ? !hasBid : !hasAsk) return none;
        const grid = this.#grids[market] as PriceGrid;
        const middle = (bid + ask) / 2;
        const better =
          pricing === "mid"
            ? isBid
              ? grid.floor(middle)
              : grid.ceil(middle)
            : isBid
              ? grid.ceil(bid + 1)
              : grid.floor(ask - 1);
        const own = isBid ? bid : ask;
        if (better === null) return own;
        // Never worse than joining, never crossing the other side.
        if (isBid) return better > bid && better < ask ? better : own;
        return better < ask && better > bid ? better : own;
      }
      default:
        return unreachable(pricing);
    }
  }

  /** The largest part of the target's size that cash can be locked for, in whole contracts. */
  #affordable(market: number, account: Account, target: Target, working: Order | null): Lots {
    if (isPlenty(account, target.size)) return target.size;
    const others: Exposure[] = [];
    for (const order of account.openOrders(market)) {
      if (order !== working) others.push(exposureOf(order));
    }
    const budget = account.available + account.lockedIn(market);
    let size: number = target.size;
    while (size > 0) {
      const exposure = { side: target.side, price: target.price, remaining: size as Lots };
      if (account.lockWith(market, [...others, exposure]) <= budget) return size as Lots;
      // Down to a whole number of contracts, then one contract at a time.
      size = Math.ceil(size / LOTS_PER_CONTRACT) * LOTS_PER_CONTRACT - LOTS_PER_CONTRACT;
    }
    return 0 as Lots;
  }
}

/** The action that an order carries out. */
export function actionOf(request: Pick<OrderRequest, "side" | "reduceOnly">): Action {
  if (request.side === BookSide.bid) return request.reduceOnly ? Action.sellNo : Action.buyYes;
  return request.reduceOnly ? Action.sellYes : Action.buyNo;
}

/** True with cash for `size` at any price and its fees: the usual case costs one comparison. */
function isPlenty(account: Account, size: Lots): boolean {
  return account.available >= size * ONE_DOLLAR_CC * 1.1 + ONE_DOLLAR_CC;
}

function workingOrder(account: Account, market: number, action: Action): Order | null {
  for (const order of account.openOrders(market)) {
    if (!order.cancelInFlight && actionOf(order.request) === action) return order;
  }
  return null;
}
