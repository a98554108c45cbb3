/** Figures of a result against their definitions, worked out another way. */
import { expect, test } from "vitest";
import { Prng } from "../../../src/core/index.ts";
import { openSession } from "../../../src/market/index.ts";
import { type BacktestResult, runBacktest, tradeColumns } from "../../../src/sim/index.ts";
import { calibrationOf, drawdownOf, ratiosOf } from "../../../src/sim/backtest/measures.ts";
import type { WorldResult } from "../../../src/sim/backtest/results.ts";
import { STRATEGIES } from "../../../src/strategies/index.ts";

const SAMPLES = ["sessions/sample-1", "sessions/sample-2"];

function strategyCalled(name: string) {
  const strategy = STRATEGIES.find((each) => each.name === name);
  if (strategy === undefined) throw new Error(name);
  return strategy;
}

/** Both sample sessions, with enough trading of both roles. */
function randomPlay(seed: number, cadence: "1s" | "event" = "1s"): BacktestResult {
  return runBacktest({
    sessions: SAMPLES,
    strategy: strategyCalled("random"),
    options: { every: cadence === "1s" ? 12 : 40, size: 7.25 },
    settings: { seed, cadence },
  });
}

test("profits are what the trades and results say, and their parts add up to them exactly", () => {
  const results = new Map(
    SAMPLES.flatMap((folder) => {
      const session = openSession(folder);
      const { markets } = session.facts;
      session.close();
      return markets.map(({ ticker, settlement }) => [ticker, settlement?.valueCc] as const);
    }),
  );
  for (const cadence of ["1s", "event"] as const) {
    const seed = Number(process.env["SEED"] ?? 11);
    const played = randomPlay(seed, cadence);
    const trades = tradeColumns(played);
    const column = (name: string) => trades[name] ?? [];
    for (const { world, fills, ...summary } of played.worlds) {
      let profit = 0;
      let count = 0;
      let makers = 0;
      column("world").forEach((name, row) => {
        if (name !== world) return;
        const sign = column("side")[row] === "buy" ? 1 : -1;
        const lots = Number(column("lots")[row]);
        const paid = results.get(String(column("ticker")[row]));
        profit += sign * lots * (Number(paid) - Number(column("price_cc")[row]));
        profit -= Number(column("fee_micro_usd")[row]);
        makers += column("role")[row] === "maker" ? lots : 0;
        count += 1;
      });
      const place = `seed ${seed} ${cadence} ${world}`;
      expect(count, place).toBe(fills);
      expect(count, place).toBeGreaterThan(100);
      expect(makers, place).toBeGreaterThan(0);
      expect(summary.profit, place).toBe(profit);
      const { spread, adverse, settlement, fees } = summary;
      expect(spread + adverse + settlement + fees, place).toBe(profit);
      for (const part of [spread, adverse, settlement, fees]) {
        expect(Number.isSafeInteger(part), place).toBe(true);
      }
    }
  }
});

test("a world's answer does not depend on the others, nor on what was run before", () => {
  const together = randomPlay(5);
  for (const { world, profit } of together.worlds) {
    const alone = runBacktest({
      sessions: [SAMPLES[1] ?? "", SAMPLES[0] ?? ""],
      strategy: strategyCalled("random"),
      options: { every: 12, size: 7.25 },
      settings: { seed: 5, worlds: [world] },
    });
    expect(alone.worlds.map((each) => each.profit)).toEqual([profit]);
    const hashes = (result: BacktestResult) =>
      result.sessions.map(
        ({ sessionId, worlds }) =>
          `${sessionId} ${worlds.find((each) => each.world === world)?.journalHash ?? ""}`,
      );
    expect(hashes(alone).reverse()).toEqual(hashes(together));
  }
  expect(randomPlay(5).journalHash).toBe(together.journalHash);
  expect(randomPlay(6).journalHash).not.toBe(together.journalHash);
});

test("ratios are mean over deviation, and over downside deviation, times the root of 1,440", () => {
  const prng = Prng.fromSeed(3);
  const changes = Array.from({ length: 500 }, () => Math.round(1000 * (prng.normal() + 0.1)));
  const { sharpe, sortino, minutes } = ratiosOf(changes);
  const sum = (of: (change: number) => number) => changes.reduce((all, each) => all + of(each), 0);
  const mean = sum((change) => change) / 500;
  // The variance by its other form, the mean square less the squared mean.
  const variance = ((sum((change) => change * change) / 500 - mean * mean) * 500) / 499;
  expect(sharpe).toBeCloseTo((mean * 37.9473319220205) / Math.sqrt(variance), 9);
  const losses = changes.filter((change) => change < 0);
  const downside = Math.sqrt(losses.reduce((all, loss) => all + loss * loss, 0) / 500);
  expect(sortino).toBeCloseTo((mean * 37.9473319220205) / downside, 9);
  expect(minutes).toBe(500);
  expect(ratiosOf([5, 5, 5])).toEqual({ sharpe: null, sortino: null, minutes: 3 });
  expect(ratiosOf([1])).toEqual({ sharpe: null, sortino: null, minutes: 1 });
});

test("the drawdown of sessions in a row is that of their values joined", () => {
  const prng = Prng.fromSeed(9);
  for (let round = 0; round < 200; round++) {
    const paths = Array.from({ length: 1 + prng.integer(4) }, () => {
      let value = 0;
      return Array.from({ length: 1 + prng.integer(12) }, () => (value += prng.integer(21) - 10));
    });
    let height = 0;
    let largest = 0;
    let before = 0;
    for (const path of paths) {
      for (const value of path) {
        height = Math.max(height, before + value);
        largest = Math.max(largest, height - before - value);
      }
      before += path.at(-1) ?? 0;
    }
    const worlds = paths.map((path) => {
      const low = Math.min(0, ...path);
      const high = Math.max(0, ...path);
      const drawdown = Math.max(
        ...path.map((value, at) => Math.max(0, ...path.slice(0, at)) - value),
        0,
      );
      return { profit: path.at(-1) ?? 0, seconds: { low, high, drawdown } } as WorldResult;
    });
    expect(drawdownOf(worlds), `round ${round}`).toBe(largest);
  }
});

test("the Brier score is the mean squared distance of prices held to what came of them", () => {
  const market = (heldLots: number, heldCost: number, endCc: number, isSettled = true) =>
    ({ heldLots, heldCost, endCc, isSettled }) as never;
  const calibration = calibrationOf([
    market(1000, 1000 * 7000, 10_000),
    // NO at 40 cents is YES at 60, and it won.
    market(-3000, 3000 * 4000, 0),
    market(500, 500 * 2000, 5000),
    market(0, 0, 10_000),
    market(1000, 1000 * 9000, 9500, false),
  ]);
  const expected = (10 * 0.3 * 0.3 + 30 * 0.6 * 0.6 + 5 * 0.3 * 0.3) / 45;
  expect(calibration.brier).toBeCloseTo(expected, 12);
  expect(calibration).toMatchObject({ contracts: 45, markets: 3 });
  const rounded = calibration.buckets.map(({ from, contracts, price, outcome }) =>
    [from, contracts, price, outcome].map((value) => Math.round(value * 1000) / 1000),
  );
  expect(rounded).toEqual([
    [0.2, 5, 0.2, 0.5],
    [0.6, 30, 0.6, 0],
    [0.7, 10, 0.7, 1],
  ]);
});

test("the interval is a bootstrap over events, and there is none of a single one", () => {
  const { worlds, sessions } = randomPlay(7);
  for (const { interval, profit } of worlds) {
    expect(interval?.events).toBe(
      new Set(
        sessions.flatMap(({ sessionId, worlds: [world] }) =>
          (world?.markets ?? []).map(({ eventTicker }) => sessionId + eventTicker),
        ),
      ).size,
    );
    expect(interval?.low).toBeLessThanOrEqual(profit);
    expect(interval?.high).toBeGreaterThanOrEqual(profit);
  }
});
