/**
 * Orders on the wire: the V2 order endpoints under `/portfolio/events/orders`, which change orders,
 * and the order object of `/portfolio/orders`, which tells of them. Prices are YES prices, for asks
 * too; a bid buys YES, an ask sells YES or buys NO.
 * Source: OpenAPI of Kalshi's Trade API 3.30 (package kalshi-typescript) and demo answers of 2026-06.
 */
import {
  type CentiCents,
  complement,
  formatFixed,
  type Lots,
  type MicroUsd,
  type TimestampUs,
} from "../../core/index.ts";
import { BookSide } from "../../market/index.ts";
import type { SelfTradePrevention, TimeInForce } from "../../orders/index.ts";
import {
  average,
  bookSide,
  cash,
  type Codec,
  defaulted,
  field,
  flag,
  integer,
  list,
  listOrNone,
  mark,
  named,
  natural,
  nullable,
  oneOf,
  optional,
  page,
  price,
  record,
  size,
  text,
  timeOrNull,
  unixMs,
  unixSeconds,
  within,
  wordOr,
} from "./codec.ts";
import { type Fault, fault } from "./faults.ts";

/** An order to be created. */
export interface OrderTicket {
  readonly ticker: string;
  /** Our own name of the order; the account never frees one that was used. */
  readonly clientOrderId: string | null;
  readonly side: BookSide;
  readonly size: Lots;
  readonly price: CentiCents;
  readonly timeInForce: TimeInForce;
  readonly selfTradePrevention: SelfTradePrevention;
  /** A whole second. */
  readonly expiresUs: TimestampUs | null;
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly cancelOnPause: boolean;
  readonly subaccount: number | null;
  readonly orderGroupId: string | null;
  /** The shard; null or -1 lets the venue find it by the ticker. */
  readonly exchangeIndex: number | null;
}

/** Of an order that rests until it is cancelled, and of which nothing else is asked. */
export const USUAL_TERMS = {
  timeInForce: "good_till_canceled",
  selfTradePrevention: "taker_at_cross",
  expiresUs: null,
  postOnly: false,
  reduceOnly: false,
  cancelOnPause: false,
  subaccount: null,
  orderGroupId: null,
  exchangeIndex: null,
} as const satisfies Partial<OrderTicket>;

const selfTradePrevention = oneOf<SelfTradePrevention>("taker_at_cross", "maker");

export const orderTicket = record<OrderTicket>({
  ticker: field("ticker", named),
  clientOrderId: optional("client_order_id", named),
  side: field("side", bookSide),
  size: field("count", size),
  price: field("price", price),
  timeInForce: field(
    "time_in_force",
    oneOf<TimeInForce>("good_till_canceled", "immediate_or_cancel", "fill_or_kill"),
  ),
  selfTradePrevention: field("self_trade_prevention_type", selfTradePrevention),
  expiresUs: optional("expiration_time", unixSeconds),
  postOnly: mark("post_only"),
  reduceOnly: mark("reduce_only"),
  cancelOnPause: mark("cancel_order_on_pause"),
  subaccount: optional("subaccount", natural),
  orderGroupId: optional("order_group_id", named),
  exchangeIndex: optional("exchange_index", integer),
});

export const orderTickets = within("orders", list(orderTicket));

/** The answer to a created order. For an immediate order `remaining` is what is left alive: 0. */
export interface OrderCreated {
  readonly orderId: string;
  readonly clientOrderId: string | null;
  readonly filled: Lots;
  readonly remaining: Lots;
  /** Micro-dollars a contract; null where nothing filled. */
  readonly averagePrice: MicroUsd | null;
  readonly averageFee: MicroUsd | null;
  readonly atUs: TimestampUs;
}

export const orderCreated = record<OrderCreated>({
  orderId: field("order_id", named),
  clientOrderId: optional("client_order_id", text),
  filled: field("fill_count", size),
  remaining: field("remaining_count", size),
  averagePrice: optional("average_fill_price", average),
  averageFee: optional("average_fee_paid", average),
  atUs: field("ts_ms", unixMs),
});

/** One order of a batch: what became of it, or why it was refused. */
export interface BatchCreated {
  readonly orderId: string | null;
  readonly clientOrderId: string | null;
  readonly filled: Lots | null;
  readonly remaining: Lots | null;
  readonly averagePrice: MicroUsd | null;
  readonly averageFee: MicroUsd | null;
  readonly atUs: TimestampUs | null;
  readonly fault: Fault | null;
}

export const batchCreated = within(
  "orders",
  list(
    record<BatchCreated>({
      orderId: optional("order_id", text),
      clientOrderId: optional("client_order_id", text),
      filled: optional("fill_count", size),
      remaining: optional("remaining_count", size),
      averagePrice: optional("average_fill_price", average),
      averageFee: optional("average_fee_paid", average),
      atUs: optional("ts_ms", unixMs),
      fault: optional("error", fault),
    }),
  ),
);

export interface OrderAmendment {
  readonly ticker: string;
  readonly side: BookSide;
  readonly price: CentiCents;
  /** What may fill in all: already filled and still wanted. */
  readonly size: Lots;
  readonly clientOrderId: string | null;
  readonly updatedClientOrderId: string | null;
  readonly exchangeIndex: number | null;
}

export const orderAmendment = record<OrderAmendment>({
  ticker: field("ticker", named),
  side: field("side", bookSide),
  price: field("price", price),
  size: field("count", size),
  clientOrderId: optional("client_order_id", named),
  updatedClientOrderId: optional("updated_client_order_id", named),
  exchangeIndex: optional("exchange_index", integer),
});

/** The answer to an amendment; what is null was not told. */
export interface OrderAmended {
  readonly orderId: string;
  readonly clientOrderId: string | null;
  readonly filled: Lots | null;
  readonly remaining: Lots | null;
  readonly averagePrice: MicroUsd | null;
  readonly averageFee: MicroUsd | null;
  readonly atUs: TimestampUs;
}

export const orderAmended = record<OrderAmended>({
  orderId: field("order_id", named),
  clientOrderId: optional("client_order_id", text),
  filled: optional("fill_count", size),
  remaining: optional("remaining_count", size),
  averagePrice: optional("average_fill_price", average),
  averageFee: optional("average_fee_paid", average),
  atUs: field("ts_ms", unixMs),
});

/** Exactly one of `by` and `to` is meant to be there. */
export interface OrderDecrease {
  readonly by: Lots | null;
  readonly to: Lots | null;
  readonly exchangeIndex: number | null;
  readonly ticker: string | null;
}

export const orderDecrease = record<OrderDecrease>({
  by: optional("reduce_by", size),
  to: optional("reduce_to", size),
  exchangeIndex: optional("exchange_index", integer),
  ticker: optional("market_ticker", named),
});

export interface OrderDecreased {
  readonly orderId: string;
  readonly clientOrderId: string | null;
  readonly remaining: Lots;
  readonly atUs: TimestampUs;
}

export const orderDecreased = record<OrderDecreased>({
  orderId: field("order_id", named),
  clientOrderId: optional("client_order_id", text),
  remaining: field("remaining_count", size),
  atUs: field("ts_ms", unixMs),
});

/** The answer to a cancel. The venue has been seen to leave out the client's id. */
export interface OrderCancelled {
  readonly orderId: string;
  readonly clientOrderId: string | null;
  readonly reducedBy: Lots;
  readonly atUs: TimestampUs | null;
  /** Only in a batch: why this one was not cancelled. */
  readonly fault: Fault | null;
}

export const orderCancelled = record<OrderCancelled>({
  orderId: defaulted("order_id", text, ""),
  clientOrderId: optional("client_order_id", text),
  reducedBy: defaulted("reduced_by", size, 0 as Lots),
  atUs: optional("ts_ms", unixMs),
  fault: optional("error", fault),
});

export const batchCancelled = within("orders", list(orderCancelled));

/** One order to be cancelled in a batch. */
export interface CancelTicket {
  readonly orderId: string;
  readonly subaccount: number | null;
  readonly exchangeIndex: number | null;
  readonly ticker: string | null;
}

export const cancelTickets = within(
  "orders",
  list(
    record<CancelTicket>({
      orderId: field("order_id", named),
      subaccount: optional("subaccount", natural),
      exchangeIndex: optional("exchange_index", integer),
      ticker: optional("market_ticker", named),
    }),
  ),
);

/** Partly filled and still open is `resting`; words that are not known yet become `unknown`. */
export type VenueOrderStatus = "resting" | "canceled" | "executed" | "unknown";

export const orderStatus = wordOr<VenueOrderStatus>("unknown", "resting", "canceled", "executed");

/** An order as the venue tells of it. */
export interface VenueOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly ticker: string;
  readonly side: BookSide;
  readonly status: VenueOrderStatus;
  readonly price: CentiCents;
  readonly initial: Lots;
  readonly filled: Lots;
  /** 0 once the order is cancelled. */
  readonly remaining: Lots;
  /** Filled size times fill price, by role, without fees. */
  readonly takerCost: MicroUsd;
  readonly makerCost: MicroUsd;
  readonly takerFees: MicroUsd;
  readonly makerFees: MicroUsd;
  readonly createdUs: TimestampUs | null;
  readonly updatedUs: TimestampUs | null;
  readonly expiresUs: TimestampUs | null;
  readonly selfTradePrevention: SelfTradePrevention | null;
  readonly orderGroupId: string | null;
  readonly cancelOnPause: boolean;
  readonly subaccount: number | null;
  readonly exchangeIndex: number;
}

export const venueOrder: Codec<VenueOrder> = record<VenueOrder>(
  {
    orderId: field("order_id", named),
    userId: defaulted("user_id", text, ""),
    clientOrderId: defaulted("client_order_id", text, ""),
    ticker: field("ticker", named),
    side: field("book_side", bookSide),
    status: field("status", orderStatus),
    price: field("yes_price_dollars", price),
    initial: field("initial_count_fp", size),
    filled: field("fill_count_fp", size),
    remaining: field("remaining_count_fp", size),
    takerCost: field("taker_fill_cost_dollars", cash),
    makerCost: field("maker_fill_cost_dollars", cash),
    takerFees: field("taker_fees_dollars", cash),
    makerFees: field("maker_fees_dollars", cash),
    createdUs: timeOrNull("created_time"),
    updatedUs: timeOrNull("last_update_time"),
    expiresUs: timeOrNull("expiration_time"),
    selfTradePrevention: optional("self_trade_prevention_type", selfTradePrevention),
    orderGroupId: nullable("order_group_id", text),
    cancelOnPause: defaulted("cancel_order_on_pause", flag, false),
    subaccount: nullable("subaccount_number", natural),
    exchangeIndex: defaulted("exchange_index", integer, 0),
  },
  (order) => ({ ...formerSide(order.side), type: "limit", ...noPrice(order.price) }),
);

/** How a side was told before `book_side`; still sent. A bid was seen as "buy" "yes". */
export function formerSide(side: BookSide): Readonly<Record<string, string>> {
  const isBid = side === BookSide.bid;
  return { outcome_side: isBid ? "yes" : "no", side: "yes", action: isBid ? "buy" : "sell" };
}

/** The price from the other outcome's side, beside the YES price. */
export function noPrice(yes: CentiCents): Readonly<Record<string, string>> {
  return { no_price_dollars: formatFixed(complement(yes), 4) };
}

export const orderAnswer = within("order", venueOrder);
export const orderPage = page("orders", venueOrder);

export interface QueuePosition {
  readonly orderId: string;
  readonly ticker: string;
  /** Lots that stand before the order. */
  readonly ahead: Lots;
}

export const queuePositions = record<{ readonly items: readonly QueuePosition[] }>({
  items: listOrNone(
    "queue_positions",
    record<QueuePosition>({
      orderId: field("order_id", named),
      ticker: field("market_ticker", named),
      ahead: field("queue_position_fp", size),
    }),
  ),
});

export const queuePosition = within("queue_position_fp", size);
