/**
 * What is known about a market and its event beside the order flow: plain data, stored with the
 * session and carried by its tape. Prices are YES prices.
 */
import type { CentiCents, TimestampUs } from "../core/index.ts";
import type { FeeTerms } from "./fee-schedule.ts";
import type { FeeChange } from "./fee-timeline.ts";
import type { PriceRange } from "./price-grid.ts";

/** How a result is known: told by the user, read from the venue, or inferred from last trades. */
export type ResultSource = "given" | "venue" | "inferred";

/** What one YES contract pays: 10_000 for yes, 0 for no, between for a scalar settlement. */
export interface Settlement {
  readonly valueCc: CentiCents;
  readonly source: ResultSource;
}

export interface MarketInfo {
  readonly ticker: string;
  readonly eventTicker: string;
  readonly seriesTicker: string;
  /** The close that was expected at the time of the recording; null when unknown. */
  readonly closeUs: TimestampUs | null;
  readonly priceRanges: readonly PriceRange[];
  /** The fees in force at first. */
  readonly fees: FeeTerms;
  /** Changes of the fees, in order of time; absent where there are none. */
  readonly feeChanges?: readonly FeeChange[];
  readonly settlement: Settlement | null;
}

export interface EventInfo {
  readonly eventTicker: string;
  /**
   * True where the event's markets exclude each other and one of them must happen, as told by the
   * venue or the user; never guessed from tickers.
   */
  readonly exclusive: boolean;
  /** Number of markets that the event has in all, recorded or not; null when unknown. */
  readonly marketCount: number | null;
}
