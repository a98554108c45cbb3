/** The crowd: recorded sessions that happen again, and made-up traders. */
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type CentiCents, type MicroUsd, Prng, type TimestampUs } from "../../src/core/index.ts";
import {
  LocalExchange,
  MadeUpCrowd,
  type MadeUpCrowdOptions,
  RecordedCrowd,
  type RecordedCrowdOptions,
} from "../../src/exchange/index.ts";
import { USUAL_TERMS } from "../../src/kalshi/index.ts";
import {
  BookSide,
  EventKind,
  openSession,
  OrderBook,
  PriceGrid,
  type Tape,
} from "../../src/market/index.ts";
import { START_US } from "./exchange-case.ts";

const SAMPLE = fileURLToPath(new URL("../../sessions/sample-1", import.meta.url));

function sampleTape(): Tape {
  const session = openSession(SAMPLE);
  try {
    return session.readTape();
  } finally {
    session.close();
  }
}

function recorded(tape: Tape, changes: Partial<RecordedCrowdOptions> = {}) {
  const exchange = new LocalExchange({
    startUs: START_US,
    prng: Prng.fromSeed(1),
    marketCapacity: tape.markets.length,
  });
  const { engine } = exchange;
  const crowd = new RecordedCrowd({ engine, tape, startUs: START_US, speed: 1, ...changes });
  exchange.addPlayer(crowd);
  return { exchange, crowd };
}

/** Levels of one side, "price size", best first. */
function levelsOf(book: OrderBook, side: BookSide): string[] {
  const sizes = side === BookSide.bid ? book.bids : book.asks;
  const all = [...sizes].flatMap((size, tick) =>
    size > 0 ? [`${book.grid.prices[tick]} ${size}`] : [],
  );
  return side === BookSide.bid ? all.reverse() : all;
}

describe("a recorded session", () => {
  test("without accounts the books are those of the recording, at every hundredth moment", () => {
    const tape = sampleTape();
    const { exchange, crowd } = recorded(tape);
    const books = tape.markets.map(({ priceRanges }) => new OrderBook(new PriceGrid(priceRanges)));
    const firstUs = tape.atUs[tape.order[0] as number] as number;
    const streams = tape.streamStart;
    let compared = 0;
    tape.order.forEach((row, at) => {
      const stream = row < (streams[1] as number) ? 0 : 1;
      if (tape.kind[row] !== EventKind.level) books[stream]?.apply(tape, row);
      const next = tape.order[at + 1];
      const isMoment = next === undefined || tape.atUs[next] !== tape.atUs[row];
      if (!isMoment || at % 100 !== 0 || at > 20_000) return;
      exchange.advanceTo((START_US + (tape.atUs[row] as number) - firstUs) as TimestampUs);
      books.forEach((book, index) => {
        const market = exchange.engine.markets[index];
        for (const side of [BookSide.bid, BookSide.ask]) {
          const told = market?.book.levelsOf(side).map(({ price, size }) => `${price} ${size}`);
          expect(told, `row ${row}`).toEqual(levelsOf(book, side));
        }
      });
      compared += 1;
    });
    expect(compared).toBeGreaterThan(100);
    expect(crowd.unpairedTrades).toBe(0);
  });

  test("all its trades happen, at ten times the speed in a tenth of the time, then it is settled", () => {
    const tape = sampleTape();
    const { exchange } = recorded(tape, { speed: 10 });
    const rows = [...tape.order];
    const lastUs = tape.atUs[rows.at(-1) as number] as number;
    const spanUs = lastUs - (tape.atUs[rows[0] as number] as number);
    exchange.advanceTo((START_US + Math.floor(spanUs / 10) - 1_000_000) as TimestampUs);
    expect(exchange.engine.markets.map(({ phase }) => phase)).toEqual(["active", "active"]);
    exchange.advanceTo((START_US + Math.floor(spanUs / 10) + 30_000_000) as TimestampUs);
    const traded = rows
      .filter((row) => tape.kind[row] === EventKind.trade)
      .reduce((sum, row) => sum + (tape.size[row] as number), 0);
    const { markets } = exchange.engine;
    expect(markets.reduce((sum, { volume }) => sum + volume, 0)).toBe(traded);
    expect(markets.map(({ phase }) => phase)).toEqual(["finalized", "finalized"]);
    expect(markets.map(({ value }) => value)).toEqual(
      tape.markets.map(({ settlement }) => settlement?.valueCc),
    );
  });

  test("a recorded trade reaches an account that stands before the crowd, and money is kept", () => {
    const tape = sampleTape();
    const { exchange } = recorded(tape);
    const { engine } = exchange;
    const account = engine.addAccount("ann", 1_000_000_000 as MicroUsd);
    exchange.advanceTo((START_US + 1_000_000) as TimestampUs);
    const before = engine.total();
    const [market] = engine.markets;
    if (market === undefined) throw new Error("a market is there");
    // One tick inside the spread where there is room, else in the queue: sooner or later it trades.
    for (let second = 2; second < 600 && account.ledger.position(0) === 0; second++) {
      engine.cancelAll(account);
      const ticket = {
        ticker: market.ticker,
        clientOrderId: `c-${second}`,
        side: BookSide.bid,
        size: 100,
        price: Math.min(market.yesBid + 100, market.yesAsk - 100) as CentiCents,
        ...USUAL_TERMS,
        postOnly: true,
      } as const;
      engine.create(account, { ...ticket, size: 100 as never });
      exchange.advanceTo((START_US + second * 1_000_000) as TimestampUs);
      expect(engine.total()).toBe(before);
    }
    expect(account.ledger.position(0)).toBe(100);
    const fill = exchange.model.account(account.index).fills.at(0);
    expect(fill).toMatchObject({ isTaker: false, size: 100 });
  });
});

describe("made-up traders", () => {
  function madeUp(changes: Partial<MadeUpCrowdOptions> = {}) {
    const prng = Prng.fromSeed(5);
    const exchange = new LocalExchange({ startUs: START_US, prng, marketCapacity: 50 });
    const options = { markets: 2, minutes: 2, activity: 1, marketsMax: 50, ...changes };
    const crowd = new MadeUpCrowd({
      engine: exchange.engine,
      prng: prng.fork("crowd"),
      startUs: START_US,
      ...options,
    });
    exchange.addPlayer(crowd);
    return exchange;
  }

  test("quote both sides, trade, and keep the books uncrossed", () => {
    const exchange = madeUp();
    let spreads = 0;
    for (let second = 1; second < 110; second++) {
      exchange.advanceTo((START_US + second * 1_000_000) as TimestampUs);
      for (const market of exchange.engine.markets.slice(0, 2)) {
        expect(market.yesBid).toBeLessThan(market.yesAsk);
        spreads += market.yesAsk - market.yesBid;
      }
    }
    expect(spreads / 218).toBeLessThan(600);
    for (const { volume } of exchange.engine.markets.slice(0, 2)) {
      expect(volume).toBeGreaterThan(10_000);
    }
  });

  test("roll over: told half a minute before, settled by the fair price, for ever", () => {
    const exchange = madeUp({ markets: 1 });
    exchange.advanceTo((START_US + 95_000_000) as TimestampUs);
    const phases = () => exchange.engine.markets.map(({ phase }) => phase);
    expect(phases()).toEqual(["active", "initialized"]);
    exchange.advanceTo((START_US + 136_000_000) as TimestampUs);
    expect(phases()).toEqual(["finalized", "active"]);
    exchange.advanceTo((START_US + 1_200_000_000) as TimestampUs);
    expect(phases().filter((phase) => phase === "finalized").length).toBeGreaterThanOrEqual(9);
    expect(new Set(exchange.engine.markets.map(({ ticker }) => ticker)).size).toBe(phases().length);
  });

  test("one seed, one market, whatever the steps of time", () => {
    const end = (steps: number): string => {
      const exchange = madeUp();
      for (let step = 1; step <= steps; step++) {
        exchange.advanceTo((START_US + (60_000_000 / steps) * step) as TimestampUs);
      }
      return JSON.stringify(exchange.engine.markets.map((market) => market.record()));
    };
    expect(end(1)).toBe(end(60));
  });
});
