/**
 * One recorded WebSocket message of Kalshi, read strictly and in full: the reference reading, used
 * for every line that the fast scanner does not know, and to judge the scanner in tests. Prices and
 * sizes come from the `_dollars` and `_fp` strings; older integer fields are ignored.
 * Source: `Kalshi Market Data WebSocket API` 2.0.0, channels orderbook_delta, trade and
 * market_lifecycle_v2 (with its message event_fee_update).
 */
import {
  type CentiCents,
  complement,
  OperationError,
  parseCentiCents,
  parseFixed,
  parseLots,
  type TimestampUs,
} from "../core/index.ts";
import { NO_STAMP, StampResolution } from "./event-columns.ts";
import { type FeeType, parseFeeType } from "./fee-schedule.ts";
import { parseIsoTime } from "./iso-time.ts";
import type { SnapshotLevel } from "./session-writer.ts";
import { BookSide, MarketStatus } from "./tape.ts";

/**
 * What a line says. `other` covers replies and channels that carry no market events; where they are
 * numbered they still take their place in the sequence.
 */
export type WireKind =
  "delta" | "trade" | "blockTrade" | "snapshot" | "lifecycle" | "eventFees" | "other";

/** One message, in one mutable record that a reader fills again and again. */
export interface WireRow {
  kind: WireKind;
  /** The message's `type`. */
  type: string;
  /** Subscription and sequence number, -1 where the message has none. */
  sid: number;
  seq: number;
  ticker: string;
  side: BookSide;
  priceCc: number;
  size: number;
  stampUs: number;
  resolution: StampResolution;
  levels: SnapshotLevel[];
  lifecycle: Lifecycle | null;
  eventFees: EventFees | null;
}

/** An event's fees from now on, where they differ from its series'; null is the series' own. */
export interface EventFees {
  readonly eventTicker: string;
  readonly type: FeeType | null;
  readonly multiplierPpm: number | null;
}

/** What a lifecycle message tells. */
export interface Lifecycle {
  readonly status: MarketStatus | null;
  /** What YES pays, from a determination. */
  readonly settlementCc: CentiCents | null;
  /** Expected expiration, from the creation of a market. */
  readonly expectedCloseUs: TimestampUs | null;
}

export function emptyWireRow(): WireRow {
  return {
    kind: "other",
    type: "",
    sid: -1,
    seq: -1,
    ticker: "",
    side: BookSide.bid,
    priceCc: 0,
    size: 0,
    stampUs: NO_STAMP,
    resolution: StampResolution.none,
    levels: [],
    lifecycle: null,
    eventFees: null,
  };
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one line into `row`. `place` names file and line in errors: `IMPORT_JSON` where the line is
 * no JSON object, `IMPORT_FIELD` and the decimal and time codes for what a field holds.
 */
export function readWireMessage(
  row: WireRow,
  text: string,
  place: string,
  useYesPrice: boolean,
): void {
  const message = parseObject(text, place);
  const msg = isObject(message["msg"]) ? message["msg"] : {};
  row.type = typeof message["type"] === "string" ? message["type"] : "(no type)";
  row.sid = readCount(message, "sid", place);
  row.seq = readCount(message, "seq", place);
  row.stampUs = NO_STAMP;
  row.resolution = StampResolution.none;
  row.levels = [];
  row.lifecycle = null;
  row.eventFees = null;
  switch (row.type) {
    case "orderbook_delta":
      row.kind = "delta";
      row.ticker = readText(msg, "market_ticker", place);
      readSidePrice(row, msg, place, useYesPrice);
      row.size = parseLots(readText(msg, "delta_fp", place), `${place}: delta_fp`);
      readStamp(row, msg, place, "ts");
      return;
    case "trade":
      row.kind = msg["is_block_trade"] === true ? "blockTrade" : "trade";
      row.ticker = readText(msg, "market_ticker", place);
      row.priceCc = parseCentiCents(
        readText(msg, "yes_price_dollars", place),
        `${place}: yes_price_dollars`,
      );
      row.size = parseLots(readText(msg, "count_fp", place), `${place}: count_fp`);
      // The taker's outcome tells the maker's side: who buys YES hits an ask, who buys NO a bid.
      row.side =
        readOutcome(
          msg,
          "taker_outcome_side" in msg ? "taker_outcome_side" : "taker_side",
          place,
        ) === "yes"
          ? BookSide.ask
          : BookSide.bid;
      readStamp(row, msg, place, "ts_ms");
      return;
    case "orderbook_snapshot":
      row.kind = "snapshot";
      row.ticker = readText(msg, "market_ticker", place);
      row.levels = [
        ...readLevels(msg, "yes_dollars_fp", BookSide.bid, place, true),
        ...readLevels(msg, "no_dollars_fp", BookSide.ask, place, useYesPrice),
      ];
      row.size = row.levels.length;
      return;
    case "market_lifecycle_v2":
      row.kind = "lifecycle";
      row.ticker = readText(msg, "market_ticker", place);
      row.lifecycle = readLifecycle(msg, place);
      return;
    case "event_fee_update":
      row.kind = "eventFees";
      row.ticker = "";
      row.eventFees = readEventFees(msg, place);
      return;
    default:
      row.kind = "other";
      row.ticker = "";
  }
}

function parseObject(text: string, place: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new OperationError(
      "IMPORT_JSON",
      `${place}: expected one JSON object a line, was ${JSON.stringify(shorten(text))}; ` +
        `the file may have been cut off while it was written`,
      { cause: error },
    );
  }
  if (isObject(value)) return value;
  throw new OperationError(
    "IMPORT_JSON",
    `${place}: expected a JSON object, was ${JSON.stringify(shorten(text))}`,
  );
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 40)} ... ${text.slice(-15)}`;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readText(fields: Fields, name: string, place: string): string {
  const value = fields[name];
  if (typeof value === "string" && value !== "") return value;
  throw new OperationError(
    "IMPORT_FIELD",
    `${place}: ${name}: expected a string, was ${JSON.stringify(value) ?? "missing"}`,
  );
}

function readCount(fields: Fields, name: string, place: string): number {
  const value = fields[name];
  if (value === undefined || value === null) return -1;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new OperationError(
    "IMPORT_FIELD",
    `${place}: ${name}: expected a whole number, was ${JSON.stringify(value)}`,
  );
}

function readOutcome(fields: Fields, name: string, place: string): "yes" | "no" {
  const value = fields[name];
  if (value === "yes" || value === "no") return value;
  throw new OperationError(
    "IMPORT_FIELD",
    `${place}: ${name}: expected "yes" or "no", was ${JSON.stringify(value) ?? "missing"}`,
  );
}

function readSidePrice(row: WireRow, msg: Fields, place: string, useYesPrice: boolean): void {
  const price = parseCentiCents(readText(msg, "price_dollars", place), `${place}: price_dollars`);
  const yes = readOutcome(msg, "side", place) === "yes";
  row.side = yes ? BookSide.bid : BookSide.ask;
  row.priceCc = yes || useYesPrice ? price : complement(price);
}

/** The finer of the stamps where both are there: `first` is looked at first. */
function readStamp(row: WireRow, msg: Fields, place: string, first: "ts" | "ts_ms"): void {
  for (const name of first === "ts" ? (["ts", "ts_ms"] as const) : (["ts_ms", "ts"] as const)) {
    const value = msg[name];
    if (value === undefined || value === null) continue;
    if (typeof value === "string") {
      row.stampUs = parseIsoTime(value, `${place}: ${name}`);
      row.resolution = StampResolution.microsecond;
      return;
    }
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
      const milliseconds = name === "ts_ms";
      row.stampUs = value * (milliseconds ? 1_000 : 1_000_000);
      row.resolution = milliseconds ? StampResolution.millisecond : StampResolution.second;
      return;
    }
    throw new OperationError(
      "IMPORT_FIELD",
      `${place}: ${name}: expected a time, was ${JSON.stringify(value)}`,
    );
  }
  throw new OperationError("IMPORT_FIELD", `${place}: ts: expected a time, was missing`);
}

function readLevels(
  msg: Fields,
  name: string,
  side: BookSide,
  place: string,
  yesScale: boolean,
): SnapshotLevel[] {
  const value = msg[name];
  if (value === undefined || value === null) {
    const old = name.slice(0, -"_dollars_fp".length);
    if (Array.isArray(msg[old]) && msg[old].length > 0) {
      throw new OperationError(
        "IMPORT_FIELD",
        `${place}: ${name}: expected price and size strings, was only the integer field "${old}"`,
      );
    }
    return [];
  }
  if (!Array.isArray(value)) {
    throw new OperationError("IMPORT_FIELD", `${place}: ${name}: expected a list of levels`);
  }
  return value.map((level: unknown, index): SnapshotLevel => {
    const field = `${place}: ${name}[${index}]`;
    const [price, size] = Array.isArray(level) ? (level as unknown[]) : [];
    if (typeof price !== "string" || typeof size !== "string") {
      throw new OperationError(
        "IMPORT_FIELD",
        `${field}: expected ["price", "size"], was ${JSON.stringify(level)}`,
      );
    }
    const own = parseCentiCents(price, field);
    return { side, priceCc: yesScale ? own : complement(own), size: parseLots(size, field) };
  });
}

function readEventFees(msg: Fields, place: string): EventFees {
  const type = msg["fee_type_override"] ?? null;
  const multiplier = msg["fee_multiplier_override"] ?? null;
  const field = `${place}: fee_multiplier_override`;
  if (multiplier !== null && typeof multiplier !== "number") {
    throw new OperationError(
      "IMPORT_FIELD",
      `${field}: expected a number, was ${JSON.stringify(multiplier)}`,
    );
  }
  return {
    eventTicker: readText(msg, "event_ticker", place),
    type:
      type === null
        ? null
        : parseFeeType(readText(msg, "fee_type_override", place), `${place}: fee_type_override`),
    multiplierPpm: multiplier === null ? null : parseFixed(String(multiplier), 6, field),
  };
}

function readLifecycle(msg: Fields, place: string): Lifecycle {
  const what = msg["event_type"];
  let settlementCc: CentiCents | null = null;
  if (what === "determined") {
    if (typeof msg["settlement_value"] === "string") {
      const field = `${place}: settlement_value`;
      settlementCc = parseCentiCents(msg["settlement_value"], field);
    } else if (msg["result"] === "yes") settlementCc = 10_000 as CentiCents;
    else if (msg["result"] === "no") settlementCc = 0 as CentiCents;
  }
  const metadata = isObject(msg["additional_metadata"]) ? msg["additional_metadata"] : {};
  const expiry = metadata["expected_expiration_ts"];
  const status: Readonly<Record<string, MarketStatus>> = {
    activated: MarketStatus.active,
    deactivated: MarketStatus.inactive,
    determined: MarketStatus.determined,
    settled: MarketStatus.settled,
  };
  return {
    status: typeof what === "string" ? (status[what] ?? null) : null,
    settlementCc,
    expectedCloseUs:
      typeof expiry === "number" && Number.isSafeInteger(expiry)
        ? ((expiry * 1_000_000) as TimestampUs)
        : null,
  };
}
