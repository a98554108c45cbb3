/** The reproduction's machinery, on runs too short to judge. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { median, summary } from "./statistics.mjs";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-reproduce-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function reproduce(...flags: string[]): Promise<{ out: string; err: string; code: unknown }> {
  const words = ["tests/reproduce/run.mjs", "--cache", join(folder, "runs.json"), ...flags];
  return new Promise((resolve) => {
    execFile(process.execPath, words, (error, out, err) =>
      resolve({ out, err, code: error === null ? 0 : error.code }),
    );
  });
}

test("a mean has Student's interval", () => {
  // t of 3 degrees of freedom is 3.182, the standard error sqrt(5 / 3 / 4).
  const { mean, low, high } = summary([1, 2, 3, 4]);
  expect(mean).toBe(2.5);
  expect(high - mean).toBeCloseTo(3.182 * Math.sqrt(5 / 12), 10);
  expect(mean - low).toBeCloseTo(high - mean, 10);
  expect(summary([7, 7, 7])).toMatchObject({ mean: 7, low: 7, high: 7 });
  expect(summary([7]).low).toBeNaN();
  expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
});

test("runs what is missing, keeps it, and tells it as a table", async () => {
  const flags = ["--row", "cartpole-rl-zoo", "--steps", "512"];
  const first = await reproduce(...flags, "--seeds", "1");
  expect(first.code, first.err).toBe(0);
  expect(first.err).toContain("cartpole-rl-zoo seed 1: ");
  expect(first.out).toMatch(/\| CartPole-v1 \| `rl-zoo` \| 512 \| 1 \| [\d.]+ \(one seed\) \|/);
  expect(first.out).toContain("not judged");

  const second = await reproduce(...flags, "--seeds", "2", "--json");
  expect(second.code, second.err).toBe(0);
  // The first seed is not run again.
  expect(second.err).not.toContain("seed 1: ");
  expect(second.err).toContain("cartpole-rl-zoo seed 2: ");
  const { rows } = JSON.parse(second.out) as { rows: { mean: number; returns: number[] }[] };
  const { runs } = JSON.parse(readFileSync(join(folder, "runs.json"), "utf8")) as {
    runs: Record<string, { meanReturn: number }>;
  };
  const returns = Object.values(runs).map(({ meanReturn }) => meanReturn);
  expect(rows).toHaveLength(1);
  expect(rows[0]?.returns).toEqual(returns);
  expect(rows[0]?.mean).toBe(((returns[0] ?? 0) + (returns[1] ?? 0)) / 2);
});

test("names the rows where none is meant, and flags that make no sense", async () => {
  const none = await reproduce("--row", "humanoid");
  expect(none.code).toBe(2);
  expect(none.err).toContain("there are cartpole-cleanrl, cartpole-rl-zoo, acrobot-cleanrl");
  const zero = await reproduce("--seeds", "0");
  expect(zero.code).toBe(2);
  expect(zero.err).toContain("--seeds: expected a whole number from 1 up, was 0");
});
