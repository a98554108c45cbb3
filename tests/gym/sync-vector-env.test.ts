import { expect, test } from "vitest";
import { Box, Discrete, type Env, InvalidActionEnv, SyncVectorEnv } from "../../src/gym/index.ts";

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

test.each(["same-step", "next-step", "disabled"] as const)(
  "a saved state goes on bit for bit in another instance, autoreset %s",
  (mode) => {
    const make = () =>
      new SyncVectorEnv([() => new InvalidActionEnv(6, 4), () => new InvalidActionEnv(6, 4)], mode);
    const draw = (env: SyncVectorEnv) =>
      Int32Array.from({ length: 2 }, (_, lane) => env.actionMasks.indexOf(1, lane * 6) - lane * 6);
    const seen = (env: SyncVectorEnv) => [
      ...env.observations,
      ...env.actionMasks,
      ...env.rewards,
      ...env.truncated,
      ...env.episodeReturns.filter((_, lane) => env.truncated[lane] === 1),
    ];
    const first = make();
    first.reset("seed");
    // Episodes are 100 steps long: the state is saved in mid-episode, at its end and after it.
    const savedAt = new Map<number, string>();
    const trace: number[][] = [];
    for (let step = 0; step < 350; step++) {
      if ([0, 60, 100, 101, 199].includes(step)) savedAt.set(step, JSON.stringify(first.save()));
      first.step(draw(first));
      trace.push(seen(first));
    }
    for (const [from, state] of savedAt) {
      const second = make();
      second.restore(JSON.parse(state));
      for (let step = from; step < trace.length; step++) {
        second.step(draw(second));
        expect(seen(second), `saved at ${from}, step ${step}`).toEqual(trace[step]);
      }
    }
  },
);

test("an environment that keeps something from episode to episode is refused on restore", () => {
  const env = make();
  env.reset(1);
  for (let step = 0; step < 7; step++) env.step(actions);
  const state: unknown = env.save();
  expect(() => make().restore(state)).toThrow(/cannot be saved and restored/);
  const three = new SyncVectorEnv([0, 1, 2].map((lane) => () => counter(lane)));
  expect(() => three.restore(state)).toThrow(/expected 3 lanes of counter, was 2 of counter/);
  expect(() => three.restore(null)).toThrow(/was none of another kind/);
});
