/** Reward normalisation against its definition, a hand-worked case, and in training. */
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { CartPole, type Env, ProbeEnv, SyncVectorEnv } from "../../src/gym/index.ts";
import { DEFAULT_PPO, type PpoSettings, PpoTrainer } from "../../src/learn/index.ts";
import { RewardNormaliser } from "../../src/learn/reward-normaliser.ts";

test("two lanes, three steps, by hand", () => {
  const normaliser = new RewardNormaliser(2, 0.5);
  const out = new Float64Array(2);
  // Returns 1 and 3: mean 2, variance 1, beside the 1e-4 of a mean 0 and variance 1 at the start:
  // (1e-4 + 2 + 4 x 1e-4 x 2 / 2.0001) / 2.0001.
  normaliser.step(out, Float64Array.of(1, 3), Uint8Array.of(0, 1));
  const first = (1e-4 + 2 + (4 * 1e-4 * 2) / 2.0001) / 2.0001;
  expect(out[0]).toBeCloseTo(1 / Math.sqrt(first + 1e-8), 12);
  expect(out[1]).toBeCloseTo(3 / Math.sqrt(first + 1e-8), 12);
  // The second lane's episode has ended: returns 0.5 + 1 and 0 + 2.
  normaliser.step(out, Float64Array.of(1, 2), Uint8Array.of(0, 0));
  const { moments, returns } = normaliser.save();
  expect(returns).toEqual([1.5, 2]);
  expect(moments.mean[0]).toBeCloseTo((1 + 3 + 1.5 + 2) / 4.0001, 12);
  // Sum of squares about the mean, the first 1e-4 of them at 0 with variance 1.
  const mean = 7.5 / 4.0001;
  const squares = [1, 3, 1.5, 2].reduce((sum, x) => sum + (x - mean) * (x - mean), 0);
  const variance = (1e-4 * (1 + mean * mean) + squares) / 4.0001;
  expect(moments.variance[0]).toBeCloseTo(variance, 12);
  expect(out[0]).toBeCloseTo(1 / Math.sqrt(variance + 1e-8), 12);
  // A reward far beyond what has been is clipped; no deviation at all does not divide by 0.
  const flat = new RewardNormaliser(1, 1);
  for (let step = 0; step < 100_000; step++) {
    flat.step(out.subarray(0, 1), Float64Array.of(step < 99_999 ? 0 : 1e6), Uint8Array.of(1));
  }
  expect(out[0]).toBe(10);
});

test("a restored normaliser goes on bit for bit", () => {
  const seed = Number(process.env["SEED"] ?? 3);
  const prng = Prng.fromSeed(seed);
  const step = (normaliser: RewardNormaliser, random: Prng) => {
    const out = new Float64Array(3);
    const rewards = Float64Array.from({ length: 3 }, () => random.normal());
    normaliser.step(
      out,
      rewards,
      Uint8Array.from({ length: 3 }, () => random.integer(2)),
    );
    return [...out];
  };
  const one = new RewardNormaliser(3, 0.97);
  for (let round = 0; round < 50; round++) step(one, prng);
  const other = new RewardNormaliser(3, 0.97);
  other.restore(JSON.parse(JSON.stringify(one.save())) as ReturnType<typeof one.save>);
  for (let round = 0; round < 50; round++) {
    const same = Prng.restore(prng.save());
    expect(step(other, same), `seed ${seed} round ${round}`).toEqual(step(one, prng));
  }
});

const settings: PpoSettings = {
  ...DEFAULT_PPO,
  totalSteps: 8 * 32 * 16,
  rolloutSteps: 32,
  learningRate: 3e-3,
  hidden: [16],
  gamma: 0.9,
  valueClip: null,
  normaliseRewards: true,
};
const lanes = (make: () => Env) => new SyncVectorEnv(Array.from({ length: 8 }, () => make));

/** A probe whose rewards are a thousand times as large. */
function rich(): Env {
  const env = new ProbeEnv("matched");
  return {
    observationSpace: env.observationSpace,
    actionSpace: env.actionSpace,
    metadata: { name: "rich" },
    reset: (options) => env.reset(options),
    step: (action) => {
      const [observation, reward, ...rest] = env.step(action);
      return [observation, 1000 * reward, ...rest];
    },
    close: () => env.close(),
  };
}

test("values are learnt in deviations, returns are reported in the environment's unit", () => {
  const trainer = new PpoTrainer(lanes(rich), settings, 1);
  let last = trainer.iterate();
  while (!trainer.isDone) last = trainer.iterate();
  expect(last.meanReturn).toBeGreaterThan(800);
  const value = trainer.value(Float32Array.of(1));
  expect(Math.abs(value)).toBeLessThan(20);
  expect(Math.abs(value)).toBeGreaterThan(0.3);
  const { rewardNormaliser } = trainer.save();
  expect(rewardNormaliser?.moments.count).toBeCloseTo(trainer.steps + 1e-4, 6);
});

test("it changes what is learnt, and what is played before learning not at all", () => {
  const make = (normaliseRewards: boolean) =>
    new PpoTrainer(
      lanes(() => new CartPole()),
      { ...settings, normaliseRewards },
      2,
    );
  const [raw, normalised] = [make(false), make(true)];
  const [first, second] = [raw.iterate(), normalised.iterate()];
  expect(second.meanReturn).toBe(first.meanReturn);
  expect(second.actionShares).toEqual(first.actionShares);
  expect(second.valueLoss).toBeLessThan(first.valueLoss);
});
