/**
 * The order manager that a live trader talks to: commands become effects, which are journalled before
 * they are carried out, and events are those that the inputs brought. In front of a real venue and in
 * a replay it is the same.
 */
import { type CentiCents, clearList, type Lots } from "../core/index.ts";
import type { ApprovedOrder, ClientOrderId, OrderEvent, OrderManager } from "../orders/index.ts";

/** What is to be done outside, once it is journalled. */
export type LiveEffect =
  | { readonly kind: "submit"; readonly order: ApprovedOrder }
  | {
      readonly kind: "amend";
      readonly clientOrderId: ClientOrderId;
      readonly price: CentiCents;
      readonly size: Lots;
    }
  | { readonly kind: "cancel"; readonly clientOrderId: ClientOrderId }
  | { readonly kind: "ask"; readonly what: "account" | "recover" | "cancel all" }
  | { readonly kind: "cancel foreign"; readonly orderIds: readonly string[] }
  /** What the account holds in each market, as the venue has told. */
  | { readonly kind: "positions"; readonly lots: readonly Lots[] };

export class Outbox implements OrderManager {
  readonly #effects: LiveEffect[];
  readonly #events: OrderEvent[] = [];

  constructor(effects: LiveEffect[]) {
    this.#effects = effects;
  }

  submit(order: ApprovedOrder): void {
    this.#effects.push({ kind: "submit", order });
  }

  amend(clientOrderId: ClientOrderId, price: CentiCents, size: Lots): void {
    this.#effects.push({ kind: "amend", clientOrderId, price, size });
  }

  cancel(clientOrderId: ClientOrderId): void {
    this.#effects.push({ kind: "cancel", clientOrderId });
  }

  /** An event has come in. */
  arrived(event: OrderEvent): void {
    this.#events.push(event);
  }

  drain(sink: OrderEvent[]): number {
    const count = this.#events.length;
    sink.push(...this.#events);
    clearList(this.#events);
    return count;
  }
}
