/**
 * The loops that training spends its time in: dense layers forward and backward, sums, Adam. Plain
 * scalar code that fixes the arithmetic: fast kernels must give these bits.
 *
 * Order of operations. An output element is its bias plus products in the order of k, each product
 * and each sum rounded. Gradients of weights add up sample by sample. Sums over a long vector run in
 * 16 lanes, element i in lane i mod 16, which a fixed tree (8, 4, 2, 1 apart) brings together.
 * Vectorisation is over columns only, so a wider machine changes nothing.
 *
 * Matrices are row-major; a layer's weights are [out, in], as in PyTorch.
 */
import type { Arithmetic, FloatArray } from "./arithmetic.ts";
import type { Layer } from "./network-shape.ts";

const LANES = 16;

export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export interface Kernels {
  /** out[B, O] = x[B, I] . w^T + b. */
  linear(out: FloatArray, x: FloatArray, params: FloatArray, layer: Layer, B: number): void;
  /** y[n] = tanh(y[n]), in place. */
  tanh(y: FloatArray, n: number): void;
  /** dy[n] *= 1 - y[n]^2, in place: through tanh, backwards. */
  tanhBackward(dy: FloatArray, y: FloatArray, n: number): void;
  /** y[n] = y[n] < 0 ? 0 : y[n], in place; NaN stays NaN. */
  relu(y: FloatArray, n: number): void;
  /** dy[n] = y[n] > 0 ? dy[n] : 0, in place: through relu, backwards. */
  reluBackward(dy: FloatArray, y: FloatArray, n: number): void;
  /** Adds dy^T . x to the weights' and the sum of dy to the biases' gradient. */
  linearGradient(grads: FloatArray, dy: FloatArray, x: FloatArray, layer: Layer, B: number): void;
  /** dx[B, I] = dy[B, O] . w. */
  linearBackward(dx: FloatArray, dy: FloatArray, params: FloatArray, layer: Layer, B: number): void;
  /** dx[B, I] += dy[B, O] . w: its products go on top of the sums that are there. */
  linearBackwardOnto(
    dx: FloatArray,
    dy: FloatArray,
    params: FloatArray,
    layer: Layer,
    B: number,
  ): void;
  /** Sum of x[0..n). */
  sum(x: FloatArray, n: number): number;
  /** Sum of (x[i] - center)^2. */
  sumOfSquares(x: FloatArray, center: number, n: number): number;
  /** into[n] += from[n]. */
  add(into: FloatArray, from: FloatArray, n: number): void;
  /** One Adam step as torch.optim.Adam: `scale` multiplies gradients, `power`s are beta^t. */
  adam(state: AdamArrays, settings: AdamSettings, step: AdamStep): void;
}

export interface AdamArrays {
  readonly params: FloatArray;
  readonly grads: FloatArray;
  readonly first: FloatArray;
  readonly second: FloatArray;
}

export interface AdamStep {
  readonly learningRate: number;
  /** Factor on every gradient, from clipping its norm. */
  readonly scale: number;
  /** beta1^t and beta2^t of this step, t from 1. */
  readonly beta1Power: number;
  readonly beta2Power: number;
}

/**
 * The kernels in one number system. Loops hold four sums in registers, side by side, which hides the
 * latency of additions and saves stores; each sum keeps its own order.
 */
export function makeKernels(arithmetic: Arithmetic): Kernels {
  const { round, tanh: tanhOf } = arithmetic;

  function linear(
    out: FloatArray,
    x: FloatArray,
    params: FloatArray,
    { inputs: I, outputs: O, weights, biases }: Layer,
    B: number,
  ): void {
    for (let b = 0; b < B; b++) {
      const xRow = b * I;
      const outRow = b * O;
      let o = 0;
      for (; o + 4 <= O; o += 4) {
        const w0 = weights + o * I;
        const w1 = w0 + I;
        const w2 = w1 + I;
        const w3 = w2 + I;
        let s0 = params[biases + o] as number;
        let s1 = params[biases + o + 1] as number;
        let s2 = params[biases + o + 2] as number;
        let s3 = params[biases + o + 3] as number;
        for (let k = 0; k < I; k++) {
          const value = x[xRow + k] as number;
          s0 = round(s0 + round(value * (params[w0 + k] as number)));
          s1 = round(s1 + round(value * (params[w1 + k] as number)));
          s2 = round(s2 + round(value * (params[w2 + k] as number)));
          s3 = round(s3 + round(value * (params[w3 + k] as number)));
        }
        out[outRow + o] = s0;
        out[outRow + o + 1] = s1;
        out[outRow + o + 2] = s2;
        out[outRow + o + 3] = s3;
      }
      for (; o < O; o++) {
        const w = weights + o * I;
        let s = params[biases + o] as number;
        for (let k = 0; k < I; k++) {
          s = round(s + round((x[xRow + k] as number) * (params[w + k] as number)));
        }
        out[outRow + o] = s;
      }
    }
  }

  function tanh(y: FloatArray, n: number): void {
    for (let i = 0; i < n; i++) y[i] = tanhOf(y[i] as number);
  }

  function tanhBackward(dy: FloatArray, y: FloatArray, n: number): void {
    for (let i = 0; i < n; i++) {
      const value = y[i] as number;
      dy[i] = round((dy[i] as number) * round(1 - round(value * value)));
    }
  }

  function relu(y: FloatArray, n: number): void {
    for (let i = 0; i < n; i++) {
      const value = y[i] as number;
      y[i] = value < 0 ? 0 : value;
    }
  }

  function reluBackward(dy: FloatArray, y: FloatArray, n: number): void {
    for (let i = 0; i < n; i++) if (!((y[i] as number) > 0)) dy[i] = 0;
  }

  function linearGradient(
    grads: FloatArray,
    dy: FloatArray,
    x: FloatArray,
    { inputs: I, outputs: O, weights, biases }: Layer,
    B: number,
  ): void {
    for (let o = 0; o < O; o++) {
      const w = weights + o * I;
      let k = 0;
      for (; k + 4 <= I; k += 4) {
        let s0 = grads[w + k] as number;
        let s1 = grads[w + k + 1] as number;
        let s2 = grads[w + k + 2] as number;
        let s3 = grads[w + k + 3] as number;
        for (let b = 0; b < B; b++) {
          const g = dy[b * O + o] as number;
          const at = b * I + k;
          s0 = round(s0 + round(g * (x[at] as number)));
          s1 = round(s1 + round(g * (x[at + 1] as number)));
          s2 = round(s2 + round(g * (x[at + 2] as number)));
          s3 = round(s3 + round(g * (x[at + 3] as number)));
        }
        grads[w + k] = s0;
        grads[w + k + 1] = s1;
        grads[w + k + 2] = s2;
        grads[w + k + 3] = s3;
      }
      for (; k < I; k++) {
        let s = grads[w + k] as number;
        for (let b = 0; b < B; b++) {
          s = round(s + round((dy[b * O + o] as number) * (x[b * I + k] as number)));
        }
        grads[w + k] = s;
      }
      let bias = grads[biases + o] as number;
      for (let b = 0; b < B; b++) bias = round(bias + (dy[b * O + o] as number));
      grads[biases + o] = bias;
    }
  }

  function linearBackward(
    dx: FloatArray,
    dy: FloatArray,
    params: FloatArray,
    layer: Layer,
    B: number,
  ): void {
    dx.fill(0, 0, B * layer.inputs);
    linearBackwardOnto(dx, dy, params, layer, B);
  }

  function linearBackwardOnto(
    dx: FloatArray,
    dy: FloatArray,
    params: FloatArray,
    { inputs: I, outputs: O, weights }: Layer,
    B: number,
  ): void {
    for (let b = 0; b < B; b++) {
      const dxRow = b * I;
      const dyRow = b * O;
      let k = 0;
      for (; k + 4 <= I; k += 4) {
        let s0 = dx[dxRow + k] as number;
        let s1 = dx[dxRow + k + 1] as number;
        let s2 = dx[dxRow + k + 2] as number;
        let s3 = dx[dxRow + k + 3] as number;
        for (let o = 0, w = weights + k; o < O; o++, w += I) {
          const g = dy[dyRow + o] as number;
          s0 = round(s0 + round(g * (params[w] as number)));
          s1 = round(s1 + round(g * (params[w + 1] as number)));
          s2 = round(s2 + round(g * (params[w + 2] as number)));
          s3 = round(s3 + round(g * (params[w + 3] as number)));
        }
        dx[dxRow + k] = s0;
        dx[dxRow + k + 1] = s1;
        dx[dxRow + k + 2] = s2;
        dx[dxRow + k + 3] = s3;
      }
      for (; k < I; k++) {
        let s = dx[dxRow + k] as number;
        for (let o = 0; o < O; o++) {
          s = round(s + round((dy[dyRow + o] as number) * (params[weights + o * I + k] as number)));
        }
        dx[dxRow + k] = s;
      }
    }
  }

  const lanes = arithmetic.allocate(LANES);

  function closeLanes(): number {
    for (let apart = LANES >> 1; apart > 0; apart >>= 1) {
      for (let lane = 0; lane < apart; lane++) {
        lanes[lane] = round((lanes[lane] as number) + (lanes[lane + apart] as number));
      }
    }
    return lanes[0] as number;
  }

  function sum(x: FloatArray, n: number): number {
    lanes.fill(0);
    for (let i = 0; i < n; i++) {
      const lane = i & (LANES - 1);
      lanes[lane] = round((lanes[lane] as number) + (x[i] as number));
    }
    return closeLanes();
  }

  function sumOfSquares(x: FloatArray, center: number, n: number): number {
    lanes.fill(0);
    for (let i = 0; i < n; i++) {
      const lane = i & (LANES - 1);
      const distance = round((x[i] as number) - center);
      lanes[lane] = round((lanes[lane] as number) + round(distance * distance));
    }
    return closeLanes();
  }

  function add(into: FloatArray, from: FloatArray, n: number): void {
    for (let i = 0; i < n; i++) into[i] = round((into[i] as number) + (from[i] as number));
  }

  function adam(
    { params, grads, first, second }: AdamArrays,
    { beta1, beta2, epsilon }: AdamSettings,
    { learningRate, scale, beta1Power, beta2Power }: AdamStep,
  ): void {
    const b1 = round(beta1);
    const b2 = round(beta2);
    const c1 = round(1 - beta1);
    const c2 = round(1 - beta2);
    const rate = round(learningRate / (1 - beta1Power));
    const root = round(Math.sqrt(1 - beta2Power));
    const eps = round(epsilon);
    const factor = round(scale);
    for (let i = 0; i < params.length; i++) {
      const g = round((grads[i] as number) * factor);
      const m = round(round(b1 * (first[i] as number)) + round(c1 * g));
      const v = round(round(b2 * (second[i] as number)) + round(c2 * round(g * g)));
      first[i] = m;
      second[i] = v;
      const denominator = round(round(round(Math.sqrt(v)) / root) + eps);
      params[i] = round((params[i] as number) - round(round(rate * m) / denominator));
    }
  }

  return {
    linear,
    tanh,
    tanhBackward,
    relu,
    reluBackward,
    linearGradient,
    linearBackward,
    linearBackwardOnto,
    sum,
    sumOfSquares,
    add,
    adam,
  };
}
