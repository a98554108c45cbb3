/**
 * ONNX files made without our own writer: by protobufjs, from the messages of onnx.proto. Names and
 * numbers are copied from the standard (ONNX 1.16), as far as tests need them.
 */
import protobuf from "protobufjs";

const { root } = protobuf.parse(
  `
  syntax = "proto3";
  package onnx;
  message AttributeProto {
    string name = 1; float f = 2; int64 i = 3; bytes s = 4; TensorProto t = 5;
    repeated float floats = 7; repeated int64 ints = 8; int32 type = 20;
  }
  message NodeProto {
    repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
    repeated AttributeProto attribute = 5; string doc_string = 6; string domain = 7;
  }
  message StringStringEntryProto { string key = 1; string value = 2; }
  message TensorProto {
    repeated int64 dims = 1; int32 data_type = 2; repeated float float_data = 4;
    repeated int64 int64_data = 7; string name = 8; bytes raw_data = 9;
    repeated double double_data = 10; repeated StringStringEntryProto external_data = 13;
    int32 data_location = 14;
  }
  message Dimension { int64 dim_value = 1; string dim_param = 2; }
  message TensorShapeProto { repeated Dimension dim = 1; }
  message TensorTypeProto { int32 elem_type = 1; TensorShapeProto shape = 2; }
  message TypeProto { TensorTypeProto tensor_type = 1; }
  message ValueInfoProto { string name = 1; TypeProto type = 2; string doc_string = 3; }
  message GraphProto {
    repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
    string doc_string = 10; repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12; repeated ValueInfoProto value_info = 13;
  }
  message OperatorSetIdProto { string domain = 1; int64 version = 2; }
  message ModelProto {
    int64 ir_version = 1; string producer_name = 2; string producer_version = 3;
    GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8;
    repeated StringStringEntryProto metadata_props = 14;
  }
`,
  { keepCase: true },
);
const ModelProto = root.lookupType("onnx.ModelProto");

export const FLOAT = 1;
export const INT64 = 7;
export const DOUBLE = 11;

export interface Attribute {
  name: string;
  f?: number;
  i?: number;
  t?: Tensor;
  floats?: number[];
  ints?: number[];
  type: number;
}
export interface Tensor {
  name?: string;
  dims: number[];
  data_type: number;
  float_data?: number[];
  double_data?: number[];
  int64_data?: number[];
  raw_data?: Uint8Array;
  data_location?: number;
}
export interface Node {
  op_type: string;
  input: string[];
  output: string[];
  name?: string;
  domain?: string;
  attribute?: Attribute[];
}
export interface Value {
  name: string;
  type: object;
}
export interface Graph {
  node: Node[];
  initializer: Tensor[];
  input: Value[];
  output: Value[];
}

/** The file. */
export function encodeOnnx(
  graph: Graph,
  opset = 17,
  metadata: Record<string, string> = {},
): Buffer {
  const model = {
    ir_version: 8,
    producer_name: "pytorch",
    producer_version: "2.3.0",
    graph: { name: "main_graph", ...graph },
    opset_import: [{ domain: "", version: opset }],
    metadata_props: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  };
  return Buffer.from(ModelProto.encode(ModelProto.create(model)).finish());
}

export function node(
  op_type: string,
  input: string[],
  output: string[],
  attributes: Record<string, number | number[] | Tensor> = {},
): Node {
  const attribute = Object.entries(attributes).map(([name, value]): Attribute => {
    if (Array.isArray(value)) return { name, ints: value, type: 7 };
    if (typeof value === "object") return { name, t: value, type: 4 };
    return name === "alpha" || name === "beta"
      ? { name, f: value, type: 1 }
      : { name, i: value, type: 2 };
  });
  return { op_type, input, output, name: `/policy/${output[0] ?? ""}`, attribute };
}

export function value(name: string, dims: (number | string)[], elem_type = FLOAT): Value {
  const dim = dims.map((size) =>
    typeof size === "number" ? { dim_value: size } : { dim_param: size },
  );
  return { name, type: { tensor_type: { elem_type, shape: { dim } } } };
}

/** Float32 numbers as PyTorch writes them, in one piece. */
export function raw(name: string, dims: number[], numbers: Float32Array): Tensor {
  return { name, dims, data_type: FLOAT, raw_data: new Uint8Array(numbers.slice().buffer) };
}
