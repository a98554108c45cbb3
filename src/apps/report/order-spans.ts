/**
 * Own orders and fills of a recorded episode, read off its journal through the same fold that kept
 * them when it was played.
 */
import { BookSide } from "../../market/index.ts";
import type { EpisodeJournal } from "../../journal/index.ts";
import {
  applyOrderEvent,
  isOpen,
  newOrder,
  type Order,
  type OrderEvent,
  type OrderRequest,
} from "../../orders/index.ts";

/** From when to when an order stood at one price; centi-cents and microseconds. */
export interface OrderSpan {
  readonly isBid: boolean;
  readonly price: number;
  readonly fromUs: number;
  readonly toUs: number;
}

export interface Fill {
  /** Step in which we heard of it. */
  readonly step: number;
  readonly request: OrderRequest;
  readonly event: Extract<OrderEvent, { kind: "filled" }>;
}

export interface Orders {
  readonly spans: readonly OrderSpan[];
  readonly fills: readonly Fill[];
  /** Last moment that the journal knows of, in microseconds. */
  readonly endUs: number;
}

/**
 * One span per price of every order that the venue accepted: from the decision that sent it, or the
 * news of the amendment that moved it, to the news of its end, or to the end of the episode.
 */
export function ordersOf({ steps }: EpisodeJournal): Orders {
  const spans: OrderSpan[] = [];
  const fills: Fill[] = [];
  const open = new Map<string, { order: Order; fromUs: number }>();
  let endUs = 0;
  const close = ({ order, fromUs }: { order: Order; fromUs: number }, toUs: number): void => {
    const isBid = order.request.side === BookSide.bid;
    spans.push({ isBid, price: order.price, fromUs, toUs });
  };
  for (const { step, atUs, sent, events } of steps) {
    endUs = Math.max(endUs, atUs);
    for (const command of sent) {
      if (command.kind !== "submit") continue;
      const { request } = command;
      open.set(request.clientOrderId, { order: newOrder(request, atUs), fromUs: atUs });
    }
    for (const event of events) {
      endUs = Math.max(endUs, event.atUs);
      const entry = open.get(event.clientOrderId);
      if (entry === undefined) continue;
      if (event.kind === "filled") fills.push({ step, request: entry.order.request, event });
      const order = applyOrderEvent(entry.order, event);
      if (isOpen(order)) {
        const hasMoved = order.price !== entry.order.price;
        if (hasMoved) close(entry, event.atUs);
        open.set(event.clientOrderId, { order, fromUs: hasMoved ? event.atUs : entry.fromUs });
        continue;
      }
      if (order.status !== "rejected") close(entry, event.atUs);
      open.delete(event.clientOrderId);
    }
  }
  for (const entry of open.values()) close(entry, endUs);
  return { spans, fills, endUs };
}
