/**
 * Mean and variance of rows that keep coming, without keeping the rows. Double precision in a fixed
 * order, so that a restored state goes on bit for bit.
 */
import { assert } from "../core/index.ts";

/** Plain data for checkpoints and manifests. */
export interface NormaliserState {
  readonly count: number;
  /** [O] each */
  readonly mean: readonly number[];
  readonly variance: readonly number[];
}

/** The weight of the mean 0 and variance 1 that it begins with. */
const FIRST_COUNT = 1e-4;

export class RunningMoments {
  #count = FIRST_COUNT;
  readonly mean: Float64Array;
  readonly variance: Float64Array;

  /** Of rows of `size` numbers. */
  constructor(size: number) {
    this.mean = new Float64Array(size);
    this.variance = new Float64Array(size).fill(1);
  }

  /**
   * Takes in rows [B, O]. Source: Chan, Golub and LeVeque, 1979, as in Gymnasium's and
   * Stable-Baselines3's RunningMeanStd.
   */
  update(rows: Float32Array | Float64Array, B: number): void {
    const O = this.mean.length;
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
      const mean = this.mean[k] as number;
      const delta = batchMean - mean;
      const before = (this.variance[k] as number) * this.#count;
      const between = (delta * delta * this.#count * B) / total;
      this.mean[k] = mean + (delta * B) / total;
      this.variance[k] = (before + squares + between) / total;
    }
    this.#count = total;
  }

  save(): NormaliserState {
    return { count: this.#count, mean: [...this.mean], variance: [...this.variance] };
  }

  restore({ count, mean, variance }: NormaliserState): void {
    assert(mean.length === this.mean.length, "a saved normaliser has as many means");
    assert(variance.length === this.mean.length, "a saved normaliser has as many variances");
    this.#count = count;
    this.mean.set(mean);
    this.variance.set(variance);
  }
}
