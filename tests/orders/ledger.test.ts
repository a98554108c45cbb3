import { expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { Ledger } from "../../src/orders/index.ts";

const cc = (value: number) => value as CentiCents;
const lots = (value: number) => value as Lots;
const usd = (value: number) => value as MicroUsd;

test("a bought and sold contract gains the difference less the fees", () => {
  const ledger = new Ledger(1, usd(100_000_000));
  ledger.fill(0, BookSide.bid, cc(4500), lots(1000), usd(1_000));
  expect(ledger.cash).toBe(100_000_000 - 4_500_000 - 1_000);
  expect(ledger.costs[0]).toBe(4_500_000);
  ledger.fill(0, BookSide.ask, cc(5000), lots(1000), usd(2_000));
  expect(ledger.cash).toBe(100_000_000 + 500_000 - 3_000);
  expect(ledger.realized).toBe(500_000);
  expect(ledger.fees).toBe(3_000);
  expect(ledger.position(0)).toBe(0);
  expect(ledger.costs[0]).toBe(0);
});

test("an ask from flat buys NO at one dollar less the price, and mints no cash", () => {
  const ledger = new Ledger(1, usd(100_000_000));
  ledger.fill(0, BookSide.ask, cc(3000), lots(1000), usd(0));
  expect(ledger.position(0)).toBe(-1000);
  expect(ledger.cash).toBe(100_000_000 - 7_000_000);
  expect(ledger.liquidationValue(0, cc(2900), cc(3000))).toBe(7_000_000);
});

test("an order through zero closes at cost and opens the rest", () => {
  const ledger = new Ledger(1, usd(100_000_000));
  ledger.fill(0, BookSide.bid, cc(4000), lots(300), usd(0));
  ledger.fill(0, BookSide.ask, cc(6000), lots(1000), usd(0));
  // 3 YES sold at 60 after 40: 0.60 gained. 7 NO bought at 40 cents.
  expect(ledger.realized).toBe(600_000);
  expect(ledger.position(0)).toBe(-700);
  expect(ledger.costs[0]).toBe(2_800_000);
  expect(ledger.cash).toBe(100_000_000 + 600_000 - 2_800_000);
});

test("settlement pays YES its value, NO the rest of the dollar, and nothing to the flat", () => {
  for (const [position, value, paid] of [
    [1000, 10_000, 10_000_000],
    [1000, 0, 0],
    [1000, 2500, 2_500_000],
    [-1000, 0, 10_000_000],
    [-1000, 2500, 7_500_000],
    [0, 10_000, 0],
  ] as const) {
    const ledger = new Ledger(1, usd(0));
    ledger.positions[0] = position;
    ledger.settle(0, cc(value));
    expect(ledger.cash).toBe(paid);
    expect(ledger.position(0)).toBe(0);
  }
});

test("a payout is floored to whole cents, which only parts of contracts can feel", () => {
  // 1.01 YES at 0.3333: 33.6633 cents; 1.01 NO get 67.3367. Whole contracts at whole cents: exact.
  for (const [position, value, paid, lost] of [
    [101, 3333, 330_000, 6_633],
    [-101, 3333, 670_000, 3_367],
    [100, 3300, 330_000, 0],
    [101, 10_000, 1_010_000, 0],
    [1, 5000, 0, 5_000],
  ] as const) {
    const ledger = new Ledger(1, usd(0));
    ledger.positions[0] = position;
    expect(ledger.settle(0, cc(value))).toBe(lost);
    expect(ledger.cash).toBe(paid);
    expect(ledger.realized).toBe(paid);
  }
});

test("any sequence of fills leaves what separate piles of YES and NO would leave", () => {
  const seed = Number(process.env["SEED"] ?? 11);
  const prng = Prng.fromSeed(seed);
  for (let round = 0; round < 200; round++) {
    const ledger = new Ledger(1, usd(0));
    // The reference keeps YES and NO apart and pays out pairs, dollar by dollar, only at the end.
    let cash = 0;
    let yes = 0;
    let no = 0;
    for (let step = 0; step < 50; step++) {
      const side = prng.integer(2) as BookSide;
      const price = 1 + prng.integer(9999);
      const size = 1 + prng.integer(2000);
      const fee = prng.integer(1000);
      ledger.fill(0, side, cc(price), lots(size), usd(fee));
      if (side === BookSide.bid) yes += size;
      else no += size;
      cash -= (side === BookSide.bid ? price : 10_000 - price) * size + fee;
      const pairs = Math.min(yes, no);
      const place = `seed ${seed} round ${round} step ${step}`;
      expect(ledger.position(0), place).toBe(yes - no);
      expect(ledger.cash, place).toBe(cash + pairs * 10_000);
      // Realized profit, cost of what is open and fees account for all the cash.
      expect(ledger.realized - (ledger.costs[0] as number) - ledger.fees, place).toBe(ledger.cash);
    }
  }
});
