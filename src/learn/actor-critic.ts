/**
 * A policy net and a value net with nothing shared: multilayer perceptrons with tanh between their
 * layers. All parameters lie in one flat array, the policy's first, layer by layer, weights [out,
 * in] before biases, so that optimiser, checkpoint and hash see a vector. Work arrays are sized for
 * a tile of samples; nothing is allocated after construction.
 */
import { assert, Prng } from "../core/index.ts";
import type { Arithmetic, FloatArray } from "./arithmetic.ts";
import { type Kernels, type Layer, makeKernels } from "./kernels.ts";

export interface NetworkShape {
  readonly observations: number;
  readonly actions: number;
  /** Widths of the hidden layers of each net. */
  readonly hidden: readonly number[];
}

/** Samples that pass through the layers together. It changes no bit of any result. */
export const TILE = 64;

export interface Mlp {
  readonly layers: readonly Layer[];
}

/** Activations of one net for a tile: [TILE, width] after each layer, tanh applied but on the last. */
type Activations = readonly FloatArray[];

export class ActorCritic {
  readonly shape: NetworkShape;
  readonly arithmetic: Arithmetic;
  readonly kernels: Kernels;
  readonly policy: Mlp;
  readonly value: Mlp;
  readonly params: FloatArray;
  readonly #policyActivations: Activations;
  readonly #valueActivations: Activations;
  /** Gradient with respect to a layer's output, and to its input. [TILE, widest] */
  readonly #upper: FloatArray;
  readonly #lower: FloatArray;

  constructor(shape: NetworkShape, arithmetic: Arithmetic) {
    const sizes = [shape.observations, ...shape.hidden, shape.actions];
    assert(
      sizes.every((size) => Number.isInteger(size) && size >= 1),
      "layer sizes are whole and positive",
    );
    this.shape = shape;
    this.arithmetic = arithmetic;
    this.kernels = makeKernels(arithmetic);
    this.policy = layOut(sizes, 0);
    this.value = layOut([...sizes.slice(0, -1), 1], endOf(this.policy));
    this.params = arithmetic.allocate(endOf(this.value));
    const work = (mlp: Mlp): Activations =>
      mlp.layers.map(({ outputs }) => arithmetic.allocate(TILE * outputs));
    this.#policyActivations = work(this.policy);
    this.#valueActivations = work(this.value);
    const widest = Math.max(...sizes);
    this.#upper = arithmetic.allocate(TILE * widest);
    this.#lower = arithmetic.allocate(TILE * widest);
  }

  /**
   * Orthogonal weights and zero biases: gain sqrt(2) for hidden layers, 0.01 for the policy's last
   * and 1 for the value's last layer. Source: "The 37 implementation details of PPO", detail 2.
   */
  initialise(prng: Prng): void {
    for (const [name, mlp, lastGain] of [
      ["policy", this.policy, 0.01],
      ["value", this.value, 1],
    ] as const) {
      for (const [index, layer] of mlp.layers.entries()) {
        const isLast = index === mlp.layers.length - 1;
        const gain = isLast ? lastGain : Math.sqrt(2);
        const matrix = orthogonal(layer.outputs, layer.inputs, prng.fork(`${name} ${index}`));
        for (let i = 0; i < matrix.length; i++) {
          this.params[layer.weights + i] = gain * (matrix[i] as number);
        }
        this.params.fill(0, layer.biases, layer.biases + layer.outputs);
      }
    }
  }

  /** Logits [B, A] of observations [B, O], B at most TILE; valid until the next call. */
  logits(observations: FloatArray, B: number): FloatArray {
    return this.#forward(this.policy, this.#policyActivations, observations, B);
  }

  /** Values [B, 1] of observations [B, O], B at most TILE; valid until the next call. */
  values(observations: FloatArray, B: number): FloatArray {
    return this.#forward(this.value, this.#valueActivations, observations, B);
  }

  /** Adds the gradient of the last `logits` call's tile to `grads`, given that of its logits. */
  policyGradient(
    grads: FloatArray,
    observations: FloatArray,
    dLogits: FloatArray,
    B: number,
  ): void {
    this.#backward(this.policy, this.#policyActivations, grads, observations, dLogits, B);
  }

  /** Adds the gradient of the last `values` call's tile to `grads`, given that of its values. */
  valueGradient(grads: FloatArray, observations: FloatArray, dValues: FloatArray, B: number): void {
    this.#backward(this.value, this.#valueActivations, grads, observations, dValues, B);
  }

  #forward(mlp: Mlp, activations: Activations, observations: FloatArray, B: number): FloatArray {
    assert(B <= TILE, "a tile has at most TILE samples");
    let x = observations;
    for (const [index, layer] of mlp.layers.entries()) {
      const y = activations[index] as FloatArray;
      this.kernels.linear(y, x, this.params, layer, B);
      if (index < mlp.layers.length - 1) this.kernels.tanh(y, B * layer.outputs);
      x = y;
    }
    return x;
  }

  #backward(
    mlp: Mlp,
    activations: Activations,
    grads: FloatArray,
    observations: FloatArray,
    dOutput: FloatArray,
    B: number,
  ): void {
    let dy = dOutput;
    let spare = this.#upper;
    for (let index = mlp.layers.length - 1; index >= 0; index--) {
      const layer = mlp.layers[index] as Layer;
      const x = index === 0 ? observations : (activations[index - 1] as FloatArray);
      this.kernels.linearGradient(grads, dy, x, layer, B);
      if (index === 0) return;
      this.kernels.linearBackward(spare, dy, this.params, layer, B);
      this.kernels.tanhBackward(spare, x, B * layer.inputs);
      dy = spare;
      spare = spare === this.#upper ? this.#lower : this.#upper;
    }
  }
}

function layOut(sizes: readonly number[], from: number): Mlp {
  const layers: Layer[] = [];
  let at = from;
  for (let index = 0; index + 1 < sizes.length; index++) {
    const inputs = sizes[index] as number;
    const outputs = sizes[index + 1] as number;
    layers.push({ inputs, outputs, weights: at, biases: at + inputs * outputs });
    at += inputs * outputs + outputs;
  }
  return { layers };
}

function endOf(mlp: Mlp): number {
  const last = mlp.layers.at(-1) as Layer;
  return last.biases + last.outputs;
}

/**
 * A random matrix [rows, columns] whose shorter side is orthonormal: normal numbers through modified
 * Gram-Schmidt, twice over for accuracy, in double precision.
 */
function orthogonal(rows: number, columns: number, prng: Prng): Float64Array {
  const vectors = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const basis: Float64Array[] = [];
  for (let v = 0; v < vectors; v++) {
    const vector = Float64Array.from({ length }, () => prng.normal());
    for (let pass = 0; pass < 2; pass++) {
      for (const other of basis) {
        let dot = 0;
        for (let i = 0; i < length; i++) dot += (vector[i] as number) * (other[i] as number);
        for (let i = 0; i < length; i++) {
          vector[i] = (vector[i] as number) - dot * (other[i] as number);
        }
      }
    }
    let square = 0;
    for (const component of vector) square += component * component;
    const norm = Math.sqrt(square);
    basis.push(vector.map((component) => component / norm));
  }
  const matrix = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [v, i] = rows <= columns ? [row, column] : [column, row];
      matrix[row * columns + column] = (basis[v] as Float64Array)[i] as number;
    }
  }
  return matrix;
}
