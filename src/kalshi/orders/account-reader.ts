/**
 * One reading of all that the venue says about the account. It is not one moment: the parts are asked
 * for together and answered one after the other, and each may be as old as the venue's answers are. It
 * holds for certain only what happened until `completeUntilUs`; what is younger may be in one part and
 * not in another. A caller who needs one moment reads again while nothing of his own is on its way.
 */
import type { Lots, MicroUsd, Scheduler, TimestampUs } from "../../core/index.ts";
import type { Answer } from "../rest/answer.ts";
import { calls, queryTime } from "../rest/calls.ts";
import type { RestClient } from "../rest/rest-client.ts";
import type { ExchangeStatus } from "../wire/account.ts";
import type { VenueOrder } from "../wire/orders.ts";
import type { Balance, VenueFill, VenuePosition, VenueSettlement } from "../wire/portfolio.ts";

export interface AccountTruth {
  /**
   * By the venue's clock: all that happened until then is in every part. It was read before the parts.
   */
  readonly completeUntilUs: TimestampUs;
  /** By this machine's clock, before the first question and after the last answer. */
  readonly askedUs: number;
  readonly readUs: number;
  readonly status: ExchangeStatus;
  /** Cash that is free for orders: what open orders lock is not in it. */
  readonly available: MicroUsd;
  /** What the positions are worth, in whole cents. */
  readonly portfolioValue: MicroUsd;
  /** Signed lots of the reader's markets, in their order; 0 where there is none. */
  readonly positions: readonly Lots[];
  /** What the open positions of the reader's markets cost, in the same order. */
  readonly costs: readonly MicroUsd[];
  /** Positions in other markets. */
  readonly otherPositions: readonly VenuePosition[];
  /** Orders that rest, in whatever market, newest first. */
  readonly resting: readonly VenueOrder[];
  /** Oldest first; none where no time was given. */
  readonly fills: readonly VenueFill[];
  readonly settlements: readonly VenueSettlement[];
}

export interface ReadingTerms {
  /** Fills since this time are read, by the venue's clock and to the second; null reads none. */
  readonly fillsSinceUs?: TimestampUs | null;
  readonly settlementsSinceUs?: TimestampUs | null;
}

export interface AccountReaderOptions {
  readonly client: RestClient;
  readonly scheduler: Scheduler;
  /** By the index of their market. */
  readonly tickers: readonly string[];
}

/** Anything but success. */
type Failure = Exclude<Answer<never>, { kind: "ok" }>;

const PAGE = 1_000;

export class AccountReader {
  readonly #options: AccountReaderOptions;

  constructor(options: AccountReaderOptions) {
    this.#options = options;
  }

  /** Reads all parts; `done` hears them, or the first that failed, once. */
  read(done: (answer: Answer<AccountTruth>) => void, terms: ReadingTerms = {}): void {
    const { client, scheduler } = this.#options;
    const askedUs = scheduler.nowUs();
    client.send(calls.userDataTime(), (complete) => {
      if (complete.kind !== "ok") return done(complete);
      const completeUntilUs = complete.value;
      this.#readParts(terms, (answer) => {
        if (answer.kind !== "ok") return done(answer);
        const value = this.#truthOf(answer.value, { completeUntilUs, askedUs });
        done({ kind: "ok", value });
      });
    });
  }

  #readParts(terms: ReadingTerms, done: (answer: Answer<Parts>) => void): void {
    const { client } = this.#options;
    const parts: Partial<Writable<Parts>> = {};
    const { fillsSinceUs = null, settlementsSinceUs = null } = terms;
    let left = 6;
    const failed = (answer: Failure): void => {
      if (left > 0) done(answer);
      left = 0;
    };
    function took<Name extends keyof Parts>(name: Name) {
      return (answer: Answer<Parts[Name]>): void => {
        if (left === 0) return;
        if (answer.kind !== "ok") return failed(answer);
        parts[name] = answer.value;
        left -= 1;
        if (left === 0) done({ kind: "ok", value: parts as Parts });
      };
    }
    client.send(calls.exchangeStatus(), took("status"));
    client.send(calls.balance(), took("balance"));
    client.sendForAll((cursor) => calls.positions({ limit: PAGE, cursor }), took("positions"));
    const resting = { status: "resting", limit: PAGE };
    client.sendForAll((cursor) => calls.orders({ ...resting, cursor }), took("resting"));
    if (fillsSinceUs === null) took("fills")({ kind: "ok", value: [] });
    else {
      const since = { min_ts: queryTime(fillsSinceUs), limit: PAGE };
      client.sendForAll((cursor) => calls.fills({ ...since, cursor }), took("fills"));
    }
    if (settlementsSinceUs === null) took("settlements")({ kind: "ok", value: [] });
    else {
      const since = { min_ts: queryTime(settlementsSinceUs), limit: PAGE };
      client.sendForAll((cursor) => calls.settlements({ ...since, cursor }), took("settlements"));
    }
  }

  #truthOf(
    parts: Parts,
    { completeUntilUs, askedUs }: Pick<AccountTruth, "completeUntilUs" | "askedUs">,
  ): AccountTruth {
    const { scheduler, tickers } = this.#options;
    const byTicker = new Map(parts.positions.map((position) => [position.ticker, position]));
    const own = new Set(tickers);
    return {
      completeUntilUs,
      askedUs,
      readUs: scheduler.nowUs(),
      status: parts.status,
      available: parts.balance.cash,
      portfolioValue: parts.balance.portfolioValue,
      positions: tickers.map((ticker) => byTicker.get(ticker)?.position ?? (0 as Lots)),
      costs: tickers.map((ticker) => byTicker.get(ticker)?.exposure ?? (0 as MicroUsd)),
      otherPositions: parts.positions.filter(({ ticker }) => !own.has(ticker)),
      // A list may change between its pages, and show an order or a fill twice.
      resting: onceEach(parts.resting, ({ orderId }) => orderId),
      fills: onceEach(parts.fills, (fill) => `${fill.orderId} ${fill.tradeId}`).reverse(),
      settlements: onceEach(parts.settlements, ({ ticker }) => ticker).reverse(),
    };
  }
}

interface Parts {
  readonly status: ExchangeStatus;
  readonly balance: Balance;
  readonly positions: readonly VenuePosition[];
  readonly resting: readonly VenueOrder[];
  readonly fills: readonly VenueFill[];
  readonly settlements: readonly VenueSettlement[];
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function onceEach<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
