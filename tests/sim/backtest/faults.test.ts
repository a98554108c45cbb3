/** Strategies that do what they should not: the run stops or refuses, and says who, when and what. */
import { expect, test } from "vitest";
import { BookSide, type Tape } from "../../../src/market/index.ts";
import {
  type Desk,
  defineStrategy,
  type MarketView,
  type View,
} from "../../../src/strategies/index.ts";
import { SECOND, START_US, TapeBuilder } from "../../fixtures/tape-builder.ts";
import { backtest, scripted, worldOf } from "./session-fixture.ts";

const { bid, ask } = BookSide;

/** 45 to 47 cents, with a trade on the bid at 5 s and one on the ask at 15 s. */
function market(): Tape {
  return new TapeBuilder()
    .snapshot([[45, 100]], [[47, 100]])
    .wait(5 * SECOND)
    .trade(bid, 45, 10)
    .wait(10 * SECOND)
    .trade(ask, 47, 10)
    .wait(10 * SECOND)
    .close()
    .finish();
}

const only = (view: View): MarketView => view.markets[0] as MarketView;
const anything = (value: unknown): never => value as never;

const FAULTS: readonly [string, (view: View, desk: Desk) => unknown, RegExp, RegExp | null][] = [
  [
    "throws",
    () => {
      throw new TypeError("no such thing");
    },
    /threw "no such thing"/,
    null,
  ],
  ["returns a promise", () => Promise.reject(new Error("later")), /returned a promise/, null],
  ["returns orders", () => [{ side: "buy" }], /returned an object/, null],
  [
    "quotes off the grid",
    (view, desk) => desk.quote(only(view), bid, 4550, 100),
    /price_off_grid/,
    /quote buy 100 lots at 4550 centi-cents in KXTEST-26MAR18-A/,
  ],
  [
    "quotes a price that is none",
    (view, desk) => desk.quote(only(view), bid, NaN, 100),
    /not_a_price/,
    /at NaN centi-cents/,
  ],
  [
    "sends half a lot",
    (view, desk) => desk.take(only(view), ask, 4500, 0.5),
    /not_a_size/,
    /take sell 0.5 lots/,
  ],
  [
    "sends nothing at all",
    (view, desk) => desk.submit({ market: only(view), side: ask, price: 4700, size: 0 }),
    /size_not_positive/,
    /order to sell 0 lots/,
  ],
  [
    "sends an order for a time that there is not",
    (view, desk) => {
      desk.submit({
        market: only(view),
        side: ask,
        price: 4700,
        size: 100,
        timeInForce: anything("soon"),
      });
    },
    /invalid_order/,
    /order to sell 100 lots at 4700/,
  ],
  [
    "sends more than an order may have",
    (view, desk) => desk.quote(only(view), bid, 4400, 10_001),
    /order_size_limit/,
    /order to buy 10001 lots at 4400 centi-cents/,
  ],
  [
    "sends more than a position may have",
    (view, desk) => {
      desk.submit({ market: only(view), side: bid, price: 4400, size: 6000 });
      desk.submit({ market: only(view), side: bid, price: 4300, size: 6000 });
    },
    /position_limit/,
    /order to buy 6000 lots at 4300/,
  ],
  [
    "names a market that is not there",
    (_view, desk) => desk.quote(anything({ index: 7, info: { ticker: "KXNONE" } }), bid, 4500, 1),
    /unknown_market/,
    /quote buy 1 lots at 4500 centi-cents in KXNONE/,
  ],
  [
    "names no market",
    (_view, desk) => desk.take(anything(undefined), bid, 4500, 1),
    /unknown_market/,
    /take buy 1 lots/,
  ],
  [
    "names no side",
    (view, desk) => desk.quote(only(view), anything("buy"), 4500, 100),
    /unknown_side/,
    /quote 100 lots/,
  ],
  [
    "cancels an order that was never sent",
    (_view, desk) => desk.cancel(anything("x1")),
    /unknown_order/,
    /cancel x1/,
  ],
  [
    "does what is no action",
    (view, desk) => desk.act(anything(9), only(view)),
    /not_an_action/,
    /act 9 in KXTEST/,
  ],
];

/** Quotes a bid at 1 s, does wrong at 8 s, and quotes an ask at 12 s. */
function wrongAt8(act: (view: View, desk: Desk) => unknown) {
  return scripted(
    {
      1: (view, desk) => void desk.quote(only(view), bid, 4500, 1000),
      8: (view, desk) => act(view, desk) as undefined,
      12: (view, desk) => void desk.quote(only(view), ask, 4700, 1000),
    },
    "wrong",
  );
}

test.each(FAULTS)("a strategy that %s ends the run there, and what it earned is kept", (...row) => {
  const [, act, reason, order] = row;
  const result = backtest(market(), wrongAt8(act), { onError: "stop" });
  expect(result.fault).toMatchObject({ atUs: START_US + 8 * SECOND, world: "optimistic" });
  expect(result.fault?.reason).toMatch(reason);
  if (order === null) expect(result.fault?.order).toBeNull();
  else expect(result.fault?.order).toMatch(order);
  expect(result.isComplete).toBe(false);
  // The first fill is there; the second never came to be, and what is held counts at its best bid.
  expect(worldOf(result, "optimistic")).toMatchObject({
    fills: 1,
    profit: 0,
    settlement: -100_000,
  });
  expect(result.sessions[0]?.endUs).toBe(START_US + 8 * SECOND);
});

test.each(FAULTS)("a strategy that %s may be refused alone, and the run goes on", (...row) => {
  const [, act, reason] = row;
  const result = backtest(market(), wrongAt8(act), { onError: "refuse" });
  expect(result.fault).toBeNull();
  expect(result.isComplete).toBe(true);
  // Once in every world.
  expect(result.faultCount).toBe(3);
  for (const fault of result.sessions[0]?.faults ?? []) {
    expect(fault).toMatchObject({ atUs: START_US + 8 * SECOND });
    expect(fault.reason).toMatch(reason);
  }
  expect(worldOf(result, "optimistic").fills).toBe(2);
});

test("a strategy that catches what a fault throws is stopped all the same", () => {
  const stubborn = wrongAt8((view, desk) => {
    try {
      desk.quote(only(view), bid, 4550, 100);
    } catch {
      desk.quote(only(view), ask, 4600, 100);
    }
  });
  const result = backtest(market(), stubborn);
  expect(result.fault?.reason).toBe("price_off_grid");
  // What it wanted after that was not sent.
  expect(result.worlds.map(({ orders }) => orders.submitted)).toEqual([1, 1, 1]);
  expect(result.sessions[0]?.endUs).toBe(START_US + 8 * SECOND);
});

test("a fault before the first decision is one too", () => {
  const strategy = defineStrategy({
    name: "late",
    description: "",
    options: {},
    make: () => ({
      start: () => {
        throw new Error("not ready");
      },
      decide: () => undefined,
    }),
  });
  const result = backtest(market(), strategy);
  expect(result.fault).toMatchObject({ atUs: START_US, reason: 'threw "not ready"' });
});

test("what runs out or closes is nobody's fault", () => {
  const reasons: unknown[] = [];
  const strategy = scripted({
    1: (view, desk) => void reasons.push(desk.quote(only(view), bid, 4500, 10_000)),
    // Closed at 25 s: nothing is due, and nobody is asked.
    26: (view, desk) => void reasons.push(desk.quote(only(view), bid, 4500, 100)),
  });
  const longer = new TapeBuilder()
    .snapshot([[45, 100]], [[47, 100]])
    .wait(25 * SECOND)
    .close()
    .wait(5 * SECOND)
    .loneTrade(bid, 45, 1)
    .finish();
  const poor = { startingCash: 40_000_000 as never, worlds: ["expected"] as const };
  expect(backtest(longer, strategy, poor).faultCount).toBe(0);
  expect(reasons).toEqual(["insufficient_cash"]);
});
