/** The encoder on real order flow, against the definitions and over whole sessions. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import {
  FEATURE_NAMES,
  MARKET_FEATURE_COUNT,
  MARKET_FEATURES,
  observationCheck,
  observationSet,
  precomputeFeatures,
} from "../../src/features/index.ts";
import {
  type BookSide,
  EventKind,
  importSession,
  openSession,
  type Tape,
} from "../../src/market/index.ts";
import { naiveRow } from "./naive-encoder.ts";
import { buildTestTape, type Level, type TestEvent } from "./tape-builder.ts";

const RECORDINGS = fileURLToPath(new URL("../../../shared/sessions", import.meta.url));
const FIGHT = join(RECORDINGS, "kalshi-ws-ufc");
const SAMPLES = fileURLToPath(new URL("../../sessions", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "features-"));

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** The first `count` events of a tape in session order, as the naive encoder reads them. */
function eventsOf(tape: Tape, count: number): TestEvent[] {
  const events: TestEvent[] = [];
  const marketOf = (row: number): number => {
    let market = 0;
    while (row >= (tape.streamStart[market + 1] ?? Infinity)) market += 1;
    return market;
  };
  for (const row of tape.order) {
    const kind = tape.kind[row] as EventKind;
    if (kind === EventKind.level) continue;
    if (events.length === count) break;
    const size = tape.size[row] ?? 0;
    const levels = Array.from({ length: kind === EventKind.snapshot ? size : 0 }, (_, index) => {
      const at = row + 1 + index;
      return [tape.side[at] as BookSide, tape.priceCc[at] ?? 0, tape.size[at] ?? 0] as Level;
    });
    const event = {
      market: marketOf(row),
      atUs: tape.atUs[row] ?? NaN,
      kind,
      side: tape.side[row] as BookSide,
      priceCc: tape.priceCc[row] ?? 0,
      size,
    };
    events.push(levels.length > 0 ? { ...event, levels } : event);
  }
  return events;
}

describe.skipIf(!existsSync(FIGHT))("a recorded fight (needs ../shared/sessions)", () => {
  test("rows of its first 9,000 events equal the definitions, and the whole begins with them", async () => {
    const out = join(scratch, "fight");
    const paths = readdirSync(FIGHT).map((name) => join(FIGHT, name));
    const exclusiveEvents = new Map([["KXUFCFIGHT-26MAR07TOBNUR", 2]]);
    await importSession(paths, { out, exclusiveEvents });
    const session = openSession(out);
    const tape = session.readTape();
    session.close();
    const events = eventsOf(tape, 9_000);
    const lastUs = events.at(-1)?.atUs ?? 0;
    const whole = precomputeFeatures(tape, { cadence: "1s" });
    const slice = precomputeFeatures(buildTestTape(events, { markets: 2, exclusive: 2 }), {
      cadence: "1s",
    });
    let compared = 0;
    slice.forEach((rows, market) => {
      const done = rows.atUs.filter((atUs) => atUs < lastUs).length * MARKET_FEATURE_COUNT;
      expect(whole[market]?.rows.slice(0, done)).toEqual(rows.rows.slice(0, done));
      for (let row = 0; row < rows.count; row += Math.max(1, Math.floor(rows.count / 12))) {
        const nowUs = rows.atUs[row] ?? NaN;
        const seen = events.filter((event) => event.atUs <= nowUs);
        const expected = naiveRow(seen, market, nowUs, { closeUs: null, joint: [0, 1] }) ?? [];
        for (let column = 0; column < MARKET_FEATURE_COUNT; column++) {
          const was = rows.rows[row * MARKET_FEATURE_COUNT + column] ?? NaN;
          const difference = Math.abs(was - Math.fround(expected[column] ?? NaN));
          const name = FEATURE_NAMES[MARKET_FEATURES[column] ?? 0] ?? "";
          expect(difference <= 1.2e-7, `market ${market} row ${row} ${name}`).toBe(true);
        }
        compared += 1;
      }
    });
    expect(compared).toBeGreaterThanOrEqual(20);
    const report = observationCheck(whole.map(observationSet));
    expect(report.outOfRange).toBe(0);
    expect(report.mirrors.filter(({ known }) => known === null)).toEqual([]);
  });
});

test("rows of the sample sessions are in range, and no feature mirrors another unexpectedly", () => {
  const folders = readdirSync(SAMPLES).filter((name) => name.startsWith("sample-"));
  const sets = folders.flatMap((name) => {
    const session = openSession(join(SAMPLES, name));
    const tape = session.readTape();
    session.close();
    return precomputeFeatures(tape, { cadence: "1s" }).map(observationSet);
  });
  expect(sets.length).toBeGreaterThan(0);
  const report = observationCheck(sets);
  expect(report.rows).toBeGreaterThan(1_000);
  expect(report.outOfRange).toBe(0);
  expect(report.mirrors.filter(({ known }) => known === null)).toEqual([]);
});
