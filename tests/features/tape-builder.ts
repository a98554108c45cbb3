/**
 * Hand-made tapes for the tests: events are listed in session order and become a `Tape` with its
 * streams and order. It checks nothing and keeps the times it is given.
 */
import { Prng, sha256, type TimestampUs } from "../../src/core/index.ts";
import {
  BookSide,
  EventKind,
  LINEAR_CENT,
  type MarketInfo,
  type PriceRange,
  type Tape,
} from "../../src/market/index.ts";

export type Level = readonly [side: BookSide, priceCc: number, lots: number];

export interface TestEvent {
  readonly market: number;
  readonly atUs: number;
  readonly kind: EventKind;
  readonly side?: BookSide;
  readonly priceCc?: number;
  readonly size?: number;
  readonly levels?: readonly Level[];
}

export const BID = BookSide.bid;
export const ASK = BookSide.ask;
export const SECOND = 1_000_000;
/** Monday 2026-03-16, 12:00:00 UTC. */
export const NOON = 1_773_662_400 * SECOND;

export function delta(
  atUs: number,
  side: BookSide,
  priceCc: number,
  size: number,
  market = 0,
): TestEvent {
  return { market, atUs, kind: EventKind.delta, side, priceCc, size };
}

/** A trade that hit `side`: asks are hit by YES buyers. */
export function trade(
  atUs: number,
  side: BookSide,
  priceCc: number,
  size: number,
  market = 0,
): TestEvent {
  return { market, atUs, kind: EventKind.trade, side, priceCc, size };
}

export function snapshot(atUs: number, levels: readonly Level[], market = 0): TestEvent {
  return { market, atUs, kind: EventKind.snapshot, levels };
}

export function mark(kind: EventKind, atUs: number, market = 0, size = 0): TestEvent {
  return { market, atUs, kind, size };
}

export interface TapeFacts {
  readonly markets?: number;
  readonly closeUs?: number | null;
  readonly priceRanges?: readonly PriceRange[];
  /** Markets that share one exclusive event of so many markets in all. */
  readonly exclusive?: number | null;
}

export function buildTestTape(events: readonly TestEvent[], facts: TapeFacts = {}): Tape {
  const marketCount = facts.markets ?? 1;
  const markets: MarketInfo[] = Array.from({ length: marketCount }, (_, index) => ({
    ticker: `KXTEST-A-${index}`,
    eventTicker: "KXTEST-A",
    seriesTicker: "KXTEST",
    closeUs: (facts.closeUs ?? null) as TimestampUs | null,
    priceRanges: facts.priceRanges ?? LINEAR_CENT,
    fees: { type: "quadratic", multiplierPpm: 1_000_000 },
    settlement: null,
  }));
  const sizes = markets.map((_, market) =>
    events
      .filter((event) => event.market === market)
      .reduce((rows, event) => rows + 1 + (event.levels?.length ?? 0), 0),
  );
  const streamStart = new Uint32Array(marketCount + 1);
  sizes.forEach((size, market) => {
    streamStart[market + 1] = (streamStart[market] ?? 0) + size;
  });
  const rowCount = streamStart[marketCount] ?? 0;
  const tape: Tape = {
    sessionId: "test",
    contentHash: sha256(JSON.stringify(events)),
    markets,
    events: [
      {
        eventTicker: "KXTEST-A",
        exclusive: facts.exclusive !== undefined,
        marketCount: facts.exclusive ?? null,
      },
    ],
    references: [],
    rowCount,
    streamStart,
    atUs: new Float64Array(rowCount),
    kind: new Uint8Array(rowCount),
    side: new Uint8Array(rowCount),
    priceCc: new Uint16Array(rowCount),
    size: new Float64Array(rowCount),
    pairRow: new Int32Array(rowCount).fill(-1),
    queueRow: new Int32Array(rowCount).fill(-1),
    queueCounts: new Uint32Array(0),
    order: new Uint32Array(rowCount),
  };
  const next = Array.from(streamStart);
  let place = 0;
  const put = (
    event: TestEvent,
    kind: EventKind,
    side: number,
    priceCc: number,
    size: number,
  ): void => {
    const row = next[event.market] ?? 0;
    next[event.market] = row + 1;
    tape.atUs[row] = event.atUs;
    tape.kind[row] = kind;
    tape.side[row] = side;
    tape.priceCc[row] = priceCc;
    tape.size[row] = size;
    tape.order[place] = row;
    place += 1;
  };
  for (const event of events) {
    const levels = event.levels ?? [];
    const size = event.kind === EventKind.snapshot ? levels.length : (event.size ?? 0);
    put(event, event.kind, event.side ?? 0, event.priceCc ?? 0, size);
    for (const [side, priceCc, lots] of levels) put(event, EventKind.level, side, priceCc, lots);
  }
  return tape;
}

/** Seeded events of `markets` markets: bursts, silences, snapshots, gaps, trades, a close. */
export function randomEvents(
  prng: Prng,
  options: {
    markets: number;
    count: number;
    startUs: number;
    stepCc: number;
    meanGapUs: number;
    withGaps: boolean;
  },
): TestEvent[] {
  const events: TestEvent[] = [];
  const { stepCc } = options;
  const ticks = 10_000 / stepCc - 1;
  const books = Array.from({ length: options.markets }, () => new Map<string, number>());
  const centres = books.map(() => 1 + prng.integer(ticks));
  const closed = books.map(() => false);
  let atUs = options.startUs;
  const levelsOf = (market: number): Level[] =>
    [...(books[market] ?? [])].map(([key, lots]) => {
      const [side, priceCc] = key.split(":").map(Number);
      return [side as BookSide, priceCc ?? 0, lots] as const;
    });
  const price = (market: number, side: BookSide): number => {
    const away = prng.integer(4) === 0 ? prng.integer(ticks) : prng.integer(8);
    const centre = centres[market] ?? 1;
    const tick = side === BID ? centre - away : centre + 1 + away;
    return Math.min(Math.max(tick, 1), ticks) * stepCc;
  };
  const reseed = (market: number): void => {
    const book = books[market] ?? new Map<string, number>();
    book.clear();
    for (let level = 0; level < 12; level++) {
      const side = prng.integer(2) as BookSide;
      book.set(`${side}:${price(market, side)}`, 1 + prng.integer(60_000));
    }
  };
  for (let market = 0; market < options.markets; market++) {
    reseed(market);
    if (market > 0) atUs += prng.integer(3) * 700_000;
    if (prng.integer(3) === 0) events.push(trade(atUs, ASK, price(market, ASK), 300, market));
    events.push(snapshot(atUs, levelsOf(market), market));
  }
  for (let step = 0; step < options.count; step++) {
    const pace = prng.integer(20);
    if (pace === 0) atUs += Math.floor(prng.exponential() * options.meanGapUs * 30);
    else if (pace < 12) atUs += Math.floor(prng.exponential() * options.meanGapUs);
    // Whole seconds and equal times are where windows go wrong, so they are frequent here.
    if (prng.integer(12) === 0) atUs = Math.ceil(atUs / SECOND) * SECOND;
    const market = prng.integer(options.markets);
    const book = books[market] ?? new Map<string, number>();
    if (closed[market] === true) continue;
    const dice = prng.integer(options.withGaps ? 400 : 390);
    if (prng.integer(30) === 0) {
      centres[market] = Math.min(
        Math.max((centres[market] ?? 1) + prng.integer(7) - 3, 1),
        ticks - 1,
      );
    }
    const side = prng.integer(2) as BookSide;
    if (dice >= 396) {
      events.push(mark(EventKind.gap, atUs, market));
      events.push(delta(atUs, BID, stepCc, 500, market));
      atUs += prng.integer(3 * SECOND);
      reseed(market);
      events.push(trade(atUs, side, price(market, side), 700, market));
      events.push(snapshot(atUs, levelsOf(market), market));
    } else if (dice === 395) {
      events.push(snapshot(atUs, levelsOf(market), market));
    } else if (dice === 394) {
      reseed(market);
      events.push(snapshot(atUs, levelsOf(market), market));
    } else if (dice > 340) {
      const size = 1 + prng.integer(prng.integer(10) === 0 ? 500_000 : 5_000);
      events.push(trade(atUs, side, price(market, side), size, market));
    } else if (dice === 340) {
      events.push({
        ...trade(atUs, side, price(market, side), 9_900, market),
        kind: EventKind.blockTrade,
      });
    } else {
      const resting = [...book.keys()];
      const remove = resting.length > 0 && prng.integer(20) < resting.length;
      const key = remove
        ? (resting[prng.integer(resting.length)] ?? "")
        : `${side}:${price(market, side)}`;
      const [keySide = 0, priceCc = stepCc] = key.split(":").map(Number);
      const had = book.get(key) ?? 0;
      const whole = prng.integer(2) === 0;
      const change = remove ? -(whole ? had : 1 + prng.integer(had)) : 1 + prng.integer(80_000);
      if (had + change === 0) book.delete(key);
      else book.set(key, had + change);
      events.push(delta(atUs, keySide as BookSide, priceCc, change, market));
    }
  }
  for (let market = 0; market < options.markets; market++) {
    if (prng.integer(2) === 0) continue;
    events.push(mark(EventKind.close, atUs, market));
    closed[market] = true;
    atUs += prng.integer(2 * SECOND);
  }
  return events;
}
