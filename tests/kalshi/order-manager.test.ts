/** What the order manager does where the contract of the port says nothing: losses, strays, readings. */
import { afterEach, describe, expect, test } from "vitest";
import { type CentiCents, type Lots, type TimestampUs } from "../../src/core/index.ts";
import { readFaultRules } from "../../src/exchange/index.ts";
import {
  type AccountTruth,
  type Answer,
  type OrderTicket,
  USUAL_TERMS,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import type {
  ApprovedOrder,
  ClientOrderId,
  OrderEvent,
  OrderRequest,
} from "../../src/orders/index.ts";
import { START_US, TICKER } from "../exchange/exchange-case.ts";
import { type CaseOptions, OTHER_TICKER, SECOND, SimulatedCase } from "./order-manager-case.ts";

const { bid, ask } = BookSide;
const ORDERS = "/portfolio/events/orders";

class Case extends SimulatedCase {
  readonly told: OrderEvent[] = [];
  #ids = 0;

  constructor(options: CaseOptions = {}) {
    super({ delayUs: 1_000, ...options });
    this.others.open();
  }

  send(side: BookSide, cents: number, contracts: number, more: Partial<OrderRequest> = {}) {
    const request: OrderRequest = {
      clientOrderId: `own-${this.#ids++}` as ClientOrderId,
      market: 0,
      side,
      price: (cents * 100) as CentiCents,
      size: (contracts * 100) as Lots,
      timeInForce: "good_till_canceled",
      postOnly: false,
      reduceOnly: false,
      ...more,
    };
    this.manager.submit(request as ApprovedOrder);
    return request.clientOrderId;
  }

  /** Lets time pass and returns what is told of an order, in words. */
  after(seconds: number, id: ClientOrderId): string[] {
    this.run(seconds);
    this.manager.drain(this.told);
    return this.told.flatMap((event) => {
      if (event.clientOrderId !== id) return [];
      if (event.kind === "filled") return [`filled ${event.size}`];
      if (event.kind === "amended") return [`amended ${event.price} x ${event.size}`];
      return ["reason" in event ? `${event.kind} ${event.reason}` : event.kind];
    });
  }

  begin(...rules: object[]): void {
    this.exchange.faults.begin(readFaultRules(rules, "rules"), this.exchange.nowUs);
  }

  /** Requests of a method and an end of the path that the exchange has carried out. */
  carriedOut(method: string, end = ""): number {
    return this.writes.filter((write) => write.method === method && write.path.endsWith(end))
      .length;
  }

  noted(kind: string): object[] {
    return this.notes.filter((note) => note.kind === kind);
  }

  /** An order of the same account that somebody else sends. */
  foreign(clientOrderId: string, side: BookSide, cents: number, contracts: number): void {
    const ticket: OrderTicket = {
      ticker: TICKER,
      clientOrderId,
      side,
      size: (contracts * 100) as Lots,
      price: (cents * 100) as CentiCents,
      ...USUAL_TERMS,
    };
    this.exchange.engine.create(this.account, ticket);
    this.exchange.flush();
  }

  read(since: TimestampUs = START_US): AccountTruth {
    const answers: Answer<AccountTruth>[] = [];
    const terms = { fillsSinceUs: since, settlementsSinceUs: since };
    this.reader.read((answer) => answers.push(answer), terms);
    this.run(1);
    const [answer, ...more] = answers;
    expect(more).toEqual([]);
    if (answer?.kind !== "ok") throw new Error(`the account was not read: ${answer?.kind}`);
    return answer.value;
  }
}

const cases: Case[] = [];
function open(options: CaseOptions = {}): Case {
  const at = new Case(options);
  cases.push(at);
  return at;
}

afterEach(() => {
  for (const at of cases.splice(0)) at.close();
});

describe("what is lost is asked for", () => {
  test("fills of which no message comes, after two seconds", () => {
    const at = open();
    at.begin({ kind: "gap", channel: "fill" });
    const id = at.send(bid, 47, 20);
    expect(at.after(1.9, id)).toEqual(["accepted"]);
    expect(at.manager.health().owing).toBe(1);
    expect(at.after(0.2, id)).toEqual(["accepted", "filled 2000"]);
    expect(at.after(1, id).length).toBe(2);
    expect(at.manager.health()).toMatchObject({ open: 0, owing: 0 });
  });

  test("the end of a cancelled order waits for the fills that raced the cancel", () => {
    const at = open();
    const id = at.send(bid, 46, 40);
    at.run(0.1);
    at.begin({ kind: "late", channel: "fill", amount_ms: 500 });
    at.others.take(bid, 45, 10);
    at.manager.cancel(id);
    expect(at.after(0.4, id)).toEqual(["accepted"]);
    expect(at.after(0.2, id)).toEqual(["accepted", "filled 1000", "cancelled requested"]);
  });

  test("without any message, an immediate order's end is known by its answer and readings", () => {
    const at = open({ withFeed: false });
    const id = at.send(bid, 47, 60, { timeInForce: "immediate_or_cancel" });
    const wanted = ["accepted", "filled 5000", "cancelled immediate_or_cancel"];
    expect(at.after(3, id)).toEqual(wanted);
  });

  test("an answer that never comes, where the feed has told, delays nothing", () => {
    const at = open();
    at.begin({ kind: "loseAnswer", method: "POST", times: 1 });
    const id = at.send(bid, 45, 10);
    at.run(0.1);
    at.manager.cancel(id);
    expect(at.after(0.1, id)).toEqual(["accepted", "cancelled requested"]);
    expect(at.after(20, id).length).toBe(2);
    expect(at.manager.health()).toMatchObject({ open: 0, inFlight: 0, asking: 0 });
    expect(at.carriedOut("POST", ORDERS)).toBe(1);
  });

  test("a lost connection: what happened meanwhile is read when it is back", () => {
    const at = open();
    const filled = at.send(bid, 46, 10);
    const cancelled = at.send(bid, 44, 10);
    at.run(0.1);
    at.begin({ kind: "feedDown", until_ms: 3_000 }, { kind: "resetFeed", times: 1 });
    at.others.take(bid, 45, 10);
    at.exchange.engine.cancel(at.account, at.account.openOrders().next().value?.orderId ?? "");
    at.exchange.flush();
    expect(at.after(12, filled)).toEqual(["accepted", "filled 1000"]);
    expect(at.after(0, cancelled)).toEqual(["accepted", "cancelled venue"]);
    expect(at.manager.health().recoveries).toBeGreaterThan(0);
  });

  test("readings that lag are repeated until they are complete", () => {
    const at = open();
    const id = at.send(bid, 46, 10);
    at.run(0.1);
    at.begin({ kind: "gap" }, { kind: "stale", amount_ms: 4_000 });
    at.others.take(bid, 45, 10);
    at.manager.recover();
    expect(at.after(1, id)).toEqual(["accepted"]);
    expect(at.manager.health().isRecovering).toBe(true);
    expect(at.after(14, id)).toEqual(["accepted", "filled 1000"]);
    expect(at.manager.health()).toMatchObject({ isRecovering: false, recoveries: 1 });
    expect(at.noted("recovered").length).toBe(1);
  });
});

describe("one request at a time for an order", () => {
  test("a cancel goes before an amendment that waits, and after one on its way", () => {
    const at = open();
    const id = at.send(bid, 44, 10);
    at.run(0.1);
    at.manager.amend(id, 4_300 as CentiCents, 1_000 as Lots);
    at.manager.amend(id, 4_200 as CentiCents, 1_000 as Lots);
    at.manager.cancel(id);
    expect(at.after(0.1, id)).toEqual(["accepted", "amended 4300 x 1000", "cancelled requested"]);
    expect(at.carriedOut("POST", "/amend")).toBe(1);
  });

  test("what is asked of an order on its way waits until it is known", () => {
    const at = open();
    const id = at.send(bid, 44, 10);
    at.manager.amend(id, 4_300 as CentiCents, 1_000 as Lots);
    expect(at.after(0.1, id)).toEqual(["accepted", "amended 4300 x 1000"]);
    const refused = at.send(bid, 44, 9_999);
    at.manager.cancel(refused);
    expect(at.after(0.1, refused)).toEqual(["rejected insufficient_balance"]);
    expect(at.carriedOut("DELETE")).toBe(0);
  });

  test("closed with an amendment on its way and another that waits, nothing more is sent", () => {
    const at = open();
    const id = at.send(bid, 44, 10);
    expect(at.after(0.1, id)).toEqual(["accepted"]);
    at.begin({ kind: "slow", amount_ms: 500, method: "POST" });
    at.manager.amend(id, 4_300 as CentiCents, 1_000 as Lots);
    at.run(0.01);
    at.manager.amend(id, 4_200 as CentiCents, 1_000 as Lots);
    at.close();
    at.run(5);
    expect(at.carriedOut("POST", "/amend")).toBe(1);
  });

  test("ids that were used are remembered for long, and not for ever", () => {
    const at = open();
    const send = (id: number): string => {
      const clientOrderId = `many-${id}` as ClientOrderId;
      at.send(bid, 0, 1, { clientOrderId });
      const events: OrderEvent[] = [];
      at.manager.drain(events);
      const [event] = events;
      return event?.kind === "rejected" ? event.reason : "";
    };
    expect(send(0)).toBe("invalid_price");
    for (let id = 1; id <= 30_000; id++) send(id);
    expect(send(0)).toBe("duplicate_client_order_id");
    for (let id = 30_001; id <= 70_000; id++) send(id);
    expect([send(0), send(70_000)]).toEqual(["invalid_price", "duplicate_client_order_id"]);
  });

  test("a refused amendment is told, with its cause; the order stays as it was", () => {
    const at = open();
    const id = at.send(bid, 44, 10);
    at.run(0.1);
    at.manager.amend(id, 4_455 as CentiCents, 1_000 as Lots);
    at.run(0.1);
    at.manager.amend(id, 4_400 as CentiCents, 0 as Lots);
    at.run(0.1);
    at.manager.amend(id, 4_500 as CentiCents, 100_000 as Lots);
    expect(at.after(0.1, id)).toEqual([
      "accepted",
      "amendRejected invalid_price",
      "amendRejected invalid_size",
      "amendRejected insufficient_balance",
    ]);
  });

  test("an old reading is no proof of an amendment back to former terms", () => {
    const at = open();
    const id = at.send(bid, 44, 10);
    at.run(2);
    at.manager.amend(id, 4_300 as CentiCents, 1_000 as Lots);
    at.run(0.1);
    at.begin({ kind: "reset", method: "POST", times: 1 }, { kind: "stale", amount_ms: 1_500 });
    at.manager.amend(id, 4_400 as CentiCents, 1_000 as Lots);
    expect(at.after(3, id)).toEqual(["accepted", "amended 4300 x 1000"]);
    expect(at.after(12, id).slice(2)).toEqual(["amendRejected venue"]);
  });

  test("in a pause an order may be cancelled and nothing else", () => {
    const at = open();
    const id = at.send(bid, 44, 10);
    at.run(0.1);
    at.exchange.engine.setTrading(false);
    const late = at.send(bid, 44, 10);
    at.manager.amend(id, 4_300 as CentiCents, 1_000 as Lots);
    expect(at.after(0.1, late)).toEqual(["rejected market_paused"]);
    at.manager.cancel(id);
    const wanted = ["accepted", "amendRejected market_paused", "cancelled requested"];
    expect(at.after(0.1, id)).toEqual(wanted);
    at.exchange.engine.setTrading(true);
    const other = at.send(bid, 44, 10);
    at.run(0.1);
    at.exchange.engine.setExchange(false);
    at.manager.cancel(other);
    expect(at.after(0.1, other)).toEqual(["accepted", "cancelRejected market_paused"]);
  });
});

describe("cancelling all", () => {
  test("also what is on its way, amendments that hang, and what waits", () => {
    const at = open();
    const hanging = at.send(bid, 44, 10);
    const waiting = at.send(bid, 43, 10);
    at.run(0.1);
    at.begin({ kind: "slow", method: "POST", amount_ms: 8_000 });
    at.manager.amend(hanging, 4_300 as CentiCents, 1_200 as Lots);
    at.manager.amend(hanging, 4_200 as CentiCents, 1_200 as Lots);
    const coming = at.send(bid, 42, 10);
    const done: number[] = [];
    at.manager.cancelAll((refused) => done.push(refused));
    expect(at.after(0.2, waiting)).toEqual(["accepted", "cancelled requested"]);
    expect(at.after(0, coming)).toEqual(["accepted", "cancelled requested"]);
    expect(at.after(0, hanging).at(-1)).toBe("cancelled requested");
    expect([done, at.account.openOrders().next().done]).toEqual([[0], true]);
    expect(at.after(20, hanging)).toContain("amendRejected venue");
  });

  test("says so at once where there is nothing, and how many were refused", () => {
    const at = open();
    const done: number[] = [];
    at.manager.cancelAll((refused) => done.push(refused));
    expect(done).toEqual([]);
    at.run(0.1);
    const id = at.send(bid, 44, 10);
    at.run(0.1);
    at.exchange.engine.setExchange(false);
    at.manager.cancelAll((refused) => done.push(refused));
    expect(at.after(0.1, id)).toEqual(["accepted", "cancelRejected market_paused"]);
    expect(done).toEqual([0, 1]);
  });
});

describe("orders that nobody waits for", () => {
  test("one that arrives after it was held to be absent is cancelled, its fills are noted", () => {
    const at = open();
    at.begin({ kind: "held", method: "POST", amount_ms: 40_000, times: 1 });
    // It will take 50 of 60.
    const id = at.send(bid, 47, 60);
    expect(at.after(30, id)).toEqual(["rejected venue"]);
    expect(at.after(15, id)).toEqual(["rejected venue"]);
    expect(at.noted("strayOrder")).toMatchObject([{ clientOrderId: id }]);
    expect(at.noted("strayFill")).toMatchObject([{ clientOrderId: id, fill: { size: 5_000 } }]);
    expect(at.account.openOrders().next().done).toBe(true);
    expect(at.manager.health()).toMatchObject({ strayOrders: 1, strayFills: 1, foreignFills: 0 });
  });

  test("one of an earlier process is known by the prefix; others are left alone", () => {
    const at = open({ prefix: "own-" });
    at.foreign("own-earlier", bid, 44, 1);
    at.foreign("theirs", bid, 43, 1);
    at.run(0.1);
    expect([...at.account.openOrders()].map(({ clientOrderId }) => clientOrderId)).toEqual([
      "theirs",
    ]);
    at.foreign("theirs-too", bid, 47, 1);
    at.run(0.1);
    expect(at.noted("foreignFill")).toMatchObject([{ fill: { size: 100, ticker: TICKER } }]);
    expect(at.manager.health()).toMatchObject({ strayOrders: 1, foreignFills: 1 });
  });

  test("fills and ends of strays are asked for where no message tells of them", () => {
    const at = open();
    const gaps = ["fill", "user_orders"].map((channel) => ({ kind: "gap", channel }));
    at.begin({ kind: "held", method: "POST", amount_ms: 40_000, times: 1 }, ...gaps);
    const id = at.send(bid, 47, 20);
    expect(at.after(41, id)).toEqual(["rejected venue"]);
    expect(at.notes.map(({ kind }) => kind)).toEqual(["trouble"]);
    at.manager.recover();
    at.run(12);
    expect(at.noted("strayOrder")).toMatchObject([{ order: { status: "executed" } }]);
    expect(at.noted("strayFill")).toMatchObject([{ clientOrderId: id, fill: { size: 2_000 } }]);
  });

  test("a reading finds strays of which no message came", () => {
    const at = open({ prefix: "own-" });
    at.begin({ kind: "gap" });
    at.foreign("own-earlier", bid, 44, 1);
    at.manager.recover();
    at.run(8);
    expect(at.account.openOrders().next().done).toBe(true);
    expect(at.manager.health().strayOrders).toBe(1);
  });
});

describe("resting orders that may only reduce", () => {
  const reducing = { reduceOnly: true } as const;

  test("are taken up to what is held, and cancelled when they are more than it", () => {
    const at = open();
    expect(at.after(0, at.send(ask, 60, 1, reducing))).toEqual(["rejected exceeds_position"]);
    at.send(bid, 47, 20);
    at.run(0.1);
    const resting = at.send(ask, 60, 15, reducing);
    expect(at.after(0.1, at.send(ask, 60, 21, reducing))).toEqual(["rejected exceeds_position"]);
    at.manager.amend(resting, 6_000 as CentiCents, 2_500 as Lots);
    const wanted = ["accepted", "amendRejected exceeds_position"];
    expect(at.after(0.1, resting)).toEqual(wanted);
    // Ten of twenty are sold otherwise: fifteen may no longer be.
    at.send(ask, 45, 10, { timeInForce: "immediate_or_cancel" });
    expect(at.after(0.1, resting)).toEqual([...wanted, "cancelled exceeds_position"]);
  });

  test("follow somebody else's fills and what reconciliation has found", () => {
    const at = open();
    at.manager.setPosition(0, 1_000 as Lots);
    const first = at.send(ask, 60, 10, reducing);
    at.run(0.1);
    at.foreign("theirs", ask, 45, 4);
    expect(at.after(0.1, first)).toEqual(["accepted", "cancelled exceeds_position"]);
    const second = at.send(ask, 60, 6, reducing);
    at.run(0.1);
    at.manager.setPosition(0, 0 as Lots);
    expect(at.after(0.1, second)).toEqual(["accepted", "cancelled exceeds_position"]);
  });

  test("fill as far as what is held without being cancelled", () => {
    const at = open();
    at.send(bid, 47, 20);
    at.run(0.1);
    const id = at.send(ask, 46, 20, { ...reducing, postOnly: true });
    at.others.take(ask, 46, 5);
    at.run(0.1);
    at.others.take(ask, 46, 5);
    at.run(0.1);
    at.others.take(ask, 46, 20);
    expect(at.after(0.1, id).at(-1)).toMatch(/^filled/);
    expect(at.account.ledger.position(0)).toBe(0);
  });
});

test("events are announced once until they are drained, and never within a call", () => {
  const at = open();
  let isInCall = false;
  at.onEvents = () => {
    expect(isInCall).toBe(false);
  };
  isInCall = true;
  at.manager.cancel("nothing" as ClientOrderId);
  const id = at.send(bid, 44, 10);
  isInCall = false;
  expect(at.announcements).toBe(0);
  at.run(0.1);
  expect(at.announcements).toBe(1);
  at.after(0, id);
  at.manager.cancel(id);
  at.run(0.1);
  expect(at.announcements).toBe(2);
});

test("a closed manager tells nothing more", () => {
  const at = open();
  const id = at.send(bid, 44, 10);
  at.manager.close();
  expect(at.after(1, id)).toEqual([]);
  expect(() => at.manager.cancel(id)).toThrow("closed");
});

describe("reading the account", () => {
  test("positions, cash, orders, fills and settlements, in integers", () => {
    const at = open();
    at.send(bid, 47, 20);
    const resting = at.send(ask, 60, 5);
    at.run(0.1);
    at.send(bid, 44, 3, { market: 1 });
    at.run(0.1);
    const truth = at.read();
    expect(truth.positions).toEqual([2_000, 0]);
    expect(truth.costs).toEqual([20 * 470_000, 0]);
    expect(truth.available).toBe(at.account.available);
    expect(truth.resting.map(({ ticker }) => ticker).sort()).toEqual([OTHER_TICKER, TICKER]);
    expect(truth.resting.map(({ clientOrderId }) => clientOrderId)).toContain(resting);
    expect(truth.fills).toMatchObject([{ ticker: TICKER, size: 2_000, price: 4_700 }]);
    expect(truth.status.tradingActive).toBe(true);
    expect(truth.completeUntilUs).toBeLessThanOrEqual(truth.readUs);
    at.exchange.engine.determine(at.market, 10_000 as CentiCents);
    at.exchange.flush();
    at.run(120);
    const after = at.read();
    expect(after.positions).toEqual([0, 0]);
    expect(after.settlements).toMatchObject([{ ticker: TICKER, revenue: 20 * SECOND }]);
    expect(after.available).toBe(at.account.available);
    expect(at.read((START_US + 1_000 * SECOND) as TimestampUs).fills).toEqual([]);
  });

  test("its age can be judged; other markets stand apart; failures come once", () => {
    const at = open();
    at.begin({ kind: "stale", amount_ms: 3_000 });
    at.run(10);
    const truth = at.read();
    expect(truth.askedUs - truth.completeUntilUs).toBeGreaterThan(2_900_000);
    expect([truth.fills, truth.otherPositions]).toEqual([[], []]);
    at.begin({ kind: "refuse", method: "GET" });
    const answers: string[] = [];
    at.reader.read(({ kind }) => answers.push(kind));
    at.run(200);
    expect(answers).toEqual(["failed"]);
  });
});
