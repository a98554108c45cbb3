/**
 * Reading the journal of live runs, also one whose process was killed and one that is being written.
 * Rows are read in pages, so that a writer is never held up, and each is checked against the chain
 * as it passes. A part that somebody still writes ends, for the reader, where it stands.
 */
import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { messageOf, OperationError } from "../core/index.ts";
import { EntryDecoder } from "./live-codec.ts";
import {
  beginChain,
  CHAIN_START,
  chainAfter,
  damaged,
  endChain,
  FILL_COLUMNS,
  fillsIn,
  LIVE_APPLICATION_ID,
  LIVE_FORMAT_VERSION,
  type LiveCounts,
  type LiveFill,
  notAJournal,
  notWhole,
  otherVersion,
  PartHash,
  SENT_ORDER_COLUMNS,
  type SentOrder,
  sentOrderOf,
  type ToldFill,
} from "./live-format.ts";
import type { LiveEntry, LiveHeader, LiveOutput } from "./live-record.ts";

const PAGE_ROWS = 256;

/** What one call of the writer stored; `id` is its first row. */
export type LiveBlock =
  | { readonly kind: "inputs"; readonly id: number; readonly entries: readonly LiveEntry[] }
  | { readonly kind: "outputs"; readonly id: number; readonly outputs: readonly LiveOutput[] };

/** What a part comes to, once it was read to its end. */
export interface LivePartFacts {
  readonly hash: string;
  readonly counts: LiveCounts;
  /** Its last row. */
  readonly lastId: number;
}

/** One run of a journal. */
export interface LivePart {
  /** From 1. */
  readonly number: number;
  readonly header: LiveHeader;
  readonly startedUs: number;
  /** False for a run that was killed, or that still runs; then the three that follow are null. */
  readonly isEnded: boolean;
  readonly reason: string | null;
  readonly endedUs: number | null;
  readonly storedHash: string | null;
  /** Its blocks in the order in which they were stored; `JOURNAL_DAMAGED` names the first bad row. */
  blocks(): Generator<LiveBlock, LivePartFacts>;
}

/**
 * Opens a journal for reading. `JOURNAL_MISSING` where there is none, `JOURNAL_FORMAT` where it is
 * another kind of file, `JOURNAL_VERSION`, `JOURNAL_READ` where it cannot be read.
 */
export function readLiveJournal(path: string): LiveJournalReader {
  if (!existsSync(path)) {
    throw new OperationError(
      "JOURNAL_MISSING",
      `${path}: expected a journal of live runs, was nothing there`,
    );
  }
  return guarded(path, () => {
    const db = new Database(path, { readonly: true, fileMustExist: true });
    try {
      const id = Number(db.pragma("application_id", { simple: true }));
      if (id !== LIVE_APPLICATION_ID) throw notAJournal(path);
      const version = Number(db.pragma("user_version", { simple: true }));
      if (version !== LIVE_FORMAT_VERSION) throw otherVersion(path, version);
      return new LiveJournalReader(path, db);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

interface PartRow {
  readonly part: number;
  readonly begin_id: number;
  readonly started_us: number;
  readonly header: string;
  readonly begin_chain: Uint8Array;
  readonly end_id: number | null;
  readonly ended_us: number | null;
  readonly reason: string | null;
  readonly hash: string | null;
  readonly end_chain: Uint8Array | null;
}

interface Row {
  readonly id: number;
  readonly part: number;
  /** Null for an input block. */
  readonly block: number | null;
  readonly entries: number;
  readonly first_us: number;
  readonly last_us: number;
  readonly kind: string | null;
  readonly market: string | null;
  readonly body: string | Uint8Array;
  readonly chain: Uint8Array;
}

const ROWS = `
  SELECT id, part, NULL AS block, entries, first_us, last_us, NULL AS kind, NULL AS market, body, chain
  FROM input WHERE id > :after AND id < :before
  UNION ALL
  SELECT id, part, block, 1, at_us, at_us, kind, market, body, chain
  FROM output WHERE id > :after AND id < :before
  ORDER BY id LIMIT ${PAGE_ROWS}`;

export class LiveJournalReader {
  readonly parts: readonly LivePart[];
  readonly #path: string;
  readonly #db: Database.Database;
  readonly #rows: Database.Statement;
  readonly #fill: Database.Statement;
  readonly #sent: Database.Statement;

  /** Use `readLiveJournal`. */
  constructor(path: string, db: Database.Database) {
    this.#path = path;
    this.#db = db;
    this.#rows = db.prepare(ROWS);
    this.#fill = db.prepare(`SELECT ${FILL_COLUMNS} FROM fill WHERE trade_id = ?`);
    this.#sent = db.prepare(
      `SELECT ${SENT_ORDER_COLUMNS} FROM sent_order WHERE client_order_id = ?`,
    );
    const rows = db.prepare("SELECT * FROM part ORDER BY part").all() as PartRow[];
    this.parts = rows.map((row, index) => this.#part(row, rows[index - 1], rows[index + 1]));
  }

  /** Every fill, once, in the order in which they were told. */
  fills(): readonly LiveFill[] {
    return this.#all(`SELECT ${FILL_COLUMNS} FROM fill ORDER BY input, trade_id`) as LiveFill[];
  }

  /** Every order that was sent, as it was submitted, oldest first. */
  sentOrders(): readonly SentOrder[] {
    return this.#all(`SELECT ${SENT_ORDER_COLUMNS} FROM sent_order ORDER BY output`) as SentOrder[];
  }

  /** Time of the last row, by the clock of the machine that wrote it; null for a file without any. */
  lastUs(): number | null {
    const found = this.#all(
      `SELECT max(us) AS us FROM (
         SELECT * FROM (SELECT last_us AS us FROM input ORDER BY id DESC LIMIT 1)
         UNION ALL SELECT * FROM (SELECT at_us FROM output ORDER BY id DESC LIMIT 1)
         UNION ALL SELECT max(started_us) FROM part UNION ALL SELECT max(ended_us) FROM part)`,
    ) as { us: number | null }[];
    return found[0]?.us ?? null;
  }

  /**
   * Reads everything and checks it: the chain, the stored hashes, and that fills and orders are the
   * ones that inputs and outputs tell of. What each part comes to.
   */
  verify(): readonly LivePartFacts[] {
    const facts = this.parts.map((part) => {
      const blocks = part.blocks();
      for (;;) {
        const next = blocks.next();
        if (next.done === true) return next.value;
      }
    });
    const lastId = facts.at(-1)?.lastId ?? 0;
    // Of a journal that grows meanwhile, the tables may be ahead of what was read.
    const stored = (sql: string): number =>
      guarded(this.#path, () => this.#db.prepare(sql).pluck().get(lastId)) as number;
    const told = (of: (counts: LiveCounts) => number): number =>
      facts.reduce((sum, { counts }) => sum + of(counts), 0);
    const fills = stored("SELECT count(*) FROM fill WHERE input <= ?");
    if (fills !== told((counts) => counts.fills)) throw damaged(this.#path, "table fill");
    const orders = stored("SELECT count(*) FROM sent_order WHERE output <= ?");
    if (orders !== told((counts) => counts.orders)) throw damaged(this.#path, "table sent_order");
    const behind = this.#all(
      `SELECT id FROM (SELECT id FROM input UNION ALL SELECT id FROM output)
       WHERE id > (SELECT end_id FROM part ORDER BY part DESC LIMIT 1) LIMIT 1`,
    );
    if (behind.length > 0) throw damaged(this.#path, "a row behind the end of the last part");
    return facts;
  }

  close(): void {
    this.#db.close();
  }

  #all(sql: string): unknown[] {
    return guarded(this.#path, () => this.#db.prepare(sql).all());
  }

  #part(row: PartRow, before: PartRow | undefined, next: PartRow | undefined): LivePart {
    const place = `part ${row.part}`;
    let header: LiveHeader;
    try {
      header = JSON.parse(row.header) as LiveHeader;
    } catch (error) {
      throw damaged(this.#path, place, error);
    }
    return {
      number: row.part,
      header,
      startedUs: row.started_us,
      isEnded: row.end_id !== null,
      reason: row.reason,
      endedUs: row.ended_us,
      storedHash: row.hash,
      blocks: () => this.#blocks(row, header, before, next),
    };
  }

  *#blocks(
    row: PartRow,
    header: LiveHeader,
    before: PartRow | undefined,
    next: PartRow | undefined,
  ): Generator<LiveBlock, LivePartFacts> {
    const chain = beginChain(this.#chainBefore(row, before), row);
    if (!isEqual(chain, row.begin_chain)) throw damaged(this.#path, `part ${row.part}`);
    const fold = new PartFold(this.#path, row, header, {
      fill: (id) => guarded(this.#path, () => this.#fill.get(id)) as LiveFill | undefined,
      sent: (id) => guarded(this.#path, () => this.#sent.get(id)) as SentOrder | undefined,
    });
    const limit = row.end_id ?? next?.begin_id ?? Number.MAX_SAFE_INTEGER;
    let outputs: { id: number; list: LiveOutput[] } | null = null;
    for (;;) {
      const query = { after: fold.id, before: limit };
      const page = guarded(this.#path, () => this.#rows.all(query)) as Row[];
      for (const each of page) {
        if (each.part !== row.part && next === undefined && this.#isBegun(row.part + 1, fold.id)) {
          return fold.finish(Number.MAX_SAFE_INTEGER);
        }
        const read = fold.take(each);
        if (outputs !== null && each.block !== outputs.id) {
          yield { kind: "outputs", id: outputs.id, outputs: outputs.list };
          outputs = null;
        }
        if (read.kind === "inputs") yield read;
        else if (outputs === null) outputs = { id: each.id, list: [...read.outputs] };
        else outputs.list.push(...read.outputs);
      }
      if (page.length < PAGE_ROWS) break;
    }
    if (outputs !== null) yield { kind: "outputs", id: outputs.id, outputs: outputs.list };
    return fold.finish(limit);
  }

  /** True where a part has begun behind row `id`, or behind an end that stands there. */
  #isBegun(part: number, id: number): boolean {
    const found = this.#all(`SELECT begin_id FROM part WHERE part = ${part}`);
    const { begin_id = 0 } = (found[0] ?? {}) as { begin_id?: number };
    return begin_id === id + 1 || begin_id === id + 2;
  }

  /** The chain at the row before a part. */
  #chainBefore(row: PartRow, before: PartRow | undefined): Uint8Array {
    if (before === undefined) return CHAIN_START;
    if (before.end_id === row.begin_id - 1) return before.end_chain ?? CHAIN_START;
    if (before.begin_id === row.begin_id - 1) return before.begin_chain;
    const last = guarded(this.#path, () =>
      this.#rows.all({ after: row.begin_id - 2, before: row.begin_id }),
    ) as Row[];
    return last[0]?.chain ?? CHAIN_START;
  }
}

interface Tables {
  readonly fill: (tradeId: string) => LiveFill | undefined;
  readonly sent: (clientOrderId: string) => SentOrder | undefined;
}

/** A part as its rows pass: chain, hash, counts, and what must stand in the derived tables. */
class PartFold {
  readonly #path: string;
  readonly #row: PartRow;
  readonly #header: LiveHeader;
  readonly #tables: Tables;
  readonly #decoder = new EntryDecoder();
  readonly #hash: PartHash;
  readonly #counts = { inputs: 0, outputs: 0, decisions: 0, orders: 0, fills: 0, corrections: 0 };
  #chain: Uint8Array;
  /** The row read last. */
  id: number;

  constructor(path: string, row: PartRow, header: LiveHeader, tables: Tables) {
    this.#path = path;
    this.#row = row;
    this.#header = header;
    this.#tables = tables;
    this.#hash = new PartHash(row.header);
    this.#chain = row.begin_chain;
    this.id = row.begin_id;
  }

  take(row: Row): LiveBlock {
    const { id, part, block, entries, first_us, last_us, kind, market, body } = row;
    const isInput = block === null;
    const place = `${isInput ? "input" : "output"} ${id}`;
    const columns = isInput
      ? ["input", id, part, entries, first_us, last_us]
      : ["output", id, part, block, first_us, kind, market];
    const isShaped =
      (isInput ? body instanceof Uint8Array : typeof body === "string") &&
      part === this.#row.part &&
      id === this.id + 1;
    if (!isShaped) throw damaged(this.#path, place);
    this.#chain = chainAfter(this.#chain, columns, body);
    if (!isEqual(this.#chain, row.chain)) throw damaged(this.#path, place);
    this.id = id;
    return typeof body === "string" ? this.#output(id, body) : this.#inputs(id, body);
  }

  /** `limit` is the id of what follows on the part, where something does. */
  finish(limit: number): LivePartFacts {
    const { part, end_id, ended_us, reason, hash, end_chain } = this.#row;
    const facts = { hash: this.#hash.value(), counts: this.#counts, lastId: end_id ?? this.id };
    const follows = limit === Number.MAX_SAFE_INTEGER || limit === this.id + 1;
    if (!follows) throw damaged(this.#path, `row ${this.id + 1}, which is missing`);
    if (end_id === null) {
      const isOpen = [ended_us, reason, hash, end_chain].every((value) => value === null);
      if (!isOpen) throw damaged(this.#path, `the end of part ${part}`);
      return facts;
    }
    const end = {
      part,
      end_id,
      ended_us: ended_us ?? 0,
      hash: facts.hash,
      reason: reason ?? "",
    };
    const isEnd = hash === facts.hash && isEqual(endChain(this.#chain, end), end_chain);
    if (!isEnd) throw damaged(this.#path, `the end of part ${part}`);
    return facts;
  }

  #inputs(id: number, body: Uint8Array): LiveBlock {
    const entries = this.#parsed(`input ${id}`, () => this.#decoder.decode(body));
    const seen = new Set<string>();
    for (const told of fillsIn(entries, this.#row.part, this.#counts.inputs)) {
      const fill = this.#tables.fill(told.id);
      if (fill === undefined || fill.input > id)
        throw damaged(this.#path, `the fill of input ${id}`);
      // One that was told before is as it was told first.
      if (fill.input < id || seen.has(told.id)) continue;
      seen.add(told.id);
      this.#requireSame(fill, told);
      this.#counts.fills += 1;
    }
    this.#hash.inputs(body);
    this.#counts.inputs += entries.length;
    return { kind: "inputs", id, entries };
  }

  /** The chain says that nobody changed a row, not that it was ever one of ours. */
  #parsed<Result>(place: string, parse: () => Result): Result {
    try {
      return parse();
    } catch (error) {
      throw damaged(this.#path, place, error);
    }
  }

  #requireSame(fill: LiveFill, told: ToldFill): void {
    const { clientOrderId, atUs, price, size, fee, role } = told;
    const sent = this.#tables.sent(clientOrderId);
    const order = sent !== undefined && sent.output < fill.input ? sent : null;
    const isSame =
      fill.part === this.#row.part &&
      fill.atUs === atUs &&
      fill.clientOrderId === clientOrderId &&
      fill.market === (order?.market ?? null) &&
      fill.side === (order?.side ?? null) &&
      fill.priceCc === price &&
      fill.sizeLots === size &&
      fill.feeMicroUsd === fee &&
      fill.role === role;
    if (!isSame) throw damaged(this.#path, `the fill of input ${fill.input}`);
  }

  #output(id: number, body: string): LiveBlock {
    const output = this.#parsed(`output ${id}`, () => JSON.parse(body) as LiveOutput);
    const sent = sentOrderOf(output, this.#header, { id, part: this.#row.part });
    if (sent !== null) {
      const stored = this.#tables.sent(sent.clientOrderId);
      const isStored = Object.entries(sent).every(
        ([name, value]) => stored?.[name as keyof SentOrder] === value,
      );
      if (!isStored) throw damaged(this.#path, `the order of output ${id}`);
      this.#counts.orders += 1;
    }
    this.#hash.output(body);
    this.#counts.outputs += 1;
    if (output.kind === "decision") this.#counts.decisions += 1;
    if (output.kind === "correction") this.#counts.corrections += 1;
    return { kind: "outputs", id, outputs: [output] };
  }
}

function isEqual(a: Uint8Array, b: Uint8Array | null): boolean {
  return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
}

/** Runs what asks the database; its errors become ours. */
function guarded<Result>(path: string, ask: () => Result): Result {
  try {
    return ask();
  } catch (error) {
    if (error instanceof OperationError) throw error;
    const code = error instanceof Database.SqliteError ? error.code : "";
    if (code === "SQLITE_NOTADB") throw notAJournal(path, error);
    if (code.startsWith("SQLITE_CORRUPT")) throw notWhole(path, error);
    // An unknown table or column is damage too: application id and version said that it is ours.
    if (code === "SQLITE_ERROR") {
      throw damaged(path, "its database", error);
    }
    throw new OperationError(
      "JOURNAL_READ",
      `${path}: the journal could not be read, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** What a restart wants to know of the part before it. */
export interface LastPart {
  readonly number: number;
  readonly header: LiveHeader;
  readonly isEnded: boolean;
  readonly reason: string | null;
  /** Time of the last row. */
  readonly lastUs: number;
  /** Ids of all fills that any part told of. */
  readonly fills: ReadonlySet<string>;
}

/** The last part of a journal without reading what happened in it; null where there is none. */
export function lastPart(path: string): LastPart | null {
  if (!existsSync(path)) return null;
  const reader = readLiveJournal(path);
  try {
    const part = reader.parts.at(-1);
    if (part === undefined) return null;
    const { number, header, isEnded, reason, startedUs } = part;
    const lastUs = reader.lastUs() ?? startedUs;
    const fills = new Set(reader.fills().map(({ tradeId }) => tradeId));
    return { number, header, isEnded, reason, lastUs, fills };
  } finally {
    reader.close();
  }
}
