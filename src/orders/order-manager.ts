/**
 * The one seam between simulation and live trading. Orders go in, events come out; nothing here
 * waits. A venue's refusal is an event, never an exception, so both sides are driven alike.
 * Implementations keep no books: positions, cash and order states are folds over the events.
 */
import type { CentiCents, Lots } from "../core/index.ts";
import type { ClientOrderId, OrderEvent, OrderRequest } from "./order.ts";

declare const approved: unique symbol;
/** An order that the risk gate has let through; nothing else can make one. */
export type ApprovedOrder = OrderRequest & { readonly [approved]: true };

export interface OrderManager {
  submit(order: ApprovedOrder): void;
  /** Moves an order to a new price and total size (filled lots included). */
  amend(clientOrderId: ClientOrderId, price: CentiCents, size: Lots): void;
  cancel(clientOrderId: ClientOrderId): void;
  /** Appends the events that reached us since the last call to `sink`, oldest first; their count. */
  drain(sink: OrderEvent[]): number;
}

/** What a planner or strategy asks for, before the risk gate has seen it. */
export type OrderCommand =
  | { readonly kind: "submit"; readonly request: OrderRequest }
  | {
      readonly kind: "amend";
      readonly clientOrderId: ClientOrderId;
      readonly price: CentiCents;
      readonly size: Lots;
    }
  | { readonly kind: "cancel"; readonly clientOrderId: ClientOrderId };
