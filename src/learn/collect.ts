/**
 * Collecting a rollout: lanes are stepped T times with the policy as it is, and what they saw, did
 * and got is written down. Actions are drawn by numbers that were drawn before, so lanes need nothing
 * of each other, and each thread of an environment on threads can collect its own.
 */
import { type LaneBlock, type LaneTask, ThreadedVectorEnv, type VectorEnv } from "../gym/index.ts";
import { KernelActor, type KernelActorPlan } from "./kernel/kernel-actor.ts";

/** T steps of N lanes, [T, N] and [T, N, width] row-major. */
export interface Samples {
  readonly T: number;
  readonly N: number;
  /** What the networks see. [T, N, O] */
  readonly observations: Float32Array;
  /** [T, N, A] */
  readonly masks: Uint8Array;
  /** [T, N] each */
  readonly actions: Int32Array;
  /** As the environment gives them. */
  readonly laneRewards: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  /** Of episodes that ended in the step; others are meaningless. */
  readonly episodeReturns: Float64Array;
  readonly episodeLengths: Uint32Array;
  /** Values of what followed where an episode was truncated; others are meaningless. */
  readonly finalValues: Float32Array;
}

/** What acts on the rows of `Samples`. */
export interface Actor {
  /** Draws the actions of rows `from` .. `from + rows - 1`, and writes their log-probabilities. */
  act(from: number, rows: number): void;
  /** Values of other observations [n, O], of at most N lanes, into `into`, from index `at`. */
  valuesOf(observations: Float32Array, into: Float32Array, at: number): void;
}

/** How an environment's observations become what the networks see. */
export interface Sight {
  /** Observations are about to be acted on. [N, O] */
  learn(observations: Float32Array): void;
  /** What networks see of observations [N, O]; valid until the next call. */
  see(observations: Float32Array): Float32Array;
}

/** As they are. */
export const PLAIN: Sight = {
  learn: () => undefined,
  see: (observations) => observations,
};

/** Makes the collection of all steps of some lanes; `sight` is one for all of them. */
export function collector(
  { env, firstLane }: Pick<LaneBlock, "env" | "firstLane">,
  samples: Samples,
  actor: Actor,
  sight = PLAIN,
): () => void {
  const { count, observationSize: O, actionCount: A } = env;
  const { T, N } = samples;
  const actions = new Int32Array(count);
  return () => {
    for (let t = 0; t < T; t++) {
      const row = t * N + firstLane;
      sight.learn(env.observations);
      samples.observations.set(sight.see(env.observations), row * O);
      samples.masks.set(env.actionMasks, row * A);
      actor.act(row, count);
      actions.set(samples.actions.subarray(row, row + count));
      env.step(actions);
      samples.laneRewards.set(env.rewards, row);
      samples.terminated.set(env.terminated, row);
      samples.truncated.set(env.truncated, row);
      samples.episodeReturns.set(env.episodeReturns, row);
      samples.episodeLengths.set(env.episodeLengths, row);
      // An episode that was cut off went on unseen: its last observation has a value.
      if (env.truncated.includes(1)) {
        actor.valuesOf(sight.see(env.finalObservations), samples.finalValues, row);
      }
    }
  };
}

/** What threads need in order to collect; everything large is in shared memory. */
export interface CollectionPlan {
  readonly samples: Samples;
  readonly actor: KernelActorPlan;
}

/** What the threads of an environment can do for a trainer: collect a rollout of their own lanes. */
export const collectLanes: LaneTask<CollectionPlan> = (lanes, { samples, actor }) =>
  collector(lanes, samples, new KernelActor(actor, lanes));

/** An environment whose threads do that. */
export type CollectingEnv = ThreadedVectorEnv<unknown, CollectionPlan>;

export function isCollecting(env: VectorEnv): env is CollectingEnv {
  return env instanceof ThreadedVectorEnv && env.task === collectLanes;
}
