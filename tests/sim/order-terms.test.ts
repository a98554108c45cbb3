/** Hand-worked cases of expiry, self-trade prevention, fees in time and several markets. */
import { describe, expect, test } from "vitest";
import {
  type CentiCents,
  type Lots,
  type MicroUsd,
  Prng,
  type TimestampUs,
} from "../../src/core/index.ts";
import {
  BookSide,
  type MarketInfo,
  MarketStatus,
  type Membership,
} from "../../src/market/index.ts";
import type {
  ApprovedOrder,
  ClientOrderId,
  OrderEvent,
  OrderRequest,
} from "../../src/orders/index.ts";
import {
  FILL_MODELS,
  type FillModelName,
  type LatencySettings,
  NO_LATENCY,
  SimulatedOrderManager,
} from "../../src/sim/index.ts";
import { marketInfo, SECOND, START_US, TapeBuilder } from "../fixtures/tape-builder.ts";
import { joined } from "./backtest/session-fixture.ts";

const { bid, ask } = BookSide;

interface VenueOptions {
  readonly model?: FillModelName;
  readonly latency?: LatencySettings;
  readonly info?: Partial<MarketInfo>;
  readonly membership?: Membership;
  readonly dollars?: number;
}

/** One market with bids 44 x 100, 45 x 50 and asks 47 x 50, 48 x 100, which the test moves. */
class Venue {
  readonly builder: TapeBuilder;
  readonly orders: SimulatedOrderManager;
  readonly events: OrderEvent[] = [];
  #ids = 0;

  constructor(options: VenueOptions = {}) {
    const {
      model = "queue",
      latency = NO_LATENCY,
      info = {},
      membership,
      dollars = 1000,
    } = options;
    this.builder = new TapeBuilder({ info: marketInfo(info) });
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
      startingCash: (dollars * 1_000_000) as MicroUsd,
      fillModel: FILL_MODELS[model],
      latency,
      prng: Prng.fromSeed(1),
      ...(membership !== undefined && { membership }),
    });
    this.orders.advanceTo(START_US);
  }

  send(
    side: BookSide,
    cents: number,
    contracts: number,
    more: Partial<OrderRequest> = {},
  ): ClientOrderId {
    const clientOrderId = `o${this.#ids++}` as ClientOrderId;
    this.orders.submit({
      clientOrderId,
      market: 0,
      side,
      price: Math.round(cents * 100) as CentiCents,
      size: Math.round(contracts * 100) as Lots,
      timeInForce: "good_till_canceled",
      postOnly: false,
      reduceOnly: false,
      ...more,
    } as unknown as ApprovedOrder);
    this.to(this.builder.nowUs - START_US);
    return clientOrderId;
  }

  /** Moves our clock to `us` after the start. */
  to(us: number): void {
    this.builder.wait(START_US + us - this.builder.nowUs);
    this.orders.advanceTo(this.builder.nowUs);
    this.orders.drain(this.events);
  }

  /** What became of an order: kinds, with the reason or contracts behind them. */
  story(id: ClientOrderId): string[] {
    return this.events.flatMap((event) => {
      if (event.clientOrderId !== id) return [];
      if (event.kind === "filled") return [`filled ${event.size / 100} at ${event.price / 100}`];
      return ["reason" in event ? `${event.kind} ${event.reason}` : event.kind];
    });
  }

  get fees(): number[] {
    return this.events.flatMap((event) => (event.kind === "filled" ? [event.fee] : []));
  }
}

const second = (count: number): TimestampUs => (START_US + count * SECOND) as TimestampUs;

describe("expiry", () => {
  test("comes after market data of its microsecond, and before orders of it", () => {
    const venue = new Venue({ model: "touch", latency: { ...NO_LATENCY, cancelUs: 100 } });
    const id = venue.send(bid, 45, 10, { expiresUs: second(5) });
    venue.builder.wait(5 * SECOND).trade(bid, 45, 4);
    venue.builder.wait(1).trade(bid, 45, 4);
    venue.to(5 * SECOND - 100);
    // It arrives in the microsecond of the expiry.
    venue.orders.cancel(id);
    venue.to(6 * SECOND);
    expect(venue.story(id)).toEqual([
      "accepted",
      "filled 4 at 45",
      "cancelled expired",
      "cancelRejected not_found",
    ]);
  });

  test("is the exchange's: the news of it takes the way of all answers", () => {
    const latency = { feedUs: 0, submitUs: 100, amendUs: 100, cancelUs: 100, answerUs: 70 };
    const venue = new Venue({ latency });
    venue.send(bid, 45, 10, { expiresUs: second(1) });
    venue.to(SECOND + 69);
    expect(venue.events.map(({ kind }) => kind)).toEqual(["accepted"]);
    venue.to(SECOND + 70);
    expect(venue.events.at(-1)).toMatchObject({ reason: "expired", atUs: second(1) + 70 });
  });

  test("an order that arrives at its expiry, or later, is refused", () => {
    const latency = { feedUs: 0, submitUs: 100, amendUs: 100, cancelUs: 100, answerUs: 0 };
    const venue = new Venue({ latency });
    venue.to(SECOND - 100);
    const late = venue.send(bid, 45, 10, { expiresUs: second(1) });
    venue.to(2 * SECOND);
    expect(venue.story(late)).toEqual(["rejected invalid_expiration"]);
  });

  test("several orders end by age, and the money of all is free again", () => {
    const venue = new Venue({ dollars: 20 });
    const late = venue.send(bid, 45, 10, { expiresUs: second(9) });
    const early = [
      venue.send(bid, 44, 10, { expiresUs: second(3) }),
      venue.send(bid, 43, 10, { expiresUs: second(3) }),
    ];
    const dear = venue.send(bid, 46, 20);
    expect(venue.story(dear)).toEqual(["rejected insufficient_balance"]);
    venue.to(4 * SECOND);
    const ended = venue.events.filter(({ kind }) => kind === "cancelled");
    expect(ended.map(({ clientOrderId }) => clientOrderId)).toEqual(early);
    expect(venue.story(venue.send(bid, 46, 20))).toEqual(["accepted"]);
    venue.to(10 * SECOND);
    expect(venue.story(late).at(-1)).toBe("cancelled expired");
  });

  test("an amended order keeps its expiry; a cancelled one has none any more", () => {
    const venue = new Venue();
    const amended = venue.send(bid, 45, 10, { expiresUs: second(2) });
    const cancelled = venue.send(bid, 44, 10, { expiresUs: second(2) });
    venue.orders.amend(amended, 4400 as CentiCents, 500 as Lots);
    venue.orders.cancel(cancelled);
    venue.to(3 * SECOND);
    expect(venue.story(amended)).toEqual(["accepted", "amended", "cancelled expired"]);
    expect(venue.story(cancelled)).toEqual(["accepted", "cancelled requested"]);
  });
});

describe("self-trade prevention", () => {
  test("a newcomer takes those who stand before our order, then ends there", () => {
    const venue = new Venue();
    const resting = venue.send(ask, 47, 10);
    // Twenty more come behind ours.
    venue.builder.wait(1).delta(ask, 47, 20);
    venue.to(2);
    const crossing = venue.send(bid, 48, 200);
    expect(venue.story(crossing)).toEqual(["accepted", "filled 50 at 47", "cancelled self_trade"]);
    expect(venue.story(resting)).toEqual(["accepted"]);
    // Ours is now in front: the next taker is ours.
    venue.builder.wait(1).trade(ask, 47, 4);
    venue.to(10);
    expect(venue.story(resting)).toEqual(["accepted", "filled 4 at 47"]);
  });

  test("under `maker` our order gives way and the newcomer goes on behind it", () => {
    const venue = new Venue();
    const resting = venue.send(ask, 47, 10);
    const better = venue.send(ask, 46, 10);
    venue.builder.wait(1).delta(ask, 47, 20);
    venue.to(2);
    const crossing = venue.send(bid, 47, 100, { selfTradePrevention: "maker" });
    expect(venue.story(better)).toEqual(["accepted", "cancelled self_trade"]);
    expect(venue.story(resting)).toEqual(["accepted", "cancelled self_trade"]);
    expect(venue.story(crossing)).toEqual(["accepted", "filled 50 at 47", "filled 20 at 47"]);
  });

  test("under `maker` an order that the newcomer does not reach stays", () => {
    const venue = new Venue();
    const resting = venue.send(ask, 47, 10);
    const crossing = venue.send(bid, 47, 50, { selfTradePrevention: "maker" });
    expect(venue.story(crossing)).toEqual(["accepted", "filled 50 at 47"]);
    expect(venue.story(resting)).toEqual(["accepted"]);
  });

  test("a fill-or-kill order is killed whole, unless it meets our own", () => {
    const venue = new Venue();
    const alone = venue.send(bid, 47, 60, { timeInForce: "fill_or_kill" });
    expect(venue.story(alone)).toEqual(["rejected fill_or_kill_unfilled"]);
    venue.send(ask, 47, 10);
    const meeting = venue.send(bid, 47, 60, { timeInForce: "fill_or_kill" });
    expect(venue.story(meeting)).toEqual(["accepted", "filled 50 at 47", "cancelled self_trade"]);
  });
});

describe("a pause of trading", () => {
  test("lets orders rest and be cancelled, and its end cancels them", () => {
    const venue = new Venue();
    const resting = venue.send(bid, 45, 10);
    const cancelled = venue.send(bid, 44, 10);
    venue.builder.wait(1).status(MarketStatus.inactive);
    venue.to(1);
    const refused = venue.send(bid, 47, 10);
    venue.orders.amend(resting, 4600 as CentiCents, 1000 as Lots);
    venue.orders.cancel(cancelled);
    venue.to(2);
    expect(venue.story(refused)).toEqual(["rejected market_paused"]);
    expect(venue.story(resting)).toEqual(["accepted", "amendRejected market_paused"]);
    expect(venue.story(cancelled)).toEqual(["accepted", "cancelled requested"]);
    venue.builder.wait(1).status(MarketStatus.active);
    venue.to(3);
    expect(venue.story(resting).at(-1)).toBe("cancelled halt");
    // A message that it is open, where it never was paused, cancels nothing.
    const open = venue.send(bid, 45, 10);
    venue.builder.wait(1).status(MarketStatus.active);
    venue.to(4);
    expect(venue.story(open)).toEqual(["accepted"]);
  });
});

describe("fees in time", () => {
  const waived = { type: "quadratic_with_maker_fees", multiplierPpm: 0 } as const;
  const charged = { type: "quadratic_with_maker_fees", multiplierPpm: 1_000_000 } as const;
  const info = { fees: waived, feeChanges: [{ atUs: second(5), terms: charged }] };

  test("nothing is charged before the end of a waiver, and everything from then on", () => {
    const venue = new Venue({ info, model: "touch" });
    venue.send(bid, 47, 1);
    venue.send(bid, 45, 2);
    venue.builder.wait(SECOND).trade(bid, 45, 1);
    venue.to(5 * SECOND - 1);
    expect(venue.fees).toEqual([0, 0]);
    // 0.0175 x 0.45 x 0.55 = 0.004332 -> 0.0044 for the maker; 0.07 x 0.47 x 0.53 -> 0.0175.
    venue.builder.wait(1).trade(bid, 45, 1);
    venue.to(5 * SECOND);
    venue.send(bid, 47, 1);
    expect(venue.fees).toEqual([0, 0, 4_400, 17_500]);
  });

  test("an order locks the fees that it may come to pay", () => {
    // 4 x 0.46 and 0.0696 of fees are less than two dollars, 4 x 0.49 and 0.0700 are more.
    const rich = new Venue({ info, dollars: 2 });
    expect(rich.story(rich.send(bid, 46, 4))).toEqual(["accepted"]);
    const poor = new Venue({ info, dollars: 2 });
    expect(poor.story(poor.send(bid, 49, 4, { postOnly: true }))).toEqual([
      "rejected insufficient_balance",
    ]);
  });

  test("through an intermediary cash moves in whole cents", () => {
    const venue = new Venue({ membership: "fcm" });
    venue.send(bid, 47, 1);
    // 0.017437 becomes two cents: 0.487437 -> 0.49.
    expect(venue.fees).toEqual([20_000]);
    expect(venue.orders.venueLedger.cash).toBe(1_000_000_000 - 490_000);
    venue.send(bid, 47, 1);
    // The order is another: its rounding account begins at nothing again.
    expect(venue.fees).toEqual([20_000, 20_000]);
  });

  test("the rounding account goes with its order from taking to making, and pays no gifts", () => {
    const venue = new Venue({ model: "touch", membership: "fcm" });
    const id = venue.send(bid, 47, 53);
    // 50 x 0.47 = 23.50; 0.871850 of fee, cash -24.37185 -> -24.38: 0.00815 into the account.
    venue.builder.wait(1).trade(bid, 47, 1.5);
    venue.to(1);
    venue.builder.wait(1).trade(bid, 47, 1.5);
    venue.to(2);
    expect(venue.story(id)).toEqual([
      "accepted",
      "filled 50 at 47",
      "filled 1.5 at 47",
      "filled 1.5 at 47",
    ]);
    // 1.5 x 0.47 = 0.705 -> 0.71: 0.005 twice. The account has 0.01315 then: no cent may come back,
    // for the fee of a free fill is below one; after the second it has 0.01815.
    expect(venue.fees).toEqual([880_000, 5_000, 5_000]);
  });
});

describe("several markets on one account", () => {
  const books = ["A", "B"].map((name) => {
    const builder = new TapeBuilder({
      info: marketInfo({
        ticker: `KXTEST-26MAR18-${name}`,
        settlement: { valueCc: (name === "A" ? 3725 : 10_000) as CentiCents, source: "given" },
      }),
    });
    builder.snapshot([[44, 100]], [[47, 100]]);
    return builder.wait(SECOND).close().finish();
  });
  const tape = joined(books, [{ eventTicker: "KXTEST-26MAR18", exclusive: true, marketCount: 2 }]);

  const open = (dollars: number) => {
    const events: OrderEvent[] = [];
    const orders = new SimulatedOrderManager({
      tape,
      markets: [0, 1],
      startingCash: (dollars * 1_000_000) as MicroUsd,
      fillModel: FILL_MODELS.queue,
      latency: NO_LATENCY,
      prng: Prng.fromSeed(1),
    });
    orders.advanceTo(START_US);
    let ids = 0;
    const send = (market: number, side: BookSide, cents: number, contracts: number): string => {
      orders.submit({
        clientOrderId: `m${ids++}` as ClientOrderId,
        market,
        side,
        price: (cents * 100) as CentiCents,
        size: (contracts * 100) as Lots,
        timeInForce: "good_till_canceled",
        postOnly: false,
        reduceOnly: false,
      } as unknown as ApprovedOrder);
      orders.advanceTo(START_US);
      orders.drain(events);
      const last = events.at(-1);
      return last !== undefined && "reason" in last ? last.reason : (last?.kind ?? "");
    };
    return { orders, send };
  };

  test("share its cash, and exclusive ones lock it in full each", () => {
    const { send } = open(10);
    // NO of both cannot both lose, but the venue's discount for that is not published.
    expect(send(0, ask, 48, 10)).toBe("accepted");
    expect(send(1, ask, 48, 10)).toBe("insufficient_balance");
    expect(send(1, ask, 48, 8)).toBe("accepted");
  });

  test("are paid out each at its own value, in whole cents", () => {
    const { orders, send } = open(100);
    send(0, bid, 47, 1.01);
    send(1, ask, 44, 2);
    const { venueLedger } = orders;
    const cash = venueLedger.cash;
    expect(venueLedger.settle(0, 3725 as CentiCents)).toBe(6_225);
    // 1.01 x 0.3725 = 0.376225 -> 0.37; two NO of what happened pay nothing.
    expect(venueLedger.cash - cash).toBe(370_000);
    venueLedger.settle(1, 10_000 as CentiCents);
    expect(venueLedger.cash - cash).toBe(370_000);
    expect(venueLedger.realized).toBe(370_000 - 474_700 - 1_120_000);
  });
});
