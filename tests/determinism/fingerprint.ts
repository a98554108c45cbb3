/**
 * A program that trains a little on a tape, plays and records an episode, and prints the hashes of
 * everything on the way. It runs in processes of its own, under any version of Node, and needs no
 * native module: the tape comes as a file that the caller has written.
 */
import { readFileSync } from "node:fs";
import { recordEpisode } from "../../src/apps/episode-recording.ts";
import { bytesOf, sha256 } from "../../src/core/index.ts";
import { SCHEMA_HASH } from "../../src/features/index.ts";
import { DEFAULT_PPO, modelHashOf, Policy, PpoTrainer } from "../../src/learn/index.ts";
import { DEFAULT_EPISODE, KalshiVectorEnv, prepareTape } from "../../src/sim/index.ts";
import { unpackTape } from "./pack-tape.ts";

const path = process.argv[2];
if (path === undefined) throw new Error("usage: fingerprint <tape file>");
const data = prepareTape(unpackTape(readFileSync(path, "utf8")));
const rows = sha256(data.markets.map(({ rows }) => sha256(bytesOf(rows.rows))).join());

const settings = { ...DEFAULT_EPISODE, steps: 100 } as const;
const env = new KalshiVectorEnv([data], 8, settings);
const trainer = new PpoTrainer(
  env,
  { ...DEFAULT_PPO, totalSteps: 8 * 64 * 8, rolloutSteps: 64, shards: 2, learningRate: 1e-3 },
  42,
);
while (!trainer.isDone) trainer.iterate();
const { shape, params } = trainer;
const model = modelHashOf(shape, params as Float32Array);

const policy = Policy.ofNetwork(shape, params as Float32Array);
const [market] = data.markets;
if (market === undefined) throw new Error("the tape has a market");
const { journal } = recordEpisode({
  data: market,
  startRow: market.starts[10] ?? 0,
  settings: {
    ...settings,
    latency: { ...settings.latency, submitUs: { minUs: 1000, maxUs: 900_000 } },
  },
  seed: "fingerprint",
  policy: {
    name: "agent",
    act: (observation, mask, prng) => policy.sample(observation, mask, prng),
  },
  policyName: { name: "agent", modelHash: model, choice: "sample" },
});
// The journal's hash holds the software's version; what it is of is the steps.
const steps = sha256(JSON.stringify(journal.steps));
console.log(JSON.stringify({ schema: SCHEMA_HASH, rows, model, steps }));
