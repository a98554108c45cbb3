/** Models from elsewhere through the commands, as their users start them. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "../fixtures/bundle.mjs";
import { Prng } from "../../src/core/index.ts";
import { SCHEMA_HASH } from "../../src/features/index.ts";
import { saveModel } from "../../src/learn/index.ts";
import { randomParams } from "../learn/formats-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-foreign-"));
let program = "";
beforeAll(async () => {
  program = await bundle("src/apps/main.ts");
});
afterAll(() => {
  rmSync(program, { force: true });
  rmSync(folder, { recursive: true, force: true });
});

const shape = {
  observations: 52,
  actions: 5,
  hidden: [8],
  activation: "tanh",
  trunk: "separate",
} as const;
const prng = Prng.fromSeed(3);
const own = join(folder, "own");
saveModel(own, shape, randomParams(shape, prng), {
  schemaHash: SCHEMA_HASH,
  seed: 1,
  configuration: {},
  sessions: {},
  steps: 1,
  normaliser: {
    count: 9,
    mean: Array.from({ length: 52 }, () => 0.1 * prng.normal()),
    variance: Array.from({ length: 52 }, () => 0.5 + prng.float()),
  },
  software: "test",
  result: null,
});

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args, "--json"], {
    encoding: "utf8",
  });
  const last = stdout.trim().split("\n").at(-1) ?? "";
  return { status, stderr, json: (last === "" ? {} : JSON.parse(last)) as Record<string, unknown> };
}
const evaluate = (...args: string[]) =>
  run(
    "evaluate",
    "--sessions",
    "sessions/sample-5",
    "--episodes",
    "3",
    "--episode-steps",
    "40",
    ...args,
  );

/** A folder with one file of the model, as a user from elsewhere would have it. */
function alone(name: string, ...files: string[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const file of files) copyFileSync(join(own, file), join(path, file));
  return path;
}

test("an ONNX file and a TensorFlow.js model earn what the model folder does, and replay", () => {
  const expected = evaluate("--model", own);
  expect(expected.status, expected.stderr).toBe(0);
  const normaliser = ["--normaliser", join(own, "normaliser.json")];
  const onnx = join(alone("onnx", "policy.onnx"), "policy.onnx");
  const tfjs = alone("tfjs", "model.json", "weights.bin", "normaliser.json");
  for (const [place, ...named] of [[onnx, ...normaliser], [tfjs]]) {
    const episode = join(folder, "episode.jsonl");
    const report = join(folder, "report.html");
    // One report is enough: it takes the longest.
    const files = ["--record", episode, ...(place === onnx ? ["--report", report] : [])];
    const found = evaluate("--model", place as string, ...named, ...files);
    expect(found.status, found.stderr).toBe(0);
    expect(found.json).toEqual(expected.json);
    expect(found.stderr).toMatch(
      /Policy: .* model, layers 52-8-5, normalised by .*normaliser.json/,
    );
    expect(readFileSync(report, "utf8")).toMatch(/A policy from elsewhere \(.*52-8-5/);
    // Where the files were is remembered.
    const replayed = run("replay", episode, "--verify");
    expect(replayed.status, replayed.stderr).toBe(0);
    expect(replayed.json).toMatchObject({ identical: true });
    if (place !== onnx) continue;
    const moved = run("replay", episode, "--verify", "--model", onnx, ...normaliser);
    expect(moved.json).toMatchObject({ identical: true });
    const other = run("replay", episode, "--verify", "--model", own);
    expect(other.status).toBe(1);
    expect(other.stderr).toMatch(
      /expected model [0-9a-f]{12}, was [0-9a-f]{12}; name the episode's/,
    );
  }
});

test("what cannot be opened is one line that says what to do", () => {
  const place = alone("bare", "policy.onnx");
  const archive = join(folder, "ppo.zip");
  writeFileSync(archive, "");
  for (const [args, message] of [
    [
      ["--model", place],
      /expected normaliser statistics in .*bare.normaliser\.json.*was none; copy/,
    ],
    [["--model", archive], /a Stable-Baselines3 archive; export its policy as ONNX \(docs\/models/],
    [["--model", own, "--normaliser", "x.json"], /expected no --normaliser, for a model folder/],
    [["--model", join(folder, "no.onnx")], /no.onnx: expected an ONNX model, was: ENOENT/],
    [["--model", join(folder, "nothing")], /nothing.manifest.json: expected a model's file/],
  ] as const) {
    const { status, stderr } = evaluate(...args);
    expect(status, args.join(" ")).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  }
});
