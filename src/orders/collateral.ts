/**
 * What open orders lock. Cash is collateral: nothing is lent, so for every order that might open a
 * position the whole price, and the most its fees can come to, is set aside.
 *
 * A bid locks its price, an ask one dollar less its price, for the part that what is held does not
 * cover: asks up to the YES position, bids up to the NO position close it and pay for themselves.
 * Where several orders share the cover, it is given to those that lock least, so that the rest of
 * the lock suffices in whatever sequence the orders fill.
 */
import type { CentiCents, Lots, MicroUsd } from "../core/index.ts";
import { ONE_DOLLAR_CC } from "../core/index.ts";
import { BookSide, feeReserve, type FeeTerms } from "../market/index.ts";

/** An open order as collateral sees it: the worst price and size that it may come to have. */
export interface Exposure {
  readonly side: BookSide;
  readonly price: CentiCents;
  readonly remaining: Lots;
}

/** Cash locked by `size` uncovered lots of an order at YES price `price`. */
export function lockOf(terms: FeeTerms, side: BookSide, price: CentiCents, size: Lots): MicroUsd {
  if (size <= 0) return 0 as MicroUsd;
  const perLot = side === BookSide.bid ? price : ONE_DOLLAR_CC - price;
  return (perLot * size + feeReserve(terms, price, size)) as MicroUsd;
}

/** Cash locked by all open orders of one market, given the signed position in it. */
export function lockedCash(
  terms: FeeTerms,
  position: number,
  exposures: readonly Exposure[],
): MicroUsd {
  if (exposures.length === 0) return 0 as MicroUsd;
  if (exposures.length === 1) {
    const only = exposures[0] as Exposure;
    const cover = only.side === BookSide.bid ? -position : position;
    const uncovered = only.remaining - Math.max(0, cover);
    return lockOf(terms, only.side, only.price, uncovered as Lots);
  }
  return (sideLock(terms, BookSide.bid, Math.max(0, -position), exposures) +
    sideLock(terms, BookSide.ask, Math.max(0, position), exposures)) as MicroUsd;
}

function sideLock(
  terms: FeeTerms,
  side: BookSide,
  cover: number,
  exposures: readonly Exposure[],
): number {
  // The dearest lock first: highest bids, lowest asks. What is uncovered is taken from there.
  const dearest = exposures
    .filter((exposure) => exposure.side === side)
    .sort((a, b) => (side === BookSide.bid ? b.price - a.price : a.price - b.price));
  let total = 0;
  for (const exposure of dearest) total += exposure.remaining;
  let uncovered = total - cover;
  let locked = 0;
  for (const { price, remaining } of dearest) {
    if (uncovered <= 0) break;
    const part = Math.min(uncovered, remaining) as Lots;
    locked += lockOf(terms, side, price, part);
    uncovered -= part;
  }
  return locked;
}
