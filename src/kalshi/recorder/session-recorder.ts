/**
 * Writes what the feed tells into a session: books, trades, statuses and gaps in order of arrival, each
 * with the stamp that it carries and no other. It has no clock and no connection; it is told what came,
 * and which facts are known.
 *
 * A close is told by nobody. It is recorded before the first change of the book that falls at or after
 * the market's closing time, when the venue says goodbye with an empty book, and at the latest with the
 * determination of the result.
 */
import { assert, type CentiCents, OperationError, unreachable } from "../../core/index.ts";
import {
  BookSide,
  type EventInfo,
  type Gap,
  type GapReason,
  type MarketInfo,
  MarketStatus,
  NO_STAMP,
  type PriceRange,
  type SessionCounts,
  type SessionWriter,
  type Settlement,
  StampResolution,
} from "../../market/index.ts";
import type { FeedEvent, GapCause } from "../feed/channels.ts";
import type { LifecycleMessage } from "../wire/feed-lifecycle.ts";
import type { BookDelta, BookSnapshot } from "../wire/feed-messages.ts";
import type { VenueTrade } from "../wire/markets.ts";
import { requireGrid, settlementOf } from "./market-facts.ts";
import { isPrice, RecordedMarket, snapshotLevels } from "./recorded-market.ts";

type Message = Extract<FeedEvent, { kind: "message" }>["payload"];
type FeedGap = Extract<FeedEvent, { kind: "gap" }>;

/** A market with its facts, to be recorded from now on. */
export interface MarketToRecord {
  readonly info: MarketInfo;
  readonly event: EventInfo;
  /** When the venue will close it. */
  readonly closeUs: number;
}

/** Reasons by the feed's causes. */
const REASONS: Readonly<Record<GapCause, GapReason>> = {
  sequence: "sequence",
  contradiction: "contradiction",
  disconnected: "reconnect",
  overflow: "overflow",
  unreadable: "unreadable",
  stale: "stale",
  ended: "ended",
};

const STATUSES: Readonly<Record<string, MarketStatus>> = {
  activated: MarketStatus.active,
  deactivated: MarketStatus.inactive,
  determined: MarketStatus.determined,
  settled: MarketStatus.settled,
};

const ONE_PRICE = 1 as CentiCents;

export class SessionRecorder {
  /** Called where an empty book may be a market's farewell: somebody should ask the venue. */
  onFarewell: (ticker: string) => void = () => undefined;
  readonly #writer: SessionWriter;
  readonly #markets = new Map<string, RecordedMarket>();
  #infos: MarketInfo[];
  #events: EventInfo[];
  #messages = 0;

  /** Takes over the markets that the session has already, for which books are not known. */
  constructor(writer: SessionWriter) {
    this.#writer = writer;
    this.#infos = [...writer.facts.markets];
    this.#events = [...writer.facts.events];
    this.#infos.forEach((info, stream) => this.#open(info, stream));
    const hasRun = writer.leftUs !== null && writer.position > 0;
    if (hasRun) this.#gap(null, "book", "interrupted", null);
  }

  get id(): string {
    return this.#writer.facts.id;
  }

  get counts(): SessionCounts {
    return this.#writer.counts;
  }

  get gaps(): readonly Gap[] {
    return this.#writer.gaps;
  }

  /** Messages that became events. */
  get messages(): number {
    return this.#messages;
  }

  get infos(): readonly MarketInfo[] {
    return this.#infos;
  }

  market(ticker: string): RecordedMarket | undefined {
    return this.#markets.get(ticker);
  }

  info(ticker: string): MarketInfo | undefined {
    const market = this.#markets.get(ticker);
    return market === undefined ? undefined : this.#infos[market.stream];
  }

  event(eventTicker: string): EventInfo | undefined {
    return this.#events.find((event) => event.eventTicker === eventTicker);
  }

  /** Adds markets; of those that are there already, only the closing time is taken. */
  add(markets: readonly MarketToRecord[]): void {
    let isChanged = false;
    for (const { info, event, closeUs } of markets) {
      const known = this.#markets.get(info.ticker);
      const market = known ?? this.#open(info, this.#infos.length);
      market.closeUs = closeUs;
      if (known !== undefined) continue;
      this.#infos.push(info);
      if (this.event(event.eventTicker) === undefined) this.#events.push(event);
      isChanged = true;
    }
    if (isChanged) this.#store();
  }

  /** Records a message of the feed; those of markets that are not recorded are passed over. */
  take(message: Message): void {
    switch (message.kind) {
      case "delta":
        return this.#delta(message.body);
      case "snapshot":
        return this.#snapshot(message.body);
      case "trade":
        return this.#trade(message.body);
      case "lifecycle":
        return this.#lifecycle(message.body);
      case "ticker":
      case "fill":
      case "order":
      case "position":
      case "eventLifecycle":
      case "eventFee":
      case "group":
        return;
      default:
        return unreachable(message);
    }
  }

  /** Records that messages are missing; gaps of channels without market data are none of a session. */
  missed({ channel, cause, tickers, missing }: FeedGap): void {
    const isBook = channel === "orderbook_delta";
    if (!isBook && channel !== "trade") return;
    // Without a connection all is missing, and the gap in the books says so.
    if (!isBook && cause === "disconnected") return;
    const scope = isBook ? "book" : "trades";
    if (tickers === null) this.#gap(null, scope, REASONS[cause], missing);
    for (const ticker of tickers ?? []) {
      if (this.#markets.has(ticker)) this.#gap(ticker, scope, REASONS[cause], missing);
    }
  }

  /** The venue says that the market is closed. */
  close(ticker: string): void {
    const market = this.#markets.get(ticker);
    if (market !== undefined) this.#close(market, NO_STAMP);
  }

  /** The venue says that the market is open: an empty book was an empty book. */
  stillOpen(ticker: string): void {
    const market = this.#markets.get(ticker);
    if (market !== undefined) this.#noFarewell(market);
  }

  /** Records a status that was read rather than told. */
  status(ticker: string, status: MarketStatus): void {
    const market = this.#markets.get(ticker);
    if (market !== undefined) this.#status(market, status);
  }

  /** The result of a market is known. */
  settle(ticker: string, settlement: Settlement): void {
    const { valueCc } = settlement;
    this.#change(ticker, (info) =>
      info.settlement?.valueCc === valueCc ? info : { ...info, settlement },
    );
  }

  /** The fees of a market are others than was known. */
  setFees(ticker: string, { fees, feeChanges }: MarketInfo): void {
    this.#change(ticker, ({ feeChanges: _, ...info }) => ({
      ...info,
      fees,
      ...(feeChanges !== undefined && { feeChanges }),
    }));
  }

  /** Repeats the known books of another recorder's markets at the beginning of this one's session. */
  openBooksOf(other: SessionRecorder): void {
    for (const market of this.#markets.values()) {
      const before = other.market(market.ticker);
      const levels = before?.levels() ?? null;
      if (before === undefined || levels === null || market.isKnown) continue;
      market.replace(levels);
      this.#writer.snapshot(market.stream, levels);
    }
  }

  /** Stores what has been recorded: from here on it survives a crash. */
  flush(): void {
    this.#writer.flush();
  }

  /** Ends the session; its content hash. */
  finish(): string {
    for (const market of this.#markets.values()) {
      // Nothing came after it.
      if (market.isFarewell) this.#close(market, NO_STAMP);
    }
    return this.#writer.finish();
  }

  #open(info: MarketInfo, stream: number): RecordedMarket {
    assert(!this.#markets.has(info.ticker), "a market has one stream");
    const market = new RecordedMarket(info.ticker, stream, info.priceRanges);
    market.isClosed = this.#writer.isClosed(stream);
    this.#markets.set(info.ticker, market);
    return market;
  }

  #delta(delta: BookDelta): void {
    const market = this.#markets.get(delta.ticker);
    if (market?.isKnown !== true || !isPrice(delta.price)) return;
    if (delta.atUs >= market.closeUs) this.#close(market, market.closeUs);
    this.#noFarewell(market);
    this.#admit(market, delta.price);
    market.change(delta);
    this.#messages += 1;
    this.#writer.delta(market.stream, delta.side, delta.price, delta.change, delta.atUs);
  }

  #snapshot(snapshot: BookSnapshot): void {
    const market = this.#markets.get(snapshot.ticker);
    if (market === undefined) return;
    const levels = snapshotLevels(snapshot);
    if (levels.length === 0 && market.isKnown && (market.isClosed || !market.isEmpty)) {
      // The book of a closed market stays; whether this one is closed, the venue has to say.
      if (market.isClosed) return;
      market.isFarewell = true;
      return this.onFarewell(market.ticker);
    }
    this.#noFarewell(market);
    for (const { priceCc } of levels) this.#admit(market, priceCc);
    market.replace(levels);
    this.#messages += 1;
    this.#writer.snapshot(market.stream, market.levels() ?? []);
  }

  #trade(trade: VenueTrade): void {
    const market = this.#markets.get(trade.ticker);
    if (market === undefined || !isPrice(trade.price)) return;
    const { price, size, isBlock, createdUs } = trade;
    const makerSide = trade.takerSide === BookSide.bid ? BookSide.ask : BookSide.bid;
    this.#messages += 1;
    const { stream } = market;
    if (isBlock) {
      // It is agreed off the book, and may stand between its prices.
      const { millisecond } = StampResolution;
      this.#writer.blockTrade(stream, makerSide, price, size, createdUs, millisecond);
      return;
    }
    this.#admit(market, price);
    this.#writer.trade(stream, makerSide, price, size, createdUs, StampResolution.millisecond);
  }

  #lifecycle(message: LifecycleMessage): void {
    const market = this.#markets.get(message.ticker);
    if (market === undefined) return;
    if (message.closeUs !== null) market.closeUs = message.closeUs;
    if (message.priceRanges !== null) this.#admitRanges(market, message.priceRanges);
    const status = STATUSES[message.what];
    if (status === undefined) return;
    const settlement = settlementOf(message.settlementValue, message.result);
    if (settlement !== null) this.settle(message.ticker, settlement);
    this.#messages += 1;
    this.#status(market, status);
  }

  #status(market: RecordedMarket, status: MarketStatus): void {
    const isOver = status === MarketStatus.determined || status === MarketStatus.settled;
    if (isOver) this.#close(market, NO_STAMP);
    if (market.status === status) return;
    market.status = status;
    this.#writer.status(market.stream, status);
  }

  #close(market: RecordedMarket, stampUs: number): void {
    if (market.isClosed) return;
    const { isFarewell } = market;
    market.isClosed = true;
    market.isFarewell = false;
    this.#writer.close(market.stream, stampUs, isFarewell);
  }

  /** An empty book that something followed was an empty book. */
  #noFarewell(market: RecordedMarket): void {
    if (!market.isFarewell) return;
    market.isFarewell = false;
    market.replace([]);
    this.#messages += 1;
    this.#writer.snapshot(market.stream, []);
  }

  #gap(
    market: string | null,
    scope: Gap["scope"],
    reason: GapReason,
    missing: number | null,
  ): void {
    if (scope === "book") {
      for (const one of this.#markets.values()) {
        if (market === null || one.ticker === market) one.lose();
      }
    }
    this.#writer.gap({ market, scope, reason, missing, sid: null, firstSeq: null });
  }

  /** A price that the venue has not announced becomes one of the market's: the book stays whole. */
  #admit(market: RecordedMarket, priceCc: number): void {
    if (market.hasPrice(priceCc)) return;
    const price = priceCc as CentiCents;
    this.#admitRanges(market, [{ startCc: price, endCc: price, stepCc: ONE_PRICE }]);
  }

  #admitRanges(market: RecordedMarket, ranges: readonly PriceRange[]): void {
    try {
      requireGrid(ranges);
    } catch (error) {
      // Prices come into the grid with the first message that has them, if need be.
      if (error instanceof OperationError) return;
      throw error;
    }
    this.#change(market.ticker, (info) => {
      const priceRanges = [...info.priceRanges, ...ranges];
      market.setRanges(priceRanges);
      return { ...info, priceRanges };
    });
  }

  #change(ticker: string, change: (info: MarketInfo) => MarketInfo): void {
    const market = this.#markets.get(ticker);
    const info = market === undefined ? undefined : this.#infos[market.stream];
    if (market === undefined || info === undefined) return;
    const changed = change(info);
    if (changed === info) return;
    this.#infos[market.stream] = changed;
    this.#store();
  }

  #store(): void {
    this.#writer.changeFacts({ markets: [...this.#infos], events: [...this.#events] });
  }
}
