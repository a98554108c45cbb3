/**
 * The fast reading of the two messages that make up nearly all of a recording, `orderbook_delta` and
 * `trade`, straight from bytes: no string, no object, no float. It knows the shapes that Kalshi
 * sends and gives up on anything else (another order of the envelope, escapes, odd numbers), which
 * the reference reading in `wire-message.ts` then takes. What it does accept it reads equally.
 */
import { NO_STAMP, StampResolution } from "./event-columns.ts";
import { daysFromCivil } from "./iso-time.ts";
import { BookSide } from "./tape.ts";
import type { WireRow } from "./wire-message.ts";

const literal = (text: string): Uint8Array => Buffer.from(text, "latin1");
const DELTA_HEAD = literal(`{"type":"orderbook_delta","sid":`);
const TRADE_HEAD = literal(`{"type":"trade","sid":`);
const SEQ = literal(`,"seq":`);
const MSG = literal(`,"msg":{`);

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const BACKSLASH = 92;
const CLOSE = 125;

/** The fields of a message that have been met, as bits. */
const Met = { ticker: 1, price: 2, size: 4, side: 8, outcome: 16, time: 32, timeMs: 64 } as const;
const DELTA_NEEDS = Met.ticker | Met.price | Met.size | Met.side;
const TRADE_NEEDS = Met.ticker | Met.price | Met.size;

export class WireScanner {
  readonly #useYesPrice: boolean;
  #bytes: Uint8Array = new Uint8Array(0);
  #met = 0;
  #isBlock = false;
  #outcome: BookSide = BookSide.bid;
  #taker: BookSide = BookSide.bid;
  #isoUs = NO_STAMP;
  #seconds = NO_STAMP;
  #milliseconds = NO_STAMP;
  // Results of the leaf readers: a number, and the position behind what was read.
  #number = 0;
  #at = 0;
  /** Tickers met, by a hash of their bytes; a clash costs a decoding, never a mistake. */
  readonly #tickers = new Map<number, { bytes: Uint8Array; text: string }>();
  #hour: Uint8Array = new Uint8Array(13);
  #hourUs = 0;

  constructor(useYesPrice: boolean) {
    this.#useYesPrice = useYesPrice;
  }

  /** Reads bytes start ... end - 1 into `row`; false where the shape is not one it knows. */
  scan(row: WireRow, bytes: Uint8Array, start: number, end: number): boolean {
    this.#bytes = bytes;
    const isDelta = this.#is(DELTA_HEAD, start);
    if (!isDelta && !this.#is(TRADE_HEAD, start)) return false;
    if (!this.#integer(start + (isDelta ? DELTA_HEAD.length : TRADE_HEAD.length))) return false;
    const sid = this.#number;
    if (!this.#is(SEQ, this.#at) || !this.#integer(this.#at + SEQ.length)) return false;
    const seq = this.#number;
    if (!this.#is(MSG, this.#at)) return false;
    this.#met = 0;
    this.#isBlock = false;
    let at = this.#at + MSG.length;
    for (;;) {
      if (bytes[at] !== QUOTE) return false;
      const key = at + 1;
      at = key;
      for (; at < end && bytes[at] !== QUOTE; at++) if (!isPlain(bytes[at] as number)) return false;
      if (bytes[at + 1] !== COLON) return false;
      const known = isDelta
        ? this.#deltaField(row, key, at - key, at + 2, end)
        : this.#tradeField(row, key, at - key, at + 2, end);
      if (!known) return false;
      at = this.#at;
      const next = bytes[at];
      at += 1;
      if (next === CLOSE) break;
      if (next !== COMMA) return false;
    }
    if (bytes[at] !== CLOSE) return false;
    for (at += 1; at < end; at++) if ((bytes[at] as number) > 32) return false;
    row.sid = sid;
    row.seq = seq;
    return isDelta ? this.#finishDelta(row) : this.#finishTrade(row);
  }

  #finishDelta(row: WireRow): boolean {
    if ((this.#met & DELTA_NEEDS) !== DELTA_NEEDS) return false;
    row.kind = "delta";
    row.type = "orderbook_delta";
    row.side = this.#taker;
    if (row.side === BookSide.ask && !this.#useYesPrice) row.priceCc = 10_000 - row.priceCc;
    return this.#stamp(row, false);
  }

  #finishTrade(row: WireRow): boolean {
    if ((this.#met & TRADE_NEEDS) !== TRADE_NEEDS) return false;
    if ((this.#met & (Met.side | Met.outcome)) === 0) return false;
    row.kind = this.#isBlock ? "blockTrade" : "trade";
    row.type = "trade";
    const taker = (this.#met & Met.outcome) !== 0 ? this.#outcome : this.#taker;
    row.side = taker === BookSide.bid ? BookSide.ask : BookSide.bid;
    return this.#stamp(row, true);
  }

  #stamp(row: WireRow, millisecondsFirst: boolean): boolean {
    const hasTime = (this.#met & Met.time) !== 0;
    const hasMilliseconds = (this.#met & Met.timeMs) !== 0;
    if (hasMilliseconds && (millisecondsFirst || !hasTime)) {
      row.stampUs = this.#milliseconds * 1_000;
      row.resolution = StampResolution.millisecond;
    } else if (!hasTime) return false;
    else if (this.#isoUs !== NO_STAMP) {
      row.stampUs = this.#isoUs;
      row.resolution = StampResolution.microsecond;
    } else {
      row.stampUs = this.#seconds * 1_000_000;
      row.resolution = StampResolution.second;
    }
    return true;
  }

  /** Each field is known by its length and then byte by byte; others are stepped over. */
  #deltaField(row: WireRow, key: number, length: number, value: number, end: number): boolean {
    switch (length) {
      case 13:
        if (this.#isKey("market_ticker", key)) return this.#ticker(row, value, end);
        if (!this.#isKey("price_dollars", key)) return this.#skip(value, end);
        this.#met |= Met.price;
        if (!this.#decimal(value, 4) || this.#number < 0 || this.#number > 10_000) return false;
        row.priceCc = this.#number;
        return true;
      case 8:
        if (!this.#isKey("delta_fp", key)) return this.#skip(value, end);
        this.#met |= Met.size;
        if (!this.#decimal(value, 2)) return false;
        row.size = this.#number;
        return true;
      case 4:
        if (!this.#isKey("side", key)) return this.#skip(value, end);
        this.#met |= Met.side;
        if (!this.#yesNo(value)) return false;
        this.#taker = this.#number as BookSide;
        return true;
      default:
        return this.#timeField(key, length, value, end);
    }
  }

  #tradeField(row: WireRow, key: number, length: number, value: number, end: number): boolean {
    switch (length) {
      case 13:
        if (this.#isKey("market_ticker", key)) return this.#ticker(row, value, end);
        return this.#skip(value, end);
      case 17:
        if (!this.#isKey("yes_price_dollars", key)) return this.#skip(value, end);
        this.#met |= Met.price;
        if (!this.#decimal(value, 4) || this.#number < 0 || this.#number > 10_000) return false;
        row.priceCc = this.#number;
        return true;
      case 8:
        if (!this.#isKey("count_fp", key)) return this.#skip(value, end);
        this.#met |= Met.size;
        if (!this.#decimal(value, 2)) return false;
        row.size = this.#number;
        return true;
      case 10:
        if (!this.#isKey("taker_side", key)) return this.#skip(value, end);
        this.#met |= Met.side;
        if (!this.#yesNo(value)) return false;
        this.#taker = this.#number as BookSide;
        return true;
      case 18:
        if (!this.#isKey("taker_outcome_side", key)) return this.#skip(value, end);
        this.#met |= Met.outcome;
        if (!this.#yesNo(value)) return false;
        this.#outcome = this.#number as BookSide;
        return true;
      case 14:
        if (!this.#isKey("is_block_trade", key)) return this.#skip(value, end);
        if (!this.#skip(value, end)) return false;
        this.#isBlock = this.#at === value + 4 && this.#isKey("true", value);
        return this.#isBlock || this.#isKey("false", value);
      default:
        return this.#timeField(key, length, value, end);
    }
  }

  #timeField(key: number, length: number, value: number, end: number): boolean {
    if (length === 2 && this.#isKey("ts", key)) {
      this.#met |= Met.time;
      this.#isoUs = NO_STAMP;
      if (this.#bytes[value] === QUOTE) return this.#iso(value + 1);
      if (!this.#integer(value)) return false;
      this.#seconds = this.#number;
      return true;
    }
    if (length === 5 && this.#isKey("ts_ms", key)) {
      this.#met |= Met.timeMs;
      if (!this.#integer(value)) return false;
      this.#milliseconds = this.#number;
      return true;
    }
    return this.#skip(value, end);
  }

  #is(expected: Uint8Array, at: number): boolean {
    const bytes = this.#bytes;
    for (let index = 0; index < expected.length; index++) {
      if (bytes[at + index] !== expected[index]) return false;
    }
    return true;
  }

  #isKey(expected: string, at: number): boolean {
    const bytes = this.#bytes;
    for (let index = 0; index < expected.length; index++) {
      if (bytes[at + index] !== expected.charCodeAt(index)) return false;
    }
    return true;
  }

  /** A string or plain scalar whose content does not matter. */
  #skip(from: number, end: number): boolean {
    const bytes = this.#bytes;
    let at = from;
    if (bytes[at] === QUOTE) {
      for (at += 1; at < end && bytes[at] !== QUOTE; at++) {
        if (!isPlain(bytes[at] as number)) return false;
      }
      this.#at = at + 1;
      return at < end;
    }
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === COMMA || byte === CLOSE) break;
      // Numbers, true, false and null only: lists, objects and odd spaces go to the full reading.
      const plain =
        (byte >= ZERO && byte <= 57) ||
        byte === MINUS ||
        byte === DOT ||
        (byte >= 97 && byte <= 122);
      if (!plain) return false;
      at++;
    }
    this.#at = at;
    return at > from && this.#isScalar(from, at);
  }

  /** Whether bytes from ... at - 1 are a JSON number, true, false or null. */
  #isScalar(from: number, at: number): boolean {
    const first = this.#bytes[from] as number;
    if (first >= 97) {
      const length = at - from;
      if (length === 5) return this.#isKey("false", from);
      return length === 4 && (this.#isKey("true", from) || this.#isKey("null", from));
    }
    let digit = from + (first === MINUS ? 1 : 0);
    if (this.#bytes[digit] === ZERO && at - digit > 1) return false;
    for (; digit < at; digit++) {
      const byte = this.#bytes[digit] as number;
      if (byte < ZERO || byte > 57) return false;
    }
    return this.#bytes[at - 1] !== MINUS;
  }

  /** A whole number of at most 15 digits, without sign. */
  #integer(from: number): boolean {
    const bytes = this.#bytes;
    let at = from;
    let value = 0;
    let digit = (bytes[at] as number) - ZERO;
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      at += 1;
      digit = (bytes[at] as number) - ZERO;
    }
    this.#number = value;
    this.#at = at;
    const digits = at - from;
    return digits > 0 && digits <= 15 && (digits === 1 || bytes[from] !== ZERO);
  }

  /** A quoted decimal as an integer count of 10^-places; digits beyond must be zeros. */
  #decimal(from: number, places: number): boolean {
    const bytes = this.#bytes;
    if (bytes[from] !== QUOTE) return false;
    let at = from + 1;
    const negative = bytes[at] === MINUS;
    if (negative) at += 1;
    const first = at;
    let value = 0;
    let digit = (bytes[at] as number) - ZERO;
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      at += 1;
      digit = (bytes[at] as number) - ZERO;
    }
    if (at === first || at - first > 11) return false;
    let left = places;
    if (bytes[at] === DOT) {
      at += 1;
      const fraction = at;
      digit = (bytes[at] as number) - ZERO;
      while (digit >= 0 && digit <= 9) {
        if (left > 0) {
          value = value * 10 + digit;
          left -= 1;
        } else if (digit !== 0) return false;
        at += 1;
        digit = (bytes[at] as number) - ZERO;
      }
      if (at === fraction) return false;
    }
    for (; left > 0; left--) value *= 10;
    if (bytes[at] !== QUOTE) return false;
    this.#number = negative && value !== 0 ? -value : value;
    this.#at = at + 1;
    return true;
  }

  #yesNo(from: number): boolean {
    if (this.#isKey('"yes"', from)) {
      this.#number = BookSide.bid;
      this.#at = from + 5;
      return true;
    }
    this.#number = BookSide.ask;
    this.#at = from + 4;
    return this.#isKey('"no"', from);
  }

  #ticker(row: WireRow, from: number, end: number): boolean {
    const bytes = this.#bytes;
    if (bytes[from] !== QUOTE) return false;
    const first = from + 1;
    let at = first;
    let hash = 0;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) break;
      if (!isPlain(byte) || byte >= 128) return false;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (at === first || at === end) return false;
    this.#met |= Met.ticker;
    this.#at = at + 1;
    const known = this.#tickers.get(hash);
    if (known !== undefined && known.bytes.length === at - first && this.#is(known.bytes, first)) {
      row.ticker = known.text;
      return true;
    }
    const copy = bytes.slice(first, at);
    row.ticker = Buffer.from(copy).toString("latin1");
    this.#tickers.set(hash, { bytes: copy, text: row.ticker });
    return true;
  }

  /** An ISO stamp in UTC, `2026-03-18T19:36:00.520599Z`, at most six digits of fraction. */
  #iso(from: number): boolean {
    const bytes = this.#bytes;
    if (!this.#is(this.#hour, from) && !this.#readHour(from)) return false;
    const minute = this.#pair(from + 14);
    const second = this.#pair(from + 17);
    if (bytes[from + 13] !== COLON || bytes[from + 16] !== COLON) return false;
    if (minute < 0 || minute > 59 || second < 0 || second > 59) return false;
    let at = from + 19;
    let fraction = 0;
    let left = 6;
    if (bytes[at] === DOT) {
      at += 1;
      let digit = (bytes[at] as number) - ZERO;
      while (digit >= 0 && digit <= 9) {
        if (left === 0) return false;
        fraction = fraction * 10 + digit;
        left -= 1;
        at += 1;
        digit = (bytes[at] as number) - ZERO;
      }
      if (left === 6) return false;
    }
    for (; left > 0; left--) fraction *= 10;
    if (bytes[at] !== 90 || bytes[at + 1] !== QUOTE) return false;
    this.#isoUs = this.#hourUs + (minute * 60 + second) * 1_000_000 + fraction;
    this.#at = at + 2;
    return true;
  }

  /** Reads and remembers date and hour: they change once in some hundred thousand messages. */
  #readHour(from: number): boolean {
    const parts = [0, 2, 5, 8, 11].map((offset) => this.#pair(from + offset));
    const [century = -1, years = -1, month = -1, day = -1, hour = -1] = parts;
    const shaped =
      this.#bytes[from + 4] === MINUS &&
      this.#bytes[from + 7] === MINUS &&
      this.#bytes[from + 10] === 84;
    if (!shaped || parts.some((part) => part < 0)) return false;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23) return false;
    this.#hour = this.#bytes.slice(from, from + 13);
    const days = daysFromCivil(century * 100 + years, month, day);
    this.#hourUs = (days * 24 + hour) * 3_600_000_000;
    return true;
  }

  /** Two digits as a number, -1 where they are not digits. */
  #pair(at: number): number {
    const tens = (this.#bytes[at] as number) - ZERO;
    const ones = (this.#bytes[at + 1] as number) - ZERO;
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
  }
}

/** Whether a byte stands for itself inside a JSON string: no escape, no control character. */
function isPlain(byte: number): boolean {
  return byte >= 32 && byte !== BACKSLASH;
}
