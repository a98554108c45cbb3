/**
 * One order as the exchange holds it: mutable, for it is the exchange's own and nobody else's. What
 * leaves the exchange is a copy (`orderRecord`). An order stands in the queue of its price while it
 * rests; the links `before` and `after` belong to that queue.
 */
import type { CentiCents, Lots, MicroUsd, TimestampUs } from "../../core/index.ts";
import type { BookSide } from "../../market/index.ts";
import type { SelfTradePrevention } from "../../orders/index.ts";
import type { VenueOrder } from "../../kalshi/index.ts";
import type { ExchangeAccount } from "./exchange-account.ts";
import type { OrderGroupState } from "./order-groups.ts";

export interface EngineOrder {
  readonly orderId: string;
  readonly account: ExchangeAccount;
  clientOrderId: string;
  readonly market: number;
  readonly side: BookSide;
  price: CentiCents;
  /** The size that it was created with; amendments and decreases leave it as it is. */
  readonly initial: Lots;
  filled: Lots;
  /** What may still fill; 0 once the order has ended. */
  remaining: Lots;
  status: "resting" | "canceled" | "executed";
  takerCost: number;
  makerCost: number;
  takerFees: number;
  makerFees: number;
  /** The order's rounding account. */
  feeCarry: MicroUsd;
  readonly createdUs: TimestampUs;
  updatedUs: TimestampUs;
  readonly expiresUs: TimestampUs | null;
  readonly selfTradePrevention: SelfTradePrevention;
  readonly postOnly: boolean;
  readonly reduceOnly: boolean;
  readonly cancelOnPause: boolean;
  readonly group: OrderGroupState | null;
  /** Calls its expiry off. */
  forgetExpiry: (() => void) | null;
  /** Place in the queue of its price, while it stands there. */
  isQueued: boolean;
  before: EngineOrder | null;
  after: EngineOrder | null;
}

/** An order as it is told of. */
export function orderRecord(order: EngineOrder, ticker: string): VenueOrder {
  return {
    orderId: order.orderId,
    userId: order.account.userId,
    clientOrderId: order.clientOrderId,
    ticker,
    side: order.side,
    status: order.status,
    price: order.price,
    initial: order.initial,
    filled: order.filled,
    remaining: order.remaining,
    takerCost: order.takerCost as MicroUsd,
    makerCost: order.makerCost as MicroUsd,
    takerFees: order.takerFees as MicroUsd,
    makerFees: order.makerFees as MicroUsd,
    createdUs: order.createdUs,
    updatedUs: order.updatedUs,
    expiresUs: order.expiresUs,
    selfTradePrevention: order.selfTradePrevention,
    orderGroupId: order.group?.orderGroupId ?? null,
    cancelOnPause: order.cancelOnPause,
    subaccount: 0,
    exchangeIndex: 0,
  };
}
