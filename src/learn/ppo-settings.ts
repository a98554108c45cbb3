/** What a PPO run is told, its defaults, and what must hold between the numbers. */
import { OperationError } from "../core/index.ts";
import type { AdamSettings } from "./kernels.ts";
import { type Activation, ACTIVATIONS, type Trunk, TRUNKS } from "./network-shape.ts";
import { type Schedule, SCHEDULES } from "./schedule.ts";

export interface PpoSettings {
  /** Environment steps in all; schedules reach 0 there. */
  readonly totalSteps: number;
  /** Steps of each lane between two updates, T. */
  readonly rolloutSteps: number;
  readonly epochs: number;
  /** Minibatches that a rollout of T x N samples is cut into; it divides T x N. */
  readonly minibatches: number;
  /**
   * Parts of a minibatch with gradients of their own, added up in their order. It is part of the
   * result, so it never follows the number of cores; it divides the minibatch.
   */
  readonly shards: number;
  readonly gamma: number;
  readonly lambda: number;
  readonly learningRate: number;
  readonly learningRateSchedule: Schedule;
  readonly clip: number;
  readonly clipSchedule: Schedule;
  /** Clips the value's change as well, as CleanRL does; null does not. */
  readonly valueClip: number | null;
  readonly entropyCoefficient: number;
  readonly entropySchedule: Schedule;
  readonly valueCoefficient: number;
  /** The value loss is half the squared error (CleanRL) or the whole (Stable-Baselines3). */
  readonly halfValueLoss: boolean;
  readonly gradientNormMax: number;
  readonly normaliseAdvantages: boolean;
  /** Brings observations to mean 0 and deviation 1 by running moments, which the model keeps. */
  readonly normaliseObservations: boolean;
  /** Divides rewards by the running deviation of the discounted return, in learning only. */
  readonly normaliseRewards: boolean;
  /** Ends an update early once the policy has moved this far; null never does. */
  readonly targetKl: number | null;
  readonly hidden: readonly number[];
  readonly activation: Activation;
  readonly trunk: Trunk;
  readonly adam: AdamSettings;
}

/** CleanRL's settings of PPO; the length of a run is our own. */
export const DEFAULT_PPO: PpoSettings = {
  totalSteps: 100_000,
  rolloutSteps: 128,
  epochs: 4,
  minibatches: 4,
  shards: 1,
  gamma: 0.99,
  lambda: 0.95,
  learningRate: 2.5e-4,
  learningRateSchedule: "linear",
  clip: 0.2,
  clipSchedule: "constant",
  valueClip: 0.2,
  entropyCoefficient: 0.01,
  entropySchedule: "constant",
  valueCoefficient: 0.5,
  halfValueLoss: true,
  gradientNormMax: 0.5,
  normaliseAdvantages: true,
  normaliseObservations: false,
  normaliseRewards: false,
  targetKl: null,
  hidden: [64, 64],
  activation: "tanh",
  trunk: "separate",
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-5 },
};

/** Refuses settings that do not fit `lanes` environments with `PPO_SETTINGS`. */
export function requirePpoSettings(settings: PpoSettings, lanes: number): void {
  const { rolloutSteps, minibatches, shards } = settings;
  for (const name of ["totalSteps", "rolloutSteps", "epochs", "minibatches", "shards"] as const) {
    const value = settings[name];
    if (!Number.isInteger(value) || value < 1) {
      throw refusal(name, "a whole number from 1 up", value, "");
    }
  }
  for (const name of ["gamma", "lambda"] as const) {
    const value = settings[name];
    if (!(value >= 0 && value <= 1)) throw refusal(name, "a number from 0 to 1", value, "");
  }
  for (const name of ["learningRate", "clip", "gradientNormMax"] as const) {
    const value = settings[name];
    if (!(value > 0 && value < Infinity)) throw refusal(name, "a positive number", value, "");
  }
  for (const name of ["valueClip", "targetKl"] as const) {
    const value = settings[name];
    if (value === null || (value > 0 && value < Infinity)) continue;
    throw refusal(name, "a positive number, or null for none", value, "");
  }
  for (const name of ["entropyCoefficient", "valueCoefficient"] as const) {
    const value = settings[name];
    if (!(value >= 0 && value < Infinity)) throw refusal(name, "a number from 0 up", value, "");
  }
  for (const width of settings.hidden) {
    if (Number.isInteger(width) && width >= 1) continue;
    throw refusal("hidden", "widths of layers, whole numbers from 1 up", width, "");
  }
  requireOneOf("activation", ACTIVATIONS, settings.activation);
  requireOneOf("trunk", TRUNKS, settings.trunk);
  for (const name of ["learningRateSchedule", "clipSchedule", "entropySchedule"] as const) {
    requireOneOf(name, SCHEDULES, settings[name]);
  }
  requireAdam(settings.adam);
  const batch = rolloutSteps * lanes;
  if (batch % minibatches !== 0) {
    throw refusal(
      "minibatches",
      `a divisor of the rollout's ${rolloutSteps} steps x ${lanes} environments = ${batch}`,
      minibatches,
      "; change one of the three",
    );
  }
  const minibatch = batch / minibatches;
  if (minibatch % shards !== 0) {
    throw refusal(
      "shards",
      `a divisor of the minibatch of ${minibatch} samples`,
      shards,
      "; change it, or ppo.minibatches",
    );
  }
  if (minibatch < 2) {
    throw refusal("minibatches", "at least two samples in a minibatch", minibatch, "");
  }
}

function requireAdam(adam: AdamSettings): void {
  for (const name of ["beta1", "beta2"] as const) {
    const value = adam[name];
    // At 1 the moments would never move, and their correction would divide by 0.
    if (!(value >= 0 && value < 1)) {
      throw refusal(`adam.${name}`, "a number from 0 to below 1", value, "");
    }
  }
  const { epsilon } = adam;
  if (!(epsilon > 0 && epsilon < Infinity)) {
    throw refusal("adam.epsilon", "a positive number", epsilon, "");
  }
}

function requireOneOf(name: string, known: readonly string[], found: string): void {
  if (known.includes(found)) return;
  throw refusal(name, `one of ${known.join(", ")}`, JSON.stringify(found), "");
}

function refusal(
  name: string,
  expected: string,
  found: number | string,
  wayOut: string,
): OperationError {
  return new OperationError(
    "PPO_SETTINGS",
    `ppo.${name}: expected ${expected}, was ${found}${wayOut}`,
  );
}
