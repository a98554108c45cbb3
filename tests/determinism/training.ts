/**
 * A program that trains 100,000 steps on a tape and prints the hash of weights, moments and random
 * streams at the end; and again for 20,000 whose rollouts threads collect by themselves, which they
 * cannot where observations are normalised. How many threads step lanes and learn, and whether it
 * stops halfway and goes on from what it saved, must not show.
 *
 *   training <tape file> <program of lanes> <threads> [threads after stopping halfway]
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { bytesOf, canonicalJson, sha256Stream } from "../../src/core/index.ts";
import {
  DEFAULT_PPO,
  type PpoSettings,
  PpoTrainer,
  type TrainerState,
} from "../../src/learn/index.ts";
import { DEFAULT_EPISODE, prepareTape, threadedKalshiEnv } from "../../src/sim/index.ts";
import { unpackTape } from "./pack-tape.ts";

const [path, program, threads, threadsAfter] = process.argv.slice(2);
if (path === undefined || program === undefined || threads === undefined) {
  throw new Error("usage: training <tape file> <program of lanes> <threads> [threads after]");
}
const module = { url: pathToFileURL(program).href, name: "kalshiLanes" };
const sessions = [prepareTape(unpackTape(readFileSync(path, "utf8")))];
const normalised: PpoSettings = {
  ...DEFAULT_PPO,
  totalSteps: 100_000,
  learningRate: 1e-3,
  shards: 4,
  normaliseObservations: true,
  normaliseRewards: true,
};
const collected = { ...normalised, totalSteps: 20_000, normaliseObservations: false };

/** Trains until `steps`, on from `state` where there is one. */
function train(settings: PpoSettings, threads: number, steps: number, state?: TrainerState) {
  const env = threadedKalshiEnv({
    sessions,
    count: 16,
    settings: { ...DEFAULT_EPISODE, steps: 300 },
    threads,
    module,
  });
  const run = new PpoTrainer(env, settings, 7, { threads });
  if (state !== undefined) run.restore(state);
  while (run.steps < steps) run.iterate();
  const end = run.save();
  run.close();
  env.close();
  return end;
}

function trained(settings: PpoSettings): TrainerState {
  const { totalSteps } = settings;
  if (threadsAfter === undefined) return train(settings, Number(threads), totalSteps);
  const half = train(settings, Number(threads), totalSteps / 2);
  return train(settings, Number(threadsAfter), totalSteps, half);
}

function hashOf({ params, first, second, ...rest }: TrainerState): string {
  const hash = sha256Stream();
  for (const array of [params, first, second]) hash.update(bytesOf(array));
  hash.update(canonicalJson({ ...rest, env: null }));
  return hash.digest("hex");
}

const end = trained(normalised);
console.log(
  JSON.stringify({ steps: end.steps, state: hashOf(end), collected: hashOf(trained(collected)) }),
);
