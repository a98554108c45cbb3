import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import {
  FEATURE_COUNT,
  formatObservationCheck,
  fullObservationSet,
  MARKET_FEATURES,
  observationCheck,
  observationSet,
  precomputeFeatures,
} from "../../src/features/index.ts";
import { buildTestTape, NOON, randomEvents } from "./tape-builder.ts";

const SEED = Number(process.env["SEED"] ?? 11);

test("statistics of a few rows are those worked by hand", () => {
  const set = {
    features: [0, 5, 6],
    count: 5,
    values: Float32Array.from([0.5, -1, 0.5, 1, 1, 0, 0, 0, 1, 0.5, 0, 0.5, 9, 9, 9]),
    valid: Uint8Array.from([1, 1, 1, 1, 0]),
  };
  const report = observationCheck([set]);
  expect(report.rows).toBe(4);
  expect(report.outOfRange).toBe(0);
  const [bid, imbalance] = report.features;
  expect(bid).toMatchObject({ name: "best_yes_bid_norm", min: 0, max: 1, mean: 0.5 });
  expect(bid?.deviation).toBeCloseTo(Math.sqrt(0.125), 12);
  expect([bid?.shareLow, bid?.shareHigh]).toEqual([0.25, 0.25]);
  expect(imbalance).toMatchObject({ min: -1, max: 1, mean: 0, shareLow: 0.25, shareHigh: 0.25 });
  expect(report.mirrors).toHaveLength(1);
  expect(report.mirrors[0]).toMatchObject({
    correlation: -1,
    known: "same price where spreads are narrow",
  });
});

test("dead features, unknown mirrors and values out of range are named", () => {
  const prng = Prng.fromSeed(SEED).fork("check");
  const values = Float32Array.from({ length: 500 * FEATURE_COUNT }, () => prng.float());
  for (let row = 0; row < 500; row++) {
    const at = row * FEATURE_COUNT;
    values[at + 19] = 0;
    values[at + 40] = 0.25;
    values[at + 44] = 1 - (values[at + 3] ?? 0);
  }
  values[7] = 1.5;
  values[8] = NaN;
  const report = observationCheck([fullObservationSet(values)]);
  expect(report.outOfRange).toBe(2);
  const dead = report.features.filter((feature) => feature.neverMoves);
  expect(dead.map((feature) => feature.name)).toEqual(["arbitrage_opportunity", "activity_score"]);
  expect(report.mirrors).toHaveLength(1);
  expect(report.mirrors[0]).toMatchObject({
    first: "yes_volume_norm",
    second: "price_momentum",
    known: null,
  });
  const lines = formatObservationCheck(report);
  expect(lines[0]).toBe("500 rows, 52 features, 2 values out of range");
  expect(lines).toContain("never moves: arbitrage_opportunity (known: rarely moves by nature)");
  expect(lines).toContain("never moves: activity_score");
  expect(lines).toContain("mirrors: yes_volume_norm and price_momentum, correlation -1.00000");
});

test("several sets count as one", () => {
  const prng = Prng.fromSeed(SEED).fork("sets");
  const values = Float32Array.from({ length: 60 * FEATURE_COUNT }, () => prng.float());
  const cut = 23 * FEATURE_COUNT;
  const whole = observationCheck([fullObservationSet(values)]);
  const parts = [values.subarray(0, cut), values.subarray(cut)].map(fullObservationSet);
  expect(observationCheck(parts)).toEqual(whole);
});

test("rows of a session are in range and show the known mirrors", () => {
  const options = { markets: 1, count: 3_000, startUs: NOON, stepCc: 100, meanGapUs: 400_000 };
  const events = randomEvents(Prng.fromSeed(SEED).fork("session"), { ...options, withGaps: true });
  const rows = precomputeFeatures(buildTestTape(events), { cadence: "1s" });
  const report = observationCheck(rows.map(observationSet));
  expect(report.outOfRange, `seed ${SEED}`).toBe(0);
  expect(report.rows).toBeLessThan(rows[0]?.count ?? 0);
  expect(report.features.map((feature) => feature.index)).toEqual(MARKET_FEATURES);
  const alone = report.mirrors.find(({ second }) => second === "market_efficiency");
  expect(alone?.known).toBe("the same for markets alone");
  const exact = report.mirrors.filter(({ known }) => known === "exact mirror by definition");
  expect(exact.map(({ first, second }) => [first, second])).toEqual([
    ["best_yes_bid_norm", "best_no_ask_norm"],
    ["best_yes_ask_norm", "best_no_bid_norm"],
  ]);
});

test("no rows give a report without numbers, not a failure", () => {
  const report = observationCheck([]);
  expect(report.rows).toBe(0);
  expect(report.features.every((feature) => feature.neverMoves && feature.mean === 0)).toBe(true);
});
