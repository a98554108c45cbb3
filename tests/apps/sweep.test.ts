/** Sweeps as a user runs them: real processes, real signals, tiny runs. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromArrow } from "arquero";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle, SIGNALLER } from "../fixtures/bundle.mjs";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-sweep-"));
let program = "";

beforeAll(async () => {
  program = await bundle("src/apps/main.ts");
});
afterAll(() => {
  rmSync(program, { force: true });
  rmSync(folder, { recursive: true, force: true });
});

const SESSIONS = {
  files: { sessions: ["sessions/sample-1"] },
  environments: 4,
  episode: { steps: 20 },
  ppo: { totalSteps: 512, rolloutSteps: 32, minibatches: 2, epochs: 1, hidden: [8] },
  evaluation: { episodes: 2 },
};
const ENV = { env: "CartPole-v1", preset: "cleanrl", ppo: { totalSteps: 4096, hidden: [8] } };

function sweepFile(name: string, content: object): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify({ seeds: [1, 2], ...content }));
  return path;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function start(...words: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  return startSignalled("", words);
}

/** Starts a sweep that is sent a signal by one of its runs, see signal-at-write.mjs. */
function startSignalled(at: string, words: readonly string[]) {
  const child = spawn(process.execPath, ["--import", SIGNALLER, program, "sweep", ...words], {
    env: { ...process.env, SIGNAL_AT: at },
  });
  let [output, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => resolve({ code, output, errors }));
  });
  return { child, ended };
}

function run(...words: string[]): Promise<Ended> {
  return start(...words).ended;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const RESULTS = ["sweep.json", "results.csv", "results.arrow", "results.svg", "results.png"];

/** Every file of a sweep but logs, by its path, as text of its bytes. */
function filesOf(out: string): Map<string, string> {
  const runs = readdirSync(join(out, "runs")).flatMap((name) => [
    join("runs", name, "configuration.json"),
    join("runs", name, "result.json"),
    join("runs", name, "model", "policy.bin"),
    join("runs", name, "model", "metrics.jsonl"),
  ]);
  const files = [...RESULTS, "best.json", ...runs].filter((file) => existsSync(join(out, file)));
  return new Map(files.map((file) => [file, readFileSync(join(out, file)).toString("base64")]));
}

interface Told {
  readonly runs: readonly {
    readonly setting: number;
    readonly seed: number;
    readonly score: number | null;
    readonly steps: number | null;
    readonly rungs: readonly { readonly steps: number; readonly score: number | null }[];
    readonly modelHash: string | null;
    readonly error: string | null;
  }[];
  readonly best: { readonly setting: number; readonly command: string } | null;
}

function told({ output }: Ended): Told {
  return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as Told;
}

test("a sweep that was interrupted, then killed, goes on to the same bytes", async () => {
  const file = sweepFile("cut", {
    base: { ...ENV, ppo: { ...ENV.ppo, totalSteps: 16_384 } },
    search: {
      "ppo.learningRate": { logUniform: [1e-4, 1e-2] },
      "ppo.hidden": { choice: [[8], [4, 4]] },
    },
    samples: 2,
  });
  const whole = join(folder, "whole");
  const plain = await run(file, "--out", whole, "--jobs", "2", "--json");
  expect(plain.code, plain.errors).toBe(0);
  expect(plain.output.trimEnd().split("\n")).toHaveLength(1);

  const cut = join(folder, "cut");
  const words = [file, "--out", cut, "--jobs", "1"];
  const interrupted = await startSignalled("SIGINT parent runs/001/model/metrics.jsonl", words)
    .ended;
  expect(interrupted.code).toBe(130);
  expect(interrupted.output).toContain("--resume");
  expect(existsSync(join(cut, "sweep.lock"))).toBe(false);
  expect(existsSync(join(cut, "runs/003"))).toBe(false);
  const finishedAt = statSync(join(cut, "runs/000/model/checkpoint.bin")).mtimeMs;

  const kill = "SIGKILL parent runs/002/model/metrics.jsonl";
  const second = startSignalled(kill, [...words, "--resume"]);
  await second.ended;
  expect(second.child.signalCode).toBe("SIGKILL");
  const pids = JSON.parse(readFileSync(join(cut, "sweep.lock"), "utf8")) as number[];
  expect(pids).toContain(second.child.pid);

  const third = await run(file, "--out", cut, "--jobs", "2", "--resume", "--json");
  expect(third.code, third.errors).toBe(0);
  // What was finished did not run again, and nobody outlived the sweep.
  expect(statSync(join(cut, "runs/000/model/checkpoint.bin")).mtimeMs).toBe(finishedAt);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(told(third).runs).toEqual(told(plain).runs);
  expect([...filesOf(cut)]).toEqual([...filesOf(whole)]);

  const { runs, best } = told(plain);
  const picture = readFileSync(join(whole, "results.svg"), "utf8");
  for (const key of ["ppo.learningRate", "ppo.hidden"]) expect(picture).toContain(key);
  // A dot a run in each panel, and those of the legend.
  expect(picture.match(/<circle/g)).toHaveLength(2 * runs.length + 2);
  expect(runs.map(({ setting, seed }) => [setting, seed])).toEqual([
    [0, 1],
    [0, 2],
    [1, 1],
    [1, 2],
  ]);
  const means = [0, 1].map((setting) => {
    const [a, b] = runs.filter((row) => row.setting === setting).map(({ score }) => Number(score));
    return (Number(a) + Number(b)) / 2;
  });
  expect(best?.setting).toBe(means.indexOf(Math.max(...means)));
  const table = fromArrow(readFileSync(join(whole, "results.arrow")));
  expect(table.objects()).toMatchObject(
    runs.map(({ setting, seed, score, steps }) => ({ setting, seed, score, steps })),
  );
  expect(table.array("ppo.hidden").every((text) => /^\[/.test(String(text)))).toBe(true);
});

test("a run that fails is a row with its error; a sweep that is done stays as it is", async () => {
  const content = {
    base: SESSIONS,
    search: { "ppo.minibatches": { choice: [7, 2] } },
    method: "grid",
    score: "heldOut",
    heldOut: ["sessions/sample-5"],
    seeds: [5],
  };
  const file = sweepFile("failing", content);
  const out = join(folder, "failing");
  expect((await run(file, "--out", out, "--resume")).errors).toContain("leave --resume out");
  const ended = await run(file, "--out", out, "--json");
  expect(ended.code, ended.errors).toBe(0);
  const { runs, best } = told(ended);
  expect(runs[0]).toMatchObject({ setting: 0, score: null });
  expect(runs[0]?.error).toMatch(/^ppo\.minibatches: expected a divisor of .*, was 7/);
  expect(runs[1]).toMatchObject({ setting: 1, error: null, steps: 512 });
  expect(best?.setting).toBe(1);
  expect(best?.command).toBe(
    `kalshi-gym train --config ${join(out, "best.json")} --out models/best`,
  );
  // The score is what evaluate says of the run's model, on the episodes of the sweep's seed.
  const model = join(out, "runs/001/model");
  const judged = spawnSync(
    process.execPath,
    [
      program,
      "evaluate",
      "--model",
      model,
      "--sessions",
      "sessions/sample-5",
      "--seed",
      "42",
    ].concat(["--episodes", "2", "--json"]),
    { encoding: "utf8" },
  );
  const { policies } = JSON.parse(judged.stdout) as { policies: { agent: { mean: number } } };
  expect(runs[1]?.score).toBe(policies.agent.mean);
  expect(readFileSync(join(out, "results.csv"), "utf8")).toContain('"ppo.minibatches: expected');

  const before = filesOf(out);
  expect((await run(file, "--out", out, "--resume")).code).toBe(0);
  expect([...filesOf(out)]).toEqual([...before]);

  // Neither a second beginning, nor another sweep, nor two at once.
  const again = await run(file, "--out", out);
  expect(again).toMatchObject({ code: 1 });
  expect(again.errors).toContain("go on with --resume");
  const other = sweepFile("other", { ...content, seeds: [6] });
  expect((await run(other, "--out", out, "--resume")).errors).toContain("(seeds differs)");
  writeFileSync(join(out, "sweep.lock"), JSON.stringify([process.pid]));
  expect((await run(file, "--out", out, "--resume")).errors).toContain(
    `was in use by process ${process.pid}`,
  );
});

test("halving lets the best go on, to the weights of runs that never paused", async () => {
  const file = sweepFile("halving", {
    base: ENV,
    search: { "ppo.learningRate": { logUniform: [1e-4, 1e-1] } },
    method: "halving",
    samples: 3,
    halving: { factor: 2, rungs: 2 },
  });
  const out = join(folder, "halving");
  const first = start(file, "--out", out, "--jobs", "2");
  await until(() => existsSync(join(out, "runs/002/result.json")));
  first.child.kill("SIGKILL");
  await first.ended;
  const ended = await run(file, "--out", out, "--jobs", "1", "--resume", "--json");
  expect(ended.code, ended.errors).toBe(0);
  const { runs, best } = told(ended);

  // The rule by hand: the mean of two seeds at the first rung, the best of three.
  const scoreAt = (row: Told["runs"][number] | undefined, rung: number) =>
    Number(row?.rungs[rung]?.score);
  const means = [0, 1, 2].map(
    (setting) => scoreAt(runs[2 * setting], 0) + scoreAt(runs[2 * setting + 1], 0),
  );
  const bar = Math.max(...means);
  for (const { setting, rungs } of runs) {
    const steps = rungs.map((rung) => rung.steps);
    expect(steps).toEqual((means[setting] ?? 0) >= bar ? [2048, 4096] : [2048]);
  }
  const finals = runs.filter(({ rungs }) => rungs.length === 2);
  expect(finals.map(({ setting }) => setting)).toContain(best?.setting);

  const [winner] = finals.filter(({ setting }) => setting === best?.setting);
  const trained = spawnSync(
    process.execPath,
    [program, ...(best?.command.split(" ").slice(1, -2) ?? []), "--json"],
    { encoding: "utf8" },
  );
  const whole = JSON.parse(trained.stdout) as { modelHash: string; meanReturn: number };
  expect(whole).toMatchObject({ modelHash: winner?.modelHash, meanReturn: winner?.score });
  expect(readFileSync(join(out, "results.csv"), "utf8").split("\n")[0]).toBe(
    "run,setting,seed,ppo.learningRate,rung,steps,score,score_1,score_2,model_hash,error",
  );
});
