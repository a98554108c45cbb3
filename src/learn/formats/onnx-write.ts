/**
 * An actor-critic as an ONNX model: a Gemm per layer with Tanh or Relu between them, "observation"
 * in, "logits" and "value" out, any number of rows. Field numbers are those of onnx.proto (ONNX
 * 1.8, IR version 7); operators those of opset 13. Equal models give equal bytes.
 */
import { type DenseLayer, denseLayersOf } from "../dense-network.ts";
import { littleEndian } from "../little-endian.ts";
import type { NetworkShape } from "../network-shape.ts";
import { type ModelNotes, notesAsText } from "./model-notes.ts";
import { ProtobufWriter } from "./protobuf.ts";

const IR_VERSION = 7;
const OPSET = 13;
const FLOAT = 1;
const INT_ATTRIBUTE = 2;
const OPERATORS = { tanh: "Tanh", relu: "Relu" } as const;

/** The bytes of the model. `MODEL_SHAPE` where `params` do not fit `shape`. */
export function onnxOf(
  shape: NetworkShape,
  params: Float32Array,
  notes: ModelNotes,
  software: string,
): Uint8Array {
  const { trunk, policy, value } = denseLayersOf(shape, params);
  const graph = new ProtobufWriter();
  const initializers: ProtobufWriter[] = [];
  const chain = (
    name: string,
    layers: readonly DenseLayer[],
    input: string,
    output: string | null,
  ): string => {
    let from = input;
    for (const [index, layer] of layers.entries()) {
      const { inputs, outputs, weights, biases, activation } = layer;
      const place = `${name}_${index}`;
      const isLast = output !== null && index === layers.length - 1;
      initializers.push(tensor(`${place}_weight`, [outputs, inputs], weights));
      initializers.push(tensor(`${place}_bias`, [outputs], biases));
      const sum = isLast ? output : `${place}_sum`;
      const transB = new ProtobufWriter().text(1, "transB").number(3, 1).number(20, INT_ATTRIBUTE);
      graph.message(
        1,
        node("Gemm", place, [from, `${place}_weight`, `${place}_bias`], sum).message(5, transB),
      );
      from = sum;
      if (activation === "linear") continue;
      from = `${place}_${activation}`;
      graph.message(1, node(OPERATORS[activation], from, [sum], from));
    }
    return from;
  };
  const features = chain("trunk", trunk, "observation", null);
  chain("policy", policy, features, "logits");
  chain("value", value, features, "value");
  graph.text(2, "policy");
  for (const initializer of initializers) graph.message(5, initializer);
  graph.message(11, valueInfo("observation", shape.observations));
  graph.message(12, valueInfo("logits", shape.actions));
  graph.message(12, valueInfo("value", 1));

  const model = new ProtobufWriter()
    .number(1, IR_VERSION)
    .text(2, "kalshi-gym")
    .text(3, software)
    .message(7, graph)
    .message(8, new ProtobufWriter().text(1, "").number(2, OPSET));
  for (const [key, text] of Object.entries(notesAsText(notes))) {
    model.message(14, new ProtobufWriter().text(1, key).text(2, text));
  }
  return model.finish();
}

function node(
  operator: string,
  name: string,
  inputs: readonly string[],
  output: string,
): ProtobufWriter {
  const written = new ProtobufWriter();
  for (const input of inputs) written.text(1, input);
  return written.text(2, output).text(3, name).text(4, operator);
}

function tensor(name: string, dims: readonly number[], values: Float32Array): ProtobufWriter {
  const written = new ProtobufWriter();
  for (const size of dims) written.number(1, size);
  return written.number(2, FLOAT).text(8, name).bytes(9, littleEndian(values));
}

/** Rows of `width` float32 numbers, of a number that is left open. */
function valueInfo(name: string, width: number): ProtobufWriter {
  const rows = new ProtobufWriter().text(2, "batch");
  const columns = new ProtobufWriter().number(1, width);
  const dims = new ProtobufWriter().message(1, rows).message(1, columns);
  const tensorType = new ProtobufWriter().number(1, FLOAT).message(2, dims);
  return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, tensorType));
}
