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
  chargeFee,
  type FeeTerms,
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
    expect(chargeFee(fee, microUsd(-price * 100), microUsd(0)).fee).toBe(netFee);
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
      const { fee, carry: next } = chargeFee(trade, microUsd(revenue), carry);
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

test("an unknown fee type is refused", () => {
  expect(parseFeeType("quadratic", "x")).toBe("quadratic");
  expect(() => parseFeeType("flat", "series.fee_type")).toThrow(
    /^series.fee_type: expected one of/,
  );
});
