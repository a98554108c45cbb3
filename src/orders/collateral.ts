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
import { BALANCE_STEP, BookSide, type FeeTerms, tradeFee } from "../market/index.ts";

/** An open order as collateral sees it: the worst price and size that it may come to have. */
export interface Exposure {
  readonly side: BookSide;
  readonly price: CentiCents;
  readonly remaining: Lots;
}

/**
 * Cash locked by all open orders of one market, given the signed position in it, the dearest fees that
 * a fill could be charged, and the step to which the account's cash is floored.
 */
export function lockedCash(
  fees: FeeTerms,
  position: number,
  exposures: readonly Exposure[],
  step: MicroUsd = BALANCE_STEP,
): MicroUsd {
  if (exposures.length === 0) return 0 as MicroUsd;
  return (sideLock(fees, BookSide.bid, Math.max(0, -position), exposures, step) +
    sideLock(fees, BookSide.ask, Math.max(0, position), exposures, step)) as MicroUsd;
}

/** Price and taker fee at the limit of `size` lots: no better price costs more, fee included. */
function lockOf(fees: FeeTerms, { side, price }: Exposure, size: number): number {
  const perLot = side === BookSide.bid ? price : ONE_DOLLAR_CC - price;
  return perLot * size + tradeFee(fees, "taker", price, size as Lots);
}

/**
 * What rounding can add to an order's fees: a micro-dollar a lot and a balance step. An order that
 * has begun to fill may have used its step already, so the lock of open orders may be up to a step
 * each above the cash that is left. Where the price of a lot is a whole number of steps, as whole
 * cents are for a direct member, cash never falls below zero; elsewhere each fill of part of a
 * contract may cost up to a step that nothing gives back, and cash may end short by that.
 */
function roundingReserve({ remaining }: Exposure, step: MicroUsd): number {
  return remaining + 1 + step;
}

function sideLock(
  fees: FeeTerms,
  side: BookSide,
  cover: number,
  exposures: readonly Exposure[],
  step: MicroUsd,
): number {
  let only: Exposure | null = null;
  let count = 0;
  for (const exposure of exposures) {
    if (exposure.side !== side) continue;
    only = exposure;
    count += 1;
  }
  if (only === null) return 0;
  if (count === 1) {
    const uncovered = only.remaining - cover;
    return uncovered > 0 ? lockOf(fees, only, uncovered) + roundingReserve(only, step) : 0;
  }
  // The dearest lock first: highest bids, lowest asks. What is uncovered is taken from there.
  const dearest = exposures
    .filter((exposure) => exposure.side === side)
    .sort((a, b) => {
      const dearer = side === BookSide.bid ? b.price - a.price : a.price - b.price;
      // Of one price the larger first: the lock must not depend on the sequence of the list.
      return dearer !== 0 ? dearer : b.remaining - a.remaining;
    });
  let total = 0;
  for (const exposure of dearest) total += exposure.remaining;
  let uncovered = total - cover;
  if (uncovered <= 0) return 0;
  let locked = 0;
  for (const exposure of dearest) {
    // As orders fill, the uncovered part may come to lie in any of them.
    locked += roundingReserve(exposure, step);
    const part = Math.min(uncovered, exposure.remaining);
    if (part > 0) locked += lockOf(fees, exposure, part);
    uncovered -= part;
  }
  return locked;
}
