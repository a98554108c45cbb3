import fc from "fast-check";
import { expect, test } from "vitest";
import { OperationError, sha256 } from "../../src/core/index.ts";
import { EntryDecoder, EntryEncoder } from "../../src/journal/live-codec.ts";
import type { LiveEntry, LiveInput } from "../../src/journal/index.ts";
import { delta, feedOf, START_US } from "./live-case.ts";

const LARGEST = Number.MAX_SAFE_INTEGER;

/** Plus zero turns -0 into 0: no quantity has a sign at zero. */
const integer = fc
  .oneof(fc.integer({ min: -300, max: 300 }), fc.integer(), fc.maxSafeInteger())
  .map((value) => value + 0);
const side = fc.constantFrom(0 as const, 1 as const);
const anyText = fc.oneof(fc.uuid(), fc.string({ unit: "binary" }), fc.string({ maxLength: 300 }));

const deltas = fc.record({
  kind: fc.constant("delta"),
  market: integer,
  side,
  price: integer,
  change: integer,
  stampUs: integer,
  own: fc.boolean(),
});
const trades = fc.record({
  kind: fc.constant("trade"),
  market: integer,
  hit: side,
  price: integer,
  size: integer,
  stampUs: integer,
  isBlock: fc.boolean(),
  tradeId: fc.oneof(
    anyText,
    fc.uuid().map((id) => id.toUpperCase()),
  ),
});
const others = fc.oneof(
  fc.record({
    kind: fc.constant("snapshot"),
    market: fc.nat(),
    levels: fc.array(fc.record({ side, priceCc: fc.nat(), size: fc.nat() })),
  }),
  fc.record({
    kind: fc.constant("gap"),
    market: fc.option(fc.nat()),
    cause: anyText,
  }),
);
const news = fc.record({
  kind: fc.constant("market"),
  news: fc.oneof({ weight: 3, arbitrary: deltas }, { weight: 2, arbitrary: trades }, others),
});
const commands = fc.record({
  kind: fc.constant("command"),
  name: fc.constantFrom("start", "stop", "kill"),
  by: anyText,
});
const ticks = fc.record({ kind: fc.constant("tick"), atUs: integer });

/** Any entries at all, with any numbers and texts. */
const entryLists: fc.Arbitrary<LiveEntry[]> = fc.array(
  fc.record({
    atUs: integer,
    input: fc.oneof({ weight: 5, arbitrary: news }, commands, ticks) as fc.Arbitrary<LiveInput>,
  }),
);

/** The blocks that `entries` become where they are cut at `cuts`. */
function encoded(entries: readonly LiveEntry[], cuts: readonly number[] = []): Uint8Array[] {
  const encoder = new EntryEncoder();
  const bounds = [0, ...cuts.map((cut) => cut % (entries.length + 1)), entries.length];
  bounds.sort((a, b) => a - b);
  return bounds.slice(1).map((end, index) => {
    const bytes = encoder.encode(entries.slice(bounds[index], end)).slice();
    encoder.accept();
    return bytes;
  });
}

test("entries come back exactly, whatever is in them, in blocks of any sizes", () => {
  const cuts = fc.array(fc.nat(), { maxLength: 4 });
  fc.assert(
    fc.property(entryLists, cuts, (entries, at) => {
      const decoder = new EntryDecoder();
      const back = encoded(entries, at).flatMap((bytes) => decoder.decode(bytes));
      expect(back).toEqual(entries);
    }),
    { seed: 5, numRuns: 400 },
  );
});

test("the bytes of a run are the same however it was put into blocks", () => {
  fc.assert(
    fc.property(entryLists, fc.array(fc.nat(), { maxLength: 4 }), (entries, cuts) => {
      const whole = Buffer.concat(encoded(entries));
      expect(Buffer.concat(encoded(entries, cuts)).equals(whole)).toBe(true);
    }),
    { seed: 6 },
  );
});

test("the largest numbers of either sign are exact, next to each other too", () => {
  const values = [
    LARGEST,
    -LARGEST,
    0,
    1,
    -1,
    63,
    64,
    -64,
    8191,
    8192,
    2 ** 31,
    2 ** 52,
    -(2 ** 52),
  ];
  const entries = values.flatMap((value) =>
    values.map((other): LiveEntry => {
      const { input } = delta(START_US, 0, value);
      if (input.kind !== "market" || input.news.kind !== "delta") throw new Error("a delta");
      return { atUs: other, input: { ...input, news: { ...input.news, stampUs: value } } };
    }),
  );
  expect(new EntryDecoder().decode(encoded(entries)[0] ?? new Uint8Array())).toEqual(entries);
});

test("a block that was not accepted leaves nothing behind", () => {
  const [a, b] = [feedOf(20, 1), feedOf(30, 2)];
  const encoder = new EntryEncoder();
  encoder.encode(a);
  encoder.accept();
  encoder.encode(feedOf(5, 3));
  const bytes = encoder.encode(b).slice();
  expect(Buffer.concat([...encoded(a), bytes])).toEqual(Buffer.concat(encoded([...a, ...b])));
});

test("a delta of a busy feed takes at most 15 bytes", () => {
  const bytes = Buffer.concat(encoded(feedOf(10_000, 4)));
  expect(bytes.length / 10_000).toBeLessThan(15);
});

test("the bytes are those of the format's description", () => {
  const [bytes = new Uint8Array()] = encoded([
    delta(3, 200, -5),
    { ...delta(2, 9900, 1, 7), atUs: 2 },
  ]);
  // Code, time 3, market 0, price 200 = 8 + 64 * 3, change -5, stamp 3 - 41000; code with ask side,
  // time -1, market 7, price 9900 = 44 + 64 * (26 + 128 * 1), change 1, stamp -1.
  const expected = [1, 3, 0, 0x88, 3, 0x45, ...[0xc0 | (40_997 % 64), 0x80 | 0, 5]];
  expect([...bytes.subarray(0, expected.length)]).toEqual(expected);
  expect([...bytes.subarray(expected.length)]).toEqual([5, 0x41, 7, 0xac, 0x80 | 26, 1, 1, 0x41]);
});

test("cut or changed bytes are named damage, or read as other entries; nothing else", () => {
  const [bytes = new Uint8Array()] = encoded([
    ...feedOf(5, 8),
    { atUs: START_US, input: { kind: "command", name: "stop", by: "somebody" } },
  ]);
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1, 0x40, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ flip;
      expectDamageOrEntries(changed);
    }
    expectDamageOrEntries(bytes.subarray(0, at));
  }
  expect(sha256(bytes)).toBe(sha256(encoded(new EntryDecoder().decode(bytes))[0] ?? ""));
});

function expectDamageOrEntries(bytes: Uint8Array): void {
  try {
    expect(Array.isArray(new EntryDecoder().decode(bytes))).toBe(true);
  } catch (error) {
    expect(error).toBeInstanceOf(OperationError);
    expect((error as OperationError).code).toBe("JOURNAL_DAMAGED");
  }
}
