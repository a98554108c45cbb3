/** Differences episode by episode: what luck both policies shared drops out. */
import { expect, test } from "vitest";
import { ProbeEnv } from "../../src/gym/index.ts";
import {
  type EvaluatedPolicy,
  evaluatePolicies,
  pairedDifferences,
  type PolicyResult,
} from "../../src/learn/index.ts";

const result = (returns: readonly number[]): PolicyResult => ({
  mean: returns.reduce((sum, value) => sum + value, 0) / returns.length,
  low: Number.NaN,
  high: Number.NaN,
  returns,
  actionShares: [],
});

test("a constant lead is found exactly, however widely episodes differ", () => {
  const luck = [-100, 3, 57, 0.5, -8, 400];
  const results = new Map([
    ["hold", result(luck)],
    ["agent", result(luck.map((value) => value + 0.25))],
    ["random", result(luck.map((value) => value - 2))],
  ]);
  const differences = pairedDifferences(results, "hold", 1);
  expect([...differences.keys()]).toEqual(["agent", "random"]);
  expect(differences.get("agent")).toEqual({ mean: 0.25, low: 0.25, high: 0.25 });
  expect(differences.get("random")).toEqual({ mean: -2, low: -2, high: -2 });
  expect(() => pairedDifferences(results, "nobody", 1)).toThrow(/baseline is one of/);
});

test("episodes of an evaluation pair up by their seeds", () => {
  const always = (action: number): EvaluatedPolicy => ({
    name: `always ${action}`,
    act: () => action,
  });
  // Rewards are the observation whatever is done, so both earn the same in every episode.
  const env = new ProbeEnv("observed");
  const results = evaluatePolicies({
    policies: [always(0), always(1)],
    env,
    episodes: 50,
    seed: 3,
  });
  const { low = 0, high = 0 } = results.get("always 1") ?? {};
  expect(high - low).toBeGreaterThan(0.2);
  const difference = pairedDifferences(results, "always 0", 3).get("always 1");
  expect(difference).toEqual({ mean: 0, low: 0, high: 0 });
});
