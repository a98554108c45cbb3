/** What a recording begins with: the account may read, and all that was asked for is there. */
import { OperationError } from "../../core/index.ts";
import { type Answer, sentenceOf } from "../rest/answer.ts";
import type { RestClient } from "../rest/rest-client.ts";
import type { VenueMarket } from "../wire/markets.ts";
import { ASKED_AT_ONCE, type FactsReader } from "./facts-reader.ts";
import { isOpenStatus, marketInfoOf, type VenueFacts } from "./market-facts.ts";

export interface Wanted {
  readonly markets: readonly string[];
  readonly series: readonly string[];
  /** Markets that a recording which goes on has already: they may have closed meanwhile. */
  readonly known?: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

type Failure = Exclude<Answer<unknown>, { kind: "ok" }>;

/**
 * Reads the account's limits, then the series, then the markets by name. `done` hears the markets
 * that were named, or what is wrong with the first thing that is.
 */
export function readFirstMarkets(
  rest: RestClient,
  facts: FactsReader,
  { markets, series, known = NONE }: Wanted,
  nowUs: number,
  done: (first: readonly VenueFacts[] | OperationError) => void,
): void {
  const found: VenueFacts[] = [];
  const complete = (all: readonly VenueMarket[], next: () => void): void => {
    oneByOne(
      all,
      (market, nextMarket) => {
        facts.complete(market, (answer) => {
          if (answer.kind !== "ok") return done(failure(`market ${market.ticker}`, answer));
          const problem = problemOf(answer.value, nowUs);
          if (problem !== null) return done(problem);
          found.push(answer.value);
          nextMarket();
        });
      },
      next,
    );
  };
  const readMarkets = (): void => {
    oneByOne(
      portionsOf(markets),
      (tickers, next) => {
        facts.markets(tickers, (answer) => {
          if (answer.kind !== "ok") return done(failure(`market ${tickers.join(", ")}`, answer));
          const told = new Map(answer.value.map((market) => [market.ticker, market]));
          const unknown = tickers.filter((ticker) => !told.has(ticker) && !known.has(ticker));
          if (unknown.length > 0) return done(missing(`market ${unknown.join(", ")}`));
          // In the order in which they were named.
          const all = tickers.flatMap((ticker) => told.get(ticker) ?? []);
          const isOver = ({ ticker, status }: VenueMarket): boolean =>
            known.has(ticker) && !isOpenStatus(status);
          complete(
            all.filter((market) => !isOver(market)),
            next,
          );
        });
      },
      () => done(found),
    );
  };
  const readSeries = (): void => {
    oneByOne(
      series,
      (ticker, next) => {
        facts.series(ticker, (answer) => {
          if (answer.kind !== "ok") return done(failure(`series ${ticker}`, answer));
          next();
        });
      },
      readMarkets,
    );
  };
  rest.learnLimits((limits) => {
    if (limits.kind !== "ok") return done(failure("the account", limits));
    readSeries();
  });
}

function problemOf(facts: VenueFacts, nowUs: number): OperationError | null {
  const { ticker, status } = facts.market;
  if (!isOpenStatus(status)) {
    return new OperationError(
      "RECORD_MARKET",
      `market ${ticker}: expected one that trades or is going to, was ${status}`,
    );
  }
  try {
    marketInfoOf(facts, nowUs);
    return null;
  } catch (error) {
    if (error instanceof OperationError) return error;
    throw error;
  }
}

function failure(what: string, answer: Failure): OperationError {
  if (answer.kind === "refused" && answer.status === 404) {
    return new OperationError(
      "RECORD_MARKET",
      `${what}: expected one that the venue has, was none`,
    );
  }
  return new OperationError("RECORD_VENUE", `${what}: ${sentenceOf(answer)}`);
}

function missing(what: string): OperationError {
  return new OperationError("RECORD_MARKET", `${what}: expected one that the venue has, was none`);
}

function portionsOf(tickers: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(tickers.length / ASKED_AT_ONCE);
  return Array.from({ length: count }, (_, index) =>
    tickers.slice(index * ASKED_AT_ONCE, (index + 1) * ASKED_AT_ONCE),
  );
}

/** One after another, lest hundreds of readings wait for their tokens at once. */
function oneByOne<T>(
  items: readonly T[],
  act: (item: T, next: () => void) => void,
  done: () => void,
): void {
  const step = (index: number): void => {
    const item = items[index];
    if (item === undefined) return done();
    act(item, () => step(index + 1));
  };
  step(0);
}
