/** Public endpoints: the exchange's state, markets, events, series, books and trades. */
import type { TimestampUs } from "../../core/index.ts";
import {
  bodies,
  type SeriesFeeChange,
  type VenueBook,
  type VenueEvent,
  type VenueSeries,
} from "../../kalshi/index.ts";
import { feesAt, formatIsoTime } from "../../market/index.ts";
import type { EngineMarket } from "../engine/engine-market.ts";
import { pageOf, pageOfAll, pageTerms } from "./paging.ts";
import { integerOf, isSet } from "./query.ts";
import { badQuery, type ExchangeAnswer, json, ok } from "./request.ts";
import {
  type Call,
  type Desk,
  isWithin,
  marketNotFound,
  open,
  own,
  type Route,
  seriesOf,
  tickersOf,
} from "./route.ts";

export const MARKET_ROUTES: readonly Route[] = [
  open("/exchange/status", status),
  open("/exchange/schedule", schedule),
  own("GET", "/exchange/user_data_timestamp", ({ desk }) =>
    ok(bodies.userDataTime, desk.model.asOfUs),
  ),
  open("/markets", listMarkets),
  open("/markets/trades", listTrades),
  open("/markets/orderbooks", orderbooks),
  open("/markets/:ticker", getMarket),
  open("/markets/:ticker/orderbook", orderbook),
  open("/events", listEvents),
  open("/events/fee_changes", () => json({ event_fee_changes: [], cursor: "" })),
  open("/events/:event_ticker", getEvent),
  open("/series", listSeries),
  open("/series/fee_changes", feeChanges),
  open("/series/:series_ticker", getSeries),
  open("/historical/cutoff", cutoff),
  open("/historical/markets", () => json({ markets: [], cursor: "" })),
  open("/historical/trades", () => json({ trades: [], cursor: "" })),
];

function status({ desk }: Call): ExchangeAnswer {
  const { exchangeActive, tradingActive } = desk.engine;
  const isTrading = exchangeActive && tradingActive;
  const shard = { exchangeIndex: 0, description: "Default", exchangeActive, tradingActive };
  return ok(bodies.exchangeStatus, {
    exchangeActive,
    tradingActive: isTrading,
    resumeUs: null,
    shards: [{ ...shard, tradingActive: isTrading }],
  });
}

/** Open at all hours. */
function schedule({ desk }: Call): ExchangeAnswer {
  const days = "monday tuesday wednesday thursday friday saturday sunday".split(" ");
  const hours = [{ open_time: "00:00", close_time: "00:00" }];
  const week = Object.fromEntries(days.map((day) => [day, hours]));
  const start = formatIsoTime(desk.engine.nowUs);
  const end = formatIsoTime((desk.engine.nowUs + 31_536_000_000_000) as TimestampUs);
  const standard = [{ start_time: start, end_time: end, ...week }];
  return json({ schedule: { standard_hours: standard, maintenance_windows: [] } });
}

/** The words by which markets are asked for, which are not those of their status. */
const STATUS_FILTERS: Readonly<Record<string, readonly string[]>> = {
  unopened: ["initialized"],
  open: ["active"],
  paused: ["inactive"],
  closed: ["closed", "determined"],
  settled: ["finalized"],
};

function listMarkets({ desk, query }: Call): ExchangeAnswer {
  const terms = pageTerms(query);
  const phases = tickersOf(query, "status").flatMap((word) => STATUS_FILTERS[word] ?? []);
  const tickers = tickersOf(query, "tickers");
  const event = query.get("event_ticker") ?? "";
  const series = query.get("series_ticker") ?? "";
  const asked = desk.engine.markets.filter(
    (market) =>
      (phases.length === 0 || phases.includes(market.phase)) &&
      (tickers.length === 0 || tickers.includes(market.ticker)) &&
      (event === "" || market.spec.info.eventTicker === event) &&
      (series === "" || seriesOf(market) === series) &&
      isWithin(query, market.createdUs, ["min_created_ts", "max_created_ts"]) &&
      isWithin(query, market.updatedUs, ["min_updated_ts", null]) &&
      isWithin(query, market.closeUs, ["min_close_ts", "max_close_ts"]) &&
      isWithin(query, market.settledUs, ["min_settled_ts", "max_settled_ts"]),
  );
  const page = pageOfAll(query.get("mve_filter") === "only" ? [] : asked, terms);
  return ok(bodies.markets, { ...page, items: page.items.map((market) => market.record()) });
}

function getMarket({ desk, parameters }: Call): ExchangeAnswer {
  const market = desk.engine.market(parameters[0] ?? "");
  return market === undefined ? marketNotFound() : ok(bodies.market, market.record());
}

function orderbook({ desk, parameters, query }: Call): ExchangeAnswer {
  const market = desk.engine.market(parameters[0] ?? "");
  return market === undefined ? marketNotFound() : ok(bodies.book, best(market, query));
}

const BOOKS_MAX = 100;

function orderbooks({ desk, query }: Call): ExchangeAnswer {
  const tickers = tickersOf(query, "tickers");
  if (tickers.length === 0 || tickers.length > BOOKS_MAX) {
    return badQuery("GetMarketOrderbooks", `tickers must name 1 to ${BOOKS_MAX} markets`);
  }
  const items = tickers.flatMap((ticker) => {
    const market = desk.engine.market(ticker);
    return market === undefined ? [] : [{ ticker, book: best(market, query) }];
  });
  return ok(bodies.books, { items });
}

/** The best levels of each side; all where `depth` is 0. */
function best(market: EngineMarket, query: URLSearchParams): VenueBook {
  const depth = integerOf(query, "depth") ?? 0;
  const { bids, asks } = market.book.view();
  return depth === 0 ? { bids, asks } : { bids: bids.slice(0, depth), asks: asks.slice(0, depth) };
}

function listTrades({ desk, query }: Call): ExchangeAnswer {
  const terms = pageTerms(query);
  const ticker = query.get("ticker") ?? "";
  const isBlock = isSet(query, "is_block_trade");
  const page = pageOf(desk.model.trades, terms, (trade) => {
    const isAsked = (ticker === "" || trade.ticker === ticker) && isWithin(query, trade.createdUs);
    return isAsked && !isBlock ? trade : null;
  });
  return ok(bodies.trades, page);
}

function marketsBy(desk: Desk, keyOf: (market: EngineMarket) => string) {
  const groups = new Map<string, EngineMarket[]>();
  for (const market of desk.engine.markets) {
    const key = keyOf(market);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [market]);
    else group.push(market);
  }
  return groups;
}

function eventTickerOf({ spec }: EngineMarket): string {
  return spec.info.eventTicker;
}

function eventRecord(
  eventTicker: string,
  markets: readonly EngineMarket[],
  isNested: boolean,
): VenueEvent {
  return {
    eventTicker,
    seriesTicker: markets[0]?.spec.info.seriesTicker ?? "",
    title: eventTicker,
    subTitle: "",
    mutuallyExclusive: markets[0]?.spec.isExclusive ?? false,
    collateralReturnType: "",
    strikeUs: null,
    feeTypeOverride: null,
    feeMultiplierOverridePpm: null,
    exchangeIndex: 0,
    markets: isNested ? markets.map((market) => market.record()) : [],
  };
}

function getEvent({ desk, parameters, query }: Call): ExchangeAnswer {
  const eventTicker = parameters[0] ?? "";
  const markets = marketsBy(desk, eventTickerOf).get(eventTicker);
  if (markets === undefined) return marketNotFound();
  const isNested = isSet(query, "with_nested_markets");
  if (isNested) return ok(bodies.event, eventRecord(eventTicker, markets, true));
  const answer = bodies.event.write(eventRecord(eventTicker, markets, false)) as object;
  const page = { items: markets.map((market) => market.record()), cursor: "" };
  const beside = bodies.markets.write(page) as { readonly markets: unknown };
  return json({ ...answer, markets: beside.markets });
}

function listEvents({ desk, query }: Call): ExchangeAnswer {
  const terms = pageTerms(query);
  const series = query.get("series_ticker") ?? "";
  const tickers = tickersOf(query, "tickers");
  const status = query.get("status") ?? "";
  const isNested = isSet(query, "with_nested_markets");
  const events = [...marketsBy(desk, eventTickerOf)]
    .filter(
      ([eventTicker, markets]) =>
        (tickers.length === 0 || tickers.includes(eventTicker)) &&
        (status === "" || eventStatus(markets) === status) &&
        markets.some(({ closeUs }) => isWithin(query, closeUs, ["min_close_ts", null])) &&
        markets.some(({ updatedUs }) => isWithin(query, updatedUs, ["min_updated_ts", null])),
    )
    .map(([eventTicker, markets]) => eventRecord(eventTicker, markets, isNested))
    .filter((event) => series === "" || event.seriesTicker === series);
  return ok(bodies.events, pageOfAll(events, terms));
}

/** An event is open while one of its markets is, paused or not, and settled once all of them are. */
function eventStatus(markets: readonly EngineMarket[]): string {
  const isAny = (...words: readonly string[]): boolean =>
    markets.some(({ phase }) => words.some((word) => STATUS_FILTERS[word]?.includes(phase)));
  if (isAny("open", "paused")) return "open";
  if (isAny("unopened")) return "unopened";
  return isAny("closed") ? "closed" : "settled";
}

function seriesRecord(desk: Desk, ticker: string, markets: readonly EngineMarket[]): VenueSeries {
  const info = markets[0]?.spec.info;
  const fees = info === undefined ? null : feesAt(info, desk.engine.nowUs);
  return {
    ticker,
    title: ticker,
    category: "",
    frequency: "custom",
    feeType: fees?.type ?? "quadratic",
    feeMultiplierPpm: fees?.multiplierPpm ?? 1_000_000,
    exchangeIndex: 0,
  };
}

/** What the official client's description has of a series and nothing here asks for. */
const SERIES_REST = {
  categories: [],
  tags: [],
  settlement_sources: [],
  contract_url: "",
  contract_terms_url: "",
  additional_prohibitions: [],
};

function getSeries({ desk, parameters }: Call): ExchangeAnswer {
  const ticker = parameters[0] ?? "";
  const markets = marketsBy(desk, seriesOf).get(ticker);
  if (markets === undefined) return marketNotFound();
  return json({ series: writtenSeries(seriesRecord(desk, ticker, markets)) });
}

function listSeries({ desk }: Call): ExchangeAnswer {
  const all = [...marketsBy(desk, seriesOf)];
  const series = all.map(([ticker, markets]) => writtenSeries(seriesRecord(desk, ticker, markets)));
  return json({ series });
}

function writtenSeries(series: VenueSeries): object {
  const { series: written } = bodies.series.write(series) as { readonly series: object };
  return { ...written, ...SERIES_REST };
}

function feeChanges({ desk, query }: Call): ExchangeAnswer {
  const asked = query.get("series_ticker") ?? "";
  const isHistorical = isSet(query, "show_historical");
  const items: SeriesFeeChange[] = [];
  for (const [seriesTicker, [market]] of marketsBy(desk, seriesOf)) {
    if (asked !== "" && asked !== seriesTicker) continue;
    for (const { atUs, terms } of market?.spec.info.feeChanges ?? []) {
      if (!isHistorical && atUs <= desk.engine.nowUs) continue;
      const { type: feeType, multiplierPpm: feeMultiplierPpm } = terms;
      items.push({ seriesTicker, feeType, feeMultiplierPpm, scheduledUs: atUs });
    }
  }
  return ok(bodies.seriesFeeChanges, { items });
}

/** Nothing is ever moved away: the cut lies before all that there is. */
function cutoff(): ExchangeAnswer {
  const never = formatIsoTime(0 as TimestampUs);
  return json({
    market_settled_ts: never,
    trades_created_ts: never,
    orders_updated_ts: never,
    market_positions_last_updated_ts: never,
  });
}
