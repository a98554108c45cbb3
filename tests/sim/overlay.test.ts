/** Chance on top of the fill model: by hand, by definition, and what it must leave alone. */
import { describe, expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import { BookSide } from "../../src/market/index.ts";
import type {
  ApprovedOrder,
  ClientOrderId,
  FillEvidence,
  OrderEvent,
  OrderRequest,
} from "../../src/orders/index.ts";
import {
  FILL_MODELS,
  type FillModelName,
  IDLE_OVERLAY,
  NO_LATENCY,
  type OverlaySettings,
  SimulatedOrderManager,
} from "../../src/sim/index.ts";
import { START_US, TapeBuilder } from "../fixtures/tape-builder.ts";
import { type Case, randomCase } from "./reference/compare.ts";

const { bid, ask } = BookSide;
const ALWAYS = 1_000_000;
const MODELS = Object.keys(FILL_MODELS) as FillModelName[];

/** Bids 44 x 100, 45 x 50, asks 47 x 50, 48 x 100; our orders stand first. */
class Venue {
  readonly builder = new TapeBuilder();
  readonly orders: SimulatedOrderManager;
  #ids = 0;

  constructor(overlay: Partial<OverlaySettings>, seed = 1) {
    const bids: [number, number][] = [
      [44, 100],
      [45, 50],
    ];
    const asks: [number, number][] = [
      [47, 50],
      [48, 100],
    ];
    this.builder.snapshot(bids, asks);
    this.orders = new SimulatedOrderManager({
      tape: this.builder.tape,
      markets: [0],
      startingCash: 1_000_000_000 as MicroUsd,
      fillModel: FILL_MODELS.touch,
      latency: NO_LATENCY,
      overlay: { ...IDLE_OVERLAY, ...overlay },
      prng: Prng.fromSeed(seed),
    });
    this.orders.advanceTo(START_US);
  }

  /** Sends an order, lets everything happen, and tells what was heard of it. */
  send(side: BookSide, cents: number, contracts: number, more: Partial<OrderRequest> = {}) {
    const clientOrderId = `o${this.#ids++}` as ClientOrderId;
    this.orders.submit({
      clientOrderId,
      market: 0,
      side,
      price: (cents * 100) as CentiCents,
      size: (contracts * 100) as Lots,
      timeInForce: "good_till_canceled",
      postOnly: false,
      reduceOnly: false,
      ...more,
    } as unknown as ApprovedOrder);
    return this.hear();
  }

  hear(): OrderEvent[] {
    this.orders.advanceTo(this.builder.wait(1).nowUs);
    const events: OrderEvent[] = [];
    this.orders.drain(events);
    return events;
  }
}

type Fill = OrderEvent & { readonly kind: "filled" };
const fillsOf = (events: readonly OrderEvent[]): Fill[] =>
  events.filter((event): event is Fill => event.kind === "filled");

function traceOf(evidence: FillEvidence | undefined) {
  if (evidence === undefined || evidence.kind === "venue") throw new Error("there is a fill");
  return evidence.overlay;
}

describe("a resting order", () => {
  test("gets nothing where others get everything, and stays", () => {
    const venue = new Venue({ fillPpm: 0 });
    venue.send(bid, 45, 10);
    venue.builder.trade(bid, 45, 30);
    expect(venue.hear()).toEqual([]);
    expect(venue.orders.markets[0]?.resting).toHaveLength(1);
    // What was withheld is gone: a later order of ours does not get it.
    venue.send(bid, 45, 10);
    venue.builder.trade(bid, 45, 10);
    expect(venue.hear()).toEqual([]);
  });

  test("gets a part, of which the evidence says what was withheld", () => {
    const venue = new Venue({ partialPpm: ALWAYS });
    venue.send(bid, 45, 10);
    venue.builder.trade(bid, 45, 4);
    const [fill, ...more] = fillsOf(venue.hear());
    expect(more).toEqual([]);
    const size = fill?.size ?? 0;
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThan(400);
    expect(traceOf(fill?.evidence)).toEqual({ withheld: 400 - size, ticks: 0 });
    expect(venue.orders.markets[0]?.resting[0]?.remaining).toBe(1000 - size);
  });

  test("is filled as often as the probability says", () => {
    const venue = new Venue({ fillPpm: 300_000 });
    let filled = 0;
    for (let trade = 0; trade < 240; trade++) {
      venue.send(bid, 46, 1);
      venue.builder.trade(bid, 46, 1);
      filled += fillsOf(venue.hear()).length > 0 ? 1 : 0;
    }
    // Each trade reaches the oldest order alone. Four standard deviations are 28.
    expect(Math.abs(filled - 72)).toBeLessThan(28);
  });

  test("is no worse and no better in price", () => {
    const venue = new Venue({ slippagePpm: ALWAYS, slippageTicks: 5 });
    venue.send(bid, 45, 1);
    venue.builder.trade(bid, 45, 1);
    expect(fillsOf(venue.hear()).map(({ price }) => price)).toEqual([4500]);
  });
});

describe("an aggressive order", () => {
  test("pays up to the ticks more, within its limit", () => {
    const slipping = { slippagePpm: ALWAYS, slippageTicks: 1 };
    const [fill] = fillsOf(new Venue(slipping).send(bid, 48, 10));
    expect(fill).toMatchObject({ price: 4800, size: 1000, role: "taker" });
    expect(fill?.evidence).toMatchObject({ kind: "book", price: 4700 });
    expect(traceOf(fill?.evidence)).toEqual({ withheld: 0, ticks: 1 });
    const [limited] = fillsOf(new Venue(slipping).send(bid, 47, 10));
    expect(limited?.price).toBe(4700);
    expect(traceOf(limited?.evidence)).toEqual({ withheld: 0, ticks: 0 });
    const [sold] = fillsOf(new Venue(slipping).send(ask, 40, 10));
    expect(sold?.price).toBe(4400);
  });

  test("pays less where the spread leaves room", () => {
    const improving = { improvementPpm: ALWAYS, improvementTicks: 1 };
    const [bought] = fillsOf(new Venue(improving).send(bid, 47, 10));
    expect(bought?.price).toBe(4600);
    expect(traceOf(bought?.evidence)).toEqual({ withheld: 0, ticks: -1 });
    const [sold] = fillsOf(new Venue(improving).send(ask, 45, 10));
    expect(sold?.price).toBe(4600);
    const tight = new Venue(improving);
    tight.builder.delta(bid, 46, 1);
    tight.hear();
    expect(fillsOf(tight.send(bid, 47, 10)).map(({ price }) => price)).toEqual([4700]);
  });

  test("misses levels that others got, for good", () => {
    const venue = new Venue({ fillPpm: 0 });
    const ioc = { timeInForce: "immediate_or_cancel" } as const;
    expect(venue.send(bid, 48, 200, ioc).map(({ kind }) => kind)).toEqual([
      "accepted",
      "cancelled",
    ]);
    // All or nothing stays so: what was there is gone, and it is told before.
    const fok = { timeInForce: "fill_or_kill" } as const;
    expect(venue.send(bid, 48, 1, fok)).toMatchObject([{ reason: "fill_or_kill_unfilled" }]);
    const other = new Venue({ fillPpm: 0, partialPpm: ALWAYS });
    expect(fillsOf(other.send(bid, 48, 60, fok)).map(({ size }) => size)).toEqual([5000, 1000]);
  });

  test("may be refused by the venue", () => {
    const events = new Venue({ rejectionPpm: ALWAYS }).send(bid, 44, 1);
    expect(events).toMatchObject([{ kind: "rejected", reason: "venue" }]);
  });
});

/** Everything that is heard in a random case, with `looks` looks at the venue from step to step. */
function play(random: Case, model: FillModelName, overlay?: OverlaySettings, looks = 1) {
  const { session, settings, seed } = random;
  const orders = new SimulatedOrderManager({
    tape: session.tape,
    markets: session.markets.map((_, index) => index),
    startingCash: settings.startingCash as MicroUsd,
    fillModel: FILL_MODELS[model],
    latency: settings.latency,
    membership: settings.membership,
    overlay,
    prng: Prng.fromSeed(seed),
  });
  const heard: OrderEvent[] = [];
  let nowUs = -Infinity;
  const go = (atUs: number): void => {
    for (let look = 1; look < looks && nowUs > 0; look++) {
      orders.advanceTo(nowUs + Math.floor(((atUs - nowUs) * look) / looks));
    }
    orders.advanceTo(atUs);
    nowUs = atUs;
    orders.drain(heard);
  };
  for (const { atUs, commands } of random.steps) {
    go(atUs);
    for (const command of commands) {
      if (command.kind === "submit") orders.submit(command.request as unknown as ApprovedOrder);
      else if (command.kind === "cancel") orders.cancel(command.id as ClientOrderId);
      else orders.amend(command.id as ClientOrderId, command.price as never, command.size as never);
    }
  }
  go(session.endUs + 10_000_000);
  return { heard, orders };
}

const SOME: OverlaySettings = {
  fillPpm: 700_000,
  partialPpm: 400_000,
  slippagePpm: 300_000,
  slippageTicks: 3,
  improvementPpm: 300_000,
  improvementTicks: 2,
  rejectionPpm: 100_000,
};

describe("in random play", () => {
  test("one that does nothing changes nothing but the evidence, under every model", () => {
    for (let round = 0; round < 120; round++) {
      const random = randomCase(`idle overlay ${round}`);
      const model = MODELS[round % MODELS.length] ?? "queue";
      const without = play(random, model).heard.map((event) => {
        if (event.kind !== "filled") return event;
        return { ...event, evidence: { ...event.evidence, overlay: { withheld: 0, ticks: 0 } } };
      });
      expect(play(random, model, IDLE_OVERLAY).heard, random.seed).toEqual(without);
    }
  });

  test("does not depend on when anybody looks, and is drawn from the seed", () => {
    for (let round = 0; round < 60; round++) {
      const random = randomCase(`looking overlay ${round}`);
      // Answers that take no time are drawn in no other order, however often one looks.
      const settings = { ...random.settings, latency: { ...random.settings.latency, answerUs: 0 } };
      const still = { ...random, settings };
      expect(play(still, "queue", SOME, 5).heard, random.seed).toEqual(
        play(still, "queue", SOME).heard,
      );
    }
  });

  test("no trade, quote or level gives more than it has, withheld lots included", () => {
    const seen = { trade: 0, quote: 0, book: 0, withheld: 0, worse: 0, better: 0, refused: 0 };
    for (let round = 0; round < 300; round++) {
      const random = randomCase(`overlay ${round}`);
      const model = MODELS[round % MODELS.length] ?? "queue";
      const { heard } = play(random, model, SOME);
      const taken = new Map<string, { lots: number; size: number }>();
      for (const event of heard) {
        if (event.kind === "rejected" && event.reason === "venue") seen.refused += 1;
        if (event.kind !== "filled") continue;
        const { evidence, size, price } = event;
        if (evidence.kind === "venue") throw new Error("simulated fills rest on the recording");
        const { withheld, ticks } = evidence.overlay ?? { withheld: 0, ticks: 0 };
        seen[evidence.kind] += 1;
        if (withheld > 0) seen.withheld += 1;
        if (ticks > 0) seen.worse += 1;
        if (ticks < 0) seen.better += 1;
        if (ticks === 0 && evidence.kind !== "quote" && event.role === "taker") {
          expect(price, random.seed).toBe(evidence.price);
        }
        expect(size + withheld, random.seed).toBeLessThanOrEqual(evidence.size);
        if (evidence.kind === "book") continue;
        const key = `${evidence.kind} ${evidence.row} ${evidence.price}`;
        const entry = taken.get(key) ?? { lots: 0, size: evidence.size };
        entry.lots += size + withheld;
        taken.set(key, entry);
      }
      for (const [key, { lots, size }] of taken) {
        expect(lots, `${random.seed}: ${key}`).toBeLessThanOrEqual(size);
      }
    }
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(10);
  });
});

test("settings out of range are refused by their name", () => {
  const make = (overlay: Partial<OverlaySettings>) => () => new Venue(overlay);
  expect(make({ fillPpm: 1.5 })).toThrow(
    "overlay.fillPpm: expected a whole number from 0 to 1000000, was 1.5",
  );
  expect(make({ slippageTicks: 0 })).toThrow(
    "overlay.slippageTicks: expected a whole number from 1 to 100, was 0",
  );
  expect(make({ luck: 1 } as never)).toThrow("overlay.luck: expected none, was 1");
});
