/**
 * One market as the live run sees it: the venue's messages become the others' book and trades, with
 * the times under which they count, and go to the encoder and to whoever records the run. Our own trades
 * are left out before (`OwnTrades`). Everything here is decided by the inputs alone.
 */
import type { CentiCents, Lots } from "../core/index.ts";
import {
  type EventClock,
  type EventGroup,
  MarketEncoder,
  TEMPORAL_OFFSET,
} from "../features/index.ts";
import type { MarketNews } from "../journal/index.ts";
import {
  type BookSide,
  type MarketInfo,
  MarketStatus,
  PriceGrid,
  type SnapshotLevel,
} from "../market/index.ts";
import type { Account } from "../orders/index.ts";
import { OthersBook, type OwnResting, restingOf } from "./others-book.ts";
import type { TradeNews } from "./own-trades.ts";
import { isInFlight } from "./state-machine.ts";

/** The run as a recording would have it: others' book and trades, in order, with effective times. */
export interface RunListener {
  snapshot(market: number, levels: readonly SnapshotLevel[], atUs: number): void;
  delta(market: number, side: BookSide, price: CentiCents, change: Lots, atUs: number): void;
  trade(market: number, hit: BookSide, price: CentiCents, size: Lots, atUs: number): void;
  blockTrade(market: number, hit: BookSide, price: CentiCents, size: Lots, atUs: number): void;
  status(market: number, status: MarketStatus, atUs: number): void;
  gap(market: number, atUs: number): void;
  /** Somebody hit an order of ours: a trade that recordings of others do not have. */
  ownTrade?(market: number, hit: BookSide, price: CentiCents, size: Lots, atUs: number): void;
}

export interface LiveMarketOptions {
  readonly index: number;
  readonly info: MarketInfo;
  readonly clock: EventClock;
  readonly group: EventGroup | null;
  readonly listener: RunListener | null;
}

export class LiveMarket {
  readonly index: number;
  readonly info: MarketInfo;
  readonly grid: PriceGrid;
  readonly encoder: MarketEncoder;
  /** The book is known no more since then; null while the feed tells of it. */
  gapSinceUs: number | null = null;
  /** Trading is on, as far as the venue has told. */
  isActive = true;
  /** What it paid, once it has. */
  settledAt: CentiCents | null = null;
  newsCount = 0;
  lastNewsUs: number | null = null;
  /** When something last happened to an order of ours in it. */
  ownUs = -Infinity;
  readonly #clock: EventClock;
  readonly #listener: RunListener | null;
  readonly #others: OthersBook;

  constructor({ index, info, clock, group, listener }: LiveMarketOptions) {
    this.index = index;
    this.info = info;
    this.grid = new PriceGrid(info.priceRanges);
    this.#clock = clock;
    this.#listener = listener;
    this.#others = new OthersBook(this.grid);
    const closeUs = info.closeUs;
    this.encoder = new MarketEncoder({ grid: this.grid, closeUs, ...(group && { group }) });
  }

  /** Its book is known and it has not closed: there is something to decide on. */
  get isOpen(): boolean {
    return this.encoder.isKnown() && !this.encoder.isClosed() && this.isActive;
  }

  /** Writes features 0 to 20 and 38 to 51 as of `atUs`. */
  encode(atUs: number, out: Float32Array): void {
    this.encoder.encode(atUs, out, 0, TEMPORAL_OFFSET);
  }

  snapshot(
    levels: readonly SnapshotLevel[],
    resting: readonly OwnResting[],
    receivedUs: number,
  ): void {
    if (levels.some(({ priceCc }) => !this.#isPrice(priceCc))) {
      this.gap(receivedUs);
      return;
    }
    this.heard(receivedUs);
    this.gapSinceUs = null;
    const others = this.#others.snapshot(levels, resting);
    // Books have no time of their own; the first event of all counts when it came.
    const atUs = this.#time(null, receivedUs);
    this.encoder.beginSnapshot();
    for (const { side, priceCc, size } of others) this.encoder.onLevel(side, priceCc, size);
    this.encoder.endSnapshot(atUs);
    this.#listener?.snapshot(this.index, others, atUs);
  }

  delta(news: Extract<MarketNews, { kind: "delta" }>, receivedUs: number): void {
    this.heard(receivedUs);
    if (this.gapSinceUs !== null) return;
    if (!this.#isPrice(news.price)) {
      this.gap(receivedUs);
      return;
    }
    const atUs = this.#time(news.stampUs, receivedUs);
    this.#others.delta(news, receivedUs, this.#change(atUs));
  }

  /** A trade of others. One of an order of ours is `ownFill`. */
  passTrade({ hit, price, size, stampUs, isBlock }: TradeNews, receivedUs: number): void {
    const atUs = this.#time(stampUs, receivedUs);
    if (isBlock) this.#listener?.blockTrade(this.index, hit, price, size, atUs);
    else if (this.#isPrice(price)) {
      this.encoder.onTrade(atUs, hit, price, size);
      this.#listener?.trade(this.index, hit, price, size, atUs);
    }
  }

  /** So much of an order of ours that rested was filled: it is not in the book any more. */
  ownFill(filled: OwnResting, receivedUs: number): void {
    if (this.gapSinceUs !== null) return;
    const atUs = this.#time(null, receivedUs);
    this.#others.filled(filled, receivedUs, this.#change(atUs));
  }

  /** A trade in which an order of ours was hit, told by the feed. */
  passOwnTrade({ hit, price, size, stampUs }: TradeNews, receivedUs: number): void {
    if (this.gapSinceUs !== null) return;
    const atUs = this.#time(stampUs, receivedUs);
    this.#listener?.ownTrade?.(this.index, hit, price, size, atUs);
  }

  /** For a moment at which nothing of ours is on its way; see `OthersBook.settle`. */
  settleOwn(resting: readonly OwnResting[], receivedUs: number): void {
    if (this.gapSinceUs !== null || !this.encoder.isKnown()) return;
    this.#others.settle(resting, this.#change(this.#time(null, receivedUs)));
  }

  status(status: MarketStatus, stampUs: number | null, receivedUs: number): void {
    this.heard(receivedUs);
    this.isActive = status === MarketStatus.active;
    const atUs = this.#time(stampUs, receivedUs);
    this.encoder.onStatus(atUs, status);
    this.#listener?.status(this.index, status, atUs);
  }

  /** Messages are missing, or make no sense. The last known book stays in use until `forget`. */
  gap(receivedUs: number): void {
    this.gapSinceUs ??= receivedUs;
  }

  /** The last known book has become too old. */
  forget(receivedUs: number): void {
    // Where nothing is known there is nothing to forget; recordings have no gap there either.
    if (this.gapSinceUs === null || !this.encoder.isKnown()) return;
    const atUs = this.#time(null, receivedUs);
    this.encoder.onGap(atUs);
    this.#listener?.gap(this.index, atUs);
  }

  #change(atUs: number): (side: BookSide, price: CentiCents, change: Lots) => void {
    return (side, price, change) => {
      this.encoder.onDelta(atUs, side, price, change);
      this.#listener?.delta(this.index, side, price, change, atUs);
    };
  }

  #isPrice(price: number): boolean {
    return (this.grid.ticks[price] ?? -1) >= 0;
  }

  /** Something came about the market. */
  heard(receivedUs: number): void {
    this.newsCount += 1;
    this.lastNewsUs = receivedUs;
  }

  #time(stampUs: number | null, receivedUs: number): number {
    return effectiveUs(this.#clock, stampUs, receivedUs);
  }
}

/** Pays positions out whose markets have settled and whose orders have ended; the markets that paid. */
export function payOut(markets: readonly LiveMarket[], account: Account): LiveMarket[] {
  return markets.filter(({ index, settledAt }) => {
    if (settledAt === null || account.ledger.position(index) === 0) return false;
    // Its orders end first; their last fills may be on their way.
    if (account.openOrders(index).length > 0) return false;
    account.settle(index, settledAt);
    return true;
  });
}

/** Own orders are taken for what rests in the book once nothing has happened to them for so long. */
const SETTLED_US = 2_000_000;

/** Takes resting orders for what is ours in the books, where nothing has happened to them lately. */
export function settleMarkets(
  markets: readonly LiveMarket[],
  account: Account,
  receivedUs: number,
): void {
  for (const market of markets) {
    const open = account.openOrders(market.index);
    const isQuiet = receivedUs - market.ownUs >= SETTLED_US;
    if (isQuiet && !open.some(isInFlight)) market.settleOwn(open.map(restingOf), receivedUs);
  }
}

/** A stamp further ahead of our clock than this is taken for this far ahead: one of both is wrong. */
export const AHEAD_US = 2_000_000;

/** The time under which an event counts; without a stamp that of the event before it. */
function effectiveUs(clock: EventClock, stampUs: number | null, receivedUs: number): number {
  if (stampUs !== null) return clock.eventAt(Math.min(stampUs, receivedUs + AHEAD_US));
  const earliest = clock.eventAt(-Infinity);
  return earliest === -Infinity ? clock.eventAt(receivedUs) : earliest;
}
