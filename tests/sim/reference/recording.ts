/** A recording as plain objects, row by row: what the reference reads instead of a tape. */
import type { PriceRange, Settlement } from "../../../src/market/index.ts";
import type { MarketTerms, Side } from "./money.ts";

export interface RecordedLevel {
  /** Its row of the tape. */
  readonly row: number;
  readonly side: Side;
  readonly price: number;
  readonly lots: number;
}

export interface RecordedRow {
  readonly kind: "delta" | "trade" | "blockTrade" | "snapshot" | "gap" | "close" | "status";
  /** Its row of the tape, and the last of those that belong to it (a snapshot's levels). */
  readonly row: number;
  readonly lastRow: number;
  /** When it reached us. */
  readonly atUs: number;
  readonly side: Side;
  readonly price: number;
  /** Signed in a delta. */
  readonly lots: number;
  /** Row of the other half of a match, -1 for none. */
  readonly pair: number;
  /** Row of the order that a cancel is attributed to, -1 for nobody. */
  readonly whose: number;
  readonly levels: readonly RecordedLevel[];
}

/** Best prices of a moment, and what stands there. */
export interface Quote {
  readonly atUs: number;
  readonly bid: { readonly price: number; readonly lots: number };
  readonly ask: { readonly price: number; readonly lots: number };
}

export interface RecordedMarket extends MarketTerms {
  readonly rows: readonly RecordedRow[];
  /** Where orders may stand, ascending. */
  readonly prices: readonly number[];
  readonly priceRanges: readonly PriceRange[];
  readonly settlement: Settlement;
  /** Best prices as time went on, for those who make up orders. */
  readonly quotes: readonly Quote[];
}
