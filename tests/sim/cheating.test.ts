/**
 * Strategies that would earn in a careless simulator, each on a recording of a few rows: what it
 * ends with is worked out here from the rules, to the micro-dollar, under every fill model.
 */
import { describe, expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import { BookSide, type MarketInfo } from "../../src/market/index.ts";
import type { ApprovedOrder, ClientOrderId, OrderEvent } from "../../src/orders/index.ts";
import {
  FILL_MODELS,
  type FillModelName,
  type LatencySettings,
  NO_LATENCY,
  SimulatedOrderManager,
} from "../../src/sim/index.ts";
import { marketInfo, TapeBuilder } from "../fixtures/tape-builder.ts";

const { bid, ask } = BookSide;
const MODELS = Object.keys(FILL_MODELS) as FillModelName[];
const START = 1_000_000_000;

interface Terms {
  readonly model: FillModelName;
  readonly latency?: LatencySettings;
  readonly info?: Partial<MarketInfo>;
  readonly cash?: number;
}

type Extra = { readonly ioc?: boolean; readonly reduceOnly?: boolean };

/** One market, and an account that starts with 1,000 dollars. Time moves by a microsecond a `go`. */
class Play {
  readonly tape: TapeBuilder;
  readonly orders: SimulatedOrderManager;
  readonly events: OrderEvent[] = [];
  readonly #info: MarketInfo;
  readonly #start: number;
  #ids = 0;

  constructor({ model, latency = NO_LATENCY, info = {}, cash = START }: Terms) {
    this.#info = marketInfo(info);
    this.#start = cash;
    this.tape = new TapeBuilder({ info: this.#info });
    this.orders = new SimulatedOrderManager({
      tape: this.tape.tape,
      markets: [0],
      startingCash: cash as MicroUsd,
      fillModel: FILL_MODELS[model],
      latency,
      prng: Prng.fromSeed(1),
    });
  }

  send(side: BookSide, cents: number, contracts: number, extra: Extra = {}): ClientOrderId {
    const clientOrderId = `o${this.#ids++}` as ClientOrderId;
    this.orders.submit({
      clientOrderId,
      market: 0,
      side,
      price: Math.round(cents * 100) as CentiCents,
      size: Math.round(contracts * 100) as Lots,
      timeInForce: extra.ioc === true ? "immediate_or_cancel" : "good_till_canceled",
      postOnly: false,
      reduceOnly: extra.reduceOnly === true,
    } as unknown as ApprovedOrder);
    return clientOrderId;
  }

  /** Lets what was written and sent happen. */
  go(us = 1): this {
    this.tape.wait(us);
    this.orders.advanceTo(this.tape.nowUs);
    this.orders.drain(this.events);
    return this;
  }

  /** All fills so far: [cents, contracts, evidence, fee in micro-dollars]. */
  get fills(): (string | number)[][] {
    return this.events.flatMap((event) =>
      event.kind === "filled"
        ? [[event.price / 100, event.size / 100, event.evidence.kind, event.fee]]
        : [],
    );
  }

  /** What has come of the orders besides fills. */
  get news(): string[] {
    return this.events.flatMap((event) =>
      "reason" in event ? [`${event.clientOrderId} ${event.kind}: ${event.reason}`] : [],
    );
  }

  /** Contracts held: YES above zero, NO below. */
  get held(): number {
    return this.orders.venueLedger.position(0) / 100;
  }

  /** Cash gained so far, in micro-dollars; what is held counts as nothing. */
  get gained(): number {
    return this.orders.venueLedger.cash - this.#start;
  }

  /** Closes the market and pays out; what was gained then. */
  settle(): number {
    this.tape.close();
    this.go();
    const value = this.#info.settlement?.valueCc;
    if (value === undefined) throw new Error("the market has no result");
    this.orders.venueLedger.settle(0, value);
    return this.gained;
  }
}

describe.each(MODELS)("a quote far inside an empty book, %s", (model) => {
  test("gets nothing where nobody trades, however long it stands", () => {
    const play = new Play({ model });
    play.tape.snapshot([], []);
    play.go();
    play.send(bid, 99, 10);
    play.go();
    // Others come and go on the far sides; nobody meets us.
    play.tape.delta(bid, 1, 500).cancel(bid, 1, 500).delta(bid, 2, 10);
    play.go(3_600_000_000);
    expect([play.fills, play.held, play.gained]).toEqual([[], 0, 0]);
    // Nor is there anybody to sell to at the price that we made up ourselves.
    play.send(ask, 99, 10);
    play.go();
    expect(play.fills).toEqual([]);
    expect(play.news).toEqual(["o1 cancelled: self_trade"]);
    expect(play.settle()).toBe(0);
  });

  test("earns its spread on the lots that traders sent beyond it, and at its own prices", () => {
    const play = new Play({ model });
    play.tape.snapshot([[10, 100]], [[90, 100]]);
    play.go();
    play.send(bid, 49, 10);
    play.send(ask, 51, 10);
    play.go();
    play.tape.trade(bid, 10, 4);
    play.go();
    play.tape.trade(ask, 90, 3).trade(bid, 10, 100).trade(ask, 90, 500);
    play.go();
    // 4 and then the other 6 bought at 49; 3 and then the other 7 sold at 51: 20 cents, no fee.
    expect(play.fills).toEqual([
      [49, 4, "trade", 0],
      [51, 3, "trade", 0],
      [49, 6, "trade", 0],
      [51, 7, "trade", 0],
    ]);
    expect([play.held, play.gained]).toEqual([0, 200_000]);
    expect(play.settle()).toBe(200_000);
  });

  test("meets a quote that arrives within its price once, and at its own price", () => {
    const play = new Play({ model });
    play.tape.snapshot([[10, 100]], [[90, 100]]);
    play.go();
    play.send(bid, 49, 10);
    play.go();
    // Whoever offers 3 at 45 sells them to us at 49, and is not there to be taken again at 45.
    play.tape.delta(ask, 45, 3);
    play.go();
    play.send(bid, 48, 10, { ioc: true });
    play.go();
    expect(play.fills).toEqual([[49, 3, "quote", 0]]);
    expect(play.gained).toBe(-3 * 490_000);
    // Three contracts pay a dollar each.
    expect(play.settle()).toBe(3 * 510_000);
  });
});

describe("an order sent and cancelled at every step", () => {
  /** 50 contracts stand at 45, and at each of 20 steps 10 trade there and 10 others come. */
  function churn(model: FillModelName, keep: boolean): Play {
    const play = new Play({ model });
    play.tape.snapshot([[45, 50]], [[48, 50]]);
    play.go();
    let id = play.send(bid, 45, 10);
    play.go();
    for (let step = 0; step < 20; step++) {
      if (!keep && step > 0) {
        play.orders.cancel(id);
        id = play.send(bid, 45, 10);
        play.go();
      }
      play.tape.trade(bid, 45, 10).delta(bid, 45, 10);
      play.go();
    }
    return play;
  }

  test("stands behind everybody each time, where the one that stays is served sixth", () => {
    for (const model of ["queue", "level"] as const) {
      const stays = churn(model, true);
      // Five trades of ten serve the 50 before it; the sixth is its own.
      expect(stays.fills).toEqual([[45, 10, "trade", 0]]);
      expect(stays.gained).toBe(-4_500_000);
      const goes = churn(model, false);
      expect([goes.fills, goes.gained, goes.settle()]).toEqual([[], 0, 0]);
    }
    for (const keep of [true, false]) expect(churn("through", keep).fills).toEqual([]);
  });

  test("fills as often as it stands there under touch, never by more than a trade", () => {
    const play = churn("touch", false);
    // Each of the 20 trades is its own as a whole.
    expect(play.fills).toEqual(Array(20).fill([45, 10, "trade", 0]));
    expect(play.gained).toBe(-20 * 4_500_000);
    expect(play.settle()).toBe(20 * 5_500_000);
  });

  test.each(MODELS)("gets nothing of a trade that comes when it is gone, %s", (model) => {
    const play = new Play({ model });
    play.tape.snapshot([[45, 50]], [[48, 50]]);
    play.go();
    for (let step = 0; step < 50; step++) {
      const id = play.send(bid, 46, 10);
      play.go();
      play.orders.cancel(id);
      play.go();
      play.tape.trade(bid, 45, 1);
      play.go();
    }
    expect([play.fills, play.gained]).toEqual([[], 0]);
    expect(play.news).toHaveLength(50);
  });

  test.each(MODELS)("has the fill that overtakes its cancel, for better or worse, %s", (model) => {
    const latency = { feedUs: 0, submitUs: 10, amendUs: 10, cancelUs: 10, answerUs: 5 };
    const play = new Play({ model, latency });
    play.tape.snapshot([[45, 50]], [[48, 50]]);
    play.go();
    const id = play.send(bid, 46, 10);
    play.go(20);
    play.orders.cancel(id);
    // Six at 45 come while the cancel is under way: they are sold to us at 46.
    play.tape.wait(5).trade(bid, 45, 6);
    play.go(40);
    expect(play.fills).toEqual([[46, 6, "trade", 0]]);
    expect(play.news).toEqual(["o0 cancelled: requested"]);
    expect(play.gained).toBe(-2_760_000);
  });

  test("pays no less by splitting an order into lots", () => {
    const whole = new Play({ model: "queue" });
    const split = new Play({ model: "queue" });
    for (const { tape } of [whole, split]) tape.snapshot([[45, 50]], [[47, 50]]);
    whole.go();
    split.go();
    whole.send(bid, 47, 1, { ioc: true });
    for (let lot = 0; lot < 100; lot++) split.send(bid, 47, 0.01, { ioc: true });
    // 0.07 x 0.47 x 0.53 = 0.017437 dollar, and cash of -0.487437 is rounded to -0.4875.
    expect(whole.go().fills).toEqual([[47, 1, "book", 17_500]]);
    // A lot: 0.000174 up to 0.000175, and cash of -0.004875 to -0.0049: 0.0002 a hundred times.
    expect(split.go().fills).toEqual(Array(100).fill([47, 0.01, "book", 200]));
    expect([whole.gained, split.gained]).toEqual([-487_500, -490_000]);
  });
});

describe.each(MODELS)("trading against one's own depletion, %s", (model) => {
  function opened(): Play {
    const play = new Play({ model });
    play.tape.snapshot(
      [
        [44, 30],
        [45, 20],
      ],
      [
        [47, 20],
        [48, 30],
      ],
    );
    return play.go();
  }

  test("round trips take what is there once, and pay spread and fees each time", () => {
    const play = opened();
    play.send(bid, 47, 100, { ioc: true });
    play.send(ask, 45, 100, { ioc: true });
    // Both best levels are gone for us: nothing more at these prices, as often as we ask.
    for (let time = 0; time < 10; time++) {
      play.send(bid, 47, 100, { ioc: true });
      play.send(ask, 45, 100, { ioc: true });
    }
    play.go();
    // 0.07 x 20 x 0.47 x 0.53 = 0.34874; cash of -9.74874 to -9.7488.
    // 0.07 x 20 x 0.45 x 0.55 = 0.34650; cash of 8.6535 needs no rounding.
    expect(play.fills).toEqual([
      [47, 20, "book", 348_800],
      [45, 20, "book", 346_500],
    ]);
    expect(play.gained).toBe(-400_000 - 348_800 - 346_500);
    expect(play.settle()).toBe(-1_095_300);
  });

  test("an offer where we took is first there, and earns back what it paid less the fee", () => {
    const play = opened();
    play.send(bid, 47, 20, { ioc: true });
    play.go();
    play.send(ask, 47, 20);
    play.go();
    // The recording's taker of 8 finds us at 47; where the price must go through us, only at 48.
    play.tape.trade(ask, 47, 8);
    play.go();
    const own = model === "through" ? [] : [[47, 8, "trade", 0]];
    expect(play.fills.slice(1)).toEqual(own);
    play.tape.trade(ask, 48, 30);
    play.go();
    // All sold at 47 what was bought at 47: the fee is lost.
    expect(play.held).toBe(0);
    expect(play.gained).toBe(-348_800);
  });

  test("clearing a level moves nobody: an offer one tick above is not reached by its trades", () => {
    const play = opened();
    play.send(bid, 47, 20, { ioc: true });
    play.send(ask, 48, 20);
    play.go();
    play.tape.trade(ask, 47, 12).trade(ask, 47, 8);
    play.go();
    // 20 bought at 47 and held: 9.40 and the fee, against 20 dollars.
    expect(play.fills).toHaveLength(1);
    expect(play.gained).toBe(-9_400_000 - 348_800);
    expect(play.settle()).toBe(10_600_000 - 348_800);
  });

  test("own orders are nobody's other side", () => {
    const play = opened();
    play.send(bid, 46, 10);
    play.go();
    for (let time = 0; time < 10; time++) play.send(ask, 46, 10);
    play.go();
    expect([play.fills, play.held, play.gained]).toEqual([[], 0, 0]);
    expect(play.news).toHaveLength(10);
  });
});

describe.each(MODELS)("an order a moment before a gap, %s", (model) => {
  const latency = { feedUs: 10, submitUs: 10, amendUs: 10, cancelUs: 10, answerUs: 5 };

  test("gets nothing of what the book has become behind it", () => {
    const play = new Play({ model });
    play.tape.snapshot([[45, 20]], [[47, 20]]);
    play.go();
    // It knows that the price will be 60 to 62, and then 30 to 32, and lies in wait for both.
    play.send(ask, 50, 10);
    play.send(bid, 44, 10);
    play.go();
    play.tape
      .gap()
      .wait(1)
      .trade(ask, 50, 100)
      .trade(bid, 44, 100)
      .wait(1)
      .snapshot([[60, 20]], [[62, 20]])
      .wait(1)
      .snapshot([[30, 20]], [[32, 20]]);
    play.go(10);
    expect([play.fills, play.held, play.gained]).toEqual([[], 0, 0]);
    expect(play.news).toEqual(["o0 cancelled: feed_gap", "o1 cancelled: feed_gap"]);
    expect(play.orders.uncertainOrders).toBe(2);
  });

  test("keeps what it took before, at the prices of before, fee included", () => {
    const play = new Play({ model });
    play.tape.snapshot([[45, 20]], [[47, 20]]);
    play.go();
    play.send(bid, 47, 50);
    play.go();
    play.tape
      .gap()
      .wait(1)
      .snapshot([[60, 20]], [[62, 20]]);
    play.go(5);
    play.send(ask, 60, 50, { ioc: true });
    play.go();
    // 20 were there; the 30 that then rested are gone with the gap. Bought: 0.07 x 20 x 0.47 x 0.53
    // = 0.34874, -9.74874 to -9.7488. Sold: 0.07 x 20 x 0.6 x 0.4 = 0.336, no rounding. What is
    // beyond the 20 held is not there to be sold to.
    expect(play.fills).toEqual([
      [47, 20, "book", 348_800],
      [60, 20, "book", 336_000],
    ]);
    expect([play.held, play.gained]).toEqual([0, 2_600_000 - 348_800 - 336_000]);
  });

  test("is refused where it arrives behind it, though it was sent before", () => {
    const play = new Play({ model, latency });
    play.tape.snapshot([[45, 20]], [[47, 20]]);
    play.go(20);
    // Sent with the old book in view; the exchange has its gap 5 us later.
    play.tape.wait(15).gap();
    play.tape.wait(-15);
    play.send(bid, 47, 10);
    play.go(30);
    expect([play.fills, play.gained]).toEqual([[], 0]);
    expect(play.news).toEqual(["o0 rejected: book_unknown"]);
  });
});

describe.each(MODELS)("selling from flat, %s", (model) => {
  const NO_WINS = { settlement: { valueCc: 0 as CentiCents, source: "given" } } as const;

  function short(terms: Partial<Terms> = {}, extra: Extra = {}): Play {
    const play = new Play({ model, ...terms });
    play.tape.snapshot([[45, 20]], [[47, 20]]);
    play.go();
    play.send(ask, 45, 10, extra);
    return play.go();
  }

  test("is a purchase of NO: it costs a dollar less the price and brings no cash", () => {
    const play = short();
    // 10 x 0.55, and 0.07 x 10 x 0.45 x 0.55 = 0.17325; cash of -5.67325 to -5.6733.
    expect(play.fills).toEqual([[45, 10, "book", 173_300]]);
    expect([play.held, play.gained]).toEqual([-10, -5_673_300]);
    // YES wins: all is lost. NO wins: a dollar each.
    expect(play.settle()).toBe(-5_673_300);
    expect(short({ info: NO_WINS }).settle()).toBe(4_500_000 - 173_300);
  });

  test("and back is worth the difference of the prices, less both fees", () => {
    const play = short();
    play.tape.cancel(ask, 47, 20).delta(ask, 46, 20);
    play.go();
    play.send(bid, 46, 10, { ioc: true });
    play.go();
    // Ten pairs pay ten dollars: 4.50 taken, 4.60 given back. 0.07 x 10 x 0.46 x 0.54 = 0.17388;
    // cash of 5.4 - 0.17388 = 5.22612 to 5.2261.
    expect(play.fills[1]).toEqual([46, 10, "book", 173_900]);
    expect([play.held, play.gained]).toEqual([0, -100_000 - 173_300 - 173_900]);
  });

  test("needs the cash", () => {
    // 5.50, the fee of 0.17325 and at most 0.001101 of rounding are locked: 5.674351 dollars.
    const poor = short({ cash: 5_674_350 });
    expect([poor.fills, poor.gained]).toEqual([[], 0]);
    expect(poor.news).toEqual(["o0 rejected: insufficient_balance"]);
    expect(short({ cash: 5_674_351 }).held).toBe(-10);
  });

  test("does not happen where an order may only reduce", () => {
    const play = short({}, { reduceOnly: true, ioc: true });
    expect([play.fills, play.held, play.gained]).toEqual([[], 0, 0]);
  });
});

describe.each(MODELS)("holding to settlement, %s", (model) => {
  /** Bought as maker at 45 by a trade beyond that price: no fee, under any model. */
  function held(side: BookSide, contracts: number, valueCc: number): Play {
    const settlement = { valueCc: valueCc as CentiCents, source: "given" } as const;
    const play = new Play({ model, info: { settlement } });
    play.tape.snapshot([[40, 50]], [[50, 50]]);
    play.go();
    play.send(side, 45, contracts);
    play.go();
    play.tape.trade(side, side === bid ? 40 : 50, 30);
    return play.go();
  }

  test("pays a dollar or nothing to each contract, once", () => {
    // YES at 45 cents, NO at 55.
    for (const [side, valueCc, gained] of [
      [bid, 10_000, 5_500_000],
      [bid, 0, -4_500_000],
      [ask, 10_000, -5_500_000],
      [ask, 0, 4_500_000],
    ] as const) {
      const play = held(side, 10, valueCc);
      expect(play.fills).toEqual([[45, 10, "trade", 0]]);
      expect(play.settle()).toBe(gained);
      expect(play.held).toBe(0);
      play.orders.venueLedger.settle(0, valueCc as CentiCents);
      expect(play.gained).toBe(gained);
    }
  });

  test("pays a scalar value and its complement, floored to cents", () => {
    // 10 YES at 0.3333: 3.333 to 3.33. 10 NO at 0.6667: 6.667 to 6.66. 2.5 YES: 0.83325 to 0.83.
    expect(held(bid, 10, 3333).settle()).toBe(3_330_000 - 4_500_000);
    expect(held(ask, 10, 3333).settle()).toBe(6_660_000 - 5_500_000);
    expect(held(bid, 2.5, 3333).settle()).toBe(830_000 - 1_125_000);
    // A market that ends where it was bought gives the price back.
    expect(held(bid, 10, 4500).settle()).toBe(0);
    expect(held(ask, 10, 4500).settle()).toBe(0);
  });

  test("ends what still rests: nothing fills at or after the close", () => {
    const play = held(bid, 40, 10_000);
    // 30 of 40 were bought; the other ten are not to be had from one who knows the result.
    play.tape.close().trade(bid, 40, 20).delta(ask, 1, 100);
    play.go();
    play.send(bid, 99, 100, { ioc: true });
    play.go();
    expect(play.fills).toEqual([[45, 30, "trade", 0]]);
    expect(play.news).toEqual(["o0 cancelled: market_closed", "o1 rejected: market_closed"]);
    expect(play.settle()).toBe(16_500_000);
  });
});
