/**
 * What a user can tell an importer beside the files, what the importer tells back, and how both
 * become the facts of a session. Nothing is guessed from a ticker but its own parts.
 */
import { type CentiCents, OperationError, type TimestampUs } from "../core/index.ts";
import type { FeeTerms } from "./fee-schedule.ts";
import type { EventInfo, MarketInfo, Settlement } from "./market-info.ts";
import { LINEAR_CENT, type PriceRange } from "./price-grid.ts";
import type { Gap, SessionCounts, SessionFacts } from "./session-format.ts";

export interface ImportOptions {
  /** Session folder to make. */
  readonly out: string;
  /** Name of the session; the folder's name unless given. */
  readonly id?: string;
  /** Replace a session that stands there. */
  readonly replace?: boolean;
  /** Import these markets only. */
  readonly markets?: readonly string[];
  /** What YES pays, by ticker; unless told by the venue or given, the last trade is looked at. */
  readonly results?: ReadonlyMap<string, CentiCents>;
  /** Expected expiration, by ticker or event ticker. */
  readonly closes?: ReadonlyMap<string, TimestampUs>;
  /** Events whose markets exclude each other and are exhaustive, with the number of markets. */
  readonly exclusiveEvents?: ReadonlyMap<string, number>;
  /** Quadratic fees with multiplier 1 unless given. */
  readonly fees?: FeeTerms;
  /** Whole cents unless given. */
  readonly priceRanges?: readonly PriceRange[];
  /** No-side prices of the feed are in YES scale (subscription option `use_yes_price`). */
  readonly useYesPrice?: boolean;
  /** Whether the files hold all markets of their connection; judged from the numbers unless given. */
  readonly feed?: "complete" | "partial";
  /** A loss that no snapshot heals ends the usable part of its books. */
  readonly strictGaps?: boolean;
  /** Ticker of an order log, which names none. */
  readonly ticker?: string;
  /** Told how many bytes of all input have been read. */
  readonly onProgress?: (doneBytes: number) => void;
  /** Read every line with the reference reading; for tests. */
  readonly slow?: boolean;
}

/** One market's part of an import. */
export interface MarketReport {
  readonly ticker: string;
  readonly snapshots: number;
  readonly deltas: number;
  readonly trades: number;
  readonly settlement: Settlement | null;
  /** Deltas before the first snapshot: they have no book to change, and were left out. */
  readonly orphanDeltas: number;
  /** Changes that would have made a level negative. */
  readonly negativeLevels: number;
}

/** A snapshot in mid-stream that differs from the book that the deltas before it had made. */
export interface SnapshotDifference {
  readonly ticker: string;
  /** File and line. */
  readonly place: string;
  /** Number of price levels that differ. */
  readonly levels: number;
}

export interface ImportReport {
  readonly id: string;
  readonly contentHash: string;
  readonly form: "kalshi-ws" | "order-log";
  readonly files: number;
  /** Messages or rows read, skipped ones included. */
  readonly messages: number;
  readonly markets: readonly MarketReport[];
  readonly counts: SessionCounts;
  readonly gaps: readonly Gap[];
  /**
   * Whether missing numbers were taken for losses (complete) or for markets that were not imported
   * (partial); unnumbered where the files carry no numbers.
   */
  readonly feed: "complete" | "partial" | "unnumbered";
  /** True where that was judged from the numbers rather than told. */
  readonly feedAssumed: boolean;
  readonly skippedTypes: Readonly<Record<string, number>>;
  readonly duplicates: number;
  readonly differences: readonly SnapshotDifference[];
  /** Things a user should know, in sentences. */
  readonly notes: readonly string[];
}

/** Event and series of a ticker, by its dash parts: SERIES-EVENT-MARKET. */
export function tickerParts(ticker: string): { eventTicker: string; seriesTicker: string } {
  const parts = ticker.split("-");
  return {
    eventTicker: parts.length > 2 ? parts.slice(0, -1).join("-") : ticker,
    seriesTicker: parts[0] ?? ticker,
  };
}

/** Infers a result from the last trade: at 0.99 or more yes, at 0.01 or less no, else unknown. */
export function inferSettlement(lastTradeCc: number | null): Settlement | null {
  if (lastTradeCc === null) return null;
  if (lastTradeCc >= 9_900) return { valueCc: 10_000 as CentiCents, source: "inferred" };
  if (lastTradeCc <= 100) return { valueCc: 0 as CentiCents, source: "inferred" };
  return null;
}

/** What was observed of a market that becomes a fact. */
export interface ObservedMarket {
  readonly ticker: string;
  readonly venueCc: CentiCents | null;
  readonly venueCloseUs: TimestampUs | null;
  readonly lastTradeCc: number | null;
}

/** Facts of an import. Options that name what the recording does not hold are `IMPORT_MARKET`. */
export function importedFacts(
  id: string,
  source: string,
  observed: readonly ObservedMarket[],
  references: readonly string[],
  options: ImportOptions,
): SessionFacts {
  const tickers = observed.map(({ ticker }) => ticker);
  const eventTickers = [
    ...new Set(tickers.map((ticker) => tickerParts(ticker).eventTicker)),
  ].sort();
  requireKnown("result", options.results?.keys(), tickers);
  requireKnown("close", options.closes?.keys(), [...tickers, ...eventTickers]);
  requireKnown("event", options.exclusiveEvents?.keys(), eventTickers);
  const markets = observed.map((market): MarketInfo => {
    const parts = tickerParts(market.ticker);
    const closes = options.closes;
    return {
      ticker: market.ticker,
      ...parts,
      closeUs:
        closes?.get(market.ticker) ?? closes?.get(parts.eventTicker) ?? market.venueCloseUs ?? null,
      priceRanges: options.priceRanges ?? LINEAR_CENT,
      fees: options.fees ?? { type: "quadratic", multiplierPpm: 1_000_000 },
      settlement: settlementOf(market, options),
    };
  });
  const events = eventTickers.map((eventTicker): EventInfo => {
    const marketCount = options.exclusiveEvents?.get(eventTicker) ?? null;
    return { eventTicker, exclusive: marketCount !== null, marketCount };
  });
  return { id, source, markets, events, references, strictGaps: options.strictGaps ?? false };
}

function settlementOf(market: ObservedMarket, options: ImportOptions): Settlement | null {
  const given = options.results?.get(market.ticker);
  if (given !== undefined) return { valueCc: given, source: "given" };
  if (market.venueCc !== null) return { valueCc: market.venueCc, source: "venue" };
  return inferSettlement(market.lastTradeCc);
}

/** Refuses names that an option gives and the recording does not know. */
export function requireKnown(
  option: string,
  given: Iterable<string> | undefined,
  known: readonly string[],
): void {
  for (const name of given ?? []) {
    if (known.includes(name)) continue;
    throw new OperationError(
      "IMPORT_MARKET",
      `--${option} ${name}: expected one of the recording's ${known.join(", ") || "(none)"}`,
    );
  }
}

/** Sentences that every import ends with where they apply. */
export function factNotes(facts: SessionFacts, options: ImportOptions): string[] {
  const notes: string[] = [];
  const open = facts.markets.filter(({ settlement }) => settlement === null);
  if (open.length > 0) {
    const names = open.map(({ ticker }) => ticker).join(", ");
    notes.push(
      `No result is known for ${names}: positions cannot be settled there; ` +
        `give it with --result TICKER=yes|no|0.xx.`,
    );
  }
  if (facts.markets.some(({ settlement }) => settlement?.source === "inferred")) {
    notes.push(
      "Results marked inferred were read off the last trade (0.99 and up, 0.01 and down).",
    );
  }
  if (facts.markets.some(({ closeUs }) => closeUs === null)) {
    notes.push("Without an expected close (--close) the time to close is unknown to the agent.");
  }
  if (options.fees === undefined) {
    notes.push("Fees were taken as quadratic with multiplier 1; change with --fee-type.");
  }
  return notes;
}
