/**
 * Recordings of Kalshi's WebSocket become a session: files are read into columns, merged by
 * sequence, and written in order of arrival. On the way the books are replayed, so that what the
 * recording cannot be trusted in is known at once: deltas without a book, levels below zero,
 * snapshots that contradict the deltas, numbers that are missing.
 */
import { basename, resolve } from "node:path";
import {
  assert,
  type CentiCents,
  formatCentiCents,
  OperationError,
  type TimestampUs,
} from "../core/index.ts";
import { kindOf, NO_STAMP, resolutionOf, sideOf } from "./event-columns.ts";
import { type FeedFile, FeedKind, FeedNames, NO_CHANNEL, readFeedFile } from "./feed-file.ts";
import {
  factNotes,
  importedFacts,
  type ImportOptions,
  type ImportReport,
  type MarketReport,
  requireKnown,
  requireVoidPrices,
  type SnapshotDifference,
  tickerParts,
} from "./import-options.ts";
import type { FeeOverride } from "./fee-timeline.ts";
import { type ChannelOrder, type FeedOrder, mergeFeeds } from "./merge-feeds.ts";
import { OrderBook } from "./order-book.ts";
import { LINEAR_CENT, PriceGrid } from "./price-grid.ts";
import { createSession } from "./create-session.ts";
import type { SessionWriter, SnapshotLevel } from "./session-writer.ts";
import { BookSide, type MarketStatus } from "./tape.ts";

/** Imports NDJSON files, plain or gzip. On any error nothing stands in `options.out`. */
export async function importFeed(
  paths: readonly string[],
  options: ImportOptions,
): Promise<ImportReport> {
  const names = new FeedNames();
  const files: FeedFile[] = [];
  let doneBytes = 0;
  // A fixed order of files, so that the order of the arguments changes nothing.
  const sorted = [...paths].sort((a, b) => (basename(a) < basename(b) ? -1 : 1));
  for (const path of sorted) {
    const onBytes = (count: number): void => {
      doneBytes += count;
      options.onProgress?.(doneBytes);
    };
    const useYesPrice = options.useYesPrice ?? false;
    const slow = options.slow ?? false;
    files.push(await readFeedFile(path, names, { useYesPrice, onBytes, slow }));
  }
  const order = mergeFeeds(files, names);
  const run = new FeedImport(files, names, order, options);
  return run.write();
}

/** What the importer keeps of one market while it writes. */
interface MarketState {
  readonly ticker: string;
  readonly stream: number;
  readonly book: OrderBook;
  /** Place in the order of its last book message. */
  readonly lastBookPlace: number;
  hasBook: boolean;
  snapshots: number;
  deltas: number;
  trades: number;
  orphanDeltas: number;
  lastTradeCc: number | null;
  venueCc: CentiCents | null;
  venueCloseUs: TimestampUs | null;
  /** What the feed told of its event's fees; shared by the event's markets. */
  readonly feeOverrides: FeeOverride[];
}

class FeedImport {
  readonly #files: readonly FeedFile[];
  readonly #names: FeedNames;
  readonly #order: FeedOrder;
  readonly #options: ImportOptions;
  readonly #grid: PriceGrid;
  /** By ticker index of the names; absent for markets that are not imported. */
  readonly #states: readonly (MarketState | undefined)[];
  readonly #markets: readonly MarketState[];
  readonly #differences: SnapshotDifference[] = [];
  /** By event ticker. */
  readonly #feeOverrides = new Map<string, FeeOverride[]>();
  readonly #feed: "complete" | "partial" | "unnumbered";
  readonly #lastSeq: Float64Array;
  #connection = 0;
  /** The latest stamp so far: the time of messages that carry none. */
  #clockUs = -Infinity;

  constructor(
    files: readonly FeedFile[],
    names: FeedNames,
    order: FeedOrder,
    options: ImportOptions,
  ) {
    this.#files = files;
    this.#names = names;
    this.#order = order;
    this.#options = options;
    this.#grid = new PriceGrid(options.priceRanges ?? LINEAR_CENT);
    const lastBookPlace = this.#lastBookPlaces();
    requireKnown("market", options.markets, names.tickers);
    const wanted = names.tickers
      .map((ticker, index) => ({ ticker, index }))
      .filter(({ index }) => (lastBookPlace[index] as number) > -2)
      .filter(({ ticker }) => options.markets?.includes(ticker) ?? true)
      .sort((a, b) => (a.ticker < b.ticker ? -1 : 1));
    if (wanted.length === 0) {
      throw new OperationError(
        "IMPORT_EMPTY",
        `${files.map(({ name }) => name).join(", ")}: expected order-book or trade messages, ` +
          `was none`,
      );
    }
    const states: (MarketState | undefined)[] = names.tickers.map(() => undefined);
    const overrides = this.#feeOverrides;
    this.#markets = wanted.map(({ ticker, index }, stream) => {
      const state: MarketState = {
        ticker,
        stream,
        book: new OrderBook(this.#grid),
        lastBookPlace: lastBookPlace[index] as number,
        hasBook: false,
        snapshots: 0,
        deltas: 0,
        trades: 0,
        orphanDeltas: 0,
        lastTradeCc: null,
        venueCc: null,
        venueCloseUs: null,
        feeOverrides: overrides.get(tickerParts(ticker).eventTicker) ?? [],
      };
      overrides.set(tickerParts(ticker).eventTicker, state.feeOverrides);
      states[index] = state;
      return state;
    });
    this.#states = states;
    this.#feed = options.feed ?? inferFeed(order.channels);
    this.#lastSeq = new Float64Array(order.channels.length).fill(-1);
  }

  write(): ImportReport {
    const { out } = this.#options;
    const id = this.#options.id ?? basename(resolve(out));
    const source = `kalshi-ws: ${this.#files.map(({ name }) => name).join(", ")}`;
    // Facts that only the end of the recording tells replace these in `finish`; made once here, so
    // that an option that fits nothing is refused before anything is written.
    const facts = importedFacts(id, source, this.#markets, [], this.#options);
    const writer = createSession(out, facts, { replace: this.#options.replace ?? false });
    try {
      for (let place = 0; place < this.#order.count; place++) this.#emit(writer, place);
      requireVoidPrices(this.#markets, this.#options);
      const known = importedFacts(id, source, this.#markets, [], this.#options);
      const contentHash = writer.finish(known);
      return this.#report(id, contentHash, writer, factNotes(known, this.#options));
    } catch (error) {
      writer.abort();
      throw error;
    }
  }

  #emit(writer: SessionWriter, place: number): void {
    const file = this.#files[this.#order.file[place] as number] as FeedFile;
    const row = this.#order.row[place] as number;
    const channel = file.channel[row] as number;
    if (channel !== NO_CHANNEL) this.#checkSequence(writer, channel, file.seq[row] as number);
    const kind = file.kind[row] as FeedKind;
    if (kind === FeedKind.other) return;
    if (kind === FeedKind.eventFees) return this.#eventFees(file, row);
    const state = this.#states[file.ticker[row] as number];
    if (state === undefined) return;
    if (kind === FeedKind.delta) this.#delta(writer, state, file, row);
    else if (kind === FeedKind.snapshot) this.#snapshot(writer, state, file, row, place);
    else if (kind === FeedKind.lifecycle) this.#lifecycle(writer, state, file, row);
    else this.#trade(writer, state, file, row);
  }

  #checkSequence(writer: SessionWriter, channel: number, seq: number): void {
    const last = this.#lastSeq[channel] as number;
    this.#lastSeq[channel] = seq;
    const { connection, sid } = this.#names.channels[channel] as FeedNames["channels"][number];
    if (connection !== this.#connection) {
      // Whatever happened between two connections is unknown.
      this.#connection = connection;
      writer.gap({
        market: null,
        scope: "book",
        reason: "reconnect",
        missing: null,
        sid: null,
        firstSeq: null,
      });
    }
    if (this.#feed !== "complete" || last < 0 || seq === last + 1) return;
    const { hasBooks, hasTrades } = this.#order.channels[channel] as ChannelOrder;
    // Other subscriptions carry no market data: what they lose is no gap in a session.
    if (!hasBooks && !hasTrades) return;
    writer.gap({
      market: null,
      scope: hasBooks ? "book" : "trades",
      reason: "sequence",
      missing: seq - last - 1,
      sid,
      firstSeq: last + 1,
    });
  }

  #delta(writer: SessionWriter, state: MarketState, file: FeedFile, row: number): void {
    const priceCc = file.priceCc[row] as number;
    const tick = this.#grid.ticks[priceCc] as number;
    if (tick < 0) throw this.#offGrid(priceCc, `${file.place(row)}: price_dollars`);
    if (!state.hasBook) {
      state.orphanDeltas += 1;
      return;
    }
    const code = file.code[row] as number;
    const size = file.size[row] as number;
    state.book.change(sideOf(code), tick, size);
    state.deltas += 1;
    this.#row(writer, state, file, row);
  }

  #trade(writer: SessionWriter, state: MarketState, file: FeedFile, row: number): void {
    const priceCc = file.priceCc[row] as number;
    // A block trade is agreed off the book and may stand between ticks.
    if (file.kind[row] === FeedKind.trade) {
      const onGrid = (this.#grid.ticks[priceCc] as number) >= 0;
      if (!onGrid) throw this.#offGrid(priceCc, `${file.place(row)}: yes_price_dollars`);
      state.lastTradeCc = priceCc;
      state.trades += 1;
    }
    this.#row(writer, state, file, row);
  }

  /** The message has no stamp: it counts from the latest one before it, or from the beginning. */
  #eventFees(file: FeedFile, row: number): void {
    const told = file.eventFees[file.size[row] as number];
    if (told === undefined) return;
    const { eventTicker, type, multiplierPpm } = told;
    this.#feeOverrides.get(eventTicker)?.push({ atUs: this.#clockUs, type, multiplierPpm });
  }

  #row(writer: SessionWriter, state: MarketState, file: FeedFile, row: number): void {
    const code = file.code[row] as number;
    this.#clockUs = Math.max(this.#clockUs, file.stampUs[row] as number);
    writer.row(
      kindOf(code),
      state.stream,
      sideOf(code),
      file.priceCc[row] as number,
      file.size[row] as number,
      file.stampUs[row] as number,
      resolutionOf(code),
    );
  }

  #snapshot(
    writer: SessionWriter,
    state: MarketState,
    file: FeedFile,
    row: number,
    place: number,
  ): void {
    const levels = file.snapshots[file.size[row] as number] ?? [];
    state.snapshots += 1;
    if (levels.length === 0 && state.hasBook && state.lastBookPlace === place) {
      // The feed's farewell: the market closed, and its last book stays.
      writer.close(state.stream, NO_STAMP, true);
      return;
    }
    for (const { priceCc } of levels) {
      if ((this.#grid.ticks[priceCc] as number) < 0) {
        throw this.#offGrid(priceCc, `${file.place(row)}: snapshot level`);
      }
    }
    if (state.hasBook) {
      const differing = bookDifference(state.book, levels);
      if (differing > 0) {
        const { ticker } = state;
        this.#differences.push({ ticker, place: file.place(row), levels: differing });
      }
    }
    state.hasBook = true;
    state.book.clear();
    for (const { side, priceCc, size } of levels) {
      state.book.change(side, this.#grid.ticks[priceCc] as number, size);
    }
    writer.snapshot(state.stream, levels, NO_STAMP);
  }

  #lifecycle(writer: SessionWriter, state: MarketState, file: FeedFile, row: number): void {
    const lifecycle = file.lifecycles[file.size[row] as number];
    if (lifecycle === undefined) return;
    const { status, settlementCc, expectedCloseUs } = lifecycle;
    if (settlementCc !== null) state.venueCc = settlementCc;
    if (expectedCloseUs !== null) state.venueCloseUs = expectedCloseUs;
    if (status !== null) writer.status(state.stream, status satisfies MarketStatus);
  }

  #offGrid(priceCc: number, place: string): OperationError {
    try {
      this.#grid.require(priceCc as CentiCents, place);
    } catch (error) {
      if (error instanceof OperationError) return error;
      throw error;
    }
    return new OperationError(
      "PRICE_OFF_GRID",
      `${place}: ${formatCentiCents(priceCc as CentiCents)}`,
    );
  }

  /** By ticker index: place of the last book message, -1 for trades only, -2 for neither. */
  #lastBookPlaces(): Float64Array {
    const last = new Float64Array(this.#names.tickers.length).fill(-2);
    for (let place = 0; place < this.#order.count; place++) {
      const file = this.#files[this.#order.file[place] as number] as FeedFile;
      const row = this.#order.row[place] as number;
      const kind = file.kind[row] as FeedKind;
      const ticker = file.ticker[row] as number;
      if (kind === FeedKind.delta || kind === FeedKind.snapshot) last[ticker] = place;
      else if (kind <= FeedKind.blockTrade && (last[ticker] as number) < -1) last[ticker] = -1;
    }
    return last;
  }

  #report(id: string, contentHash: string, writer: SessionWriter, notes: string[]): ImportReport {
    const options = this.#options;
    const settlements = importedFacts(id, "", this.#markets, [], options).markets;
    const markets = this.#markets.map((state, index): MarketReport => ({
      ticker: state.ticker,
      snapshots: state.snapshots,
      deltas: state.deltas,
      trades: state.trades,
      settlement: settlements[index]?.settlement ?? null,
      orphanDeltas: state.orphanDeltas,
      negativeLevels: state.book.negativeLevelCount,
    }));
    const skipped = new Map<string, number>();
    for (const file of this.#files) {
      for (const [type, count] of file.skippedTypes) {
        skipped.set(type, (skipped.get(type) ?? 0) + count);
      }
    }
    const gaps = writer.gaps;
    return {
      id,
      contentHash,
      form: "kalshi-ws",
      files: this.#files.length,
      messages: this.#files.reduce((sum, file) => sum + file.count + file.duplicateCount, 0),
      markets,
      counts: writer.counts,
      gaps,
      feed: this.#feed,
      feedAssumed: options.feed === undefined,
      skippedTypes: Object.fromEntries([...skipped].sort(([a], [b]) => (a < b ? -1 : 1))),
      duplicates: this.#files.reduce((sum, file) => sum + file.duplicateCount, 0),
      differences: this.#differences,
      notes: [...feedNotes(this.#feed, options.feed === undefined, this.#order.channels), ...notes],
    };
  }
}

/** Number of (side, price) levels at which `book` and a snapshot differ. */
export function bookDifference(book: OrderBook, levels: readonly SnapshotLevel[]): number {
  const other = new OrderBook(book.grid);
  for (const { side, priceCc, size } of levels) {
    const tick = book.grid.ticks[priceCc] ?? -1;
    assert(tick >= 0, "a snapshot's levels are on the grid");
    other.change(side, tick, size);
  }
  let count = 0;
  for (let tick = 0; tick < book.grid.count; tick++) {
    if (book.sizeAt(BookSide.bid, tick) !== other.sizeAt(BookSide.bid, tick)) count++;
    if (book.sizeAt(BookSide.ask, tick) !== other.sizeAt(BookSide.ask, tick)) count++;
  }
  return count;
}

/** Missing numbers of a subscription, as stretches and messages. */
function missingOf({ seqs }: ChannelOrder): { stretches: number; messages: number } {
  let stretches = 0;
  let messages = 0;
  for (let index = 1; index < seqs.length; index++) {
    const step = (seqs[index] as number) - (seqs[index - 1] as number);
    if (step === 1) continue;
    stretches += 1;
    messages += step - 1;
  }
  return { stretches, messages };
}

/**
 * Losses are rare and come in few stretches; markets that were not imported leave a hole wherever
 * they spoke. More than ten stretches, and more than one in a thousand messages, speak for those.
 */
function inferFeed(channels: readonly ChannelOrder[]): "complete" | "partial" | "unnumbered" {
  if (channels.length === 0) return "unnumbered";
  let stretches = 0;
  let messages = 0;
  for (const channel of channels) {
    stretches += missingOf(channel).stretches;
    messages += channel.seqs.length;
  }
  return stretches > Math.max(10, messages / 1_000) ? "partial" : "complete";
}

function feedNotes(
  feed: "complete" | "partial" | "unnumbered",
  assumed: boolean,
  channels: readonly ChannelOrder[],
): string[] {
  const missing = channels
    .filter(({ hasBooks, hasTrades }) => hasBooks || hasTrades)
    .reduce((sum, channel) => sum + missingOf(channel).messages, 0);
  const how = assumed ? "assumed from the numbers; change with --feed" : "as told";
  switch (feed) {
    case "unnumbered":
      return ["The messages carry no sequence numbers: losses cannot be seen."];
    case "partial":
      return [
        `${missing} sequence numbers are absent and were taken for markets that were not ` +
          `imported, not for losses (${how}).`,
      ];
    case "complete":
      return missing === 0
        ? []
        : [`${missing} message(s) are missing and were recorded as gaps (${how}).`];
    default:
      return [];
  }
}
