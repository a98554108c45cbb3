/** Where an episode starts: a market, each as likely as any other, and one of its start rows. */
import { assert, type Prng } from "../core/index.ts";
import type { MarketData } from "./session-data.ts";

export interface EpisodeStart {
  /** Index into the list of markets. */
  readonly market: number;
  readonly startRow: number;
}

/** Draws a start that leaves room for `steps` decisions where the recording allows. */
export function drawStart(
  markets: readonly MarketData[],
  steps: number | null,
  prng: Prng,
): EpisodeStart {
  const market = prng.integer(markets.length);
  const data = markets[market];
  assert(data !== undefined && data.starts.length > 0, "every loaded market has starts");
  const { starts, rows } = data;
  const lastStart = steps === null ? Infinity : rows.count - 1 - steps;
  let roomy = lastIndexUpTo(starts, lastStart) + 1;
  if (roomy === 0) roomy = steps === null ? starts.length : 1;
  return { market, startRow: starts[prng.integer(roomy)] as number };
}

/** Index of the last element that is at most `bound`, or -1; `sorted` is ascending. */
function lastIndexUpTo(sorted: Uint32Array, bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= bound) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
