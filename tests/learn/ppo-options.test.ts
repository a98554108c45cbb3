/** What single options do to a run, against what follows from their definitions. */
import { expect, test } from "vitest";
import { Box, CartPole, Discrete, type Env, SyncVectorEnv } from "../../src/gym/index.ts";
import { DEFAULT_PPO, type PpoSettings, PpoTrainer } from "../../src/learn/index.ts";

const lanes = (make: () => Env, count = 8) =>
  new SyncVectorEnv(Array.from({ length: count }, () => make));
const settings: PpoSettings = {
  ...DEFAULT_PPO,
  totalSteps: 8 * 32 * 4,
  rolloutSteps: 32,
  hidden: [8],
  learningRate: 3e-3,
};

test("a target KL that every epoch exceeds leaves one epoch, one that none does leaves all", () => {
  const weights = (change: Partial<PpoSettings>) => {
    const trainer = new PpoTrainer(
      lanes(() => new CartPole()),
      { ...settings, ...change },
      3,
    );
    const { approxKl } = trainer.iterate();
    return { params: [...trainer.params], approxKl };
  };
  const [one, all] = [weights({ epochs: 1 }), weights({ epochs: 4 })];
  expect(one.params).not.toEqual(all.params);
  // The estimate of an epoch is never below 0; the last minibatch of the first is above it.
  expect(one.approxKl).toBeGreaterThan(0);
  expect(weights({ epochs: 4, targetKl: 1e-12 }).params).toEqual(one.params);
  expect(weights({ epochs: 4, targetKl: 1e6 }).params).toEqual(all.params);
});

/** One unit a step for ever, of which we watch four steps at a time, or which ends after four. */
function endless(end: "truncated" | "terminated"): () => Env {
  return () => {
    let step = 0;
    const shown = () => Float32Array.of(1);
    return {
      observationSpace: new Box(Float32Array.of(0), Float32Array.of(1)),
      actionSpace: new Discrete(2),
      metadata: { name: `endless-${end}` },
      reset: () => {
        step = 0;
        return [shown(), {}];
      },
      step: () => {
        step += 1;
        const isLast = step === 4;
        return [shown(), 1, isLast && end === "terminated", isLast && end === "truncated", {}];
      },
      close: () => undefined,
    };
  };
}

test.each(["separate", "shared"] as const)(
  "a time limit is not an end: what follows it counts (trunk %s)",
  (trunk) => {
    const value = (end: "truncated" | "terminated") => {
      const trainer = new PpoTrainer(
        lanes(endless(end)),
        {
          ...settings,
          totalSteps: 8 * 32 * 120,
          learningRate: 0.01,
          learningRateSchedule: "constant",
          gamma: 0.8,
          valueClip: null,
          trunk,
        },
        1,
      );
      while (!trainer.isDone) trainer.iterate();
      return trainer.value(Float32Array.of(1));
    };
    // 1 / (1 - 0.8) where it goes on.
    expect(value("truncated")).toBeCloseTo(5, 0);
    // Without the observation telling how far the episode is, the mean over its four steps:
    // 1, 1.8, 2.44 and 2.952, had each the next one's true value; less where it has the mean itself.
    expect(value("terminated")).toBeLessThan(3);
  },
);

test("observations and rewards in another unit lead to the same play where both are normalised", () => {
  const scaled = (unit: number) => (): Env => {
    const env = new CartPole();
    const move = (observation: Float32Array) => observation.map((x) => unit * x);
    return {
      observationSpace: env.observationSpace,
      actionSpace: env.actionSpace,
      metadata: { name: "scaled" },
      reset: (options) => {
        const [observation, info] = env.reset(options);
        return [move(observation), info];
      },
      step: (action) => {
        const [observation, reward, ...rest] = env.step(action);
        return [move(observation), unit * reward, ...rest];
      },
      close: () => env.close(),
    };
  };
  const both = { ...settings, normaliseObservations: true, normaliseRewards: true };
  // Powers of two round alike, and large ones leave nothing of the moments' beginning at 0 and 1.
  const first = new PpoTrainer(lanes(scaled(2 ** 20)), both, 5);
  const second = new PpoTrainer(lanes(scaled(2 ** 30)), both, 5);
  const [one, other] = [first.iterate(), second.iterate()];
  expect(other.actionShares).toEqual(one.actionShares);
  expect(other.meanReturn / 1024).toBeCloseTo(one.meanReturn, 6);
  expect(other.valueLoss).toBeCloseTo(one.valueLoss, 6);
});
