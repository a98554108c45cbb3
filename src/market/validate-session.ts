/**
 * Validation: replays a whole session from its raw events and says what in it cannot be trusted.
 * Nothing is repaired here; a session with findings can still be used, with open eyes.
 */
import { type TimestampUs, US_PER_SECOND } from "../core/index.ts";
import {
  type EventColumns,
  kindOf,
  resolutionOf,
  sideOf,
  StampResolution,
} from "./event-columns.ts";
import { bookDifference } from "./import-feed.ts";
import { OrderBook } from "./order-book.ts";
import { PriceGrid } from "./price-grid.ts";
import type { Session } from "./session.ts";
import type { Gap } from "./session-format.ts";
import type { SnapshotLevel } from "./session-writer.ts";
import { type BookSide, EventKind, type Tape } from "./tape.ts";

/** What was found in one market. */
export interface MarketFindings {
  readonly ticker: string;
  readonly snapshots: number;
  readonly deltas: number;
  readonly trades: number;
  /** Changes that would have made a level negative. */
  readonly negativeLevels: number;
  /** Times at which the book became locked or crossed, and how long it was so in all. */
  readonly crossings: number;
  readonly crossedSeconds: number;
  /** Deltas whose stamp is earlier than that of the delta before. */
  readonly timesBack: number;
  readonly largestStepBackUs: number;
  /** Snapshots in mid-stream that differ from the replayed book, unless messages before them are missing. */
  readonly snapshotDifferences: number;
  /** Trades for which no delta was found. */
  readonly unpairedTrades: number;
  /** Rows before the first snapshot that have no book. */
  readonly rowsWithoutBook: number;
}

export interface Validation {
  readonly id: string;
  readonly contentHash: string;
  /** False where the stored events no longer have the stored hash. */
  readonly hashFits: boolean;
  readonly markets: readonly MarketFindings[];
  readonly gaps: readonly Gap[];
  /** Gaps that end the usable part of a book until a later snapshot. */
  readonly gapRows: number;
  /** Share of trades that pair with a delta, 1 where there is no trade. */
  readonly pairedShare: number;
  readonly startUs: TimestampUs;
  readonly endUs: TimestampUs;
  /**
   * True where the events have their hash and every book follows from its events. Gaps, moments of
   * crossing, stamps that step back and unpaired trades are the feed's, and only reported.
   */
  readonly sound: boolean;
}

/** Replays `session` whole. */
export function validateSession(session: Session): Validation {
  const events = session.readEvents();
  const tape = session.readTape();
  const replays = session.facts.markets.map(
    ({ ticker, priceRanges }) => new Replay(priceRanges, lossesOf(session.gaps, ticker)),
  );
  for (let row = 0; row < events.rowCount;) {
    const replay = replays[events.stream[row] as number];
    row = replay === undefined ? row + 1 : replay.take(events, row);
  }
  const unpaired = unpairedTrades(tape);
  const markets = session.facts.markets.map(({ ticker }, stream): MarketFindings => {
    const replay = replays[stream] as Replay;
    return { ticker, ...replay.findings(), unpairedTrades: unpaired[stream] ?? 0 };
  });
  const trades = markets.reduce((sum, market) => sum + market.trades, 0);
  const open = unpaired.reduce((sum, count) => sum + count, 0);
  const hashFits = session.computeContentHash() === session.contentHash;
  let gapRows = 0;
  for (let row = 0; row < tape.rowCount; row++) if (tape.kind[row] === EventKind.gap) gapRows++;
  return {
    id: session.id,
    contentHash: session.contentHash,
    hashFits,
    markets,
    gaps: session.gaps,
    gapRows,
    pairedShare: trades === 0 ? 1 : (trades - open) / trades,
    ...session.span(),
    sound:
      hashFits &&
      markets.every(
        ({ negativeLevels, snapshotDifferences, rowsWithoutBook }) =>
          negativeLevels === 0 && snapshotDifferences === 0 && rowsWithoutBook === 0,
      ),
  };
}

/** Where a market's book may have become wrong. */
function lossesOf(gaps: readonly Gap[], ticker: string): number[] {
  return gaps
    .filter(({ scope, market }) => scope === "book" && (market ?? ticker) === ticker)
    .map(({ position }) => position);
}

function unpairedTrades(tape: Tape): number[] {
  return tape.markets.map((_, stream) => {
    let count = 0;
    const end = tape.streamStart[stream + 1] as number;
    for (let row = tape.streamStart[stream] as number; row < end; row++) {
      if (tape.kind[row] === EventKind.trade && tape.pairRow[row] === -1) count++;
    }
    return count;
  });
}

/** One market on its way through the events. */
class Replay {
  readonly #book: OrderBook;
  readonly #losses: readonly number[];
  /** Row of the last snapshot. */
  #snapshotRow = 0;
  #hasBook = false;
  #crossedSinceUs = -1;
  #lastUs = -1;
  #snapshots = 0;
  #deltas = 0;
  #trades = 0;
  #crossings = 0;
  #crossedUs = 0;
  #timesBack = 0;
  #largestStepBackUs = 0;
  #differences = 0;
  #rowsWithoutBook = 0;

  constructor(ranges: ConstructorParameters<typeof PriceGrid>[0], losses: readonly number[]) {
    this.#book = new OrderBook(new PriceGrid(ranges));
    this.#losses = losses;
  }

  /** Takes the event at `row`; returns the row of the next. */
  take(events: EventColumns, row: number): number {
    const code = events.code[row] as number;
    switch (kindOf(code)) {
      case EventKind.delta:
        this.#delta(events, row, sideOf(code));
        return row + 1;
      case EventKind.snapshot:
        return this.#snapshot(events, row);
      case EventKind.trade:
        this.#trades += 1;
        return row + 1;
      case EventKind.close:
        this.#snapshots += events.size[row] as number;
        return row + 1;
      default:
        return row + 1;
    }
  }

  findings(): Omit<MarketFindings, "ticker" | "unpairedTrades"> {
    return {
      snapshots: this.#snapshots,
      deltas: this.#deltas,
      trades: this.#trades,
      negativeLevels: this.#book.negativeLevelCount,
      crossings: this.#crossings,
      crossedSeconds: this.#crossedUs / US_PER_SECOND,
      timesBack: this.#timesBack,
      largestStepBackUs: this.#largestStepBackUs,
      snapshotDifferences: this.#differences,
      rowsWithoutBook: this.#rowsWithoutBook,
    };
  }

  #delta(events: EventColumns, row: number, side: BookSide): void {
    this.#deltas += 1;
    if (!this.#hasBook) this.#rowsWithoutBook += 1;
    const tick = this.#book.grid.ticks[events.priceCc[row] as number] as number;
    this.#book.change(side, tick, events.size[row] as number);
    if (resolutionOf(events.code[row] as number) === StampResolution.none) return;
    const atUs = events.stampUs[row] as number;
    if (atUs < this.#lastUs) {
      this.#timesBack += 1;
      this.#largestStepBackUs = Math.max(this.#largestStepBackUs, this.#lastUs - atUs);
    }
    this.#lastUs = atUs;
    this.#watchCrossing(atUs);
  }

  #snapshot(events: EventColumns, row: number): number {
    const count = events.size[row] as number;
    const levels: SnapshotLevel[] = [];
    for (let level = row + 1; level <= row + count; level++) {
      levels.push({
        side: sideOf(events.code[level] as number),
        priceCc: events.priceCc[level] as number,
        size: events.size[level] as number,
      });
    }
    // After a loss a snapshot is there to differ.
    const mayDiffer = this.#losses.some((loss) => loss > this.#snapshotRow && loss <= row);
    const isKnown = this.#hasBook && !mayDiffer;
    if (isKnown && bookDifference(this.#book, levels) > 0) this.#differences += 1;
    this.#snapshotRow = row;
    this.#snapshots += 1;
    this.#hasBook = true;
    this.#book.clear();
    for (const { side, priceCc, size } of levels) {
      this.#book.change(side, this.#book.grid.ticks[priceCc] as number, size);
    }
    return row + 1 + count;
  }

  #watchCrossing(atUs: number): void {
    const crossed = this.#book.hasBid() && this.#book.bestBidTick >= this.#book.bestAskTick;
    if (crossed && this.#crossedSinceUs < 0) {
      this.#crossings += 1;
      this.#crossedSinceUs = atUs;
    } else if (!crossed && this.#crossedSinceUs >= 0) {
      this.#crossedUs += Math.max(0, atUs - this.#crossedSinceUs);
      this.#crossedSinceUs = -1;
    }
  }
}
