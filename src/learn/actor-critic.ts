/**
 * A policy and a value of the same observation: multilayer perceptrons with nothing shared, or two
 * heads on one trunk. All parameters lie in one flat array (network-shape.ts), so that optimiser,
 * checkpoint and hash see a vector. Work arrays are sized for a tile of samples; nothing is
 * allocated after construction.
 */
import { assert, Prng } from "../core/index.ts";
import type { Arithmetic, FloatArray } from "./arithmetic.ts";
import { type Kernels, makeKernels } from "./kernels.ts";
import { type Layer, layersOf, type NetworkLayers, type NetworkShape } from "./network-shape.ts";

/** Samples that pass through the layers together. It changes no bit of any result. */
export const TILE = 64;

/** Consecutive layers, with a tile's activations [TILE, width] after each. */
interface Chain {
  readonly layers: readonly Layer[];
  readonly activations: readonly FloatArray[];
  /** Layers from the first that the activation follows: all of a trunk, all but a head. */
  readonly activeCount: number;
}

/** Both outputs for a tile; overwritten by the next. */
export interface Heads {
  /** [B, A] */
  readonly logits: FloatArray;
  /** [B] */
  readonly values: FloatArray;
}

export class ActorCritic {
  readonly shape: NetworkShape;
  readonly arithmetic: Arithmetic;
  readonly kernels: Kernels;
  readonly layers: NetworkLayers;
  readonly params: FloatArray;
  readonly #trunk: Chain;
  readonly #policy: Chain;
  readonly #value: Chain;
  readonly #heads: Heads;
  readonly #activate: Kernels["tanh"];
  readonly #activateBackward: Kernels["tanhBackward"];
  /** Gradient with respect to the trunk's output, and to outputs of layers. [TILE, widest] */
  readonly #trunkGradient: FloatArray;
  readonly #upper: FloatArray;
  readonly #lower: FloatArray;

  constructor(shape: NetworkShape, arithmetic: Arithmetic) {
    const { observations, actions, hidden, activation } = shape;
    const sizes = [observations, ...hidden, actions];
    assert(
      sizes.every((size) => Number.isInteger(size) && size >= 1),
      "layer sizes are whole and positive",
    );
    this.shape = shape;
    this.arithmetic = arithmetic;
    this.kernels = makeKernels(arithmetic);
    this.layers = layersOf(shape);
    const { trunk, policy, value, parameterCount } = this.layers;
    this.params = arithmetic.allocate(parameterCount);
    const chain = (layers: readonly Layer[], activeCount: number): Chain => ({
      layers,
      activations: layers.map(({ outputs }) => arithmetic.allocate(TILE * outputs)),
      activeCount,
    });
    this.#trunk = chain(trunk, trunk.length);
    this.#policy = chain(policy, policy.length - 1);
    this.#value = chain(value, value.length - 1);
    this.#heads = { logits: outputOf(this.#policy), values: outputOf(this.#value) };
    const { tanh, tanhBackward, relu, reluBackward } = this.kernels;
    this.#activate = activation === "tanh" ? tanh : relu;
    this.#activateBackward = activation === "tanh" ? tanhBackward : reluBackward;
    const widest = Math.max(...sizes);
    this.#trunkGradient = arithmetic.allocate(TILE * widest);
    this.#upper = arithmetic.allocate(TILE * widest);
    this.#lower = arithmetic.allocate(TILE * widest);
  }

  /**
   * Orthogonal weights and zero biases: gain sqrt(2) for hidden layers, 0.01 for the policy's last
   * and 1 for the value's last layer. Source: "The 37 implementation details of PPO", detail 2.
   */
  initialise(prng: Prng): void {
    for (const [name, { layers, activeCount }, lastGain] of [
      ["trunk", this.#trunk, 1],
      ["policy", this.#policy, 0.01],
      ["value", this.#value, 1],
    ] as const) {
      for (const [index, layer] of layers.entries()) {
        const gain = index < activeCount ? Math.sqrt(2) : lastGain;
        const matrix = orthogonal(layer.outputs, layer.inputs, prng.fork(`${name} ${index}`));
        for (let i = 0; i < matrix.length; i++) {
          this.params[layer.weights + i] = gain * (matrix[i] as number);
        }
        this.params.fill(0, layer.biases, layer.biases + layer.outputs);
      }
    }
  }

  /** Logits and values of observations [B, O], B at most TILE; valid until the next call. */
  forward(observations: FloatArray, B: number): Heads {
    const features = this.#forward(this.#trunk, observations, B);
    this.#forward(this.#policy, features, B);
    this.#forward(this.#value, features, B);
    return this.#heads;
  }

  /** Logits [B, A] alone. */
  logits(observations: FloatArray, B: number): FloatArray {
    return this.#forward(this.#policy, this.#forward(this.#trunk, observations, B), B);
  }

  /** Values [B] alone. */
  values(observations: FloatArray, B: number): FloatArray {
    return this.#forward(this.#value, this.#forward(this.#trunk, observations, B), B);
  }

  /**
   * Adds the gradient of the last `forward` call's tile to `grads`, given that of its logits [B, A]
   * and of its values [B]. What the trunk's output gets is the policy's sum, on which the value's
   * products are then added.
   */
  backward(
    grads: FloatArray,
    observations: FloatArray,
    dLogits: FloatArray,
    dValues: FloatArray,
    B: number,
  ): void {
    const trunk = this.#trunk;
    const last = trunk.layers.length - 1;
    const features = last < 0 ? observations : outputOf(trunk);
    const dFeatures = last < 0 ? null : this.#trunkGradient;
    this.#backward(this.#policy, grads, features, dLogits, dFeatures, false, B);
    this.#backward(this.#value, grads, features, dValues, dFeatures, true, B);
    if (dFeatures === null) return;
    this.#activateBackward(dFeatures, features, B * (trunk.layers[last] as Layer).outputs);
    this.#backward(trunk, grads, observations, dFeatures, null, false, B);
  }

  #forward({ layers, activations, activeCount }: Chain, input: FloatArray, B: number): FloatArray {
    assert(B <= TILE, "a tile has at most TILE samples");
    let x = input;
    for (const [index, layer] of layers.entries()) {
      const y = activations[index] as FloatArray;
      this.kernels.linear(y, x, this.params, layer, B);
      if (index < activeCount) this.#activate(y, B * layer.outputs);
      x = y;
    }
    return x;
  }

  /**
   * Back through a chain whose output, before any activation, has gradient `dOutput`. That of its
   * input goes into `dInput`, where one is given, or on top of what is there if `isAdded`.
   */
  #backward(
    { layers, activations }: Chain,
    grads: FloatArray,
    input: FloatArray,
    dOutput: FloatArray,
    dInput: FloatArray | null,
    isAdded: boolean,
    B: number,
  ): void {
    const { kernels, params } = this;
    let dy = dOutput;
    let spare = this.#upper;
    for (let index = layers.length - 1; index > 0; index--) {
      const layer = layers[index] as Layer;
      const x = activations[index - 1] as FloatArray;
      kernels.linearGradient(grads, dy, x, layer, B);
      kernels.linearBackward(spare, dy, params, layer, B);
      this.#activateBackward(spare, x, B * layer.inputs);
      dy = spare;
      spare = spare === this.#upper ? this.#lower : this.#upper;
    }
    const first = layers[0] as Layer;
    kernels.linearGradient(grads, dy, input, first, B);
    if (dInput === null) return;
    if (isAdded) kernels.linearBackwardOnto(dInput, dy, params, first, B);
    else kernels.linearBackward(dInput, dy, params, first, B);
  }
}

function outputOf({ activations }: Chain): FloatArray {
  return activations.at(-1) as FloatArray;
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
