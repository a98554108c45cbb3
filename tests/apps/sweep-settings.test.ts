/** Settings are drawn from the seed alone, within their bounds; halving keeps the best of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import {
  meanScore,
  ranked,
  rungSteps,
  survivorCount,
  survivors,
} from "../../src/apps/sweep/halving.ts";
import { configurationOf, draw, settingsOf, totalStepsOf } from "../../src/apps/sweep/settings.ts";
import { readSweep, type Sweep } from "../../src/apps/sweep/sweep-file.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-sweep-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SEED = Number(process.env["SEED"] ?? 7);
const BASE = { files: { sessions: ["sessions/sample-1"] } };

let files = 0;
function file(content: unknown): string {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function sweep(content: object): Sweep {
  return readSweep(file({ base: BASE, ...content }));
}

function refusal(content: unknown, overrides = {}): string {
  const path = file(content);
  try {
    settingsOf(readSweep(path, overrides), path);
  } catch (error) {
    expect(error).toMatchObject({ name: "OperationError" });
    const { message } = error as Error;
    expect(message.startsWith(`${path}: `), message).toBe(true);
    return message.slice(path.length + 2);
  }
  throw new Error("the sweep file was taken");
}

describe("a drawn value", () => {
  const bounds = (number: fc.Arbitrary<number>) =>
    fc.tuple(number, number).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });
  const positive = fc.double({ noNaN: true, min: 1e-12, max: 1e9 });
  const whole = fc.integer({ min: -1000, max: 1_000_000 });

  test("lies within its bounds, is the same for the same seed, and is what its text says", () => {
    const range = fc.oneof(
      bounds(positive).map((logUniform) => ({ logUniform })),
      bounds(finite).map((uniform) => ({ uniform })),
      bounds(whole).map((integer) => ({ integer })),
    );
    fc.assert(
      fc.property(range, fc.nat(), (given, seed) => {
        const value = draw(given, Prng.fromSeed(seed)) as number;
        const [low = 0, high = 0] = Object.values(given)[0] ?? [];
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThanOrEqual(high);
        if ("integer" in given) expect(Number.isInteger(value)).toBe(true);
        expect(draw(given, Prng.fromSeed(seed))).toBe(value);
        expect(JSON.parse(JSON.stringify(value))).toBe(value);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test("of a logarithmic range falls evenly on the decades", () => {
    const prng = Prng.fromSeed(SEED);
    const decades = [0, 0, 0, 0];
    for (let nth = 0; nth < 4000; nth++) {
      const value = draw({ logUniform: [1e-5, 1e-1] }, prng) as number;
      const decade = [1e-4, 1e-3, 1e-2, 1].findIndex((end) => value < end);
      decades[decade] = (decades[decade] ?? 0) + 1;
    }
    // Four standard deviations of a binomial count with mean 1000.
    for (const count of decades) expect(Math.abs(count - 1000), `seed ${SEED}`).toBeLessThan(110);
  });

  test("is every choice and every whole number of a range, the bounds among them", () => {
    const prng = Prng.fromSeed(SEED);
    const drawn = Array.from({ length: 200 }, () => draw({ integer: [2, 5] }, prng));
    expect([...new Set(drawn)].sort()).toEqual([2, 3, 4, 5]);
    const choices = Array.from({ length: 200 }, () => draw({ choice: [[64], null, "x"] }, prng));
    expect(new Set(choices.map((value) => JSON.stringify(value))).size).toBe(3);
  });
});

describe("the settings of a sweep", () => {
  const search = {
    "ppo.learningRate": { logUniform: [1e-4, 1e-2] },
    "ppo.hidden": { choice: [[64, 64], [128]] },
  };

  test("are the same each time, and the first ones stay when more are drawn", () => {
    const four = settingsOf(sweep({ search, samples: 4 }), "file");
    expect(settingsOf(sweep({ search, samples: 4 }), "file")).toEqual(four);
    expect(settingsOf(sweep({ search, samples: 9 }), "file").slice(0, 4)).toEqual(four);
    expect(settingsOf(sweep({ search, samples: 4, seed: 43 }), "file")).not.toEqual(four);
  });

  test("draw each key from a stream of its own, whatever else is searched", () => {
    const alone = { "ppo.learningRate": search["ppo.learningRate"] };
    const rates = (content: object) =>
      settingsOf(sweep(content), "file").map((setting) => setting["ppo.learningRate"]);
    expect(rates({ search, samples: 5 })).toEqual(rates({ search: alone, samples: 5 }));
  });

  test("of a grid are all combinations, the last key running fastest", () => {
    const grid = {
      method: "grid",
      search: { "ppo.epochs": { integer: [2, 3] }, "episode.pricing": { choice: ["join", "mid"] } },
    };
    expect(settingsOf(sweep(grid), "file")).toEqual([
      { "ppo.epochs": 2, "episode.pricing": "join" },
      { "ppo.epochs": 2, "episode.pricing": "mid" },
      { "ppo.epochs": 3, "episode.pricing": "join" },
      { "ppo.epochs": 3, "episode.pricing": "mid" },
    ]);
    expect(settingsOf(sweep({ method: "grid" }), "file")).toEqual([{}]);
  });

  test("go into the base at their places, and leave it as it was", () => {
    const base = { ...BASE, ppo: { gamma: 0.9, adam: { beta1: 0.8 } } };
    const given = sweep({ base, search, samples: 1 });
    const setting = { "ppo.adam.beta2": 0.99, "ppo.hidden": [32], environments: 4 };
    expect(configurationOf(given, setting)).toEqual({
      ...BASE,
      environments: 4,
      ppo: { gamma: 0.9, hidden: [32], adam: { beta1: 0.8, beta2: 0.99 } },
    });
    expect(given.base).toEqual(base);
  });

  test("take a preset's steps where nothing else is said", () => {
    const base = { env: "CartPole-v1", preset: "rl-zoo" };
    const given = sweep({ base, search, samples: 1 });
    expect(totalStepsOf(given, {}, "file")).toBe(100_000);
    expect(totalStepsOf(given, { "ppo.totalSteps": 500 }, "file")).toBe(500);
  });

  test("seeds may be counted, and flags override the file", () => {
    expect(sweep({ search, samples: 1, seeds: { count: 4 } }).seeds).toEqual([1, 2, 3, 4]);
    const path = file({ base: BASE, search, samples: 3, seed: 1 });
    expect(readSweep(path, { samples: 5, seed: "text" })).toMatchObject({
      samples: 5,
      seed: "text",
    });
  });

  test("as understood are a sweep file again", () => {
    const given = sweep({ search, samples: 9, method: "halving", seeds: { count: 2 } });
    expect(readSweep(file(given))).toEqual(given);
  });
});

describe("successive halving", () => {
  test("ends rungs at powers of the factor, the last one with the whole run", () => {
    const run = { samples: 27, totalSteps: 90_000, factor: 3 };
    expect(rungSteps(run)).toEqual([3334, 10_000, 30_000, 90_000]);
    expect(rungSteps({ ...run, rungs: 2 })).toEqual([30_000, 90_000]);
    expect(rungSteps({ ...run, minSteps: 8000 })).toEqual([10_000, 30_000, 90_000]);
    expect(rungSteps({ ...run, minSteps: 100_000 })).toEqual([90_000]);
    expect(rungSteps({ ...run, samples: 26 })).toEqual([10_000, 30_000, 90_000]);
    expect(rungSteps({ samples: 1, totalSteps: 7, factor: 2 })).toEqual([7]);
    expect(rungSteps({ samples: 1000, totalSteps: 7, factor: 2 })).toEqual([1, 2, 4, 7]);
  });

  test("keeps the best third by score, the lower number among equals, by number", () => {
    const scores = [5, 9, null, 9, 1, 9, 7, null, 2];
    const scoreOf = (setting: number) => scores[setting] ?? null;
    const all = scores.map((_, setting) => setting);
    expect(survivors(all, scoreOf, 3)).toEqual([1, 3, 5]);
    expect(survivors([1, 3, 5], scoreOf, 3)).toEqual([1]);
    expect(survivors([2, 7, 4, 8], scoreOf, 2)).toEqual([4, 8]);
    expect(survivors([2, 7], scoreOf, 3)).toEqual([]);
    expect(ranked(all, scoreOf)).toEqual([1, 3, 5, 6, 0, 8, 4, 2, 7]);
    expect([1, 2, 3, 8, 9].map((count) => survivorCount(count, 3))).toEqual([1, 1, 1, 2, 3]);
  });

  test("ends with the best setting wherever early scores do not mislead", () => {
    const scores = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(scores, fc.integer({ min: 2, max: 5 }), (of, factor) => {
        let left = of.map((_, setting) => setting);
        const rungs = rungSteps({ samples: of.length, totalSteps: 1e6, factor }).length;
        // The score grows with the rung, but the order stays.
        for (let rung = 1; rung < rungs; rung++) {
          left = survivors(left, (setting) => (of[setting] ?? 0) * rung, factor);
        }
        expect(left).toContain(of.indexOf(Math.max(...of)));
        expect(left.length).toBeLessThan(2 * factor);
      }),
      { seed: SEED },
    );
  });

  test("judges a setting by the mean of its seeds, and not at all where one has no score", () => {
    expect(meanScore([1, 2, 6])).toBe(3);
    expect(meanScore([1, null])).toBeNull();
  });
});

describe("a refusal of a sweep file names the key, what was expected and what was found", () => {
  const good = { base: BASE, samples: 2, search: { "ppo.gamma": { uniform: [0.9, 1] } } };

  test("unknown keys, with the nearest known one", () => {
    expect(refusal({ ...good, sed: 1 })).toBe(
      'sed: expected a known key, was "sed"; did you mean "seed"?',
    );
    expect(refusal({ ...good, search: { "ppo.gamma": { unifrm: [0, 1] } } })).toContain(
      'search.ppo.gamma.unifrm: expected a known key, was "unifrm"; did you mean "uniform"?',
    );
    expect(refusal({ ...good, base: { ...BASE, ppo: { gama: 1 } } })).toBe(
      'base.ppo.gama: expected a known key, was "gama"; did you mean "gamma"?',
    );
    expect(refusal({ ...good, search: { "ppo.learningrate": { uniform: [0.1, 1] } } })).toBe(
      'search.ppo.learningrate: expected a known key, was "learningrate"; ' +
        'did you mean "learningRate"?',
    );
    expect(refusal({ ...good, method: "halving", halving: { rung: 3 } })).toContain(
      'did you mean "rungs"?',
    );
  });

  test("values that no run can have, before any run begins", () => {
    expect(refusal({ ...good, search: { "ppo.gamma": { uniform: [2, 3] } } })).toMatch(
      /^search\.ppo\.gamma: expected number to be <=1, was 2\.\d+$/,
    );
    expect(refusal({ ...good, search: { "ppo.hidden": { choice: [64] } } })).toBe(
      "search.ppo.hidden: expected array, was 64",
    );
    expect(refusal({ ...good, base: { env: "CartPole-v1", preset: "zoo" } })).toContain("preset");
  });

  test("ranges that are none", () => {
    const range = (given: object) => refusal({ ...good, search: { "ppo.gamma": given } });
    expect(range({ uniform: [1, 0] })).toBe(
      "search.ppo.gamma.uniform: expected the lower bound before the upper one, was [1,0]",
    );
    expect(range({ logUniform: [0, 1] })).toMatch(/^search\.ppo\.gamma\.logUniform\.0: .*, was 0$/);
    expect(range({})).toBe(
      "search.ppo.gamma: expected one of logUniform, uniform, integer, choice, was {}",
    );
    expect(range({ choice: [] })).toMatch(/^search\.ppo\.gamma\.choice: .*, was \[\]$/);
  });

  test("keys that do not go together", () => {
    expect(refusal({ ...good, method: "grid", samples: undefined })).toContain(
      "search.ppo.gamma: expected choice or integer for method grid",
    );
    expect(refusal({ ...good, samples: undefined })).toContain("or give --samples");
    expect(refusal({ ...good, score: "heldOut" })).toContain("heldOut: expected sessions");
    expect(refusal({ ...good, halving: {} })).toContain("halving: expected none");
    expect(refusal({ ...good, base: {} })).toContain("base: expected files.sessions");
    expect(refusal({ ...good, base: { ...BASE, seed: 3 } })).toContain("write it into seeds");
    expect(refusal({ ...good, base: { env: "CartPole-v1" } })).toContain("base.preset: expected");
    const env = { env: "CartPole-v1", preset: "cleanrl" };
    expect(refusal({ ...good, base: { ...env, episode: {} } })).toContain(
      "base.episode: expected a key that a reference environment has a use for",
    );
    expect(
      refusal({ ...good, base: env, search: { "episode.pricing": { choice: ["mid"] } } }),
    ).toContain("search.episode.pricing: expected a key");
    expect(refusal({ ...good, seeds: [1, "1"] })).toContain("seeds: expected seeds that differ");
    expect(refusal({ ...good, search: { seed: { integer: [1, 2] } } })).toContain("search.seed: ");
    expect(
      refusal({
        ...good,
        search: { "ppo.adam": { choice: [{}] }, "ppo.adam.beta1": { uniform: [0.8, 0.9] } },
      }),
    ).toContain("was a part of ppo.adam");
    expect(
      refusal({
        ...good,
        method: "halving",
        search: { "ppo.totalSteps": { integer: [1000, 2000] } },
      }),
    ).toContain("to be the same for all runs");
  });

  test("more runs than anyone waits for, and files that are none", () => {
    const wide = { "ppo.epochs": { integer: [1, 20_000] } };
    expect(refusal({ base: BASE, method: "grid", search: wide })).toContain("at most 10000");
    expect(refusal({ ...good, samples: 9000 })).toContain("was 27000: 9000 settings x 3 seeds");
    expect(refusal("{")).toMatch(/^expected JSON, was: /);
    expect(() => readSweep(join(folder, "none.json"))).toThrow(/none\.json: expected a sweep file/);
  });
});

test("the sweep files of the documentation are taken as they stand", () => {
  const text = readFileSync("docs/sweeps.md", "utf8");
  const blocks = [...text.matchAll(/```json\n([^]*?)```/g)].map((match) => match[1] ?? "");
  expect(blocks).toHaveLength(2);
  for (const block of blocks) {
    const path = file(block);
    const given = readSweep(path);
    expect(settingsOf(given, path)).toHaveLength(given.samples ?? 0);
  }
});
