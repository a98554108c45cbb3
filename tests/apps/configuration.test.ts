import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { episodeSettings, ppoSettings, readConfiguration } from "../../src/apps/configuration.ts";
import { nearestOf } from "../../src/core/index.ts";
import { requirePpoSettings } from "../../src/learn/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-configuration-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(content: unknown): string {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** The message with which a file of this content is refused. */
function refusal(content: unknown): string {
  const path = file(content);
  try {
    readConfiguration(path, {});
  } catch (error) {
    expect(error).toMatchObject({ name: "OperationError", code: "CONFIGURATION" });
    const { message } = error as Error;
    expect(message.startsWith(`${path}: `), message).toBe(true);
    return message.slice(path.length + 2);
  }
  throw new Error("the configuration was taken");
}

describe("what a run is told", () => {
  test("is complete without a file, and fits the learner", () => {
    const configuration = readConfiguration(undefined, {});
    expect(configuration.seed).toBe(42);
    requirePpoSettings(ppoSettings(configuration), configuration.environments);
    expect(episodeSettings(configuration)).toMatchObject({
      startingCash: 100_000_000,
      orderSize: 1000,
      positionLimit: 10_000,
    });
  });

  test("comes from flags over the file over defaults, key by key", () => {
    const path = file({
      seed: 1,
      environments: 4,
      episode: { steps: 90, pricing: "cross", latency: { feedUs: 7 } },
      ppo: { gamma: 0.5, adam: { beta1: 0.8 } },
    });
    const plain = readConfiguration(undefined, {});
    const { seed, environments, episode, ppo } = readConfiguration(path, {
      seed: 2,
      environments: undefined,
      episode: { steps: 30, pricing: undefined },
    });
    expect({ seed, environments }).toEqual({ seed: 2, environments: 4 });
    expect(episode).toEqual({
      ...plain.episode,
      steps: 30,
      pricing: "cross",
      latency: { ...plain.episode.latency, feedUs: 7 },
    });
    expect(ppo).toEqual({
      ...plain.ppo,
      gamma: 0.5,
      adam: { ...plain.ppo.adam, beta1: 0.8 },
    });
  });

  test("may say no limit of steps by null, and a flag may say so too", () => {
    expect(readConfiguration(file({ episode: { steps: null } }), {}).episode.steps).toBeNull();
    const path = file({ episode: { steps: 5 } });
    expect(readConfiguration(path, { episode: { steps: null } }).episode.steps).toBeNull();
  });

  test("takes amounts in dollars and contracts exactly, or not at all", () => {
    const exact = readConfiguration(
      file({ episode: { startingCashUsd: 0.1, orderContracts: 2.55 } }),
      {},
    );
    expect(episodeSettings(exact)).toMatchObject({ startingCash: 100_000, orderSize: 255 });
    expect(refusal({ episode: { orderContracts: 2.555 } })).toBe(
      "episode.orderContracts: expected a multiple of 0.01, was 2.555",
    );
    expect(refusal({ episode: { startingCashUsd: 1e12 } })).toBe(
      "episode.startingCashUsd: expected number to be <=1000000000, was 1000000000000",
    );
  });
});

test("chance on top of the fill model is off, or in whole millionths", () => {
  expect(episodeSettings(readConfiguration(undefined, {}))).not.toHaveProperty("overlay");
  const some = file({ episode: { overlay: { fillProbability: 0.7, slippageProbability: 1e-6 } } });
  expect(episodeSettings(readConfiguration(some, {})).overlay).toEqual({
    fillPpm: 700_000,
    partialPpm: 0,
    slippagePpm: 1,
    slippageTicks: 1,
    improvementPpm: 0,
    improvementTicks: 1,
    rejectionPpm: 0,
  });
  expect(refusal({ episode: { overlay: { fillProbability: 0.1234567 } } })).toBe(
    "episode.overlay.fillProbability: expected at most six decimals, was 0.1234567",
  );
  expect(refusal({ episode: { overlay: { fillProbabilty: 1 } } })).toContain(
    'did you mean "fillProbability"?',
  );
});

describe("a refusal names the file, the key, what was expected and what was found", () => {
  test("an unknown key, with the nearest known one", () => {
    expect(refusal({ sead: 1 })).toBe(
      'sead: expected a known key, was "sead"; did you mean "seed"?',
    );
    expect(refusal({ ppo: { learning_rate: 1 } })).toContain('did you mean "learningRate"?');
    expect(refusal({ episode: { latency: { feedus: 1 } } })).toBe(
      'episode.latency.feedus: expected a known key, was "feedus"; did you mean "feedUs"?',
    );
  });

  test("an unknown key among optional ones", () => {
    expect(refusal({ files: { sesions: ["a"] } })).toContain('did you mean "sessions"?');
  });

  test("a value that may have one of several forms", () => {
    expect(refusal({ seed: 1.5 })).toBe("seed: expected a whole number or a text, was 1.5");
    expect(refusal({ episode: { latency: { submitUs: { minUs: 1 } } } })).toBe(
      "episode.latency.submitUs: expected whole microseconds up to an hour, {minUs, maxUs} or {file}, " +
        'was {"minUs":1}',
    );
  });

  test("an unknown key like no other, with all that there are", () => {
    expect(refusal({ evaluation: { zzzzzzzzzz: 1 } })).toBe(
      'evaluation.zzzzzzzzzz: expected a known key, was "zzzzzzzzzz"; known are episodes, choice',
    );
  });

  test("a value of another type", () => {
    expect(refusal({ environments: "8" })).toMatch(/^environments: expected number, was "8"$/);
    expect(refusal({ ppo: { hidden: [64, 0] } })).toMatch(/^ppo\.hidden\.1: .*, was 0$/);
    expect(refusal({ ppo: [] })).toMatch(/^ppo: expected object, was \[\]$/);
    expect(refusal([])).toMatch(/^\(top level\): expected object, was \[\]$/);
  });

  test("a value out of range, or not one of the choices", () => {
    expect(refusal({ ppo: { gamma: 1.5 } })).toMatch(/^ppo\.gamma: .*1.*, was 1\.5$/);
    expect(refusal({ environments: 0 })).toMatch(/^environments: .*1.*, was 0$/);
    expect(refusal({ episode: { fillModel: "luck" } })).toMatch(
      /^episode\.fillModel: .*"touch"\|"queue"\|"level"\|"through".*, was "luck"$/,
    );
  });

  test("a range that runs backwards, and a number that JSON cannot hold", () => {
    expect(refusal({ episode: { latency: { submitUs: { minUs: 9, maxUs: 3 } } } })).toBe(
      'episode.latency.submitUs: expected minUs to be at most maxUs, was {"minUs":9,"maxUs":3}',
    );
    expect(refusal('{"ppo": {"learningRate": 1e999}}')).toBe(
      "ppo.learningRate: expected number, was Infinity",
    );
  });

  test("what would not fit into memory, by one key or by two together", () => {
    expect(refusal({ ppo: { hidden: [64, 100_000_000] } })).toBe(
      "ppo.hidden.1: expected number to be <=2048, was 100000000",
    );
    expect(refusal({ environments: 4096, ppo: { rolloutSteps: 4096 } })).toBe(
      "ppo.rolloutSteps: expected at most 4194304 rows of 4096 environments x 4096 steps in a " +
        "rollout, was 16777216; lower one of them",
    );
    expect(refusal({ frames: 32, environments: 2048 })).toContain(
      "2048 environments x 128 steps x 32 frames in a rollout, was 8388608; lower one of them",
    );
    const path = file({ ppo: { rolloutSteps: 65_536 } });
    expect(() => readConfiguration(path, { environments: 65 })).toThrow(/^flags: ppo\.rollout/);
  });

  test("several mistakes at once are all told", () => {
    const message = refusal({ sead: 1, environments: 0, ppo: { gama: 1 } });
    for (const part of ["sead", "environments", "ppo.gama"]) expect(message).toContain(part);
  });

  test("a file that is not there, or not JSON", () => {
    const missing = join(folder, "missing.json");
    expect(() => readConfiguration(missing, {})).toThrow(
      `${missing}: expected a configuration file, was: `,
    );
    expect(refusal('{ "seed": 1,')).toMatch(/^expected JSON, was: /);
  });

  test("a flag is blamed for what only it got wrong", () => {
    expect(() => readConfiguration(file({ seed: 3 }), { environments: -1 })).toThrow(
      /^flags: environments: /,
    );
  });
});

test("suggestions stay near the word and forgive case", () => {
  const known = ["seed", "environments", "episode"];
  expect(nearestOf("Seed", known)).toBe("seed");
  expect(nearestOf("enviroments", known)).toBe("environments");
  expect(nearestOf("model", known)).toBeNull();
});
