/**
 * The official client of the venue, package `kalshi-typescript`, used as it comes, against the local
 * exchange on real sockets. Its types are those of the venue's own description.
 */
import {
  AccountApi,
  BookSide,
  Configuration,
  type CreateOrderV2Request,
  EventsApi,
  ExchangeApi,
  HistoricalApi,
  MarketApi,
  OrderGroupsApi,
  OrdersApi,
  PortfolioApi,
  SelfTradePreventionType,
} from "kalshi-typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { marketSpec, QUADRATIC } from "./exchange-case.ts";
import { KEY_ID, RSA, ServedCase, TICKER } from "./served-case.ts";

let at: ServedCase;
let configuration: Configuration;

beforeAll(async () => {
  at = await ServedCase.open();
  configuration = new Configuration({
    apiKey: KEY_ID,
    privateKeyPem: RSA.privateKey,
    basePath: at.server.rest,
  });
});

afterAll(() => at.server.close());

let count = 0;

function request(
  side: "bid" | "ask",
  price: string,
  size: string,
  more: Partial<CreateOrderV2Request> = {},
): CreateOrderV2Request {
  count += 1;
  return {
    ticker: TICKER,
    client_order_id: `official-${count}`,
    side: side === "bid" ? BookSide.Bid : BookSide.Ask,
    count: size,
    price,
    time_in_force: "good_till_canceled",
    self_trade_prevention_type: SelfTradePreventionType.TakerAtCross,
    ...more,
  };
}

/** Status and body of a call that must be refused. */
async function refusalOf(call: Promise<unknown>): Promise<[number | undefined, unknown]> {
  try {
    await call;
  } catch (error) {
    const { response } = error as { response?: { status: number; data: unknown } };
    if (response === undefined) throw error;
    return [response.status, response.data];
  }
  throw new Error("the call was not refused");
}

describe("what is public", () => {
  test("status, schedule, markets, events, books", async () => {
    at.crowd("bid", 44, 10);
    at.crowd("ask", 47, 10);
    const exchange = new ExchangeApi(configuration);
    expect((await exchange.getExchangeStatus()).data.trading_active).toBe(true);
    const { schedule } = (await exchange.getExchangeSchedule()).data;
    expect(schedule.standard_hours[0]?.monday).toHaveLength(1);
    const market = new MarketApi(configuration);
    const { data: all } = await market.getMarkets(10, undefined, "KXTEST-26DEC01");
    expect(all.markets.map(({ ticker, status }) => [ticker, status])).toEqual([[TICKER, "active"]]);
    const { data: one } = await market.getMarket(TICKER);
    expect(one.market.yes_bid_dollars).toBe("0.4400");
    const { data: book } = await market.getMarketOrderbook(TICKER, 1);
    expect(book.orderbook_fp).toEqual({
      yes_dollars: [["0.4400", "10.00"]],
      no_dollars: [["0.5300", "10.00"]],
    });
    const { data: books } = await market.getMarketOrderbooks([TICKER]);
    expect(books.orderbooks[0]?.ticker).toBe(TICKER);
    const events = new EventsApi(configuration);
    const { data: event } = await events.getEvent("KXTEST-26DEC01", true);
    expect(event.event.markets?.[0]?.ticker).toBe(TICKER);
    expect((await events.getEvents(5)).data.events[0]?.series_ticker).toBe("KXTEST");
    expect((await market.getSeries("KXTEST")).data.series.fee_type).toBe("quadratic");
  });
});

describe("orders", () => {
  test("an order's whole life: create, get, amend, decrease, queue, cancel", async () => {
    const orders = new OrdersApi(configuration);
    const { data: created, status } = await orders.createOrderV2(request("bid", "0.4300", "5.00"));
    expect(status).toBe(201);
    expect(created).toMatchObject({ fill_count: "0.00", remaining_count: "5.00" });
    const id = created.order_id;
    const amended = await orders.amendOrderV2(id, {
      ticker: TICKER,
      side: BookSide.Bid,
      price: "0.4200",
      count: "6.00",
    });
    expect(amended.data.remaining_count).toBe("6.00");
    const decreased = await orders.decreaseOrderV2(id, { reduce_to: "2.00" });
    expect(decreased.data.remaining_count).toBe("2.00");
    const { data: place } = await orders.getOrderQueuePosition(id);
    expect(place.queue_position_fp).toBe("10.00");
    const { data: places } = await orders.getOrderQueuePositions(TICKER);
    expect(places.queue_positions).toHaveLength(1);
    const { data: resting } = await orders.getOrders(
      TICKER,
      undefined,
      undefined,
      undefined,
      "resting",
    );
    expect(resting.orders.map((order) => order.order_id)).toEqual([id]);
    const cancelled = await orders.cancelOrderV2(id);
    expect(cancelled.data.reduced_by).toBe("2.00");
    const { data: after } = await orders.getOrder(id);
    expect(after.order).toMatchObject({ status: "canceled", remaining_count_fp: "0.00" });
    const again = await refusalOf(orders.cancelOrderV2(id));
    expect(again).toEqual([404, { error: { code: "not_found", message: "not found" } }]);
  });

  test("an order that trades: fill, position, balance", async () => {
    const orders = new OrdersApi(configuration);
    const portfolio = new PortfolioApi(configuration);
    const { data: created } = await orders.createOrderV2(
      request("bid", "0.4700", "3.00", { time_in_force: "immediate_or_cancel" }),
    );
    expect(created).toMatchObject({ fill_count: "3.00", average_fill_price: "0.4700" });
    const { data: fills } = await portfolio.getFills(undefined, created.order_id);
    expect(fills.fills[0]).toMatchObject({ count_fp: "3.00", is_taker: true });
    const { data: positions } = await portfolio.getPositions();
    expect(positions.market_positions[0]).toMatchObject({ ticker: TICKER, position_fp: "3.00" });
    const { data: balance } = await portfolio.getBalance();
    // 100 - 3 x 0.47 - 0.0524 (0.07 x 3 x 0.47 x 0.53 = 0.052311, cash in ten-thousandths).
    expect(balance.balance_dollars).toBe("98.5376");
    const { data: trades } = await new MarketApi(configuration).getTrades(10, undefined, TICKER);
    expect(trades.trades[0]).toMatchObject({ count_fp: "3.00", taker_outcome_side: "yes" });
    expect((await portfolio.getSettlements()).data.settlements).toEqual([]);
    expect((await portfolio.getPortfolioRestingOrderTotalValue()).data).toBeDefined();
  });

  test("batches and cancel all", async () => {
    const orders = new OrdersApi(configuration);
    const { data: created } = await orders.batchCreateOrdersV2({
      orders: [request("bid", "0.2000", "1.00"), request("bid", "0.2050", "1.00")],
    });
    expect(created.orders[1]?.error?.code).toBe("invalid_price");
    const first = created.orders[0]?.order_id ?? "";
    const { data: cancelled } = await orders.batchCancelOrdersV2({ orders: [{ order_id: first }] });
    expect(cancelled.orders[0]?.reduced_by).toBe("1.00");
    await orders.createOrderV2(request("bid", "0.2000", "1.00"));
    const all = await orders.cancelAllOrders();
    expect(all.status).toBe(204);
    const { data } = await orders.getOrders(undefined, undefined, undefined, undefined, "resting");
    expect(data.orders).toEqual([]);
  });

  test("refusals reach it as the venue's", async () => {
    const orders = new OrdersApi(configuration);
    const send = (...args: Parameters<typeof request>) =>
      refusalOf(orders.createOrderV2(request(...args)));
    expect(await send("bid", "0.9900", "500.00")).toEqual([
      400,
      { error: { code: "insufficient_balance", message: "insufficient balance" } },
    ]);
    const cross = await send("bid", "0.4700", "1.00", { post_only: true });
    expect(cross[1]).toMatchObject({ error: { details: "post only cross" } });
    const killed = await send("bid", "0.4700", "99.00", { time_in_force: "fill_or_kill" });
    expect(killed[0]).toBe(409);
  });
});

test("order groups", async () => {
  const groups = new OrderGroupsApi(configuration);
  const orders = new OrdersApi(configuration);
  const { data: created } = await groups.createOrderGroup({ contracts_limit: 5 });
  const id = created.order_group_id;
  await orders.createOrderV2(request("bid", "0.2000", "1.00", { order_group_id: id }));
  expect((await groups.getOrderGroup(id)).data.orders).toHaveLength(1);
  await groups.updateOrderGroupLimit(id, { contracts_limit: 7 });
  expect((await groups.getOrderGroups()).data.order_groups?.[0]?.contracts_limit_fp).toBe("7.00");
  await groups.triggerOrderGroup(id);
  expect((await groups.getOrderGroup(id)).data.orders).toEqual([]);
  await groups.resetOrderGroup(id);
  await groups.deleteOrderGroup(id);
  expect((await refusalOf(groups.getOrderGroup(id)))[0]).toBe(404);
});

test("limits, costs and the reading side's time", async () => {
  const account = new AccountApi(configuration);
  expect((await account.getAccountApiLimits()).data.write.refill_rate).toBe(10_000);
  expect((await account.getAccountEndpointCosts()).data.default_cost).toBe(10);
  const fromMs = Date.now();
  const { data } = await new ExchangeApi(configuration).getUserDataTimestamp();
  const asOfMs = Date.parse(data.as_of_time);
  expect([asOfMs > fromMs - 1_000, asOfMs < Date.now() + 1_000]).toEqual([true, true]);
});

test("what is asked of markets, trades, events and series is what comes", async () => {
  const market = new MarketApi(configuration);
  const none = undefined;
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const of = async (...args: Parameters<typeof market.getMarkets>) =>
    (await market.getMarkets(...args)).data.markets.map(({ ticker }) => ticker);
  const until = (seconds: number) =>
    of(none, none, none, none, none, none, none, nowSeconds + seconds);
  expect(await until(7_200)).toEqual([TICKER]);
  expect(await until(60)).toEqual([]);
  const by = (status: "open" | "settled", tickers?: string, settledFrom?: number) =>
    of(none, none, none, none, none, none, none, none, none, settledFrom, none, status, tickers);
  expect(await by("open", `${TICKER},KXNONE`)).toEqual([TICKER]);
  expect(await by("open", "KXNONE")).toEqual([]);
  expect(await by("open", none, nowSeconds - 1_000)).toEqual([]);
  expect(await by("settled")).toEqual([]);
  expect((await refusalOf(market.getMarket("KXNONE")))[0]).toBe(404);
  expect((await refusalOf(market.getMarkets(1_001)))[1]).toHaveProperty("msg");
  expect((await market.getSeriesList()).data.series).toHaveLength(1);
  const events = new EventsApi(configuration);
  expect((await events.getEventFeeChanges()).data.event_fee_changes).toEqual([]);
  const changes = await new ExchangeApi(configuration).getSeriesFeeChanges("KXTEST", true);
  expect(changes.data.series_fee_change_arr).toEqual([]);
  const past = new HistoricalApi(configuration);
  expect(Date.parse((await past.getHistoricalCutoff()).data.trades_created_ts)).toBe(0);
  expect((await past.getFillsHistorical()).data.fills).toEqual([]);
  expect((await past.getTradesHistorical()).data.trades).toEqual([]);
  expect((await past.getHistoricalOrders()).data.orders).toEqual([]);
});

test("terms of orders: expiry, reduce-only, both ways of self-trade prevention, groups that fill up", async () => {
  const orders = new OrdersApi(configuration);
  const send = async (...args: Parameters<typeof request>) =>
    (await orders.createOrderV2(request(...args))).data;
  const inAnHour = Math.floor(Date.now() / 1_000) + 3_600;
  const expiring = await send("bid", "0.1000", "1.00", { expiration_time: inAnHour });
  const { data: got } = await orders.getOrder(expiring.order_id);
  expect(Date.parse(got.order.expiration_time ?? "")).toBe(inAnHour * 1_000);
  const past = orders.createOrderV2(request("bid", "0.1000", "1.00", { expiration_time: 1 }));
  expect((await refusalOf(past))[0]).toBe(400);
  const mine = await send("ask", "0.4600", "2.00");
  const stopped = await send("bid", "0.4600", "1.00");
  expect(stopped).toMatchObject({ fill_count: "0.00", remaining_count: "0.00" });
  expect((await orders.getOrder(mine.order_id)).data.order.status).toBe("resting");
  const going = await send("bid", "0.4600", "1.00", {
    self_trade_prevention_type: SelfTradePreventionType.Maker,
  });
  expect(going.remaining_count).toBe("1.00");
  expect((await orders.getOrder(mine.order_id)).data.order.status).toBe("canceled");
  await orders.cancelAllOrders();
  // Three contracts are held; no more than these are sold.
  const sold = await send("ask", "0.4400", "5.00", {
    time_in_force: "immediate_or_cancel",
    reduce_only: true,
  });
  expect(sold.fill_count).toBe("3.00");
  const groups = new OrderGroupsApi(configuration);
  const { data: group } = await groups.createOrderGroup({ contracts_limit: 2 });
  const more = { order_group_id: group.order_group_id };
  await send("bid", "0.1000", "4.00", more);
  await send("bid", "0.4700", "2.00", { ...more, time_in_force: "immediate_or_cancel" });
  expect((await groups.getOrderGroup(group.order_group_id)).data.orders).toEqual([]);
  const shut = orders.createOrderV2(request("bid", "0.1000", "1.00", more));
  expect((await refusalOf(shut))[0]).toBe(409);
});

test("pages: every order and every fill once, whatever their size", async () => {
  const orders = new OrdersApi(configuration);
  const portfolio = new PortfolioApi(configuration);
  for (let index = 0; index < 7; index++) {
    await orders.createOrderV2(request("bid", "0.0500", "1.00"));
  }
  const ids = new Set<string>();
  let cursor: string | undefined;
  let pages = 0;
  do {
    const none = undefined;
    const { data } = await orders.getOrders(TICKER, none, none, none, "resting", 3, cursor);
    for (const order of data.orders) ids.add(order.order_id);
    cursor = data.cursor === "" ? undefined : data.cursor;
    pages += 1;
  } while (cursor !== undefined);
  expect([ids.size, pages]).toEqual([7, 3]);
  await orders.cancelAllOrders();
  const { data: all } = await portfolio.getFills(TICKER);
  const { data: first } = await portfolio.getFills(TICKER, undefined, undefined, undefined, 2);
  const { data: rest } = await portfolio.getFills(
    ...([TICKER, undefined, undefined, undefined, 100, first.cursor] as const),
  );
  expect([...first.fills, ...rest.fills]).toEqual(all.fills);
  expect(
    (await portfolio.getPositions(undefined, 1, "position")).data.market_positions,
  ).toHaveLength(1);
});

test("settlement: the position goes, the settlement comes, and the balance has it", async () => {
  const { exchange } = at;
  const info = { ...marketSpec({}, QUADRATIC).info, ticker: "KXTEST-SOON", eventTicker: "KXSOON" };
  const openUs = exchange.nowUs;
  const market = exchange.engine.addMarket(
    marketSpec({
      info,
      openUs,
      closeUs: (openUs + 3_600_000_000) as typeof openUs,
      settlementTimerSeconds: 0,
    }),
  );
  const terms = { market, side: 1 as const, price: 6_000 as never, size: 1_000 as never };
  exchange.engine.crowdQuote(terms);
  exchange.flush();
  const orders = new OrdersApi(configuration);
  const portfolio = new PortfolioApi(configuration);
  await orders.createOrderV2(request("bid", "0.6000", "10.00", { ticker: market.ticker }));
  const open = await portfolio.getPositions(undefined, 100, undefined, market.ticker);
  expect(open.data.market_positions[0]).toMatchObject({
    position_fp: "10.00",
    market_exposure_dollars: "6.000000",
  });
  expect(open.data.event_positions[0]).toMatchObject({ event_ticker: "KXSOON" });
  const before = Number((await portfolio.getBalance()).data.balance_dollars);
  exchange.engine.determine(market, 10_000 as never);
  exchange.advanceTo((exchange.nowUs + 1) as typeof openUs);
  const { data } = await portfolio.getSettlements(10, undefined, market.ticker);
  expect(data.settlements[0]).toMatchObject({
    market_result: "yes",
    yes_count_fp: "10.00",
    revenue: 1_000,
    value: 100,
    // 0.07 x 10 x 0.6 x 0.4
    fee_cost: "0.168000",
  });
  const after = await portfolio.getPositions(undefined, 100, undefined, market.ticker);
  expect(after.data.market_positions).toEqual([]);
  const { balance_dollars: now } = (await portfolio.getBalance()).data;
  expect(Number(now) - before).toBeCloseTo(10, 6);
  const { data: settled } = await new MarketApi(configuration).getMarket(market.ticker);
  expect(settled.market).toMatchObject({ status: "finalized", result: "yes" });
});
