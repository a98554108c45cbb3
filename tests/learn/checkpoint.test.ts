/** Checkpoints: complete with every option on, and refused by name where they do not fit. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  CartPole,
  type Env,
  InvalidActionEnv,
  stackFrames,
  SyncVectorEnv,
  TimeLimit,
} from "../../src/gym/index.ts";
import {
  DEFAULT_PPO,
  loadCheckpoint,
  type PpoSettings,
  PpoTrainer,
  saveCheckpoint,
} from "../../src/learn/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LANES = 4;
const lanes = (make: () => Env, frames = 1, count = LANES) =>
  stackFrames(new SyncVectorEnv(Array.from({ length: count }, () => make)), frames);

/** Everything that a run can have switched on. */
const EVERYTHING: PpoSettings = {
  ...DEFAULT_PPO,
  totalSteps: LANES * 16 * 6,
  rolloutSteps: 16,
  shards: 2,
  hidden: [9, 5],
  activation: "relu",
  trunk: "shared",
  learningRate: 3e-3,
  learningRateSchedule: "cosine",
  clipSchedule: "linear",
  entropySchedule: "cosine",
  normaliseObservations: true,
  normaliseRewards: true,
  targetKl: 0.01,
};

describe.each([
  ["CartPole with a time limit", () => new TimeLimit(new CartPole(), 15)],
  ["masked actions", () => new InvalidActionEnv(6, 4)],
] as [string, () => Env][])("with every option on, %s", (name, make) => {
  test("a run that was stopped anywhere ends in the same state, bit for bit", () => {
    const bytesOf = (trainer: PpoTrainer): Buffer => {
      const path = join(folder, "state.bin");
      saveCheckpoint(path, trainer.save(), {});
      return readFileSync(path);
    };
    const whole = new PpoTrainer(lanes(make, 3), EVERYTHING, 7);
    while (!whole.isDone) whole.iterate();
    const end = bytesOf(whole);
    for (let stopAfter = 0; stopAfter <= 6; stopAfter++) {
      const first = new PpoTrainer(lanes(make, 3), EVERYTHING, 7);
      for (let iteration = 0; iteration < stopAfter; iteration++) first.iterate();
      const path = join(folder, `${name} ${stopAfter}.bin`);
      saveCheckpoint(path, first.save(), {});
      const second = new PpoTrainer(lanes(make, 3), EVERYTHING, "another");
      second.restore(loadCheckpoint(path).state);
      while (!second.isDone) second.iterate();
      expect(bytesOf(second).equals(end), `stopped after ${stopAfter}`).toBe(true);
    }
  });
});

test("kernel and reference go on from each other's checkpoints, bit for bit", () => {
  const make = (engine: "kernel" | "scalar") =>
    new PpoTrainer(
      lanes(() => new CartPole(), 3),
      EVERYTHING,
      7,
      { engine },
    );
  const run = (trainer: PpoTrainer, iterations: number) => {
    for (let iteration = 0; iteration < iterations; iteration++) trainer.iterate();
    const state = trainer.save();
    trainer.close();
    return state;
  };
  const whole = run(make("kernel"), 6);
  expect(run(make("scalar"), 6)).toEqual(whole);
  const [first, second] = [make("scalar"), make("kernel")];
  second.restore(run(first, 3));
  expect(run(second, 3)).toEqual(whole);
});

describe("a checkpoint that does not fit", () => {
  const cartPole = () => new CartPole();
  const path = join(folder, "made.bin");
  const made = new PpoTrainer(lanes(cartPole), EVERYTHING, 1);
  made.iterate();
  saveCheckpoint(path, made.save(), { note: "kept" });
  const wayOut = "; resume with the configuration that it was made with, or start a new run";
  const refused = (change: Partial<PpoSettings>, frames = 1, count = LANES) => {
    const trainer = new PpoTrainer(lanes(cartPole, frames, count), { ...EVERYTHING, ...change }, 1);
    return () => trainer.restore(loadCheckpoint(path).state);
  };

  test("in its settings is refused by the first that differs", () => {
    expect(refused({ gamma: 0.5 })).toThrow(
      `checkpoint: ppo.gamma: expected 0.5, was 0.99${wayOut}`,
    );
    expect(refused({ clipSchedule: "constant" })).toThrow(
      /ppo.clipSchedule: expected "constant", was "linear"/,
    );
    expect(refused({ targetKl: null })).toThrow(/ppo.targetKl: expected null, was 0.01/);
    expect(refused({}, 1, 8)).toThrow(/checkpoint: environments: expected 8, was 4/);
    expect(refused({})).not.toThrow();
  });

  test("in its network is refused by both shapes", () => {
    expect(refused({ hidden: [9] })).toThrow(
      "checkpoint: expected a network of 4-9-2, relu, shared, " +
        `was one of 4-9-5-2, relu, shared${wayOut}`,
    );
    expect(refused({ activation: "tanh" })).toThrow(/expected a network of 4-9-5-2, tanh, shared/);
    expect(refused({}, 2)).toThrow(/expected a network of 8-9-5-2, .* was one of 4-9-5-2/);
  });

  test("as a file is refused by what is wrong with it", () => {
    const bytes = readFileSync(path);
    const bad = join(folder, "bad.bin");
    const load = (content: Uint8Array | string) => () => {
      writeFileSync(bad, content);
      return loadCheckpoint(bad);
    };
    expect(load(bytes)().facts).toEqual({ note: "kept" });
    expect(load(bytes.subarray(0, 500))).toThrow(
      `bad.bin: expected at least ${bytes.length} bytes, was 500: it was cut short; resume from a`,
    );
    expect(load(bytes.subarray(0, 10))).toThrow(/was 10: it was cut short/);
    const changed = Uint8Array.from(bytes);
    changed[bytes.length - 100] = (changed[bytes.length - 100] as number) ^ 1;
    expect(load(changed)).toThrow(/bad.bin: expected a file that fits its own checksum, was one/);
    const older = Buffer.from(bytes);
    older.writeUInt32LE(1, 8);
    expect(load(older)).toThrow(
      /expected checkpoint version 2, was 1; resume with the version of kalshi-gym that wrote it/,
    );
    expect(load("hello, this is not a checkpoint")).toThrow(/another kind of file/);
    expect(() => loadCheckpoint(join(folder, "none.bin"))).toThrow(/expected a checkpoint, was/);
  });
});
