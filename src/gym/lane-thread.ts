/**
 * The caller's side of one worker of a `ThreadedVectorEnv`. A call is made, the caller does something
 * else, and then waits for the answer; errors of the worker are thrown there. A worker that has ended
 * is noticed while waiting: nothing can be posted to it any more.
 *
 * The worker's program is given as text and imports the module with its lanes, so that compiled
 * code, bundles and tests start it alike.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { assert, messageOf, OperationError } from "../core/index.ts";
import type { LaneArrays, LaneSizes } from "./lane-arrays.ts";
import {
  awaitWord,
  COMMAND,
  FIRST_CALL,
  nextCall,
  raise,
  SIGNAL,
  SIGNAL_BYTES,
} from "./lane-signal.ts";
import type { LaneAnswer, LaneFailure, LaneRequest, LaneWork } from "./lane-worker.ts";

/** How long a worker may be silent before it is asked whether it is there. */
const PATIENCE_MS = 200;

/** Runs what the module exports; where it cannot, answers the first call by saying so. */
const PROGRAM = `
const { workerData: { module, name, work } } = require("node:worker_threads");
import(module)
  .then((exported) => exported[name](work))
  .catch((error) => {
    const message = "environment on threads: expected " + module + " to export " + name +
      ", made by laneWorker, was: " + (error instanceof Error ? error.message : String(error));
    const failure = { code: "LANE_MODULE", message, stack: String(error?.stack ?? error) };
    work.port.postMessage({ kind: "failed", failure });
    Atomics.store(work.signals, ${SIGNAL.failed}, 1);
    Atomics.store(work.signals, ${SIGNAL.answer}, ${FIRST_CALL});
    Atomics.notify(work.signals, ${SIGNAL.answer});
  });
`;

/** Where workers find their program: what `laneWorker` gave, exported from a module. */
export interface LaneModule {
  /** URL of JavaScript that Node can import, such as import.meta.url of a compiled module. */
  readonly url: string;
  readonly name: string;
}

export interface LaneThreadOptions {
  readonly module: LaneModule;
  readonly options: unknown;
  readonly arrays: LaneArrays;
  readonly firstLane: number;
  readonly block: number;
  readonly sizes: LaneSizes;
}

export class LaneThread {
  readonly firstLane: number;
  readonly count: number;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signals = new Int32Array(new SharedArrayBuffer(SIGNAL_BYTES));
  #call = FIRST_CALL;
  #isAwaited = true;
  /** What ended the worker, where that is known. */
  #cause: string | null = null;
  #hasEnded = false;

  /** Starts the worker, which makes its environment as its first call. */
  constructor({ module, ...given }: LaneThreadOptions) {
    const { firstLane, sizes } = given;
    this.firstLane = firstLane;
    this.count = sizes.count;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const work: LaneWork = { ...given, port: port2, signals: this.#signals };
    const workerData = { module: module.url, name: module.name, work };
    this.#worker = new Worker(PROGRAM, { eval: true, workerData, transferList: [port2] });
    // Told of at the next call; without a listener it would end the process.
    this.#worker.on("error", (error) => (this.#cause ??= messageOf(error)));
    // A program that is over does not wait for threads that have nothing to do.
    this.#worker.unref();
  }

  /** Asks for a step of the worker's lanes. */
  step(): void {
    this.#publish(COMMAND.step);
  }

  /** Asks for the task that was prepared last. */
  perform(): void {
    this.#publish(COMMAND.task);
  }

  request(request: LaneRequest): void {
    this.#port.postMessage(request);
    this.#publish(COMMAND.message);
  }

  /**
   * Waits for the answer to the last call, and throws what the worker threw. `LANE_THREAD` where the
   * worker has ended without one, and from then on.
   */
  awaitAnswer(): void {
    if (this.#hasEnded) throw this.#ended();
    assert(this.#isAwaited, "a call comes before its answer");
    while (!awaitWord(this.#signals, SIGNAL.answer, this.#call, PATIENCE_MS)) {
      if (this.#isThere()) continue;
      // It may have answered just before it went.
      if (Atomics.load(this.#signals, SIGNAL.answer) === this.#call) break;
      this.#hasEnded = true;
      throw this.#ended();
    }
    this.#isAwaited = false;
    if (Atomics.load(this.#signals, SIGNAL.failed) === 0) return;
    const answer = this.#receive();
    assert(answer.kind === "failed", "a failed call says why");
    throw errorOf(answer.failure);
  }

  /** As `awaitAnswer`; gives what the worker answered to a request. */
  awaitReply(): LaneAnswer {
    this.awaitAnswer();
    return this.#receive();
  }

  /** After the request to close: waits for its end, and lets go of it, ended before or not. */
  awaitEnd(): void {
    try {
      this.awaitReply();
    } catch (error) {
      if (!this.#hasEnded) throw error;
    } finally {
      this.#hasEnded = true;
      this.#port.close();
    }
  }

  #publish(command: number): void {
    // The wait for its answer says so.
    if (this.#hasEnded) return;
    assert(!this.#isAwaited, "an answer comes before the next call");
    this.#isAwaited = true;
    this.#call = nextCall(this.#call);
    Atomics.store(this.#signals, SIGNAL.command, command);
    raise(this.#signals, SIGNAL.call, this.#call);
  }

  #receive(): LaneAnswer {
    const received = receiveMessageOnPort(this.#port) as { message: LaneAnswer } | undefined;
    assert(received !== undefined, "an answer is posted before it is signalled");
    return received.message;
  }

  /** Node says whether a message has someone to go to, which its types do not know. */
  #isThere(): boolean {
    const probe: LaneRequest = { kind: "probe" };
    return (this.#port.postMessage(probe) as unknown) === true;
  }

  #ended(): OperationError {
    const lanes = `lanes ${this.firstLane} to ${this.firstLane + this.count - 1}`;
    return new OperationError(
      "LANE_THREAD",
      `environment on threads: expected the thread of ${lanes} to answer, was ended` +
        `${this.#cause === null ? "" : ` by "${this.#cause}"`}; resume from the last checkpoint, on ` +
        `fewer threads if memory is short`,
    );
  }
}

function errorOf({ code, message, stack }: LaneFailure): Error {
  if (code !== null) return new OperationError(code, message, { cause: stack });
  const error = new Error(message);
  error.stack = stack;
  return error;
}
