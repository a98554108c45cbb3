/**
 * The encoder of one market's own part of the observation: features 0 to 20 and 38 to 51.
 *
 * Events are fed in session order, each with its effective time; at any moment `encode` writes what
 * is known by then. Recordings come in through `applyRow`, a live feed through the `on...` methods
 * that it calls: one code for both, so equal events give equal bits. Time never goes back, neither
 * among events nor between an event and an `encode`; a live feed gets its times from `EventClock`.
 *
 * The encoder keeps its own book. Own orders are not in it: a live feed leaves out the changes and
 * trades that its own orders made and subtracts their size from snapshots, which is what recordings
 * look like. Results of markets are out of its reach.
 */
import { assert, ln, LOTS_PER_CONTRACT, ONE_DOLLAR_CC, US_PER_SECOND } from "../core/index.ts";
import {
  BookSide,
  EventKind,
  MarketStatus,
  OrderBook,
  type PriceGrid,
  type Tape,
} from "../market/index.ts";
import type { EventGroup } from "./event-group.ts";
import { ChangeWindow, TradeWindow } from "./event-windows.ts";
import { FEATURE_CONSTANTS as K, TEMPORAL_OFFSET } from "./feature-schema.ts";
import { MidHistory, MidRange, VolatilityGrid } from "./mid-history.ts";
import { SideDepth } from "./side-depth.ts";

/** Score of each count of book changes; beyond the table it is 1. */
const ACTIVITY = Float64Array.from(
  { length: K.activity_cap_changes },
  (_, count) => ln(1 + count) / ln(1 + K.activity_cap_changes),
);
const LN_TRADED = ln(1 + K.traded_cap_contracts);
const LN_CLOSE = ln(1 + K.close_cap_s);
const SECONDS_OF_DAY = 86_400;
const DAYS_OF_WEEK = 7;
/** 1 January 1970 was a Thursday; Monday is 0. */
const WEEKDAY_OF_EPOCH = 3;
/** Twice the mid, in centi-cents, of one dollar. */
const DOLLAR_CC2 = 2 * ONE_DOLLAR_CC;

export interface MarketEncoderOptions {
  readonly grid: PriceGrid;
  /** The close expected at the time, microseconds; null when unknown. */
  readonly closeUs: number | null;
  /** Shared by the encoders of the event's markets; left out for a market alone. */
  readonly group?: EventGroup;
}

export class MarketEncoder {
  /** The book as fed; read it, never change it. */
  readonly book: OrderBook;
  readonly #closeUs: number | null;
  readonly #group: EventGroup | null;
  readonly #member: number;
  /** The snapshot being read, compared with the book before it replaces it. */
  readonly #incoming: OrderBook;
  readonly #bidDepth: SideDepth;
  readonly #askDepth: SideDepth;
  readonly #changes = new ChangeWindow();
  readonly #trades = new TradeWindow();
  readonly #mids = new MidHistory();
  readonly #range = new MidRange();
  readonly #grid = new VolatilityGrid();
  #nowUs = -Infinity;
  #bookChanges = 0;
  #isKnown = false;
  #isActive = true;
  #isClosed = false;
  #bidCc = 0;
  #askCc: number = ONE_DOLLAR_CC;
  #changedUs = 0;
  #tradeCc = -1;
  #tradeUs = 0;

  constructor(options: MarketEncoderOptions) {
    this.book = new OrderBook(options.grid);
    this.#incoming = new OrderBook(options.grid);
    this.#closeUs = options.closeUs;
    this.#group = options.group ?? null;
    this.#member = this.#group === null ? -1 : this.#group.join();
    this.#bidDepth = new SideDepth(this.book, BookSide.bid);
    this.#askDepth = new SideDepth(this.book, BookSide.ask);
  }

  /** Whether the book is known: from a snapshot on, until a gap. `encode` needs it. */
  isKnown(): boolean {
    return this.#isKnown;
  }

  isClosed(): boolean {
    return this.#isClosed;
  }

  /** Book changes so far; a decision at event cadence falls on each. */
  bookChanges(): number {
    return this.#bookChanges;
  }

  /** Best prices of the book, centi-cents; 0 and 10,000 where a side is empty or unknown. */
  bestBidCc(): number {
    return this.#bidCc;
  }

  bestAskCc(): number {
    return this.#askCc;
  }

  /** Feeds row `row` of a tape, whose stream is this market; returns the row to feed next. */
  applyRow(tape: Tape, row: number): number {
    const atUs = tape.atUs[row] as number;
    const size = tape.size[row] as number;
    switch (tape.kind[row]) {
      case EventKind.delta:
        this.onDelta(atUs, tape.side[row] as BookSide, tape.priceCc[row] as number, size);
        break;
      case EventKind.trade:
        this.onTrade(atUs, tape.side[row] as BookSide, tape.priceCc[row] as number, size);
        break;
      case EventKind.snapshot: {
        const next = this.#incoming.apply(tape, row);
        this.#replaceBook(atUs);
        return next;
      }
      case EventKind.close:
        this.onClose(atUs);
        break;
      case EventKind.gap:
        this.onGap(atUs);
        break;
      case EventKind.status:
        this.onStatus(atUs, size as MarketStatus);
        break;
      default: // Block trades and reference prices are not part of the observation.
        break;
    }
    return row + 1;
  }

  /** The level at (side, price) changed by `lots`, signed: one book change. */
  onDelta(atUs: number, side: BookSide, priceCc: number, lots: number): void {
    this.#advance(atUs);
    // A change of a book that nobody knows says nothing; after the close the last book stays.
    if (!this.#isKnown || this.#isClosed) return;
    const book = this.book;
    const tick = book.grid.ticks[priceCc] as number;
    assert(tick >= 0, "the price is on the market's grid");
    const isBid = side === BookSide.bid;
    const levels = isBid ? book.bids : book.asks;
    const before = levels[tick] as number;
    book.change(side, tick, lots);
    (isBid ? this.#bidDepth : this.#askDepth).levelChanged(before, levels[tick] as number);
    this.#bookChanged(atUs);
  }

  /** `lots` traded at `priceCc`; `makerSide` is the book side that was hit. Not for block trades. */
  onTrade(atUs: number, makerSide: BookSide, priceCc: number, lots: number): void {
    this.#advance(atUs);
    if (this.#isClosed) return;
    this.#tradeCc = priceCc;
    this.#tradeUs = atUs;
    this.#trades.push(atUs, lots, makerSide === BookSide.ask);
  }

  /** Starts a snapshot; its levels follow, then `endSnapshot`. */
  beginSnapshot(): void {
    this.#incoming.clear();
  }

  onLevel(side: BookSide, priceCc: number, lots: number): void {
    const tick = this.#incoming.grid.ticks[priceCc] as number;
    assert(tick >= 0, "the price is on the market's grid");
    this.#incoming.change(side, tick, lots);
  }

  endSnapshot(atUs: number): void {
    this.#replaceBook(atUs);
  }

  /** The market closed: the last book stays. */
  onClose(atUs: number): void {
    this.#advance(atUs);
    this.#isClosed = true;
    this.#reportOpen();
  }

  /** Messages were lost: the book is unknown until the next snapshot, and histories restart. */
  onGap(atUs: number): void {
    this.#advance(atUs);
    if (this.#isClosed) return;
    this.#isKnown = false;
    this.book.clear();
    this.#bidDepth.replaced();
    this.#askDepth.replaced();
    this.#takeBest();
    this.#changes.restart();
    this.#trades.restart();
    this.#tradeCc = -1;
    this.#reportOpen();
  }

  onStatus(atUs: number, status: MarketStatus): void {
    if (status !== MarketStatus.active && status !== MarketStatus.inactive) {
      this.onClose(atUs);
      return;
    }
    this.#advance(atUs);
    this.#isActive = status === MarketStatus.active;
    this.#reportOpen();
  }

  /**
   * Writes features 0..20 to `out[offset ...]` and 38..51 to `out[temporal ...]`, as of `nowUs`,
   * which is at or after all events fed. The book must be known. Allocates nothing.
   */
  encode(
    nowUs: number,
    out: Float32Array,
    offset: number,
    temporal: number = offset + TEMPORAL_OFFSET,
  ): void {
    assert(this.#isKnown, "a row needs a known book");
    this.#advance(nowUs);
    const check = this.#encodeMarket(out, offset) + this.#encodeTemporal(nowUs, out, temporal);
    assert(check === check, "no feature is NaN");
  }

  /** Returns the sum of what it wrote, which is NaN if one of them is. */
  #encodeMarket(out: Float32Array, at: number): number {
    const bid = this.#bidDepth;
    const ask = this.#askDepth;
    bid.refresh();
    ask.refresh();
    const bidCc = this.#bidCc;
    const askCc = this.#askCc;
    const mid2 = bidCc + askCc;
    const spread = askCc > bidCc ? askCc - bidCc : 0;
    const b1 = bid.bestLots;
    const a1 = ask.bestLots;
    const b5 = bid.nearLots;
    const a5 = ask.nearLots;
    const bidTotal = this.book.bidTotal;
    const askTotal = this.book.askTotal;
    const cheaper2 = mid2 < ONE_DOLLAR_CC ? mid2 : DOLLAR_CC2 - mid2;
    const tradeOffset = 2 * this.#tradeCc - mid2;
    out[at] = bidCc / ONE_DOLLAR_CC;
    out[at + 1] = askCc / ONE_DOLLAR_CC;
    out[at + 2] = cap(spread / K.spread_cap_cc);
    out[at + 3] = bid.nearVolume;
    out[at + 4] = bid.bestVolume;
    out[at + 5] = balance(b5, a5);
    out[at + 6] = (ONE_DOLLAR_CC - askCc) / ONE_DOLLAR_CC;
    out[at + 7] = (ONE_DOLLAR_CC - bidCc) / ONE_DOLLAR_CC;
    out[at + 8] = cheaper2 > 0 ? cap(spread / cheaper2) : 1;
    out[at + 9] = ask.nearVolume;
    out[at + 10] = ask.bestVolume;
    out[at + 11] = balance(a1, b1);
    out[at + 12] = mid2 / DOLLAR_CC2;
    out[at + 13] = ask.impact;
    out[at + 14] = bid.impact;
    out[at + 15] = balance(bidTotal, askTotal);
    out[at + 16] = bidTotal > 0 ? bid.largestLots / bidTotal : 0;
    out[at + 17] = askTotal > 0 ? ask.largestLots / askTotal : 0;
    out[at + 18] = this.#tradeCc < 0 ? 0 : clamp(tradeOffset / (2 * K.trade_offset_cap_cc));
    const group = this.#group;
    if (group?.isJoint() === true) {
      const over = group.bidSumCc - ONE_DOLLAR_CC;
      const under = ONE_DOLLAR_CC - group.askSumCc;
      const off2 = Math.abs(DOLLAR_CC2 - group.bidSumCc - group.askSumCc);
      out[at + 19] = cap((over > under ? over : under) / K.arbitrage_cap_cc);
      out[at + 20] = 1 - cap(off2 / (2 * K.efficiency_cap_cc));
    } else {
      out[at + 19] = 0;
      out[at + 20] = 1 - cap(spread / K.efficiency_cap_cc);
    }
    let sum = 0;
    for (let index = at; index <= at + 20; index++) sum += out[index] as number;
    return sum;
  }

  #encodeTemporal(nowUs: number, out: Float32Array, at: number): number {
    const mid2 = this.#bidCc + this.#askCc;
    this.#changes.advance(nowUs);
    this.#trades.advance(nowUs);
    this.#mids.advance(nowUs);
    this.#grid.advance(nowUs, mid2);
    const quietUs = nowUs - this.#changedUs;
    const untradedUs = nowUs - this.#tradeUs;
    const activity = activityScore(this.#changes.recent());
    const earlier = activityScore(this.#changes.earlier());
    const yes = this.#trades.yesLots;
    const no = this.#trades.noLots;
    const range2 = this.#range.range(mid2, nowUs);
    const second = Math.floor(nowUs / US_PER_SECOND);
    const day = Math.floor(second / SECONDS_OF_DAY);
    out[at] = quietUs / (quietUs + K.update_half_us);
    out[at + 1] = this.#tradeCc < 0 ? 1 : untradedUs / (untradedUs + K.trade_half_us);
    out[at + 2] = activity;
    out[at + 3] = activity - earlier;
    out[at + 4] = cap(ln(1 + (yes + no) / LOTS_PER_CONTRACT) / LN_TRADED);
    out[at + 5] = (yes - no) / (yes + no + K.trade_imbalance_damping_lots);
    out[at + 6] = soft(mid2 - this.#mids.minuteAgo(), 2 * K.momentum_half_cc);
    out[at + 7] = soft(mid2 - this.#mids.longAgo(), 2 * K.long_momentum_half_cc);
    out[at + 8] = this.#grid.regime(nowUs, mid2);
    out[at + 9] = (2 * K.stability_half_cc) / (range2 + 2 * K.stability_half_cc);
    out[at + 10] = this.#changes.activeSeconds(nowUs) / K.window_s;
    out[at + 11] = (second - day * SECONDS_OF_DAY) / SECONDS_OF_DAY;
    out[at + 12] = ((day + WEEKDAY_OF_EPOCH) % DAYS_OF_WEEK) / (DAYS_OF_WEEK - 1);
    out[at + 13] = this.#timeToClose(nowUs);
    let sum = 0;
    for (let index = at; index <= at + 13; index++) sum += out[index] as number;
    return sum;
  }

  #timeToClose(nowUs: number): number {
    if (this.#closeUs === null) return 1;
    const leftUs = this.#closeUs - nowUs;
    return leftUs <= 0 ? 0 : cap(ln(1 + leftUs / US_PER_SECOND) / LN_CLOSE);
  }

  #advance(atUs: number): void {
    assert(atUs >= this.#nowUs, "the encoder's time never goes back");
    this.#nowUs = atUs;
  }

  /** Replaces the book by `#incoming`; a first book, or one after a gap, starts the histories. */
  #replaceBook(atUs: number): void {
    this.#advance(atUs);
    if (this.#isClosed) return;
    const differs = !sameLevels(this.book, this.#incoming);
    if (differs) {
      this.book.copyFrom(this.#incoming);
      this.#bidDepth.replaced();
      this.#askDepth.replaced();
    }
    if (this.#isKnown) {
      if (differs) this.#bookChanged(atUs);
      return;
    }
    this.#isKnown = true;
    this.#takeBest();
    this.#changedUs = atUs;
    this.#mids.restart(atUs, this.#bidCc + this.#askCc);
    this.#range.restart();
    this.#grid.restart(atUs);
    if (differs) {
      this.#changes.push(atUs);
      this.#bookChanges += 1;
    }
    this.#reportOpen();
  }

  #bookChanged(atUs: number): void {
    this.#changedUs = atUs;
    this.#bookChanges += 1;
    this.#changes.push(atUs);
    const before = this.#bidCc + this.#askCc;
    if (!this.#takeBest()) return;
    const mid2 = this.#bidCc + this.#askCc;
    if (mid2 === before) return;
    this.#grid.advance(atUs, before);
    this.#range.push(before, atUs);
    this.#mids.push(atUs, mid2);
  }

  /** Reads the best prices; returns whether one has moved. */
  #takeBest(): boolean {
    const bidCc = this.book.bestBid();
    const askCc = this.book.bestAsk();
    if (bidCc === this.#bidCc && askCc === this.#askCc) return false;
    this.#bidCc = bidCc;
    this.#askCc = askCc;
    this.#group?.setBest(this.#member, bidCc, askCc);
    return true;
  }

  #reportOpen(): void {
    const open = this.#isKnown && this.#isActive && !this.#isClosed;
    this.#group?.setOpen(this.#member, open);
  }
}

function sameLevels(a: OrderBook, b: OrderBook): boolean {
  if (a.bidTotal !== b.bidTotal || a.askTotal !== b.askTotal) return false;
  for (let tick = 0; tick < a.grid.count; tick++) {
    if (a.bids[tick] !== b.bids[tick] || a.asks[tick] !== b.asks[tick]) return false;
  }
  return true;
}

/** (a - b) / (a + b); 0 if both are 0. */
function balance(a: number, b: number): number {
  const sum = a + b;
  return sum > 0 ? (a - b) / sum : 0;
}

function activityScore(changes: number): number {
  return changes < ACTIVITY.length ? (ACTIVITY[changes] as number) : 1;
}

function soft(x: number, half: number): number {
  return x / (Math.abs(x) + half);
}

function cap(x: number): number {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}

function clamp(x: number): number {
  return x < -1 ? -1 : x > 1 ? 1 : x;
}
