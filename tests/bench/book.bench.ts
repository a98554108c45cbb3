/**
 * Order books replayed from the tape: recorded deltas a second, best prices kept current. Baseline
 * in the same run: the same books in a Map per side, whose best price is searched among the keys
 * when its level empties. Both must end with the same best prices at every row.
 */
import {
  BookSide,
  EventKind,
  openSession,
  OrderBook,
  PriceGrid,
  streamRows,
  type Tape,
} from "../../src/market/index.ts";
import { benchSessions, rounds, secondsOf } from "./measure.ts";

const ROUNDS = 9;

export async function run(): Promise<object> {
  const { source, folders, dispose } = await benchSessions();
  try {
    const tapes = folders.map((folder) => {
      const session = openSession(folder);
      const tape = session.readTape();
      session.close();
      return tape;
    });
    let deltas = 0;
    for (const { kind } of tapes)
      for (const each of kind) if (each === EventKind.delta) deltas += 1;
    const sums = [0, 0];
    const book = rounds(ROUNDS, () => {
      const seconds = secondsOf(() => (sums[0] = total(tapes, replayBook)));
      return deltas / seconds;
    });
    const maps = rounds(ROUNDS, () => {
      const seconds = secondsOf(() => (sums[1] = total(tapes, replayMaps)));
      return deltas / seconds;
    });
    if (sums[0] !== sums[1]) throw new Error(`the books differ: ${sums.join(" and ")}`);
    return {
      source,
      deltas,
      bookDeltasPerSecond: book,
      baselineMapsDeltasPerSecond: maps,
      timesBaseline: Math.round((10 * book.median) / maps.median) / 10,
      targetDeltasPerSecond: 1e7,
    };
  } finally {
    dispose();
  }
}

function total(tapes: readonly Tape[], replay: (tape: Tape, market: number) => number): number {
  let sum = 0;
  for (const tape of tapes) {
    for (let market = 0; market < tape.markets.length; market++) sum += replay(tape, market);
  }
  return sum;
}

/** Sum of best prices after every row, in centi-cents: proof that the two replays agree. */
function replayBook(tape: Tape, market: number): number {
  const book = new OrderBook(new PriceGrid(tape.markets[market]?.priceRanges ?? []));
  const [first, end] = streamRows(tape, market);
  let sum = 0;
  for (let row = first; row < end;) {
    row = book.apply(tape, row);
    sum += book.bestBid() + book.bestAsk();
  }
  return sum;
}

function replayMaps(tape: Tape, market: number): number {
  const bids = new Map<number, number>();
  const asks = new Map<number, number>();
  let bestBid = 0;
  let bestAsk = 10_000;
  const [first, end] = streamRows(tape, market);
  let sum = 0;
  const apply = (row: number): void => {
    const isBid = tape.side[row] === BookSide.bid;
    const side = isBid ? bids : asks;
    const price = tape.priceCc[row] as number;
    const after = (side.get(price) ?? 0) + (tape.size[row] as number);
    if (after > 0) {
      side.set(price, after);
      if (isBid && price > bestBid) bestBid = price;
      if (!isBid && price < bestAsk) bestAsk = price;
      return;
    }
    side.delete(price);
    if (isBid && price === bestBid) {
      bestBid = 0;
      for (const key of bids.keys()) if (key > bestBid) bestBid = key;
    } else if (!isBid && price === bestAsk) {
      bestAsk = 10_000;
      for (const key of asks.keys()) if (key < bestAsk) bestAsk = key;
    }
  };
  for (let row = first; row < end;) {
    const kind = tape.kind[row];
    if (kind === EventKind.delta) {
      apply(row++);
    } else if (kind === EventKind.snapshot) {
      bids.clear();
      asks.clear();
      bestBid = 0;
      bestAsk = 10_000;
      const last = row + (tape.size[row] as number);
      for (let level = row + 1; level <= last; level++) apply(level);
      row = last + 1;
    } else {
      row += 1;
    }
    sum += bestBid + bestAsk;
  }
  return sum;
}
