/** Hand-worked cases of where our orders stand in the recorded queues, and of what we deplete. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import {
  BookSide,
  generateSession,
  openSession,
  PriceGrid,
  SAMPLES,
  streamRows,
} from "../../src/market/index.ts";
import type { ApprovedOrder, ClientOrderId, OrderEvent } from "../../src/orders/index.ts";
import {
  FILL_MODELS,
  type FillModelName,
  NO_LATENCY,
  SimulatedOrderManager,
} from "../../src/sim/index.ts";
import { TapeBuilder } from "../fixtures/tape-builder.ts";

const { bid, ask } = BookSide;

/** A venue on a growing tape. Rows 1 to 4 are the levels of its opening book. */
class Venue {
  readonly tape = new TapeBuilder();
  readonly orders: SimulatedOrderManager;
  #ids = 0;

  constructor(model: FillModelName = "queue") {
    this.tape.snapshot(
      [
        [44, 100],
        [45, 50],
      ],
      [
        [48, 50],
        [49, 100],
      ],
    );
    this.orders = new SimulatedOrderManager({
      tape: this.tape.tape,
      markets: [0],
      startingCash: 1_000_000_000 as MicroUsd,
      fillModel: FILL_MODELS[model],
      latency: NO_LATENCY,
      prng: Prng.fromSeed(1),
    });
    this.orders.advanceTo(this.tape.nowUs);
  }

  /** Sends an order and returns its fills so far, as text: "45 x 5 after 20". */
  send(side: BookSide, cents: number, contracts: number, reduceOnly = false): ClientOrderId {
    const clientOrderId = `o${this.#ids++}` as ClientOrderId;
    const order = {
      clientOrderId,
      market: 0,
      side,
      price: (cents * 100) as CentiCents,
      size: (contracts * 100) as Lots,
      timeInForce: "good_till_canceled",
      postOnly: false,
      reduceOnly,
    };
    this.orders.submit(order as unknown as ApprovedOrder);
    return clientOrderId;
  }

  amend(id: ClientOrderId, cents: number, contracts: number): void {
    this.orders.amend(id, (cents * 100) as CentiCents, (contracts * 100) as Lots);
  }

  /** Lets what was written and sent happen; the fills as [order, cents, contracts, ahead]. */
  go(): (string | number)[][] {
    this.tape.wait(1);
    this.orders.advanceTo(this.tape.nowUs);
    const events: OrderEvent[] = [];
    this.orders.drain(events);
    return events.flatMap((event) => {
      if (event.kind !== "filled") return [];
      const { clientOrderId, price, size, evidence } = event;
      const told = evidence.kind === "trade" ? evidence.ahead / 100 : evidence.kind;
      return [[clientOrderId, price / 100, size / 100, told]];
    });
  }
}

describe("an order in the reconstructed queue", () => {
  test("waits for the trades of those before it, and then fills partly", () => {
    const venue = new Venue();
    venue.send(bid, 45, 10);
    venue.go();
    venue.tape.delta(bid, 45, 40).trade(bid, 45, 30);
    expect(venue.go()).toEqual([]);
    // 20 of the 50 are left before us, 40 stand behind.
    venue.tape.trade(bid, 45, 24);
    expect(venue.go()).toEqual([["o0", 45, 4, 20]]);
    venue.tape.trade(bid, 45, 36);
    expect(venue.go()).toEqual([["o0", 45, 6, 0]]);
  });

  test("comes forward by cancels before it, not by those behind it", () => {
    const venue = new Venue();
    const { tape } = venue;
    tape.wait(1).delta(bid, 45, 20);
    const before = tape.nextRow - 1;
    venue.go();
    venue.send(bid, 45, 10);
    venue.go();
    tape.delta(bid, 45, 30);
    const behind = tape.nextRow - 1;
    tape.cancel(bid, 45, 30, behind).cancel(bid, 45, 20, before).cancel(bid, 45, 15, 2);
    tape.trade(bid, 45, 35);
    // Of the 70 before us 20 and 15 have gone.
    expect(venue.go()).toEqual([]);
    tape.delta(bid, 45, 8).trade(bid, 45, 8);
    expect(venue.go()).toEqual([["o0", 45, 8, 0]]);
  });

  test("a cancel that nobody explains comes from behind first", () => {
    const venue = new Venue();
    const { tape } = venue;
    venue.send(bid, 45, 10);
    venue.go();
    // 25 behind us: of the 35 that go, 10 were before us.
    tape.delta(bid, 45, 25).cancel(bid, 45, 35).trade(bid, 45, 40).delta(bid, 45, 5);
    expect(venue.go()).toEqual([]);
    tape.trade(bid, 45, 5);
    expect(venue.go()).toEqual([["o0", 45, 5, 0]]);
  });

  test("inside the spread it stands first", () => {
    const venue = new Venue();
    venue.send(bid, 46, 10);
    venue.go();
    venue.tape.delta(bid, 46, 5).trade(bid, 46, 3);
    expect(venue.go()).toEqual([["o0", 46, 3, 0]]);
  });

  test("a trade beyond its price serves it first, at its price", () => {
    const venue = new Venue();
    venue.send(bid, 45, 10);
    venue.go();
    venue.tape.cancel(bid, 45, 50).trade(bid, 44, 7);
    expect(venue.go()).toEqual([["o0", 45, 7, 0]]);
  });

  test("a quote at its price fills it, for nobody of its side is left there", () => {
    const venue = new Venue();
    venue.send(ask, 48, 10);
    venue.go();
    venue.tape.cancel(ask, 48, 50).delta(bid, 48, 6);
    expect(venue.go()).toEqual([["o0", 48, 6, "quote"]]);
    // The quote has traded with us: it is not there for a second order.
    venue.send(ask, 48, 10);
    expect(venue.go()).toEqual([]);
  });

  test("several own orders of a price stand in the order of their arrival, others in between", () => {
    const venue = new Venue();
    venue.send(bid, 45, 10);
    venue.go();
    venue.tape.delta(bid, 45, 20);
    venue.go();
    venue.send(bid, 45, 10);
    venue.go();
    // 50, we 10, 20, we 10: a trade of 84 leaves the last 4.
    venue.tape.delta(bid, 45, 100).trade(bid, 45, 84);
    expect(venue.go()).toEqual([
      ["o0", 45, 10, 50],
      ["o1", 45, 4, 70],
    ]);
  });

  test("what a better own order got of a trade serves nobody at a worse price", () => {
    const venue = new Venue();
    venue.send(bid, 45, 10);
    venue.send(bid, 46, 30);
    venue.go();
    // 60 at 45: 30 of them are ours at 46, 30 serve the 50 before us at 45.
    venue.tape.delta(bid, 45, 100).trade(bid, 45, 60);
    expect(venue.go()).toEqual([["o1", 46, 30, 0]]);
    venue.tape.trade(bid, 45, 25);
    expect(venue.go()).toEqual([["o0", 45, 5, 20]]);
  });

  test("a trade that better own orders get whole still leaves only what stands ahead", () => {
    const venue = new Venue();
    venue.send(bid, 45, 10);
    venue.send(bid, 46, 40);
    venue.go();
    venue.tape.trade(bid, 45, 40);
    expect(venue.go()).toEqual([["o1", 46, 40, 0]]);
    // 10 are left at 45, whoever they are; 30 come behind.
    venue.tape.delta(bid, 45, 30).trade(bid, 45, 25);
    expect(venue.go()).toEqual([["o0", 45, 10, 10]]);
  });

  test("what we took ourselves does not stand ahead", () => {
    const venue = new Venue();
    venue.send(bid, 48, 20);
    venue.send(ask, 48, 10);
    expect(venue.go()).toEqual([["o0", 48, 20, "book"]]);
    // Of the 50 recorded 20 are ours; 10 of the other 30 go, nobody knows whose.
    venue.tape.cancel(ask, 48, 10).trade(ask, 48, 25);
    expect(venue.go()).toEqual([["o1", 48, 5, 20]]);
  });

  test("a smaller size keeps the place, a larger one or another price loses it", () => {
    const venue = new Venue();
    const id = venue.send(bid, 45, 10);
    venue.go();
    venue.tape.delta(bid, 45, 100);
    venue.go();
    venue.amend(id, 45, 8);
    venue.go();
    venue.tape.trade(bid, 45, 52);
    expect(venue.go()).toEqual([["o0", 45, 2, 50]]);
    venue.amend(id, 45, 12);
    venue.go();
    // Now 98 are before it.
    venue.tape.trade(bid, 45, 90);
    expect(venue.go()).toEqual([]);
    venue.amend(id, 46, 12);
    venue.go();
    venue.amend(id, 45, 12);
    venue.go();
    venue.tape.delta(bid, 45, 50).trade(bid, 45, 10);
    expect(venue.go()).toEqual([["o0", 45, 2, 8]]);
  });

  test("a match counts once, where its first row stands", () => {
    const venue = new Venue();
    const { tape } = venue;
    venue.send(bid, 45, 10);
    venue.go();
    // The trade is told first; an order that joins before its delta has those lots gone as well.
    tape.loneTrade(bid, 45, 20).tape.pairRow[tape.nextRow - 1] = tape.nextRow;
    venue.go();
    venue.send(bid, 45, 10);
    venue.go();
    tape.delta(bid, 45, -20).tape.pairRow[tape.nextRow - 1] = tape.nextRow - 2;
    venue.go();
    tape.delta(bid, 45, 100).trade(bid, 45, 45);
    // 30, we 10, we 10: both joined the same 30 others.
    expect(venue.go()).toEqual([
      ["o0", 45, 10, 30],
      ["o1", 45, 5, 30],
    ]);
  });

  test("a snapshot leaves nobody before it whom it does not show", () => {
    const venue = new Venue();
    venue.send(bid, 45, 10);
    venue.go();
    venue.tape
      .snapshot([[45, 5]], [[48, 50]])
      .trade(bid, 45, 5)
      .delta(bid, 45, 3);
    expect(venue.go()).toEqual([]);
    venue.tape.trade(bid, 45, 3);
    expect(venue.go()).toEqual([["o0", 45, 3, 0]]);
  });
});

describe("the other models", () => {
  test("level takes every cancel from behind", () => {
    const venue = new Venue("level");
    venue.send(bid, 45, 10);
    venue.go();
    venue.tape.delta(bid, 45, 40).cancel(bid, 45, 40, 2).trade(bid, 45, 45).delta(bid, 45, 20);
    expect(venue.go()).toEqual([]);
    venue.tape.trade(bid, 45, 9);
    expect(venue.go()).toEqual([["o0", 45, 4, 5]]);
  });

  test("touch has nobody before it, through everybody", () => {
    for (const [model, fills] of [
      ["touch", [["o0", 45, 9, 0]]],
      ["through", []],
    ] as const) {
      const venue = new Venue(model);
      venue.send(bid, 45, 10);
      venue.go();
      venue.tape.trade(bid, 45, 9);
      expect(venue.go()).toEqual(fills);
      venue.tape.cancel(bid, 45, 41).delta(ask, 45, 3);
      expect(venue.go()).toEqual(model === "touch" ? [["o0", 45, 1, "quote"]] : []);
    }
  });
});

describe("depletion", () => {
  test("a cancel of what was left standing is not of what we took", () => {
    const venue = new Venue();
    const { tape } = venue;
    venue.send(bid, 48, 20);
    expect(venue.go()).toEqual([["o0", 48, 20, "book"]]);
    // Of the 30 left, 10 are cancelled and 5 traded; 7 arrive: 22 may be had.
    tape.cancel(ask, 48, 10, 3).trade(ask, 48, 5).delta(ask, 48, 7);
    venue.go();
    venue.send(bid, 48, 100);
    expect(venue.go()).toEqual([["o1", 48, 22, "book"]]);
  });

  test("a cancel of what we took takes nothing from those who came since", () => {
    const venue = new Venue();
    const { tape } = venue;
    venue.send(bid, 48, 50);
    venue.go();
    tape.delta(ask, 48, 30).cancel(ask, 48, 50, 3);
    venue.go();
    venue.send(bid, 48, 100);
    expect(venue.go()).toEqual([["o1", 48, 30, "book"]]);
  });

  test("a recorded taker goes on to those who came since", () => {
    const venue = new Venue("through");
    const { tape } = venue;
    venue.send(bid, 48, 50);
    venue.go();
    // The recording's 40 are ours already: in our world they came out of the 60.
    tape.delta(ask, 48, 60).trade(ask, 48, 40);
    venue.go();
    venue.send(bid, 48, 100);
    expect(venue.go()).toEqual([["o1", 48, 20, "book"]]);
  });

  test("what a snapshot shows came before what we took of it", () => {
    const venue = new Venue();
    const { tape } = venue;
    venue.send(bid, 46, 4);
    venue.go();
    tape.snapshot([[40, 10]], [[46, 10]]);
    const shown = tape.nextRow - 1;
    expect(venue.go()).toEqual([["o0", 46, 4, "quote"]]);
    tape.delta(ask, 46, 10).cancel(ask, 46, 10, shown);
    venue.go();
    venue.send(bid, 46, 100);
    expect(venue.go()).toEqual([["o1", 46, 10, "book"]]);
  });

  test("a level that the recording empties is whole when it fills again", () => {
    const venue = new Venue();
    const { tape } = venue;
    venue.send(bid, 48, 20);
    venue.go();
    tape.trade(ask, 48, 50).delta(ask, 48, 15);
    venue.go();
    venue.send(bid, 48, 100);
    expect(venue.go()).toEqual([["o1", 48, 15, "book"]]);
  });
});

test("an order that may only reduce ends as soon as nothing is left to reduce", () => {
  const venue = new Venue();
  venue.send(bid, 48, 10);
  venue.go();
  venue.send(ask, 49, 10, true);
  venue.go();
  venue.send(ask, 45, 10);
  expect(venue.go()).toEqual([["o2", 45, 10, "book"]]);
  expect(venue.orders.markets[0]?.resting).toEqual([]);
});

test("orders that a gap meets are cancelled and counted as uncertain", () => {
  const venue = new Venue();
  venue.send(bid, 45, 10);
  venue.send(bid, 44, 10);
  venue.go();
  expect(venue.orders.uncertainOrders).toBe(0);
  venue.tape.gap().trade(bid, 44, 500);
  expect(venue.go()).toEqual([]);
  expect(venue.orders.uncertainOrders).toBe(2);
  expect(venue.orders.markets[0]?.resting).toEqual([]);
});

test("answers of several markets come in order of time, however far the venue is moved at once", () => {
  const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-queues-"));
  const sample = SAMPLES[0];
  if (sample === undefined) throw new Error("there is a sample session");
  const path = join(folder, "session");
  generateSession(path, { ...sample, id: "many", events: 3, minutes: 20 });
  const session = openSession(path);
  const tape = session.readTape();
  session.close();
  rmSync(folder, { recursive: true });
  const startUs = sample.startUs + 60_000_000;
  const untilUs = startUs + 15 * 60_000_000;
  const heard = (stepUs: number): OrderEvent[] => {
    const orders = new SimulatedOrderManager({
      tape,
      markets: tape.markets.map((_, market) => market),
      startingCash: 1_000_000_000_000 as MicroUsd,
      fillModel: FILL_MODELS.touch,
      latency: NO_LATENCY,
      prng: Prng.fromSeed(1),
    });
    const events: OrderEvent[] = [];
    orders.advanceTo(startUs);
    orders.markets.forEach(({ book, grid }, market) => {
      for (let back = 0; back < 5; back++) {
        orders.submit({
          clientOrderId: `${market} ${back}`,
          market,
          side: bid,
          price: grid.prices[book.bestBidTick - back],
          size: 50_000,
          timeInForce: "good_till_canceled",
          postOnly: true,
          reduceOnly: false,
        } as unknown as ApprovedOrder);
      }
    });
    for (let atUs = startUs; atUs <= untilUs; atUs += stepUs) {
      orders.advanceTo(atUs);
      orders.drain(events);
    }
    return events;
  };
  const [coarse, fine] = [heard(untilUs - startUs), heard(1000)];
  const fills = coarse.filter(({ kind }) => kind === "filled");
  expect(fills.length).toBeGreaterThan(80);
  expect(new Set(fills.map(({ clientOrderId }) => clientOrderId.split(" ")[0])).size).toBe(6);
  expect(coarse).toEqual(fine);
  for (let index = 1; index < coarse.length; index++) {
    expect(coarse[index]?.atUs).toBeGreaterThanOrEqual(coarse[index - 1]?.atUs ?? 0);
  }
});

test("one order fills no later under touch than queue, level and through, on a recording", () => {
  const session = openSession("sessions/sample-3");
  const tape = session.readTape();
  session.close();
  const seed = Number(process.env["SEED"] ?? 2);
  const prng = Prng.fromSeed(seed);
  const [first, end] = streamRows(tape, 0);
  const grid = new PriceGrid(tape.markets[0]?.priceRanges ?? []);
  const filled = { touch: 0, queue: 0, level: 0, through: 0 };
  for (let round = 0; round < 60; round++) {
    const startRow = first + 1000 + prng.integer(end - first - 8000);
    const side = prng.integer(2) === 0 ? bid : ask;
    const distance = prng.integer(3);
    const untilUs = (tape.atUs[startRow] ?? 0) + 120_000_000;
    let before = Infinity;
    for (const model of ["touch", "queue", "level", "through"] as const) {
      const orders = new SimulatedOrderManager({
        tape,
        markets: [0],
        grids: [grid],
        startingCash: 1_000_000_000 as MicroUsd,
        fillModel: FILL_MODELS[model],
        latency: NO_LATENCY,
        prng: Prng.fromSeed(1),
      });
      orders.advanceTo(tape.atUs[startRow] ?? 0);
      const { book } = orders.markets[0] ?? {};
      const best = (side === bid ? book?.bestBidTick : book?.bestAskTick) ?? 0;
      const tick = side === bid ? best - distance : best + distance;
      const price = grid.prices[tick];
      if (price === undefined || price <= 0 || price >= 10_000) break;
      orders.submit({
        clientOrderId: "o",
        market: 0,
        side,
        price,
        size: 20_000,
        timeInForce: "good_till_canceled",
        postOnly: true,
        reduceOnly: false,
      } as unknown as ApprovedOrder);
      orders.advanceTo(untilUs);
      const events: OrderEvent[] = [];
      orders.drain(events);
      const got = events.reduce((sum, e) => sum + (e.kind === "filled" ? e.size : 0), 0);
      expect(got, `seed ${seed} round ${round} ${model}`).toBeLessThanOrEqual(before);
      before = got;
      filled[model] += got;
    }
  }
  // And the models differ, or there would be nothing to order.
  expect(filled.touch).toBeGreaterThan(filled.queue);
  expect(filled.queue).toBeGreaterThan(filled.level);
  expect(filled.level).toBeGreaterThan(filled.through);
});
