/** Hashing: SHA-256 over bytes and over canonical JSON, always as lower-case hex. */
import { createHash, type Hash } from "node:crypto";
import { assert } from "./assert.ts";

/** SHA-256 of bytes or UTF-8 text, as 64 hex digits. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
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
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`;
}
