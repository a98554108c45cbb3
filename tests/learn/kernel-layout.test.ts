/** The kernel's layout against an example written out, and against its properties. */
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { fromKernelOrder, kernelLayoutOf, toKernelOrder } from "../../src/learn/kernel-layout.ts";
import { ACTIVATIONS, layersOf, type NetworkShape, TRUNKS } from "../../src/learn/network-shape.ts";

test("a small network, written out", () => {
  const shape: NetworkShape = {
    observations: 2,
    actions: 3,
    hidden: [],
    activation: "tanh",
    trunk: "separate",
  };
  const layout = kernelLayoutOf(shape);
  expect(layout.blocks.map(({ offset, stride }) => [offset, stride])).toEqual([
    [0, 8],
    [24, 8],
  ]);
  expect(layout.length).toBe(48);
  // Policy: weights [3, 2] are 1 to 6, biases 7 to 9. Value: weights [1, 2] are 10, 11, bias 12.
  const canonical = Float32Array.from({ length: 12 }, (_, index) => index + 1);
  const kernel = new Float32Array(layout.length);
  toKernelOrder(kernel, canonical, layout);
  const zeros = (count: number) => new Array<number>(count).fill(0);
  expect([...kernel]).toEqual([
    ...[1, 3, 5, ...zeros(5)],
    ...[2, 4, 6, ...zeros(5)],
    ...[7, 8, 9, ...zeros(5)],
    ...[10, ...zeros(7)],
    ...[11, ...zeros(7)],
    ...[12, ...zeros(7)],
  ]);
});

test("every parameter has one place, and comes back from it", () => {
  const seed = Number(process.env["SEED"] ?? 11);
  const prng = Prng.fromSeed(seed);
  for (let round = 0; round < 40; round++) {
    const shape: NetworkShape = {
      observations: 1 + prng.integer(70),
      actions: 1 + prng.integer(20),
      hidden: Array.from({ length: prng.integer(4) }, () => 1 + prng.integer(70)),
      activation: ACTIVATIONS[prng.integer(2)] ?? "tanh",
      trunk: TRUNKS[prng.integer(2)] ?? "shared",
    };
    const place = `seed ${seed} round ${round} ${JSON.stringify(shape)}`;
    const { all, parameterCount } = layersOf(shape);
    const layout = kernelLayoutOf(shape);
    expect(layout.length % 16, place).toBe(0);
    expect(layout.blocks.map(({ layer }) => layer)).toEqual(all);
    expect(layout.blocks.every(({ offset, stride }) => (offset | stride) % 8 === 0)).toBe(true);
    // Numbers that are all different and never 0.
    const canonical = Float64Array.from({ length: parameterCount }, (_, index) => index + 1);
    const kernel = new Float64Array(layout.length);
    toKernelOrder(kernel, canonical, layout);
    const held = [...kernel].filter((value) => value !== 0);
    expect(held.length, place).toBe(parameterCount);
    expect(new Set(held).size, place).toBe(parameterCount);
    const back = new Float64Array(parameterCount);
    fromKernelOrder(back, kernel, layout);
    expect(back, place).toEqual(canonical);
  }
});
