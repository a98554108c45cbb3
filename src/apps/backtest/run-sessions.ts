/**
 * The sessions of a back-test, on as many threads as wanted. Results come back in the order in which
 * the sessions were named, whoever was done first, and a fault or failure counts only where no
 * earlier session has one: the same bytes on any number of threads.
 */
import { Worker } from "node:worker_threads";
import { assert, OperationError } from "../../core/index.ts";
import { breathe } from "../interruption.ts";
import {
  type BacktestWork,
  openStrategyOf,
  runSessionJob,
  type SessionDone,
} from "./session-job.ts";
import type { WorkerAnswer, WorkerRequest, WorkerWork } from "./session-worker.ts";
import { WORKER_KIND } from "./worker-kind.ts";

export interface RunHooks {
  /** Told how many sessions are done, parts of them included. */
  progress(done: number): void;
  /** True once the user wants to stop. */
  isInterrupted(): boolean;
}

export interface SessionsDone {
  /** In order; all that were asked for, or those up to the one that ended the run. */
  readonly sessions: readonly SessionDone[];
  /** Wall-clock seconds of the busiest thread, without loading. */
  readonly seconds: number;
}

/** Runs all sessions; a failure of the first session that has one is thrown. */
export function runSessions(
  work: BacktestWork,
  threads: number,
  hooks: RunHooks,
): Promise<SessionsDone> {
  const count = Math.min(threads, work.folders.length);
  return count <= 1 ? runHere(work, hooks) : new Pool(work, count, hooks).run();
}

async function runHere(work: BacktestWork, hooks: RunHooks): Promise<SessionsDone> {
  const opened = openStrategyOf(work);
  const sessions: SessionDone[] = [];
  let seconds = 0;
  for (let index = 0; index < work.folders.length && !hooks.isInterrupted(); index++) {
    const done = await runSessionJob(work, index, opened, {
      progress: (share) => hooks.progress(index + share),
      isStopped: async () => {
        await breathe();
        return hooks.isInterrupted();
      },
    });
    sessions.push(done);
    seconds += done.seconds;
    hooks.progress(index + 1);
    if (done.result.fault !== null) break;
  }
  return { sessions, seconds };
}

interface Thread {
  readonly worker: Worker;
  /** The session that it runs, or null. */
  index: number | null;
  seconds: number;
}

type Outcome = SessionDone | Error;

class Pool {
  readonly #hooks: RunHooks;
  readonly #threads: readonly Thread[];
  readonly #outcomes: (Outcome | undefined)[];
  readonly #shares: number[];
  #next = 0;
  /** The first session that ends the run; those after it do not count. */
  #last: number;
  #resolve: (done: SessionsDone) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(work: BacktestWork, count: number, hooks: RunHooks) {
    this.#hooks = hooks;
    this.#last = work.folders.length - 1;
    this.#outcomes = work.folders.map(() => undefined);
    this.#shares = work.folders.map(() => 0);
    const script = process.argv[1];
    assert(script !== undefined, "a running program has a script");
    const workerData: WorkerWork = { kind: WORKER_KIND, work };
    this.#threads = Array.from({ length: count }, () => ({
      worker: new Worker(script, { workerData, argv: [] }),
      index: null,
      seconds: 0,
    }));
  }

  async run(): Promise<SessionsDone> {
    const timer = setInterval(() => {
      if (this.#hooks.isInterrupted()) this.#stopAll();
    }, 100);
    try {
      return await new Promise<SessionsDone>((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
        for (const thread of this.#threads) {
          thread.worker.on("message", (answer: WorkerAnswer) => this.#answered(thread, answer));
          thread.worker.on("error", (error) => this.#died(thread, error.message));
          thread.worker.on("exit", (code) => {
            if (thread.index !== null) this.#died(thread, `exit code ${code}`);
          });
          this.#give(thread);
        }
      });
    } finally {
      clearInterval(timer);
      await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    }
  }

  #give(thread: Thread): void {
    thread.index = null;
    if (this.#next <= this.#last && !this.#hooks.isInterrupted()) {
      thread.index = this.#next++;
      this.#ask(thread, { kind: "run", index: thread.index });
    }
    if (this.#threads.every(({ index }) => index === null)) this.#end();
  }

  #ask({ worker }: Thread, request: WorkerRequest): void {
    worker.postMessage(request);
  }

  #answered(thread: Thread, answer: WorkerAnswer): void {
    const { index } = answer;
    if (answer.kind === "progress") {
      this.#show(index, answer.share);
      return;
    }
    if (answer.kind === "done") {
      this.#outcomes[index] = answer.done;
      thread.seconds += answer.done.seconds;
      if (answer.done.result.fault !== null) this.#endAfter(index);
    } else {
      this.#outcomes[index] = errorOf(answer);
      this.#endAfter(index);
    }
    this.#show(index, 1);
    this.#give(thread);
  }

  /** Sessions after `index` do not count: those that run are stopped, and no more are begun. */
  #endAfter(index: number): void {
    this.#last = Math.min(this.#last, index);
    for (const thread of this.#threads) {
      if (thread.index !== null && thread.index > index) this.#ask(thread, { kind: "stop" });
    }
  }

  #stopAll(): void {
    for (const thread of this.#threads) {
      if (thread.index !== null) this.#ask(thread, { kind: "stop" });
    }
  }

  #died(thread: Thread, why: string): void {
    thread.index = null;
    this.#reject(
      new OperationError(
        "BACKTEST_THREAD",
        `backtest: expected a thread to run its session, was ended by "${why}"; use fewer ` +
          `--threads if memory is short`,
      ),
    );
  }

  #end(): void {
    const sessions: SessionDone[] = [];
    for (const outcome of this.#outcomes.slice(0, this.#last + 1)) {
      if (outcome instanceof Error) {
        this.#reject(outcome);
        return;
      }
      // Where the user stopped the run, some were never begun.
      if (outcome !== undefined) sessions.push(outcome);
    }
    const seconds = Math.max(...this.#threads.map((thread) => thread.seconds));
    this.#resolve({ sessions, seconds });
  }

  #show(index: number, share: number): void {
    this.#shares[index] = share;
    this.#hooks.progress(this.#shares.reduce((sum, each) => sum + each, 0));
  }
}

function errorOf(answer: WorkerAnswer & { readonly kind: "failed" }): Error {
  const { code, message, stack } = answer;
  if (code !== null) return new OperationError(code, message, { cause: stack });
  const error = new Error(message);
  error.stack = stack;
  return error;
}
