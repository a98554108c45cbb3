/** A tape as one line of text and back, for programs that cannot open sessions. */
import type { Tape } from "../../src/market/index.ts";

const ARRAYS = {
  streamStart: Uint32Array,
  atUs: Float64Array,
  kind: Uint8Array,
  side: Uint8Array,
  priceCc: Uint16Array,
  size: Float64Array,
  pairRow: Int32Array,
  queueRow: Int32Array,
  queueCounts: Uint32Array,
  order: Uint32Array,
} as const;

export function packTape(tape: Tape): string {
  const packed: Record<string, unknown> = { ...tape };
  for (const name of Object.keys(ARRAYS) as (keyof typeof ARRAYS)[]) {
    const array = tape[name];
    packed[name] = Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");
  }
  return JSON.stringify(packed);
}

export function unpackTape(text: string): Tape {
  const packed = JSON.parse(text) as Record<string, unknown>;
  for (const [name, Kind] of Object.entries(ARRAYS)) {
    const bytes = Uint8Array.from(Buffer.from(packed[name] as string, "base64"));
    packed[name] = new Kind(bytes.buffer);
  }
  return packed as unknown as Tape;
}
