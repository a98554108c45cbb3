/** Recording under simulated time: what is written is what the exchange had, whatever went wrong. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readFaultRules } from "../../src/exchange/index.ts";
import { EventKind, importSession, openSession, validateSession } from "../../src/market/index.ts";
import { heldBook, lastBook, RecordingWorld } from "./recorder-case.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-recorder-"));
const SEED = Number(process.env["SEED"] ?? 1);

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

test("whatever goes wrong, books are the exchange's in the end, and losses are marked", () => {
  let gaps = 0;
  for (let seed = SEED; seed < SEED + 6; seed++) {
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
  expect(gaps).toBeGreaterThan(10);
});

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
