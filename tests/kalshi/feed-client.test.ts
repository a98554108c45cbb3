/** The feed's protocol on one connection: subscriptions, numbers, books, signs of life. */
import { expect, test } from "vitest";
import { isSignatureOf, textToSign } from "../../src/kalshi/index.ts";
import { brief, delta, Feed, snapshot } from "./scripted-feed.ts";
import { publicKey, START_US } from "./scripted-network.ts";

test("the handshake is signed as a GET of the path, and books are asked for in YES prices", () => {
  const feed = new Feed();
  feed.client.watch("orderbook_delta", ["A", "B"]);
  feed.client.watch("fill", "all");
  feed.client.start();
  const { headers } = feed.socket;
  const text = textToSign(headers["KALSHI-ACCESS-TIMESTAMP"] ?? "", "GET", "/trade-api/ws/v2");
  expect(text).toBe("1790000000000GET/trade-api/ws/v2");
  expect(isSignatureOf(publicKey, text, headers["KALSHI-ACCESS-SIGNATURE"] ?? "")).toBe(true);
  expect(feed.commands()).toEqual([]);
  feed.socket.events.opened();
  expect(feed.commands()).toEqual([
    {
      kind: "subscribe",
      id: 1,
      channels: ["orderbook_delta"],
      tickers: ["A", "B"],
      useYesPrice: true,
      sendInitialSnapshot: false,
    },
    {
      kind: "subscribe",
      id: 2,
      channels: ["fill"],
      tickers: [],
      useYesPrice: false,
      sendInitialSnapshot: false,
    },
  ]);
  expect(brief(feed.heard())).toEqual(["connected"]);
});

test("a book begins with its snapshot; deltas before it, repeats and unknown kinds are not told", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A", "B"] });
  feed.say(delta(1));
  feed.say(snapshot(2));
  feed.say(delta(3));
  feed.say(delta(3));
  feed.say({ type: "weather", sid: 1, seq: 4, msg: {} });
  feed.say(delta(5, "B"));
  feed.say(snapshot(6, "B"));
  feed.say(delta(7, "C"));
  expect(brief(feed.heard())).toEqual(["snapshot A", "delta A", "snapshot B"]);
  expect(feed.client.health().channels).toEqual([
    { channel: "orderbook_delta", isSubscribed: true, markets: 2, lastMessageUs: START_US },
  ]);
  expect(feed.client.health()).toMatchObject({
    repeated: 1,
    booksKnown: 2,
    booksAwaited: 0,
    gaps: 0,
  });
});

test("a hole in the numbers makes all books of the subscription unknown until their snapshots", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A", "B"], trade: ["A"] });
  feed.say(snapshot(1));
  feed.say(snapshot(2, "B"));
  feed.network.pass(1);
  feed.say(delta(5));
  expect(feed.commands()).toEqual([
    { kind: "update", id: 3, sid: 1, action: "get_snapshot", tickers: ["A", "B"] },
  ]);
  feed.say(delta(6, "B"));
  feed.say(snapshot(7, "A", 700, 3));
  feed.say(delta(8));
  feed.say(delta(9, "B"));
  feed.say(snapshot(10, "B", 700, 3));
  feed.say(delta(11, "B"));
  const events = feed.heard();
  expect(brief(events)).toEqual([
    ...["snapshot A", "snapshot B", "gap orderbook_delta sequence", "snapshot A", "delta A"],
    ...["snapshot B", "delta B"],
  ]);
  expect(events[2]).toMatchObject({ missing: 2, fromUs: START_US, atUs: START_US + 1_000_000 });
  expect(feed.network.sockets).toHaveLength(1);
});

test("replies take numbers of the sequence too, and a first number that is not 1 is a hole", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  feed.say(snapshot(1));
  feed.client.watch("orderbook_delta", ["B"]);
  const [command] = feed.commands();
  expect(command).toMatchObject({ kind: "update", sid: 1, action: "add_markets", tickers: ["B"] });
  feed.say({ id: command?.id, type: "ok", sid: 1, seq: 2, msg: { market_tickers: ["A", "B"] } });
  feed.say(snapshot(3, "B"));
  feed.say(delta(4, "B"));
  expect(brief(feed.heard())).toEqual(["snapshot A", "snapshot B", "delta B"]);
  const late = new Feed();
  late.open({ trade: "all" });
  late.say({
    type: "trade",
    sid: 1,
    seq: 3,
    msg: {
      trade_id: "t",
      market_ticker: "A",
      yes_price_dollars: "0.4500",
      count_fp: "3.00",
      taker_book_side: "bid",
      ts_ms: 1,
    },
  });
  const events = late.heard();
  expect(brief(events)).toEqual(["gap trade sequence", "trade A"]);
  expect(events[0]).toMatchObject({ missing: 2 });
});

test("a snapshot that does not come is asked for again, and then the connection is given up", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  feed.say(snapshot(1));
  feed.say(delta(3));
  expect(feed.commands()).toHaveLength(1);
  feed.network.pass(6);
  expect(feed.commands()).toMatchObject([
    { kind: "update", action: "get_snapshot", tickers: ["A"] },
  ]);
  feed.network.pass(6);
  expect(brief(feed.heard()).slice(1)).toEqual([
    "gap orderbook_delta sequence",
    "disconnected",
    "gap orderbook_delta disconnected",
  ]);
  expect(feed.client.health().lastReason).toBe("no snapshot came for 1 books");
});

test("a market without a first snapshot is reported once, and costs no connection", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A", "NONE"] });
  feed.say(snapshot(1));
  feed.network.pass(20);
  expect(brief(feed.heard())).toEqual(["snapshot A", "refused NONE 0"]);
  feed.say(snapshot(2, "NONE"));
  expect(brief(feed.heard())).toEqual(["snapshot NONE"]);
  expect(feed.network.sockets).toHaveLength(1);
});

test("an unknown market among many is found by halving, and the others are subscribed", () => {
  const feed = new Feed();
  const markets = ["A", "B", "C", "BAD", "D", "E", "F"];
  feed.client.watch("orderbook_delta", markets);
  feed.client.start();
  feed.socket.events.opened();
  const agreed = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const [command] = feed.commands();
    if (command === undefined || command.kind === "list" || command.kind === "unsubscribe") break;
    const { id, tickers } = command;
    if (tickers.includes("BAD"))
      feed.say({ id, type: "error", msg: { code: 11, msg: "Invalid parameter" } });
    else {
      for (const ticker of tickers) agreed.add(ticker);
      const isFirst = command.kind === "subscribe";
      feed.say(
        isFirst
          ? { id, type: "subscribed", msg: { channel: "orderbook_delta", sid: 1 } }
          : { id, type: "ok", sid: 1, msg: {} },
      );
    }
  }
  expect([...agreed].sort()).toEqual(markets.filter((one) => one !== "BAD").sort());
  expect(brief(feed.heard())).toEqual(["connected", "refused BAD 11"]);
});

test("a quiet market is asked for one snapshot, whose number proves that nothing was missed", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A", "B"] });
  feed.say(snapshot(1));
  feed.say(snapshot(2, "B"));
  feed.commands();
  for (let second = 0; second < 29; second++) {
    feed.network.pass(1);
    feed.socket.events.alive();
  }
  expect(feed.commands()).toEqual([]);
  feed.network.pass(1);
  const [probe] = feed.commands();
  expect(probe).toMatchObject({ kind: "update", action: "get_snapshot", tickers: ["A"] });
  feed.say(snapshot(3, "A", 500, probe?.id));
  for (let second = 0; second < 25; second++) {
    feed.network.pass(1);
    feed.socket.events.alive();
  }
  feed.say(delta(4));
  expect(brief(feed.heard())).toEqual(["snapshot A", "snapshot B", "snapshot A", "delta A"]);
  expect(feed.network.sockets).toHaveLength(1);
});

test("a silent subscription that no longer answers is stale, although the connection is alive", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"], fill: "all" });
  feed.say(snapshot(1));
  for (let second = 0; second < 45; second++) {
    feed.network.pass(1);
    feed.socket.events.alive();
  }
  const events = feed.heard();
  expect(brief(events)).toEqual([
    ...["snapshot A", "gap orderbook_delta stale", "disconnected", "gap fill disconnected"],
  ]);
  // What may be missing reaches back to the last message of the subscription.
  expect(events[1]).toMatchObject({ fromUs: START_US });
});

test("a missed message in a quiet time shows in the number of the snapshot that was asked for", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  feed.say(snapshot(1));
  for (let second = 0; second < 30; second++) {
    feed.network.pass(1);
    feed.socket.events.alive();
  }
  const [probe] = feed.commands();
  feed.say(snapshot(4, "A", 900, probe?.id));
  expect(brief(feed.heard())).toEqual(["snapshot A", "gap orderbook_delta sequence", "snapshot A"]);
});

test("a quiet book that has changed without a word of it is stale, whatever the numbers say", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  feed.say(snapshot(1));
  feed.say(delta(2));
  const quiet = (): number | undefined => {
    for (let second = 0; second < 31; second++) {
      feed.network.pass(1);
      feed.socket.events.alive();
    }
    return feed.commands()[0]?.id;
  };
  feed.say(snapshot(3, "A", 600, quiet()));
  expect(brief(feed.heard())).toEqual(["snapshot A", "delta A", "snapshot A"]);
  feed.say(snapshot(4, "A", 700, quiet()));
  expect(brief(feed.heard())).toEqual(["gap orderbook_delta stale", "disconnected"]);
});

test("a level that would fall below zero makes the books unknown", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  feed.say(snapshot(1));
  feed.say(delta(2, "A", -500));
  feed.say(delta(3, "A", -100));
  feed.say(delta(4));
  expect(brief(feed.heard())).toEqual([
    ...["snapshot A", "delta A", "gap orderbook_delta contradiction"],
  ]);
  expect(feed.commands()).toMatchObject([{ action: "get_snapshot", tickers: ["A"] }]);
});

test("private channels alone are probed by the list of subscriptions; a lost one is renewed", () => {
  const feed = new Feed();
  feed.open({ fill: "all", user_orders: "all" });
  for (let second = 0; second < 31; second++) {
    feed.network.pass(1);
    feed.socket.events.alive();
  }
  const [list] = feed.commands();
  expect(list?.kind).toBe("list");
  feed.say({ id: list?.id, type: "ok", msg: [{ channel: "fill", sid: 1 }] });
  const [again] = feed.commands();
  expect(again).toMatchObject({ kind: "subscribe", channels: ["user_orders"] });
  feed.say({ id: again?.id, type: "subscribed", msg: { channel: "user_orders", sid: 3 } });
  expect(brief(feed.heard())).toEqual(["gap user_orders ended", "resumed user_orders"]);
});

test("without signs of life there are pings, and then a new connection", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  feed.say(snapshot(1));
  const { socket } = feed;
  feed.network.pass(29);
  expect(socket.pings).toBe(2);
  expect(socket.isClosed).toBe(false);
  feed.network.pass(3);
  expect(socket.isClosed).toBe(true);
  expect(feed.network.sockets.length).toBeGreaterThan(1);
  expect(brief(feed.heard())).toEqual([
    "snapshot A",
    "disconnected",
    "gap orderbook_delta disconnected",
  ]);
});
