import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CartPole, type Env, type Probe, ProbeEnv, SyncVectorEnv } from "../../src/gym/index.ts";
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
} from "../../src/learn/index.ts";
import { DEFAULT_EPISODE, KalshiVectorEnv, SessionDataLoader } from "../../src/sim/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-learn-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lanes = (make: () => Env, count: number) =>
  new SyncVectorEnv(Array.from({ length: count }, () => make));

function trained(env: SyncVectorEnv | KalshiVectorEnv, settings: PpoSettings, seed = 1) {
  const trainer = new PpoTrainer(env, settings, seed);
  while (!trainer.isDone) trainer.iterate();
  return trainer;
}

describe("what must be found in a probe is found", () => {
  const settings: PpoSettings = {
    ...DEFAULT_PPO,
    totalSteps: 8192,
    rolloutSteps: 32,
    learningRate: 3e-3,
    valueClip: null,
    hidden: [16],
    gamma: 0.9,
  };
  const free = Uint8Array.of(1, 1);
  const solve = (probe: Probe) => {
    const trainer = trained(
      lanes(() => new ProbeEnv(probe), 8),
      settings,
    );
    const { shape, params } = trainer;
    const policy = Policy.ofNetwork(shape, params);
    const value = (x: number): number => trainer.value(Float32Array.of(x));
    return { policy, value };
  };

  test("the value of a constant reward", () => {
    expect(solve("constant").value(0)).toBeCloseTo(1, 1);
  });
  test("a value that follows the observation", () => {
    const { value } = solve("observed");
    expect(value(1)).toBeCloseTo(1, 1);
    expect(value(-1)).toBeCloseTo(-1, 1);
  });
  test("a reward that comes later, discounted", () => {
    const { value } = solve("delayed");
    expect(value(1)).toBeCloseTo(1, 1);
    expect(value(0)).toBeCloseTo(0.9, 1);
  });
  test("the better action", () => {
    const { policy } = solve("chosen");
    expect(policy.probabilities(Float32Array.of(0), free)[1]).toBeGreaterThan(0.95);
  });
  test("the action that fits the observation", () => {
    const { policy } = solve("matched");
    expect(policy.best(Float32Array.of(1), free)).toBe(1);
    expect(policy.best(Float32Array.of(-1), free)).toBe(0);
  });
});

test("within 15,000 steps a pole stands four times as long as at random", () => {
  const settings: PpoSettings = {
    ...DEFAULT_PPO,
    totalSteps: 14_336,
    rolloutSteps: 32,
    minibatches: 1,
    epochs: 20,
    gamma: 0.98,
    lambda: 0.8,
    entropyCoefficient: 0,
    learningRate: 2e-3,
    valueClip: null,
    hidden: [32],
  };
  const trainer = new PpoTrainer(
    lanes(() => new CartPole(), 8),
    settings,
    3,
  );
  const returns: number[] = [];
  while (!trainer.isDone) {
    const { meanReturn } = trainer.iterate();
    if (!Number.isNaN(meanReturn)) returns.push(meanReturn);
  }
  const early = returns.slice(0, 5).reduce((sum, value) => sum + value, 0) / 5;
  const late = returns.slice(-10).reduce((sum, value) => sum + value, 0) / 10;
  // Random play lasts 22 steps; 500 are the limit. Eight seeds gave 89 to 237.
  expect(early).toBeLessThan(40);
  expect(late).toBeGreaterThan(88);
});

describe("a run over recorded markets", () => {
  const data = [new SessionDataLoader().load("sessions/sample-1")];
  const make = () => new KalshiVectorEnv(data, 4, { ...DEFAULT_EPISODE, steps: 50 });
  const settings: PpoSettings = { ...DEFAULT_PPO, totalSteps: 4 * 64 * 6, rolloutSteps: 64 };
  const hashOf = ({ shape, params }: PpoTrainer): string => modelHashOf(shape, params);

  test("has the same weights for the same seed, and others for another", () => {
    const first = hashOf(trained(make(), settings, 5));
    expect(hashOf(trained(make(), settings, 5))).toBe(first);
    expect(hashOf(trained(make(), settings, 6))).not.toBe(first);
  });

  test("goes on from a checkpoint as if it had never stopped, bit for bit", () => {
    const whole = hashOf(trained(make(), settings, 5));
    for (const stopAfter of [1, 3, 5]) {
      const path = join(folder, `checkpoint-${stopAfter}.bin`);
      const first = new PpoTrainer(make(), settings, 5);
      for (let iteration = 0; iteration < stopAfter; iteration++) first.iterate();
      saveCheckpoint(path, first.save(), { note: "kept" });
      const { state, facts } = loadCheckpoint(path);
      expect(facts).toEqual({ note: "kept" });
      const second = new PpoTrainer(make(), settings, 999);
      second.restore(state);
      while (!second.isDone) second.iterate();
      expect(hashOf(second)).toBe(whole);
    }
  });
});

describe("a model folder", () => {
  const kind = { activation: "tanh", trunk: "separate" } as const;
  const shape = { observations: 3, actions: 2, hidden: [4], ...kind };
  const params = Float32Array.from(
    { length: 3 * 4 + 4 + 4 * 2 + 2 + 3 * 4 + 4 + 4 + 1 },
    (_, i) => i / 50,
  );
  const facts = {
    schemaHash: "a".repeat(64),
    seed: 1,
    configuration: {},
    sessions: {},
    steps: 10,
    software: "test",
    result: null,
  };

  test("gives the same policy back", () => {
    const path = join(folder, "model");
    const { modelHash } = saveModel(path, shape, params, facts);
    const model = loadModel(path, facts.schemaHash);
    expect(model.manifest.modelHash).toBe(modelHash);
    const observation = Float32Array.of(0.1, -0.2, 0.3);
    const free = Uint8Array.of(1, 1);
    expect(model.policy.probabilities(observation, free)).toEqual(
      Policy.ofNetwork(shape, params).probabilities(observation, free),
    );
  });

  test("is refused for other observations, with damaged weights, or where there is none", () => {
    const path = join(folder, "refused");
    saveModel(path, shape, params, facts);
    expect(() => loadModel(path, "b".repeat(64))).toThrow(
      /expected a model for observation schema/,
    );
    writeFileSync(join(path, "policy.bin"), Buffer.alloc(params.length * 4));
    expect(() => loadModel(path, facts.schemaHash)).toThrow(/policy.bin: expected the weights/);
    expect(() => loadModel(join(folder, "nowhere"), facts.schemaHash)).toThrow(
      /nowhere.manifest.json/,
    );
  });
});

test("settings that do not fit together are refused with what to change", () => {
  const make = (change: Partial<PpoSettings>) => () =>
    new PpoTrainer(
      lanes(() => new CartPole(), 3),
      { ...DEFAULT_PPO, ...change },
      1,
    );
  expect(make({ rolloutSteps: 5 })).toThrow(/ppo.minibatches: expected a divisor of .* 15, was 4/);
  expect(make({ rolloutSteps: 4, shards: 2 })).toThrow(/ppo.shards: expected a divisor .* 3/);
  expect(make({ learningRate: 0 })).toThrow(/ppo.learningRate: expected a positive number, was 0/);
  expect(make({ hidden: [8, 0] })).toThrow(/ppo.hidden: expected widths of layers, .* was 0/);
  expect(make({ valueClip: -1 })).toThrow(/ppo.valueClip: expected a positive number, or null/);
  expect(make({ entropyCoefficient: Number.NaN })).toThrow(/ppo.entropyCoefficient: .* was NaN/);
  expect(make({ adam: { beta1: 0.9, beta2: 1, epsilon: 1e-5 } })).toThrow(
    /ppo.adam.beta2: .*was 1/,
  );
});
