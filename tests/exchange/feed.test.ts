/** The feed's messages against the venue's documented ones, and its sequences against their rules. */
import { describe, expect, test } from "vitest";
import type { CentiCents, Lots } from "../../src/core/index.ts";
import { type ExchangeAccount, Feed, type FeedConnection } from "../../src/exchange/index.ts";
import { readEnvelope, readPayload } from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { ExchangeCase, marketSpec, QUADRATIC, TICKER } from "./exchange-case.ts";

type Json = Record<string, unknown>;

class FeedCase extends ExchangeCase {
  readonly feed = new Feed(this.engine);
  readonly ann: ExchangeAccount;
  readonly ben: ExchangeAccount;

  constructor() {
    super(marketSpec({}, QUADRATIC));
    this.ann = this.account("ann");
    this.ben = this.account("ben");
    this.engine.addMarket({ ...marketSpec(), info: { ...marketSpec().info, ticker: "KXTWO" } });
    this.engine.collect();
  }

  open(account: ExchangeAccount): Client {
    return new Client(this, account);
  }

  /** Tells all connections what has happened. */
  tell(): void {
    this.feed.deliver(this.engine.collect());
  }
}

class Client {
  readonly frames: string[] = [];
  readonly #connection: FeedConnection;

  constructor(at: FeedCase, account: ExchangeAccount) {
    this.#connection = at.feed.connect(account.index, account.userId, (frame) => {
      this.frames.push(frame);
    });
  }

  say(command: Json | string): void {
    this.#connection.receive(typeof command === "string" ? command : JSON.stringify(command));
  }

  /** Subscribes; what came is thrown away. */
  hear(channels: string[], tickers?: string[], more: Json = {}): void {
    const params = { channels, ...(tickers && { market_tickers: tickers }), ...more };
    this.say({ id: 1, cmd: "subscribe", params });
    this.frames.length = 0;
  }

  /** Frames since the last call. */
  take(): Json[] {
    return this.frames.splice(0).map((frame) => JSON.parse(frame) as Json);
  }
}

describe("commands", () => {
  test("one subscribed frame a channel, numbered from 1, then the snapshots", () => {
    const at = new FeedCase();
    at.put(at.ann, "bid", 43, 5);
    at.put(at.ann, "bid", 41, 25);
    at.put(at.ann, "ask", 45, 40);
    at.tell();
    const client = at.open(at.ben);
    const params = { channels: ["orderbook_delta", "trade"], market_tickers: [TICKER] };
    client.say({ id: 1, cmd: "subscribe", params });
    expect(client.take()).toEqual([
      { id: 1, type: "subscribed", msg: { channel: "orderbook_delta", sid: 1 } },
      {
        type: "orderbook_snapshot",
        sid: 1,
        seq: 1,
        msg: {
          market_ticker: TICKER,
          market_id: at.engine.markets[0]?.marketId,
          yes_dollars_fp: [
            ["0.4100", "25.00"],
            ["0.4300", "5.00"],
          ],
          no_dollars_fp: [["0.5500", "40.00"]],
        },
      },
      { id: 1, type: "subscribed", msg: { channel: "trade", sid: 2 } },
    ]);
  });

  test("an empty side is left out; in YES prices the asks are YES asks", () => {
    const at = new FeedCase();
    at.put(at.ann, "ask", 45, 40);
    at.tell();
    const client = at.open(at.ben);
    const params = { channels: ["orderbook_delta"], market_ticker: TICKER, use_yes_price: true };
    client.say({ id: 1, cmd: "subscribe", params });
    const [, snapshot] = client.take();
    expect(Object.keys(snapshot?.["msg"] as Json)).toEqual([
      "market_ticker",
      "market_id",
      "no_dollars_fp",
    ]);
    expect((snapshot?.["msg"] as Json)["no_dollars_fp"]).toEqual([["0.4500", "40.00"]]);
  });

  test("updates, listing and end of subscriptions", () => {
    const at = new FeedCase();
    const client = at.open(at.ben);
    client.hear(["orderbook_delta", "fill"], [TICKER]);
    const update = (action: string, tickers: string[], sid = 1) => {
      const params = { sids: [sid], action, market_tickers: tickers };
      client.say({ id: 2, cmd: "update_subscription", params });
      return client.take().map(({ type, seq, id, msg }) => [type, seq, id, msg]);
    };
    expect(update("add_markets", ["KXTWO"])).toEqual([
      ["ok", 2, 2, { market_tickers: [TICKER, "KXTWO"] }],
      ["orderbook_snapshot", 3, undefined, expect.objectContaining({ market_ticker: "KXTWO" })],
    ]);
    expect(update("get_snapshot", [TICKER])).toEqual([
      ["orderbook_snapshot", 4, 2, expect.objectContaining({ market_ticker: TICKER })],
    ]);
    expect(update("delete_markets", ["KXTWO"])).toEqual([
      ["ok", 5, 2, { market_tickers: [TICKER] }],
    ]);
    expect(update("get_snapshot", ["KXTWO"])).toEqual([
      ["error", 6, 2, { code: 11, msg: "Invalid parameter", market_ticker: "KXTWO" }],
    ]);
    client.say({ id: 5, cmd: "list_subscriptions" });
    client.say({ id: 6, cmd: "unsubscribe", params: { sids: [1] } });
    client.say({ id: 7, cmd: "unsubscribe", params: { sids: [1] } });
    expect(client.take()).toEqual([
      {
        id: 5,
        type: "ok",
        msg: [
          { channel: "orderbook_delta", sid: 1 },
          { channel: "fill", sid: 2 },
        ],
      },
      { id: 6, type: "unsubscribed", sid: 1, seq: 7 },
      { id: 7, type: "error", msg: { code: 7, msg: "Unknown subscription ID" } },
    ]);
  });

  test("a second subscribe to a channel merges into the first", () => {
    const at = new FeedCase();
    const client = at.open(at.ben);
    client.hear(["orderbook_delta"], [TICKER]);
    const params = { channels: ["orderbook_delta"], market_tickers: [TICKER, "KXTWO"] };
    client.say({ id: 3, cmd: "subscribe", params });
    expect(client.take().map(({ type, sid, seq }) => [type, sid, seq])).toEqual([
      ["ok", 1, 2],
      ["orderbook_snapshot", 1, 3],
    ]);
  });

  test.each([
    ['{"id":3,"cmd":"subscribe","params":{"channels":["nothing"]}}', 8],
    ['{"id":3,"cmd":"subscribe","params":{"channels":["orderbook_delta"]}}', 14],
    ['{"id":3,"cmd":"subscribe","params":{"channels":[]}}', 3],
    ['{"id":3,"cmd":"subscribe"}', 2],
    ['{"id":3,"cmd":"unsubscribe","params":{}}', 4],
    ['{"id":3,"cmd":"jump","params":{}}', 5],
    ['{"id":3,"cmd":"subscribe","params":{"channels":["trade"],"market_ticker":"KXNONE"}}', 11],
    ['{"id":3,"cmd":"update_subscription","params":{"sids":[1,2],"action":"add_markets"}}', 12],
    ["not json", 1],
    ["[".repeat(100_000), 1],
  ])("a command that is wrong is answered by its number (%#)", (frame, code) => {
    const at = new FeedCase();
    const client = at.open(at.ben);
    client.say(frame);
    const answers = client.take();
    expect(answers.map(({ type, msg }) => [type, (msg as Json)["code"]])).toEqual([
      ["error", code],
    ]);
  });
});

describe("messages", () => {
  test("a trade: delta, trade, fill, order and position in the venue's form", () => {
    const at = new FeedCase();
    const client = at.open(at.ben);
    at.put(at.ann, "ask", 45, 40);
    at.tell();
    const channels = ["orderbook_delta", "trade", "fill", "user_orders", "market_positions"];
    client.hear(channels, [TICKER]);
    const { orderId } = at.put(at.ben, "bid", 45, 3, { clientOrderId: "c-0001" });
    at.tell();
    const messages = client.take();
    const of = (type: string): Json => messages.find((message) => message["type"] === type) ?? {};
    expect(of("orderbook_delta")).toMatchObject({
      sid: 1,
      seq: 2,
      msg: {
        market_ticker: TICKER,
        price_dollars: "0.5500",
        delta_fp: "-3.00",
        side: "no",
        client_order_id: "c-0001",
        subaccount: 0,
        ts: "2026-11-20T12:00:00Z",
        ts_ms: 1_795_176_000_000,
      },
    });
    const tradeId = (of("trade")["msg"] as Json)["trade_id"];
    expect(of("trade")).toEqual({
      type: "trade",
      sid: 2,
      seq: 1,
      msg: {
        trade_id: tradeId,
        market_ticker: TICKER,
        yes_price_dollars: "0.4500",
        no_price_dollars: "0.5500",
        count_fp: "3.00",
        taker_side: "yes",
        taker_outcome_side: "yes",
        taker_book_side: "bid",
        is_block_trade: false,
        ts: 1_795_176_000,
        ts_ms: 1_795_176_000_000,
      },
    });
    // 0.07 x 3 x 0.45 x 0.55 = 0.051975, of which cash takes whole ten-thousandths.
    expect(of("fill")).toEqual({
      type: "fill",
      sid: 3,
      msg: {
        trade_id: tradeId,
        order_id: orderId,
        client_order_id: "c-0001",
        market_ticker: TICKER,
        exchange_index: 0,
        is_taker: true,
        side: "yes",
        action: "buy",
        purchased_side: "yes",
        outcome_side: "yes",
        book_side: "bid",
        yes_price_dollars: "0.4500",
        count_fp: "3.00",
        fee_cost: "0.052000",
        post_position_fp: "3.00",
        subaccount: 0,
        ts: 1_795_176_000,
        ts_ms: 1_795_176_000_000,
      },
    });
    expect(of("user_order")).toMatchObject({
      sid: 4,
      msg: {
        order_id: orderId,
        user_id: "ben",
        ticker: TICKER,
        status: "executed",
        initial_count_fp: "3.00",
        fill_count_fp: "3.00",
        remaining_count_fp: "0.00",
        taker_fill_cost_dollars: "1.350000",
        taker_fees_dollars: "0.052000",
        last_update_reason: "Trade",
      },
    });
    expect(of("user_order")).not.toHaveProperty("seq");
    expect(of("market_position")).toEqual({
      type: "market_position",
      sid: 5,
      msg: {
        user_id: "ben",
        market_ticker: TICKER,
        position_fp: "3.00",
        position_cost_dollars: "1.3500",
        realized_pnl_dollars: "0.0000",
        fees_paid_dollars: "0.0520",
        position_fee_cost_dollars: "0.0520",
        volume_fp: "3.00",
        subaccount: 0,
      },
    });
  });

  test("own messages go to their account alone, and so does a delta's client id", () => {
    const at = new FeedCase();
    const [ann, ben] = [at.open(at.ann), at.open(at.ben)];
    for (const client of [ann, ben]) {
      client.hear(["orderbook_delta", "fill", "user_orders", "market_positions"], [TICKER]);
    }
    at.put(at.ann, "ask", 45, 40);
    at.tell();
    const typesOf = (client: Client) => client.take().map(({ type, msg }) => [type, msg as Json]);
    const heardByAnn = typesOf(ann);
    expect(heardByAnn.map(([type]) => type)).toEqual(["orderbook_delta", "user_order"]);
    expect(heardByAnn[0]?.[1]).toHaveProperty("client_order_id");
    const heardByBen = typesOf(ben);
    expect(heardByBen.map(([type]) => type)).toEqual(["orderbook_delta"]);
    expect(heardByBen[0]?.[1]).not.toHaveProperty("client_order_id");
  });

  test("quotes are told once a change, with all figures", () => {
    const at = new FeedCase();
    const client = at.open(at.ben);
    client.hear(["ticker"], [TICKER], { send_initial_snapshot: true });
    at.put(at.ann, "ask", 45, 40);
    at.put(at.ann, "bid", 43, 5);
    at.tell();
    at.put(at.ben, "bid", 45, 2);
    at.tell();
    expect(client.take().map(({ msg }) => msg)).toMatchObject([
      { price_dollars: "0.0000", yes_bid_dollars: "0.4300", yes_ask_dollars: "0.4500" },
      {
        price_dollars: "0.4500",
        yes_ask_size_fp: "38.00",
        last_trade_size_fp: "2.00",
        volume_fp: "2.00",
        open_interest_fp: "2.00",
        dollar_volume: 0,
      },
    ]);
    at.put(at.ann, "bid", 30, 1);
    at.tell();
    expect(client.take()).toEqual([]);
  });

  test("determination and settlement are told in seconds", () => {
    const at = new FeedCase();
    const client = at.open(at.ben);
    client.hear(["market_lifecycle_v2"]);
    const [market] = at.engine.markets;
    if (market === undefined) throw new Error("a market is there");
    at.engine.determine(market, 10_000 as CentiCents);
    at.engine.advanceTo((at.engine.nowUs + 60_000_000) as typeof at.engine.nowUs);
    at.tell();
    expect(client.take()).toEqual([
      {
        type: "market_lifecycle_v2",
        sid: 1,
        seq: 1,
        msg: {
          market_ticker: TICKER,
          event_type: "determined",
          result: "yes",
          settlement_value: "1.0000",
          determination_ts: 1_795_176_000,
        },
      },
      {
        type: "market_lifecycle_v2",
        sid: 1,
        seq: 2,
        msg: { market_ticker: TICKER, event_type: "settled", settled_ts: 1_795_176_060 },
      },
    ]);
  });
});

test("snapshots and deltas give the exchange's book at every moment, numbers without a gap", () => {
  const at = new FeedCase();
  const client = at.open(at.ben);
  client.say({
    id: 1,
    cmd: "subscribe",
    params: { channels: ["orderbook_delta"], market_tickers: [TICKER], use_yes_price: true },
  });
  const levels = { [BookSide.bid]: new Map<number, number>(), [BookSide.ask]: new Map() };
  let seq = 0;
  const fold = (): void => {
    for (const frame of client.frames.splice(0)) {
      const envelope = readEnvelope(frame);
      if (envelope.seq !== null) expect(envelope.seq).toBe(++seq);
      const payload = readPayload(envelope, true);
      if (payload.kind === "snapshot") {
        for (const side of [BookSide.bid, BookSide.ask]) levels[side].clear();
        for (const { price, size } of payload.body.bids) levels[BookSide.bid].set(price, size);
        for (const { price, size } of payload.body.asks) levels[BookSide.ask].set(price, size);
      } else if (payload.kind === "delta") {
        const { side, price, change } = payload.body;
        const size = (levels[side].get(price) ?? 0) + change;
        if (size === 0) levels[side].delete(price);
        else levels[side].set(price, size);
      }
    }
  };
  for (let step = 0; step < 300; step++) {
    const [account, other] = step % 2 === 0 ? [at.ann, at.ben] : [at.ben, at.ann];
    at.send(account, step % 3 === 0 ? "ask" : "bid", 40 + ((step * 7) % 20), 1 + (step % 5));
    const [open] = other.openIn(0);
    if (step % 4 === 0 && open !== undefined) at.engine.cancel(other, open.orderId);
    at.tell();
    fold();
    const view = at.engine.market(TICKER)?.book.view();
    const told = (side: BookSide) =>
      [...levels[side]].sort(([a], [b]) => (side === BookSide.bid ? b - a : a - b));
    const held = (list: readonly { price: CentiCents; size: Lots }[] = []) =>
      list.map(({ price, size }) => [price, size]);
    expect(told(BookSide.bid)).toEqual(held(view?.bids));
    expect(told(BookSide.ask)).toEqual(held(view?.asks));
  }
  expect(seq).toBeGreaterThan(300);
});
