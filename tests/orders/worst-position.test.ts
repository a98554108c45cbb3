/** The position limit, whatever becomes of what is on its way: amendments, cancels, fills between. */
import { expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import { BookSide, LINEAR_CENT, PriceGrid } from "../../src/market/index.ts";
import {
  Account,
  type ClientOrderId,
  type Order,
  type OrderRequest,
  RiskGate,
} from "../../src/orders/index.ts";

const FEES = [{ type: "quadratic", multiplierPpm: 1_000_000 } as const];
const LIMIT = 2_000;
const SEED = Number(process.env["SEED"] ?? 1);

/** What it comes to where everything of one side fills at its larger size and nothing of the other. */
function worstOf(account: Account): number {
  const open = (side: BookSide): number =>
    account
      .openOrders(0)
      .filter(({ request }) => request.side === side)
      .reduce((sum, { size, amendInFlight, filled }) => {
        return sum + Math.max(size, amendInFlight?.size ?? 0) - filled;
      }, 0);
  const position = account.ledger.position(0);
  return Math.max(position + open(BookSide.bid), open(BookSide.ask) - position);
}

class Play {
  readonly account = new Account(FEES, 1_000_000_000 as MicroUsd);
  amendments = 0;
  readonly #limits = {
    orderSizeMax: 1_500 as Lots,
    positionLimit: LIMIT as Lots,
    openOrdersMax: 10,
  };
  readonly #gate = new RiskGate(this.#limits, [new PriceGrid(LINEAR_CENT)]);
  readonly #prng: Prng;
  #ids = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  step(): void {
    const prng = this.#prng;
    const { account } = this;
    const open = account.openOrders(0);
    const order = open[prng.integer(open.length + 1)];
    if (order === undefined) return this.#submit();
    const choice = prng.integer(4);
    if (choice === 0) this.#amend(order);
    else if (choice === 1) this.#answer(order);
    else if (choice === 2) this.#fill(order);
    else if (!order.cancelInFlight) account.cancelSent(order.request.clientOrderId);
  }

  #lots(): Lots {
    return (100 * (1 + this.#prng.integer(15))) as Lots;
  }

  #price(): CentiCents {
    return (100 * (1 + this.#prng.integer(99))) as CentiCents;
  }

  #submit(): void {
    const request: OrderRequest = {
      clientOrderId: `o${this.#ids++}` as ClientOrderId,
      market: 0,
      side: this.#prng.integer(2) as BookSide,
      price: this.#price(),
      size: this.#lots(),
      timeInForce: "good_till_canceled",
      postOnly: false,
      reduceOnly: this.#prng.integer(4) === 0,
    };
    const { account } = this;
    if (this.#gate.approve(request, account).kind === "approved") account.sent(request, 0);
  }

  /** As the planner does: one amendment at a time. */
  #amend(order: Order): void {
    if (order.status !== "resting" || order.amendInFlight !== null) return;
    const [price, size] = [this.#price(), (order.filled + this.#lots()) as Lots];
    const { account } = this;
    if (this.#gate.refuseAmend(order, price, size, account) !== null) return;
    account.amendSent(order.request.clientOrderId, price, size);
    this.amendments += 1;
  }

  /** The venue answers what is on its way, one way or the other. */
  #answer({ request: { clientOrderId }, status, amendInFlight, cancelInFlight, filled }: Order) {
    const { account } = this;
    const isYes = this.#prng.integer(2) === 0;
    const atUs = 1;
    if (status === "pending") {
      if (isYes) account.apply({ kind: "accepted", clientOrderId, atUs });
      else account.apply({ kind: "rejected", clientOrderId, atUs, reason: "venue" });
    } else if (amendInFlight !== null) {
      const { price, size } = amendInFlight;
      if (isYes && size > filled) {
        account.apply({ kind: "amended", clientOrderId, atUs, price, size });
      } else account.apply({ kind: "amendRejected", clientOrderId, atUs, reason: "venue" });
    } else if (cancelInFlight) {
      if (isYes) account.apply({ kind: "cancelled", clientOrderId, atUs, reason: "requested" });
      else account.apply({ kind: "cancelRejected", clientOrderId, atUs, reason: "venue" });
    }
  }

  #fill({ request: { clientOrderId }, status, price, size: total, filled }: Order): void {
    if (status !== "resting") return;
    const size = (1 + this.#prng.integer(total - filled)) as Lots;
    const fee = 0 as MicroUsd;
    const evidence = { kind: "venue", tradeId: "t" } as const;
    const fill = { kind: "filled", clientOrderId, atUs: 1, price, size, fee } as const;
    this.account.apply({ ...fill, role: "maker", evidence });
  }
}

test("no way of answers and fills leads beyond the position limit", () => {
  let amendments = 0;
  let nearest = 0;
  for (let round = 0; round < 200; round++) {
    const play = new Play(Prng.fromSeed(SEED).fork(`round ${round}`));
    for (let step = 0; step < 200; step++) {
      play.step();
      const worst = worstOf(play.account);
      expect(worst, `seed ${SEED} round ${round} step ${step}`).toBeLessThanOrEqual(LIMIT);
      nearest = Math.max(nearest, worst);
    }
    amendments += play.amendments;
  }
  // The play is worth its name: amendments were on their way, and the limit was reached.
  expect([amendments > 1_000, nearest]).toEqual([true, LIMIT]);
});
