/**
 * A TensorFlow.js layers model on disk, as data: the layers that model.json names, with their
 * weights. Structure only; what a policy can be made of is judged in tfjs-read.ts. Keras's form of
 * version 2, as TensorFlow.js and its converter write it.
 */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { bytesOf, messageOf, OperationError } from "../../core/index.ts";
import { fromLittleEndian } from "../little-endian.ts";

export interface TfjsLayer {
  readonly kind: string;
  readonly name: string;
  readonly config: Json;
  /** Names of the layers whose outputs it takes. */
  readonly inputs: readonly string[];
  /** How often it is applied; a layer that is shared, more than once. */
  readonly calls: number;
}

export interface TfjsModel {
  /** model.json as it stands, and the bytes of all weights in its order. */
  readonly json: Json;
  readonly weightBytes: Uint8Array<ArrayBuffer>;
  /** In the order of the file. */
  readonly layers: readonly TfjsLayer[];
  /** Names of layers that give the outputs. */
  readonly outputs: readonly string[];
  readonly metadata: ReadonlyMap<string, unknown>;
}

/** A JSON object, looked into member by member. */
export type Json = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** Reads model.json and its weights. `MODEL_MISSING`, `MODEL_DAMAGED`, `MODEL_UNSUPPORTED`. */
export function readTfjsFile(path: string): TfjsModel {
  let json: Json;
  try {
    json = asObject(JSON.parse(readBytes(path).toString("utf8")));
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw damaged(path, "JSON", messageOf(error), error);
  }
  if (json["format"] === "graph-model" || json["modelTopology"] === undefined) {
    throw new OperationError(
      "MODEL_UNSUPPORTED",
      `${path}: expected a TensorFlow.js layers model, was ` +
        `${json["format"] === "graph-model" ? "a graph model" : "JSON without modelTopology"}; ` +
        `save it with model.save(), or convert it with --output_format=tfjs_layers_model`,
    );
  }
  const topology = asObject(json["modelTopology"]);
  const model = asObject(topology["model_config"] ?? topology);
  return {
    json,
    ...layersIn(path, model),
    weightBytes: weightBytesOf(path, json),
    metadata: new Map(Object.entries(asObject(json["userDefinedMetadata"]))),
  };
}

function layersIn(path: string, model: Json): Pick<TfjsModel, "layers" | "outputs"> {
  const kind = model["class_name"];
  const isSequential = kind === "Sequential";
  if (!isSequential && kind !== "Functional" && kind !== "Model") {
    throw damaged(path, "a Sequential or Functional model", JSON.stringify(kind) ?? "neither");
  }
  // Sequential models of Keras 2.1 and before are a bare list.
  const config = model["config"];
  const listed = asList(
    isSequential && Array.isArray(config) ? config : asObject(config)["layers"],
  );
  const layers: TfjsLayer[] = [];
  for (const entry of listed) {
    const layer = asObject(entry);
    const own = asObject(layer["config"]);
    const name = layer["name"] ?? own["name"];
    const layerKind = layer["class_name"];
    if (typeof name !== "string" || typeof layerKind !== "string") {
      throw damaged(path, `layer ${layers.length + 1} to have a name and class_name`, "without");
    }
    const before = layers.at(-1)?.name;
    const nodes = asList(layer["inbound_nodes"]);
    const inputs = isSequential ? (before === undefined ? [] : [before]) : namesIn(nodes[0]);
    if (!isSequential && inputs.length === 0 && layerKind !== "InputLayer") {
      throw damaged(
        path,
        `inbound_nodes of layer "${name}" to name its inputs, as Keras 2 writes them`,
        "none (Keras 3 writes others: save the model with tf_keras)",
      );
    }
    const calls = isSequential ? 1 : nodes.length;
    layers.push({ kind: layerKind, name, config: own, inputs, calls });
  }
  const last = layers.at(-1);
  if (last === undefined) throw damaged(path, "layers", "none");
  const outputs = isSequential ? [last.name] : namesIn(asObject(config)["output_layers"]);
  return { layers, outputs };
}

/** Names of layers in [["a", 0, 0], ...], or in ["a", 0, 0] where there is one alone. */
function namesIn(list: unknown): string[] {
  const entries = asList(list);
  const each = typeof entries[0] === "string" ? [entries] : entries;
  return each.map((entry) => asList(entry)[0]).filter((name) => typeof name === "string");
}

interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** The entries of weightsManifest, in the order of their bytes. */
function weightSpecs(path: string, json: Json): WeightSpec[] {
  const specs = asList(json["weightsManifest"]).flatMap((group) =>
    asList(asObject(group)["weights"]).map(asObject),
  );
  return specs.map(({ name, shape, dtype, quantization }, index) => {
    const sizes = asList(shape);
    const isWhole = sizes.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
    if (typeof name !== "string" || !Array.isArray(shape) || !isWhole) {
      throw damaged(path, `weight ${index + 1} to have a name and a shape`, "without");
    }
    if (quantization !== undefined) {
      throw new OperationError(
        "MODEL_UNSUPPORTED",
        `${path}: weight "${name}": expected plain float32, was quantised; ` +
          `convert the model without quantisation`,
      );
    }
    return { name, shape: sizes as number[], dtype: String(dtype) };
  });
}

/** Weights by name. `MODEL_DAMAGED` where the bytes are too few or too many for the manifest. */
export function weightsOf(
  path: string,
  { json, weightBytes }: TfjsModel,
): Map<string, { shape: readonly number[]; numbers: Float32Array }> {
  const weights = new Map<string, { shape: readonly number[]; numbers: Float32Array }>();
  let at = 0;
  for (const { name, shape, dtype } of weightSpecs(path, json)) {
    if (dtype !== "float32") {
      throw new OperationError(
        "MODEL_UNSUPPORTED",
        `${path}: weight "${name}": expected float32, was ${dtype}; convert the model as float32`,
      );
    }
    const end = at + 4 * shape.reduce((product, size) => product * size, 1);
    const numbers =
      end <= weightBytes.length ? fromLittleEndian(weightBytes.subarray(at, end)) : null;
    if (numbers === null) {
      throw damaged(
        path,
        `bytes ${at} to ${end} of its weights for "${name}" [${shape.join(", ")}]`,
        `${weightBytes.length} bytes in all`,
      );
    }
    weights.set(name, { shape, numbers });
    at = end;
  }
  if (at !== weightBytes.length) {
    throw damaged(path, `${at} bytes of weights`, `${weightBytes.length}`);
  }
  return weights;
}

function weightBytesOf(path: string, json: Json): Uint8Array<ArrayBuffer> {
  const files = asList(json["weightsManifest"]).flatMap((group) =>
    asList(asObject(group)["paths"]),
  );
  const parts = files.map((file) => {
    const within = typeof file === "string" ? normalize(file) : "..";
    if (isAbsolute(within) || within.startsWith("..")) {
      throw damaged(path, "weights in files beside it", JSON.stringify(file) ?? "none");
    }
    return readBytes(join(dirname(path), within));
  });
  return Uint8Array.from(bytesOf(Buffer.concat(parts)));
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new OperationError(
      "MODEL_MISSING",
      `${path}: expected a file of a TensorFlow.js model, was: ${messageOf(error)}; ` +
        `copy model.json and its weights together`,
      { cause: error },
    );
  }
}

function damaged(path: string, expected: string, was: string, cause?: unknown): OperationError {
  return new OperationError(
    "MODEL_DAMAGED",
    `${path}: expected ${expected}, was ${was}; copy or export the model again`,
    { cause },
  );
}
