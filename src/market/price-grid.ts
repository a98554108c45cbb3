/**
 * The prices at which a market may trade. Kalshi gives them as bands with a step each
 * (`price_ranges`); here they become one ascending list of ticks. Books and ladders are arrays over
 * tick indices; the outside speaks centi-cents. 0 and 1 dollar are no prices (nobody can trade).
 */
import {
  assert,
  type CentiCents,
  formatCentiCents,
  ONE_DOLLAR_CC,
  OperationError,
} from "../core/index.ts";

/** One band of `price_ranges`: prices start, start + step ... end, both ends included. */
export interface PriceRange {
  readonly startCc: CentiCents;
  readonly endCc: CentiCents;
  readonly stepCc: CentiCents;
}

/** Whole cents from 1 to 99: the structure `linear_cent`. */
export const LINEAR_CENT: readonly PriceRange[] = [
  { startCc: 0 as CentiCents, endCc: ONE_DOLLAR_CC, stepCc: 100 as CentiCents },
];

export class PriceGrid {
  /** Number of ticks. */
  readonly count: number;
  /** Price of each tick, ascending. [count] */
  readonly prices: Uint16Array;
  /** Tick of each price in centi-cents, -1 off the grid. [10_001] */
  readonly ticks: Int16Array;

  /** Bands must lie within 0..1 dollar with positive steps; else `PRICE_GRID`. */
  constructor(ranges: readonly PriceRange[]) {
    const onGrid = new Uint8Array(ONE_DOLLAR_CC + 1);
    for (const { startCc, endCc, stepCc } of ranges) {
      const sane = startCc >= 0 && endCc <= ONE_DOLLAR_CC && startCc <= endCc && stepCc > 0;
      if (!sane || ![startCc, endCc, stepCc].every(Number.isInteger)) {
        throw new OperationError(
          "PRICE_GRID",
          `price_ranges: expected bands within 0..10000 centi-cents with a positive step, was ` +
            `${startCc}..${endCc} step ${stepCc}`,
        );
      }
      for (let price: number = startCc; price <= endCc; price += stepCc) onGrid[price] = 1;
    }
    onGrid[0] = 0;
    onGrid[ONE_DOLLAR_CC] = 0;
    const prices: number[] = [];
    this.ticks = new Int16Array(ONE_DOLLAR_CC + 1).fill(-1);
    for (let price = 0; price <= ONE_DOLLAR_CC; price++) {
      if (onGrid[price] === 0) continue;
      this.ticks[price] = prices.length;
      prices.push(price);
    }
    if (prices.length === 0)
      throw new OperationError("PRICE_GRID", "price_ranges: no tick in them");
    this.prices = Uint16Array.from(prices);
    this.count = prices.length;
  }

  has(price: CentiCents): boolean {
    return this.ticks[price] !== -1;
  }

  /** Tick of a price that is known to be on the grid. */
  tickOf(price: CentiCents): number {
    const tick = this.ticks[price];
    assert(tick !== undefined && tick >= 0, "the price is on the grid");
    return tick;
  }

  priceOf(tick: number): CentiCents {
    const price = this.prices[tick];
    assert(price !== undefined, "the tick is on the grid");
    return price as CentiCents;
  }

  /** The highest tick price at or below `price`, or null below the first tick. */
  floor(price: number): CentiCents | null {
    for (let at = Math.min(Math.floor(price), ONE_DOLLAR_CC); at >= 0; at--) {
      if (this.ticks[at] !== -1) return at as CentiCents;
    }
    return null;
  }

  /** The lowest tick price at or above `price`, or null above the last tick. */
  ceil(price: number): CentiCents | null {
    for (let at = Math.max(Math.ceil(price), 0); at <= ONE_DOLLAR_CC; at++) {
      if (this.ticks[at] !== -1) return at as CentiCents;
    }
    return null;
  }

  /** Asserts for importers: throws `PRICE_OFF_GRID` naming the place, unless the price is a tick. */
  require(price: CentiCents, place: string): void {
    if (this.has(price)) return;
    const below = this.floor(price);
    const above = this.ceil(price);
    const near = [below, above].filter((near) => near !== null).map(formatCentiCents);
    throw new OperationError(
      "PRICE_OFF_GRID",
      `${place}: expected a price on the market's tick grid (nearest ${near.join(" and ")}), was ` +
        `${formatCentiCents(price)}; give the market's price_ranges if its ticks are finer`,
    );
  }
}
