/**
 * Orders and fills of the account that no order of the manager stands for. Those that are ours by
 * their client id are strays: they are noted, and cancelled if they rest. The others are somebody
 * else's, and only their fills are noted, for they change the account.
 */
import type { OrderEntry } from "../rest/order-entry.ts";
import type { VenueOrder } from "../wire/orders.ts";
import type { VenueFill } from "../wire/portfolio.ts";
import type { OrderNote } from "./order-notes.ts";

/**
 * What is known of a client id: `ours` was sent and held to be absent, `forgotten` ended so long ago
 * that its order is no longer known, `unknown` was not sent by this manager.
 */
export type ClientIdAge = "ours" | "forgotten" | "unknown";

export interface OtherOrdersOptions {
  readonly entry: OrderEntry;
  readonly nowUs: () => number;
  readonly log: (note: OrderNote) => void;
  /** A stray could not be cancelled: own orders have to be looked at again. */
  readonly doubt: () => void;
  /** What own client ids begin with, null where that is not known. */
  readonly prefix: string | null;
}

interface Stray {
  readonly clientOrderId: string;
  isBeingCancelled: boolean;
}

/** What is remembered of others, at most. */
const KEPT = 4_096;

export class OtherOrders {
  readonly #options: OtherOrdersOptions;
  readonly #strays = new Map<string, Stray>();
  readonly #trades = new Set<string>();
  #foreignFills = 0;
  #strayOrders = 0;
  #strayFills = 0;

  constructor(options: OtherOrdersOptions) {
    this.#options = options;
  }

  counts() {
    return {
      foreignFills: this.#foreignFills,
      strayOrders: this.#strayOrders,
      strayFills: this.#strayFills,
    };
  }

  order(order: Omit<VenueOrder, "cancelOnPause">, age: ClientIdAge): void {
    const { orderId, clientOrderId, status } = order;
    if (!this.#isStray(clientOrderId, age)) return;
    const stray = this.#strayOf(orderId, clientOrderId);
    if (stray === null) {
      const { ticker, filled, remaining } = order;
      const facts = { orderId, ticker, status, filled, remaining };
      const atUs = this.#options.nowUs();
      this.#options.log({ kind: "strayOrder", atUs, clientOrderId, order: facts });
    }
    if (status === "resting") this.#cancel(orderId);
  }

  /** Takes a fill; whether it was not heard before. */
  fill(fill: VenueFill, clientOrderId: string | null, age: ClientIdAge): boolean {
    const key = `${fill.orderId} ${fill.tradeId}`;
    if (age === "forgotten" || this.#trades.has(key)) return false;
    this.#trades.add(key);
    forgetOldest(this.#trades);
    const atUs = this.#options.nowUs();
    const id = clientOrderId ?? this.#strays.get(fill.orderId)?.clientOrderId ?? "";
    if (this.#isStray(id, age) || this.#strays.has(fill.orderId)) {
      this.#strayFills += 1;
      this.#options.log({ kind: "strayFill", atUs, clientOrderId: id, fill });
    } else {
      this.#foreignFills += 1;
      this.#options.log({ kind: "foreignFill", atUs, fill });
    }
    return true;
  }

  #isStray(clientOrderId: string, age: ClientIdAge): boolean {
    const { prefix } = this.#options;
    if (age !== "unknown") return age === "ours";
    return prefix !== null && prefix !== "" && clientOrderId.startsWith(prefix);
  }

  /** The stray if it has been seen before, else null; it has been from now on. */
  #strayOf(orderId: string, clientOrderId: string): Stray | null {
    const known = this.#strays.get(orderId);
    if (known !== undefined) return known;
    this.#strayOrders += 1;
    this.#strays.set(orderId, { clientOrderId, isBeingCancelled: false });
    forgetOldest(this.#strays);
    return null;
  }

  /** A cancel that does not come off is sent again when the order is seen again, which is seen to. */
  #cancel(orderId: string): void {
    const stray = this.#strays.get(orderId);
    if (stray === undefined || stray.isBeingCancelled) return;
    stray.isBeingCancelled = true;
    this.#options.entry.cancel(orderId, (outcome) => {
      stray.isBeingCancelled = false;
      if (outcome.kind === "refused" || outcome.kind === "failed") this.#options.doubt();
    });
  }
}

function forgetOldest(kept: Map<string, unknown> | Set<string>): void {
  if (kept.size <= KEPT) return;
  for (const key of kept.keys()) {
    kept.delete(key);
    return;
  }
}
