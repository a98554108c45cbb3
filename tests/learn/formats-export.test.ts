/** What we write, judged by the runtimes that others read it with. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs";
import * as ort from "onnxruntime-web";
import { Prng } from "../../src/core/index.ts";
import { ActorCritic } from "../../src/learn/actor-critic.ts";
import { FLOAT32 } from "../../src/learn/arithmetic.ts";
import { saveModel } from "../../src/learn/model-folder.ts";
import type { NetworkShape } from "../../src/learn/network-shape.ts";
import { randomParams, randomRows, SEED, SHAPES } from "./formats-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "formats-export-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  ort.env.wasm.numThreads = 1;

  tf.env().set("PROD", true); // It would advertise its native package.
  await tf.setBackend("cpu");
});

const ROWS = 9;

/** Saves a random network; its own answers to random rows are what others' are compared with. */
function saved(name: string, shape: NetworkShape, change: object = {}) {
  const prng = Prng.fromSeed(`${SEED} ${name}`);
  const params = randomParams(shape, prng);
  const rows = randomRows(ROWS, shape.observations, prng);
  const path = join(folder, name);
  const manifest = saveModel(path, shape, params, {
    schemaHash: "a".repeat(64),
    seed: 1,
    configuration: {},
    sessions: {},
    steps: 10,
    software: "kalshi-gym test",
    result: null,
    ...change,
  });
  const network = new ActorCritic(shape, FLOAT32);
  network.params.set(params);
  const batch = Float32Array.from(rows.flatMap((row) => [...row]));
  const { logits, values } = network.forward(batch, ROWS);
  return {
    path,
    manifest,
    batch,
    logits: Array.from(logits.subarray(0, ROWS * shape.actions)),
    values: Array.from(values.subarray(0, ROWS)),
  };
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(actual.length, what).toBe(expected.length);
  for (const [index, value] of expected.entries()) {
    const distance = Math.abs((actual[index] as number) - value);
    expect(distance, `${what} ${index}, seed ${SEED}`).toBeLessThanOrEqual(1e-5);
  }
}

describe.each(SHAPES)("a network of %s", (name, shape) => {
  test("gives the same logits in TensorFlow.js", async () => {
    const { path, batch, logits } = saved(`${name} tfjs`, shape);
    const json = JSON.parse(readFileSync(join(path, "model.json"), "utf8")) as tf.io.ModelJSON;
    const model = await tf.loadLayersModel({
      load: () =>
        tf.io.getModelArtifactsForJSON(json, (manifest) => {
          const [group] = manifest;
          const bytes = readFileSync(join(path, group?.paths[0] ?? ""));
          const data = Uint8Array.from(bytes).buffer;
          return Promise.resolve([group?.weights ?? [], data]);
        }),
    });
    const output = model.predict(tf.tensor2d(batch, [ROWS, shape.observations])) as tf.Tensor;
    expect(output.shape).toEqual([ROWS, shape.actions]);
    expectClose(output.dataSync(), logits, "logit");
    model.dispose();
  });

  test("gives the same logits and values in an ONNX runtime", async () => {
    const { path, batch, logits, values } = saved(`${name} onnx`, shape);
    const session = await ort.InferenceSession.create(readFileSync(join(path, "policy.onnx")));
    expect([session.inputNames, session.outputNames]).toEqual([
      ["observation"],
      ["logits", "value"],
    ]);
    const observation = new ort.Tensor("float32", batch, [ROWS, shape.observations]);
    const output = await session.run({ observation });
    expect(output["logits"]?.dims).toEqual([ROWS, shape.actions]);
    expect(output["value"]?.dims).toEqual([ROWS, 1]);
    expectClose(output["logits"]?.data as Float32Array, logits, "logit");
    expectClose(output["value"]?.data as Float32Array, values, "value");
    await session.release();
  });
});

describe("a model folder", () => {
  const [, shape] = SHAPES[2] as (typeof SHAPES)[number];
  const prng = Prng.fromSeed(SEED);
  const normaliser = {
    count: 100,
    mean: Array.from({ length: shape.observations }, () => prng.normal()),
    variance: Array.from({ length: shape.observations }, () => prng.float()),
  };
  const files = ["manifest.json", "policy.bin", "model.json", "weights.bin", "policy.onnx"];

  test("has the same bytes whenever the same model is written", () => {
    const [first, second] = ["one", "two"].map((name) => {
      const { path } = saved("same", shape, { normaliser });
      return [name, ...files.map((file) => readFileSync(join(path, file)).toString("base64"))];
    });
    expect(first?.slice(1)).toEqual(second?.slice(1));
  });

  test("holds normaliser statistics while its model needs them, and no longer", () => {
    const { path } = saved("normalised", shape, { normaliser });
    const sidecar = join(path, "normaliser.json");
    expect(JSON.parse(readFileSync(sidecar, "utf8"))).toEqual({
      clip: 10,
      epsilon: 1e-8,
      mean: normaliser.mean,
      variance: normaliser.variance,
    });
    saved("normalised", shape);
    expect(existsSync(sidecar)).toBe(false);
  });
});
