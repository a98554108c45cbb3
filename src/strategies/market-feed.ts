/**
 * One market as the feed has told of it: the book, whether it is known, the last trades. It is fed
 * rows of a tape, recorded or growing, in their order. Own orders are not in it.
 */
import type { CentiCents, Lots } from "../core/index.ts";
import { type BookSide, EventKind, OrderBook, type PriceGrid, type Tape } from "../market/index.ts";
import type { TradeView } from "./strategy.ts";

/** Trades kept. A power of two. */
const TRADES_KEPT = 32;

/** Told of every change of the best prices; for whoever looks back later. */
export interface MarkListener {
  /** The mark from tape row `row` on. */
  marked(row: number, atUs: number, mark: CentiCents): void;
}

export class MarketFeed {
  readonly book: OrderBook;
  /** Next row of the tape that has not reached us. */
  row: number;
  isKnown = false;
  isClosed = false;
  /** Half of best bid and best ask, rounded down; the last one known while the book is not. */
  mark = 5000 as CentiCents;
  tradedLots = 0;
  tradeCount = 0;
  readonly #tape: Tape;
  readonly #endRow: number;
  readonly #listener: MarkListener | null;
  #bidTick = -1;
  #askTick: number;
  /** The last trades, by their number modulo `TRADES_KEPT`. */
  readonly #tradeRows = new Uint32Array(TRADES_KEPT);

  /** `rows` are the market's first row on the tape and one past its last. */
  constructor(
    tape: Tape,
    rows: readonly [number, number],
    grid: PriceGrid,
    listener: MarkListener | null = null,
  ) {
    this.#tape = tape;
    [this.row, this.#endRow] = rows;
    this.book = new OrderBook(grid);
    this.#askTick = grid.count;
    this.#listener = listener;
  }

  /** Takes in all rows up to and including time `untilUs`; their number, levels of snapshots apart. */
  advance(untilUs: number): number {
    const { atUs } = this.#tape;
    const end = this.#endRow;
    let count = 0;
    while (this.row < end && (atUs[this.row] as number) <= untilUs) {
      this.apply();
      count += 1;
    }
    return count;
  }

  /** Takes in the next row; true where it changed the book. */
  apply(): boolean {
    const { row, book } = this;
    const tape = this.#tape;
    const kind = tape.kind[row] as EventKind;
    if (kind === EventKind.delta) {
      this.row = row + 1;
      if (this.isClosed) return false;
      const tick = book.grid.ticks[tape.priceCc[row] as number] as number;
      book.change(tape.side[row] as BookSide, tick, tape.size[row] as number);
      if (book.bestBidTick !== this.#bidTick || book.bestAskTick !== this.#askTick) this.#mark(row);
      return true;
    }
    if (kind === EventKind.trade) {
      this.row = row + 1;
      this.#tradeRows[this.tradeCount & (TRADES_KEPT - 1)] = row;
      this.tradeCount += 1;
      this.tradedLots += tape.size[row] as number;
      return false;
    }
    return this.#other(kind);
  }

  /** The trade that is `back` trades old, 0 for the last; null where there is none or it is gone. */
  trade(back: number): TradeView | null {
    if (back < 0 || back >= Math.min(TRADES_KEPT, this.tradeCount)) return null;
    const row = this.#tradeRows[(this.tradeCount - 1 - back) & (TRADES_KEPT - 1)] as number;
    const tape = this.#tape;
    return {
      atUs: tape.atUs[row] as number,
      price: tape.priceCc[row] as CentiCents,
      size: tape.size[row] as Lots,
      hit: tape.side[row] as BookSide,
    };
  }

  #other(kind: EventKind): boolean {
    const { row, book } = this;
    const tape = this.#tape;
    if (kind === EventKind.snapshot) {
      const levels = tape.size[row] as number;
      this.row = row + 1 + levels;
      // The book of a closed market stays as it was.
      if (this.isClosed) return false;
      book.apply(tape, row);
      this.isKnown = true;
      this.#mark(row);
      return true;
    }
    this.row = row + 1;
    if (kind === EventKind.gap) this.isKnown = false;
    else if (kind === EventKind.close) this.isClosed = true;
    return false;
  }

  #mark(row: number): void {
    const { book } = this;
    this.#bidTick = book.bestBidTick;
    this.#askTick = book.bestAskTick;
    const mark = ((book.bestBid() + book.bestAsk()) >>> 1) as CentiCents;
    this.mark = mark;
    this.#listener?.marked(row, this.#tape.atUs[row] as number, mark);
  }
}
