/** Faults as a client on real sockets meets them. */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { readFaultRules } from "../../src/exchange/index.ts";
import { KEY_ID, RSA, ServedCase, TICKER } from "./served-case.ts";
import { signedHeaders } from "./signed-case.ts";

const ORDERS = "/trade-api/v2/portfolio/events/orders";
let at: ServedCase;

beforeAll(async () => {
  at = await ServedCase.open();
});

afterAll(() => at.server.close());

function begin(...rules: object[]): void {
  at.exchange.faults.begin(readFaultRules(rules, "rules"), at.exchange.nowUs);
}

let count = 0;

/** Sends an order; its status, or how the connection ended. */
function order(): Promise<number | string> {
  count += 1;
  const { hostname, port } = new URL(at.server.rest);
  const body = JSON.stringify({
    ticker: TICKER,
    client_order_id: `faults-${count}`,
    side: "bid",
    price: "0.0100",
    count: "1.00",
    time_in_force: "good_till_canceled",
    self_trade_prevention_type: "taker_at_cross",
  });
  const headers = Object.entries(signedHeaders(RSA.privateKey, KEY_ID, "POST", ORDERS));
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let told = "";
    socket.on("data", (data: Buffer) => (told += data.toString()));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    socket.on("close", () => {
      const status = /^HTTP\/1\.1 (\d+)/.exec(told)?.[1];
      resolve(status === undefined ? "closed" : Number(status));
    });
    socket.write(
      `POST ${ORDERS} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${head}` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  });
}

/** Somebody else's order, by the control route, at the clock that runs. */
async function bid(price: string): Promise<void> {
  const path = `/control/markets/${TICKER}/crowd`;
  const answer = await fetch(new URL(path, at.server.rest), {
    method: "POST",
    headers: signedHeaders(RSA.privateKey, KEY_ID, "POST", path),
    body: JSON.stringify({ side: "bid", price, count: "1.00" }),
  });
  expect(answer.status).toBe(200);
}

const openOrders = () => at.account.openIn(0).size;

describe("requests", () => {
  test.each<[string, number | string, number]>([
    ["refuse", "ECONNRESET", 0],
    ["reset", "ECONNRESET", 0],
    ["loseAnswer", "ECONNRESET", 1],
    ["fail", 503, 0],
    ["failAfter", 503, 1],
    ["tooMany", 429, 0],
  ])("%s ends in %s", async (kind, outcome, orders) => {
    const before = openOrders();
    begin({ kind, times: 1 });
    expect(await order()).toBe(outcome);
    expect(openOrders() - before).toBe(orders);
    expect(await order()).toBe(201);
  });

  test("slow and held answers come, late", async () => {
    begin({ kind: "slow", amount_ms: 150, times: 1 }, { kind: "held", amount_ms: 150, times: 1 });
    const startMs = performance.now();
    expect(await order()).toBe(201);
    // Held first, and then slow.
    expect(performance.now() - startMs).toBeGreaterThan(290);
  });

  test("a storm of 429 lasts as long as its script says", async () => {
    const endUs = at.exchange.nowUs + 300_000;
    begin({ kind: "tooMany", from_ms: 0, until_ms: 300 });
    const answers: (number | string)[] = [];
    do answers.push(await order());
    while (answers.at(-1) !== 201);
    expect(answers.slice(0, -1).every((answer) => answer === 429)).toBe(true);
    expect(at.exchange.nowUs).toBeGreaterThanOrEqual(endUs);
  });
});

describe("the feed", () => {
  function open(): Promise<WebSocket> {
    const headers = signedHeaders(RSA.privateKey, KEY_ID, "GET", "/trade-api/ws/v2");
    const socket = new WebSocket(at.server.ws, { headers });
    return new Promise((resolve, reject) => {
      socket.on("open", () => resolve(socket));
      socket.on("error", reject);
    });
  }

  test("its handshake is answered with 503, or its connection is reset, and then it is there again", async () => {
    begin({ kind: "feedDown", times: 1 });
    await expect(open()).rejects.toThrow("503");
    begin({ kind: "refuse", times: 1 });
    await expect(open()).rejects.toThrow(/ECONNRESET|hang up/);
    (await open()).terminate();
  });

  test("gaps, repeats and late messages arrive as such, and a reset ends it", async () => {
    const socket = await open();
    const numbers: number[] = [];
    socket.on("message", (data: Buffer) => {
      const { seq } = JSON.parse(data.toString()) as { seq?: number };
      if (seq !== undefined) numbers.push(seq);
    });
    const has = async (seq: number): Promise<void> => {
      while (!numbers.includes(seq)) await new Promise((resolve) => setTimeout(resolve, 2));
    };
    begin();
    const params = { channels: ["orderbook_delta"], market_tickers: [TICKER] };
    socket.send(JSON.stringify({ id: 1, cmd: "subscribe", params }));
    await has(1);
    const channel = "orderbook_delta";
    begin({ kind: "gap", channel, times: 1 });
    await bid("0.4000");
    await bid("0.4100");
    await has(3);
    begin({ kind: "duplicate", channel, times: 1, amount_ms: 20 });
    await bid("0.4200");
    await bid("0.4300");
    await has(5);
    begin({ kind: "late", channel, times: 1, amount_ms: 2_000 });
    await bid("0.4000");
    await bid("0.4100");
    await has(7);
    await has(6);
    expect(numbers.filter((number) => number !== 4)).toEqual([1, 3, 5, 7, 6]);
    expect(numbers.filter((number) => number === 4)).toHaveLength(2);
    const closed = new Promise((resolve) => socket.on("close", resolve));
    begin({ kind: "resetFeed", times: 1 });
    await bid("0.4000");
    expect(await closed).toBe(1006);
  });
});
