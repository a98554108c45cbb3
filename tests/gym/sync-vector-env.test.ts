import { expect, test } from "vitest";
import { Box, Discrete, type Env, SyncVectorEnv } from "../../src/gym/index.ts";

/** Counts its steps in the observation and ends after three: terminated, or truncated if odd. */
function counter(lane: number): Env {
  let step = 0;
  let episode = -1;
  return {
    observationSpace: new Box(Float32Array.of(0, 0), Float32Array.of(99, 99)),
    actionSpace: new Discrete(2),
    metadata: { name: "counter" },
    reset: () => {
      step = 0;
      episode += 1;
      return [Float32Array.of(episode, step), {}];
    },
    step: (action) => {
      if (step === 3) throw new Error("reset first");
      step += 1;
      const ended = step === 3;
      const odd = lane % 2 === 1;
      return [Float32Array.of(episode, step), action, ended && !odd, ended && odd, {}];
    },
    close: () => undefined,
  };
}

const actions = Int32Array.of(1, 1);
const make = (mode?: "same-step" | "next-step" | "disabled") =>
  new SyncVectorEnv([() => counter(0), () => counter(1)], mode);

test("same-step resets at once and hands out the last observation", () => {
  const env = make();
  env.reset(1);
  env.step(actions);
  env.step(actions);
  expect([...env.observations]).toEqual([0, 2, 0, 2]);
  env.step(actions);
  expect([...env.finalObservations]).toEqual([0, 3, 0, 3]);
  expect([...env.observations]).toEqual([1, 0, 1, 0]);
  expect([...env.terminated]).toEqual([1, 0]);
  expect([...env.truncated]).toEqual([0, 1]);
  expect([...env.episodeReturns]).toEqual([3, 3]);
  expect([...env.episodeLengths]).toEqual([3, 3]);
  env.step(actions);
  expect([...env.observations]).toEqual([1, 1, 1, 1]);
  expect([...env.terminated, ...env.truncated]).toEqual([0, 0, 0, 0]);
});

test("next-step shows the last observation, and the step after it only resets", () => {
  const env = make("next-step");
  env.reset(1);
  for (let step = 0; step < 3; step++) env.step(actions);
  expect([...env.observations]).toEqual([0, 3, 0, 3]);
  env.step(actions);
  expect([...env.observations]).toEqual([1, 0, 1, 0]);
  expect([...env.rewards]).toEqual([0, 0]);
});

test("disabled leaves ended lanes alone until reset", () => {
  const env = make("disabled");
  env.reset(1);
  for (let step = 0; step < 5; step++) env.step(actions);
  expect([...env.observations]).toEqual([0, 3, 0, 3]);
  expect([...env.rewards]).toEqual([0, 0]);
  env.reset(2);
  expect([...env.observations]).toEqual([1, 0, 1, 0]);
});
