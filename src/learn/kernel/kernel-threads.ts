/**
 * The threads that an update runs on: the caller's, and workers that sleep in between. All run the
 * same function over one memory and wait for each other inside the kernel.
 *
 * A worker's program is given as text, so that it needs no file: compiled code, bundles and tests
 * start it alike.
 */
import { Worker } from "node:worker_threads";
import { type KernelExports, kernelModule, type KernelMemory } from "./kernel-module.ts";

/** Where, from the control words on, the workers' starting signal and the order to stop are. */
const SIGNAL_OFFSET = 256;
const STOP_OFFSET = 448;

const PROGRAM = `
const { workerData: { module, memory, update, signal, stop, index } } =
  require("node:worker_threads");
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const words = new Int32Array(memory.buffer);
let seen = 0;
for (;;) {
  seen = exports.awaitSignal(signal, seen);
  if (Atomics.load(words, stop >> 2) === 1) break;
  exports.learnEpoch(update, index);
}
`;

export interface KernelThreadsOptions {
  readonly kernel: KernelExports;
  readonly memory: KernelMemory;
  readonly count: number;
  /** Byte addresses of the update's structure and of 512 bytes of control words. */
  readonly update: number;
  readonly control: number;
}

export class KernelThreads {
  readonly #options: KernelThreadsOptions;
  readonly #workers: readonly Worker[];

  constructor(options: KernelThreadsOptions) {
    this.#options = options;
    const { memory, count, update, control } = options;
    this.#workers = Array.from({ length: count - 1 }, (_, worker) => {
      const workerData = {
        module: kernelModule(),
        memory,
        update,
        signal: control + SIGNAL_OFFSET,
        stop: control + STOP_OFFSET,
        index: worker + 1,
      };
      const thread = new Worker(PROGRAM, { eval: true, workerData, stdout: false, stderr: false });
      // A run that is over does not wait for threads that have nothing to do.
      thread.unref();
      return thread;
    });
  }

  /** Runs an epoch on all threads, and returns when it is done. */
  learnEpoch(): void {
    const { kernel, update, control } = this.#options;
    if (this.#workers.length > 0) kernel.signal(control + SIGNAL_OFFSET);
    kernel.learnEpoch(update, 0);
  }

  close(): void {
    if (this.#workers.length === 0) return;
    const { kernel, memory, control } = this.#options;
    Atomics.store(new Int32Array(memory.buffer), (control + STOP_OFFSET) >> 2, 1);
    kernel.signal(control + SIGNAL_OFFSET);
  }
}
