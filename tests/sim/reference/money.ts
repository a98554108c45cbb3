/**
 * Fees, cash, positions and collateral by their definitions, in exact integers of any size. Nothing
 * is kept but the list of fills; every number is worked out from the first fill on, each time.
 * Sources: the venue's fee schedule and rounding rules; docs/simulator.md, "Money".
 */
import type { BookSide, FeeTerms } from "../../../src/market/index.ts";

export type Side = "bid" | "ask";

export function sideOf(side: BookSide): Side {
  return side === 0 ? "bid" : "ask";
}

/** One fill: a bid bought YES at `price`, an ask bought NO at one dollar less `price`. */
export interface BookedFill {
  readonly market: number;
  readonly side: Side;
  readonly price: bigint;
  readonly lots: bigint;
  readonly fee: bigint;
}

/** What a market charges: at first, and from the times of its changes on. */
export interface MarketTerms {
  readonly fees: FeeTerms;
  readonly feeChanges: readonly { readonly atUs: number; readonly terms: FeeTerms }[];
}

export interface OpenOrder {
  readonly side: Side;
  readonly price: bigint;
  readonly remaining: bigint;
}

const DOLLAR = 10_000n;
const CENT = 10_000n;
/** Cash moves in steps: of 0.0001 dollar for a direct member, of a cent through an intermediary. */
export const STEPS = { direct: 100n, fcm: 10_000n } as const;

/** Rates in hundredths of a per cent. */
const RATES: Readonly<Record<FeeTerms["type"], Readonly<Record<"maker" | "taker", bigint>>>> = {
  quadratic: { taker: 700n, maker: 0n },
  quadratic_with_maker_fees: { taker: 700n, maker: 175n },
  quadratic_with_combo_maker_fees: { taker: 700n, maker: 350n },
};

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return -floorDiv(-a, b);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** M x k x C x P x (1 - P) dollars, in micro-dollars, rounded up. */
export function modelFee(
  terms: FeeTerms,
  role: "maker" | "taker",
  price: bigint,
  lots: bigint,
): bigint {
  const multiplier = BigInt(terms.multiplierPpm); // over 10^6
  const rate = RATES[terms.type][role]; // over 10^4
  // Contracts over 10^2, each price over 10^4.
  const numerator = multiplier * rate * lots * price * (DOLLAR - price) * 1_000_000n;
  return ceilDiv(numerator, 1_000_000n * 10_000n * 100n * 10_000n * 10_000n);
}

/** The terms in force at a time: those of the last change at or before it. */
export function termsAt(market: MarketTerms, atUs: number): FeeTerms {
  const past = market.feeChanges.filter((change) => change.atUs <= atUs);
  return past.at(-1)?.terms ?? market.fees;
}

/** Of all terms that a market ever has, those with the largest multiplier: the dearest to a taker. */
export function dearestTerms({ fees, feeChanges }: MarketTerms): FeeTerms {
  const all = [fees, ...feeChanges.map(({ terms }) => terms)];
  const largest = Math.max(...all.map(({ multiplierPpm }) => multiplierPpm));
  return all.find(({ multiplierPpm }) => multiplierPpm === largest) ?? fees;
}

/** The net fee of a fill that moves `revenue` of cash, and its order's rounding account after it. */
export function netFee(
  tradeFee: bigint,
  revenue: bigint,
  account: bigint,
  step: bigint,
): { readonly fee: bigint; readonly account: bigint } {
  const aligned = floorDiv(revenue - tradeFee, step) * step;
  const roundingFee = revenue - tradeFee - aligned;
  const collected = account + roundingFee;
  const rebate = step * least(collected / step, (tradeFee + roundingFee) / step);
  return { fee: tradeFee + roundingFee - rebate, account: collected - rebate };
}

function piles(fills: readonly BookedFill[], market: number): { yes: bigint; no: bigint } {
  let yes = 0n;
  let no = 0n;
  for (const fill of fills) {
    if (fill.market !== market) continue;
    if (fill.side === "bid") yes += fill.lots;
    else no += fill.lots;
  }
  return { yes, no };
}

/** Signed lots: YES bought less NO bought. */
export function positionOf(fills: readonly BookedFill[], market: number): bigint {
  const { yes, no } = piles(fills, market);
  return yes - no;
}

export function feesOf(fills: readonly BookedFill[]): bigint {
  return fills.reduce((sum, fill) => sum + fill.fee, 0n);
}

/** What was paid for all YES and NO, less fees, and a dollar for each pair of them. */
export function cashOf(starting: bigint, fills: readonly BookedFill[], markets: number): bigint {
  let cash = starting - feesOf(fills);
  for (const { side, price, lots } of fills)
    cash -= (side === "bid" ? price : DOLLAR - price) * lots;
  for (let market = 0; market < markets; market++) {
    const { yes, no } = piles(fills, market);
    cash += least(yes, no) * DOLLAR;
  }
  return cash;
}

/** What the open position of a market cost, and what closed ones have earned, by average cost. */
export function costAndProfit(
  fills: readonly BookedFill[],
  market: number,
): { readonly cost: bigint; readonly profit: bigint } {
  let held = 0n; // lots of what is held, YES or NO
  let holds: Side = "bid";
  let cost = 0n;
  let profit = 0n;
  for (const fill of fills) {
    if (fill.market !== market) continue;
    const paid = fill.side === "bid" ? fill.price : DOLLAR - fill.price;
    let lots = fill.lots;
    if (holds !== fill.side && held > 0n) {
      const closed = least(lots, held);
      const share = (cost * closed) / held;
      profit += (DOLLAR - paid) * closed - share;
      cost -= share;
      held -= closed;
      lots -= closed;
    }
    if (lots > 0n) {
      holds = fill.side;
      held += lots;
      cost += paid * lots;
    }
  }
  return { cost, profit };
}

/** What a market pays out when each YES contract is worth `value`, in whole cents, rounded down. */
export function payout(position: bigint, value: bigint): bigint {
  const exact = position >= 0n ? position * value : -position * (DOLLAR - value);
  return floorDiv(exact, CENT) * CENT;
}

/**
 * Cash that a market's open orders lock: for each side, what the opposite position does not cover,
 * at price and taker fee, the dearest lots first, the larger order first among equals; and for the rounding
 * of each order's fees a micro-dollar a lot, one more, and a step.
 */
export function lockOf(
  terms: FeeTerms,
  position: bigint,
  orders: readonly OpenOrder[],
  step: bigint,
): bigint {
  let lock = 0n;
  for (const side of ["bid", "ask"] as const) {
    const own = orders.filter((order) => order.side === side);
    const perLot = ({ price }: OpenOrder): bigint => (side === "bid" ? price : DOLLAR - price);
    const dearest = [...own].sort((a, b) =>
      Number(perLot(b) - perLot(a) || b.remaining - a.remaining),
    );
    const held = side === "bid" ? -position : position;
    const total = own.reduce((sum, order) => sum + order.remaining, 0n);
    let uncovered = total - (held > 0n ? held : 0n);
    if (uncovered <= 0n) continue;
    for (const order of dearest) {
      const part = least(uncovered, order.remaining);
      uncovered -= part;
      lock += perLot(order) * part + modelFee(terms, "taker", order.price, part);
      lock += order.remaining + 1n + step;
    }
  }
  return lock;
}
