/** The readings that look back (mids, gaps) and across markets (events), worked by hand. */
import { describe, expect, test } from "vitest";
import { ln, Prng } from "../../src/core/index.ts";
import {
  EventGroup,
  type FeatureRows,
  MARKET_FEATURE_COUNT,
  MarketEncoder,
  precomputeFeatures,
} from "../../src/features/index.ts";
import { EventKind, LINEAR_CENT, MarketStatus, PriceGrid } from "../../src/market/index.ts";
import { changesOf, secondsOf, valueAt, valueOf } from "./rows.ts";
import {
  ASK,
  BID,
  buildTestTape,
  delta,
  type Level,
  mark,
  NOON,
  randomEvents,
  SECOND,
  snapshot,
  type TestEvent,
  trade,
} from "./tape-builder.ts";

const SEED = Number(process.env["SEED"] ?? 11);
const at = (seconds: number): number => NOON + Math.round(seconds * SECOND);
const until = (seconds: number): TestEvent => mark(EventKind.reference, at(seconds));
/** A book whose mid is `cents`, two cents wide. */
const book = (cents: number): Level[] => [
  [BID, (cents - 1) * 100, 1_000],
  [ASK, (cents + 1) * 100, 1_000],
];
const soft = (x: number, k: number): number => Math.fround(x / (Math.abs(x) + k));
const stability = (range: number): number => Math.fround(0.05 / (range + 0.05));

describe("mids of the past", () => {
  test("a mid some time ago is the mid in force then, or the first", () => {
    const rows = secondsOf([
      snapshot(at(0), book(40)),
      snapshot(at(30), book(45)),
      snapshot(at(30), book(50)),
      until(660),
    ]);
    const names = ["price_momentum", "price_momentum_long"] as const;
    const moment = (seconds: number): number[] =>
      names.map((name) => valueAt(rows, at(seconds), name));
    expect(moment(29)).toEqual([0, 0]);
    expect(moment(30)).toEqual([soft(0.1, 0.05), soft(0.1, 0.15)]);
    expect(moment(89)).toEqual([soft(0.1, 0.05), soft(0.1, 0.15)]);
    // At 90 s the mid of 30 s, after all that happened at 30 s, is a minute old.
    expect(moment(90)).toEqual([0, soft(0.1, 0.15)]);
    expect(moment(629)).toEqual([0, soft(0.1, 0.15)]);
    expect(moment(630)).toEqual([0, 0]);
  });

  test("price stability spans the mid in force when the window opens and every change since", () => {
    const rows = secondsOf([
      snapshot(at(0), book(40)),
      snapshot(at(10), book(60)),
      snapshot(at(10), book(50)),
      snapshot(at(100), book(52)),
      until(171),
    ]);
    const of = (seconds: number): number => valueAt(rows, at(seconds), "price_stability");
    expect(of(9)).toBe(1);
    expect(of(10)).toBe(stability(0.2));
    // 60 was in force for no time, yet the window that takes in 10 s has it.
    expect(of(69)).toBe(stability(0.2));
    expect(of(70)).toBe(1);
    expect(of(100)).toBe(stability(0.02));
    expect(of(159)).toBe(stability(0.02));
    expect(of(160)).toBe(1);
  });

  test("volatility is that of mids at whole seconds, changes between them aside", () => {
    const rows = secondsOf([
      snapshot(at(0.5), book(40)),
      snapshot(at(1.2), book(60)),
      snapshot(at(1.8), book(42)),
      snapshot(at(2), book(44)),
      snapshot(at(2), book(43)),
      until(400),
    ]);
    const regime = (d: number): number => Math.fround(d / (d + 0.003));
    // Mids 40 43 43 at 1, 2 and 3 s; with two mids only there is one difference.
    expect(valueAt(rows, at(1), "volatility_regime")).toBe(0);
    expect(valueAt(rows, at(2), "volatility_regime")).toBe(0);
    // Differences 0.03 and 0: deviation 0.015.
    expect(valueAt(rows, at(3), "volatility_regime")).toBe(regime(0.015));
    // At 301 s the 301 mids of 1 to 301 s give 300 differences; at 302 s the first has left.
    const d = 0.03 * Math.sqrt((1 / 300) * (1 - 1 / 300));
    expect(valueAt(rows, at(301), "volatility_regime")).toBeCloseTo(regime(d), 6);
    expect(valueAt(rows, at(302), "volatility_regime")).toBe(0);
  });

  test("at event cadence the grid of whole seconds stays where it is", () => {
    const rows = changesOf([
      snapshot(at(0.5), book(40)),
      snapshot(at(1.5), book(42)),
      snapshot(at(3), book(50)),
      delta(at(3), BID, 100, 100),
      snapshot(at(3), book(44)),
      snapshot(at(3.7), book(60)),
    ]);
    const regime = (d: number): number => Math.fround(d / (d + 0.003));
    const of = (row: number): number => valueOf(rows, row, "volatility_regime");
    // Mids at 1, 2 and 3 s: 40, 42 and the mid as known at that event.
    expect([of(0), of(1)]).toEqual([0, 0]);
    expect(of(2)).toBe(regime(0.03));
    expect(of(3)).toBe(regime(0.03));
    expect(of(4)).toBe(0);
    expect(of(5)).toBe(0);
  });

  test("persistence counts the seconds (now - k - 1, now - k] that saw a change", () => {
    const rows = secondsOf([
      snapshot(at(0), book(40)),
      delta(at(1), BID, 100, 100),
      delta(at(1) + 1, BID, 100, 100),
      delta(at(2), BID, 100, 100),
      delta(at(5.5), BID, 100, 100),
      until(66),
    ]);
    const of = (seconds: number): number =>
      Math.round(valueAt(rows, at(seconds), "activity_persistence") * 60);
    expect([0, 1, 2, 5, 6, 59, 60, 61, 62, 65, 66].map(of)).toEqual([
      1, 2, 3, 3, 4, 4, 3, 2, 1, 1, 0,
    ]);
    const events = changesOf([
      snapshot(at(0.2), book(40)),
      delta(at(0.9), BID, 100, 100),
      delta(at(1.1), BID, 100, 100),
      delta(at(1.9), BID, 100, 100),
      delta(at(61.1), BID, 100, 100),
    ]);
    const share = (row: number): number =>
      Math.round(valueOf(events, row, "activity_persistence") * 60);
    // At 1.1 all lie in (0.1, 1.1]. At 1.9: (0.9, 1.9] and (-0.1, 0.9]. At 61.1: (60.1, 61.1]
    // and (1.1, 2.1], which leaves 1.1 itself out.
    expect([0, 1, 2, 3, 4].map(share)).toEqual([1, 1, 1, 2, 2]);
  });
});

describe("time of day and close", () => {
  test("day and weekday are UTC, Monday 0", () => {
    const rows = secondsOf([snapshot(at(0), book(40)), until(43_200)]);
    expect(valueAt(rows, at(0), "time_of_day_norm")).toBe(0.5);
    expect(valueAt(rows, at(0), "day_of_week_norm")).toBe(0);
    expect(valueAt(rows, at(43_200), "time_of_day_norm")).toBe(0);
    expect(valueAt(rows, at(43_200), "day_of_week_norm")).toBe(Math.fround(1 / 6));
  });

  test("the time to the close is the scheduled one, 0 after it and 1 if unknown", () => {
    const events = [snapshot(at(0), book(40)), until(12)];
    const rows = secondsOf(events, { closeUs: at(10) });
    expect(valueAt(rows, at(0), "time_to_close_norm")).toBe(Math.fround(ln(11) / ln(2_592_001)));
    expect(valueAt(rows, at(10), "time_to_close_norm")).toBe(0);
    expect(valueAt(rows, at(12), "time_to_close_norm")).toBe(0);
    expect(valueAt(secondsOf(events), at(0), "time_to_close_norm")).toBe(1);
    const far = secondsOf(events, { closeUs: at(9e6) });
    expect(valueAt(far, at(0), "time_to_close_norm")).toBe(1);
  });

  test("episodes should start 600 s after the first book where the recording allows", () => {
    const long = secondsOf([snapshot(at(0.5), book(40)), until(700)]);
    expect(long.atUs[long.warm]).toBe(at(601));
    expect(secondsOf([snapshot(at(0.5), book(40)), until(300)]).warm).toBe(0);
  });
});

describe("gaps", () => {
  const before: TestEvent[] = [
    snapshot(at(0), book(20)),
    trade(at(1), ASK, 2_100, 500),
    delta(at(2), BID, 100, 100),
  ];
  const gap = mark(EventKind.gap, at(3.5));
  const inside = [delta(at(4), BID, 9_000, 100), trade(at(5), BID, 4_900, 700)];
  const after = [snapshot(at(6.5), book(50)), delta(at(7.5), BID, 200, 100), until(20)];

  test("rows from a gap to the next snapshot are invalid", () => {
    const rows = secondsOf([...before, gap, ...inside, ...after]);
    expect(Array.from(rows.valid)).toEqual(
      Array.from(rows.atUs, (atUs) => (atUs > at(3.5) && atUs < at(6.5) ? 0 : 1)),
    );
    const invalid = rows.atUs.indexOf(at(5));
    const values = rows.rows.subarray(invalid * 35, invalid * 35 + 35);
    expect(values.every((value) => value === 0)).toBe(true);
  });

  test("histories restart: after it, a session is as one that began with the gap", () => {
    const whole = secondsOf([...before, gap, ...inside, ...after]);
    const part = secondsOf([gap, ...inside, ...after]);
    for (let row = 0; row < part.count; row++) {
      const there = whole.atUs.indexOf(part.atUs[row] ?? NaN);
      const expected = part.rows.subarray(row * 35, row * 35 + 35);
      expect(whole.rows.subarray(there * 35, there * 35 + 35)).toEqual(expected);
    }
    expect(part.count).toBe(14);
    expect(valueAt(whole, at(7), "price_momentum")).toBe(0);
    expect(valueAt(whole, at(7), "trade_imbalance")).toBe(Math.fround(-7 / 107));
  });

  test("a gap that no snapshot follows stays to the end", () => {
    const rows = secondsOf([...before, gap, until(10)]);
    expect(Array.from(rows.valid)).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe("events of several markets", () => {
  const two = [snapshot(at(0), book(40), 0), snapshot(at(0), book(57), 1)];
  const facts = { markets: 2, exclusive: 2 };
  const efficiency = (rows: FeatureRows, s: number): number =>
    valueAt(rows, at(s), "market_efficiency");
  /** A market alone that is two cents wide. */
  const ALONE = 1 - 10 * 0.02;

  test("bids above a dollar and asks below one are an arbitrage", () => {
    const bids = secondsOf([snapshot(at(0), book(53), 0), snapshot(at(0), book(52), 1)], facts);
    expect(valueAt(bids, at(0), "arbitrage_opportunity")).toBeCloseTo(0.03 / 0.05, 6);
    expect(efficiency(bids, 0)).toBeCloseTo(0.5, 6);
    const asks = secondsOf([snapshot(at(0), book(47), 0), snapshot(at(0), book(47), 1)], facts);
    expect(valueAt(asks, at(0), "arbitrage_opportunity")).toBeCloseTo(0.04 / 0.05, 6);
    const wide = secondsOf([snapshot(at(0), book(30), 0), snapshot(at(0), book(30), 1)], facts);
    expect(valueAt(wide, at(0), "arbitrage_opportunity")).toBe(1);
  });

  test("the joint form follows the other market at once", () => {
    const moved = [...two, snapshot(at(1), book(55), 1), until(2)];
    const rows = secondsOf(moved, facts);
    // Mids 0.40 + 0.57 fall 0.03 short of a dollar, then 0.40 + 0.55 fall 0.05 short.
    expect(efficiency(rows, 0)).toBeCloseTo(0.7, 6);
    expect(efficiency(rows, 1)).toBeCloseTo(0.5, 6);
  });

  const wideTwo = [snapshot(at(0), book(40), 0), snapshot(at(0), book(55), 1)];
  test.each([
    ["the event is not exclusive", { markets: 2 }],
    ["a market of the event is not held", { markets: 2, exclusive: 3 }],
    ["the number of markets is unknown", { markets: 2, exclusive: null }],
  ])("the form for one market is used where %s", (_, other) => {
    const rows = secondsOf([...wideTwo, until(1)], other);
    expect(efficiency(rows, 1)).toBeCloseTo(ALONE, 6);
    expect(valueAt(rows, at(1), "arbitrage_opportunity")).toBe(0);
  });

  test("the joint form is used only while all markets are open", () => {
    const rows = secondsOf(
      [
        snapshot(at(0), book(40), 0),
        snapshot(at(2), book(55), 1),
        mark(EventKind.status, at(4), 1, MarketStatus.inactive),
        mark(EventKind.status, at(6), 1, MarketStatus.active),
        mark(EventKind.gap, at(8), 1),
        snapshot(at(10), [], 1),
        snapshot(at(11), book(55), 1),
        mark(EventKind.close, at(12), 1),
        until(14),
      ],
      facts,
    );
    const joint = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13].filter(
      (second) => Math.abs(efficiency(rows, second) - 0.5) < 1e-6,
    );
    expect(joint).toEqual([2, 3, 6, 7, 11]);
    // An empty book after the gap counts as 0 and 1, not as what it was before the gap: its mid is
    // 0.50, the sum falls 0.10 short.
    expect(efficiency(rows, 10)).toBeCloseTo(0, 6);
    expect(valueAt(rows, at(10), "arbitrage_opportunity")).toBe(0);
  });

  test("a market asked for alone still sees the others of its event", () => {
    const tape = buildTestTape([...wideTwo, until(5)], facts);
    const [first] = precomputeFeatures(tape, { cadence: "1s" });
    const [alone] = precomputeFeatures(tape, { cadence: "1s", markets: [0] });
    expect(alone).toEqual(first);
  });
});

describe("nothing from the future", () => {
  test("cutting the session after t never changes a row at or before t", () => {
    const prng = Prng.fromSeed(SEED).fork("truncation");
    const options = { markets: 2, count: 1_500, startUs: NOON, stepCc: 100, meanGapUs: 200_000 };
    const events = randomEvents(prng, { ...options, withGaps: true });
    const facts = { markets: 2, exclusive: 2, closeUs: at(100) };
    for (const cadence of ["1s", "event"] as const) {
      const whole = precomputeFeatures(buildTestTape(events, facts), { cadence });
      for (let round = 0; round < 12; round++) {
        const cut = 1 + prng.integer(events.length - 1);
        const part = precomputeFeatures(buildTestTape(events.slice(0, cut), facts), { cadence });
        const lastUs = events[cut - 1]?.atUs ?? 0;
        part.forEach((rows, market) => {
          const place = `seed ${SEED} cut ${cut} market ${market}`;
          const full = whole[market];
          // At the cut second itself an event may be missing: rows before it are complete.
          const count = rows.atUs.filter((atUs) => atUs < lastUs || cadence === "event").length;
          const columns = count * MARKET_FEATURE_COUNT;
          expect(full?.rows.slice(0, columns), place).toEqual(rows.rows.slice(0, columns));
          expect(full?.valid.slice(0, count), place).toEqual(rows.valid.slice(0, count));
          expect(full?.atUs.slice(0, count), place).toEqual(rows.atUs.slice(0, count));
        });
      }
    }
  });
});

describe("fed live", () => {
  test("events one by one give the precomputed rows bit for bit, however often one looks", () => {
    const prng = Prng.fromSeed(SEED).fork("live");
    const options = { markets: 2, count: 2_000, startUs: NOON, stepCc: 100, meanGapUs: 150_000 };
    const events = randomEvents(prng, { ...options, withGaps: true });
    const tape = buildTestTape(events, { markets: 2, exclusive: 2 });
    const rowsOf = precomputeFeatures(tape, { cadence: "1s" });
    const group = new EventGroup({ exclusive: true, marketCount: 2 });
    const encoders = [0, 1].map(
      () => new MarketEncoder({ grid: new PriceGrid(LINEAR_CENT), closeUs: null, group }),
    );
    const out = new Float32Array(52);
    let compared = 0;
    const decide = (nowUs: number): void => {
      encoders.forEach((encoder, market) => {
        if (!encoder.isKnown()) return;
        encoder.encode(nowUs, out, 0);
        const rows = rowsOf[market];
        const row = rows?.atUs.indexOf(nowUs) ?? -1;
        if (rows === undefined || row < 0) return;
        const place = `seed ${SEED} market ${market} at ${nowUs}`;
        const own = [...out.subarray(0, 21), ...out.subarray(38)];
        expect(Array.from(rows.rows.subarray(row * 35, row * 35 + 35)), place).toEqual(own);
        compared += 1;
      });
    };
    let nowUs = NOON;
    for (const event of events) {
      for (; nowUs < event.atUs; nowUs += SECOND) decide(nowUs);
      const encoder = encoders[event.market];
      if (encoder === undefined) continue;
      feedLive(encoder, event);
      // Looking between the decisions must not change them.
      if (encoder.isKnown() && prng.integer(3) === 0) encoder.encode(event.atUs, out, 0);
    }
    expect(compared, `seed ${SEED}`).toBeGreaterThan(200);
  });
});

function feedLive(encoder: MarketEncoder, event: TestEvent): void {
  const { atUs, side = BID, priceCc = 0, size = 0 } = event;
  if (event.kind === EventKind.delta) encoder.onDelta(atUs, side, priceCc, size);
  if (event.kind === EventKind.trade) encoder.onTrade(atUs, side, priceCc, size);
  if (event.kind === EventKind.gap) encoder.onGap(atUs);
  if (event.kind === EventKind.close) encoder.onClose(atUs);
  if (event.kind === EventKind.snapshot) {
    encoder.beginSnapshot();
    for (const [levelSide, levelCc, lots] of event.levels ?? []) {
      encoder.onLevel(levelSide, levelCc, lots);
    }
    encoder.endSnapshot(atUs);
  }
}
