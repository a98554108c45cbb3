/** Statistics of a market, on a session small enough to work out by hand. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CentiCents } from "../../src/core/index.ts";
import {
  BookSide,
  createSession,
  LINEAR_CENT,
  marketStatistics,
  openSession,
  pairStatistics,
  StampResolution,
  type Tape,
} from "../../src/market/index.ts";

const START = 1_768_068_000_000_000;
const { bid, ask } = BookSide;

/** Two markets: one with a little of everything, and a still one. Times are in seconds. */
function handMade(): Tape {
  const folder = mkdtempSync(join(tmpdir(), "statistics-"));
  try {
    const market = (ticker: string) => ({
      ticker,
      eventTicker: "E",
      seriesTicker: "S",
      closeUs: null,
      priceRanges: LINEAR_CENT,
      fees: { type: "quadratic", multiplierPpm: 1_000_000 } as const,
      settlement: null,
    });
    const writer = createSession(join(folder, "session"), {
      id: "by hand",
      source: "a test",
      markets: [market("A"), market("B")],
      events: [{ eventTicker: "E", exclusive: true, marketCount: 2 }],
      references: [],
    });
    const at = (seconds: number): number => START + Math.round(seconds * 1e6);
    const delta = (side: BookSide, cents: number, contracts: number, seconds: number): void =>
      writer.delta(0, side, (cents * 100) as CentiCents, contracts * 100, at(seconds));
    const trade = (side: BookSide, cents: number, contracts: number, seconds: number): void =>
      writer.trade(
        0,
        side,
        (cents * 100) as CentiCents,
        contracts * 100,
        at(seconds),
        StampResolution.microsecond,
      );
    writer.snapshot(0, [
      { side: bid, priceCc: 4_000, size: 1_000 },
      { side: bid, priceCc: 3_000, size: 5_000 },
      { side: ask, priceCc: 4_200, size: 2_000 },
    ]);
    writer.snapshot(1, [
      { side: bid, priceCc: 5_700, size: 1_000 },
      { side: ask, priceCc: 6_000, size: 1_000 },
    ]);
    delta(bid, 41, 3, 0.5); // betters the best: the spread is now one cent
    delta(bid, 40, 4, 0.6); // one behind
    delta(bid, 41, -3, 1.5); // a whole order leaves after a second
    delta(ask, 42, -20, 2.5); // a taker takes the ask ...
    delta(ask, 42, 5, 2.6); // ... and a new one comes: the book had no ask for 0.1 s
    trade(ask, 42, 20, 2.5);
    delta(bid, 40, -4, 3.5); // one taker hits two orders; the opening's is in front
    delta(bid, 40, -6, 3.5);
    trade(bid, 40, 4, 3.5);
    trade(bid, 40, 6, 3.5);
    delta(bid, 40, -2, 4.2); // a decrease of something
    delta(bid, 38, 1, 4.9);
    writer.finish();
    return openSession(join(folder, "session")).readTape();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("statistics of a market equal those worked out by hand", () => {
  const tape = handMade();
  const found = marketStatistics(tape, 0, {});
  // The first delta's second is the session's first whole one: samples at 1, 2, 3 and 4 s.
  expect(found.seconds).toBe(4);
  expect(found.deltas).toBe(9);
  expect(found.trades).toBe(3);
  expect(found.flow).toEqual([4 / 9, 2 / 9, 3 / 9]);
  // Spreads: 41/42, then 40/42 three times.
  expect(found.spreadShares).toEqual([1 / 4, 3 / 4, 0, 0]);
  expect(found.levels).toBeCloseTo((4 + 3 + 3 + 3) / 4, 12);
  // Arrivals: 41 betters, 40 comes one behind, 42 finds no ask and betters, 38 two behind.
  expect(found.arrivalDistance).toEqual([2 / 4, 0, 2 / 4, 0, 0]);
  expect(found.wholeCancels).toBe(1 / 2);
  expect(found.lifetimeMs).toEqual([1_000, 1_000, 1_000, 1_000]);
  expect(found.makersPerSweep).toBe(3 / 2);
  expect(found.multiSweeps).toBe(1 / 2);
  expect(found.tradeSize).toEqual([4, 6, 20, 20]);
  // Mids 41.5, 41, 41, 41: one change of half a cent.
  expect(found.midMoves).toBe(1 / 3);
  // Both takers paid one cent from a mid of 41.
  expect(found.effectiveHalfSpread).toBe(1);
});

test("a window counts only what lies in it", () => {
  const tape = handMade();
  const window = { fromUs: START + 3_000_000, toUs: START + 4_000_000 } as never;
  const found = marketStatistics(tape, 0, window);
  expect(found.deltas).toBe(2);
  expect(found.trades).toBe(2);
  expect(found.seconds).toBe(2);
});

test("complementary markets are compared at whole seconds", () => {
  const { meanGap, arbitrageShare } = pairStatistics(handMade(), 0, 1);
  // B stands at 57/60 with mid 58.5: with A's 41.5 the sum is a dollar, then half a cent less.
  expect(meanGap).toBeCloseTo((0 + 0.5 + 0.5 + 0.5) / 4, 12);
  expect(arbitrageShare).toBe(0);
});
