/**
 * Rewards divided by the running deviation of the discounted return, so that values and advantages
 * are of the size of one whatever the rewards' unit. For learning alone: what a run reports, and
 * what a policy earns, stays in the environment's unit. Definition and order as Stable-Baselines3's
 * VecNormalize: the return of each lane takes in its reward, the moments take in the returns of all
 * lanes, the reward is divided by the deviation that results, and an episode's end clears its return.
 * The mean is not subtracted: it would change what an episode's length is worth.
 */
import { assert } from "../core/index.ts";
import { type NormaliserState, RunningMoments } from "./running-moments.ts";

/** Plain data for checkpoints. */
export interface RewardNormaliserState {
  readonly moments: NormaliserState;
  /** Discounted return of each lane's episode so far. [N] */
  readonly returns: readonly number[];
}

/** Normalised rewards lie within it. */
const LIMIT = 10;
const EPSILON = 1e-8;

export class RewardNormaliser {
  readonly #gamma: number;
  readonly #moments = new RunningMoments(1);
  readonly #returns: Float64Array;

  /** For `lanes` environments. */
  constructor(lanes: number, gamma: number) {
    this.#gamma = gamma;
    this.#returns = new Float64Array(lanes);
  }

  /**
   * Takes in the rewards [N] of one step and writes them, normalised and clipped to -10..10, into
   * `out` [N]. `ended` is 1 where the step ended an episode, however it did. [N] each
   */
  step(out: Float64Array, rewards: Float64Array, ended: Uint8Array): void {
    const returns = this.#returns;
    const N = returns.length;
    for (let lane = 0; lane < N; lane++) {
      returns[lane] = (returns[lane] as number) * this.#gamma + (rewards[lane] as number);
    }
    this.#moments.update(returns, N);
    const deviation = Math.sqrt((this.#moments.variance[0] as number) + EPSILON);
    for (let lane = 0; lane < N; lane++) {
      const scaled = (rewards[lane] as number) / deviation;
      out[lane] = scaled > LIMIT ? LIMIT : scaled < -LIMIT ? -LIMIT : scaled;
      if (ended[lane] === 1) returns[lane] = 0;
    }
  }

  save(): RewardNormaliserState {
    return { moments: this.#moments.save(), returns: [...this.#returns] };
  }

  restore({ moments, returns }: RewardNormaliserState): void {
    assert(returns.length === this.#returns.length, "a saved normaliser has as many lanes");
    this.#moments.restore(moments);
    this.#returns.set(returns);
  }
}
