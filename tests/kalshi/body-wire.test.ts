/**
 * Forms of accounts, markets and the exchange. Values are worked by hand; names are those that the
 * official package declares.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { bodies, type Codec, readBody, writeBody } from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";

const read = <T>(codec: Codec<T>, body: unknown): T =>
  readBody(codec, JSON.stringify(body), "answer");

const models = join(dirname(createRequire(import.meta.url).resolve("kalshi-typescript")), "models");

/** Names that the official package declares as always there. */
function requiredNames(model: string): string[] {
  const text = readFileSync(join(models, `${model}.d.ts`), "utf8");
  return [...text.matchAll(/^ {4}'([a-z_0-9]+)': /gm)].map((match) => match[1] ?? "");
}

const MARKET = {
  ticker: "KXTEST-26DEC01-T50",
  event_ticker: "KXTEST-26DEC01",
  status: "active",
  open_time: "2026-11-20T00:00:00Z",
  close_time: "2026-12-01T15:00:00Z",
  yes_bid_dollars: "0.4300",
  yes_bid_size_fp: "5.00",
  yes_ask_dollars: "0.4500",
  yes_ask_size_fp: "40.00",
  price_level_structure: "tapered_deci_cent",
  price_ranges: [
    { start: "0.0000", end: "0.1000", step: "0.0010" },
    { start: "0.1000", end: "0.9000", step: "0.0100" },
  ],
};
const EVENT = {
  event_ticker: "KXTEST-26DEC01",
  series_ticker: "KXTEST",
  mutually_exclusive: true,
  fee_multiplier_override: 0.5,
};
const SERIES = { ticker: "KXTEST", fee_type: "quadratic", fee_multiplier: 1 };
const FILL = {
  trade_id: "t-1",
  order_id: "o-1",
  ticker: "KXTEST-26DEC01-T50",
  book_side: "ask",
  count_fp: "2.50",
  yes_price_dollars: "0.4500",
  is_taker: true,
  fee_cost: "0.043400",
  created_time: "2026-11-20T12:00:01.5Z",
};
const SETTLEMENT = {
  ticker: "KXTEST-26DEC01-T50",
  market_result: "scalar",
  yes_count_fp: "3.00",
  yes_total_cost_dollars: "1.350000",
  no_count_fp: "0.00",
  no_total_cost_dollars: "0.000000",
  revenue: 165,
  value: 55,
  fee_cost: "0.052000",
  settled_time: "2026-12-01T15:05:00Z",
};

test("a market: bands, quotes, and what an empty book is", () => {
  const market = read(bodies.market, { market: MARKET });
  expect(market).toMatchObject({
    yesBid: 4_300,
    yesAsk: 4_500,
    yesAskSize: 4_000,
    openUs: Date.UTC(2026, 10, 20) * 1_000,
    closeUs: Date.UTC(2026, 11, 1, 15) * 1_000,
    settlementValue: null,
    priceRanges: [
      { startCc: 0, endCc: 1_000, stepCc: 10 },
      { startCc: 1_000, endCc: 9_000, stepCc: 100 },
    ],
  });
  const written = bodies.market.write(market) as { market: Record<string, unknown> };
  expect(written.market).toMatchObject({
    ...MARKET,
    no_bid_dollars: "0.5500",
    no_ask_dollars: "0.5700",
  });
  const quiet = { ...MARKET, yes_bid_dollars: undefined, yes_ask_dollars: undefined };
  expect(read(bodies.market, { market: quiet })).toMatchObject({ yesBid: 0, yesAsk: 10_000 });
});

test("an event has its markets within it or beside it, fees as exact millionths", () => {
  const nested = read(bodies.event, { event: { ...EVENT, markets: [MARKET] }, markets: [] });
  const beside = read(bodies.event, { event: EVENT, markets: [MARKET] });
  expect(nested).toEqual(beside);
  expect(nested.markets[0]?.ticker).toBe("KXTEST-26DEC01-T50");
  expect(nested.feeMultiplierOverridePpm).toBe(500_000);
  expect(
    read(bodies.series, { series: { ...SERIES, fee_multiplier: 0.0175 } }).feeMultiplierPpm,
  ).toBe(17_500);
  expect(() => read(bodies.series, { series: { ...SERIES, fee_multiplier: 1e-9 } })).toThrow(
    "answer.series.fee_multiplier",
  );
  const changes = read(bodies.seriesFeeChanges, {
    series_fee_change_arr: [
      {
        id: "1",
        series_ticker: "KXTEST",
        fee_type: "quadratic",
        fee_multiplier: 0.5,
        scheduled_ts: "2026-12-01T00:00:00Z",
      },
    ],
  });
  expect(changes.items[0]).toMatchObject({ feeMultiplierPpm: 500_000, feeType: "quadratic" });
});

test("a book of NO bids becomes asks at one dollar less, best first, from any order", () => {
  const book = read(bodies.book, {
    orderbook_fp: {
      yes_dollars: [
        ["0.4300", "5.00"],
        ["0.4700", "3.00"],
        ["0.4500", "1.00"],
      ],
      no_dollars: [
        ["0.4000", "9.00"],
        ["0.4800", "3.00"],
      ],
    },
  });
  expect(book.bids.map(({ price }) => price)).toEqual([4_700, 4_500, 4_300]);
  expect(book.asks).toEqual([
    { price: 5_200, size: 300 },
    { price: 6_000, size: 900 },
  ]);
  expect(bodies.book.write(book)).toEqual({
    orderbook_fp: {
      yes_dollars: [
        ["0.4300", "5.00"],
        ["0.4500", "1.00"],
        ["0.4700", "3.00"],
      ],
      no_dollars: [
        ["0.4000", "9.00"],
        ["0.4800", "3.00"],
      ],
    },
  });
  expect(read(bodies.book, { orderbook_fp: {} })).toEqual({ bids: [], asks: [] });
});

test("balance: dollars are exact, the cents beside them are cut", () => {
  const wire = {
    balance: 9801,
    balance_dollars: "98.0186",
    portfolio_value: 198,
    updated_ts: 1781159348,
    balance_breakdown: [{ exchange_index: 0, balance: "98.0186" }],
  };
  const balance = read(bodies.balance, wire);
  expect(balance).toEqual({
    cash: 98_018_600,
    portfolioValue: 1_980_000,
    updatedUs: 1_781_159_348_000_000,
    shards: [{ exchangeIndex: 0, cash: 98_018_600 }],
  });
  expect(bodies.balance.write(balance)).toEqual(wire);
});

test("positions are signed, fills carry the maker's price and a net fee", () => {
  const position = {
    ticker: "KXTEST-26DEC01-T50",
    exchange_index: 2,
    position_fp: "-3.00",
    total_traded_dollars: "2.500000",
    market_exposure_dollars: "2.500000",
    realized_pnl_dollars: "-0.100000",
    fees_paid_dollars: "0.018900",
    last_updated_ts: "2026-06-11T06:29:20Z",
  };
  const page = read(bodies.positions, {
    market_positions: [position],
    event_positions: null,
    cursor: "",
  });
  expect(page.items[0]).toMatchObject({
    position: -300,
    exposure: 2_500_000,
    realizedPnl: -100_000,
  });
  const fill = read(bodies.fills, { fills: [FILL], cursor: "" }).items[0];
  expect(fill).toMatchObject({
    side: BookSide.ask,
    size: 250,
    price: 4_500,
    fee: 43_400,
    createdUs: Date.UTC(2026, 10, 20, 12, 0, 1, 500) * 1_000,
  });
});

test("a settlement in whole cents", () => {
  const settlement = read(bodies.settlements, { settlements: [SETTLEMENT] }).items[0];
  expect(settlement).toMatchObject({ revenue: 1_650_000, value: 550_000, result: "scalar" });
  expect(() =>
    read(bodies.settlements, { settlements: [{ ...SETTLEMENT, revenue: 1e15 }] }),
  ).toThrow("answer.settlements[0].revenue");
});

test("the exchange's state, limits and costs", () => {
  const status = read(bodies.exchangeStatus, {
    exchange_active: true,
    trading_active: false,
    exchange_estimated_resume_time: "2026-10-08T09:00:00Z",
  });
  expect(status.tradingActive).toBe(false);
  expect(status.resumeUs).toBe(Date.UTC(2026, 9, 8, 9) * 1_000);
  const limits = {
    usage_tier: "basic",
    read: { refill_rate: 200, bucket_capacity: 600 },
    write: { refill_rate: 100, bucket_capacity: 100 },
    grants: [],
  };
  expect(bodies.accountLimits.write(read(bodies.accountLimits, limits))).toEqual(limits);
  const costs = {
    default_cost: 10,
    endpoint_costs: [
      { method: "DELETE", path: "/trade-api/v2/portfolio/events/orders/:order_id", cost: 2 },
    ],
  };
  expect(bodies.endpointCosts.write(read(bodies.endpointCosts, costs))).toEqual(costs);
  expect(read(bodies.userDataTime, { as_of_time: "1970-01-01T00:00:01Z" })).toBe(1_000_000);
});

test("whatever is written has every name that the official package promises", () => {
  const trade = {
    trade_id: "t-1",
    ticker: "KXTEST-26DEC01-T50",
    count_fp: "3.00",
    yes_price_dollars: "0.4500",
    taker_book_side: "ask",
    created_time: "2026-11-20T12:00:01Z",
  };
  const again = (codec: Codec<unknown>, body: unknown, ...path: (string | number)[]): object =>
    path.reduce<unknown>(
      (value, key) => (value as Record<string, unknown>)[key],
      JSON.parse(writeBody(codec, read(codec, body))),
    ) as object;
  const cases: readonly [string, object][] = [
    ["market", again(bodies.market as Codec<unknown>, { market: MARKET }, "market")],
    ["event-data", again(bodies.event as Codec<unknown>, { event: EVENT }, "event")],
    ["series", again(bodies.series as Codec<unknown>, { series: SERIES }, "series")],
    ["fill", again(bodies.fills as Codec<unknown>, { fills: [FILL] }, "fills", 0)],
    [
      "settlement",
      again(bodies.settlements as Codec<unknown>, { settlements: [SETTLEMENT] }, "settlements", 0),
    ],
    ["trade", again(bodies.trades as Codec<unknown>, { trades: [trade] }, "trades", 0)],
    [
      "market-position",
      again(
        bodies.positions as Codec<unknown>,
        {
          market_positions: [
            {
              ticker: "T",
              position_fp: "0.00",
              total_traded_dollars: "0.000000",
              market_exposure_dollars: "0.000000",
              realized_pnl_dollars: "0.000000",
              fees_paid_dollars: "0.000000",
              last_updated_ts: "2026-06-11T06:29:20Z",
            },
          ],
        },
        "market_positions",
        0,
      ),
    ],
  ];
  for (const [model, written] of cases) {
    const names = requiredNames(model);
    expect(names.length).toBeGreaterThan(5);
    expect({ model, missing: names.filter((name) => !(name in written)) }).toEqual({
      model,
      missing: [],
    });
  }
});
