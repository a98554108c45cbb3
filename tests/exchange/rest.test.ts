/** Requests and answers against the venue's documented and captured ones. */
import { generateKeyPairSync, constants, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { TimestampUs } from "../../src/core/index.ts";
import { textToSign } from "../../src/kalshi/index.ts";
import { START_US, TICKER } from "./exchange-case.ts";
import { KEY_ID, pemOf, PREFIX, RestCase, signatureOf, signedBy, toldOf } from "./rest-case.ts";

const ORDERS = "/portfolio/events/orders";

describe("signatures", () => {
  /** Asks for the balance with headers of the test's own. */
  function withHeaders(at: RestCase, headers: Record<string, string>) {
    let handling: Parameters<typeof toldOf>[0];
    const request = { method: "GET", path: `${PREFIX}/portfolio/balance?x=1`, headers, body: "" };
    at.exchange.request(request, at.exchange.nowUs, (told) => {
      handling = told;
    });
    return toldOf(handling);
  }
  const signed = (offsetMs = 0, keyId = KEY_ID) =>
    signedBy(START_US + offsetMs * 1_000, "GET", `${PREFIX}/portfolio/balance`, keyId);
  const failure = (details: string) => ({
    status: 401,
    body: { error: { code: "authentication_error", message: "authentication_error", details } },
  });

  test("a signed request is answered, whatever its query", () => {
    expect(withHeaders(new RestCase(), signed()).status).toBe(200);
  });

  test("a wrong signature, an unknown key, a missing header: as captured", () => {
    const at = new RestCase();
    const wrong = { ...signed(), "kalshi-access-signature": signatureOf("something else") };
    expect(withHeaders(at, wrong)).toEqual(failure("INCORRECT_API_KEY_SIGNATURE"));
    expect(withHeaders(at, signed(0, "nobody"))).toEqual(failure("NOT_FOUND"));
    expect(withHeaders(at, {})).toEqual({
      status: 401,
      body: {
        error: {
          code: "signature_is_missing_from_headers",
          message: "signature is missing from headers",
        },
      },
    });
    for (const hostile of ["", "*", "A".repeat(100_000), "\u0000", "e30="]) {
      expect(withHeaders(at, { ...signed(), "kalshi-access-signature": hostile }).status).toBe(401);
    }
  });

  test.each([
    [-9_000, 200],
    [-11_000, 401],
    [29_000, 200],
    [31_000, 401],
  ])("a time that is %i ms off gives status %i", (offsetMs, status) => {
    expect(withHeaders(new RestCase(), signed(offsetMs)).status).toBe(status);
  });

  test("a request signed for another method or path is refused", () => {
    const at = new RestCase();
    const other = signedBy(START_US, "GET", `${PREFIX}/portfolio/fills`);
    expect(withHeaders(at, other).status).toBe(401);
  });

  test("RSA keys sign with PSS and a salt of 32 bytes; PKCS#1 v1.5 is refused", () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const at = new RestCase({ pem: pemOf(publicKey) });
    const text = textToSign(String(START_US / 1_000), "GET", `${PREFIX}/portfolio/balance`);
    const by = (padding: number) => {
      const key = { key: privateKey, padding, saltLength: 32 };
      const signature = sign("sha256", Buffer.from(text), key).toString("base64");
      return withHeaders(at, { ...signed(), "kalshi-access-signature": signature }).status;
    };
    expect(by(constants.RSA_PKCS1_PSS_PADDING)).toBe(200);
    expect(by(constants.RSA_PKCS1_PADDING)).toBe(401);
  });
});

describe("orders", () => {
  test("a resting order: answer, order object, cancel, and the second cancel", () => {
    const at = new RestCase();
    const created = at.order("bid", "0.4300", "5.00", { client_order_id: "c-1" });
    const orderId = created.body["order_id"] as string;
    expect(created).toEqual({
      status: 201,
      body: {
        order_id: orderId,
        client_order_id: "c-1",
        fill_count: "0.00",
        remaining_count: "5.00",
        ts_ms: START_US / 1_000,
      },
    });
    const time = new Date(START_US / 1_000).toISOString().replace(".000Z", "Z");
    expect(at.ask("GET", `/portfolio/orders/${orderId}`)).toEqual({
      status: 200,
      body: {
        order: {
          order_id: orderId,
          user_id: "user-1",
          client_order_id: "c-1",
          ticker: TICKER,
          outcome_side: "yes",
          book_side: "bid",
          side: "yes",
          action: "buy",
          type: "limit",
          status: "resting",
          yes_price_dollars: "0.4300",
          no_price_dollars: "0.5700",
          initial_count_fp: "5.00",
          fill_count_fp: "0.00",
          remaining_count_fp: "5.00",
          taker_fill_cost_dollars: "0.000000",
          maker_fill_cost_dollars: "0.000000",
          taker_fees_dollars: "0.000000",
          maker_fees_dollars: "0.000000",
          created_time: time,
          last_update_time: time,
          expiration_time: null,
          self_trade_prevention_type: "taker_at_cross",
          order_group_id: null,
          cancel_order_on_pause: false,
          subaccount_number: 0,
          exchange_index: 0,
        },
      },
    });
    expect(at.ask("DELETE", `${ORDERS}/${orderId}?subaccount=0`)).toEqual({
      status: 200,
      body: { order_id: orderId, reduced_by: "5.00", ts_ms: START_US / 1_000 },
    });
    expect(at.ask("DELETE", `${ORDERS}/${orderId}`)).toEqual({
      status: 404,
      body: { error: { code: "not_found", message: "not found" } },
    });
    const after = at.ask("GET", `/portfolio/orders/${orderId}`).body["order"];
    expect(after).toMatchObject({ status: "canceled", remaining_count_fp: "0.00" });
  });

  test("an order that trades tells its averages; the captured fee of 1 at 0.52", () => {
    const at = new RestCase();
    at.crowd("ask", "0.5200", "3.00");
    const ioc = { time_in_force: "immediate_or_cancel" };
    const { body } = at.order("bid", "0.9900", "1.00", ioc);
    expect(body).toMatchObject({
      fill_count: "1.00",
      remaining_count: "0.00",
      average_fill_price: "0.5200",
      average_fee_paid: "0.0175",
    });
    const fills = at.ask("GET", "/portfolio/fills").body["fills"] as Record<string, unknown>[];
    expect(fills).toMatchObject([
      {
        order_id: body["order_id"],
        ticker: TICKER,
        market_ticker: TICKER,
        count_fp: "1.00",
        yes_price_dollars: "0.5200",
        is_taker: true,
        fee_cost: "0.017500",
        book_side: "bid",
      },
    ]);
    expect(fills[0]?.["fill_id"]).toBe(fills[0]?.["trade_id"]);
    expect(fills[0]).not.toHaveProperty("client_order_id");
    expect(at.ask("GET", "/portfolio/balance").body).toEqual({
      balance: 9946,
      balance_dollars: "99.4625",
      portfolio_value: 52,
      updated_ts: START_US / 1_000_000,
      balance_breakdown: [{ exchange_index: 0, balance: "99.4625" }],
    });
    expect(at.ask("GET", "/portfolio/positions").body).toMatchObject({
      cursor: "",
      market_positions: [
        {
          ticker: TICKER,
          position_fp: "1.00",
          total_traded_dollars: "0.520000",
          market_exposure_dollars: "0.520000",
          fees_paid_dollars: "0.017500",
          realized_pnl_dollars: "0.000000",
        },
      ],
      event_positions: [{ event_ticker: "KXTEST-26DEC01", total_cost_shares_fp: "1.00" }],
    });
  });

  test("amend and decrease", () => {
    const at = new RestCase();
    const orderId = at.order("bid", "0.4300", "5.00").body["order_id"] as string;
    const amended = at.ask("POST", `${ORDERS}/${orderId}/amend`, {
      ticker: TICKER,
      side: "bid",
      price: "0.4400",
      count: "4.00",
    });
    expect(amended).toMatchObject({
      status: 200,
      body: { order_id: orderId, remaining_count: "4.00", fill_count: "0.00" },
    });
    const decreased = at.ask("POST", `${ORDERS}/${orderId}/decrease`, { reduce_by: "1.00" });
    expect(decreased).toMatchObject({ status: 200, body: { remaining_count: "3.00" } });
    const both = { reduce_by: "1.00", reduce_to: "1.00" };
    expect(at.ask("POST", `${ORDERS}/${orderId}/decrease`, both).status).toBe(400);
  });

  test("batches: each item for itself", () => {
    const at = new RestCase({ limits: RICH });
    const orders = [
      at.ticket("bid", "0.4300", "1.00", { client_order_id: "a" }),
      at.ticket("bid", "0.4350", "1.00", { client_order_id: "b" }),
      at.ticket("bid", "0.4300", "1.00", { client_order_id: "a" }),
    ];
    const created = at.ask("POST", `${ORDERS}/batched`, { orders });
    expect(created).toMatchObject({
      status: 201,
      body: {
        orders: [
          { client_order_id: "a", remaining_count: "1.00" },
          { client_order_id: "b", error: { code: "invalid_price" } },
          { client_order_id: "a", error: { code: "order_already_exists" } },
        ],
      },
    });
    const [first] = created.body["orders"] as { order_id: string }[];
    const ids = [first?.order_id, "nothing"].map((order_id) => ({ order_id }));
    expect(at.ask("DELETE", `${ORDERS}/batched`, { orders: ids }).body).toMatchObject({
      orders: [{ reduced_by: "1.00" }, { order_id: "nothing", error: { code: "not_found" } }],
    });
  });

  test("cancel all answers 204 without a body", () => {
    const at = new RestCase();
    at.order("bid", "0.4300", "1.00");
    at.order("ask", "0.6300", "1.00");
    expect(at.ask("DELETE", ORDERS)).toEqual({ status: 204, body: {} });
    const { body } = at.ask("GET", "/portfolio/orders?status=resting");
    expect(body).toEqual({ orders: [], cursor: "" });
  });

  test("places in the queue count what trades before", () => {
    const at = new RestCase();
    at.crowd("bid", "0.4400", "7.00");
    at.crowd("bid", "0.4300", "2.00");
    const orderId = at.order("bid", "0.4300", "1.00").body["order_id"] as string;
    expect(at.ask("GET", `/portfolio/orders/${orderId}/queue_position`).body).toEqual({
      queue_position_fp: "9.00",
    });
    const all = at.ask("GET", `/portfolio/orders/queue_positions?market_tickers=${TICKER}`);
    expect(all.body).toEqual({
      queue_positions: [{ order_id: orderId, market_ticker: TICKER, queue_position_fp: "9.00" }],
    });
  });

  test("order groups by their endpoints", () => {
    const at = new RestCase({ limits: RICH });
    const groups = "/portfolio/order_groups";
    const created = at.ask("POST", `${groups}/create`, { contracts_limit: 10 });
    expect(created.status).toBe(201);
    const id = created.body["order_group_id"] as string;
    const order = at.order("bid", "0.4300", "1.00", { order_group_id: id });
    expect(at.ask("GET", `${groups}/${id}`).body).toEqual({
      is_auto_cancel_enabled: true,
      contracts_limit_fp: "10.00",
      orders: [order.body["order_id"]],
      exchange_index: 0,
    });
    expect(at.ask("PUT", `${groups}/${id}/trigger`, {}).status).toBe(200);
    expect(at.order("bid", "0.4300", "1.00", { order_group_id: id }).status).toBe(409);
    expect(at.ask("PUT", `${groups}/${id}/reset`, {}).status).toBe(200);
    expect(at.ask("PUT", `${groups}/${id}/limit`, { contracts_limit_fp: "5.00" }).status).toBe(200);
    expect(at.ask("DELETE", `${groups}/${id}`).status).toBe(200);
    expect(at.ask("GET", groups).body).toEqual({ order_groups: [] });
  });
});

const RICH = {
  tier: "prime",
  read: { refillPerSecond: 4_000, capacity: 4_000 },
  write: { refillPerSecond: 4_000, capacity: 4_000 },
};

describe("refusals, as captured", () => {
  const nested = (code: string, details?: string) => ({
    error: { code, message: code.replaceAll("_", " "), ...(details && { details }) },
  });

  test.each([
    [400, nested("insufficient_balance"), ["bid", "0.9900", "200.00"]],
    [400, nested("invalid_price"), ["bid", "0.4350", "1.00"]],
    [400, nested("invalid_price"), ["bid", "1.5000", "1.00"]],
    [400, nested("invalid_price"), ["bid", "0.43001", "1.00"]],
    [400, nested("invalid_order_size"), ["bid", "0.4300", "0.00"]],
    [400, nested("invalid_order_size"), ["bid", "0.4300", "0.001"]],
    [400, nested("invalid_order", "post only cross"), ["bid", "0.5200", "1.00", "post"]],
    [409, nested("fill_or_kill_insufficient_resting_volume"), ["bid", "0.5200", "9.00", "fok"]],
    [409, nested("order_already_exists"), ["bid", "0.4300", "1.00", "again"]],
  ])("%i %j", (status, body, [side, price, count, how]) => {
    const at = new RestCase();
    at.crowd("ask", "0.5200", "1.00");
    at.order("bid", "0.0100", "1.00", { client_order_id: "used" });
    const more = {
      ...(how === "post" && { post_only: true }),
      ...(how === "fok" && { time_in_force: "fill_or_kill" }),
      ...(how === "again" && { client_order_id: "used" }),
    };
    const told = at.order(side as "bid", price as string, count as string, more);
    expect(told).toEqual({ status, body });
  });

  test("numbers instead of strings, broken JSON, no JSON: the flat form", () => {
    const at = new RestCase();
    const numeric = at.ask("POST", ORDERS, { ...at.ticket("bid", "0.4300", "1.00"), price: 0.43 });
    expect(numeric).toMatchObject({ status: 400, body: { code: "bad_request" } });
    expect(at.ask("POST", ORDERS, "{")).toMatchObject({
      status: 400,
      body: { code: "bad_request" },
    });
    expect(at.ask("POST", ORDERS, "[".repeat(99_999)).status).toBe(400);
  });

  test("queries out of bounds: the bare form; a garbage cursor: the first page", () => {
    const at = new RestCase();
    expect(at.ask("GET", "/markets?limit=1001")).toEqual({
      status: 400,
      body: { msg: "Parameter validation failed for GetMarkets: limit must be between 1 and 1000" },
    });
    const status = at.ask("GET", "/markets?status=active");
    expect(status.status).toBe(400);
    expect(status.body["msg"]).toMatch("invalid status filter");
    expect(at.ask("GET", "/markets?cursor=garbage").status).toBe(200);
  });

  test("former order endpoints are gone, and others were never there", () => {
    const at = new RestCase();
    expect(at.ask("POST", "/portfolio/orders", {})).toMatchObject({
      status: 410,
      body: { error: { code: "deprecated_v1_order_endpoint" } },
    });
    expect(at.ask("GET", "/nowhere").status).toBe(404);
    expect(at.ask("GET", "/portfolio/orders/%ff").status).toBe(404);
  });
});

describe("lists", () => {
  test("pages hold all orders once, newest first, whatever is added meanwhile", () => {
    const at = new RestCase({ limits: RICH });
    for (let index = 0; index < 25; index++) {
      at.order("bid", "0.0100", "1.00", { client_order_id: `c-${index}` });
    }
    const seen: string[] = [];
    for (let cursor = "", first = true; first || cursor !== ""; first = false) {
      const { body } = at.ask("GET", `/portfolio/orders?limit=10&cursor=${cursor}`);
      const orders = body["orders"] as { client_order_id: string }[];
      seen.push(...orders.map((order) => order.client_order_id));
      cursor = body["cursor"] as string;
      at.order("bid", "0.0100", "1.00", { client_order_id: `late-${seen.length}` });
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => `c-${24 - index}`));
  });

  test("filters by market, event, status and time", () => {
    const at = new RestCase();
    at.order("bid", "0.4300", "1.00", { client_order_id: "early" });
    at.wait(100);
    at.order("bid", "0.4300", "1.00", { client_order_id: "late", ticker: "KXOTHER-1" });
    const ids = (query: string) =>
      (at.ask("GET", `/portfolio/orders?${query}`).body["orders"] as { client_order_id: string }[])
        .map((order) => order.client_order_id)
        .join();
    expect(ids(`ticker=${TICKER}`)).toBe("early");
    expect(ids("event_ticker=KXOTHER")).toBe("late");
    expect(ids("status=executed")).toBe("");
    expect(ids(`min_ts=${START_US / 1_000_000 + 50}`)).toBe("late");
    expect(ids(`max_ts=${START_US / 1_000_000 + 50}`)).toBe("early");
  });

  test("markets, events, series, books and trades", () => {
    const at = new RestCase();
    at.crowd("bid", "0.4700", "3.00");
    at.crowd("ask", "0.5200", "3.00");
    at.crowd("bid", "0.5200", "1.00", true);
    const { body } = at.ask("GET", `/markets/${TICKER}/orderbook`);
    expect(body).toEqual({
      orderbook_fp: { yes_dollars: [["0.4700", "3.00"]], no_dollars: [["0.4800", "2.00"]] },
    });
    expect(at.ask("GET", `/markets/orderbooks?tickers=${TICKER}&tickers=KXOTHER-1`).body).toEqual({
      orderbooks: [
        { ticker: TICKER, ...body },
        { ticker: "KXOTHER-1", orderbook_fp: { yes_dollars: [], no_dollars: [] } },
      ],
    });
    expect(at.ask("GET", `/markets/${TICKER}`).body).toMatchObject({
      market: {
        status: "active",
        yes_bid_dollars: "0.4700",
        yes_ask_dollars: "0.5200",
        no_bid_dollars: "0.4800",
        no_ask_dollars: "0.5300",
        last_price_dollars: "0.5200",
        volume_fp: "1.00",
        price_ranges: [{ start: "0.0000", end: "1.0000", step: "0.0100" }],
      },
    });
    expect(at.ask("GET", "/markets/trades").body).toMatchObject({
      trades: [{ ticker: TICKER, count_fp: "1.00", taker_book_side: "bid" }],
    });
    const tickers = (query: string) =>
      (at.ask("GET", `/markets?${query}`).body["markets"] as { ticker: string }[]).map(
        ({ ticker }) => ticker,
      );
    expect(tickers("status=open&event_ticker=KXOTHER")).toEqual(["KXOTHER-1"]);
    expect(tickers("status=settled")).toEqual([]);
    expect(at.ask("GET", "/events/KXOTHER?with_nested_markets=true").body).toMatchObject({
      event: { event_ticker: "KXOTHER", markets: [{ ticker: "KXOTHER-1" }] },
    });
    expect(at.ask("GET", "/series/KXTEST").body).toMatchObject({
      series: { ticker: "KXTEST", fee_type: "quadratic", fee_multiplier: 1 },
    });
    expect(at.ask("GET", "/markets/KXNONE").status).toBe(404);
  });
});

describe("rate limits", () => {
  test("a bucket empties and fills; 429 has its own form", () => {
    const at = new RestCase();
    for (let index = 0; index < 10; index++) {
      expect(at.order("bid", "0.0100", "1.00").status).toBe(201);
    }
    expect(at.order("bid", "0.0100", "1.00")).toEqual({
      status: 429,
      body: { error: "too many requests" },
    });
    expect(at.ask("GET", "/portfolio/balance").status).toBe(200);
    at.wait(0.1);
    expect(at.order("bid", "0.0100", "1.00").status).toBe(201);
    expect(at.order("bid", "0.0100", "1.00").status).toBe(429);
  });

  test("a batch must fit at once; a cancel costs two", () => {
    const at = new RestCase();
    const orders = Array.from({ length: 11 }, () => at.ticket("bid", "0.0100", "1.00"));
    expect(at.ask("POST", `${ORDERS}/batched`, { orders }).status).toBe(429);
    expect(at.ask("POST", `${ORDERS}/batched`, { orders: orders.slice(1) }).status).toBe(201);
    at.wait(0.02);
    expect(at.ask("DELETE", `${ORDERS}/nothing`).status).toBe(404);
    expect(at.ask("DELETE", `${ORDERS}/nothing`).status).toBe(429);
  });

  test("limits and costs are told", () => {
    const at = new RestCase();
    expect(at.ask("GET", "/account/limits").body).toMatchObject({
      usage_tier: "basic",
      read: { refill_rate: 200, bucket_capacity: 200 },
    });
    const { body } = at.ask("GET", "/account/endpoint_costs");
    expect(body["default_cost"]).toBe(10);
    expect(body["endpoint_costs"]).toContainEqual({
      method: "DELETE",
      path: `${PREFIX}${ORDERS}/:order_id`,
      cost: 2,
    });
  });
});

test("a settled market leaves the positions and appears in the settlements", () => {
  const at = new RestCase();
  at.crowd("ask", "0.4500", "10.00");
  at.order("bid", "0.4500", "10.00");
  at.ask("POST", `/control/markets/${TICKER}/determine`, { value: "1.0000" });
  at.wait(61);
  expect(at.ask("GET", "/portfolio/positions").body).toMatchObject({ market_positions: [] });
  expect(at.ask("GET", "/portfolio/settlements").body).toMatchObject({
    settlements: [
      {
        ticker: TICKER,
        event_ticker: "KXTEST-26DEC01",
        market_result: "yes",
        yes_count_fp: "10.00",
        yes_total_cost_dollars: "4.500000",
        no_count_fp: "0.00",
        revenue: 1000,
        value: 100,
        fee_cost: "0.173300",
      },
    ],
  });
  expect(at.ask("GET", "/portfolio/balance").body).toMatchObject({
    balance_dollars: "105.3267",
    portfolio_value: 0,
  });
  expect(at.ask("GET", "/exchange/user_data_timestamp").body["as_of_time"]).toBe(
    new Date((START_US as TimestampUs) / 1_000 + 61_000).toISOString().replace(".000Z", "Z"),
  );
});
