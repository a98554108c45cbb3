/**
 * Whole live runs under mixed faults, by seed: a short set. Longer, and one seed in words:
 *
 *   npm run -s fuzz -- live --seeds 10000 --from 1
 *   npm run -s fuzz -- live --seeds 1 --from 4711 --trace
 */
import { expect, test } from "vitest";
import { playSeed } from "../fuzz/live-fuzz.ts";

test("sixty runs come through their faults with everything accounted for", () => {
  const failures: string[] = [];
  const sums = { writes: 0, fills: 0, corrections: 0, restarts: 0, errors: 0 };
  for (let seed = 1; seed <= 60; seed++) {
    const { failures: found, facts } = playSeed(seed);
    for (const { invariant, detail } of found) failures.push(`${seed}: ${invariant}: ${detail}`);
    sums.writes += facts.writes;
    sums.fills += facts.fills;
    sums.corrections += facts.corrections;
    sums.restarts += facts.runs - 1;
    sums.errors += facts.errors;
  }
  expect(failures).toEqual([]);
  // That what is to be withstood did happen.
  expect(sums.writes).toBeGreaterThan(2_000);
  expect(sums.fills).toBeGreaterThan(500);
  for (const [what, times] of Object.entries(sums)) expect(times, what).toBeGreaterThan(0);
});
