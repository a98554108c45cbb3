/** What has been costs nothing: neither time nor, but for the names of orders, memory. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import { BookSide, type Tape } from "../../src/market/index.ts";
import {
  Account,
  type ApprovedOrder,
  type ClientOrderId,
  type OrderEvent,
  type OrderRequest,
} from "../../src/orders/index.ts";
import { FILL_MODELS, SimulatedOrderManager } from "../../src/sim/index.ts";
import { marketInfo, SECOND, START_US, TapeBuilder } from "../fixtures/tape-builder.ts";

const { bid, ask } = BookSide;
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapUsed(): number {
  for (let time = 0; time < 3; time++) collect();
  return process.memoryUsage().heapUsed;
}

/** An order sent every 10 ms and cancelled at the next, so that news is always on its way. */
class Churn {
  readonly orders: SimulatedOrderManager;
  readonly account: Account;
  nowUs = START_US;
  #count = 0;
  #last: ClientOrderId | null = null;
  readonly #events: OrderEvent[] = [];

  constructor(tape: Tape) {
    this.orders = new SimulatedOrderManager({
      tape,
      markets: [0],
      startingCash: 1_000_000_000 as MicroUsd,
      fillModel: FILL_MODELS.queue,
      latency: { feedUs: 0, submitUs: 30_000, amendUs: 30_000, cancelUs: 30_000, answerUs: 50_000 },
      prng: Prng.fromSeed(1),
    });
    this.account = new Account([marketInfo().fees], 1_000_000_000 as MicroUsd);
    this.orders.advanceTo(this.nowUs);
  }

  step(): void {
    if (this.#last !== null) {
      this.orders.cancel(this.#last);
      this.account.cancelSent(this.#last);
    }
    const count = this.#count++;
    const order: OrderRequest = {
      clientOrderId: `order-${count}` as ClientOrderId,
      market: 0,
      side: count % 2 === 0 ? bid : ask,
      price: (count % 2 === 0 ? 4400 : 4900) as CentiCents,
      size: 1000 as Lots,
      timeInForce: "good_till_canceled",
      postOnly: false,
      reduceOnly: false,
    };
    this.#last = order.clientOrderId;
    this.orders.submit(order as unknown as ApprovedOrder);
    this.account.sent(order, this.nowUs);
    this.#advance();
  }

  /** Lets time pass without orders. */
  rest(steps: number): void {
    for (let step = 0; step < steps; step++) this.#advance();
  }

  /** Sends orders and cancels them until so many have been. */
  until(orders: number): this {
    while (this.#count < orders) this.step();
    return this;
  }

  #advance(): void {
    this.nowUs += 10_000;
    this.orders.advanceTo(this.nowUs);
    this.#events.length = 0;
    this.orders.drain(this.#events);
    for (const event of this.#events) this.account.apply(event);
  }
}

/** A book that moves a little, long after 1,000,000 orders at 10 ms have been. */
function quiet(): Tape {
  const builder = new TapeBuilder({ capacity: 100 });
  builder.snapshot(
    [
      [44, 100],
      [45, 50],
    ],
    [
      [48, 50],
      [49, 100],
    ],
  );
  builder.wait(20_000 * SECOND).delta(bid, 45, 1);
  return builder.finish();
}

test("a hundred thousand orders leave their names behind and nothing else", () => {
  const churn = new Churn(quiet()).until(20_000);
  const before = heapUsed();
  churn.until(120_000);
  const bytesAnOrder = (heapUsed() - before) / 100_000;
  // A name and its place in a table; an event or a command more would be two hundred bytes.
  expect(bytesAnOrder).toBeLessThan(150);
  // Of what is under way or rests there is as much as latency makes.
  expect(churn.account.openCount).toBeLessThan(20);
  expect(churn.orders.markets[0]?.resting.length).toBeLessThan(3);
  expect(churn.account.ledger.cash).toBe(1_000_000_000);
  churn.rest(20);
  expect(churn.orders.hasMessagesInFlight()).toBe(false);
});

test("a step costs the same after a hundred thousand orders as at the beginning", () => {
  const old = new Churn(quiet()).until(100_000);
  const fresh = new Churn(quiet()).until(1_000);
  const secondsOf = (churn: Churn): number => {
    const startedAt = performance.now();
    for (let step = 0; step < 2_000; step++) churn.step();
    return performance.now() - startedAt;
  };
  // In turn, and the quickest of each: what disturbs the machine disturbs both.
  const times = Array.from({ length: 12 }, () => [secondsOf(old), secondsOf(fresh)] as const);
  const quickest = (which: 0 | 1): number => Math.min(...times.map((pair) => pair[which]));
  expect(quickest(0)).toBeLessThan(3 * quickest(1));
});
