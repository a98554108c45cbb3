/**
 * Kalshi's trading fees in exact integers. Source: fee schedule effective 2026-07-07 and the page
 * "fee rounding" of 2026-09-18: model fee = multiplier x k x contracts x P x (1 - P), rounded up to
 * a micro-dollar; the cash moved is then floored to the member's balance step, and what the floor
 * took is collected per order and paid back in whole steps.
 */
import {
  assert,
  type CentiCents,
  type Lots,
  type MicroUsd,
  ONE_DOLLAR_CC,
  OperationError,
} from "../core/index.ts";

/** The fee types of live series; `flat` and perps types are refused, for no formula is known. */
export type FeeType = "quadratic" | "quadratic_with_maker_fees" | "quadratic_with_combo_maker_fees";

export interface FeeTerms {
  readonly type: FeeType;
  /** The series' or event's multiplier in millionths: 500_000 halves the fee. */
  readonly multiplierPpm: number;
}

export type LiquidityRole = "maker" | "taker";

/** k in millionths: taker 0.07; maker 0, 0.0175 or 0.035. */
const RATE_PPM: Readonly<Record<FeeType, Readonly<Record<LiquidityRole, number>>>> = {
  quadratic: { taker: 70_000, maker: 0 },
  quadratic_with_maker_fees: { taker: 70_000, maker: 17_500 },
  quadratic_with_combo_maker_fees: { taker: 70_000, maker: 35_000 },
};

/** Who trades: a direct member of the exchange, or the customer of an intermediary (FCM). */
export const MEMBERSHIPS = ["direct", "fcm"] as const;
export type Membership = (typeof MEMBERSHIPS)[number];

/** The step to which a member's cash is floored: 0.0001 dollar, or a cent through an FCM. */
const BALANCE_STEPS: Readonly<Record<Membership, MicroUsd>> = {
  direct: 100 as MicroUsd,
  fcm: 10_000 as MicroUsd,
};

/** Balance step of a direct member. */
export const BALANCE_STEP = BALANCE_STEPS.direct;

export function balanceStepOf(membership: Membership): MicroUsd {
  return BALANCE_STEPS[membership];
}

/** The venue's other fee types, and why no profit can be worked out under them. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["flat", "the venue names it but publishes no formula"],
  ["margin_market_maker_program_fees", "it is a fee of perpetual futures, not of event contracts"],
]);

/** Reads a venue's `fee_type`; another one is `FEE_TYPE`, for guessing would misstate profit. */
export function parseFeeType(text: string, field: string): FeeType {
  if (Object.hasOwn(RATE_PPM, text)) return text as FeeType;
  const reason = REFUSED.get(text);
  throw new OperationError(
    "FEE_TYPE",
    `${field}: expected one of ${Object.keys(RATE_PPM).join(", ")}, was "${text}"` +
      (reason === undefined ? "" : `; ${reason}`),
  );
}

/** Fee before balance rounding, rounded up to a micro-dollar. */
export function tradeFee(
  terms: FeeTerms,
  role: LiquidityRole,
  price: CentiCents,
  size: Lots,
): MicroUsd {
  const ratePpm = RATE_PPM[terms.type][role];
  if (ratePpm === 0 || terms.multiplierPpm === 0) return 0 as MicroUsd;
  // In micro-dollars: size x P(1-P) x rate x multiplier, with price in 1e-4 and size in 0.01:
  // size * price * (10^4 - price) / 10^4 is the micro-dollar value of contracts x P x (1 - P).
  const spread = price * (ONE_DOLLAR_CC - price);
  const exact = spread * size;
  // Rates are whole hundreds of ppm in practice; dividing by 100 keeps large orders exact.
  const rate = (ratePpm * terms.multiplierPpm) / 100_000_000;
  if (Number.isInteger(rate)) {
    const numerator = exact * rate;
    if (numerator <= Number.MAX_SAFE_INTEGER) return Math.ceil(numerator / 1e8) as MicroUsd;
  }
  const big = BigInt(spread) * BigInt(size) * BigInt(ratePpm) * BigInt(terms.multiplierPpm);
  const unit = 10_000_000_000_000_000n;
  return Number((big + unit - 1n) / unit) as MicroUsd;
}

/** What one fill does to cash, and what its order's rounding account holds afterwards. */
export interface FeeCharge {
  /** Net fee, never negative. */
  readonly fee: MicroUsd;
  /** The order's rounding account, to be passed to its next fill. */
  readonly carry: MicroUsd;
}

/** One fill, as its charge depends on it. */
export interface ChargedFill {
  /** The trade fee. */
  readonly trade: MicroUsd;
  /**
   * The fill's signed cash before fees; a buyer's is negative. An ask that opens a NO position pays
   * one dollar less its price a contract: whether it is booked so or as a sale makes no difference
   * to the rounding, for a lot's dollar is a whole number of steps.
   */
  readonly revenue: MicroUsd;
  /** The rounding account of the fill's order, 0 at first. */
  readonly carry: MicroUsd;
}

/**
 * Charges one fill by the page's steps: cash is floored to the member's balance step, what the floor
 * took goes to the order's rounding account, and the account pays back whole steps, never more than
 * the fee, so that a net fee is never negative. The account lives as long as its order, over fills
 * as taker and as maker.
 */
export function chargeFee(
  { trade, revenue, carry }: ChargedFill,
  step: MicroUsd = BALANCE_STEP,
): FeeCharge {
  assert(trade >= 0, "a trade fee is not negative");
  const cash = revenue - trade;
  const aligned = Math.floor(cash / step) * step;
  const rounding = cash - aligned;
  const account = carry + rounding;
  const rebate = step * Math.min(Math.floor(account / step), Math.floor((trade + rounding) / step));
  return { fee: (trade + rounding - rebate) as MicroUsd, carry: (account - rebate) as MicroUsd };
}
