/** Running mean and variance against Stable-Baselines3's, and against the definition. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { ObservationNormaliser } from "../../src/learn/observation-normaliser.ts";

interface RunningFile {
  seq: { batch: number[][]; mean: number[]; var: number[]; count: number }[];
}

test("running mean, variance and count equal Stable-Baselines3's", () => {
  const url = new URL("../golden/running_mean_std.json", import.meta.url);
  const { seq } = JSON.parse(readFileSync(url, "utf8")) as RunningFile;
  const normaliser = new ObservationNormaliser(3);
  for (const { batch, mean, var: variance, count } of seq) {
    normaliser.update(Float64Array.from(batch.flat()), batch.length);
    const state = normaliser.save();
    expect(Math.abs(state.count - count)).toBeLessThan(1e-12 * count);
    for (let k = 0; k < 3; k++) {
      expect(Math.abs((state.mean[k] as number) - (mean[k] as number))).toBeLessThan(1e-12);
      expect(Math.abs((state.variance[k] as number) - (variance[k] as number))).toBeLessThan(1e-12);
    }
    // As VecNormalize: clip((observation - mean) / sqrt(variance + 1e-8), -10, 10).
    const row = Float64Array.of(0.5, 1e9, -1e9);
    const out = new Float64Array(3);
    normaliser.apply(out, row, 1);
    const first = (0.5 - (mean[0] as number)) / Math.sqrt((variance[0] as number) + 1e-8);
    expect(out[0]).toBeCloseTo(first, 12);
    expect([...out.slice(1)]).toEqual([10, -10]);
  }
});

test("batches of any size lead to the mean and variance of all rows", () => {
  const seed = Number(process.env["SEED"] ?? 5);
  const prng = Prng.fromSeed(seed);
  const O = 4;
  const normaliser = new ObservationNormaliser(O);
  const rows: number[][] = [];
  while (rows.length < 5000) {
    const batch = Array.from({ length: 1 + prng.integer(9) }, () =>
      Array.from({ length: O }, (_, k) => 3 * k + (k + 1) * prng.normal()),
    );
    normaliser.update(Float64Array.from(batch.flat()), batch.length);
    rows.push(...batch);
  }
  const { mean, variance } = normaliser.save();
  for (let k = 0; k < O; k++) {
    const column = rows.map((row) => row[k] as number);
    const average = column.reduce((sum, x) => sum + x, 0) / column.length;
    const square = column.reduce((sum, x) => sum + (x - average) * (x - average), 0);
    // It began with a ten-thousandth of an observation.
    expect(mean[k], `seed ${seed}`).toBeCloseTo(average, 5);
    expect(variance[k], `seed ${seed}`).toBeCloseTo(square / column.length, 4);
  }
});
