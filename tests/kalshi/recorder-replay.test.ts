/** A session that happens again at an exchange and is recorded there is the session again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { TimestampUs } from "../../src/core/index.ts";
import { RecordedCrowd } from "../../src/exchange/index.ts";
import { EventKind, openSession, type Tape } from "../../src/market/index.ts";
import { RecordingWorld, SECOND } from "./recorder-case.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-replay-"));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const SOURCE = "sessions/sample-1";

/**
 * What changed when and where: sizes summed by time from the first row, market, side and price. An
 * exchange may tell of one change in parts, of a snapshot as arrivals, and of trades by the millisecond.
 */
function changesOf(tape: Tape, originUs: number, endUs: number) {
  const changes = new Map<string, number>();
  const add = (key: string, size: number): void => {
    const sum = (changes.get(key) ?? 0) + size;
    if (sum === 0) changes.delete(key);
    else changes.set(key, sum);
  };
  tape.markets.forEach(({ ticker }, stream) => {
    const end = tape.streamStart[stream + 1] as number;
    for (let row = tape.streamStart[stream] as number; row < end; row++) {
      const atUs = (tape.atUs[row] as number) - originUs;
      if (atUs > endUs) continue;
      const place = `${ticker} ${tape.side[row]} ${tape.priceCc[row]}`;
      const size = tape.size[row] as number;
      if (tape.kind[row] === EventKind.delta || tape.kind[row] === EventKind.level) {
        add(`book ${atUs} ${place}`, size);
      } else if (tape.kind[row] === EventKind.trade && tape.pairRow[row] !== -1) {
        add(`trade ${Math.floor(atUs / 1_000)} ${place}`, size);
      }
    }
  });
  return changes;
}

test("a replayed session, recorded, has the source's changes and trades, each at its time", () => {
  const source = openSession(SOURCE);
  const tape = source.readTape();
  // The recorder listens before anything happens.
  const waitUs = 5 * SECOND;
  const world = new RecordingWorld({
    out: join(folder, "again"),
    player: ({ engine }, startUs) => {
      const laterUs = (startUs + waitUs) as TimestampUs;
      return new RecordedCrowd({ engine, tape, startUs: laterUs, speed: 1 });
    },
  });
  const startUs = world.scheduler.nowUs() + waitUs;
  expect(world.record({ markets: world.tickers })).toBeNull();
  const first = tape.atUs[tape.order[0] as number] as number;
  const last = tape.atUs[tape.order[tape.rowCount - 1] as number] as number;
  world.run((last - first) / SECOND + 60);
  world.finish();
  const again = openSession(join(folder, "again"));
  const endUs = last - first;
  const expected = changesOf(tape, first, endUs);
  expect(expected.size).toBeGreaterThan(30_000);
  const found = changesOf(again.readTape(), startUs, endUs);
  // Milliseconds of a trade are those of its book change, which the tape gives it.
  const differing = [...new Set([...expected.keys(), ...found.keys()])].filter(
    (key) => expected.get(key) !== found.get(key),
  );
  expect(differing).toEqual([]);
  const valueOf = ({ settlement }: (typeof tape.markets)[number]) => settlement?.valueCc;
  expect(again.facts.markets.map(valueOf)).toEqual(tape.markets.map(valueOf));
  expect(again.facts.events).toEqual(
    source.facts.events.map(({ eventTicker, exclusive }) => {
      return { eventTicker, exclusive, marketCount: 2 };
    }),
  );
});
