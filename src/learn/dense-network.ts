/**
 * A network as other tools know it: dense layers one after the other, each with an activation of its
 * own. What a policy's half of an actor-critic is on its way into a file, and what a file is before
 * it becomes a policy. Forward only, a row at a time, on the reference kernels; no training.
 */
import { assert, canonicalJson, OperationError, sha256Stream } from "../core/index.ts";
import { FLOAT32, type FloatArray } from "./arithmetic.ts";
import { makeKernels } from "./kernels.ts";
import { littleEndian } from "./little-endian.ts";
import { type Activation, type Layer, layersOf, type NetworkShape } from "./network-shape.ts";

export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** [outputs, inputs], row-major, as in PyTorch. */
  readonly weights: Float32Array;
  /** [outputs] */
  readonly biases: Float32Array;
  /** What its outputs pass through. */
  readonly activation: Activation | "linear";
}

/** Anything that turns an observation into one logit per action. */
export interface LogitNetwork {
  readonly observations: number;
  readonly actions: number;
  /** Logits [A] of an observation [O]; overwritten by the next call. */
  logits(observation: FloatArray): FloatArray;
}

/** The layers of an actor-critic from the observation to each of its outputs, copied. */
export function denseLayersOf(
  shape: NetworkShape,
  params: Float32Array,
): { trunk: DenseLayer[]; policy: DenseLayer[]; value: DenseLayer[] } {
  const { trunk, policy, value, parameterCount } = layersOf(shape);
  if (params.length !== parameterCount) {
    const { observations, hidden, actions } = shape;
    throw new OperationError(
      "MODEL_SHAPE",
      `model: expected ${parameterCount} parameters for layers ` +
        `${[observations, ...hidden, actions].join("-")}, was ${params.length}`,
    );
  }
  const dense = (
    { inputs, outputs, weights, biases }: Layer,
    activation: DenseLayer["activation"],
  ): DenseLayer => ({
    inputs,
    outputs,
    weights: params.slice(weights, biases),
    biases: params.slice(biases, biases + outputs),
    activation,
  });
  const branch = (layers: readonly Layer[]): DenseLayer[] =>
    layers.map((layer, index) =>
      dense(layer, index < layers.length - 1 ? shape.activation : "linear"),
    );
  return {
    trunk: trunk.map((layer) => dense(layer, shape.activation)),
    policy: branch(policy),
    value: branch(value),
  };
}

/** SHA-256 over layers: equal functions of equal parts, equal hash. */
export function hashOfLayers(layers: readonly DenseLayer[]): string {
  const hash = sha256Stream();
  for (const { inputs, outputs, activation, weights, biases } of layers) {
    hash.update(canonicalJson({ inputs, outputs, activation }));
    for (const values of [weights, biases]) hash.update(littleEndian(values));
  }
  return hash.digest("hex");
}

/** Dense layers at work; allocates nothing after construction. */
export class DenseNetwork implements LogitNetwork {
  readonly observations: number;
  readonly actions: number;
  readonly #params: FloatArray;
  readonly #steps: readonly {
    readonly layer: Layer;
    readonly activation: DenseLayer["activation"];
    readonly out: FloatArray;
  }[];
  readonly #kernels = makeKernels(FLOAT32);

  /** The parameters are copied. At least one layer, each taking what the one before gives. */
  constructor(layers: readonly DenseLayer[]) {
    let end = 0;
    const steps = layers.map(({ inputs, outputs, activation }) => {
      const weights = end;
      const biases = weights + inputs * outputs;
      end = biases + outputs;
      const layer: Layer = { inputs, outputs, weights, biases };
      return { layer, activation, out: FLOAT32.allocate(outputs) };
    });
    const params = FLOAT32.allocate(end);
    for (const [index, { layer }] of steps.entries()) {
      const { weights, biases } = layers[index] as DenseLayer;
      assert(weights.length === layer.inputs * layer.outputs, "a layer has all its weights");
      assert(biases.length === layer.outputs, "a layer has all its biases");
      const before = index === 0 ? layer.inputs : (layers[index - 1] as DenseLayer).outputs;
      assert(before === layer.inputs, "a layer takes what the one before gives");
      params.set(weights, layer.weights);
      params.set(biases, layer.biases);
    }
    const [first, last] = [layers[0], layers.at(-1)];
    assert(first !== undefined, "a network has a layer");
    assert(last !== undefined, "a network has a last layer");
    this.observations = first.inputs;
    this.actions = last.outputs;
    this.#params = params;
    this.#steps = steps;
  }

  logits(observation: FloatArray): FloatArray {
    let x = observation;
    for (const { layer, activation, out } of this.#steps) {
      this.#kernels.linear(out, x, this.#params, layer, 1);
      if (activation === "tanh") this.#kernels.tanh(out, layer.outputs);
      else if (activation === "relu") this.#kernels.relu(out, layer.outputs);
      x = out;
    }
    return x;
  }
}
