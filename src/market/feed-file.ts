/**
 * One recorded file of WebSocket messages, read into columns: what each message says, its sequence
 * number, and the line it stood on. The file is read as a stream, plain or gzip, so that memory
 * holds columns (about 37 bytes a message) and never the text.
 */
import { createReadStream, openSync, readSync, closeSync, statSync } from "node:fs";
import { basename } from "node:path";
import { createGunzip } from "node:zlib";
import { pipeline } from "node:stream/promises";
import { messageOf, OperationError } from "../core/index.ts";
import { eventCode } from "./event-columns.ts";
import type { SnapshotLevel } from "./session-writer.ts";
import { EventKind } from "./tape.ts";
import {
  emptyWireRow,
  type EventFees,
  type Lifecycle,
  readWireMessage,
  type WireRow,
} from "./wire-message.ts";
import { WireScanner } from "./wire-scanner.ts";

/** What a row of a feed file is. */
export const FeedKind = {
  delta: 0,
  trade: 1,
  blockTrade: 2,
  snapshot: 3,
  lifecycle: 4,
  /** A message without an event for us; numbered ones still count in their sequence. */
  other: 5,
  eventFees: 6,
} as const;
export type FeedKind = (typeof FeedKind)[keyof typeof FeedKind];

const EVENT_KINDS = [EventKind.delta, EventKind.trade, EventKind.blockTrade] as const;

/** Names shared by all files of an import: tickers and channels become small numbers. */
export class FeedNames {
  readonly tickers: string[] = [];
  /** A channel is one subscription of one connection. */
  readonly channels: { readonly connection: number; readonly sid: number }[] = [];
  readonly #tickerIndex = new Map<string, number>();
  readonly #channelIndex = new Map<string, number>();

  ticker(text: string): number {
    let index = this.#tickerIndex.get(text);
    if (index === undefined) {
      index = this.tickers.push(text) - 1;
      this.#tickerIndex.set(text, index);
    }
    return index;
  }

  channel(connection: number, sid: number): number {
    const key = `${connection}:${sid}`;
    let index = this.#channelIndex.get(key);
    if (index === undefined) {
      index = this.channels.push({ connection, sid }) - 1;
      this.#channelIndex.set(key, index);
    }
    return index;
  }
}

/** A message without a sequence has no channel. */
export const NO_CHANNEL = 0xffff;

/** The messages of one file, in the order of its lines. */
export class FeedFile {
  /** The file's name without its folder: stands in errors and reports. */
  readonly name: string;
  count = 0;
  lineCount = 0;
  /** Messages that were there twice in a row, and dropped. */
  duplicateCount = 0;
  /** Number of skipped messages by type. */
  readonly skippedTypes = new Map<string, number>();
  readonly snapshots: (readonly SnapshotLevel[])[] = [];
  readonly lifecycles: Lifecycle[] = [];
  readonly eventFees: EventFees[] = [];
  /** FeedKind. [capacity], as all below; `count` rows are in use. */
  kind = new Uint8Array(0);
  /** Code of the event row that the message becomes. */
  code = new Uint8Array(0);
  channel = new Uint16Array(0);
  seq = new Float64Array(0);
  ticker = new Uint32Array(0);
  priceCc = new Uint16Array(0);
  /** Lots; for messages of which lists are kept above their index in them. */
  size = new Float64Array(0);
  stampUs = new Float64Array(0);
  line = new Uint32Array(0);
  readonly #names: FeedNames;
  readonly #lastSeq = new Map<number, number>();
  #connection = 0;
  // The channel met last, by its subscription: consecutive messages mostly share it.
  #sid = -1;
  #sidChannel = NO_CHANNEL;

  constructor(name: string, names: FeedNames) {
    this.name = name;
    this.#names = names;
  }

  /** The place of a row, for errors: file and line. */
  place(row: number): string {
    return `${this.name}:${this.line[row] ?? 0}`;
  }

  /** Number of connections that the file spans: sequences start anew with each. */
  get connectionCount(): number {
    return this.#connection + 1;
  }

  push(message: WireRow, line: number): void {
    if (message.sid >= 0 && message.seq >= 0 && !this.#follow(message)) return;
    const row = this.count;
    if (row === this.kind.length) this.#grow();
    const kind = FeedKind[message.kind];
    this.kind[row] = kind;
    this.line[row] = line;
    this.channel[row] = message.seq >= 0 && message.sid >= 0 ? this.#sidChannel : NO_CHANNEL;
    this.seq[row] = message.seq;
    if (kind === FeedKind.other) {
      this.#skip(message.type);
      // What is neither an event nor numbered leaves no row.
      if (this.channel[row] !== NO_CHANNEL) this.count = row + 1;
      return;
    }
    if (kind === FeedKind.eventFees) {
      if (message.eventFees !== null) this.size[row] = this.eventFees.push(message.eventFees) - 1;
      this.count = row + 1;
      return;
    }
    this.ticker[row] = this.#names.ticker(message.ticker);
    this.stampUs[row] = message.stampUs;
    if (kind === FeedKind.snapshot) this.size[row] = this.snapshots.push(message.levels) - 1;
    else if (kind === FeedKind.lifecycle) {
      if (message.lifecycle !== null) this.size[row] = this.lifecycles.push(message.lifecycle) - 1;
    } else {
      this.priceCc[row] = message.priceCc;
      this.size[row] = message.size;
      const eventKind = EVENT_KINDS[kind] as EventKind;
      this.code[row] = eventCode(eventKind, message.side, message.resolution);
    }
    this.count = row + 1;
  }

  /** Keeps the sequence; false for a message that repeats the one before. */
  #follow(message: WireRow): boolean {
    const last = this.#lastSeq.get(message.sid);
    if (last === message.seq) {
      this.duplicateCount += 1;
      return false;
    }
    if (last !== undefined && message.seq < last) {
      // Numbers start anew on every connection, for all subscriptions together.
      this.#connection += 1;
      this.#lastSeq.clear();
      this.#sid = -1;
    }
    this.#lastSeq.set(message.sid, message.seq);
    if (message.sid !== this.#sid) {
      this.#sid = message.sid;
      this.#sidChannel = this.#names.channel(this.#connection, message.sid);
    }
    return true;
  }

  #skip(type: string): void {
    this.skippedTypes.set(type, (this.skippedTypes.get(type) ?? 0) + 1);
  }

  #grow(): void {
    const capacity = Math.max(4_096, Math.ceil(this.kind.length * 1.5));
    const grown = <T extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
      old: T,
      fresh: T,
    ): T => {
      fresh.set(old);
      return fresh;
    };
    this.kind = grown(this.kind, new Uint8Array(capacity));
    this.code = grown(this.code, new Uint8Array(capacity));
    this.channel = grown(this.channel, new Uint16Array(capacity));
    this.seq = grown(this.seq, new Float64Array(capacity));
    this.ticker = grown(this.ticker, new Uint32Array(capacity));
    this.priceCc = grown(this.priceCc, new Uint16Array(capacity));
    this.size = grown(this.size, new Float64Array(capacity));
    this.stampUs = grown(this.stampUs, new Float64Array(capacity));
    this.line = grown(this.line, new Uint32Array(capacity));
  }
}

export interface ReadFeedOptions {
  readonly useYesPrice: boolean;
  /** Told how many bytes of the file as it lies on disk have been read since the last call. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /** Read every line with the reference reading; for tests. */
  readonly slow?: boolean;
}

/** Reads one file. Errors name file, line and field; a cut-off gzip file is `IMPORT_TRUNCATED`. */
export async function readFeedFile(
  path: string,
  names: FeedNames,
  options: ReadFeedOptions,
): Promise<FeedFile> {
  const file = new FeedFile(basename(path), names);
  const scanner = new WireScanner(options.useYesPrice);
  const row = emptyWireRow();
  const useScanner = options.slow !== true;
  await readLines(path, options.onBytes, (bytes, lineStart, end, line) => {
    const start = line === 1 ? afterMark(bytes, lineStart) : lineStart;
    if (!useScanner || !scanner.scan(row, bytes, start, end)) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
      if (text.trim() === "") return;
      readWireMessage(row, text, `${file.name}:${line}`, options.useYesPrice);
    }
    file.push(row, line);
    file.lineCount = line;
  });
  return file;
}

/** Steps over the byte-order mark that some editors put before the first line. */
function afterMark(bytes: Uint8Array, start: number): number {
  const marked = bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  return marked ? start + 3 : start;
}

type OnLine = (bytes: Uint8Array, start: number, end: number, line: number) => void;

/** Calls `onLine` for every line that is not empty, with its bytes (no line end) and number. */
export async function readLines(
  path: string,
  onBytes: ((count: number) => void) | undefined,
  onLine: OnLine,
): Promise<void> {
  const name = basename(path);
  let line = 0;
  const split = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of chunks) {
      let start = 0;
      if (rest.length > 0) {
        const first = chunk.indexOf(10);
        if (first < 0) {
          rest = Buffer.concat([rest, chunk]);
          continue;
        }
        const joined = Buffer.concat([rest, chunk.subarray(0, first)]);
        line += 1;
        onLine(joined, 0, joined.length, line);
        start = first + 1;
      }
      let end = chunk.indexOf(10, start);
      while (end >= 0) {
        line += 1;
        if (end > start) onLine(chunk, start, end, line);
        start = end + 1;
        end = chunk.indexOf(10, start);
      }
      rest = chunk.subarray(start);
    }
    if (rest.length > 0) onLine(rest, 0, rest.length, line + 1);
  };
  // The pipeline may only report that it gave up ("aborted"); the first real cause is kept here.
  let cause: unknown;
  const keep = (error: unknown): void => {
    if ((error as NodeJS.ErrnoException).code !== "ABORT_ERR") cause ??= error;
  };
  const splitter = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    try {
      await split(chunks);
    } catch (error) {
      keep(error);
      throw error;
    }
  };
  const source = createReadStream(path, { highWaterMark: 1 << 18 });
  if (onBytes !== undefined) source.on("data", (chunk) => onBytes(chunk.length));
  source.on("error", keep);
  try {
    if (isGzip(path)) {
      const unpacked = createGunzip({ chunkSize: 1 << 19 });
      unpacked.on("error", keep);
      await pipeline(source, unpacked, splitter);
    } else await pipeline(source, splitter);
  } catch (error) {
    throw readFailure(cause ?? error, name, line);
  }
}

function readFailure(error: unknown, name: string, line: number): OperationError {
  if (error instanceof OperationError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "Z_BUF_ERROR") {
    return new OperationError(
      "IMPORT_TRUNCATED",
      `${name}: expected a complete gzip file, was cut off after line ${line}; fetch it again, or ` +
        `import what is there from an unpacked copy without its last line`,
      { cause: error },
    );
  }
  if (code.startsWith("Z_")) {
    return new OperationError(
      "IMPORT_GZIP",
      `${name}: expected a sound gzip file, was damaged after line ${line} (${messageOf(error)})`,
      { cause: error },
    );
  }
  return new OperationError("IMPORT_READ", `${name}: could not be read, was: ${messageOf(error)}`, {
    cause: error,
  });
}

/** The first bytes of a file; `IMPORT_READ` where there is none. */
export function firstBytes(path: string, count: number): Buffer {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(count);
      return bytes.subarray(0, readSync(file, bytes, 0, count, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw readFailure(error, basename(path), 0);
  }
}

export function isGzip(path: string): boolean {
  const head = firstBytes(path, 2);
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Size on disk, for progress. */
export function fileBytes(path: string): number {
  return statSync(path).size;
}
