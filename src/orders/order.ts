/**
 * The life of one order, as data: a request, the events that happen to it, and the pure fold of the
 * events into its state. Simulation, live trading, replay and the local exchange share this file.
 *
 *   sent -> pending -> resting -> filled | cancelled
 *                   -> rejected
 *
 * A cancel or an amend in flight is a mark on the order, not a state of its own, because fills may
 * race it. The venue's duplicates are dropped before the fold, so the fold asserts.
 */
import {
  assert,
  type CentiCents,
  type Lots,
  type MicroUsd,
  type TimestampUs,
  unreachable,
  US_PER_SECOND,
} from "../core/index.ts";
import type { BookSide, LiquidityRole } from "../market/index.ts";

declare const clientOrderIdBrand: unique symbol;
/** Our own name of an order, unique for the life of an account. */
export type ClientOrderId = string & { readonly [clientOrderIdBrand]: true };

export type TimeInForce = "good_till_canceled" | "immediate_or_cancel" | "fill_or_kill";

/**
 * What happens where an order would trade with a resting one of the same account.
 *   taker_at_cross  the newcomer is cancelled there; what it took before stays
 *   maker           the resting order is cancelled, and the newcomer goes on
 */
export type SelfTradePrevention = "taker_at_cross" | "maker";

export interface OrderRequest {
  readonly clientOrderId: ClientOrderId;
  /** Index of the market in the account's list of markets. */
  readonly market: number;
  /** A bid buys YES (or sells NO), an ask sells YES (or buys NO). */
  readonly side: BookSide;
  /** YES price. */
  readonly price: CentiCents;
  readonly size: Lots;
  readonly timeInForce: TimeInForce;
  /** Refused rather than traded where it would cross on arrival. */
  readonly postOnly: boolean;
  /**
   * May only reduce the position, so that nothing is sold from flat. An immediate order is cut to what
   * is held when it trades. One that may rest is refused beyond what is held, and ends when nothing is
   * left to reduce; the venue has no such order, the simulation keeps it for the five actions.
   */
  readonly reduceOnly: boolean;
  /** The venue cancels what is left of it at this time, a whole second; absent: never. */
  readonly expiresUs?: TimestampUs;
  /** `taker_at_cross` unless given. */
  readonly selfTradePrevention?: SelfTradePrevention;
}

/**
 * Why the terms of a request cannot stand together, or null; known before any book is looked at. An
 * order that expires is good till cancelled and expires on a whole second, in which the venue counts;
 * fill-or-kill and reduce-only exclude each other.
 */
export function contradictionIn(
  request: OrderRequest,
): "invalid_order" | "invalid_expiration" | null {
  const { timeInForce, reduceOnly, expiresUs } = request;
  if (reduceOnly && timeInForce === "fill_or_kill") return "invalid_order";
  if (expiresUs === undefined) return null;
  if (timeInForce !== "good_till_canceled") return "invalid_order";
  return Number.isSafeInteger(expiresUs) && expiresUs % US_PER_SECOND === 0
    ? null
    : "invalid_expiration";
}

export type RejectReason =
  | "insufficient_balance"
  | "market_closed"
  /** Trading is paused: orders may be cancelled, and nothing else. */
  | "market_paused"
  | "invalid_price"
  | "invalid_size"
  | "post_only_cross"
  | "fill_or_kill_unfilled"
  | "exceeds_position"
  | "duplicate_client_order_id"
  | "not_found"
  /** Terms that exclude each other. */
  | "invalid_order"
  /** A time that has passed, or is no whole second. */
  | "invalid_expiration"
  /** No book is known: before the first snapshot, or in a gap of the feed. */
  | "book_unknown"
  | "venue";

export type CancelReason =
  | "requested"
  | "expired"
  | "immediate_or_cancel"
  | "self_trade"
  | "market_closed"
  /** The market was paused and is open again. */
  | "halt"
  | "exceeds_position"
  | "feed_gap"
  | "venue";

/** What chance did to a fill, where the simulation adds any to its fill model. */
export interface OverlayTrace {
  /** Lots of the recorded fact that the order should have got and others did. */
  readonly withheld: Lots;
  /** Ticks by which the fill's price is worse than the level's; below zero where it is better. */
  readonly ticks: number;
}

/** Why a fill happened: the recorded fact it rests on, by row of the tape, or the venue's word. */
export type FillEvidence =
  /** A recorded trade of `size` at `price`, at tape row `row`; it served `ahead` of others first. */
  | {
      readonly kind: "trade";
      readonly row: number;
      readonly price: CentiCents;
      readonly size: Lots;
      readonly ahead: Lots;
      readonly overlay?: OverlayTrace;
    }
  /** A recorded quote of `size` that arrived at or through the order's price. */
  | {
      readonly kind: "quote";
      readonly row: number;
      readonly price: CentiCents;
      readonly size: Lots;
      readonly overlay?: OverlayTrace;
    }
  /** The order took from `size` lots that rested at `price` after tape row `row`. */
  | {
      readonly kind: "book";
      readonly row: number;
      readonly price: CentiCents;
      readonly size: Lots;
      readonly overlay?: OverlayTrace;
    }
  | { readonly kind: "venue"; readonly tradeId: string };

interface EventOf<Kind extends string> {
  readonly kind: Kind;
  readonly clientOrderId: ClientOrderId;
  /** When the event reached us, in microseconds. */
  readonly atUs: number;
}

export type OrderEvent =
  | EventOf<"accepted">
  | (EventOf<"rejected"> & { readonly reason: RejectReason })
  | (EventOf<"filled"> & {
      readonly price: CentiCents;
      readonly size: Lots;
      /** Net fee of this fill. */
      readonly fee: MicroUsd;
      readonly role: LiquidityRole;
      readonly evidence: FillEvidence;
    })
  /** `size` is the total that may fill, what has filled already included. */
  | (EventOf<"amended"> & { readonly price: CentiCents; readonly size: Lots })
  | (EventOf<"amendRejected"> & { readonly reason: RejectReason })
  | (EventOf<"cancelled"> & { readonly reason: CancelReason })
  | (EventOf<"cancelRejected"> & { readonly reason: RejectReason });

export type FillEvent = Extract<OrderEvent, { readonly kind: "filled" }>;

export type OrderStatus = "pending" | "resting" | "filled" | "cancelled" | "rejected";

export interface Order {
  readonly request: OrderRequest;
  readonly sentUs: number;
  readonly status: OrderStatus;
  /** Current price and total size, after amendments. */
  readonly price: CentiCents;
  readonly size: Lots;
  readonly filled: Lots;
  readonly cancelInFlight: boolean;
  /** What an amend in flight asked for, or null. */
  readonly amendInFlight: { readonly price: CentiCents; readonly size: Lots } | null;
}

export function newOrder(request: OrderRequest, sentUs: number): Order {
  return {
    request,
    sentUs,
    status: "pending",
    price: request.price,
    size: request.size,
    filled: 0 as Lots,
    cancelInFlight: false,
    amendInFlight: null,
  };
}

/** True while further events may come. */
export function isOpen(order: Order): boolean {
  return order.status === "pending" || order.status === "resting";
}

/** Lots that may still fill. */
export function remainingOf(order: Order): Lots {
  return (order.size - order.filled) as Lots;
}

/** Returns the order after one event. Pure. */
export function applyOrderEvent(order: Order, event: OrderEvent): Order {
  assert(event.clientOrderId === order.request.clientOrderId, "an event belongs to its order");
  assert(isOpen(order), "a finished order has no further events");
  const { status, filled, cancelInFlight, amendInFlight } = order;
  switch (event.kind) {
    case "accepted":
      assert(status === "pending", "an order is accepted once");
      return after(order, "resting", filled, cancelInFlight, amendInFlight);
    case "rejected":
      assert(status === "pending", "only a pending order is rejected");
      return after(order, "rejected", filled, false, null);
    case "filled": {
      const total = (filled + event.size) as Lots;
      assert(event.size > 0, "a fill has a size");
      assert(total <= order.size, "an order never fills beyond its size");
      const next = total === order.size ? "filled" : status;
      return after(order, next, total, cancelInFlight, amendInFlight);
    }
    case "amended": {
      const { price, size } = event;
      assert(size > filled, "an amended order has something left to fill");
      const { request, sentUs } = order;
      return { request, sentUs, status, price, size, filled, cancelInFlight, amendInFlight: null };
    }
    case "amendRejected":
      return after(order, status, filled, cancelInFlight, null);
    case "cancelled":
      return after(order, "cancelled", filled, false, null);
    case "cancelRejected":
      return after(order, status, filled, false, amendInFlight);
    default:
      return unreachable(event);
  }
}

/** The order with a cancel on its way. */
export function withCancelInFlight(order: Order): Order {
  return after(order, order.status, order.filled, true, order.amendInFlight);
}

/** The order with an amend on its way. */
export function withAmendInFlight(order: Order, price: CentiCents, size: Lots): Order {
  return after(order, order.status, order.filled, order.cancelInFlight, { price, size });
}

// Written out member by member: a spread costs several times as much, and this is a hot path.
function after(
  { request, sentUs, price, size }: Order,
  status: OrderStatus,
  filled: Lots,
  cancelInFlight: boolean,
  amendInFlight: Order["amendInFlight"],
): Order {
  return { request, sentUs, status, price, size, filled, cancelInFlight, amendInFlight };
}
