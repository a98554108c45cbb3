/**
 * What a session database holds beside its events, and how it is laid out. One SQLite file,
 * `session.db`, is the truth of a session; everything else in its folder can be made from it.
 *
 * A session's content hash covers facts, gaps and raw events, and nothing that depends on how they
 * were written: not the session's name or source, not the chunks.
 */
import { canonicalJson, sha256, type TimestampUs } from "../core/index.ts";
import type { EventInfo, MarketInfo } from "./market-info.ts";

export const SESSION_FILE = "session.db";
export const TAPE_FILE = "session.tape";

/** "KGSE" in SQLite's application_id marks a database of ours. */
export const APPLICATION_ID = 0x4b475345;
export const FORMAT_VERSION = 1;

export const SCHEMA = `
  CREATE TABLE session (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE market (
    stream INTEGER PRIMARY KEY, ticker TEXT NOT NULL UNIQUE, event_ticker TEXT NOT NULL,
    series_ticker TEXT NOT NULL, close_us INTEGER, price_ranges TEXT NOT NULL,
    fee_type TEXT NOT NULL, fee_multiplier_ppm INTEGER NOT NULL,
    settlement_cc INTEGER, settlement_source TEXT
  ) STRICT;
  CREATE TABLE event (
    event_ticker TEXT PRIMARY KEY, exclusive INTEGER NOT NULL, market_count INTEGER
  ) STRICT;
  CREATE TABLE reference (stream INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE gap (
    position INTEGER NOT NULL, market TEXT, scope TEXT NOT NULL, reason TEXT NOT NULL,
    missing INTEGER, sid INTEGER, first_seq INTEGER
  ) STRICT;
  CREATE TABLE chunk (
    id INTEGER PRIMARY KEY, row_count INTEGER NOT NULL, snapshots INTEGER NOT NULL,
    deltas INTEGER NOT NULL, trades INTEGER NOT NULL, block_trades INTEGER NOT NULL,
    references_count INTEGER NOT NULL, other INTEGER NOT NULL,
    code BLOB NOT NULL, stream BLOB NOT NULL, price BLOB NOT NULL, size BLOB NOT NULL,
    stamp BLOB NOT NULL
  ) STRICT;
`;

/** Made only where a market's fees change: a session without this table has none that do. */
export const FEE_CHANGE_TABLE = `
  CREATE TABLE fee_change (
    stream INTEGER NOT NULL, at_us INTEGER NOT NULL, fee_type TEXT NOT NULL,
    fee_multiplier_ppm INTEGER NOT NULL
  ) STRICT;
`;

/** Everything that is told about a session rather than observed in it. */
export interface SessionFacts {
  /** Name for people; no part of the content hash. */
  readonly id: string;
  /** What it was made from, without paths of any machine; no part of the content hash. */
  readonly source: string;
  /** Streams 0 ... M - 1. */
  readonly markets: readonly MarketInfo[];
  readonly events: readonly EventInfo[];
  /** Names of the streams that follow the markets. */
  readonly references: readonly string[];
  /** True where a loss makes books unknown even when no snapshot follows it. Default false. */
  readonly strictGaps?: boolean;
}

/**
 * Why messages are missing. `sequence`: numbers are missing. `reconnect`: there was no connection.
 * `reported`: told by whoever recorded. Recorders of a live feed tell more: `contradiction`, a level
 * would have had less than nothing; `unreadable`; `stale`, the venue was silent or a book had changed
 * unsaid; `ended`, the venue ended the subscription; `overflow`, the recorder was too slow;
 * `interrupted`, it did not run.
 */
export type GapReason =
  | "sequence"
  | "reconnect"
  | "reported"
  | "contradiction"
  | "unreadable"
  | "stale"
  | "ended"
  | "overflow"
  | "interrupted";

/**
 * A place where messages are known to be missing. `scope` book: books may be wrong from there to
 * their next snapshot; trades: only trades are missing, the books are whole.
 */
export interface Gap {
  /** The loss lies before the event row of this number, in order of arrival. */
  readonly position: number;
  /** The only market concerned, or null for all of the session. */
  readonly market: string | null;
  readonly scope: "book" | "trades";
  readonly reason: GapReason;
  /** Number of missing messages, null when unknown. */
  readonly missing: number | null;
  /** Subscription and first missing sequence number where the feed tells. */
  readonly sid: number | null;
  readonly firstSeq: number | null;
}

/**
 * Numbers of events. A snapshot counts once, however many levels it has; the empty one with which a
 * feed closes a market counts too.
 */
export interface SessionCounts {
  readonly rows: number;
  readonly snapshots: number;
  readonly deltas: number;
  readonly trades: number;
  readonly blockTrades: number;
  readonly references: number;
  /** Closes that no snapshot told, and changes of status. */
  readonly other: number;
}

/** Digests of the five raw columns, fixed width and little-endian, in the order code ... stamp. */
export type ColumnDigests = readonly string[];

/** The content hash; see the head of this file. */
export function contentHashOf(
  facts: SessionFacts,
  gaps: readonly Gap[],
  digests: ColumnDigests,
): string {
  const { markets, events, references } = facts;
  const strictGaps = facts.strictGaps ?? false;
  const sorted = [...events].sort((a, b) => (a.eventTicker < b.eventTicker ? -1 : 1));
  return sha256(canonicalJson({ markets, events: sorted, references, strictGaps, gaps, digests }));
}

/** First and last effective time of a session. */
export interface SessionSpan {
  readonly startUs: TimestampUs;
  readonly endUs: TimestampUs;
}
