import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { EventKind, openSession, validateSession } from "../../src/market/index.ts";
import { importHarness } from "./import-fixture.ts";

const { folder, run, refused } = importHarness();
const HEADER = "Time,Competitor,Operation,OrderId,Instrument,Side,Volume,Price,Lifespan,Fee";
const LOG = [
  HEADER,
  "2023-04-10 13:31:00.945899+00:00,,,,0,,,4079.3899,,",
  "2023-04-10 13:31:02.651062+00:00,,Insert,1,1,A,50,6800.0,G,0",
  "2023-04-10 13:31:02.651062+00:00,,Insert,0,1,B,600,3600.0,G,0",
  "2023-04-10 13:31:02.700000+00:00,,Insert,2,1,B,20,6900.0,G,0",
  "2023-04-10 13:31:02.800000+00:00,,,,0,,,4079.8,,",
  "2023-04-10 13:31:02.900000+00:00,,Insert,3,1,A,40,3600.0,G,0",
  "2023-04-10 13:31:03.000000+00:00,,Cancel,4,1,B,560,3600.0,G,0",
];

test("an order log becomes snapshot, deltas, trades and a reference stream", async () => {
  const file = join(folder, "log.csv.gz");
  writeFileSync(file, gzipSync(LOG.join("\r\n")));
  const { out, report } = await run([file], { ticker: "SPX-23APR10-T4100" });
  const session = openSession(out);
  const { snapshot, level, delta, trade, reference } = EventKind;
  const tape = session.readTape();
  expect([...tape.order].map((row) => [tape.kind[row], tape.priceCc[row], tape.size[row]])).toEqual(
    [
      [reference, 0, 40_793_899],
      [snapshot, 0, 2],
      [level, 3600, 60_000],
      [level, 6800, 5_000],
      // An insert through the best ask at 68: nothing rests at its own 69, so it walks from the best.
      [delta, 6800, -2_000],
      [trade, 6800, 2_000],
      [reference, 0, 40_798_000],
      [delta, 3600, -4_000],
      [trade, 3600, 4_000],
      [delta, 3600, -56_000],
    ],
  );
  expect(report.markets[0]).toMatchObject({
    ticker: "SPX-23APR10-T4100",
    trades: 2,
    negativeLevels: 0,
  });
  expect(session.facts.references).toEqual(["SPX"]);
  expect(session.facts.markets[0]?.eventTicker).toBe("SPX-23APR10");
  expect(validateSession(session)).toMatchObject({ sound: true, pairedShare: 1 });
});

test("wrong rows of an order log are named, with file, line and column", async () => {
  const cases: [string, RegExp][] = [
    [LOG.join("\n").replace("Insert,2,", "Upsert,2,"), /log.csv:5: Operation: expected Insert or/],
    [LOG.join("\n").replace("1,B,20,", "1,C,20,"), /log.csv:5: Side: expected A or B, was "C"/],
    [
      LOG.join("\n").replace("1,B,20,", "1,B,-20,"),
      /log.csv:5: Volume: expected a positive number/,
    ],
    [
      LOG.join("\n").replace("6900.0", "6950.0"),
      /log.csv:5: Price: expected a price on the market's/,
    ],
    [
      LOG.join("\n").replace("4079.8,", "up,"),
      /log.csv:6: Price: expected a decimal number, was "up"/,
    ],
    [
      LOG.join("\n").replace("13:31:02.7", "25:31:02.7"),
      /log.csv:5: Time: expected an ISO 8601 time/,
    ],
    [LOG.join("\n").replace("6900.0,G,0", "6900.0"), /log.csv:5: expected 10 columns, was 8/],
    [HEADER, /expected rows of instrument 1, was none/],
  ];
  const file = join(folder, "log.csv");
  for (const [text, message] of cases) {
    writeFileSync(file, text);
    await refused([file], message);
  }
});
