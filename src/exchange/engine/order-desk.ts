/**
 * Orders that come in: what is refused and why, and what is done. A refused order changes nothing,
 * but for three that the venue keeps: a post-only order that would cross and a fill-or-kill order that
 * cannot be filled are recorded as cancelled, and both use up their client's id.
 */
import type { CentiCents, Lots, MicroUsd, TimestampUs } from "../../core/index.ts";
import {
  type OrderAmendment,
  type OrderDecrease,
  type OrderTicket,
  USUAL_TERMS,
} from "../../kalshi/index.ts";
import type { UpdateReason } from "./engine-events.ts";
import type { EngineMarket } from "./engine-market.ts";
import type { EngineOrder } from "./engine-order.ts";
import type { EngineState } from "./engine-state.ts";
import type { ExchangeAccount } from "./exchange-account.ts";
import { otherSide, place } from "./match.ts";
import type { OrderGroupState } from "./order-groups.ts";
import { reaches } from "./queue-book.ts";
import { refuse, type Refusal } from "./refusal.ts";

/** What an order has come to. Averages are of what the command itself traded. */
export interface Done {
  readonly kind: "done";
  readonly orderId: string;
  readonly clientOrderId: string;
  /** All that has filled, and what may still. */
  readonly filled: Lots;
  readonly remaining: Lots;
  /** Lots that a cancel or a decrease took off. */
  readonly reducedBy: Lots;
  /** Micro-dollars a contract, in steps of a hundred; null where the command traded nothing. */
  readonly averagePrice: MicroUsd | null;
  readonly averageFee: MicroUsd | null;
  readonly atUs: TimestampUs;
}

export function create(
  state: EngineState,
  account: ExchangeAccount,
  ticket: OrderTicket,
): Done | Refusal {
  const market = state.marketOf.get(ticket.ticker);
  if (market === undefined) return refuse("market_not_found");
  const id = ticket.clientOrderId ?? "";
  if (account.clientOrderIds.has(id)) return refuse("order_already_exists");
  const terms = contradiction(state, market, ticket);
  if (terms !== null) return terms;
  const closed = notTrading(state, market);
  if (closed !== null) return closed;
  const group = groupOf(account, ticket.orderGroupId);
  if (group !== null && "kind" in group) return group;
  const { side, price, size } = ticket;
  const reducible = ticket.reduceOnly ? account.reducible(market.index, side) : size;
  const exposure = { side, price, remaining: Math.min(size, reducible) as Lots };
  if (!account.isFunded(market.index, null, exposure)) return refuse("insufficient_balance");
  const order = newOrder(state, account, market, ticket, group);
  if (id !== "") account.clientOrderIds.add(id);
  if (ticket.postOnly && crosses(market, ticket)) {
    return stillborn(
      state,
      order,
      "PostOnlyCrossCancel",
      refuse("invalid_order", "post only cross"),
    );
  }
  if (ticket.timeInForce === "fill_or_kill" && !isFillable(market, order)) {
    return stillborn(state, order, null, refuse("fill_or_kill_insufficient_resting_volume"));
  }
  open(state, order);
  place(state, order, ticket.timeInForce !== "good_till_canceled");
  return done(state, order, 0, 0, 0);
}

/** Changes price or size. It keeps its place only where its size falls and its price stays. */
export function amend(
  state: EngineState,
  account: ExchangeAccount,
  orderId: string,
  change: OrderAmendment,
): Done | Refusal {
  const order = state.orders.get(orderId);
  if (order === undefined || order.account !== account) return refuse("not_found");
  const market = state.market(order.market);
  const refusal = amendRefusal(state, market, order, change);
  if (refusal !== null) return refusal;
  const { price, size, updatedClientOrderId } = change;
  if (updatedClientOrderId !== null && updatedClientOrderId !== order.clientOrderId) {
    order.clientOrderId = updatedClientOrderId;
    account.clientOrderIds.add(updatedClientOrderId);
  }
  state.cause = causeOf(order);
  const { filled, takerCost, takerFees } = order;
  const remaining = (size - filled) as Lots;
  if (price === order.price && remaining <= order.remaining) {
    if (remaining < order.remaining) shrink(state, market, order, order.remaining - remaining);
    state.tellOrder(order, "Amend");
  } else {
    market.book.remove(order);
    state.tellLevel(market.index, order.side, order.price, -order.remaining);
    order.price = price;
    order.remaining = remaining;
    account.changed(order);
    place(state, order, false, "Amend");
  }
  return done(state, order, filled, takerCost, takerFees);
}

/** Takes lots off an order that keeps its place; one that nothing is left of is cancelled. */
export function decrease(
  state: EngineState,
  account: ExchangeAccount,
  orderId: string,
  change: OrderDecrease,
): Done | Refusal {
  const { by, to } = change;
  if ((by === null) === (to === null)) {
    return refuse("invalid_order", "exactly one of reduce_by and reduce_to is required");
  }
  const order = state.orders.get(orderId);
  if (order === undefined || order.account !== account) return refuse("not_found");
  const market = state.market(order.market);
  const closed = notCancellable(state, market);
  if (closed !== null) return closed;
  const target = by === null ? (to as Lots) : order.remaining - by;
  if ((by ?? 1) <= 0 || (to ?? 0) < 0 || target > order.remaining) {
    return refuse("invalid_order_size");
  }
  state.cause = causeOf(order);
  const reducedBy = order.remaining - Math.max(0, target);
  if (target <= 0) state.cancel(order, "Decrease");
  else {
    if (reducedBy > 0) shrink(state, market, order, reducedBy);
    state.tellOrder(order, "Decrease");
  }
  return { ...done(state, order, order.filled, 0, 0), reducedBy: reducedBy as Lots };
}

export function cancel(
  state: EngineState,
  account: ExchangeAccount,
  orderId: string,
): Done | Refusal {
  const order = state.orders.get(orderId);
  if (order === undefined || order.account !== account) return refuse("not_found");
  const closed = notCancellable(state, state.market(order.market));
  if (closed !== null) return closed;
  state.cause = causeOf(order);
  const reducedBy = order.remaining;
  // What a plain cancel is told as is not documented; the venue used to say this.
  state.cancel(order, "Decrease");
  return { ...done(state, order, order.filled, 0, 0), reducedBy };
}

/** Cancels all orders of an account that may be cancelled now. */
export function cancelAll(state: EngineState, account: ExchangeAccount): Refusal | null {
  if (!state.exchangeActive) return refuse("exchange_is_paused");
  for (const order of account.openOrders()) cancel(state, account, order.orderId);
  return null;
}

function newOrder(
  state: EngineState,
  account: ExchangeAccount,
  market: EngineMarket,
  ticket: OrderTicket,
  group: OrderGroupState | null,
): EngineOrder {
  const { nowUs } = state;
  return {
    orderId: state.newId(),
    account,
    clientOrderId: ticket.clientOrderId ?? "",
    market: market.index,
    side: ticket.side,
    price: ticket.price,
    initial: ticket.size,
    filled: 0 as Lots,
    remaining: ticket.size,
    status: "resting",
    takerCost: 0,
    makerCost: 0,
    takerFees: 0,
    makerFees: 0,
    feeCarry: 0 as MicroUsd,
    createdUs: nowUs,
    updatedUs: nowUs,
    expiresUs: ticket.expiresUs,
    selfTradePrevention: ticket.selfTradePrevention,
    postOnly: ticket.postOnly,
    reduceOnly: ticket.reduceOnly,
    cancelOnPause: ticket.cancelOnPause,
    group,
    forgetExpiry: null,
    isQueued: false,
    before: null,
    after: null,
  };
}

function open(state: EngineState, order: EngineOrder): void {
  const { account, expiresUs } = order;
  state.orders.set(order.orderId, order);
  account.opened(order);
  order.group?.orders.add(order);
  state.cause = causeOf(order);
  if (expiresUs !== null) {
    order.forgetExpiry = state.time.after(expiresUs - state.nowUs, () => {
      state.cause = causeOf(order);
      state.cancel(order, "ExpiryCancel");
      state.sumUp();
    });
  }
}

/** Records an order that ends before it could do anything. */
function stillborn(
  state: EngineState,
  order: EngineOrder,
  reason: UpdateReason | null,
  refusal: Refusal,
): Refusal {
  order.status = "canceled";
  order.remaining = 0 as Lots;
  state.tellOrder(order, reason);
  return refusal;
}

/** Takes lots off a queued order. */
function shrink(state: EngineState, market: EngineMarket, order: EngineOrder, by: number): void {
  market.book.reduce(order, by);
  if (order.remaining > 0) order.account.changed(order);
  state.tellLevel(market.index, order.side, order.price, -by);
}

function causeOf({ account, clientOrderId }: EngineOrder): EngineState["cause"] {
  return account.isCrowd ? null : { account: account.index, clientOrderId };
}

/** What is wrong with a ticket by itself. */
function contradiction(
  state: EngineState,
  market: EngineMarket,
  ticket: OrderTicket,
): Refusal | null {
  const { size, price, timeInForce, expiresUs, reduceOnly, subaccount, exchangeIndex } = ticket;
  if (size <= 0) return refuse("invalid_order_size");
  if (!market.book.isTick(price)) return refuse("invalid_price");
  if (expiresUs !== null) {
    if (timeInForce !== "good_till_canceled") {
      return refuse("invalid_order", "expiration_time needs good_till_canceled");
    }
    if (expiresUs <= state.nowUs) return refuse("invalid_order", "expiration_time has passed");
  }
  if (reduceOnly && timeInForce !== "immediate_or_cancel") {
    return refuse("invalid_order", "reduce_only needs immediate_or_cancel");
  }
  if ((subaccount ?? 0) !== 0) return refuse("invalid_order", "unknown subaccount");
  return (exchangeIndex ?? 0) > 0 ? refuse("invalid_order", "wrong exchange_index") : null;
}

function notTrading(state: EngineState, { phase }: EngineMarket): Refusal | null {
  if (!state.exchangeActive) return refuse("exchange_is_paused");
  if (!state.tradingActive) return refuse("trading_is_paused");
  return phase === "active" ? null : refuse("market_inactive");
}

/** Cancels are taken in pauses of trading and of the market, and not after its close. */
function notCancellable(state: EngineState, { phase }: EngineMarket): Refusal | null {
  if (!state.exchangeActive) return refuse("exchange_is_paused");
  return phase === "active" || phase === "inactive" ? null : refuse("market_inactive");
}

function groupOf(account: ExchangeAccount, id: string | null): OrderGroupState | Refusal | null {
  if (id === null) return null;
  const group = account.groups.get(id);
  if (group === undefined) return refuse("order_group_not_found");
  return group.isTriggered ? refuse("order_group_triggered") : group;
}

function crosses(market: EngineMarket, { side, price }: Pick<EngineOrder, "side" | "price">) {
  const best = market.book.best(otherSide(side));
  return best !== null && reaches(side, price, best);
}

/** Whether a fill-or-kill order may go on. One that would meet an own order is taken as immediate. */
function isFillable(market: EngineMarket, order: EngineOrder): boolean {
  const side = otherSide(order.side);
  let sum = 0;
  for (const { price, size } of market.book.levelsOf(side)) {
    if (!reaches(order.side, order.price, price)) break;
    sum += size;
  }
  if (sum >= order.remaining) return true;
  for (const own of order.account.openIn(market.index)) {
    if (own.side === side && reaches(order.side, order.price, own.price)) return true;
  }
  return false;
}

function amendRefusal(
  state: EngineState,
  market: EngineMarket,
  order: EngineOrder,
  change: OrderAmendment,
): Refusal | null {
  const { account } = order;
  const closed = notTrading(state, market);
  if (closed !== null) return closed;
  if (change.ticker !== market.ticker) return refuse("order_ticker_mismatch");
  if (change.side !== order.side) return refuse("order_side_mismatch");
  if (change.clientOrderId !== null && change.clientOrderId !== order.clientOrderId) {
    return refuse("order_id_and_client_order_id_mismatch");
  }
  const renamed = change.updatedClientOrderId;
  if (renamed !== null && renamed !== order.clientOrderId && account.clientOrderIds.has(renamed)) {
    return refuse("order_already_exists");
  }
  const { side, price, size } = change;
  if (!market.book.isTick(price)) return refuse("invalid_price");
  if (size <= order.filled) return refuse("invalid_order_size");
  const remaining = (size - order.filled) as Lots;
  if (!account.isFunded(market.index, order, { side, price, remaining })) {
    return refuse("insufficient_balance");
  }
  return order.postOnly && price !== order.price && crosses(market, change)
    ? refuse("invalid_order", "post only cross")
    : null;
}

function done(
  state: EngineState,
  order: EngineOrder,
  filledBefore: number,
  costBefore: number,
  feesBefore: number,
): Done {
  const filled = order.filled - filledBefore;
  const cost = order.takerCost - costBefore;
  const fees = order.takerFees - feesBefore;
  return {
    kind: "done",
    orderId: order.orderId,
    clientOrderId: order.clientOrderId,
    filled: order.filled,
    remaining: order.remaining,
    reducedBy: 0 as Lots,
    averagePrice: filled > 0 ? perContract(cost, filled) : null,
    averageFee: filled > 0 ? perContract(fees, filled) : null,
    atUs: state.nowUs,
  };
}

/** Micro-dollars a contract, floored to a ten-thousandth of a dollar, as the venue prints averages. */
function perContract(amount: number, size: number): MicroUsd {
  return (Math.floor(amount / size) * 100) as MicroUsd;
}

/** Places an order of the crowd; null where the market does not trade. */
export function createCrowd(
  state: EngineState,
  account: ExchangeAccount,
  market: EngineMarket,
  terms: { side: OrderTicket["side"]; price: CentiCents; size: Lots; isImmediate: boolean },
): EngineOrder | null {
  if (market.phase !== "active") return null;
  const order = newOrder(state, account, market, { ...CROWD_TICKET, ...terms }, null);
  place(state, order, terms.isImmediate);
  return order;
}

const CROWD_TICKET: OrderTicket = {
  ticker: "",
  clientOrderId: null,
  side: 0,
  size: 0 as Lots,
  price: 0 as CentiCents,
  ...USUAL_TERMS,
  selfTradePrevention: "maker",
};
