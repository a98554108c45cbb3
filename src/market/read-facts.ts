/** Reads a session's facts, counts, gaps and chunks from its database; `store-facts.ts` writes facts. */
import type Database from "better-sqlite3";
import type { CentiCents, TimestampUs } from "../core/index.ts";
import type { EncodedChunk } from "./column-codec.ts";
import { parseFeeType } from "./fee-schedule.ts";
import type { FeeChange } from "./fee-timeline.ts";
import type { EventInfo, MarketInfo, ResultSource } from "./market-info.ts";
import { type Gap, SESSION_FILE, type SessionCounts, type SessionFacts } from "./session-format.ts";

export function readValue(db: Database.Database, key: string): string | undefined {
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

export function readFacts(db: Database.Database): SessionFacts {
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

export function readCounts(db: Database.Database): SessionCounts {
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

export function readGaps(db: Database.Database): Gap[] {
  return db
    .prepare(
      `SELECT position, market, scope, reason, missing, sid, first_seq AS firstSeq
       FROM gap ORDER BY rowid`,
    )
    .all() as Gap[];
}

/** A chunk as it is stored. */
export interface StoredChunk extends EncodedChunk {
  readonly id: number;
}

/** All chunks, first to last. */
export function readChunks(db: Database.Database): IterableIterator<StoredChunk> {
  return db
    .prepare(
      `SELECT id, row_count AS rowCount, code, stream, price, size, stamp FROM chunk ORDER BY id`,
    )
    .iterate() as IterableIterator<StoredChunk>;
}
