/**
 * What a time limit taken for a death costs: CleanRL's setting on CartPole, where episodes that are
 * cut off after 500 steps have a value after their end, and where, as in CleanRL's `ppo.py`, they
 * have none. Prints the mean return of the last hundred training episodes of each seed.
 */
import { lanesOf } from "../../src/apps/train-env.ts";
import { meanOfLast } from "../../src/apps/metrics-lines.ts";
import { type Env, makeEnv, SyncVectorEnv } from "../../src/gym/index.ts";
import { type IterationReport, PpoTrainer, presetFor } from "../../src/learn/index.ts";
import { summary } from "./statistics.mjs";

const preset = presetFor("cleanrl", "CartPole-v1");

/** The environment, but that nothing follows where it is cut off. */
function mortal(): Env {
  const env = makeEnv(preset.environment);
  const { observationSpace, actionSpace, metadata } = env;
  return {
    observationSpace,
    actionSpace,
    metadata,
    reset: (options) => env.reset(options),
    step: (action) => {
      const [observation, reward, terminated, truncated, info] = env.step(action);
      return [observation, reward, terminated || truncated, false, info];
    },
    close: () => env.close(),
  };
}

function lastHundred(env: SyncVectorEnv, seed: number): number {
  const trainer = new PpoTrainer(env, preset.ppo, seed);
  const history: IterationReport[] = [];
  while (!trainer.isDone) history.push(trainer.iterate());
  trainer.close();
  return meanOfLast(history, preset.measure.episodes).meanReturn ?? Number.NaN;
}

const seeds = Array.from({ length: 10 }, (_, index) => index + 1);
const mortals = () => new SyncVectorEnv(Array.from({ length: preset.environments }, () => mortal));
for (const [name, make] of [
  ["cut off", () => lanesOf(preset)],
  ["dead", mortals],
] as const) {
  const returns = seeds.map((seed) => lastHundred(make(), seed));
  const { mean, low, high } = summary(returns);
  console.log(
    `${name.padEnd(8)} ${mean.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})  ` +
      returns.map((value) => value.toFixed(1)).join(" "),
  );
}
