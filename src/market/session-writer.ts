/**
 * Writing a session: events are appended in order of arrival, collected into columns, and stored as
 * compressed chunks in one SQLite file in WAL mode. A session is built in a folder with a temporary
 * name beside its own and takes its name when it is finished, so that a half-made one never stands
 * there. A recorder of a live feed builds `inPlace` instead: what it has flushed survives a crash.
 */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import Database from "better-sqlite3";
import type { Hash } from "node:crypto";
import {
  assert,
  bytesOf,
  type CentiCents,
  makeFolder,
  messageOf,
  OperationError,
  sha256Stream,
} from "../core/index.ts";
import { encodeChunk } from "./column-codec.ts";
import {
  eventCode,
  type EventColumns,
  eventColumns,
  kindOf,
  NO_STAMP,
  StampResolution,
} from "./event-columns.ts";
import {
  APPLICATION_ID,
  contentHashOf,
  FEE_CHANGE_TABLE,
  FORMAT_VERSION,
  type Gap,
  SCHEMA,
  SESSION_FILE,
  type SessionCounts,
  type SessionFacts,
  TAPE_FILE,
} from "./session-format.ts";
import { BookSide, EventKind, type MarketStatus } from "./tape.ts";

/** Rows of a full chunk. */
const CHUNK_ROWS = 131_072;

/** One level of a snapshot, in YES prices. */
export interface SnapshotLevel {
  readonly side: BookSide;
  readonly priceCc: number;
  readonly size: number;
}

export interface CreateSessionOptions {
  /** Build in the session's own folder, for a recorder whose data must survive a crash. */
  readonly inPlace?: boolean;
  /** Replace a session that is already there (its folder is removed when the new one is done). */
  readonly replace?: boolean;
}

/**
 * Starts a session that will stand in `folder`. `SESSION_EXISTS` when something stands there that
 * may not be replaced, `SESSION_WRITE` when the folder cannot be written.
 */
export function createSession(
  folder: string,
  facts: SessionFacts,
  options: CreateSessionOptions = {},
): SessionWriter {
  const target = resolve(folder);
  const taken = existsSync(target) && readdirSync(target).length > 0;
  if (taken && !(options.replace === true && existsSync(join(target, SESSION_FILE)))) {
    throw new OperationError(
      "SESSION_EXISTS",
      `${folder}: expected a new or empty folder, was one with files in it; ` +
        `choose another name or remove it`,
    );
  }
  let building = target;
  try {
    makeFolder(options.inPlace === true ? target : dirname(target));
    if (options.inPlace !== true) {
      building = mkdtempSync(`${target}.partial-`);
      // mkdtemp makes folders private; a session is as open as the user's other files.
      chmodSync(building, 0o777 & ~process.umask());
    }
  } catch (error) {
    throw new OperationError(
      "SESSION_WRITE",
      `${folder}: expected a folder that can be written, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
  return new SessionWriter(folder, target, building, facts);
}

export class SessionWriter {
  readonly #shown: string;
  readonly #target: string;
  readonly #building: string;
  readonly #facts: SessionFacts;
  readonly #db: Database.Database;
  readonly #insert: Database.Statement;
  readonly #buffer: EventColumns = eventColumns(CHUNK_ROWS);
  readonly #hashes: readonly Hash[] = Array.from({ length: 5 }, sha256Stream);
  readonly #gaps: Gap[] = [];
  readonly #tally = new Array<number>(16).fill(0);
  #closingSnapshots = 0;
  #buffered = 0;
  #flushed = 0;
  /** Level rows that the snapshot appended last still expects. */
  #levelsDue = 0;
  #ended = false;

  /** Use `createSession`. */
  constructor(shown: string, target: string, building: string, facts: SessionFacts) {
    this.#shown = shown;
    this.#target = target;
    this.#building = building;
    this.#facts = facts;
    assert(facts.markets.length + facts.references.length <= 65_535, "streams fit 16 bits");
    try {
      this.#db = new Database(join(building, SESSION_FILE));
      this.#db.pragma("journal_mode = WAL");
      this.#db.pragma("synchronous = NORMAL");
      this.#db.pragma(`application_id = ${APPLICATION_ID}`);
      this.#db.pragma(`user_version = ${FORMAT_VERSION}`);
      this.#db.exec(SCHEMA);
      this.#insert = this.#db.prepare(
        "INSERT INTO chunk VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      );
      storeFacts(this.#db, facts);
    } catch (error) {
      if (building !== target) rmSync(building, { recursive: true, force: true });
      throw this.#failure(error);
    }
  }

  /** Number of event rows so far: the position of the next event. */
  get position(): number {
    return this.#flushed + this.#buffered;
  }

  /** The losses recorded so far. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** What has been stored so far; all of it once the session is finished. */
  get counts(): SessionCounts {
    const of = (kind: EventKind): number => this.#tally[kind] ?? 0;
    return {
      rows: this.#flushed,
      snapshots: of(EventKind.snapshot) + this.#closingSnapshots,
      deltas: of(EventKind.delta),
      trades: of(EventKind.trade),
      blockTrades: of(EventKind.blockTrade),
      references: of(EventKind.reference),
      other: of(EventKind.close) + of(EventKind.status) - this.#closingSnapshots,
    };
  }

  /** A whole book. `stampUs` where the source has one: feeds have none. */
  snapshot(market: number, levels: readonly SnapshotLevel[], stampUs = NO_STAMP): void {
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
    const whole: Gap = { position: this.position, ...gap };
    this.#gaps.push(whole);
    const { position, market, scope, reason, missing, sid, firstSeq } = whole;
    this.#guard(() =>
      this.#db
        .prepare("INSERT INTO gap VALUES (?, ?, ?, ?, ?, ?, ?)")
        .run(position, market, scope, reason, missing, sid, firstSeq),
    );
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
    if (this.#buffered === CHUNK_ROWS) this.flush();
  }

  /** Stores what is buffered as one chunk: from here on it survives a crash. */
  flush(): void {
    const count = this.#buffered;
    if (count === 0) return;
    const { code, stream, priceCc, size, stampUs } = this.#buffer;
    const columns = [code, stream, priceCc, size, stampUs];
    columns.forEach((column, index) =>
      this.#hashes[index]?.update(bytesOf(column.subarray(0, count))),
    );
    const chunk = encodeChunk(this.#buffer, count);
    const before = this.counts;
    for (let row = 0; row < count; row++) {
      const kind = kindOf(code[row] as number);
      this.#tally[kind] = (this.#tally[kind] as number) + 1;
      if (kind === EventKind.close) this.#closingSnapshots += size[row] as number;
    }
    const after = this.counts;
    this.#guard(() =>
      this.#insert.run(
        count,
        after.snapshots - before.snapshots,
        after.deltas - before.deltas,
        after.trades - before.trades,
        after.blockTrades - before.blockTrades,
        after.references - before.references,
        after.other - before.other,
        chunk.code,
        chunk.stream,
        chunk.price,
        chunk.size,
        chunk.stamp,
      ),
    );
    this.#flushed += count;
    this.#buffered = 0;
  }

  /**
   * Stores the rest and gives the session its name. `changes` replaces facts that were not known at
   * the start, such as results. Returns the content hash. On failure nothing is left behind.
   */
  finish(changes: Partial<SessionFacts> = {}): string {
    assert(!this.#ended, "a session is finished once");
    assert(this.#levelsDue === 0, "a snapshot is followed by its levels");
    const facts: SessionFacts = { ...this.#facts, ...changes };
    assert(facts.markets.length === this.#facts.markets.length, "streams are fixed at the start");
    this.flush();
    const digests = this.#hashes.map((hash) => hash.digest("hex"));
    const contentHash = contentHashOf(facts, this.#gaps, digests);
    this.#guard(() => {
      this.#db.transaction(() => {
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

function exact(stampUs: number): StampResolution {
  return stampUs === NO_STAMP ? StampResolution.none : StampResolution.microsecond;
}

function storeValue(db: Database.Database, key: string, value: string): void {
  db.prepare("INSERT OR REPLACE INTO session VALUES (?, ?)").run(key, value);
}

function storeFeeChanges(db: Database.Database, { markets }: SessionFacts): void {
  db.exec("DROP TABLE IF EXISTS fee_change");
  if (markets.every(({ feeChanges = [] }) => feeChanges.length === 0)) return;
  db.exec(FEE_CHANGE_TABLE);
  const insert = db.prepare("INSERT INTO fee_change VALUES (?, ?, ?, ?)");
  markets.forEach(({ feeChanges = [] }, stream) => {
    for (const { atUs, terms } of feeChanges) {
      insert.run(stream, atUs, terms.type, terms.multiplierPpm);
    }
  });
}

function storeFacts(db: Database.Database, facts: SessionFacts): void {
  storeValue(db, "id", facts.id);
  storeValue(db, "source", facts.source);
  storeValue(db, "strictGaps", String(facts.strictGaps ?? false));
  db.exec("DELETE FROM market; DELETE FROM event; DELETE FROM reference;");
  const market = db.prepare("INSERT INTO market VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  facts.markets.forEach((info, stream) => {
    market.run(
      stream,
      info.ticker,
      info.eventTicker,
      info.seriesTicker,
      info.closeUs,
      JSON.stringify(info.priceRanges.map((band) => [band.startCc, band.endCc, band.stepCc])),
      info.fees.type,
      info.fees.multiplierPpm,
      info.settlement?.valueCc ?? null,
      info.settlement?.source ?? null,
    );
  });
  storeFeeChanges(db, facts);
  const event = db.prepare("INSERT INTO event VALUES (?, ?, ?)");
  for (const info of facts.events) {
    event.run(info.eventTicker, info.exclusive ? 1 : 0, info.marketCount);
  }
  const reference = db.prepare("INSERT INTO reference VALUES (?, ?)");
  facts.references.forEach((name, index) => reference.run(facts.markets.length + index, name));
}
