/**
 * The samples of one iteration: what every lane saw, did and got, the values that were thought of
 * it, and the account of episodes that ended in it. Filled by the trainer, learnt from by the update.
 */
import type { VectorEnv } from "../gym/index.ts";
import type { Samples } from "./collect.ts";
import type { RolloutArrays } from "./ppo-engine.ts";
import type { RewardNormaliser } from "./reward-normaliser.ts";

/** The arrays of one rollout, T steps of N lanes, [T, N] and [T, N, width] row-major. */
export class Rollout {
  readonly T: number;
  readonly N: number;
  readonly size: number;
  readonly observations: Float32Array;
  readonly masks: Uint8Array;
  readonly actions: Int32Array;
  readonly logProbabilities: Float32Array;
  readonly laneRewards: Float64Array;
  /** What is learnt from: normalised, where that is wanted. */
  readonly rewards: Float32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly episodeReturns: Float64Array;
  readonly episodeLengths: Uint32Array;
  readonly values: Float32Array;
  readonly finalValues: Float32Array;
  readonly lastValues: Float32Array;
  readonly nextValues: Float32Array;
  readonly advantages: Float32Array;
  readonly returns: Float32Array;
  readonly indices: Uint32Array;
  readonly uniforms: Float64Array;
  readonly #actionCount: number;
  /** Of one step. [N] each */
  readonly #ended: Uint8Array;
  readonly #normalised: Float64Array;
  #episodes = 0;
  #returnTotal = 0;
  #lengthTotal = 0;

  /** `arrays` are the engine's, which it computes with where they are. */
  constructor(T: number, { count: N, actionCount: A }: VectorEnv, arrays: RolloutArrays) {
    const size = T * N;
    this.T = T;
    this.N = N;
    this.size = size;
    this.#actionCount = A;
    this.#ended = new Uint8Array(N);
    this.#normalised = new Float64Array(N);
    this.observations = arrays.observations;
    this.masks = arrays.masks;
    this.actions = arrays.actions;
    this.logProbabilities = arrays.logProbabilities;
    this.rewards = new Float32Array(size);
    const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(size * bytes);
    this.laneRewards = new Float64Array(shared(8));
    this.terminated = new Uint8Array(shared(1));
    this.truncated = new Uint8Array(shared(1));
    this.episodeReturns = new Float64Array(shared(8));
    this.episodeLengths = new Uint32Array(shared(4));
    this.values = arrays.values;
    this.finalValues = new Float32Array(shared(4));
    this.lastValues = new Float32Array(N);
    this.nextValues = new Float32Array(size);
    this.advantages = arrays.advantages;
    this.returns = arrays.returns;
    this.indices = arrays.indices;
    this.uniforms = arrays.uniforms;
  }

  /** What threads that collect their own lanes write: all of it in shared memory. */
  get samples(): Samples {
    const { T, N, observations, masks, actions, laneRewards, terminated, truncated } = this;
    const { episodeReturns, episodeLengths, finalValues } = this;
    const seen = { T, N, observations, masks, actions };
    const got = { laneRewards, terminated, truncated, episodeReturns, episodeLengths, finalValues };
    return { ...seen, ...got };
  }

  /** `uniform` gives the numbers that actions are drawn by, lane after lane in every step. */
  begin(uniform: () => number): void {
    for (let i = 0; i < this.size; i++) this.uniforms[i] = uniform();
    this.#episodes = 0;
    this.#returnTotal = 0;
    this.#lengthTotal = 0;
    // Every iteration shuffles from the same order, so that a resumed run needs no memory of it.
    for (let i = 0; i < this.size; i++) this.indices[i] = i;
  }

  /** Accounts for what was collected; rewards become what the normaliser, if any, makes of them. */
  finish(normaliser: RewardNormaliser | null): void {
    for (let t = 0; t < this.T; t++) this.#finishStep(t * this.N, normaliser);
  }

  #finishStep(row: number, normaliser: RewardNormaliser | null): void {
    const { N, terminated, truncated } = this;
    for (let lane = 0; lane < N; lane++) {
      const ended = terminated[row + lane] === 1 || truncated[row + lane] === 1;
      this.#ended[lane] = ended ? 1 : 0;
    }
    const given = this.laneRewards.subarray(row, row + N);
    normaliser?.step(this.#normalised, given, this.#ended);
    this.rewards.set(normaliser === null ? given : this.#normalised, row);
    for (let lane = 0; lane < N; lane++) {
      if (this.#ended[lane] === 0) continue;
      this.#episodes += 1;
      this.#returnTotal += this.episodeReturns[row + lane] as number;
      this.#lengthTotal += this.episodeLengths[row + lane] as number;
    }
  }

  report() {
    const counts = new Array<number>(this.#actionCount).fill(0);
    for (const action of this.actions) counts[action] = (counts[action] as number) + 1;
    return {
      episodes: this.#episodes,
      meanReturn: this.#returnTotal / this.#episodes,
      meanLength: this.#lengthTotal / this.#episodes,
      explainedVariance: explainedVariance(this.values, this.returns),
      actionShares: counts.map((count) => count / this.size),
    };
  }
}

/** 1 - Var(returns - values) / Var(returns); 0 where the returns do not vary. */
function explainedVariance(values: Float32Array, returns: Float32Array): number {
  const n = returns.length;
  let sum = 0;
  let sumSquares = 0;
  let errorSum = 0;
  let errorSquares = 0;
  for (let i = 0; i < n; i++) {
    const target = returns[i] as number;
    const error = target - (values[i] as number);
    sum += target;
    sumSquares += target * target;
    errorSum += error;
    errorSquares += error * error;
  }
  const variance = sumSquares / n - (sum / n) * (sum / n);
  const errorVariance = errorSquares / n - (errorSum / n) * (errorSum / n);
  return variance > 0 ? 1 - errorVariance / variance : 0;
}
