/**
 * What the venue tells of a market by REST, as the facts of a session. The close that is kept is the
 * one that was expected when recording began: a later one would tell an agent of the future.
 */
import { type CentiCents, ONE_DOLLAR_CC, type TimestampUs } from "../../core/index.ts";
import {
  type EventInfo,
  type FeeOverride,
  type FeeTerms,
  LINEAR_CENT,
  type MarketInfo,
  parseFeeType,
  PriceGrid,
  type PriceRange,
  resolveFees,
  type Settlement,
} from "../../market/index.ts";
import type { SeriesFeeChange, VenueEvent, VenueMarket, VenueSeries } from "../wire/markets.ts";

/** Everything that the venue tells of one market. */
export interface VenueFacts {
  readonly market: VenueMarket;
  /** With its markets. */
  readonly event: VenueEvent;
  readonly series: VenueSeries;
  readonly feeChanges: readonly SeriesFeeChange[];
}

/**
 * The facts of a market as of `nowUs`; `overrides` is what the feed has told of its event's fees since.
 * A fee that no formula is known for, and prices that make no grid, are an `OperationError`.
 */
export function marketInfoOf(
  { market, event, series, feeChanges }: VenueFacts,
  nowUs: number,
  overrides: readonly FeeOverride[] = [],
): MarketInfo {
  const { ticker, eventTicker, feeWaiverUntilUs } = market;
  const priceRanges = market.priceRanges.length === 0 ? LINEAR_CENT : market.priceRanges;
  requireGrid(priceRanges);
  return {
    ticker,
    eventTicker,
    seriesTicker: series.ticker,
    closeUs: expectedCloseUs(market),
    priceRanges,
    ...resolveFees({
      series: termsOf(series.feeType, series.feeMultiplierPpm, series.ticker),
      seriesChanges: feeChanges
        .filter(({ scheduledUs }) => scheduledUs > nowUs)
        .map(({ scheduledUs, feeType, feeMultiplierPpm }) => ({
          atUs: scheduledUs,
          terms: termsOf(feeType, feeMultiplierPpm, series.ticker),
        })),
      overrides: [firstOverride(event), ...overrides],
      ...(feeWaiverUntilUs !== null && { waivedUntilUs: feeWaiverUntilUs }),
    }),
    settlement: settlementOf(market.settlementValue, market.result),
  };
}

/** `PRICE_GRID` where bands are not what a market can trade at. */
export function requireGrid(ranges: readonly PriceRange[]): void {
  // Making the grid is the check.
  new PriceGrid(ranges);
}

/** Trading may be expected to end before the time at which the venue closes the market at the latest. */
function expectedCloseUs({ closeUs, expectedExpirationUs }: VenueMarket): TimestampUs {
  return expectedExpirationUs === null || closeUs < expectedExpirationUs
    ? closeUs
    : expectedExpirationUs;
}

function termsOf(feeType: string, multiplierPpm: number, seriesTicker: string): FeeTerms {
  return { type: parseFeeType(feeType, `fee type of series ${seriesTicker}`), multiplierPpm };
}

function firstOverride(event: VenueEvent): FeeOverride {
  const { eventTicker, feeTypeOverride, feeMultiplierOverridePpm } = event;
  return overrideOf(eventTicker, -Infinity, feeTypeOverride, feeMultiplierOverridePpm);
}

/** An event's fees from a time on; both null leave those of the series. */
export function overrideOf(
  eventTicker: string,
  atUs: number,
  feeType: string | null,
  multiplierPpm: number | null,
): FeeOverride {
  const type = feeType === null ? null : parseFeeType(feeType, `fee type of event ${eventTicker}`);
  return { atUs, type, multiplierPpm };
}

export function eventInfoOf({ eventTicker, mutuallyExclusive, markets }: VenueEvent): EventInfo {
  const marketCount = markets.length === 0 ? null : markets.length;
  return { eventTicker, exclusive: mutuallyExclusive, marketCount };
}

/** What a YES contract pays, by its value and else by the word; null as long as neither is known. */
export function settlementOf(value: CentiCents | null, result: string | null): Settlement | null {
  if (value !== null && result !== "") return { valueCc: value, source: "venue" };
  if (result === "yes") return { valueCc: ONE_DOLLAR_CC, source: "venue" };
  if (result === "no") return { valueCc: 0 as CentiCents, source: "venue" };
  return null;
}

/** Whether a market with this status trades, or will. */
export function isOpenStatus(status: string): boolean {
  return status === "initialized" || status === "active" || status === "inactive";
}

/** Whether nothing follows this status. */
export function isFinalStatus(status: string): boolean {
  return status === "finalized" || status === "settled";
}
