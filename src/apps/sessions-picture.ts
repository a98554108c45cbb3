/**
 * Pictures of a session for the terminal, in Unicode blocks: the path of a market's mid, one line or
 * several lines high, and the book at one moment. Plain text, so that they can be piped and pasted.
 */
import {
  BookSide,
  marketIndexOf,
  OrderBook,
  PriceGrid,
  streamRows,
  type Tape,
} from "../market/index.ts";
import { assert } from "../core/index.ts";

const EIGHTHS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** A market's mid in dollars at `columns` moments, evenly spaced from the session's first event to
 * its last; NaN before the first book. */
export function midPath(tape: Tape, market: number, columns: number): number[] {
  const [startUs, endUs] = timeSpan(tape);
  const [from, to] = streamRows(tape, market);
  const info = tape.markets[market];
  assert(info !== undefined, "the market is of this tape");
  const book = new OrderBook(new PriceGrid(info.priceRanges));
  const path: number[] = [];
  let row = from;
  let known = false;
  for (let column = 0; column < columns; column++) {
    const untilUs = startUs + ((endUs - startUs) * (column + 1)) / columns;
    while (row < to && (tape.atUs[row] ?? 0) <= untilUs) {
      row = book.apply(tape, row);
      known ||= book.hasBid() || book.hasAsk();
    }
    path.push(known ? (book.bestBid() + book.bestAsk()) / 20_000 : Number.NaN);
  }
  return path;
}

/** The path on one line; 0 dollars is the lowest block and 1 dollar the highest. */
export function sparkline(path: readonly number[]): string {
  return path
    .map((mid) =>
      Number.isNaN(mid) ? " " : (EIGHTHS[1 + Math.min(7, Math.floor(mid * 8))] ?? " "),
    )
    .join("");
}

/** The path as an area of `height` lines, with prices at the left. */
export function priceChart(path: readonly number[], height: number): string[] {
  const lines: string[] = [];
  for (let line = 0; line < height; line++) {
    const floor = 1 - (line + 1) / height;
    const cells = path.map((mid) => {
      if (Number.isNaN(mid)) return " ";
      const eighths = Math.round((mid - floor) * height * 8);
      return EIGHTHS[Math.max(0, Math.min(8, eighths))] ?? " ";
    });
    const label = (1 - line / height).toFixed(2);
    lines.push(`${label} ┤${cells.join("")}`);
  }
  lines.push(`0.00 ┼${"─".repeat(path.length)}`);
  return lines;
}

/** The book of a market at `atUs`, the best `levels` prices of each side, asks above bids. */
export function depthChart(tape: Tape, ticker: string, atUs: number, levels: number): string[] {
  const market = marketIndexOf(tape, ticker);
  const info = tape.markets[market];
  assert(info !== undefined, "the market is of this tape");
  const book = new OrderBook(new PriceGrid(info.priceRanges));
  const [from, to] = streamRows(tape, market);
  for (let row = from; row < to && (tape.atUs[row] ?? 0) <= atUs;) row = book.apply(tape, row);
  const asks: number[] = [];
  for (let tick = book.bestAskTick; tick < book.grid.count && asks.length < levels;) {
    asks.push(tick);
    tick = book.askAbove(tick);
  }
  const bids: number[] = [];
  for (let tick = book.bestBidTick; tick >= 0 && bids.length < levels;) {
    bids.push(tick);
    tick = book.bidBelow(tick);
  }
  const rows = [
    ...asks.reverse().map((tick) => ({ side: BookSide.ask, tick })),
    ...bids.map((tick) => ({ side: BookSide.bid, tick })),
  ];
  const largest = Math.max(1, ...rows.map(({ side, tick }) => book.sizeAt(side, tick)));
  return rows.map(({ side, tick }) => {
    const size = book.sizeAt(side, tick);
    const bar = (side === BookSide.ask ? "▒" : "█").repeat(Math.ceil((size / largest) * 40));
    const price = ((book.grid.prices[tick] ?? 0) / 10_000).toFixed(4).replace(/00$/, "");
    return `${side === BookSide.ask ? "ask" : "bid"} ${price.padEnd(6)} ${bar} ${contracts(size)}`;
  });
}

/** First and last effective time of a tape. */
export function timeSpan(tape: Tape): [number, number] {
  const first = tape.order[0];
  const last = tape.order[tape.rowCount - 1];
  if (first === undefined || last === undefined) return [0, 0];
  return [tape.atUs[first] ?? 0, tape.atUs[last] ?? 0];
}

function contracts(size: number): string {
  return (size / 100).toLocaleString("en-US", { maximumFractionDigits: 2 });
}
