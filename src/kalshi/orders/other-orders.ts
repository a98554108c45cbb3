/**
 * Orders and fills of the account that no order of the manager stands for. Those that are ours by
 * their client id are strays: they are noted, and cancelled if they rest. The others are somebody
 * else's, and only their fills are noted, for they change the account.
 */
import type { OrderEntry } from "../rest/order-entry.ts";
import type { VenueOrder } from "../wire/orders.ts";
import type { VenueFill } from "../wire/portfolio.ts";
import type { OrderNote } from "./order-notes.ts";
import type { Debtor } from "./order-recovery.ts";

/**
 * What is known of a client id: `ours` was sent and held to be absent, `forgotten` ended so long ago
 * that its order is no longer known, `unknown` was not sent by this manager.
 */
export type ClientIdAge = "ours" | "forgotten" | "unknown";

export interface OtherOrdersOptions {
  readonly entry: OrderEntry;
  readonly nowUs: () => number;
  readonly log: (note: OrderNote) => void;
  /** Asks for a stray until it has ended and all its fills are known. */
  readonly watch: (stray: Debtor) => void;
  /** What own client ids begin with, null where that is not known. */
  readonly prefix: string | null;
}

class Stray implements Debtor {
  readonly orderId: string;
  readonly clientOrderId: string;
  isBeingCancelled = false;
  isResting = true;
  isNoted = false;
  /** Most that the venue has said to be filled, and what of it is known by its fills. */
  filledMost = 0;
  filledKnown = 0;

  constructor(orderId: string, clientOrderId: string) {
    this.orderId = orderId;
    this.clientOrderId = clientOrderId;
  }

  get isOwing(): boolean {
    return this.isResting || this.filledKnown < this.filledMost;
  }
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
    const { ticker, filled, remaining } = order;
    const stray = this.#strayOf(orderId, clientOrderId);
    if (!stray.isNoted) {
      stray.isNoted = true;
      const facts = { orderId, ticker, status, filled, remaining };
      const atUs = this.#options.nowUs();
      this.#options.log({ kind: "strayOrder", atUs, clientOrderId, order: facts });
    }
    stray.filledMost = Math.max(stray.filledMost, filled);
    // What rests may be told late, an end is one for ever.
    if (status === "canceled" || status === "executed") stray.isResting = false;
    if (stray.isResting && status === "resting") this.#cancel(stray);
    if (stray.isOwing) this.#options.watch(stray);
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
      const stray = this.#strayOf(fill.orderId, id);
      stray.filledKnown += fill.size;
      if (stray.isOwing) this.#options.watch(stray);
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

  #strayOf(orderId: string, clientOrderId: string): Stray {
    const known = this.#strays.get(orderId);
    if (known !== undefined) return known;
    const stray = new Stray(orderId, clientOrderId);
    this.#strayOrders += 1;
    this.#strays.set(orderId, stray);
    forgetOldest(this.#strays);
    return stray;
  }

  /** One that does not come off is sent again when the order is read again, which is seen to. */
  #cancel(stray: Stray): void {
    if (stray.isBeingCancelled) return;
    stray.isBeingCancelled = true;
    this.#options.entry.cancel(stray.orderId, () => {
      stray.isBeingCancelled = false;
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
