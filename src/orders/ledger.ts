/**
 * Positions and cash of one account, as the fold of fills and settlements. All integers.
 *
 * One signed position a market: positive lots are YES, negative are NO. YES and NO net at once: a
 * pair is worth exactly one dollar, so buying one while holding the other pays the pair out. `cash`
 * includes what open orders lock; collateral is computed in `collateral.ts`. Cost is kept by
 * average: closing q of n lots takes floor(cost x q / n) of the cost with it.
 *
 * Conservation: cash + value of positions + fees changes only by what the market pays, which
 * `flowOf` states for one fill. Tests hold the ledger to it.
 */
import { assert, type CentiCents, type Lots, type MicroUsd, ONE_DOLLAR_CC } from "../core/index.ts";
import { BookSide } from "../market/index.ts";

const MICRO_USD_PER_CENT = 10_000;

export interface LedgerState {
  readonly cash: number;
  readonly realized: number;
  readonly fees: number;
  readonly positions: readonly number[];
  readonly costs: readonly number[];
}

export class Ledger {
  readonly startingCash: MicroUsd;
  /** Signed lots per market. [M] */
  readonly positions: Float64Array;
  /** What each open position cost, in micro-dollars, without fees. [M] */
  readonly costs: Float64Array;
  #cash: number;
  #realized = 0;
  #fees = 0;

  constructor(marketCount: number, startingCash: MicroUsd) {
    assert(Number.isSafeInteger(startingCash), "starting cash is an integer");
    this.startingCash = startingCash;
    this.positions = new Float64Array(marketCount);
    this.costs = new Float64Array(marketCount);
    this.#cash = startingCash;
  }

  /** Cash in hand, what open orders lock included. */
  get cash(): MicroUsd {
    return this.#cash as MicroUsd;
  }

  /** Profit of closed positions, before fees. */
  get realized(): MicroUsd {
    return this.#realized as MicroUsd;
  }

  get fees(): MicroUsd {
    return this.#fees as MicroUsd;
  }

  position(market: number): Lots {
    return this.positions[market] as Lots;
  }

  /** Books one fill at YES price `price`. */
  fill(market: number, side: BookSide, price: CentiCents, size: Lots, fee: MicroUsd): void {
    assert(size > 0, "a fill has a size");
    assert(fee >= 0, "a fee is not negative");
    const position = this.positions[market] as number;
    // Seen from what is bought: YES at `price` by a bid, NO at the complement by an ask.
    const bought = side === BookSide.bid ? 1 : -1;
    const paid = side === BookSide.bid ? price : ONE_DOLLAR_CC - price;
    const held = position * bought < 0 ? Math.abs(position) : 0;
    const closed = Math.min(size, held);
    const opened = size - closed;
    if (closed > 0) {
      const cost = this.costs[market] as number;
      const costClosed = closed === held ? cost : shareOf(cost, closed, held);
      const proceeds = (ONE_DOLLAR_CC - paid) * closed;
      this.costs[market] = cost - costClosed;
      this.#realized += proceeds - costClosed;
      this.#cash += proceeds;
    }
    if (opened > 0) {
      this.costs[market] = (this.costs[market] as number) + paid * opened;
      this.#cash -= paid * opened;
    }
    this.positions[market] = position + bought * size;
    this.chargeFee(fee);
  }

  chargeFee(fee: MicroUsd): void {
    this.#cash -= fee;
    this.#fees += fee;
  }

  /**
   * Pays a settled market out: `value` to each YES contract, the rest of a dollar to each NO, the sum
   * floored to whole cents. Returns what the floor took: nothing, unless parts of contracts meet a
   * value between 0 and one dollar. The venue says that payouts are of whole cents, not which way.
   */
  settle(market: number, value: CentiCents): MicroUsd {
    const position = this.positions[market] as number;
    const exact = position >= 0 ? position * value : -position * (ONE_DOLLAR_CC - value);
    const lost = exact % MICRO_USD_PER_CENT;
    const proceeds = exact - lost;
    this.#cash += proceeds;
    this.#realized += proceeds - (this.costs[market] as number);
    this.positions[market] = 0;
    this.costs[market] = 0;
    return lost as MicroUsd;
  }

  /** What a market's position could be sold for at once: YES at the bid, NO at 1 - ask. */
  liquidationValue(market: number, bid: CentiCents, ask: CentiCents): MicroUsd {
    const position = this.positions[market] as number;
    return (position >= 0 ? position * bid : -position * (ONE_DOLLAR_CC - ask)) as MicroUsd;
  }

  save(): LedgerState {
    return {
      cash: this.#cash,
      realized: this.#realized,
      fees: this.#fees,
      positions: [...this.positions],
      costs: [...this.costs],
    };
  }

  restore(state: LedgerState): void {
    this.#cash = state.cash;
    this.#realized = state.realized;
    this.#fees = state.fees;
    this.positions.set(state.positions);
    this.costs.set(state.costs);
  }
}

/** floor(total x part / whole), exact. */
function shareOf(total: number, part: number, whole: number): number {
  const product = total * part;
  if (product <= Number.MAX_SAFE_INTEGER) {
    const quotient = Math.floor(product / whole);
    // The division may round up to a whole number that the product does not reach.
    return quotient * whole > product ? quotient - 1 : quotient;
  }
  return Number((BigInt(total) * BigInt(part)) / BigInt(whole));
}
