/**
 * Settings by name: what the reference implementations use on the environments that they publish
 * figures for, so that our figures can stand beside theirs. A preset also says how its source
 * measures a run, for "mean return" means different things in different places.
 *
 * What differs from the sources everywhere: an episode that is cut off by a time limit has a value
 * after its end (CleanRL's `ppo.py` treats it as a death); schedules count from the first step of an
 * iteration (Stable-Baselines3 from its last, so that its final rate is slightly below 0); a run
 * ends with the first whole rollout at or beyond its total (CleanRL with the last one before it).
 */
import { nearestOf, OperationError } from "../core/index.ts";
import { ENVIRONMENT_NAMES } from "../gym/index.ts";
import { DEFAULT_PPO, type PpoSettings } from "./ppo-settings.ts";

/**
 * Where a run's mean return is taken from.
 *   training    the last rollouts that hold at least `episodes` episodes, as they were trained on
 *   evaluation  `episodes` new episodes of the final policy, its normaliser frozen
 */
export type ReturnMeasure =
  | { readonly kind: "training"; readonly episodes: number }
  | { readonly kind: "evaluation"; readonly episodes: number };

export interface Preset {
  readonly name: string;
  readonly environment: string;
  /** Lanes that run side by side. */
  readonly environments: number;
  readonly ppo: PpoSettings;
  readonly measure: ReturnMeasure;
  readonly source: string;
}

type Recipe = Omit<Preset, "name" | "environment">;

/** Into how many parts every preset cuts its minibatches, so that up to four threads can share. */
const SHARDS = 4;

/**
 * Stable-Baselines3's defaults of PPO, one environment. It has no default length of a run; this one
 * is rl-zoo's for CartPole. Advantages are normalised per minibatch, weights are orthogonal.
 */
const SB3: Recipe = {
  environments: 1,
  ppo: {
    ...DEFAULT_PPO,
    totalSteps: 100_000,
    rolloutSteps: 2048,
    epochs: 10,
    minibatches: 2048 / 64,
    shards: SHARDS,
    gamma: 0.99,
    lambda: 0.95,
    learningRate: 3e-4,
    learningRateSchedule: "constant",
    clip: 0.2,
    clipSchedule: "constant",
    valueClip: null,
    entropyCoefficient: 0,
    entropySchedule: "constant",
    valueCoefficient: 0.5,
    halfValueLoss: false,
    gradientNormMax: 0.5,
    normaliseAdvantages: true,
    normaliseObservations: false,
    normaliseRewards: false,
    targetKl: null,
    hidden: [64, 64],
    activation: "tanh",
    trunk: "separate",
    adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-5 },
  },
  measure: { kind: "evaluation", episodes: 100 },
  source: "Stable-Baselines3 2, stable_baselines3/ppo/ppo.py, defaults of PPO with MlpPolicy",
};

/** Stable-Baselines3's settings with others of lanes and rollout; `batch` samples a minibatch. */
function zoo(
  environments: number,
  { batch = 64, ...ppo }: Partial<PpoSettings> & { rolloutSteps: number; batch?: number },
): Recipe {
  return {
    environments,
    ppo: { ...SB3.ppo, ...ppo, minibatches: (environments * ppo.rolloutSteps) / batch },
    measure: { kind: "evaluation", episodes: 100 },
    source:
      "rl-baselines3-zoo, hyperparams/ppo.yml at 208b6fd, the rest Stable-Baselines3's defaults",
  };
}

/** `normalize: true` of rl-zoo: VecNormalize of observations and rewards. */
const NORMALISED = { normaliseObservations: true, normaliseRewards: true } as const;

/** CleanRL measures the last 100 training episodes (the default window of its rlops). */
const CLEANRL: Recipe = {
  environments: 4,
  ppo: { ...DEFAULT_PPO, totalSteps: 500_000, shards: SHARDS },
  measure: { kind: "training", episodes: 100 },
  source: "CleanRL, cleanrl/ppo.py and benchmark/ppo.sh, defaults",
};

/** Masked PPO on the environment of 80 actions, after sb3-contrib's own test. */
const MASKED: Recipe = {
  ...SB3,
  ppo: { ...SB3.ppo, totalSteps: 5000, gamma: 0.4 },
  measure: { kind: "evaluation", episodes: 20 },
  source: "sb3-contrib, tests/test_invalid_actions.py, the rest Stable-Baselines3's defaults",
};

/** rl-zoo has nothing for the environments that exist to test a learner. */
const UNLISTED: Recipe = {
  ...SB3,
  source: "Stable-Baselines3's defaults, for rl-baselines3-zoo has no settings for it",
};

interface PresetTable {
  /** For environments without an entry. */
  readonly others: Recipe;
  readonly entries: ReadonlyMap<string, Recipe>;
}

const TABLES: ReadonlyMap<string, PresetTable> = new Map<string, PresetTable>([
  ["cleanrl", { others: CLEANRL, entries: new Map() }],
  [
    "rl-zoo",
    {
      others: UNLISTED,
      entries: new Map([
        [
          "CartPole-v1",
          zoo(8, {
            totalSteps: 100_000,
            rolloutSteps: 32,
            batch: 256,
            epochs: 20,
            gamma: 0.98,
            lambda: 0.8,
            learningRate: 1e-3,
            learningRateSchedule: "linear",
            clipSchedule: "linear",
          }),
        ],
        [
          "Acrobot-v1",
          zoo(16, {
            totalSteps: 1_000_000,
            rolloutSteps: 256,
            epochs: 4,
            lambda: 0.94,
            ...NORMALISED,
          }),
        ],
        [
          "MountainCar-v0",
          zoo(16, {
            totalSteps: 1_000_000,
            rolloutSteps: 16,
            epochs: 4,
            lambda: 0.98,
            ...NORMALISED,
          }),
        ],
        // rl-zoo has no masked PPO; this is where its makers keep the environment.
        ["InvalidActionEnvDiscrete", MASKED],
      ]),
    },
  ],
  ["sb3", { others: SB3, entries: new Map([["InvalidActionEnvDiscrete", MASKED]]) }],
]);

export const PRESET_NAMES: readonly string[] = [...TABLES.keys()];

/**
 * What the preset called `name` sets for `environment`. `UNKNOWN_PRESET` where there is none of the
 * name, `PRESET_ENVIRONMENT` where the environment is no reference environment.
 */
export function presetFor(name: string, environment: string): Preset {
  const table = TABLES.get(name);
  if (table === undefined) {
    const nearest = nearestOf(name, PRESET_NAMES);
    throw new OperationError(
      "UNKNOWN_PRESET",
      `preset: expected one of ${PRESET_NAMES.join(", ")}, was ${JSON.stringify(name)}` +
        (nearest === null ? "" : `; did you mean ${nearest}?`),
    );
  }
  if (!ENVIRONMENT_NAMES.includes(environment)) {
    throw new OperationError(
      "PRESET_ENVIRONMENT",
      `preset ${name}: expected a reference environment (${ENVIRONMENT_NAMES.join(", ")}), was ` +
        `${environment}; a preset says nothing of others`,
    );
  }
  return { name, environment, ...(table.entries.get(environment) ?? table.others) };
}
