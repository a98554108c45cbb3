/**
 * Models that are more than an MLP, run by TensorFlow.js where its user has installed it: the native
 * @tensorflow/tfjs-node, or else @tensorflow/tfjs. Nothing here is loaded for any other model. Their
 * arithmetic is the runtime's, so actions may differ between machines where odds are close.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, OperationError } from "../../core/index.ts";
import { FLOAT32, type FloatArray } from "../arithmetic.ts";
import type { LogitNetwork } from "../dense-network.ts";
import { asList, asObject, type TfjsModel } from "./tfjs-file.ts";
import { beyondMlp, endsInSoftmax } from "./tfjs-read.ts";

/** As much of TensorFlow.js as is used here. */
interface Tensorflow {
  ready?(): Promise<void>;
  loadLayersModel(handler: { load: () => Promise<object> }): Promise<LayersModel>;
  tensor(values: Float32Array, shape: readonly number[]): Tensor;
  tidy<Result>(work: () => Result): Result;
}
interface Tensor {
  readonly shape: readonly number[];
  dataSync(): ArrayLike<number>;
}
interface LayersModel {
  readonly inputs: readonly { readonly shape: readonly (number | null)[] }[];
  readonly outputs: readonly { readonly shape: readonly (number | null)[] }[];
  predict(input: Tensor): Tensor | readonly Tensor[];
}

/** Imports a package by name; tests give another, for what happens where there is none. */
export type PackageImporter = (name: string) => Promise<unknown>;

const PACKAGES = ["@tensorflow/tfjs-node", "@tensorflow/tfjs"];

/**
 * The model as a network. `MODEL_RUNTIME` where no TensorFlow.js is installed, with what the model
 * contains and what to install; `MODEL_UNSUPPORTED` where it cannot run the model.
 */
export async function tfjsNetwork(
  path: string,
  model: TfjsModel,
  actions: number,
  importPackage: PackageImporter = importInstalled,
): Promise<LogitNetwork> {
  const tensorflow = await importTensorflow(path, model, importPackage);
  let layers: LayersModel;
  try {
    await tensorflow.ready?.();
    layers = await tensorflow.loadLayersModel({ load: () => Promise.resolve(artifactsOf(model)) });
  } catch (error) {
    throw unsupported(path, "a model that TensorFlow.js can load", messageOf(error), error);
  }
  const [input, ...others] = layers.inputs;
  if (input === undefined || others.length > 0) {
    throw unsupported(path, "one input", `${layers.inputs.length}`);
  }
  const widths = layers.outputs.map(({ shape }) => shape.at(-1) ?? 0);
  const output = Math.max(0, widths.indexOf(actions));
  const isProbable = endsInSoftmax(model, model.outputs[output] ?? "");
  const shape = input.shape.slice(1).map((size) => size ?? 1);
  const width = widths[output] ?? 0;
  const logits = FLOAT32.allocate(width);
  return {
    observations: shape.reduce((product, size) => product * size, 1),
    actions: width,
    logits(observation: FloatArray): FloatArray {
      tensorflow.tidy(() => {
        const given = tensorflow.tensor(Float32Array.from(observation), [1, ...shape]);
        const outputs = [layers.predict(given)].flat();
        const values = outputs[output]?.dataSync() ?? [];
        for (let action = 0; action < width; action++) {
          const value = values[action] as number;
          logits[action] = isProbable ? FLOAT32.ln(Math.max(value, LEAST_PROBABILITY)) : value;
        }
      });
      return logits;
    },
  };
}

/** What underflowed to 0 is unlikely, and not impossible. */
const LEAST_PROBABILITY = 1e-37;

async function importTensorflow(
  path: string,
  model: TfjsModel,
  importPackage: PackageImporter,
): Promise<Tensorflow> {
  const failures: string[] = [];
  for (const name of PACKAGES) {
    try {
      const loaded = asObject(await importPackage(name));
      const found = "loadLayersModel" in loaded ? loaded : asObject(loaded["default"]);
      if (typeof found["loadLayersModel"] === "function") return found as unknown as Tensorflow;
      failures.push(`${name}: no loadLayersModel in it`);
    } catch (error) {
      failures.push((messageOf(error).split("\n")[0] ?? "").slice(0, 120));
    }
  }
  throw new OperationError(
    "MODEL_RUNTIME",
    `${path}: expected an MLP of Dense layers with tanh or relu, was one with ` +
      `${beyondMlp(model) ?? "other layers"}; "npm install @tensorflow/tfjs-node" (or ` +
      `@tensorflow/tfjs) lets it run (${failures.join("; ")})`,
  );
}

/** From beside this package, or from the folder that the command runs in. */
async function importInstalled(name: string): Promise<unknown> {
  try {
    return (await import(name)) as unknown;
  } catch (error) {
    let place: string;
    try {
      place = createRequire(join(process.cwd(), "package.json")).resolve(name);
    } catch {
      // There is none here either: what the first attempt said is the answer.
      throw error;
    }
    return (await import(pathToFileURL(place).href)) as unknown;
  }
}

function artifactsOf({ json, weightBytes }: TfjsModel): object {
  return {
    modelTopology: json["modelTopology"],
    format: "layers-model",
    weightSpecs: asList(json["weightsManifest"]).flatMap((group) =>
      asList(asObject(group)["weights"]),
    ),
    weightData: weightBytes.buffer,
  };
}

function unsupported(path: string, expected: string, was: string, cause?: unknown): OperationError {
  return new OperationError(
    "MODEL_UNSUPPORTED",
    `${path}: expected ${expected}, was: ${was}; docs/models.md tells what can be read`,
    { cause },
  );
}
