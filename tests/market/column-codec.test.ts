import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeChunk, encodeChunk } from "../../src/market/column-codec.ts";
import { eventColumns, NO_STAMP } from "../../src/market/event-columns.ts";

const LARGE = 2 ** 51;

test("chunks come back exactly, whatever the numbers in them", () => {
  const row = fc.record({
    code: fc.integer({ min: 0, max: 127 }),
    stream: fc.integer({ min: 0, max: 65_535 }),
    priceCc: fc.integer({ min: 0, max: 10_000 }),
    size: fc.oneof(fc.integer({ min: -300, max: 300 }), fc.maxSafeInteger()).map((size) => {
      return Math.abs(size) > LARGE ? size % LARGE : size;
    }),
    stampUs: fc.oneof(fc.integer({ min: 0 }), fc.integer({ min: 0, max: 2_000_000_000_000_000 })),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 60 }), fc.nat({ max: 5 }), (rows, from) => {
      const columns = eventColumns(rows.length);
      rows.forEach((each, at) => {
        columns.code[at] = each.code;
        columns.stream[at] = each.stream;
        columns.priceCc[at] = each.priceCc;
        columns.size[at] = each.size;
        columns.stampUs[at] = each.code >>> 5 === 0 ? NO_STAMP : each.stampUs;
      });
      const chunk = encodeChunk(columns, rows.length);
      const back = eventColumns(rows.length + from);
      decodeChunk(chunk, back, from);
      for (const name of ["code", "stream", "priceCc", "size", "stampUs"] as const) {
        // Plus zero turns -0 into 0: they are the same number of lots.
        const normal = (values: Iterable<number>): number[] =>
          [...values].map((value) => value + 0);
        expect(normal(back[name].subarray(from))).toEqual(normal(columns[name]));
      }
    }),
    { seed: 42 },
  );
});
