/**
 * Evaluation on held-out data while a run trains: when it happens, what it says, what it keeps, when
 * it ends the run; and that it changes nothing of what is learnt.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_CALLBACKS } from "../../src/apps/callbacks.ts";
import { episodeSettings, readConfiguration } from "../../src/apps/configuration.ts";
import { consoleFor } from "../../src/apps/console.ts";
import { HeldOut, type HeldOutOptions } from "../../src/apps/held-out.ts";
import { trainOnEnv } from "../../src/apps/train-env.ts";
import { trainOnSessions } from "../../src/apps/train-sessions.ts";
import { loadSessions } from "../../src/apps/wire.ts";
import { sha256 } from "../../src/core/index.ts";
import { SCHEMA_HASH } from "../../src/features/index.ts";
import { type Env, makeEnv } from "../../src/gym/index.ts";
import { evaluatePolicies, loadModel, type Policy, presetFor } from "../../src/learn/index.ts";
import { MarketAgnosticKalshiEnv } from "../../src/sim/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-held-out-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const io = consoleFor(new Command().option("--json").parse(["--json"], { from: "user" }));
const interruption = { requested: false, release: () => undefined };

interface Line {
  readonly steps: number;
  readonly heldOutReturn: number | null;
  readonly heldOutLow: number | null;
  readonly heldOutHigh: number | null;
}

function linesOf(out: string): Line[] {
  const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Line);
}

function meanOf(env: Env, policy: Policy, episodes: number, seed: string): number | undefined {
  const act = (observation: Float32Array, mask: Uint8Array) => policy.best(observation, mask);
  const agent = { name: "agent", act };
  return evaluatePolicies({ policies: [agent], env, episodes, seed }).get("agent")?.mean;
}

describe("the account of evaluations", () => {
  /** Of evaluations that come to `means`, one after the other. */
  async function judged(means: readonly number[], change: Partial<HeldOutOptions> = {}) {
    const results = [...means];
    const heldOut = new HeldOut({
      every: 100,
      patience: 2,
      keepBest: true,
      identity: "some",
      sessions: {},
      evaluate: async () => {
        const mean = results.shift() ?? 0;
        return { mean, low: mean - 1, high: mean + 1 };
      },
      ...change,
    });
    const said: [isBest: boolean, isOver: boolean][] = [];
    for (const [index] of means.entries()) {
      const { isBest } = await heldOut.judge(null as unknown as Policy, 100 * (index + 1));
      said.push([isBest, heldOut.isOver]);
    }
    return { heldOut, said };
  }

  test("takes the first of the best, and ends after as many without a better one", async () => {
    const { heldOut, said } = await judged([3, 5, 5, 4]);
    expect(said).toEqual([
      [true, false],
      [true, false],
      [false, false],
      [false, true],
    ]);
    expect(heldOut.state).toEqual({
      identity: "some",
      evaluations: 4,
      best: { mean: 5, low: 4, high: 6, steps: 200 },
      sinceBest: 2,
    });
    const better = await judged([3, 2, 4, 3]);
    expect(better.said.map(([, isOver]) => isOver)).toEqual([false, false, false, false]);
    const endless = await judged([3, 2, 1, 0], { patience: null });
    expect(endless.heldOut.isOver).toBe(false);
  });

  test("is due whenever a multiple of the interval is passed, and at the end", async () => {
    const { heldOut } = await judged([]);
    const due = (before: number, after: number, isDone = false) =>
      heldOut.isDue(before, after, isDone);
    expect(due(0, 99)).toBe(false);
    expect(due(64, 128)).toBe(true);
    expect(due(100, 164)).toBe(false);
    expect(due(136, 200)).toBe(true);
    // A rollout longer than the interval has one at its end.
    expect(due(0, 1000)).toBe(true);
    expect(due(100, 150, true)).toBe(true);
  });
});

describe("on a reference environment", () => {
  const EPISODES = 4;
  const base = presetFor("cleanrl", "CartPole-v1");
  const preset = { ...base, ppo: { ...base.ppo, totalSteps: 8192, learningRate: 0.03 } };

  function train(out: string | null, change: object) {
    const { callbacks } = readConfiguration(undefined, { callbacks: change });
    const run = { threads: 1, resume: false, io, interruption };
    return trainOnEnv({ preset, seed: 3, out, callbacks, ...run });
  }

  const out = join(folder, "cart-pole");
  let whole: Awaited<ReturnType<typeof trainOnEnv>>;
  beforeAll(async () => {
    whole = await train(out, { evaluateEvery: 1024, evaluateEpisodes: EPISODES });
  });

  test("the best model is the one that did best, and does so again", () => {
    const evaluations = linesOf(out).filter(({ heldOutReturn }) => heldOutReturn !== null);
    expect(evaluations.map(({ steps }) => steps)).toEqual(
      Array.from({ length: 8 }, (_, index) => 1024 * (index + 1)),
    );
    const means = evaluations.map(({ heldOutReturn }) => heldOutReturn as number);
    const most = Math.max(...means);
    expect(new Set(means).size).toBeGreaterThan(3);
    const { best } = whole;
    expect(best).toMatchObject({ mean: most, steps: 1024 * (1 + means.indexOf(most)) });
    // The case would be none if the last model were the best.
    expect(means.at(-1)).toBeLessThan(most);

    const schema = sha256("reference environment CartPole-v1");
    const kept = loadModel(join(out, "best"), schema);
    const last = loadModel(out, schema);
    const env = makeEnv("CartPole-v1");
    expect(meanOf(env, kept.policy, EPISODES, "held out 3")).toBe(most);
    expect(meanOf(env, last.policy, EPISODES, "held out 3")).toBe(means.at(-1));
    expect(kept.manifest.steps).toBe(best?.steps);
    expect(last.manifest.result).toMatchObject({
      heldOut: { evaluations: 8, best: { mean: most, steps: best?.steps } },
    });
  });

  test("none of it changes what is learnt", async () => {
    const alone = await train(null, { alarms: false });
    expect(alone.modelHash).toBe(whole.modelHash);
    expect(alone.best).toBeNull();
    expect(NO_CALLBACKS.heldOut).toBeNull();
  });

  test("patience ends the run where no better result came, with all that was made", async () => {
    const { steps: bestSteps = 0 } = whole.best ?? {};
    const short = join(folder, "short");
    const settings = { evaluateEvery: 1024, evaluateEpisodes: EPISODES, keepBest: false };
    const early = await train(short, { ...settings, patience: 1 });
    // The first evaluation that was no better than those before, found by hand.
    const means = linesOf(out).flatMap(({ heldOutReturn: mean }) => (mean === null ? [] : [mean]));
    const worse = means.findIndex((mean, at) => at > 0 && mean <= Math.max(...means.slice(0, at)));
    expect(early.ending).toBe("early");
    expect(early.steps).toBe(1024 * (worse + 1));
    expect(early.steps).toBeLessThan(8192);
    expect(existsSync(join(short, "manifest.json"))).toBe(true);
    expect(existsSync(join(short, "best"))).toBe(false);
    expect(early.best?.model).toBeNull();
    expect(bestSteps).toBeGreaterThan(0);
  });
});

test("on sessions, an evaluation is one of the agent on data that it does not train on", async () => {
  const configuration = readConfiguration(undefined, {
    seed: 9,
    environments: 4,
    episode: { steps: 60 },
    ppo: { totalSteps: 512, rolloutSteps: 64, minibatches: 4, hidden: [8] },
    callbacks: { evaluateEpisodes: 3, evaluateEvery: 256 },
  });
  const out = join(folder, "sessions");
  const sessions = loadSessions(["sessions/sample-1"], io);
  const heldOut = loadSessions(["sessions/sample-5"], io);
  const run = { configuration, sessions, out, resume: false, io, interruption };
  const { manifest, best } = await trainOnSessions({ ...run, heldOut });
  const lines = linesOf(out);
  expect(lines.map(({ heldOutReturn }) => heldOutReturn !== null)).toEqual([true, true]);
  const data = heldOut.map((session) => session.data);
  const env = new MarketAgnosticKalshiEnv({ sessions: data, ...episodeSettings(configuration) });
  const { policy } = loadModel(out, SCHEMA_HASH);
  expect(meanOf(env, policy, 3, "held out 9")).toBe(lines[1]?.heldOutReturn);
  expect(manifest.result).toMatchObject({
    heldOut: { sessions: { "sample-5": data[0]?.contentHash }, evaluations: 2 },
  });
  expect(best).toMatchObject({ model: join(out, "best") });
  expect(Object.keys(manifest.sessions)).toEqual(["sample-1"]);
});
