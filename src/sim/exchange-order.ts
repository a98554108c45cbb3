/** One of our orders at the simulated exchange, and what the exchange asks of the orders' owner. */
import type { CentiCents, Lots } from "../core/index.ts";
import { BookSide, type LiquidityRole } from "../market/index.ts";
import type { CancelReason, FillEvidence, OrderRequest } from "../orders/index.ts";
import { Canceller } from "./fill-model.ts";

export interface ExchangeOrder {
  readonly request: OrderRequest;
  readonly side: BookSide;
  tick: number;
  price: CentiCents;
  /** Total size, filled lots included. */
  size: number;
  filled: number;
  remaining: Lots;
  /** The order's fee rounding account. */
  feeCarry: number;
  /** First tape row after it came to rest at its price: who arrived before it stands before it. */
  restedRow: number;
  /** Lots of others that are served before it at its price; Infinity for everybody. */
  ahead: number;
}

/** The owner of the orders: books what happens to them. */
export interface FillSink {
  /** Lots of `size` that the order may still trade: less than all where it may only reduce. */
  tradable(order: ExchangeOrder, size: number): number;
  filled(
    order: ExchangeOrder,
    price: CentiCents,
    size: Lots,
    role: LiquidityRole,
    evidence: FillEvidence,
    atUs: number,
  ): void;
  ended(order: ExchangeOrder, reason: CancelReason, atUs: number): void;
}

/** True where `order` stands before `other`, which is of its side and came earlier. */
export function isBetter(order: ExchangeOrder, other: ExchangeOrder): boolean {
  return order.side === BookSide.bid ? order.tick > other.tick : order.tick < other.tick;
}

/** Where the order that arrived at row `whose`, or -1, stands as seen from `order`. */
export function cancellerOf(order: ExchangeOrder, whose: number): Canceller {
  if (whose < 0) return Canceller.unknown;
  return whose < order.restedRow ? Canceller.before : Canceller.behind;
}
