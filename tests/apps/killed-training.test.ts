/**
 * Training that is killed, as power cuts and impatient people do: with SIGKILL in the middle of every
 * kind of write, and at moments that nobody chose. Resumed until it is done, its folder must hold the
 * same bytes as that of a run which was left alone: weights, metrics, pictures, the best model.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { bundle } from "../fixtures/bundle.mjs";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-killed-"));
const KILLER = fileURLToPath(new URL("../fixtures/kill-at-write.mjs", import.meta.url));
let program = "";

beforeAll(async () => {
  program = await bundle("src/apps/main.ts");
});
afterAll(() => {
  rmSync(program, { force: true });
  rmSync(folder, { recursive: true, force: true });
});

/** One process that trains in `out`, and goes on where that can be. */
function train(flags: readonly string[], out: string, killAt = "") {
  const resume = existsSync(join(out, "checkpoint.bin")) ? ["--resume"] : [];
  const child = spawn(
    process.execPath,
    ["--import", KILLER, program, "train", ...flags, "--out", out, ...resume, "--json"],
    { env: { ...process.env, KILL_AT: killAt }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let [said, complaint] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (said += data.toString()));
  child.stderr.on("data", (data: Buffer) => (complaint += data.toString()));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal })),
  );
  const result = async (): Promise<Record<string, unknown>> => {
    expect((await ended).code, complaint).toBe(0);
    return JSON.parse(said) as Record<string, unknown>;
  };
  return { child, ended, result };
}

/** All that is under a folder, by path. */
function contentsOf(root: string): Map<string, Buffer> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.sort().map((file) => [file.slice(root.length + 1), readFileSync(file)]));
}

function expectSame(found: string, wanted: string): void {
  const [is, should] = [contentsOf(found), contentsOf(wanted)];
  expect([...is.keys()]).toEqual([...should.keys()]);
  for (const [file, bytes] of should) expect(is.get(file)?.equals(bytes), file).toBe(true);
}

const settings = join(folder, "small.json");
writeFileSync(
  settings,
  JSON.stringify({
    environments: 2,
    ppo: { rolloutSteps: 64, minibatches: 4, hidden: [8], normaliseObservations: true },
  }),
);

// Stops early: at a high learning rate the second evaluation is the best for long.
const CART_POLE = [
  ...["--env", "CartPole-v1", "--config", settings, "--seed", "1", "--steps", "1536"],
  ...["--evaluate-every", "128", "--evaluate-episodes", "2", "--patience", "3"],
  ...["--checkpoint-every", "1"],
];

test.concurrent(
  "killed in the middle of each kind of write, a run goes on to the same bytes",
  async ({ expect }) => {
    const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
    const uninterrupted = await train(CART_POLE, whole).result();
    expect(uninterrupted).toMatchObject({ stoppedEarly: true });
    expect(uninterrupted["steps"]).toBeLessThan(1536);
    expect([...contentsOf(whole).keys()]).toEqual(
      expect.arrayContaining(["best/manifest.json", "checkpoint.bin", "learning-curve.png"]),
    );
    for (const at of [
      // Before there is a checkpoint.
      "writeSync events.out.tfevents.kalshi-gym 1",
      "writeSync best/policy.bin 1",
      "renameSync checkpoint.bin 1",
      // While it learns; each life gets a little further.
      "writeSync checkpoint.bin 2",
      "appendFileSync metrics.jsonl 2",
      "renameSync checkpoint.bin 2",
      "appendFileSync metrics.csv 2",
      "appendFileSync events.out.tfevents.kalshi-gym 1",
      "renameSync metrics.jsonl 1",
      // Once it is done.
      "writeSync learning-curve.svg 1",
      "writeSync killed/policy.onnx 1",
      "renameSync killed/manifest.json 1",
    ]) {
      const { signal } = await train(CART_POLE, killed, at).ended;
      expect(signal, at).toBe("SIGKILL");
    }
    expect(readdirSync(killed).some((name) => name.endsWith(".tmp"))).toBe(true);
    const resumed = await train(CART_POLE, killed).result();
    const best = { ...(uninterrupted["best"] as object), model: join(killed, "best") };
    expect(resumed).toEqual({
      ...uninterrupted,
      best,
      stepsPerSecond: expect.any(Number) as number,
    });
    expectSame(killed, whole);
  },
);

const SESSIONS = [
  ...["--sessions", "sessions/sample-1", "--evaluate-on", "sessions/sample-5"],
  ...["--config", settings, "--seed", "5", "--steps", "2048", "--episode-steps", "60"],
  ...["--evaluate-every", "512", "--evaluate-episodes", "2", "--patience", "2"],
  ...["--checkpoint-every", "1"],
];

test.concurrent(
  "killed at any moment, a run on sessions goes on to the same bytes",
  async ({ expect }) => {
    const seed = process.env["SEED"] ?? String(process.pid);
    const prng = Prng.fromSeed(seed);
    const [whole, killed] = [join(folder, "sessions"), join(folder, "sessions-killed")];
    const uninterrupted = train(SESSIONS, whole);
    const moments = Array.from({ length: 4 }, () => 250 * prng.float());
    for (const moment of moments) {
      const { child, ended } = train(SESSIONS, killed);
      // Counted from its first sign of life, so that slow machines get anywhere.
      const metrics = join(killed, "metrics.jsonl");
      const before = existsSync(metrics) ? readFileSync(metrics) : null;
      const isAlive = () => existsSync(metrics) && before?.equals(readFileSync(metrics)) !== true;
      while (!isAlive() && child.exitCode === null) await after(5);
      await after(moment);
      child.kill("SIGKILL");
      await ended;
    }
    const { modelHash, steps, best } = await uninterrupted.result();
    const last = await train(SESSIONS, killed).result();
    expect(last, `seed ${seed}`).toMatchObject({ modelHash, steps });
    expect(best).toMatchObject({ model: join(whole, "best") });
    expectSame(killed, whole);
  },
);

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
