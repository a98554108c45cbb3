/** Ranges of the flags that set a local exchange up: those of `exchange`, and of `paper` for its own. */
import { numberWithin, wholeNumberWithin } from "../number-flags.ts";

/** Beyond a billion dollars sums would not be exact. */
const CASH_MAX = 1_000_000_000;

export const speedFrom = numberWithin(0.001, 100_000);
export const skipFrom = numberWithin(0, 10_000_000);
export const marketsFrom = wholeNumberWithin(1, 1_000);
export const minutesFrom = numberWithin(1, 100_000);
export const activityFrom = numberWithin(0.000001, 1_000);
export const cashFrom = wholeNumberWithin(1, CASH_MAX);
