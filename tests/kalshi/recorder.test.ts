/** Recording under simulated time: what is written is what the exchange had, whatever went wrong. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, expect, test } from "vitest";
import { readFaultRules } from "../../src/exchange/index.ts";
import { EventKind, importSession, openSession, validateSession } from "../../src/market/index.ts";
import { heldBook, lastBook, RecordingWorld } from "./recorder-case.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-recorder-"));
const SEED = Number(process.env["SEED"] ?? 1);
const SEEDS = Number(process.env["SEEDS"] ?? 2);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("what is recorded is what the importer reads from the same messages", async () => {
  const out = join(folder, "plain");
  const world = new RecordingWorld({ out, seed: SEED, activity: 5 });
  expect(world.record({ markets: world.tickers })).toBeNull();
  world.run(60);
  world.quiet();
  const [recorded] = world.finish();
  const session = world.session();
  expect(session.contentHash).toBe(recorded?.contentHash);
  expect(session.gaps).toEqual([]);
  const tape = session.readTape();
  for (const ticker of world.tickers) {
    expect(lastBook(tape, ticker)).toEqual(heldBook(world.exchange, ticker));
  }
  expect(validateSession(session)).toMatchObject({ sound: true, pairedShare: 1 });
  // The importer was written for files of such messages, and knows nothing of the recorder.
  const file = join(folder, "plain.ndjson");
  writeFileSync(file, `${world.frames.join("\n")}\n`);
  const imported = join(folder, "imported");
  await importSession([file], { out: imported, useYesPrice: true, feed: "complete" });
  const other = openSession(imported);
  expect(other.gaps).toEqual([]);
  const names = (one: typeof session): string[] => one.facts.markets.map(({ ticker }) => ticker);
  const rowsOf = (one: typeof session): string[] => {
    const { rowCount, code, stream, priceCc, size, stampUs } = one.readEvents();
    const rows: string[][] = [];
    for (let row = 0; row < rowCount; row++) {
      const name = names(one)[stream[row] as number];
      const text = [code[row], name, priceCc[row], size[row], stampUs[row]].join();
      // The order of a snapshot's levels means nothing.
      if (((code[row] as number) & 15) === EventKind.level) rows.at(-1)?.push(text);
      else rows.push([text]);
    }
    return rows.map(([first = "", ...levels]) => [first, ...levels.sort()].join(" "));
  };
  expect(rowsOf(session).length).toBeGreaterThan(2_000);
  expect(rowsOf(session)).toEqual(rowsOf(other));
});

const FAULTS = readFaultRules(
  [
    { kind: "feedDown", chance: 0.3 },
    { kind: "resetFeed", chance: 0.001 },
    { kind: "gap", chance: 0.003 },
    { kind: "duplicate", chance: 0.01, amount_ms: 20 },
    { kind: "late", chance: 0.003, amount_ms: 700 },
    { kind: "fail", chance: 0.1 },
    { kind: "refuse", chance: 0.1 },
  ],
  "rules",
);

test(
  "whatever goes wrong, books are the exchange's in the end, and losses are marked",
  () => {
    let gaps = 0;
    for (let seed = SEED; seed < SEED + SEEDS; seed++) {
      const out = join(folder, `faults-${seed}`);
      const world = new RecordingWorld({ out, seed, activity: 3 });
      expect(world.record({ markets: world.tickers }), `seed ${seed}`).toBeNull();
      world.faults(FAULTS);
      world.run(60);
      world.faults([]);
      world.run(60);
      world.quiet();
      world.finish();
      const session = world.session();
      gaps += session.gaps.length;
      const tape = session.readTape();
      for (const ticker of world.tickers) {
        const book = lastBook(tape, ticker);
        expect(book, `seed ${seed}`).toEqual(heldBook(world.exchange, ticker));
      }
      expect(validateSession(session), `seed ${seed}`).toMatchObject({ sound: true });
      session.close();
    }
    expect(gaps).toBeGreaterThan(2 * SEEDS);
  },
  120_000 + SEEDS * 10_000,
);

test("markets of a series roll over, each with its result", () => {
  const out = join(folder, "series");
  const world = new RecordingWorld({ out, seed: SEED, markets: 1, minutes: 2, activity: 2 });
  expect(world.record({ series: ["KXLOCAL0"] })).toBeNull();
  world.run(8 * 60 + 30);
  world.finish();
  const session = world.session();
  const { markets, events } = session.facts;
  expect(markets.length).toBeGreaterThanOrEqual(4);
  const { engine } = world.exchange;
  for (const { ticker, settlement } of markets) {
    const value = engine.market(ticker)?.value ?? null;
    expect(settlement?.valueCc ?? null, ticker).toBe(value);
  }
  expect(markets.filter(({ settlement }) => settlement !== null).length).toBeGreaterThanOrEqual(4);
  expect(events).toHaveLength(markets.length);
  const tape = session.readTape();
  const closes = markets.map((_, stream) => {
    const rows = tape.kind.subarray(tape.streamStart[stream], tape.streamStart[stream + 1]);
    return rows.filter((kind) => kind === EventKind.close).length;
  });
  const ended = markets.map(({ ticker }) => (engine.market(ticker)?.value === null ? 0 : 1));
  expect(closes).toEqual(ended);
  expect(validateSession(session).sound).toBe(true);
});

test(
  "whatever goes wrong, no market of a series is missed and no result is wrong",
  () => {
    for (let seed = SEED; seed < SEED + SEEDS; seed++) {
      const out = join(folder, `series-faults-${seed}`);
      const world = new RecordingWorld({ out, seed, markets: 2, minutes: 2 });
      expect(world.record({ series: ["KXLOCAL0", "KXLOCAL1"] }), `seed ${seed}`).toBeNull();
      world.faults(FAULTS);
      world.run(5 * 60);
      world.faults([]);
      world.run(3 * 60 + 30);
      world.quiet();
      world.finish();
      const session = world.session();
      const { engine } = world.exchange;
      const opened = engine.markets.filter(({ spec }) => spec.openUs < engine.nowUs);
      const recorded = session.facts.markets.map(({ ticker }) => ticker);
      expect(recorded, `seed ${seed}`).toEqual(
        expect.arrayContaining(opened.map(({ ticker }) => ticker)),
      );
      const tape = session.readTape();
      for (const { ticker, settlement } of session.facts.markets) {
        const market = engine.market(ticker);
        expect(settlement?.valueCc ?? null, `seed ${seed} ${ticker}`).toBe(market?.value);
        if (market?.value !== null) continue;
        expect(lastBook(tape, ticker), `seed ${seed}`).toEqual(heldBook(world.exchange, ticker));
      }
      expect(validateSession(session).sound, `seed ${seed}`).toBe(true);
    }
  },
  120_000 + SEEDS * 10_000,
);

test("a recorder of named markets ends when the last of them is settled", () => {
  const out = join(folder, "named");
  const world = new RecordingWorld({ out, seed: SEED, markets: 1, minutes: 2 });
  expect(world.record({ markets: world.tickers })).toBeNull();
  world.run(110);
  expect(world.ended).toBeUndefined();
  world.run(60);
  expect(world.ended).toBeNull();
  const [recorded] = world.finish();
  expect(recorded?.markets).toBe(1);
  // What is over is refused, and leaves nothing.
  const late = new RecordingWorld({ out: `${out}-late`, seed: SEED, markets: 1, minutes: 2 });
  const [ticker = ""] = late.tickers;
  late.run(122);
  expect(late.record({ markets: [ticker] })?.message).toBe(
    `market ${ticker}: expected one that trades or is going to, was closed`,
  );
  expect(existsSync(`${out}-late`)).toBe(false);
});

test("a recorder that comes back after its markets' end records their results, and ends", () => {
  const out = join(folder, "returned");
  const world = new RecordingWorld({ out, seed: SEED, markets: 1, minutes: 2 });
  const [ticker = ""] = world.tickers;
  expect(world.record({ markets: [ticker] })).toBeNull();
  world.run(60);
  world.kill();
  world.run(120);
  expect(world.record({ markets: [ticker] }, "again")).toBeNull();
  world.run(5);
  expect(world.ended).toBeNull();
  world.finish();
  const { facts, finished, gaps } = openSession(out);
  expect(finished).toBe(true);
  expect(gaps).toHaveLength(1);
  expect(facts.markets.map(({ settlement }) => settlement?.valueCc)).toEqual([
    world.exchange.engine.market(ticker)?.value,
  ]);
});

test("a recorder that was killed goes on where it stopped, also after the night", () => {
  const out = join(folder, "killed");
  const startUs = Date.UTC(2026, 10, 20, 23, 50) * 1_000;
  const world = new RecordingWorld({ out, seed: SEED, startUs, markets: 2, minutes: 4 });
  const series = ["KXLOCAL0"];
  const [, other = ""] = world.tickers;
  expect(world.record({ series, markets: [other] })).toBeNull();
  world.run(120);
  world.kill();
  world.run(20);
  expect(world.record({ series, markets: [other] }, "again")).toBeNull();
  world.run(40);
  const midway = openSession(out);
  expect(midway.finished).toBe(false);
  expect(midway.gaps).toMatchObject([{ scope: "book", reason: "interrupted" }]);
  expect(midway.facts.markets).toHaveLength(2);
  const tape = midway.readTape();
  for (const ticker of world.tickers.slice(0, 2)) {
    const rows = [...tape.kind.subarray(0, tape.rowCount)];
    expect(rows.filter((kind) => kind === EventKind.gap)).toHaveLength(2);
    expect(lastBook(tape, ticker), ticker).not.toBeNull();
  }
  midway.close();
  world.kill();
  // Both of its markets come to their end while nobody listens, and a day ends.
  world.run(15 * 60);
  expect(world.record({ series }, "third")).toBeNull();
  world.run(60);
  const [yesterday, today] = world.finish();
  expect([yesterday?.folder, today?.folder]).toEqual([out, `${out}-2026-11-21`]);
  const left = openSession(out);
  expect(left.finished).toBe(true);
  const { engine } = world.exchange;
  for (const { ticker, settlement } of left.facts.markets) {
    expect(settlement?.valueCc, ticker).toBe(engine.market(ticker)?.value);
  }
  expect(today?.markets).toBe(1);
  for (const name of [out, `${out}-2026-11-21`]) {
    expect(validateSession(openSession(name)).sound, name).toBe(true);
  }
});

test("what has come is stored well within a second, so that no kill costs more", () => {
  const world = new RecordingWorld({ out: join(folder, "stored"), seed: SEED, activity: 5 });
  expect(world.record({ markets: world.tickers })).toBeNull();
  const heard = (): number =>
    world.frames.filter((frame) => frame.includes('"type":"orderbook_delta"')).length;
  for (let times = 0; times < 40; times++) {
    world.run(0.31);
    const due = heard();
    world.run(0.6);
    const session = world.session();
    expect(session.counts.deltas).toBeGreaterThanOrEqual(due);
    session.close();
  }
  expect(heard()).toBeGreaterThan(200);
});

test("a session that was killed while it was created is no obstacle, foreign files are", () => {
  const out = join(folder, "blank");
  mkdirSync(out);
  const blank = new Database(join(out, "session.db"));
  blank.pragma("journal_mode = WAL");
  blank.close();
  const world = new RecordingWorld({ out, seed: SEED });
  expect(world.record({ markets: world.tickers })).toBeNull();
  world.run(5);
  world.finish();
  expect(openSession(out).counts.snapshots).toBe(2);
  const foreign = join(folder, "foreign");
  mkdirSync(foreign);
  writeFileSync(join(foreign, "session.db"), "no database");
  const other = new RecordingWorld({ out: foreign, seed: SEED });
  expect(other.record({ markets: other.tickers })?.message).toMatch(
    /expected a kalshi-gym session/,
  );
});

test("a day ends: the next session begins with the books, results still find the one before", () => {
  const out = join(folder, "days");
  const startUs = Date.UTC(2026, 10, 20, 23, 58) * 1_000;
  // Markets of two and of sixty minutes: one closes at midnight, the other goes on.
  const world = new RecordingWorld({ out, seed: SEED, startUs, markets: 1, minutes: 2 });
  const long = new RecordingWorld({ out: `${out}-long`, seed: SEED, startUs, minutes: 60 });
  expect(world.record({ series: ["KXLOCAL0"] })).toBeNull();
  expect(long.record({ markets: long.tickers })).toBeNull();
  for (const one of [world, long]) {
    one.run(240);
    one.quiet();
    expect(one.finish().map(({ folder: name }) => name)).toEqual([
      one.out,
      `${one.out}-2026-11-21`,
    ]);
    expect(one.notes).toEqual([]);
  }
  const first = openSession(out);
  const [short] = first.facts.markets;
  expect(short?.settlement?.valueCc).toBe(world.exchange.engine.market(short?.ticker ?? "")?.value);
  const second = openSession(`${out}-long-2026-11-21`);
  expect(second.facts.markets.map(({ ticker }) => ticker)).toEqual(long.tickers);
  for (const session of [
    first,
    second,
    openSession(`${out}-2026-11-21`),
    openSession(`${out}-long`),
  ])
    expect(validateSession(session)).toMatchObject({ sound: true, gaps: [] });
  const tape = second.readTape();
  expect(tape.kind[tape.streamStart[0] as number]).toBe(EventKind.snapshot);
  for (const ticker of long.tickers) {
    expect(lastBook(tape, ticker)).toEqual(heldBook(long.exchange, ticker));
  }
  const before = lastBook(openSession(`${out}-long`).readTape(), long.tickers[0] ?? "");
  expect(before).not.toEqual(heldBook(long.exchange, long.tickers[0] ?? ""));
});
