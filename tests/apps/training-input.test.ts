/**
 * What `train` says when it is asked for what cannot be: each refusal names the place, what was
 * expected and found, and the way out, and leaves everything on disk as it was.
 */
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trainCommand } from "../../src/apps/train-command.ts";
import { openMetrics } from "../../src/apps/metrics-file.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/learn/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-training-input-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(content: unknown): string {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

async function train(...flags: string[]): Promise<void> {
  await trainCommand()
    .exitOverride()
    .parseAsync([...flags, "--json"], { from: "user" });
}

/** The message that the command ends with. */
async function refusal(...flags: string[]): Promise<string> {
  try {
    await train(...flags);
  } catch (error) {
    expect(error, String(error)).toMatchObject({ name: "OperationError" });
    return (error as Error).message;
  }
  throw new Error("the command was carried out");
}

/** All files under a folder, by path. */
function contentsOf(root: string): Map<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.sort().map((path) => [path, readFileSync(path).toString("base64")]));
}

const small = file({
  environments: 2,
  ppo: { rolloutSteps: 32, minibatches: 2, shards: 2, hidden: [4], totalSteps: 64 },
});
const PROBE = ["--env", "Probe-matched", "--config", small, "--seed", "1"];
const SESSION = ["--sessions", "sessions/sample-1", "--config", small, "--seed", "1"];

describe("a checkpoint that cannot be gone on from", () => {
  const model = join(folder, "made");
  const checkpoint = join(model, "checkpoint.bin");
  const recorded = join(folder, "recorded");
  const WAY_OUT = "resume from a copy, or start a new run";

  beforeAll(async () => {
    await train(...PROBE, "--out", model);
    await train(...SESSION, "--out", recorded);
  });

  /** Resumes from a copy of `from` with other bytes in its checkpoint, and finds it untouched. */
  async function resumed(from: string, bytes: Uint8Array, flags: readonly string[]) {
    const copy = join(folder, `copy-${files++}`);
    cpSync(from, copy, { recursive: true });
    writeFileSync(join(copy, "checkpoint.bin"), bytes);
    const before = contentsOf(copy);
    const message = await refusal(...flags, "--out", copy, "--resume");
    expect(contentsOf(copy)).toEqual(before);
    return message.replace(copy, "copy");
  }

  /** The same with other facts in it. */
  async function withFacts(from: string, change: object, flags: readonly string[]) {
    const { state, facts } = loadCheckpoint(join(from, "checkpoint.bin"));
    const path = join(folder, "changed.bin");
    saveCheckpoint(path, state, { ...facts, ...change });
    return resumed(from, readFileSync(path), flags);
  }

  test("for it was cut short, wherever that was", async () => {
    const bytes = readFileSync(checkpoint);
    const lengths = [0, 1, 7, 8, 11, 12, 23, 24, 100, bytes.length >> 1, bytes.length - 1];
    for (const length of lengths) {
      const least = length < 24 ? 24 : bytes.length;
      expect(await resumed(model, bytes.subarray(0, length), PROBE)).toBe(
        `copy/checkpoint.bin: expected at least ${least} bytes, was ${length}: it was cut short; ` +
          WAY_OUT,
      );
    }
  });

  test("for it was changed, is no checkpoint, or is of another version", async () => {
    const bytes = readFileSync(checkpoint);
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(200) ^ 4, 200);
    expect(await resumed(model, changed, PROBE)).toContain(
      `expected a file that fits its own checksum, was one that was changed; ${WAY_OUT}`,
    );
    expect(await resumed(model, Buffer.from("{}"), PROBE)).toContain(
      `expected a kalshi-gym checkpoint, was another kind of file; ${WAY_OUT}`,
    );
    const newer = Buffer.from(bytes);
    newer.writeUInt32LE(3, 8);
    expect(await resumed(model, newer, PROBE)).toBe(
      "copy/checkpoint.bin: expected checkpoint version 2, was 3; " +
        "resume with the version of kalshi-gym that wrote it, or start a new run",
    );
  });

  test("for it is of another observation schema, sessions or environment", async () => {
    const schema = { schemaHash: "f".repeat(64), software: "kalshi-gym 9.9.9" };
    expect(await withFacts(recorded, schema, SESSION)).toMatch(
      /^copy\/checkpoint.bin: expected a checkpoint for observation schema [0-9a-f]{12}, was one for f{12}; resume with the version of kalshi-gym that wrote it \(kalshi-gym 9.9.9\), or start a new/,
    );
    const other = SESSION.map((word) => word.replace("sample-1", "sample-2"));
    const bytes = readFileSync(join(recorded, "checkpoint.bin"));
    expect(await resumed(recorded, bytes, other)).toContain(
      "of a run on the sessions sample-2, was of one on sample-1; name the same sessions in the",
    );
    const changed = { sessions: { "sample-1": "e".repeat(64) } };
    expect(await withFacts(recorded, changed, SESSION)).toMatch(
      /run on session sample-1 as it is now \([0-9a-f]{12}\), was of one on other content \(e{12}\); restore the session/,
    );
    expect(await resumed(recorded, bytes, PROBE)).toContain(
      "of a run on --env Probe-matched, was of one on recorded sessions; resume with what it was",
    );
    const chosen = PROBE.map((word) => word.replace("matched", "chosen"));
    expect(await resumed(model, readFileSync(checkpoint), chosen)).toContain(
      "of a run on --env Probe-chosen, was of one on --env Probe-matched; resume with what it was",
    );
  });

  test("for it is of another network, seed, or configuration", async () => {
    const wider = file({ ppo: { rolloutSteps: 32, totalSteps: 64, hidden: [4, 4] } });
    const bytes = readFileSync(checkpoint);
    const flags = ["--env", "Probe-matched", "--config", wider, "--seed", "1"];
    expect(await resumed(model, bytes, flags)).toBe(
      "checkpoint: expected a network of 1-4-4-2, tanh, separate, was one of 1-4-2, tanh, " +
        "separate; resume with the configuration that it was made with, or start a new run",
    );
    expect(await resumed(model, bytes, [...PROBE, "--steps", "128"])).toContain(
      "checkpoint: ppo.totalSteps: expected 128, was 64; resume with the configuration",
    );
    // Of what decides the data but is in no setting of the learner.
    const wayOut = "resume with the flags and the configuration that it was started with, or start";
    expect(await resumed(model, bytes, [...PROBE, "--seed", "2"])).toContain(
      `copy/checkpoint.bin: seed: expected 2, was 1; ${wayOut}`,
    );
    expect(await resumed(model, bytes, [...PROBE, "--preset", "sb3"])).toContain(
      `preset: expected "sb3", was "cleanrl"; ${wayOut}`,
    );
    const recordedBytes = readFileSync(join(recorded, "checkpoint.bin"));
    expect(await resumed(recorded, recordedBytes, [...SESSION, "--pricing", "mid"])).toContain(
      `copy/checkpoint.bin: episode.pricing: expected "mid", was "join"; ${wayOut}`,
    );
  });

  test("for it was evaluated on something else", async () => {
    const judged = join(folder, "judged");
    const twice = [...PROBE, "--evaluate-every", "32", "--evaluate-episodes"];
    await train(...twice, "2", "--out", judged);
    const bytes = readFileSync(join(judged, "checkpoint.bin"));
    const message = "expected the held-out data and episodes that the run was evaluated on before";
    expect(await resumed(judged, bytes, PROBE)).toContain(`${message}, was none; name the same`);
    expect(await resumed(judged, bytes, [...twice, "3"])).toContain(`${message}, was others;`);
  });

  test("for there is none", async () => {
    const nowhere = join(folder, "nowhere");
    expect(await refusal(...PROBE, "--out", nowhere, "--resume")).toBe(
      `${nowhere}: expected a checkpoint.bin to resume from, was none; leave --resume out to start`,
    );
    expect(existsSync(nowhere)).toBe(false);
    expect(await refusal(...PROBE, "--resume")).toMatch(/^--resume: expected --out, a folder/);
  });
});

describe("a place that the run cannot be kept in", () => {
  const plain = join(folder, "plain");
  writeFileSync(plain, "somebody's file");

  test.each([
    [plain, `${plain}: expected a folder, or a name for a new one, was a file; choose another`],
    [join(plain, "model"), "metrics.jsonl: could not be written, was: ENOTDIR"],
  ])("%s", async (out, message) => {
    expect(await refusal(...PROBE, "--out", out)).toContain(message);
    expect(await refusal(...PROBE, "--out", out, "--replace")).toContain(message);
    expect(await refusal(...PROBE, "--out", out, "--resume")).toMatch(/expected a (folder|check)/);
    expect(readFileSync(plain, "utf8")).toBe("somebody's file");
  });

  test("a name that is empty, which would be the folder that the command runs in", async () => {
    const before = readdirSync(".");
    for (const how of [[], ["--replace"], ["--resume"]]) {
      expect(await refusal(...PROBE, "--out", "", ...how)).toBe(
        "--out: expected the name of a folder, was empty",
      );
    }
    expect(readdirSync(".")).toEqual(before);
  });

  test("one to go on from and to replace at once", async () => {
    const out = join(folder, "both");
    await train(...PROBE, "--out", out);
    const before = contentsOf(out);
    await expect(train(...PROBE, "--out", out, "--resume", "--replace")).rejects.toMatchObject({
      code: "commander.conflictingOption",
    });
    expect(contentsOf(out)).toEqual(before);
  });

  test("one with a model in it, unless that is to be replaced and the new run can begin", async () => {
    const out = join(folder, "there");
    await train(...PROBE, "--out", out);
    const before = contentsOf(out);
    expect(await refusal(...PROBE, "--out", out)).toBe(
      `${out}: expected a new folder, was one with a model in it; ` +
        "choose another --out, go on with --resume, or --replace it",
    );
    const impossible = file({ ppo: { shards: 7 } });
    const flags = ["--env", "Probe-matched", "--config", impossible, "--out", out, "--replace"];
    expect(await refusal(...flags)).toMatch(/^ppo.shards: /);
    expect(contentsOf(out)).toEqual(before);
    const other = PROBE.map((word) => (word === "1" ? "2" : word));
    await train(...other, "--out", out, "--replace");
    expect(contentsOf(out).get(join(out, "policy.bin"))).not.toBe(
      before.get(join(out, "policy.bin")),
    );
    await train(...PROBE, "--out", out, "--replace");
    expect(contentsOf(out)).toEqual(before);
  });

  test("a metrics file that is a folder", async () => {
    const out = join(folder, "taken");
    mkdirSync(join(out, "metrics.csv"), { recursive: true });
    expect(await refusal(...PROBE, "--out", out)).toContain(
      `${out}: expected a folder whose files may be removed, was: `,
    );
  });

  /** As somebody who may not do everything; the superuser may. */
  async function asNobody(act: () => Promise<string>): Promise<string> {
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      return await act();
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  }

  test("a folder that may not be written to", async () => {
    const locked = join(folder, "locked");
    const out = join(locked, "model");
    await train(...PROBE, "--out", out);
    const before = contentsOf(out);
    chmodSync(folder, 0o755);
    for (const path of [out, locked]) chmodSync(path, 0o555);
    const tried = (...flags: string[]) => asNobody(() => refusal(...PROBE, ...flags));
    const denied = /could not be written, was: EACCES: .*; free space or choose another place$/;
    expect(await tried("--out", locked)).toMatch(denied);
    expect(await tried("--out", join(locked, "new"))).toMatch(denied);
    expect(await tried("--out", out, "--resume")).toMatch(denied);
    expect(await tried("--out", out, "--replace")).toMatch(
      /model: expected a folder whose files may be removed, was: EACCES: .*; make it writable, or /,
    );
    for (const path of [out, locked]) chmodSync(path, 0o755);
    expect(contentsOf(out)).toEqual(before);
  });

  test.skipIf(!existsSync("/dev/full"))("a disk that fills up while the run goes on", () => {
    for (const name of ["metrics.jsonl", "metrics.csv", "events.out.tfevents.kalshi-gym"]) {
      const out = join(folder, `full ${name}`);
      const metrics = openMetrics(out, 0);
      metrics.append({ iteration: 1, steps: 10 });
      rmSync(join(out, name));
      symlinkSync("/dev/full", join(out, name));
      expect(() => metrics.append({ iteration: 2, steps: 20 })).toThrow(
        `${join(out, name)}: could not be written, was: ENOSPC: no space left on device, write; ` +
          "make room and go on with --resume from the last checkpoint",
      );
    }
  });

  test("a line that was cut off is no reason to refuse the rest", () => {
    const out = join(folder, "cut");
    openMetrics(out, 0).append({ iteration: 1, steps: 10 });
    appendFileSync(join(out, "metrics.jsonl"), '{"iteration":2,"st');
    expect(openMetrics(out, 10).lines).toEqual([{ iteration: 1, steps: 10 }]);
  });

  test("metrics that end before the checkpoint are not thrown away; without any it goes on", async () => {
    const out = join(folder, "lost");
    await train(...PROBE, "--out", out);
    const before = contentsOf(out);
    const metrics = join(out, "metrics.jsonl");
    writeFileSync(metrics, readFileSync(metrics).subarray(0, 100));
    const cut = contentsOf(out);
    expect(await refusal(...PROBE, "--out", out, "--resume")).toBe(
      `${metrics}: expected lines up to step 64, where the checkpoint is, was up to step 0; ` +
        "put a copy of the file in its place, or remove it to go on without it",
    );
    expect(contentsOf(out)).toEqual(cut);
    rmSync(metrics);
    await train(...PROBE, "--out", out, "--resume");
    const policy = join(out, "policy.bin");
    expect(contentsOf(out).get(policy)).toBe(before.get(policy));
  });
});

test("a run that meets what is no number says so at its end, and in its metrics", async () => {
  const out = join(folder, "wild");
  const wild = file({ environments: 2, ppo: { learningRate: 1e30, rolloutSteps: 32 } });
  const flags = ["--env", "CartPole-v1", "--config", wild, "--seed", "1", "--out", out];
  expect(await refusal(...flags)).toMatch(
    /^iteration 1: expected \w+ to be a finite number, was (NaN|-?Infinity); lower the learning rate/,
  );
  expect(readFileSync(join(out, "metrics.jsonl"), "utf8")).toBe(
    '{"iteration":1,"steps":64,"alarms":["notANumber"]}\n',
  );
  expect(existsSync(join(out, "manifest.json"))).toBe(false);
});

describe("a configuration that does not fit together", () => {
  const out = join(folder, "never");
  const inFile = (content: object) => ["--config", file(content)];
  const CART = ["--env", "CartPole-v1"];
  const DATA = ["--sessions", "sessions/sample-1"];
  const sharded = inFile({ ppo: { shards: 7 } });
  const layers = Array.from({ length: 8 }, () => 2048);
  const huge = inFile({ ppo: { shards: 64, minibatches: 1, hidden: layers } });
  const idle = /expected evaluations while training, was none; name held-out sessions with --eva/;

  test.each([
    ["shards", [...CART, ...sharded], /^ppo.shards: .* minibatch of 128 samples, was 7; change/],
    ["shards", [...DATA, ...sharded], /^ppo.shards: .* minibatch of 512 samples, was 7; change/],
    [
      "gradients of every shard",
      [...CART, ...huge],
      /^rollout and networks: expected at most 4096 MiB, was \d{5} MiB; lower .* or ppo.shards$/,
    ],
    [
      "a session that is trained on",
      [...DATA, "--evaluate-on", "sessions/sample-1"],
      /^--evaluate-on sessions\/sample-1: expected a session that is not trained on, was one of --s/,
    ],
    ["patience", [...CART, "--patience", "2"], idle],
    ["episodes", [...CART, "--evaluate-episodes", "2"], idle],
    ["intervals", [...DATA, "--evaluate-every", "2"], idle],
    ["patience in a file", [...DATA, ...inFile({ callbacks: { patience: 2 } })], idle],
    [
      "an unknown key",
      [...DATA, ...inFile({ callbacks: { patienc: 2 } })],
      /json: callbacks.patienc: expected a known key, was "patienc"; did you mean "patience"\?$/,
    ],
    [
      "an unknown key",
      [...CART, ...inFile({ callbacks: { stopEarly: true } })],
      /json: callbacks.stopEarly: .* known are evaluateOn, evaluateEvery, evaluateEpisodes, keepBest/,
    ],
    [
      "values",
      [...CART, ...inFile({ callbacks: { patience: 0, alarms: 1 } })],
      /callbacks.patience: expected number to be >=1, was 0; .*alarms: expected boolean, was 1$/,
    ],
    [
      "sessions for an environment",
      [...CART, ...inFile({ callbacks: { evaluateOn: ["sessions/sample-1"] } })],
      /callbacks.evaluateOn: expected none beside --env, was sessions; leave it out, and set callb/,
    ],
    [
      "what is about sessions",
      [...CART, ...inFile({ frames: 2 })],
      /frames: expected only seed, environments, ppo, callbacks beside --env, was "frames"/,
    ],
  ] as const)("%s: %j", async (_, flags, message) => {
    expect(await refusal(...flags, "--out", out)).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });
});
