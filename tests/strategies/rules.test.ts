/** The rules' parts against definitions, and their options against mistakes. */
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { BookSide, type Tape } from "../../src/market/index.ts";
import { NO_LATENCY, runBacktest } from "../../src/sim/index.ts";
import { STRATEGIES } from "../../src/strategies/index.ts";
import { checkOptions } from "../../src/strategies/strategy-options.ts";
import { Lookback } from "../../src/strategies/rules/lookback.ts";
import { SECOND, TapeBuilder } from "../fixtures/tape-builder.ts";

const { bid, ask } = BookSide;

test("a lookback knows the first mark of each of its seconds, their mean, and forgets the rest", () => {
  const prng = Prng.fromSeed(4);
  for (let round = 0; round < 50; round++) {
    const seconds = 1 + prng.integer(6);
    const lookback = new Lookback(seconds);
    const seen = new Map<number, number>();
    let atUs = 1_000 * SECOND;
    for (let step = 0; step < 60; step++) {
      atUs += prng.integer(3) === 0 ? prng.integer(4) * SECOND : prng.integer(SECOND);
      const mark = prng.integer(10_001);
      const now = Math.floor(atUs / SECOND);
      if (!seen.has(now)) seen.set(now, mark);
      lookback.push(atUs, mark);
      const within = [...seen].filter(([second]) => second >= now - seconds);
      const past = seen.get(now - seconds) ?? null;
      const place = `round ${round} step ${step}`;
      expect(lookback.ago(), place).toBe(past);
      const mean = within.reduce((sum, [, each]) => sum + each, 0) / within.length;
      expect(lookback.mean(), place).toBe(past === null ? null : Math.floor(mean));
    }
  }
});

/** The trades of a rule in a market without latency, as [second, side, cents, contracts]. */
function tradesOf(name: string, tape: Tape, options: Readonly<Record<string, unknown>>) {
  const strategy = STRATEGIES.find((each) => each.name === name);
  if (strategy === undefined) throw new Error(name);
  const settings = { latency: NO_LATENCY, worlds: ["optimistic"] } as const;
  const result = runBacktest({ sessions: [tape], strategy, options, settings });
  const startUs = result.sessions[0]?.startUs ?? 0;
  return (result.sessions[0]?.worlds[0]?.fills ?? []).map(({ atUs, sign, priceCc, lots }) => [
    (atUs - startUs) / SECOND,
    sign === 1 ? "buy" : "sell",
    priceCc / 100,
    lots / 100,
  ]);
}

test("momentum takes a move of its threshold, keeps it while it goes on, and lets go", () => {
  const tape = new TapeBuilder()
    .snapshot(
      [
        [45, 100],
        [48, 0],
      ],
      [
        [46, 100],
        [50, 100],
      ],
    )
    .wait(6 * SECOND)
    // 45.5 to 49.5 at once, and quiet from then on.
    .delta(bid, 49, 100)
    .delta(ask, 46, -100)
    .wait(30 * SECOND)
    .delta(bid, 49, 1)
    .finish();
  const trades = tradesOf("momentum", tape, { size: 5, window: 4, threshold: 3 });
  // The mark 4 s before is 45.5 from 6 s to 9 s; at 10 s the move is over.
  expect(trades).toEqual([
    [6, "buy", 50, 5],
    [10, "sell", 49, 5],
  ]);
});

test("mean reversion sells what is above the mean and buys it back there", () => {
  const tape = new TapeBuilder()
    .snapshot([[45, 100]], [[46, 100]])
    .wait(20 * SECOND)
    .delta(bid, 51, 100)
    .delta(ask, 46, -100)
    .delta(ask, 52, 100)
    .wait(2_500_000)
    .trade(ask, 52, 3)
    .wait(20 * SECOND)
    .trade(bid, 51, 100)
    .wait(2 * SECOND)
    .finish();
  const trades = tradesOf("reversion", tape, { size: 3, window: 10, threshold: 3 });
  // Sold at 52, six cents above the mean; ten seconds later the mean has come up, and it is closed.
  expect(trades).toEqual([
    [22.5, "sell", 52, 3],
    [42.5, "buy", 51, 3],
  ]);
});

test("makers quote both sides, lean against what they hold, and stop at their limit", () => {
  const builder = new TapeBuilder().snapshot(
    [
      [45, 10],
      [44, 10],
      [43, 10],
    ],
    [[47, 10]],
  );
  for (let trade = 0; trade < 6; trade++) {
    builder.wait(2 * SECOND).loneTrade(bid, 45 - Math.min(trade, 2), 50);
  }
  const tape = builder.wait(SECOND).finish();
  expect(tradesOf("touch", tape, { size: 5, limit: 12 })).toEqual([
    [2, "buy", 45, 5],
    [4, "buy", 45, 5],
    [6, "buy", 45, 2],
  ]);
  // A full position moves its quotes down two ticks, half of one a tick.
  expect(tradesOf("inventory", tape, { size: 5, limit: 10, lean: 2 })).toEqual([
    [2, "buy", 45, 5],
    [4, "buy", 44, 5],
  ]);
});

test("what is wrong with an option is told with its strategy, its name and what it may be", () => {
  for (const { name, options } of STRATEGIES) {
    const values = checkOptions(name, options, {});
    for (const [key, spec] of Object.entries(options)) {
      expect(values[key]).toBe(spec.default);
      expect(checkOptions(name, options, { [key]: String(spec.default) })[key]).toBe(spec.default);
      expect(() => checkOptions(name, options, { [key]: "many" })).toThrow(
        new RegExp(`strategy ${name}: option ${key}: expected a (whole )?number.*was "many"`),
      );
    }
  }
  const specs = {
    size: { default: 10, min: 1, max: 20, whole: true, describe: "" },
    eager: { default: false, describe: "" },
    side: { default: "both", choices: ["both", "bid"], describe: "" },
  };
  const given = (options: object) => () => checkOptions("mine", specs, options as never);
  expect(given({ size: "7", eager: "true", side: "bid" })()).toEqual({
    size: 7,
    eager: true,
    side: "bid",
  });
  expect(given({ sise: 7 })).toThrow('expected a known option, was "sise"; did you mean "size"?');
  expect(given({ size: 0 })).toThrow("expected a whole number from 1 to 20, was 0");
  expect(given({ size: 2.5 })).toThrow("a whole number from 1 to 20, was 2.5");
  expect(given({ size: null })).toThrow("a whole number from 1 to 20, was null");
  expect(given({ eager: 1 })).toThrow("expected true or false, was 1");
  expect(given({ side: "ask" })).toThrow('expected one of both, bid, was "ask"');
  expect(given({ toString: 1 })).toThrow('expected a known option, was "toString"');
});
