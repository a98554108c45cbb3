/** Small sessions whose result can be worked out on paper. */
import { expect, test } from "vitest";
import type { CentiCents } from "../../../src/core/index.ts";
import { BookSide, type Tape } from "../../../src/market/index.ts";
import type { View } from "../../../src/strategies/index.ts";
import { marketInfo, SECOND, START_US, TapeBuilder } from "../../fixtures/tape-builder.ts";
import { backtest, joined, scripted, worldOf } from "./session-fixture.ts";

const { bid, ask } = BookSide;

const first = (view: View) => {
  const [market] = view.markets;
  if (market === undefined) throw new Error("no market");
  return market;
};

/** 45 to 47 cents, a trade of 10 on the bid after 5 s, 45 to 49 from 10 s on, closed at 100 s. */
function quietMarket(): Tape {
  return new TapeBuilder()
    .snapshot([[45, 100]], [[47, 100]])
    .wait(5 * SECOND)
    .trade(bid, 45, 10)
    .wait(5 * SECOND)
    .delta(ask, 49, 100)
    .delta(ask, 47, -100)
    .wait(90 * SECOND)
    .close()
    .finish();
}

test("a bid that is hit and held to settlement earns spread, move and settlement", () => {
  const strategy = scripted({ 1: (view, desk) => desk.quote(first(view), bid, 4500, 1000) });
  const result = backtest(quietMarket(), strategy);
  // First in line: 10 contracts at 45 with the middle at 46, later 47, in the end a dollar each.
  expect(worldOf(result, "optimistic")).toMatchObject({
    profit: 5_500_000,
    spread: 100_000,
    adverse: 100_000,
    settlement: 5_300_000,
    fees: 0,
    fills: 1,
    lots: 1000,
    turnover: 4_500_000,
    makerShare: 1,
    fillRate: 1,
    cancelRate: 0,
  });
  // A hundred contracts stand before ours, and ten of them are served.
  for (const world of ["expected", "pessimistic"] as const) {
    expect(worldOf(result, world)).toMatchObject({ profit: 0, fills: 0, fillRate: 0 });
  }
  const [session] = result.sessions;
  const optimistic = session?.worlds[0];
  expect(optimistic?.fills).toEqual([
    {
      atUs: START_US + 5 * SECOND,
      market: 0,
      orderId: "d0",
      sign: 1,
      priceCc: 4500,
      lots: 1000,
      fee: 0,
      isMaker: true,
      evidence: "trade",
      row: 4,
      markCc: 4600,
      laterCc: [4600, 4700, 4700],
    },
  ]);
  expect(optimistic?.markets[0]).toMatchObject({
    heldLots: 1000,
    heldCost: 4_500_000,
    endCc: 10_000,
    isSettled: true,
  });
  // Held from the 5th second to the 99th of 100 during which the market was open.
  expect(optimistic?.seconds).toMatchObject({
    seconds: 101,
    inPosition: 95,
    marketSeconds: 100,
    marketInPosition: 95,
    stakeMax: 4_500_000,
    eventStakeMax: { "KXTEST-26MAR18": 4_500_000 },
  });
  // 45 cents paid for what became a dollar: 0.55 squared.
  expect(worldOf(result, "optimistic").calibration).toMatchObject({ contracts: 10, markets: 1 });
  expect(worldOf(result, "optimistic").calibration.brier).toBeCloseTo(0.3025, 12);
});

test("events are rows that the strategy could see, levels of snapshots not apart", () => {
  const result = backtest(quietMarket(), scripted({}));
  // A snapshot, a trade with its delta, two deltas and a close.
  expect(result.events).toBe(6);
  expect(result.isComplete).toBe(true);
});

test("what is taken pays the spread and the taker's fee", () => {
  const strategy = scripted({ 1: (view, desk) => desk.take(first(view), ask, 4500, 500) });
  const result = backtest(quietMarket(), strategy);
  // 5 contracts of NO at 55 cents; 0.07 x 5 x 0.45 x 0.55 is 0.086625, and the cash of -2.836625 is
  // rounded to -2.8367.
  for (const { world } of result.worlds) {
    expect(worldOf(result, world)).toMatchObject({
      profit: -2_836_700,
      spread: -50_000,
      adverse: -50_000,
      settlement: -2_650_000,
      fees: -86_700,
      makerShare: 0,
    });
  }
  const adverse = worldOf(result, "expected").adverseSelection;
  expect(adverse.map(({ seconds, taker, maker }) => [seconds, taker, maker])).toEqual([
    [1, 0, null],
    [10, -1, null],
    [60, -1, null],
  ]);
});

test("a position that no result pays out counts at the best price that buys it", () => {
  const tape = new TapeBuilder({ info: marketInfo({ settlement: null }) })
    .snapshot([[45, 100]], [[47, 100]])
    .wait(10 * SECOND)
    .delta(bid, 45, 1)
    .finish();
  const strategy = scripted({ 1: (view, desk) => desk.take(first(view), bid, 4700, 1000) });
  const world = worldOf(backtest(tape, strategy), "expected");
  // Bought at 47 against a middle of 46, and 45 is bid for it.
  expect(world).toMatchObject({ spread: -100_000, adverse: 0, settlement: -100_000 });
  expect(world.profit).toBe(-200_000 + world.fees);
  expect(world.calibration.brier).toBeNull();
});

test("the markets of a session share its cash", () => {
  const info = (letter: string) => marketInfo({ ticker: `KXTEST-26MAR18-${letter}` });
  const market = (letter: string): Tape =>
    new TapeBuilder({ info: info(letter) })
      .snapshot([[45, 100]], [[47, 100]])
      .wait(20 * SECOND)
      .delta(bid, 45, 1)
      .finish();
  const seen: number[] = [];
  const strategy = scripted({
    1: (view, desk) => {
      for (const each of view.markets) desk.quote(each, bid, 4500, 1000);
      seen.push(view.available, view.markets[0]?.orders.length ?? -1);
      seen.push(view.markets[1]?.orders.length ?? -1);
    },
  });
  // 4.50 dollars a bid and a little for its fees: 6 dollars are enough for one.
  const result = backtest(joined([market("A"), market("B")]), strategy, {
    startingCash: 6_000_000 as never,
    worlds: ["expected"],
  });
  expect(worldOf(result, "expected").orders.refused).toEqual({ insufficient_cash: 1 });
  expect(seen.slice(1)).toEqual([1, 0]);
  expect(seen[0]).toBeLessThan(1_500_000);
  expect(result.faultCount).toBe(0);
});

test("an exclusive event's markets imply prices for each other", () => {
  const event = { eventTicker: "KXTEST-26MAR18", exclusive: true, marketCount: 2 };
  const a = new TapeBuilder({ info: marketInfo({ ticker: "A" }) })
    .snapshot([[45, 100]], [[47, 100]])
    .wait(5 * SECOND)
    .delta(bid, 45, 1);
  const b = new TapeBuilder({ info: marketInfo({ ticker: "B" }) }).snapshot(
    [[52, 100]],
    [[54, 100]],
  );
  const seen: unknown[] = [];
  const strategy = scripted({
    1: (view, desk) => {
      for (const { impliedBid, impliedAsk } of view.markets) seen.push([impliedBid, impliedAsk]);
      desk.take(first(view), bid, 4700, 1000);
    },
    3: (view) => seen.push(first(view).event.stake, view.events[0]?.markets.length),
  });
  backtest(joined([a.finish(), b.finish()], [event]), strategy, { worlds: ["expected"] });
  // Selling B at 52 is buying A at 48, and buying B at 54 is selling A at 46.
  expect(seen).toEqual([[4600, 4800], [5300, 5500], 4_700_000, 2]);
});

test("decisions at every change of a book see it, and name its market", () => {
  const info = (ticker: string) => marketInfo({ ticker });
  const a = new TapeBuilder({ info: info("A") })
    .snapshot([[45, 100]], [[47, 100]])
    .wait(1_300_000)
    .delta(bid, 46, 5)
    .loneTrade(bid, 46, 1)
    .wait(2 * SECOND)
    .close();
  const b = new TapeBuilder({ info: info("B"), startUs: START_US + 700_000 })
    .snapshot([[30, 1]], [[40, 1]])
    .wait(SECOND)
    .gap()
    .wait(SECOND)
    .delta(ask, 39, 1)
    .snapshot([[30, 1]], [[38, 1]]);
  const seen: [number, string, CentiCents, CentiCents][] = [];
  const strategy = {
    ...scripted({}),
    make: () => ({
      decide: (view: View) => {
        for (const each of view.due) {
          seen.push([view.nowUs - START_US, each.info.ticker, each.bestBid, each.bestAsk]);
        }
      },
    }),
  };
  const tape = joined([a.finish(), b.finish()]);
  const result = backtest(tape, strategy, { cadence: "event", worlds: ["expected"] });
  expect(seen).toEqual([
    [0, "A", 4500, 4700],
    [700_000, "B", 3000, 4000],
    [1_300_000, "A", 4600, 4700],
    // Not while the book is unknown, and not after the close.
    [2_700_000, "B", 3000, 3800],
  ]);
  expect(result.events).toBe(8);
  // The same seconds are looked at, whenever decisions fall.
  const bySeconds = backtest(tape, strategy, { worlds: ["expected"] });
  expect(bySeconds.sessions[0]?.worlds[0]?.seconds).toEqual(result.sessions[0]?.worlds[0]?.seconds);
});

test("only the markets asked for are traded", () => {
  const tape = joined(
    ["A", "B"].map((ticker) =>
      new TapeBuilder({ info: marketInfo({ ticker }) }).snapshot([[45, 1]], [[47, 1]]).finish(),
    ),
  );
  const tickers: string[] = [];
  const strategy = scripted({
    0: (view) => tickers.push(...view.markets.map(({ info }) => info.ticker)),
  });
  const settings = { worlds: ["expected"], tickers: ["B", "C"] } as const;
  expect(backtest(tape, strategy, settings).events).toBe(1);
  expect(tickers).toEqual(["B"]);
  expect(() => backtest(tape, strategy, { tickers: ["C"] })).toThrow(
    /expected some of A, B, was C/,
  );
});

test("an order that rests when the feed breaks is cancelled, counted, and earns nothing there", () => {
  const tape = new TapeBuilder()
    .snapshot([[45, 100]], [[47, 100]])
    .wait(5 * SECOND)
    .gap()
    .trade(bid, 45, 50)
    .wait(SECOND)
    .snapshot([[40, 100]], [[42, 100]])
    .wait(5 * SECOND)
    .delta(bid, 40, 1)
    .finish();
  const strategy = scripted({ 1: (view, desk) => void desk.quote(first(view), bid, 4500, 1000) });
  const result = backtest(tape, strategy);
  for (const { orders, fills, profit } of result.worlds) {
    expect([orders.uncertain, orders.ended, fills, profit]).toEqual([1, 1, 0, 0]);
  }
});
