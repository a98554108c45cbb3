/**
 * The arrays of a vector environment's lanes in memory that threads share: all lanes' in one set,
 * of which each thread writes the rows of its own.
 */
import { assert } from "../core/index.ts";
import type { VectorEnv } from "./vector-env.ts";

/** As `VectorEnv` has them, and the actions of the step. */
export interface LaneArrays {
  readonly observations: Float32Array;
  readonly finalObservations: Float32Array;
  readonly rewards: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly actionMasks: Uint8Array;
  readonly episodeReturns: Float64Array;
  readonly episodeLengths: Uint32Array;
  /** [N] */
  readonly actions: Int32Array;
}

export interface LaneSizes {
  /** Lanes, N. */
  readonly count: number;
  readonly observationSize: number;
  readonly actionCount: number;
}

export function shareLaneArrays({
  count: N,
  observationSize: O,
  actionCount: A,
}: LaneSizes): LaneArrays {
  const bytes = (length: number, width: number): SharedArrayBuffer =>
    new SharedArrayBuffer(length * width);
  return {
    observations: new Float32Array(bytes(N * O, 4)),
    finalObservations: new Float32Array(bytes(N * O, 4)),
    rewards: new Float64Array(bytes(N, 8)),
    terminated: new Uint8Array(bytes(N, 1)),
    truncated: new Uint8Array(bytes(N, 1)),
    actionMasks: new Uint8Array(bytes(N * A, 1)),
    episodeReturns: new Float64Array(bytes(N, 8)),
    episodeLengths: new Uint32Array(bytes(N, 4)),
    actions: new Int32Array(bytes(N, 4)),
  };
}

/** Copies what `env` shows into `arrays`, where its lanes stand from `firstLane` on. */
export function publishLanes(env: VectorEnv, arrays: LaneArrays, firstLane: number): void {
  const { observationSize: O, actionCount: A } = env;
  arrays.observations.set(env.observations, firstLane * O);
  arrays.finalObservations.set(env.finalObservations, firstLane * O);
  arrays.rewards.set(env.rewards, firstLane);
  arrays.terminated.set(env.terminated, firstLane);
  arrays.truncated.set(env.truncated, firstLane);
  arrays.actionMasks.set(env.actionMasks, firstLane * A);
  arrays.episodeReturns.set(env.episodeReturns, firstLane);
  arrays.episodeLengths.set(env.episodeLengths, firstLane);
}

/** The state that `env` saves, to be joined with other lanes'. */
export function savedLanes(env: VectorEnv): readonly unknown[] {
  const lanes = env.save();
  assert(lanes.length === env.count, "an environment saves one entry a lane");
  return lanes;
}
