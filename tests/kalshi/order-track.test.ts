/**
 * One order by the venue's facts, alone: whatever order the facts come in, the fold of `orders` takes
 * the events, and ends where the venue has ended.
 */
import { describe, expect, test } from "vitest";
import {
  type CentiCents,
  type Lots,
  type MicroUsd,
  Prng,
  type TimestampUs,
} from "../../src/core/index.ts";
import { BookSide } from "../../src/market/index.ts";
import {
  applyOrderEvent,
  type ClientOrderId,
  newOrder,
  type Order,
  type OrderEvent,
  type OrderRequest,
} from "../../src/orders/index.ts";
import {
  type FillFact,
  type OrderState,
  OrderTrack,
  type TrackEvent,
} from "../../src/kalshi/orders/order-track.ts";

const MS = 1_000;
const T0 = 1_795_176_000_000_000;
const ID = "c-1" as ClientOrderId;
const REQUEST: OrderRequest = {
  clientOrderId: ID,
  market: 0,
  side: BookSide.bid,
  price: 4_500 as CentiCents,
  size: 1_000 as Lots,
  timeInForce: "good_till_canceled",
  postOnly: false,
  reduceOnly: false,
};

/** A track with the fold of its events, which asserts what no order may do. */
class Case {
  readonly track: OrderTrack;
  readonly events: TrackEvent[] = [];
  order: Order;

  constructor(more: Partial<OrderRequest> = {}) {
    const request = { ...REQUEST, ...more };
    this.order = newOrder(request, T0);
    this.track = new OrderTrack(request, (event) => {
      this.events.push(event);
      const whole = { ...event, clientOrderId: ID, atUs: T0 } as OrderEvent;
      this.order = applyOrderEvent(this.order, whole);
    });
  }

  get told(): string[] {
    return this.events.map((event) => {
      if (event.kind === "filled") return `filled ${event.size}`;
      if (event.kind === "amended") return `amended ${event.price} x ${event.size}`;
      return "reason" in event ? `${event.kind} ${event.reason}` : event.kind;
    });
  }

  created(filled = 0, remaining = 1_000): void {
    const lots = { filled: filled as Lots, remaining: remaining as Lots };
    const none = { averagePrice: null, averageFee: null };
    this.track.created({ orderId: "o", clientOrderId: ID, ...lots, ...none, atUs: at(0) });
  }

  fill(tradeId: string, size: number, more: Partial<FillFact> = {}) {
    return this.track.fill({ ...fillOf(tradeId, size), ...more });
  }

  state(status: OrderState["status"], filled: number, remaining: number, more = {}): void {
    this.track.state({ ...stateOf(status, filled, remaining), ...more });
  }
}

function at(ms: number): TimestampUs {
  return (T0 + ms * MS) as TimestampUs;
}

function fillOf(tradeId: string, size: number, price = 4_500, ms = 1): FillFact {
  return {
    tradeId,
    orderId: "o",
    price: price as CentiCents,
    size: size as Lots,
    fee: 100 as MicroUsd,
    isTaker: false,
    createdUs: at(ms),
  };
}

function stateOf(
  status: OrderState["status"],
  filled: number,
  remaining: number,
  price = 4_500,
  ms = 1,
): OrderState {
  return {
    orderId: "o",
    status,
    price: price as CentiCents,
    filled: filled as Lots,
    remaining: remaining as Lots,
    updatedUs: at(ms),
  };
}

const amendment = { price: 4_700 as CentiCents, size: 1_000 as Lots };

describe("the life of an order", () => {
  test("fills before the answer prove that it was taken", () => {
    const own = new Case();
    expect(own.fill("a", 400)).toBe("told");
    own.created(400, 600);
    expect(own.fill("a", 400)).toBe("repeated");
    own.fill("b", 600);
    own.state("executed", 1_000, 0);
    expect(own.told).toEqual(["accepted", "filled 400", "filled 600"]);
    expect([own.order.status, own.track.isEnded]).toEqual(["filled", true]);
    expect(own.fill("c", 100)).toBe("late");
  });

  test("it ends only when all its fills have been told", () => {
    const own = new Case();
    own.created();
    own.track.cancelSent("requested");
    own.track.cancelDone(700 as Lots);
    expect([own.told, own.track.isOwing]).toEqual([["accepted"], true]);
    own.fill("a", 100);
    expect(own.track.isOwing).toBe(true);
    own.fill("b", 200);
    expect(own.told.slice(1)).toEqual(["filled 100", "filled 200", "cancelled requested"]);
    expect(own.track.isOwing).toBe(false);
  });

  test("a state corrects what was reckoned from a cancel", () => {
    const own = new Case();
    own.created();
    own.track.cancelSent("requested");
    // The answer does not say how much was left.
    own.track.cancelDone(0 as Lots);
    expect(own.told).toEqual(["accepted"]);
    own.state("canceled", 0, 0);
    expect(own.told).toEqual(["accepted", "cancelled requested"]);
  });

  test("why it ended is waited for, and guessed in the end", () => {
    const early = new Case({ timeInForce: "immediate_or_cancel" });
    early.created(0, 0);
    expect([early.told, early.track.isOwing]).toEqual([["accepted"], true]);
    early.state("canceled", 0, 0, { reason: "SelfTradeCancel" });
    expect(early.told).toEqual(["accepted", "cancelled self_trade"]);
    const never = new Case({ timeInForce: "immediate_or_cancel" });
    never.created(0, 0);
    never.track.guessReason(T0);
    expect(never.told).toEqual(["accepted", "cancelled immediate_or_cancel"]);
  });

  test.each([
    ["CloseCancel", {}, "market_closed"],
    ["ExpiryCancel", {}, "expired"],
    ["HaltCancel", {}, "halt"],
    ["Decrease", {}, "venue"],
    ["NewWord", {}, "venue"],
    [null, { timeInForce: "immediate_or_cancel" }, "immediate_or_cancel"],
    ["Trade", { timeInForce: "immediate_or_cancel" }, "immediate_or_cancel"],
    ["ReduceOnlyCancel", { timeInForce: "immediate_or_cancel" }, "exceeds_position"],
  ] as const)("%s %j is told as %s", (reason, more, told) => {
    const own = new Case(more);
    own.state("canceled", 0, 0, { reason });
    expect(own.told).toEqual(["accepted", `cancelled ${told}`]);
  });

  test("an order that the venue refused and kept waits for the answer", () => {
    const own = new Case({ postOnly: true });
    own.state("canceled", 0, 0, { reason: "PostOnlyCrossCancel" });
    expect(own.told).toEqual([]);
    expect(own.track.notCreated("post_only_cross")).toBe(true);
    expect(own.told).toEqual(["rejected post_only_cross"]);
    const lost = new Case({ timeInForce: "fill_or_kill" });
    lost.track.foundCreated(stateOf("canceled", 0, 0));
    expect(lost.told).toEqual(["rejected fill_or_kill_unfilled"]);
    // Somebody closed the market before it could be asked for: it had been taken.
    const closed = new Case({ postOnly: true });
    closed.state("canceled", 0, 0, { reason: "CloseCancel" });
    expect(closed.told).toEqual(["accepted", "cancelled market_closed"]);
  });

  test("a refusal of what the venue has shown is contradicted", () => {
    const own = new Case();
    own.state("resting", 0, 1_000);
    expect(own.track.notCreated("venue")).toBe(false);
    expect(own.told).toEqual(["accepted"]);
  });

  test("a refused cancel leaves it open; one after its end says nothing", () => {
    const own = new Case();
    own.created();
    own.track.cancelSent("requested");
    own.track.cancelNotDone("market_paused");
    expect(own.told).toEqual(["accepted", "cancelRejected market_paused"]);
    own.fill("a", 1_000);
    own.track.cancelNotDone("not_found");
    own.track.gone();
    expect(own.told.length).toBe(3);
  });

  test("a fee below nothing is told as nothing", () => {
    const own = new Case();
    own.fill("a", 1_000, { fee: -5 as MicroUsd });
    expect(own.events[1]).toMatchObject({ kind: "filled", fee: 0 });
  });
});

describe("amendments", () => {
  function resting(): Case {
    const own = new Case();
    own.created();
    own.track.amendSent(amendment);
    return own;
  }

  test("a fill that only the new price explains comes after the amendment", () => {
    const own = resting();
    own.fill("a", 400, { price: 4_650 as CentiCents, isTaker: true, createdUs: at(5) });
    own.track.amendDone({ filled: 400 as Lots, remaining: 600 as Lots, atUs: at(5) });
    expect(own.told).toEqual(["accepted", "amended 4700 x 1000", "filled 400"]);
  });

  test("a fill at the former price does not", () => {
    const own = resting();
    own.fill("a", 400, { createdUs: at(5) });
    own.fill("b", 100, { price: 4_400 as CentiCents, isTaker: true, createdUs: at(5) });
    own.track.amendNotDone("insufficient_balance");
    expect(own.told.slice(1)).toEqual([
      "filled 400",
      "filled 100",
      "amendRejected insufficient_balance",
    ]);
  });

  test("a state that shows it comes before its answer, an older state does not count", () => {
    const own = resting();
    own.state("resting", 0, 1_000, { updatedUs: at(0) });
    expect(own.told).toEqual(["accepted"]);
    own.state("resting", 0, 1_000, { price: 4_700, updatedUs: at(3) });
    own.track.amendDone({ filled: null, remaining: null, atUs: at(3) });
    own.state("resting", 0, 1_000, { price: 4_500, updatedUs: at(2) });
    expect(own.told).toEqual(["accepted", "amended 4700 x 1000"]);
  });

  test("more than the former size proves the larger one", () => {
    const own = new Case();
    own.created();
    own.track.amendSent({ price: 4_500 as CentiCents, size: 1_500 as Lots });
    own.fill("a", 900, { createdUs: at(2) });
    own.fill("b", 300, { createdUs: at(3) });
    expect(own.told.slice(1)).toEqual(["filled 900", "amended 4500 x 1500", "filled 300"]);
  });

  test("a smaller size that had filled meanwhile ends the order", () => {
    const own = new Case();
    own.created();
    own.track.amendSent({ price: 4_500 as CentiCents, size: 400 as Lots });
    own.fill("a", 400, { createdUs: at(3) });
    own.track.amendDone({ filled: 0 as Lots, remaining: 400 as Lots, atUs: at(2) });
    expect(own.told.slice(1)).toEqual(["filled 400", "cancelled requested"]);
  });

  test("what seemed an amendment and was none is taken back", () => {
    const own = resting();
    own.fill("a", 100, { price: 4_700 as CentiCents, createdUs: null });
    own.track.amendNotDone("venue");
    expect(own.told.slice(1)).toEqual(["amended 4700 x 1000", "filled 100", "amended 4500 x 1000"]);
  });

  test("with an amendment on its way a cancel's answer leaves the count open", () => {
    const own = resting();
    own.track.cancelSent("requested");
    own.track.cancelDone(1_000 as Lots);
    own.track.guessReason(T0);
    expect([own.told, own.track.isOwing]).toEqual([["accepted"], true]);
    own.state("canceled", 0, 0, { updatedUs: at(9) });
    expect(own.told).toEqual(["accepted", "cancelled requested"]);
  });

  test("what somebody else changed is told; what is older is not", () => {
    const own = new Case();
    own.created();
    own.state("resting", 200, 500, { updatedUs: at(4) });
    own.state("resting", 0, 1_000, { updatedUs: at(3) });
    own.fill("a", 200);
    own.state("executed", 600, 0, { updatedUs: at(9) });
    own.fill("b", 400);
    expect(own.told).toEqual([
      "accepted",
      "amended 4500 x 700",
      "filled 200",
      "amended 4500 x 600",
      "filled 400",
    ]);
    expect(own.order.status).toBe("filled");
  });
});

/** A history at the venue: what happened, as facts that may come in any order. */
function historyOf(prng: Prng) {
  const facts: ((own: Case) => void)[] = [];
  const size = 100 * (1 + prng.integer(10));
  let filled = 0;
  let ms = 0;
  const trade = (most: number): void => {
    const part = 1 + prng.integer(most);
    filled += part;
    const fill = fillOf(`t-${facts.length}`, part, 4_500, ++ms);
    facts.push((own) => void own.track.fill(fill));
  };
  const tell = (status: OrderState["status"]): void => {
    const remaining = status === "resting" ? size - filled : 0;
    const state = stateOf(status, filled, remaining, 4_500, ++ms);
    facts.push((own) => own.track.state({ ...state, reason: "Trade" }));
  };
  const atOnce = prng.integer(3) === 0 ? prng.integer(size) : 0;
  if (atOnce > 0) trade(atOnce);
  const answer = { filled, remaining: size - filled };
  facts.push((own) => own.created(answer.filled, answer.remaining));
  tell("resting");
  for (let rounds = prng.integer(4); rounds > 0 && filled < size; rounds--) {
    trade(size - filled);
    if (filled < size) tell("resting");
  }
  const isCancelled = filled < size;
  if (isCancelled) {
    const left = (size - filled) as Lots;
    facts.push((own) => own.track.cancelDone(left));
  }
  tell(isCancelled ? "canceled" : "executed");
  return { size, filled, facts, status: isCancelled ? "cancelled" : "filled" };
}

test("facts in any order, twice and stale: one right sequence", () => {
  for (let seed = 1; seed <= 3_000; seed++) {
    const prng = Prng.fromSeed(seed);
    const { size, filled, facts, status } = historyOf(prng);
    const own = new Case({ size: size as Lots });
    const heap = facts.flatMap((fact) => (prng.integer(3) === 0 ? [fact, fact] : [fact]));
    while (heap.length > 0) {
      const [fact] = heap.splice(prng.integer(heap.length), 1);
      fact?.(own);
      expect(own.track.filled, `seed ${seed}`).toBeLessThanOrEqual(filled);
    }
    expect([own.order.status, own.order.filled], `seed ${seed}`).toEqual([status, filled]);
    expect(own.track.isOwing, `seed ${seed}`).toBe(false);
    // Whatever is still told changes nothing.
    const events = own.events.length;
    for (const fact of facts) fact(own);
    expect(own.events.length, `seed ${seed}`).toBe(events);
  }
});
