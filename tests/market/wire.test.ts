import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { formatIsoTime, parseIsoTime } from "../../src/market/index.ts";
import { emptyWireRow, readWireMessage, type WireRow } from "../../src/market/wire-message.ts";
import { WireScanner } from "../../src/market/wire-scanner.ts";
import { hasRecordings, recordingFiles } from "../fixtures/recordings.ts";

const DELTA =
  `{"type":"orderbook_delta","sid":1,"seq":12,"msg":{"market_ticker":"KXNBA-26MAR07-GSW",` +
  `"market_id":"6a717ade-50da","price":82,"price_dollars":"0.8200","delta":-434,` +
  `"delta_fp":"-434.50","side":"no","ts":"2026-03-08T00:11:58.11217Z"}}`;
const TRADE =
  `{"type":"trade","sid":2,"seq":3,"msg":{"trade_id":"82a7dae5","market_ticker":"KXNBA-26MAR07-GSW",` +
  `"yes_price":16,"no_price":84,"yes_price_dollars":"0.1600","no_price_dollars":"0.8400",` +
  `"count":118,"count_fp":"118.00","taker_side":"yes","ts":1772928727}}`;
const NEW_TRADE =
  `{"type":"trade","sid":2,"seq":1,"msg":{"trade_id":"7c1e","market_ticker":"KXTEST-26DEC01-T50",` +
  `"yes_price_dollars":"0.4500","no_price_dollars":"0.5500","count_fp":"3.00","taker_side":"yes",` +
  `"taker_outcome_side":"no","taker_book_side":"bid","is_block_trade":true,"ts":1795176001,` +
  `"ts_ms":1795176001456}}`;

/** The fields that matter of a reading; undefined where the scanner gave up. */
function scanned(text: string, useYesPrice = false): Partial<WireRow> | undefined {
  const row = emptyWireRow();
  // Bytes before and behind the line, as in the middle of a file.
  const bytes = Buffer.from(`}}\n${text}\n{"ty`, "latin1");
  const known = new WireScanner(useYesPrice).scan(row, bytes, 3, 3 + Buffer.from(text).length);
  return known ? fields(row) : undefined;
}

function full(text: string, useYesPrice = false): Partial<WireRow> {
  const row = emptyWireRow();
  readWireMessage(row, text, "file:1", useYesPrice);
  return fields(row);
}

function fields(row: WireRow): Partial<WireRow> {
  const { kind, type, sid, seq, ticker, side, priceCc, size, stampUs, resolution } = row;
  return { kind, type, sid, seq, ticker, side, priceCc, size, stampUs, resolution };
}

test("a delta of the no side is an ask at one dollar minus its price", () => {
  const expected = {
    kind: "delta",
    type: "orderbook_delta",
    sid: 1,
    seq: 12,
    ticker: "KXNBA-26MAR07-GSW",
    side: 1,
    priceCc: 1800,
    size: -43_450,
    stampUs: Date.UTC(2026, 2, 8, 0, 11, 58) * 1000 + 112_170,
    resolution: 1,
  };
  expect(full(DELTA)).toEqual(expected);
  expect(scanned(DELTA)).toEqual(expected);
  expect(full(DELTA, true).priceCc).toBe(8200);
  expect(scanned(DELTA, true)?.priceCc).toBe(8200);
});

test("a taker who buys YES hits an ask, and stamps keep their resolution", () => {
  const expected = {
    kind: "trade",
    type: "trade",
    sid: 2,
    seq: 3,
    ticker: "KXNBA-26MAR07-GSW",
    side: 1,
    priceCc: 1600,
    size: 11_800,
    stampUs: 1_772_928_727_000_000,
    resolution: 3,
  };
  expect(full(TRADE)).toEqual(expected);
  expect(scanned(TRADE)).toEqual(expected);
});

test("newer trades: block trades, outcome side before taker side, milliseconds before seconds", () => {
  const read = full(NEW_TRADE);
  expect(read).toMatchObject({ kind: "blockTrade", side: 0, resolution: 2 });
  expect(read.stampUs).toBe(1_795_176_001_456_000);
  expect(scanned(NEW_TRADE)).toEqual(read);
});

test("what the scanner reads of mutated lines, the full reading reads alike", () => {
  const seed = Number(process.env["SEED"] ?? 5);
  const prng = Prng.fromSeed(seed);
  const lines = [DELTA, TRADE, NEW_TRADE];
  const alphabet = `"{}[],:.-0159aeltnufsyoZT \\`;
  let accepted = 0;
  for (let round = 0; round < 60_000; round++) {
    let text = lines[prng.integer(3)] ?? "";
    for (let change = prng.integer(2); change >= 0; change--) {
      const at = prng.integer(text.length);
      const letter = alphabet[prng.integer(alphabet.length)] ?? "";
      const what = prng.integer(3);
      text = text.slice(0, at) + (what === 0 ? "" : letter) + text.slice(at + (what === 2 ? 0 : 1));
    }
    const fast = scanned(text);
    if (fast === undefined) continue;
    accepted += 1;
    expect(full(text), `seed ${seed} round ${round}: ${text}`).toEqual(fast);
  }
  expect(accepted).toBeGreaterThan(1_000);
});

test.skipIf(!hasRecordings)(
  "scanner and full reading agree on every line of real files (needs ../shared/sessions)",
  async () => {
    const files = [
      ...recordingFiles("kalshi-ws-26MAR18", ["OKCBKN"]),
      ...recordingFiles("kalshi-ws-ufc", ["-NUR"]),
    ];
    let lines = 0;
    let fast = 0;
    for (const file of files) {
      const input = createReadStream(file).pipe(createGunzip());
      for await (const line of createInterface({ input })) {
        if (line === "") continue;
        lines += 1;
        const read = scanned(line);
        if (read === undefined) continue;
        fast += 1;
        expect(read).toEqual(full(line));
      }
    }
    expect(lines).toBe(14_211 + 15_835 + 817 + 2_308 + 4 + 43_278 + 4_136 + 1);
    // All but the snapshots.
    expect(lines - fast).toBe(5);
  },
);

test("wrong fields are named, with file and line", () => {
  const cases: [string, RegExp][] = [
    [DELTA.replace('"0.8200"', '"0.82001"'), /^file:1: price_dollars: expected at most 4 decimals/],
    [DELTA.replace('"0.8200"', '"1.8200"'), /^file:1: price_dollars: expected a price from 0 to 1/],
    [DELTA.replace('"0.8200"', "82"), /^file:1: price_dollars: expected a string, was 82/],
    [DELTA.replace('"price_dollars"', '"p"'), /price_dollars: expected a string, was missing/],
    [
      DELTA.replace('"-434.50"', '"many"'),
      /^file:1: delta_fp: expected a decimal number, was "many"/,
    ],
    [DELTA.replace('"no"', '"maybe"'), /^file:1: side: expected "yes" or "no", was "maybe"/],
    [DELTA.replace("2026-03-08T", "2026-13-08T"), /^file:1: ts: expected an ISO 8601 time/],
    [DELTA.replace('"seq":12', '"seq":-1'), /^file:1: seq: expected a whole number, was -1/],
    [TRADE.replace(',"ts":1772928727', ""), /^file:1: ts: expected a time, was missing/],
    [TRADE.replace('"taker_side":"yes",', ""), /^file:1: taker_side: expected "yes" or "no"/],
    [TRADE.slice(0, 70), /^file:1: expected one JSON object a line, was .*cut off/],
    ["[1]", /^file:1: expected a JSON object/],
  ];
  for (const [text, message] of cases) {
    expect(scanned(text), text).toBeUndefined();
    expect(() => full(text), text).toThrow(message);
  }
});

test("a snapshot with integer levels only is refused rather than read as empty", () => {
  const text = `{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"A","yes":[[1,5]]}}`;
  expect(() => full(text)).toThrow(/yes_dollars_fp: expected price and size strings/);
});

test("ISO stamps with 0 to 9 digits and offsets, against Date", () => {
  const base = Date.UTC(2026, 1, 28, 23, 59, 58) * 1000;
  expect(parseIsoTime("2026-02-28T23:59:58Z", "t")).toBe(base);
  expect(parseIsoTime("2026-02-28T23:59:58.5Z", "t")).toBe(base + 500_000);
  expect(parseIsoTime("2026-02-28T23:59:58.123456789Z", "t")).toBe(base + 123_456);
  expect(parseIsoTime("2026-03-01 01:29:58+01:30", "t")).toBe(base);
  expect(parseIsoTime("2026-02-28", "t")).toBe(Date.UTC(2026, 1, 28) * 1000);
  const prng = Prng.fromSeed(8);
  for (let round = 0; round < 2_000; round++) {
    const ms = prng.integer(4_000_000_000) * 1_000 + prng.integer(1_000);
    const text = new Date(ms).toISOString();
    expect(parseIsoTime(text, "t")).toBe(ms * 1_000);
    expect(formatIsoTime(ms * 1_000)).toBe(text.replace("Z", "000Z"));
  }
});
