/** The REST client in simulated time: each test decides what the network answers. */
import { expect, test } from "vitest";
import { isSignatureOf, textToSign } from "../../src/kalshi/index.ts";
import type { Answer } from "../../src/kalshi/rest/answer.ts";
import { calls } from "../../src/kalshi/rest/calls.ts";
import { RestClient, type RestSettings } from "../../src/kalshi/rest/rest-client.ts";
import {
  answer,
  key,
  lost,
  publicKey,
  ScriptedNetwork,
  silence,
  TICKET,
  unsent,
  venue,
} from "./scripted-network.ts";

function open(
  settings: Partial<RestSettings> = {},
  withKey = true,
): { network: ScriptedNetwork; client: RestClient } {
  const network = new ScriptedNetwork();
  const { scheduler, prng } = network;
  const client = new RestClient({
    venue,
    key: withKey ? key : null,
    network,
    scheduler,
    prng,
    settings,
  });
  return { network, client };
}

const STATUS = { exchange_active: true, trading_active: true };
const CREATED = { order_id: "o-1", fill_count: "0.00", remaining_count: "1.00", ts_ms: 1 };

/** Collects the one answer of a call. */
function heard<T>(): { done: (answer: Answer<T>) => void; answers: Answer<T>[] } {
  const answers: Answer<T>[] = [];
  return { done: (answer) => answers.push(answer), answers };
}

test("a request is signed at the moment of sending, without its query", () => {
  const { network, client } = open();
  network.respond = () => answer(200, { orders: [], cursor: "" });
  const { done, answers } = heard<unknown>();
  network.pass(5);
  client.send(calls.orders({ ticker: "T", limit: 10 }), done);
  network.pass(1);
  const [request] = network.requests;
  expect(request?.path).toBe("/trade-api/v2/portfolio/orders?ticker=T&limit=10");
  expect(request?.headers["KALSHI-ACCESS-KEY"]).toBe("test-key");
  const atMs = request?.headers["KALSHI-ACCESS-TIMESTAMP"] ?? "";
  expect(atMs).toBe("1790000005000");
  const signed = textToSign(atMs, "GET", "/trade-api/v2/portfolio/orders");
  const signature = request?.headers["KALSHI-ACCESS-SIGNATURE"] ?? "";
  expect(isSignatureOf(publicKey, signed, signature)).toBe(true);
  expect(answers).toEqual([{ kind: "ok", value: { items: [], cursor: "" } }]);
});

test("a reading is tried again after losses, refusals for now and unreadable answers", () => {
  const { network, client } = open();
  const replies = [
    lost(),
    unsent(),
    answer(503, ""),
    answer(429, '{"error":"too many requests"}'),
    answer(200, "{"),
  ];
  network.respond = (_, number) => replies[number - 1] ?? answer(200, STATUS);
  const { done, answers } = heard<unknown>();
  client.send(calls.exchangeStatus(), done);
  network.pass(60);
  expect(network.requests).toHaveLength(6);
  expect(answers).toMatchObject([{ kind: "ok", value: { tradingActive: true } }]);
  const waits = network.requests
    .slice(1)
    .map(({ atUs }, index) => atUs - (network.requests[index]?.atUs ?? 0));
  waits.forEach((wait, index) => {
    expect(wait).toBeGreaterThanOrEqual(125_000 * 2 ** index);
    expect(wait).toBeLessThanOrEqual(2 * 250_000 * 2 ** index + 1_000_000);
  });
  expect(client.health()).toMatchObject({ failuresInRow: 0, inFlight: 0, waiting: 0 });
});

test("a reading that never succeeds fails in the end, with the last reason", () => {
  const { network, client } = open({ tries: 3 });
  network.respond = () => silence;
  const { done, answers } = heard<unknown>();
  client.send(calls.exchangeStatus(), done);
  network.pass(100);
  expect(network.requests).toHaveLength(3);
  expect(answers).toEqual([{ kind: "failed", reason: "no answer within 10 s" }]);
  expect(client.health()).toMatchObject({ failuresInRow: 3, lastFailure: "no answer within 10 s" });
});

test.each([
  ["a time-out", silence, "unknown"],
  ["a broken connection", lost(), "unknown"],
  ["status 500", answer(500, ""), "unknown"],
  ["status 504", answer(504, "<html>"), "unknown"],
  ["an answer that cannot be read", answer(201, "nonsense"), "unknown"],
  ["a refused connection", unsent(), "failed"],
  ["status 429", answer(429, '{"error":"too many requests"}'), "refused"],
  ["a refusal", answer(400, '{"error":{"code":"invalid_price","message":"x"}}'), "refused"],
  ["a success", answer(201, CREATED), "ok"],
  ["a success of the other kind", answer(200, CREATED), "ok"],
])("an order is sent once whatever happens: %s", (_name, reply, kind) => {
  const { network, client } = open();
  network.respond = () => reply;
  const { done, answers } = heard<unknown>();
  client.send(calls.createOrder(TICKET), done);
  network.pass(120);
  expect(network.requests).toHaveLength(1);
  expect(answers).toMatchObject([{ kind }]);
});

test("a cancel is sent again until it is answered", () => {
  const { network, client } = open();
  network.respond = (_, number) =>
    number < 4
      ? ([lost(), silence, answer(429, "{}")][number - 1] ?? lost())
      : answer(200, { order_id: "o-1", reduced_by: "1.00" });
  const { done, answers } = heard<unknown>();
  client.send(calls.cancelOrder("o-1"), done);
  network.pass(60);
  expect(network.requests).toHaveLength(4);
  expect(answers).toMatchObject([{ kind: "ok", value: { reducedBy: 100 } }]);
});

test("the rate stays within the bucket that the account was told to have", () => {
  const { network, client } = open();
  network.respond = ({ path }) => {
    if (path.endsWith("/account/limits")) {
      const bucket = { refill_rate: 50, bucket_capacity: 100 };
      return answer(200, { usage_tier: "basic", read: bucket, write: bucket });
    }
    if (path.endsWith("/endpoint_costs"))
      return answer(200, { default_cost: 10, endpoint_costs: [] });
    return answer(200, STATUS);
  };
  const limits = heard<unknown>();
  client.learnLimits(limits.done);
  network.pass(10);
  expect(limits.answers).toMatchObject([{ kind: "ok", value: { tier: "basic" } }]);
  const { done, answers } = heard<unknown>();
  for (let call = 0; call < 40; call++) client.send(calls.exchangeStatus(), done);
  const sentAt = (): number[] => network.requests.slice(2).map(({ atUs }) => atUs);
  network.pass(0.5);
  expect(sentAt()).toHaveLength(12);
  network.pass(20);
  expect(answers).toHaveLength(40);
  // Forty calls of ten tokens, a hundred tokens at hand, fifty a second: six seconds.
  const times = sentAt();
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBe(6_000_000);
});

test("a 429 empties the bucket and pauses everything in its lane, not in the other", () => {
  const { network, client } = open();
  network.respond = ({ method }, number) =>
    number === 1
      ? answer(429, '{"error":"too many requests"}')
      : method === "POST"
        ? answer(201, CREATED)
        : answer(200, STATUS);
  const first = heard<unknown>();
  client.send(calls.createOrder(TICKET), first.done);
  network.pass(0.01);
  expect(first.answers).toMatchObject([{ kind: "refused", status: 429 }]);
  const { done, answers } = heard<unknown>();
  client.send(calls.createOrder({ ...TICKET, clientOrderId: "c-2" }), done);
  client.send(calls.exchangeStatus(), done);
  network.pass(0.05);
  expect(network.requests).toHaveLength(2);
  network.pass(0.9);
  expect(network.requests).toHaveLength(3);
  expect(network.requests[2]?.atUs).toBeGreaterThan(125_000);
  expect(answers).toHaveLength(2);
});

test("a write that would wait too long for its turn is told so instead of coming late", () => {
  const { network, client } = open();
  network.respond = () => answer(201, CREATED);
  const { done, answers } = heard<unknown>();
  for (let order = 0; order < 40; order++) client.send(calls.createOrder(TICKET), done);
  network.pass(30);
  const sent = network.requests.length;
  expect(answers).toHaveLength(40);
  expect(answers.filter(({ kind }) => kind === "ok")).toHaveLength(sent);
  expect(network.requests.every(({ atUs }) => atUs <= 1_000_000)).toBe(true);
  expect(sent).toBeGreaterThan(15);
});

test("lists are read to their end, and one without an end is not read for ever", () => {
  const { network, client } = open();
  const fill = (id: string): unknown => ({
    trade_id: id,
    order_id: "o",
    ticker: "T",
    book_side: "bid",
    count_fp: "1.00",
    yes_price_dollars: "0.5000",
    is_taker: false,
    fee_cost: "0.000000",
  });
  network.respond = ({ path }) => {
    const cursor = /cursor=(\w+)/.exec(path)?.[1] ?? "";
    const next: Record<string, string> = { "": "a", a: "b", b: "" };
    return answer(200, { fills: [fill(`t-${cursor}`)], cursor: next[cursor] });
  };
  const { done, answers } = heard<readonly { tradeId: string }[]>();
  client.sendForAll((cursor) => calls.fills({ cursor }), done);
  network.pass(5);
  expect(answers).toMatchObject([
    { kind: "ok", value: [{ tradeId: "t-" }, { tradeId: "t-a" }, { tradeId: "t-b" }] },
  ]);
  network.respond = () => answer(200, { fills: [], cursor: "again" });
  client.sendForAll((cursor) => calls.fills({ cursor }), done);
  network.pass(60);
  expect(answers[1]).toMatchObject({ kind: "failed" });
});

test("without a key public endpoints are read unsigned, and others are not asked", () => {
  const { network, client } = open({}, false);
  network.respond = () => answer(200, STATUS);
  const { done, answers } = heard<unknown>();
  client.send(calls.exchangeStatus(), done);
  client.send(calls.balance(), done);
  expect(answers).toEqual([]);
  network.pass(1);
  expect(network.requests).toHaveLength(1);
  expect(Object.keys(network.requests[0]?.headers ?? {})).toEqual(["accept"]);
  expect(answers.map(({ kind }) => kind).sort()).toEqual(["failed", "ok"]);
});

test("closing gives every call its answer: unknown where it was on its way", () => {
  const { network, client } = open({ writesInFlightMax: 1 });
  network.respond = ({ method }) => (method === "GET" ? lost() : silence);
  const order = heard<unknown>();
  const waiting = heard<unknown>();
  const reading = heard<unknown>();
  client.send(calls.createOrder(TICKET), order.done);
  client.send(calls.createOrder({ ...TICKET, clientOrderId: "c-2" }), waiting.done);
  client.send(calls.exchangeStatus(), reading.done);
  network.pass(0.01);
  client.close();
  network.pass(60);
  expect(order.answers).toMatchObject([{ kind: "unknown" }]);
  expect(waiting.answers).toMatchObject([{ kind: "failed" }]);
  expect(reading.answers).toMatchObject([{ kind: "failed" }]);
  expect(network.requests).toHaveLength(2);
  const late = heard<unknown>();
  client.send(calls.exchangeStatus(), late.done);
  network.pass(1);
  expect(late.answers).toEqual([{ kind: "failed", reason: "the client was closed" }]);
});

test("a wrong clock is told by how much", () => {
  const { network, client } = open();
  const body = '{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}';
  network.respond = () => ({
    outcome: { kind: "answer", status: 401, body, dateMs: 1_790_000_300_000 },
    afterUs: 1_000,
  });
  const { done, answers } = heard<unknown>();
  client.send(calls.balance(), done);
  network.pass(1);
  expect(answers).toMatchObject([{ kind: "refused", status: 401 }]);
  const [refused] = answers;
  expect(refused?.kind === "refused" && refused.clockAheadSeconds).toBe(-300);
});
