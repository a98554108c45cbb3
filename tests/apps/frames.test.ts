/** A model of stacked frames on its whole way: trained, resumed, evaluated, recorded, replayed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, expect, test } from "vitest";
import { episodeSettings, readConfiguration } from "../../src/apps/configuration.ts";
import { consoleFor } from "../../src/apps/console.ts";
import { recordEpisode } from "../../src/apps/episode-recording.ts";
import { replayEpisode } from "../../src/apps/episode-replaying.ts";
import { trainOnSessions } from "../../src/apps/train-sessions.ts";
import { agentPolicy, loadSessions, openModel } from "../../src/apps/wire.ts";
import { present, Prng } from "../../src/core/index.ts";
import { type EvaluatedPolicy, evaluatePolicies } from "../../src/learn/index.ts";
import { MarketAgnosticKalshiEnv } from "../../src/sim/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-frames-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const io = consoleFor(new Command().option("--json").parse(["--json"], { from: "user" }));
const configurationFile = join(folder, "frames.json");
writeFileSync(
  configurationFile,
  JSON.stringify({
    environments: 4,
    frames: 3,
    episode: { steps: 40 },
    ppo: {
      totalSteps: 512,
      rolloutSteps: 32,
      minibatches: 4,
      hidden: [8],
      trunk: "shared",
      activation: "relu",
      normaliseObservations: true,
      normaliseRewards: true,
    },
  }),
);
const configuration = readConfiguration(configurationFile, {});
const sessions = loadSessions(["sessions/sample-1"], io);

function train(out: string, resume: boolean, stopAfter = Infinity) {
  let looked = 0;
  const interruption = {
    // It is asked before every iteration.
    get requested() {
      return looked++ >= stopAfter;
    },
    release: () => undefined,
  };
  return trainOnSessions({ configuration, sessions, out, resume, io, interruption });
}

test("a run on frames resumes to the same files, and its model plays and replays", async () => {
  const whole = join(folder, "whole");
  const parts = join(folder, "parts");
  const { manifest } = await train(whole, false);
  expect(manifest.frames).toBe(3);
  expect(manifest.shape.observations).toBe(3 * 52);
  await train(parts, false, 2);
  await train(parts, true);
  for (const file of ["manifest.json", "policy.bin", "checkpoint.bin"]) {
    expect(readFileSync(join(parts, file)).equals(readFileSync(join(whole, file))), file).toBe(
      true,
    );
  }

  // What the agent does is what its network says of the last three observations.
  const model = await openModel({ path: whole });
  const agent = agentPolicy(model, "best");
  let history: Float32Array[] = [];
  let decisions = 0;
  const checked: EvaluatedPolicy = {
    name: "agent",
    begin: () => {
      history = [];
      agent.begin?.();
    },
    act: (observation, mask, prng) => {
      history.push(observation.slice());
      const seen = [-3, -2, -1].flatMap((back) => [
        ...present(history[Math.max(0, history.length + back)], "a frame"),
      ]);
      const action = agent.act(observation, mask, prng);
      expect(action).toBe(model.policy.best(Float32Array.from(seen), mask));
      decisions += 1;
      return action;
    },
  };
  const env = new MarketAgnosticKalshiEnv({
    sessions: sessions.map(({ data }) => data),
    ...episodeSettings(configuration),
  });
  const play = (policy: EvaluatedPolicy) =>
    evaluatePolicies({ policies: [policy], env, episodes: 4, seed: 1 }).get("agent");
  expect(play(checked)).toEqual(play(agent));
  expect(decisions).toBeGreaterThan(100);

  const data = present(sessions[0]?.data.markets[0], "the session has a market");
  const sampled = agentPolicy(model, "sample");
  // A memory that is not empty before the episode must not be seen in it.
  sampled.act(new Float32Array(52).fill(1), Uint8Array.of(1, 1, 1, 1, 1), Prng.fromSeed(1));
  const { journal } = recordEpisode({
    data,
    startRow: present(data.starts[3], "the market has starts"),
    settings: episodeSettings(configuration),
    seed: "frames",
    policy: sampled,
    policyName: { name: "agent", modelHash: manifest.modelHash, choice: "sample" },
  });
  const replayed = await replayEpisode(
    journal,
    { sessions: ["sessions/sample-1"], model: whole },
    io,
  );
  expect(replayed.journalHash).toBe(journal.journalHash);

  const place = join(whole, "manifest.json");
  writeFileSync(place, JSON.stringify({ ...manifest, frames: 2 }));
  await expect(openModel({ path: whole })).rejects.toThrow(
    /expected a model of 2 frames x 52 features and 5 actions, was one of 156 numbers/,
  );
});
