/**
 * One market of the exchange: its book, its phase, and what has been traded in it. Times of phases
 * come with its specification; that a market opens or closes at its time is told by nobody.
 */
import {
  type CentiCents,
  type Lots,
  ONE_DOLLAR_CC,
  type TimestampUs,
  US_PER_SECOND,
} from "../../core/index.ts";
import { BookSide, type MarketInfo } from "../../market/index.ts";
import type { TickerMessage, VenueMarket } from "../../kalshi/index.ts";
import { QueueBook } from "./queue-book.ts";

export type MarketPhase =
  "initialized" | "active" | "inactive" | "closed" | "determined" | "finalized";

/** How a market will end: what a YES contract pays, and when that becomes known. */
export interface Outcome {
  readonly value: CentiCents;
  readonly determinedUs: TimestampUs;
}

export interface MarketSpec {
  readonly info: MarketInfo;
  readonly title: string;
  /** True where exactly one of the event's markets can happen. */
  readonly isExclusive: boolean;
  readonly openUs: TimestampUs;
  readonly closeUs: TimestampUs;
  /** Null: it is determined by hand. */
  readonly outcome: Outcome | null;
  /** Seconds from determination to payment. */
  readonly settlementTimerSeconds: number;
}

export class EngineMarket {
  readonly index: number;
  readonly marketId: string;
  readonly spec: MarketSpec;
  readonly createdUs: TimestampUs;
  readonly book: QueueBook;
  phase: MarketPhase;
  closeUs: TimestampUs;
  /** What a YES contract pays, once determined. */
  value: CentiCents | null = null;
  settledUs: TimestampUs | null = null;
  updatedUs: TimestampUs;
  priceLevelStructure: string;
  lastPrice = 0 as CentiCents;
  previousPrice = 0 as CentiCents;
  lastSize = 0 as Lots;
  /** Lots traded. */
  volume = 0;
  /** Micro-dollars that YES contracts changed hands for. */
  turnover = 0;
  /** Lots held of each outcome. */
  openInterest = 0;

  constructor(index: number, marketId: string, spec: MarketSpec, nowUs: TimestampUs) {
    this.index = index;
    this.marketId = marketId;
    this.spec = spec;
    this.createdUs = nowUs;
    this.updatedUs = nowUs;
    this.book = new QueueBook(spec.info.priceRanges);
    this.phase = "initialized";
    this.closeUs = spec.closeUs;
    this.priceLevelStructure = structureOf(spec.info.priceRanges.length);
  }

  get ticker(): string {
    return this.spec.info.ticker;
  }

  /** Best YES bid, 0 where there is none. */
  get yesBid(): CentiCents {
    return this.book.best(BookSide.bid) ?? (0 as CentiCents);
  }

  /** Best YES ask, one dollar where there is none. */
  get yesAsk(): CentiCents {
    return this.book.best(BookSide.ask) ?? ONE_DOLLAR_CC;
  }

  /** "yes", "no", "scalar", or empty as long as the market is not determined. */
  get result(): string {
    return this.value === null ? "" : resultOf(this.value);
  }

  ticking(nowUs: TimestampUs): TickerMessage {
    const { yesBid, yesAsk, book } = this;
    return {
      ticker: this.ticker,
      marketId: this.marketId,
      lastPrice: this.lastPrice,
      yesBid,
      yesAsk,
      yesBidSize: book.sizeAt(BookSide.bid, yesBid),
      yesAskSize: book.sizeAt(BookSide.ask, yesAsk),
      lastTradeSize: this.lastSize,
      volume: this.volume as Lots,
      openInterest: this.openInterest as Lots,
      dollarVolume: Math.floor(this.turnover / 1_000_000),
      dollarOpenInterest: Math.floor((this.openInterest * this.lastPrice) / 1_000_000),
      atUs: nowUs,
    };
  }

  record(): VenueMarket {
    const { spec, yesBid, yesAsk, book } = this;
    const { info } = spec;
    const none = 0 as CentiCents;
    const paidUs = this.closeUs + (spec.settlementTimerSeconds + 1) * US_PER_SECOND;
    return {
      ticker: info.ticker,
      eventTicker: info.eventTicker,
      marketType: "binary",
      status: this.phase,
      result: this.result,
      title: spec.title,
      yesSubTitle: spec.title,
      noSubTitle: spec.title,
      createdUs: this.createdUs,
      updatedUs: this.updatedUs,
      openUs: spec.openUs,
      closeUs: this.closeUs,
      expectedExpirationUs: this.closeUs,
      latestExpirationUs: paidUs as TimestampUs,
      settlementTimerSeconds: spec.settlementTimerSeconds,
      canCloseEarly: true,
      yesBid,
      yesBidSize: book.sizeAt(BookSide.bid, yesBid),
      yesAsk,
      yesAskSize: book.sizeAt(BookSide.ask, yesAsk),
      lastPrice: this.lastPrice,
      previousPrice: this.previousPrice,
      previousYesBid: none,
      previousYesAsk: none,
      volume: this.volume as Lots,
      volumeDay: this.volume as Lots,
      openInterest: this.openInterest as Lots,
      priceLevelStructure: this.priceLevelStructure,
      priceRanges: book.ranges,
      settlementValue: this.value,
      settledUs: this.settledUs,
      expirationValue: this.result,
      feeWaiverUntilUs: null,
      strikeType: null,
      floorStrike: null,
      capStrike: null,
      rulesPrimary: "",
      rulesSecondary: "",
      isProvisional: false,
      exchangeIndex: 0,
    };
  }
}

export function resultOf(value: CentiCents): string {
  if (value === ONE_DOLLAR_CC) return "yes";
  return value === 0 ? "no" : "scalar";
}

/** A label for a grid; the ranges are what counts. */
function structureOf(rangeCount: number): string {
  return rangeCount === 1 ? "linear_cent" : "tapered_deci_cent";
}
