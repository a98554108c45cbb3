/**
 * A policy's network at work in the compute kernel, an observation at a time: a few microseconds.
 * The parameters are copied into a memory of its own.
 */
import type { FloatArray } from "../arithmetic.ts";
import { type DenseLayer, type LogitNetwork, placeLayers } from "../dense-network.ts";
import { toKernelOrder } from "../kernel-layout.ts";
import { instantiateKernel, type KernelExports, MemoryPlan } from "./kernel-module.ts";
import { KernelNetwork, writeThread } from "./kernel-network.ts";
import { sizeOf, THREAD } from "./structures.ts";

export class KernelDenseNetwork implements LogitNetwork {
  readonly observations: number;
  readonly actions: number;
  readonly #kernel: KernelExports;
  readonly #network: number;
  readonly #thread: number;
  readonly #observationAt: number;
  readonly #observation: Float32Array;
  readonly #logitsAt: number;
  readonly #logits: Float32Array;

  /** At least one layer, each taking what the one before gives. */
  constructor(layers: readonly DenseLayer[]) {
    const { placed, params } = placeLayers(layers);
    const plan = new MemoryPlan();
    const network = new KernelNetwork(plan, { trunk: [], policy: placed, value: [] });
    const thread = network.reserveThread(plan, 0, 0);
    this.observations = network.observations;
    this.actions = network.actions;
    this.#network = network.at;
    this.#thread = plan.reserve(sizeOf(THREAD));
    this.#observationAt = plan.reserveFloats(this.observations);
    this.#logitsAt = plan.reserveFloats(this.actions);
    const memory = plan.make();
    this.#kernel = instantiateKernel(memory);
    const view = new DataView(memory.buffer);
    network.write(view);
    writeThread(view, this.#thread, thread);
    const { length } = network.layout;
    toKernelOrder(new Float32Array(memory.buffer, network.params, length), params, network.layout);
    this.#observation = new Float32Array(memory.buffer, this.#observationAt, this.observations);
    this.#logits = new Float32Array(memory.buffer, this.#logitsAt, this.actions);
  }

  logits(observation: FloatArray): FloatArray {
    this.#observation.set(observation);
    this.#kernel.logits(this.#network, this.#thread, this.#observationAt, this.#logitsAt);
    return this.#logits;
  }
}
