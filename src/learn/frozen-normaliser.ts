/**
 * The normalisation that a policy was trained with, as it stands when the policy acts: moments that
 * nothing updates. Its form is that of Stable-Baselines3's VecNormalize, so that theirs and ours are
 * one: (x - mean) / sqrt(variance + epsilon), clipped.
 */
import { canonicalJson, sha256 } from "../core/index.ts";
import { EPSILON, LIMIT, type NormaliserState } from "./observation-normaliser.ts";

/** Plain data. */
export interface NormaliserStatistics {
  /** [O] each */
  readonly mean: readonly number[];
  readonly variance: readonly number[];
  /** Normalised observations lie within this many deviations. */
  readonly clip: number;
  readonly epsilon: number;
}

/** What a trainer's moments amount to once frozen. */
export function statisticsOf({ mean, variance }: NormaliserState): NormaliserStatistics {
  return { mean, variance, clip: LIMIT, epsilon: EPSILON };
}

/** SHA-256 by which a model file names the statistics that it needs. */
export function hashOfStatistics({ mean, variance, clip, epsilon }: NormaliserStatistics): string {
  return sha256(canonicalJson({ mean, variance, clip, epsilon }));
}

export class FrozenNormaliser {
  readonly #mean: Float64Array;
  readonly #deviation: Float64Array;
  readonly #clip: number;

  constructor({ mean, variance, clip, epsilon }: NormaliserStatistics) {
    this.#mean = Float64Array.from(mean);
    this.#deviation = Float64Array.from(variance, (value) => Math.sqrt(value + epsilon));
    this.#clip = clip;
  }

  /** Writes the normalised `observation` [O] into `out`. The same bits as while training. */
  apply(out: Float32Array, observation: Float32Array): void {
    const clip = this.#clip;
    for (let k = 0; k < this.#mean.length; k++) {
      const distance = (observation[k] as number) - (this.#mean[k] as number);
      const scaled = distance / (this.#deviation[k] as number);
      out[k] = scaled > clip ? clip : scaled < -clip ? -clip : scaled;
    }
  }
}
