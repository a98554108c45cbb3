/**
 * What a user can tell an importer beside the files, what the importer tells back, and how both
 * become the facts of a session. Nothing is guessed from a ticker but its own parts.
 */
import { type CentiCents, OperationError, type TimestampUs } from "../core/index.ts";
import type { FeeTerms } from "./fee-schedule.ts";
import { type FeeChange, type FeeOverride, type MarketFees, resolveFees } from "./fee-timeline.ts";
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
  /**
   * What YES pays, by ticker; "void" for a market that was called off, which pays its last traded
   * price. Unless told by the venue or given, the last trade is looked at.
   */
  readonly results?: ReadonlyMap<string, CentiCents | "void">;
  /** Expected expiration, by ticker or event ticker. */
  readonly closes?: ReadonlyMap<string, TimestampUs>;
  /** Events whose markets exclude each other and are exhaustive, with the number of markets. */
  readonly exclusiveEvents?: ReadonlyMap<string, number>;
  /** Quadratic fees with multiplier 1 unless given. */
  readonly fees?: FeeTerms;
  /** Fees of single series, and overrides of events and markets. */
  readonly feeTerms?: readonly GivenFees[];
  /** Ends of fee waivers, by ticker or event ticker: nothing is charged before. */
  readonly feeWaivers?: ReadonlyMap<string, TimestampUs>;
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

/** Fees of a series, an event or a market; a market's own stand before its event's. */
export interface GivenFees {
  /** Ticker of the series, event or market. */
  readonly key: string;
  /** From when on; null for always. */
  readonly fromUs: TimestampUs | null;
  readonly terms: FeeTerms;
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
  /** What the feed told of its event's fees. */
  readonly feeOverrides?: readonly FeeOverride[];
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
  const seriesTickers = tickers.map((ticker) => tickerParts(ticker).seriesTicker);
  requireKnown("result", options.results?.keys(), tickers);
  const feeKeys = options.feeTerms?.map(({ key }) => key);
  requireKnown("fees", feeKeys, [...tickers, ...eventTickers, ...seriesTickers]);
  requireKnown("fee-waiver", options.feeWaivers?.keys(), [...tickers, ...eventTickers]);
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
      ...feesOf(market, options),
      settlement: settlementOf(market, options),
    };
  });
  const events = eventTickers.map((eventTicker): EventInfo => {
    const marketCount = options.exclusiveEvents?.get(eventTicker) ?? null;
    return { eventTicker, exclusive: marketCount !== null, marketCount };
  });
  return { id, source, markets, events, references, strictGaps: options.strictGaps ?? false };
}

/** A market's fees out of what was told of series, event and market, by the user and the feed. */
function feesOf({ ticker, feeOverrides = [] }: ObservedMarket, options: ImportOptions): MarketFees {
  const { eventTicker, seriesTicker } = tickerParts(ticker);
  const { fees = { type: "quadratic", multiplierPpm: 1_000_000 }, feeTerms = [] } = options;
  const keyed = (wanted: string): GivenFees[] => feeTerms.filter(({ key }) => key === wanted);
  const isSeries = seriesTicker !== eventTicker && seriesTicker !== ticker;
  const series = isSeries ? keyed(seriesTicker) : [];
  const own = keyed(ticker);
  const overrides = own.length > 0 || eventTicker === ticker ? own : keyed(eventTicker);
  const waivedUntilUs = options.feeWaivers?.get(ticker) ?? options.feeWaivers?.get(eventTicker);
  return resolveFees({
    series: series.findLast(({ fromUs }) => fromUs === null)?.terms ?? fees,
    seriesChanges: series.flatMap(({ fromUs, terms }): FeeChange[] =>
      fromUs === null ? [] : [{ atUs: fromUs, terms }],
    ),
    overrides:
      overrides.length > 0
        ? overrides.map(({ fromUs, terms }) => ({ atUs: fromUs ?? -Infinity, ...terms }))
        : feeOverrides,
    ...(waivedUntilUs !== undefined && { waivedUntilUs }),
  });
}

function settlementOf(market: ObservedMarket, options: ImportOptions): Settlement | null {
  const given = options.results?.get(market.ticker);
  if (given === "void") {
    const { lastTradeCc } = market;
    return lastTradeCc === null ? null : { valueCc: lastTradeCc as CentiCents, source: "given" };
  }
  if (given !== undefined) return { valueCc: given, source: "given" };
  if (market.venueCc !== null) return { valueCc: market.venueCc, source: "venue" };
  return inferSettlement(market.lastTradeCc);
}

/** Refuses, once all is read, a market called off that has no price to pay: `IMPORT_RESULT`. */
export function requireVoidPrices(
  observed: readonly ObservedMarket[],
  options: ImportOptions,
): void {
  for (const { ticker, lastTradeCc } of observed) {
    if (options.results?.get(ticker) !== "void" || lastTradeCc !== null) continue;
    throw new OperationError(
      "IMPORT_RESULT",
      `--result ${ticker}=void: expected a trade in the recording, whose price it would pay, was ` +
        `none; give the fair price itself, --result ${ticker}=0.xx`,
    );
  }
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
  if (options.fees === undefined && options.feeTerms === undefined) {
    notes.push("Fees were taken as quadratic with multiplier 1; change with --fee-type.");
  }
  const changing = facts.markets.filter(({ feeChanges }) => feeChanges !== undefined);
  if (changing.length > 0) {
    notes.push(`Fees change with time in ${changing.map(({ ticker }) => ticker).join(", ")}.`);
  }
  return notes;
}
