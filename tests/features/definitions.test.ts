import { describe, expect, test } from "vitest";
import { type CentiCents, Prng } from "../../src/core/index.ts";
import {
  FEATURE_NAMES,
  type FeatureRows,
  MARKET_FEATURE_COUNT,
  MARKET_FEATURES,
  precomputeFeatures,
} from "../../src/features/index.ts";
import { LINEAR_CENT, type PriceRange } from "../../src/market/index.ts";
import { type EventFacts, naiveRow } from "./naive-encoder.ts";
import { buildTestTape, NOON, randomEvents, SECOND, type TestEvent } from "./tape-builder.ts";

const SEED = Number(process.env["SEED"] ?? 11);
const TENTHS: readonly PriceRange[] = [
  { startCc: 0 as CentiCents, endCc: 10_000 as CentiCents, stepCc: 10 as CentiCents },
];

/** Compares every `stride`-th row with the definitions; returns how many rows it compared. */
function compare(
  rows: FeatureRows,
  stride: number,
  seen: (row: number) => readonly TestEvent[],
  facts: EventFacts,
  label: string,
): number {
  let compared = 0;
  for (let row = 0; row < rows.count; row += stride) {
    const nowUs = rows.atUs[row] ?? NaN;
    const expected = naiveRow(seen(row), rows.marketIndex, nowUs, facts);
    const place = `${label} market ${rows.marketIndex} row ${row} at ${nowUs}`;
    if (expected === null) {
      expect(rows.valid[row], place).toBe(0);
      continue;
    }
    expect(expected.length).toBe(MARKET_FEATURE_COUNT);
    for (let column = 0; column < MARKET_FEATURE_COUNT; column++) {
      const was = rows.rows[row * MARKET_FEATURE_COUNT + column] ?? NaN;
      const want = Math.fround(expected[column] ?? NaN);
      // One unit in the last place of a float near 1: dollars round where integers do not.
      if (!(Math.abs(was - want) <= 1.2e-7)) {
        const name = FEATURE_NAMES[MARKET_FEATURES[column] ?? 0];
        expect.fail(`${place}: ${name} expected ${want}, was ${was}`);
      }
    }
    compared += 1;
  }
  return compared;
}

const WORLDS = [
  { name: "one busy market in cents", markets: 1, stepCc: 100, meanGapUs: 60_000, count: 4_000 },
  { name: "one slow market in cents", markets: 1, stepCc: 100, meanGapUs: 900_000, count: 1_500 },
  { name: "one market in tenths", markets: 1, stepCc: 10, meanGapUs: 300_000, count: 2_000 },
  { name: "an event of three markets", markets: 3, stepCc: 100, meanGapUs: 150_000, count: 3_000 },
  { name: "a centi-cent market", markets: 1, stepCc: 1, meanGapUs: 300_000, count: 1_500 },
];
const CENTI: readonly PriceRange[] = [
  { startCc: 0 as CentiCents, endCc: 10_000 as CentiCents, stepCc: 1 as CentiCents },
];

describe.each(WORLDS)("random sessions of $name", (world) => {
  for (const round of [0, 1]) {
    const prng = Prng.fromSeed(SEED).fork(`${world.name} ${round}`);
    const events = randomEvents(prng, {
      ...world,
      startUs: NOON - 300 * SECOND,
      withGaps: round === 1,
    });
    const endUs = events.at(-1)?.atUs ?? 0;
    const closeUs = round === 0 ? endUs - 20 * SECOND : null;
    const ranges = { 100: LINEAR_CENT, 10: TENTHS, 1: CENTI }[world.stepCc] ?? LINEAR_CENT;
    const isEvent = world.markets > 1;
    const tape = buildTestTape(events, {
      markets: world.markets,
      closeUs,
      priceRanges: ranges,
      ...(isEvent ? { exclusive: world.markets } : {}),
    });
    const joint = isEvent ? Array.from({ length: world.markets }, (_, market) => market) : null;
    const facts = { closeUs, joint };
    const label = `seed ${SEED} round ${round}`;

    test(`rows at whole seconds equal the definitions, round ${round}`, () => {
      let compared = 0;
      for (const rows of precomputeFeatures(tape, { cadence: "1s" })) {
        const stride = Math.max(1, Math.floor(rows.count / 90)) | 1;
        const seen = (row: number): TestEvent[] =>
          events.filter((event) => event.atUs <= (rows.atUs[row] ?? 0));
        compared += compare(rows, stride, seen, facts, label);
      }
      expect(compared, label).toBeGreaterThan(50);
    });

    test(`rows at each book change equal the definitions, round ${round}`, () => {
      let compared = 0;
      for (const rows of precomputeFeatures(tape, { cadence: "event" })) {
        const own = events.flatMap((event, at) => {
          const levels = event.levels?.length ?? 0;
          return event.market === rows.marketIndex ? [at, ...Array<number>(levels).fill(at)] : [];
        });
        const first = tape.streamStart[rows.marketIndex] ?? 0;
        const seen = (row: number): TestEvent[] =>
          events.slice(0, (own[(rows.tapeRow[row] ?? 0) - first - 1] ?? -1) + 1);
        compared += compare(rows, Math.floor(rows.count / 60) | 1, seen, facts, label);
      }
      expect(compared, label).toBeGreaterThan(30);
    });
  }
});
