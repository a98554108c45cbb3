/** A world that the contract is tried in, and our side of it. */
import { expect } from "vitest";
import {
  type CentiCents,
  type Lots,
  type MicroUsd,
  type TimestampUs,
  US_PER_SECOND,
} from "../../src/core/index.ts";
import { BookSide, LINEAR_CENT, PriceGrid } from "../../src/market/index.ts";
import {
  Account,
  type ApprovedOrder,
  type ClientOrderId,
  type OrderEvent,
  type OrderManager,
  type OrderRequest,
  RiskGate,
} from "../../src/orders/index.ts";

export interface World {
  readonly orders: OrderManager;
  /** Our clock, for the orders we send. */
  nowUs(): number;
  /** Another participant's taker order hits resting orders of `hit` at `cents`, and only there. */
  trade(hit: BookSide, cents: number, contracts: number): void;
  /** Others' resting size at a level changes by `contracts`. */
  quote(side: BookSide, cents: number, contracts: number): void;
  closeMarket(): void;
  /** The market's time, whatever else there is, moves on to `us`. */
  passTo(us: number): Promise<void>;
  /** Time passes until everything that was sent has been answered. */
  run(): Promise<void>;
  dispose(): Promise<void>;
}

export const DOLLAR = 1_000_000;
const FEES = [{ type: "quadratic", multiplierPpm: 1_000_000 } as const];

/** A world with our side of it: the account that folds what `drain` gives. */
export class Session {
  readonly world: World;
  readonly account = new Account(FEES, (100 * DOLLAR) as MicroUsd);
  readonly events: OrderEvent[] = [];
  readonly #gate: RiskGate;
  #ids = 0;

  constructor(world: World) {
    this.world = world;
    const size = 1_000_000_000 as Lots;
    const limits = { orderSizeMax: size, positionLimit: size, openOrdersMax: 1000 };
    this.#gate = new RiskGate(limits, [new PriceGrid(LINEAR_CENT)]);
  }

  /** Sends an order past any limit of ours, so that the venue's own rules are seen. */
  send(side: BookSide, cents: number, contracts: number, more: Partial<OrderRequest> = {}) {
    const request: OrderRequest = {
      clientOrderId: `c-${this.#ids++}` as ClientOrderId,
      market: 0,
      side,
      price: Math.round(cents * 100) as CentiCents,
      size: Math.round(contracts * 100) as Lots,
      timeInForce: "good_till_canceled",
      postOnly: false,
      reduceOnly: false,
      ...more,
    };
    if (this.account.order(request.clientOrderId) === undefined) {
      this.account.sent(request, this.world.nowUs());
    }
    // Only tests go round the gate: here the venue itself is on trial.
    this.world.orders.submit(request as ApprovedOrder);
    return request.clientOrderId;
  }

  approve(request: OrderRequest): ApprovedOrder {
    const verdict = this.#gate.approve(request, this.account);
    if (verdict.kind === "refused") throw new Error(verdict.reason);
    return verdict.order;
  }

  cancel(id: ClientOrderId): void {
    if (this.account.order(id) !== undefined) this.account.cancelSent(id);
    this.world.orders.cancel(id);
  }

  amend(id: ClientOrderId, cents: number, contracts: number): void {
    const price = Math.round(cents * 100) as CentiCents;
    const size = Math.round(contracts * 100) as Lots;
    if (this.account.order(id) !== undefined) this.account.amendSent(id, price, size);
    this.world.orders.amend(id, price, size);
  }

  async run(): Promise<void> {
    await this.world.run();
    this.#hear();
  }

  /** Lets time pass to `us` and every answer to what happened until then arrive. */
  async passTo(us: number): Promise<void> {
    await this.world.passTo(us);
    await this.run();
  }

  /** A whole second at least `seconds` away. */
  secondsOn(seconds: number): TimestampUs {
    const second = Math.floor(this.world.nowUs() / US_PER_SECOND) + seconds + 1;
    return (second * US_PER_SECOND) as TimestampUs;
  }

  #hear(): void {
    const fresh: OrderEvent[] = [];
    const count = this.world.orders.drain(fresh);
    expect(count).toBe(fresh.length);
    for (const event of fresh) this.account.apply(event);
    this.events.push(...fresh);
  }

  kindsOf(id: ClientOrderId): string[] {
    return this.events.filter((event) => event.clientOrderId === id).map((event) => event.kind);
  }

  fillsOf(id: ClientOrderId) {
    return this.events.filter(
      (event) => event.kind === "filled" && event.clientOrderId === id,
    ) as (OrderEvent & { kind: "filled" })[];
  }

  reasonsOf(id: ClientOrderId): string[] {
    const own = this.events.filter((event) => event.clientOrderId === id);
    return own.flatMap((event) => ("reason" in event ? [event.reason] : []));
  }
}

/** Declares one rule of the contract. */
export type Rule = (title: string, body: (session: Session) => Promise<void>) => void;
