/**
 * The kernel at work on the observations of some lanes: actions and values. Any number of threads
 * have one each over the same memory; what they write lies apart.
 */
import { assert } from "../../core/index.ts";
import { instantiateKernel, type KernelExports, type KernelMemory } from "./kernel-module.ts";
import { sizeOf, THREAD } from "./structures.ts";

/** Plain data and memory, for a thread to act by. Numbers with `At` are byte addresses. */
export interface KernelActorPlan {
  readonly memory: KernelMemory;
  /** Observation numbers and actions. */
  readonly O: number;
  readonly A: number;
  readonly networkAt: number;
  /** Structures of threads, one for each block of lanes. */
  readonly threadsAt: number;
  readonly blocks: number;
  /** The rollout's rows. */
  readonly observationsAt: number;
  readonly masksAt: number;
  readonly uniformsAt: number;
  readonly actionsAt: number;
  readonly logProbabilitiesAt: number;
  /** Room for N other observations and their values, a row a lane. */
  readonly othersAt: number;
  readonly otherValuesAt: number;
}

export class KernelActor {
  readonly #plan: KernelActorPlan;
  readonly #kernel: KernelExports;
  readonly #threadAt: number;
  readonly #firstLane: number;

  /** For lanes from `firstLane` on, of which nobody else is asked. */
  constructor(
    plan: KernelActorPlan,
    { firstLane, block }: { readonly firstLane: number; readonly block: number },
    kernel = instantiateKernel(plan.memory),
  ) {
    assert(block < plan.blocks, "every block of lanes has a thread's memory");
    this.#plan = plan;
    this.#kernel = kernel;
    this.#threadAt = plan.threadsAt + block * sizeOf(THREAD);
    this.#firstLane = firstLane;
  }

  act(from: number, rows: number): void {
    const plan = this.#plan;
    this.#kernel.act(
      plan.networkAt,
      this.#threadAt,
      plan.observationsAt + 4 * from * plan.O,
      plan.masksAt + from * plan.A,
      plan.uniformsAt + 8 * from,
      plan.actionsAt + 4 * from,
      plan.logProbabilitiesAt + 4 * from,
      rows,
    );
  }

  valuesOf(observations: Float32Array, into: Float32Array, at: number): void {
    const { memory, O, networkAt, othersAt, otherValuesAt } = this.#plan;
    const rows = observations.length / O;
    const observationsAt = othersAt + 4 * this.#firstLane * O;
    const valuesAt = otherValuesAt + 4 * this.#firstLane;
    new Float32Array(memory.buffer, observationsAt, rows * O).set(observations);
    this.#kernel.evaluate(networkAt, this.#threadAt, observationsAt, valuesAt, rows);
    into.set(new Float32Array(memory.buffer, valuesAt, rows), at);
  }
}
