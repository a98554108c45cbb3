/** Rates over a run, against their definitions and in a trainer's reports. */
import { expect, test } from "vitest";
import { CartPole, SyncVectorEnv } from "../../src/gym/index.ts";
import { DEFAULT_PPO, type PpoSettings, PpoTrainer, SCHEDULES } from "../../src/learn/index.ts";
import { scheduled } from "../../src/learn/schedule.ts";

test("a rate stays, falls along a line, or along half a cosine", () => {
  for (const schedule of SCHEDULES) expect(scheduled(3, schedule, 1)).toBe(3);
  for (const left of [0.75, 0.5, 0.25, 0.1, 0]) {
    expect(scheduled(3, "constant", left)).toBe(3);
    expect(scheduled(3, "linear", left)).toBe(3 * left);
  }
  // cos(pi/4) and cos(pi/2), by hand.
  expect(scheduled(2, "cosine", 0.75)).toBeCloseTo(1 + Math.SQRT1_2, 14);
  expect(scheduled(2, "cosine", 0.5)).toBeCloseTo(1, 14);
  expect(scheduled(2, "cosine", 0.25)).toBeCloseTo(1 - Math.SQRT1_2, 14);
  expect(scheduled(2, "cosine", 0)).toBe(0);
});

const settings: PpoSettings = {
  ...DEFAULT_PPO,
  totalSteps: 4 * 16 * 4,
  rolloutSteps: 16,
  hidden: [4],
  learningRate: 0.01,
  learningRateSchedule: "linear",
  clip: 0.4,
  clipSchedule: "cosine",
  entropyCoefficient: 0.02,
  entropySchedule: "linear",
};
const lanes = () => new SyncVectorEnv(Array.from({ length: 4 }, () => () => new CartPole()));

test("every iteration reports the rates of its first step", () => {
  const trainer = new PpoTrainer(lanes(), settings, 1, { threads: 1 });
  for (const left of [1, 0.75, 0.5, 0.25]) {
    const { learningRate, clip, entropyCoefficient } = trainer.iterate();
    expect(learningRate).toBeCloseTo(0.01 * left, 15);
    expect(clip).toBeCloseTo(0.2 * (1 + Math.cos(Math.PI * (1 - left))), 14);
    expect(entropyCoefficient).toBeCloseTo(0.02 * left, 15);
  }
  trainer.close();
});

test("a closed trainer trains no more; threads and names of choices are checked", () => {
  const trainer = new PpoTrainer(lanes(), settings, 1);
  trainer.close();
  expect(() => trainer.iterate()).toThrow(/closed trainer/);
  for (const threads of [0, 1.5, Number.NaN]) {
    expect(() => new PpoTrainer(lanes(), settings, 1, { threads })).toThrow(
      /threads: expected a whole number from 1 up, was /,
    );
  }
  const make = (change: object) => () => new PpoTrainer(lanes(), { ...settings, ...change }, 1);
  expect(make({ clipSchedule: "exponential" })).toThrow(
    'ppo.clipSchedule: expected one of constant, linear, cosine, was "exponential"',
  );
  expect(make({ activation: "gelu" })).toThrow(/ppo.activation: expected one of tanh, relu, was/);
  expect(make({ trunk: "both" })).toThrow(/ppo.trunk: expected one of separate, shared, was/);
});
