/** Costs, limits and order terms as they come through a back-test, worked out on paper. */
import { expect, test } from "vitest";
import type { CentiCents, MicroUsd, TimestampUs } from "../../../src/core/index.ts";
import { BookSide, type MarketInfo, type Tape } from "../../../src/market/index.ts";
import type { MarketView, View } from "../../../src/strategies/index.ts";
import { DEFAULT_BACKTEST } from "../../../src/sim/index.ts";
import { marketInfo, SECOND, START_US, TapeBuilder } from "../../fixtures/tape-builder.ts";
import { backtest, joined, scripted, worldOf } from "./session-fixture.ts";

const { bid } = BookSide;

/** 45 to 47 cents for ten seconds, then closed. */
function market(name: string, change: Partial<MarketInfo> = {}): Tape {
  const info = marketInfo({ ticker: `KXTEST-26MAR18-${name}`, ...change });
  return new TapeBuilder({ info })
    .snapshot([[45, 100]], [[47, 100]])
    .wait(10 * SECOND)
    .close()
    .finish();
}

const at = (view: View, index: number): MarketView => {
  const found = view.markets[index];
  if (found === undefined) throw new Error("no market");
  return found;
};

test("a payout in whole cents is part of the settlement, and the parts still add up", () => {
  const tape = market("A", { settlement: { valueCc: 3725 as CentiCents, source: "given" } });
  const strategy = scripted({ 1: (view, desk) => desk.take(at(view, 0), bid, 4700, 101) });
  const world = worldOf(backtest(tape, strategy), "expected");
  // 1.01 at 0.47 is 0.4747, the fee 0.017612 comes to 0.0177; 1.01 x 0.3725 = 0.376225 pays 0.37.
  expect(world).toMatchObject({
    profit: 370_000 - 474_700 - 17_700,
    spread: -10_100,
    adverse: 0,
    settlement: 370_000 - 464_600,
    fees: -17_700,
  });
});

test("a waiver that ends in the middle ends in the fees", () => {
  const fees = { type: "quadratic", multiplierPpm: 0 } as const;
  const terms = { ...fees, multiplierPpm: 500_000 };
  const feeChanges = [{ atUs: (START_US + 5 * SECOND) as TimestampUs, terms }];
  const strategy = scripted({
    4: (view, desk) => desk.take(at(view, 0), bid, 4700, 1000),
    5: (view, desk) => desk.take(at(view, 0), bid, 4700, 1000),
  });
  const world = worldOf(backtest(market("A", { fees, feeChanges }), strategy), "expected");
  // 0.5 x 0.07 x 10 x 0.47 x 0.53 = 0.087185.
  expect(world.fees).toBe(-87_200);
});

test("an order that expires is cancelled by the venue, and counted so", () => {
  const open: number[] = [];
  const strategy = scripted({
    1: (view, desk) => {
      const expiresUs = START_US + 3 * SECOND;
      desk.submit({ market: at(view, 0), side: bid, price: 4400, size: 1000, expiresUs });
    },
    2: (view) => void open.push(at(view, 0).orders.length),
    3: (view) => void open.push(at(view, 0).orders.length),
  });
  const result = backtest(market("A"), strategy, { worlds: ["expected"] });
  expect(result.sessions[0]?.worlds[0]?.orders).toMatchObject({ submitted: 1, ended: 1 });
  expect(open).toEqual([1, 0]);
});

test("a limit on an event holds its markets together", () => {
  const event = { eventTicker: "KXTEST-26MAR18", exclusive: true, marketCount: 2 };
  const answers: unknown[] = [];
  const strategy = scripted({
    1: (view, desk) => {
      // 4.70 and 0.1744 of fees are at stake with the first, and as much would be again.
      for (const [index, size] of [
        [0, 1000],
        [1, 1000],
        [1, 500],
      ] as const) {
        answers.push(desk.take(at(view, index), bid, 4700, size));
      }
    },
  });
  const limits = { ...DEFAULT_BACKTEST.limits, eventExposureMax: 8_000_000 as MicroUsd };
  const session = joined([market("A"), market("B")], [event]);
  const settings = { limits, worlds: ["expected"], onError: "refuse" } as const;
  const result = backtest(session, strategy, settings);
  const [world] = result.sessions[0]?.worlds ?? [];
  expect(answers).toEqual([null, "event_exposure_limit", null]);
  expect(world?.orders.refused).toEqual({ event_exposure_limit: 1 });
  expect(world?.markets.map(({ lots }) => lots)).toEqual([1000, 500]);
});

test("a customer of an intermediary pays in whole cents", () => {
  const strategy = scripted({ 1: (view, desk) => desk.take(at(view, 0), bid, 4700, 100) });
  const world = worldOf(backtest(market("A"), strategy, { membership: "fcm" }), "expected");
  expect(world.fees).toBe(-20_000);
});
