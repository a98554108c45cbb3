import { expect, test } from "vitest";
import { AUTH_HEADERS, isSignatureOf, RestClient, textToSign } from "../../src/kalshi/index.ts";
import { calls } from "../../src/kalshi/rest/calls.ts";
import type { HttpRequest } from "../../src/kalshi/network.ts";
import {
  answer,
  key,
  publicKey,
  START_US,
  ScriptedNetwork,
  TICKET,
  venue,
} from "./scripted-network.ts";

const PATH = "/trade-api/v2/portfolio/events/orders";

function stampOf({ headers }: HttpRequest): number {
  return Number(headers[AUTH_HEADERS.time]);
}

function isSigned({ method, path, headers }: HttpRequest): boolean {
  const text = textToSign(headers[AUTH_HEADERS.time] ?? "", method, path);
  return isSignatureOf(publicKey, text, headers[AUTH_HEADERS.signature] ?? "");
}

function open() {
  const network = new ScriptedNetwork();
  network.respond = () => answer(503, "");
  const { scheduler, prng } = network;
  const client = new RestClient({ venue, key, network, scheduler, prng });
  client.signAhead({ method: "POST", path: "/portfolio/events/orders" });
  const create = (): void => {
    client.send(calls.createOrder(TICKET), () => undefined);
  };
  return { network, client, create };
}

test("orders go out with signatures made before, each used once", () => {
  const { network, client, create } = open();
  network.pass(10);
  const nowMs = START_US / 1_000 + 10_000;
  for (let order = 0; order < 6; order++) create();
  const { requests } = network;
  expect(requests.map(({ path }) => path)).toEqual(requests.map(() => PATH));
  const stamps = requests.map(stampOf);
  // Four were ready; the others are signed as they come.
  expect(stamps.filter((stamp) => stamp < nowMs)).toHaveLength(4);
  expect(new Set(stamps.slice(0, 4)).size).toBe(4);
  for (const stamp of stamps) expect(nowMs - stamp).toBeLessThanOrEqual(1_500);
  expect(requests.every(isSigned)).toBe(true);
  // A moment later they are there again.
  network.pass(0.02);
  create();
  expect(stampOf(requests[6] as HttpRequest)).toBeLessThan(nowMs + 20);
  client.close();
  network.pass(10);
  expect(requests).toHaveLength(7);
});

test("another request is signed as it comes, and cancels take none of the signatures", () => {
  const { network, client, create } = open();
  network.pass(1);
  client.send(calls.cancelOrder("some-id"), () => undefined);
  client.send(
    calls.amendOrder("some-id", { ...TICKET, updatedClientOrderId: null }),
    () => undefined,
  );
  create();
  const nowMs = START_US / 1_000 + 1_000;
  expect(network.requests.map((request) => stampOf(request) < nowMs)).toEqual([false, false, true]);
  expect(network.requests.every(isSigned)).toBe(true);
  client.close();
});

test("where the clocks are far apart orders are signed as they go, for little age is let pass", () => {
  const { network, client, create } = open();
  const dateMs = START_US / 1_000 + 8_000;
  network.respond = () => ({
    outcome: { kind: "answer", status: 200, body: "{}", dateMs },
    afterUs: 1_000,
  });
  client.send(calls.exchangeStatus(), () => undefined);
  network.pass(1);
  create();
  const created = network.requests.at(-1);
  expect(client.health().clockAheadSeconds).toBeLessThan(-3);
  expect(stampOf(created as HttpRequest)).toBe(START_US / 1_000 + 1_000);
  client.close();
});
