/** Forms of the order endpoints, against captured answers with the values changed and the SDK's types. */
import type {
  AmendOrderV2Request,
  BatchCancelOrdersV2Request,
  CreateOrderV2Request,
  DecreaseOrderV2Request,
} from "kalshi-typescript";
import { expect, test } from "vitest";
import { centiCents, lots, OperationError, timestampUs } from "../../src/core/index.ts";
import {
  bodies,
  type Codec,
  type OrderTicket,
  RATE_FAULT,
  readBody,
  readFault,
  TOO_MANY_REQUESTS,
  writeBody,
  writeFlatFault,
  writeNestedFault,
  writeQueryFault,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";

const read = <T>(codec: Codec<T>, body: unknown): T =>
  readBody(codec, typeof body === "string" ? body : JSON.stringify(body), "answer");

const TICKET: OrderTicket = {
  ticker: "KXTEST-26DEC01-T50",
  clientOrderId: "c-0001",
  side: BookSide.bid,
  size: lots(500),
  price: centiCents(4_300),
  timeInForce: "good_till_canceled",
  selfTradePrevention: "taker_at_cross",
  expiresUs: null,
  postOnly: true,
  reduceOnly: false,
  cancelOnPause: false,
  subaccount: null,
  orderGroupId: null,
  exchangeIndex: null,
};

test("a ticket is written as the venue's own example", () => {
  const expected: CreateOrderV2Request = {
    ticker: "KXTEST-26DEC01-T50",
    client_order_id: "c-0001",
    side: "bid",
    count: "5.00",
    price: "0.4300",
    time_in_force: "good_till_canceled",
    self_trade_prevention_type: "taker_at_cross",
    post_only: true,
  };
  expect(JSON.parse(writeBody(bodies.orderTicket, TICKET))).toEqual(expected);
  expect(read(bodies.orderTicket, expected)).toEqual(TICKET);
});

test("every field of a ticket goes out and comes back", () => {
  const ticket: OrderTicket = {
    ...TICKET,
    side: BookSide.ask,
    size: lots(1),
    price: centiCents(9_999),
    expiresUs: timestampUs(1_790_000_000_000_000),
    reduceOnly: true,
    cancelOnPause: true,
    subaccount: 3,
    orderGroupId: "og-1",
    exchangeIndex: -1,
  };
  const expected: CreateOrderV2Request = {
    ticker: "KXTEST-26DEC01-T50",
    client_order_id: "c-0001",
    side: "ask",
    count: "0.01",
    price: "0.9999",
    time_in_force: "good_till_canceled",
    self_trade_prevention_type: "taker_at_cross",
    expiration_time: 1_790_000_000,
    post_only: true,
    reduce_only: true,
    cancel_order_on_pause: true,
    subaccount: 3,
    order_group_id: "og-1",
    exchange_index: -1,
  };
  expect(JSON.parse(writeBody(bodies.orderTicket, ticket))).toEqual(expected);
  expect(read(bodies.orderTicket, expected)).toEqual(ticket);
});

test("requests may have fewer decimals, and numbers instead of strings are refused", () => {
  const wire = { ...(bodies.orderTicket.write(TICKET) as Record<string, unknown>) };
  expect(read(bodies.orderTicket, { ...wire, count: "5", price: "0.43" })).toEqual(TICKET);
  for (const [wrong, words] of [
    [{ count: 5 }, "answer.count: expected a decimal number as a string, was 5"],
    [{ price: 0.43 }, "answer.price: expected a decimal number as a string, was 0.43"],
    [{ price: "0.43001" }, "at most 4 decimals"],
    [{ price: "1.0001" }, "from 0 to 1 dollar"],
    [{ count: "0.001" }, "at most 2 decimals"],
    [{ count: "1e2" }, "a decimal number"],
    [{ count: "9".repeat(30) }, "too large to be exact"],
    [{ side: "yes" }, '"bid" or "ask"'],
    [{ time_in_force: "gtc" }, '"good_till_canceled" or "immediate_or_cancel" or "fill_or_kill"'],
    [{ ticker: "" }, "a string that is not empty"],
  ] as const) {
    expect(() => read(bodies.orderTicket, { ...wire, ...wrong })).toThrow(words);
  }
});

test("answers to created orders: resting, and immediately filled", () => {
  const resting =
    '{"client_order_id":"c-1","fill_count":"0.00","order_id":"o-1","remaining_count":"1.00","ts_ms":1781159360866}';
  expect(read(bodies.orderCreated, resting)).toEqual({
    orderId: "o-1",
    clientOrderId: "c-1",
    filled: 0,
    remaining: 100,
    averagePrice: null,
    averageFee: null,
    atUs: 1_781_159_360_866_000,
  });
  const filled = {
    ...JSON.parse(resting),
    fill_count: "1.00",
    remaining_count: "0.00",
    average_fee_paid: "0.0175",
    average_fill_price: "0.5200",
  } as unknown;
  const value = read(bodies.orderCreated, filled);
  expect([value.averagePrice, value.averageFee]).toEqual([520_000, 17_500]);
  expect(bodies.orderCreated.write(value)).toEqual(filled);
  const long = { ...(filled as object), average_fill_price: "0.523333333333" };
  expect(read(bodies.orderCreated, long).averagePrice).toBe(523_333);
});

test("an amendment, a decrease and cancels are written as the SDK has them", () => {
  const amendment: AmendOrderV2Request = {
    ticker: "KXTEST-26DEC01-T50",
    side: "ask",
    price: "0.5500",
    count: "7.50",
    client_order_id: "c-1",
    updated_client_order_id: "c-2",
  };
  expect(
    bodies.orderAmendment.write({
      ticker: "KXTEST-26DEC01-T50",
      side: BookSide.ask,
      price: centiCents(5_500),
      size: lots(750),
      clientOrderId: "c-1",
      updatedClientOrderId: "c-2",
      exchangeIndex: null,
    }),
  ).toEqual(amendment);
  const decrease: DecreaseOrderV2Request = {
    reduce_to: "1.00",
    market_ticker: "KXTEST-26DEC01-T50",
  };
  expect(read(bodies.orderDecrease, decrease)).toEqual({
    by: null,
    to: 100,
    exchangeIndex: null,
    ticker: "KXTEST-26DEC01-T50",
  });
  const cancels: BatchCancelOrdersV2Request = {
    orders: [{ order_id: "o-1" }, { order_id: "o-2" }],
  };
  const cancel = { subaccount: null, exchangeIndex: null, ticker: null };
  expect(
    bodies.cancelTickets.write([
      { orderId: "o-1", ...cancel },
      { orderId: "o-2", ...cancel },
    ]),
  ).toEqual(cancels);
});

test("a cancel's answer may lack the client's id, a batch may fail in part", () => {
  expect(read(bodies.orderCancelled, { order_id: "o-1", reduced_by: "1.00", ts_ms: 5 })).toEqual({
    orderId: "o-1",
    clientOrderId: null,
    reducedBy: 100,
    atUs: 5_000,
    fault: null,
  });
  const items = read(bodies.batchCreated, {
    orders: [
      { order_id: "o-1", fill_count: "0.00", remaining_count: "2.00", ts_ms: 7 },
      { client_order_id: "c-2", error: { code: "invalid_price", message: "invalid price" } },
    ],
  });
  expect(items[0]?.orderId).toBe("o-1");
  expect(items[1]?.fault).toEqual({ code: "invalid_price", message: "invalid price", details: "" });
});

test("an order as the demo exchange told of it", () => {
  const wire = {
    action: "buy",
    book_side: "bid",
    cancel_order_on_pause: false,
    client_order_id: "c-1",
    created_time: "2026-06-11T06:29:20.866123Z",
    exchange_index: 0,
    expiration_time: null,
    fill_count_fp: "1.00",
    initial_count_fp: "3.00",
    last_update_time: "0001-01-01T00:00:00Z",
    maker_fees_dollars: "0.000000",
    maker_fill_cost_dollars: "0.000000",
    no_price_dollars: "0.0100",
    order_group_id: null,
    order_id: "o-1",
    outcome_side: "yes",
    remaining_count_fp: "2.00",
    self_trade_prevention_type: "taker_at_cross",
    side: "yes",
    status: "resting",
    subaccount_number: 0,
    taker_fees_dollars: "0.017500",
    taker_fill_cost_dollars: "0.520000",
    ticker: "KXTEST-26DEC01-T50",
    type: "limit",
    user_id: "u-1",
    yes_price_dollars: "0.9900",
  };
  const order = read(bodies.order, { order: { ...wire, field_of_tomorrow: [1, { deep: true }] } });
  expect(order).toMatchObject({
    side: BookSide.bid,
    status: "resting",
    price: 9_900,
    initial: 300,
    filled: 100,
    remaining: 200,
    takerCost: 520_000,
    takerFees: 17_500,
    createdUs: 1_781_159_360_866_123,
    updatedUs: null,
    subaccount: 0,
  });
  expect(bodies.order.write(order)).toEqual({ order: { ...wire, last_update_time: null } });
  expect(read(bodies.order, { order: { ...wire, status: "frozen" } }).status).toBe("unknown");
  expect(read(bodies.orders, { orders: [wire], cursor: "next" }).cursor).toBe("next");
  expect(() => read(bodies.orders, { orders: [wire, { ...wire, book_side: 1 }] })).toThrow(
    'answer.orders[1].book_side: expected "bid" or "ask", was 1',
  );
});

test("refusals in all their forms become one fault", () => {
  const fault = { code: "invalid_order", message: "invalid order", details: "post only cross" };
  expect(readFault(400, writeNestedFault(fault))).toEqual(fault);
  expect(readFault(400, writeFlatFault(fault))).toEqual(fault);
  expect(readFault(400, '{"error":{"code":"invalid_price","message":"invalid price"}}')).toEqual({
    code: "invalid_price",
    message: "invalid price",
    details: "",
  });
  expect(readFault(400, writeQueryFault("invalid status filter")).message).toBe(
    "invalid status filter",
  );
  expect(RATE_FAULT).toBe('{"error":"too many requests"}');
  expect(readFault(429, RATE_FAULT).code).toBe(TOO_MANY_REQUESTS);
  expect(readFault(502, "<html>Bad Gateway</html>").message).toBe("<html>Bad Gateway</html>");
  expect(readFault(500, "")).toEqual({ code: "", message: "", details: "" });
  expect(readFault(400, '{"error":null}').code).toBe("");
  expect(readFault(400, `{"error":${"[".repeat(9_000)}${"]".repeat(9_000)}}`).code).toBe("");
  expect(readFault(500, "x".repeat(1e6)).message.length).toBeLessThan(400);
});

test("bodies that are too long, too deep or no JSON are refused by name", () => {
  const codeOf = (text: string): string => {
    try {
      read(bodies.balance, text);
    } catch (error) {
      return error instanceof OperationError ? error.code : "another error";
    }
    return "none";
  };
  expect(codeOf("{")).toBe("WIRE_JSON");
  expect(codeOf("[]")).toBe("WIRE_JSON");
  expect(codeOf("null")).toBe("WIRE_JSON");
  expect(codeOf(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`)).toBe("WIRE_DEPTH");
  expect(codeOf(`{"a":"${"[".repeat(100_000)}"}`)).toBe("WIRE_FIELD");
  expect(codeOf(`{"a":"${"x".repeat(34_000_000)}"}`)).toBe("WIRE_SIZE");
});
