/** Stacked frames against their definition: the last k observations of the episode, oldest first. */
import { describe, expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import {
  type AutoresetMode,
  CartPole,
  checkVectorEnv,
  type Env,
  FrameMemory,
  FrameStack,
  InvalidActionEnv,
  stackFrames,
  SyncVectorEnv,
  TimeLimit,
  type VectorEnv,
} from "../../src/gym/index.ts";

const seed = Number(process.env["SEED"] ?? 41);
const MODES: readonly AutoresetMode[] = ["same-step", "next-step", "disabled"];
const lanes = (make: () => Env, mode: AutoresetMode = "same-step", count = 3) =>
  new SyncVectorEnv(
    Array.from({ length: count }, () => make),
    mode,
  );

/** The last `frames` of an episode's observations, the first standing in for what is before it. */
function stack(history: readonly Float32Array[], frames: number): number[] {
  return Array.from({ length: frames }, (_, frame) => {
    const index = Math.max(0, history.length - frames + frame);
    return [...(history[index] ?? [])];
  }).flat();
}

describe.each(MODES)("stacked frames, autoreset %s", (mode) => {
  test("are the last observations of the episode, also at its end", () => {
    const frames = 3;
    const make = () => new TimeLimit(new CartPole(), 9);
    const plain = lanes(make, mode);
    const stacked = new FrameStack(lanes(make, mode), frames);
    const prng = Prng.fromSeed(seed);
    const row = (rows: Float32Array, lane: number) => rows.slice(lane * 4, lane * 4 + 4);
    const stackedRow = (rows: Float32Array, lane: number) =>
      Array.from(rows.subarray(lane * 4 * frames, (lane + 1) * 4 * frames));
    plain.reset(seed);
    stacked.reset(seed);
    const histories = [0, 1, 2].map((lane) => [row(plain.observations, lane)]);
    const isOver = [false, false, false];
    for (let step = 0; step < 60; step++) {
      const actions = Int32Array.from({ length: 3 }, () => prng.integer(2));
      plain.step(actions);
      stacked.step(actions);
      for (const [lane, history] of histories.entries()) {
        const place = `seed ${seed} step ${step} lane ${lane}`;
        const ended = plain.terminated[lane] === 1 || plain.truncated[lane] === 1;
        if (isOver[lane] === true) {
          if (mode === "next-step") {
            isOver[lane] = false;
            history.splice(0, Infinity, row(plain.observations, lane));
          }
        } else if (!ended) {
          history.push(row(plain.observations, lane));
        } else {
          history.push(row(plain.finalObservations, lane));
          const final = stackedRow(stacked.finalObservations, lane);
          expect(final, place).toEqual(stack(history, frames));
          if (mode === "same-step") history.splice(0, Infinity, row(plain.observations, lane));
          else isOver[lane] = true;
        }
        expect(stackedRow(stacked.observations, lane), place).toEqual(stack(history, frames));
      }
      expect(stacked.rewards).toEqual(plain.rewards);
      expect(stacked.episodeLengths).toEqual(plain.episodeLengths);
    }
  });

  test.each([1, 2, 5])("pass the checker, %i of them", (frames) => {
    const make = () => new TimeLimit(new InvalidActionEnv(6, 4), 7);
    const env: VectorEnv = new FrameStack(lanes(make, mode), frames);
    expect(env.observationSize).toBe(frames * lanes(make, mode).observationSize);
    expect(checkVectorEnv(env, { seed, steps: 200 })).toEqual([]);
    expect(
      checkVectorEnv(
        new FrameStack(
          lanes(() => new CartPole(), mode),
          frames,
        ),
      ),
    ).toEqual([]);
  });
});

test("a memory shows one episode after another as the stack shows a lane", () => {
  const frames = 4;
  const stacked = new FrameStack(
    lanes(() => new CartPole(), "same-step", 1),
    frames,
  );
  const plain = lanes(() => new CartPole(), "same-step", 1);
  const memory = new FrameMemory(4, frames);
  const prng = Prng.fromSeed(seed);
  stacked.reset(seed);
  plain.reset(seed);
  let episodes = 0;
  memory.begin();
  for (let step = 0; step < 200; step++) {
    const place = `seed ${seed} step ${step}`;
    expect([...memory.push(plain.observations)], place).toEqual([...stacked.observations]);
    const actions = Int32Array.of(prng.integer(2));
    plain.step(actions);
    stacked.step(actions);
    if (plain.terminated[0] !== 1) continue;
    memory.begin();
    episodes += 1;
  }
  expect(episodes).toBeGreaterThan(3);
});

test("a state keeps every bit, and is refused by other frames", () => {
  /** Shows -0 and 0 in turn, which JSON does not tell apart. */
  const signs = (): Env => {
    const env = new CartPole();
    let step = 0;
    const shown = () => Float32Array.of(-0, step % 2 === 0 ? -0 : 0, step, 1);
    return {
      observationSpace: env.observationSpace,
      actionSpace: env.actionSpace,
      metadata: { name: "signs" },
      reset: (options) => {
        step = 0;
        return [shown(), env.reset(options)[1]];
      },
      step: () => {
        step += 1;
        return [shown(), 0, false, false, {}];
      },
      close: () => env.close(),
    };
  };
  const first = new FrameStack(lanes(signs), 3);
  first.reset(1);
  for (let step = 0; step < 5; step++) first.step(new Int32Array(3));
  const state = JSON.parse(JSON.stringify(first.save())) as unknown;
  const second = new FrameStack(lanes(signs), 3);
  second.restore(state);
  expect(second.observations.every((x, i) => Object.is(x, first.observations[i]))).toBe(true);
  expect(() => new FrameStack(lanes(signs), 2).restore(state)).toThrow(
    /expected 3 lanes of 2 stacked frames, was 3 of 3; resume with the frames/,
  );
  expect(() => new FrameStack(lanes(signs), 3).restore(lanes(signs).save())).toThrow(
    /expected 3 lanes of 3 stacked frames, was 3 of another kind/,
  );
  const [changed] = state as { bits: number[] }[];
  if (changed !== undefined) changed.bits[11] = 7;
  expect(() => new FrameStack(lanes(signs), 3).restore(state)).toThrow(/expected a lane to show/);
});

test("one frame is the environment itself", () => {
  const env = lanes(() => new CartPole());
  expect(stackFrames(env, 1)).toBe(env);
  expect(stackFrames(env, 2).observationSize).toBe(8);
  expect(() => stackFrames(env, 0)).toThrow(/whole number/);
});
