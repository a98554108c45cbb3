/** TensorBoard's files against the RFC's checksums, a known beginning, and a decoder of their own. */
import { expect, test } from "vitest";
import { crc32c, eventFileHeader, scalarEvent } from "../../src/learn/event-file.ts";

const range = (from: number, step: number): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, index) => from + step * index);

test.each([
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 ones", new Uint8Array(32).fill(255), 0x62a8ab43],
  ["ascending", range(0, 1), 0x46dd794e],
  ["descending", range(31, -1), 0x113fdb5c],
  ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
])("CRC-32C of RFC 3720: %s", (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test("a file begins as every file that TensorFlow writes", () => {
  // Length 24, its masked checksum, and the tag of wall_time.
  const start = "1800000000000000a37f4b2209";
  const header = Buffer.from(eventFileHeader());
  expect(header.subarray(0, 13).toString("hex")).toBe(start);
  expect(header.subarray(21, 36).toString("latin1")).toBe("\x1a\rbrain.Event:2");
  expect(header).toHaveLength(8 + 4 + 24 + 4);
});

/** The bytes that the format's description asks for, put together by hand. */
function valueByHand(tag: string, value: number): Buffer {
  const float = Buffer.alloc(4);
  float.writeFloatLE(value);
  const inner = Buffer.concat([
    Buffer.from([0x0a, tag.length]),
    Buffer.from(tag),
    Buffer.from([0x15]),
    float,
  ]);
  return Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
}

test("an event holds step, values and a time that follows from the step", () => {
  const event = Buffer.from(
    scalarEvent(
      300,
      new Map([
        ["a/b", 1.5],
        ["none", Number.NaN],
        ["c", -0.1],
      ]),
    ),
  );
  const summary = Buffer.concat([valueByHand("a/b", 1.5), valueByHand("c", -0.1)]);
  const time = Buffer.alloc(8);
  time.writeDoubleLE(Date.UTC(2020, 0, 1) / 1000 + 0.3);
  const data = Buffer.concat([
    Buffer.from([0x09]),
    time,
    // 300 = 0b10_0101100
    Buffer.from([0x10, 0xac, 0x02]),
    Buffer.from([0x2a, summary.length]),
    summary,
  ]);
  expect(event.readBigUInt64LE(0)).toBe(BigInt(data.length));
  expect(event.subarray(12, -4).toString("hex")).toBe(data.toString("hex"));
  expect(event.readUInt32LE(8)).toBe(masked(event.subarray(0, 8)));
  expect(event.readUInt32LE(event.length - 4)).toBe(masked(data));
});

/** Rotated right by 15 bits, plus a constant, modulo 2^32; in big integers, unlike the product. */
function masked(bytes: Uint8Array): number {
  const crc = BigInt(crc32c(bytes));
  const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn;
  return Number((rotated + 0xa282ead8n) % 2n ** 32n);
}
