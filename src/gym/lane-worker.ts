/**
 * The worker's side of a `ThreadedVectorEnv`: it makes the environment of its lanes, and answers one
 * call after another until it is told to close. It sleeps in between, so its event loop stands
 * still: environments are stepped, and may wait for nothing.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { assert, messageOf, OperationError } from "../core/index.ts";
import { type LaneArrays, type LaneSizes, publishLanes, savedLanes } from "./lane-arrays.ts";
import { awaitWord, COMMAND, FIRST_CALL, nextCall, raise, SIGNAL } from "./lane-signal.ts";
import type { VectorEnv } from "./vector-env.ts";

/**
 * Makes `count` lanes of an environment, the first of which is lane `firstLane` of all. A lane's
 * history may depend on its index alone, and `save` must give one entry a lane. `options` is data
 * that can be cloned; what it holds in a SharedArrayBuffer is not copied.
 */
export type LaneFactory<Options> = (
  options: Options,
  firstLane: number,
  count: number,
) => VectorEnv;

/** The lanes of one thread. */
export interface LaneBlock {
  readonly env: VectorEnv;
  readonly firstLane: number;
  /** Its number among the blocks; the caller's is 0. */
  readonly block: number;
}

/**
 * Makes what a thread does with its lanes at each call of `perform`, on its own and without the
 * others. `plan` is data that can be cloned, as `options` are.
 */
export type LaneTask<Plan> = (lanes: LaneBlock, plan: Plan) => () => void;

/** What a worker is given to work with. */
export interface LaneWork {
  readonly port: MessagePort;
  readonly signals: Int32Array;
  readonly arrays: LaneArrays;
  readonly options: unknown;
  readonly firstLane: number;
  readonly block: number;
  /** Its own lanes. */
  readonly sizes: LaneSizes;
}

export type LaneRequest =
  | { readonly kind: "reset"; readonly seed: number | string }
  | { readonly kind: "save" }
  | { readonly kind: "restore"; readonly lanes: readonly unknown[] }
  | { readonly kind: "prepare"; readonly plan: unknown }
  | { readonly kind: "close" }
  /** Asks for nothing: whether it can be posted tells whether the worker is there. */
  | { readonly kind: "probe" };

export type LaneAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "saved"; readonly lanes: readonly unknown[] }
  | { readonly kind: "failed"; readonly failure: LaneFailure };

/** An error on its way to another thread; `code` is that of an `OperationError`. */
export interface LaneFailure {
  readonly code: string | null;
  readonly message: string;
  readonly stack: string;
}

/**
 * The program that a worker's module exports for lanes made by `make`, and for their task where they
 * have one; it returns when closed.
 */
export function laneWorker<Options, Plan = never>(
  make: LaneFactory<Options>,
  task: LaneTask<Plan> | null = null,
): (work: LaneWork) => void {
  return (work) => {
    const { port, signals, arrays, options, firstLane, block, sizes } = work;
    const servers: Server[] = [];
    let call = FIRST_CALL;
    answer(work, call, () => {
      const env = make(options as Options, firstLane, sizes.count);
      requireSizes(env, sizes);
      publishLanes(env, arrays, firstLane);
      servers.push({
        work,
        env,
        prepare: (plan) => {
          assert(task !== null, "lanes that are given a plan have a task");
          return task({ env, firstLane, block }, plan as Plan);
        },
        perform: () => assert(false, "a task is prepared before it is performed"),
      });
    });
    for (const server of servers) {
      do {
        call = nextCall(call);
        awaitWord(signals, SIGNAL.call, call);
      } while (serve(server, call));
    }
    port.close();
  };
}

/** A worker that has made its lanes. */
interface Server {
  readonly work: LaneWork;
  readonly env: VectorEnv;
  readonly prepare: (plan: unknown) => () => void;
  /** The task that was prepared last. */
  perform: () => void;
}

/** Carries a call out; false where there will be no other. */
function serve(server: Server, call: number): boolean {
  const { work, env } = server;
  const { port, signals, arrays, firstLane } = work;
  const command = Atomics.load(signals, SIGNAL.command);
  if (command !== COMMAND.message) {
    answer(work, call, () => {
      if (command === COMMAND.task) server.perform();
      else env.step(arrays.actions.subarray(firstLane, firstLane + env.count));
      publishLanes(env, arrays, firstLane);
    });
    return true;
  }
  const request = requestOn(port);
  answer(work, call, () => {
    const result = carryOut(server, request);
    publishLanes(env, arrays, firstLane);
    port.postMessage(result);
  });
  return request.kind !== "close";
}

function requestOn(port: MessagePort): LaneRequest {
  for (;;) {
    const received = receiveMessageOnPort(port) as { message: LaneRequest } | undefined;
    assert(received !== undefined, "a request is posted before its call is made");
    if (received.message.kind !== "probe") return received.message;
  }
}

function carryOut(server: Server, request: LaneRequest): LaneAnswer {
  const { env } = server;
  switch (request.kind) {
    case "reset":
      env.reset(request.seed);
      return { kind: "done" };
    case "save":
      return { kind: "saved", lanes: savedLanes(env) };
    case "restore":
      env.restore(request.lanes);
      return { kind: "done" };
    case "prepare":
      server.perform = server.prepare(request.plan);
      return { kind: "done" };
    default:
      env.close();
      return { kind: "done" };
  }
}

function answer({ port, signals }: LaneWork, call: number, work: () => void): void {
  let failed = 0;
  try {
    work();
  } catch (error) {
    failed = 1;
    port.postMessage({ kind: "failed", failure: failureOf(error) } satisfies LaneAnswer);
  }
  Atomics.store(signals, SIGNAL.failed, failed);
  raise(signals, SIGNAL.answer, call);
}

function failureOf(error: unknown): LaneFailure {
  const message = messageOf(error);
  return {
    code: error instanceof OperationError ? error.code : null,
    message,
    stack: error instanceof Error ? (error.stack ?? message) : message,
  };
}

function requireSizes(env: VectorEnv, sizes: LaneSizes): void {
  const fits =
    env.count === sizes.count &&
    env.observationSize === sizes.observationSize &&
    env.actionCount === sizes.actionCount;
  if (fits) return;
  throw new OperationError(
    "LANE_SIZES",
    `environment on threads: expected ${sizes.count} lanes of ${sizes.observationSize} numbers and ` +
      `${sizes.actionCount} actions, as the first thread has them, was ${env.count} of ` +
      `${env.observationSize} and ${env.actionCount}; its factory must make what it is asked for`,
  );
}
