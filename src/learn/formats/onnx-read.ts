/**
 * The policy in an ONNX model, as dense layers. A graph is followed backwards from each output: past
 * what turns logits into an action or a probability (ArgMax, Softmax, normalisation), through Gemm,
 * or MatMul and Add, with Tanh or Relu, past what only reshapes, to the input. That is how
 * Stable-Baselines3's policies export; whatever else stands in the way is named and refused.
 */
import { OperationError } from "../../core/index.ts";
import type { DenseLayer } from "../dense-network.ts";
import { GraphConstants, type Matrix, turned } from "./onnx-constants.ts";
import { decodeOnnx, type OnnxGraph, type OnnxNode } from "./onnx-file.ts";
import { policyAmong, type Traced } from "./policy-output.ts";

/** What keeps every number where it is; widths are compared at the end. */
const RESHAPES = ["Identity", "Cast", "Reshape", "Flatten", "Dropout", "Squeeze", "Unsqueeze"];
/** What picks an action from a distribution. */
const SELECTIONS = ["ArgMax", "Multinomial"];
const ACTIVATIONS: Readonly<Record<string, "tanh" | "relu">> = { Tanh: "tanh", Relu: "relu" };
/** What leaves the odds between actions as they are. */
const DISTRIBUTIONS = ["Softmax", "LogSoftmax", ...RESHAPES];
/** What makes one number per row of numbers per row, as a sum of exponentials is made. */
const PER_ROW = ["Log", "Add", "Sub", "Abs", "Where", "Equal", "IsInf", "Mul", "Identity", "Cast"];
const WAY_OUT =
  "a policy must be an MLP of Gemm, or MatMul and Add, with Tanh or Relu (docs/models.md)";

/** A layer but for its activation, and the value that it takes. */
interface Affine {
  readonly layer: Omit<DenseLayer, "activation">;
  readonly from: string;
}

/**
 * Reads the policy in `bytes`: of several outputs the one that `policyAmong` picks. `MODEL_DAMAGED`,
 * `MODEL_UNSUPPORTED`.
 */
export function readOnnx(
  place: string,
  bytes: Uint8Array,
  actions: number,
): { layers: readonly DenseLayer[]; metadata: ReadonlyMap<string, string> } {
  const graph = decodeOnnx(place, bytes);
  const tracer = new Tracer(place, graph);
  const outputs = graph.outputs.map(({ name }) => ({ name, trace: () => tracer.trace(name) }));
  return { layers: policyAmong(place, outputs, actions), metadata: graph.metadata };
}

class Tracer {
  readonly #place: string;
  readonly #graph: OnnxGraph;
  readonly #producers = new Map<string, OnnxNode>();
  readonly #constants: GraphConstants;
  readonly #perRow = new Map<string, boolean>();

  constructor(place: string, graph: OnnxGraph) {
    this.#place = place;
    this.#graph = graph;
    for (const node of graph.nodes) {
      for (const output of node.outputs) if (output !== "") this.#producers.set(output, node);
    }
    this.#constants = new GraphConstants(place, graph, this.#producers);
  }

  /** The layers behind an output, from the input on. */
  trace(output: string): Traced {
    const at = this.#logitsOf(output);
    const layers: DenseLayer[] = [];
    let value = at;
    let activation: DenseLayer["activation"] = "linear";
    for (let steps = 0; ; steps++) {
      const node = this.#producer(value, steps);
      if (node === null) break;
      const following = ACTIVATIONS[node.operator];
      if (RESHAPES.includes(node.operator)) {
        this.#requireRows(node);
        value = this.#input(node, 0);
      } else if (following !== undefined) {
        if (activation !== "linear") throw this.#odd(node, "a layer between two activations");
        activation = following;
        value = this.#input(node, 0);
      } else {
        const { layer, from } = this.#affine(node);
        layers.unshift({ ...layer, activation });
        activation = "linear";
        value = from;
      }
    }
    if (layers.length === 0 || activation !== "linear") {
      throw new OperationError(
        "MODEL_UNSUPPORTED",
        `${this.#place}: output "${output}": expected a layer behind it, was ` +
          `${layers.length === 0 ? "none" : "an activation of the bare input"}; ${WAY_OUT}`,
      );
    }
    return { layers, at, inputWidth: this.#inputWidth(value) };
  }

  /** From an output back to the logits that it is made of: to itself where it is logits. */
  #logitsOf(output: string): string {
    let value = output;
    let isPicked = false;
    // Of odds that are odds of odds, nothing simple can be said: only one softmax is passed, and
    // another where a logarithm stands between.
    let isSoftened = false;
    for (let steps = 0; ; steps++) {
      const node = this.#producer(value, steps);
      if (node === null) return value;
      const { operator } = node;
      const isLogOfSoftmax = operator === "Log" && this.#isSoftmax(node.inputs[0] ?? "");
      const isShift = operator === "Sub" && this.#isPerRow(node.inputs[1] ?? "");
      if (operator === "Softmax" && isSoftened) return value;
      if (SELECTIONS.includes(operator) && !isPicked) isPicked = true;
      else if (!DISTRIBUTIONS.includes(operator) && !isLogOfSoftmax && !isShift) return value;
      if (["Softmax", "LogSoftmax", "ArgMax"].includes(operator)) this.#requireLastAxis(node);
      if (operator.endsWith("Softmax")) isSoftened = true;
      else if (isLogOfSoftmax) isSoftened = false;
      value = this.#input(node, 0);
    }
  }

  #isSoftmax(value: string): boolean {
    return this.#producers.get(value)?.operator === "Softmax";
  }

  /** Whether a value is one number per row; subtracted from logits it changes no probability. */
  #isPerRow(value: string): boolean {
    const known = this.#perRow.get(value);
    if (known !== undefined) return known;
    // What a ring leads back to is not known, and so is no.
    this.#perRow.set(value, false);
    const answer = this.#constants.isScalar(value) || this.#isMadePerRow(value);
    this.#perRow.set(value, answer);
    return answer;
  }

  #isMadePerRow(value: string): boolean {
    const node = this.#producers.get(value);
    if (node === undefined) return false;
    const { operator, inputs, attributes } = node;
    if (operator.startsWith("Reduce")) {
      const axes = attributes.get("axes")?.numbers ?? this.#constants.integers(inputs[1] ?? "");
      const isLast = axes?.length === 1 && (axes[0] === -1 || axes[0] === 1);
      return isLast && attributes.get("keepdims")?.numbers[0] !== 0;
    }
    return PER_ROW.includes(operator) && inputs.every((input) => this.#isPerRow(input));
  }

  /** A node as x . w^T + b, and what x is. */
  #affine(node: OnnxNode): Affine {
    const { operator, domain } = node;
    if (domain !== "" && domain !== "ai.onnx") throw this.#odd(node, "an operator of ONNX's own");
    if (operator === "Gemm") return this.#gemm(node);
    if (operator === "MatMul") return this.#matMul(node, null);
    if (operator !== "Add") throw this.#odd(node, "a layer or an activation");
    for (const side of [0, 1]) {
      const product = this.#producers.get(this.#input(node, side));
      const bias = this.#input(node, 1 - side);
      if (product?.operator === "MatMul" && this.#constants.has(bias)) {
        return this.#matMul(product, bias);
      }
    }
    throw this.#odd(node, "biases that are added to a MatMul");
  }

  #gemm(node: OnnxNode): Affine {
    const { attributes } = node;
    const scale = (name: string): number => {
      const bytes = attributes.get(name)?.floats;
      return bytes?.length === 4 ? Buffer.from(bytes).readFloatLE() : 1;
    };
    const flag = (name: string): boolean => (attributes.get(name)?.numbers[0] ?? 0) !== 0;
    if (flag("transA")) throw this.#odd(node, "one without transA");
    const [alpha, beta] = [scale("alpha"), scale("beta")];
    const given = this.#constants.matrix(node, this.#input(node, 1));
    const { layer, from } = this.#layer(
      node,
      flag("transB") ? given : turned(given),
      node.inputs[2] ?? "",
    );
    const weights = alpha === 1 ? layer.weights : layer.weights.map((number) => alpha * number);
    const biases = beta === 1 ? layer.biases : layer.biases.map((number) => beta * number);
    return { layer: { ...layer, weights, biases }, from };
  }

  #matMul(node: OnnxNode, bias: string | null): Affine {
    const matrix = turned(this.#constants.matrix(node, this.#input(node, 1)));
    return this.#layer(node, matrix, bias ?? "");
  }

  #layer(node: OnnxNode, { rows, columns, numbers }: Matrix, bias: string): Affine {
    if (rows === 0 || columns === 0) throw this.#odd(node, "weights");
    const biases = bias === "" ? new Float32Array(rows) : this.#constants.biases(node, bias, rows);
    const layer = { inputs: columns, outputs: rows, weights: numbers, biases };
    return { layer, from: this.#input(node, 0) };
  }

  /**
   * What makes a value; null for an input of the graph. `steps` are those already gone: more than
   * there are nodes, and the graph is a ring.
   */
  #producer(value: string, steps: number): OnnxNode | null {
    const node = this.#producers.get(value);
    if (node !== undefined && steps <= this.#graph.nodes.length) return node;
    if (this.#graph.inputs.some(({ name }) => name === value)) return null;
    throw new OperationError(
      "MODEL_DAMAGED",
      `${this.#place}: value "${value}": expected an input or what a node makes of one, was ` +
        `${node === undefined ? "neither" : "made of itself"}; export the model again`,
    );
  }

  #input(node: OnnxNode, index: number): string {
    const input = node.inputs[index];
    if (input !== undefined && input !== "") return input;
    throw new OperationError(
      "MODEL_DAMAGED",
      `${this.#place}: ${nameOf(node)}: expected input ${index + 1}, was none; ` +
        `export the model again`,
    );
  }

  /** Rows of the input, as numbers in each; null where the graph leaves it open. */
  #inputWidth(value: string): number | null {
    const dims = this.#graph.inputs.find(({ name }) => name === value)?.dims ?? [];
    const sizes = dims.length > 1 ? dims.slice(1) : dims;
    if (sizes.length === 0) return null;
    return sizes.reduce(
      (product, size) => (product === null || size === null ? null : product * size),
      1,
    );
  }

  #requireLastAxis(node: OnnxNode): void {
    const axis = node.attributes.get("axis")?.numbers[0] ?? (node.operator === "ArgMax" ? 0 : -1);
    if (axis !== -1 && axis !== 1) throw this.#odd(node, `axis 1 or -1 and not ${axis}`);
  }

  /** That rows stay rows: a Flatten from axis 0 would make one of all. */
  #requireRows(node: OnnxNode): void {
    if (node.operator !== "Flatten") return;
    const axis = node.attributes.get("axis")?.numbers[0] ?? 1;
    if (axis === 0) throw this.#odd(node, "axis 1 and not 0");
  }

  #odd(node: OnnxNode, expected: string): OperationError {
    const { operator, domain } = node;
    const isNormaliser = ["Sub", "Div", "Clip", "Min", "Max"].includes(operator);
    return new OperationError(
      "MODEL_UNSUPPORTED",
      `${this.#place}: ${nameOf(node)}: expected ${expected}, was ` +
        `${domain === "" ? "" : `${domain}.`}${operator}; ` +
        (domain !== ""
          ? `export it anew with torch.onnx.export(..., dynamo=False), not optimised`
          : isNormaliser
            ? `if it normalises observations, export the policy without it and name its statistics ` +
              `with --normaliser (docs/models.md)`
            : WAY_OUT),
    );
  }
}

function nameOf({ name, operator, outputs }: OnnxNode): string {
  return `node "${name === "" ? (outputs[0] ?? "") : name}" (${operator})`;
}
