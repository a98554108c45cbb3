/**
 * The compute kernel, compiled once a process, and memory for it to work in. The module is made from
 * assembly/ by build.mjs; it holds no data of its own, so any number of instances may share a memory.
 */
import { assert, OperationError } from "../../core/index.ts";
import { KERNEL_BINARY } from "./kernel-binary.ts";
import { WebAssembly, type WasmMemory as KernelMemory, type WasmModule } from "./web-assembly.ts";

/** What assembly/index.ts exports. Pointers are byte addresses. */
export interface KernelExports {
  /** Returns 0 where a logit is no finite number, else 1. */
  act(
    network: number,
    thread: number,
    observations: number,
    masks: number,
    uniforms: number,
    actions: number,
    logProbabilities: number,
    rows: number,
  ): number;
  evaluate(
    network: number,
    thread: number,
    observations: number,
    values: number,
    rows: number,
  ): void;
  logits(network: number, thread: number, observation: number, logits: number): void;
  work(update: number, thread: number, command: number): void;
  signal(barrier: number): void;
  awaitSignal(barrier: number, seen: number): number;
  ceiling(memory: number, rounds: number): void;
}

export type { KernelMemory };

let compiled: WasmModule | null = null;

export function kernelModule(): WasmModule {
  compiled ??= new WebAssembly.Module(Buffer.from(KERNEL_BINARY, "base64"));
  return compiled;
}

export function instantiateKernel(memory: KernelMemory): KernelExports {
  const { exports } = new WebAssembly.Instance(kernelModule(), { env: { memory } });
  return exports as KernelExports;
}

const PAGE_BYTES = 65_536;
const PAGES_MAX = 65_536;

/**
 * Places in a memory that is yet to be made: reserve all, then `make`. Every place begins on a cache
 * line of its own, and is zero.
 */
export class MemoryPlan {
  // Address 0 stands for nothing.
  #end = 64;

  /** The byte address of `bytes` bytes. */
  reserve(bytes: number): number {
    const at = this.#end;
    this.#end = Math.ceil((at + bytes) / 64) * 64;
    return at;
  }

  reserveFloats(count: number): number {
    return this.reserve(4 * count);
  }

  /** `KERNEL_MEMORY` where it is more than an address of 32 bits reaches, or than there is. */
  make(): KernelMemory {
    assert(this.#end > 64, "something is kept in a memory");
    const pages = Math.ceil(this.#end / PAGE_BYTES);
    const found = `${Math.ceil(this.#end / 2 ** 20)} MiB`; // tidy-ok: an exact power of two
    const wayOut =
      "lower environments, frames, the layers' widths (ppo.hidden), ppo.rolloutSteps or ppo.shards";
    if (pages > PAGES_MAX) {
      throw new OperationError(
        "KERNEL_MEMORY",
        `rollout and networks: expected at most 4096 MiB, was ${found}; ${wayOut}`,
      );
    }
    try {
      return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    } catch (error) {
      throw new OperationError(
        "KERNEL_MEMORY",
        `rollout and networks: expected ${found} of free memory, was less; ${wayOut}`,
        { cause: error },
      );
    }
  }
}
