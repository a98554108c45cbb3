/**
 * The account's position in each market, as far as an order manager can know it: where it began, and
 * every fill of the account since, once. It serves one purpose: resting orders that may only reduce.
 */
import { assert, type Lots, present } from "../../core/index.ts";
import { BookSide } from "../../market/index.ts";

export class HeldPositions {
  readonly #tickers: readonly string[];
  readonly #marketOf: ReadonlyMap<string, number>;
  /** Signed lots by market: YES positive, NO negative. */
  readonly #lots: Float64Array;

  constructor(tickers: readonly string[], positions: readonly Lots[]) {
    this.#tickers = tickers;
    this.#marketOf = new Map(tickers.map((ticker, market) => [ticker, market]));
    this.#lots = new Float64Array(tickers.length);
    positions.forEach((lots, market) => this.set(market, lots));
  }

  tickerOf(market: number): string {
    return present(this.#tickers[market], "an order names one of the manager's markets");
  }

  set(market: number, position: Lots): void {
    assert(market < this.#lots.length, "a position is of one of the manager's markets");
    this.#lots[market] = position;
  }

  filled(ticker: string, side: BookSide, size: Lots): void {
    const market = this.#marketOf.get(ticker);
    if (market === undefined) return;
    const change = side === BookSide.bid ? size : -size;
    this.#lots[market] = (this.#lots[market] as number) + change;
  }

  /** Lots that an order of `side` could take off the position. */
  reducible(market: number, side: BookSide): number {
    const position = this.#lots[market] as number;
    return Math.max(0, side === BookSide.bid ? -position : position);
  }
}
