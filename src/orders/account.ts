/**
 * One account as its events tell it: open orders, positions, cash, what is locked. The trader folds
 * what has reached it into one of these; a venue keeps another. It decides nothing.
 */
import {
  assert,
  type CentiCents,
  clearList,
  type Lots,
  type MicroUsd,
  present,
} from "../core/index.ts";
import { BALANCE_STEP, BookSide, type FeeTerms } from "../market/index.ts";
import { type Exposure, lockedCash } from "./collateral.ts";
import { Ledger, type LedgerState } from "./ledger.ts";
import {
  applyOrderEvent,
  type ClientOrderId,
  isOpen,
  newOrder,
  type Order,
  type OrderEvent,
  type OrderRequest,
  remainingOf,
  withAmendInFlight,
  withCancelInFlight,
} from "./order.ts";

/** An account at one moment; shared by copies, so nothing of it is ever changed. */
export interface AccountState {
  readonly ledger: LedgerState;
  /** Open orders of each market, oldest first. [M] */
  readonly open: readonly (readonly Order[])[];
}

export class Account {
  readonly ledger: Ledger;
  readonly #fees: readonly FeeTerms[];
  readonly #balanceStep: MicroUsd;
  /** Open orders of each market, oldest first. [M] */
  readonly #open: Order[][];
  readonly #marketOf = new Map<ClientOrderId, number>();
  /** Cash locked in each market. [M] */
  readonly #locked: Float64Array;
  #lockedTotal = 0;
  #openCount = 0;
  #changes = 0;
  /** Reused by every computation of a lock. */
  readonly #exposures: Exposure[] = [];

  /**
   * `fees` are the dearest terms that each market may come to charge, `balanceStep` the step to which
   * the account's cash is floored; both only matter to what orders lock.
   */
  constructor(
    fees: readonly FeeTerms[],
    startingCash: MicroUsd,
    balanceStep: MicroUsd = BALANCE_STEP,
  ) {
    this.#fees = fees;
    this.#balanceStep = balanceStep;
    this.ledger = new Ledger(fees.length, startingCash);
    this.#open = fees.map(() => []);
    this.#locked = new Float64Array(fees.length);
  }

  get marketCount(): number {
    return this.#fees.length;
  }

  /** Cash that open orders lock, over all markets. */
  get locked(): MicroUsd {
    return this.#lockedTotal as MicroUsd;
  }

  /** Cash that new orders may use. */
  get available(): MicroUsd {
    return (this.ledger.cash - this.#lockedTotal) as MicroUsd;
  }

  get openCount(): number {
    return this.#openCount;
  }

  /** Grows with every change of open orders: what was found out about them holds while it stays. */
  get changes(): number {
    return this.#changes;
  }

  lockedIn(market: number): MicroUsd {
    return this.#locked[market] as MicroUsd;
  }

  openOrders(market: number): readonly Order[] {
    return this.#open[market] as readonly Order[];
  }

  order(clientOrderId: ClientOrderId): Order | undefined {
    const market = this.#marketOf.get(clientOrderId);
    if (market === undefined) return undefined;
    const open = this.openOrders(market);
    return open[indexOfOrder(open, clientOrderId)];
  }

  /** An order has been sent; from now on it locks cash. */
  sent(request: OrderRequest, atUs: number): void {
    assert(!this.#marketOf.has(request.clientOrderId), "an order is sent once");
    this.#marketOf.set(request.clientOrderId, request.market);
    (this.#open[request.market] as Order[]).push(newOrder(request, atUs));
    this.#openCount += 1;
    this.#changes += 1;
    this.#relock(request.market);
  }

  cancelSent(clientOrderId: ClientOrderId): void {
    const open = this.#open[this.#marketOfOpen(clientOrderId)] as Order[];
    const index = indexOfOrder(open, clientOrderId);
    open[index] = withCancelInFlight(open[index] as Order);
    this.#changes += 1;
  }

  amendSent(clientOrderId: ClientOrderId, price: CentiCents, size: Lots): void {
    const market = this.#marketOfOpen(clientOrderId);
    const open = this.#open[market] as Order[];
    const index = indexOfOrder(open, clientOrderId);
    open[index] = withAmendInFlight(open[index] as Order, price, size);
    this.#changes += 1;
    this.#relock(market);
  }

  /**
   * Folds one event; returns the order after it. A refused cancel or amend of an order that has
   * ended meanwhile is the normal outcome of a race: it changes nothing and returns null.
   */
  apply(event: OrderEvent): Order | null {
    const { clientOrderId } = event;
    const market = this.#marketOf.get(clientOrderId);
    if (market === undefined) {
      const lateRefusal = event.kind === "cancelRejected" || event.kind === "amendRejected";
      assert(lateRefusal, "events are of open orders");
      return null;
    }
    const open = this.#open[market] as Order[];
    const index = indexOfOrder(open, clientOrderId);
    const before = open[index] as Order;
    const after = applyOrderEvent(before, event);
    this.#changes += 1;
    if (event.kind === "filled") {
      this.ledger.fill(market, before.request.side, event.price, event.size, event.fee);
    }
    if (isOpen(after)) {
      open[index] = after;
    } else {
      open.splice(index, 1);
      this.#marketOf.delete(clientOrderId);
      this.#openCount -= 1;
    }
    // These two change nothing that locks cash.
    if (event.kind !== "accepted" && event.kind !== "cancelRejected") this.#relock(market);
    return after;
  }

  /** Pays a settled market out; what rounding took. Its open orders must have ended. */
  settle(market: number, value: CentiCents): MicroUsd {
    const lost = this.ledger.settle(market, value);
    this.#relock(market);
    return lost;
  }

  /** Forgets the open orders of a market whose venue is gone (the end of an episode). */
  abandonOrders(market: number): void {
    const open = this.#open[market] as Order[];
    for (const order of open) this.#marketOf.delete(order.request.clientOrderId);
    this.#openCount -= open.length;
    this.#changes += 1;
    open.length = 0;
    this.#relock(market);
  }

  /** What market `market` would lock if `exposures` were its open orders instead. */
  lockWith(market: number, exposures: readonly Exposure[]): MicroUsd {
    return lockedCash(
      this.#fees[market] as FeeTerms,
      this.ledger.position(market),
      exposures,
      this.#balanceStep,
    );
  }

  save(): AccountState {
    return { ledger: this.ledger.save(), open: this.#open.map((orders) => [...orders]) };
  }

  /** Becomes the account that was saved, which has the same markets. */
  restore(state: AccountState): void {
    assert(state.open.length === this.#open.length, "an account is restored with its markets");
    this.ledger.restore(state.ledger);
    this.#marketOf.clear();
    this.#openCount = 0;
    this.#changes += 1;
    state.open.forEach((orders, market) => {
      this.#open[market] = [...orders];
      this.#openCount += orders.length;
      for (const { request } of orders) this.#marketOf.set(request.clientOrderId, market);
      this.#relock(market);
    });
  }

  #marketOfOpen(clientOrderId: ClientOrderId): number {
    return present(this.#marketOf.get(clientOrderId), "only open orders are changed");
  }

  #relock(market: number): void {
    const open = this.#open[market] as Order[];
    const exposures = this.#exposures;
    clearList(exposures);
    for (const order of open) exposures.push(exposureOf(order));
    const locked = this.lockWith(market, exposures);
    this.#lockedTotal += locked - (this.#locked[market] as number);
    this.#locked[market] = locked;
  }
}

function indexOfOrder(open: readonly Order[], clientOrderId: ClientOrderId): number {
  for (let index = 0; index < open.length; index++) {
    if ((open[index] as Order).request.clientOrderId === clientOrderId) return index;
  }
  throw new Error("assertion failed: an open order is in its market's list");
}

/** The worst that an open order may come to be: an amend in flight may or may not have happened. */
export function exposureOf(order: Order, amend = order.amendInFlight): Exposure {
  const { side } = order.request;
  if (amend === null) return { side, price: order.price, remaining: remainingOf(order) };
  const dearer = side === BookSide.bid ? Math.max : Math.min;
  return {
    side,
    price: dearer(order.price, amend.price) as CentiCents,
    remaining: (Math.max(order.size, amend.size) - order.filled) as Lots,
  };
}
