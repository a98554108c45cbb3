/**
 * Unknown outcomes against a small venue in simulated time: it may act or not, answer or not, and its
 * readings lag behind. Judged by what the venue holds, which the client never sees directly.
 */
import { expect, test } from "vitest";
import { type Lots, lots, type CentiCents, Prng } from "../../src/core/index.ts";
import { bodies, type VenueOrder, writeBody } from "../../src/kalshi/index.ts";
import type { HttpRequest } from "../../src/kalshi/network.ts";
import { type EntryOutcome, OrderEntry } from "../../src/kalshi/rest/order-entry.ts";
import { RestClient } from "../../src/kalshi/rest/rest-client.ts";
import { BookSide } from "../../src/market/index.ts";
import {
  answer,
  key,
  type Reply,
  ScriptedNetwork,
  START_US,
  TICKET,
  venue,
} from "./scripted-network.ts";

const ORDERS = "/trade-api/v2/portfolio/events/orders";
const LAG_US = 400_000;

/** What happens to a change on its way: done or not, and heard of or not. */
type Fate =
  "fine" | "done, answer lost" | "never came" | "late" | "status 500, done" | "unreadable";

/** Orders as they are, and as they were `LAG_US` ago, which is what readings show. */
class TinyVenue {
  readonly network = new ScriptedNetwork();
  readonly client: RestClient;
  readonly entry: OrderEntry;
  readonly orders = new Map<string, VenueOrder>();
  readonly #past: { atUs: number; orders: Map<string, VenueOrder> }[] = [];
  creates = 0;
  fate: Fate = "fine";
  readingFails = 0;

  constructor(seed = 1) {
    const { network } = this;
    const { scheduler } = network;
    const prng = Prng.fromSeed(seed);
    this.client = new RestClient({ venue, key, network, scheduler, prng });
    this.entry = new OrderEntry(this.client, scheduler, prng);
    network.respond = (request) => this.#respond(request);
  }

  #respond(request: HttpRequest): Reply {
    const path = request.path.split("?")[0] ?? "";
    if (request.method === "GET") return this.#read(path);
    const act = (): { status: number; body: string } => {
      const result = this.#change(request, path);
      this.#past.push({ atUs: this.network.scheduler.nowUs(), orders: new Map(this.orders) });
      return result;
    };
    switch (this.fate) {
      case "never came":
        return { outcome: null, afterUs: 0 };
      case "late":
        // The request is held up on its way and arrives after it was given up.
        this.network.scheduler.after(12_000_000, act);
        return { outcome: null, afterUs: 0 };
      case "done, answer lost":
        act();
        return { outcome: { kind: "lost", reason: "reset" }, afterUs: 1_000 };
      case "status 500, done":
        act();
        return answer(500, "");
      case "unreadable":
        act();
        return answer(200, "?");
      default: {
        const { status, body } = act();
        return answer(status, body);
      }
    }
  }

  #change(request: HttpRequest, path: string): { status: number; body: string } {
    const body = JSON.parse(request.body ?? "{}") as Record<string, unknown>;
    if (path === ORDERS) {
      this.creates += 1;
      const ticket = bodies.orderTicket.read(body, "ticket", "");
      const orderId = `o-${this.creates}`;
      this.orders.set(orderId, anOrder(orderId, ticket.clientOrderId ?? "", ticket.size));
      const created = {
        orderId,
        clientOrderId: ticket.clientOrderId,
        filled: lots(0),
        remaining: ticket.size,
        averagePrice: null,
        averageFee: null,
        atUs: START_US,
      };
      return { status: 201, body: writeBody(bodies.orderCreated, created) };
    }
    const [orderId = "", action] = path.slice(ORDERS.length + 1).split("/");
    const order = this.orders.get(orderId);
    if (order?.status !== "resting") {
      return { status: 404, body: '{"error":{"code":"not_found","message":"not found"}}' };
    }
    if (action === "amend") {
      const amendment = bodies.orderAmendment.read(body, "amendment", "");
      const remaining = (amendment.size - order.filled) as Lots;
      this.orders.set(orderId, { ...order, price: amendment.price, remaining });
      return { status: 200, body: JSON.stringify({ order_id: orderId, ts_ms: 1 }) };
    }
    this.orders.set(orderId, { ...order, status: "canceled", remaining: lots(0) });
    return { status: 200, body: JSON.stringify({ order_id: orderId, reduced_by: "1.00" }) };
  }

  #read(path: string): Reply {
    if (this.readingFails > 0) {
      this.readingFails -= 1;
      return answer(503, "");
    }
    const asOfUs = this.network.scheduler.nowUs() - LAG_US;
    if (path.endsWith("/user_data_timestamp")) {
      return answer(200, writeBody(bodies.userDataTime, asOfUs as never));
    }
    const seen =
      this.#past.findLast(({ atUs }) => atUs <= asOfUs)?.orders ?? new Map<string, VenueOrder>();
    const orderId = /\/portfolio\/orders\/(.+)$/.exec(path)?.[1];
    if (orderId === undefined) {
      return answer(200, writeBody(bodies.orders, { items: [...seen.values()], cursor: "" }));
    }
    const order = seen.get(orderId);
    if (order === undefined) return answer(404, '{"error":{"code":"not_found","message":""}}');
    return answer(200, writeBody(bodies.order, order));
  }
}

function anOrder(orderId: string, clientOrderId: string, size: Lots): VenueOrder {
  const zero = { takerCost: 0, makerCost: 0, takerFees: 0, makerFees: 0 };
  return {
    ...(zero as Pick<VenueOrder, keyof typeof zero>),
    orderId,
    userId: "u",
    clientOrderId,
    ticker: "T",
    side: BookSide.bid,
    status: "resting",
    price: 4_300 as CentiCents,
    initial: size,
    filled: lots(0),
    remaining: size,
    createdUs: START_US,
    updatedUs: null,
    expiresUs: null,
    selfTradePrevention: "taker_at_cross",
    orderGroupId: null,
    cancelOnPause: false,
    subaccount: 0,
    exchangeIndex: 0,
  };
}

function heard<T>(): { done: (outcome: EntryOutcome<T>) => void; outcomes: EntryOutcome<T>[] } {
  const outcomes: EntryOutcome<T>[] = [];
  return { done: (outcome) => outcomes.push(outcome), outcomes };
}

test.each([
  ["fine", "done", 1],
  ["done, answer lost", "found", 1],
  ["status 500, done", "found", 1],
  ["unreadable", "found", 1],
  ["never came", "absent", 0],
] as const)("a created order: %s", (fate, kind, held) => {
  const small = new TinyVenue();
  small.fate = fate;
  const { done, outcomes } = heard<unknown>();
  small.entry.create(TICKET, done);
  small.network.pass(60);
  expect(outcomes).toMatchObject([{ kind }]);
  expect(small.orders.size).toBe(held);
  const [outcome] = outcomes;
  if (outcome?.kind === "found") expect(outcome.order.orderId).toBe("o-1");
  expect(small.network.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
  expect(small.entry.asking).toBe(0);
});

test("an order that arrives after it was given up is found, not called absent", () => {
  const small = new TinyVenue();
  small.fate = "late";
  const { done, outcomes } = heard<unknown>();
  small.entry.create(TICKET, done);
  small.network.pass(11);
  expect(outcomes).toEqual([]);
  small.network.pass(49);
  expect(outcomes).toMatchObject([{ kind: "found" }]);
});

test("asking goes on through any number of failures, and is over when the client is", () => {
  const small = new TinyVenue();
  small.fate = "done, answer lost";
  small.readingFails = 100;
  const { done, outcomes } = heard<unknown>();
  small.entry.create(TICKET, done);
  small.network.pass(100);
  expect(outcomes).toEqual([]);
  expect(small.network.requests.length).toBeGreaterThan(10);
  small.network.pass(1_500);
  expect(outcomes).toMatchObject([{ kind: "found" }]);

  const ended = new TinyVenue();
  ended.fate = "never came";
  ended.entry.create(TICKET, done);
  ended.network.pass(11);
  ended.client.close();
  ended.entry.close();
  ended.network.pass(60);
  expect(outcomes[1]).toMatchObject({ kind: "unknown" });
  expect(outcomes).toHaveLength(2);
});

test.each([
  ["fine", "done"],
  ["done, answer lost", "found"],
  ["never came", "found"],
] as const)("an amended order: %s", (fate, kind) => {
  const small = new TinyVenue();
  small.entry.create(TICKET, () => undefined);
  small.network.pass(1);
  small.fate = fate;
  const { done, outcomes } = heard<unknown>();
  const amendment = {
    ticker: "T",
    side: BookSide.bid,
    price: 4_400 as CentiCents,
    size: lots(300),
    clientOrderId: null,
    updatedClientOrderId: null,
    exchangeIndex: null,
  };
  small.entry.amend("o-1", amendment, done);
  small.network.pass(60);
  expect(outcomes).toMatchObject([{ kind }]);
  const [outcome] = outcomes;
  const held = small.orders.get("o-1");
  expect(held?.price).toBe(fate === "never came" ? 4_300 : 4_400);
  // What was found is what the venue holds, lag or not.
  if (outcome?.kind === "found") expect(outcome.order).toMatchObject({ price: held?.price });
  expect(small.network.requests.filter(({ path }) => path.endsWith("/amend"))).toHaveLength(1);
});

test.each([
  ["fine", "done"],
  ["done, answer lost", "found"],
] as const)("a cancelled order, which lagging readings first show as resting: %s", (fate, kind) => {
  const small = new TinyVenue();
  small.entry.create(TICKET, () => undefined);
  small.network.pass(1);
  small.fate = fate;
  const { done, outcomes } = heard<unknown>();
  small.entry.cancel("o-1", done);
  small.network.pass(90);
  expect(outcomes).toMatchObject([{ kind }]);
  const [outcome] = outcomes;
  if (outcome?.kind === "found") expect(outcome.order.status).toBe("canceled");
  expect(small.orders.get("o-1")?.status).toBe("canceled");
});

test("a cancel of an order that is gone tells what became of it; of one that never was, absent", () => {
  const small = new TinyVenue();
  small.entry.create(TICKET, () => undefined);
  small.network.pass(1);
  const { done, outcomes } = heard<unknown>();
  small.entry.cancel("o-1", done);
  small.network.pass(0.1);
  small.entry.cancel("o-1", done);
  small.entry.cancel("o-77", done);
  small.network.pass(60);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["done", "found", "absent"]);
});

test("50 seeded mixtures of fates: no order is sent twice, and every outcome is true", () => {
  const fates: Fate[] = [
    "fine",
    "done, answer lost",
    "never came",
    "late",
    "status 500, done",
    "unreadable",
  ];
  for (let seed = 1; seed <= 50; seed++) {
    const prng = Prng.fromSeed(seed);
    const small = new TinyVenue(seed);
    const told = new Map<string, EntryOutcome<unknown>>();
    for (let order = 0; order < 5; order++) {
      small.fate = fates[prng.integer(fates.length)] ?? "fine";
      small.readingFails += prng.integer(4);
      const clientOrderId = `c-${order}`;
      small.entry.create({ ...TICKET, clientOrderId }, (outcome) => {
        expect(told.has(clientOrderId), `seed ${seed}: one outcome`).toBe(false);
        told.set(clientOrderId, outcome);
      });
      small.network.pass(prng.integer(3));
    }
    small.network.pass(120);
    expect(told.size, `seed ${seed}: all outcomes`).toBe(5);
    for (const [clientOrderId, outcome] of told) {
      const held = [...small.orders.values()].filter((one) => one.clientOrderId === clientOrderId);
      const there = outcome.kind === "done" || outcome.kind === "found" ? 1 : 0;
      expect(held.length, `seed ${seed} ${clientOrderId} ${outcome.kind}`).toBe(there);
    }
  }
});
