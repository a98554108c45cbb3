/** Hashing: SHA-256 over bytes and over canonical JSON, always as lower-case hex. */
import { createHash, hash, type Hash } from "node:crypto";
import { assert } from "./assert.ts";

/** SHA-256 of bytes or UTF-8 text, as 64 hex digits. */
export function sha256(data: string | Uint8Array): string {
  // In one go: a hash object for each decision is work for the collector, which stops everything.
  return hash("sha256", data, "hex");
}

/** An incremental SHA-256; feed it with `update`, end it with `digest("hex")`. */
export function sha256Stream(): Hash {
  return createHash("sha256");
}

/** The bytes behind a typed array, without a copy. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * JSON with sorted keys and no spaces, so that equal values have equal text. Refuses what JSON
 * would silently change: NaN, infinities, undefined inside arrays, functions.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    assert(Number.isFinite(value), "only finite numbers have a canonical form");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  assert(typeof value === "object", "only plain data has a canonical form");
  // Written out, for every output of a live run comes through here: lists of pairs cost three times this.
  const members = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(members);
  if (!isAscending(keys)) keys.sort();
  let text = "";
  for (const key of keys) {
    const member = members[key];
    if (member === undefined) continue;
    text += `${text === "" ? "{" : ","}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

function isAscending(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] as string) > (keys[index] as string)) return false;
  }
  return true;
}
