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

/** What a worker is given to work with. */
export interface LaneWork {
  readonly port: MessagePort;
  readonly signals: Int32Array;
  readonly arrays: LaneArrays;
  readonly options: unknown;
  readonly firstLane: number;
  /** Its own lanes. */
  readonly sizes: LaneSizes;
}

export type LaneRequest =
  | { readonly kind: "reset"; readonly seed: number | string }
  | { readonly kind: "save" }
  | { readonly kind: "restore"; readonly lanes: readonly unknown[] }
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

/** The program that a worker's module exports for lanes made by `make`; it returns when closed. */
export function laneWorker<Options>(make: LaneFactory<Options>): (work: LaneWork) => void {
  return (work) => {
    const { port, signals, arrays, options, firstLane, sizes } = work;
    const lanes: VectorEnv[] = [];
    let call = FIRST_CALL;
    answer(work, call, () => {
      const env = make(options as Options, firstLane, sizes.count);
      requireSizes(env, sizes);
      publishLanes(env, arrays, firstLane);
      lanes.push(env);
    });
    for (const env of lanes) {
      do {
        call = nextCall(call);
        awaitWord(signals, SIGNAL.call, call);
      } while (serve(work, env, call));
    }
    port.close();
  };
}

/** Carries a call out; false where there will be no other. */
function serve(work: LaneWork, env: VectorEnv, call: number): boolean {
  const { port, signals, arrays, firstLane } = work;
  if (Atomics.load(signals, SIGNAL.command) === COMMAND.step) {
    answer(work, call, () => {
      env.step(arrays.actions.subarray(firstLane, firstLane + env.count));
      publishLanes(env, arrays, firstLane);
    });
    return true;
  }
  const request = requestOn(port);
  answer(work, call, () => {
    const result = carryOut(env, request);
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

function carryOut(env: VectorEnv, request: LaneRequest): LaneAnswer {
  switch (request.kind) {
    case "reset":
      env.reset(request.seed);
      return { kind: "done" };
    case "save":
      return { kind: "saved", lanes: savedLanes(env) };
    case "restore":
      env.restore(request.lanes);
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
