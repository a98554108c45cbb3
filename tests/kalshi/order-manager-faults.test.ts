/**
 * The order manager and the exchange in one process, under simulated time and network, with faults by
 * seed. Whatever goes wrong: once it has stopped, every order is by its events what it is at the
 * exchange, cash and positions are the exchange's, and no order was sent twice. Longer:
 *
 *   SEEDS=2000 FROM=1 npx vitest run tests/kalshi/order-manager-faults.test.ts
 */
import { describe, expect, test } from "vitest";
import {
  type CentiCents,
  formatFixed,
  type Lots,
  type MicroUsd,
  type Prng,
} from "../../src/core/index.ts";
import { readFaultRules } from "../../src/exchange/index.ts";
import type { VenueOrder } from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import {
  Account,
  type ApprovedOrder,
  type ClientOrderId,
  type Order,
  type OrderEvent,
  type OrderRequest,
} from "../../src/orders/index.ts";
import { QUADRATIC } from "../exchange/exchange-case.ts";
import { SECOND, SimulatedCase } from "./order-manager-case.ts";

const FAULTS = readFaultRules(
  [
    { kind: "refuse", chance: 0.03 },
    { kind: "reset", chance: 0.03 },
    { kind: "loseAnswer", chance: 0.1 },
    { kind: "fail", chance: 0.03 },
    { kind: "failAfter", chance: 0.05 },
    { kind: "tooMany", chance: 0.05 },
    { kind: "slow", chance: 0.1, amount_ms: 400 },
    { kind: "slow", chance: 0.02, amount_ms: 12_000 },
    { kind: "held", chance: 0.03, amount_ms: 1_500 },
    // Held for longer than any answer is waited for: what was given up arrives after all.
    { kind: "held", chance: 0.01, amount_ms: 25_000, method: "POST" },
    { kind: "stale", from_ms: 10_000, until_ms: 30_000, amount_ms: 1_500 },
    { kind: "feedDown", chance: 0.3 },
    { kind: "resetFeed", chance: 0.01 },
    { kind: "gap", chance: 0.05, channel: "fill" },
    { kind: "gap", chance: 0.05, channel: "user_orders" },
    { kind: "duplicate", chance: 0.1, amount_ms: 50 },
    { kind: "late", chance: 0.1, amount_ms: 700 },
    { kind: "late", chance: 0.02, amount_ms: 6_000 },
  ],
  "rules",
);

const PREFIX = "own-";

class Play {
  readonly at: SimulatedCase;
  readonly account = new Account([QUADRATIC, QUADRATIC], (1_000 * SECOND) as MicroUsd);
  readonly events: OrderEvent[] = [];
  /** Orders as they were folded last, ended ones too. */
  readonly orders = new Map<ClientOrderId, Order>();
  readonly requests = new Map<string, OrderRequest>();
  readonly #prng: Prng;
  #ids = 0;
  #lastUs = 0;

  constructor(seed: number) {
    this.at = new SimulatedCase({ seed, dollars: 1_000, prefix: PREFIX });
    this.#prng = this.at.prng.fork("play");
    this.at.others.open();
    this.at.onEvents = () => this.hear();
  }

  hear(): void {
    const fresh: OrderEvent[] = [];
    this.at.manager.drain(fresh);
    for (const event of fresh) {
      if (event.atUs < this.#lastUs) throw new Error("time ran back");
      this.#lastUs = event.atUs;
      const after = this.account.apply(event);
      if (after !== null) this.orders.set(event.clientOrderId, after);
      this.events.push(event);
    }
  }

  step(): void {
    const prng = this.#prng;
    const choice = prng.integer(20);
    if (choice < 8) this.submit();
    else if (choice < 11) this.withOpen((order) => this.cancel(order));
    else if (choice < 14) this.withOpen((order) => this.amend(order));
    else if (choice < 17) {
      const hit = prng.integer(2) === 0 ? BookSide.bid : BookSide.ask;
      this.at.others.take(hit, hit === BookSide.bid ? 40 : 52, 1 + prng.integer(60));
    } else if (choice < 19) {
      const isBid = prng.integer(2) === 0;
      const cents = isBid ? 46 - prng.integer(4) : 47 + prng.integer(4);
      this.at.others.rest(isBid ? "bid" : "ask", cents, 1 + prng.integer(60));
    } else this.disturb();
    this.at.run(prng.integer(8) / 10);
  }

  /** What happens seldom: a kill switch, a halt of the market, a pause, no network. */
  disturb(): void {
    const { engine } = this.at.exchange;
    const { market, manager, network } = this.at;
    const choice = this.#prng.integer(8);
    const lasting = (begin: () => void, end: () => void): void => {
      begin();
      this.at.exchange.flush();
      this.at.run(this.#prng.integer(40) / 10);
      end();
      this.at.exchange.flush();
    };
    if (choice < 2) manager.cancelAll();
    else if (choice === 2) {
      const halt = (): void => void engine.deactivate(market);
      lasting(halt, () => void engine.activate(market));
    } else if (choice === 3) {
      const pause = (): void => engine.setTrading(false);
      lasting(pause, () => engine.setTrading(true));
    } else if (choice === 4) {
      const cut = (): void => network.setDown(true);
      lasting(cut, () => network.setDown(false));
    }
  }

  submit(): void {
    const prng = this.#prng;
    const side = prng.integer(2) === 0 ? BookSide.bid : BookSide.ask;
    const kind = prng.integer(10);
    const passive = side === BookSide.bid ? 46 : 47;
    const cents = passive + (side === BookSide.bid ? -1 : 1) * (prng.integer(7) - 3);
    const request: OrderRequest = {
      clientOrderId: `${PREFIX}${this.#ids++}` as ClientOrderId,
      market: 0,
      side,
      price: (cents * 100) as CentiCents,
      size: (100 * (1 + prng.integer(30))) as Lots,
      timeInForce:
        kind === 0 ? "fill_or_kill" : kind < 3 ? "immediate_or_cancel" : "good_till_canceled",
      postOnly: kind === 3,
      reduceOnly: kind === 2 || kind === 4,
      selfTradePrevention: prng.integer(2) === 0 ? "maker" : "taker_at_cross",
      ...(kind === 5 ? { expiresUs: this.#second(2 + prng.integer(10)) } : {}),
    };
    this.requests.set(request.clientOrderId, request);
    this.account.sent(request, this.at.scheduler.nowUs());
    this.at.manager.submit(request as ApprovedOrder);
  }

  cancel(order: Order): void {
    const { clientOrderId } = order.request;
    this.account.cancelSent(clientOrderId);
    this.at.manager.cancel(clientOrderId);
  }

  amend(order: Order): void {
    const prng = this.#prng;
    const { clientOrderId } = order.request;
    const price = (order.price + 100 * (prng.integer(5) - 2)) as CentiCents;
    const size = Math.max(100, order.size + 100 * (prng.integer(11) - 5)) as Lots;
    this.account.amendSent(clientOrderId, price, size);
    this.at.manager.amend(clientOrderId, price, size);
  }

  withOpen(act: (order: Order) => void): void {
    const open = this.account.openOrders(0);
    const order = open[this.#prng.integer(Math.max(1, open.length))];
    if (order !== undefined) act(order);
  }

  #second(seconds: number) {
    const now = Math.floor(this.at.scheduler.nowUs() / SECOND);
    return ((now + seconds) * SECOND) as NonNullable<OrderRequest["expiresUs"]>;
  }

  run(): void {
    const { at } = this;
    at.exchange.faults.begin(FAULTS, at.exchange.nowUs);
    for (let step = 0; step < 80; step++) this.step();
    at.exchange.faults.begin([], at.exchange.nowUs);
    at.run(45);
    // No message tells of a message that was lost on a channel without numbers.
    at.manager.recover();
    at.run(15);
    this.hear();
  }

  /** Orders at the exchange by client id; each is there once. */
  atExchange(): Map<string, VenueOrder> {
    const view = this.at.exchange.model.account(this.at.account.index);
    const found = new Map<string, VenueOrder>();
    for (let index = 0; index < view.orderIds.end; index++) {
      const order = view.order(view.orderIds.at(index) ?? "");
      if (order === undefined) continue;
      expect(found.has(order.clientOrderId)).toBe(false);
      found.set(order.clientOrderId, order);
    }
    return found;
  }
}

/** One order by its events and at the exchange; what differs, or null. */
function differenceOf(own: Order, venue: VenueOrder | undefined, isStray: boolean): string | null {
  if (own.status === "rejected") {
    if (venue === undefined) return null;
    if (isStray) return venue.status === "resting" ? "a stray order rests" : null;
    return venue.status === "canceled" && venue.filled === 0 ? null : "rejected, and there";
  }
  if (venue === undefined) return `${own.status}, and not there`;
  if (own.filled !== venue.filled) return `${own.filled} filled, ${venue.filled} there`;
  switch (own.status) {
    case "pending":
      return "pending still";
    case "resting": {
      const isSame = venue.price === own.price && venue.filled + venue.remaining === own.size;
      return venue.status === "resting" && isSame ? null : `resting, ${venue.status} there`;
    }
    case "filled":
      return venue.status === "executed" ? null : `filled, ${venue.status} there`;
    case "cancelled":
      // One that was shrunk to what had filled is executed there.
      return venue.status === "resting" ? "cancelled, resting there" : null;
  }
}

/** Terms that were told and that no amendment of ours had asked for in this order; null for none. */
function amendmentsDiffer(play: Play, id: string): string | null {
  const asked = play.at.writes.flatMap(({ path, body }) => {
    if (!path.endsWith("/amend")) return [];
    const words = JSON.parse(body) as { client_order_id: string; price: string; count: string };
    return words.client_order_id === id ? [`${words.price} x ${words.count}`] : [];
  });
  const request = play.requests.get(id);
  const shown = (terms: { price: number; size: number }): string =>
    `${formatFixed(terms.price, 4)} x ${formatFixed(terms.size, 2)}`;
  let before = request === undefined ? "" : shown(request);
  let next = 0;
  for (const event of play.events) {
    if (event.clientOrderId !== id) continue;
    // One that was given up may still arrive; where a fill shows it, its price is not known.
    if (event.kind === "amendRejected" && event.reason === "venue") return null;
    if (event.kind !== "amended") continue;
    const told = shown(event);
    // One that asks for what is so already need not have arrived.
    if (told === before) continue;
    before = told;
    next = asked.indexOf(told, next) + 1;
    if (next === 0) return `amended to ${told}, asked for ${asked.join(", ")}`;
  }
  return null;
}

function check(play: Play): string[] {
  const { at, account, orders } = play;
  const failures: string[] = [];
  const there = play.atExchange();
  const strays = new Set<string>();
  for (const note of at.notes) {
    if (note.kind === "strayOrder" || note.kind === "strayFill") strays.add(note.clientOrderId);
    // What a stray order did is for reconciliation; here it is booked as it was told.
    if (note.kind === "strayFill") {
      const { side, price, size, fee } = note.fill;
      account.ledger.fill(0, side, price, size, fee);
    }
    if (note.kind === "foreignFill" || note.kind === "lateFill") failures.push(note.kind);
  }
  for (const [id, own] of orders) {
    const difference = differenceOf(own, there.get(id), strays.has(id));
    if (difference !== null) failures.push(`${id}: ${difference}`);
  }
  for (const id of there.keys()) {
    if (!orders.has(id as ClientOrderId)) failures.push(`${id}: only there`);
  }
  for (const order of account.openOrders(0)) {
    if (!orders.has(order.request.clientOrderId)) failures.push("an order without any event");
  }
  const { ledger } = at.account;
  if (ledger.position(0) !== account.ledger.position(0)) {
    failures.push(`position ${account.ledger.position(0)}, ${ledger.position(0)} there`);
  }
  if (ledger.cash !== account.ledger.cash) {
    failures.push(`cash ${account.ledger.cash}, ${ledger.cash} there`);
  }
  const health = at.manager.health();
  const { pending, inFlight, asking, owing, isRecovering } = health;
  if (pending + inFlight + asking + owing > 0 || isRecovering) {
    failures.push(`not at rest: ${JSON.stringify(health)}`);
  }
  for (const id of orders.keys()) {
    const difference = amendmentsDiffer(play, id);
    if (difference !== null) failures.push(`${id}: ${difference}`);
  }
  const sent = new Map<string, number>();
  for (const { method, path, body } of at.writes) {
    if (method !== "POST" || !path.endsWith("/events/orders")) continue;
    const { client_order_id: id } = JSON.parse(body) as { client_order_id: string };
    sent.set(id, (sent.get(id) ?? 0) + 1);
  }
  for (const [id, times] of sent) if (times > 1) failures.push(`${id} was sent ${times} times`);
  return failures;
}

function played(seed: number): Play {
  const play = new Play(seed);
  try {
    play.run();
  } catch (error) {
    throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
  }
  return play;
}

const SEEDS = Number(process.env["SEEDS"] ?? 40);
const FROM = Number(process.env["FROM"] ?? 1);

describe("faults", () => {
  test(`after any faults the orders are the exchange's (${SEEDS} seeds from ${FROM})`, () => {
    const failures: string[] = [];
    const seen = { fills: 0, strays: 0, strayFills: 0, recoveries: 0, repeated: 0, amended: 0 };
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      const play = played(seed);
      for (const failure of check(play)) failures.push(`seed ${seed}: ${failure}`);
      const health = play.at.manager.health();
      seen.strays += health.strayOrders;
      seen.strayFills += health.strayFills;
      seen.recoveries += health.recoveries;
      seen.repeated += health.repeatedFills;
      for (const { kind } of play.events) {
        if (kind === "filled") seen.fills += 1;
        if (kind === "amended") seen.amended += 1;
      }
      play.at.close();
    }
    expect(failures).toEqual([]);
    // That what is to be withstood did happen.
    for (const [what, times] of Object.entries(seen)) {
      const isSeldom = what.startsWith("stray");
      if (SEEDS >= (isSeldom ? 200 : 20)) expect(times, what).toBeGreaterThan(0);
    }
    if (process.env["TELL"] !== undefined) console.log(JSON.stringify(seen));
  }, 3_600_000);

  // A stray order whose fill was not heard; an old reading that showed the terms of a lost amendment.
  test.each([20_339, 20_018])("seed %d, which was wrong once", (seed) => {
    expect(check(played(seed))).toEqual([]);
  });

  test("one seed, one course of things, to the last event", () => {
    const trace = (): string => {
      const play = played(7);
      return JSON.stringify([play.events, play.at.notes, play.at.manager.health()]);
    };
    expect(trace()).toBe(trace());
  });
});
