/**
 * Features 21 to 37: the agent's own open orders and portfolio. The caller keeps one `AccountView`
 * per account and market, refreshes its numbers from the order manager and the ledger, and has them
 * encoded; nothing is allocated. What the ledger knows (values, profit, losses) is taken as given:
 * this file divides, caps and orders, and holds no accounting.
 */
import { assert, ONE_DOLLAR_CC, US_PER_SECOND } from "../core/index.ts";
import { ACCOUNT_OFFSET, FEATURE_CONSTANTS } from "./feature-schema.ts";

/** Numbers of one account as one market's agent sees them; filled by the caller before encoding. */
export interface AccountView {
  /** Time of the decision, microseconds. */
  nowUs: number;
  /** Best YES bid + best YES ask of the encoded book: twice the mid, in centi-cents. */
  midCc2: number;
  /** Open orders in this market: a resting bid (buy YES, sell NO) and a resting ask. */
  hasOpenBuy: boolean;
  hasOpenSell: boolean;
  /** Highest own bid and lowest own ask, YES prices in centi-cents; read only where one is open. */
  bestOwnBidCc: number;
  bestOwnAskCc: number;
  /** When the newest order that is still open in this market was sent; -1 without one. */
  newestOrderSentUs: number;
  /** Cash that is free, and cash that open orders lock, over all markets. */
  cashAvailableMicroUsd: number;
  cashLockedMicroUsd: number;
  /** All positions at what they could be sold for now: YES at bid, NO at one dollar minus ask. */
  positionsValueMicroUsd: number;
  /** Markets with a position, those of them that hold YES, and the sum of their absolute sizes. */
  positionCount: number;
  yesPositionCount: number;
  positionAbsLotsTotal: number;
  /** Position in this market: positive YES, negative NO. */
  netLots: number;
  /** The most that one market's position may be; positive. */
  positionLimitLots: number;
  /** What the positions lose if every one settles against us: what they cost. */
  maxLossMicroUsd: number;
  unrealizedPnlMicroUsd: number;
  /** After fees. */
  realizedPnlMicroUsd: number;
  startingCashMicroUsd: number;
  /** Average entry into this market's position as a YES price, centi-cents; read where not flat. */
  averageEntryCc: number;
  /** Highest portfolio value so far, this moment included. */
  peakPvMicroUsd: number;
}

/** A view of an account that has nothing and has done nothing. */
export function createAccountView(): AccountView {
  return {
    nowUs: 0,
    midCc2: ONE_DOLLAR_CC,
    hasOpenBuy: false,
    hasOpenSell: false,
    bestOwnBidCc: 0,
    bestOwnAskCc: 0,
    newestOrderSentUs: -1,
    cashAvailableMicroUsd: 0,
    cashLockedMicroUsd: 0,
    positionsValueMicroUsd: 0,
    positionCount: 0,
    yesPositionCount: 0,
    positionAbsLotsTotal: 0,
    netLots: 0,
    positionLimitLots: 1,
    maxLossMicroUsd: 0,
    unrealizedPnlMicroUsd: 0,
    realizedPnlMicroUsd: 0,
    startingCashMicroUsd: 0,
    averageEntryCc: 0,
    peakPvMicroUsd: 0,
  };
}

const {
  own_distance_cap_cc: DISTANCE_CAP_CC,
  order_age_cap_s: ORDER_AGE_CAP_S,
  position_count_cap: POSITION_COUNT_CAP,
  entry_offset_cap_cc: ENTRY_CAP_CC,
} = FEATURE_CONSTANTS;

/**
 * Writes features 21..37 of an observation that starts at `out[offset]`. Shares of the portfolio
 * value are 0 where that value is not positive.
 */
export function encodeAccount(out: Float32Array, offset: number, view: AccountView): void {
  const at = offset + ACCOUNT_OFFSET;
  const mid2 = view.midCc2;
  out[at] = view.hasOpenBuy ? 1 : 0;
  out[at + 1] = view.hasOpenSell ? 1 : 0;
  out[at + 2] = view.hasOpenBuy ? distance(mid2, view.bestOwnBidCc) : 0;
  out[at + 3] = view.hasOpenSell ? distance(mid2, view.bestOwnAskCc) : 0;
  const sentUs = view.newestOrderSentUs;
  const ageUs = sentUs < 0 ? 0 : view.nowUs - sentUs;
  assert(ageUs >= 0, "an order was sent before now");
  out[at + 4] = cap(ageUs / (ORDER_AGE_CAP_S * US_PER_SECOND));

  const pv = view.cashAvailableMicroUsd + view.cashLockedMicroUsd + view.positionsValueMicroUsd;
  const count = view.positionCount;
  const limit = view.positionLimitLots;
  const net = view.netLots;
  assert(limit > 0, "the position limit is positive");
  out[at + 5] = cap(share(view.cashAvailableMicroUsd, pv));
  out[at + 6] = cap(share(view.positionsValueMicroUsd, pv));
  out[at + 7] = cap(count / POSITION_COUNT_CAP);
  out[at + 8] = count === 0 ? 0 : cap(view.positionAbsLotsTotal / (count * limit));
  out[at + 9] = count === 0 ? 0 : cap(view.yesPositionCount / count);
  out[at + 10] = clamp(net / limit);
  out[at + 11] = cap(share(view.maxLossMicroUsd, pv));
  out[at + 12] = clamp(share(view.unrealizedPnlMicroUsd, pv));
  out[at + 13] = clamp(share(view.realizedPnlMicroUsd, view.startingCashMicroUsd));
  out[at + 14] = cap(share(view.cashLockedMicroUsd, pv));
  const gainCc2 = net > 0 ? mid2 - 2 * view.averageEntryCc : 2 * view.averageEntryCc - mid2;
  out[at + 15] = net === 0 ? 0 : clamp(gainCc2 / (2 * ENTRY_CAP_CC));
  out[at + 16] = cap(share(view.peakPvMicroUsd - pv, view.peakPvMicroUsd));
  let sum = 0;
  for (let index = at; index <= at + 16; index++) sum += out[index] as number;
  assert(sum === sum, "no account feature is NaN");
}

function distance(mid2: number, priceCc: number): number {
  return cap(Math.abs(mid2 - 2 * priceCc) / (2 * DISTANCE_CAP_CC));
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

function cap(x: number): number {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}

function clamp(x: number): number {
  return x < -1 ? -1 : x > 1 ? 1 : x;
}
