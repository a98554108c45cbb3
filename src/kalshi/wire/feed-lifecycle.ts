/**
 * What the WebSocket's lifecycle channel carries: markets that are created, paused, determined and
 * settled, new events, changes of an event's fees. Times are Unix seconds here. That a market opens
 * or closes at its time is told by nobody: only `close_time` says so.
 * Source: AsyncAPI "Kalshi Market Data WebSocket API" 2.0.0, of about 2026-10.
 */
import type { CentiCents, TimestampUs } from "../../core/index.ts";
import type { PriceRange } from "../../market/index.ts";
import {
  type Codec,
  defaulted,
  field,
  flag,
  integer,
  millionths,
  named,
  nullable,
  optional,
  price,
  record,
  text,
  unixSeconds,
} from "./codec.ts";
import { priceRanges } from "./markets.ts";

/** What the creation of a market tells about it. */
export interface CreatedMarket {
  readonly name: string;
  readonly title: string;
  readonly yesSubTitle: string;
  readonly noSubTitle: string;
  readonly rulesPrimary: string;
  readonly rulesSecondary: string;
  readonly canCloseEarly: boolean;
  readonly eventTicker: string;
  readonly expectedExpirationUs: TimestampUs | null;
}

const createdMarket: Codec<CreatedMarket> = record<CreatedMarket>({
  name: defaulted("name", text, ""),
  title: defaulted("title", text, ""),
  yesSubTitle: defaulted("yes_sub_title", text, ""),
  noSubTitle: defaulted("no_sub_title", text, ""),
  rulesPrimary: defaulted("rules_primary", text, ""),
  rulesSecondary: defaulted("rules_secondary", text, ""),
  canCloseEarly: defaulted("can_close_early", flag, false),
  eventTicker: defaulted("event_ticker", text, ""),
  expectedExpirationUs: optional("expected_expiration_ts", unixSeconds),
});

/** One step in a market's life; what a step does not tell is null. */
export interface LifecycleMessage {
  readonly ticker: string;
  /**
   * "created", "activated", "deactivated", "close_date_updated", "determined", "settled",
   * "price_level_structure_updated", "metadata_updated"; the list is open.
   */
  readonly what: string;
  readonly openUs: TimestampUs | null;
  readonly closeUs: TimestampUs | null;
  readonly isDeactivated: boolean | null;
  readonly result: string | null;
  /** What a YES contract will pay. */
  readonly settlementValue: CentiCents | null;
  readonly determinedUs: TimestampUs | null;
  readonly settledUs: TimestampUs | null;
  readonly exchangeIndex: number | null;
  readonly priceLevelStructure: string | null;
  readonly priceRanges: readonly PriceRange[] | null;
  readonly created: CreatedMarket | null;
}

export const lifecycleMessage = record<LifecycleMessage>({
  ticker: field("market_ticker", named),
  what: field("event_type", named),
  openUs: optional("open_ts", unixSeconds),
  closeUs: optional("close_ts", unixSeconds),
  isDeactivated: optional("is_deactivated", flag),
  result: optional("result", text),
  settlementValue: optional("settlement_value", price),
  determinedUs: optional("determination_ts", unixSeconds),
  settledUs: optional("settled_ts", unixSeconds),
  exchangeIndex: optional("exchange_index", integer),
  priceLevelStructure: optional("price_level_structure", text),
  priceRanges: optional("price_ranges", priceRanges.codec),
  created: optional("additional_metadata", createdMarket),
});

export interface EventLifecycle {
  readonly eventTicker: string;
  readonly seriesTicker: string;
  readonly title: string;
  readonly subtitle: string;
  readonly collateralReturnType: string;
  readonly exchangeIndex: number;
}

export const eventLifecycle = record<EventLifecycle>({
  eventTicker: field("event_ticker", named),
  exchangeIndex: defaulted("exchange_index", integer, 0),
  title: defaulted("title", text, ""),
  subtitle: defaulted("subtitle", text, ""),
  collateralReturnType: defaulted("collateral_return_type", text, ""),
  seriesTicker: defaulted("series_ticker", text, ""),
});

/** Fees of an event's markets from now on; both null: those of the series again. */
export interface EventFeeUpdate {
  readonly eventTicker: string;
  readonly feeType: string | null;
  readonly feeMultiplierPpm: number | null;
}

export const eventFeeUpdate = record<EventFeeUpdate>({
  eventTicker: field("event_ticker", named),
  feeType: nullable("fee_type_override", text),
  feeMultiplierPpm: nullable("fee_multiplier_override", millionths),
});
