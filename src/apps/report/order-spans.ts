/** Own orders of a recorded episode as spans: from when to when each stood at which price. */
import { BookSide } from "../../market/index.ts";
import type { EpisodeJournal } from "../../journal/index.ts";

export interface OrderSpan {
  readonly isBid: boolean;
  readonly price: number;
  readonly fromUs: number;
  readonly toUs: number;
}

/** One span per price that an order had while it was open, as far as we had heard. */
export function ordersOf({ steps }: EpisodeJournal): OrderSpan[] {
  const spans: OrderSpan[] = [];
  const open = new Map<
    string,
    { isBid: boolean; price: number; fromUs: number; size: number; filled: number }
  >();
  const sides = new Map<string, { isBid: boolean; price: number; size: number }>();
  const close = (id: string, toUs: number): void => {
    const order = open.get(id);
    if (order === undefined) return;
    spans.push({ isBid: order.isBid, price: order.price, fromUs: order.fromUs, toUs });
    open.delete(id);
  };
  for (const { sent, events } of steps) {
    for (const command of sent) {
      if (command.kind !== "submit") continue;
      const { clientOrderId, side, price, size } = command.request;
      sides.set(clientOrderId, { isBid: side === BookSide.bid, price, size });
    }
    for (const event of events) {
      const { clientOrderId: id, atUs } = event;
      const known = sides.get(id);
      const order = open.get(id);
      if (event.kind === "accepted" && known !== undefined) {
        open.set(id, {
          isBid: known.isBid,
          price: known.price,
          fromUs: atUs,
          size: known.size,
          filled: 0,
        });
      } else if (event.kind === "amended" && order !== undefined) {
        close(id, atUs);
        open.set(id, { ...order, price: event.price, fromUs: atUs, size: event.size });
      } else if (event.kind === "cancelled") {
        close(id, atUs);
      } else if (event.kind === "filled" && order !== undefined) {
        order.filled += event.size;
        if (order.filled >= order.size) close(id, atUs);
      }
    }
  }
  const endUs = steps.at(-1)?.atUs ?? 0;
  for (const id of [...open.keys()]) close(id, endUs);
  return spans;
}
