/** Acrobot and MountainCar against trajectories that Gymnasium recorded. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Acrobot, checkEnv, type Env, MountainCar, TimeLimit } from "../../src/gym/index.ts";

interface Episode {
  state: number[];
  reset_obs: number[];
  /** Action, observation, reward, terminated, truncated. */
  steps: [number, number[], number, boolean, boolean][];
}

const url = new URL("../golden/classic_control.json", import.meta.url);
const { environments } = JSON.parse(readFileSync(url, "utf8")) as {
  environments: Record<string, Episode[]>;
};

test.each([
  ["Acrobot-v1", () => new Acrobot()],
  ["MountainCar-v0", () => new MountainCar()],
] as [string, () => Env][])("%s's trajectories are Gymnasium's", (name, make) => {
  const episodes = environments[name] ?? [];
  let worst = 0;
  let compared = 0;
  const compare = (got: Float32Array, wanted: readonly number[], place: string): void => {
    expect(got.length, place).toBe(wanted.length);
    for (const [index, number] of wanted.entries()) {
      worst = Math.max(worst, Math.abs((got[index] as number) - number));
    }
    compared += 1;
  };
  for (const [episode, { state, reset_obs: opening, steps }] of episodes.entries()) {
    const env = make();
    compare(env.reset({ options: { state } })[0], opening, `episode ${episode}`);
    for (const [step, [action, wanted, ...rest]] of steps.entries()) {
      const [observation, reward, terminated, truncated] = env.step(action);
      compare(observation, wanted, `episode ${episode} step ${step}`);
      expect([reward, terminated, truncated]).toEqual(rest);
    }
  }
  expect(compared).toBeGreaterThan(100);
  expect(worst).toBeLessThan(1e-9);
});

test("they pass the checker, with a time limit round them as well", () => {
  for (const make of [() => new Acrobot(), () => new MountainCar()]) {
    expect(checkEnv(make())).toEqual([]);
    expect(checkEnv(new TimeLimit(make(), 7), { steps: 200 })).toEqual([]);
  }
});
