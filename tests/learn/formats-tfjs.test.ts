/** TensorFlow.js models from elsewhere, made and judged by TensorFlow.js itself. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs";
import { Prng } from "../../src/core/index.ts";
import { openForeignModel } from "../../src/learn/formats/foreign-model.ts";
import { randomRows, SEED } from "./formats-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "formats-tfjs-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  tf.env().set("PROD", true); // It would advertise its native package.
  await tf.setBackend("cpu");
});

const OBSERVATIONS = 52;
const ACTIONS = 5;
const OPTIONS = { schemaHash: "s", observations: OBSERVATIONS, actions: ACTIONS };
const FREE = Uint8Array.of(1, 1, 1, 1, 1);
const prng = Prng.fromSeed(`${SEED} tfjs`);

/** Gives a model weights from our own generator, and saves it as model.save() does. */
async function save(name: string, model: tf.LayersModel): Promise<string> {
  model.setWeights(
    model.getWeights().map(({ shape, size }) => {
      const values = Float32Array.from({ length: size }, () => 0.4 * prng.normal());
      return tf.tensor(values, shape);
    }),
  );
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      const { modelTopology, weightSpecs: weights, weightData } = artifacts;
      // Weights come in two files, as a converter splits them.
      const bytes = Buffer.from(weightData as ArrayBuffer);
      const half = Math.floor(bytes.length / 2);
      writeFileSync(join(path, "group1-shard1of2.bin"), bytes.subarray(0, half));
      writeFileSync(join(path, "group1-shard2of2.bin"), bytes.subarray(half));
      const paths = ["group1-shard1of2.bin", "group1-shard2of2.bin"];
      const json = { format: "layers-model", modelTopology, weightsManifest: [{ paths, weights }] };
      writeFileSync(join(path, "model.json"), JSON.stringify(json));
      return Promise.resolve({
        modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" as const },
      });
    }),
  );
  return join(path, "model.json");
}

function answers(model: tf.LayersModel, row: Float32Array, shape: number[], output = 0): number[] {
  const outputs = [model.predict(tf.tensor(row, [1, ...shape]))].flat();
  return Array.from((outputs[output] as tf.Tensor).dataSync());
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  for (const [index, value] of expected.entries()) {
    expect(Math.abs((actual[index] as number) - value), `seed ${SEED}`).toBeLessThan(1e-5);
  }
  expect(actual.length).toBe(expected.length);
}

const { dense } = tf.layers;

describe("an MLP runs on our kernels, with the logits of TensorFlow.js", () => {
  const MODELS: Record<string, () => tf.LayersModel> = {
    "sequential, activations inside and outside of Dense": () =>
      tf.sequential({
        name: "policy",
        layers: [
          dense({ units: 17, activation: "tanh", inputShape: [OBSERVATIONS] }),
          tf.layers.dropout({ rate: 0.5 }),
          dense({ units: 9, useBias: false }),
          tf.layers.reLU(),
          dense({ units: 4 }),
          tf.layers.activation({ activation: "tanh" }),
          dense({ units: ACTIONS }),
        ],
      }),
    "sequential from an input of another shape": () =>
      tf.sequential({
        layers: [
          tf.layers.flatten({ inputShape: [4, 13] }),
          dense({ units: 6, activation: "relu" }),
          dense({ units: ACTIONS, activation: "linear" }),
        ],
      }),
    "functional, policy and value on a trunk": () => {
      const input = tf.input({ shape: [OBSERVATIONS] });
      const trunk = dense({ units: 12, activation: "tanh", name: "trunk" }).apply(input);
      const head = (units: number, name: string) =>
        dense({ units, name }).apply(trunk) as tf.SymbolicTensor;
      return tf.model({ inputs: input, outputs: [head(1, "value"), head(ACTIONS, "actor")] });
    },
  };
  test.each(Object.entries(MODELS))("%s", async (name, make) => {
    const model = make();
    const path = await save(name, model);
    const importPackage = () => Promise.reject(new Error("nothing is to be loaded"));
    const { policy, description } = await openForeignModel(path, { ...OPTIONS, importPackage });
    expect(description).toMatch(/^TensorFlow\.js model, layers 52-.*-5$/);
    const shape = (model.inputs[0] as tf.SymbolicTensor).shape.slice(1) as number[];
    const output = model.outputs.findIndex((one) => one.shape.at(-1) === ACTIONS);
    for (const row of randomRows(5, OBSERVATIONS, prng)) {
      expectClose(policy.logits(row), answers(model, row, shape, output));
    }
    // The same in the form that Python's converter writes.
    const json = JSON.parse(readFileSync(path, "utf8")) as { modelTopology: object };
    json.modelTopology = { keras_version: "2.9.0", model_config: json.modelTopology };
    writeFileSync(path, JSON.stringify(json));
    const again = await openForeignModel(path, OPTIONS);
    const [row] = randomRows(1, OBSERVATIONS, prng) as [Float32Array];
    expect(again.policy.logits(row)).toEqual(policy.logits(row));
  });

  test("a softmax at the end gives the odds", async () => {
    const model = tf.sequential({
      layers: [dense({ units: ACTIONS, activation: "softmax", inputShape: [OBSERVATIONS] })],
    });
    const { policy } = await openForeignModel(await save("softmax", model), OPTIONS);
    for (const row of randomRows(5, OBSERVATIONS, prng)) {
      expectClose(policy.probabilities(row, FREE), answers(model, row, [OBSERVATIONS]));
    }
  });
});

describe("a model that is more than an MLP", () => {
  const convolution = (activation: "linear" | "softmax") =>
    tf.sequential({
      layers: [
        tf.layers.reshape({ targetShape: [13, 4], inputShape: [OBSERVATIONS] }),
        tf.layers.conv1d({ filters: 3, kernelSize: 2, activation: "elu" }),
        tf.layers.flatten(),
        dense({ units: ACTIONS, activation }),
      ],
    });

  test.each(["linear", "softmax"] as const)("runs on TensorFlow.js, ending in %s", async (end) => {
    const model = convolution(end);
    const opened = await openForeignModel(await save(`convolution-${end}`, model), OPTIONS);
    expect(opened.description).toBe("TensorFlow.js model with Reshape to more than a row, Conv1D");
    for (const row of randomRows(5, OBSERVATIONS, prng)) {
      const expected = answers(model, row, [OBSERVATIONS]);
      if (end === "linear") expectClose(opened.policy.logits(row), expected);
      else expectClose(opened.policy.probabilities(row, FREE), expected);
      expect(opened.policy.best(row, FREE)).toBe(expected.indexOf(Math.max(...expected)));
    }
  });

  test.each<[string, number[], string, () => tf.SymbolicTensor[]]>([
    [
      "a layer that is applied twice",
      [OBSERVATIONS],
      "Dense that is applied 2 times",
      () => {
        const input = tf.input({ shape: [OBSERVATIONS] });
        const shared = dense({ units: OBSERVATIONS, activation: "tanh" });
        const twice = shared.apply(shared.apply(input));
        return [input, dense({ units: ACTIONS }).apply(twice) as tf.SymbolicTensor];
      },
    ],
    [
      "layers of a grid",
      [4, 13],
      "an input of more than a row",
      () => {
        const input = tf.input({ shape: [4, 13] });
        const flat = tf.layers.flatten().apply(dense({ units: 2 }).apply(input));
        return [input, dense({ units: ACTIONS }).apply(flat) as tf.SymbolicTensor];
      },
    ],
    [
      "a row made a grid",
      [OBSERVATIONS],
      "Reshape to more than a row",
      () => {
        const input = tf.input({ shape: [OBSERVATIONS] });
        const grid = tf.layers.reshape({ targetShape: [26, 2] }).apply(input);
        const flat = tf.layers.flatten().apply(dense({ units: 3 }).apply(grid));
        return [input, dense({ units: ACTIONS }).apply(flat) as tf.SymbolicTensor];
      },
    ],
  ])("%s is not taken for an MLP", async (name, shape, found, make) => {
    const [inputs, outputs] = make() as [tf.SymbolicTensor, tf.SymbolicTensor];
    const model = tf.model({ inputs, outputs });
    const { policy, description } = await openForeignModel(await save(name, model), OPTIONS);
    expect(description).toBe(`TensorFlow.js model with ${found}`);
    const [row] = randomRows(1, OBSERVATIONS, prng) as [Float32Array];
    expectClose(policy.logits(row), answers(model, row, shape));
  });

  test("says what it contains and what to install where there is no TensorFlow.js", async () => {
    const input = tf.input({ shape: [OBSERVATIONS] });
    const sigmoid = dense({ units: ACTIONS, activation: "sigmoid" }).apply(input);
    const other = dense({ units: ACTIONS }).apply(input);
    const sum = tf.layers.add().apply([sigmoid, other] as tf.SymbolicTensor[]);
    const model = tf.model({ inputs: input, outputs: sum as tf.SymbolicTensor });
    const path = await save("without", model);
    const importPackage = (name: string) =>
      Promise.reject(new Error(`Cannot find package ${name}`));
    await expect(openForeignModel(path, { ...OPTIONS, importPackage })).rejects.toThrow(
      /was one with Dense with sigmoid, Add of 2 inputs; "npm install @tensorflow\/tfjs-node"/,
    );
    const { policy } = await openForeignModel(path, OPTIONS);
    const [row] = randomRows(1, OBSERVATIONS, prng) as [Float32Array];
    expectClose(policy.logits(row), answers(model, row, [OBSERVATIONS]));
  });

  test("is refused where TensorFlow.js does not know its layers", async () => {
    const path = await save("unknown", convolution("linear"));
    writeFileSync(path, readFileSync(path, "utf8").replaceAll('"Conv1D"', '"Mystery"'));
    await expect(openForeignModel(path, OPTIONS)).rejects.toThrow(
      /expected a model that TensorFlow.js can load, was: Unknown layer: Mystery/,
    );
  });
});

describe("a damaged model is refused, with where and what to do", () => {
  interface ModelJson {
    format: string;
    modelTopology: { class_name: string; config: { layers: { config: { units: number } }[] } };
    weightsManifest: { paths: string[]; weights: { name: string; dtype: string }[] }[];
  }
  test.each<[string, (json: ModelJson, path: string) => void, RegExp]>([
    [
      "graph",
      (json) => (json.format = "graph-model"),
      /expected a TensorFlow.js layers model, was a/,
    ],
    [
      "keras3",
      (json) => (json.modelTopology.class_name = "Subclassed"),
      /expected a Sequential or Functional model, was "Subclassed"/,
    ],
    [
      "units",
      (json) =>
        ((json.modelTopology.config.layers[0] as { config: { units: number } }).config.units = 9),
      /expected a kernel of \[inputs, 9\], was sizes \[52, 8\]/,
    ],
    [
      "renamed",
      (json) => (weightOf(json, 0).name = "other/kernel"),
      /weight ".*\/kernel": expected one in weightsManifest, was none/,
    ],
    ["integer", (json) => (weightOf(json, 0).dtype = "int32"), /expected float32, was int32; conv/],
    [
      "quantised",
      (json) => Object.assign(weightOf(json, 0), { quantization: { dtype: "uint8" } }),
      /expected plain float32, was quantised; convert the model without/,
    ],
    [
      "outside",
      (json) => json.weightsManifest[0]?.paths.splice(0, 1, "../../secret.bin"),
      /expected weights in files beside it, was "..\/..\/secret.bin"/,
    ],
    [
      "shard",
      (json) => json.weightsManifest[0]?.paths.splice(0, 1, "lost.bin"),
      /lost.bin: expected a file of a TensorFlow.js model, was: ENOENT.*copy model.json and its we/,
    ],
    [
      "cut",
      (_json, path) => writeFileSync(join(path, "group1-shard2of2.bin"), Buffer.alloc(8)),
      /expected bytes \d+ to \d+ of its weights for ".*" \[.*\], was \d+ bytes in all/,
    ],
    [
      "long",
      (_json, path) => writeFileSync(join(path, "group1-shard2of2.bin"), Buffer.alloc(9000)),
      /expected \d+ bytes of weights, was \d+/,
    ],
    [
      "nan",
      (_json, path) => writeFileSync(join(path, "group1-shard1of2.bin"), Buffer.alloc(938, 255)),
      /weight ".*\/kernel": expected finite numbers, was NaN at 0/,
    ],
  ])("%s", async (name, spoil, message) => {
    const model = tf.sequential({
      layers: [
        dense({ units: 8, activation: "tanh", inputShape: [OBSERVATIONS] }),
        dense({ units: ACTIONS }),
      ],
    });
    const path = await save(name, model);
    const json = JSON.parse(readFileSync(path, "utf8")) as ModelJson;
    spoil(json, join(path, ".."));
    writeFileSync(path, JSON.stringify(json));
    await expect(openForeignModel(path, OPTIONS)).rejects.toThrow(message);
  });

  function weightOf(json: ModelJson, index: number) {
    return json.weightsManifest[0]?.weights[index] as { name: string; dtype: string };
  }
});
