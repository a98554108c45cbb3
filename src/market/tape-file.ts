/**
 * The tape as one file beside the session: a cache that can be deleted at any time. A header names
 * the session's content hash and the rules by which the tape was built; the columns follow as they
 * lie in memory, so that reading is one read into shared memory and one checksum.
 *
 * Layout, little-endian: magic (8 bytes), version u32, rows u32, streams u32, CRC-32 of the data
 * u32, content hash (64 ASCII digits), data.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { crc32 } from "node:zlib";
import { assert, messageOf } from "../core/index.ts";
import { tapeArrays, tapeBytes } from "./build-tape.ts";
import type { SessionFacts } from "./session-format.ts";
import type { Tape } from "./tape.ts";

const MAGIC = "KGTAPE\r\n";
/** Raised when the layout or the rules of `buildTape` change. */
const TAPE_VERSION = 2;
const HEADER_BYTES = 88;

assert(
  new Uint8Array(new Uint16Array([1]).buffer)[0] === 1,
  "sessions and tapes are little-endian, and so is the processor",
);

/**
 * Reads the tape of the session with `contentHash` from `path` into shared memory; or returns the
 * reason why the file is of no use.
 */
export function readTapeFile(
  path: string,
  contentHash: string,
  facts: SessionFacts,
): Tape | string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "missing" : messageOf(error);
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    if (readSync(file, header, 0, HEADER_BYTES, 0) !== HEADER_BYTES) return "damaged";
    if (header.toString("latin1", 0, 8) !== MAGIC) return "damaged";
    if (header.readUInt32LE(8) !== TAPE_VERSION) return "out of date";
    if (header.toString("latin1", 24, 88) !== contentHash) return "out of date";
    const rows = header.readUInt32LE(12);
    const streams = header.readUInt32LE(16);
    if (streams !== facts.markets.length + facts.references.length) return "damaged";
    const length = tapeBytes(rows, streams);
    if (fstatSync(file).size !== HEADER_BYTES + length) return "damaged";
    const buffer = new SharedArrayBuffer(length);
    const bytes = new Uint8Array(buffer);
    let done = 0;
    while (done < length) {
      const count = readSync(file, bytes, done, length - done, HEADER_BYTES + done);
      if (count === 0) return "damaged";
      done += count;
    }
    if (crc32(bytes) !== header.readUInt32LE(20)) return "damaged";
    return {
      sessionId: facts.id,
      contentHash,
      markets: facts.markets,
      events: facts.events,
      references: facts.references,
      rowCount: rows,
      ...tapeArrays(buffer, 0, rows, streams),
    };
  } catch (error) {
    return messageOf(error);
  } finally {
    closeSync(file);
  }
}

/**
 * Writes a tape made by `buildTape`, atomically. Returns null, or the reason why it could not: the
 * tape is a cache, so a full disk or a folder that cannot be written is no failure.
 */
export function writeTapeFile(path: string, tape: Tape): string | null {
  const streams = tape.markets.length + tape.references.length;
  const length = tapeBytes(tape.rowCount, streams);
  assert(tape.atUs.byteOffset === 0, "the columns lie one after another from the start");
  assert(tape.atUs.buffer.byteLength === length, "the columns lie in one block");
  const bytes = new Uint8Array(tape.atUs.buffer);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 0, "latin1");
  header.writeUInt32LE(TAPE_VERSION, 8);
  header.writeUInt32LE(tape.rowCount, 12);
  header.writeUInt32LE(streams, 16);
  header.writeUInt32LE(crc32(bytes), 20);
  header.write(tape.contentHash, 24, "latin1");
  const temporary = `${path}.${process.pid}.partial`;
  let file: number | undefined;
  try {
    file = openSync(temporary, "w");
    writeWhole(file, header);
    writeWhole(file, bytes);
    fsyncSync(file);
    closeSync(file);
    file = undefined;
    renameSync(temporary, path);
    return null;
  } catch (error) {
    if (file !== undefined) closeSync(file);
    rmSync(temporary, { force: true });
    return messageOf(error);
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done);
}
