/** What a run must never do, whatever comes when: by hand-made inputs. */
import { describe, expect, test } from "vitest";
import type { Lots, MicroUsd } from "../../src/core/index.ts";
import { Action } from "../../src/orders/index.ts";
import { always, LiveCase, SECOND, SETTINGS } from "./live-case.ts";

const submits = (live: LiveCase): number =>
  live.done().filter(({ kind }) => kind === "submit").length;

/** A reading with so many contracts of the first market, bought at 44 cents. */
const holding = (live: LiveCase, contracts: number): object => ({
  positions: [
    {
      ticker: live.header.markets[0]?.ticker ?? "",
      position: (contracts * 100) as Lots,
      cost: (contracts * 440_000) as MicroUsd,
    },
  ],
});

describe("the loss limit", () => {
  const limited = { lossMax: 1_000_000 as MicroUsd };

  test("counts from what was held at the start, once that has a price", () => {
    const live = new LiveCase({ settings: limited, policy: always(Action.hold) });
    live.take({ kind: "command", name: "start", by: "test" });
    live.links();
    live.still(holding(live, 10));
    // The books come late: until then nobody can say what may be lost.
    live.second();
    expect([live.run.state, live.run.startValue]).toEqual(["CALIBRATING", null]);
    expect(live.run.waitingFor).toEqual(["a price of all that is held"]);
    live.book([[44, 100]], [[46, 100]]);
    live.second();
    expect([live.run.state, live.run.startValue]).toEqual(["READY", 104_400_000]);
    // Ten contracts fall from 44 to 33 cents: 1.10 dollars.
    live.book([[33, 100]], [[46, 100]]);
    live.second();
    expect(live.run.stopReason).toMatch(/loss limit: 1.1 \$ lost/);
  });

  test("without one nothing waits for prices", () => {
    const live = new LiveCase({ policy: always(Action.hold) });
    live.take({ kind: "command", name: "start", by: "test" });
    live.links();
    live.still(holding(live, 10));
    expect(live.run.state).toBe("READY");
  });

  test("holds between two seconds too, where every change of a book is decided on", () => {
    const limits = { ...SETTINGS.limits, positionLimit: 2000 as Lots };
    const live = new LiveCase({ settings: { ...limited, cadence: "event", limits } });
    live.ready();
    live.book([[44, 90]], [[46, 100]]);
    const id = live.submitted();
    live.accept(id);
    live.fill(id, 44, 10);
    live.book([[33, 100]], [[46, 100]]);
    expect(submits(live)).toBe(0);
    expect(live.run.stopReason).toMatch(/loss limit/);
  });
});

describe("a feed that is away", () => {
  const settings = { staleBookUs: 3 * SECOND };
  const down = (live: LiveCase, link: "feed" | "account feed"): void => {
    live.take({ kind: "link", link, isUp: false, why: "503" });
  };

  test("of our own orders is done without as long as one of books, and no longer", () => {
    const live = new LiveCase({ settings });
    live.ready();
    live.second();
    live.accept(live.submitted());
    down(live, "account feed");
    for (let wait = 0; wait < 2; wait++) live.second();
    expect(live.run.state).toBe("READY");
    live.second();
    expect(live.run.state).toBe("CALIBRATING");
    expect(live.done()).toContainEqual(expect.objectContaining({ kind: "cancel" }));
    expect(live.run.waitingFor[0]).toBe("account feed (503)");
    // Told once more that it is down, it has not been so for a shorter time.
    down(live, "account feed");
    live.second();
    expect(live.run.waitingFor[0]).toBe("account feed (503)");
  });

  test("and has never been there is waited for", () => {
    const live = new LiveCase({ settings, policy: always(Action.hold) });
    live.take({ kind: "command", name: "start", by: "test" });
    live.links();
    const late = new LiveCase({ settings, policy: always(Action.hold) });
    late.take({ kind: "command", name: "start", by: "test" });
    for (const link of ["rest", "exchange", "account feed"] as const) {
      late.take({ kind: "link", link, isUp: true, why: "test" });
    }
    for (const run of [live, late]) run.still();
    expect([live.run.state, late.run.state]).toEqual(["READY", "CALIBRATING"]);
  });
});

describe("doubts", () => {
  test("do not cut the wait after an error short", () => {
    let isBroken = false;
    const live = new LiveCase({
      policy: () => ({
        name: "breaks",
        act: () => {
          if (isBroken) throw new Error("no such thing");
          return Action.hold;
        },
      }),
    });
    live.ready();
    isBroken = true;
    live.second();
    expect(live.run.state).toBe("ERROR");
    live.wait(SECOND);
    live.take({ kind: "doubt", why: "a fill of somebody else's order" });
    expect(live.run.state).toBe("ERROR");
    live.second();
    expect(live.run.state).toBe("ERROR");
  });

  test("do not wake a run that has been stopped", () => {
    const live = new LiveCase({ policy: always(Action.hold) });
    live.ready();
    live.take({ kind: "command", name: "stop", by: "test" });
    expect(live.run.isDone).toBe(true);
    const { outputs, effects } = live.take({ kind: "doubt", why: "a fill of somebody else's" });
    expect([outputs, effects]).toEqual([[], []]);
  });
});

describe("a stop", () => {
  test("lets nothing go out that was decided in the same moment but before it, uncancelled", () => {
    const live = new LiveCase();
    live.ready();
    live.second();
    const id = live.submitted();
    live.take({ kind: "command", name: "stop", by: "test" });
    expect(live.done()).toEqual([{ kind: "cancel", clientOrderId: id }]);
    for (let wait = 0; wait < 5; wait++) {
      live.book([[43 - wait, 100]], [[46, 100]]);
      live.second();
      expect(submits(live)).toBe(0);
    }
    live.order({ kind: "accepted", clientOrderId: id, atUs: live.nowUs });
    live.fill(id, 44, 10);
    expect([live.run.isDone, submits(live)]).toEqual([true, 0]);
  });
});
