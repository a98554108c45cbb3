/**
 * A recorded session, opened for reading: facts, counts, gaps, raw events, and the tape that the
 * rest of the product reads. Reading never changes `session.db`; only the tape file beside it may
 * be written, and where it cannot be, the session works without one.
 */
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import Database from "better-sqlite3";
import {
  bytesOf,
  messageOf,
  OperationError,
  sha256Stream,
  type TimestampUs,
} from "../core/index.ts";
import { buildTape } from "./build-tape.ts";
import { decodeChunk } from "./column-codec.ts";
import { type EventColumns, eventColumns } from "./event-columns.ts";
import { readChunks, readCounts, readFacts, readGaps, readValue } from "./read-facts.ts";
import {
  APPLICATION_ID,
  contentHashOf,
  FORMAT_VERSION,
  type Gap,
  SESSION_FILE,
  type SessionCounts,
  type SessionFacts,
  type SessionSpan,
  TAPE_FILE,
} from "./session-format.ts";
import type { Tape } from "./tape.ts";
import { readTapeFile, writeTapeFile } from "./tape-file.ts";

/**
 * Opens the session in `folder` (or the folder of a `session.db`). `SESSION_MISSING` where there is
 * none, `SESSION_FORMAT` where the database is not ours, `SESSION_VERSION` where it is of a version
 * that this program does not read.
 */
export function openSession(folder: string): Session {
  return openDatabase(folder, { readonly: true }, (db, home) => new Session(home, db));
}

/** Opens the database of a session and makes `made` of it; closes it where that fails. */
export function openDatabase<T>(
  folder: string,
  options: { readonly readonly: boolean },
  make: (db: Database.Database, home: string) => T,
): T {
  const path = resolve(folder);
  const home = basename(path) === SESSION_FILE ? resolve(path, "..") : path;
  const file = join(home, SESSION_FILE);
  if (!existsSync(file)) {
    throw new OperationError(
      "SESSION_MISSING",
      `${folder}: expected a session folder with ${SESSION_FILE} in it, was none; ` +
        `make one with "kalshi-gym sessions import" or "sessions generate"`,
    );
  }
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { ...options, fileMustExist: true });
    const ours = Number(db.pragma("application_id", { simple: true })) === APPLICATION_ID;
    if (!ours) throw notOurs(folder);
    const version = Number(db.pragma("user_version", { simple: true }));
    if (version !== FORMAT_VERSION) {
      throw new OperationError(
        "SESSION_VERSION",
        `${folder}/${SESSION_FILE}: expected format version ${FORMAT_VERSION}, was ${version}; ` +
          `import the recording again with this version of kalshi-gym`,
      );
    }
    return make(db, home);
  } catch (error) {
    db?.close();
    if (error instanceof OperationError) throw error;
    if (error instanceof Database.SqliteError && error.code === "SQLITE_NOTADB") {
      throw notOurs(folder, error);
    }
    throw new OperationError(
      "SESSION_READ",
      `${folder}/${SESSION_FILE}: could not be read, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function notOurs(folder: string, cause?: unknown): OperationError {
  return new OperationError(
    "SESSION_FORMAT",
    `${folder}/${SESSION_FILE}: expected a kalshi-gym session, was another kind of file; ` +
      `recordings become sessions with "kalshi-gym sessions import"`,
    { cause },
  );
}

export interface ReadTapeOptions {
  /** Told when the tape file was not used, and why: "missing", "out of date", "damaged" ... */
  readonly onRebuild?: (reason: string) => void;
}

export class Session {
  readonly folder: string;
  readonly facts: SessionFacts;
  readonly counts: SessionCounts;
  readonly gaps: readonly Gap[];
  /** False for a recording that was not finished, such as one that is still running. */
  readonly finished: boolean;
  readonly #db: Database.Database;
  #contentHash: string | null;

  /** Use `openSession`. */
  constructor(folder: string, db: Database.Database) {
    this.folder = folder;
    this.#db = db;
    // A recording that is still running is read as it is at this moment.
    db.exec("BEGIN");
    this.facts = readFacts(db);
    this.counts = readCounts(db);
    this.gaps = readGaps(db);
    this.#contentHash = readValue(db, "contentHash") ?? null;
    this.finished = this.#contentHash !== null;
    if (this.finished) db.exec("COMMIT");
  }

  get id(): string {
    return this.facts.id;
  }

  /** SHA-256 over facts, gaps and events. */
  get contentHash(): string {
    this.#contentHash ??= this.computeContentHash();
    return this.#contentHash;
  }

  /** The raw events, as received. */
  readEvents(): EventColumns {
    const columns = eventColumns(this.counts.rows);
    let from = 0;
    for (const chunk of readChunks(this.#db)) {
      decodeChunk(chunk, columns, from);
      from += chunk.rowCount;
    }
    return columns;
  }

  /** The content hash, worked out from the stored events; unequal to `contentHash` if damaged. */
  computeContentHash(): string {
    const hashes = Array.from({ length: 5 }, sha256Stream);
    for (const chunk of readChunks(this.#db)) {
      const { rowCount } = chunk;
      const columns = eventColumns(rowCount);
      decodeChunk(chunk, columns, 0);
      const { code, stream, priceCc, size, stampUs } = columns;
      [code, stream, priceCc, size, stampUs].forEach((column, index) =>
        hashes[index]?.update(bytesOf(column)),
      );
    }
    const digests = hashes.map((hash) => hash.digest("hex"));
    return contentHashOf(this.facts, this.gaps, digests);
  }

  /**
   * The tape, in shared memory. It is read from the tape file where that is there and belongs to
   * these events; else it is made from them, and the file written if the folder allows.
   */
  readTape(options: ReadTapeOptions = {}): Tape {
    const path = join(this.folder, TAPE_FILE);
    const read = readTapeFile(path, this.contentHash, this.facts);
    if (typeof read !== "string") return read;
    options.onRebuild?.(read);
    const tape = buildTape(this.facts, this.gaps, this.readEvents(), this.contentHash);
    const unwritten = this.finished ? writeTapeFile(path, tape) : null;
    if (unwritten !== null) options.onRebuild?.(`not stored: ${unwritten}`);
    return tape;
  }

  /** First and last effective time, both 0 for a session without events. */
  span(): SessionSpan {
    const tape = this.readTape();
    const first = tape.atUs[tape.order[0] ?? -1] ?? 0;
    const last = tape.atUs[tape.order[tape.rowCount - 1] ?? -1] ?? 0;
    return { startUs: first as TimestampUs, endUs: last as TimestampUs };
  }

  close(): void {
    this.#db.close();
  }
}
