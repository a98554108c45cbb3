/**
 * What is at stake together: markets of one event, and of one series. The venue says of an event
 * whether its markets exclude each other; that is a fact of the session, never read off tickers. It
 * looks at an account and decides nothing.
 */
import { type MicroUsd, ONE_DOLLAR_CC } from "../core/index.ts";
import type { EventInfo, MarketInfo } from "../market/index.ts";
import type { Account } from "./account.ts";
import type { Ledger } from "./ledger.ts";

/** Markets that stand or fall together, by their indices on the account. */
export interface MarketGroup {
  /** Ticker of the event or series. */
  readonly name: string;
  readonly markets: readonly number[];
}

export interface EventGroup extends MarketGroup {
  /** The event's markets exclude each other, and one of them must happen. */
  readonly exclusive: boolean;
  /** Number of markets that the event has in all, traded here or not; null when unknown. */
  readonly marketCount: number | null;
}

/** The events and series of an account's markets, each in the order of its first market. */
export class MarketGroups {
  readonly events: readonly EventGroup[];
  readonly series: readonly MarketGroup[];
  readonly #eventOf: readonly EventGroup[];
  readonly #seriesOf: readonly MarketGroup[];

  /** What `events` do not tell of an event is taken as no. */
  constructor(infos: readonly MarketInfo[], events: readonly EventInfo[]) {
    this.events = groupBy(infos.map(({ eventTicker }) => eventTicker)).map((group) => {
      const told = events.find(({ eventTicker }) => eventTicker === group.name);
      const { exclusive = false, marketCount = null } = told ?? {};
      return { ...group, exclusive, marketCount };
    });
    this.series = groupBy(infos.map(({ seriesTicker }) => seriesTicker));
    const find = <G extends MarketGroup>(groups: readonly G[], market: number): G =>
      groups.find(({ markets }) => markets.includes(market)) as G;
    this.#eventOf = infos.map((_, market) => find(this.events, market));
    this.#seriesOf = infos.map((_, market) => find(this.series, market));
  }

  eventOf(market: number): EventGroup {
    return this.#eventOf[market] as EventGroup;
  }

  seriesOf(market: number): MarketGroup {
    return this.#seriesOf[market] as MarketGroup;
  }
}

function groupBy(names: readonly string[]): MarketGroup[] {
  return [...new Set(names)].map((name) => ({
    name,
    markets: names.flatMap((each, market) => (each === name ? [market] : [])),
  }));
}

/**
 * What a group's positions cost and its open orders lock: all that could be lost if every order fills
 * and every contract ends at nothing. The venue's `event_exposure_dollars` is the first part of it.
 */
export function exposureIn(account: Account, { markets }: MarketGroup): MicroUsd {
  let exposure = 0;
  for (const market of markets) {
    exposure += (account.ledger.costs[market] as number) + account.lockedIn(market);
  }
  return exposure as MicroUsd;
}

/**
 * The most that an event's positions can lose by its outcome, fees apart; below zero where they gain
 * whatever happens. Markets that exclude each other cannot all go wrong: of two YES one must lose, of
 * two NO only one can. An outcome that is not traded here counts where the event has one. Holds for
 * results of yes and no; markets that resolve to fair prices may together pay less.
 */
export function worstLossOf(ledger: Ledger, event: EventGroup): MicroUsd {
  let cost = 0;
  let ifNoneWins = 0;
  for (const market of event.markets) {
    cost += ledger.costs[market] as number;
    ifNoneWins += Math.max(0, -ledger.position(market)) * ONE_DOLLAR_CC;
  }
  if (!event.exclusive) return cost as MicroUsd;
  let least = event.marketCount === event.markets.length ? Infinity : ifNoneWins;
  for (const market of event.markets) {
    // Its YES is paid and its NO is not: either way a dollar for each signed lot.
    least = Math.min(least, ifNoneWins + ledger.position(market) * ONE_DOLLAR_CC);
  }
  return (cost - least) as MicroUsd;
}
