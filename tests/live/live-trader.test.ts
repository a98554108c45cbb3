/** The states of a run, and what it does in each: by hand-made inputs and what comes of them. */
import { describe, expect, test } from "vitest";
import type { CentiCents, Lots, MicroUsd } from "../../src/core/index.ts";
import { replayRun } from "../../src/live/index.ts";
import { BookSide, MarketStatus } from "../../src/market/index.ts";
import { Action, type ClientOrderId } from "../../src/orders/index.ts";
import { always, kinds, LiveCase, SECOND, SETTINGS } from "./live-case.ts";

describe("states", () => {
  test("ready once all links are up and the account has been read", () => {
    const live = new LiveCase();
    live.take({ kind: "command", name: "start", by: "test" });
    expect(live.run.state).toBe("CALIBRATING");
    expect(kinds(live)).toEqual(["account"]);
    // What a former run did may not be in a reading that is as early as this.
    live.account();
    expect(live.run.waitingFor).toHaveLength(5);
    live.still();
    expect(live.run.state).toBe("CALIBRATING");
    expect(live.run.waitingFor).toHaveLength(4);
    live.links();
    expect(live.run.state).toBe("READY");
  });

  test("nothing is decided before that", () => {
    const live = new LiveCase();
    live.take({ kind: "command", name: "start", by: "test" });
    live.book([[44, 100]], [[46, 100]]);
    live.second();
    expect(live.run.decider.count).toBe(0);
  });

  test("acting while a command is at the venue", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    expect(live.run.state).toBe("ACTING");
    live.accept(live.submitted());
    expect(live.run.state).toBe("READY");
  });

  test("orders of a former run go first", () => {
    const live = new LiveCase();
    live.take({ kind: "command", name: "start", by: "test" });
    live.links();
    live.done();
    const order = {
      orderId: "o-1",
      clientOrderId: "kg-0-3" as ClientOrderId,
      ticker: live.header.markets[0]?.ticker ?? "",
      side: BookSide.bid,
      price: 4400 as CentiCents,
      filled: 0 as Lots,
      remaining: 1000 as Lots,
    };
    // Somebody else's orders in the account are left alone.
    const other = { ...order, orderId: "o-2", clientOrderId: "mine" as ClientOrderId };
    live.account({ resting: [order, other] });
    expect(live.run.state).toBe("CALIBRATING");
    expect(live.done()).toEqual([{ kind: "cancel foreign", orderIds: ["o-1"] }]);
    live.second();
    expect(kinds(live)).toEqual(["account"]);
    // One reading alone may be of several moments.
    live.second();
    live.account({ resting: [other] });
    expect(live.run.state).toBe("CALIBRATING");
    live.account({ resting: [other] });
    expect(live.run.state).toBe("READY");
  });

  test("a link that is down stops trading and cancels, and back up it calibrates", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    const id = live.submitted();
    live.accept(id);
    live.take({ kind: "link", link: "exchange", isUp: false, why: "paused" });
    expect(live.run.state).toBe("CALIBRATING");
    expect(kinds(live)).toEqual(["cancel", "recover", "account"]);
    live.account();
    expect(live.run.waitingFor).toEqual(["exchange (paused)", "the end of 1 orders"]);
    live.order({ kind: "cancelled", clientOrderId: id, atUs: live.nowUs, reason: "requested" });
    // Readings lag behind: what has just happened may not be in them yet.
    live.account();
    expect(live.run.waitingFor).toEqual(["exchange (paused)", "a reading of the account"]);
    live.still();
    expect(live.run.waitingFor).toEqual(["exchange (paused)"]);
    live.take({ kind: "link", link: "exchange", isUp: true, why: "open" });
    expect(live.run.state).toBe("READY");
  });

  test("a stop cancels what is open and ends once nothing is", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    const id = live.submitted();
    live.accept(id);
    live.take({ kind: "command", name: "stop", by: "test" });
    expect(kinds(live)).toEqual(["cancel"]);
    expect(live.run.isDone).toBe(false);
    // The answer does not come: everything is swept.
    for (let wait = 0; wait < 3; wait++) live.second();
    expect(kinds(live)).toContain("cancel all");
    live.order({ kind: "cancelled", clientOrderId: id, atUs: live.nowUs, reason: "requested" });
    expect([live.run.isDone, live.run.state]).toEqual([true, "IDLE"]);
    live.take({ kind: "command", name: "start", by: "test" });
    expect(live.run.state).toBe("IDLE");
  });

  test("a kill sweeps at once, and ends once nothing is open", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    const id = live.submitted();
    live.accept(id);
    live.take({ kind: "command", name: "kill", by: "test" });
    expect(kinds(live)).toEqual(["cancel", "cancel all"]);
    expect(live.run.isDone).toBe(false);
    live.fill(id, 44, 4);
    live.order({ kind: "cancelled", clientOrderId: id, atUs: live.nowUs, reason: "requested" });
    expect([live.run.isDone, live.run.state]).toEqual([true, "IDLE"]);
  });

  test("an event that makes no sense is an error once, not with every event after it", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    const id = live.submitted();
    live.accept(id);
    // Ten contracts were ordered.
    live.fill(id, 44, 11);
    expect(live.run.state).toBe("ERROR");
    for (let wait = 0; wait < 8; wait++) live.second();
    live.still();
    expect(live.run.state).toBe("READY");
    live.second();
    live.accept(live.submitted());
    expect([live.run.state, live.run.machine.entries.ERROR]).toEqual(["READY", 1]);
  });

  test("a strategy that breaks leaves no orders behind, and the run goes on", () => {
    let isBroken = false;
    const live = new LiveCase({
      policy: () => ({
        name: "breaks",
        act: () => {
          if (isBroken) throw new Error("no such thing");
          return Action.buyYes;
        },
      }),
    });
    live.ready();
    live.second();
    const id = live.submitted();
    live.accept(id);
    isBroken = true;
    live.second();
    expect(live.run.state).toBe("ERROR");
    expect(kinds(live)).toEqual(["cancel", "cancel all"]);
    live.order({ kind: "cancelled", clientOrderId: id, atUs: live.nowUs, reason: "requested" });
    isBroken = false;
    for (let wait = 0; wait < 6; wait++) live.second();
    expect(live.run.state).toBe("CALIBRATING");
    live.account();
    expect(live.run.state).toBe("READY");
    live.second();
    // The one that broke is none.
    expect(live.run.decider.count).toBe(2);
  });

  test("an order that nobody has answered is not forgotten when a strategy breaks", () => {
    const broken = (): { live: LiveCase; id: ClientOrderId } => {
      let isBroken = false;
      const act = (): Action => {
        if (isBroken) throw new Error("no such thing");
        isBroken = true;
        return Action.buyYes;
      };
      const live = new LiveCase({ policy: () => ({ name: "breaks once", act }) });
      live.ready();
      live.second();
      const id = live.submitted();
      live.second();
      expect(live.run.state).toBe("ERROR");
      for (let wait = 0; wait < 8; wait++) live.second();
      live.still();
      expect([live.run.state, live.run.openCount]).toEqual(["CALIBRATING", 1]);
      return { live, id };
    };
    const answered = broken();
    answered.live.order({
      ...{ kind: "rejected", clientOrderId: answered.id, atUs: answered.live.nowUs },
      ...{ reason: "venue" },
    });
    answered.live.still();
    expect(answered.live.run.state).toBe("READY");
    // The order manager has given up long before this.
    const silent = broken();
    for (let wait = 0; wait < 30; wait++) silent.live.second();
    silent.live.still();
    expect([silent.live.run.state, silent.live.run.openCount]).toEqual(["READY", 0]);
  });

  test("an account that cannot be read is an error, and is tried again", () => {
    const live = new LiveCase();
    live.take({ kind: "command", name: "start", by: "test" });
    live.links();
    for (let wait = 0; wait < 5; wait++) {
      live.take({ kind: "accountFailed", reason: "time-out" });
      live.second();
    }
    expect(live.run.state).toBe("ERROR");
    for (let wait = 0; wait < 6; wait++) live.second();
    live.still();
    expect(live.run.state).toBe("READY");
  });

  test("the loss limit ends the run", () => {
    const limits = { ...SETTINGS.limits, positionLimit: 1000 as Lots };
    const live = new LiveCase({ settings: { lossMax: 1_000_000 as MicroUsd, limits } });
    live.ready();
    live.second();
    const id = live.submitted();
    live.accept(id);
    live.fill(id, 44, 10);
    live.second();
    expect(live.run.stopReason).toBeNull();
    live.done();
    // Ten contracts fall from 44 to 30 cents: 1.40 dollars.
    live.book([[30, 100]], [[46, 100]]);
    live.second();
    expect(live.run.stopReason).toMatch(/loss limit/);
    expect(live.run.isDone).toBe(true);
    expect(kinds(live)).not.toContain("submit");
  });
});

describe("books that are not known", () => {
  test("without leave to go on nothing is decided, and orders are cancelled", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    live.accept(live.submitted());
    live.news({ kind: "gap", market: 0, cause: "sequence" });
    live.second();
    expect([live.run.decider.count, kinds(live)]).toEqual([1, ["cancel"]]);
    live.book([[44, 100]], [[46, 100]]);
    live.second();
    expect(live.run.decider.count).toBe(2);
  });

  test("with leave the last book is used for as long", () => {
    const live = new LiveCase({ settings: { staleBookUs: 3 * SECOND } });
    live.ready();
    live.take({ kind: "link", link: "feed", isUp: false, why: "503" });
    live.news({ kind: "gap", market: null, cause: "disconnected" });
    expect(live.run.state).toBe("READY");
    for (let wait = 0; wait < 6; wait++) live.second();
    // Ticks at 1, 2 and less than 3 seconds after the gap.
    expect(live.run.decider.count).toBe(2);
  });
});

describe("settlement", () => {
  test("pays once the last order has ended", () => {
    const live = new LiveCase({ policy: always(Action.buyYes) });
    live.ready();
    live.second();
    const id = live.submitted();
    live.accept(id);
    live.fill(id, 44, 4);
    live.news({ kind: "status", market: 0, status: MarketStatus.closed, stampUs: live.nowUs });
    live.news({ kind: "settled", market: 0, value: 10_000 as CentiCents, stampUs: null });
    const ledger = live.run.trader?.account.ledger;
    expect(ledger?.position(0)).toBe(400);
    live.order({ kind: "cancelled", clientOrderId: id, atUs: live.nowUs, reason: "market_closed" });
    expect([ledger?.position(0), ledger?.cash]).toEqual([0, 100_000_000 + 400 * 5600]);
  });
});

describe("replay", () => {
  test("gives the same outputs, and names the first that differs", () => {
    const live = new LiveCase();
    live.ready();
    for (let wait = 0; wait < 5; wait++) live.second();
    const blocks = [
      { kind: "inputs" as const, entries: live.entries },
      { kind: "outputs" as const, outputs: live.outputs },
    ];
    const options = { header: live.header, makePolicy: always(Action.buyYes) };
    const same = replayRun({ ...options, blocks });
    expect([same.difference, same.decisions, same.unwritten]).toEqual([null, 5, 0]);
    const other = replayRun({ ...options, blocks, makePolicy: always(Action.buyNo) });
    expect(other.difference?.journalled).toMatchObject({ kind: "decision", action: Action.buyYes });
    expect(other.difference?.replayed).toMatchObject({ kind: "decision", action: Action.buyNo });
  });
});
