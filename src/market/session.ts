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
  type CentiCents,
  messageOf,
  OperationError,
  sha256Stream,
  type TimestampUs,
} from "../core/index.ts";
import { buildTape } from "./build-tape.ts";
import { decodeChunk, type EncodedChunk } from "./column-codec.ts";
import { type EventColumns, eventColumns } from "./event-columns.ts";
import { parseFeeType } from "./fee-schedule.ts";
import type { FeeChange } from "./fee-timeline.ts";
import type { EventInfo, MarketInfo, ResultSource } from "./market-info.ts";
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
    db = new Database(file, { readonly: true, fileMustExist: true });
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
    return new Session(home, db);
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
  /** SHA-256 over facts, gaps and events. */
  readonly contentHash: string;
  /** False for a recording that was not finished, such as one that is still running. */
  readonly finished: boolean;
  readonly #db: Database.Database;

  /** Use `openSession`. */
  constructor(folder: string, db: Database.Database) {
    this.folder = folder;
    this.#db = db;
    this.facts = readFacts(db);
    this.counts = readCounts(db);
    this.gaps = db
      .prepare(
        `SELECT position, market, scope, reason, missing, sid, first_seq AS firstSeq
         FROM gap ORDER BY rowid`,
      )
      .all() as Gap[];
    const stored = readValue(db, "contentHash");
    this.finished = stored !== undefined;
    this.contentHash = stored ?? this.computeContentHash();
  }

  get id(): string {
    return this.facts.id;
  }

  /** The raw events, as received. */
  readEvents(): EventColumns {
    const chunks = this.#db
      .prepare(
        `SELECT row_count AS rowCount, code, stream, price, size, stamp FROM chunk ORDER BY id`,
      )
      .iterate() as IterableIterator<EncodedChunk>;
    const columns = eventColumns(this.counts.rows);
    let from = 0;
    for (const chunk of chunks) {
      decodeChunk(chunk, columns, from);
      from += chunk.rowCount;
    }
    return columns;
  }

  /** The content hash, worked out from the stored events; unequal to `contentHash` if damaged. */
  computeContentHash(): string {
    const { code, stream, priceCc, size, stampUs } = this.readEvents();
    const digests = [code, stream, priceCc, size, stampUs].map((column) =>
      sha256Stream().update(bytesOf(column)).digest("hex"),
    );
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

function readValue(db: Database.Database, key: string): string | undefined {
  const row = db.prepare("SELECT value FROM session WHERE key = ?").get(key);
  return (row as { value: string } | undefined)?.value;
}

interface MarketRow {
  ticker: string;
  event_ticker: string;
  series_ticker: string;
  close_us: number | null;
  price_ranges: string;
  fee_type: string;
  fee_multiplier_ppm: number;
  settlement_cc: number | null;
  settlement_source: string | null;
}

/** Changes of fees by stream. */
function readFeeChanges(db: Database.Database): Map<number, FeeChange[]> {
  const changes = new Map<number, FeeChange[]>();
  const table = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'fee_change'").get();
  if (table === undefined) return changes;
  const rows = db
    .prepare(
      `SELECT stream, at_us AS atUs, fee_type AS type, fee_multiplier_ppm AS multiplierPpm
       FROM fee_change ORDER BY rowid`,
    )
    .all() as { stream: number; atUs: TimestampUs; type: string; multiplierPpm: number }[];
  for (const { stream, atUs, type, multiplierPpm } of rows) {
    const field = `${SESSION_FILE}: fee_type of a change`;
    const terms = { type: parseFeeType(type, field), multiplierPpm };
    changes.set(stream, [...(changes.get(stream) ?? []), { atUs, terms }]);
  }
  return changes;
}

function readFacts(db: Database.Database): SessionFacts {
  const feeChanges = readFeeChanges(db);
  const markets = (db.prepare("SELECT * FROM market ORDER BY stream").all() as MarketRow[]).map(
    (row, stream): MarketInfo => ({
      ticker: row.ticker,
      eventTicker: row.event_ticker,
      seriesTicker: row.series_ticker,
      closeUs: row.close_us as TimestampUs | null,
      priceRanges: (JSON.parse(row.price_ranges) as [number, number, number][]).map(
        ([startCc, endCc, stepCc]) => ({
          startCc: startCc as CentiCents,
          endCc: endCc as CentiCents,
          stepCc: stepCc as CentiCents,
        }),
      ),
      fees: {
        type: parseFeeType(row.fee_type, `${SESSION_FILE}: fee_type of ${row.ticker}`),
        multiplierPpm: row.fee_multiplier_ppm,
      },
      ...(feeChanges.has(stream) && { feeChanges: feeChanges.get(stream) ?? [] }),
      settlement:
        row.settlement_cc === null
          ? null
          : {
              valueCc: row.settlement_cc as CentiCents,
              source: row.settlement_source as ResultSource,
            },
    }),
  );
  const events = (
    db.prepare("SELECT * FROM event ORDER BY event_ticker").all() as {
      event_ticker: string;
      exclusive: number;
      market_count: number | null;
    }[]
  ).map((row): EventInfo => ({
    eventTicker: row.event_ticker,
    exclusive: row.exclusive === 1,
    marketCount: row.market_count,
  }));
  const references = (
    db.prepare("SELECT name FROM reference ORDER BY stream").all() as { name: string }[]
  ).map((row) => row.name);
  return {
    id: readValue(db, "id") ?? "",
    source: readValue(db, "source") ?? "",
    markets,
    events,
    references,
    strictGaps: readValue(db, "strictGaps") === "true",
  };
}

function readCounts(db: Database.Database): SessionCounts {
  return db
    .prepare(
      `SELECT coalesce(sum(row_count), 0) AS rows, coalesce(sum(snapshots), 0) AS snapshots,
         coalesce(sum(deltas), 0) AS deltas, coalesce(sum(trades), 0) AS trades,
         coalesce(sum(block_trades), 0) AS blockTrades,
         coalesce(sum(references_count), 0) AS "references", coalesce(sum(other), 0) AS other
       FROM chunk`,
    )
    .get() as SessionCounts;
}
