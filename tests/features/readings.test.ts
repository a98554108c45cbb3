/** The exact readings of docs/observation.md, one by one, on sessions small enough to work by hand. */
import { describe, expect, test } from "vitest";
import { ln } from "../../src/core/index.ts";
import { EventClock, FEATURE_COUNT, MarketEncoder } from "../../src/features/index.ts";
import { EventKind, LINEAR_CENT, MarketStatus, PriceGrid } from "../../src/market/index.ts";
import { changesOf, secondsOf, valueAt, valueOf } from "./rows.ts";
import {
  ASK,
  BID,
  delta,
  mark,
  NOON,
  SECOND,
  snapshot,
  type TestEvent,
  trade,
} from "./tape-builder.ts";

/** 48 bid, 52 ask, ten contracts each. */
const BOOK = [
  [BID, 4_800, 1_000],
  [ASK, 5_200, 1_000],
] as const;
const START = snapshot(NOON, BOOK);
const at = (seconds: number): number => NOON + Math.round(seconds * SECOND);
/** Something that makes the session last until then, without touching the market. */
const until = (seconds: number): TestEvent => mark(EventKind.reference, at(seconds));
const activity = (changes: number): number => Math.fround(ln(1 + changes) / ln(10_001));

describe("order and time", () => {
  test("a decision at a whole second sees all events up to and at it, and none after", () => {
    const rows = secondsOf([
      START,
      delta(at(1), BID, 4_900, 100),
      delta(at(1), BID, 5_000, 100),
      delta(at(1) + 1, BID, 5_100, 100),
      until(2),
    ]);
    expect(Array.from(rows.atUs)).toEqual([at(0), at(1), at(2)]);
    expect(valueAt(rows, at(0), "best_yes_bid_norm")).toBe(Math.fround(0.48));
    expect(valueAt(rows, at(1), "best_yes_bid_norm")).toBe(Math.fround(0.5));
    expect(valueAt(rows, at(2), "best_yes_bid_norm")).toBe(Math.fround(0.51));
    expect(Array.from(rows.tapeRow)).toEqual([3, 5, 7]);
    expect(Array.from(rows.bestBidCc)).toEqual([4_800, 5_000, 5_100]);
  });

  test("a decision at an event sees the events up to and including it, in session order", () => {
    const rows = changesOf([
      START,
      delta(at(1), BID, 4_900, 100),
      trade(at(1), ASK, 5_200, 100),
      delta(at(1), BID, 5_000, 100),
    ]);
    expect(Array.from(rows.atUs)).toEqual([at(0), at(1), at(1)]);
    expect(Array.from(rows.tapeRow)).toEqual([3, 4, 6]);
    expect(valueOf(rows, 1, "best_yes_bid_norm")).toBe(Math.fround(0.49));
    expect(valueOf(rows, 1, "trade_imbalance")).toBe(0);
    expect(valueOf(rows, 2, "best_yes_bid_norm")).toBe(Math.fround(0.5));
    expect(valueOf(rows, 2, "trade_imbalance")).toBe(Math.fround(1 / 101));
  });

  test("the first row is the first whole second at or after the first book", () => {
    const later = snapshot(at(0.25), BOOK);
    expect(Array.from(secondsOf([later, until(2.75)]).atUs)).toEqual([at(1), at(2)]);
    expect(Array.from(secondsOf([START, until(0.5)]).atUs)).toEqual([at(0)]);
    expect(secondsOf([until(0), until(5)]).count).toBe(0);
  });

  test("a late message counts after the tick that it missed, live and in replay alike", () => {
    const live = new MarketEncoder({ grid: new PriceGrid(LINEAR_CENT), closeUs: null });
    const clock = new EventClock();
    const events: TestEvent[] = [];
    const seen: number[][] = [];
    const deltaAt = (stampUs: number, priceCc: number): void => {
      const atUs = clock.eventAt(stampUs);
      live.onDelta(atUs, BID, priceCc, 100);
      events.push(delta(atUs, BID, priceCc, 100));
    };
    const tick = (atUs: number): void => {
      expect(clock.tickAt(atUs)).toBe(true);
      const out = new Float32Array(FEATURE_COUNT);
      live.encode(atUs, out, 0);
      seen.push(Array.from(out));
    };
    live.beginSnapshot();
    for (const [side, priceCc, lots] of BOOK) live.onLevel(side, priceCc, lots);
    live.endSnapshot(clock.eventAt(at(0)));
    events.push(START);
    tick(at(0));
    tick(at(1));
    deltaAt(at(0.9), 4_900); // stamped before the tick that it missed
    deltaAt(at(1), 5_000); // stamped at it
    tick(at(2));
    expect(clock.tickAt(at(1))).toBe(false);
    events.push(until(2));
    const rows = secondsOf(events);
    expect(valueAt(rows, at(1), "best_yes_bid_norm")).toBe(Math.fround(0.48));
    expect(valueAt(rows, at(2), "best_yes_bid_norm")).toBe(Math.fround(0.5));
    seen.forEach((observation, row) => {
      const market = [...observation.slice(0, 21), ...observation.slice(38)];
      expect(Array.from(rows.rows.subarray(row * 35, row * 35 + 35))).toEqual(market);
    });
  });

  test("time never goes back", () => {
    const encoder = new MarketEncoder({ grid: new PriceGrid(LINEAR_CENT), closeUs: null });
    encoder.onTrade(at(1), ASK, 5_000, 100);
    expect(() => {
      encoder.onTrade(at(1) - 1, ASK, 5_000, 100);
    }).toThrow("time never goes back");
  });
});

describe("trades", () => {
  test("a trade counts at the time that the tape gives it, to the microsecond", () => {
    const rows = secondsOf([START, trade(at(0.5), ASK, 5_200, 20_000), until(61)]);
    expect(valueAt(rows, at(1), "time_since_last_trade")).toBe(Math.fround(0.5 / 5.5));
    expect(valueAt(rows, at(60), "trade_imbalance")).toBe(Math.fround(200 / 300));
    expect(valueAt(rows, at(61), "trade_imbalance")).toBe(0);
    expect(valueAt(rows, at(61), "last_trade_offset")).toBe(Math.fround(0.02 / 0.05));
  });

  test("asks are hit by YES buyers, bids by NO buyers", () => {
    const rows = secondsOf([
      START,
      trade(at(0.1), ASK, 5_200, 10_000),
      trade(at(0.2), BID, 4_800, 40_000),
      until(1),
    ]);
    expect(valueAt(rows, at(1), "trade_imbalance")).toBe(Math.fround((100 - 400) / 600));
    expect(valueAt(rows, at(1), "trade_intensity")).toBe(Math.fround(ln(501) / ln(1_000_001)));
  });

  test("before the first trade the offset is 0 and the time since is 1", () => {
    const rows = secondsOf([START, until(1)]);
    expect(valueAt(rows, at(1), "last_trade_offset")).toBe(0);
    expect(valueAt(rows, at(1), "time_since_last_trade")).toBe(1);
  });

  test("block trades are left out", () => {
    const block = { ...trade(at(0.5), ASK, 9_000, 50_000), kind: EventKind.blockTrade };
    const rows = secondsOf([START, block, until(1)]);
    expect(rows.rows).toEqual(secondsOf([START, until(1)]).rows);
  });
});

describe("snapshots", () => {
  test("a snapshot equal to the book it meets is no change, another one is one", () => {
    const other = [...BOOK, [BID, 4_700, 500] as const];
    const rows = secondsOf([START, snapshot(at(1), BOOK), snapshot(at(2), other), until(3)]);
    expect(valueAt(rows, at(1), "activity_score")).toBe(activity(1));
    expect(valueAt(rows, at(1), "time_since_last_update")).toBe(Math.fround(1 / 3));
    expect(valueAt(rows, at(2), "activity_score")).toBe(activity(2));
    expect(valueAt(rows, at(2), "time_since_last_update")).toBe(0);
    expect(changesOf([START, snapshot(at(1), BOOK), snapshot(at(2), other)]).count).toBe(2);
  });

  test("an empty first book is known and no change", () => {
    const rows = secondsOf([snapshot(at(0), []), until(1)]);
    expect(valueAt(rows, at(1), "activity_score")).toBe(0);
    expect(valueAt(rows, at(1), "mid_price_norm")).toBe(0.5);
    expect(valueAt(rows, at(1), "time_since_last_update")).toBe(Math.fround(1 / 3));
  });

  test("the close is no book change, keeps the last book and ends the rows", () => {
    const rows = secondsOf([START, mark(EventKind.close, at(2)), until(9)]);
    expect(Array.from(rows.valid)).toEqual([1, 1, 0]);
    expect(valueAt(rows, at(2), "best_yes_bid_norm")).toBe(Math.fround(0.48));
    expect(valueAt(rows, at(2), "activity_score")).toBe(activity(1));
    expect(secondsOf([START, mark(EventKind.close, at(1.5)), until(9)]).count).toBe(2);
    const byStatus = mark(EventKind.status, at(1.5), 0, MarketStatus.closed);
    expect(secondsOf([START, byStatus, until(9)]).count).toBe(2);
  });
});

describe("windows", () => {
  test("a window of W seconds leaves out what happened W seconds ago and takes in now", () => {
    const rows = secondsOf([START, delta(at(10), BID, 4_000, 1), until(140)]);
    expect(valueAt(rows, at(9), "activity_score")).toBe(activity(1));
    expect(valueAt(rows, at(10), "activity_score")).toBe(activity(2));
    expect(valueAt(rows, at(59), "activity_score")).toBe(activity(2));
    expect(valueAt(rows, at(60), "activity_score")).toBe(activity(1));
    expect(valueAt(rows, at(69), "activity_score")).toBe(activity(1));
    expect(valueAt(rows, at(70), "activity_score")).toBe(0);
    expect(valueAt(rows, at(69), "activity_change")).toBe(0);
    expect(valueAt(rows, at(70), "activity_change")).toBe(Math.fround(-ln(3) / ln(10_001)));
    expect(valueAt(rows, at(119), "activity_change")).toBe(Math.fround(-ln(3) / ln(10_001)));
    expect(valueAt(rows, at(120), "activity_change")).toBe(Math.fround(-ln(2) / ln(10_001)));
    expect(valueAt(rows, at(130), "activity_change")).toBe(0);
  });

  test("within 5 cents of the best includes the boundary", () => {
    const rows = secondsOf([
      snapshot(at(0), [
        [BID, 4_800, 1_000],
        [BID, 4_300, 2_000],
        [BID, 4_200, 9_000],
        [ASK, 5_200, 500],
        [ASK, 5_700, 500],
        [ASK, 5_800, 9_000],
      ]),
    ]);
    expect(valueAt(rows, at(0), "yes_side_imbalance")).toBe(0.5);
    expect(valueAt(rows, at(0), "yes_volume_norm")).toBe(Math.fround(ln(31) / ln(1e7 + 1)));
    expect(valueAt(rows, at(0), "no_volume_norm")).toBe(Math.fround(ln(11) / ln(1e7 + 1)));
  });

  test("a crossed book has spread 0", () => {
    const rows = secondsOf([
      snapshot(at(0), [
        [BID, 5_300, 1_000],
        [ASK, 5_200, 1_000],
      ]),
    ]);
    expect(valueAt(rows, at(0), "yes_spread_norm")).toBe(0);
    expect(valueAt(rows, at(0), "no_spread_norm")).toBe(0);
    expect(valueAt(rows, at(0), "market_efficiency")).toBe(1);
    expect(valueAt(rows, at(0), "mid_price_norm")).toBe(Math.fround(0.525));
  });

  test("empty sides: prices 0 and 1, no concentration, no way to trade", () => {
    const rows = secondsOf([snapshot(at(0), [[BID, 9_900, 200_000]])]);
    expect(valueAt(rows, at(0), "best_yes_ask_norm")).toBe(1);
    expect(valueAt(rows, at(0), "no_liquidity_concentration")).toBe(0);
    expect(valueAt(rows, at(0), "yes_liquidity_concentration")).toBe(1);
    expect(valueAt(rows, at(0), "buy_impact_norm")).toBe(1);
    expect(valueAt(rows, at(0), "sell_impact_norm")).toBe(0);
    expect(valueAt(rows, at(0), "yes_side_imbalance")).toBe(1);
    expect(valueAt(rows, at(0), "no_side_imbalance")).toBe(-1);
    // Spread 0.01, cheaper contract 1 - 0.995.
    expect(valueAt(rows, at(0), "no_spread_norm")).toBe(1);
    const none = secondsOf([snapshot(at(0), [])]);
    expect(valueAt(none, at(0), "yes_side_imbalance")).toBe(0);
    expect(valueAt(none, at(0), "volume_imbalance")).toBe(0);
  });

  test("impact is the average price of 1,000 contracts, worked by hand", () => {
    const rows = secondsOf([
      snapshot(at(0), [
        [BID, 4_800, 60_000],
        [BID, 4_600, 50_000],
        [ASK, 5_200, 99_999],
      ]),
    ]);
    // 600 at 0.48 and 400 at 0.46 average 0.472: x = 0.008.
    expect(valueAt(rows, at(0), "sell_impact_norm")).toBe(Math.fround(0.008 / 0.018));
    expect(valueAt(rows, at(0), "buy_impact_norm")).toBe(1);
  });
});
