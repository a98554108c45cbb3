/**
 * What the open orders of one account in one market lock, kept as orders come, change and go. Where no
 * position covers a side its orders lock each for itself, and the sum is kept; where one does, the cover
 * is shared out anew over all of them, by the rule in `orders`.
 */
import { BALANCE_STEP, BookSide, type FeeTerms } from "../../market/index.ts";
import { type Exposure, lockedCash } from "../../orders/index.ts";
import type { EngineOrder } from "./engine-order.ts";

export class OrderLocks {
  readonly orders = new Set<EngineOrder>();
  readonly #fees: FeeTerms;
  /** What each open order locks by itself. */
  readonly #single = new Map<EngineOrder, number>();
  /** The sums of that by side. */
  readonly #sums: [number, number] = [0, 0];

  constructor(fees: FeeTerms) {
    this.#fees = fees;
  }

  /** An order has come, or its price or size has changed. */
  put(order: EngineOrder): void {
    this.orders.add(order);
    const single = this.#lockOf(order);
    this.#sums[order.side] += single - (this.#single.get(order) ?? 0);
    this.#single.set(order, single);
  }

  remove(order: EngineOrder): void {
    this.orders.delete(order);
    this.#sums[order.side] -= this.#single.get(order) ?? 0;
    this.#single.delete(order);
  }

  /** Micro-dollars that all lock at a signed position, with `added` in place of `replaced`. */
  locked(position: number, replaced: EngineOrder | null, added: Exposure | null): number {
    return (
      this.#side(BookSide.bid, position, replaced, added) +
      this.#side(BookSide.ask, position, replaced, added)
    );
  }

  #side(
    side: BookSide,
    position: number,
    replaced: EngineOrder | null,
    added: Exposure | null,
  ): number {
    const isCovered = side === BookSide.bid ? position < 0 : position > 0;
    const more = added?.side === side ? added : null;
    if (!isCovered) {
      const less = replaced?.side === side ? (this.#single.get(replaced) ?? 0) : 0;
      return this.#sums[side] - less + (more === null ? 0 : this.#lockOf(more));
    }
    const exposures: Exposure[] = more === null ? [] : [more];
    for (const order of this.orders) {
      if (order.side === side && order !== replaced) exposures.push(order);
    }
    return lockedCash(this.#fees, position, exposures, BALANCE_STEP);
  }

  #lockOf(exposure: Exposure): number {
    return lockedCash(this.#fees, 0, [exposure], BALANCE_STEP);
  }
}
