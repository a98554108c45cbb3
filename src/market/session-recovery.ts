/**
 * What a recorder that was killed has left: a session that is not finished, brought to where its
 * writer was after its last flush.
 */
import type Database from "better-sqlite3";
import type { Hash } from "node:crypto";
import { bytesOf, OperationError, sha256Stream } from "../core/index.ts";
import { decodeChunk } from "./column-codec.ts";
import {
  columnsWithin,
  type EventColumns,
  eventColumns,
  kindOf,
  NO_STAMP,
} from "./event-columns.ts";
import { readChunks, readFacts, readGaps, readValue } from "./read-facts.ts";
import { openDatabase } from "./session.ts";
import type { Gap, SessionFacts } from "./session-format.ts";
import { addTally, type Tally, tallyOf } from "./session-tally.ts";
import { EventKind } from "./tape.ts";

export interface Unfinished {
  readonly db: Database.Database;
  readonly facts: SessionFacts;
  readonly gaps: Gap[];
  readonly tally: Tally;
  /** Of the five columns, over all rows. */
  readonly hashes: readonly Hash[];
  /** Rows before the tail. */
  readonly packed: number;
  /** The rows of the last chunks, as many as one chunk may have. */
  readonly tail: EventColumns;
  /** The first chunk of the tail. */
  readonly smallFrom: number | null;
  /** Streams whose close is recorded. */
  readonly closed: ReadonlySet<number>;
  /** The latest stamp, NO_STAMP where there is none. */
  readonly lastStampUs: number;
}

/** Opens it for writing; `SESSION_EXISTS` where the session is finished. */
export function openUnfinished(folder: string, chunkRows: number): Unfinished {
  return openDatabase(folder, { readonly: false }, (db) => {
    if (readValue(db, "contentHash") !== undefined) {
      throw new OperationError(
        "SESSION_EXISTS",
        `${folder}: expected a recording that was not finished, was one that is; ` +
          `choose another name`,
      );
    }
    const tail = tailOf(db, chunkRows);
    const hashes = Array.from({ length: 5 }, sha256Stream);
    const tally = tallyOf(eventColumns(0));
    const rest = eventColumns(chunkRows);
    const closed = new Set<number>();
    let lastStampUs = NO_STAMP;
    let packed = 0;
    let filled = 0;
    for (const chunk of readChunks(db)) {
      const isTail = tail !== null && chunk.id >= tail;
      const from = isTail ? filled : 0;
      const whole = isTail ? rest : eventColumns(chunk.rowCount);
      decodeChunk(chunk, whole, from);
      if (isTail) filled += chunk.rowCount;
      else packed += chunk.rowCount;
      const columns = columnsWithin(whole, from, from + chunk.rowCount);
      const { code, stream, priceCc, size, stampUs } = columns;
      [code, stream, priceCc, size, stampUs].forEach((column, index) =>
        hashes[index]?.update(bytesOf(column)),
      );
      addTally(tally, tallyOf(columns));
      for (let row = 0; row < columns.rowCount; row++) {
        lastStampUs = Math.max(lastStampUs, stampUs[row] as number);
        if (kindOf(code[row] as number) === EventKind.close) closed.add(stream[row] as number);
      }
    }
    return {
      db,
      facts: readFacts(db),
      gaps: readGaps(db),
      tally,
      hashes,
      packed,
      tail: columnsWithin(rest, 0, filled),
      smallFrom: tail,
      closed,
      lastStampUs,
    };
  });
}

/** The first of the last chunks that fit into one and leave room in it; null where there is none. */
function tailOf(db: Database.Database, chunkRows: number): number | null {
  const sizes = db.prepare("SELECT id, row_count AS rowCount FROM chunk ORDER BY id DESC");
  let first: number | null = null;
  let rows = 0;
  for (const { id, rowCount } of sizes.iterate() as IterableIterator<{
    id: number;
    rowCount: number;
  }>) {
    rows += rowCount;
    if (rows >= chunkRows) break;
    first = id;
  }
  return first;
}
