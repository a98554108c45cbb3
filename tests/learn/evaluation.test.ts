/** Evaluation: the same luck for every policy, and intervals that mean what they say. */
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { CartPole, type Env, ProbeEnv } from "../../src/gym/index.ts";
import {
  evaluateInSteps,
  type EvaluatedPolicy,
  evaluatePolicies,
  meanInterval,
} from "../../src/learn/index.ts";

const seed = Number(process.env["SEED"] ?? 31);
const always = (action: number, name = `always ${action}`): EvaluatedPolicy => ({
  name,
  act: () => action,
});

/** Remembers how each episode began. */
function watched(env: Env, openings: string[]): Env {
  return {
    observationSpace: env.observationSpace,
    actionSpace: env.actionSpace,
    metadata: env.metadata,
    reset: (options) => {
      const result = env.reset(options);
      openings.push(result[0].join());
      return result;
    },
    step: (action) => env.step(action),
    close: () => env.close(),
  };
}

test("every policy plays the same episodes, whichever others there are", () => {
  const openings: string[] = [];
  const env = watched(new CartPole(), openings);
  const policies = [always(0), always(1)];
  const both = evaluatePolicies({ policies, env, episodes: 20, seed });
  expect(openings.slice(0, 20)).toEqual(openings.slice(20));
  expect(new Set(openings).size).toBe(20);
  const alone = evaluatePolicies({ policies: [always(1)], env, episodes: 20, seed });
  expect(alone.get("always 1")).toEqual(both.get("always 1"));
  const other = evaluatePolicies({ policies: [always(1)], env, episodes: 20, seed: seed + 1 });
  expect(other.get("always 1")?.returns).not.toEqual(both.get("always 1")?.returns);
});

test("returns and action shares are those of the episodes", () => {
  const env = new ProbeEnv("chosen");
  const random = { name: "random", act: (_: unknown, __: unknown, prng: Prng) => prng.integer(2) };
  const results = evaluatePolicies({ policies: [random, always(1)], env, episodes: 200, seed });
  expect(results.get("always 1")).toMatchObject({ mean: 1, low: 1, high: 1, actionShares: [0, 1] });
  const { mean = 0, returns = [], actionShares = [] } = results.get("random") ?? {};
  // The reward is the action, so the share of action 1 is the mean return.
  expect(mean).toBe(returns.reduce((sum, value) => sum + value, 0) / 200);
  expect(actionShares[1]).toBeCloseTo(mean, 12);
});

test("a mask is handed to the policy, everything allowed where there is none", () => {
  const masks: number[][] = [];
  const policy: EvaluatedPolicy = {
    name: "looks",
    act: (_observation, mask) => {
      masks.push([...mask]);
      return 0;
    },
  };
  evaluatePolicies({ policies: [policy], env: new ProbeEnv("constant"), episodes: 1, seed });
  expect(masks).toEqual([[1, 1]]);
});

test("an evaluation in steps tells after every episode how many are done", () => {
  const steps = evaluateInSteps({
    policies: [always(0), always(1)],
    env: new ProbeEnv("chosen"),
    episodes: 3,
    seed,
  });
  for (let done = 1; done <= 6; done++) expect(steps.next()).toEqual({ done: false, value: done });
  const last = steps.next();
  expect(last.done === true && [...last.value.keys()]).toEqual(["always 0", "always 1"]);
});

test("95 % intervals hold the known mean about 95 times in a hundred", () => {
  const prng = Prng.fromSeed(seed);
  const rounds = 300;
  let holds = 0;
  for (let round = 0; round < rounds; round++) {
    // Exponential numbers are skewed, as profits are; their mean is 2.
    const values = Array.from({ length: 60 }, () => 2 * prng.exponential());
    const { mean, low, high } = meanInterval(values, prng.fork(`round ${round}`));
    expect(low <= mean && mean <= high, `seed ${seed} round ${round}`).toBe(true);
    if (low <= 2 && 2 <= high) holds += 1;
  }
  // The percentile bootstrap of 60 skewed numbers is a little narrow: 92 to 94 % is its coverage.
  expect(holds / rounds, `seed ${seed}`).toBeGreaterThan(0.89);
  expect(holds / rounds, `seed ${seed}`).toBeLessThan(0.985);
});
