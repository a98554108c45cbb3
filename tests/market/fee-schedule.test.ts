import { expect, test } from "vitest";
import {
  centiCents,
  type Lots,
  lots,
  type MicroUsd,
  microUsd,
  Prng,
} from "../../src/core/index.ts";
import {
  BALANCE_STEP,
  balanceStepOf,
  chargeFee,
  type FeeTerms,
  MEMBERSHIPS,
  parseFeeType,
  tradeFee,
} from "../../src/market/index.ts";

const QUADRATIC: FeeTerms = { type: "quadratic", multiplierPpm: 1_000_000 };

/** The formula of the schedule in exact rationals: ceil(M k C P (1 - P)) in micro-dollars. */
function feeByDefinition(ppm: number, multiplierPpm: number, price: number, size: number): number {
  const numerator =
    BigInt(ppm) * BigInt(multiplierPpm) * BigInt(size) * BigInt(price) * BigInt(10_000 - price);
  // k and M are in millionths, C in hundredths, P and 1 - P in 1e-4: 1e22; times 1e6 for the unit.
  const unit = 10n ** 16n;
  return Number((numerator + unit - 1n) / unit);
}

test("fees captured from the venue: one contract at 52 and at 99 cents", () => {
  for (const [price, modelFee, netFee] of [
    [5_200, 17_472, 17_500],
    [9_900, 693, 700],
  ] as const) {
    const fee = tradeFee(QUADRATIC, "taker", centiCents(price), lots(100));
    expect(fee).toBe(modelFee);
    expect(chargeFee({ trade: fee, revenue: microUsd(-price * 100), carry: microUsd(0) }).fee).toBe(
      netFee,
    );
  }
});

test("the model fee equals its definition, for every type, role, multiplier and size", () => {
  const seed = Number(process.env["SEED"] ?? 4);
  const prng = Prng.fromSeed(seed);
  const rates = [
    ["quadratic", "taker", 70_000],
    ["quadratic", "maker", 0],
    ["quadratic_with_maker_fees", "maker", 17_500],
    ["quadratic_with_combo_maker_fees", "maker", 35_000],
    ["quadratic_with_combo_maker_fees", "taker", 70_000],
  ] as const;
  for (let round = 0; round < 20_000; round++) {
    const [type, role, ppm] = rates[prng.integer(rates.length)] ?? rates[0];
    const multiplierPpm = [1_000_000, 500_000, 0, 333_333][prng.integer(4)] ?? 0;
    const price = 1 + prng.integer(9_999);
    const size = 1 + prng.integer(prng.integer(2) === 0 ? 1_000 : 2_000_000_000);
    const fee = tradeFee({ type, multiplierPpm }, role, centiCents(price), size as Lots);
    expect(fee, `seed ${seed} round ${round}`).toBe(
      feeByDefinition(ppm, multiplierPpm, price, size),
    );
  }
});

test("rounding never loses or mints more than the account holds, whatever the fills", () => {
  const seed = Number(process.env["SEED"] ?? 6);
  const prng = Prng.fromSeed(seed);
  for (let order = 0; order < 500; order++) {
    let carry = 0 as MicroUsd;
    let charged = 0;
    let model = 0;
    const limit = centiCents(1 + prng.integer(9_999));
    for (let fill = 0; fill < 20; fill++) {
      const size = lots(1 + prng.integer(500));
      const trade = tradeFee(QUADRATIC, "taker", limit, size);
      const revenue = -limit * size;
      const { fee, carry: next } = chargeFee({ trade, revenue: microUsd(revenue), carry });
      // The page's steps: cash moved is whole steps, the net fee is not negative, the account
      // gathers what rounding took.
      expect(Math.abs((revenue - fee) % BALANCE_STEP)).toBe(0);
      expect(fee).toBeGreaterThanOrEqual(0);
      expect(next).toBeGreaterThanOrEqual(0);
      carry = next;
      charged += fee;
      model += trade;
      expect(charged, `seed ${seed} order ${order}`).toBe(model + carry);
    }
  }
});

/** A fill's whole charge as the page writes it down, in exact thousands of a micro-dollar. */
function chargeByThePage(fills: readonly { model: bigint; revenue: bigint }[], step: bigint) {
  const floorTo = (value: bigint): bigint => {
    const rest = ((value % step) + step) % step;
    return value - rest;
  };
  let account = 0n;
  return fills.map(({ model, revenue }) => {
    // Step 1 rounds up to a micro-dollar, the model fee being in thousandths of one.
    const trade = (model + 999n) / 1000n;
    const aligned = floorTo(revenue - trade);
    const rounding = revenue - trade - aligned;
    account += rounding;
    const wholeSteps = account / step;
    const ofFee = (trade + rounding) / step;
    const rebate = step * (wholeSteps < ofFee ? wholeSteps : ofFee);
    account -= rebate;
    return { trade, rounding, rebate, net: trade + rounding - rebate, moved: aligned + rebate };
  });
}

test("the page's example for the customer of an intermediary: 0.055 of a dollar for one", () => {
  // 0.07 x 1 x 0.055 x 0.945 = 0.00363825 -> 0.003639; cash -0.058639 -> -0.06: rounding 0.001361.
  const trade = tradeFee(QUADRATIC, "taker", centiCents(550), lots(100));
  expect(trade).toBe(3_639);
  const fill = { trade, revenue: microUsd(-55_000), carry: microUsd(0) };
  expect(chargeFee(fill, balanceStepOf("fcm"))).toEqual({ fee: 5_000, carry: 1_361 });
  // A direct member's step is a hundredth of that: -0.058639 -> -0.0587, rounding 0.000061.
  expect(chargeFee(fill, balanceStepOf("direct"))).toEqual({ fee: 3_700, carry: 61 });
});

test("charges follow the page's six steps, for both memberships, over an order's fills", () => {
  const seed = Number(process.env["SEED"] ?? 8);
  const prng = Prng.fromSeed(seed);
  for (let order = 0; order < 400; order++) {
    const membership = MEMBERSHIPS[order % 2] ?? "direct";
    const step = balanceStepOf(membership);
    const isBid = prng.integer(2) === 0;
    const fills = Array.from({ length: 1 + prng.integer(12) }, () => {
      const price = 1 + prng.integer(9_999);
      const size = 1 + prng.integer(prng.integer(2) === 0 ? 30 : 3_000);
      const role = prng.integer(2) === 0 ? ("taker" as const) : ("maker" as const);
      const rate = role === "taker" ? 70_000n : 17_500n;
      // Millionths of a dollar x 1000: k 1e6, price 1e4 twice, size 1e2 are 1e16; 1e9 of it stay.
      const exact = rate * BigInt(price) * BigInt(10_000 - price) * BigInt(size);
      const model = (exact + 9_999_999n) / 10_000_000n;
      return { price, size, role, model, revenue: BigInt(isBid ? -price * size : price * size) };
    });
    const expected = chargeByThePage(fills, BigInt(step));
    let carry = 0 as MicroUsd;
    fills.forEach(({ price, size, role }, index) => {
      const terms: FeeTerms = { type: "quadratic_with_maker_fees", multiplierPpm: 1_000_000 };
      const trade = tradeFee(terms, role, centiCents(price), lots(size));
      // An ask is booked as the purchase of NO: one dollar less the price goes out.
      const revenue = microUsd(isBid ? -price * size : -(10_000 - price) * size);
      const charge = chargeFee({ trade, revenue, carry }, step);
      carry = charge.carry;
      const place = `seed ${seed} order ${order} fill ${index}`;
      expect(BigInt(charge.fee), place).toBe(expected[index]?.net);
      const lotsOfDollars = isBid ? 0 : 10_000 * size;
      expect(BigInt(revenue - charge.fee + lotsOfDollars), place).toBe(expected[index]?.moved);
    });
  }
});

test.each([
  ["quadratic", 1_000_000, 17_500, 0],
  ["quadratic", 500_000, 8_750, 0],
  ["quadratic", 0, 0, 0],
  ["quadratic_with_maker_fees", 1_000_000, 17_500, 4_375],
  ["quadratic_with_maker_fees", 500_000, 8_750, 2_188],
  ["quadratic_with_maker_fees", 0, 0, 0],
  ["quadratic_with_combo_maker_fees", 1_000_000, 17_500, 8_750],
  ["quadratic_with_combo_maker_fees", 500_000, 8_750, 4_375],
] as const)("%s times %d: one contract at 50 cents", (type, multiplierPpm, taker, maker) => {
  // A quarter of a dollar times 0.07, 0.0175 (a quarter of it) or 0.035 (half), times M.
  const terms = { type, multiplierPpm };
  expect(tradeFee(terms, "taker", centiCents(5_000), lots(100))).toBe(taker);
  expect(tradeFee(terms, "maker", centiCents(5_000), lots(100))).toBe(maker);
});

test("a fee type without a published formula is refused, and says why", () => {
  expect(parseFeeType("quadratic", "x")).toBe("quadratic");
  const refusal = (text: string) => () => parseFeeType(text, "series.fee_type");
  expect(refusal("flat")).toThrow(
    /^series.fee_type: expected one of .*, was "flat"; .*no formula$/,
  );
  expect(refusal("margin_market_maker_program_fees")).toThrow(/perpetual futures/);
  expect(refusal("toString")).toThrow(/was "toString"$/);
});
