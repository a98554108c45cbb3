import { expect, test } from "vitest";
import { Box, checkEnv, Discrete, type Env, ProbeEnv, TimeLimit } from "../../src/gym/index.ts";

/** Says how often it was stepped and never ends by itself. */
function endless(): Env {
  let step = 0;
  return {
    observationSpace: new Box(Float32Array.of(0), Float32Array.of(1e6)),
    actionSpace: new Discrete(2),
    metadata: { name: "endless" },
    reset: () => {
      step = 0;
      return [Float32Array.of(step), {}];
    },
    step: (action) => [Float32Array.of(++step), action, false, false, {}],
    close: () => undefined,
  };
}

test("truncates at its limit, counts anew after reset and lets no step follow an end", () => {
  const env = new TimeLimit(endless(), 3);
  expect(() => env.step(0)).toThrow(/reset comes before step/);
  for (let episode = 0; episode < 2; episode++) {
    env.reset();
    expect(env.step(1).slice(0, 4)).toEqual([Float32Array.of(1), 1, false, false]);
    expect(env.step(0).slice(0, 4)).toEqual([Float32Array.of(2), 0, false, false]);
    expect(env.step(1).slice(0, 4)).toEqual([Float32Array.of(3), 1, false, true]);
    expect(() => env.step(0)).toThrow(/reset comes before step/);
  }
});

test("keeps a termination, and says both where they fall together", () => {
  const ends = (limit: number): unknown[] => {
    const env = new TimeLimit(new ProbeEnv("delayed"), limit);
    env.reset({ seed: 1 });
    const first = env.step(0);
    return limit === 1 ? first.slice(2, 4) : env.step(0).slice(2, 4);
  };
  expect(ends(1)).toEqual([false, true]);
  expect(ends(2)).toEqual([true, true]);
  expect(ends(3)).toEqual([true, false]);
});

test("is sound to the checker", () => {
  expect(checkEnv(new TimeLimit(endless(), 7))).toEqual([]);
  expect(checkEnv(new TimeLimit(new ProbeEnv("matched"), 7))).toEqual([]);
});
