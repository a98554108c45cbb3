import { describe, expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import { BookSide, LINEAR_CENT, PriceGrid } from "../../src/market/index.ts";
import {
  Account,
  type ClientOrderId,
  exposureIn,
  MarketGroups,
  type OrderRequest,
  RiskGate,
  type RiskLimits,
  worstLossOf,
} from "../../src/orders/index.ts";
import { marketInfo } from "../fixtures/tape-builder.ts";

const { bid, ask } = BookSide;
const GRID = new PriceGrid(LINEAR_CENT);

/** Two exclusive markets that are all of event A, one of event B that is not alone, one without. */
const INFOS = [
  marketInfo({ ticker: "KXA-1-X", eventTicker: "KXA-1", seriesTicker: "KXA" }),
  marketInfo({ ticker: "KXA-1-Y", eventTicker: "KXA-1", seriesTicker: "KXA" }),
  marketInfo({ ticker: "KXA-2-X", eventTicker: "KXA-2", seriesTicker: "KXA" }),
  marketInfo({ ticker: "KXB-1-X", eventTicker: "KXB-1", seriesTicker: "KXB" }),
];
const GROUPS = new MarketGroups(INFOS, [
  { eventTicker: "KXA-1", exclusive: true, marketCount: 2 },
  { eventTicker: "KXA-2", exclusive: true, marketCount: 3 },
]);

function setUp(cash = 1_000_000_000) {
  const fees = INFOS.map((info) => info.fees);
  const account = new Account(fees, cash as MicroUsd);
  const buy = (market: number, side: BookSide, cents: number, contracts: number): void => {
    const price = (cents * 100) as CentiCents;
    account.ledger.fill(market, side, price, (contracts * 100) as Lots, 0 as MicroUsd);
  };
  const [whole, part, unknown] = GROUPS.events;
  if (whole === undefined || part === undefined || unknown === undefined) throw new Error("events");
  return { account, buy, whole, part, unknown };
}

describe("the worst that an event can do", () => {
  test("is the whole cost where nothing is known of it", () => {
    const { account, buy, unknown } = setUp();
    buy(3, bid, 40, 10);
    expect(unknown).toMatchObject({ name: "KXB-1", exclusive: false, marketCount: null });
    expect(worstLossOf(account.ledger, unknown)).toBe(4_000_000);
  });

  test("counts that one of its markets must win, and only one", () => {
    const { account, buy, whole } = setUp();
    // YES of both for 95 cents: a dollar comes back whatever happens.
    buy(0, bid, 40, 10);
    buy(1, bid, 55, 10);
    expect(worstLossOf(account.ledger, whole)).toBe(-500_000);
    // NO of both, too, pays one dollar for 105 cents.
    const other = setUp();
    other.buy(0, ask, 40, 10);
    other.buy(1, ask, 55, 10);
    expect(worstLossOf(other.account.ledger, other.whole)).toBe(500_000);
  });

  test("has the outcome that is not traded here", () => {
    const { account, buy, part } = setUp();
    buy(2, bid, 30, 10);
    expect(worstLossOf(account.ledger, part)).toBe(3_000_000);
    const other = setUp();
    other.buy(2, ask, 30, 10);
    expect(worstLossOf(other.account.ledger, other.part)).toBe(7_000_000);
  });

  test("is the worst of all outcomes, gone through one by one", () => {
    const seed = Number(process.env["SEED"] ?? 12);
    const prng = Prng.fromSeed(seed);
    for (let round = 0; round < 500; round++) {
      const { account, buy, whole } = setUp();
      for (let fill = 0; fill < 6; fill++) {
        const side = prng.integer(2) as BookSide;
        buy(prng.integer(2), side, 1 + prng.integer(99), 1 + prng.integer(20));
      }
      const { ledger } = account;
      const gains = [0, 1].map((winner) =>
        [0, 1].reduce((sum, market) => {
          const position = ledger.position(market);
          const isPaid = position > 0 === (market === winner);
          const paid = isPaid ? Math.abs(position) * 10_000 : 0;
          return sum + paid - (ledger.costs[market] as number);
        }, 0),
      );
      const place = `seed ${seed} round ${round}`;
      expect(worstLossOf(ledger, whole) + 0, place).toBe(-Math.min(...gains) + 0);
    }
  });
});

describe("limits on what belongs together", () => {
  const LIMITS: RiskLimits = {
    orderSizeMax: 100_000 as Lots,
    positionLimit: 100_000 as Lots,
    openOrdersMax: 10,
    eventExposureMax: 10_000_000 as MicroUsd,
    seriesExposureMax: 15_000_000 as MicroUsd,
  };
  const gate = new RiskGate(
    LIMITS,
    INFOS.map(() => GRID),
    GROUPS,
  );
  let ids = 0;
  const order = (
    market: number,
    side: BookSide,
    cents: number,
    contracts: number,
  ): OrderRequest => ({
    clientOrderId: `x${ids++}` as ClientOrderId,
    market,
    side,
    price: (cents * 100) as CentiCents,
    size: (contracts * 100) as Lots,
    timeInForce: "good_till_canceled",
    postOnly: false,
    reduceOnly: false,
  });
  const verdict = (account: Account, request: OrderRequest): string => {
    const answer = gate.approve(request, account);
    return answer.kind === "approved" ? "approved" : answer.reason;
  };

  test("hold positions and open orders of an event and of a series together", () => {
    const { account, buy, whole } = setUp();
    buy(0, bid, 50, 10);
    expect(exposureIn(account, whole)).toBe(5_000_000);
    expect(verdict(account, order(1, bid, 50, 9))).toBe("approved");
    // 50 cents and the fee a contract: ten of them are more than the 5 dollars that are left.
    expect(verdict(account, order(1, bid, 50, 10))).toBe("event_exposure_limit");
    account.sent(order(1, bid, 50, 9), 0);
    expect(exposureIn(account, whole)).toBe(5_000_000 + account.locked);
    expect(verdict(account, order(1, ask, 40, 1))).toBe("event_exposure_limit");
    // Another event of the series has what is left of 15 dollars; another series is free of it.
    expect(verdict(account, order(2, bid, 50, 9))).toBe("approved");
    expect(verdict(account, order(2, bid, 50, 11))).toBe("series_exposure_limit");
    expect(verdict(account, order(3, bid, 50, 18))).toBe("approved");
  });

  test("let through what closes a position, however much is at stake", () => {
    const { account, buy } = setUp();
    buy(0, bid, 80, 20);
    expect(verdict(account, order(0, ask, 70, 20))).toBe("approved");
    expect(verdict(account, order(0, bid, 70, 1))).toBe("event_exposure_limit");
  });

  test("refuse terms that exclude each other", () => {
    const { account } = setUp();
    const expiresUs = 1_800_000_000_000_000 as never;
    const plain = order(3, bid, 50, 1);
    expect(verdict(account, { ...plain, expiresUs })).toBe("approved");
    expect(verdict(account, { ...plain, expiresUs, timeInForce: "fill_or_kill" })).toBe(
      "invalid_order",
    );
    expect(verdict(account, { ...plain, expiresUs: 1_500_000 as never })).toBe(
      "invalid_expiration",
    );
  });
});
