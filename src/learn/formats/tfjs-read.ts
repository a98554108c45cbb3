/**
 * The policy in a TensorFlow.js layers model, as dense layers: Dense with tanh, relu or linear, and
 * activations that are layers of their own. A last softmax is left out, for odds stay the same
 * without it. Whatever else a model is made of is named, for whoever has TensorFlow.js to run it.
 */
import { OperationError } from "../../core/index.ts";
import type { DenseLayer } from "../dense-network.ts";
import { requireFinite } from "./onnx-file.ts";
import { policyAmong, type Traced } from "./policy-output.ts";
import { asList, type Json, type TfjsLayer, type TfjsModel, weightsOf } from "./tfjs-file.ts";
import { transposed } from "./tfjs-write.ts";

/** Layers that do nothing to a row when a model acts. */
const PASSED = [
  "Dropout",
  "GaussianNoise",
  "GaussianDropout",
  "AlphaDropout",
  "Flatten",
  "Reshape",
];
const INPUT = "InputLayer";

/**
 * What keeps a model from being an MLP, such as "Conv1D, GRU"; null where it is one, as far as its
 * layers tell.
 */
export function beyondMlp({ layers }: TfjsModel): string | null {
  const first = layers.find(({ kind }) => kind !== INPUT);
  const isGrid = layers.some(({ config }) => inputSizes(config).length > 1);
  const grid = isGrid && first?.kind !== "Flatten" ? ["an input of more than a row"] : [];
  const odd = layers.flatMap((layer) => {
    if (layer.inputs.length > 1) return [`${layer.kind} of ${layer.inputs.length} inputs`];
    if (layer.calls > 1) return [`${layer.kind} that is applied ${layer.calls} times`];
    if (layer.kind === "Reshape" && asList(layer.config["target_shape"]).length !== 1) {
      return ["Reshape to more than a row"];
    }
    if (layer.kind === INPUT || PASSED.includes(layer.kind)) return [];
    const activation = activationOf(layer);
    if (activation === null) return [layer.kind];
    if (["linear", "tanh", "relu"].includes(activation)) return [];
    return activation === "softmax" ? [] : [`${layer.kind} with ${activation}`];
  });
  const all = [...new Set([...grid, ...odd])];
  return all.length === 0 ? null : all.join(", ");
}

/** The activation that a layer ends in; null for a layer of another kind. */
function activationOf({ kind, config }: TfjsLayer): string | null {
  if (kind === "Dense" || kind === "Activation") {
    const given = config["activation"] ?? "linear";
    return typeof given === "string" ? given : JSON.stringify(given);
  }
  if (kind === "ReLU") {
    const { max_value, negative_slope, threshold } = config;
    const isPlain = (max_value ?? null) === null && !negative_slope && !threshold;
    return isPlain ? "relu" : "bounds";
  }
  return kind === "Softmax" ? "softmax" : null;
}

/** Whether an output is probabilities rather than logits. */
export function endsInSoftmax({ layers }: TfjsModel, output: string): boolean {
  const layer = layers.find(({ name }) => name === output);
  return layer !== undefined && activationOf(layer) === "softmax";
}

/** Dense layers from input to policy. `MODEL_DAMAGED`, `MODEL_UNSUPPORTED`. */
export function readTfjs(path: string, model: TfjsModel, actions: number): readonly DenseLayer[] {
  const byName = new Map(model.layers.map((layer) => [layer.name, layer]));
  const weights = weightsOf(path, model);

  function trace(output: string): Traced {
    const layers: DenseLayer[] = [];
    let at = output;
    let activation: string = "linear";
    let name: string | undefined = output;
    let first: TfjsLayer | undefined;
    let isSoftened = false;
    for (let steps = 0; name !== undefined; steps++) {
      const layer = byName.get(name);
      if (layer === undefined || steps > byName.size) {
        throw damaged(`layer "${name}"`, "a layer of the model", layer ? "a ring" : "none");
      }
      first = layer;
      const own =
        layer.kind === INPUT || PASSED.includes(layer.kind) ? "linear" : activationOf(layer);
      if (own === null || layer.inputs.length > 1) throw unsupported(layer, layer.kind);
      if (own === "softmax" && layers.length === 0 && activation === "linear" && !isSoftened) {
        isSoftened = true;
      } else if (own !== "linear" && activation !== "linear") {
        throw unsupported(layer, `${own} before ${activation}`);
      } else if (own !== "linear") activation = own;
      if (layer.kind === "Dense") {
        if (activation !== "linear" && activation !== "tanh" && activation !== "relu") {
          throw unsupported(layer, activation);
        }
        layers.unshift({ ...dense(layer), activation });
        activation = "linear";
      } else if (layers.length === 0) at = layer.inputs[0] ?? at;
      name = layer.inputs[0];
    }
    if (layers.length === 0 || activation !== "linear") {
      throw damaged(`output "${output}"`, "a Dense layer behind it", "none");
    }
    return { layers, at, inputWidth: inputWidth(first) };
  }

  function dense({ name, config }: TfjsLayer): Omit<DenseLayer, "activation"> {
    const kernel = weight(name, "kernel");
    const [inputs = 0, outputs = 0] = kernel.shape;
    if (kernel.shape.length !== 2 || outputs !== config["units"] || inputs === 0 || outputs === 0) {
      throw damaged(
        `layer "${name}"`,
        `a kernel of [inputs, ${String(config["units"])}]`,
        `sizes [${kernel.shape.join(", ")}]`,
      );
    }
    const biases =
      config["use_bias"] === false ? new Float32Array(outputs) : weight(name, "bias").numbers;
    if (biases.length !== outputs) {
      throw damaged(`layer "${name}"`, `${outputs} biases`, String(biases.length));
    }
    return { inputs, outputs, weights: transposed(kernel.numbers, inputs, outputs), biases };
  }

  function weight(layer: string, part: string) {
    const suffix = `${layer}/${part}`;
    for (const [name, found] of weights) {
      if (name !== suffix && !name.endsWith(`/${suffix}`)) continue;
      requireFinite(`${path}: weight "${name}"`, found.numbers);
      return found;
    }
    throw damaged(`weight "${suffix}"`, "one in weightsManifest", "none");
  }

  function damaged(what: string, expected: string, was: string): OperationError {
    return new OperationError(
      "MODEL_DAMAGED",
      `${path}: ${what}: expected ${expected}, was ${was}; copy or export the model again`,
    );
  }

  function unsupported({ name }: TfjsLayer, was: string): OperationError {
    return new OperationError(
      "MODEL_UNSUPPORTED",
      `${path}: layer "${name}": expected Dense layers with tanh, relu or linear, was ${was}; ` +
        `install @tensorflow/tfjs-node to run it (docs/models.md)`,
    );
  }

  const outputs = model.outputs.map((name) => ({ name, trace: () => trace(name) }));
  return policyAmong(path, outputs, actions);
}

/** Numbers that a row of the first layer has; null where it leaves that open. */
function inputWidth(first: TfjsLayer | undefined): number | null {
  const sizes = inputSizes(first?.config ?? {});
  if (sizes.length === 0 || !sizes.every((size) => Number.isInteger(size))) return null;
  return (sizes as number[]).reduce((product, size) => product * size, 1);
}

/** What one observation's sizes are by the layer that takes it; empty for other layers. */
function inputSizes(config: Json): readonly unknown[] {
  return asList(config["batch_input_shape"] ?? config["batch_shape"]).slice(1);
}
