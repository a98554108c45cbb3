/**
 * Writing a session: events are appended in order of arrival, collected into columns, and stored as
 * compressed chunks in one SQLite file in WAL mode. A session is built in a folder with a temporary
 * name beside its own and takes its name when it is finished, so that a half-made one never stands
 * there. A recorder of a live feed builds `inPlace` instead: what it has flushed survives a crash.
 */
import { existsSync, mkdtempSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { Hash } from "node:crypto";
import {
  assert,
  bytesOf,
  type CentiCents,
  messageOf,
  OperationError,
  sha256Stream,
} from "../core/index.ts";
import { encodeChunk } from "./column-codec.ts";
import {
  columnsWithin,
  eventCode,
  type EventColumns,
  eventColumns,
  NO_STAMP,
  StampResolution,
} from "./event-columns.ts";
import {
  APPLICATION_ID,
  contentHashOf,
  FORMAT_VERSION,
  type Gap,
  SCHEMA,
  SESSION_FILE,
  type SessionCounts,
  type SessionFacts,
  TAPE_FILE,
} from "./session-format.ts";
import type { Unfinished } from "./session-recovery.ts";
import { addTally, countsOf, type Tally, tallyOf } from "./session-tally.ts";
import { storeFacts, storeGaps, storeValue } from "./store-facts.ts";
import { BookSide, EventKind, type MarketStatus } from "./tape.ts";

/** Rows of a full chunk. */
export const CHUNK_ROWS = 131_072;

/** One level of a snapshot, in YES prices. */
export interface SnapshotLevel {
  readonly side: BookSide;
  readonly priceCc: number;
  readonly size: number;
}

export class SessionWriter {
  readonly #shown: string;
  readonly #target: string;
  readonly #building: string;
  readonly #db: Database.Database;
  readonly #insert: Database.Statement;
  readonly #buffer: EventColumns = eventColumns(CHUNK_ROWS);
  readonly #hashes: readonly Hash[];
  readonly #gaps: Gap[];
  readonly #tally: Tally;
  /** Where an earlier writer's session is gone on with: its latest stamp, or NO_STAMP. */
  readonly leftUs: number | null;
  readonly #closed: Set<number>;
  #facts: SessionFacts;
  /** Rows in full chunks. */
  #packed = 0;
  /** Rows of the chunk to come; the first `#stored` of them stand in small chunks already. */
  #buffered = 0;
  #stored = 0;
  /** The first of those small chunks. */
  #smallFrom: number | bigint | null = null;
  /** Gaps that wait for the rows before them. */
  #gapsStored = 0;
  /** Level rows that the snapshot appended last still expects. */
  #levelsDue = 0;
  #ended = false;

  /** Use `createSession` or `resumeSession`. */
  constructor(
    shown: string,
    target: string,
    building: string,
    facts: SessionFacts,
    left: Unfinished | null,
  ) {
    this.#shown = shown;
    this.#target = target;
    this.#building = building;
    this.#facts = facts;
    this.#hashes = left?.hashes ?? Array.from({ length: 5 }, sha256Stream);
    this.#gaps = left?.gaps ?? [];
    this.leftUs = left?.lastStampUs ?? null;
    this.#closed = new Set(left?.closed);
    this.#tally = left?.tally ?? tallyOf(eventColumns(0));
    requireStreams(facts);
    try {
      this.#db = left?.db ?? new Database(join(building, SESSION_FILE));
      this.#db.pragma("journal_mode = WAL");
      this.#db.pragma("synchronous = NORMAL");
      if (left === null) this.#begin(facts);
      this.#insert = this.#db.prepare(
        "INSERT INTO chunk VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      );
      if (left !== null) this.#takeOver(left);
    } catch (error) {
      if (building !== target) rmSync(building, { recursive: true, force: true });
      throw this.#failure(error);
    }
  }

  /** What is told about the session so far. */
  get facts(): SessionFacts {
    return this.#facts;
  }

  /** Whether the market's close is recorded. */
  isClosed(market: number): boolean {
    return this.#closed.has(market);
  }

  /** Number of event rows so far: the position of the next event. */
  get position(): number {
    return this.#packed + this.#buffered;
  }

  /** The losses recorded so far. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** What has been stored so far; all of it once the session is finished. */
  get counts(): SessionCounts {
    return countsOf(this.#tally, this.#packed + this.#stored);
  }

  /** A whole book. `stampUs` where the source has one: feeds have none. */
  snapshot(market: number, levels: readonly SnapshotLevel[], stampUs = NO_STAMP): void {
    // What survives a crash never ends within a snapshot.
    const isCut = this.#buffered + levels.length >= CHUNK_ROWS;
    if (isCut && this.#building === this.#target) this.#pack();
    this.row(EventKind.snapshot, market, BookSide.bid, 0, levels.length, stampUs, exact(stampUs));
    for (const { side, priceCc, size } of levels) {
      this.row(EventKind.level, market, side, priceCc, size, NO_STAMP, StampResolution.none);
    }
  }

  /** The level at (side, price) changed by `size` lots, signed. */
  delta(market: number, side: BookSide, priceCc: CentiCents, size: number, atUs: number): void {
    this.row(EventKind.delta, market, side, priceCc, size, atUs, StampResolution.microsecond);
  }

  /** `size` lots traded at YES price `priceCc` with an order resting on `makerSide`. */
  trade(
    market: number,
    makerSide: BookSide,
    priceCc: CentiCents,
    size: number,
    stampUs: number,
    resolution: StampResolution,
  ): void {
    this.row(EventKind.trade, market, makerSide, priceCc, size, stampUs, resolution);
  }

  /** A trade off the book. */
  blockTrade(
    market: number,
    makerSide: BookSide,
    priceCc: CentiCents,
    size: number,
    stampUs: number,
    resolution: StampResolution,
  ): void {
    this.row(EventKind.blockTrade, market, makerSide, priceCc, size, stampUs, resolution);
  }

  /** The market closed; its last book stays. `bySnapshot` where a final empty snapshot told so. */
  close(market: number, stampUs = NO_STAMP, bySnapshot = false): void {
    const told = bySnapshot ? 1 : 0;
    this.#closed.add(market);
    this.row(EventKind.close, market, BookSide.bid, 0, told, stampUs, exact(stampUs));
  }

  status(market: number, status: MarketStatus, stampUs = NO_STAMP): void {
    this.row(EventKind.status, market, BookSide.bid, 0, status, stampUs, exact(stampUs));
  }

  /** A price of reference `reference` (its index in the facts), in 1e-4 units. */
  reference(reference: number, value: number, atUs: number): void {
    const stream = this.#facts.markets.length + reference;
    const resolution = StampResolution.microsecond;
    this.row(EventKind.reference, stream, BookSide.bid, 0, value, atUs, resolution);
  }

  /** Records that messages are missing before the next event. */
  gap(gap: Omit<Gap, "position">): void {
    this.#gaps.push({ position: this.position, ...gap });
    // A gap is stored with the rows before it: alone it would stand elsewhere after a crash.
    if (this.#buffered === this.#stored) this.#guard(() => this.#storeGaps());
  }

  /**
   * Replaces facts, at once: what is learnt while a session is recorded. Markets keep their streams;
   * new ones may follow them where there are no reference prices.
   */
  changeFacts(changes: Partial<SessionFacts>): void {
    const facts = this.#changed(changes);
    this.#guard(() => this.#db.transaction(() => storeFacts(this.#db, facts))());
    this.#facts = facts;
  }

  /** Appends one raw row; the named methods above are made of it. Allocates nothing. */
  row(
    kind: EventKind,
    stream: number,
    side: BookSide,
    priceCc: number,
    size: number,
    stampUs: number,
    resolution: StampResolution,
  ): void {
    assert(
      (kind === EventKind.level) === this.#levelsDue > 0,
      "a snapshot is followed by its levels",
    );
    if (kind === EventKind.level) this.#levelsDue -= 1;
    else if (kind === EventKind.snapshot) this.#levelsDue = size;
    assert(Number.isSafeInteger(size), "a size is an integer");
    const at = this.#buffered;
    const buffer = this.#buffer;
    buffer.code[at] = eventCode(kind, side, resolution);
    buffer.stream[at] = stream;
    buffer.priceCc[at] = priceCc;
    buffer.size[at] = size;
    buffer.stampUs[at] = resolution === StampResolution.none ? NO_STAMP : stampUs;
    this.#buffered = at + 1;
    if (this.#buffered === CHUNK_ROWS) this.#pack();
  }

  /**
   * Stores what is buffered: from here on it survives a crash. Small chunks become a full one as soon
   * as there is enough for it.
   */
  flush(): void {
    const from = this.#stored;
    const count = this.#buffered;
    if (count === from) return;
    const added = this.#count(from, count);
    const columns = columnsWithin(this.#buffer, from, count);
    this.#guard(() => {
      this.#db.transaction(() => {
        const id = this.#insertChunk(columns, added);
        this.#smallFrom ??= id;
        this.#storeGaps();
      })();
    });
    this.#stored = count;
  }

  /** Stores what is buffered as one chunk, in the place of the small ones that hold parts of it. */
  #pack(): void {
    const count = this.#buffered;
    if (count === 0) return;
    this.#count(this.#stored, count);
    const columns = columnsWithin(this.#buffer, 0, count);
    this.#guard(() => {
      this.#db.transaction(() => {
        if (this.#smallFrom !== null) {
          this.#db.prepare("DELETE FROM chunk WHERE id >= ?").run(this.#smallFrom);
        }
        this.#insertChunk(columns, tallyOf(columns));
        this.#storeGaps();
      })();
    });
    this.#packed += count;
    this.#buffered = 0;
    this.#stored = 0;
    this.#smallFrom = null;
  }

  /** Takes rows into hashes and counts, each once; returns their counts. */
  #count(from: number, end: number): Tally {
    const columns = columnsWithin(this.#buffer, from, end);
    const { code, stream, priceCc, size, stampUs } = columns;
    [code, stream, priceCc, size, stampUs].forEach((column, index) =>
      this.#hashes[index]?.update(bytesOf(column)),
    );
    const added = tallyOf(columns);
    addTally(this.#tally, added);
    return added;
  }

  #insertChunk(columns: EventColumns, tally: Tally): number | bigint {
    const chunk = encodeChunk(columns, columns.rowCount);
    const counts = countsOf(tally, columns.rowCount);
    return this.#insert.run(
      counts.rows,
      counts.snapshots,
      counts.deltas,
      counts.trades,
      counts.blockTrades,
      counts.references,
      counts.other,
      chunk.code,
      chunk.stream,
      chunk.price,
      chunk.size,
      chunk.stamp,
    ).lastInsertRowid;
  }

  #storeGaps(): void {
    const waiting = this.#gaps.slice(this.#gapsStored);
    if (waiting.length > 0) storeGaps(this.#db, waiting);
    this.#gapsStored = this.#gaps.length;
  }

  /** All or nothing: a database that was begun and not made a session of is blank. */
  #begin(facts: SessionFacts): void {
    this.#db.transaction(() => {
      this.#db.pragma(`application_id = ${APPLICATION_ID}`);
      this.#db.pragma(`user_version = ${FORMAT_VERSION}`);
      this.#db.exec(SCHEMA);
      storeFacts(this.#db, facts);
    })();
  }

  /** Takes over what an earlier writer has left: its small chunks are the beginning of the buffer. */
  #takeOver({ tail, packed, smallFrom }: Unfinished): void {
    const { code, stream, priceCc, size, stampUs } = tail;
    this.#buffer.code.set(code);
    this.#buffer.stream.set(stream);
    this.#buffer.priceCc.set(priceCc);
    this.#buffer.size.set(size);
    this.#buffer.stampUs.set(stampUs);
    this.#buffered = tail.rowCount;
    this.#stored = tail.rowCount;
    this.#packed = packed;
    this.#smallFrom = smallFrom;
    this.#gapsStored = this.#gaps.length;
  }

  /**
   * Stores the rest and gives the session its name. `changes` replaces facts that were not known at
   * the start, such as results. Returns the content hash. On failure nothing is left behind.
   */
  finish(changes: Partial<SessionFacts> = {}): string {
    assert(!this.#ended, "a session is finished once");
    assert(this.#levelsDue === 0, "a snapshot is followed by its levels");
    const facts = this.#changed(changes);
    this.#pack();
    const digests = this.#hashes.map((hash) => hash.digest("hex"));
    const contentHash = contentHashOf(facts, this.#gaps, digests);
    this.#guard(() => {
      this.#db.transaction(() => {
        this.#storeGaps();
        storeFacts(this.#db, facts);
        storeValue(this.#db, "contentHash", contentHash);
      })();
      this.#leaveWal();
      this.#db.close();
      this.#moveIntoPlace();
    });
    this.#ended = true;
    return contentHash;
  }

  #changed(changes: Partial<SessionFacts>): SessionFacts {
    const facts: SessionFacts = { ...this.#facts, ...changes };
    const { markets, references } = this.#facts;
    const isKept = markets.every(({ ticker }, stream) => facts.markets[stream]?.ticker === ticker);
    assert(isKept && facts.references.length === references.length, "streams keep their numbers");
    const isLonger = facts.markets.length > markets.length;
    assert(!isLonger || references.length === 0, "reference streams stand behind the markets");
    requireStreams(facts);
    return facts;
  }

  /** Gives the session up and removes what was built. */
  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#db.close();
    if (this.#building !== this.#target) {
      rmSync(this.#building, { recursive: true, force: true });
      return;
    }
    for (const name of [SESSION_FILE, `${SESSION_FILE}-wal`, `${SESSION_FILE}-shm`, TAPE_FILE]) {
      rmSync(join(this.#target, name), { force: true });
    }
  }

  /** One plain file: a finished session can be read from a folder that cannot be written. */
  #leaveWal(): void {
    try {
      this.#db.pragma("journal_mode = DELETE");
    } catch (error) {
      // Somebody reads the recording while it ends: it stays in WAL mode, and is no less complete.
      const busy = error instanceof Database.SqliteError && error.code === "SQLITE_BUSY";
      if (!busy || this.#building !== this.#target) throw error;
    }
  }

  #moveIntoPlace(): void {
    if (this.#building === this.#target) return;
    if (existsSync(join(this.#target, SESSION_FILE))) {
      const old = mkdtempSync(`${this.#target}.replaced-`);
      renameSync(this.#target, join(old, "session"));
      renameSync(this.#building, this.#target);
      rmSync(old, { recursive: true, force: true });
      return;
    }
    if (existsSync(this.#target)) rmdirSync(this.#target);
    renameSync(this.#building, this.#target);
  }

  /**
   * Runs what may meet a full disk or the like; then nothing half-made stays. What a recorder has
   * flushed in place is not half-made: it stays.
   */
  #guard(write: () => unknown): void {
    try {
      write();
    } catch (error) {
      if (this.#building === this.#target) {
        this.#ended = true;
        this.#db.close();
      } else this.abort();
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): OperationError {
    const full = error instanceof Database.SqliteError && error.code === "SQLITE_FULL";
    return new OperationError(
      full ? "DISK_FULL" : "SESSION_WRITE",
      `${this.#shown}: the session could not be written` +
        (full ? ", the disk is full; free some space and repeat" : `, was: ${messageOf(error)}`),
      { cause: error },
    );
  }
}

function requireStreams({ markets, references }: SessionFacts): void {
  assert(markets.length + references.length <= 65_535, "streams fit 16 bits");
}

function exact(stampUs: number): StampResolution {
  return stampUs === NO_STAMP ? StampResolution.none : StampResolution.microsecond;
}
