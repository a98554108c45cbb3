/**
 * A network as other tools know it: dense layers one after the other, each with an activation of its
 * own. What a policy's half of an actor-critic is on its way into a file, and what a file is before
 * it becomes a policy. Forward only; no training.
 */
import { assert, canonicalJson, OperationError, present, sha256Stream } from "../core/index.ts";
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

/** A layer in a flat array of parameters, and what its outputs pass through. */
export interface PlacedLayer extends Layer {
  readonly activation: DenseLayer["activation"];
}

/** Layers in one flat array in canonical order, copied. At least one, each fitting the one before. */
export function placeLayers(layers: readonly DenseLayer[]): {
  readonly placed: readonly PlacedLayer[];
  readonly params: Float32Array;
} {
  assert(layers.length > 0, "a network has a layer");
  let end = 0;
  const placed = layers.map(({ inputs, outputs, activation }) => {
    const weights = end;
    const biases = weights + inputs * outputs;
    end = biases + outputs;
    return { inputs, outputs, weights, biases, activation };
  });
  const params = new Float32Array(end);
  for (const [index, { inputs, outputs, weights, biases }] of layers.entries()) {
    const at = present(placed[index], "every layer is placed");
    assert(weights.length === inputs * outputs, "a layer has all its weights");
    assert(biases.length === outputs, "a layer has all its biases");
    const before = layers[index - 1]?.outputs ?? inputs;
    assert(before === inputs, "a layer takes what the one before gives");
    params.set(weights, at.weights);
    params.set(biases, at.biases);
  }
  return { placed, params };
}

/**
 * Dense layers a number at a time, on the reference kernels: what the compute kernel's network is
 * tested against. Allocates nothing after construction.
 */
export class ScalarDenseNetwork implements LogitNetwork {
  readonly observations: number;
  readonly actions: number;
  readonly #params: FloatArray;
  readonly #steps: readonly { readonly layer: PlacedLayer; readonly out: FloatArray }[];
  readonly #kernels = makeKernels(FLOAT32);

  constructor(layers: readonly DenseLayer[]) {
    const { placed, params } = placeLayers(layers);
    this.observations = present(placed[0], "a network has a first layer").inputs;
    this.actions = present(placed.at(-1), "a network has a last layer").outputs;
    this.#params = params;
    this.#steps = placed.map((layer) => ({ layer, out: FLOAT32.allocate(layer.outputs) }));
  }

  logits(observation: FloatArray): FloatArray {
    let x = observation;
    for (const { layer, out } of this.#steps) {
      this.#kernels.linear(out, x, this.#params, layer, 1);
      if (layer.activation === "tanh") this.#kernels.tanh(out, layer.outputs);
      else if (layer.activation === "relu") this.#kernels.relu(out, layer.outputs);
      x = out;
    }
    return x;
  }
}
