import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { centiCents, Prng } from "../../src/core/index.ts";
import {
  EventKind,
  importSession,
  openSession,
  PriceGrid,
  LINEAR_CENT,
  StampResolution,
  validateSession,
} from "../../src/market/index.ts";
import { deltaMessage, snapshotMessage, tradeMessage } from "./recording-fixture.ts";
import { importHarness } from "./import-fixture.ts";

const { folder, recording, run, refused } = importHarness();
const A = "KXTEST-26MAR18AAABBB-AAA";
const B = "KXTEST-26MAR18AAABBB-BBB";
const stamp = (microsecond: number): string =>
  `2026-03-18T19:36:00.${String(microsecond).padStart(6, "0")}Z`;
const OPENING = [
  snapshotMessage(1, A, [["0.4000", "10.00"]], [["0.5900", "20.00"]]),
  snapshotMessage(2, B, [["0.5800", "7.00"]], []),
];
const STORY = [
  ...OPENING,
  deltaMessage(3, A, "no", "0.5900", "-5.00", stamp(100)),
  tradeMessage(1, A, "yes", "0.4100", "5.00", 1_773_862_560),
  deltaMessage(4, B, "yes", "0.5900", "2.00", stamp(200)),
  deltaMessage(5, A, "yes", "0.4000", "-10.00", stamp(300)),
  tradeMessage(2, A, "no", "0.9900", "10.00", 1_773_862_560),
  snapshotMessage(6, A, [], []),
];

test("a small recording becomes the session that it tells of", async () => {
  const { out, report } = await run([recording(STORY)], { id: "small" });
  const session = openSession(out);
  const tape = session.readTape();
  const { snapshot, level, delta, trade, close } = EventKind;
  expect([...tape.order].map((row) => tape.kind[row])).toEqual([
    ...[snapshot, level, level, snapshot, level],
    ...[delta, trade, delta, delta, trade, close],
  ]);
  const rowsOfA = [...tape.kind.subarray(0, tape.streamStart[1])].length;
  expect([...tape.priceCc.subarray(0, rowsOfA)]).toEqual([
    0, 4000, 4100, 4100, 4100, 4000, 9900, 0,
  ]);
  expect([...tape.side.subarray(1, 5)]).toEqual([0, 1, 1, 1]);
  expect(tape.pairRow[3]).toBe(4);
  expect(session.id).toBe("small");
  expect(session.counts).toMatchObject({ snapshots: 3, deltas: 3, trades: 2, other: 0 });
  expect(report.markets.map(({ ticker, settlement }) => [ticker, settlement])).toEqual([
    [A, { valueCc: 10_000, source: "inferred" }],
    [B, null],
  ]);
  expect(session.facts.markets[0]).toMatchObject({
    ticker: A,
    eventTicker: "KXTEST-26MAR18AAABBB",
    seriesTicker: "KXTEST",
    closeUs: null,
  });
  expect(report.notes.join(" ")).toContain(`No result is known for ${B}`);
  expect(report.gaps).toEqual([]);
  expect(validateSession(session).sound).toBe(true);
});

test("facts are taken from options before anything is inferred", async () => {
  const { out } = await run([recording(STORY)], {
    results: new Map([
      [A, centiCents(0)],
      [B, centiCents(4_500)],
    ]),
    closes: new Map([["KXTEST-26MAR18AAABBB", 1_773_894_000_000_000 as never]]),
    exclusiveEvents: new Map([["KXTEST-26MAR18AAABBB", 2]]),
    fees: { type: "quadratic_with_maker_fees", multiplierPpm: 500_000 },
  });
  const { markets, events } = openSession(out).facts;
  expect(markets.map(({ settlement }) => settlement)).toEqual([
    { valueCc: 0, source: "given" },
    { valueCc: 4_500, source: "given" },
  ]);
  expect(markets.map(({ closeUs }) => closeUs)).toEqual(Array(2).fill(1_773_894_000_000_000));
  expect(markets[1]?.fees).toEqual({ type: "quadratic_with_maker_fees", multiplierPpm: 500_000 });
  expect(events).toEqual([
    { eventTicker: "KXTEST-26MAR18AAABBB", exclusive: true, marketCount: 2 },
  ]);
});

test("gzip, the order of the files and the folder's name change nothing", async () => {
  const ofA = STORY.filter((message) => JSON.stringify(message).includes(A));
  const ofB = STORY.filter((message) => JSON.stringify(message).includes(B));
  const plain = (await run([recording(STORY)])).report;
  const [fileA, fileB] = [recording(ofA, true), recording(ofB)];
  const split = (await run([fileB, fileA])).report;
  expect(split.contentHash).toBe(plain.contentHash);
  expect((await run([fileA, fileB])).report.contentHash).toBe(plain.contentHash);
  expect((await run([fileA, fileB], { slow: true })).report.contentHash).toBe(plain.contentHash);
});

test("files of one connection merge into the order of arrival, also with losses", async () => {
  const seed = Number(process.env["SEED"] ?? 21);
  for (let round = 0; round < 20; round++) {
    const prng = Prng.fromSeed(seed + round);
    const tickers = [A, B, "KXTEST-26MAR18AAABBB-CCC"];
    const messages: { ticker: string; message: object; book: boolean; seq: number }[] = [];
    let seq = 0;
    let tradeSeq = 0;
    for (const ticker of tickers) {
      const message = snapshotMessage(++seq, ticker, [["0.0100", "1000.00"]], []);
      messages.push({ ticker, message, book: true, seq });
    }
    for (let index = 0; index < 300; index++) {
      const ticker = tickers[prng.integer(3)] ?? A;
      const ts = stamp(index + 1);
      // The size tells the message's place, so that the order can be read off the session.
      if (prng.integer(4) > 0) {
        const message = deltaMessage(++seq, ticker, "yes", "0.0100", `${index + 1}.00`, ts);
        messages.push({ ticker, message, book: true, seq });
      } else {
        const size = `${index + 1}.00`;
        const message = tradeMessage(++tradeSeq, ticker, "no", "0.0100", size, 1_773_862_560);
        messages.push({ ticker, message, book: false, seq: tradeSeq });
      }
    }
    const kept = messages.filter((_, index) => index < 3 || prng.integer(60) > 0);
    const files = tickers.map((ticker) =>
      recording(kept.filter((entry) => entry.ticker === ticker).map(({ message }) => message)),
    );
    const { out, report } = await run(files, { feed: "complete" });
    const events = openSession(out).readEvents();
    const sizes = (kind: number): number[] =>
      [...events.size.keys()]
        .filter((row) => ((events.code[row] ?? 0) & 15) === kind)
        .map((row) => events.size[row] ?? 0);
    const where = `seed ${seed} round ${round}`;
    const ascending = (list: number[]): number[] => [...list].sort((a, b) => a - b);
    expect(sizes(EventKind.delta), where).toEqual(ascending(sizes(EventKind.delta)));
    expect(sizes(EventKind.trade), where).toEqual(ascending(sizes(EventKind.trade)));
    expect(sizes(EventKind.delta).length + sizes(EventKind.trade).length).toBe(kept.length - 3);
    // Every loss between two kept numbers is a gap, counted by the definition.
    for (const [book, scope] of [
      [true, "book"],
      [false, "trades"],
    ] as const) {
      const seqs = kept.filter((entry) => entry.book === book).map((entry) => entry.seq);
      const lost = (seqs.at(-1) ?? 0) - (seqs[0] ?? 0) + 1 - seqs.length;
      const found = report.gaps.filter((gap) => gap.scope === scope);
      expect(
        found.reduce((sum, gap) => sum + (gap.missing ?? 0), 0),
        where,
      ).toBe(lost);
    }
  }
});

test("a loss is recorded with its place, count and subscription", async () => {
  const { report, out } = await run([
    recording([
      ...OPENING,
      deltaMessage(5, A, "yes", "0.4000", "1.00", stamp(1)),
      tradeMessage(7, A, "yes", "0.4100", "1.00", 1_773_862_560),
      tradeMessage(9, A, "yes", "0.4100", "1.00", 1_773_862_560),
    ]),
  ]);
  const common = { market: null, reason: "sequence" };
  expect(report.gaps).toEqual([
    // Rows 0 to 4 are two snapshots and their three levels.
    { ...common, position: 5, scope: "book", missing: 2, sid: 1, firstSeq: 3 },
    { ...common, position: 7, scope: "trades", missing: 1, sid: 2, firstSeq: 8 },
  ]);
  expect(openSession(out).gaps).toEqual(report.gaps);
  expect(report.feed).toBe("complete");
  expect(report.feedAssumed).toBe(true);
});

test("many scattered holes speak for markets that were not imported; a flag overrules", async () => {
  const messages = [...OPENING];
  for (let index = 0; index < 40; index++) {
    messages.push(deltaMessage(10 + index * 3, A, "yes", "0.4000", "1.00", stamp(index)));
  }
  const file = recording(messages);
  const assumed = (await run([file])).report;
  expect(assumed.feed).toBe("partial");
  expect(assumed.gaps).toEqual([]);
  expect(assumed.notes[0]).toMatch(/taken for markets that were not imported/);
  const told = (await run([file], { feed: "complete" })).report;
  expect(told.gaps).toHaveLength(40);
});

test("losses elsewhere are no gaps, and a byte-order mark is no harm", async () => {
  const file = recording([
    `\uFEFF${JSON.stringify(OPENING[0])}`,
    OPENING[1],
    { type: "market_lifecycle_v2", sid: 7, seq: 1, msg: { market_ticker: A, event_type: "other" } },
    { type: "market_lifecycle_v2", sid: 7, seq: 9, msg: { market_ticker: A, event_type: "other" } },
    deltaMessage(3, A, "yes", "0.4000", "1.00", stamp(1)),
  ]);
  const { report } = await run([file]);
  expect(report.gaps).toEqual([]);
  expect(report.counts).toMatchObject({ snapshots: 2, deltas: 1 });
});

test("a market left out by --market leaves no gaps behind", async () => {
  const { report } = await run([recording(STORY)], { markets: [B] });
  expect(report.markets.map(({ ticker }) => ticker)).toEqual([B]);
  expect(report.counts).toMatchObject({ snapshots: 1, deltas: 1, trades: 0 });
  expect(report.gaps).toEqual([]);
});

test("messages of other kinds are counted and skipped, and keep their place in the sequence", async () => {
  const { report } = await run([
    recording([
      { id: 1, type: "subscribed", msg: { channel: "orderbook_delta", sid: 1 } },
      ...OPENING,
      { id: 2, type: "ok", sid: 1, seq: 3, msg: { market_tickers: [A, B] } },
      { type: "ticker", sid: 3, msg: { market_ticker: A, price_dollars: "0.4400" } },
      deltaMessage(4, A, "yes", "0.4000", "1.00", stamp(1)),
      { type: "news", sid: 9 },
    ]),
  ]);
  expect(report.skippedTypes).toEqual({ news: 1, ok: 1, subscribed: 1, ticker: 1 });
  expect(report.gaps).toEqual([]);
  expect(report.counts.deltas).toBe(1);
});

test("deltas before the first snapshot have no book: counted, left out, reported", async () => {
  const { report, out } = await run([
    recording([
      deltaMessage(1, A, "yes", "0.4000", "1.00", stamp(1)),
      deltaMessage(2, A, "yes", "0.4000", "1.00", stamp(2)),
      snapshotMessage(3, A, [["0.4000", "2.00"]], []),
      deltaMessage(4, A, "yes", "0.4000", "-2.00", stamp(3)),
    ]),
  ]);
  expect(report.markets[0]).toMatchObject({ orphanDeltas: 2, deltas: 1, negativeLevels: 0 });
  expect(validateSession(openSession(out)).sound).toBe(true);
});

test("a snapshot in mid-stream that differs is reported, and wins", async () => {
  const { report, out } = await run([
    recording([
      snapshotMessage(1, A, [["0.4000", "2.00"]], []),
      deltaMessage(2, A, "yes", "0.4100", "3.00", stamp(1)),
      snapshotMessage(
        3,
        A,
        [
          ["0.4000", "2.00"],
          ["0.4100", "4.00"],
          ["0.3000", "1.00"],
        ],
        [],
      ),
      deltaMessage(4, A, "yes", "0.4100", "-4.00", stamp(2)),
      snapshotMessage(
        5,
        A,
        [
          ["0.4000", "2.00"],
          ["0.3000", "1.00"],
        ],
        [],
      ),
      deltaMessage(6, A, "yes", "0.3000", "-2.00", stamp(3)),
    ]),
  ]);
  expect(report.differences).toEqual([
    { ticker: A, place: expect.stringMatching(/^recording-\d+\.ndjson:5$/) as string, levels: 2 },
  ]);
  const validation = validateSession(openSession(out));
  expect(validation.markets[0]).toMatchObject({ snapshotDifferences: 1, negativeLevels: 1 });
  expect(report.markets[0]?.negativeLevels).toBe(1);
  expect(validation.sound).toBe(false);
});

test("an empty snapshot in mid-stream empties the book; a final one closes the market", async () => {
  const { out } = await run([
    recording([
      snapshotMessage(1, A, [["0.4000", "2.00"]], []),
      snapshotMessage(2, A, [], []),
      deltaMessage(3, A, "yes", "0.4100", "3.00", stamp(1)),
      snapshotMessage(4, A, [], []),
    ]),
  ]);
  const { snapshot, level, delta, close } = EventKind;
  expect([...openSession(out).readTape().kind]).toEqual([snapshot, level, snapshot, delta, close]);
});

test("a connection that starts anew is a gap of unknown size", async () => {
  const { report, out } = await run([
    recording([
      ...OPENING,
      deltaMessage(3, A, "yes", "0.4000", "1.00", stamp(1)),
      snapshotMessage(1, A, [["0.4000", "12.00"]], []),
      snapshotMessage(2, B, [["0.4000", "12.00"]], []),
      deltaMessage(3, A, "yes", "0.4000", "1.00", stamp(2)),
    ]),
  ]);
  expect(report.gaps.map(({ reason, missing, position }) => [reason, missing, position])).toEqual([
    ["reconnect", null, 6],
  ]);
  const { kind } = openSession(out).readTape();
  expect([...kind].filter((what) => what === EventKind.gap)).toHaveLength(2);
});

test("lifecycle messages give status, result and expected close", async () => {
  const { out } = await run([
    recording([
      ...OPENING,
      {
        type: "market_lifecycle_v2",
        sid: 7,
        seq: 1,
        msg: {
          market_ticker: A,
          event_type: "created",
          additional_metadata: { expected_expiration_ts: 1_773_894_000 },
        },
      },
      deltaMessage(3, A, "yes", "0.4000", "1.00", stamp(1)),
      {
        type: "market_lifecycle_v2",
        sid: 7,
        seq: 2,
        msg: {
          market_ticker: A,
          event_type: "determined",
          result: "no",
          settlement_value: "0.0000",
        },
      },
      {
        type: "market_lifecycle_v2",
        sid: 7,
        seq: 3,
        msg: { market_ticker: "X", event_type: "settled" },
      },
    ]),
  ]);
  const session = openSession(out);
  expect(session.facts.markets).toHaveLength(2);
  expect(session.facts.markets[0]?.settlement).toEqual({ valueCc: 0, source: "venue" });
  expect(session.facts.markets[0]?.closeUs).toBe(1_773_894_000_000_000);
  expect([...session.readTape().kind]).toContain(EventKind.status);
});

test("trades without sequence numbers or stamps finer than a second are still read", async () => {
  const { report, out } = await run([
    recording(
      STORY.map((message) => {
        const numbered: { seq?: number } = { ...message };
        delete numbered.seq;
        return numbered;
      }),
    ),
  ]);
  expect(report.feed).toBe("unnumbered");
  expect(report.counts).toMatchObject({ deltas: 3, trades: 2 });
  const { code } = openSession(out).readEvents();
  const resolutions = [...code]
    .filter((row) => (row & 15) === EventKind.trade)
    .map((row) => row >> 5);
  expect(resolutions).toEqual([StampResolution.second, StampResolution.second]);
});

test("bad input is refused with file and line, and nothing is left behind", async () => {
  const good = recording(STORY);
  const broken = recording([...OPENING, '{"type":"orderbook_delta","sid":1,"seq":3,"msg":{"mark']);
  await refused([broken], /recording-\d+\.ndjson:5: expected one JSON object a line/);
  const offGrid = recording([...OPENING, deltaMessage(3, A, "yes", "0.4050", "1.00", stamp(1))]);
  await refused(
    [offGrid],
    /:5: price_dollars: expected a price on the market's tick grid .*0.4050/,
  );
  await refused([good], /--market KXOTHER: expected one of the recording's KXTEST/, {
    markets: ["KXOTHER"],
  });
  await refused([good], /--result KXOTHER: expected one of/, {
    results: new Map([["KXOTHER", centiCents(0)]]),
  });
  await refused([good, good], /expected each message once, was seq 1 of sid 1 in both/);
  await refused([join(folder, "missing.ndjson")], /missing.ndjson: could not be read/);
  await refused([], /expected at least one file/);
  const empty = recording([{ type: "subscribed" }]);
  await refused([empty], /expected order-book or trade messages, was none/);
  const text = join(folder, "text.txt");
  writeFileSync(text, "hello\n");
  await refused([text], /text.txt:1: expected Kalshi WebSocket messages.*was "hello/);
});

test("files that contradict each other's order are refused", async () => {
  const first = recording([
    snapshotMessage(4, A, [], []),
    tradeMessage(1, A, "yes", "0.4100", "1.00", 1),
  ]);
  const second = recording([
    tradeMessage(2, B, "yes", "0.4100", "1.00", 1),
    snapshotMessage(3, B, [], []),
  ]);
  await refused([first, second], /expected files of one connection, .*was a contradiction/);
});

test("a cut-off or damaged gzip file is refused, with the line it reached", async () => {
  const messages: object[] = [...OPENING];
  for (let index = 0; index < 20_000; index++) {
    const size = `${(index * 7919) % 1013}.00`;
    messages.push(deltaMessage(3 + index, A, "yes", "0.4000", size, stamp(index)));
  }
  const file = recording(messages, true);
  const whole = readFileSync(file);
  truncateSync(file, Math.floor(whole.length / 2));
  await refused([file], /expected a complete gzip file, was cut off after line \d{3,}/);
  truncateSync(file, 12);
  await refused([file], /cut off/);
  const damaged = Buffer.from(whole);
  damaged.fill(0x55, 60_000, 60_100);
  writeFileSync(file, damaged);
  await refused([file], /recording-\d+\.ndjson: expected a sound gzip file|:\d+: /);
});

test("a session folder that cannot be written is refused", async () => {
  const file = recording(STORY);
  const out = join(file, "session");
  await expect(importSession([file], { out })).rejects.toThrow(
    /expected a folder that can be written/,
  );
});

/** Limits the size of files this process writes, as a full disk would. */
function limitFiles(bytes: string): boolean {
  try {
    execFileSync("prlimit", [`--pid=${process.pid}`, `--fsize=${bytes}:unlimited`], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}
const canLimit = limitFiles("unlimited");

test.skipIf(!canLimit)(
  "a disk that is full is an error, and leaves nothing (needs prlimit)",
  async () => {
    const messages: object[] = [...OPENING];
    const prng = Prng.fromSeed(1);
    for (let index = 0; index < 20_000; index++) {
      const size = `${prng.integer(1_000_000)}.00`;
      messages.push(
        deltaMessage(3 + index, A, "yes", "0.4000", size, stamp(prng.integer(1_000_000))),
      );
    }
    const file = recording(messages);
    limitFiles("60000");
    try {
      await refused([file], /the session could not be written/);
    } finally {
      limitFiles("unlimited");
    }
    expect(existsSync((await run([file])).out)).toBe(true);
  },
);

test("off-grid trades of finer markets are accepted once their price ranges are given", async () => {
  const file = recording([
    snapshotMessage(1, A, [["0.4050", "1.00"]], []),
    deltaMessage(2, A, "yes", "0.4055", "1.00", stamp(1)),
  ]);
  await refused([file], /:1: snapshot level: expected a price on the market's tick grid/);
  const [band] = LINEAR_CENT;
  if (band === undefined) throw new Error("one band");
  const priceRanges = [{ ...band, stepCc: centiCents(5) }];
  const { out } = await run([file], { priceRanges });
  expect(new PriceGrid(openSession(out).facts.markets[0]?.priceRanges ?? []).count).toBe(1_999);
});
