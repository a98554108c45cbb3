/** How a live run comes to the venue's truth: which readings it believes, and how it ends with one. */
import { describe, expect, test } from "vitest";
import type { CentiCents, Lots, MicroUsd } from "../../src/core/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { Action } from "../../src/orders/index.ts";
import { always, kinds, LiveCase, SECOND } from "./live-case.ts";

describe("a stop", () => {
  test("a stop in the middle of a calibration waits for the venue's word", () => {
    const stopped = (): LiveCase => {
      const live = new LiveCase();
      live.ready();
      live.take({ kind: "doubt", why: "a fill that nobody waits for" });
      live.take({ kind: "command", name: "stop", by: "test" });
      expect([live.run.isDone, live.run.state]).toEqual([false, "CALIBRATING"]);
      return live;
    };
    const told = stopped();
    told.still({ available: 40_000_000 as MicroUsd });
    expect([told.run.isDone, told.run.sync.corrections]).toEqual([true, 1]);
    expect(told.run.trader?.account.ledger.cash).toBe(40_000_000);
    expect(kinds(told)).not.toContain("submit");
    // A venue that does not say is not waited for longer than six seconds.
    const silent = stopped();
    for (let second = 0; second < 5; second++) silent.second();
    expect(silent.run.isDone).toBe(false);
    silent.second();
    expect([silent.run.isDone, silent.run.state]).toEqual([true, "IDLE"]);
  });

  test("a stop in ERROR looks at the account once more, and at once", () => {
    const live = new LiveCase();
    live.ready();
    for (let wait = 0; wait < 5; wait++) live.take({ kind: "accountFailed", reason: "time-out" });
    expect(live.run.state).toBe("ERROR");
    live.take({ kind: "doubt", why: "a fill that nobody waits for" });
    live.take({ kind: "command", name: "stop", by: "test" });
    expect([live.run.isDone, live.run.state]).toEqual([false, "CALIBRATING"]);
    live.still({ available: 40_000_000 as MicroUsd });
    expect([live.run.isDone, live.run.trader?.account.ledger.cash]).toEqual([true, 40_000_000]);
  });

  test("the wait for the venue's word begins when nothing is open any more", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    const id = live.submitted();
    live.accept(id);
    live.take({ kind: "doubt", why: "a fill that nobody waits for" });
    live.take({ kind: "command", name: "stop", by: "test" });
    for (let second = 0; second < 8; second++) live.second();
    live.order({ kind: "cancelled", clientOrderId: id, atUs: live.nowUs, reason: "requested" });
    expect(live.run.isDone).toBe(false);
    live.still();
    expect([live.run.isDone, live.run.sync.isCalibrated]).toEqual([true, true]);
  });
});

describe("readings", () => {
  test("a reading that lags behind our own orders, by its own word, is not the truth yet", () => {
    const live = new LiveCase();
    // The venue's clock is a minute behind ours.
    const lagging = (lag: number) => ({
      completeUntilUs: live.nowUs - 60 * SECOND - lag,
      available: 90_000_000 as MicroUsd,
    });
    live.take({ kind: "command", name: "start", by: "test" });
    live.links();
    live.wait(2 * SECOND);
    // One that stands still may be from before the start.
    const standing = lagging(0);
    for (let again = 0; again < 3; again++, live.wait(SECOND)) live.account(standing);
    expect(live.run.state).toBe("CALIBRATING");
    live.account(lagging(0));
    expect(live.run.state).toBe("READY");
    live.wait(5 * SECOND);
    live.take({ kind: "doubt", why: "a fill that nobody waits for" });
    live.wait(3 * SECOND);
    for (let twice = 0; twice < 2; twice++) live.account(lagging(3.4 * SECOND));
    expect(live.run.state).toBe("CALIBRATING");
    live.wait(SECOND);
    live.account(lagging(3.4 * SECOND));
    expect(live.run.state).toBe("READY");
    // A clock that was set looks like a lag without end, and is learnt.
    for (const lag of [3_600 * SECOND, -3_600 * SECOND]) {
      live.take({ kind: "doubt", why: "a fill that nobody waits for" });
      live.wait(3 * SECOND);
      for (let twice = 0; twice < 2; twice++) live.account(lagging(lag));
      expect(live.run.state).toBe("READY");
    }
    // A lag of just less than that is waited for, and for no longer.
    live.take({ kind: "doubt", why: "a fill that nobody waits for" });
    live.wait(8 * SECOND);
    for (let twice = 0; twice < 2; twice++) live.account(lagging(-3_591 * SECOND));
    expect(live.run.state).toBe("CALIBRATING");
    live.wait(SECOND);
    live.account(lagging(-3_591 * SECOND));
    expect(live.run.state).toBe("READY");
  });

  test("cash that somebody's orders hide is looked after once they are gone", () => {
    const live = new LiveCase({ policy: always(Action.hold) });
    live.ready();
    const theirs = {
      ...{ orderId: "o-1", clientOrderId: null, ticker: live.header.markets[0]?.ticker ?? "" },
      ...{
        side: BookSide.bid,
        price: 4000 as CentiCents,
        filled: 0 as Lots,
        remaining: 100 as Lots,
      },
    };
    live.take({ kind: "doubt", why: "a fill of somebody else's order" });
    live.still({ resting: [theirs], available: 110_000_000 as MicroUsd });
    expect([live.run.state, live.run.sync.corrections]).toEqual(["READY", 0]);
    const free = { available: 110_400_000 as MicroUsd };
    // Orders that come and go would have it calibrate without end: it waits until they are really gone.
    for (let again = 0; again < 5; again++) {
      live.wait(10 * SECOND);
      live.account(free);
      live.wait(10 * SECOND);
      live.account({ resting: [theirs], available: 110_000_000 as MicroUsd });
    }
    for (let twice = 0; twice < 2; twice++) {
      expect([live.run.sync.corrections, live.run.machine.entries.CALIBRATING]).toEqual([0, 2]);
      live.wait(10 * SECOND);
      live.account(free);
    }
    expect(live.run.machine.entries.CALIBRATING).toBe(3);
    expect([live.run.state, live.run.sync.corrections]).toEqual(["READY", 1]);
    expect(live.run.trader?.account.ledger.cash).toBe(110_400_000);
  });
});

describe("reconciliation", () => {
  const held = (live: LiveCase, position: number): object => ({
    positions: [
      {
        ticker: live.header.markets[0]?.ticker ?? "",
        position: position as Lots,
        cost: (position * 4400) as MicroUsd,
      },
    ],
    available: (100_000_000 - position * 4400) as MicroUsd,
  });

  test("a difference must be told twice, two seconds apart", () => {
    const live = new LiveCase({ policy: always(Action.hold) });
    live.ready();
    live.account(held(live, 500));
    expect(live.run.trader?.account.ledger.position(0)).toBe(0);
    live.second();
    live.account(held(live, 500));
    expect(live.run.trader?.account.ledger.position(0)).toBe(0);
    live.second();
    live.second();
    live.account(held(live, 500));
    const ledger = live.run.trader?.account.ledger;
    expect(ledger?.position(0)).toBe(500);
    expect(ledger?.cash).toBe(100_000_000 - 500 * 4400);
    expect(live.outputs.filter(({ kind }) => kind === "correction")).toHaveLength(2);
  });

  test("a difference cancels everything, and is set right once nothing is open", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    const id = live.submitted();
    live.accept(id);
    for (let wait = 0; wait < 4; wait++) {
      live.account(held(live, 500));
      live.second();
    }
    expect(live.run.state).toBe("CALIBRATING");
    expect(kinds(live)).toContain("cancel");
    const ledger = live.run.trader?.account.ledger;
    expect(ledger?.position(0)).toBe(0);
    live.order({ kind: "cancelled", clientOrderId: id, atUs: live.nowUs, reason: "requested" });
    live.done();
    live.still(held(live, 500));
    expect([live.run.state, ledger?.position(0)]).toEqual(["READY", 500]);
    expect(ledger?.cash).toBe(100_000_000 - 500 * 4400);
    // Whoever sends orders that may only reduce is told what there is to reduce.
    expect(live.done()).toEqual([{ kind: "positions", lots: [500] }]);
  });

  test("somebody else's fill is a reason to read the account anew", () => {
    const live = new LiveCase({ policy: always(Action.hold) });
    live.ready();
    live.take({ kind: "doubt", why: "a fill of somebody else's order" });
    expect(live.run.state).toBe("CALIBRATING");
    live.still(held(live, 500));
    expect(live.run.trader?.account.ledger.position(0)).toBe(500);
  });

  test("cash is compared again once nobody else's orders hide it", () => {
    const live = new LiveCase({ policy: always(Action.hold) });
    live.ready();
    const other = {
      orderId: "o-2",
      clientOrderId: null,
      ticker: live.header.markets[0]?.ticker ?? "",
      side: BookSide.bid,
      price: 2000 as CentiCents,
      filled: 0 as Lots,
      remaining: 1000 as Lots,
    };
    const fees = 90_000;
    const { available } = held(live, 500) as { available: number };
    const locked = { available: (available - fees - 2_000_000) as MicroUsd, resting: [other] };
    live.take({ kind: "doubt", why: "a fill of somebody else's order" });
    live.still({ ...held(live, 500), ...locked });
    const ledger = live.run.trader?.account.ledger;
    expect([live.run.state, ledger?.cash]).toEqual(["READY", available]);
    const free = { ...held(live, 500), available: (available - fees) as MicroUsd };
    live.wait(20 * SECOND);
    for (let twice = 0; twice < 2; twice++) {
      expect(ledger?.cash).toBe(available);
      live.account(free);
    }
    expect([live.run.state, ledger?.cash]).toEqual(["READY", available - fees]);
  });

  test("what moves on is no difference", () => {
    const live = new LiveCase({ policy: always(Action.hold) });
    live.ready();
    for (let lots = 100; lots < 1000; lots += 100) {
      live.account(held(live, lots));
      live.second();
      live.second();
      live.second();
    }
    expect(live.run.sync.corrections).toBe(0);
  });

  test("an order that the venue does not know is asked for", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    live.accept(live.submitted());
    for (let wait = 0; wait < 3; wait++) {
      live.account();
      live.second();
    }
    live.account();
    expect(kinds(live)).toContain("recover");
  });

  test("the budget is all that the run has", () => {
    const live = new LiveCase({ settings: { budget: 5_000_000 as MicroUsd } });
    live.ready();
    expect(live.run.trader?.account.ledger.cash).toBe(5_000_000);
    live.account();
    live.wait(3 * SECOND);
    live.account();
    expect(live.run.sync.corrections).toBe(0);
  });
});
