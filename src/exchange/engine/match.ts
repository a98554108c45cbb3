/**
 * Trading: an order that arrives meets those that rest, the best price first and at a price the
 * oldest first, and each trade is at the resting order's price.
 */
import { type CentiCents, type Lots, type MicroUsd, unreachable } from "../../core/index.ts";
import { BookSide, type LiquidityRole } from "../../market/index.ts";
import type { UpdateReason } from "./engine-events.ts";
import type { EngineMarket } from "./engine-market.ts";
import type { EngineOrder } from "./engine-order.ts";
import type { EngineState } from "./engine-state.ts";
import type { OrderGroupState } from "./order-groups.ts";
import { reaches } from "./queue-book.ts";

/** What of an order keeps it from resting or trading on; null: nothing. */
type Stop = Extract<UpdateReason, "SelfTradeCancel" | "ReduceOnlyCancel"> | "group" | null;

export function otherSide(side: BookSide): BookSide {
  return side === BookSide.bid ? BookSide.ask : BookSide.bid;
}

/**
 * Lets an order that stands in no queue trade and, where its terms allow, rest with what is left.
 * `quiet` is the reason that is told where nothing traded.
 */
export function place(
  state: EngineState,
  order: EngineOrder,
  isImmediate: boolean,
  quiet: UpdateReason | null = null,
): void {
  const market = state.market(order.market);
  const filledBefore = order.filled;
  const stop = trade(state, market, order);
  const reason = order.filled > filledBefore ? "Trade" : quiet;
  if (order.remaining === 0) {
    state.finish(order, "executed");
    state.tellOrder(order, reason);
  } else if (stop !== null || isImmediate) {
    state.finish(order, "canceled");
    state.tellOrder(order, stop === null || stop === "group" ? reason : stop);
  } else {
    market.book.append(order);
    state.tellLevel(market.index, order.side, order.price, order.remaining);
    state.tellOrder(order, reason);
  }
}

function trade(state: EngineState, market: EngineMarket, taker: EngineOrder): Stop {
  const side = otherSide(taker.side);
  while (taker.remaining > 0) {
    const maker = market.book.front(side);
    if (maker === null || !reaches(taker.side, taker.price, maker.price)) return null;
    if (maker.account === taker.account) {
      switch (taker.selfTradePrevention) {
        case "taker_at_cross":
          return "SelfTradeCancel";
        case "maker":
          state.cancel(maker, "SelfTradeCancel");
          continue;
        default:
          return unreachable(taker.selfTradePrevention);
      }
    }
    let size: number = Math.min(taker.remaining, maker.remaining);
    if (taker.reduceOnly) {
      size = Math.min(size, taker.account.reducible(market.index, taker.side));
      if (size === 0) return "ReduceOnlyCancel";
    }
    execute(state, market, taker, maker, size as Lots);
    if (taker.group?.isTriggered === true) return "group";
  }
  return null;
}

function execute(
  state: EngineState,
  market: EngineMarket,
  taker: EngineOrder,
  maker: EngineOrder,
  size: Lots,
): void {
  const { price } = maker;
  const atUs = state.nowUs;
  const tradeId = state.newId();
  market.book.reduce(maker, size);
  taker.remaining = (taker.remaining - size) as Lots;
  state.tellLevel(market.index, maker.side, price, -size);
  market.previousPrice = market.lastPrice;
  market.lastPrice = price;
  market.lastSize = size;
  market.volume += size;
  market.turnover += size * price;
  const { ticker, index } = market;
  const takerSide = taker.side;
  state.tell({
    kind: "trade",
    market: index,
    trade: { tradeId, ticker, size, price, takerSide, isBlock: false, createdUs: atUs },
  });
  fill(state, market, maker, price, size, "maker", tradeId);
  fill(state, market, taker, price, size, "taker", tradeId);
  if (maker.remaining === 0) state.finish(maker, "executed");
  state.tellOrder(maker, "Trade");
  countFor(state, maker.group, size);
  countFor(state, taker.group, size);
}

function fill(
  state: EngineState,
  market: EngineMarket,
  order: EngineOrder,
  price: CentiCents,
  size: Lots,
  role: LiquidityRole,
  tradeId: string,
): void {
  const { account, side } = order;
  const { index, ticker } = market;
  const heldBefore = Math.max(0, account.ledger.position(index));
  const fee = account.book({ order, price, size, role, atUs: state.nowUs });
  const position = account.ledger.position(index);
  market.openInterest += Math.max(0, position) - heldBefore;
  order.filled = (order.filled + size) as Lots;
  if (account.isCrowd) return;
  bookCost(order, role, price * size, fee);
  state.touch(account, index);
  state.tell({
    kind: "fill",
    account: account.index,
    fill: {
      tradeId,
      orderId: order.orderId,
      ticker,
      exchangeIndex: 0,
      side,
      size,
      price,
      isTaker: role === "taker",
      fee,
      createdUs: state.nowUs,
      subaccount: 0,
      clientOrderId: order.clientOrderId === "" ? null : order.clientOrderId,
      position,
    },
  });
}

function bookCost(order: EngineOrder, role: LiquidityRole, cost: number, fee: MicroUsd): void {
  if (role === "taker") {
    order.takerCost += cost;
    order.takerFees += fee;
  } else {
    order.makerCost += cost;
    order.makerFees += fee;
  }
}

function countFor(state: EngineState, group: OrderGroupState | null, size: Lots): void {
  if (group?.matched(size, state.nowUs) === true) triggerGroup(state, group);
}

/** Cancels a group's orders; it takes no new ones until it is reset. */
export function triggerGroup(state: EngineState, group: OrderGroupState): void {
  group.isTriggered = true;
  // An order that is trading just now stands in no queue; it sees the group's state itself.
  for (const order of group.orders) if (order.isQueued) state.cancel(order, "Decrease");
  tellGroup(state, group, "triggered");
}

export function tellGroup(
  state: EngineState,
  { account, orderGroupId, limit }: OrderGroupState,
  what: "created" | "triggered" | "reset" | "deleted" | "limit_updated",
): void {
  const told = what === "created" || what === "limit_updated" ? limit : null;
  const group = { what, orderGroupId, limit: told, atUs: state.nowUs };
  state.tell({ kind: "group", account, group });
}
