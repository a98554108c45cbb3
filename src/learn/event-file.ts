/**
 * TensorBoard's event files: a sequence of records, each a length, a checksum of the length, one
 * `Event` message and a checksum of that. Scalars only. What is left out is the clock: an event's
 * `wall_time` is the number of the step in milliseconds after a fixed moment, so that the same run
 * gives the same bytes. Sources: TensorFlow's lib/io/record_writer.h, util/event.proto and
 * framework/summary.proto; RFC 3720, appendix B.4, for CRC-32C.
 */
import { assert } from "../core/index.ts";
import { ProtobufWriter } from "./formats/protobuf.ts";

/** A file's name: TensorBoard reads those with "tfevents" in them. */
export const EVENT_FILE = "events.out.tfevents.kalshi-gym";

/** 2020-01-01T00:00:00Z, in seconds since 1970: the `wall_time` of step 0. */
const EPOCH_S = 1_577_836_800;

/** What an event file begins with. */
export function eventFileHeader(): Uint8Array {
  return record(new ProtobufWriter().double(1, EPOCH_S).text(3, "brain.Event:2"));
}

/** Values of one step, by tag ("losses/policyLoss"); what is not finite is left out. */
export function scalarEvent(step: number, values: ReadonlyMap<string, number>): Uint8Array {
  const summary = new ProtobufWriter();
  for (const [tag, value] of values) {
    if (!Number.isFinite(value)) continue;
    summary.message(1, new ProtobufWriter().text(1, tag).float(2, value));
  }
  const wallTime = EPOCH_S + step / 1000;
  return record(new ProtobufWriter().double(1, wallTime).number(2, step).message(5, summary));
}

function record(event: ProtobufWriter): Uint8Array {
  const data = event.finish();
  const length = new Uint8Array(8);
  const lengthView = new DataView(length.buffer);
  lengthView.setUint32(0, data.length, true);
  const checksum = (bytes: Uint8Array): Uint8Array => {
    const four = new Uint8Array(4);
    new DataView(four.buffer).setUint32(0, masked(crc32c(bytes)), true);
    return four;
  };
  return Buffer.concat([length, checksum(length), data, checksum(data)]);
}

/** TFRecord keeps checksums in disguise, lest data with checksums in it be checked in turn. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The polynomial of Castagnoli, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** CRC-32C of `bytes`, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    const entry = TABLE[(crc ^ byte) & 0xff];
    assert(entry !== undefined, "the table has every byte");
    crc = entry ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
