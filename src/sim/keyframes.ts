/**
 * Books of one market at intervals, so that an episode may start anywhere at once: the stored book
 * before its start and the rows from there on give the book at the start. Stored books are plain
 * arrays of their occupied levels.
 */
import { assert } from "../core/index.ts";
import {
  BookSide,
  EventKind,
  MarketStatus,
  OrderBook,
  type PriceGrid,
  streamRows,
  type Tape,
} from "../market/index.ts";

/** Tape rows between two stored books: a start replays half of them on average. */
const KEYFRAME_ROWS = 1024;

/** F books with L levels in all. */
export interface StoredBooks {
  /** Tape row before which each book was in force; ascending. [F] */
  readonly rows: Uint32Array;
  /** First level of each book, and L at the end. [F + 1] */
  readonly from: Uint32Array;
  /** 1 where trading was paused. [F] */
  readonly paused: Uint8Array;
  readonly ticks: Int32Array;
  /** Lots, negative for asks. A crossed book has a bid and an ask on one tick. [L] */
  readonly sizes: Float64Array;
}

export class Keyframes {
  readonly books: StoredBooks;
  readonly #tape: Tape;
  readonly #grid: PriceGrid;

  /** `books` are those of the market whose grid is given, on this tape. */
  constructor(tape: Tape, grid: PriceGrid, books: StoredBooks) {
    this.#tape = tape;
    this.#grid = grid;
    this.books = books;
  }

  /** Replays a market and stores its books. */
  static of(tape: Tape, market: number, grid: PriceGrid): Keyframes {
    const rows: number[] = [];
    const from: number[] = [];
    const ticks: number[] = [];
    const sizes: number[] = [];
    const paused: number[] = [];
    let isPaused = false;
    const book = new OrderBook(grid);
    const [first, end] = streamRows(tape, market);
    let due = first;
    for (let row = first; row < end; row = book.apply(tape, row)) {
      const wasPaused = isPaused;
      isPaused = pausedAfter(tape, row, isPaused);
      if (row < due) continue;
      paused.push(wasPaused ? 1 : 0);
      due = row + KEYFRAME_ROWS;
      rows.push(row);
      from.push(ticks.length);
      for (let tick = 0; tick < grid.count; tick++) {
        const bid = book.bids[tick] as number;
        const ask = book.asks[tick] as number;
        if (bid > 0) sizes[ticks.push(tick) - 1] = bid;
        if (ask > 0) sizes[ticks.push(tick) - 1] = -ask;
      }
    }
    from.push(ticks.length);
    return new Keyframes(tape, grid, {
      rows: Uint32Array.from(rows),
      paused: Uint8Array.from(paused),
      from: Uint32Array.from(from),
      ticks: Int32Array.from(ticks),
      sizes: Float64Array.from(sizes),
    });
  }

  /**
   * Makes `book` what it was before tape row `row` of this market happened; whether trading was paused
   * then.
   */
  restore(row: number, book: OrderBook): boolean {
    assert(book.grid.count === this.#grid.count, "the book is on the market's grid");
    book.clear();
    const frame = this.#frameBefore(row);
    if (frame < 0) return false;
    const { rows, from, ticks, sizes } = this.books;
    const end = from[frame + 1] as number;
    for (let level = from[frame] as number; level < end; level++) {
      const size = sizes[level] as number;
      const side = size > 0 ? BookSide.bid : BookSide.ask;
      book.change(side, ticks[level] as number, Math.abs(size));
    }
    let isPaused = this.books.paused[frame] === 1;
    for (let at = rows[frame] as number; at < row;) {
      isPaused = pausedAfter(this.#tape, at, isPaused);
      at = book.apply(this.#tape, at);
    }
    return isPaused;
  }

  #frameBefore(row: number): number {
    const { rows } = this.books;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((rows[middle] as number) <= row) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function pausedAfter(tape: Tape, row: number, before: boolean): boolean {
  if (tape.kind[row] !== EventKind.status) return before;
  const status = tape.size[row];
  return status === MarketStatus.inactive || (before && status !== MarketStatus.active);
}
