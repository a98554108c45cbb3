/** Our own exports read back, the normaliser beside them, and files with any damage. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { OperationError, Prng } from "../../src/core/index.ts";
import { openForeignModel } from "../../src/learn/formats/foreign-model.ts";
import { ObservationNormaliser } from "../../src/learn/observation-normaliser.ts";
import { loadModel, saveModel } from "../../src/learn/model-folder.ts";
import type { NetworkShape } from "../../src/learn/network-shape.ts";
import { Policy } from "../../src/learn/policy.ts";
import { randomParams, randomRows, SEED, SHAPES } from "./formats-fixture.ts";
import { encodeOnnx, node, raw, value } from "./onnx-protobuf.ts";

const folder = mkdtempSync(join(tmpdir(), "formats-sidecar-"));
afterAll(() => rmSync(folder, { recursive: true }));

const prng = Prng.fromSeed(`${SEED} sidecar`);
const SCHEMA = "5".repeat(64);
const free = (actions: number) => new Uint8Array(actions).fill(1);

function statistics(size: number) {
  const normaliser = new ObservationNormaliser(size);
  const rows = randomRows(50, size, prng).flatMap((row) => [...row].map((x) => 3 + 5 * x));
  normaliser.update(Float32Array.from(rows), 50);
  return normaliser.save();
}

function save(name: string, shape: NetworkShape, more: object = {}) {
  const path = join(folder, name);
  const facts = { schemaHash: SCHEMA, seed: 1, configuration: {}, sessions: {}, steps: 1 };
  saveModel(path, shape, randomParams(shape, prng), {
    ...facts,
    software: "kalshi-gym test",
    result: null,
    ...more,
  });
  return path;
}

describe.each(SHAPES)("exports of %s", (name, shape) => {
  test.each([false, true])(
    "are the policy itself, bit for bit (normalised: %s)",
    async (isNormalised) => {
      const { observations, actions } = shape;
      const normaliser = isNormalised ? statistics(observations) : null;
      const path = save(`${name} ${String(isNormalised)}`, shape, { normaliser });
      const { policy } = loadModel(path, SCHEMA);
      const hashes = new Set<string>();
      for (const file of ["policy.onnx", "model.json"]) {
        const options = { schemaHash: SCHEMA, observations, actions };
        const opened = await openForeignModel(join(path, file), options);
        hashes.add(opened.modelHash);
        expect(opened.normaliserFile).toBe(isNormalised ? join(path, "normaliser.json") : null);
        for (const row of randomRows(4, observations, prng)) {
          const wide = row.map((x) => 3 + 5 * x);
          expect(opened.policy.logits(wide), `${file}, seed ${SEED}`).toEqual(policy.logits(wide));
        }
      }
      // Both are the same layers before the same statistics.
      expect(hashes.size).toBe(1);
    },
  );
});

test("a policy at work normalises as its trainer did, bit for bit", () => {
  const shape = { ...(SHAPES[1] as (typeof SHAPES)[number])[1] };
  const state = statistics(shape.observations);
  const params = randomParams(shape, prng);
  const trainers = new ObservationNormaliser(shape.observations);
  trainers.restore(state);
  for (const row of randomRows(20, shape.observations, prng)) {
    const wide = row.map((x) => 40 * x);
    const normalised = new Float32Array(row.length);
    trainers.apply(normalised, wide, 1);
    expect(Policy.ofNetwork(shape, params, state).logits(wide)).toEqual(
      Policy.ofNetwork(shape, params).logits(normalised),
    );
  }
});

describe("an export of ours checks what stands around it", () => {
  const shape = (SHAPES[0] as (typeof SHAPES)[number])[1];
  const options = { schemaHash: SCHEMA, observations: 52, actions: 5 };
  const path = save("checked", shape, { normaliser: statistics(52) });
  const plain = save("plain", shape);
  const stacked = save("stacked", { ...shape, observations: 104 }, { frames: 2 });

  test.each(["policy.onnx", "model.json"])("%s", async (file) => {
    const open = (more: object = {}, from = path) =>
      openForeignModel(join(from, file), { ...options, ...more });
    await expect(open({ schemaHash: "6".repeat(64) })).rejects.toThrow(
      /expected a model for observation schema 666666666666, was one for 555555555555; train it/,
    );
    await expect(open({ actions: 4 })).rejects.toThrow(/52 inputs and 4 outputs, was 52 and 5/);
    expect((await open({}, stacked)).frames).toBe(2);
    await expect(open({ normaliserFile: "x.json" }, plain)).rejects.toThrow(
      /expected no --normaliser, for it was trained without one, was x.json/,
    );

    const alone = mkdtempSync(join(folder, "alone-"));
    for (const name of [file, "weights.bin"]) copyFileSync(join(path, name), join(alone, name));
    await expect(open({}, alone)).rejects.toMatchObject({
      code: "NORMALISER_MISSING",
      message: expect.stringMatching(
        /expected normaliser statistics in .*normaliser.json, for it was trained with them, was none; copy/,
      ) as unknown,
    });
    const named = await open({ normaliserFile: join(path, "normaliser.json") }, alone);
    expect(named.modelHash).toBe((await open()).modelHash);
    const own = JSON.parse(readFileSync(join(path, "normaliser.json"), "utf8")) as object;
    writeFileSync(join(alone, "normaliser.json"), JSON.stringify({ ...own, clip: 5 }));
    await expect(open({}, alone)).rejects.toThrow(
      /expected the statistics that .* was others; copy/,
    );
  });
});

describe("statistics of VecNormalize", () => {
  const weights = Float32Array.from({ length: 10 }, () => prng.normal());
  const path = join(folder, "foreign.onnx");
  const graph = {
    node: [node("Gemm", ["x", "w"], ["logits"], { transB: 1 })],
    initializer: [raw("w", [5, 2], weights)],
    input: [value("x", ["n", 2])],
    output: [value("logits", ["n", 5])],
  };
  writeFileSync(path, encodeOnnx(graph));
  const file = join(folder, "vecnormalize.json");
  const open = (text: string) => {
    writeFileSync(file, text);
    const sizes = { schemaHash: SCHEMA, observations: 2, actions: 5 };
    return openForeignModel(path, { ...sizes, normaliserFile: file });
  };

  test("are applied as it does: (x - mean) / sqrt(var + epsilon), clipped", async () => {
    const { policy, description } = await open(
      JSON.stringify({ mean: [1, -2], var: [4, 0.25], clip_obs: 3, epsilon: 0.5, count: 7 }),
    );
    expect(description).toBe("ONNX model, layers 2-5");
    const seen = [(2.5 - 1) / Math.sqrt(4.5), 3];
    const logits = policy.logits(Float32Array.of(2.5, 100));
    for (let action = 0; action < 5; action++) {
      const expected =
        (weights[2 * action] ?? 0) * (seen[0] ?? 0) + (weights[2 * action + 1] ?? 0) * 3;
      expect(logits[action]).toBeCloseTo(expected, 5);
    }
    const defaults = await open('{"mean": [0, 0], "variance": [1, 1]}');
    const same = await open('{"mean": [0, 0], "var": [1, 1], "clip": 10, "epsilon": 1e-8}');
    expect(same.modelHash).toBe(defaults.modelHash);
    expect(same.modelHash).not.toBe((await open('{"mean": [0, 1], "var": [1, 1]}')).modelHash);
  });

  test.each([
    ["{", /vecnormalize.json: expected JSON/],
    ["[1]", /\(top level\): expected an object with mean and variance, was \[1\]; docs\/models.md/],
    ['{"mean": [0, 0]}', /variance: expected a list of numbers, was missing/],
    ['{"mean": [0, "a"], "var": [1, 1]}', /mean\[1\]: expected a number, was "a"/],
    ['{"mean": [0, 0], "var": [1, -1]}', /var\[1\]: expected a number from 0 up, was -1/],
    ['{"mean": [0, 0], "var": [1, 1e999]}', /var\[1\]: expected a number from 0 up/],
    ['{"mean": [0, 0], "var": [1]}', /var: expected as many numbers as mean has \(2\), was 1/],
    ['{"mean": [0, 0], "var": [1, 1], "variance": [1, 1]}', /var: expected no second variance/],
    ['{"mean": [0, 0], "var": [1, 1], "clip": 0}', /clip: expected a positive number, was 0/],
    ['{"mean": [0, 0], "var": [1, 1], "epsilonn": 1}', /epsilonn: expected one of mean, variance/],
    ['{"mean": [0], "var": [1]}', /expected statistics of 2 observations.*was 1; name others/],
  ])("are refused as %s", async (text, message) => {
    await expect(open(text)).rejects.toThrow(message);
  });

  test("whose file is not there are asked for", async () => {
    const normaliserFile = join(folder, "nowhere.json");
    const sizes = { schemaHash: SCHEMA, observations: 2, actions: 5 };
    await expect(openForeignModel(path, { ...sizes, normaliserFile })).rejects.toThrow(
      /nowhere.json: expected normaliser statistics, was: ENOENT.*docs\/models.md/,
    );
  });
});

test("weights that overflow are told of as the model's fault", async () => {
  const path = join(folder, "overflow.onnx");
  const graph = {
    node: [node("Gemm", ["x", "w"], ["logits"], { transB: 1 })],
    initializer: [raw("w", [2, 2], Float32Array.of(3e38, 3e38, 1, 1))],
    input: [value("x", ["n", 2])],
    output: [value("logits", ["n", 2])],
  };
  writeFileSync(path, encodeOnnx(graph));
  const sizes = { schemaHash: SCHEMA, observations: 2, actions: 2 };
  const { policy } = await openForeignModel(path, sizes);
  expect(() => policy.best(Float32Array.of(9, 9), free(2))).toThrow(
    /expected finite logits, was Infinity, 18; its weights are too large/,
  );
});

describe("any damage to a file is an operation error, or makes a model", () => {
  const shape: NetworkShape = { ...(SHAPES[3] as (typeof SHAPES)[number])[1], hidden: [6, 3] };
  const path = save("fuzzed", shape, { normaliser: statistics(52) });
  const importPackage = () => Promise.reject(new Error("not installed"));
  const options = { schemaHash: SCHEMA, observations: 52, actions: 5, importPackage };
  const outcomes = { refused: 0, opened: 0 };

  async function tryOpen(file: string, what: string): Promise<void> {
    try {
      await openForeignModel(join(path, file), options);
      outcomes.opened += 1;
    } catch (error) {
      if (!(error instanceof OperationError)) {
        throw new Error(`seed ${SEED}, ${file}, ${what}`, { cause: error });
      }
      expect(error.message, what).toContain(path);
      outcomes.refused += 1;
    }
  }

  test.each(["policy.onnx", "model.json", "weights.bin", "normaliser.json"])("%s", async (file) => {
    const original = readFileSync(join(path, file));
    const reader = file === "policy.onnx" ? file : "model.json";
    const put = (bytes: Uint8Array) => writeFileSync(join(path, file), bytes);
    for (let round = 0; round < 120; round++) {
      const length = round < 40 ? round : prng.integer(original.length);
      put(original.subarray(0, length));
      await tryOpen(reader, `cut to ${length}`);
      const changed = Buffer.from(original);
      const changes = 1 + prng.integer(4);
      for (let change = 0; change < changes; change++) {
        // Half of the changes hit where structure is, not weights.
        const at = prng.integer(change % 2 === 0 ? Math.min(900, changed.length) : changed.length);
        changed[at] = prng.integer(256);
      }
      put(changed);
      await tryOpen(reader, `round ${round}, ${changes} bytes changed`);
      put(Uint8Array.from({ length: prng.integer(200) }, () => prng.integer(256)));
      await tryOpen(reader, `round ${round}, random bytes`);
    }
    put(original);
    expect(outcomes.refused).toBeGreaterThan(150);
    await expect(openForeignModel(join(path, reader), options)).resolves.toBeDefined();
  });

  test("model.json with any of its values replaced by any other", async () => {
    const original = readFileSync(join(path, "model.json"), "utf8");
    const odd = [null, 0, -1, 1e300, "", "Dense", [], {}, [[]], [["a"]], true, { name: "logits" }];
    for (let round = 0; round < 300; round++) {
      const json = JSON.parse(original) as unknown;
      let at = json as Record<string, unknown>;
      for (;;) {
        const keys = Object.keys(at);
        const key = keys[prng.integer(keys.length)] as string;
        const inner = at[key];
        if (typeof inner === "object" && inner !== null && Object.keys(inner).length > 0) {
          if (prng.integer(8) > 0) {
            at = inner as Record<string, unknown>;
            continue;
          }
        }
        at[key] = odd[prng.integer(odd.length)];
        break;
      }
      writeFileSync(join(path, "model.json"), JSON.stringify(json));
      await tryOpen("model.json", `round ${round}: ${JSON.stringify(json)}`);
    }
    writeFileSync(join(path, "model.json"), original);
  });
});
