/** The reference environments against what Gymnasium and NumPy recorded, seeds included. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  checkEnv,
  type Env,
  ENVIRONMENT_NAMES,
  makeEnv,
  NumpyRandom,
  seedSequence,
  TimeLimit,
} from "../../src/gym/index.ts";

interface Episode {
  readonly seed: number;
  readonly reset_obs: number[];
  /** Action, observation, reward, terminated, truncated. */
  readonly steps: [number, number[], number, boolean, boolean][];
  /** First observation of the episode that an unseeded reset starts after this one. */
  readonly reset_after?: number[];
}

interface NumpyCase {
  readonly seedseq_state_u32x8: number[];
  readonly pcg64_raw: string[];
  readonly "uniform(-.05,.05,4)": number[];
}

function golden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../golden/${name}`, import.meta.url), "utf8"));
}

describe("recorded episodes", () => {
  const { envs } = golden("gym_envs.json") as { envs: Record<string, Episode[]> };

  test.each(Object.keys(envs))("%s starts where Gymnasium does and follows it", (name) => {
    let compared = 0;
    const compare = (got: Float32Array, wanted: readonly number[], place: string): void => {
      expect(got.length, place).toBe(wanted.length);
      for (const [index, number] of wanted.entries()) {
        expect(Math.abs((got[index] as number) - number), place).toBeLessThan(1e-9);
      }
      compared += 1;
    };
    for (const { seed, reset_obs: opening, steps, reset_after: after } of envs[name] ?? []) {
      const env = makeEnv(name);
      compare(env.reset({ seed })[0], opening, `seed ${seed}`);
      for (const [step, [action, wanted, ...rest]] of steps.entries()) {
        const [observation, reward, terminated, truncated] = env.step(action);
        compare(observation, wanted, `seed ${seed} step ${step}`);
        expect([reward, terminated, truncated]).toEqual(rest);
      }
      if (after !== undefined) compare(env.reset()[0], after, `seed ${seed}, the next reset`);
    }
    expect(compared).toBeGreaterThan(60);
  });
});

describe("NumPy's generator", () => {
  const cases = Object.entries(golden("numpy_rng.json") as Record<string, NumpyCase>);

  test.each(cases)("of seed %s gives the same words and numbers", (text, wanted) => {
    // Beyond 2^53 a number is not what it says.
    const seeds = [BigInt(text), Number(text)].filter((seed) => String(seed) === text);
    expect(seeds.length).toBeGreaterThan(0);
    for (const seed of seeds) {
      expect(seedSequence(seed, 8)).toEqual(wanted.seedseq_state_u32x8);
      const words = new NumpyRandom(seed);
      expect(wanted.pcg64_raw.map(() => words.uint64().toString())).toEqual(wanted.pcg64_raw);
      const uniform = new NumpyRandom(seed);
      const numbers = wanted["uniform(-.05,.05,4)"];
      expect(numbers.map(() => uniform.float() * 0.1 - 0.05)).toEqual(numbers);
    }
  });

  test("takes seeds of several words", () => {
    // A pool of four words takes in the fifth and sixth by another path.
    const [first] = seedSequence(2n ** 160n + 12_345n, 1);
    expect(first).not.toBe(seedSequence(12_345n, 1)[0]);
    expect(() => new NumpyRandom(-1)).toThrow("a numeric seed is not negative");
    expect(() => new NumpyRandom(0.5)).toThrow("a numeric seed is whole");
  });
});

describe("the registry", () => {
  test("makes every environment under its own name, and all pass the checker", () => {
    for (const name of ENVIRONMENT_NAMES) {
      const env = makeEnv(name);
      expect(env.metadata.name).toBe(name);
      expect(checkEnv(env), name).toEqual([]);
      expect(makeEnv(name)).not.toBe(env);
    }
  });

  test("has the published sizes and limits", () => {
    const sizeOf = ({ observationSpace, actionSpace }: Env) => [
      observationSpace.low.length,
      actionSpace.n,
    ];
    expect(sizeOf(makeEnv("CartPole-v1"))).toEqual([4, 2]);
    expect(sizeOf(makeEnv("Acrobot-v1"))).toEqual([6, 3]);
    expect(sizeOf(makeEnv("MountainCar-v0"))).toEqual([2, 3]);
    const masked = makeEnv("InvalidActionEnvDiscrete");
    expect(sizeOf(masked)).toEqual([80, 80]);
    const [observation, info] = masked.reset({ seed: 1 });
    const mask = info.actionMask ?? new Uint8Array();
    expect(mask.reduce((sum, allowed) => sum + allowed, 0)).toBe(20);
    expect(mask[observation.indexOf(1)]).toBe(1);
    expect(lengthOf(masked, () => observation.indexOf(1))).toBe(100);
    // Torque and push that swing nothing up: only the time limit ends the episode.
    expect(lengthOf(makeEnv("Acrobot-v1"), () => 1)).toBe(500);
    expect(lengthOf(makeEnv("MountainCar-v0"), () => 1)).toBe(200);
  });

  test("CartPole is cut off after 500 steps", () => {
    // Balanced by the pole's lean, its swing, and a little by where the cart is.
    const choose = ([position = 0, velocity = 0, angle = 0, spin = 0]: Float32Array): number =>
      0.1 * position + 0.3 * velocity + 3 * angle + spin > 0 ? 1 : 0;
    expect(lengthOf(makeEnv("CartPole-v1"), choose)).toBe(500);
  });

  test("names the nearest environment for one that it does not know", () => {
    expect(() => makeEnv("cartpole-v0")).toThrow(/was "cartpole-v0"; did you mean CartPole-v1/);
    expect(() => makeEnv("Humanoid-v5")).toThrow(/was "Humanoid-v5"; there are CartPole-v1, Acro/);
  });
});

test("an environment in a shorter time limit passes the checker as well", () => {
  for (const name of ["Acrobot-v1", "MountainCar-v0"]) {
    expect(checkEnv(new TimeLimit(makeEnv(name), 7), { steps: 200 })).toEqual([]);
  }
});

/** Steps of one episode played by `choose`, which must be truncated. */
function lengthOf(env: Env, choose: (observation: Float32Array) => number): number {
  let [observation, info] = env.reset({ seed: 3 });
  for (let steps = 1; ; steps++) {
    const mask = info.actionMask;
    const wanted = choose(observation);
    const action = mask === undefined || mask[wanted] === 1 ? wanted : mask.indexOf(1);
    const [next, , terminated, truncated, nextInfo] = env.step(action);
    expect(terminated).toBe(false);
    if (truncated) return steps;
    observation = next;
    info = nextInfo;
  }
}
