/** Messages of the WebSocket: worked examples, the reading that recordings have, and round trips. */
import { expect, test } from "vitest";
import { centiCents, lots, microUsd, timestampUs } from "../../src/core/index.ts";
import {
  type FeedCommand,
  FeedFaultCode,
  type FeedPayload,
  readCommand,
  readEnvelope,
  readPayload,
  writeCommand,
  writeMessage,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { emptyWireRow, readWireMessage } from "../../src/market/wire-message.ts";

const T50 = "KXTEST-26DEC01-T50";

const SNAPSHOT = `{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"${T50}","market_id":"0d6a","yes_dollars_fp":[["0.4100","25.00"],["0.4300","5.00"]],"no_dollars_fp":[["0.5500","40.00"]]}}`;
const DELTA = `{"type":"orderbook_delta","sid":1,"seq":2,"msg":{"market_ticker":"${T50}","market_id":"0d6a","price_dollars":"0.4300","delta_fp":"-5.00","side":"no","ts":"2026-11-20T12:00:00.123456Z","ts_ms":1795176000123}}`;
const TRADE = `{"type":"trade","sid":2,"seq":1,"msg":{"trade_id":"7c1e","market_ticker":"${T50}","yes_price_dollars":"0.4500","no_price_dollars":"0.5500","count_fp":"3.00","taker_side":"yes","taker_outcome_side":"yes","taker_book_side":"bid","is_block_trade":false,"ts":1795176001,"ts_ms":1795176001456}}`;
const TICKER = `{"type":"ticker","sid":3,"msg":{"market_id":"0d6a","market_ticker":"${T50}","price_dollars":"0.4400","yes_bid_dollars":"0.4300","yes_ask_dollars":"0.4500","volume_fp":"120.00","open_interest_fp":"80.00","dollar_volume":52,"dollar_open_interest":-35,"yes_bid_size_fp":"5.00","yes_ask_size_fp":"40.00","last_trade_size_fp":"2.00","ts":1795176000,"ts_ms":1795176000123,"time":"2026-11-20T12:00:00.123Z"}}`;
const FILL = `{"type":"fill","sid":4,"msg":{"trade_id":"7c1e","order_id":"51aa","client_order_id":"c-0001","market_ticker":"${T50}","exchange_index":0,"is_taker":true,"side":"yes","action":"buy","purchased_side":"yes","outcome_side":"yes","book_side":"bid","yes_price_dollars":"0.4500","count_fp":"3.00","fee_cost":"0.052000","post_position_fp":"3.00","ts":1795176001,"ts_ms":1795176001456}}`;
const ORDER = `{"type":"user_order","sid":5,"msg":{"order_id":"51aa","user_id":"aa00","client_order_id":"c-0001","ticker":"${T50}","exchange_index":0,"status":"resting","side":"yes","action":"buy","is_yes":true,"outcome_side":"yes","book_side":"bid","yes_price_dollars":"0.4500","initial_count_fp":"5.00","fill_count_fp":"3.00","remaining_count_fp":"2.00","taker_fill_cost_dollars":"1.350000","maker_fill_cost_dollars":"0.000000","taker_fees_dollars":"0.052000","maker_fees_dollars":"0.000000","self_trade_prevention_type":"taker_at_cross","created_time":"2026-11-20T12:00:01.456Z","created_ts_ms":1795176001456,"last_updated_ts_ms":1795176001456,"last_update_time":"2026-11-20T12:00:01.456Z","last_update_reason":"Trade","subaccount_number":0}}`;
const POSITION = `{"type":"market_position","sid":6,"msg":{"user_id":"aa00","market_ticker":"${T50}","position_fp":"3.00","position_cost_dollars":"1.3500","realized_pnl_dollars":"0.0000","fees_paid_dollars":"0.0520","position_fee_cost_dollars":"0.0520","volume_fp":"3.00"}}`;
const DETERMINED = `{"type":"market_lifecycle_v2","sid":7,"seq":4,"msg":{"market_ticker":"${T50}","event_type":"determined","result":"yes","settlement_value":"1.0000","determination_ts":1795262400}}`;
const EVENT = `{"type":"event_lifecycle","sid":7,"seq":6,"msg":{"event_ticker":"KXTEST-26DEC02","exchange_index":0,"title":"T","subtitle":"S","collateral_return_type":"MECNET","series_ticker":"KXTEST"}}`;
const FEES = `{"type":"event_fee_update","sid":7,"seq":7,"msg":{"event_ticker":"KXTEST-26DEC02","fee_type_override":"quadratic","fee_multiplier_override":0.5}}`;
const GROUP = `{"type":"order_group_updates","sid":8,"seq":1,"msg":{"event_type":"triggered","order_group_id":"og-1","ts_ms":1795176002000}}`;
const SUBSCRIBED = `{"id":1,"type":"subscribed","msg":{"channel":"orderbook_delta","sid":1}}`;
const UPDATED = `{"id":2,"type":"ok","sid":1,"seq":7,"msg":{"market_tickers":["${T50}","KXTEST-26DEC01-T60"]}}`;
const LISTED = `{"id":5,"type":"ok","msg":[{"channel":"orderbook_delta","sid":1},{"channel":"trade","sid":2}]}`;
const UNSUBSCRIBED = `{"id":4,"type":"unsubscribed","sid":2,"seq":9}`;
const FAULT = `{"id":6,"type":"error","msg":{"code":8,"msg":"Unknown channel name"}}`;

const payloadOf = (frame: string, useYesPrice = false): FeedPayload =>
  readPayload(readEnvelope(frame), useYesPrice);

test("every example of the protocol reads, and is written as it was", () => {
  for (const frame of [
    ...[SNAPSHOT, DELTA, TRADE, TICKER, FILL, ORDER, POSITION, DETERMINED, EVENT, FEES, GROUP],
    ...[SUBSCRIBED, UPDATED, LISTED, UNSUBSCRIBED, FAULT],
  ]) {
    const { id, sid, seq } = readEnvelope(frame);
    const head = {
      ...(id === null ? {} : { id }),
      ...(sid === null ? {} : { sid }),
      ...(seq === null ? {} : { seq }),
    };
    for (const useYesPrice of [false, true]) {
      const again = writeMessage(head, payloadOf(frame, useYesPrice), useYesPrice);
      expect(JSON.parse(again)).toEqual(JSON.parse(frame));
    }
  }
});

test("values arrive in our units", () => {
  expect(payloadOf(DELTA).body).toEqual({
    ticker: T50,
    marketId: "0d6a",
    side: BookSide.ask,
    price: 5_700,
    change: -500,
    atUs: 1_795_176_000_123_456,
    clientOrderId: null,
    subaccount: null,
  });
  expect(payloadOf(DELTA, true).body).toMatchObject({ side: BookSide.ask, price: 4_300 });
  expect(payloadOf(SNAPSHOT).body).toMatchObject({
    bids: [
      { price: 4_300, size: 500 },
      { price: 4_100, size: 2_500 },
    ],
    asks: [{ price: 4_500, size: 4_000 }],
  });
  expect(payloadOf(FILL).body).toMatchObject({
    fee: 52_000,
    position: 300,
    clientOrderId: "c-0001",
  });
  expect(payloadOf(ORDER).body).toMatchObject({
    filled: 300,
    takerCost: 1_350_000,
    reason: "Trade",
  });
  expect(payloadOf(POSITION).body).toMatchObject({ position: 300, cost: 1_350_000 });
  expect(payloadOf(DETERMINED).body).toMatchObject({
    settlementValue: 10_000,
    determinedUs: 1_795_262_400_000_000,
  });
  expect(payloadOf(FEES).body).toMatchObject({ feeMultiplierPpm: 500_000 });
  expect(payloadOf(UPDATED)).toEqual({ kind: "updated", body: [T50, "KXTEST-26DEC01-T60"] });
});

test("recorded lines are read as the importer of recordings reads them", () => {
  const row = emptyWireRow();
  for (const useYesPrice of [false, true]) {
    readWireMessage(row, DELTA, "line", useYesPrice);
    expect(payloadOf(DELTA, useYesPrice).body).toMatchObject({
      ticker: row.ticker,
      side: row.side,
      price: row.priceCc,
      change: row.size,
      atUs: row.stampUs,
    });
    readWireMessage(row, SNAPSHOT, "line", useYesPrice);
    const snapshot = payloadOf(SNAPSHOT, useYesPrice);
    if (snapshot.kind !== "snapshot") throw new Error("a snapshot was expected");
    const { bids, asks } = snapshot.body;
    const levels = [
      ...bids.map((level) => ({ side: BookSide.bid, priceCc: level.price, size: level.size })),
      ...asks.map((level) => ({ side: BookSide.ask, priceCc: level.price, size: level.size })),
    ];
    const byPrice = (a: { priceCc: number }, b: { priceCc: number }): number =>
      a.priceCc - b.priceCc;
    expect(levels.sort(byPrice)).toEqual([...row.levels].sort(byPrice));
  }
  readWireMessage(row, TRADE, "line", true);
  const trade = payloadOf(TRADE, true).body as { takerSide: BookSide; price: number; size: number };
  expect(trade).toMatchObject({ price: row.priceCc, size: row.size, createdUs: row.stampUs });
  // The recording names the side that was hit, which is the other one.
  expect(trade.takerSide).not.toBe(row.side);
});

test("an empty side is left out, and former integer books are no empty books", () => {
  const empty: FeedPayload = {
    kind: "snapshot",
    body: { ticker: "T", marketId: "m", bids: [], asks: [] },
  };
  const frame = writeMessage({ sid: 1, seq: 3 }, empty, true);
  expect(frame).toBe(
    '{"type":"orderbook_snapshot","sid":1,"seq":3,"msg":{"market_ticker":"T","market_id":"m"}}',
  );
  expect(payloadOf(frame, true)).toEqual(empty);
  const former =
    '{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"T","yes":[[43,5]]}}';
  expect(() => payloadOf(former)).toThrow("orderbook_snapshot.yes_dollars_fp");
});

test("a stamp in milliseconds serves where the finer one is gone", () => {
  const later = JSON.parse(DELTA) as { msg: Record<string, unknown> };
  later.msg["ts"] = undefined;
  expect(payloadOf(JSON.stringify(later)).body).toMatchObject({ atUs: 1_795_176_000_123_000 });
  expect(() =>
    payloadOf(
      '{"type":"orderbook_delta","msg":{"market_ticker":"T","price_dollars":"0.1000","delta_fp":"1.00","side":"yes"}}',
    ),
  ).toThrow("orderbook_delta.ts_ms");
});

test("unknown kinds and fields pass, unknown words of a known field do not", () => {
  expect(payloadOf('{"type":"weather","sid":9,"seq":4,"msg":{"rain":true}}').kind).toBe("other");
  expect(() => payloadOf(DELTA.replace('"no"', '"maybe"'))).toThrow(
    'orderbook_delta.side: expected "yes" or "no", was "maybe"',
  );
  expect(() => readEnvelope('{"sid":1}')).toThrow("message.type");
  expect(() => readEnvelope('{"type":"trade","seq":-1}')).toThrow("message.seq");
  expect(() => readEnvelope('{"type":"trade","sid":1.5}')).toThrow("message.sid");
});

test("commands are written as the protocol has them", () => {
  const cases: readonly [FeedCommand, string][] = [
    [
      {
        kind: "subscribe",
        id: 1,
        channels: ["orderbook_delta", "trade"],
        tickers: [T50],
        useYesPrice: true,
        sendInitialSnapshot: false,
      },
      `{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta","trade"],"market_tickers":["${T50}"],"use_yes_price":true}}`,
    ],
    [
      {
        kind: "subscribe",
        id: 1,
        channels: ["fill"],
        tickers: [],
        useYesPrice: false,
        sendInitialSnapshot: false,
      },
      '{"id":1,"cmd":"subscribe","params":{"channels":["fill"]}}',
    ],
    [
      { kind: "update", id: 3, sid: 1, action: "get_snapshot", tickers: [T50] },
      `{"id":3,"cmd":"update_subscription","params":{"sids":[1],"action":"get_snapshot","market_tickers":["${T50}"]}}`,
    ],
    [
      { kind: "unsubscribe", id: 4, sids: [2] },
      '{"id":4,"cmd":"unsubscribe","params":{"sids":[2]}}',
    ],
    [{ kind: "list", id: 5 }, '{"id":5,"cmd":"list_subscriptions"}'],
  ];
  for (const [command, frame] of cases) {
    expect(writeCommand(command)).toBe(frame);
    expect(readCommand(frame)).toEqual(command);
  }
  expect(
    readCommand(
      '{"id":2,"cmd":"update_subscription","params":{"sid":1,"action":"add_markets","market_ticker":"T"}}',
    ),
  ).toEqual({ kind: "update", id: 2, sid: 1, action: "add_markets", tickers: ["T"] });
});

test.each([
  ["{", 0, FeedFaultCode.unreadable],
  ['{"id":3,"cmd":"dance"}', 3, FeedFaultCode.unknownCommand],
  ['{"id":3,"cmd":"subscribe"}', 3, FeedFaultCode.paramsRequired],
  ['{"id":3,"cmd":"subscribe","params":{"channels":[]}}', 3, FeedFaultCode.channelsRequired],
  ['{"id":3,"cmd":"subscribe","params":{"channels":[7]}}', 3, FeedFaultCode.invalidParameter],
  ['{"id":3,"cmd":"unsubscribe","params":{}}', 3, FeedFaultCode.sidsRequired],
  ['{"id":3,"cmd":"update_subscription","params":{"sids":[1,2]}}', 3, FeedFaultCode.oneSidRequired],
  ['{"id":3,"cmd":"update_subscription","params":{"sid":1}}', 3, FeedFaultCode.actionRequired],
  [
    '{"id":3,"cmd":"update_subscription","params":{"sid":1,"action":"x"}}',
    3,
    FeedFaultCode.unsupportedAction,
  ],
  [
    '{"id":3,"cmd":"update_subscription","params":{"sid":1,"action":"get_snapshot"}}',
    3,
    FeedFaultCode.tickerRequired,
  ],
  ['{"id":"x","cmd":"list_subscriptions"}', 0, FeedFaultCode.invalidParameter],
])("a command that cannot be read is answered by its number: %s", (frame, id, code) => {
  expect(readCommand(frame)).toMatchObject({ kind: "refused", id, fault: { code } });
});

test("what an exchange writes of an order, a client reads", () => {
  const order: FeedPayload = {
    kind: "order",
    body: {
      orderId: "o",
      userId: "u",
      clientOrderId: "c",
      ticker: "T",
      exchangeIndex: 2,
      status: "canceled",
      side: BookSide.ask,
      price: centiCents(1),
      initial: lots(7),
      filled: lots(3),
      remaining: lots(0),
      takerCost: microUsd(1),
      makerCost: microUsd(2),
      takerFees: microUsd(3),
      makerFees: microUsd(4),
      orderGroupId: "g",
      selfTradePrevention: "maker",
      createdUs: timestampUs(1_795_176_001_456_000),
      updatedUs: null,
      expiresUs: timestampUs(1_795_176_009_000_000),
      reason: "ExpiryCancel",
      subaccount: 1,
    },
  };
  expect(payloadOf(writeMessage({ sid: 5 }, order))).toEqual(order);
});
