import { join } from "node:path";
import { expect, test } from "vitest";
import {
  BookSide,
  createSession,
  openSession,
  type SessionQuality,
  sessionQuality,
  type SessionWriter,
  StampResolution,
} from "../../src/market/index.ts";
import { cents, facts, START_US, temporaryFolder } from "./sessions-fixture.ts";

const folder = temporaryFolder();
let made = 0;

function qualityOf(write: (writer: SessionWriter) => void): SessionQuality {
  const path = join(folder, String(made++));
  const writer = createSession(path, facts(["A", "B"]));
  write(writer);
  writer.finish();
  const session = openSession(path);
  const quality = sessionQuality(session, session.readTape());
  session.close();
  return quality;
}

const PERFECT = { received: 1, bookKnown: 1, paired: 1, consistent: 1, attributed: 1 };

test("a session without events, and one without a flaw, have the full score", () => {
  expect(qualityOf(() => undefined)).toEqual({ score: 1, weakest: "received", ...PERFECT });
  const quality = qualityOf((writer) => {
    writer.snapshot(0, []);
    writer.delta(0, BookSide.bid, cents(40), 100, START_US);
    writer.delta(0, BookSide.bid, cents(40), -100, START_US + 1);
  });
  expect(quality).toEqual({ score: 1, weakest: "received", ...PERFECT });
});

test("each share is what it says, and the score is the least", () => {
  const quality = qualityOf((writer) => {
    const bid = BookSide.bid;
    writer.snapshot(0, []);
    writer.snapshot(1, []);
    writer.delta(0, bid, cents(40), 300, START_US);
    writer.delta(1, bid, cents(40), 300, START_US);
    // Fits the order in front, then one that does not, then one without a delta.
    for (const size of [200, 150]) {
      writer.delta(0, bid, cents(40), -size, START_US + 10);
      writer.trade(0, bid, cents(40), size, START_US + 10, StampResolution.microsecond);
      writer.delta(0, bid, cents(40), 150, START_US + 10);
    }
    writer.trade(0, bid, cents(40), 7, START_US + 10, StampResolution.microsecond);
    // Four cancels, of which one is more than anybody has.
    writer.delta(0, bid, cents(41), 500, START_US + 10);
    for (const size of [100, 100, 100]) writer.delta(0, bid, cents(41), -size, START_US + 10);
    writer.delta(0, bid, cents(41), -900, START_US + 10);
    writer.gap({
      market: "KXTEST-26MAR18-A",
      scope: "book",
      reason: "sequence",
      missing: 4,
      sid: 1,
      firstSeq: 5,
    });
    writer.delta(1, bid, cents(40), 100, START_US + 30);
    writer.snapshot(1, []);
    writer.delta(1, bid, cents(40), 100, START_US + 40);
  });
  // 13 deltas and 3 snapshots came, 4 messages did not.
  expect(quality).toMatchObject({ paired: 2 / 3, consistent: 1 / 2, attributed: 3 / 4 });
  expect(quality).toMatchObject({ score: 1 / 2, weakest: "consistent", bookKnown: 1 });
  expect(quality.received).toBe(16 / 20);
});

test("time between a loss and the snapshot that heals it has no known book", () => {
  const quality = qualityOf((writer) => {
    for (const stream of [0, 1]) writer.snapshot(stream, []);
    for (const stream of [0, 1]) writer.delta(stream, BookSide.bid, cents(40), 100, START_US);
    writer.delta(0, BookSide.bid, cents(40), 100, START_US + 30);
    writer.gap({
      market: null,
      scope: "book",
      reason: "sequence",
      missing: null,
      sid: 1,
      firstSeq: 5,
    });
    writer.delta(0, BookSide.bid, cents(40), 100, START_US + 50);
    writer.snapshot(0, []);
    writer.delta(0, BookSide.bid, cents(40), 100, START_US + 70);
    writer.delta(1, BookSide.bid, cents(40), 100, START_US + 100);
  });
  // A is unknown from its gap at 30 to its snapshot at 70, which has the time of the next delta; B
  // has no later snapshot and is used as it is. Together 70 + 100 microseconds, 40 unknown.
  expect(quality.bookKnown).toBe((170 - 40) / 170);
  expect(quality.weakest).toBe("bookKnown");
});
