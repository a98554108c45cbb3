/** The checker of vector environments, on sound ones and on ones with one fault planted. */
import { describe, expect, test } from "vitest";
import {
  type AutoresetMode,
  Box,
  CartPole,
  checkVectorEnv,
  InvalidActionEnv,
  ProbeEnv,
  SyncVectorEnv,
  type VectorEnv,
} from "../../src/gym/index.ts";

const MODES: readonly AutoresetMode[] = ["same-step", "next-step", "disabled"];
const cartPoles = (mode?: AutoresetMode) =>
  new SyncVectorEnv([() => new CartPole(), () => new CartPole(), () => new CartPole()], mode);

describe("finds nothing wrong with environments stepped together", () => {
  test.each(MODES)("CartPole, autoreset %s", (mode) => {
    const { observationSpace } = new CartPole();
    expect(checkVectorEnv(cartPoles(mode), { observationSpace })).toEqual([]);
  });
  test.each(MODES)("masks that change, autoreset %s", (mode) => {
    const make = () => new InvalidActionEnv(8, 6);
    expect(checkVectorEnv(new SyncVectorEnv([make, make], mode), { seed: 3 })).toEqual([]);
  });
  test.each(MODES)("episodes of one step, autoreset %s", (mode) => {
    const make = () => new ProbeEnv("observed");
    expect(checkVectorEnv(new SyncVectorEnv([make], mode))).toEqual([]);
  });
});

/** Sound lanes whose arrays are spoilt after every step. */
function spoilt(spoil: (env: SyncVectorEnv, step: number) => void, mode?: AutoresetMode) {
  const env = cartPoles(mode);
  const step = env.step.bind(env);
  let count = 0;
  env.step = (actions) => {
    step(actions);
    spoil(env, count++);
  };
  return env;
}

describe("finds", () => {
  test.each([
    ["a NaN", spoilt((env) => env.observations.fill(Number.NaN, 5, 6)), /lane 1.*number 1.*NaN/],
    ["an infinite reward", spoilt((env) => env.rewards.fill(Infinity, 0, 1)), /reward is Infinity/],
    ["an empty mask", spoilt((env) => env.actionMasks.fill(0, 2, 4)), /lane 1: the mask allows no/],
    ["a mask of twos", spoilt((env) => env.actionMasks.fill(2)), /other than 0 and 1/],
    [
      "two ends at once",
      spoilt((env) => env.truncated.set(env.terminated)),
      /not 0 or 1, or both are 1/,
    ],
    ["a wrong return", spoilt((env) => env.episodeReturns.fill(7)), /return is not the sum/],
    ["a wrong length", spoilt((env) => env.episodeLengths.fill(3)), /length is not the number/],
    [
      "no last observation",
      spoilt((env) => env.finalObservations.fill(Number.NaN)),
      /of the final observation is NaN/,
    ],
    [
      "a final observation that is not shown",
      spoilt((env) => env.finalObservations.fill(0.5), "next-step"),
      /after the end is not the final one/,
    ],
    [
      "a reward after the end",
      spoilt((env) => env.rewards.fill(1), "disabled"),
      /has ended gives a reward/,
    ],
    [
      "a state that leaks from run to run",
      spoilt((env, step) => env.rewards.fill(step, 0, 1)),
      /same seed and actions gave other/,
    ],
  ] as [string, VectorEnv, RegExp][])("%s", (_name, env, finding) => {
    expect(checkVectorEnv(env).join("; ")).toMatch(finding);
  });

  test("arrays of other sizes than it says", () => {
    const env = cartPoles();
    Object.defineProperty(env, "rewards", { value: new Float64Array(2) });
    expect(checkVectorEnv(env)).toEqual(["rewards has 2 entries, not 3"]);
  });

  test("an observation outside its space", () => {
    const observationSpace = new Box(new Float32Array(4).fill(-0.01), new Float32Array(4));
    expect(checkVectorEnv(cartPoles(), { observationSpace }).join()).toMatch(/outside its space/);
  });

  test("a restored state that goes on differently", () => {
    const env = cartPoles();
    const restore = env.restore.bind(env);
    env.restore = (state) => {
      restore(state);
      env.reset(12);
    };
    expect(checkVectorEnv(env)).toContain("after restore it does not go on as it did after save");
  });
});
