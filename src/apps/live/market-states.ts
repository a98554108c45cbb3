/**
 * Whether markets trade, read by REST: at the start, and after the feed was away, because what a
 * lifecycle message told meanwhile is not told again.
 */
import { type CentiCents, ONE_DOLLAR_CC, type Scheduler } from "../../core/index.ts";
import type { MarketNews } from "../../journal/index.ts";
import { calls, type RestClient } from "../../kalshi/index.ts";
import { MarketStatus } from "../../market/index.ts";

export interface MarketStatesOptions {
  readonly client: Pick<RestClient, "sendForAll">;
  readonly scheduler: Scheduler;
  readonly tickers: readonly string[];
  /** Hears of a market that is in another state than was last told. */
  readonly tell: (news: MarketNews) => void;
}

/** Markets of one question. */
const PAGE = 100;
const RETRY_US = 2_000_000;

export class MarketStates {
  readonly #options: MarketStatesOptions;
  readonly #told: MarketStatus[];
  /** Markets of which the feed told while an answer was on its way, which may be the older one. */
  readonly #overtaken = new Set<number>();
  #isReading = false;
  #isAgain = false;
  #stopTimer: (() => void) | null = null;
  #isClosed = false;

  constructor(options: MarketStatesOptions) {
    this.#options = options;
    this.#told = options.tickers.map(() => MarketStatus.active);
  }

  /** True once every market has been settled, and none will trade again. */
  get areSettled(): boolean {
    return this.#told.every((status) => status === MarketStatus.settled);
  }

  /** True where markets may trade still, and none of those has a book. */
  areAllWithout(bookless: ReadonlySet<string>): boolean {
    const { tickers } = this.#options;
    const open = tickers.filter((_ticker, market) => !this.#hasEnded(market));
    return open.length > 0 && open.every((ticker) => bookless.has(ticker));
  }

  /** The feed has told of a market's state. */
  heard(market: number, status: MarketStatus): void {
    this.#told[market] = status;
    this.#overtaken.add(market);
  }

  /** Reads all markets, once more if it is being done already. */
  read(): void {
    if (this.#isClosed) return;
    if (this.#isReading) {
      this.#isAgain = true;
      return;
    }
    this.#isReading = true;
    this.#isAgain = false;
    this.#readFrom(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  #readFrom(from: number): void {
    const { client, tickers, scheduler } = this.#options;
    const some = tickers.slice(from, from + PAGE);
    if (some.length === 0) {
      this.#isReading = false;
      if (this.#isAgain) this.read();
      return;
    }
    this.#overtaken.clear();
    client.sendForAll(
      (cursor) => calls.markets({ tickers: some.join(","), limit: PAGE, cursor }),
      (answer) => {
        if (this.#isClosed) return;
        if (answer.kind === "ok") {
          for (const { ticker, status } of answer.value) this.#found(ticker, status);
          this.#readFrom(from + PAGE);
          return;
        }
        this.#stopTimer = scheduler.after(RETRY_US, () => {
          this.#readFrom(from);
        });
      },
    );
  }

  #found(ticker: string, word: string): void {
    const market = this.#options.tickers.indexOf(ticker);
    const status = STATUS_OF_WORD[word];
    if (market < 0 || status === undefined || this.#told[market] === status) return;
    if (this.#overtaken.has(market)) return;
    // The end of a market is the end: an older answer does not open it again.
    if (this.#hasEnded(market) && status < MarketStatus.closed) return;
    this.#told[market] = status;
    this.#options.tell({ kind: "status", market, status, stampUs: null });
  }

  #hasEnded(market: number): boolean {
    return (this.#told[market] as MarketStatus) >= MarketStatus.closed;
  }
}

/** What a lifecycle message makes of its market. */
export const LIFECYCLE_STATUS: Readonly<Record<string, MarketStatus>> = {
  activated: MarketStatus.active,
  deactivated: MarketStatus.inactive,
  determined: MarketStatus.determined,
  settled: MarketStatus.settled,
};

/** What a result pays for YES; null where the word alone does not say. */
export function valueOfResult(result: string | null): CentiCents | null {
  if (result === "yes") return ONE_DOLLAR_CC;
  return result === "no" ? (0 as CentiCents) : null;
}

/** The venue's words for a market's state; others say nothing that matters here. */
const STATUS_OF_WORD: Readonly<Record<string, MarketStatus>> = {
  initialized: MarketStatus.inactive,
  inactive: MarketStatus.inactive,
  active: MarketStatus.active,
  closed: MarketStatus.closed,
  determined: MarketStatus.determined,
  disputed: MarketStatus.determined,
  finalized: MarketStatus.settled,
  settled: MarketStatus.settled,
};
