/** What single messages become in a session, by hand-worked cases. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { CentiCents, Lots, TimestampUs } from "../../src/core/index.ts";
import type { FeedEvent, LifecycleMessage } from "../../src/kalshi/index.ts";
import { eventInfoOf, marketInfoOf } from "../../src/kalshi/recorder/market-facts.ts";
import { SessionRecorder } from "../../src/kalshi/recorder/session-recorder.ts";
import {
  BookSide,
  createSession,
  EventKind,
  LINEAR_CENT,
  type MarketInfo,
  MarketStatus,
  NO_STAMP,
  openSession,
} from "../../src/market/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-session-recorder-"));
const CLOSE_US = 1_795_176_900_000_000;
const EVENT = { eventTicker: "E-1", exclusive: true, marketCount: 2 };

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const info = (ticker: string): MarketInfo => ({
  ticker,
  eventTicker: "E-1",
  seriesTicker: "E",
  closeUs: CLOSE_US as TimestampUs,
  priceRanges: LINEAR_CENT,
  fees: { type: "quadratic", multiplierPpm: 1_000_000 },
  settlement: null,
});

type Message = Extract<FeedEvent, { kind: "message" }>["payload"];

const levels = (...all: [number, number][]) =>
  all.map(([price, size]) => ({ price: price as CentiCents, size: size as Lots }));

function snapshot(bids: [number, number][], asks: [number, number][], ticker = "A"): Message {
  const body = { ticker, marketId: "", bids: levels(...bids), asks: levels(...asks) };
  return { kind: "snapshot", body };
}

function delta(price: number, change: number, atUs: number, side: BookSide = 0): Message {
  const body = {
    ticker: "A",
    marketId: "",
    side,
    price: price as CentiCents,
    change: change as Lots,
    atUs: atUs as TimestampUs,
    clientOrderId: null,
    subaccount: null,
  };
  return { kind: "delta", body };
}

function trade(price: number, takerSide: BookSide, isBlock = false): Message {
  const body = {
    tradeId: "t",
    ticker: "A",
    size: 300 as Lots,
    price: price as CentiCents,
    takerSide,
    isBlock,
    createdUs: 1_795_176_000_123_000 as TimestampUs,
  };
  return { kind: "trade", body };
}

function lifecycle(what: string, more: Partial<LifecycleMessage> = {}): Message {
  const body: LifecycleMessage = {
    ticker: "A",
    what,
    openUs: null,
    closeUs: null,
    isDeactivated: null,
    result: null,
    settlementValue: null,
    determinedUs: null,
    settledUs: null,
    exchangeIndex: null,
    priceLevelStructure: null,
    priceRanges: null,
    created: null,
    ...more,
  };
  return { kind: "lifecycle", body };
}

let cases = 0;

class Case {
  readonly path = join(folder, `case-${cases++}`);
  readonly farewells: string[] = [];
  readonly recorder: SessionRecorder;

  constructor() {
    const facts = { id: "case", source: "", markets: [], events: [], references: [] };
    this.recorder = new SessionRecorder(createSession(this.path, facts, { inPlace: true }));
    this.recorder.onFarewell = (ticker) => this.farewells.push(ticker);
    this.recorder.add([
      { info: info("A"), event: EVENT, closeUs: CLOSE_US },
      { info: info("B"), event: EVENT, closeUs: CLOSE_US },
    ]);
  }

  take(...messages: Message[]): this {
    for (const message of messages) this.recorder.take(message);
    return this;
  }

  gap(channel: "orderbook_delta" | "trade" | "fill", cause: "overflow" | "disconnected"): this {
    const gap = { kind: "gap", channel, cause, tickers: null, fromUs: 0, atUs: 1, missing: 2 };
    this.recorder.missed(gap as Extract<FeedEvent, { kind: "gap" }>);
    return this;
  }

  /** Rows as [kind, side, price, size, stamp], and the session. */
  finished() {
    this.recorder.finish();
    const session = openSession(this.path);
    const { rowCount, code, priceCc, size, stampUs } = session.readEvents();
    const names = Object.entries(EventKind);
    const rows = Array.from({ length: rowCount }, (_, row) => {
      const kind = (code[row] as number) & 15;
      const name = names.find(([, value]) => value === kind)?.[0] ?? "";
      return [name, ((code[row] as number) >> 4) & 1, priceCc[row], size[row], stampUs[row]];
    });
    return { session, rows };
  }
}

const US = 1_795_176_000_000_000;

test("books, changes and trades keep what they carry, and nothing that they do not", () => {
  const { rows, session } = new Case()
    .take(
      snapshot([[4_000, 500]], [[4_200, 700]]),
      delta(4_200, -200, US + 7, BookSide.ask),
      trade(4_200, BookSide.bid),
      trade(4_150, BookSide.ask, true),
      delta(4_100, 100, US + 9),
    )
    .finished();
  expect(rows).toEqual([
    ["snapshot", 0, 0, 2, NO_STAMP],
    ["level", 0, 4_000, 500, NO_STAMP],
    ["level", 1, 4_200, 700, NO_STAMP],
    ["delta", 1, 4_200, -200, US + 7],
    ["trade", 1, 4_200, 300, US + 123_000],
    ["blockTrade", 0, 4_150, 300, US + 123_000],
    ["delta", 0, 4_100, 100, US + 9],
  ]);
  expect(session.facts.events).toEqual([EVENT]);
});

test("a book is not known before its snapshot, nor after a gap", () => {
  const { rows, session } = new Case()
    .take(delta(4_000, 100, US), snapshot([[4_000, 100]], []))
    .gap("orderbook_delta", "overflow")
    .gap("trade", "disconnected")
    .gap("fill", "overflow")
    .gap("trade", "overflow")
    .take(delta(4_000, 100, US + 1), snapshot([[4_000, 300]], []), delta(4_000, 100, US + 2))
    .finished();
  expect(rows.map(([kind]) => kind)).toEqual("snapshot level snapshot level delta".split(" "));
  expect(session.gaps.map(({ scope, reason, position }) => [scope, reason, position])).toEqual([
    ["book", "overflow", 2],
    ["trades", "overflow", 2],
  ]);
});

test("an empty book is a farewell if the venue says that the market is closed", () => {
  const closed = new Case().take(snapshot([[4_000, 100]], []), snapshot([], []));
  expect(closed.farewells).toEqual(["A"]);
  closed.recorder.close("A");
  closed.take(snapshot([], []));
  expect(closed.finished().rows.at(-1)).toEqual(["close", 0, 0, 1, NO_STAMP]);
  const open = new Case().take(snapshot([[4_000, 100]], []), snapshot([], []));
  open.recorder.stillOpen("A");
  open.take(delta(4_000, 100, US));
  expect(open.finished().rows.slice(-2)).toEqual([
    ["snapshot", 0, 0, 0, NO_STAMP],
    ["delta", 0, 4_000, 100, US],
  ]);
  // A change of the book says so as well as the venue.
  const moved = new Case().take(snapshot([[4_000, 100]], []), snapshot([], []));
  moved.take(delta(4_000, 100, US));
  expect(moved.finished().rows.slice(-2)).toEqual([
    ["snapshot", 0, 0, 0, NO_STAMP],
    ["delta", 0, 4_000, 100, US],
  ]);
  const last = new Case().take(snapshot([[4_000, 100]], []), snapshot([], []));
  expect(last.finished().rows.at(-1)).toEqual(["close", 0, 0, 1, NO_STAMP]);
});

test("a close stands before what the venue takes off the book at its time", () => {
  const { rows, session } = new Case()
    .take(
      snapshot([[4_000, 100]], []),
      lifecycle("close_date_updated", { closeUs: (US + 50) as TimestampUs }),
      delta(4_000, 100, US + 49),
      delta(4_000, -200, US + 50),
      lifecycle("determined", { result: "no", settlementValue: 0 as CentiCents }),
      lifecycle("settled"),
    )
    .finished();
  expect(rows.slice(2)).toEqual([
    ["delta", 0, 4_000, 100, US + 49],
    ["close", 0, 0, 0, US + 50],
    ["delta", 0, 4_000, -200, US + 50],
    ["status", 0, 0, MarketStatus.determined, NO_STAMP],
    ["status", 0, 0, MarketStatus.settled, NO_STAMP],
  ]);
  const [market] = session.facts.markets;
  expect(market?.settlement).toEqual({ valueCc: 0, source: "venue" });
  // What was expected at first stays: a close that was moved is news of the future.
  expect(market?.closeUs).toBe(CLOSE_US);
});

test("pauses and results come as they are told, and a result closes the market", () => {
  const { rows, session } = new Case()
    .take(
      snapshot([], []),
      lifecycle("deactivated"),
      lifecycle("metadata_updated"),
      lifecycle("activated"),
      lifecycle("determined", { result: "scalar", settlementValue: 2_500 as CentiCents }),
      lifecycle("determined", { result: "yes" }),
    )
    .finished();
  expect(rows.map(([kind, , , size]) => [kind, size])).toEqual([
    ["snapshot", 0],
    ["status", MarketStatus.inactive],
    ["status", MarketStatus.active],
    ["close", 0],
    ["status", MarketStatus.determined],
  ]);
  // A result that was corrected counts as it was told last.
  expect(session.facts.markets[0]?.settlement?.valueCc).toBe(10_000);
});

test("prices that nobody announced become the market's, those that cannot trade are left out", () => {
  const fine = { startCc: 0, endCc: 1_000, stepCc: 10 } as MarketInfo["priceRanges"][number];
  const { rows, session } = new Case()
    .take(
      snapshot([[4_050, 100]], [[10_000, 100]]),
      lifecycle("price_level_structure_updated", { priceRanges: [fine] }),
      delta(0, 100, US),
      delta(110, 100, US + 1),
    )
    .finished();
  expect(rows.map(([kind, , price]) => [kind, price])).toEqual([
    ["snapshot", 0],
    ["level", 4_050],
    ["delta", 110],
  ]);
  const one = { startCc: 4_050, endCc: 4_050, stepCc: 1 };
  expect(session.facts.markets[0]?.priceRanges).toEqual([...LINEAR_CENT, one, fine]);
});

test("messages that make no sense leave the session whole", () => {
  const bad = { startCc: 5_000, endCc: 100, stepCc: 0 } as MarketInfo["priceRanges"][number];
  const { rows, session } = new Case()
    .take(
      snapshot(
        [
          [4_000, 100],
          [4_000, 300],
          [3_900, 0],
        ],
        [],
      ),
      lifecycle("price_level_structure_updated", { priceRanges: [bad] }),
      lifecycle("price_level_structure_updated", { priceRanges: [] }),
      lifecycle("something else", { ticker: "nobody" }),
      snapshot([[1, 1]], [], "nobody"),
    )
    .finished();
  expect(rows).toEqual([
    ["snapshot", 0, 0, 1, NO_STAMP],
    ["level", 0, 4_000, 300, NO_STAMP],
  ]);
  expect(session.facts.markets[0]?.priceRanges).toEqual(LINEAR_CENT);
});

const VENUE = {
  market: {
    ticker: "A",
    eventTicker: "E-1",
    closeUs: CLOSE_US,
    expectedExpirationUs: CLOSE_US - 5_000_000,
    priceRanges: [],
    feeWaiverUntilUs: null,
    settlementValue: null,
    result: "",
  },
  event: {
    eventTicker: "E-1",
    mutuallyExclusive: true,
    feeTypeOverride: null,
    feeMultiplierOverridePpm: 500_000,
    markets: [{}, {}, {}],
  },
  series: { ticker: "E", feeType: "quadratic_with_maker_fees", feeMultiplierPpm: 1_000_000 },
  feeChanges: [
    { seriesTicker: "E", feeType: "quadratic", feeMultiplierPpm: 1_000_000, scheduledUs: US - 1 },
    { seriesTicker: "E", feeType: "quadratic", feeMultiplierPpm: 1_000_000, scheduledUs: US + 1 },
  ],
} as unknown as Parameters<typeof marketInfoOf>[0];

test("facts are the venue's: fees of series, event and time, the earliest expected close", () => {
  const { fees, feeChanges, closeUs, priceRanges, settlement } = marketInfoOf(VENUE, US, [
    { atUs: US + 2, type: null, multiplierPpm: null },
  ]);
  expect(fees).toEqual({ type: "quadratic_with_maker_fees", multiplierPpm: 500_000 });
  expect(feeChanges).toEqual([
    { atUs: US + 1, terms: { type: "quadratic", multiplierPpm: 500_000 } },
    { atUs: US + 2, terms: { type: "quadratic", multiplierPpm: 1_000_000 } },
  ]);
  expect([closeUs, priceRanges, settlement]).toEqual([CLOSE_US - 5_000_000, LINEAR_CENT, null]);
  expect(eventInfoOf(VENUE.event)).toEqual({ ...EVENT, marketCount: 3 });
  const flat = { ...VENUE, series: { ...VENUE.series, feeType: "flat" } };
  expect(() => marketInfoOf(flat, US)).toThrow(/fee type of series E/);
  const band = { startCc: 0, endCc: 20_000, stepCc: 100 } as MarketInfo["priceRanges"][number];
  const tooWide = [band];
  const wide = { ...VENUE, market: { ...VENUE.market, priceRanges: tooWide } };
  expect(() => marketInfoOf(wide, US)).toThrow(/price_ranges: expected bands/);
});
