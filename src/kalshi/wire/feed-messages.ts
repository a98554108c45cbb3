/**
 * Messages of the WebSocket, both ways. A message is read in two steps, for its place in the sequence
 * must be checked before its kind: first the envelope, then what it carries. Books are in YES prices
 * on both sides; `use_yes_price` says in which the wire has its NO side.
 * Source: AsyncAPI "Kalshi Market Data WebSocket API" 2.0.0, of about 2026-10.
 */
import {
  type CentiCents,
  complement,
  type Lots,
  OperationError,
  type TimestampUs,
  unreachable,
} from "../../core/index.ts";
import { BookSide } from "../../market/index.ts";
import {
  type Codec,
  field,
  formatWireTime,
  integer,
  isoTime,
  listOrNone,
  named,
  natural,
  outcomeSide,
  price,
  record,
  size,
  text,
  unixMs,
  wireError,
} from "./codec.ts";
import {
  type EventFeeUpdate,
  eventFeeUpdate,
  type EventLifecycle,
  eventLifecycle,
  type LifecycleMessage,
  lifecycleMessage,
} from "./feed-lifecycle.ts";
import {
  type FillMessage,
  fillMessage,
  type GroupMessage,
  groupMessage,
  type OrderMessage,
  orderMessage,
  type PositionMessage,
  positionMessage,
  type TickerMessage,
  tickerMessage,
  tradeMessage,
} from "./feed-records.ts";
import { isObject, type JsonObject, parseJsonObject } from "./json.ts";
import { type BookLevel, levels, type VenueBook, type VenueTrade } from "./markets.ts";

/** What all messages have; null where one has none. */
export interface Envelope {
  readonly type: string;
  /** The command that it answers. */
  readonly id: number | null;
  readonly sid: number | null;
  readonly seq: number | null;
  readonly msg: unknown;
}

export interface BookSnapshot extends VenueBook {
  readonly ticker: string;
  readonly marketId: string;
}

export interface BookDelta {
  readonly ticker: string;
  readonly marketId: string;
  readonly side: BookSide;
  readonly price: CentiCents;
  /** What the level changes by. */
  readonly change: Lots;
  readonly atUs: TimestampUs;
  /** On the connection whose order caused it. */
  readonly clientOrderId: string | null;
  readonly subaccount: number | null;
}

export interface Subscribed {
  readonly channel: string;
  readonly sid: number;
}

/** A refusal of a command, or the end of a subscription. */
export interface FeedFault {
  readonly code: number;
  readonly message: string;
  /** The markets that it is about, where it says so. */
  readonly tickers: readonly string[];
}

/** What a message carries. */
export type FeedPayload =
  | { readonly kind: "subscribed"; readonly body: Subscribed }
  /** The markets of a subscription after a change; null where they were not told. */
  | { readonly kind: "updated"; readonly body: readonly string[] | null }
  | { readonly kind: "subscriptions"; readonly body: readonly Subscribed[] }
  | { readonly kind: "unsubscribed"; readonly body: null }
  | { readonly kind: "fault"; readonly body: FeedFault }
  | { readonly kind: "snapshot"; readonly body: BookSnapshot }
  | { readonly kind: "delta"; readonly body: BookDelta }
  | { readonly kind: "trade"; readonly body: VenueTrade }
  | { readonly kind: "ticker"; readonly body: TickerMessage }
  | { readonly kind: "fill"; readonly body: FillMessage }
  | { readonly kind: "order"; readonly body: OrderMessage }
  | { readonly kind: "position"; readonly body: PositionMessage }
  | { readonly kind: "lifecycle"; readonly body: LifecycleMessage }
  | { readonly kind: "eventLifecycle"; readonly body: EventLifecycle }
  | { readonly kind: "eventFee"; readonly body: EventFeeUpdate }
  | { readonly kind: "group"; readonly body: GroupMessage }
  /** A kind of message that is not known here. */
  | { readonly kind: "other"; readonly body: null };

/** The longest frame that is read: a book of ten thousand levels a side is below 1 MB. */
export const FRAME_LENGTH_MAX = 4_194_304;

const PLACE = "message";

/** Reads the envelope of a frame; `WIRE_SIZE`, `WIRE_DEPTH`, `WIRE_JSON` or `WIRE_FIELD`. */
export function readEnvelope(frame: string): Envelope {
  const top = parseJsonObject(frame, PLACE, FRAME_LENGTH_MAX);
  return {
    type: named.read(top["type"], PLACE, "type"),
    id: naturalOrNull(top, "id"),
    sid: naturalOrNull(top, "sid"),
    seq: naturalOrNull(top, "seq"),
    msg: top["msg"],
  };
}

function naturalOrNull(top: JsonObject, name: string): number | null {
  const value = top[name];
  return value === undefined || value === null ? null : natural.read(value, PLACE, name);
}

/** Reads what an envelope carries; the decimal, time and `WIRE_FIELD` codes for what is wrong. */
export function readPayload(envelope: Envelope, useYesPrice: boolean): FeedPayload {
  const { type, msg } = envelope;
  switch (type) {
    case "orderbook_delta":
      return { kind: "delta", body: readDelta(msg, useYesPrice) };
    case "orderbook_snapshot":
      return { kind: "snapshot", body: readSnapshot(msg, useYesPrice) };
    case "trade":
      return { kind: "trade", body: tradeMessage.read(msg, type, "") };
    case "ticker":
      return { kind: "ticker", body: tickerMessage.read(msg, type, "") };
    case "fill":
      return { kind: "fill", body: fillMessage.read(msg, type, "") };
    case "user_order":
      return { kind: "order", body: orderMessage.read(msg, type, "") };
    case "market_position":
      return { kind: "position", body: positionMessage.read(msg, type, "") };
    case "market_lifecycle_v2":
      return { kind: "lifecycle", body: lifecycleMessage.read(msg, type, "") };
    case "event_lifecycle":
      return { kind: "eventLifecycle", body: eventLifecycle.read(msg, type, "") };
    case "event_fee_update":
      return { kind: "eventFee", body: eventFeeUpdate.read(msg, type, "") };
    case "order_group_updates":
      return { kind: "group", body: groupMessage.read(msg, type, "") };
    case "subscribed":
      return { kind: "subscribed", body: subscribed.read(msg, type, "") };
    case "unsubscribed":
      return { kind: "unsubscribed", body: null };
    case "ok":
      return readOk(msg);
    case "error":
      return { kind: "fault", body: feedFault.read(msg, type, "") };
    default:
      return { kind: "other", body: null };
  }
}

/** Writes a message as the venue would. `useYesPrice` matters to books alone. */
export function writeMessage(
  head: { readonly id?: number; readonly sid?: number; readonly seq?: number },
  payload: FeedPayload,
  useYesPrice = false,
): string {
  const { type, msg } = written(payload, useYesPrice);
  return JSON.stringify({ id: head.id, type, sid: head.sid, seq: head.seq, msg });
}

function written(payload: FeedPayload, useYesPrice: boolean): { type: string; msg?: unknown } {
  switch (payload.kind) {
    case "delta":
      return { type: "orderbook_delta", msg: writtenDelta(payload.body, useYesPrice) };
    case "snapshot":
      return { type: "orderbook_snapshot", msg: writtenSnapshot(payload.body, useYesPrice) };
    case "trade":
      return { type: "trade", msg: tradeMessage.write(payload.body) };
    case "ticker":
      return { type: "ticker", msg: tickerMessage.write(payload.body) };
    case "fill":
      return { type: "fill", msg: fillMessage.write(payload.body) };
    case "order":
      return { type: "user_order", msg: orderMessage.write(payload.body) };
    case "position":
      return { type: "market_position", msg: positionMessage.write(payload.body) };
    case "lifecycle":
      return { type: "market_lifecycle_v2", msg: lifecycleMessage.write(payload.body) };
    case "eventLifecycle":
      return { type: "event_lifecycle", msg: eventLifecycle.write(payload.body) };
    case "eventFee":
      return { type: "event_fee_update", msg: eventFeeUpdate.write(payload.body) };
    case "group":
      return { type: "order_group_updates", msg: groupMessage.write(payload.body) };
    case "subscribed":
      return { type: "subscribed", msg: subscribed.write(payload.body) };
    case "subscriptions":
      return { type: "ok", msg: payload.body.map((entry) => subscribed.write(entry)) };
    case "updated":
      return { type: "ok", msg: payload.body === null ? {} : { market_tickers: payload.body } };
    case "unsubscribed":
      return { type: "unsubscribed" };
    case "fault":
      return { type: "error", msg: feedFault.write(payload.body) };
    case "other":
      throw new OperationError("WIRE_KIND", "message: expected a kind that can be written");
    default:
      return unreachable(payload);
  }
}

const subscribed = record<Subscribed>({
  channel: field("channel", named),
  sid: field("sid", natural),
});

const feedFault: Codec<FeedFault> = {
  read(value, place, name) {
    if (!isObject(value)) throw wireError(place, name, "an object", value);
    const many = listOrNone("market_tickers", text).codec;
    const one = value["market_ticker"];
    return {
      code: integer.read(value["code"], place, "code"),
      message: text.read(value["msg"] ?? "", place, "msg"),
      tickers: [
        ...(one === undefined || one === null ? [] : [text.read(one, place, "market_ticker")]),
        ...many.read(value["market_tickers"], place, "market_tickers"),
      ],
    };
  },
  write: ({ code, message, tickers }) => ({
    code,
    msg: message,
    ...(tickers.length === 1 ? { market_ticker: tickers[0] } : {}),
    ...(tickers.length > 1 ? { market_tickers: tickers } : {}),
  }),
};

/** "ok" answers an update with the subscription's markets, and a listing with the subscriptions. */
function readOk(msg: unknown): FeedPayload {
  if (Array.isArray(msg)) {
    const body = msg.map((entry: unknown, index) => subscribed.read(entry, "ok", `msg[${index}]`));
    return { kind: "subscriptions", body };
  }
  const tickers = isObject(msg) ? msg["market_tickers"] : undefined;
  if (tickers === undefined || tickers === null) return { kind: "updated", body: null };
  return {
    kind: "updated",
    body: listOrNone("market_tickers", text).codec.read(tickers, "ok", "market_tickers"),
  };
}

const bidLevels = levels(false);
const turnedLevels = levels(true);

function readSnapshot(msg: unknown, useYesPrice: boolean): BookSnapshot {
  const place = "orderbook_snapshot";
  if (!isObject(msg)) throw wireError(place, "msg", "an object", msg);
  const asks = useYesPrice ? bidLevels : turnedLevels;
  const side = (name: string, codec: Codec<readonly BookLevel[]>): BookLevel[] => {
    const former = msg[name.slice(0, -"_dollars_fp".length)];
    // A book of which only the former integer fields came would otherwise look empty.
    if (msg[name] === undefined && Array.isArray(former) && former.length > 0) {
      throw wireError(place, name, "price and size strings", former);
    }
    return [...codec.read(msg[name], place, name)];
  };
  return {
    ticker: named.read(msg["market_ticker"], place, "market_ticker"),
    marketId: text.read(msg["market_id"] ?? "", place, "market_id"),
    bids: side("yes_dollars_fp", bidLevels).sort((a, b) => b.price - a.price),
    asks: side("no_dollars_fp", asks).sort((a, b) => a.price - b.price),
  };
}

/** A side that is empty is left out, as the venue does. */
function writtenSnapshot(book: BookSnapshot, useYesPrice: boolean): JsonObject {
  const asks = useYesPrice ? bidLevels : turnedLevels;
  return {
    market_ticker: book.ticker,
    market_id: book.marketId,
    ...(book.bids.length === 0
      ? {}
      : { yes_dollars_fp: bidLevels.write([...book.bids].reverse()) }),
    ...(book.asks.length === 0 ? {} : { no_dollars_fp: asks.write([...book.asks].reverse()) }),
  };
}

function readDelta(msg: unknown, useYesPrice: boolean): BookDelta {
  const place = "orderbook_delta";
  if (!isObject(msg)) throw wireError(place, "msg", "an object", msg);
  const side = outcomeSide.read(msg["side"], place, "side");
  const own = price.read(msg["price_dollars"], place, "price_dollars");
  const clientOrderId = msg["client_order_id"];
  const subaccount = msg["subaccount"];
  return {
    ticker: named.read(msg["market_ticker"], place, "market_ticker"),
    marketId: text.read(msg["market_id"] ?? "", place, "market_id"),
    side,
    price: side === BookSide.bid || useYesPrice ? own : complement(own),
    change: size.read(msg["delta_fp"], place, "delta_fp"),
    atUs: readStamp(msg, place),
    clientOrderId: typeof clientOrderId === "string" && clientOrderId !== "" ? clientOrderId : null,
    subaccount: typeof subaccount === "number" ? subaccount : null,
  };
}

/** The finer of two stamps: `ts` in microseconds, which will go one day, else `ts_ms`. */
function readStamp(msg: JsonObject, place: string): TimestampUs {
  const fine = msg["ts"];
  if (typeof fine === "string") return isoTime.read(fine, place, "ts");
  return unixMs.read(msg["ts_ms"], place, "ts_ms");
}

function writtenDelta(delta: BookDelta, useYesPrice: boolean): JsonObject {
  const { side } = delta;
  const own = side === BookSide.bid || useYesPrice ? delta.price : complement(delta.price);
  return {
    market_ticker: delta.ticker,
    market_id: delta.marketId,
    price_dollars: price.write(own),
    delta_fp: size.write(delta.change),
    side: outcomeSide.write(side),
    ...(delta.clientOrderId === null ? {} : { client_order_id: delta.clientOrderId }),
    ...(delta.subaccount === null ? {} : { subaccount: delta.subaccount }),
    ts: formatWireTime(delta.atUs),
    ts_ms: unixMs.write(delta.atUs),
  };
}
