/** What is drawn for the five legs, against definitions; races, worked by hand. */
import { describe, expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import { BookSide } from "../../src/market/index.ts";
import type { ApprovedOrder, ClientOrderId, OrderEvent } from "../../src/orders/index.ts";
import {
  Episode,
  DEFAULT_EPISODE,
  FILL_MODELS,
  type LatencyDistribution,
  latencyDistribution,
  type LatencySettings,
  NO_LATENCY,
  prepareTape,
  SimulatedOrderManager,
} from "../../src/sim/index.ts";
import { Latency } from "../../src/sim/latency.ts";
import { SECOND, START_US, TapeBuilder } from "../fixtures/tape-builder.ts";

const { bid } = BookSide;

const quantiles = latencyDistribution({
  quantilesUs: [
    [0, 100],
    [500_000, 200],
    [900_000, 1200],
    [1_000_000, 1200],
  ],
});

function draws(submitUs: LatencyDistribution, seed: number, count = 20_000): number[] {
  const latency = new Latency({ ...NO_LATENCY, submitUs }, Prng.fromSeed(seed));
  return Array.from({ length: count }, () => latency.submit());
}

describe("a measured distribution", () => {
  test("of samples gives these alone, each as often", () => {
    const drawn = draws(latencyDistribution({ samplesUs: [7, 40, 40, 1000] }), 1);
    const share = (us: number): number => drawn.filter((each) => each === us).length / 20_000;
    // Four standard deviations of a share of 20,000 draws are below 0.015.
    expect(Math.abs(share(7) - 0.25)).toBeLessThan(0.015);
    expect(Math.abs(share(40) - 0.5)).toBeLessThan(0.015);
    expect(Math.abs(share(1000) - 0.25)).toBeLessThan(0.015);
  });

  test("of quantiles gives whole microseconds with these quantiles and lines between", () => {
    const drawn = draws(quantiles, 2).sort((a, b) => a - b);
    expect(drawn.every(Number.isInteger)).toBe(true);
    const at = (share: number): number => drawn[Math.floor(share * 20_000)] as number;
    expect(drawn[0]).toBe(100);
    expect(drawn.at(-1)).toBe(1200);
    expect(Math.abs(at(0.25) - 150)).toBeLessThan(4);
    expect(Math.abs(at(0.7) - 700)).toBeLessThan(40);
    // The last tenth is all at the most.
    expect(at(0.92)).toBe(1200);
  });

  test("is drawn from the seed", () => {
    expect(draws(quantiles, 3, 50)).toEqual(draws(quantiles, 3, 50));
    expect(draws(quantiles, 3, 50)).not.toEqual(draws(quantiles, 4, 50));
  });

  test("must be the one that its hash is of", () => {
    const changed = { ...quantiles, contentHash: "0".repeat(64) };
    const make = (submitUs: LatencySettings["submitUs"]) => () =>
      new Latency({ ...NO_LATENCY, submitUs }, Prng.fromSeed(1));
    expect(make(changed)).toThrow(/^latency\.submitUs: expected whole microseconds/);
    expect(make(3_600_000_001)).toThrow(/^latency\.submitUs: expected whole microseconds/);
    expect(make(null as unknown as number)).toThrow(/^latency\.submitUs: .*was null/);
    expect(make({ samplesUs: "7", contentHash: "" } as unknown as number)).toThrow(/submitUs/);
    expect(() => latencyDistribution({ samplesUs: [1, -1] })).toThrow(
      "latency distribution: value 1: expected whole microseconds from 0 to 3600000000, was -1",
    );
  });

  test("gives the feed one latency that holds, and takes none from the other legs", () => {
    const feedUs = { minUs: 0, maxUs: 1_000_000 };
    const one = (seed: number): Latency =>
      new Latency({ ...NO_LATENCY, feedUs, submitUs: quantiles }, Prng.fromSeed(seed));
    expect(one(5).feedUs).toBe(one(5).feedUs);
    expect(one(5).feedUs).not.toBe(one(6).feedUs);
    const submits = Array.from(
      { length: 9 },
      (
        (latency) => () =>
          latency.submit()
      )(one(5)),
    );
    expect(submits).toEqual(draws(quantiles, 5, 9));
  });
});

/** Bids 44 x 100, 45 x 50, asks 47 x 50, 48 x 100; our orders stand first. */
class Venue {
  readonly builder = new TapeBuilder();
  readonly orders: SimulatedOrderManager;
  #ids = 0;

  constructor(latency: Partial<LatencySettings>) {
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
      latency: { ...NO_LATENCY, ...latency },
      prng: Prng.fromSeed(1),
    });
    this.orders.advanceTo(START_US);
  }

  bid(cents: number, contracts: number): ClientOrderId {
    const clientOrderId = `o${this.#ids++}` as ClientOrderId;
    this.orders.submit({
      clientOrderId,
      market: 0,
      side: bid,
      price: (cents * 100) as CentiCents,
      size: (contracts * 100) as Lots,
      timeInForce: "good_till_canceled",
      postOnly: false,
      reduceOnly: false,
    } as unknown as ApprovedOrder);
    return clientOrderId;
  }

  amend(id: ClientOrderId, cents: number, contracts: number): void {
    this.orders.amend(id, (cents * 100) as CentiCents, (contracts * 100) as Lots);
  }

  /** What is heard until `us` after the start, with the time of each. */
  to(us: number): string[] {
    this.orders.advanceTo(START_US + us);
    const events: OrderEvent[] = [];
    this.orders.drain(events);
    return events.map((event) => {
      const what = "reason" in event ? ` ${event.reason}` : "";
      const size = event.kind === "filled" ? ` ${event.size / 100}` : "";
      return `${event.atUs - START_US} ${event.clientOrderId} ${event.kind}${size}${what}`;
    });
  }
}

describe("races", () => {
  test("a fill overtakes a cancel that is on its way", () => {
    const venue = new Venue({ cancelUs: 100, answerUs: 30 });
    const id = venue.bid(45, 10);
    expect(venue.to(1000)).toEqual(["30 o0 accepted"]);
    // The cancel acts at 1,100; a trade of 4 meets the order at 1,050, one of 3 at 1,100 itself,
    // before the cancel, and one of 2 afterwards finds nobody.
    venue.orders.cancel(id);
    venue.builder.wait(1050).trade(bid, 45, 4);
    venue.builder.wait(50).trade(bid, 45, 3);
    venue.builder.wait(1).trade(bid, 45, 2);
    expect(venue.to(2000)).toEqual([
      "1080 o0 filled 4",
      "1130 o0 filled 3",
      "1130 o0 cancelled requested",
    ]);
    expect(venue.orders.venueLedger.position(0)).toBe(700);
  });

  test("a cancel comes too late where the order has filled whole", () => {
    const venue = new Venue({ cancelUs: 100, answerUs: 30 });
    const id = venue.bid(45, 10);
    venue.to(1000);
    venue.orders.cancel(id);
    venue.builder.wait(1099).trade(bid, 45, 10);
    expect(venue.to(2000)).toEqual(["1129 o0 filled 10", "1130 o0 cancelRejected not_found"]);
  });

  test("an amend comes too late for an order that has filled whole, or beyond its new size", () => {
    const venue = new Venue({ amendUs: 100 });
    const whole = venue.bid(45, 10);
    venue.to(1000);
    venue.amend(whole, 44, 10);
    venue.builder.wait(1099).trade(bid, 45, 10);
    expect(venue.to(2000)).toEqual(["1099 o0 filled 10", "1100 o0 amendRejected not_found"]);
    const part = venue.bid(45, 10);
    venue.to(3000);
    // Down to four in all, of which four have filled when it arrives: the order stays as it was.
    venue.amend(part, 45, 4);
    venue.builder.wait(1950).trade(bid, 45, 4);
    expect(venue.to(4000)).toEqual(["3049 o1 filled 4", "3100 o1 amendRejected invalid_size"]);
    venue.builder.wait(1000).trade(bid, 45, 50);
    expect(venue.to(9000)).toEqual(["4049 o1 filled 6"]);
  });

  test("messages of one account keep their order, however long each would take", () => {
    const venue = new Venue({ submitUs: 500, cancelUs: 10, answerUs: 7 });
    const id = venue.bid(45, 10);
    // Alone it would arrive at 10, before its order, and be refused.
    venue.orders.cancel(id);
    expect(venue.to(1000)).toEqual(["507 o0 accepted", "507 o0 cancelled requested"]);
  });

  test("answers keep their order too", () => {
    const answerUs = latencyDistribution({ samplesUs: [0, 300] });
    const venue = new Venue({ answerUs });
    const ids = Array.from({ length: 20 }, (_, index) => {
      venue.to(index * 10);
      return venue.bid(44, 1);
    });
    const heard = venue.to(10_000).map((line) => line.split(" "));
    expect(ids).toHaveLength(20);
    const times = heard.map(([atUs]) => Number(atUs));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    // Those that were drawn to come at once come with the slow one before them.
    expect(new Set(times).size).toBeLessThan(20);
  });

  test("an answer may come later than the next decision, which then acts without it", () => {
    const builder = new TapeBuilder();
    for (let at = 0; at < 30; at++) {
      builder.snapshot([[45, 50]], [[47, 50]]).wait(SECOND);
    }
    const [data] = prepareTape(builder.finish()).markets;
    if (data === undefined) throw new Error("the tape has a market");
    const settings = {
      ...DEFAULT_EPISODE,
      latency: { ...NO_LATENCY, answerUs: 2_500_000 },
      pricing: "cross" as const,
    };
    const episode = new Episode(data, settings, data.starts[0] as number, Prng.fromSeed(1));
    episode.step(1);
    // Bought at once at the venue; what it has answered is on its way for two more decisions.
    expect(episode.orders.venueLedger.position(0)).toBe(1000);
    const seen = [0, 1, 2].map(() => {
      const { account } = episode.trader;
      const before = [account.ledger.position(0), account.openCount];
      // The same action again: its order is still pending, so nothing more is sent.
      episode.step(1);
      return before;
    });
    expect(seen).toEqual([
      [0, 1],
      [0, 1],
      [1000, 0],
    ]);
    expect(episode.orders.venueLedger.position(0)).toBe(2000);
  });
});
