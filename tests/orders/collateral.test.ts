import { expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import {
  balanceStepOf,
  BookSide,
  chargeFee,
  type FeeTerms,
  tradeFee,
} from "../../src/market/index.ts";
import { type Exposure, Ledger, lockedCash } from "../../src/orders/index.ts";

const TERMS: FeeTerms = { type: "quadratic_with_maker_fees", multiplierPpm: 1_000_000 };

test("a bid locks its price, an ask one dollar less its price, and a held position covers", () => {
  const bid: Exposure = {
    side: BookSide.bid,
    price: 3000 as CentiCents,
    remaining: 1000 as Lots,
  };
  const ask: Exposure = { ...bid, side: BookSide.ask };
  const free: FeeTerms = { type: "quadratic", multiplierPpm: 0 };
  // One balance step, a micro-dollar a lot and one: what rounding could cost at the most.
  const reserve = 1101;
  expect(lockedCash(free, 0, [bid])).toBe(3_000_000 + reserve);
  expect(lockedCash(free, 0, [ask])).toBe(7_000_000 + reserve);
  expect(lockedCash(free, 1000, [ask])).toBe(0);
  expect(lockedCash(free, 400, [ask])).toBe(4_200_000 + reserve);
  expect(lockedCash(free, -1000, [bid])).toBe(0);
  expect(lockedCash(free, -1000, [ask])).toBe(7_000_000 + reserve);
  // Through an intermediary cash moves in whole cents.
  expect(lockedCash(free, 0, [bid], balanceStepOf("fcm"))).toBe(3_000_000 + 11_001);
});

test("what is locked does not depend on the sequence of orders of one price", () => {
  for (let held = 0; held <= 30; held++) {
    const orders = [3, 4, 7, 11].map((size): Exposure => {
      return { side: BookSide.bid, price: 3700 as CentiCents, remaining: size as Lots };
    });
    const locked = lockedCash(TERMS, -held, orders);
    expect(lockedCash(TERMS, -held, [...orders].reverse()), `${held} held`).toBe(locked);
  }
});

test("cash locked for open orders pays for them in whatever order and pieces they fill", () => {
  const seed = Number(process.env["SEED"] ?? 5);
  const prng = Prng.fromSeed(seed);
  for (let round = 0; round < 3000; round++) {
    const position = (prng.integer(5) - 2) * 500;
    const orders = Array.from({ length: 1 + prng.integer(4) }, () => ({
      side: prng.integer(2) as BookSide,
      price: (100 * (1 + prng.integer(99))) as CentiCents,
      remaining: (1 + prng.integer(1500)) as Lots,
      carry: 0,
    }));
    // Just enough cash for the lock, and not a micro-dollar more.
    const cash = lockedCash(TERMS, position, orders);
    const ledger = new Ledger(1, cash);
    ledger.positions[0] = position;
    for (let open = orders.slice(); open.length > 0;) {
      const order = open[prng.integer(open.length)] as (typeof orders)[number];
      const size = (1 + prng.integer(order.remaining)) as Lots;
      // At its limit or better.
      const room = order.side === BookSide.bid ? order.price / 100 - 1 : 99 - order.price / 100;
      const better = prng.integer(2) * prng.integer(room + 1) * 100;
      const price = (order.price + (order.side === BookSide.bid ? -better : better)) as CentiCents;
      const before = ledger.cash;
      ledger.fill(0, order.side, price, size, 0 as MicroUsd);
      const trade = tradeFee(TERMS, prng.integer(2) === 0 ? "taker" : "maker", price, size);
      const revenue = (ledger.cash - before) as MicroUsd;
      const { fee, carry } = chargeFee({ trade, revenue, carry: order.carry as MicroUsd });
      ledger.chargeFee(fee);
      order.carry = carry;
      order.remaining = (order.remaining - size) as Lots;
      open = open.filter(({ remaining }) => remaining > 0);
      const locked = lockedCash(TERMS, ledger.position(0), open);
      // What is left pays for what is open: no order is ever found without its money.
      expect(ledger.cash, `seed ${seed} round ${round}`).toBeGreaterThanOrEqual(0);
      // The rounding step of an order that has begun to fill is partly spent already.
      expect(ledger.cash - locked, `seed ${seed} round ${round}`).toBeGreaterThanOrEqual(
        -100 * open.length,
      );
    }
  }
});
