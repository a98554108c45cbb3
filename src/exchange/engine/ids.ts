/** Identifiers in the form of a UUID of version 4, from a stream: equal streams, equal identifiers. */
import type { Prng } from "../../core/index.ts";

export function nextId(prng: Prng): string {
  const digits = [0, 0, 0, 0].map(() => prng.uint32().toString(16).padStart(8, "0")).join("");
  return (
    `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-` +
    `a${digits.slice(17, 20)}-${digits.slice(20)}`
  );
}
