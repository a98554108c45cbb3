/** The program as a user starts it: a process of its own, bundled from the sources as they are. */
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../fixtures/bundle.mjs";
import { type EpisodeHeader, EpisodeWriter } from "../../src/journal/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-cli-"));
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
  readonly code: number | null;
}

function start(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const ended = new Promise<Run>((resolve) =>
    child.on("close", (code) => resolve({ out, err, code })),
  );
  return { child, ended };
}

async function run(...args: string[]): Promise<Run> {
  return start(...args).ended;
}

/** The object on the one line of standard output; the run must have ended well. */
function object({ out, err, code }: Run): Record<string, unknown> {
  expect(code, err).toBe(0);
  expect(out.split("\n")).toHaveLength(2);
  return JSON.parse(out) as Record<string, unknown>;
}

const SHA256 = expect.stringMatching(/^[0-9a-f]{64}$/) as string;

describe("help", () => {
  test("every command has its own, with an example that begins with the program's name", async () => {
    const seen: string[] = [];
    const visit = async (path: readonly string[]): Promise<void> => {
      const { out, code } = await run(...path, "--help");
      const name = ["kalshi-gym", ...path].join(" ");
      expect(code, name).toBe(0);
      expect(out, name).toMatch(/\nExamples?:\n {2}kalshi-gym /);
      seen.push(name);
      const list = /\nCommands:\n([\s\S]*?)\n\n/.exec(out)?.[1] ?? "";
      const children = [...list.matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1] ?? "");
      await Promise.all(
        children.filter((child) => child !== "help").map((child) => visit([...path, child])),
      );
    };
    await visit([]);
    for (const name of ["demo", "train", "evaluate", "replay", "sessions import"]) {
      expect(seen).toContain(`kalshi-gym ${name}`);
    }
    expect(seen.length).toBeGreaterThanOrEqual(14);
  });

  test("an example names only flags that its command knows", async () => {
    for (const command of ["train", "evaluate", "replay", "demo"]) {
      const { out } = await run(command, "--help");
      const example = /\nExample:\n(.*)/.exec(out)?.[1] ?? "";
      for (const [flag] of example.matchAll(/--[a-z-]+/g)) {
        expect(out.split("\nExample:")[0], `${command} ${flag}`).toContain(flag);
      }
    }
  });
});

describe("wrong usage is exit code 2 and says what was meant", () => {
  test.each([
    [["trian"], "(Did you mean train?)"],
    [["train", "--step", "5"], "(Did you mean --steps?)"],
    [["sessions", "lst"], "(Did you mean list?)"],
    [["evaluate", "--choice", "worst"], "Allowed choices are best, sample"],
    [["train", "--steps", "-5"], "Expected a whole number from 1 up"],
    [["replay"], "missing required argument 'episode'"],
    [["train", "--sessions", "sessions/sample-1"], "--out: expected on the command line"],
    [["train", "--patience", "2", "--out", "x", "--sessions", "sessions/sample-1"], "--patience: "],
    [["train", "--environments", "9999999"], "flags: ppo.rolloutSteps: expected"],
    [["sessions", "export", "x", "--format", "xml"], "Allowed choices are csv, arrow"],
    [["sessions", "import", "x", "--out", "y", "--fee-type", "flat"], "expected one of quadratic"],
    [["sessions", "generate", "--out", "x", "--events", "14"], "--events: expected a whole number"],
  ])("%s", async (args, hint) => {
    const { out, err, code } = await run(...args);
    expect(err).toContain(hint);
    expect(out).toBe("");
    expect(code).toBe(2);
  });
});

describe("a failure of the world is exit code 1 and one plain line", () => {
  const config = join(folder, "wrong.json");
  writeFileSync(config, '{"seeed": 1}');
  const nowhere = join(folder, "nowhere");
  const model = join(folder, "never");
  const held = ["--sessions", "sessions/sample-5"];
  const seen = ["--sessions", "sessions/sample-1"];
  test.each([
    ["no session", ["sessions", "info", nowhere], `${nowhere}: expected a session folder`],
    ["no session to train on", ["train", "--sessions", nowhere, "--out", model], nowhere],
    ["nothing to replay", ["replay", nowhere, "--verify"], "was nothing there"],
    ["no episode", ["replay", "README.md"], "or the journal of a live run or its folder, was some"],
    ["nothing to shadow", ["replay", nowhere, "--shadow"], "was nothing there"],
    ["a folder of no run", ["replay", "docs"], "a folder without a journal.db"],
    ["no model", ["evaluate", "--model", nowhere, ...held], nowhere],
    ["a wrong key", ["train", "--config", config, ...seen, "--out", model], 'mean "seed"?'],
    ["a folder that is a file", ["train", ...seen, "--out", join(config, "model")], config],
  ])("%s", async (_, args, message) => {
    const { out, err, code } = await run(...args, "--json");
    expect(err).toMatch(/^error: [^\n]+\n$/);
    expect(err).toContain(message);
    expect(out).toBe("");
    expect(code).toBe(1);
    expect(existsSync(model)).toBe(false);
  });
});

test.skipIf(!existsSync("/dev/full"))(
  "output to a full disk is one plain line (where the system has such a device)",
  async () => {
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [program, "observation", "schema"], {
      stdio: ["ignore", full, "pipe"],
    });
    closeSync(full);
    let err = "";
    child.stderr?.on("data", (data: Buffer) => (err += data.toString()));
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(1);
    expect(err).toMatch(/^error: output: expected to be written, was: ENOSPC[^\n]*\n$/);
  },
);

const HELD_OUT = "sessions/sample-5";
const settings = join(folder, "small.json");
writeFileSync(
  settings,
  JSON.stringify({
    environments: 4,
    episode: { steps: 60 },
    ppo: { rolloutSteps: 64, minibatches: 4, hidden: [16] },
    evaluation: { episodes: 3 },
  }),
);

describe("from a session to a verified episode", () => {
  const model = join(folder, "model");
  const episode = join(folder, "episode.jsonl");
  const sessions = ["--sessions", "sessions/sample-1"];

  test("sessions info, train, evaluate and replay give exactly the promised JSON", async () => {
    const info = object(await run("sessions", "info", "sessions/sample-1", "--json"));
    expect(Object.keys(info)).toEqual([
      ...["id", "markets", "snapshots", "deltas", "trades", "gaps"],
      ...["startUs", "endUs", "contentHash", "quality", "reconstruction"],
    ]);

    const flags = ["--config", settings, "--seed", "7", "--json"];
    const trained = object(
      await run("train", ...sessions, "--steps", "512", "--out", model, ...flags),
    );
    expect(trained).toEqual({
      model,
      modelHash: SHA256,
      steps: 512,
      stepsPerSecond: expect.any(Number) as number,
    });

    const evaluated = object(
      await run(
        ...["evaluate", "--model", model, "--sessions", "sessions/sample-5"],
        ...["--record", episode, ...flags],
      ),
    );
    const interval = {
      mean: expect.any(Number) as number,
      low: expect.any(Number) as number,
      high: expect.any(Number) as number,
    };
    expect(Object.keys(evaluated)).toEqual(["episodes", "policies", "answers"]);
    expect(evaluated["episodes"]).toBe(3);
    const policies = evaluated["policies"] as Record<string, { mean: number }>;
    expect(policies).toMatchObject({ agent: interval, hold: interval, random: interval });
    // Who never trades neither wins nor loses.
    expect(policies["hold"]).toEqual({ mean: 0, low: 0, high: 0 });
    // Three answers over the same episodes, of which the trained world's is the policies' result.
    const answers = evaluated["answers"] as Record<string, Record<string, { mean: number }>>;
    expect(Object.keys(answers)).toEqual(["optimistic", "expected", "pessimistic"]);
    expect(answers["expected"]).toEqual(policies);
    const [high, low] = ["optimistic", "pessimistic"].map((name) => answers[name]?.["join"]?.mean);
    expect(high).toBeGreaterThan(low ?? Infinity);

    const replayed = object(await run("replay", episode, "--verify", "--json"));
    expect(replayed).toEqual({ identical: true, steps: 60, journalHash: SHA256 });
    const end = JSON.parse(readFileSync(episode, "utf8").trimEnd().split("\n").at(-1) ?? "");
    expect((end as { journalHash: string }).journalHash).toBe(replayed["journalHash"]);
  });

  test("a model folder is not overwritten, and a seen session is called so", async () => {
    const again = await run("train", ...sessions, "--out", model, "--config", settings);
    expect(again.code).toBe(1);
    expect(again.err).toContain(`${model}: expected a new folder`);
    const seen = await run(
      ...["evaluate", "--model", model, ...sessions, "--config", settings, "--episodes", "1"],
    );
    expect(seen.code, seen.err).toBe(0);
    expect(seen.err).toContain("sessions/sample-1: the model was trained on this session");
    expect(seen.out).toContain("Profit per episode after fees, 1 episodes each");
  });

  test("replay shows any step, the first and the last, and names those that there are", async () => {
    expect((await run("replay", episode, "--step", "0")).out).toMatch(/^step 0 at /);
    expect((await run("replay", episode, "--step", "59")).out).toMatch(/^step 59 at /);
    const beyond = await run("replay", episode, "--step", "60");
    expect(beyond.err).toContain("expected a step from 0 to 59, was 60");
    expect(beyond.code).toBe(1);
  });

  test("replay --act tells what another action would have come to", async () => {
    const asked = ["replay", episode, "--step", "20", "--act", "hold"];
    const answer = object(await run(...asked, "--json"));
    expect(Object.keys(answer)).toEqual(["step", "recorded", "other", "difference"]);
    const { recorded, other, difference } = answer as Record<string, { value: number }>;
    const end = JSON.parse(readFileSync(episode, "utf8").trimEnd().split("\n").at(-1) ?? "");
    expect(recorded?.value).toBe((end as { value: number }).value);
    expect(other).toMatchObject({ action: "HOLD" });
    expect(difference).toBe((other?.value ?? 0) - (recorded?.value ?? 0));
    const then = await run(...asked, "--then", "model");
    expect(then.out).toContain("; then the episode's policy decides");
    expect((await run("replay", episode, "--act", "hold")).err).toContain("needs '--step <n>'");
    expect((await run("replay", episode, "--step", "1", "--act", "wait")).code).toBe(2);
    const shadow = await run("replay", episode, "--shadow");
    expect([shadow.code, shadow.err]).toEqual([
      2,
      expect.stringContaining("--shadow is a flag for"),
    ]);
  });

  test.each([
    ["settings", { steps: 5 }, "settings.startingCash: expected the settings steps, "],
    ["startRow", 999_999_999, "startRow: expected a row of KXSAMPLE"],
  ])("an episode whose %s cannot be played is refused in one line", async (key, value, message) => {
    const lines = readFileSync(episode, "utf8").trimEnd().split("\n");
    const { header } = JSON.parse(lines[0] ?? "") as { header: EpisodeHeader };
    const odd = join(folder, `odd-${key}.jsonl`);
    const writer = new EpisodeWriter({ ...header, [key]: value }, { sessionFolder: HELD_OUT });
    writer.finish({ end: "truncated", steps: 0, value: 0 });
    writer.save(odd);
    const { err, code } = await run("replay", odd, "--verify", "--model", model, "--json");
    expect(err).toMatch(/^error: [^\n]+\n$/);
    expect(err).toContain(message);
    expect(code).toBe(1);
  });

  test("an episode that somebody changed is not taken for the one that was recorded", async () => {
    const changed = join(folder, "changed.jsonl");
    const lines = readFileSync(episode, "utf8").split("\n");
    const step = JSON.parse(lines[11] ?? "") as { cash: number };
    lines[11] = JSON.stringify({ ...step, cash: step.cash + 1 });
    writeFileSync(changed, lines.join("\n"));
    const { out, err, code } = await run("replay", changed, "--verify");
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).toContain(`${changed}:12: expected chain `);
  });
});

test.each([
  ["paper", "--policy", "join", "--out", ""],
  ["record", "--markets", "A", "--out", ""],
  ["demo", "--out", ""],
  ["exchange", "--generate", "--state", ""],
  ["backtest", "--sessions", ""],
  ["paper", "stop", ""],
  ["replay", ""],
])("%s with an empty value, as of a variable that is not set, is wrong usage", async (...words) => {
  const { code, err } = await run(...words);
  const flag = words.at(-2)?.startsWith("--") === true ? words.at(-2) : "<\\w+>";
  expect([code, err]).toEqual([2, expect.stringMatching(`error: ${flag}: expected a value`)]);
  expect(existsSync("run.json")).toBe(false);
});
