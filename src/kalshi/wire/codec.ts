/**
 * A codec reads one form of the wire into our units and writes it back: the two directions stand in
 * one place and cannot drift apart. Records are tables from our names to the wire's. Reading is strict
 * about the fields that it knows and blind to others, so that the venue may add some.
 *
 * Sources: docs.kalshi.com, page "fixed-point migration" of 2026-08-20 (prices, money and counts are
 * decimal strings); times are RFC 3339, or Unix seconds or milliseconds, as each field says.
 */
import {
  type CentiCents,
  formatFixed,
  type Lots,
  type MicroUsd,
  OperationError,
  parseCentiCents,
  parseFixed,
  type TimestampUs,
} from "../../core/index.ts";
import { BookSide, formatIsoTime, parseIsoTime } from "../../market/index.ts";
import { isObject, type JsonObject, shown } from "./json.ts";

export interface Codec<T> {
  /** Reads a value that stands at `place`, dot, `name`. Throws an `OperationError` that says so. */
  read(value: unknown, place: string, name: string): T;
  write(value: T): unknown;
}

/** One field of a record, by its name on the wire. */
export interface Field<T> {
  readonly wire: string;
  /** Reads undefined where the field is absent; a field that it writes as undefined is left out. */
  readonly codec: Codec<T>;
}

export type Fields<T> = { readonly [Name in keyof T]: Field<T[Name]> };

const LONGEST_NUMBER = 40;

export function wireError(
  place: string,
  name: string,
  expected: string,
  was: unknown,
): OperationError {
  return new OperationError(
    "WIRE_FIELD",
    `${place}.${name}: expected ${expected}, was ${shown(was)}`,
  );
}

function digits(value: unknown, place: string, name: string): string {
  if (typeof value === "string" && value.length <= LONGEST_NUMBER) return value;
  throw wireError(place, name, "a decimal number as a string", value);
}

/** Any text, also the empty one. */
export const text: Codec<string> = {
  read(value, place, name) {
    if (typeof value === "string") return value;
    throw wireError(place, name, "a string", value);
  },
  write: (value) => value,
};

/** A name: text that is not empty. */
export const named: Codec<string> = {
  read(value, place, name) {
    if (typeof value === "string" && value !== "") return value;
    throw wireError(place, name, "a string that is not empty", value);
  },
  write: (value) => value,
};

export const flag: Codec<boolean> = {
  read(value, place, name) {
    if (typeof value === "boolean") return value;
    throw wireError(place, name, "true or false", value);
  },
  write: (value) => value,
};

/** A JSON number that is a whole number, possibly negative. */
export const integer: Codec<number> = {
  read(value, place, name) {
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw wireError(place, name, "a whole number", value);
  },
  write: (value) => value,
};

/** A JSON number that is a whole number from 0 up. */
export const natural: Codec<number> = {
  read(value, place, name) {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw wireError(place, name, "a whole number from 0 up", value);
  },
  write: (value) => value,
};

/** A price from 0 to 1 dollar, written with four decimals. */
export const price: Codec<CentiCents> = {
  read: (value, place, name) => parseCentiCents(digits(value, place, name), `${place}.${name}`),
  write: (value) => formatFixed(value, 4),
};

/** A number of contracts, possibly signed, written with two decimals. */
export const size: Codec<Lots> = {
  read: (value, place, name) =>
    parseFixed(digits(value, place, name), 2, `${place}.${name}`) as Lots,
  write: (value) => formatFixed(value, 2),
};

/** Dollars, possibly signed, written with six decimals. */
export const cash: Codec<MicroUsd> = {
  read: (value, place, name) =>
    parseFixed(digits(value, place, name), 6, `${place}.${name}`) as MicroUsd,
  write: (value) => formatFixed(value, 6),
};

/** Dollars, written with four decimals where that is exact and else with six. */
export const shortCash: Codec<MicroUsd> = {
  read: cash.read,
  write: (value) => (value % 100 === 0 ? formatFixed(value / 100, 4) : formatFixed(value, 6)),
};

/** An average, which may have any number of decimals: cut after six, towards zero. */
export const average: Codec<MicroUsd> = {
  read(value, place, name) {
    const cut = /^([+-]?\d+\.\d{6})\d+$/.exec(digits(value, place, name))?.[1];
    return cash.read(cut ?? value, place, name);
  },
  write: shortCash.write,
};

/** Whole cents as a JSON number; what is below a cent is dropped, towards minus infinity. */
export const wholeCents: Codec<MicroUsd> = {
  read(value, place, name) {
    const amount = integer.read(value, place, name) * 10_000;
    if (Number.isSafeInteger(amount)) return amount as MicroUsd;
    throw wireError(place, name, "an amount that can be counted exactly", value);
  },
  write: (value) => Math.floor(value / 10_000),
};

/** A JSON number such as 0.5 in millionths, by its decimal digits. */
export const millionths: Codec<number> = {
  read(value, place, name) {
    if (typeof value === "number") return parseFixed(String(value), 6, `${place}.${name}`);
    throw wireError(place, name, "a number", value);
  },
  write: (value) => Number(formatFixed(value, 6)),
};

/** RFC 3339 as the venue prints it: no zeros at the end of a second's fraction. */
export function formatWireTime(atUs: number): string {
  return formatIsoTime(atUs)
    .replace(/(\.\d*?)0+Z$/, "$1Z")
    .replace(".Z", "Z");
}

/** An RFC 3339 time. */
export const isoTime: Codec<TimestampUs> = {
  read(value, place, name) {
    const atUs = parseIsoTime(digits(value, place, name), `${place}.${name}`);
    if (Number.isSafeInteger(atUs)) return atUs;
    throw wireError(place, name, "a time of this age", value);
  },
  write: (value) => formatWireTime(value),
};

function unixTime(unitUs: number, unit: string): Codec<TimestampUs> {
  const most = Math.floor(Number.MAX_SAFE_INTEGER / unitUs);
  return {
    read(value, place, name) {
      if (typeof value === "number" && Number.isSafeInteger(value) && Math.abs(value) <= most) {
        return (value * unitUs) as TimestampUs;
      }
      throw wireError(place, name, `a time in Unix ${unit}`, value);
    },
    write: (value) => Math.floor(value / unitUs),
  };
}

/** A JSON number of Unix milliseconds. */
export const unixMs = unixTime(1_000, "milliseconds");
/** A JSON number of Unix seconds. */
export const unixSeconds = unixTime(1_000_000, "seconds");

/** One of a few words. */
export function oneOf<const Word extends string>(...words: readonly Word[]): Codec<Word> {
  const known = new Set<unknown>(words);
  return {
    read(value, place, name) {
      if (known.has(value)) return value as Word;
      throw wireError(place, name, words.map((word) => `"${word}"`).join(" or "), value);
    },
    write: (value) => value,
  };
}

/** One of a few words, or `other` for any word that is not known yet. */
export function wordOr<const Word extends string>(
  other: Word,
  ...words: readonly Word[]
): Codec<Word> {
  const known = new Set<string>(words);
  return {
    read(value, place, name) {
      const word = text.read(value, place, name);
      return known.has(word) ? (word as Word) : other;
    },
    write: (value) => value,
  };
}

function sideCodec(bid: string, ask: string): Codec<BookSide> {
  return {
    read(value, place, name) {
      if (value === bid) return BookSide.bid;
      if (value === ask) return BookSide.ask;
      throw wireError(place, name, `"${bid}" or "${ask}"`, value);
    },
    write: (value) => (value === BookSide.bid ? bid : ask),
  };
}

/** The side of the YES book, as "bid" and "ask". */
export const bookSide = sideCodec("bid", "ask");
/** The side of the YES book by the outcome that it is long of: "yes" bids, "no" asks. */
export const outcomeSide = sideCodec("yes", "no");

export function list<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    read(value, place, name) {
      if (!Array.isArray(value)) throw wireError(place, name, "a list", value);
      return value.map((entry: unknown, index) => item.read(entry, place, `${name}[${index}]`));
    },
    write: (value) => value.map((entry) => item.write(entry)),
  };
}

function orNull<T>(codec: Codec<T>, written: undefined | null): Codec<T | null> {
  return {
    read: (value, place, name) =>
      value === undefined || value === null ? null : codec.read(value, place, name),
    write: (value) => (value === null ? written : codec.write(value)),
  };
}

/** A field that is always there. */
export function field<T>(wire: string, codec: Codec<T>): Field<T> {
  return { wire, codec };
}

/** A field that may be absent or null; null is left out when written. */
export function optional<T>(wire: string, codec: Codec<T>): Field<T | null> {
  return { wire, codec: orNull(codec, undefined) };
}

/** A field that may be absent or null; null is written. */
export function nullable<T>(wire: string, codec: Codec<T>): Field<T | null> {
  return { wire, codec: orNull(codec, null) };
}

/** A field that a missing value stands for `absent` in; it is always written. */
export function defaulted<T>(wire: string, codec: Codec<T>, absent: T): Field<T> {
  const read: Codec<T>["read"] = (value, place, name) =>
    value === undefined || value === null ? absent : codec.read(value, place, name);
  return { wire, codec: { read, write: codec.write } };
}

/** A flag that is false where it is absent, and left out when it is false. */
export function mark(wire: string): Field<boolean> {
  const { codec } = defaulted(wire, flag, false);
  return { wire, codec: { read: codec.read, write: (value) => (value ? true : undefined) } };
}

/** A list that may be absent or null, which is the empty one. */
export function listOrNone<T>(wire: string, item: Codec<T>): Field<readonly T[]> {
  return defaulted(wire, list(item), []);
}

/** An RFC 3339 time that may be absent, null, empty or the venue's zero time; null is written. */
export function timeOrNull(wire: string): Field<TimestampUs | null> {
  const { codec } = nullable(wire, isoTime);
  const read: typeof codec.read = (value, place, name) =>
    value === "" || (typeof value === "string" && value.startsWith("0001-"))
      ? null
      : codec.read(value, place, name);
  return { wire, codec: { read, write: codec.write } };
}

/**
 * A JSON object by a table of its fields. `extra` gives fields that follow from the others and that
 * only writing knows: older names that the venue still sends.
 */
export function record<T extends object>(
  fields: Fields<T>,
  extra?: (value: T) => JsonObject,
): Codec<T> {
  const table = Object.entries(fields) as [string, Field<unknown>][];
  return {
    read(value, place, name) {
      if (!isObject(value)) throw wireError(place, name, "an object", value);
      const inner = name === "" ? place : `${place}.${name}`;
      const result: Record<string, unknown> = {};
      for (const [own, { wire, codec }] of table)
        result[own] = codec.read(value[wire], inner, wire);
      return result as T;
    },
    write(value) {
      const result: Record<string, unknown> = {};
      for (const [own, { wire, codec }] of table) {
        const written = codec.write((value as Record<string, unknown>)[own]);
        if (written !== undefined) result[wire] = written;
      }
      return extra === undefined ? result : Object.assign(result, extra(value));
    },
  };
}

/** An object with one member, such as `{"order": ...}`, as that member. */
export function within<T>(wire: string, codec: Codec<T>): Codec<T> {
  return {
    read(value, place, name) {
      if (!isObject(value)) throw wireError(place, name, "an object", value);
      return codec.read(value[wire], place, wire);
    },
    write: (value) => ({ [wire]: codec.write(value) }),
  };
}

/** One page of a list: `{"orders": [...], "cursor": ""}`. An empty cursor ends the list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor: string;
}

export function page<T>(wire: string, item: Codec<T>): Codec<Page<T>> {
  return record<Page<T>>({ items: listOrNone(wire, item), cursor: defaulted("cursor", text, "") });
}
