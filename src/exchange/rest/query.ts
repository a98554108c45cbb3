/**
 * What the parameters of queries may be: one table of all endpoints that read them. A parameter that
 * is empty counts as left out, and one that an endpoint does not know is not looked at, as the venue
 * does. Source: the parameters of `kalshi-typescript` 3.30.
 */
import { badQuery, type ExchangeAnswer } from "./request.ts";

/** What is wrong with a parameter's text, or null. */
type Term = (text: string, name: string) => string | null;

interface QueryTerms {
  /** The venue's name of the endpoint. */
  readonly operation: string;
  readonly terms: Readonly<Record<string, Term>>;
}

/** The texts of true and false, as the venue's language reads them. */
const TRUE_WORDS = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE_WORDS = ["0", "f", "F", "FALSE", "false", "False"];

/** An integer of 64 bits, as decimal digits. */
function isInteger(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

function integer(text: string, name: string): string | null {
  return isInteger(text) ? null : `${name} must be an integer`;
}

function flag(text: string, name: string): string | null {
  const isFlag = TRUE_WORDS.includes(text) || FALSE_WORDS.includes(text);
  return isFlag ? null : `${name} must be true or false`;
}

function within(least: number, most: number): Term {
  const bounds = least === most ? String(least) : `between ${least} and ${most}`;
  return (text, name) => {
    const isWithin = isInteger(text) && Number(text) >= least && Number(text) <= most;
    return isWithin ? null : `${name} must be ${bounds}`;
  };
}

function oneOf(...words: string[]): Term {
  return (text, name) =>
    words.includes(text) ? null : `invalid ${name.replace(/_filter$/, "")} filter`;
}

/** Several words with commas between them. */
function someOf(...words: string[]): Term {
  const one = oneOf(...words);
  return (text, name) => {
    const given = text.split(",").filter((word) => word !== "");
    return given.map((word) => one(word, name)).find((wrong) => wrong !== null) ?? null;
  };
}

const PAGE = { limit: within(1, 1_000) };
const TIMES = { min_ts: integer, max_ts: integer };
/** There is one account and one shard; -1 leaves the shard to the exchange. */
const SUBACCOUNT = { subaccount: within(0, 0) };
const SHARD = { ...SUBACCOUNT, exchange_index: within(-1, 0) };

const QUERIES: Readonly<Record<string, QueryTerms>> = {
  "/markets": {
    operation: "GetMarkets",
    terms: {
      ...PAGE,
      status: someOf("unopened", "open", "paused", "closed", "settled"),
      mve_filter: oneOf("only", "exclude"),
      min_created_ts: integer,
      max_created_ts: integer,
      min_updated_ts: integer,
      min_close_ts: integer,
      max_close_ts: integer,
      min_settled_ts: integer,
      max_settled_ts: integer,
    },
  },
  "/markets/trades": {
    operation: "GetTrades",
    terms: { ...PAGE, ...TIMES, is_block_trade: flag },
  },
  "/markets/orderbooks": {
    operation: "GetMarketOrderbooks",
    terms: { depth: within(0, 100) },
  },
  "/markets/:ticker/orderbook": {
    operation: "GetMarketOrderbook",
    terms: { depth: within(0, 100) },
  },
  "/events": {
    operation: "GetEvents",
    terms: {
      limit: within(1, 200),
      with_nested_markets: flag,
      with_milestones: flag,
      status: oneOf("unopened", "open", "closed", "settled"),
      min_close_ts: integer,
      min_updated_ts: integer,
    },
  },
  "/events/fee_changes": { operation: "GetEventFeeChanges", terms: PAGE },
  "/events/:event_ticker": { operation: "GetEvent", terms: { with_nested_markets: flag } },
  "/series": {
    operation: "GetSeriesList",
    terms: { include_product_metadata: flag, include_volume: flag, min_updated_ts: integer },
  },
  "/series/fee_changes": {
    operation: "GetSeriesFeeChanges",
    terms: { show_historical: flag },
  },
  "/series/:series_ticker": { operation: "GetSeries", terms: { include_volume: flag } },
  "/historical/markets": {
    operation: "GetHistoricalMarkets",
    terms: { ...PAGE, mve_filter: oneOf("exclude") },
  },
  "/historical/trades": {
    operation: "GetTradesHistorical",
    terms: { ...PAGE, ...TIMES, is_block_trade: flag },
  },
  "/historical/orders": { operation: "GetHistoricalOrders", terms: { ...PAGE, ...TIMES } },
  "/historical/fills": { operation: "GetFillsHistorical", terms: { ...PAGE, ...TIMES } },
  "/historical/positions": {
    operation: "GetHistoricalPositions",
    terms: { ...PAGE, ...SUBACCOUNT },
  },
  "/portfolio/balance": { operation: "GetBalance", terms: SHARD },
  "/portfolio/positions": {
    operation: "GetPositions",
    terms: { ...PAGE, ...SHARD, count_filter: someOf("position", "total_traded") },
  },
  "/portfolio/fills": { operation: "GetFills", terms: { ...PAGE, ...TIMES, ...SHARD } },
  "/portfolio/settlements": {
    operation: "GetSettlements",
    terms: { ...PAGE, ...TIMES, ...SUBACCOUNT },
  },
  "/portfolio/deposits": { operation: "GetDeposits", terms: PAGE },
  "/portfolio/withdrawals": { operation: "GetWithdrawals", terms: PAGE },
  "/portfolio/orders": {
    operation: "GetOrders",
    terms: { ...PAGE, ...TIMES, ...SHARD, status: oneOf("resting", "canceled", "executed") },
  },
  "/portfolio/orders/queue_positions": {
    operation: "GetOrderQueuePositions",
    terms: SUBACCOUNT,
  },
  "/portfolio/order_groups": { operation: "GetOrderGroups", terms: SUBACCOUNT },
  "/portfolio/order_groups/:order_group_id": { operation: "GetOrderGroup", terms: SUBACCOUNT },
};

/** The answer that refuses a query at an endpoint, by the endpoint's path; null where all is well. */
export function refusalOf(path: string, query: URLSearchParams): ExchangeAnswer | null {
  const known = QUERIES[path];
  if (known === undefined) return null;
  for (const [name, term] of Object.entries(known.terms)) {
    for (const text of query.getAll(name)) {
      const wrong = text === "" ? null : term(text, name);
      if (wrong !== null) return badQuery(known.operation, wrong);
    }
  }
  return null;
}

/** An integer of a query that has been looked through; null where it is left out. */
export function integerOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name) ?? "";
  return text === "" ? null : Number(text);
}

export function isSet(query: URLSearchParams, name: string): boolean {
  return TRUE_WORDS.includes(query.get(name) ?? "");
}
