/**
 * PPO's arithmetic in the compute kernel: networks, rollout, gradients and moments in one linear
 * memory, minibatch updates on one or several threads.
 */
import { assert } from "../../core/index.ts";
import { type KernelLayout, roundedUp, fromKernelOrder, toKernelOrder } from "../kernel-layout.ts";
import { type Layer, layersOf, type NetworkShape } from "../network-shape.ts";
import type {
  EngineOptions,
  LearnerState,
  MinibatchReport,
  PpoEngine,
  RolloutArrays,
  UpdateRates,
} from "../ppo-engine.ts";
import type { PpoSettings } from "../ppo-settings.ts";
import { instantiateKernel, type KernelMemory, MemoryPlan } from "./kernel-module.ts";
import { KernelActor, type KernelActorPlan } from "./kernel-actor.ts";
import { type KernelLayers, KernelNetwork, writeThread } from "./kernel-network.ts";
import { KernelThreads } from "./kernel-threads.ts";
import {
  FACTORS,
  readStructure,
  REPORT,
  SAMPLES,
  sizeOf,
  THREAD,
  UPDATE,
  writeStructure,
} from "./structures.ts";

/** The kernel's layers of a network's shape. */
function kernelLayersOf(shape: NetworkShape): KernelLayers {
  const { trunk, policy, value } = layersOf(shape);
  const { activation } = shape;
  const hidden = (layers: readonly Layer[]) => layers.map((layer) => ({ ...layer, activation }));
  const headed = (layers: readonly Layer[]) => [
    ...hidden(layers.slice(0, -1)),
    ...layers.slice(-1).map((layer) => ({ ...layer, activation: "linear" as const })),
  ];
  return { trunk: hidden(trunk), policy: headed(policy), value: headed(value) };
}

export class KernelEngine implements PpoEngine {
  readonly rollout: RolloutArrays;
  readonly actorPlan: KernelActorPlan;
  readonly #shape: NetworkShape;
  readonly #settings: PpoSettings;
  readonly #view: DataView;
  readonly #layout: KernelLayout;
  readonly #at: Addresses;
  readonly #params: Float32Array;
  readonly #first: Float32Array;
  readonly #second: Float32Array;
  readonly #actor: KernelActor;
  readonly #threads: KernelThreads;
  #beta1Power = 1;
  #beta2Power = 1;

  /** `KERNEL_MEMORY` where rollout and networks do not fit into memory. */
  constructor({ shape, settings, lanes, threads: wanted, blocks = 1 }: EngineOptions) {
    // A thread without a shard would only keep the others waiting.
    const threads = Math.min(wanted, settings.shards);
    const plan = new MemoryPlan();
    const network = new KernelNetwork(plan, kernelLayersOf(shape));
    const at = reserve(plan, network, shape, settings, { lanes, threads, blocks });
    const memory = plan.make();
    const kernel = instantiateKernel(memory);
    this.#shape = shape;
    this.#settings = settings;
    this.#view = new DataView(memory.buffer);
    this.#layout = network.layout;
    this.#at = at;
    const { length } = network.layout;
    this.#params = floats(memory, network.params, length);
    this.#first = floats(memory, at.first, length);
    this.#second = floats(memory, at.second, length);
    this.rollout = rolloutArrays(memory, at, at.B, shape);
    this.actorPlan = actorPlanOf(memory, at, shape, blocks);
    this.#actor = new KernelActor(this.actorPlan, { firstLane: 0, block: 0 }, kernel);
    network.write(this.#view);
    for (const [index, thread] of at.threads.entries()) {
      writeThread(this.#view, at.threadsAt + index * sizeOf(THREAD), thread);
    }
    writeStructure(this.#view, at.samples, SAMPLES, at.arrays);
    writeUpdate(this.#view, at, settings, threads);
    this.#threads = new KernelThreads({
      kernel,
      memory,
      count: threads,
      update: at.update,
      control: at.control,
    });
  }

  act(from: number, rows: number): void {
    this.#actor.act(from, rows);
  }

  evaluate(): void {
    this.#threads.evaluate();
  }

  valuesOf(observations: Float32Array, into: Float32Array, at: number): void {
    this.#actor.valuesOf(observations, into, at);
  }

  learn(rates: UpdateRates): MinibatchReport[] {
    const { minibatches } = this.#settings;
    this.#writeFactors(rates);
    for (let index = 0; index < minibatches; index++) {
      this.#view.setInt32(this.#at.reports + index * sizeOf(REPORT) + CLIPPED_OFFSET, 0, true);
    }
    this.#threads.learnEpoch();
    return Array.from({ length: minibatches }, (_, index) => this.#report(index, rates));
  }

  /** Schedules and beta^t are double precision, rounded once where they meet float32. */
  #writeFactors({ clip, entropyCoefficient, learningRate }: UpdateRates): void {
    const { adam, minibatches } = this.#settings;
    for (let index = 0; index < minibatches; index++) {
      this.#beta1Power *= adam.beta1;
      this.#beta2Power *= adam.beta2;
      writeStructure(this.#view, this.#at.factors + index * sizeOf(FACTORS), FACTORS, {
        clipLow: 1 - clip,
        clipHigh: 1 + clip,
        entropyCoefficient,
        rate: learningRate / (1 - this.#beta1Power),
        root: Math.sqrt(1 - this.#beta2Power),
      });
    }
  }

  #report(index: number, rates: UpdateRates): MinibatchReport {
    const sums = readStructure(this.#view, this.#at.reports + index * sizeOf(REPORT), REPORT);
    const M = this.#at.B / this.#settings.minibatches;
    const policyLoss = sums.policyLoss / M;
    const valueLoss = sums.valueLoss / M;
    const entropy = sums.entropy / M;
    const { valueCoefficient } = this.#settings;
    return {
      policyLoss,
      valueLoss,
      entropy,
      loss: policyLoss + valueCoefficient * valueLoss - rates.entropyCoefficient * entropy,
      approxKl: sums.kl / M,
      clipFraction: sums.clipped / M,
      gradientNorm: sums.gradientNorm,
    };
  }

  save(): LearnerState {
    const canonical = (kernel: Float32Array): Float32Array => {
      const array = new Float32Array(layersOf(this.#shape).parameterCount);
      fromKernelOrder(array, kernel, this.#layout);
      return array;
    };
    return {
      params: canonical(this.#params),
      first: canonical(this.#first),
      second: canonical(this.#second),
      beta1Power: this.#beta1Power,
      beta2Power: this.#beta2Power,
    };
  }

  restore({ params, first, second, beta1Power, beta2Power }: LearnerState): void {
    assert(
      params.length === layersOf(this.#shape).parameterCount,
      "restored parameters are as many as the network has",
    );
    toKernelOrder(this.#params, params, this.#layout);
    toKernelOrder(this.#first, first, this.#layout);
    toKernelOrder(this.#second, second, this.#layout);
    this.#beta1Power = beta1Power;
    this.#beta2Power = beta2Power;
  }

  close(): void {
    this.#threads.close();
  }
}

const CLIPPED_OFFSET = 16;

/** Byte addresses of everything. */
type Addresses = ReturnType<typeof reserve>;

function reserve(
  plan: MemoryPlan,
  network: KernelNetwork,
  { observations: O, actions: A }: NetworkShape,
  { rolloutSteps, minibatches, shards }: PpoSettings,
  { lanes, threads, blocks }: Record<"lanes" | "threads" | "blocks", number>,
) {
  const B = rolloutSteps * lanes;
  const M = B / minibatches;
  const places = Math.max(threads, blocks);
  const gradsBytes = roundedUp(4 * network.layout.length, 64);
  return {
    B,
    M,
    network: network.at,
    samples: plan.reserve(sizeOf(SAMPLES)),
    update: plan.reserve(sizeOf(UPDATE)),
    /** Words by which threads wait for each other, three lines a barrier. */
    control: plan.reserve(64 * 8),
    threadsAt: plan.reserve(sizeOf(THREAD) * places),
    threads: Array.from({ length: places }, (_, index) =>
      network.reserveThread(plan, index, index < threads ? M : 0),
    ),
    arrays: {
      observations: plan.reserveFloats(B * O),
      actions: plan.reserveFloats(B),
      masks: plan.reserve(B * A),
      logProbabilities: plan.reserveFloats(B),
      advantages: plan.reserveFloats(B),
      returns: plan.reserveFloats(B),
      values: plan.reserveFloats(B),
    },
    indices: plan.reserveFloats(B),
    uniforms: plan.reserve(8 * B),
    others: plan.reserveFloats(lanes * O),
    otherValues: plan.reserveFloats(lanes),
    gradsBytes,
    grads: plan.reserve(gradsBytes * shards),
    first: plan.reserve(gradsBytes),
    second: plan.reserve(gradsBytes),
    policyLosses: plan.reserveFloats(M),
    valueLosses: plan.reserveFloats(M),
    entropies: plan.reserveFloats(M),
    kls: plan.reserveFloats(M),
    factors: plan.reserve(sizeOf(FACTORS) * minibatches),
    reports: plan.reserve(sizeOf(REPORT) * minibatches),
  };
}

function writeUpdate(view: DataView, at: Addresses, settings: PpoSettings, threads: number): void {
  const { adam, halfValueLoss, valueClip, valueCoefficient } = settings;
  writeStructure(view, at.update, UPDATE, {
    network: at.network,
    samples: at.samples,
    threads: at.threadsAt,
    threadCount: threads,
    barrier: at.control,
    M: at.M,
    shards: settings.shards,
    normaliseAdvantages: settings.normaliseAdvantages ? 1 : 0,
    halfValueLoss: halfValueLoss ? 1 : 0,
    clipsValue: valueClip === null ? 0 : 1,
    valueClip: valueClip ?? 0,
    valueFactor: halfValueLoss ? valueCoefficient : 2 * valueCoefficient,
    beta1: adam.beta1,
    beta2: adam.beta2,
    gain1: 1 - adam.beta1,
    gain2: 1 - adam.beta2,
    epsilon: adam.epsilon,
    grads: at.grads,
    gradsBytes: at.gradsBytes,
    first: at.first,
    second: at.second,
    policyLosses: at.policyLosses,
    valueLosses: at.valueLosses,
    entropies: at.entropies,
    kls: at.kls,
    factors: at.factors,
    reports: at.reports,
    minibatches: settings.minibatches,
    indices: at.indices,
    gradientNormMax: settings.gradientNormMax,
  });
}

function floats(memory: KernelMemory, at: number, length: number): Float32Array {
  return new Float32Array(memory.buffer, at, length);
}

function rolloutArrays(
  memory: KernelMemory,
  { arrays, indices, uniforms }: Addresses,
  B: number,
  { observations: O, actions: A }: NetworkShape,
): RolloutArrays {
  const { buffer } = memory;
  return {
    observations: floats(memory, arrays.observations, B * O),
    masks: new Uint8Array(buffer, arrays.masks, B * A),
    actions: new Int32Array(buffer, arrays.actions, B),
    logProbabilities: floats(memory, arrays.logProbabilities, B),
    values: floats(memory, arrays.values, B),
    advantages: floats(memory, arrays.advantages, B),
    returns: floats(memory, arrays.returns, B),
    indices: new Uint32Array(buffer, indices, B),
    uniforms: new Float64Array(buffer, uniforms, B),
  };
}

function actorPlanOf(
  memory: KernelMemory,
  { arrays, network, threadsAt, uniforms, others, otherValues }: Addresses,
  { observations: O, actions: A }: NetworkShape,
  blocks: number,
): KernelActorPlan {
  return {
    memory,
    O,
    A,
    networkAt: network,
    threadsAt,
    blocks,
    observationsAt: arrays.observations,
    masksAt: arrays.masks,
    uniformsAt: uniforms,
    actionsAt: arrays.actions,
    logProbabilitiesAt: arrays.logProbabilities,
    othersAt: others,
    otherValuesAt: otherValues,
  };
}
