/**
 * The threads that an update runs on: the caller's, and workers that sleep in between. All run the
 * same function over one memory and wait for each other inside the kernel.
 *
 * A worker's program is given as text, so that it needs no file: compiled code, bundles and tests
 * start it alike.
 */
import { Worker } from "node:worker_threads";
import { OperationError } from "../../core/index.ts";
import { type KernelExports, kernelModule, type KernelMemory } from "./kernel-module.ts";

/** Where, from the control words on, the workers' starting signal and the order to stop are. */
const SIGNAL_OFFSET = 256;
const COMMAND_OFFSET = 448;
/** How many workers have started. */
const STARTED_OFFSET = 456;
/** Longer than any machine takes to start a thread; only waited for where one cannot start. */
const START_WITHIN_MS = 60_000;

/** What threads do together, as assembly/update.ts numbers it; 0 sends workers home. */
const COMMANDS = { stop: 0, learn: 1, evaluate: 2 } as const;

const PROGRAM = `
const { workerData: { module, memory, update, signal, command, started, index } } =
  require("node:worker_threads");
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const words = new Int32Array(memory.buffer);
Atomics.add(words, started >> 2, 1);
Atomics.notify(words, started >> 2);
let seen = 0;
for (;;) {
  seen = exports.awaitSignal(signal, seen);
  const wanted = Atomics.load(words, command >> 2);
  if (wanted === ${COMMANDS.stop}) break;
  exports.work(update, index, wanted);
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
        command: control + COMMAND_OFFSET,
        started: control + STARTED_OFFSET,
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
    this.#work("learn");
  }

  /** The values of a whole rollout. */
  evaluate(): void {
    this.#work("evaluate");
  }

  close(): void {
    this.#send("stop");
  }

  #work(command: "learn" | "evaluate"): void {
    const { kernel, update } = this.#options;
    this.#send(command);
    kernel.work(update, 0, COMMANDS[command]);
  }

  /** `KERNEL_THREADS` where a thread does not start: without it the others would wait for ever. */
  #awaitStart(words: Int32Array): void {
    const at = (this.#options.control + STARTED_OFFSET) >> 2;
    for (;;) {
      const started = Atomics.load(words, at);
      if (started === this.#workers.length) return;
      if (Atomics.wait(words, at, started, START_WITHIN_MS) !== "timed-out") continue;
      throw new OperationError(
        "KERNEL_THREADS",
        `threads: expected ${this.#workers.length + 1} to start within a minute, was ` +
          `${started + 1}; use fewer --threads`,
      );
    }
  }

  #send(command: keyof typeof COMMANDS): void {
    if (this.#workers.length === 0) return;
    const { kernel, memory, control } = this.#options;
    const words = new Int32Array(memory.buffer);
    if (command !== "stop") this.#awaitStart(words);
    Atomics.store(words, (control + COMMAND_OFFSET) >> 2, COMMANDS[command]);
    kernel.signal(control + SIGNAL_OFFSET);
  }
}
