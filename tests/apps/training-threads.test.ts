/**
 * Training on sessions with threads for lanes and updates, compiled as users have it: model folders
 * equal byte for byte on any number of threads, paused and interrupted runs too.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle, compile, SIGNALLER } from "../fixtures/bundle.mjs";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-threads-"));
const SESSIONS = ["sessions/sample-1", "sessions/sample-2"];
let compiled = { folder: "", program: "" };
let worker = "";

beforeAll(async () => {
  compiled = await compile(["src/apps/main.ts", "src/sim/kalshi-lanes-worker.ts"]);
  worker = join(compiled.folder, "dist/sim/kalshi-lanes-worker.js");
  expect(train("whole", 1)).toMatchObject({ code: 0 });
});
afterAll(() => {
  rmSync(compiled.folder, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

/** 12,288 steps in three iterations. */
function words(name: string, threads: number, more: readonly string[]): string[] {
  const run = ["--steps", "12288", "--seed", "3", "--episode-steps", "100"];
  const out = ["--out", join(folder, name), "--threads", String(threads)];
  return [compiled.program, "train", "--sessions", ...SESSIONS, ...run, ...out, ...more];
}

function train(name: string, threads: number, ...more: string[]) {
  const child = spawnSync(process.execPath, words(name, threads, more), {
    encoding: "utf8",
    timeout: 120_000,
  });
  return { code: child.status, complaint: child.stderr };
}

function expectSame(name: string): void {
  const files = (of: string): string[] => readdirSync(join(folder, of)).sort();
  expect(files(name)).toEqual(files("whole"));
  for (const file of files("whole")) {
    const bytes = readFileSync(join(folder, name, file));
    expect(bytes.equals(readFileSync(join(folder, "whole", file))), file).toBe(true);
  }
}

test.each([2, 4])("%i threads leave the folder that one leaves", (threads) => {
  expect(train("threads", threads, "--replace")).toMatchObject({ code: 0 });
  expectSame("threads");
});

test("a run goes on, halfway, on other numbers of threads", () => {
  expect(train("paused", 2, "--until", "4096")).toMatchObject({ code: 0 });
  expect(train("paused", 4, "--until", "8192", "--resume")).toMatchObject({ code: 0 });
  expect(train("paused", 1, "--resume")).toMatchObject({ code: 0 });
  expectSame("paused");
});

test("Ctrl-C ends all threads, and the run goes on on others", async () => {
  const child = spawn(process.execPath, ["--import", SIGNALLER, ...words("stopped", 2, [])], {
    env: { ...process.env, SIGNAL_AT: "SIGINT self metrics.jsonl" },
    stdio: "ignore",
  });
  expect(await new Promise<number | null>((done) => child.on("exit", done))).toBe(130);
  expect(train("stopped", 4, "--resume")).toMatchObject({ code: 0 });
  expectSame("stopped");
});

test("workers run their own program, and training says so where it cannot", () => {
  const program = readFileSync(worker, "utf8");
  const broken = 'import { isMainThread } from "node:worker_threads";';
  try {
    writeFileSync(worker, `${broken}\nif (!isMainThread) throw Error("not today");\n${program}`);
    expect(train("broken", 1)).toMatchObject({ code: 0 });
    const { code, complaint } = train("broken", 2, "--replace");
    expect(code).toBe(1);
    expect(complaint).toMatch(/kalshi-lanes-worker\.js to export kalshiLanes.*not today/);
  } finally {
    writeFileSync(worker, program);
  }
});

test("bundled in one file the lanes stay on one thread, and nothing else changes", async () => {
  const program = await bundle("src/apps/main.ts");
  try {
    const [, ...rest] = words("bundled", 2, []);
    expect(spawnSync(process.execPath, [program, ...rest], { timeout: 120_000 }).status).toBe(0);
    expectSame("bundled");
  } finally {
    rmSync(program, { force: true });
  }
});
