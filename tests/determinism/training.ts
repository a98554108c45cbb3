/**
 * A program that trains 100,000 steps on a tape and prints the hash of weights, moments and random
 * streams at the end. How many threads it works on, and whether it stops halfway and goes on from
 * what it saved, must not show.
 *
 *   training <tape file> <threads> [threads after stopping halfway]
 */
import { readFileSync } from "node:fs";
import { bytesOf, canonicalJson, sha256Stream } from "../../src/core/index.ts";
import { DEFAULT_PPO, PpoTrainer } from "../../src/learn/index.ts";
import { DEFAULT_EPISODE, KalshiVectorEnv, prepareTape } from "../../src/sim/index.ts";
import { unpackTape } from "./pack-tape.ts";

const [path, threads, threadsAfter] = process.argv.slice(2);
if (path === undefined || threads === undefined) {
  throw new Error("usage: training <tape file> <threads> [threads after stopping halfway]");
}
const data = prepareTape(unpackTape(readFileSync(path, "utf8")));
const settings = {
  ...DEFAULT_PPO,
  totalSteps: 100_000,
  learningRate: 1e-3,
  shards: 4,
  normaliseObservations: true,
  normaliseRewards: true,
};

function trainer(threads: number): PpoTrainer {
  const env = new KalshiVectorEnv([data], 16, { ...DEFAULT_EPISODE, steps: 300 });
  return new PpoTrainer(env, settings, 7, { threads });
}

let run = trainer(Number(threads));
while (!run.isDone) {
  run.iterate();
  if (threadsAfter === undefined || run.steps < settings.totalSteps / 2 || run.isDone) continue;
  const state = run.save();
  run.close();
  run = trainer(Number(threadsAfter));
  run.restore(state);
  while (!run.isDone) run.iterate();
}
const { params, first, second, ...rest } = run.save();
run.close();
const hash = sha256Stream();
for (const array of [params, first, second]) hash.update(bytesOf(array));
hash.update(canonicalJson({ ...rest, env: null }));
console.log(JSON.stringify({ steps: run.steps, state: hash.digest("hex") }));
