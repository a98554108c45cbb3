/**
 * The port through which the simulator asks where a resting order of ours stands in the queue at its
 * price. All it keeps for an order is one number, `ahead`: lots of others that are served before it.
 * A trade at the price serves them first, then us, then those behind; trades and quotes beyond the
 * price fill us whatever the number says. A model decides only how the number starts and falls.
 *
 *   touch    nobody is ahead: it fills when the price touches it. Optimistic.
 *   queue    who was there before is ahead, and goes as the reconstructed queue says who trades and
 *            who cancels. Where a tape has no such detail, it is `level`. Expected.
 *   level    as queue, from the totals of levels alone: cancels come from behind first.
 *   through  everybody is ahead for ever: it fills only when the price trades through it. Pessimistic.
 */

/** Who cancelled at our price: somebody before us, behind us, or it is not known. */
export const Canceller = { before: -1, unknown: 0, behind: 1 } as const;
export type Canceller = (typeof Canceller)[keyof typeof Canceller];

export interface FillModel {
  readonly name: string;
  /** Lots ahead of an order that a quote of the other side arriving at its own price meets. */
  readonly aheadOfQuote: number;
  /** Lots ahead of an order that joins a price where `standing` lots of others stand. */
  joins(standing: number): number;
  /** `ahead` after a trade of `size` lots at the price, after which `standing` lots stand there. */
  traded(ahead: number, size: number, standing: number): number;
  /** `ahead` after `size` lots were cancelled at the price, after which `standing` stand there. */
  cancelled(ahead: number, size: number, whose: Canceller, standing: number): number;
}

const nobody = (): number => 0;
const everybody = (): number => Infinity;

/** Never more than stand there, which also mends what wrong attributions have left. */
function traded(ahead: number, size: number, standing: number): number {
  return Math.min(Math.max(0, ahead - size), standing);
}

export const TOUCH: FillModel = {
  name: "touch",
  aheadOfQuote: 0,
  joins: nobody,
  traded: nobody,
  cancelled: nobody,
};

export const QUEUE: FillModel = {
  name: "queue",
  aheadOfQuote: 0,
  joins: (standing) => standing,
  traded,
  cancelled: (ahead, size, whose, standing) =>
    whose === Canceller.before ? traded(ahead, size, standing) : Math.min(ahead, standing),
};

export const LEVEL: FillModel = {
  name: "level",
  aheadOfQuote: 0,
  joins: (standing) => standing,
  traded,
  cancelled: (ahead, _size, _whose, standing) => Math.min(ahead, standing),
};

export const THROUGH: FillModel = {
  name: "through",
  aheadOfQuote: Infinity,
  joins: everybody,
  traded: everybody,
  cancelled: everybody,
};

export const FILL_MODELS = { touch: TOUCH, queue: QUEUE, level: LEVEL, through: THROUGH } as const;
export type FillModelName = keyof typeof FILL_MODELS;
