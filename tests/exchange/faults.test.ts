/** Each fault as it is meant, its script, and that a plan with a seed is always the same. */
import { describe, expect, test } from "vitest";
import { setUpExchange } from "../../src/apps/exchange/set-up.ts";
import { type CentiCents, type Lots, type TimestampUs } from "../../src/core/index.ts";
import {
  type FeedLine,
  type Handling,
  readFaultRules,
  readFaultWord,
} from "../../src/exchange/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { TICKER } from "./exchange-case.ts";
import { KEY_ID, KEYS, pemOf, RestCase, signedBy, type Told, toldOf } from "./rest-case.ts";

const WS = "/trade-api/ws/v2";

class FaultCase extends RestCase {
  begin(...rules: object[]): void {
    this.exchange.faults.begin(readFaultRules(rules, "rules"), this.exchange.nowUs);
  }

  /** Sends an order and keeps what comes of it, at once or later. */
  sendOrder(id: string): Handling[] {
    const handlings: Handling[] = [];
    const path = "/trade-api/v2/portfolio/events/orders";
    const headers = {
      ...signedBy(this.exchange.nowUs, "POST", path),
      "content-type": "application/json",
    };
    const body = JSON.stringify(this.ticket("bid", "0.0100", "1.00", { client_order_id: id }));
    this.exchange.request(
      { method: "POST", path, headers, body },
      this.exchange.nowUs,
      (handling) => {
        handlings.push(handling);
      },
    );
    return handlings;
  }

  /** Opens a feed connection; frames, and whether it was broken off. */
  listen() {
    const frames: string[] = [];
    const state = { frames, isBroken: false, types: () => frames.map(typeOf) };
    const headers = signedBy(this.exchange.nowUs, "GET", WS);
    const opened = this.exchange.connect(
      { method: "GET", path: WS, headers },
      this.exchange.nowUs,
      {
        deliver: (frame) => frames.push(frame),
        broken: () => {
          state.isBroken = true;
        },
      },
    );
    return { ...state, state, opened };
  }

  subscribe(line: FeedLine, ...channels: string[]): void {
    const params = { channels, market_tickers: [TICKER] };
    line.receive(JSON.stringify({ id: 1, cmd: "subscribe", params }), this.exchange.nowUs);
  }

  openOrders(): number {
    return this.account.openIn(0).size;
  }
}

function typeOf(frame: string): string {
  const { type, seq } = JSON.parse(frame) as { type: string; seq?: number };
  return seq === undefined ? type : `${type} ${seq}`;
}

function lineOf(opened: ReturnType<FaultCase["listen"]>["opened"]): FeedLine {
  if (opened === null || "status" in opened) throw new Error("the feed is open");
  return opened;
}

describe("faults of requests", () => {
  test.each([
    ["refuse", { kind: "broken", isRead: false }, 0],
    ["reset", { kind: "broken", isRead: true }, 0],
    ["loseAnswer", { kind: "broken", isRead: true }, 1],
    ["fail", { kind: "answer", answer: { status: 503 } }, 0],
    ["failAfter", { kind: "answer", answer: { status: 503 } }, 1],
    ["tooMany", { kind: "answer", answer: { status: 429 } }, 0],
  ])("%s", (kind, handling, orders) => {
    const at = new FaultCase();
    at.begin({ kind });
    expect(at.sendOrder("a")).toMatchObject([handling]);
    expect(at.openOrders()).toBe(orders);
  });

  test("slow: done at once, answered late; held: done late", () => {
    const at = new FaultCase();
    at.begin({ kind: "slow", amount_ms: 2_000 });
    const slow = at.sendOrder("a");
    expect([slow.length, at.openOrders()]).toEqual([0, 1]);
    at.wait(2);
    expect(toldOf(slow[0]).status).toBe(201);
    // Longer than a signature is good for: it was checked when it came.
    at.begin({ kind: "held", amount_ms: 20_000 });
    const held = at.sendOrder("b");
    at.wait(19);
    expect([held.length, at.openOrders()]).toEqual([0, 1]);
    at.wait(1);
    expect([toldOf(held[0]).status, at.openOrders()]).toEqual([201, 2]);
  });

  test("stale: answers are as of a while ago, and say so", () => {
    const at = new FaultCase();
    at.begin({ kind: "stale", amount_ms: 3_000 });
    at.wait(10);
    at.order("bid", "0.0100", "1.00", { client_order_id: "a" });
    const count = () => (at.ask("GET", "/portfolio/orders").body["orders"] as unknown[]).length;
    const complete = () => {
      const { body } = at.ask("GET", "/exchange/user_data_timestamp");
      return Date.parse(body["as_of_time"] as string) * 1_000 - at.exchange.nowUs;
    };
    expect([count(), complete()]).toEqual([0, -3_000_000]);
    at.wait(3);
    expect(count()).toBe(1);
  });

  test("stale: nothing is read as it was before the exchange was there", () => {
    const startUs = 1_795_176_000_000_000 as TimestampUs;
    const { exchange } = setUpExchange({
      source: { kind: "generate", markets: 2, minutes: 15, activity: 1 },
      seed: 42,
      startUs,
      cashDollars: 10_000,
      tier: "prestige",
      keyId: KEY_ID,
      pem: pemOf(KEYS.publicKey),
      faults: readFaultRules([{ kind: "stale", amount_ms: 8_000 }], "rules"),
    });
    const ask = (path: string): Told["body"] => {
      let told: Handling | undefined;
      const full = `/trade-api/v2${path}`;
      const headers = signedBy(exchange.nowUs, "GET", full);
      const request = { method: "GET", path: full, headers, body: "" };
      exchange.request(request, exchange.nowUs, (handling) => {
        told = handling;
      });
      return toldOf(told).body;
    };
    for (const seconds of [0, 0.001, 4, 7.999, 8, 9]) {
      exchange.advanceTo((startUs + seconds * 1_000_000) as TimestampUs);
      expect(ask("/portfolio/balance"), `after ${seconds} s`).toMatchObject({
        balance: 1_000_000,
        balance_dollars: "10000.0000",
        updated_ts: startUs / 1_000_000,
      });
      expect(ask("/portfolio/orders")).toEqual({ orders: [], cursor: "" });
      expect(ask("/portfolio/fills")).toEqual({ fills: [], cursor: "" });
      expect(ask("/portfolio/positions")["market_positions"]).toEqual([]);
      expect(ask("/markets?status=open")["markets"]).toHaveLength(2);
      const asOf = Date.parse(ask("/exchange/user_data_timestamp")["as_of_time"] as string);
      expect(asOf).toBe(startUs / 1_000 + Math.max(0, seconds * 1_000 - 8_000));
    }
  });

  test("stale: what resting orders cost is read as late as the orders are", () => {
    const at = new FaultCase();
    at.wait(10);
    at.begin({ kind: "stale", amount_ms: 3_000 });
    at.order("bid", "0.0100", "200.00");
    at.order("ask", "0.9800", "50.00");
    const cents = () =>
      at.ask("GET", "/portfolio/summary/total_resting_order_value").body[
        "total_resting_order_value"
      ];
    expect(cents()).toBe(0);
    at.wait(3);
    // Two hundred at a cent, fifty at two cents.
    expect(cents()).toBe(300);
    at.ask("DELETE", "/portfolio/events/orders");
    expect(cents()).toBe(300);
    at.wait(3);
    expect(cents()).toBe(0);
  });

  test("skew: signatures and dates go by a clock that is off", () => {
    const at = new FaultCase();
    at.begin({ kind: "skew", amount_ms: 60_000 });
    const [handling] = at.sendOrder("a");
    expect(toldOf(handling)).toMatchObject({
      status: 401,
      body: { error: { code: "header_timestamp_expired" } },
    });
    expect(handling).toMatchObject({ dateUs: at.exchange.nowUs + 60_000_000 });
  });

  test("a rule strikes within its time, its number, its method and its path", () => {
    const at = new FaultCase();
    const window = { from_ms: 1_000, until_ms: 2_000, times: 2 };
    at.begin({ kind: "fail", ...window, method: "GET", path: "/portfolio" });
    const status = (path: string) => at.ask("GET", path).status;
    expect(status("/portfolio/balance")).toBe(200);
    at.wait(1);
    expect(status("/markets")).toBe(200);
    expect(toldOf(at.sendOrder("a")[0]).status).toBe(201);
    expect(["a", "b", "c"].map(() => status("/portfolio/balance"))).toEqual([503, 503, 200]);
    at.begin({ kind: "fail", ...window, times: 99 });
    at.wait(2);
    expect(status("/portfolio/balance")).toBe(200);
  });

  test("control is never struck, and sets rules", () => {
    const at = new FaultCase();
    at.begin({ kind: "fail" }, { kind: "refuse", path: "/nowhere" });
    expect(at.ask("GET", "/control/faults").body["rules"]).toMatchObject([
      { kind: "fail", chance: 1 },
      { kind: "refuse", path: "/nowhere" },
    ]);
    expect(at.ask("PUT", "/control/faults", { rules: [] }).status).toBe(200);
    expect(at.ask("GET", "/portfolio/balance").status).toBe(200);
    const wrong = at.ask("PUT", "/control/faults", { rules: [{ kind: "none" }] });
    expect(wrong).toMatchObject({ status: 400, body: { code: "bad_request" } });
  });
});

describe("faults of the feed", () => {
  test("feedDown: 503 at the handshake; refuse: broken off", () => {
    const at = new FaultCase();
    at.begin({ kind: "feedDown", times: 1 }, { kind: "refuse", path: WS });
    expect(at.listen().opened).toBeNull();
    at.begin({ kind: "feedDown", times: 1 });
    expect(at.listen().opened).toMatchObject({ status: 503 });
    lineOf(at.listen().opened);
  });

  test("gap: a number is missing; resetFeed: the connection breaks instead", () => {
    const at = new FaultCase();
    const { opened, state } = at.listen();
    at.subscribe(lineOf(opened), "orderbook_delta");
    at.begin({ kind: "gap", channel: "orderbook_delta", times: 1 });
    at.crowd("bid", "0.4000", "1.00");
    at.crowd("bid", "0.4100", "1.00");
    expect(state.types()).toEqual(["subscribed", "orderbook_snapshot 1", "orderbook_delta 3"]);
    at.begin({ kind: "resetFeed" });
    at.crowd("bid", "0.4200", "1.00");
    at.crowd("bid", "0.4300", "1.00");
    expect([state.frames.length, state.isBroken]).toEqual([3, true]);
    expect(at.exchange.connectionCount).toBe(0);
  });

  test("duplicate and late fills", () => {
    const at = new FaultCase();
    const { opened, state } = at.listen();
    at.subscribe(lineOf(opened), "fill", "trade");
    state.frames.length = 0;
    at.begin({ kind: "duplicate", channel: "fill", amount_ms: 1_000 });
    at.order("bid", "0.4000", "2.00");
    at.crowd("ask", "0.4000", "1.00", true);
    expect(state.types()).toEqual(["trade 1", "fill"]);
    at.wait(1);
    expect(state.frames[2]).toBe(state.frames[1]);
    state.frames.length = 0;
    at.begin({ kind: "late", channel: "fill", amount_ms: 1_000 });
    at.crowd("ask", "0.4000", "1.00", true);
    at.wait(0.5);
    expect(state.types()).toEqual(["trade 2"]);
    at.wait(0.5);
    expect(state.types()).toEqual(["trade 2", "fill"]);
  });
});

describe("plans", () => {
  function strikes(seed: number, extra: object[] = []): string {
    const at = new FaultCase({}, seed);
    at.begin({ kind: "fail", chance: 0.3 }, ...extra);
    const balance = (): number => {
      at.wait(1);
      return at.ask("GET", "/portfolio/balance").status;
    };
    return Array.from({ length: 60 }, balance).join();
  }

  test("one seed, one course of things; another seed, another", () => {
    expect(strikes(1)).toBe(strikes(1));
    expect(strikes(1)).not.toBe(strikes(2));
    const failures = strikes(1)
      .split(",")
      .filter((status) => status === "503");
    expect(failures.length).toBeGreaterThan(8);
    expect(failures.length).toBeLessThan(30);
  });

  test("a rule is not disturbed by others", () => {
    expect(strikes(1, [{ kind: "slow", chance: 0.5, amount_ms: 0 }])).toBe(strikes(1));
  });

  test.each([
    ["loseAnswer", { kind: "loseAnswer", chancePpm: 1_000_000, amountUs: 500_000 }],
    ["slow:0.05:250", { kind: "slow", chancePpm: 50_000, amountUs: 250_000 }],
  ])("%s on a command line", (word, rule) => {
    expect(readFaultWord(word)).toMatchObject(rule);
  });

  test.each([
    [{}, "rules: expected a list of rules"],
    [[{ kind: "nothing" }], "rules[0].kind: expected one of"],
    [[{ kind: "slow", chance: 2 }], "rules[0].chance: expected a number from 0 to 1"],
    [
      [{ kind: "slow", from_ms: 100, until_ms: 50 }],
      "rules[0].until_ms: expected a number above 100, was 50",
    ],
    [[{ kind: "slow", speed: 2 }], "rules[0]: expected keys out of"],
    [[{ kind: "gap", channel: "news" }], "rules[0].channel: expected one of"],
    [[7], "rules[0]: expected an object"],
  ])("%j is refused in words", (rules, sentence) => {
    expect(() => readFaultRules(rules, "rules")).toThrow(sentence);
  });
});

test("the crowd's orders by control, and by hand, are one and the same", () => {
  const at = new FaultCase();
  at.crowd("ask", "0.4000", "1.00");
  const [market] = at.exchange.engine.markets;
  if (market === undefined) throw new Error("a market is there");
  const terms = { side: BookSide.bid, price: 4_000 as CentiCents, size: 100 as Lots };
  expect(at.exchange.engine.crowdTake({ market, ...terms })).toBe(100);
  expect(at.exchange.nowUs).toBe(at.exchange.engine.nowUs satisfies TimestampUs);
});
