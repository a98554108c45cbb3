/** What an ONNX graph has as constants: initializers, Constant nodes, and both turned or renamed. */
import { OperationError } from "../../core/index.ts";
import {
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  tensorIntegers,
  tensorNumbers,
} from "./onnx-file.ts";
import { transposed } from "./tfjs-write.ts";

/** [rows, columns], row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly numbers: Float32Array;
}

/** Renamings that a constant may have gone through; more are a ring. */
const DEPTH_MAX = 8;

export function turned({ rows, columns, numbers }: Matrix): Matrix {
  return { rows: columns, columns: rows, numbers: transposed(numbers, rows, columns) };
}

export class GraphConstants {
  readonly #place: string;
  readonly #graph: OnnxGraph;
  readonly #producers: ReadonlyMap<string, OnnxNode>;

  constructor(place: string, graph: OnnxGraph, producers: ReadonlyMap<string, OnnxNode>) {
    this.#place = place;
    this.#graph = graph;
    this.#producers = producers;
  }

  /** Whether a value is known before any input is. */
  has(value: string): boolean {
    return this.#find(value) !== null;
  }

  /** Whether it is a constant of one number. */
  isScalar(value: string): boolean {
    const dims = this.#find(value)?.tensor.dims;
    return dims !== undefined && dims.every((size) => size === 1);
  }

  /** Whole numbers of a constant, as axes are given; null where it is none. */
  integers(value: string): number[] | null {
    const tensor = this.#find(value)?.tensor;
    return tensor === undefined ? null : tensorIntegers(this.#place, tensor);
  }

  /** The weights that `node` multiplies by. */
  matrix(node: OnnxNode, value: string): Matrix {
    const found = this.#require(node, value, "weights");
    const [rows = 0, columns = 0] = found.tensor.dims;
    if (found.tensor.dims.length !== 2) throw this.#sizes(node, value, "two sizes", found.tensor);
    const numbers = tensorNumbers(this.#place, found.tensor);
    const matrix = { rows, columns, numbers };
    return found.isTurned ? turned(matrix) : matrix;
  }

  /** What `node` adds to each of `width` outputs. */
  biases(node: OnnxNode, value: string, width: number): Float32Array {
    const { tensor } = this.#require(node, value, "biases");
    const numbers = tensorNumbers(this.#place, tensor);
    const last = tensor.dims.at(-1) ?? 1;
    if (numbers.length !== last || (last !== width && last !== 1)) {
      throw this.#sizes(node, value, `${width} numbers`, tensor);
    }
    const [only = 0] = numbers;
    return last === width ? numbers : new Float32Array(width).fill(only);
  }

  #require(node: OnnxNode, value: string, what: string): { tensor: OnnxTensor; isTurned: boolean } {
    const found = this.#find(value);
    if (found !== null) return found;
    throw new OperationError(
      "MODEL_UNSUPPORTED",
      `${this.#place}: node "${node.name}" (${node.operator}): expected constant ${what}, was ` +
        `"${value}", which the model computes; a policy must be an MLP (docs/models.md)`,
    );
  }

  #sizes(node: OnnxNode, value: string, expected: string, { dims }: OnnxTensor): OperationError {
    return new OperationError(
      "MODEL_DAMAGED",
      `${this.#place}: node "${node.name}" (${node.operator}): "${value}": expected ${expected}, ` +
        `was sizes [${dims.join(", ")}]; export the model again`,
    );
  }

  #find(value: string): { tensor: OnnxTensor; isTurned: boolean } | null {
    let name = value;
    let isTurned = false;
    for (let depth = 0; depth < DEPTH_MAX; depth++) {
      const tensor = this.#graph.constants.get(name);
      if (tensor !== undefined) return { tensor, isTurned };
      const node = this.#producers.get(name);
      if (node === undefined) return null;
      if (node.operator === "Constant") {
        const given = constantOf(node);
        return given === null ? null : { tensor: { ...given, name }, isTurned };
      }
      if (node.operator === "Transpose") {
        const order = node.attributes.get("perm")?.numbers ?? [];
        if (order.length === 0 || order.join() === "1,0") isTurned = !isTurned;
        else if (order.join() !== "0,1") return null;
      } else if (!["Identity", "Cast"].includes(node.operator)) return null;
      name = node.inputs[0] ?? "";
    }
    return null;
  }
}

/** The tensor of a Constant node, which may be given as bare numbers. */
function constantOf({ attributes }: OnnxNode): OnnxTensor | null {
  const tensor = attributes.get("value")?.tensor ?? null;
  if (tensor !== null) return tensor;
  const single = attributes.get("value_float");
  const list = attributes.get("value_floats");
  const floats = (single ?? list)?.floats;
  if (floats === undefined) return null;
  const dims = single === undefined ? [floats.length / 4] : [];
  const nothing = new Uint8Array(0);
  const rest = { raw: null, doubles: nothing, integers: [], isExternal: false };
  return { name: "", dims, dataType: 1, floats, ...rest };
}
