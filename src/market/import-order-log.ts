/**
 * An order log of one market with the ticks of its index, as CSV, becomes a session: columns
 * Time, Competitor, Operation, OrderId, Instrument, Side, Volume, Price, Lifespan, Fee. Instrument 0
 * is the index's last price, a reference stream; instrument 1 is the market, whose rows are in the
 * order of OrderId. Prices are hundredths of a cent of YES on both sides: a B row is a YES bid, an A
 * row an ask, which is a NO bid at one dollar minus its price.
 *
 * The first rows that share one time are the opening book. An Insert at or through the opposite best
 * is a trade with what rests at its own price; it becomes the trade and the book change that it made.
 * (So these logs mean it: read as a walk from the best price, 18 later cancels of the two days find
 * less than they cancel; read this way every cancel and every trade fits.) What exceeds its own
 * price walks from the best, and the rest of it rests. A Cancel takes its volume from its level.
 */
import { basename, resolve } from "node:path";
import { type CentiCents, OperationError, parseFixed, parseLots } from "../core/index.ts";
import { NO_STAMP, StampResolution } from "./event-columns.ts";
import { readLines } from "./feed-file.ts";
import {
  factNotes,
  importedFacts,
  type ImportOptions,
  type ImportReport,
  type ObservedMarket,
  requireVoidPrices,
  requireKnown,
} from "./import-options.ts";
import { formatIsoTime, parseIsoTime } from "./iso-time.ts";
import { OrderBook } from "./order-book.ts";
import { LINEAR_CENT, PriceGrid } from "./price-grid.ts";
import { createSession } from "./create-session.ts";
import type { SessionWriter, SnapshotLevel } from "./session-writer.ts";
import { BookSide } from "./tape.ts";

const HEADER = "Time,Competitor,Operation,OrderId,Instrument,Side,Volume,Price,Lifespan,Fee";
/** How an order log is recognised. */
export const ORDER_LOG_HEAD = HEADER.slice(0, 26);
const INDEX_NAME = "SPX";
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

interface OrderRow {
  readonly place: string;
  readonly atUs: number;
  readonly orderId: number;
  readonly insert: boolean;
  readonly side: BookSide;
  readonly priceCc: CentiCents;
  readonly size: number;
}

interface IndexRow {
  readonly atUs: number;
  /** In 1e-4 units. */
  readonly value: number;
}

/** Imports one order log, plain or gzip. On any error nothing stands in `options.out`. */
export async function importOrderLog(path: string, options: ImportOptions): Promise<ImportReport> {
  const { orders, ticks } = await readOrderLog(path, options);
  const first = orders[0];
  if (first === undefined) {
    throw new OperationError(
      "IMPORT_EMPTY",
      `${basename(path)}: expected rows of instrument 1, was none`,
    );
  }
  const grid = new PriceGrid(options.priceRanges ?? LINEAR_CENT);
  for (const { priceCc, place } of orders) grid.require(priceCc, `${place}: Price`);
  const ticker = options.ticker ?? defaultTicker(first.atUs);
  requireKnown("market", options.markets, [ticker]);
  const log = new OrderLogImport(new OrderBook(grid));
  const id = options.id ?? basename(resolve(options.out));
  const source = `order-log: ${basename(path)}`;
  const market = (): ObservedMarket[] => [
    { ticker, venueCc: null, venueCloseUs: null, lastTradeCc: log.lastTradeCc },
  ];
  const facts = importedFacts(id, source, market(), [INDEX_NAME], options);
  const writer = createSession(options.out, facts, { replace: options.replace ?? false });
  try {
    log.write(writer, orders, ticks);
    requireVoidPrices(market(), options);
    const known = importedFacts(id, source, market(), [INDEX_NAME], options);
    const contentHash = writer.finish(known);
    const [info] = known.markets;
    return {
      id,
      contentHash,
      form: "order-log",
      files: 1,
      messages: orders.length + ticks.length,
      markets: [
        {
          ticker,
          snapshots: writer.counts.snapshots,
          deltas: writer.counts.deltas,
          trades: writer.counts.trades,
          settlement: info?.settlement ?? null,
          orphanDeltas: 0,
          negativeLevels: log.book.negativeLevelCount,
        },
      ],
      counts: writer.counts,
      gaps: [],
      feed: "unnumbered",
      feedAssumed: false,
      skippedTypes: {},
      duplicates: 0,
      differences: [],
      notes: [
        `${orders.length} order rows (${log.openingCount} of them the opening book) and ` +
          `${ticks.length} index ticks.`,
        ...(options.ticker === undefined
          ? [`The log names no market; it was called ${ticker} (--ticker).`]
          : []),
        ...factNotes(known, options),
      ],
    };
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** SP500-23APR10 for a log of that day. */
function defaultTicker(atUs: number): string {
  const date = formatIsoTime(atUs);
  const month = MONTHS[Number(date.slice(5, 7)) - 1] ?? "";
  return `SP500-${date.slice(2, 4)}${month}${date.slice(8, 10)}`;
}

/** Replays the log into session events. */
class OrderLogImport {
  readonly book: OrderBook;
  lastTradeCc: number | null = null;
  openingCount = 0;

  constructor(book: OrderBook) {
    this.book = book;
  }

  write(writer: SessionWriter, orders: readonly OrderRow[], ticks: readonly IndexRow[]): void {
    const firstUs = orders[0]?.atUs;
    while (
      orders[this.openingCount]?.atUs === firstUs &&
      orders[this.openingCount]?.insert === true
    ) {
      this.openingCount += 1;
    }
    let tick = 0;
    const ticksUntil = (atUs: number): void => {
      for (let next = ticks[tick]; next !== undefined && next.atUs <= atUs; next = ticks[++tick]) {
        writer.reference(0, next.value, next.atUs);
      }
    };
    ticksUntil(firstUs ?? 0);
    writer.snapshot(0, this.#opening(orders.slice(0, this.openingCount)), firstUs ?? NO_STAMP);
    for (const order of orders.slice(this.openingCount)) {
      // At equal times the index goes first: an order may answer to a tick, never the other way.
      ticksUntil(order.atUs);
      if (order.insert) this.#insert(writer, order);
      else this.#change(writer, order.side, order.priceCc, -order.size, order.atUs);
    }
    ticksUntil(Infinity);
  }

  /** Orders of the opening book at one price become one level. */
  #opening(orders: readonly OrderRow[]): SnapshotLevel[] {
    for (const { side, priceCc, size } of orders) {
      this.book.change(side, this.book.grid.tickOf(priceCc), size);
    }
    const levels: SnapshotLevel[] = [];
    for (const side of [BookSide.bid, BookSide.ask]) {
      for (let tick = 0; tick < this.book.grid.count; tick++) {
        const size = this.book.sizeAt(side, tick);
        if (size > 0) levels.push({ side, priceCc: this.book.grid.priceOf(tick), size });
      }
    }
    return levels;
  }

  #insert(writer: SessionWriter, order: OrderRow): void {
    const taker = order.side;
    const maker = taker === BookSide.bid ? BookSide.ask : BookSide.bid;
    let left = order.size;
    if (this.#meets(maker, order.priceCc)) left -= this.#hit(writer, maker, order.priceCc, order);
    while (left > 0 && this.#meets(maker, order.priceCc)) {
      const best = maker === BookSide.ask ? this.book.bestAsk() : this.book.bestBid();
      left -= this.#hit(writer, maker, best, { ...order, size: left });
    }
    if (left > 0) this.#change(writer, taker, order.priceCc, left, order.atUs);
  }

  /** Whether the best of side `maker` is at `priceCc` or better for a taker at that limit. */
  #meets(maker: BookSide, priceCc: CentiCents): boolean {
    if (maker === BookSide.ask) return this.book.hasAsk() && this.book.bestAsk() <= priceCc;
    return this.book.hasBid() && this.book.bestBid() >= priceCc;
  }

  /** Trades with what rests at one level, up to the order's size; returns the size traded. */
  #hit(writer: SessionWriter, maker: BookSide, priceCc: CentiCents, order: OrderRow): number {
    const resting = this.book.sizeAt(maker, this.book.grid.tickOf(priceCc));
    const size = Math.min(order.size, resting);
    if (size === 0) return 0;
    this.#change(writer, maker, priceCc, -size, order.atUs);
    writer.trade(0, maker, priceCc, size, order.atUs, StampResolution.microsecond);
    this.lastTradeCc = priceCc;
    return size;
  }

  #change(
    writer: SessionWriter,
    side: BookSide,
    priceCc: CentiCents,
    size: number,
    atUs: number,
  ): void {
    this.book.change(side, this.book.grid.tickOf(priceCc), size);
    writer.delta(0, side, priceCc, size, atUs);
  }
}

async function readOrderLog(
  path: string,
  options: ImportOptions,
): Promise<{ orders: OrderRow[]; ticks: IndexRow[] }> {
  const orders: OrderRow[] = [];
  const ticks: IndexRow[] = [];
  let done = 0;
  const onBytes = (count: number): void => {
    done += count;
    options.onProgress?.(done);
  };
  await readLines(path, onBytes, (bytes, start, end, line) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
      .toString()
      .trim();
    if (text === "") return;
    const place = `${basename(path)}:${line}`;
    if (line === 1) {
      if (text === HEADER) return;
      throw new OperationError(
        "IMPORT_FORM",
        `${place}: expected the columns ${HEADER}, was ${text}`,
      );
    }
    readRow(text, place, orders, ticks);
  });
  orders.sort((a, b) => a.orderId - b.orderId);
  ticks.sort((a, b) => a.atUs - b.atUs);
  return { orders, ticks };
}

function readRow(text: string, place: string, orders: OrderRow[], ticks: IndexRow[]): void {
  const fields = text.split(",");
  const [time = "", , operation = "", orderId = "", instrument, side, volume = "", price = ""] =
    fields;
  if (fields.length !== 10) {
    throw new OperationError("IMPORT_FIELD", `${place}: expected 10 columns, was ${fields.length}`);
  }
  const atUs = parseIsoTime(time, `${place}: Time`);
  if (instrument === "0") {
    ticks.push({ atUs, value: parseFixed(price, 4, `${place}: Price`) });
    return;
  }
  const wrong = (name: string, expected: string, was: string): OperationError =>
    new OperationError("IMPORT_FIELD", `${place}: ${name}: expected ${expected}, was "${was}"`);
  if (instrument !== "1") throw wrong("Instrument", "0 or 1", instrument ?? "");
  if (operation !== "Insert" && operation !== "Cancel") {
    throw wrong("Operation", "Insert or Cancel", operation);
  }
  if (side !== "A" && side !== "B") throw wrong("Side", "A or B", side ?? "");
  const priceCc = parseFixed(price, 0, `${place}: Price`);
  if (priceCc < 0 || priceCc > 10_000) throw wrong("Price", "a price from 0 to 10000", price);
  const size = parseLots(volume, `${place}: Volume`);
  if (size <= 0) throw wrong("Volume", "a positive number of contracts", volume);
  orders.push({
    place,
    atUs,
    orderId: parseFixed(orderId, 0, `${place}: OrderId`),
    insert: operation === "Insert",
    side: side === "B" ? BookSide.bid : BookSide.ask,
    priceCc: priceCc as CentiCents,
    size,
  });
}
