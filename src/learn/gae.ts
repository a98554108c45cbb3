/** Generalized advantage estimation. */
import type { Arithmetic, FloatArray } from "./arithmetic.ts";

/** A rollout of T steps of N lanes, row-major [T, N]. */
export interface GaeInput {
  readonly rewards: FloatArray;
  /** V of the observation that each action was chosen from. [T, N] */
  readonly values: FloatArray;
  /**
   * V of the observation that came of each step: of the episode's last one where it was truncated,
   * else of the next row's. Not read where terminated. [T, N]
   */
  readonly nextValues: FloatArray;
  /** 1 where the episode ended in the step: nothing follows, the next value is 0. [T, N] */
  readonly terminated: Uint8Array;
  /** 1 where we stopped watching: something follows, worth its value. [T, N] */
  readonly truncated: Uint8Array;
}

export interface GaeSettings {
  readonly T: number;
  readonly N: number;
  readonly gamma: number;
  readonly lambda: number;
}

/**
 * Writes `advantages` and `returns` (advantage + value), [T, N] each; allocates nothing. Advantages
 * add up along an episode and never across its end, however it ended.
 * Source: arXiv:1506.02438, equation 16; for time limits Pardo et al., 2018 (arXiv:1712.00378).
 */
export function gae(
  advantages: FloatArray,
  returns: FloatArray,
  { rewards, values, nextValues, terminated, truncated }: GaeInput,
  { T, N, gamma, lambda }: GaeSettings,
  { round }: Pick<Arithmetic, "round">,
): void {
  const discount = round(gamma);
  const decay = round(gamma * lambda);
  for (let n = 0; n < N; n++) {
    let later = 0;
    for (let t = T - 1; t >= 0; t--) {
      const i = t * N + n;
      const next = terminated[i] === 1 ? 0 : (nextValues[i] as number);
      const value = values[i] as number;
      const delta = round(round((rewards[i] as number) + round(discount * next)) - value);
      const ended = terminated[i] === 1 || truncated[i] === 1;
      later = ended ? delta : round(delta + round(decay * later));
      advantages[i] = later;
      returns[i] = round(later + value);
    }
  }
}
