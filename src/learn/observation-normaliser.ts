/**
 * Running mean and variance of observations, and observations brought to mean 0 and deviation 1 by
 * them. Learns while a rollout is collected; a saved state that nobody updates is frozen, as policies
 * at work use it. Double precision in a fixed order, so resumed runs go on bit for bit.
 */
import { assert } from "../core/index.ts";

/** Plain data for checkpoints and manifests. */
export interface NormaliserState {
  readonly count: number;
  /** [O] each */
  readonly mean: readonly number[];
  readonly variance: readonly number[];
}

/** Normalised observations lie within this many deviations. */
const LIMIT = 10;
const EPSILON = 1e-8;
/** The weight of the mean 0 and variance 1 that it begins with. */
const FIRST_COUNT = 1e-4;

export class ObservationNormaliser {
  #count = FIRST_COUNT;
  readonly #mean: Float64Array;
  readonly #variance: Float64Array;

  constructor(size: number) {
    this.#mean = new Float64Array(size);
    this.#variance = new Float64Array(size).fill(1);
  }

  /**
   * Takes in rows [B, O]. Source: Chan, Golub and LeVeque, 1979, as in Gymnasium's and
   * Stable-Baselines3's RunningMeanStd.
   */
  update(rows: Float32Array | Float64Array, B: number): void {
    const O = this.#mean.length;
    const total = this.#count + B;
    for (let k = 0; k < O; k++) {
      let sum = 0;
      for (let b = 0; b < B; b++) sum += rows[b * O + k] as number;
      const batchMean = sum / B;
      let squares = 0;
      for (let b = 0; b < B; b++) {
        const distance = (rows[b * O + k] as number) - batchMean;
        squares += distance * distance;
      }
      const mean = this.#mean[k] as number;
      const delta = batchMean - mean;
      const before = (this.#variance[k] as number) * this.#count;
      const between = (delta * delta * this.#count * B) / total;
      this.#mean[k] = mean + (delta * B) / total;
      this.#variance[k] = (before + squares + between) / total;
    }
    this.#count = total;
  }

  /** Writes rows [B, O], normalised and clipped to -10..10, into `out`, which may be `rows`. */
  apply(out: Float32Array | Float64Array, rows: Float32Array | Float64Array, B: number): void {
    const O = this.#mean.length;
    for (let k = 0; k < O; k++) {
      const mean = this.#mean[k] as number;
      const deviation = Math.sqrt((this.#variance[k] as number) + EPSILON);
      for (let b = 0; b < B; b++) {
        const scaled = ((rows[b * O + k] as number) - mean) / deviation;
        out[b * O + k] = scaled > LIMIT ? LIMIT : scaled < -LIMIT ? -LIMIT : scaled;
      }
    }
  }

  save(): NormaliserState {
    return { count: this.#count, mean: [...this.#mean], variance: [...this.#variance] };
  }

  restore({ count, mean, variance }: NormaliserState): void {
    assert(mean.length === this.#mean.length, "a saved normaliser has as many means");
    assert(variance.length === this.#mean.length, "a saved normaliser has as many variances");
    this.#count = count;
    this.#mean.set(mean);
    this.#variance.set(variance);
  }
}
