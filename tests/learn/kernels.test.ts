/** The kernels against loops that follow the written order and nothing else, bit for bit. */
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { FLOAT32, type FloatArray } from "../../src/learn/arithmetic.ts";
import { makeKernels } from "../../src/learn/kernels.ts";

const seed = Number(process.env["SEED"] ?? 29);
const SIZES = [1, 3, 4, 17, 52, 65];
const BATCHES = [1, 3, 17];
const kernels = makeKernels(FLOAT32);

/** A float32 register: whatever is put into it is rounded, without `Math.fround`. */
const register = new Float32Array(1);
function rounded(x: number): number {
  register[0] = x;
  return register[0] as number;
}

const many = (prng: Prng, length: number): FloatArray =>
  Float32Array.from({ length }, () => prng.normal());
const at = (array: FloatArray, index: number): number => array[index] as number;

test.each(SIZES)("dense layers of %i inputs, forward and backward", (I) => {
  const prng = Prng.fromSeed(seed);
  for (const O of SIZES) {
    for (const B of BATCHES) {
      const place = `seed ${seed} I ${I} O ${O} B ${B}`;
      const layer = { inputs: I, outputs: O, weights: 2, biases: 2 + I * O };
      const params = many(prng, 2 + I * O + O);
      const x = many(prng, B * I);
      const dy = many(prng, B * O);
      const grads = many(prng, params.length);

      const out = new Float32Array(B * O);
      kernels.linear(out, x, params, layer, B);
      for (let i = 0; i < B * O; i++) {
        const [b, o] = [Math.floor(i / O), i % O];
        let sum = at(params, layer.biases + o);
        for (let k = 0; k < I; k++) {
          const product = rounded(at(x, b * I + k) * at(params, layer.weights + o * I + k));
          sum = rounded(sum + product);
        }
        if (out[i] !== sum) expect(out[i], `${place} output ${i}`).toBe(sum);
      }

      const expected = Float32Array.from(grads);
      for (let b = 0; b < B; b++) {
        for (let o = 0; o < O; o++) {
          const g = at(dy, b * O + o);
          for (let k = 0; k < I; k++) {
            const w = layer.weights + o * I + k;
            expected[w] = rounded(at(expected, w) + rounded(g * at(x, b * I + k)));
          }
          expected[layer.biases + o] = rounded(at(expected, layer.biases + o) + g);
        }
      }
      kernels.linearGradient(grads, dy, x, layer, B);
      expect(Buffer.from(grads.buffer).equals(Buffer.from(expected.buffer)), place).toBe(true);

      const dx = new Float32Array(B * I).fill(9);
      kernels.linearBackward(dx, dy, params, layer, B);
      for (let i = 0; i < B * I; i++) {
        const [b, k] = [Math.floor(i / I), i % I];
        let sum = 0;
        for (let o = 0; o < O; o++) {
          sum = rounded(sum + rounded(at(dy, b * O + o) * at(params, layer.weights + o * I + k)));
        }
        if (dx[i] !== sum) expect(dx[i], `${place} input ${i}`).toBe(sum);
      }

      const before = many(prng, B * I);
      const onto = Float32Array.from(before);
      kernels.linearBackwardOnto(onto, dy, params, layer, B);
      for (let i = 0; i < B * I; i++) {
        const [b, k] = [Math.floor(i / I), i % I];
        let sum = at(before, i);
        for (let o = 0; o < O; o++) {
          sum = rounded(sum + rounded(at(dy, b * O + o) * at(params, layer.weights + o * I + k)));
        }
        if (onto[i] !== sum) expect(onto[i], `${place} input ${i}`).toBe(sum);
      }
    }
  }
});

test("sums run in sixteen lanes and a tree, whatever their length", () => {
  const prng = Prng.fromSeed(seed);
  for (const n of [1, 2, 15, 16, 17, 31, 64, 100, 1000]) {
    const x = many(prng, n + 3);
    const tree = (term: (value: number) => number): number => {
      let lanes = Array.from({ length: 16 }, (_, lane) => {
        let sum = 0;
        for (let i = lane; i < n; i += 16) sum = rounded(sum + term(at(x, i)));
        return sum;
      });
      while (lanes.length > 1) {
        const half = lanes.length / 2;
        lanes = lanes.slice(0, half).map((low, i) => rounded(low + (lanes[half + i] as number)));
      }
      return lanes[0] as number;
    };
    expect(kernels.sum(x, n), `seed ${seed} n ${n}`).toBe(tree((value) => value));
    const square = (value: number): number => {
      const distance = rounded(value - 0.25);
      return rounded(distance * distance);
    };
    expect(kernels.sumOfSquares(x, 0.25, n), `seed ${seed} n ${n}`).toBe(tree(square));
  }
});

test("Adam's step is the one of Kingma and Ba, to single precision", () => {
  const prng = Prng.fromSeed(seed);
  const n = 17;
  const params = many(prng, n);
  const wanted = Float64Array.from(params);
  const first = new Float32Array(n);
  const second = new Float32Array(n);
  const m = new Float64Array(n);
  const v = new Float64Array(n);
  const [beta1, beta2, epsilon, learningRate] = [0.9, 0.999, 1e-5, 0.01];
  let [beta1Power, beta2Power] = [1, 1];
  for (let step = 1; step <= 20; step++) {
    const grads = many(prng, n);
    beta1Power *= beta1;
    beta2Power *= beta2;
    const rates = { learningRate, scale: 0.5, beta1Power, beta2Power };
    kernels.adam({ params, grads, first, second }, { beta1, beta2, epsilon }, rates);
    for (let i = 0; i < n; i++) {
      const g = 0.5 * at(grads, i);
      m[i] = beta1 * (m[i] as number) + (1 - beta1) * g;
      v[i] = beta2 * (v[i] as number) + (1 - beta2) * g * g;
      const unbiased = Math.sqrt((v[i] as number) / (1 - beta2Power)) + epsilon;
      const change = (learningRate * (m[i] as number)) / (1 - beta1Power) / unbiased;
      wanted[i] = (wanted[i] as number) - change;
      const error = Math.abs(at(params, i) - (wanted[i] as number));
      expect(error, `seed ${seed} step ${step} parameter ${i}`).toBeLessThan(2e-6);
    }
  }
});

test("tanh's derivative and additions are element by element", () => {
  const y = Float32Array.of(0, 0.5, -0.5, 1, -1);
  const dy = Float32Array.of(1, 2, 4, 8, 16);
  kernels.tanhBackward(dy, y, 5);
  expect([...dy]).toEqual([1, 1.5, 3, 0, 0]);
  kernels.add(dy, y, 3);
  expect([...dy]).toEqual([1, 2, 2.5, 0, 0]);
});

test("relu passes on what is above 0, forward and backward", () => {
  const y = Float32Array.of(-2, 0, 0.5, 3, Number.NaN);
  kernels.relu(y, 5);
  // What is no number must not become one.
  expect([...y]).toEqual([0, 0, 0.5, 3, Number.NaN]);
  const dy = Float32Array.of(1, 4, -8, 16);
  kernels.reluBackward(dy, y, 4);
  expect([...dy]).toEqual([0, 0, -8, 16]);
});
