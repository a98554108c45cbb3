/**
 * A session made ready for acting in: its tape, and per market the grid, the precomputed feature
 * rows and books at intervals, so that an episode may start anywhere at once. Immutable once
 * loaded, and shared by all environments over it.
 */
import { OperationError } from "../core/index.ts";
import { type Cadence, type FeatureRows, precomputeFeatures } from "../features/index.ts";
import {
  EventKind,
  type MarketInfo,
  openSession,
  PriceGrid,
  streamRows,
  type Tape,
} from "../market/index.ts";
import { Keyframes } from "./keyframes.ts";

export interface MarketData {
  readonly tape: Tape;
  /** Index of the market in the tape. */
  readonly market: number;
  readonly info: MarketInfo;
  readonly grid: PriceGrid;
  readonly rows: FeatureRows;
  /**
   * Feature rows at which an episode may start: the row and the one after it are valid, and the
   * market has been known for ten minutes where the recording allows. Ascending.
   */
  readonly starts: Uint32Array;
  /** The stream's close row, or -1. */
  readonly closeRow: number;
  readonly keyframes: Keyframes;
}

export interface SessionData {
  readonly sessionId: string;
  readonly contentHash: string;
  readonly cadence: Cadence;
  readonly tape: Tape;
  /** Markets in which an episode can start, in the tape's order. */
  readonly markets: readonly MarketData[];
}

export interface SessionDataOptions {
  readonly cadence?: Cadence;
  /** Tickers to load; all when left out. */
  readonly tickers?: readonly string[];
  /** Told when a tape had to be built, and why. */
  readonly onRebuild?: (reason: string) => void;
}

/** Loads sessions by folder; see `prepareTape` for tapes that are in memory already. */
export class SessionDataLoader {
  readonly #options: SessionDataOptions;

  constructor(options: SessionDataOptions = {}) {
    this.#options = options;
  }

  /** Opens, reads and prepares the session in `folder`; errors as `openSession` and `prepareTape`. */
  load(folder: string): SessionData {
    const session = openSession(folder);
    try {
      const { onRebuild } = this.#options;
      return prepareTape(
        session.readTape(onRebuild === undefined ? {} : { onRebuild }),
        this.#options,
      );
    } finally {
      session.close();
    }
  }
}

/**
 * Prepares a tape. `UNKNOWN_MARKET` where a wanted ticker is not in it, `NO_EPISODE` where no market
 * of it has two valid decisions in a row.
 */
export function prepareTape(tape: Tape, options: SessionDataOptions = {}): SessionData {
  const { cadence = "1s", tickers } = options;
  const wanted = wantedMarkets(tape, tickers);
  const markets: MarketData[] = [];
  const rowsOfMarkets = precomputeFeatures(tape, { cadence, markets: wanted });
  for (const [index, rows] of rowsOfMarkets.entries()) {
    const market = wanted[index] as number;
    const starts = startsOf(rows);
    if (starts.length === 0) continue;
    const info = tape.markets[market] as MarketInfo;
    const grid = new PriceGrid(info.priceRanges);
    const keyframes = Keyframes.of(tape, market, grid);
    markets.push({
      tape,
      market,
      info,
      grid,
      rows,
      starts,
      closeRow: closeRowOf(tape, market),
      keyframes,
    });
  }
  if (markets.length === 0) {
    throw new OperationError(
      "NO_EPISODE",
      `session ${tape.sessionId}: expected a market with at least two decision times and a known ` +
        `book, was none; "kalshi-gym sessions validate" tells what is wrong with it`,
    );
  }
  return { sessionId: tape.sessionId, contentHash: tape.contentHash, cadence, tape, markets };
}

function wantedMarkets(tape: Tape, tickers: readonly string[] | undefined): number[] {
  if (tickers === undefined) return tape.markets.map((_, index) => index);
  return tickers.map((ticker) => {
    const index = tape.markets.findIndex((market) => market.ticker === ticker);
    if (index >= 0) return index;
    const known = tape.markets.map((market) => market.ticker).join(", ");
    throw new OperationError(
      "UNKNOWN_MARKET",
      `session ${tape.sessionId}: expected one of ${known}, was "${ticker}"`,
    );
  });
}

function startsOf(rows: FeatureRows): Uint32Array {
  const all: number[] = [];
  for (let row = 0; row + 1 < rows.count; row++) {
    if (rows.valid[row] === 1 && rows.valid[row + 1] === 1) all.push(row);
  }
  const warm = all.filter((row) => row >= rows.warm);
  return Uint32Array.from(warm.length > 0 ? warm : all);
}

function closeRowOf(tape: Tape, market: number): number {
  const [first, end] = streamRows(tape, market);
  for (let row = end - 1; row >= first; row--) {
    if (tape.kind[row] === EventKind.close) return row;
  }
  return -1;
}
