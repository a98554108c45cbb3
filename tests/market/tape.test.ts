import { join } from "node:path";
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import {
  BookSide,
  createSession,
  EventKind,
  openSession,
  type Session,
  type SessionFacts,
  type SessionWriter,
  StampResolution,
  streamRows,
  type Tape,
} from "../../src/market/index.ts";
import { appendRandom, cents, facts, START_US, temporaryFolder } from "./sessions-fixture.ts";

const folder = temporaryFolder();
let made = 0;

function sessionOf(
  write: (writer: SessionWriter) => void,
  changes: Partial<SessionFacts> = {},
): Session {
  const path = join(folder, String(made++));
  const writer = createSession(path, { ...facts(["A", "B"], ["SPX"]), ...changes });
  write(writer);
  writer.finish();
  return openSession(path);
}

/** Times relative to START_US, in session order. */
function times(tape: Tape): number[] {
  return [...tape.order].map((row) => (tape.atUs[row] ?? 0) - START_US);
}

function kinds(tape: Tape): number[] {
  return [...tape.order].map((row) => tape.kind[row] ?? -1);
}

const second = StampResolution.second;

test("a snapshot takes the time of the session's next delta, of whichever market", () => {
  const tape = sessionOf((writer) => {
    writer.snapshot(0, [{ side: BookSide.bid, priceCc: 4000, size: 100 }]);
    writer.snapshot(1, []);
    writer.trade(0, BookSide.bid, cents(40), 100, START_US, second);
    writer.delta(1, BookSide.bid, cents(40), 100, START_US + 700);
  }).readTape();
  // The trade, unpaired, is known to have happened only by the end of its second, and the delta
  // after it is never earlier.
  expect(times(tape)).toEqual([700, 700, 700, 1_000_000, 1_000_000]);
});

test("a trade takes the time of its delta, before or after it", () => {
  const tape = sessionOf((writer) => {
    writer.delta(0, BookSide.ask, cents(41), -200, START_US + 100);
    writer.delta(0, BookSide.ask, cents(41), 300, START_US + 200);
    writer.trade(0, BookSide.ask, cents(41), 200, START_US, second);
    writer.trade(0, BookSide.bid, cents(40), 50, START_US, second);
    writer.delta(0, BookSide.bid, cents(40), -50, START_US + 400);
  }).readTape();
  expect(times(tape)).toEqual([100, 200, 200, 400, 400]);
  expect([...tape.pairRow]).toEqual([2, -1, 0, 4, 3]);
});

test("a trade does not pair across markets, sides, prices, sizes, seconds or 60 events", () => {
  const tape = sessionOf((writer) => {
    writer.delta(1, BookSide.ask, cents(41), -200, START_US + 100);
    writer.delta(0, BookSide.bid, cents(41), -200, START_US + 110);
    writer.delta(0, BookSide.ask, cents(42), -200, START_US + 120);
    writer.delta(0, BookSide.ask, cents(41), -199, START_US + 130);
    writer.delta(0, BookSide.ask, cents(41), 200, START_US + 140);
    writer.delta(0, BookSide.ask, cents(41), -200, START_US - 1);
    writer.trade(0, BookSide.ask, cents(41), 200, START_US, second);
    for (let index = 0; index < 60; index++) {
      writer.delta(0, BookSide.bid, cents(7), 100, START_US + 150);
    }
    writer.delta(0, BookSide.ask, cents(41), -200, START_US + 160);
  }).readTape();
  expect([...tape.pairRow].every((row) => row === -1)).toBe(true);
});

test("each trade of a sweep over equal orders finds a delta of its own", () => {
  const tape = sessionOf((writer) => {
    for (let index = 0; index < 100; index++) {
      writer.delta(0, BookSide.ask, cents(41), -100, START_US + 5);
    }
    for (let index = 0; index < 100; index++) {
      writer.trade(0, BookSide.ask, cents(41), 100, START_US, second);
    }
  }).readTape();
  expect(new Set(tape.pairRow).size).toBe(200);
  expect(times(tape).every((time) => time === 5)).toBe(true);
});

test("block trades pair with nothing and are no trades of the book", () => {
  const tape = sessionOf((writer) => {
    writer.delta(0, BookSide.ask, cents(41), -200, START_US + 100);
    writer.blockTrade(0, BookSide.ask, cents(41), 200, START_US, second);
  }).readTape();
  expect([...tape.pairRow]).toEqual([-1, -1]);
  expect(kinds(tape)).toEqual([EventKind.delta, EventKind.blockTrade]);
});

const LOSS = {
  market: null,
  scope: "book",
  reason: "sequence",
  missing: 3,
  sid: 1,
  firstSeq: 9,
} as const;

function lossy(writer: SessionWriter): void {
  for (const stream of [0, 1]) writer.snapshot(stream, []);
  writer.delta(0, BookSide.bid, cents(40), 100, START_US + 1);
  writer.gap(LOSS);
  writer.delta(0, BookSide.bid, cents(40), 100, START_US + 2);
  writer.delta(1, BookSide.bid, cents(40), 100, START_US + 3);
  writer.snapshot(0, []);
  writer.delta(0, BookSide.bid, cents(40), 100, START_US + 4);
}

test("a loss is a gap row in the markets that have a later snapshot, and only there", () => {
  const session = sessionOf(lossy);
  const tape = session.readTape();
  const { snapshot, delta, gap } = EventKind;
  const [startA, endA] = streamRows(tape, 0);
  const [startB, endB] = streamRows(tape, 1);
  expect([...tape.kind.subarray(startA, endA)]).toEqual([
    snapshot,
    delta,
    gap,
    delta,
    snapshot,
    delta,
  ]);
  expect([...tape.kind.subarray(startB, endB)]).toEqual([snapshot, delta]);
  expect(times(tape)).toEqual([1, 1, 1, 1, 2, 3, 4, 4]);
  expect(session.gaps).toEqual([{ position: 3, ...LOSS }]);
});

test("strict sessions carry a loss into every market whose book was known", () => {
  const tape = sessionOf(lossy, { strictGaps: true }).readTape();
  expect(kinds(tape).filter((kind) => kind === EventKind.gap)).toHaveLength(2);
});

test("lost trades leave the books alone", () => {
  const tape = sessionOf((writer) => {
    writer.snapshot(0, []);
    writer.gap({ ...LOSS, scope: "trades" });
    writer.snapshot(0, []);
  }).readTape();
  expect(kinds(tape)).toEqual([EventKind.snapshot, EventKind.snapshot]);
});

/** The rules of docs/sessions.md, as slowly and plainly as they read. */
function plainTape(session: Session): { atUs: number[]; pair: number[] } {
  const { code, stream, priceCc, size, stampUs, rowCount } = session.readEvents();
  const kind = (row: number): number => (code[row] ?? 0) & 15;
  const pair = new Array<number>(rowCount).fill(-1);
  const at = new Array<number>(rowCount).fill(0);
  for (let market = 0; market < 2; market++) {
    const rows = [...stream.keys()].filter((row) => stream[row] === market && kind(row) !== 3);
    for (const trade of rows.filter((row) => kind(row) === EventKind.trade)) {
      const free = rows.filter((row) => row === trade || pair[row] === -1);
      const here = free.indexOf(trade);
      const before = free.slice(Math.max(0, here - 60), here).reverse();
      const after = free.slice(here + 1, here + 61);
      const delta = [...before, ...after].find(
        (row) =>
          kind(row) === EventKind.delta &&
          priceCc[row] === priceCc[trade] &&
          ((code[row] ?? 0) & 16) === ((code[trade] ?? 0) & 16) &&
          size[row] === -(size[trade] ?? 0) &&
          Math.floor((stampUs[row] ?? 0) / 1e6) === Math.floor((stampUs[trade] ?? 0) / 1e6),
      );
      if (delta !== undefined) {
        pair[trade] = delta;
        pair[delta] = trade;
      }
    }
  }
  let now = 0;
  const span = [0, 0, 1_000, 1_000_000];
  for (let row = 0; row < rowCount; row++) {
    const resolution = (code[row] ?? 0) >> 5;
    let own = resolution === 0 ? 0 : (stampUs[row] ?? 0);
    if (kind(row) === EventKind.trade && pair[row] !== -1) own = stampUs[pair[row] ?? 0] ?? 0;
    else if (kind(row) === EventKind.trade || kind(row) === EventKind.blockTrade) {
      own += span[resolution] ?? 0;
    } else if (kind(row) === EventKind.snapshot) {
      for (let next = row; next < rowCount; next++) {
        if (kind(next) !== EventKind.delta) continue;
        own = stampUs[next] ?? 0;
        break;
      }
    }
    now = Math.max(now, own);
    at[row] = now;
  }
  return { atUs: at, pair };
}

test("times and pairs equal the plain reading of the rules on random sessions", () => {
  const seed = Number(process.env["SEED"] ?? 3);
  for (let round = 0; round < 12; round++) {
    const session = sessionOf((writer) => appendRandom(writer, Prng.fromSeed(seed + round), 600));
    const tape = session.readTape();
    const plain = plainTape(session);
    const place = new Map([...tape.order].map((row, index) => [row, index]));
    const pairs = [...tape.order].map((row) => place.get(tape.pairRow[row] ?? -1) ?? -1);
    const atUs = [...tape.order].map((row) => tape.atUs[row] ?? 0);
    expect(pairs, `seed ${seed} round ${round}`).toEqual(plain.pair);
    expect(atUs, `seed ${seed} round ${round}`).toEqual(plain.atUs);
    expect(pairs.filter((row) => row >= 0).length).toBeGreaterThan(50);
  }
});

test("streams partition the rows and keep the session's order", () => {
  const session = sessionOf((writer) => appendRandom(writer, Prng.fromSeed(9), 2_000));
  const tape = session.readTape();
  expect([...tape.order].sort((a, b) => a - b)).toEqual([...tape.order.keys()]);
  const last = [-1, -1, -1];
  for (const row of tape.order) {
    const stream = [0, 1, 2].findIndex((index) => row < (tape.streamStart[index + 1] ?? 0));
    expect(row).toBeGreaterThan(last[stream] ?? 0);
    last[stream] = row;
  }
  expect(tape.streamStart[3]).toBe(tape.rowCount);
});
