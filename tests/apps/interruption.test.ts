/** Ctrl-C, as a user presses it: a real process, a real signal. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle, SIGNALLER } from "../fixtures/bundle.mjs";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-interrupt-"));
let program = "";

beforeAll(async () => {
  program = await bundle("src/apps/main.ts");
});
afterAll(() => {
  rmSync(program, { force: true });
  rmSync(folder, { recursive: true, force: true });
});

test("Ctrl-C during training leaves a model and a checkpoint that goes on to the same end", async () => {
  const out = join(folder, "model");
  const words = ["train", "--sessions", "sessions/sample-1", "--steps", "16384", "--json"];
  // The signal falls at the first sign of progress, whenever that is.
  const child = spawn(process.execPath, ["--import", SIGNALLER, program, ...words, "--out", out], {
    env: { ...process.env, SIGNAL_AT: "SIGINT self metrics.jsonl" },
    stdio: "ignore",
  });
  expect(await new Promise<number | null>((done) => child.on("exit", done))).toBe(130);
  for (const file of ["manifest.json", "policy.bin", "checkpoint.bin"]) {
    expect(existsSync(join(out, file)), file).toBe(true);
  }
  const finish = (...more: string[]) =>
    JSON.parse(
      execFileSync(process.execPath, [program, ...words, ...more], { encoding: "utf8" }),
    ) as { modelHash: string; steps: number };
  const resumed = finish("--out", out, "--resume");
  const whole = finish("--out", join(folder, "whole"));
  expect(resumed.steps).toBe(16_384);
  expect(resumed.modelHash).toBe(whole.modelHash);
  // Nothing in a model's folder tells where it lies or how often it was interrupted.
  for (const file of ["manifest.json", "policy.bin", "checkpoint.bin", "metrics.jsonl"]) {
    const bytes = readFileSync(join(out, file));
    expect(bytes.equals(readFileSync(join(folder, "whole", file))), file).toBe(true);
  }
});
