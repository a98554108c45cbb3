import { expect, test } from "vitest";
import { timestampUs } from "../../src/core/index.ts";
import { dearestFees, type FeeTerms, feesAt, resolveFees } from "../../src/market/index.ts";

const PLAIN: FeeTerms = { type: "quadratic", multiplierPpm: 1_000_000 };
const MAKERS: FeeTerms = { type: "quadratic_with_maker_fees", multiplierPpm: 1_000_000 };
const at = timestampUs;

test("fees that never change are one set of terms", () => {
  expect(resolveFees({ series: PLAIN })).toEqual({ fees: PLAIN });
  expect(feesAt({ fees: PLAIN }, -Infinity)).toBe(PLAIN);
});

test("a waiver charges nothing before its end, to takers and makers alike", () => {
  const fees = resolveFees({ series: MAKERS, waivedUntilUs: at(100) });
  expect(feesAt(fees, 99)).toEqual({ ...MAKERS, multiplierPpm: 0 });
  expect(feesAt(fees, 100)).toEqual(MAKERS);
  // Orders that rest past the end of the waiver must be able to pay.
  expect(dearestFees(fees)).toEqual(MAKERS);
});

test("an event's override wins over its series, part by part, until it is cleared", () => {
  const fees = resolveFees({
    series: MAKERS,
    seriesChanges: [{ atUs: at(30), terms: PLAIN }],
    overrides: [
      { atUs: 10, type: null, multiplierPpm: 500_000 },
      { atUs: 20, type: "quadratic_with_combo_maker_fees", multiplierPpm: 0 },
      { atUs: 40, type: null, multiplierPpm: null },
    ],
  });
  expect(feesAt(fees, 9)).toEqual(MAKERS);
  expect(feesAt(fees, 10)).toEqual({ ...MAKERS, multiplierPpm: 500_000 });
  expect(feesAt(fees, 20)).toEqual({ type: "quadratic_with_combo_maker_fees", multiplierPpm: 0 });
  // The series' own change is not seen through the override.
  expect(feesAt(fees, 30)).toEqual({ type: "quadratic_with_combo_maker_fees", multiplierPpm: 0 });
  expect(feesAt(fees, 40)).toEqual(PLAIN);
  expect(fees.feeChanges?.map(({ atUs }) => atUs)).toEqual([10, 20, 40]);
});

test("an override of always, and a waiver over a change", () => {
  const fees = resolveFees({
    series: PLAIN,
    seriesChanges: [{ atUs: at(50), terms: MAKERS }],
    overrides: [{ atUs: -Infinity, type: null, multiplierPpm: 2_000_000 }],
    waivedUntilUs: at(70),
  });
  expect(fees.fees).toEqual({ ...PLAIN, multiplierPpm: 0 });
  expect(feesAt(fees, 60)).toEqual({ ...MAKERS, multiplierPpm: 0 });
  expect(feesAt(fees, 70)).toEqual({ ...MAKERS, multiplierPpm: 2_000_000 });
});
