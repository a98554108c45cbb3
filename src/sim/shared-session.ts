/**
 * Sessions on their way to other threads. What is large (tape, feature rows, starts, stored books)
 * is in shared memory and is not copied; the rest is plain data. Grids are made anew from their
 * bands, so an opened session is the one that was shared, bit for bit.
 */
import { type MarketInfo, PriceGrid, type Tape } from "../market/index.ts";
import { Keyframes, type StoredBooks } from "./keyframes.ts";
import type { MarketData, SessionData } from "./session-data.ts";

/** Plain data whose arrays are in shared memory. */
export interface SharedSession extends Omit<SessionData, "markets"> {
  readonly markets: readonly SharedMarket[];
}

interface SharedMarket extends Pick<MarketData, "market" | "rows" | "starts" | "closeRow"> {
  readonly books: StoredBooks;
}

/** Copies a session's arrays only where they are not in shared memory yet: starts and books. */
export function shareSession({ markets, ...session }: SessionData): SharedSession {
  return inSharedMemory({
    ...session,
    markets: markets.map(({ market, rows, starts, closeRow, keyframes: { books } }) => ({
      market,
      rows,
      starts,
      closeRow,
      books,
    })),
  });
}

/** The session that was shared, over the same memory. */
export function openShared({ markets, ...session }: SharedSession): SessionData {
  return { ...session, markets: markets.map((market) => openMarket(session.tape, market)) };
}

function openMarket(tape: Tape, { books, ...facts }: SharedMarket): MarketData {
  const info = tape.markets[facts.market] as MarketInfo;
  const grid = new PriceGrid(info.priceRanges);
  return { ...facts, tape, info, grid, keyframes: new Keyframes(tape, grid, books) };
}

/** Plain data with every typed array in it, however deep, in shared memory. */
function inSharedMemory<Data>(data: Data): Data {
  if (data === null || typeof data !== "object") return data;
  if (ArrayBuffer.isView(data)) return sharedArray(data as Data & Column);
  if (Array.isArray(data)) return data.map(inSharedMemory) as Data;
  const entries = Object.entries(data).map(([key, value]) => [key, inSharedMemory(value)] as const);
  return Object.fromEntries(entries) as Data;
}

type Column = Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

function sharedArray<Array extends Column>(array: Array): Array {
  if (array.buffer instanceof SharedArrayBuffer) return array;
  const make = array.constructor as new (buffer: SharedArrayBuffer) => Array;
  const copy = new make(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}
