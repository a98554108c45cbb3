import { describe, expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { Box, Discrete } from "../../src/gym/index.ts";

describe("Box", () => {
  const low = Float32Array.of(-1, 0, -Infinity, -Infinity);
  const high = Float32Array.of(1, Infinity, 5, Infinity);

  test("holds its bounds and what lies between, and neither NaN nor another length", () => {
    const box = new Box(Float32Array.of(-1, 0), Float32Array.of(1, 2));
    expect(box.shape).toEqual([2]);
    expect(box.contains(Float32Array.of(-1, 2))).toBe(true);
    expect(box.contains(Float32Array.of(1.001, 0))).toBe(false);
    expect(box.contains(Float32Array.of(0, -0.001))).toBe(false);
    expect(box.contains(Float32Array.of(Number.NaN, 0))).toBe(false);
    expect(box.contains(Float32Array.of(0))).toBe(false);
  });

  test("samples inside itself, whichever bounds are infinite", () => {
    const box = new Box(low, high);
    const prng = Prng.fromSeed(3);
    const sums = [0, 0, 0, 0];
    const count = 4000;
    for (let draw = 0; draw < count; draw++) {
      const sample = box.sample(prng);
      expect(box.contains(sample), `draw ${draw}: ${sample.join()}`).toBe(true);
      for (const index of sums.keys()) sums[index] = (sums[index] ?? 0) + (sample[index] ?? 0);
    }
    // Means of a uniform, an exponential from 0, one down from 5 and a normal; sd at most 1.
    for (const [index, mean] of [0, 1, 4, 0].entries()) {
      expect(Math.abs((sums[index] ?? 0) / count - mean)).toBeLessThan(5 / Math.sqrt(count));
    }
  });

  test("describes itself in JSON, null for no bound", () => {
    const description = new Box(low, high).describe();
    expect(JSON.parse(JSON.stringify(description))).toEqual({
      kind: "box",
      low: [-1, 0, null, null],
      high: [1, null, 5, null],
    });
  });

  test("refuses bounds that do not fit together", () => {
    expect(() => new Box(Float32Array.of(1), Float32Array.of(0))).toThrow(/at most its high/);
    expect(() => new Box(Float32Array.of(1), Float32Array.of(1, 2))).toThrow(/equally long/);
    expect(() => new Box(Float32Array.of(Number.NaN), Float32Array.of(1))).toThrow(/at most/);
  });
});

describe("Discrete", () => {
  test("holds whole numbers below n", () => {
    const space = new Discrete(3);
    expect([0, 2].every((value) => space.contains(value))).toBe(true);
    expect([-1, 3, 0.5, Number.NaN].some((value) => space.contains(value))).toBe(false);
    expect(space.describe()).toEqual({ kind: "discrete", n: 3 });
    expect(() => new Discrete(0)).toThrow(/at least one/);
  });

  test("samples evenly, and of masked actions only those allowed", () => {
    const space = new Discrete(4);
    const prng = Prng.fromSeed(9);
    const free = [0, 0, 0, 0];
    const masked = [0, 0, 0, 0];
    for (let draw = 0; draw < 4000; draw++) {
      const one = space.sample(prng);
      const other = space.sample(prng, Uint8Array.of(0, 1, 0, 1));
      free[one] = (free[one] ?? 0) + 1;
      masked[other] = (masked[other] ?? 0) + 1;
    }
    // Five standard deviations of a binomial count.
    for (const count of free) expect(Math.abs(count - 1000)).toBeLessThan(140);
    expect([masked[0], masked[2]]).toEqual([0, 0]);
    expect(Math.abs((masked[1] ?? 0) - 2000)).toBeLessThan(160);
    expect(() => space.sample(prng, new Uint8Array(4))).toThrow(/allows at least one/);
  });
});
