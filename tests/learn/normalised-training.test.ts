/** Training on normalised observations and with a falling clip; what is kept of both. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Box, CartPole, Discrete, type Env, ProbeEnv, SyncVectorEnv } from "../../src/gym/index.ts";
import {
  DEFAULT_PPO,
  loadCheckpoint,
  loadModel,
  modelHashOf,
  Policy,
  type PpoSettings,
  PpoTrainer,
  saveCheckpoint,
  saveModel,
  type Schedule,
} from "../../src/learn/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-normalised-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The probe whose action must fit its observation, seen from far away: 50 - or + 0.1. */
function distant(): Env {
  const env = new ProbeEnv("matched");
  const move = (observation: Float32Array) => observation.map((x) => 50 + 0.1 * x);
  return {
    observationSpace: new Box(Float32Array.of(49), Float32Array.of(51)),
    actionSpace: new Discrete(2),
    metadata: { name: "distant" },
    reset: (options) => {
      const [observation, info] = env.reset(options);
      return [move(observation), info];
    },
    step: (action) => {
      const [observation, ...rest] = env.step(action);
      return [move(observation), ...rest];
    },
    close: () => env.close(),
  };
}
const lanes = (make: () => Env) => new SyncVectorEnv(Array.from({ length: 8 }, () => make));
const settings: PpoSettings = {
  ...DEFAULT_PPO,
  totalSteps: 4096,
  rolloutSteps: 32,
  learningRate: 3e-3,
  hidden: [16],
  normaliseObservations: true,
};

function run(trainer: PpoTrainer): PpoTrainer {
  while (!trainer.isDone) trainer.iterate();
  return trainer;
}
const hashOf = ({ shape, params, normaliser }: PpoTrainer) =>
  modelHashOf(shape, params, normaliser);

test("what hides in a small part of a large number is learnt, and kept in the model", () => {
  const trainer = run(new PpoTrainer(lanes(distant), settings, 1));
  const { normaliser, shape, params } = trainer;
  expect(normaliser?.mean[0]).toBeCloseTo(50, 1);
  // Every observation that an action was chosen from was taken in, once.
  expect(normaliser?.count).toBeCloseTo(4096 + 1e-4, 9);
  const path = join(folder, "model");
  const facts = {
    schemaHash: "s",
    seed: 1,
    configuration: {},
    sessions: {},
    steps: trainer.steps,
    software: "test",
    result: null,
    normaliser,
  };
  const { modelHash } = saveModel(path, shape, params, facts);
  expect(modelHash).toBe(hashOf(trainer));
  const { policy } = loadModel(path, "s");
  const free = Uint8Array.of(1, 1);
  const probability = (x: number, action: number) =>
    policy.probabilities(Float32Array.of(50 + 0.1 * x), free)[action];
  for (let round = 0; round < 3; round++) {
    expect(probability(1, 1)).toBeGreaterThan(0.9);
    expect(probability(-1, 0)).toBeGreaterThan(0.9);
  }
  const raw = Policy.ofNetwork(shape, params);
  const same = [-1, 1].map((x) => raw.probabilities(Float32Array.of(50 + 0.1 * x), free)[1]);
  expect(Math.abs((same[0] as number) - (same[1] as number))).toBeLessThan(0.1);

  const place = join(path, "manifest.json");
  const manifest = JSON.parse(readFileSync(place, "utf8")) as Record<string, unknown>;
  const rewrite = (change: unknown) =>
    writeFileSync(place, JSON.stringify({ ...manifest, normaliser: change }));
  rewrite({ ...normaliser, count: 7 });
  expect(() => loadModel(path, "s")).toThrow(/expected the weights with hash/);
  rewrite({ ...normaliser, mean: "much" });
  expect(() => loadModel(path, "s")).toThrow(/expected normaliser to be null or finite count/);
});

test("a run with running moments and a falling clip resumes bit for bit", () => {
  const both: PpoSettings = { ...settings, totalSteps: 8 * 32 * 5, clipSchedule: "linear" };
  const make = () =>
    new PpoTrainer(
      lanes(() => new CartPole()),
      both,
      9,
    );
  const whole = hashOf(run(make()));
  const first = make();
  for (let iteration = 0; iteration < 2; iteration++) first.iterate();
  const path = join(folder, "checkpoint.bin");
  saveCheckpoint(path, first.save(), {});
  const second = new PpoTrainer(
    lanes(() => new CartPole()),
    both,
    10,
  );
  second.restore(loadCheckpoint(path).state);
  expect(hashOf(run(second))).toBe(whole);
});

test("a falling clip leaves the first iteration alone and binds tighter later", () => {
  const train = (clipSchedule: Schedule) => {
    const change = { learningRate: 0.02, clipSchedule, totalSteps: 8 * 32 * 8 };
    const trainer = new PpoTrainer(
      lanes(() => new CartPole()),
      { ...settings, ...change },
      4,
    );
    return Array.from({ length: 8 }, () => trainer.iterate());
  };
  const [steady, falling] = [train("constant"), train("linear")];
  expect(falling[0]).toEqual(steady[0]);
  // At an eighth of the clip, more ratios lie beyond it.
  expect(falling[7]?.clipFraction).toBeGreaterThan(2 * (steady[7]?.clipFraction ?? 1));
});
