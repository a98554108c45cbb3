/**
 * An ONNX file as plain data: nodes, constants, inputs, outputs, metadata. Structure only, for what
 * operators mean is judged in onnx-read.ts. Field numbers are those of onnx.proto; fields that do
 * not concern us (documentation, shapes in between, training) are passed over.
 */
import { OperationError } from "../../core/index.ts";
import { fromLittleEndian } from "../little-endian.ts";
import { packedNumbers, type ProtobufField, protobufFields } from "./protobuf.ts";

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Whether its numbers lie in another file. */
  readonly isExternal: boolean;
  /** All numbers in one piece, lowest byte first; null where they stand in lists. */
  readonly raw: Uint8Array | null;
  /** Bytes of the lists float_data and double_data; numbers of int64_data. */
  readonly floats: Uint8Array;
  readonly doubles: Uint8Array;
  readonly integers: readonly number[];
}

export interface OnnxAttribute {
  readonly numbers: readonly number[];
  readonly text: string;
  /** float32 numbers, given singly or as a list. */
  readonly floats: Uint8Array;
  readonly tensor: OnnxTensor | null;
}

export interface OnnxNode {
  readonly operator: string;
  readonly name: string;
  /** "" is ONNX's own. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

export interface OnnxValue {
  readonly name: string;
  /** Sizes; null where they are open. Empty where the file does not say. */
  readonly dims: readonly (number | null)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** Inputs that are no constants. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Decodes a file's bytes; `place` is its name. `MODEL_DAMAGED` where they are no ONNX model. */
export function decodeOnnx(place: string, bytes: Uint8Array): OnnxGraph {
  const model = new Message(place, bytes);
  const graphs = model.messages(7);
  const graph = graphs[0];
  if (graph === undefined || graphs.length > 1) {
    throw new OperationError(
      "MODEL_DAMAGED",
      `${place}: expected ONNX with one graph, was one with ${graphs.length}; ` +
        `the file is cut short or no ONNX model: copy or export it again`,
    );
  }
  const constants = new Map<string, OnnxTensor>();
  for (const tensor of graph.messages(5).map(tensorOf)) constants.set(tensor.name, tensor);
  const metadata = new Map<string, string>();
  for (const entry of model.messages(14)) metadata.set(entry.text(1), entry.text(2));
  return {
    nodes: graph.messages(1).map(nodeOf),
    constants,
    // Before IR version 4 constants were inputs too.
    inputs: graph
      .messages(11)
      .map(valueOf)
      .filter(({ name }) => !constants.has(name)),
    outputs: graph.messages(12).map(valueOf),
    metadata,
  };
}

function nodeOf(message: Message): OnnxNode {
  const attributes = message
    .messages(5)
    .map((attribute): [string, OnnxAttribute] => [attribute.text(1), attributeOf(attribute)]);
  return {
    inputs: message.texts(1),
    outputs: message.texts(2),
    name: message.text(3),
    operator: message.text(4),
    domain: message.text(7),
    attributes: new Map(attributes),
  };
}

function attributeOf(message: Message): OnnxAttribute {
  const tensor = message.messages(5)[0];
  return {
    numbers: [...message.numbers(3), ...message.numbers(8)],
    text: message.text(4),
    floats: Buffer.concat([...message.chunks(2), ...message.chunks(7)]),
    tensor: tensor === undefined ? null : tensorOf(tensor),
  };
}

function tensorOf(message: Message): OnnxTensor {
  const EXTERNAL = 1;
  return {
    dims: message.numbers(1),
    dataType: message.numbers(2).at(-1) ?? 0,
    floats: Buffer.concat(message.chunks(4)),
    integers: message.numbers(7),
    name: message.text(8),
    raw: message.chunks(9).at(-1) ?? null,
    doubles: Buffer.concat(message.chunks(10)),
    isExternal: message.numbers(14).at(-1) === EXTERNAL || message.chunks(13).length > 0,
  };
}

function valueOf(message: Message): OnnxValue {
  const shape = message.messages(2)[0]?.messages(1)[0]?.messages(2)[0];
  const dims = shape?.messages(1).map((dim) => {
    const size = dim.numbers(1).at(-1);
    return size === undefined || size <= 0 ? null : size;
  });
  return { name: message.text(1), dims: dims ?? [] };
}

/** One message's fields by number. */
class Message {
  readonly #place: string;
  readonly #fields: readonly ProtobufField[];

  constructor(place: string, bytes: Uint8Array) {
    this.#place = place;
    this.#fields = protobufFields(place, bytes);
  }

  messages(field: number): Message[] {
    return this.#of(field, "bytes").map(({ bytes }) => new Message(this.#place, bytes));
  }

  texts(field: number): string[] {
    return this.#of(field, "bytes").map(({ bytes }) => Buffer.from(bytes).toString("utf8"));
  }

  /** The last one wins, as in Protocol Buffers; "" where there is none. */
  text(field: number): string {
    return this.texts(field).at(-1) ?? "";
  }

  /** Varints, one by one or packed. */
  numbers(field: number): number[] {
    return this.#fields
      .filter((found) => found.field === field)
      .flatMap(({ kind, value, bytes }) =>
        kind === "varint" ? [value] : kind === "bytes" ? packedNumbers(this.#place, bytes) : [],
      );
  }

  /** Bytes, of packed lists as of single numbers of fixed size. */
  chunks(field: number): Uint8Array[] {
    return this.#fields
      .filter((found) => found.field === field && found.kind !== "varint")
      .map(({ bytes }) => bytes);
  }

  #of(field: number, kind: ProtobufField["kind"]): ProtobufField[] {
    return this.#fields.filter((found) => found.field === field && found.kind === kind);
  }
}

const FLOAT = 1;
const INT64 = 7;
const DOUBLE = 11;
const TYPE_NAMES: Readonly<Record<number, string>> = {
  2: "uint8",
  3: "int8",
  6: "int32",
  7: "int64",
  10: "float16",
  16: "bfloat16",
};

/**
 * A tensor's numbers, rounded to float32. `MODEL_UNSUPPORTED` for other types than float32 and
 * float64 and for numbers in another file; `MODEL_DAMAGED` where there are more or fewer than its
 * sizes say, or one is not finite.
 */
export function tensorNumbers(place: string, tensor: OnnxTensor): Float32Array {
  const where = `${place}: tensor "${tensor.name}"`;
  const { dims, dataType, isExternal, raw, floats, doubles } = tensor;
  if (isExternal) {
    throw new OperationError(
      "MODEL_UNSUPPORTED",
      `${where}: expected its numbers in the file, was a reference to another file (external ` +
        `data); export with torch.onnx.export(..., external_data=False) or dynamo=False`,
    );
  }
  if (dataType !== FLOAT && dataType !== DOUBLE) {
    throw new OperationError(
      "MODEL_UNSUPPORTED",
      `${where}: expected float32 or float64, was ` +
        `${TYPE_NAMES[dataType] ?? `data type ${dataType}`}; export the model as float32`,
    );
  }
  const bytes = raw ?? (dataType === FLOAT ? floats : doubles);
  const numbers = dataType === FLOAT ? fromLittleEndian(bytes) : fromDoubles(bytes);
  const expected = dims.reduce((product, size) => product * size, 1);
  if (numbers === null || numbers.length !== expected || dims.some((size) => size < 0)) {
    throw new OperationError(
      "MODEL_DAMAGED",
      `${where}: expected ${expected} numbers for sizes [${dims.join(", ")}], was ` +
        `${numbers === null ? `${bytes.length} bytes` : numbers.length}; export the model again`,
    );
  }
  requireFinite(where, numbers);
  return numbers;
}

/** The numbers of an int64 tensor, as axes are given; null where it is of another type. */
export function tensorIntegers(place: string, tensor: OnnxTensor): number[] | null {
  const { dataType, raw, integers } = tensor;
  if (dataType !== INT64) return null;
  if (raw === null) return [...integers];
  if (raw.length % 8 !== 0) {
    throw new OperationError(
      "MODEL_DAMAGED",
      `${place}: tensor "${tensor.name}": expected int64 numbers, was ${raw.length} bytes; ` +
        `export the model again`,
    );
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  return Array.from({ length: raw.length / 8 }, (_, index) =>
    Number(view.getBigInt64(index * 8, true)),
  );
}

/** `MODEL_DAMAGED` where a weight is none; `where` names it. */
export function requireFinite(where: string, numbers: Float32Array): void {
  const odd = numbers.findIndex((number) => !Number.isFinite(number));
  if (odd < 0) return;
  throw new OperationError(
    "MODEL_DAMAGED",
    `${where}: expected finite numbers, was ${String(numbers[odd])} at ${odd}; ` +
      `its training diverged: take an earlier model`,
  );
}

function fromDoubles(bytes: Uint8Array): Float32Array | null {
  if (bytes.length % 8 !== 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float32Array.from({ length: bytes.length / 8 }, (_, index) =>
    view.getFloat64(index * 8, true),
  );
}
