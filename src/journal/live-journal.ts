/**
 * Writing the journal of live runs. Inputs are stored before they are acted on and outputs before
 * they are carried out, each call in one commit, so that what the program did is always in the
 * file. SQLite in WAL mode with `synchronous = NORMAL`: a killed process loses nothing that a call
 * returned from; a power cut may lose the last commits, but never the file.
 *
 * One process at a time writes a journal. It holds a lock of the operating system on an empty file
 * beside it, which ends with the process, however that ends; anybody may read meanwhile.
 */
import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { assert, makeFolder, messageOf, OperationError } from "../core/index.ts";
import { EntryEncoder } from "./live-codec.ts";
import {
  beginChain,
  CHAIN_START,
  chainAfter,
  endChain,
  fillsIn,
  headerText,
  LIVE_APPLICATION_ID,
  LIVE_FORMAT_VERSION,
  LIVE_SCHEMA,
  type LiveCounts,
  marketOf,
  notAJournal,
  notWhole,
  otherVersion,
  outputText,
  PartHash,
  sentOrderOf,
  type ToldFill,
} from "./live-format.ts";
import type { LiveEntry, LiveHeader, LiveOutput } from "./live-record.ts";

/** For how long a commit waits for somebody who has the file locked, such as a curious reader. */
const BUSY_TIMEOUT_MS = 500;

/**
 * Pages of the log (4 KB each) after which a commit also moves them into the file, which waits for
 * the disk: four times as many as SQLite's own default, so that such commits are rare.
 */
const LOG_PAGES = 4000;

export class LiveJournal {
  readonly #path: string;
  readonly #lock: Database.Database;
  readonly #db: Database.Database;
  readonly #statements: Statements;
  /** Made once: making one costs as much as a small commit. */
  readonly #transact: Database.Transaction<(change: () => void) => void>;
  readonly #header: LiveHeader;
  readonly #part: number;
  readonly #hash: PartHash;
  readonly #encoder = new EntryEncoder();
  readonly #counts = { inputs: 0, outputs: 0, decisions: 0, orders: 0, fills: 0, corrections: 0 };
  #id: number;
  #chain: Uint8Array;
  #isClosed = false;

  /**
   * Opens `path`, making it where it is not there, and begins a part. `JOURNAL_BUSY` where another
   * writes it, `JOURNAL_FORMAT` where it is another kind of file, `JOURNAL_VERSION`,
   * `JOURNAL_WRITE` or `DISK_FULL` where it cannot be written.
   */
  static open(path: string, header: LiveHeader): LiveJournal {
    let lock: Database.Database | undefined;
    let db: Database.Database | undefined;
    try {
      makeFolder(dirname(path));
      if (existsSync(path)) requireOurs(path);
      lock = takeLock(path);
      db = openForWriting(path);
      return new LiveJournal(path, header, lock, db);
    } catch (error) {
      db?.close();
      lock?.close();
      throw error instanceof OperationError ? error : failure(path, error);
    }
  }

  /** Use `open`. */
  private constructor(
    path: string,
    header: LiveHeader,
    lock: Database.Database,
    db: Database.Database,
  ) {
    this.#path = path;
    this.#header = header;
    this.#lock = lock;
    this.#db = db;
    this.#statements = prepare(db);
    this.#transact = db.transaction((change: () => void) => {
      change();
    });
    const last = lastRow(db);
    const text = headerText(header);
    const row = { part: last.part + 1, begin_id: last.id + 1, started_us: header.startedUs };
    const chain = beginChain(last.chain, { ...row, header: text });
    this.#statements.begin.run(row.part, row.begin_id, row.started_us, text, chain);
    this.#part = row.part;
    this.#id = row.begin_id;
    this.#chain = chain;
    this.#hash = new PartHash(text);
  }

  /** Number of this part, from 1. */
  get part(): number {
    return this.#part;
  }

  /** What this part has stored. */
  get counts(): LiveCounts {
    return { ...this.#counts };
  }

  /** Hash of this part so far: header, inputs and outputs, however they were put into calls. */
  get hash(): string {
    return this.#hash.value();
  }

  /** True for a fill that any part has told of, by the venue's id of the trade. */
  hasFill(tradeId: string): boolean {
    assert(!this.#isClosed, "a closed journal is not asked");
    return this.#statements.hasFill.get(tradeId) !== undefined;
  }

  /** True for an order that a part before this one sent. */
  hasFormerOrder(clientOrderId: string): boolean {
    assert(!this.#isClosed, "a closed journal is not asked");
    return this.#statements.formerOrder.get(clientOrderId, this.#part) !== undefined;
  }

  /**
   * Since when orders of former parts may have been filled without any part telling of it: the start of
   * the last one that sent any; null where none did. The parts before it were looked after by itself.
   */
  get formerSinceUs(): number | null {
    assert(!this.#isClosed, "a closed journal is not asked");
    const found = this.#statements.formerStart.get(this.#part) as { us: number } | undefined;
    return found?.us ?? null;
  }

  /** Stores inputs, in one commit; call before they are acted on. */
  inputs(entries: readonly LiveEntry[]): void {
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined) return;
    const body = this.#encoder.encode(entries);
    const id = this.#id + 1;
    const columns = ["input", id, this.#part, entries.length, first.atUs, last.atUs];
    const chain = chainAfter(this.#chain, columns, body);
    const insert = (): void => {
      this.#statements.input.run(
        id,
        this.#part,
        entries.length,
        first.atUs,
        last.atUs,
        body,
        chain,
      );
    };
    const fills = fillsIn(entries, this.#part, this.#counts.inputs);
    let isNew = 0;
    // One statement is a commit by itself, and needs no other two around it.
    if (fills.length === 0) this.#guard(insert);
    else {
      this.#commit(() => {
        insert();
        for (const fill of fills) isNew += this.#storeFill(fill, id);
      });
    }
    this.#id = id;
    this.#chain = chain;
    this.#encoder.accept();
    this.#hash.inputs(body);
    this.#counts.inputs += entries.length;
    this.#counts.fills += isNew;
  }

  /** Stores outputs, in one commit; call before they are carried out. */
  outputs(outputs: readonly LiveOutput[]): void {
    if (outputs.length === 0) return;
    const bodies = outputs.map((output) => outputText(output));
    const block = this.#id + 1;
    let [id, chain] = [this.#id, this.#chain];
    this.#commit(() => {
      outputs.forEach((output, index) => {
        id += 1;
        chain = this.#storeOutput(output, bodies[index] ?? "", { id, block, chain });
      });
    });
    this.#id = id;
    this.#chain = chain;
    for (const body of bodies) this.#hash.output(body);
    for (const output of outputs) this.#count(output);
  }

  /** Ends the part and closes the journal. Returns the hash of the part. */
  end(reason: string, atUs: number): string {
    const hash = this.hash;
    const row = { part: this.#part, end_id: this.#id + 1, ended_us: atUs, reason, hash };
    const chain = endChain(this.#chain, row);
    this.#guard(() => this.#statements.end.run(row.end_id, atUs, reason, hash, chain, row.part));
    leaveWal(this.#db);
    this.close();
    return hash;
  }

  /** Closes the journal without an end of the part, as a crash would. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#db.close();
    this.#lock.close();
  }

  #storeFill(fill: ToldFill, id: number): number {
    const { clientOrderId, atUs, price, size, fee, role } = fill;
    const order = this.#statements.sentOrder.get(clientOrderId) as
      { market: string; side: string } | undefined;
    const { changes } = this.#statements.fill.run(
      fill.id,
      id,
      this.#part,
      atUs,
      clientOrderId,
      order?.market ?? null,
      order?.side ?? null,
      price,
      size,
      fee,
      role,
    );
    return changes;
  }

  #storeOutput(
    output: LiveOutput,
    body: string,
    { id, block, chain }: { id: number; block: number; chain: Uint8Array },
  ): Uint8Array {
    const part = this.#part;
    const market = marketOf(output, this.#header, (clientOrderId) => {
      const row = this.#statements.sentOrder.get(clientOrderId);
      return (row as { market: string } | undefined)?.market ?? null;
    });
    const { atUs, kind } = output;
    const next = chainAfter(chain, ["output", id, part, block, atUs, kind, market], body);
    this.#statements.output.run(id, part, block, atUs, kind, market, body, next);
    const sent = sentOrderOf(output, this.#header, { id, part });
    if (sent !== null) {
      const { clientOrderId, side, priceCc, sizeLots } = sent;
      const { changes } = this.#statements.send.run(
        clientOrderId,
        id,
        part,
        atUs,
        sent.market,
        side,
        priceCc,
        sizeLots,
      );
      assert(changes === 1, "an order is sent once: its id is new to the journal");
    }
    return next;
  }

  #count(output: LiveOutput): void {
    const counts = this.#counts;
    counts.outputs += 1;
    if (output.kind === "decision") counts.decisions += 1;
    if (output.kind === "correction") counts.corrections += 1;
    if (output.kind === "sent" && output.command.kind === "submit") counts.orders += 1;
  }

  #commit(change: () => void): void {
    this.#guard(() => this.#transact.immediate(change));
  }

  /** What fails to be written is not in the journal at all, and may be tried again. */
  #guard(write: () => unknown): void {
    assert(!this.#isClosed, "a closed journal is not written to");
    try {
      write();
    } catch (error) {
      throw error instanceof Database.SqliteError ? failure(this.#path, error) : error;
    }
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: Database.Database) {
  return {
    begin: db.prepare(
      `INSERT INTO part (part, begin_id, started_us, header, begin_chain) VALUES (?, ?, ?, ?, ?)`,
    ),
    end: db.prepare(
      `UPDATE part SET end_id = ?, ended_us = ?, reason = ?, hash = ?, end_chain = ? WHERE part = ?`,
    ),
    input: db.prepare("INSERT INTO input VALUES (?, ?, ?, ?, ?, ?, ?)"),
    output: db.prepare("INSERT INTO output VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    send: db.prepare("INSERT OR IGNORE INTO sent_order VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    sentOrder: db.prepare("SELECT market, side FROM sent_order WHERE client_order_id = ?"),
    fill: db.prepare("INSERT OR IGNORE INTO fill VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    formerOrder: db.prepare("SELECT 1 FROM sent_order WHERE client_order_id = ? AND part < ?"),
    formerStart: db.prepare(
      `SELECT started_us AS us FROM part
       WHERE part = (SELECT max(part) FROM sent_order WHERE part < ?)`,
    ),
    hasFill: db.prepare("SELECT 1 FROM fill WHERE trade_id = ?"),
  };
}

/** Looks, without changing anything, whether the file is a journal or nothing yet. */
function requireOurs(path: string): void {
  if (!statSync(path).isFile()) throw notAJournal(path);
  const db = new Database(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    if (isEmpty(db)) return;
    if (Number(db.pragma("application_id", { simple: true })) !== LIVE_APPLICATION_ID) {
      throw notAJournal(path);
    }
    const version = Number(db.pragma("user_version", { simple: true }));
    if (version !== LIVE_FORMAT_VERSION) throw otherVersion(path, version);
  } finally {
    db.close();
  }
}

/** True for a file that a process made and was killed before it put anything into it. */
function isEmpty(db: Database.Database): boolean {
  const tables = db.prepare("SELECT count(*) FROM sqlite_master").pluck().get();
  return tables === 0 && Number(db.pragma("application_id", { simple: true })) === 0;
}

function takeLock(path: string): Database.Database {
  // An empty database: SQLite's own lock on it is the system's, and is gone when the process is.
  const lock = new Database(`${path}-lock`, { timeout: 0 });
  try {
    // Nothing is ever written to it, so it needs no file of its own to roll back from.
    lock.pragma("journal_mode = MEMORY");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    const isBusy = error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
    if (!isBusy) throw error;
    throw new OperationError(
      "JOURNAL_BUSY",
      `${path}: expected a journal that nobody writes, was in use by another run; ` +
        `stop that run, or choose another journal`,
      { cause: error },
    );
  }
}

function openForWriting(path: string): Database.Database {
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = NORMAL");
    db.pragma(`wal_autocheckpoint = ${LOG_PAGES}`);
    if (isEmpty(db)) {
      db.transaction(() => {
        db.exec(LIVE_SCHEMA);
        db.pragma(`user_version = ${LIVE_FORMAT_VERSION}`);
        db.pragma(`application_id = ${LIVE_APPLICATION_ID}`);
      })();
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The last row of all tables: what the next part follows on. */
function lastRow(db: Database.Database): { id: number; part: number; chain: Uint8Array } {
  const last = db
    .prepare(
      `SELECT max(id) AS id, chain FROM (
         SELECT * FROM (SELECT id, chain FROM input ORDER BY id DESC LIMIT 1)
         UNION ALL SELECT * FROM (SELECT id, chain FROM output ORDER BY id DESC LIMIT 1)
         UNION ALL SELECT * FROM (SELECT begin_id, begin_chain FROM part ORDER BY part DESC LIMIT 1)
         UNION ALL SELECT * FROM (SELECT end_id, end_chain FROM part ORDER BY part DESC LIMIT 1))`,
    )
    .get() as { id: number | null; chain: Uint8Array | null };
  const part = db.prepare("SELECT coalesce(max(part), 0) FROM part").pluck().get() as number;
  return { id: last.id ?? 0, part, chain: last.chain ?? CHAIN_START };
}

/** One plain file, which can be read from a folder that cannot be written. */
function leaveWal(db: Database.Database): void {
  try {
    db.pragma("journal_mode = DELETE");
  } catch (error) {
    // Somebody reads it as it ends: it stays in WAL mode, and is no less complete.
    if (!(error instanceof Database.SqliteError)) throw error;
  }
}

function failure(path: string, error: unknown): OperationError {
  const code = error instanceof Database.SqliteError ? error.code : "";
  if (code === "SQLITE_NOTADB") return notAJournal(path, error);
  if (code.startsWith("SQLITE_CORRUPT")) return notWhole(path, error);
  const isFull = code === "SQLITE_FULL";
  return new OperationError(
    isFull ? "DISK_FULL" : "JOURNAL_WRITE",
    `${path}: the journal could not be written` +
      (isFull ? ", the disk is full; free some space" : `, was: ${messageOf(error)}`),
    { cause: error },
  );
}
