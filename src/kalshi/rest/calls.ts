/**
 * The endpoints as data: what is sent, what it costs, how its answer reads, and whether it may be sent
 * twice. Paths stand below the prefix `/trade-api/v2`.
 * Source: OpenAPI of Kalshi's Trade API 3.30 (package kalshi-typescript); costs as read on 2026-08-15.
 */
import type { TimestampUs } from "../../core/index.ts";
import type { EndpointCosts, ShardTransfer } from "../wire/account.ts";
import { bodies, readBody, writeBody } from "../wire/bodies.ts";
import type { Codec } from "../wire/codec.ts";
import type { HttpRequest } from "../network.ts";
import type { CancelTicket, OrderAmendment, OrderDecrease, OrderTicket } from "../wire/orders.ts";
import type { OrderGroupTicket } from "../wire/portfolio.ts";

export interface Call<T> {
  readonly method: HttpRequest["method"];
  /** The path with its parameters as ":order_id": the name of the endpoint. */
  readonly route: string;
  readonly path: string;
  readonly body: string | null;
  /** Items of a batch: each costs what a single one does. */
  readonly items: number;
  readonly bucket: "read" | "write";
  /** Whether sending it twice does what sending it once does. */
  readonly isRepeatable: boolean;
  /** Goes before others that wait: cancels. */
  readonly isUrgent: boolean;
  readonly isPublic: boolean;
  readonly read: (body: string) => T;
}

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

function queryOf(query: Query): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    value === null || value === undefined || value === ""
      ? []
      : [`${name}=${encoded(String(value))}`],
  );
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** Halves of surrogate pairs, which have no encoding, become the replacement character. */
function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text, "utf8").toString("utf8"));
}

/** Puts parameters, in order, in the places that a route names with a colon. */
function pathOf(route: string, parameters: readonly string[]): string {
  let next = 0;
  return route.replace(/:[a-z_]+/g, () => encoded(parameters[next++] ?? ""));
}

interface CallParts<T> {
  readonly route: string;
  readonly parameters?: readonly string[];
  readonly query?: Query;
  readonly codec: Codec<T>;
  readonly isPublic?: boolean;
}

function get<T>({
  route,
  parameters = [],
  query = {},
  codec,
  isPublic = false,
}: CallParts<T>): Call<T> {
  return {
    method: "GET",
    route,
    path: pathOf(route, parameters) + queryOf(query),
    body: null,
    items: 1,
    bucket: "read",
    isRepeatable: true,
    isUrgent: false,
    isPublic,
    read: (body) => readBody(codec, body, `GET ${route}`),
  };
}

interface WriteParts<T> extends CallParts<T> {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly body: string | null;
  readonly items?: number;
  readonly isRepeatable?: boolean;
  readonly isUrgent?: boolean;
}

function write<T>(parts: WriteParts<T>): Call<T> {
  const { method, route, parameters = [], query = {}, codec, body } = parts;
  return {
    method,
    route,
    path: pathOf(route, parameters) + queryOf(query),
    body,
    items: parts.items ?? 1,
    bucket: "write",
    isRepeatable: parts.isRepeatable ?? false,
    isUrgent: parts.isUrgent ?? false,
    isPublic: false,
    read: (answer) => readBody(codec, answer, `${method} ${route}`),
  };
}

/** For answers of which nothing is asked, an empty body among them. */
function withoutAnswer(call: Call<unknown>): Call<null> {
  return { ...call, read: () => null };
}

const EVENT_ORDERS = "/portfolio/events/orders";

export interface PageQuery extends Query {
  readonly cursor?: string;
  readonly limit?: number;
}

/** What is public, and needs no key. */
const publicCalls = {
  exchangeStatus: () =>
    get({ route: "/exchange/status", codec: bodies.exchangeStatus, isPublic: true }),
  market: (ticker: string) =>
    get({
      route: "/markets/:ticker",
      parameters: [ticker],
      codec: bodies.market,
      isPublic: true,
    }),
  /** Filters as the venue names them, such as `series_ticker`, `tickers`, `status`. */
  markets: (query: PageQuery) =>
    get({ route: "/markets", query, codec: bodies.markets, isPublic: true }),
  event: (eventTicker: string, withMarkets: boolean) =>
    get({
      route: "/events/:event_ticker",
      parameters: [eventTicker],
      query: withMarkets ? { with_nested_markets: true } : {},
      codec: bodies.event,
      isPublic: true,
    }),
  events: (query: PageQuery) =>
    get({ route: "/events", query, codec: bodies.events, isPublic: true }),
  series: (seriesTicker: string) =>
    get({
      route: "/series/:series_ticker",
      parameters: [seriesTicker],
      codec: bodies.series,
      isPublic: true,
    }),
  seriesFeeChanges: (seriesTicker: string) =>
    get({
      route: "/series/fee_changes",
      query: { series_ticker: seriesTicker, show_historical: true },
      codec: bodies.seriesFeeChanges,
      isPublic: true,
    }),
  trades: (query: PageQuery) =>
    get({ route: "/markets/trades", query, codec: bodies.trades, isPublic: true }),
};

/** What an account may read. */
const accountCalls = {
  book: (ticker: string, depth = 0) =>
    get({
      route: "/markets/:ticker/orderbook",
      parameters: [ticker],
      query: { depth },
      codec: bodies.book,
    }),
  accountLimits: () => get({ route: "/account/limits", codec: bodies.accountLimits }),
  endpointCosts: () => get({ route: "/account/endpoint_costs", codec: bodies.endpointCosts }),
  userDataTime: () => get({ route: "/exchange/user_data_timestamp", codec: bodies.userDataTime }),
  balance: (query: Query = {}) =>
    get({ route: "/portfolio/balance", query, codec: bodies.balance }),
  positions: (query: PageQuery) =>
    get({ route: "/portfolio/positions", query, codec: bodies.positions }),
  fills: (query: PageQuery) => get({ route: "/portfolio/fills", query, codec: bodies.fills }),
  settlements: (query: PageQuery) =>
    get({ route: "/portfolio/settlements", query, codec: bodies.settlements }),
  order: (orderId: string) =>
    get({ route: "/portfolio/orders/:order_id", parameters: [orderId], codec: bodies.order }),
  orders: (query: PageQuery) => get({ route: "/portfolio/orders", query, codec: bodies.orders }),
  queuePositions: (query: Query) =>
    get({ route: "/portfolio/orders/queue_positions", query, codec: bodies.queuePositions }),
};

/** What changes orders. Only cancels may be sent twice. */
const orderCalls = {
  createOrder: (ticket: OrderTicket) =>
    write({
      method: "POST",
      route: EVENT_ORDERS,
      codec: bodies.orderCreated,
      body: writeBody(bodies.orderTicket, ticket),
    }),
  createOrders: (tickets: readonly OrderTicket[]) =>
    write({
      method: "POST",
      route: `${EVENT_ORDERS}/batched`,
      codec: bodies.batchCreated,
      body: writeBody(bodies.orderTickets, tickets),
      items: tickets.length,
    }),
  amendOrder: (orderId: string, amendment: OrderAmendment) =>
    write({
      method: "POST",
      route: `${EVENT_ORDERS}/:order_id/amend`,
      parameters: [orderId],
      codec: bodies.orderAmended,
      body: writeBody(bodies.orderAmendment, amendment),
    }),
  decreaseOrder: (orderId: string, decrease: OrderDecrease) =>
    write({
      method: "POST",
      route: `${EVENT_ORDERS}/:order_id/decrease`,
      parameters: [orderId],
      codec: bodies.orderDecreased,
      body: writeBody(bodies.orderDecrease, decrease),
    }),
  cancelOrder: (orderId: string, query: Query = {}) =>
    write({
      method: "DELETE",
      route: `${EVENT_ORDERS}/:order_id`,
      parameters: [orderId],
      query,
      codec: bodies.orderCancelled,
      body: null,
      isRepeatable: true,
      isUrgent: true,
    }),
  cancelOrders: (tickets: readonly CancelTicket[]) =>
    write({
      method: "DELETE",
      route: `${EVENT_ORDERS}/batched`,
      codec: bodies.batchCancelled,
      body: writeBody(bodies.cancelTickets, tickets),
      items: tickets.length,
      isRepeatable: true,
      isUrgent: true,
    }),
  /** Also cancels what is placed within the next minute, the venue says. */
  cancelAllOrders: (query: Query = {}) =>
    withoutAnswer(
      write({
        method: "DELETE",
        route: EVENT_ORDERS,
        query,
        codec: bodies.orderCancelled,
        body: null,
        isRepeatable: true,
        isUrgent: true,
      }),
    ),
};

const GROUPS = "/portfolio/order_groups";

/** Order groups, and cash between shards. */
const groupCalls = {
  orderGroups: () => get({ route: GROUPS, codec: bodies.orderGroups }),
  orderGroup: (id: string) =>
    get({ route: `${GROUPS}/:order_group_id`, parameters: [id], codec: bodies.orderGroup }),
  createOrderGroup: (ticket: OrderGroupTicket) =>
    write({
      method: "POST",
      route: `${GROUPS}/create`,
      codec: bodies.orderGroupCreated,
      body: writeBody(bodies.orderGroupTicket, ticket),
    }),
  /** `trigger` cancels the group's orders and refuses new ones until `reset`. */
  changeOrderGroup: (id: string, change: "trigger" | "reset") =>
    withoutAnswer(
      write({
        method: "PUT",
        route: `${GROUPS}/:order_group_id/${change}`,
        parameters: [id],
        codec: bodies.orderGroup,
        body: "{}",
        isRepeatable: true,
        isUrgent: change === "trigger",
      }),
    ),
  /** Billed to the read bucket, as all that is no order. */
  transferBetweenShards: (transfer: ShardTransfer): Call<string> => ({
    ...write({
      method: "POST",
      route: "/portfolio/intra_exchange_instance_transfer",
      codec: bodies.shardTransferred,
      body: writeBody(bodies.shardTransfer, transfer),
    }),
    bucket: "read",
  }),
};

/** What every `createOrder` has in common. */
export const ORDER_CREATION = { method: "POST", path: EVENT_ORDERS } as const;

/** Every endpoint that is spoken, as a call to be sent. */
export const calls = { ...publicCalls, ...accountCalls, ...orderCalls, ...groupCalls };

/** What calls cost as long as the venue has not told. */
export const FORMER_COSTS: EndpointCosts = {
  defaultCost: 10,
  costs: [
    { method: "DELETE", path: `${EVENT_ORDERS}/:order_id`, cost: 2 },
    { method: "DELETE", path: `${EVENT_ORDERS}/batched`, cost: 2 },
    { method: "DELETE", path: EVENT_ORDERS, cost: 2 },
    { method: "GET", path: "/portfolio/orders/:order_id", cost: 2 },
  ],
};

/** Tokens by endpoint. */
export class CostTable {
  readonly #costs = new Map<string, number>();
  readonly #defaultCost: number;

  /** `prefix` stands before the paths of a table that the venue told. */
  constructor({ defaultCost, costs }: EndpointCosts, prefix: string) {
    this.#defaultCost = defaultCost;
    for (const { method, path, cost } of costs) {
      const route = path.startsWith(prefix) ? path.slice(prefix.length) : path;
      this.#costs.set(`${method} ${nameless(route)}`, cost);
    }
  }

  of(call: Call<unknown>): number {
    const cost = this.#costs.get(`${call.method} ${nameless(call.route)}`);
    return (cost ?? this.#defaultCost) * call.items;
  }
}

/** Parameters have other names here and there. */
function nameless(route: string): string {
  return route.replace(/:[A-Za-z_]+/g, ":");
}

/** Seconds for the venue's `min_ts`, rounded down. */
export function queryTime(atUs: TimestampUs): number {
  return Math.floor(atUs / 1_000_000);
}
