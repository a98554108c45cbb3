/** What goes wrong in runs and files is an error of the world with a way out, never a surprise. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { OperationError, Prng } from "../../src/core/index.ts";
import {
  CartPole,
  type Env,
  InvalidActionEnv,
  ProbeEnv,
  SyncVectorEnv,
} from "../../src/gym/index.ts";
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

const seed = Number(process.env["SEED"] ?? 37);
const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-faults-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lanes = (make: () => Env, count = 3) =>
  new SyncVectorEnv(Array.from({ length: count }, () => make));
const SHORT: PpoSettings = {
  ...DEFAULT_PPO,
  totalSteps: 3 * 16 * 6,
  rolloutSteps: 16,
  hidden: [8],
  shards: 3,
};

function run(env: SyncVectorEnv, settings: PpoSettings): PpoTrainer {
  const trainer = new PpoTrainer(env, settings, seed);
  while (!trainer.isDone) trainer.iterate();
  return trainer;
}

/** The code of the `OperationError` that `action` ends in; other errors are let through. */
function codeOf(action: () => unknown): string {
  try {
    action();
    return "none";
  } catch (error) {
    if (error instanceof OperationError) return error.code;
    throw error;
  }
}

describe("numbers that are none stop a run, and the message says which and when", () => {
  test.each([1e20, 1e30, 1e38])("a learning rate of %d", (learningRate) => {
    const settings = { ...SHORT, learningRate };
    expect(
      codeOf(() =>
        run(
          lanes(() => new CartPole()),
          settings,
        ),
      ),
    ).toBe("NOT_A_NUMBER");
  });

  test.each(["kernel", "scalar"] as const)("logits that overflow under a mask: %s", (engine) => {
    // The environment asserts that no forbidden action arrives; the last one is forbidden here.
    const env = lanes(() => new InvalidActionEnv(8, 6));
    const settings: PpoSettings = {
      ...SHORT,
      ...{ learningRate: 1e20, epochs: 1, minibatches: 1, activation: "relu", hidden: [8, 8] },
    };
    const trainer = new PpoTrainer(env, settings, seed, { engine });
    const broken = () => {
      while (!trainer.isDone) trainer.iterate();
    };
    expect(broken).toThrow(/iteration 2: expected \w+ to be a finite number, was/);
    trainer.close();
  });

  /** One-step episodes; from the third reset on, the reward or the observation is `number`. */
  const spoilt = (what: "reward" | "observation", number: number) => (): Env => {
    const env = new ProbeEnv("constant");
    let resets = 0;
    const shown = () => Float32Array.of(what === "observation" && resets > 40 ? number : 0);
    return {
      observationSpace: env.observationSpace,
      actionSpace: env.actionSpace,
      metadata: env.metadata,
      reset: (options) => {
        resets += 1;
        return [shown(), env.reset(options)[1]];
      },
      step: (action) => {
        const [, reward, ...rest] = env.step(action);
        return [shown(), what === "reward" && resets > 40 ? number : reward, ...rest];
      },
      close: () => env.close(),
    };
  };
  test.each([
    ["reward", Number.NaN, /iteration 3: expected reward to be a finite number, was NaN; lower/],
    ["reward", Infinity, /iteration 3: expected reward to be a finite number, was Infinity/],
    ["observation", Number.NaN, /iteration 3: expected value to be a finite number, was NaN/],
  ] as const)("a %s of %d", (what, number, message) => {
    expect(() => run(lanes(spoilt(what, number)), SHORT)).toThrow(message);
  });

  test("an observation of NaN, with relu as well", () => {
    const settings: PpoSettings = { ...SHORT, activation: "relu", trunk: "shared" };
    const broken = () => run(lanes(spoilt("observation", Number.NaN)), settings);
    expect(codeOf(broken)).toBe("NOT_A_NUMBER");
    expect(broken).toThrow(/iteration 3: expected \w+ to be a finite number, was NaN/);
  });
});

describe("a run over any environment that repeats itself", () => {
  test.each([
    ["CartPole", () => new CartPole()],
    ["masked actions", () => new InvalidActionEnv(6, 4)],
    ["a delayed reward", () => new ProbeEnv("delayed")],
  ] as [string, () => Env][])("resumes bit for bit: %s", (name, make) => {
    const hash = ({ shape, params }: PpoTrainer) => modelHashOf(shape, params);
    const whole = hash(run(lanes(make), SHORT));
    for (const stopAfter of [0, 1, 4]) {
      const first = new PpoTrainer(lanes(make), SHORT, seed);
      for (let iteration = 0; iteration < stopAfter; iteration++) first.iterate();
      const path = join(folder, `${name} ${stopAfter}.bin`);
      saveCheckpoint(path, first.save(), {});
      const second = new PpoTrainer(lanes(make), SHORT, "another");
      second.restore(loadCheckpoint(path).state);
      while (!second.isDone) second.iterate();
      expect(hash(second), `stopped after ${stopAfter}`).toBe(whole);
    }
  });

  test("is refused in an environment of another name", () => {
    const state = new PpoTrainer(
      lanes(() => new ProbeEnv("constant")),
      SHORT,
      seed,
    ).save();
    const other = new PpoTrainer(
      lanes(() => new ProbeEnv("chosen")),
      SHORT,
      seed,
    );
    expect(() => other.restore(state)).toThrow(
      /expected 3 lanes of Probe-chosen, was 3 of Probe-con/,
    );
  });
});

test("masks are respected in every draw of a run, and the best allowed action is found", () => {
  // The environment asserts that no forbidden action arrives.
  const settings = { ...DEFAULT_PPO, totalSteps: 8192, rolloutSteps: 32, hidden: [32] };
  const trainer = run(
    lanes(() => new InvalidActionEnv(8, 6), 8),
    { ...settings, learningRate: 3e-3, gamma: 0 },
  );
  const env = new InvalidActionEnv(8, 6);
  const policy = Policy.ofNetwork(trainer.shape, trainer.params);
  let [observation, info] = env.reset({ seed });
  let total = 0;
  for (let step = 0; step < 100; step++) {
    const result = env.step(policy.best(observation, info.actionMask as Uint8Array));
    total += result[1];
    observation = result[0];
    info = result[4];
  }
  expect(total).toBeGreaterThan(95);
});

test("a checkpoint with any one byte changed, or cut anywhere, is refused", () => {
  const trainer = new PpoTrainer(
    lanes(() => new CartPole()),
    SHORT,
    seed,
  );
  trainer.iterate();
  const path = join(folder, "spoilt.bin");
  saveCheckpoint(path, trainer.save(), { note: "fuzz" });
  const bytes = readFileSync(path);
  const prng = Prng.fromSeed(seed);
  const known = /^CHECKPOINT_(FORMAT|VERSION|DAMAGED)$/;
  const load = (content: Uint8Array) => () => {
    writeFileSync(path, content);
    return loadCheckpoint(path);
  };
  for (let round = 0; round < 200; round++) {
    const at = round < 20 ? round : prng.integer(bytes.length);
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] as number) ^ (1 << prng.integer(8));
    expect(codeOf(load(changed)), `seed ${seed} byte ${at}`).toMatch(known);
    const length = round < 60 ? round : prng.integer(bytes.length);
    expect(load(bytes.subarray(0, length)), `length ${length}`).toThrow(
      `spoilt.bin: expected at least ${length < 24 ? 24 : bytes.length} bytes, was ${length}: ` +
        "it was cut short; resume from a copy, or start a new run",
    );
  }
});

test("a manifest that is not one is refused, whatever JSON it is", () => {
  const path = join(folder, "manifest");
  const facts = {
    schemaHash: "a".repeat(64),
    seed: 1,
    configuration: {},
    sessions: {},
    steps: 10,
    software: "test",
    result: null,
  };
  const kind = { activation: "tanh", trunk: "separate" } as const;
  const shape = { observations: 1, actions: 1, hidden: [], ...kind };
  const manifest = saveModel(path, shape, new Float32Array(4), facts);
  const load = (text: string) => () => {
    writeFileSync(join(path, "manifest.json"), text);
    return loadModel(path, facts.schemaHash);
  };
  expect(codeOf(load(JSON.stringify(manifest)))).toBe("none");
  for (const [text, code] of [
    ["{", "MODEL_FORMAT"],
    ["null", "MODEL_VERSION"],
    ["[]", "MODEL_VERSION"],
    ['"text"', "MODEL_VERSION"],
    [JSON.stringify({ ...manifest, formatVersion: 3 }), "MODEL_VERSION"],
    [JSON.stringify({ ...manifest, shape: null }), "MODEL_FORMAT"],
    [JSON.stringify({ ...manifest, shape: { ...shape, hidden: 5 } }), "MODEL_FORMAT"],
    [JSON.stringify({ ...manifest, shape: { ...shape, hidden: [0] } }), "MODEL_FORMAT"],
    [JSON.stringify({ ...manifest, modelHash: 7 }), "MODEL_FORMAT"],
    [JSON.stringify({ ...manifest, shape: { ...shape, actions: 2 } }), "MODEL_DAMAGED"],
    [JSON.stringify({ ...manifest, schemaHash: null }), "MODEL_SCHEMA"],
  ] as const) {
    expect(codeOf(load(text)), text).toBe(code);
  }
});
