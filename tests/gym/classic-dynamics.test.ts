/** Acrobot and MountainCar against physics and against policies known to reach their goals. */
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { Acrobot, MountainCar } from "../../src/gym/index.ts";

test("MountainCar starts at rest where it says, Acrobot nearly so", () => {
  const car = new MountainCar();
  const acrobot = new Acrobot();
  car.reset({ seed: 5 });
  acrobot.reset({ seed: 5 });
  for (let episode = 0; episode < 200; episode++) {
    const [position = 0, velocity = 1] = car.reset()[0];
    expect(position >= Math.fround(-0.6) && position < Math.fround(-0.4)).toBe(true);
    expect(velocity).toBe(0);
    const [, sine1 = 1, , sine2 = 1, spin1 = 1, spin2 = 1] = acrobot.reset()[0];
    for (const number of [sine1, sine2, spin1, spin2]) {
      expect(Math.abs(number)).toBeLessThan(0.1000001);
    }
  }
});

test("MountainCar comes over the hill by pushing the way it rolls, and is truncated at rest", () => {
  const env = new MountainCar();
  let [observation] = env.reset({ seed: 1 });
  let steps = 0;
  for (let isOver = false; !isOver; steps++) {
    const [next, reward, terminated, truncated] = env.step((observation[1] as number) < 0 ? 0 : 2);
    expect(reward).toBe(-1);
    expect(truncated).toBe(false);
    observation = next;
    isOver = terminated;
  }
  expect(observation[0]).toBeGreaterThanOrEqual(0.5);
  expect(steps).toBeLessThan(200);
  env.reset();
  const ends = Array.from({ length: 200 }, () => env.step(1).slice(2, 4));
  expect(ends.pop()).toEqual([false, true]);
  expect(ends.flat()).not.toContain(true);
});

test("Acrobot swings up by pushing the way the second joint turns", () => {
  const env = new Acrobot();
  let [observation] = env.reset({ seed: 1 });
  let rewardTotal = 0;
  for (let isOver = false; !isOver;) {
    const [next, reward, terminated, truncated] = env.step((observation[5] as number) > 0 ? 2 : 0);
    rewardTotal += reward;
    expect(truncated).toBe(false);
    observation = next;
    isOver = terminated;
  }
  // Height of the tip above the pivot, from the observation alone.
  const [cosine1 = 0, sine1 = 0, cosine2 = 0, sine2 = 0] = observation;
  expect(-cosine1 - (cosine1 * cosine2 - sine1 * sine2)).toBeGreaterThan(1);
  expect(rewardTotal).toBeGreaterThan(-500);
});

test("Acrobot without a motor keeps its energy", () => {
  const seed = 4;
  const prng = Prng.fromSeed(seed);
  const energyAtRest = -9.8 * 2;
  for (let round = 0; round < 20; round++) {
    const state = [0, 0, 0, 0].map(() => prng.float() * 2 - 1);
    const env = new Acrobot();
    const [first] = env.reset({ options: { state } });
    const swing = energy(first) - energyAtRest;
    let worst = 0;
    for (let step = 0; step < 50; step++) {
      const now = energy(env.step(1)[0]) - energyAtRest;
      worst = Math.max(worst, Math.abs(now - swing) / swing);
    }
    // A Runge-Kutta step of 0.2 s loses about 1 %; a term left out of the dynamics, 100 %.
    expect(worst, `seed ${seed} round ${round}`).toBeLessThan(0.05);
  }
});

/** Kinetic and potential energy of two rods of mass 1, length 1, own moment 1; from Lagrange. */
function energy([cos1 = 0, sin1 = 0, cos2 = 0, sin2 = 0, w1 = 0, w2 = 0]: Float32Array): number {
  const height1 = -0.5 * cos1;
  const height2 = -cos1 - 0.5 * (cos1 * cos2 - sin1 * sin2);
  const both = w1 + w2;
  // Velocity of the second centre of mass: the elbow's plus half a length turning with both.
  const squared2 = w1 * w1 + 0.25 * both * both + w1 * both * cos2;
  const kinetic = 0.5 * (0.25 * w1 * w1 + squared2 + w1 * w1 + both * both);
  return kinetic + 9.8 * (height1 + height2);
}
