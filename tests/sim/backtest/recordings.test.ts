/**
 * What our orders get is never more than what came there. The law, for every market and world:
 *   1. A fill of a resting order rests on one recorded trade that hits its side at its price or
 *      beyond, or on one quote of the other side that arrives at or through its price.
 *   2. The fills that rest on one trade add up to no more than its size; so own fills by trades at a
 *      price are never more than what traded there.
 *   3. The fills that rest on one quote add up to no more than its size.
 *   4. At every moment, what we took at a price, and what quotes arriving at it gave us, is no more
 *      than what has arrived there since the recorded level was last empty, or last shown whole.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { MicroUsd } from "../../../src/core/index.ts";
import {
  BookSide,
  EventKind,
  generateSession,
  openSession,
  SAMPLES,
  streamRows,
  type Tape,
} from "../../../src/market/index.ts";
import {
  type BacktestSettings,
  DEFAULT_LATENCY,
  type FillRow,
  IDLE_OVERLAY,
  NO_LATENCY,
  runBacktest,
  type SessionResult,
} from "../../../src/sim/index.ts";
import {
  defineStrategy,
  STRATEGIES,
  type StrategyDefinition,
} from "../../../src/strategies/index.ts";
import { hasRecordings, importRecording, recordingFiles } from "../../fixtures/recordings.ts";

/** Lots that fills rest on, added up; all of them obey the law or the test fails. */
interface Looked {
  trades: number;
  quotes: number;
  book: number;
}

function holdToTheLaw(tape: Tape, result: SessionResult): Looked {
  const looked = { trades: 0, quotes: 0, book: 0 };
  for (const { world, fills } of result.worlds) {
    for (const [index, ticker] of result.tickers.entries()) {
      const market = tape.markets.findIndex((info) => info.ticker === ticker);
      const own = fills.filter((fill) => fill.market === index).sort((a, b) => a.row - b.row);
      walk(tape, streamRows(tape, market), own, looked, `${world} ${ticker}`);
    }
  }
  return looked;
}

/** One market, row by row, with the fills that rest on each row. */
function walk(
  tape: Tape,
  [first, end]: readonly [number, number],
  fills: readonly FillRow[],
  looked: Looked,
  place: string,
): void {
  /** By side and price: lots that stand in the recording, that have arrived, that we had of it. */
  const standing = new Float64Array(2 * 10_001);
  const arrived = new Float64Array(2 * 10_001);
  const had = new Float64Array(2 * 10_001);
  let next = 0;
  for (let row = first; row < end; row++) {
    const kind = tape.kind[row];
    const side = tape.side[row] ?? 0;
    const price = tape.priceCc[row] ?? 0;
    const size = tape.size[row] ?? 0;
    const here = side * 10_001 + price;
    if (kind === EventKind.snapshot) for (const each of [standing, arrived, had]) each.fill(0);
    if (kind === EventKind.level || kind === EventKind.delta) {
      standing[here] = Math.max(0, (standing[here] ?? 0) + size);
      arrived[here] = (arrived[here] ?? 0) + Math.max(0, size);
      if (standing[here] === 0) arrived[here] = had[here] = 0;
    }
    let given = 0;
    for (let fill = fills[next]; fill?.row === row; fill = fills[++next]) {
      const where = `${place} row ${row} order ${fill.orderId}`;
      const ours = fill.sign === 1 ? BookSide.bid : BookSide.ask;
      if (fill.evidence === "book") {
        looked.book += fill.lots;
        const level = (1 - ours) * 10_001 + fill.priceCc;
        had[level] = (had[level] ?? 0) + fill.lots;
        if ((had[level] ?? 0) > (arrived[level] ?? 0))
          expect.fail(`${where}: took what never came`);
        continue;
      }
      given += fill.lots;
      const beyond = fill.sign * (fill.priceCc - price);
      if (fill.evidence === "trade") {
        looked.trades += fill.lots;
        expect([kind, side, beyond >= 0], where).toEqual([EventKind.trade, ours, true]);
      } else if (kind === EventKind.delta) {
        looked.quotes += fill.lots;
        expect([side, beyond >= 0], where).toEqual([1 - ours, true]);
        had[here] = (had[here] ?? 0) + fill.lots;
        if ((had[here] ?? 0) > (arrived[here] ?? 0)) expect.fail(`${where}: sold to nobody`);
      } else {
        // A snapshot may show several quotes through our price; its levels follow it.
        expect(kind, where).toBe(EventKind.snapshot);
      }
    }
    if (given > size && given > 0 && kind !== EventKind.snapshot) {
      expect(given, `${place} row ${row}: more than came`).toBeLessThanOrEqual(size);
    }
  }
  expect(next, `${place}: every fill rests on a row of its market`).toBe(fills.length);
}

function strategyNamed(name: string): StrategyDefinition {
  const found = STRATEGIES.find((strategy) => strategy.name === name);
  if (found === undefined) throw new Error(`no strategy ${name}`);
  return found;
}

function play(tape: Tape, strategy: StrategyDefinition, settings: Partial<BacktestSettings> = {}) {
  const result = runBacktest({ sessions: [tape], strategy, settings });
  const [session] = result.sessions;
  if (session === undefined) throw new Error("a back-test has a session");
  const profits = result.worlds.map(({ profit }) => profit);
  return { session, profits };
}

/** Any order, anywhere near the best prices or through them, of any size; many at once. */
const anything = defineStrategy({
  name: "anything",
  description: "random orders, amendments and cancels",
  options: {},
  make: (_options, { prng }) => ({
    decide(view, desk) {
      for (const market of view.due) {
        if (!market.isTwoSided) continue;
        for (const order of market.orders) {
          const chance = prng.integer(8);
          const { clientOrderId } = order.request;
          if (order.cancelInFlight || order.amendInFlight !== null) continue;
          if (chance === 0) desk.cancel(clientOrderId);
          if (chance === 1)
            desk.amend(clientOrderId, order.price, order.filled + 1 + prng.integer(9000));
        }
        if (market.orders.length > 8) continue;
        const side = prng.integer(2) === 0 ? BookSide.bid : BookSide.ask;
        const best = side === BookSide.bid ? market.bestBid : market.bestAsk;
        const price = market.step(best, prng.integer(9) - 4);
        const size = Math.min(1 + prng.integer(9000), market.room(side));
        if (size > 0) desk.submit({ market, side, price, size });
      }
    },
  }),
});

const disposals: (() => void)[] = [];
afterAll(() => {
  for (const dispose of disposals) dispose();
});

describe("on generated sessions", () => {
  const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-test-"));
  disposals.push(() => rmSync(folder, { recursive: true }));
  const [sample] = SAMPLES;
  if (sample === undefined) throw new Error("there is a sample");
  generateSession(join(folder, "session"), { ...sample, events: 1, seed: 11 });
  const session = openSession(join(folder, "session"));
  const tape = session.readTape();
  session.close();

  test.each([
    ["every second", { latency: NO_LATENCY }],
    ["every second, with latency", { latency: DEFAULT_LATENCY, seed: 2 }],
    ["at every change", { cadence: "event", seed: 3 }],
    [
      "from the totals of levels",
      { fillModels: { optimistic: "touch", expected: "level", pessimistic: "queue" } },
    ],
    [
      "with chance on top",
      {
        overlay: { ...IDLE_OVERLAY, fillPpm: 700_000, partialPpm: 500_000, rejectionPpm: 100_000 },
      },
    ],
  ] as const)("own fills under random play never exceed what came: %s", (_name, settings) => {
    const rich = { startingCash: 100_000_000_000 as MicroUsd, onError: "refuse" } as const;
    const looked = holdToTheLaw(tape, play(tape, anything, { ...rich, ...settings }).session);
    // The walk must have been one in which all three kinds of fills happened.
    expect(Math.min(looked.trades, looked.quotes, looked.book)).toBeGreaterThan(10_000);
  });

  test("without order-by-order detail `queue` is `level`", () => {
    const fillModels = { optimistic: "level", expected: "queue", pessimistic: "through" } as const;
    const maker = strategyNamed("touch");
    const fillsOf = (of: Tape): unknown[] =>
      play(of, maker, { fillModels }).session.worlds.map(({ fills }) => fills);
    const [level, queue] = fillsOf({ ...tape, queueRow: tape.queueRow.map(() => -1) });
    expect(queue).toEqual(level);
    const [, detailed] = fillsOf(tape);
    expect(detailed).not.toEqual(level);
  });
});

describe.skipIf(!hasRecordings)("on the recordings in ../shared/sessions", () => {
  test.each(["kalshi-ws-26MAR18", "kalshi-ws-26MAR07"])(
    "the maker at the touch earns most when first in line and least when last: %s",
    async (name) => {
      const { folder, dispose } = await importRecording(recordingFiles(name));
      disposals.push(dispose);
      const session = openSession(folder);
      const tape = session.readTape();
      session.close();
      const maker = play(tape, strategyNamed("touch"));
      const [optimistic = NaN, expected = NaN, pessimistic = NaN] = maker.profits;
      expect(optimistic).toBeGreaterThanOrEqual(expected);
      expect(expected).toBeGreaterThanOrEqual(pessimistic);
      const looked = holdToTheLaw(tape, maker.session);
      expect(looked.trades).toBeGreaterThan(100_000);
      if (tape.markets.length > 6) return;
      // Takers are held to the same law.
      const random = play(tape, strategyNamed("random"));
      expect(holdToTheLaw(tape, random.session).book).toBeGreaterThan(10_000);
    },
    120_000,
  );
});
