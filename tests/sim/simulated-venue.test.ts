/** Hand-worked cases of what the simulated venue gives and refuses. */
import { describe, expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import { BookSide } from "../../src/market/index.ts";
import type { ApprovedOrder, ClientOrderId, OrderEvent } from "../../src/orders/index.ts";
import {
  FILL_MODELS,
  type FillModelName,
  type LatencySettings,
  NO_LATENCY,
  SimulatedOrderManager,
} from "../../src/sim/index.ts";
import { START_US, TapeBuilder } from "../fixtures/tape-builder.ts";

const { bid, ask } = BookSide;

class Venue {
  readonly builder = new TapeBuilder();
  readonly orders: SimulatedOrderManager;
  readonly events: OrderEvent[] = [];
  #ids = 0;

  constructor(model: FillModelName = "touch", latency: LatencySettings = NO_LATENCY) {
    this.builder.snapshot(
      [
        [44, 100],
        [45, 50],
      ],
      [
        [47, 50],
        [48, 100],
      ],
    );
    this.orders = new SimulatedOrderManager({
      tape: this.builder.tape,
      markets: [0],
      startingCash: 1_000_000_000 as MicroUsd,
      fillModel: FILL_MODELS[model],
      latency,
      prng: Prng.fromSeed(1),
    });
    this.orders.advanceTo(this.builder.nowUs);
  }

  send(side: BookSide, cents: number, contracts: number): ClientOrderId {
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
    } as unknown as ApprovedOrder);
    this.go(0);
    return clientOrderId;
  }

  /** Lets `us` pass and returns the fills that were heard of, as [cents, contracts]. */
  go(us = 1): [number, number][] {
    this.builder.wait(us);
    this.orders.advanceTo(this.builder.nowUs);
    const fresh: OrderEvent[] = [];
    this.orders.drain(fresh);
    this.events.push(...fresh);
    return fresh.flatMap((event) =>
      event.kind === "filled" ? [[event.price / 100, event.size / 100] as [number, number]] : [],
    );
  }

  /** Fills so far, as [cents, contracts, kind of evidence]. */
  fills(): [number, number, string][] {
    return this.events.flatMap((event) =>
      event.kind === "filled"
        ? [[event.price / 100, event.size / 100, event.evidence.kind] as [number, number, string]]
        : [],
    );
  }
}

describe("depth that was taken", () => {
  test("stays taken, whatever arrives at that level", () => {
    const venue = new Venue();
    venue.send(bid, 47, 30);
    venue.send(bid, 47, 30);
    // 50 were there: 30, then the 20 that are left. The rest of the second order rests at 47.
    expect(venue.fills()).toEqual([
      [47, 30, "book"],
      [47, 20, "book"],
    ]);
    venue.builder.wait(1).delta(ask, 48, 5);
    venue.go();
    venue.send(bid, 48, 200);
    // 47 is still empty for us, 48 has its 105.
    expect(venue.fills().slice(2)).toEqual([[48, 105, "book"]]);
  });

  test("and gives only what has arrived since", () => {
    const venue = new Venue("through");
    venue.send(bid, 47, 50);
    venue.builder.wait(1).delta(ask, 47, 10);
    venue.go();
    venue.send(bid, 47, 100);
    expect(venue.fills()).toEqual([
      [47, 50, "book"],
      [47, 10, "book"],
    ]);
  });

  test("an order that crosses several levels pays each level its own price", () => {
    const venue = new Venue();
    venue.send(ask, 44, 120);
    expect(venue.fills()).toEqual([
      [45, 50, "book"],
      [44, 70, "book"],
    ]);
  });
});

describe("a resting order under the touch model", () => {
  test("fills from a trade at its price, up to the trade's size", () => {
    const venue = new Venue("touch");
    venue.send(bid, 45, 10);
    venue.builder.wait(1).trade(bid, 45, 4);
    expect(venue.go()).toEqual([[45, 4]]);
    venue.builder.wait(1).trade(bid, 45, 40);
    expect(venue.go()).toEqual([[45, 6]]);
  });

  test("fills at its own price where the trade went through it", () => {
    const venue = new Venue("touch");
    venue.send(bid, 46, 10);
    venue.builder.wait(1).trade(bid, 45, 20);
    expect(venue.go()).toEqual([[46, 10]]);
  });

  test("does not fill from a book that shrinks, nor from trades on the other side", () => {
    const venue = new Venue("touch");
    venue.send(bid, 45, 10);
    venue.builder.wait(1).delta(bid, 45, -50);
    venue.builder.wait(1).delta(bid, 44, -100);
    venue.builder.wait(1).trade(ask, 47, 50);
    expect(venue.go()).toEqual([]);
  });

  test("fills from an ask that arrives at its price, and takes that ask away", () => {
    const venue = new Venue("touch");
    venue.send(bid, 46, 10);
    venue.builder.wait(1).delta(ask, 46, 25);
    expect(venue.go()).toEqual([[46, 10]]);
    venue.send(bid, 46, 100);
    expect(venue.fills().at(-1)).toEqual([46, 15, "book"]);
  });

  test("two own orders share a trade: the better price first, then the older", () => {
    const venue = new Venue("touch");
    venue.send(bid, 45, 10);
    venue.send(bid, 46, 10);
    venue.send(bid, 46, 10);
    venue.builder.wait(1).trade(bid, 45, 25);
    expect(venue.go()).toEqual([
      [46, 10],
      [46, 10],
      [45, 5],
    ]);
  });

  test("names the recorded fact that filled it", () => {
    const venue = new Venue("touch");
    venue.send(bid, 45, 10);
    const row = venue.builder.nextRow;
    venue.builder.wait(1).trade(bid, 45, 4);
    venue.go();
    const fill = venue.events.find((event) => event.kind === "filled");
    expect(fill?.kind === "filled" && fill.evidence).toEqual({
      kind: "trade",
      row: row + 1,
      price: 4500,
      size: 400,
      ahead: 0,
    });
  });

  test("gets nothing of a match that happened before it rested, though the trade is told later", () => {
    const venue = new Venue("touch");
    const { builder } = venue;
    builder.wait(1).delta(bid, 45, -5);
    const deltaRow = builder.nextRow - 1;
    venue.go();
    venue.send(bid, 45, 10);
    builder.wait(1).loneTrade(bid, 45, 5);
    builder.tape.pairRow[builder.nextRow - 1] = deltaRow;
    builder.tape.pairRow[deltaRow] = builder.nextRow - 1;
    expect(venue.go()).toEqual([]);
  });
});

describe("a resting order under the through model", () => {
  test("fills only when the price trades through it", () => {
    const venue = new Venue("through");
    venue.send(bid, 45, 10);
    venue.builder.wait(1).trade(bid, 45, 50);
    expect(venue.go()).toEqual([]);
    venue.builder.wait(1).trade(bid, 44, 3);
    expect(venue.go()).toEqual([[45, 3]]);
  });
});

describe("time", () => {
  const LATENCY = {
    feedUs: 10,
    submitUs: 100,
    amendUs: 100,
    cancelUs: 200,
    answerUs: 50,
  };

  test("an order acts after its way, and its answer takes its own", () => {
    const venue = new Venue("touch", LATENCY);
    venue.send(bid, 47, 10);
    // At the exchange at +100, back at +150.
    expect(venue.go(149)).toEqual([]);
    expect(venue.events).toEqual([]);
    expect(venue.go(1)).toEqual([[47, 10]]);
    expect(venue.events.map((event) => event.atUs - START_US)).toEqual([150, 150]);
  });

  test("the exchange is ahead of what the feed has told us", () => {
    const venue = new Venue("touch", LATENCY);
    // The ask at 47 vanishes at tape time +105, which is +95 at the exchange.
    venue.builder.wait(105).delta(ask, 47, -50);
    venue.builder.wait(-105);
    venue.send(bid, 47, 10);
    expect(venue.go(1000)).toEqual([]);
    expect(venue.events.map((event) => event.kind)).toEqual(["accepted"]);
  });

  test("at equal times the market moves before our order arrives", () => {
    const venue = new Venue("touch", LATENCY);
    venue.builder.wait(110).delta(ask, 47, -50);
    venue.builder.wait(-110);
    venue.send(bid, 47, 10);
    expect(venue.go(1000)).toEqual([]);
  });

  test("a fill overtakes a cancel that is on its way", () => {
    const venue = new Venue("touch", LATENCY);
    const id = venue.send(bid, 45, 10);
    venue.go(1000);
    venue.orders.cancel(id);
    venue.builder.wait(150).trade(bid, 45, 4);
    venue.builder.wait(-150);
    expect(venue.go(1000)).toEqual([[45, 4]]);
    expect(venue.events.map((event) => event.kind)).toEqual(["accepted", "filled", "cancelled"]);
  });
});

describe("gaps", () => {
  test("end every resting order, and nothing rests until the next snapshot", () => {
    const venue = new Venue();
    venue.send(bid, 45, 10);
    venue.builder.wait(1).gap();
    venue.builder.wait(1).trade(bid, 45, 10);
    expect(venue.go()).toEqual([]);
    expect(venue.events.at(-1)).toMatchObject({ kind: "cancelled", reason: "feed_gap" });
    venue.send(bid, 47, 10);
    expect(venue.events.at(-1)).toMatchObject({ kind: "rejected", reason: "book_unknown" });
    venue.builder.wait(1).snapshot([[45, 10]], [[47, 10]]);
    venue.go();
    venue.send(bid, 47, 10);
    expect(venue.fills()).toEqual([[47, 10, "book"]]);
  });

  test("a snapshot that shows asks at our bid trades with it", () => {
    const venue = new Venue("touch");
    venue.send(bid, 46, 10);
    venue.builder.wait(1).snapshot([[40, 10]], [[46, 4]]);
    expect(venue.go()).toEqual([[46, 4]]);
  });
});

test("fees of partial fills carry their rounding from one to the next", () => {
  const venue = new Venue();
  venue.send(bid, 47, 0.5);
  // 0.07 x 0.5 x 0.47 x 0.53 = 0.0087185 -> 0.008719 -> cash floors to 0.0001: fee 0.0088.
  const fill = venue.events.find((event) => event.kind === "filled");
  expect(fill?.kind === "filled" && fill.fee).toBe(8_800);
});
