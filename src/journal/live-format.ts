/**
 * How the journal of live runs is laid out: one SQLite file, in which each run (or each start after
 * a crash) is a part. Inputs, outputs, and the begin and end of parts share one running number,
 * `id`: their order is the order in which things were taken and decided.
 *
 * Two things are hashed. The chain goes over rows as they are stored, and shows that nobody changed
 * the file. A part's hash goes over header, inputs and outputs, without regard to commits: equal
 * inputs and outputs have an equal hash, on any machine. What can be derived from inputs and outputs
 * (tables `fill` and `sent_order`) is compared when it is read.
 */
import { hash, type Hash } from "node:crypto";
import { canonicalJson, messageOf, OperationError, sha256, sha256Stream } from "../core/index.ts";
import type { LiveEntry, LiveHeader, LiveOutput } from "./live-record.ts";

/** "KGLJ" in SQLite's application_id marks a journal of ours. */
export const LIVE_APPLICATION_ID = 0x4b474c4a;
export const LIVE_FORMAT_VERSION = 1;

export const LIVE_SCHEMA = `
  CREATE TABLE part (
    part INTEGER PRIMARY KEY, begin_id INTEGER NOT NULL, started_us INTEGER NOT NULL,
    header TEXT NOT NULL, begin_chain BLOB NOT NULL,
    end_id INTEGER, ended_us INTEGER, reason TEXT, hash TEXT, end_chain BLOB
  ) STRICT;
  CREATE TABLE input (
    id INTEGER PRIMARY KEY, part INTEGER NOT NULL, entries INTEGER NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, body BLOB NOT NULL, chain BLOB NOT NULL
  ) STRICT;
  CREATE TABLE output (
    id INTEGER PRIMARY KEY, part INTEGER NOT NULL, block INTEGER NOT NULL,
    at_us INTEGER NOT NULL, kind TEXT NOT NULL, market TEXT, body TEXT NOT NULL,
    chain BLOB NOT NULL
  ) STRICT;
  CREATE TABLE sent_order (
    client_order_id TEXT PRIMARY KEY, output INTEGER NOT NULL, part INTEGER NOT NULL,
    at_us INTEGER NOT NULL, market TEXT NOT NULL, side TEXT NOT NULL,
    price_cc INTEGER NOT NULL, size_lots INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE fill (
    trade_id TEXT PRIMARY KEY, input INTEGER NOT NULL, part INTEGER NOT NULL,
    at_us INTEGER NOT NULL, client_order_id TEXT NOT NULL, market TEXT, side TEXT,
    price_cc INTEGER NOT NULL, size_lots INTEGER NOT NULL, fee_micro_usd INTEGER NOT NULL,
    role TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** What a journal's chain begins with. */
export const CHAIN_START: Uint8Array = new Uint8Array(16);

/** A row of the table `fill`; market and side are null for an order that no part sent. */
export interface LiveFill {
  readonly tradeId: string;
  /** The input block that told of it first. */
  readonly input: number;
  readonly part: number;
  readonly atUs: number;
  readonly clientOrderId: string;
  readonly market: string | null;
  readonly side: "bid" | "ask" | null;
  readonly priceCc: number;
  readonly sizeLots: number;
  readonly feeMicroUsd: number;
  readonly role: string;
}

/** A row of the table `sent_order`: an order as it was submitted. */
export interface SentOrder {
  readonly clientOrderId: string;
  readonly output: number;
  readonly part: number;
  readonly atUs: number;
  readonly market: string;
  readonly side: "bid" | "ask";
  readonly priceCc: number;
  readonly sizeLots: number;
}

export const FILL_COLUMNS = `trade_id AS tradeId, input, part, at_us AS atUs,
  client_order_id AS clientOrderId, market, side, price_cc AS priceCc, size_lots AS sizeLots,
  fee_micro_usd AS feeMicroUsd, role`;

export const SENT_ORDER_COLUMNS = `client_order_id AS clientOrderId, output, part, at_us AS atUs,
  market, side, price_cc AS priceCc, size_lots AS sizeLots`;

/** Numbers of what a part holds. `fills` counts each fill once, in the part that told of it first. */
export interface LiveCounts {
  readonly inputs: number;
  readonly outputs: number;
  readonly decisions: number;
  /** Orders submitted. */
  readonly orders: number;
  readonly fills: number;
  readonly corrections: number;
}

/** The first 16 bytes of SHA-256 over the chain so far, the row's columns as text, and its body. */
export function chainAfter(
  chain: Uint8Array,
  columns: readonly (string | number | null)[],
  body: string | Uint8Array,
): Uint8Array {
  const isText = typeof body === "string";
  const text = isText ? `${JSON.stringify(columns)}\n${body}` : `${JSON.stringify(columns)}\n`;
  // No character of a text takes more than three bytes.
  const most = chain.length + 3 * text.length + (isText ? 0 : body.length);
  if (scratch.length < most) scratch = Buffer.allocUnsafe(2 * most);
  scratch.set(chain);
  let end = chain.length + scratch.write(text, chain.length, "utf8");
  if (!isText) {
    scratch.set(body, end);
    end += body.length;
  }
  return hash("sha256", scratch.subarray(0, end), "buffer").subarray(0, 16);
}

/** Reused by all rows: buffers of their own would be most of a journal's work for the collector. */
let scratch = Buffer.allocUnsafe(1 << 16);

/** An output as canonical JSON. Decisions are nearly all of them, and are written out here. */
export function outputText(output: LiveOutput): string {
  if (output.kind !== "decision") return canonicalJson(output);
  const { action, ask, atUs, bid, market, mask, observationHash } = output;
  // A policy may have chosen what is no action: that is for others to say.
  if (![action, ask, atUs, bid, market].every(Number.isSafeInteger)) return canonicalJson(output);
  return (
    `{"action":${action},"ask":${ask},"atUs":${atUs},"bid":${bid},"kind":"decision",` +
    `"market":${market},"mask":"${mask}","observationHash":"${observationHash}"}`
  );
}

/** The hash of a part, as it grows. */
export class PartHash {
  readonly #header: string;
  readonly #inputs: Hash = sha256Stream();
  readonly #outputs: Hash = sha256Stream();

  constructor(headerText: string) {
    this.#header = sha256(headerText);
  }

  inputs(bytes: Uint8Array): void {
    this.#inputs.update(bytes);
  }

  output(body: string): void {
    this.#outputs.update(body).update("\n");
  }

  /** SHA-256 over the hashes of header, inputs and outputs so far. */
  value(): string {
    const [inputs, outputs] = [
      this.#inputs.copy().digest("hex"),
      this.#outputs.copy().digest("hex"),
    ];
    return sha256(`kalshi-gym live part 1\n${this.#header}\n${inputs}\n${outputs}\n`);
  }
}

/** A fill that an input tells of. */
export interface ToldFill {
  /** The venue's id of the trade; a simulated one has its place in the journal. */
  readonly id: string;
  readonly atUs: number;
  readonly clientOrderId: string;
  readonly price: number;
  readonly size: number;
  readonly fee: number;
  readonly role: string;
}

/** The fills that entries of a part tell of; `before` entries of it came before them. */
export function fillsIn(entries: readonly LiveEntry[], part: number, before: number): ToldFill[] {
  return entries.flatMap(({ input }, index): readonly ToldFill[] => {
    if (input.kind === "account") {
      return (input.reading.missed ?? []).map((fill) => ({ ...fill, id: fill.tradeId }));
    }
    if (input.kind !== "order" || input.event.kind !== "filled") return [];
    const { event } = input;
    const { evidence } = event;
    const isOfVenue = evidence.kind === "venue";
    return [{ ...event, id: isOfVenue ? evidence.tradeId : `simulated:${part}:${before + index}` }];
  });
}

/** A submitted order as a row, or null where `output` is none. */
export function sentOrderOf(
  output: LiveOutput,
  { markets }: LiveHeader,
  place: { readonly id: number; readonly part: number },
): SentOrder | null {
  if (output.kind !== "sent" || output.command.kind !== "submit") return null;
  const { clientOrderId, market, side, price, size } = output.command.request;
  return {
    clientOrderId,
    output: place.id,
    part: place.part,
    atUs: output.atUs,
    market: markets[market]?.ticker ?? String(market),
    side: side === 0 ? "bid" : "ask",
    priceCc: price,
    sizeLots: size,
  };
}

/** The market that an output is about, where it names one; `sentIn` finds that of an order. */
export function marketOf(
  output: LiveOutput,
  { markets }: LiveHeader,
  sentIn: (clientOrderId: string) => string | null,
): string | null {
  const tickerOf = (market: number): string => markets[market]?.ticker ?? String(market);
  if (output.kind === "decision") return tickerOf(output.market);
  if (output.kind !== "sent" && output.kind !== "refused") return null;
  const { command } = output;
  if (command.kind === "submit") return tickerOf(command.request.market);
  return sentIn(command.clientOrderId);
}

/** `part`'s begin in the chain. */
export function beginChain(
  chain: Uint8Array,
  row: { part: number; begin_id: number; started_us: number; header: string },
): Uint8Array {
  return chainAfter(chain, ["begin", row.part, row.begin_id, row.started_us], row.header);
}

/** `part`'s end in the chain. */
export function endChain(
  chain: Uint8Array,
  row: { part: number; end_id: number; ended_us: number; hash: string; reason: string },
): Uint8Array {
  return chainAfter(chain, ["end", row.part, row.end_id, row.ended_us, row.hash], row.reason);
}

export function headerText(header: LiveHeader): string {
  return canonicalJson(header);
}

export function notAJournal(path: string, cause?: unknown): OperationError {
  return new OperationError(
    "JOURNAL_FORMAT",
    `${path}: expected a journal of live runs, was another kind of file; choose another name`,
    { cause },
  );
}

export function otherVersion(path: string, version: number): OperationError {
  return new OperationError(
    "JOURNAL_VERSION",
    `${path}: expected journal version ${LIVE_FORMAT_VERSION}, was ${version}; ` +
      `begin a new journal, or read this one with the version of kalshi-gym that wrote it`,
  );
}

/** `what` is not as it was written: a row by table and id, or what of it. */
export function damaged(path: string, what: string, cause?: unknown): OperationError {
  return new OperationError(
    "JOURNAL_DAMAGED",
    `${path}: ${what}: expected what follows from the rows before it, was something else; ` +
      `this or a row before it was changed after it was written`,
    { cause },
  );
}

/** SQLite itself cannot make sense of the file. */
export function notWhole(path: string, cause: unknown): OperationError {
  return new OperationError(
    "JOURNAL_DAMAGED",
    `${path}: expected a whole journal, was one that is damaged or cut short ` +
      `(${messageOf(cause)}); read a copy of it, and begin another journal`,
    { cause },
  );
}
