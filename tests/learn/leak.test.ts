/**
 * A leak in a trading environment shows as a return that no honest observation can give. Here it is
 * planted: a market whose price moves as it likes, once with the next price in the observation and
 * once without. With it the learner must come close to what clairvoyance earns, or it could not be
 * trusted to find what is there; without it nothing can be earned, and it must not seem otherwise.
 */
import { expect, test } from "vitest";
import { makeEnv, SyncVectorEnv } from "../../src/gym/index.ts";
import {
  DEFAULT_PPO,
  type EvaluatedPolicy,
  evaluatePolicies,
  Policy,
  type PpoSettings,
  PpoTrainer,
} from "../../src/learn/index.ts";

const STEPS = 50;
/** What a step in the market costs. */
const COST = 0.2;
const HOLD = 0;
const LONG = 1;
const SHORT = 2;

/** Acts on the third number as if it were the next change. */
const clairvoyant: EvaluatedPolicy = {
  name: "clairvoyant",
  act: ([, , next = 0]) => (Math.abs(next) < COST ? HOLD : next > 0 ? LONG : SHORT),
};

const settings: PpoSettings = {
  ...DEFAULT_PPO,
  totalSteps: 16_384,
  rolloutSteps: 64,
  learningRate: 3e-3,
  gamma: 0.9,
  hidden: [16],
};

/** Mean return of the trained policy and of the clairvoyant one, over the same new episodes. */
function learnt(name: "Leak-planted" | "Leak-none", seed: number) {
  const env = new SyncVectorEnv(Array.from({ length: 8 }, () => () => makeEnv(name)));
  const trainer = new PpoTrainer(env, settings, seed);
  while (!trainer.isDone) trainer.iterate();
  trainer.close();
  const { shape, params } = trainer;
  const policy = Policy.ofNetwork(shape, params as Float32Array);
  const agent: EvaluatedPolicy = { name: "agent", act: (row, mask) => policy.best(row, mask) };
  const results = evaluatePolicies({
    policies: [agent, clairvoyant],
    env: makeEnv(name),
    episodes: 100,
    seed: `leak ${seed}`,
  });
  const meanOf = (name: string): number => results.get(name)?.mean ?? Number.NaN;
  return { agent: meanOf("agent"), clairvoyant: meanOf("clairvoyant") };
}

// Per step E|x| - COST where |x| > COST, of a normal x.
const ORACLE = 0.6144 * STEPS;

test.each([1, 2])(
  "with the next price in sight the learner earns what it is worth, seed %i",
  (seed) => {
    const { agent, clairvoyant: oracle } = learnt("Leak-planted", seed);
    expect(Math.abs(oracle - ORACLE)).toBeLessThan(0.05 * ORACLE);
    expect(agent).toBeGreaterThan(0.95 * oracle);
    expect(agent).toBeLessThanOrEqual(oracle);
  },
);

test.each([1, 2])("without it there is nothing to earn, seed %i", (seed) => {
  const { agent, clairvoyant: oracle } = learnt("Leak-none", seed);
  // Whoever trusts the noise pays the cost in most steps.
  expect(oracle).toBeLessThan(-0.1 * ORACLE);
  expect(agent).toBeLessThan(0.05 * ORACLE);
  expect(agent).toBeGreaterThan(-0.1 * ORACLE);
});
