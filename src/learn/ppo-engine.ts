/**
 * What PPO computes with: the networks and the rollout that they learn from. Two implementations
 * give the same bits: KernelEngine in WebAssembly, which training uses, and ScalarEngine, the
 * reference that it is tested against. Parameters and moments pass in canonical order.
 */
import type { Actor } from "./collect.ts";
import type { KernelActorPlan } from "./kernel/kernel-actor.ts";
import type { NetworkShape } from "./network-shape.ts";
import type { PpoSettings } from "./ppo-settings.ts";

/** A rollout's samples, B = T x N of them in the order of time, N lanes a step. */
export interface RolloutArrays {
  /** What the networks see. [B, O] */
  readonly observations: Float32Array;
  /** 1 where an action is allowed. [B, A] */
  readonly masks: Uint8Array;
  /** [B] each */
  readonly actions: Int32Array;
  readonly logProbabilities: Float32Array;
  readonly values: Float32Array;
  readonly advantages: Float32Array;
  readonly returns: Float32Array;
  /** Order in which an epoch takes samples, minibatch after minibatch. [B] */
  readonly indices: Uint32Array;
  /** Numbers in [0, 1) that actions are drawn by. [B] */
  readonly uniforms: Float64Array;
}

export interface MinibatchReport {
  readonly policyLoss: number;
  readonly valueLoss: number;
  readonly entropy: number;
  readonly loss: number;
  /** mean((ratio - 1) - ln ratio), Schulman's low-variance estimate. */
  readonly approxKl: number;
  /** Share of samples whose ratio is beyond the clip. */
  readonly clipFraction: number;
  /** Before clipping. */
  readonly gradientNorm: number;
}

export interface UpdateRates {
  readonly learningRate: number;
  readonly clip: number;
  readonly entropyCoefficient: number;
}

/** Parameters and the optimiser's state; arrays are copies, in canonical order. */
export interface LearnerState {
  readonly params: Float32Array;
  /** Adam's moments. */
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** beta1^t and beta2^t after t steps. */
  readonly beta1Power: number;
  readonly beta2Power: number;
}

export interface EngineOptions {
  readonly shape: NetworkShape;
  readonly settings: PpoSettings;
  /** Lanes, N. */
  readonly lanes: number;
  /** Threads that an update runs on; it changes no bit. */
  readonly threads: number;
  /** Blocks of lanes that may be acted for at the same time, each by an actor of its own; 1 by default. */
  readonly blocks?: number;
}

export interface PpoEngine extends Actor {
  readonly rollout: RolloutArrays;
  /** By what other threads act with these networks; null where they cannot. */
  readonly actorPlan: KernelActorPlan | null;
  /** Writes the values of all rows of the rollout. */
  evaluate(): void;
  /** Learns from the minibatches of an epoch, in the order of `indices`. */
  learn(rates: UpdateRates): MinibatchReport[];
  save(): LearnerState;
  restore(state: LearnerState): void;
  /** Ends its threads; nothing may be asked of it afterwards. */
  close(): void;
}
