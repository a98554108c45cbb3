/**
 * What may be traded: markets, events, series, their books and trades. All prices are YES prices in
 * our units; the wire's book has bids only, NO bids in NO prices, and becomes one YES book here.
 * Source: OpenAPI of Kalshi's Trade API 3.30 (package kalshi-typescript) and demo answers of 2026-06.
 */
import {
  type CentiCents,
  complement,
  formatFixed,
  type Lots,
  type TimestampUs,
} from "../../core/index.ts";
import type { BookSide, PriceRange } from "../../market/index.ts";
import {
  bookSide,
  type Codec,
  defaulted,
  field,
  flag,
  integer,
  isoTime,
  listOrNone,
  mark,
  millionths,
  named,
  natural,
  nullable,
  optional,
  page,
  price,
  record,
  size,
  text,
  timeOrNull,
  wireError,
  within,
} from "./codec.ts";
import { formerSide, noPrice } from "./orders.ts";
import { isObject } from "./json.ts";

export const priceRanges = listOrNone(
  "price_ranges",
  record<PriceRange>({
    startCc: field("start", price),
    endCc: field("end", price),
    stepCc: field("step", price),
  }),
);

/** A JSON number of any kind: strikes, which nothing is computed with. */
const anyNumber: Codec<number> = {
  read(value, place, name) {
    if (typeof value === "number") return value;
    throw wireError(place, name, "a number", value);
  },
  write: (value) => value,
};

export interface VenueMarket {
  readonly ticker: string;
  readonly eventTicker: string;
  /** "binary" or "scalar". */
  readonly marketType: string;
  /** "initialized", "active", "inactive", "closed", "determined", "disputed", "finalized" ... */
  readonly status: string;
  /** "yes", "no", "scalar", or empty as long as there is none. */
  readonly result: string;
  readonly title: string;
  readonly yesSubTitle: string;
  readonly noSubTitle: string;
  readonly createdUs: TimestampUs | null;
  readonly updatedUs: TimestampUs | null;
  readonly openUs: TimestampUs;
  readonly closeUs: TimestampUs;
  readonly expectedExpirationUs: TimestampUs | null;
  readonly latestExpirationUs: TimestampUs | null;
  readonly settlementTimerSeconds: number;
  readonly canCloseEarly: boolean;
  /** 0 where there is no bid, 10_000 where there is no ask. */
  readonly yesBid: CentiCents;
  readonly yesBidSize: Lots;
  readonly yesAsk: CentiCents;
  readonly yesAskSize: Lots;
  readonly lastPrice: CentiCents;
  readonly previousPrice: CentiCents;
  readonly previousYesBid: CentiCents;
  readonly previousYesAsk: CentiCents;
  readonly volume: Lots;
  readonly volumeDay: Lots;
  readonly openInterest: Lots;
  readonly priceLevelStructure: string;
  readonly priceRanges: readonly PriceRange[];
  /** What a YES contract pays, once it is known. */
  readonly settlementValue: CentiCents | null;
  readonly settledUs: TimestampUs | null;
  readonly expirationValue: string;
  readonly feeWaiverUntilUs: TimestampUs | null;
  readonly strikeType: string | null;
  readonly floorStrike: number | null;
  readonly capStrike: number | null;
  readonly rulesPrimary: string;
  readonly rulesSecondary: string;
  readonly isProvisional: boolean;
  readonly exchangeIndex: number;
}

const NO_PRICE = 0 as CentiCents;
const NO_SIZE = 0 as Lots;

export const venueMarket = record<VenueMarket>(
  {
    ticker: field("ticker", named),
    eventTicker: field("event_ticker", named),
    marketType: defaulted("market_type", text, "binary"),
    status: field("status", named),
    result: defaulted("result", text, ""),
    title: defaulted("title", text, ""),
    yesSubTitle: defaulted("yes_sub_title", text, ""),
    noSubTitle: defaulted("no_sub_title", text, ""),
    createdUs: timeOrNull("created_time"),
    updatedUs: timeOrNull("updated_time"),
    openUs: field("open_time", isoTime),
    closeUs: field("close_time", isoTime),
    expectedExpirationUs: timeOrNull("expected_expiration_time"),
    latestExpirationUs: timeOrNull("latest_expiration_time"),
    settlementTimerSeconds: defaulted("settlement_timer_seconds", natural, 0),
    canCloseEarly: defaulted("can_close_early", flag, false),
    yesBid: defaulted("yes_bid_dollars", price, NO_PRICE),
    yesBidSize: defaulted("yes_bid_size_fp", size, NO_SIZE),
    yesAsk: defaulted("yes_ask_dollars", price, complement(NO_PRICE)),
    yesAskSize: defaulted("yes_ask_size_fp", size, NO_SIZE),
    lastPrice: defaulted("last_price_dollars", price, NO_PRICE),
    previousPrice: defaulted("previous_price_dollars", price, NO_PRICE),
    previousYesBid: defaulted("previous_yes_bid_dollars", price, NO_PRICE),
    previousYesAsk: defaulted("previous_yes_ask_dollars", price, NO_PRICE),
    volume: defaulted("volume_fp", size, NO_SIZE),
    volumeDay: defaulted("volume_24h_fp", size, NO_SIZE),
    openInterest: defaulted("open_interest_fp", size, NO_SIZE),
    priceLevelStructure: defaulted("price_level_structure", text, ""),
    priceRanges,
    settlementValue: optional("settlement_value_dollars", price),
    settledUs: timeOrNull("settlement_ts"),
    expirationValue: defaulted("expiration_value", text, ""),
    feeWaiverUntilUs: timeOrNull("fee_waiver_expiration_time"),
    strikeType: optional("strike_type", text),
    floorStrike: optional("floor_strike", anyNumber),
    capStrike: optional("cap_strike", anyNumber),
    rulesPrimary: defaulted("rules_primary", text, ""),
    rulesSecondary: defaulted("rules_secondary", text, ""),
    isProvisional: mark("is_provisional"),
    exchangeIndex: defaulted("exchange_index", integer, 0),
  },
  ({ yesBid, yesAsk }) => ({
    no_bid_dollars: formatFixed(complement(yesAsk), 4),
    no_ask_dollars: formatFixed(complement(yesBid), 4),
    notional_value_dollars: "1.0000",
  }),
);

export const marketAnswer = within("market", venueMarket);
export const marketPage = page("markets", venueMarket);

export interface VenueEvent {
  readonly eventTicker: string;
  readonly seriesTicker: string;
  readonly title: string;
  readonly subTitle: string;
  /** True where exactly one of the event's markets can happen. */
  readonly mutuallyExclusive: boolean;
  readonly collateralReturnType: string;
  readonly strikeUs: TimestampUs | null;
  readonly feeTypeOverride: string | null;
  readonly feeMultiplierOverridePpm: number | null;
  readonly exchangeIndex: number;
  /** Empty unless nested markets were asked for. */
  readonly markets: readonly VenueMarket[];
}

export const venueEvent = record<VenueEvent>(
  {
    eventTicker: field("event_ticker", named),
    seriesTicker: field("series_ticker", named),
    title: defaulted("title", text, ""),
    subTitle: defaulted("sub_title", text, ""),
    mutuallyExclusive: defaulted("mutually_exclusive", flag, false),
    collateralReturnType: defaulted("collateral_return_type", text, ""),
    strikeUs: timeOrNull("strike_date"),
    feeTypeOverride: nullable("fee_type_override", text),
    feeMultiplierOverridePpm: nullable("fee_multiplier_override", millionths),
    exchangeIndex: defaulted("exchange_index", integer, 0),
    markets: listOrNone("markets", venueMarket),
  },
  () => ({ settlement_sources: null }),
);

/** One event. Its markets stand within it or beside it, as they were asked for. */
export const eventAnswer: Codec<VenueEvent> = {
  read(value, place, name) {
    const event = within("event", venueEvent).read(value, place, name);
    if (event.markets.length > 0 || !isObject(value)) return event;
    const beside = listOrNone("markets", venueMarket);
    return { ...event, markets: beside.codec.read(value["markets"], place, "markets") };
  },
  write: (event) => ({ event: venueEvent.write(event), markets: [] }),
};

export const eventPage = page("events", venueEvent);

export interface VenueSeries {
  readonly ticker: string;
  readonly title: string;
  readonly category: string;
  readonly frequency: string;
  readonly feeType: string;
  readonly feeMultiplierPpm: number;
  readonly exchangeIndex: number;
}

export const venueSeries = record<VenueSeries>(
  {
    ticker: field("ticker", named),
    title: defaulted("title", text, ""),
    category: defaulted("category", text, ""),
    frequency: defaulted("frequency", text, ""),
    feeType: field("fee_type", named),
    feeMultiplierPpm: field("fee_multiplier", millionths),
    exchangeIndex: defaulted("exchange_index", integer, 0),
  },
  ({ category }) => ({
    categories: category === "" ? [] : [category],
    tags: null,
    settlement_sources: null,
    contract_url: "",
    contract_terms_url: "",
    additional_prohibitions: null,
  }),
);

export const seriesAnswer = within("series", venueSeries);

/** A change of a series' fees at a time. */
export interface SeriesFeeChange {
  readonly seriesTicker: string;
  readonly feeType: string;
  readonly feeMultiplierPpm: number;
  readonly scheduledUs: TimestampUs;
}

export const seriesFeeChanges = record<{ readonly items: readonly SeriesFeeChange[] }>({
  items: listOrNone(
    "series_fee_change_arr",
    record<SeriesFeeChange>({
      seriesTicker: field("series_ticker", named),
      feeType: field("fee_type", named),
      feeMultiplierPpm: field("fee_multiplier", millionths),
      scheduledUs: field("scheduled_ts", isoTime),
    }),
  ),
});

/** One level of a book side: all that rests at a price. */
export interface BookLevel {
  readonly price: CentiCents;
  readonly size: Lots;
}

/** A book in YES prices, best prices first: bids fall, asks rise. */
export interface VenueBook {
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** `[price, count]` pairs; of NO bids in NO prices where `turned`. */
export function levels(turned: boolean): Codec<readonly BookLevel[]> {
  return {
    read(value, place, name) {
      if (value === undefined || value === null) return [];
      if (!Array.isArray(value)) throw wireError(place, name, "a list of levels", value);
      return value.map((level: unknown, index) => {
        if (!Array.isArray(level) || level.length !== 2) {
          throw wireError(place, `${name}[${index}]`, `["price", "count"]`, level);
        }
        const own = price.read(level[0], place, `${name}[${index}][0]`);
        const count = size.read(level[1], place, `${name}[${index}][1]`);
        return { price: turned ? complement(own) : own, size: count };
      });
    },
    write: (value) =>
      value.map((level) => [
        price.write(turned ? complement(level.price) : level.price),
        size.write(level.size),
      ]),
  };
}

const bidLevels = levels(false);
const askLevels = levels(true);

/** Each side is sorted when read, for sources differ about its order; written ascending. */
const book: Codec<VenueBook> = {
  read(value, place, name) {
    if (!isObject(value)) throw wireError(place, name, "an object", value);
    const bids = [...bidLevels.read(value["yes_dollars"], place, `${name}.yes_dollars`)];
    const asks = [...askLevels.read(value["no_dollars"], place, `${name}.no_dollars`)];
    bids.sort((a, b) => b.price - a.price);
    asks.sort((a, b) => a.price - b.price);
    return { bids, asks };
  },
  write: ({ bids, asks }) => ({
    yes_dollars: bidLevels.write([...bids].reverse()),
    no_dollars: askLevels.write([...asks].reverse()),
  }),
};

export const bookAnswer = within("orderbook_fp", book);

export interface TickerBook {
  readonly ticker: string;
  readonly book: VenueBook;
}

export const booksAnswer = record<{ readonly items: readonly TickerBook[] }>({
  items: listOrNone(
    "orderbooks",
    record<TickerBook>({ ticker: field("ticker", named), book: field("orderbook_fp", book) }),
  ),
});

/** A public trade. */
export interface VenueTrade {
  readonly tradeId: string;
  readonly ticker: string;
  readonly size: Lots;
  readonly price: CentiCents;
  /** The side that the taker's order was on. */
  readonly takerSide: BookSide;
  readonly isBlock: boolean;
  readonly createdUs: TimestampUs;
}

export const venueTrade = record<VenueTrade>(
  {
    tradeId: field("trade_id", named),
    ticker: field("ticker", named),
    size: field("count_fp", size),
    price: field("yes_price_dollars", price),
    takerSide: field("taker_book_side", bookSide),
    isBlock: defaulted("is_block_trade", flag, false),
    createdUs: field("created_time", isoTime),
  },
  (trade) => ({ ...takerWords(trade.takerSide), ...noPrice(trade.price) }),
);

/** The taker's outcome, by its present and its former name. */
export function takerWords(side: BookSide): Readonly<Record<string, unknown>> {
  const outcome = formerSide(side)["outcome_side"];
  return { taker_outcome_side: outcome, taker_side: outcome };
}

export const tradePage = page("trades", venueTrade);
