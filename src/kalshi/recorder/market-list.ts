/** The facts of markets that somebody is going to trade, by REST. */
import type { OperationError, TimestampUs } from "../../core/index.ts";
import type { EventInfo, MarketInfo } from "../../market/index.ts";
import type { RestClient } from "../rest/rest-client.ts";
import { FactsReader } from "./facts-reader.ts";
import { readFirstMarkets } from "./first-markets.ts";
import { eventInfoOf, marketInfoOf } from "./market-facts.ts";

export interface MarketList {
  /** In the order in which they were named. */
  readonly markets: readonly MarketInfo[];
  readonly events: readonly EventInfo[];
  /** When the venue closes each market at the latest. */
  readonly closesUs: readonly TimestampUs[];
  /** Trading is on in each of them. */
  readonly active: readonly boolean[];
}

/**
 * Reads the account's limits and the markets; `done` hears them, or one sentence about the first thing
 * that is wrong, such as a market that nobody knows or that has closed.
 */
export function readMarketList(
  client: RestClient,
  tickers: readonly string[],
  nowUs: number,
  done: (list: MarketList | OperationError) => void,
): void {
  const wanted = { markets: tickers, series: [], known: new Set<string>() };
  readFirstMarkets(client, new FactsReader(client), wanted, nowUs, (found) => {
    if (!Array.isArray(found)) return done(found as OperationError);
    const events = new Map(found.map(({ event }) => [event.eventTicker, eventInfoOf(event)]));
    done({
      markets: found.map((facts) => marketInfoOf(facts, nowUs)),
      events: [...events.values()],
      closesUs: found.map(({ market }) => market.closeUs),
      active: found.map(({ market }) => market.status === "active"),
    });
  });
}
