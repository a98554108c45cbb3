/** Endpoints that change orders, and those that tell of them. */
import { type Lots, LOTS_PER_CONTRACT } from "../../core/index.ts";
import {
  type BatchCreated,
  bodies,
  type OrderCancelled,
  type OrderGroupTicket,
  type OrderTicket,
  type VenueOrder,
} from "../../kalshi/index.ts";
import type { Done } from "../engine/order-desk.ts";
import type { OrderGroupState } from "../engine/order-groups.ts";
import { refuse, type Refusal } from "../engine/refusal.ts";
import { pageOf, pageTerms } from "./paging.ts";
import {
  badQuery,
  bodyOf,
  DONE,
  type ExchangeAnswer,
  faultOf,
  nested,
  NO_CONTENT,
  ok,
  refused,
} from "./request.ts";
import { eventOf, isWithin, own, type OwnCall, type Route, tickersOf } from "./route.ts";

const EVENT_ORDERS = "/portfolio/events/orders";
const GROUPS = "/portfolio/order_groups";
const CANCEL_COST = 2;

const writes = { bucket: "write" } as const;
const cancels = { bucket: "write", cost: CANCEL_COST } as const;

export const ORDER_ROUTES: readonly Route[] = [
  own("POST", EVENT_ORDERS, createOrder, writes),
  own("POST", `${EVENT_ORDERS}/batched`, createOrders, { ...writes, isBatch: true }),
  own("DELETE", `${EVENT_ORDERS}/batched`, cancelOrders, { ...cancels, isBatch: true }),
  own("DELETE", EVENT_ORDERS, cancelAll, cancels),
  own("POST", `${EVENT_ORDERS}/:order_id/amend`, amendOrder, writes),
  own("POST", `${EVENT_ORDERS}/:order_id/decrease`, decreaseOrder, writes),
  own("DELETE", `${EVENT_ORDERS}/:order_id`, cancelOrder, cancels),
  own("GET", "/portfolio/orders/queue_positions", queuePositions),
  own("GET", "/portfolio/orders/:order_id", getOrder, { cost: CANCEL_COST }),
  own("GET", "/portfolio/orders/:order_id/queue_position", queuePosition),
  own("GET", "/portfolio/orders", listOrders),
  own("POST", `${GROUPS}/create`, createGroup, writes),
  own("GET", GROUPS, listGroups),
  own("GET", `${GROUPS}/:order_group_id`, getGroup),
  own("PUT", `${GROUPS}/:order_group_id/reset`, changeGroup("resetGroup"), writes),
  own("PUT", `${GROUPS}/:order_group_id/trigger`, changeGroup("triggerGroup"), writes),
  own("PUT", `${GROUPS}/:order_group_id/limit`, limitGroup, writes),
  own("DELETE", `${GROUPS}/:order_group_id`, changeGroup("deleteGroup"), writes),
  // The former ways to change orders, switched off in June 2026.
  own("POST", "/portfolio/orders", gone),
  own("POST", "/portfolio/orders/batched", gone),
  own("DELETE", "/portfolio/orders/batched", gone),
  own("DELETE", "/portfolio/orders/:order_id", gone),
  own("POST", "/portfolio/orders/:order_id/amend", gone),
  own("POST", "/portfolio/orders/:order_id/decrease", gone),
];

function gone(): ExchangeAnswer {
  const code = "deprecated_v1_order_endpoint";
  return nested(410, code, code.replaceAll("_", " "), `use ${EVENT_ORDERS}`);
}

function createOrder({ desk, member, request }: OwnCall): ExchangeAnswer {
  const body = bodyOf(bodies.orderTicket, request);
  if ("status" in body) return body;
  const done = desk.engine.create(member.account, body.value);
  return done.kind === "refused" ? refused(done) : ok(bodies.orderCreated, done, 201);
}

function createOrders({ desk, member, request }: OwnCall): ExchangeAnswer {
  const body = bodyOf(bodies.orderTickets, request);
  if ("status" in body) return body;
  if (body.value.length === 0) return refused(refuse("invalid_order", "no orders"));
  const entries = body.value.map((ticket) =>
    createdEntry(ticket, desk.engine.create(member.account, ticket)),
  );
  return ok(bodies.batchCreated, entries, 201);
}

function createdEntry(ticket: OrderTicket, done: Done | Refusal): BatchCreated {
  if (done.kind === "done") return { ...done, fault: null };
  return {
    orderId: null,
    clientOrderId: ticket.clientOrderId,
    filled: null,
    remaining: null,
    averagePrice: null,
    averageFee: null,
    atUs: null,
    fault: faultOf(done),
  };
}

function amendOrder({ desk, member, parameters, request }: OwnCall): ExchangeAnswer {
  const body = bodyOf(bodies.orderAmendment, request);
  if ("status" in body) return body;
  const done = desk.engine.amend(member.account, parameters[0] ?? "", body.value);
  return done.kind === "refused" ? refused(done) : ok(bodies.orderAmended, done);
}

function decreaseOrder({ desk, member, parameters, request }: OwnCall): ExchangeAnswer {
  const body = bodyOf(bodies.orderDecrease, request);
  if ("status" in body) return body;
  const done = desk.engine.decrease(member.account, parameters[0] ?? "", body.value);
  return done.kind === "refused" ? refused(done) : ok(bodies.orderDecreased, done);
}

function cancelOrder({ desk, member, parameters }: OwnCall): ExchangeAnswer {
  const done = desk.engine.cancel(member.account, parameters[0] ?? "");
  if (done.kind === "refused") return refused(done);
  return ok(bodies.orderCancelled, cancelled(done));
}

function cancelOrders({ desk, member, request }: OwnCall): ExchangeAnswer {
  const body = bodyOf(bodies.cancelTickets, request);
  if ("status" in body) return body;
  const entries = body.value.map(({ orderId }): OrderCancelled => {
    const done = desk.engine.cancel(member.account, orderId);
    if (done.kind === "done") return cancelled(done);
    const none = 0 as Lots;
    return { orderId, clientOrderId: null, reducedBy: none, atUs: null, fault: faultOf(done) };
  });
  return ok(bodies.batchCancelled, entries);
}

/** The demo exchange leaves the client's id out of answers to cancels. */
function cancelled({ orderId, reducedBy, atUs }: Done): OrderCancelled {
  return { orderId, clientOrderId: null, reducedBy, atUs, fault: null };
}

function cancelAll({ desk, member }: OwnCall): ExchangeAnswer {
  const refusal = desk.engine.cancelAll(member.account);
  return refusal === null ? NO_CONTENT : refused(refusal);
}

function getOrder({ view, parameters }: OwnCall): ExchangeAnswer {
  const order = view.order(parameters[0] ?? "");
  return order === undefined ? refused(refuse("not_found")) : ok(bodies.order, order);
}

function listOrders({ desk, view, query }: OwnCall): ExchangeAnswer {
  const terms = pageTerms(query);
  const status = query.get("status") ?? "";
  const ticker = query.get("ticker") ?? "";
  const events = tickersOf(query, "event_ticker");
  const isAsked = (order: VenueOrder): boolean =>
    (ticker === "" || order.ticker === ticker) &&
    (status === "" || order.status === status) &&
    (events.length === 0 || events.includes(eventOf(desk, order.ticker))) &&
    isWithin(query, order.createdUs);
  const page = pageOf(view.orderIds, terms, (id) => {
    const order = view.order(id);
    return order !== undefined && isAsked(order) ? order : null;
  });
  return ok(bodies.orders, page);
}

function queuePosition({ desk, member, parameters }: OwnCall): ExchangeAnswer {
  const ahead = desk.engine.queuePosition(member.account, parameters[0] ?? "");
  return typeof ahead === "number" ? ok(bodies.queuePosition, ahead) : refused(ahead);
}

function queuePositions({ desk, member, query }: OwnCall): ExchangeAnswer {
  const tickers = tickersOf(query, "market_tickers");
  const events = tickersOf(query, "event_ticker");
  if (tickers.length === 0 && events.length === 0) {
    return badQuery("GetOrderQueuePositions", "market_tickers or event_ticker is required");
  }
  const items = desk.engine
    .queuePositions(member.account)
    .filter(({ ticker }) => tickers.includes(ticker) || events.includes(eventOf(desk, ticker)));
  return ok(bodies.queuePositions, { items });
}

/** A ticket's limit in lots; null where it gives none, or two that differ. */
function limitOf({ limit, whole }: OrderGroupTicket): Lots | null {
  const wholeLots = whole === null ? null : ((whole * LOTS_PER_CONTRACT) as Lots);
  if (limit === null || wholeLots === null) return limit ?? wholeLots;
  return limit === wholeLots ? limit : null;
}

const BAD_LIMIT = refuse("invalid_order", "one contracts_limit is required");

function createGroup({ desk, member, request }: OwnCall): ExchangeAnswer {
  const body = bodyOf(bodies.orderGroupTicket, request);
  if ("status" in body) return body;
  const limit = limitOf(body.value);
  if (limit === null) return refused(BAD_LIMIT);
  const group = desk.engine.createGroup(member.account, limit);
  if ("kind" in group) return refused(group);
  const { orderGroupId } = group;
  return ok(bodies.orderGroupCreated, { orderGroupId, subaccount: 0, exchangeIndex: 0 }, 201);
}

function limitGroup({ desk, member, parameters, request }: OwnCall): ExchangeAnswer {
  const body = bodyOf(bodies.orderGroupTicket, request);
  if ("status" in body) return body;
  const limit = limitOf(body.value);
  if (limit === null) return refused(BAD_LIMIT);
  const refusal = desk.engine.limitGroup(member.account, parameters[0] ?? "", limit);
  return refusal === null ? DONE : refused(refusal);
}

function changeGroup(change: "resetGroup" | "triggerGroup" | "deleteGroup") {
  return ({ desk, member, parameters }: OwnCall): ExchangeAnswer => {
    const refusal = desk.engine[change](member.account, parameters[0] ?? "");
    return refusal === null ? DONE : refused(refusal);
  };
}

function listGroups({ member }: OwnCall): ExchangeAnswer {
  const items = [...member.account.groups.values()].map(({ orderGroupId, limit }) => ({
    orderGroupId,
    limit,
    isAutoCancelEnabled: true,
    exchangeIndex: 0,
  }));
  return ok(bodies.orderGroups, { items });
}

function getGroup({ member, parameters }: OwnCall): ExchangeAnswer {
  const group: OrderGroupState | undefined = member.account.groups.get(parameters[0] ?? "");
  if (group === undefined) return refused(refuse("order_group_not_found"));
  const orders = [...group.orders].map(({ orderId }) => orderId);
  const { limit } = group;
  const details = { limit, isAutoCancelEnabled: true, orders, exchangeIndex: 0 };
  return ok(bodies.orderGroup, details);
}
