/** The feed in trouble: lost connections, ended subscriptions, unreadable frames, a slow reader. */
import { expect, test } from "vitest";
import { brief, delta, Feed, snapshot } from "./scripted-feed.ts";

test("reconnection never gives up; its waits grow to a bound and begin anew after a good time", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  feed.say(snapshot(1));
  const waits: number[] = [];
  for (let failure = 0; failure < 200; failure++) {
    const before = feed.network.sockets.length;
    feed.socket.events.closed("the connection was reset");
    let waited = 0;
    for (; feed.network.sockets.length === before; waited += 0.25) feed.network.pass(0.25);
    waits.push(waited);
  }
  const events = feed.heard();
  // One gap, however often it was tried.
  expect(events.filter(({ kind }) => kind === "gap")).toHaveLength(1);
  expect(feed.client.health()).toMatchObject({ attempt: 200, state: "connecting" });
  expect(Math.max(...waits)).toBeLessThanOrEqual(30.25);
  expect(Math.min(...waits.slice(8))).toBeGreaterThanOrEqual(15);
  expect(waits[0]).toBe(0.25);
  feed.socket.events.opened();
  const [command] = feed.commands();
  feed.say({ id: command?.id, type: "subscribed", msg: { channel: "orderbook_delta", sid: 1 } });
  feed.say(snapshot(1));
  feed.network.pass(12);
  expect(brief(feed.heard())).toEqual(["connected", "resumed orderbook_delta", "snapshot A"]);
  expect(feed.client.health().attempt).toBe(0);
  feed.socket.events.closed("reset");
  const before = feed.network.sockets.length;
  feed.network.pass(0.25);
  expect(feed.network.sockets.length).toBe(before + 1);
});

test("a connection that never opens and a command that is never answered are given up", () => {
  const feed = new Feed();
  feed.client.watch("fill", "all");
  feed.client.start();
  feed.network.pass(11);
  expect(feed.network.sockets.length).toBe(2);
  expect(feed.client.health().lastReason).toBe("no connection within 10 s");
  feed.socket.events.opened();
  for (let second = 0; second < 12; second++) {
    feed.network.pass(1);
    feed.socket.events.alive();
  }
  expect(feed.client.health().lastReason).toBe("the venue did not answer a command");
});

test("events of a connection that was given up are not heard", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  const { socket } = feed;
  socket.events.closed("reset");
  feed.heard();
  socket.events.message(snapshot(1));
  socket.events.closed("again");
  socket.events.opened();
  expect(feed.heard()).toEqual([]);
  feed.client.close();
  feed.network.pass(100);
  expect(feed.network.sockets).toHaveLength(1);
});

test("a subscription that the venue ends is asked for again, after a while, with a gap", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  feed.say(snapshot(1));
  feed.say({
    type: "error",
    sid: 1,
    seq: 2,
    msg: { code: 25, msg: "Subscription buffer overflow" },
  });
  feed.say(delta(3));
  expect(feed.commands()).toEqual([]);
  feed.network.pass(3);
  const [command] = feed.commands();
  expect(command).toMatchObject({ kind: "subscribe", tickers: ["A"] });
  feed.say({ id: command?.id, type: "subscribed", msg: { channel: "orderbook_delta", sid: 2 } });
  feed.say(snapshot(1).replace('"sid":1', '"sid":2'));
  expect(brief(feed.heard())).toEqual([
    ...["snapshot A", "gap orderbook_delta ended", "resumed orderbook_delta", "snapshot A"],
  ]);
});

test("a command that the venue has no time for is sent again", () => {
  const feed = new Feed();
  feed.client.watch("trade", ["A"]);
  feed.client.start();
  feed.socket.events.opened();
  const [first] = feed.commands();
  feed.say({ id: first?.id, type: "error", msg: { code: 27, msg: "Too many requests" } });
  expect(feed.commands()).toEqual([]);
  feed.network.pass(3);
  expect(feed.commands()).toMatchObject([
    { kind: "subscribe", channels: ["trade"], tickers: ["A"] },
  ]);
});

test("what cannot be read is reported: a book is fetched anew, a private channel has a gap", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"], fill: "all" });
  feed.say(snapshot(1));
  feed.say(delta(2).replace("0.4000", "forty"));
  expect(feed.commands()).toMatchObject([{ kind: "update", action: "get_snapshot" }]);
  feed.say(delta(3));
  feed.say(snapshot(4));
  feed.say({ type: "fill", sid: 2, msg: { order_id: 5 } });
  feed.say("{ this is no JSON");
  expect(brief(feed.heard())).toEqual([
    ...["snapshot A", "unreadable", "gap orderbook_delta unreadable", "snapshot A"],
    ...["unreadable", "gap fill unreadable", "unreadable"],
  ]);
  for (let times = 0; times < 25; times++) feed.say("?");
  expect(feed.client.health().lastReason).toBe("the venue's messages cannot be read");
});

test("gap after gap ends the connection instead of asking for snapshots for ever", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  feed.say(snapshot(1));
  for (let seq = 3; seq < 30; seq += 2) if (!feed.socket.isClosed) feed.say(delta(seq));
  expect(feed.socket.isClosed).toBe(true);
  expect(feed.heard().filter(({ kind }) => kind === "gap").length).toBeLessThan(10);
});

test("markets that are taken out are no longer told, and an empty channel is unsubscribed", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A", "B"] });
  feed.say(snapshot(1));
  feed.say(snapshot(2, "B"));
  feed.client.unwatch("orderbook_delta", ["B"]);
  const [removal] = feed.commands();
  expect(removal).toMatchObject({ action: "delete_markets", tickers: ["B"] });
  feed.say(delta(3, "B"));
  feed.say({ id: removal?.id, type: "ok", sid: 1, seq: 4, msg: { market_tickers: ["A"] } });
  feed.client.unwatch("orderbook_delta", "all");
  const [end] = feed.commands();
  expect(end).toEqual({ kind: "unsubscribe", id: end?.id, sids: [1] });
  feed.say({ id: end?.id, type: "unsubscribed", sid: 1, seq: 5 });
  feed.say(delta(6));
  feed.network.pass(8);
  expect(brief(feed.heard())).toEqual(["snapshot A", "snapshot B"]);
  feed.client.watch("orderbook_delta", ["A"]);
  expect(feed.commands()).toMatchObject([{ kind: "subscribe", tickers: ["A"] }]);
});

test("a slow reader loses market data with a record of it, keeps fills, and gets fresh books", () => {
  const feed = new Feed({ queueMax: 50 });
  feed.open({ orderbook_delta: ["A", "B"], fill: "all" });
  feed.say(snapshot(1));
  feed.say(snapshot(2, "B"));
  const fill = (number: number): object => ({
    type: "fill",
    sid: 2,
    msg: {
      trade_id: `t-${number}`,
      order_id: "o",
      market_ticker: "A",
      is_taker: false,
      book_side: "bid",
      yes_price_dollars: "0.4000",
      count_fp: "1.00",
      fee_cost: "0.000000",
      post_position_fp: "1.00",
      ts_ms: 1,
    },
  });
  feed.heard();
  for (let number = 1; number <= 200; number++) {
    feed.say(delta(2 + number));
    if (number % 20 === 0) feed.say(fill(number));
  }
  expect(feed.client.health().queue.length).toBeLessThanOrEqual(50);
  const events = feed.heard();
  const [gap] = events;
  expect(gap).toMatchObject({ kind: "gap", channel: "orderbook_delta", cause: "overflow" });
  const fills = events.filter(({ kind }) => kind === "message");
  expect(brief(fills)).toEqual(Array.from({ length: 10 }, () => "fill A"));
  const resumed = events.at(-1);
  expect(resumed).toMatchObject({ kind: "resumed", channel: "orderbook_delta" });
  // Every message that came is accounted for: told, or counted as thrown away.
  const missing = gap?.kind === "gap" ? (gap.missing ?? 0) : 0;
  const discarded = resumed?.kind === "resumed" ? resumed.discarded : 0;
  expect(missing + discarded).toBe(200);
  expect(feed.commands()).toMatchObject([{ action: "get_snapshot", tickers: ["A", "B"] }]);
  feed.say(delta(203));
  feed.say(snapshot(204));
  feed.say(delta(205));
  expect(brief(feed.heard())).toEqual(["snapshot A", "delta A"]);
  expect(feed.network.sockets).toHaveLength(1);
});

test("the reader is called once until it drains", () => {
  const feed = new Feed();
  feed.open({ orderbook_delta: ["A"] });
  const before = feed.announcements;
  feed.say(snapshot(1));
  feed.say(delta(2));
  expect(feed.announcements).toBe(before + 1);
  feed.heard();
  feed.say(delta(3));
  expect(feed.announcements).toBe(before + 2);
});
