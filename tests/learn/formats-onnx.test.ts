/** ONNX models from elsewhere: what we make of them is what an ONNX runtime makes of them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as ort from "onnxruntime-web";
import { Prng } from "../../src/core/index.ts";
import { openForeignModel } from "../../src/learn/formats/foreign-model.ts";
import { randomRows, SEED } from "./formats-fixture.ts";
import { DOUBLE, encodeOnnx, type Graph, INT64, node, raw, value } from "./onnx-protobuf.ts";

const folder = mkdtempSync(join(tmpdir(), "formats-onnx-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => {
  ort.env.wasm.numThreads = 1;
});

const OBSERVATIONS = 52;
const ACTIONS = 5;
const OPTIONS = { schemaHash: "s", observations: OBSERVATIONS, actions: ACTIONS };
const FREE = Uint8Array.of(1, 1, 1, 1, 1);
const prng = Prng.fromSeed(`${SEED} onnx`);
const numbers = (count: number): Float32Array =>
  Float32Array.from({ length: count }, () => 0.4 * prng.normal());

/** A dense layer with its weights [out, in] in one piece. */
function gemm(graph: Graph, name: string, from: string, sizes: [number, number], to: string) {
  const [inputs, outputs] = sizes;
  graph.initializer.push(raw(`${name}.weight`, [outputs, inputs], numbers(inputs * outputs)));
  graph.initializer.push(raw(`${name}.bias`, [outputs], numbers(outputs)));
  graph.node.push(node("Gemm", [from, `${name}.weight`, `${name}.bias`], [to], { transB: 1 }));
}

function emptyGraph(): Graph {
  return {
    node: [],
    initializer: [],
    input: [value("input", ["batch", OBSERVATIONS])],
    output: [],
  };
}

/**
 * `torch.onnx.export` of Stable-Baselines3's ActorCriticPolicy for a Discrete space, as its
 * documentation wraps it: forward gives actions, values and log-probabilities.
 */
function actorCriticPolicy(activation: "Tanh" | "Relu"): Graph {
  const graph = emptyGraph();
  graph.node.push(node("Flatten", ["input"], ["flat"], { axis: 1 }));
  for (const net of ["policy_net", "value_net"]) {
    gemm(graph, `mlp_extractor.${net}.0`, "flat", [OBSERVATIONS, 64], `${net}.0`);
    graph.node.push(node(activation, [`${net}.0`], [`${net}.1`]));
    gemm(graph, `mlp_extractor.${net}.2`, `${net}.1`, [64, 33], `${net}.2`);
    graph.node.push(node(activation, [`${net}.2`], [`${net}.3`]));
  }
  gemm(graph, "value_net", "value_net.3", [33, 1], "values");
  gemm(graph, "action_net", "policy_net.3", [33, ACTIONS], "action_net");
  graph.initializer.push(
    { name: "axis", dims: [1], data_type: INT64, raw_data: int64(-1) },
    { name: "column", dims: [1], data_type: INT64, int64_data: [1] },
    { name: "flat_shape", dims: [1], data_type: INT64, raw_data: int64(-1) },
  );
  graph.node.push(
    node("ReduceLogSumExp", ["action_net"], ["total"], { axes: [-1], keepdims: 1 }),
    node("Sub", ["action_net", "total"], ["log_probabilities"]),
    node("Softmax", ["log_probabilities"], ["probabilities"], { axis: -1 }),
    node("ArgMax", ["probabilities"], ["argmax"], { axis: 1, keepdims: 0 }),
    node("Unsqueeze", ["argmax", "axis"], ["index"]),
    node("GatherElements", ["log_probabilities", "index"], ["gathered"], { axis: 1 }),
    node("Squeeze", ["gathered", "column"], ["log_prob"]),
    node("Reshape", ["argmax", "flat_shape"], ["actions"]),
  );
  graph.output.push(
    value("actions", ["batch"], INT64),
    value("values", ["batch", 1]),
    value("log_prob", ["batch"]),
  );
  return graph;
}

function int64(number: number): Uint8Array {
  return new Uint8Array(BigInt64Array.of(BigInt(number)).buffer);
}

async function opened(name: string, bytes: Uint8Array) {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return openForeignModel(path, OPTIONS);
}

/** The runtime's outputs for rows, one run a row. */
async function inRuntime(bytes: Uint8Array, rows: readonly Float32Array[]) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const results: Record<string, number[]>[] = [];
  for (const row of rows) {
    const output = await session.run({ input: new ort.Tensor("float32", row, [1, row.length]) });
    const entries = session.outputNames.map((name): [string, number[]] => [
      name,
      Array.from(output[name]?.data as ArrayLike<number | bigint>, Number),
    ]);
    results.push(Object.fromEntries(entries));
  }
  await session.release();
  return results;
}

describe.each(["Tanh", "Relu"] as const)("a Stable-Baselines3 policy with %s", (activation) => {
  test("takes the same actions, at the same odds, as in an ONNX runtime", async () => {
    const bytes = encodeOnnx(actorCriticPolicy(activation));
    const { policy, description, frames } = await opened(`sb3-${activation}.onnx`, bytes);
    expect(description).toBe("ONNX model, layers 52-64-33-5");
    expect(frames).toBe(1);
    const rows = randomRows(20, OBSERVATIONS, prng);
    const taken = new Set<number>();
    for (const [index, expected] of (await inRuntime(bytes, rows)).entries()) {
      const row = rows[index] as Float32Array;
      const action = policy.best(row, FREE);
      taken.add(action);
      expect([action], `seed ${SEED} row ${index}`).toEqual(expected["actions"]);
      const odds = policy.probabilities(row, FREE)[action] as number;
      expect(Math.log(odds)).toBeCloseTo(expected["log_prob"]?.[0] as number, 5);
    }
    expect(taken.size).toBeGreaterThan(1);
  });
});

/** Other ways to write the same kind of network; each must give the runtime's logits. */
const VARIATIONS: Record<string, () => Graph> = {
  "MatMul and Add, weights in lists, biases first": () => {
    const graph = emptyGraph();
    const float = (name: string, dims: number[]) => {
      const count = dims.reduce((product, size) => product * size, 1);
      return { name, dims, data_type: 1, float_data: [...numbers(count)] };
    };
    graph.initializer.push(float("w0", [OBSERVATIONS, 17]), float("b0", [1, 17]));
    graph.initializer.push(float("w1", [17, ACTIONS]), float("b1", []));
    graph.node.push(
      node("MatMul", ["input", "w0"], ["p0"]),
      node("Add", ["b0", "p0"], ["s0"]),
      node("Relu", ["s0"], ["h0"]),
      node("MatMul", ["h0", "w1"], ["p1"]),
      node("Add", ["p1", "b1"], ["logits"]),
    );
    return graph;
  },
  "Constant nodes, turned and cast, no bias, input through Reshape": () => {
    const graph = emptyGraph();
    graph.node.push(
      node("Constant", [], ["shape"], {
        value: { dims: [2], data_type: INT64, int64_data: [-1, OBSERVATIONS] },
      }),
      node("Reshape", ["input", "shape"], ["row"]),
      node("Constant", [], ["w0"], {
        value: raw("", [9, OBSERVATIONS], numbers(9 * OBSERVATIONS)),
      }),
      node("Transpose", ["w0"], ["w0t"], { perm: [1, 0] }),
      node("MatMul", ["row", "w0t"], ["p0"]),
      node("Tanh", ["p0"], ["h0"]),
      node("Constant", [], ["w1"], { value: raw("", [9, ACTIONS], numbers(9 * ACTIONS)) }),
      node("Identity", ["w1"], ["w1i"]),
      node("Gemm", ["h0", "w1i"], ["sum"]),
      node("Identity", ["sum"], ["logits"]),
    );
    return graph;
  },
  "double precision, scaled Gemm, two layers without activation": () => {
    const graph = emptyGraph();
    const double = (name: string, dims: number[]) => {
      const count = dims.reduce((product, size) => product * size, 1);
      return { name, dims, data_type: DOUBLE, double_data: [...numbers(count)] };
    };
    const bytes = new Uint8Array(Float64Array.from(numbers(ACTIONS)).buffer);
    graph.initializer.push(
      double("w0", [7, OBSERVATIONS]),
      double("b0", [7]),
      double("w1", [7, ACTIONS]),
      { name: "b1", dims: [ACTIONS], data_type: DOUBLE, raw_data: bytes },
    );
    graph.node.push(
      node("Cast", ["input"], ["doubles"], { to: DOUBLE }),
      node("Gemm", ["doubles", "w0", "b0"], ["h0"], { transB: 1, alpha: 0.5, beta: 3 }),
      node("Gemm", ["h0", "w1", "b1"], ["sum"], { transB: 0 }),
      node("Cast", ["sum"], ["logits"], { to: 1 }),
    );
    return graph;
  },
};

describe("logits equal those of an ONNX runtime", () => {
  test.each(Object.entries(VARIATIONS))("%s", async (name, make) => {
    const graph = make();
    graph.output.push(value("logits", ["batch", ACTIONS]));
    const bytes = encodeOnnx(graph);
    const { policy } = await opened(`${name}.onnx`, bytes);
    const rows = randomRows(5, OBSERVATIONS, prng);
    for (const [index, expected] of (await inRuntime(bytes, rows)).entries()) {
      const logits = policy.logits(rows[index] as Float32Array);
      for (const [action, logit] of (expected["logits"] as number[]).entries()) {
        expect(Math.abs((logits[action] as number) - logit), `seed ${SEED}`).toBeLessThan(1e-5);
      }
    }
  });
});

/** Ways to end in probabilities or in an action; odds must come out as those of the logits. */
const ENDINGS: Record<string, ReturnType<typeof node>[]> = {
  LogSoftmax: [node("LogSoftmax", ["net"], ["out"], { axis: 1 })],
  "Softmax and its logarithm": [
    node("Softmax", ["net"], ["p"], { axis: -1 }),
    node("Log", ["p"], ["out"]),
  ],
  "a sum of exponentials by hand": [
    node("ReduceMax", ["net"], ["top"], { axes: [1], keepdims: 1 }),
    node("Sub", ["net", "top"], ["shifted"]),
    node("Exp", ["shifted"], ["powers"]),
    node("ReduceSum", ["powers", "last"], ["sum"], { keepdims: 1 }),
    node("Log", ["sum"], ["log"]),
    node("Add", ["log", "top"], ["total"]),
    node("Sub", ["net", "total"], ["out"]),
  ],
};

describe("what stands behind logits changes no odds", () => {
  test.each(Object.entries(ENDINGS))("%s", async (name, ending) => {
    const graph = emptyGraph();
    gemm(graph, "net", "input", [OBSERVATIONS, ACTIONS], "net");
    graph.initializer.push({ name: "last", dims: [1], data_type: INT64, int64_data: [-1] });
    graph.node.push(...ending);
    graph.output.push(value("out", ["batch", ACTIONS]));
    const bytes = encodeOnnx(graph, 13);
    const { policy } = await opened(`${name}.onnx`, bytes);
    const [row] = randomRows(1, OBSERVATIONS, prng) as [Float32Array];
    const [expected] = await inRuntime(bytes, [row]);
    for (const [action, log] of (expected?.["out"] as number[]).entries()) {
      expect(Math.log(policy.probabilities(row, FREE)[action] as number)).toBeCloseTo(log, 4);
    }
  });

  test("an action alone, picked from constants that are also inputs, as old files have it", async () => {
    const graph = emptyGraph();
    gemm(graph, "net", "input", [OBSERVATIONS, ACTIONS], "net");
    graph.input.push(value("net.weight", [ACTIONS, OBSERVATIONS]), value("net.bias", [ACTIONS]));
    graph.node.push(
      node("ArgMax", ["net"], ["picked"], { axis: 1, keepdims: 1 }),
      node("Cast", ["picked"], ["action"], { to: 1 }),
    );
    graph.output.push(value("action", ["batch", 1]));
    const bytes = encodeOnnx(graph, 13);
    const { policy } = await opened("action.onnx", bytes);
    const rows = randomRows(10, OBSERVATIONS, prng);
    for (const [index, expected] of (await inRuntime(bytes, rows)).entries()) {
      expect([policy.best(rows[index] as Float32Array, FREE)]).toEqual(expected["action"]);
    }
  });

  test("a softmax of a softmax is not passed over", async () => {
    const graph = emptyGraph();
    gemm(graph, "net", "input", [OBSERVATIONS, ACTIONS], "net");
    graph.node.push(node("Softmax", ["net"], ["once"]), node("Softmax", ["once"], ["twice"]));
    graph.output.push(value("twice", ["batch", ACTIONS]));
    await expect(opened("twice.onnx", encodeOnnx(graph))).rejects.toThrow(
      /node "\/policy\/once" \(Softmax\): expected a layer or an activation, was Softmax/,
    );
  });
});

describe("a model that is no policy of ours is refused, with what was found and what to do", () => {
  const base = (): Graph => {
    const graph = emptyGraph();
    gemm(graph, "first", "input", [OBSERVATIONS, 8], "h0");
    graph.node.push(node("Tanh", ["h0"], ["h1"]));
    gemm(graph, "second", "h1", [8, ACTIONS], "logits");
    graph.output.push(value("logits", ["batch", ACTIONS]));
    return graph;
  };
  const tensor = (graph: Graph, name: string) => {
    const found = graph.initializer.find((entry) => entry.name === name);
    if (found === undefined) throw new Error(`no tensor ${name}`);
    return found;
  };
  const operator = (name: string) => (graph: Graph) => {
    (graph.node[1] as Graph["node"][number]).op_type = name;
  };

  test.each<[string, (graph: Graph) => void, RegExp]>([
    ["sigmoid", operator("Sigmoid"), /"\/policy\/h1" \(Sigmoid\): expected a layer or an activ/],
    ["division", operator("Div"), /was Div; if it normalises observations.*--normaliser/],
    ["convolution", operator("Conv"), /was Conv; a policy must be an MLP of Gemm/],
    [
      "a contributed operator",
      (graph) =>
        Object.assign(graph.node[1] as object, { op_type: "Gelu", domain: "com.microsoft" }),
      /expected an operator of ONNX's own, was com\.microsoft\.Gelu; export it anew.*dynamo=False/,
    ],
    [
      "a weight that is NaN",
      (graph) => {
        const spoilt = numbers(8 * ACTIONS);
        spoilt[11] = Number.NaN;
        Object.assign(tensor(graph, "second.weight"), raw("second.weight", [ACTIONS, 8], spoilt));
      },
      /tensor "second.weight": expected finite numbers, was NaN at 11; its training diverged/,
    ],
    [
      "too few numbers",
      (graph) => Object.assign(tensor(graph, "first.bias"), { dims: [9] }),
      /tensor "first.bias": expected 9 numbers for sizes \[9\], was 8/,
    ],
    [
      "layers that do not meet",
      (graph) =>
        Object.assign(
          tensor(graph, "second.weight"),
          raw("second.weight", [ACTIONS, 7], numbers(7 * ACTIONS)),
        ),
      /layer 2 of 2: expected 8 inputs, as many as it is given, was 7/,
    ],
    [
      "half precision",
      (graph) => Object.assign(tensor(graph, "first.weight"), { data_type: 10 }),
      /tensor "first.weight": expected float32 or float64, was float16; export the model as flo/,
    ],
    [
      "weights in another file",
      (graph) => Object.assign(tensor(graph, "first.weight"), { data_location: 1 }),
      /"first.weight": expected its numbers in the file.*external_data=False/,
    ],
    [
      "weights that the model computes",
      (graph) => {
        graph.initializer = graph.initializer.filter(({ name }) => name !== "second.weight");
        graph.node.push(node("Exp", ["input"], ["second.weight"]));
      },
      /node "\/policy\/logits" \(Gemm\): expected constant weights, was "second.weight", which/,
    ],
    [
      "a value that nothing makes",
      (graph) => (graph.node[1] as Graph["node"][number]).input.splice(0, 1, "nothing"),
      /value "nothing": expected an input or what a node makes of one, was neither/,
    ],
    [
      "a ring",
      (graph) => graph.node.splice(1, 1, node("Identity", ["h1"], ["h1"])),
      /value "h1": .*was made of itself/,
    ],
    [
      "rows run together",
      (graph) => graph.node.splice(1, 1, node("Flatten", ["h0"], ["h1"], { axis: 0 })),
      /expected axis 1 and not 0, was Flatten/,
    ],
    ["no output", (graph) => graph.output.splice(0), /expected an output, was none/],
    [
      "two policies",
      (graph) => {
        gemm(graph, "third", "h1", [8, ACTIONS], "other");
        gemm(graph, "fourth", "h1", [8, ACTIONS], "another");
        graph.output = [value("other", []), value("another", [])];
      },
      /expected one output of 5 numbers, was "other" and "another"; export the policy's alone/,
    ],
    [
      "another observation",
      (graph) => {
        graph.input = [value("input", ["batch", 51])];
        Object.assign(tensor(graph, "first.weight"), raw("first.weight", [8, 51], numbers(8 * 51)));
      },
      /expected 52 inputs and 5 outputs, was 51 and 5; the model is for another environment/,
    ],
    [
      "other actions",
      (graph) => {
        gemm(graph, "third", "h1", [8, 3], "three");
        graph.output = [value("three", ["batch", 3])];
      },
      /expected 52 inputs and 5 outputs, was 52 and 3/,
    ],
  ])("%s", async (name, spoil, message) => {
    const graph = base();
    await expect(opened("sound.onnx", encodeOnnx(graph))).resolves.toBeDefined();
    spoil(graph);
    await expect(opened(`${name}.onnx`, encodeOnnx(graph))).rejects.toThrow(message);
    await expect(opened(`${name}.onnx`, encodeOnnx(graph))).rejects.toMatchObject({
      code: expect.stringMatching(/^MODEL_/) as unknown,
      message: expect.stringContaining(`${name}.onnx`) as unknown,
    });
  });
});
