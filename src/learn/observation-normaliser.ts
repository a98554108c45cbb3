/**
 * Observations brought to mean 0 and deviation 1 by running moments. They learn while a rollout is
 * collected; a saved state that nobody updates is frozen, as policies at work use it.
 */
import { type NormaliserState, RunningMoments } from "./running-moments.ts";

export type { NormaliserState } from "./running-moments.ts";

/** Normalised observations lie within this many deviations. */
export const LIMIT = 10;
/** Added to variances, so that what never changes does not divide by zero. */
export const EPSILON = 1e-8;

export class ObservationNormaliser {
  readonly #moments: RunningMoments;

  constructor(size: number) {
    this.#moments = new RunningMoments(size);
  }

  /** Takes in rows [B, O]. */
  update(rows: Float32Array | Float64Array, B: number): void {
    this.#moments.update(rows, B);
  }

  /** Writes rows [B, O], normalised and clipped to -10..10, into `out`, which may be `rows`. */
  apply(out: Float32Array | Float64Array, rows: Float32Array | Float64Array, B: number): void {
    const { mean: means, variance } = this.#moments;
    const O = means.length;
    for (let k = 0; k < O; k++) {
      const mean = means[k] as number;
      const deviation = Math.sqrt((variance[k] as number) + EPSILON);
      for (let b = 0; b < B; b++) {
        const scaled = ((rows[b * O + k] as number) - mean) / deviation;
        out[b * O + k] = scaled > LIMIT ? LIMIT : scaled < -LIMIT ? -LIMIT : scaled;
      }
    }
  }

  save(): NormaliserState {
    return this.#moments.save();
  }

  restore(state: NormaliserState): void {
    this.#moments.restore(state);
  }
}
