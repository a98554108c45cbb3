/** What of a market's fees and end the importer keeps, and that sessions keep it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { centiCents } from "../../src/core/index.ts";
import {
  feesAt,
  type ImportOptions,
  importSession,
  type MarketInfo,
  openSession,
  parseIsoTime,
} from "../../src/market/index.ts";
import {
  deltaMessage,
  snapshotMessage,
  tradeMessage,
  writeRecording,
} from "./recording-fixture.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fees-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const A = "KXG-26MAR18-A";
const B = "KXG-26MAR18-B";
const at = (second: number): string => `2026-03-18T02:00:0${second}.000000Z`;
const us = (second: number): number => parseIsoTime(at(second), "test");
const feeUpdate = (
  seq: number,
  type: string | null,
  multiplier: number | null,
  event = "KXG-26MAR18",
) => ({
  type: "event_fee_update",
  sid: 7,
  seq,
  msg: { event_ticker: event, fee_type_override: type, fee_multiplier_override: multiplier },
});
const OPENING = [
  snapshotMessage(1, A, [["0.4000", "10.00"]], [["0.5000", "10.00"]]),
  snapshotMessage(2, B, [["0.4000", "10.00"]], [["0.5000", "10.00"]]),
];

let count = 0;
async function imported(messages: readonly unknown[], options: Partial<ImportOptions> = {}) {
  const out = join(folder, `session-${count++}`);
  const path = writeRecording(join(folder, `recording-${count}.ndjson`), [...OPENING, ...messages]);
  const report = await importSession([path], { out, feed: "partial", ...options });
  const session = openSession(out);
  const [a, b] = session.facts.markets;
  expect(session.computeContentHash()).toBe(session.contentHash);
  expect(session.readTape().markets).toEqual(session.facts.markets);
  session.close();
  return { a: a as MarketInfo, b: b as MarketInfo, report };
}

const PLAIN = { type: "quadratic", multiplierPpm: 1_000_000 } as const;

test("an event's fees that the feed tells count from the latest stamp before them", async () => {
  const { a, b, report } = await imported([
    deltaMessage(3, A, "yes", "0.4000", "1.00", at(1)),
    feeUpdate(1, "quadratic_with_maker_fees", 0.5),
    deltaMessage(4, A, "yes", "0.4000", "1.00", at(2)),
    feeUpdate(2, "quadratic", 0, "KXOTHER-1"),
    deltaMessage(5, B, "yes", "0.4000", "1.00", at(3)),
    feeUpdate(3, null, null),
  ]);
  const changed = { type: "quadratic_with_maker_fees", multiplierPpm: 500_000 };
  for (const info of [a, b]) {
    expect(info.fees).toEqual(PLAIN);
    expect(info.feeChanges).toEqual([
      { atUs: us(1), terms: changed },
      { atUs: us(3), terms: PLAIN },
    ]);
    expect(feesAt(info, us(2))).toEqual(changed);
  }
  expect(report.skippedTypes).toEqual({});
  expect(report.notes.join(" ")).toContain(`Fees change with time in ${A}, ${B}.`);
});

test("one before any stamp holds from the beginning; a type without a formula is refused", async () => {
  const { a } = await imported([feeUpdate(1, null, 0.5)]);
  expect(a.fees).toEqual({ ...PLAIN, multiplierPpm: 500_000 });
  expect(a.feeChanges).toBeUndefined();
  await expect(imported([feeUpdate(1, "flat", null)])).rejects.toThrow(
    /ndjson:5: fee_type_override: expected one of .*, was "flat"; .*no formula$/,
  );
  await expect(imported([feeUpdate(1, null, "0.5" as never)])).rejects.toThrow(
    /fee_multiplier_override: expected a number, was "0.5"$/,
  );
});

test("fees are given for series, event and market, each over the one before", async () => {
  const terms = (multiplierPpm: number) => ({ ...PLAIN, multiplierPpm });
  const fromUs = us(5) as never;
  const { a, b } = await imported([], {
    feeTerms: [
      { key: "KXG", fromUs: null, terms: terms(400_000) },
      { key: "KXG", fromUs, terms: terms(300_000) },
      { key: A, fromUs: null, terms: terms(0) },
    ],
    feeWaivers: new Map([[B, us(4) as never]]),
  });
  expect(a.fees).toEqual(terms(0));
  expect(a.feeChanges).toBeUndefined();
  expect(b.fees).toEqual(terms(0));
  expect(b.feeChanges).toEqual([
    { atUs: us(4), terms: terms(400_000) },
    { atUs: us(5), terms: terms(300_000) },
  ]);
  const event = await imported([feeUpdate(1, null, 2)], {
    feeTerms: [
      { key: "KXG", fromUs: null, terms: terms(400_000) },
      { key: "KXG-26MAR18", fromUs: null, terms: terms(100_000) },
    ],
  });
  expect(event.a.fees).toEqual(terms(100_000));
  await expect(
    imported([], { feeTerms: [{ key: "KXH", fromUs: null, terms: PLAIN }] }),
  ).rejects.toThrow(/^--fees KXH: expected one of the recording's /);
});

test("a market that was called off pays its last traded price", async () => {
  const { a, b } = await imported(
    [
      deltaMessage(3, A, "yes", "0.4000", "-3.00", at(1)),
      tradeMessage(1, A, "no", "0.4000", "3.00", us(1) / 1_000_000),
    ],
    { results: new Map([[A, "void" as const]]) },
  );
  expect(a.settlement).toEqual({ valueCc: 4000, source: "given" });
  expect(b.settlement).toBeNull();
  await expect(imported([], { results: new Map([[A, "void" as const]]) })).rejects.toThrow(
    new RegExp(`^--result ${A}=void: expected a trade in the recording.*0\\.xx$`),
  );
});

test("the venue's determination may be of any value", async () => {
  const determined = (value: string) => ({
    type: "market_lifecycle_v2",
    sid: 7,
    seq: 1,
    msg: { market_ticker: A, event_type: "determined", result: "scalar", settlement_value: value },
  });
  const { a } = await imported([determined("0.3725")]);
  expect(a.settlement).toEqual({ valueCc: centiCents(3725), source: "venue" });
});
