/**
 * How much a run may lose. It loses what its portfolio, at the prices for which it could be sold now,
 * is worth less than when the run began; and that is known once everything it then held has a price.
 */
import type { MicroUsd } from "../core/index.ts";
import type { Trader } from "../strategies/index.ts";
import type { LiveMarket } from "./live-market.ts";

export class LossLimit {
  /** What the portfolio was worth when the run began; null until that can be said. */
  startValue: MicroUsd | null = null;
  readonly #lossMax: MicroUsd | null;

  /** `lossMax` null: never reached. */
  constructor(lossMax: MicroUsd | null) {
    this.#lossMax = lossMax;
  }

  /** There is a limit, and nobody can say yet whether it is reached. */
  get isBlind(): boolean {
    return this.#lossMax !== null && this.startValue === null;
  }

  /** Takes the portfolio's value for that of the start, once no position lacks a price. */
  begin(trader: Trader, markets: readonly LiveMarket[]): void {
    const { ledger } = trader.account;
    const isPriced = ({ index, encoder }: LiveMarket): boolean =>
      ledger.position(index) === 0 || encoder.isKnown() || encoder.isClosed();
    if (this.startValue === null && markets.every(isPriced)) {
      this.startValue = trader.portfolioValue();
    }
  }

  /** That the limit is reached, in words; null where it is not. */
  reached(trader: Trader): string | null {
    const lossMax = this.#lossMax;
    if (lossMax === null || this.startValue === null) return null;
    const lost = this.startValue - trader.portfolioValue();
    if (lost < lossMax) return null;
    return `loss limit: ${lost / 1_000_000} $ lost, ${lossMax / 1_000_000} $ allowed`;
  }
}
