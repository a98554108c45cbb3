/**
 * A tape with gaps that the recording did not have: every so often each market's feed is lost, and a
 * snapshot of what the book has become heals it some seconds later. Its other rows stay.
 */
import { EventKind, OrderBook, PriceGrid, streamRows, type Tape } from "../../src/market/index.ts";

/** A row of the old tape, or one made here. */
type Row = number | Made;

interface Made {
  readonly atUs: number;
  readonly kind: EventKind;
  readonly side: number;
  readonly priceCc: number;
  readonly size: number;
}

export function withGaps(tape: Tape, everyUs: number, lastingUs: number): Tape {
  const rows: Row[] = [];
  const streamStart = [0];
  for (let stream = 0; stream + 1 < tape.streamStart.length; stream++) {
    if (stream < tape.markets.length) gapped(tape, stream, everyUs, lastingUs, rows);
    else for (let [row, end] = streamRows(tape, stream); row < end; row++) rows.push(row);
    streamStart.push(rows.length);
  }
  return laidOut(tape, rows, Uint32Array.from(streamStart));
}

function gapped(tape: Tape, market: number, everyUs: number, lastingUs: number, to: Row[]): void {
  const grid = new PriceGrid(tape.markets[market]?.priceRanges ?? []);
  const book = new OrderBook(grid);
  const [first, end] = streamRows(tape, market);
  let gapUs = (tape.atUs[first] ?? 0) + everyUs;
  let healUs = Infinity;
  for (let row = first; row < end;) {
    const atUs = tape.atUs[row] ?? 0;
    if (tape.kind[row] === EventKind.close) gapUs = Infinity;
    if (atUs > gapUs && healUs === Infinity) {
      to.push({ atUs: gapUs, kind: EventKind.gap, side: 0, priceCc: 0, size: 0 });
      healUs = gapUs + lastingUs;
    }
    if (atUs > healUs || tape.kind[row] === EventKind.close) {
      if (healUs < Infinity) to.push(...snapshotOf(book, Math.min(healUs, atUs)));
      gapUs += everyUs;
      healUs = Infinity;
    }
    const next = book.apply(tape, row);
    while (row < next) to.push(row++);
  }
}

function snapshotOf(book: OrderBook, atUs: number): Made[] {
  const levels = [book.bids, book.asks].flatMap((lots, side) =>
    Array.from(lots, (size, tick) => ({
      atUs,
      kind: EventKind.level,
      side,
      priceCc: book.grid.prices[tick] as number,
      size,
    })).filter(({ size }) => size > 0),
  );
  const head = { atUs, kind: EventKind.snapshot, side: 0, priceCc: 0, size: levels.length };
  return [head, ...levels];
}

/** The rows as a tape. Rows of one time keep the old session order, those made here come last. */
function laidOut(tape: Tape, rows: readonly Row[], streamStart: Uint32Array): Tape {
  const count = rows.length;
  const place = new Int32Array(tape.rowCount).fill(-1);
  const made: number[] = [];
  rows.forEach((row, at) => {
    if (typeof row === "number") place[row] = at;
    else made.push(at);
  });
  const column = (of: "atUs" | "kind" | "side" | "priceCc" | "size") =>
    rows.map((row) => (typeof row === "number" ? (tape[of][row] as number) : row[of]));
  const named = (of: "pairRow" | "queueRow"): Int32Array =>
    Int32Array.from(rows, (row) => {
      const other = typeof row === "number" ? (tape[of][row] ?? -1) : -1;
      return other < 0 ? -1 : (place[other] ?? -1);
    });
  const atUs = Float64Array.from(column("atUs"));
  const order = Uint32Array.from([...Array.from(tape.order, (row) => place[row] ?? 0), ...made]);
  const rank = new Uint32Array(count);
  order.forEach((row, at) => {
    rank[row] = at;
  });
  order.sort((a, b) => (atUs[a] ?? 0) - (atUs[b] ?? 0) || (rank[a] ?? 0) - (rank[b] ?? 0));
  return {
    ...tape,
    rowCount: count,
    streamStart,
    atUs,
    kind: Uint8Array.from(column("kind")),
    side: Uint8Array.from(column("side")),
    priceCc: Uint16Array.from(column("priceCc")),
    size: Float64Array.from(column("size")),
    pairRow: named("pairRow"),
    queueRow: named("queueRow"),
    order,
  };
}
