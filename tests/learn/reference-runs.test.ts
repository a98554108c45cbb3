/**
 * Short runs on the reference environments with the presets' own settings: they must learn, and
 * their weights have exact hashes. A changed hash is a changed result and says why in its commit;
 *   UPDATE_GOLDEN=1 npx vitest run tests/learn/reference-runs.test.ts
 * writes the new ones into tests/golden/reference-runs.json. The long runs are `npm run reproduce`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { ENVIRONMENT_NAMES, makeEnv, SyncVectorEnv } from "../../src/gym/index.ts";
import {
  evaluatePolicies,
  modelHashOf,
  Policy,
  PpoTrainer,
  PRESET_NAMES,
  presetFor,
  requirePpoSettings,
} from "../../src/learn/index.ts";

const url = new URL("../golden/reference-runs.json", import.meta.url);
const isUpdating = process.env["UPDATE_GOLDEN"] === "1";
const golden = JSON.parse(readFileSync(url, "utf8")) as Record<string, string>;
const found: Record<string, string> = {};

afterAll(() => {
  if (isUpdating) writeFileSync(url, `${JSON.stringify(found, null, 2)}\n`);
});

interface Run {
  readonly environment: string;
  readonly preset: string;
  readonly seed: number;
  /** Of the preset's settings, in this run's length; null is the preset's own. */
  readonly steps: number | null;
}

/** Trains, holds the weights' hash against the golden one, and gives the policy's mean return. */
function play({ environment, preset, seed, steps }: Run): number {
  const { environments, ppo, measure } = presetFor(preset, environment);
  const lanes = Array.from({ length: environments }, () => () => makeEnv(environment));
  const settings = { ...ppo, totalSteps: steps ?? ppo.totalSteps };
  const trainer = new PpoTrainer(new SyncVectorEnv(lanes), settings, seed);
  while (!trainer.isDone) trainer.iterate();
  trainer.close();
  const { shape, params, normaliser } = trainer;
  const name = `${environment} ${preset} seed ${seed}, ${settings.totalSteps} steps`;
  found[name] = modelHashOf(shape, params, normaliser);
  if (!isUpdating) expect(found[name], name).toBe(golden[name]);
  const policy = Policy.ofNetwork(shape, params, normaliser);
  const results = evaluatePolicies({
    policies: [{ name: "agent", act: (observation, mask) => policy.best(observation, mask) }],
    env: makeEnv(environment),
    episodes: measure.episodes,
    seed: `${seed} evaluation`,
  });
  return results.get("agent")?.mean ?? Number.NaN;
}

test("CartPole learns within 7,680 steps of rl-zoo's settings", () => {
  const run = { environment: "CartPole-v1", preset: "rl-zoo", seed: 1, steps: 7680 };
  // Random play lasts 22 steps; 500 are the limit.
  expect(play(run)).toBeGreaterThan(150);
});

test("masked PPO finds the number among 20 of 80 actions within 5,000 steps", () => {
  const run = { environment: "InvalidActionEnvDiscrete", preset: "sb3", seed: 2, steps: null };
  expect(play(run)).toBeGreaterThanOrEqual(90);
});

test("MountainCar trains on normalised observations and rewards, with the same bits", () => {
  // Far too short to learn; the return is in the environment's own unit all the same.
  const meanReturn = play({
    environment: "MountainCar-v0",
    preset: "rl-zoo",
    seed: 1,
    steps: 2560,
  });
  expect(meanReturn).toBeGreaterThanOrEqual(-200);
  expect(meanReturn).toBeLessThan(-100);
});

describe("presets", () => {
  test("fit together, for every reference environment", () => {
    let count = 0;
    for (const name of PRESET_NAMES) {
      for (const environment of ENVIRONMENT_NAMES) {
        const { environments, ppo, source } = presetFor(name, environment);
        requirePpoSettings(ppo, environments);
        expect(source.length).toBeGreaterThan(10);
        count += 1;
      }
    }
    expect(count).toBe(33);
  });

  test("have the minibatches of their sources", () => {
    const sizeOf = (name: string, environment: string): number => {
      const { environments, ppo } = presetFor(name, environment);
      return (environments * ppo.rolloutSteps) / ppo.minibatches;
    };
    expect(sizeOf("cleanrl", "CartPole-v1")).toBe(128);
    expect(sizeOf("rl-zoo", "CartPole-v1")).toBe(256);
    for (const environment of ["Acrobot-v1", "MountainCar-v0", "InvalidActionEnvDiscrete"]) {
      expect(sizeOf("rl-zoo", environment)).toBe(64);
    }
    expect(sizeOf("sb3", "CartPole-v1")).toBe(64);
  });

  test("that are not there are named with those that are", () => {
    expect(() => presetFor("cleanlr", "CartPole-v1")).toThrow(
      'preset: expected one of cleanrl, rl-zoo, sb3, was "cleanlr"; did you mean cleanrl?',
    );
    expect(() => presetFor("sb3", "Humanoid-v5")).toThrow(
      /preset sb3: expected a reference environment \(CartPole-v1, Acrobot-v1, .*was Humanoid-v5/,
    );
  });
});
