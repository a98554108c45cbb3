/**
 * One PPO minibatch: loss, gradient, clipping, Adam. Source: Schulman et al., 2017
 * (arXiv:1707.06347), in the form of CleanRL's ppo.py; masking after Huang and Ontanon, 2022.
 *
 *   ratio = pi(a|o) / pi_old(a|o)
 *   L = mean( max(-A ratio, -A clip(ratio)) ) + c_v mean(value loss) - c_e mean(entropy)
 *
 * A minibatch of M samples is cut into S shards with gradients of their own; samples of a shard add
 * up in their order, shards are added in theirs.
 */
import type { FloatArray } from "./arithmetic.ts";
import { type ActorCritic, TILE } from "./actor-critic.ts";
import { type KernelLayout, kernelLayoutOf, toKernelOrder } from "./kernel-layout.ts";
import { makeMaskedCategorical, type MaskedCategorical } from "./masked-categorical.ts";
import type { MinibatchReport, UpdateRates } from "./ppo-engine.ts";
import type { PpoSettings } from "./ppo-settings.ts";

/** A rollout's samples, B of them in a row. */
export interface Samples {
  /** [B, O] */
  readonly observations: FloatArray;
  /** [B] */
  readonly actions: Int32Array;
  /** [B, A] */
  readonly masks: Uint8Array;
  /** Log-probability of each action when it was drawn. [B] */
  readonly logProbabilities: FloatArray;
  /** [B] each */
  readonly advantages: FloatArray;
  readonly returns: FloatArray;
  readonly values: FloatArray;
}

export class PpoUpdate {
  readonly network: ActorCritic;
  /** Adam's moments and beta^t, for checkpoints. */
  readonly first: FloatArray;
  readonly second: FloatArray;
  beta1Power = 1;
  beta2Power = 1;
  readonly #settings: PpoSettings;
  readonly #categorical: MaskedCategorical;
  readonly #shardGrads: readonly FloatArray[];
  /** The gradient in the order that its norm is summed in. */
  readonly #layout: KernelLayout;
  readonly #ordered: FloatArray;
  /** Per-sample terms of the minibatch. [M] */
  readonly #advantages: FloatArray;
  readonly #policyLosses: FloatArray;
  readonly #valueLosses: FloatArray;
  readonly #entropies: FloatArray;
  readonly #kls: FloatArray;
  #clipped = 0;
  /** One tile. */
  readonly #observations: FloatArray;
  readonly #logs: FloatArray;
  readonly #dLogits: FloatArray;
  readonly #dValues: FloatArray;

  /** `M` is the size of a minibatch. */
  constructor(network: ActorCritic, settings: PpoSettings, M: number) {
    this.network = network;
    this.#settings = settings;
    const { arithmetic, shape, params } = network;
    const { allocate } = arithmetic;
    this.first = allocate(params.length);
    this.second = allocate(params.length);
    this.#categorical = makeMaskedCategorical(arithmetic, shape.actions);
    this.#shardGrads = Array.from({ length: settings.shards }, () => allocate(params.length));
    this.#layout = kernelLayoutOf(shape);
    this.#ordered = allocate(this.#layout.length);
    this.#advantages = allocate(M);
    this.#policyLosses = allocate(M);
    this.#valueLosses = allocate(M);
    this.#entropies = allocate(M);
    this.#kls = allocate(M);
    this.#observations = allocate(TILE * shape.observations);
    this.#logs = allocate(shape.actions);
    this.#dLogits = allocate(TILE * shape.actions);
    this.#dValues = allocate(TILE);
  }

  /** Learns from the samples that `indices` [M] names. */
  minibatch(samples: Samples, indices: Uint32Array, rates: UpdateRates): MinibatchReport {
    const { kernels } = this.network;
    const grads = this.gradient(samples, indices, rates);
    toKernelOrder(this.#ordered, grads, this.#layout);
    const gradientNorm = Math.sqrt(kernels.sumOfSquares(this.#ordered, 0, this.#layout.length));
    const { adam, gradientNormMax } = this.#settings;
    this.beta1Power *= adam.beta1;
    this.beta2Power *= adam.beta2;
    const { params } = this.network;
    const arrays = { params, grads, first: this.first, second: this.second };
    kernels.adam(arrays, adam, {
      learningRate: rates.learningRate,
      scale: Math.min(1, gradientNormMax / (gradientNorm + 1e-6)),
      beta1Power: this.beta1Power,
      beta2Power: this.beta2Power,
    });
    return this.#report(indices.length, rates, gradientNorm);
  }

  /** The loss's gradient over a minibatch, before clipping; valid until the next call. */
  gradient(samples: Samples, indices: Uint32Array, rates: UpdateRates): FloatArray {
    const M = indices.length;
    const { shards } = this.#settings;
    this.#gatherAdvantages(samples, indices);
    this.#clipped = 0;
    const perShard = M / shards;
    for (const [shard, grads] of this.#shardGrads.entries()) {
      grads.fill(0);
      const end = (shard + 1) * perShard;
      for (let from = shard * perShard; from < end; from += TILE) {
        this.#tile(grads, samples, indices, from, Math.min(TILE, end - from), rates);
      }
    }
    const [total, ...others] = this.#shardGrads;
    for (const grads of others) this.network.kernels.add(total as FloatArray, grads, grads.length);
    return total as FloatArray;
  }

  /** Advantages of the minibatch, by default with mean 0 and (unbiased) deviation 1. */
  #gatherAdvantages(samples: Samples, indices: Uint32Array): void {
    const { kernels, arithmetic } = this.network;
    const { round } = arithmetic;
    const M = indices.length;
    const advantages = this.#advantages;
    for (let i = 0; i < M; i++) {
      advantages[i] = samples.advantages[indices[i] as number] as number;
    }
    if (!this.#settings.normaliseAdvantages) return;
    const mean = round(kernels.sum(advantages, M) / M);
    const variance = round(kernels.sumOfSquares(advantages, mean, M) / (M - 1));
    const scale = round(round(Math.sqrt(variance)) + round(1e-8));
    for (let i = 0; i < M; i++) {
      advantages[i] = round(round((advantages[i] as number) - mean) / scale);
    }
  }

  #tile(
    grads: FloatArray,
    samples: Samples,
    indices: Uint32Array,
    from: number,
    B: number,
    rates: UpdateRates,
  ): void {
    const { network } = this;
    const O = network.shape.observations;
    const observations = this.#observations;
    for (let b = 0; b < B; b++) {
      const source = (indices[from + b] as number) * O;
      for (let k = 0; k < O; k++) {
        observations[b * O + k] = samples.observations[source + k] as number;
      }
    }
    const { logits, values } = network.forward(observations, B);
    for (let b = 0; b < B; b++) {
      this.#policySample(samples, indices, from + b, b, logits, rates);
      this.#valueSample(samples, indices, from + b, b, values[b] as number);
    }
    network.backward(grads, observations, this.#dLogits, this.#dValues, B);
  }

  /** The policy's terms of sample `m` of the minibatch, number `b` of its tile. */
  #policySample(
    samples: Samples,
    indices: Uint32Array,
    m: number,
    b: number,
    logits: FloatArray,
    rates: UpdateRates,
  ): void {
    const { arithmetic, shape } = this.network;
    const { round, exp } = arithmetic;
    const A = shape.actions;
    const i = indices[m] as number;
    const M = indices.length;
    const logs = this.#logs;
    const { masks } = samples;
    const entropy = this.#categorical.logProbabilities(logs, 0, logits, b * A, masks, i * A);
    const action = samples.actions[i] as number;
    const logRatio = round((logs[action] as number) - (samples.logProbabilities[i] as number));
    const ratio = exp(logRatio);
    const advantage = this.#advantages[m] as number;
    const low = round(1 - rates.clip);
    const high = round(1 + rates.clip);
    const clipped = ratio < low ? low : ratio > high ? high : ratio;
    const free = round(-advantage * ratio);
    const bound = round(-advantage * clipped);
    this.#policyLosses[m] = free > bound ? free : bound;
    this.#entropies[m] = entropy;
    this.#kls[m] = round(round(ratio - 1) - logRatio);
    if (ratio < low || ratio > high) this.#clipped += 1;
    // Where the clipped term is the larger, moving the policy further changes nothing.
    const dLog = free >= bound ? free : 0;
    const weight = round(rates.entropyCoefficient);
    for (let a = 0; a < A; a++) {
      const log = logs[a] as number;
      const at = b * A + a;
      if (log === -Infinity) {
        this.#dLogits[at] = 0;
        continue;
      }
      const p = exp(log);
      const chosen = a === action ? round(1 - p) : -p;
      const spread = round(weight * round(p * round(log + entropy)));
      this.#dLogits[at] = round(round(round(dLog * chosen) + spread) / M);
    }
  }

  #valueSample(samples: Samples, indices: Uint32Array, m: number, b: number, value: number): void {
    const { round } = this.network.arithmetic;
    const { valueClip, valueCoefficient, halfValueLoss } = this.#settings;
    const i = indices[m] as number;
    const target = samples.returns[i] as number;
    const error = round(value - target);
    let loss = round(error * error);
    let slope = error;
    if (valueClip !== null) {
      const old = samples.values[i] as number;
      const bound = round(valueClip);
      const change = round(value - old);
      const clippedChange = change < -bound ? -bound : change > bound ? bound : change;
      const clippedError = round(round(old + clippedChange) - target);
      const clippedLoss = round(clippedError * clippedError);
      if (clippedLoss > loss) {
        loss = clippedLoss;
        slope = change === clippedChange ? clippedError : 0;
      }
    }
    this.#valueLosses[m] = halfValueLoss ? round(0.5 * loss) : loss;
    const factor = round(halfValueLoss ? valueCoefficient : 2 * valueCoefficient);
    this.#dValues[b] = round(round(factor * slope) / indices.length);
  }

  #report(M: number, rates: UpdateRates, gradientNorm: number): MinibatchReport {
    const { kernels } = this.network;
    const mean = (terms: FloatArray): number => kernels.sum(terms, M) / M;
    const policyLoss = mean(this.#policyLosses);
    const valueLoss = mean(this.#valueLosses);
    const entropy = mean(this.#entropies);
    return {
      policyLoss,
      valueLoss,
      entropy,
      loss:
        policyLoss +
        this.#settings.valueCoefficient * valueLoss -
        rates.entropyCoefficient * entropy,
      approxKl: mean(this.#kls),
      clipFraction: this.#clipped / M,
      gradientNorm,
    };
  }
}
