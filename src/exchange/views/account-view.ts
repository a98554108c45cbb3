/**
 * What an account can read of itself: the fold of its events. The venue's answers lag behind its
 * doings, so this is kept apart from the engine and folded when it is time.
 */
import type { Lots, MicroUsd, TimestampUs } from "../../core/index.ts";
import type { VenueFill, VenueOrder, VenuePosition, VenueSettlement } from "../../kalshi/index.ts";
import type { EngineEvent } from "../engine/engine-events.ts";
import { AppendList } from "./append-list.ts";

/** Ended orders, fills and settlements that are kept of an account; the venue moves older ones away. */
const HISTORY_MAX = 200_000;

export interface HeldPosition {
  readonly market: number;
  readonly position: VenuePosition;
  readonly volume: Lots;
}

export class AccountView {
  /** Latest state of each order. */
  readonly #orders = new Map<string, VenueOrder>();
  /** Orders that stand in a book. */
  readonly resting = new Map<string, VenueOrder>();
  /** Ids of orders, oldest first. */
  readonly orderIds = new AppendList<string>(HISTORY_MAX, (id) => {
    // What stands in a book is no history, however old: it goes on among the newest.
    if (this.resting.has(id)) this.#carried.push(id);
    else this.#orders.delete(id);
  });
  readonly #carried: string[] = [];
  readonly fills = new AppendList<VenueFill>(HISTORY_MAX);
  readonly settlements = new AppendList<VenueSettlement>(HISTORY_MAX);
  /** Markets that were traded and are not settled, in the order of their first fill. */
  readonly positions = new Map<string, HeldPosition>();
  cash = 0 as MicroUsd;
  /** Cash that new orders may use. */
  available = 0 as MicroUsd;
  updatedUs = 0 as TimestampUs;

  order(orderId: string): VenueOrder | undefined {
    return this.#orders.get(orderId);
  }

  apply(event: EngineEvent): void {
    switch (event.kind) {
      case "order": {
        const { order } = event;
        const isNew = !this.#orders.has(order.orderId);
        this.#orders.set(order.orderId, order);
        if (order.status === "resting") this.resting.set(order.orderId, order);
        else this.resting.delete(order.orderId);
        if (isNew) this.orderIds.push(order.orderId);
        for (const id of this.#carried.splice(0)) this.orderIds.push(id);
        return;
      }
      case "fill":
        this.fills.push(event.fill);
        return;
      case "position": {
        const { market, position, volume } = event;
        this.positions.set(position.ticker, { market, position, volume });
        return;
      }
      case "cash":
        this.cash = event.cash;
        this.available = event.available;
        this.updatedUs = event.atUs;
        return;
      case "settlement":
        this.settlements.push(event.settlement);
        this.positions.delete(event.settlement.ticker);
        return;
      case "level":
      case "trade":
      case "group":
      case "lifecycle":
        return;
      // No default: the compiler sees to it that every kind is named.
    }
  }
}
