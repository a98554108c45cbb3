/** Parameters of queries, against those that the official package declares. */
import { readFileSync } from "node:fs";
import * as official from "kalshi-typescript";
import { describe, expect, test } from "vitest";
import { START_US, TICKER } from "./exchange-case.ts";
import { RestCase } from "./rest-case.ts";

const MANY = { refillPerSecond: 100_000, capacity: 100_000 };
const RICH = { tier: "prime", read: MANY, write: MANY };

const rejected = (operation: string, what: string) => ({
  status: 400,
  body: { msg: `Parameter validation failed for ${operation}: ${what}` },
});

/** Reading methods of the package: their parameters with the types that it declares. */
function methodsOf(file: string): { name: string; parameters: { name: string; type: string }[] }[] {
  const text = readFileSync(`node_modules/kalshi-typescript/dist/api/${file}-api.d.ts`, "utf8");
  const found = text.matchAll(/^ {4}(get\w+): \((.*)\) => Promise<RequestArgs>;$/gm);
  return [...found].map(([, name = "", list = ""]) => ({
    name,
    parameters: list.split(", ").flatMap((parameter) => {
      const [left = "", type = ""] = parameter.split(": ");
      return left === "options?" ? [] : [{ name: left.replace("?", ""), type }];
    }),
  }));
}

type Creator = Readonly<Record<string, (...values: unknown[]) => Promise<{ url: string }>>>;

const APIS = {
  market: official.MarketApiAxiosParamCreator,
  events: official.EventsApiAxiosParamCreator,
  exchange: official.ExchangeApiAxiosParamCreator,
  historical: official.HistoricalApiAxiosParamCreator,
  orders: official.OrdersApiAxiosParamCreator,
  "order-groups": official.OrderGroupsApiAxiosParamCreator,
  portfolio: official.PortfolioApiAxiosParamCreator,
} as const;

/** All queries in which one parameter that is no string is given a word that it cannot be. */
async function bogusQueries(): Promise<{ operation: string; url: string }[]> {
  const queries: { operation: string; url: string }[] = [];
  for (const [file, creatorOf] of Object.entries(APIS)) {
    const creator = creatorOf() as unknown as Creator;
    for (const { name, parameters } of methodsOf(file)) {
      for (const { name: asked, type } of parameters) {
        if (type === "string" || type.startsWith("Array")) continue;
        // Tickers and ids, and what else must be there, are words.
        const values = parameters.map((parameter) =>
          parameter.name === asked ? "bogus" : parameter.type === "string" ? "x" : undefined,
        );
        const { url } = (await creator[name]?.(...values).catch(() => null)) ?? { url: "" };
        const operation = name.replace(/^g/, "G");
        // A path that is not here, and reads like that of an event.
        if (url !== "" && name !== "getMultivariateEvents") queries.push({ operation, url });
      }
    }
  }
  return queries;
}

describe("a query that cannot be", () => {
  test("is refused at every endpoint that is here, in the venue's form", async () => {
    const at = new RestCase({ limits: RICH });
    const queries = await bogusQueries();
    const unlike: string[] = [];
    let met = 0;
    for (const { operation, url } of queries) {
      const told = at.ask("GET", url.replace(/^.*?\/trade-api\/v2/, ""));
      // What is not there at all answers so.
      if (told.status === 404) continue;
      met += 1;
      const beginning = `Parameter validation failed for ${operation}: `;
      if (told.status !== 400 || !String(told.body["msg"]).startsWith(beginning)) unlike.push(url);
    }
    expect(unlike).toEqual([]);
    expect(met).toBe(66);
  });

  test.each([
    ["/markets?min_close_ts=abc", "GetMarkets", "min_close_ts must be an integer"],
    ["/markets?max_settled_ts=1e9", "GetMarkets", "max_settled_ts must be an integer"],
    [
      "/markets?min_updated_ts=9223372036854775808",
      "GetMarkets",
      "min_updated_ts must be an integer",
    ],
    ["/markets?status=open,active", "GetMarkets", "invalid status filter"],
    ["/markets?mve_filter=all", "GetMarkets", "invalid mve filter"],
    ["/markets?limit=5&limit=x", "GetMarkets", "limit must be between 1 and 1000"],
    ["/markets/trades?is_block_trade=yes", "GetTrades", "is_block_trade must be true or false"],
    [
      `/markets/${TICKER}/orderbook?depth=101`,
      "GetMarketOrderbook",
      "depth must be between 0 and 100",
    ],
    ["/events?limit=201", "GetEvents", "limit must be between 1 and 200"],
    ["/portfolio/positions?count_filter=bogus", "GetPositions", "invalid count filter"],
    ["/portfolio/positions?count_filter=position,x", "GetPositions", "invalid count filter"],
    ["/portfolio/balance?subaccount=1", "GetBalance", "subaccount must be 0"],
    ["/portfolio/fills?exchange_index=2", "GetFills", "exchange_index must be between -1 and 0"],
    ["/portfolio/orders?status=active", "GetOrders", "invalid status filter"],
    ["/portfolio/deposits?limit=0", "GetDeposits", "limit must be between 1 and 1000"],
  ])("%s", (path, operation, what) => {
    expect(new RestCase().ask("GET", path)).toEqual(rejected(operation, what));
  });

  test("is not looked at before the signature", () => {
    const at = new RestCase();
    let status = 0;
    const path = "/trade-api/v2/portfolio/balance?subaccount=x";
    at.exchange.request({ method: "GET", path, headers: {}, body: "" }, START_US, (told) => {
      if (told.kind === "answer") status = told.answer.status;
    });
    expect(status).toBe(401);
  });
});

test.each([
  "/markets?min_close_ts=&limit=&status=&unknown=x",
  "/markets?status=open,paused&mve_filter=exclude&min_close_ts=0&max_close_ts=1795180000000",
  "/markets/trades?is_block_trade=False&min_ts=-5&max_ts=9223372036854775807",
  "/events?with_nested_markets=True&status=settled&limit=200",
  "/portfolio/positions?count_filter=position,total_traded&limit=1000&subaccount=0",
  "/portfolio/orders?exchange_index=-1&status=resting",
])("%s is a query", (path) => {
  expect(new RestCase().ask("GET", path).status).toBe(200);
});

test("bounds in time may be any integers, and flags are read in all their spellings", () => {
  const at = new RestCase();
  const count = (query: string) =>
    (at.ask("GET", `/markets?${query}`).body["markets"] as unknown[]).length;
  const closeSeconds = START_US / 1_000_000 + 3_600;
  expect(count(`min_close_ts=${closeSeconds}`)).toBe(2);
  expect(count(`min_close_ts=${closeSeconds + 1}`)).toBe(0);
  expect(count(`max_close_ts=${closeSeconds}`)).toBe(2);
  // Milliseconds are a time far ahead, not none.
  expect(count(`min_close_ts=${closeSeconds}000`)).toBe(0);
  expect(count("max_close_ts=-1")).toBe(0);
  const nested = (word: string) =>
    at.ask("GET", `/events/KXOTHER?with_nested_markets=${word}`).body["event"] as object;
  for (const word of ["true", "True", "1"]) {
    expect(nested(word)).toMatchObject({ markets: [{ ticker: "KXOTHER-1" }] });
  }
  for (const word of ["false", "0", ""]) {
    expect((nested(word) as { markets?: unknown[] }).markets ?? []).toEqual([]);
  }
});

test("events are asked for by status, names and times", () => {
  const at = new RestCase();
  const events = (query: string): string[] =>
    (at.ask("GET", `/events?${query}`).body["events"] as { event_ticker: string }[]).map(
      ({ event_ticker: event }) => event,
    );
  const both = events("");
  expect(both).toHaveLength(2);
  expect(events("status=open&min_close_ts=0")).toEqual(both);
  expect(events("status=settled")).toEqual([]);
  expect(events("tickers=KXOTHER,KXNONE")).toEqual(["KXOTHER"]);
  expect(events("min_close_ts=99999999999")).toEqual([]);
  expect(events("min_updated_ts=99999999999")).toEqual([]);
});
