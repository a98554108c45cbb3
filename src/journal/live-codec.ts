/**
 * Inputs of a live run as bytes and back. Deltas and trades, which are nearly all of them, are
 * packed; everything else is canonical JSON. One entry follows another:
 *
 *   code | time | market, price, size, stamp [, trade id]     deltas and trades
 *   code | time | length, JSON                                 the others
 *
 * Numbers are signed varints. Time and stamp are differences from the entry before, across blocks:
 * so the bytes of a run are the same however its entries were put into blocks, and a hash over them
 * too. A difference that a double does not hold exactly is avoided by a mark that sets both to 0.
 */
import { assert, canonicalJson, OperationError } from "../core/index.ts";
import type { BookSide } from "../market/index.ts";
import type { LiveEntry, LiveInput, MarketNews } from "./live-record.ts";

type Delta = Extract<MarketNews, { kind: "delta" }>;
type Trade = Extract<MarketNews, { kind: "trade" }>;

const JSON_ENTRY = 0;
const DELTA = 1;
const TRADE = 2;
const ZERO_MARK = 3;
const KIND_BITS = 0x03;
/** The ask side. */
const ASK = 0x04;
/** A delta that an order of ours caused; a trade off the book. */
const FLAGGED = 0x08;
/** A trade whose id is a UUID in lower case: 16 bytes instead of 36. */
const UUID = 0x10;

const UUID_FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SHORT_ASCII = /^[\x20-\x7e]{0,200}$/;
/** Room that any packed entry and its marks fit into. */
const PACKED_MAX = 300;

/** Turns entries into bytes. What follows on a block counts only once the block is `accepted`. */
export class EntryEncoder {
  #bytes = new Uint8Array(1 << 16);
  #at = 0;
  #us = 0;
  #stampUs = 0;
  #acceptedUs = 0;
  #acceptedStampUs = 0;

  /** The bytes of `entries` behind the accepted ones; they last until the next call. */
  encode(entries: readonly LiveEntry[]): Uint8Array {
    this.#at = 0;
    this.#us = this.#acceptedUs;
    this.#stampUs = this.#acceptedStampUs;
    for (const { atUs, input } of entries) this.#entry(atUs, input);
    return this.#bytes.subarray(0, this.#at);
  }

  /** What was encoded last is stored: the next block follows on it. */
  accept(): void {
    this.#acceptedUs = this.#us;
    this.#acceptedStampUs = this.#stampUs;
  }

  #entry(atUs: number, input: LiveInput): void {
    this.#reserve(PACKED_MAX);
    if (input.kind === "market") {
      const { news } = input;
      if (news.kind === "delta") {
        this.#delta(atUs, news);
        return;
      }
      if (news.kind === "trade" && SHORT_ASCII.test(news.tradeId)) {
        this.#trade(atUs, news);
        return;
      }
    }
    const text = Buffer.from(canonicalJson(input), "utf8");
    this.#reserve(PACKED_MAX + text.length);
    this.#begin(JSON_ENTRY, atUs, this.#stampUs);
    this.#number(text.length);
    this.#bytes.set(text, this.#at);
    this.#at += text.length;
  }

  #delta(atUs: number, news: Delta): void {
    const { market, side, price, change, stampUs, own } = news;
    this.#begin(DELTA | (side === 1 ? ASK : 0) | (own ? FLAGGED : 0), atUs, stampUs);
    this.#quantities(market, price, change, stampUs);
  }

  #trade(atUs: number, news: Trade): void {
    const { market, hit, price, size, stampUs, isBlock, tradeId } = news;
    const isUuid = UUID_FORM.test(tradeId);
    const code = TRADE | (hit === 1 ? ASK : 0) | (isBlock ? FLAGGED : 0) | (isUuid ? UUID : 0);
    this.#begin(code, atUs, stampUs);
    this.#quantities(market, price, size, stampUs);
    const id = isUuid
      ? Buffer.from(tradeId.replaceAll("-", ""), "hex")
      : Buffer.from(tradeId, "latin1");
    if (!isUuid) this.#number(id.length);
    this.#bytes.set(id, this.#at);
    this.#at += id.length;
  }

  #begin(code: number, atUs: number, stampUs: number): void {
    const isExact =
      Number.isSafeInteger(atUs - this.#us) && Number.isSafeInteger(stampUs - this.#stampUs);
    if (!isExact) {
      this.#bytes[this.#at++] = ZERO_MARK;
      this.#us = 0;
      this.#stampUs = 0;
    }
    this.#bytes[this.#at++] = code;
    this.#number(atUs - this.#us);
    this.#us = atUs;
  }

  #quantities(market: number, price: number, size: number, stampUs: number): void {
    this.#number(market);
    this.#number(price);
    this.#number(size);
    this.#number(stampUs - this.#stampUs);
    this.#stampUs = stampUs;
  }

  /** Sign and six bits in the first byte, seven in each that follows. */
  #number(value: number): void {
    assert(Number.isSafeInteger(value), "a packed number is an integer that a double holds");
    const bytes = this.#bytes;
    let at = this.#at;
    const sign = value < 0 ? 0x40 : 0;
    let rest = value < 0 ? -value : value;
    if (rest < 0x40) {
      bytes[at++] = sign | rest;
      this.#at = at;
      return;
    }
    let low = rest % 0x40;
    bytes[at++] = 0x80 | sign | low;
    rest = (rest - low) / 0x40;
    while (rest >= 0x80) {
      low = rest % 0x80;
      bytes[at++] = 0x80 | low;
      rest = (rest - low) / 0x80;
    }
    bytes[at++] = rest;
    this.#at = at;
  }

  #reserve(room: number): void {
    if (this.#at + room <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#at + room));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

/** Reads what an `EntryEncoder` wrote, block after block. */
export class EntryDecoder {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #us = 0;
  #stampUs = 0;

  /** All entries of one block; `JOURNAL_DAMAGED` where the bytes are none. */
  decode(bytes: Uint8Array): LiveEntry[] {
    this.#bytes = bytes;
    this.#at = 0;
    const entries: LiveEntry[] = [];
    while (this.#at < bytes.length) {
      const code = this.#byte();
      if (code === ZERO_MARK) {
        this.#us = 0;
        this.#stampUs = 0;
      } else entries.push(this.#entry(code));
    }
    return entries;
  }

  #entry(code: number): LiveEntry {
    const atUs = this.#us + this.#number();
    this.#us = atUs;
    switch (code & KIND_BITS) {
      case DELTA:
        return { atUs, input: { kind: "market", news: this.#delta(code) } };
      case TRADE:
        return { atUs, input: { kind: "market", news: this.#trade(code) } };
      case JSON_ENTRY:
        return { atUs, input: this.#json() };
      default:
        throw damaged("an entry of an unknown kind");
    }
  }

  #delta(code: number): Delta {
    const market = this.#number();
    const price = this.#number() as Delta["price"];
    const change = this.#number() as Delta["change"];
    const stampUs = this.#stamp();
    const own = (code & FLAGGED) !== 0;
    return { kind: "delta", market, side: sideOf(code), price, change, stampUs, own };
  }

  #trade(code: number): Trade {
    const market = this.#number();
    const price = this.#number() as Trade["price"];
    const size = this.#number() as Trade["size"];
    const stampUs = this.#stamp();
    const isBlock = (code & FLAGGED) !== 0;
    const tradeId = (code & UUID) === 0 ? this.#text("latin1") : this.#uuid();
    return { kind: "trade", market, hit: sideOf(code), price, size, stampUs, isBlock, tradeId };
  }

  #json(): LiveInput {
    const text = this.#text("utf8");
    try {
      return JSON.parse(text) as LiveInput;
    } catch (error) {
      throw damaged("an entry that is no JSON", error);
    }
  }

  #stamp(): number {
    this.#stampUs += this.#number();
    return this.#stampUs;
  }

  #uuid(): string {
    const hex = this.#take(16).toString("hex");
    const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
    return `${parts.join("-")}-${hex.slice(20)}`;
  }

  #text(encoding: "latin1" | "utf8"): string {
    return this.#take(this.#number()).toString(encoding);
  }

  #take(length: number): Buffer {
    if (length < 0 || this.#at + length > this.#bytes.length) throw damaged("an entry cut short");
    const { buffer, byteOffset } = this.#bytes;
    const taken = Buffer.from(buffer, byteOffset + this.#at, length);
    this.#at += length;
    return taken;
  }

  #number(): number {
    const first = this.#byte();
    let value = first & 0x3f;
    let more = first >= 0x80;
    for (let scale = 0x40; more; scale *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      more = byte >= 0x80;
    }
    return (first & 0x40) === 0 ? value : -value;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw damaged("an entry cut short");
    return byte;
  }
}

function sideOf(code: number): BookSide {
  return (code & ASK) === 0 ? 0 : 1;
}

function damaged(what: string, cause?: unknown): OperationError {
  return new OperationError(
    "JOURNAL_DAMAGED",
    `journal: expected a block of entries, was ${what}; it was changed after it was written`,
    { cause },
  );
}
