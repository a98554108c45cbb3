/** `train --env` as a user calls it: reference environments, presets, and what goes wrong. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trainCommand } from "../../src/apps/train-command.ts";
import { ENVIRONMENT_NAMES } from "../../src/gym/index.ts";
import { bundle } from "../fixtures/bundle.mjs";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-train-env-"));
let program = "";

beforeAll(async () => {
  program = await bundle("src/apps/main.ts");
});

afterAll(() => {
  rmSync(program, { force: true });
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly out: string;
  readonly err: string;
  readonly code: unknown;
}

function train(...flags: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, "train", ...flags], { cwd: folder }, (error, out, err) =>
      resolve({ out, err, code: error === null ? 0 : error.code }),
    );
  });
}

interface Result {
  readonly meanReturn: number;
  readonly episodes: number;
  readonly steps: number;
  readonly stepsPerSecond: number;
  readonly modelHash: string;
}

async function result(...flags: string[]): Promise<Result> {
  const { out, err, code } = await train(...flags, "--json");
  expect(code, err).toBe(0);
  return JSON.parse(out.trim().split("\n").at(-1) ?? "") as Result;
}

/** What is written to standard output while `act` runs; what people are told is left out. */
async function heard(act: () => Promise<unknown>): Promise<string> {
  const { stdout, stderr } = process;
  const real = { out: stdout.write.bind(stdout), err: stderr.write.bind(stderr) };
  let said = "";
  stdout.write = (text: string | Uint8Array) => ((said += String(text)), true);
  stderr.write = () => true;
  try {
    await act();
  } finally {
    stdout.write = real.out;
    stderr.write = real.err;
  }
  return said;
}

describe("a run on a reference environment", () => {
  const short = ["--env", "CartPole-v1", "--preset", "rl-zoo", "--steps", "2560", "--seed", "7"];

  test("says what came out, the same on any number of threads, and writes nothing", async () => {
    const [one, two, other] = await Promise.all([
      result(...short),
      result(...short, "--threads", "2"),
      result(...short.slice(0, -1), "8"),
    ]);
    expect(one).toMatchObject({ environment: "CartPole-v1", preset: "rl-zoo", seed: 7 });
    expect(one.steps).toBe(2560);
    expect(one.stepsPerSecond).toBeGreaterThan(0);
    expect(one.episodes).toBe(100);
    expect(one.meanReturn).toBeGreaterThan(9);
    expect(one.modelHash).toMatch(/^[0-9a-f]{64}$/);
    expect([two.modelHash, two.meanReturn]).toEqual([one.modelHash, one.meanReturn]);
    expect(other.modelHash).not.toBe(one.modelHash);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("every environment can be trained on with cleanrl and rl-zoo, and says how it went", async () => {
    for (const environment of ENVIRONMENT_NAMES) {
      for (const preset of ["cleanrl", "rl-zoo"]) {
        // As short as lets an episode of Acrobot end.
        const words = ["--env", environment, "--preset", preset, "--seed", "1", "--steps", "2560"];
        const said = await heard(() =>
          trainCommand().parseAsync([...words, "--json"], { from: "user" }),
        );
        expect(JSON.parse(said), `${environment} ${preset}`).toMatchObject({
          meanReturn: expect.any(Number) as number,
          steps: expect.any(Number) as number,
          stepsPerSecond: expect.any(Number) as number,
          modelHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        });
      }
    }
  });

  test("kept in a folder it is measured by its own metrics, and can be resumed", async () => {
    const flags = ["--env", "CartPole-v1", "--preset", "cleanrl", "--seed", "3"];
    const whole = await result(...flags, "--steps", "6144", "--out", "whole");
    const first = await result(...flags, "--steps", "6144", "--out", "parts", "--until", "3072");
    expect(first.steps).toBe(3072);
    const second = await result(...flags, "--steps", "6144", "--out", "parts", "--resume");
    expect([second.modelHash, second.meanReturn]).toEqual([whole.modelHash, whole.meanReturn]);
    // The last rollouts that hold a hundred episodes, counted by hand.
    const lines = readFileSync(join(folder, "whole", "metrics.jsonl"), "utf8")
      .trim()
      .split("\n");
    let [episodes, total] = [0, 0];
    for (const line of lines.toReversed()) {
      if (episodes >= 100) break;
      const rollout = JSON.parse(line) as { episodes: number; meanReturn: number | null };
      episodes += rollout.episodes;
      total += rollout.episodes * (rollout.meanReturn ?? 0);
    }
    expect(episodes).toBeGreaterThanOrEqual(100);
    expect(whole.episodes).toBe(episodes);
    expect(whole.meanReturn).toBeCloseTo(total / episodes, 9);
    for (const file of ["manifest.json", "policy.bin", "policy.onnx", "model.json"]) {
      expect(existsSync(join(folder, "whole", file)), file).toBe(true);
    }
  });
});

describe("what does not go together is refused in one line", () => {
  test.concurrent.each([
    [["--env", "cartpole"], /did you mean CartPole-v1/],
    [["--env", "CartPole-v1", "--preset", "rlzoo"], /was "rlzoo"; did you mean rl-zoo/],
    [["--env", "CartPole-v1", "--sessions", "sessions/sample-1"], /--env: .* was --sessions/],
    [["--env", "CartPole-v1", "--fill-model", "touch"], /--env: .* was --fill-model/],
    [["--preset", "cleanrl"], /--preset: expected --env/],
  ] as const)("%j", async (flags, message) => {
    const { err, code } = await train(...flags);
    expect(code).toBe(2);
    expect(err.match(/^error: /gm)).toHaveLength(1);
    expect(err).toMatch(message);
  });
});
