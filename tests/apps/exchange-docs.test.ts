/** `docs/exchange.md` against the exchange: its examples run, its tables are complete. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exchangeCommand } from "../../src/apps/exchange-command.ts";
import { Prng, type TimestampUs, US_PER_SECOND } from "../../src/core/index.ts";
import {
  FAULT_KINDS,
  MadeUpCrowd,
  MatchingEngine,
  readFaultRules,
} from "../../src/exchange/index.ts";
import { bundle } from "../fixtures/bundle.mjs";

const text = readFileSync("docs/exchange.md", "utf8");

function example(language: string): string {
  const found = new RegExp(`\n\`\`\`${language}\n([\\s\\S]*?)\n\`\`\``).exec(text)?.[1];
  if (found === undefined) throw new Error(`no example in ${language}`);
  return found;
}

describe("the examples", () => {
  let program = "";
  let folder = "";
  let bin = "";
  let shell: { status: number | null; out: string } = { status: null, out: "" };
  let keeper: ChildProcess | null = null;

  beforeAll(async () => {
    program = await bundle("src/apps/main.ts");
    // Beside the packages, so that examples find them.
    mkdirSync("node_modules/.cache", { recursive: true });
    folder = resolve(mkdtempSync("node_modules/.cache/exchange-docs-"));
    bin = mkdtempSync(join(tmpdir(), "kalshi-gym-docs-bin-"));
    writeFileSync(
      join(bin, "npx"),
      `#!/bin/sh\nshift\nexec "${process.execPath}" "${program}" "$@"\n`,
    );
    chmodSync(join(bin, "npx"), 0o755);
    const path = `${bin}${delimiter}${process.env["PATH"] ?? ""}`;
    // The shell stays, and with it the exchange that the example leaves running.
    const child = spawn("sh", ["-c", `${example("sh")}\necho finished\nread end\nkill $!`], {
      cwd: folder,
      env: { ...process.env, PATH: path },
      stdio: ["pipe", "pipe", "ignore"],
    });
    keeper = child;
    await new Promise<void>((done) => {
      child.stdout.on("data", (data: Buffer) => {
        shell = { status: 0, out: shell.out + data.toString() };
        if (shell.out.includes("finished")) done();
      });
      child.on("close", (status) => {
        shell = { ...shell, status };
        done();
      });
    });
  });

  afterAll(async () => {
    const child = keeper;
    if (child !== null && child.exitCode === null) {
      const ended = new Promise((done) => child.on("close", done));
      child.stdin?.end("\n");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
    rmSync(bin, { recursive: true, force: true });
    rmSync(program, { force: true });
  });

  test("in a shell: a balance, an order, and the order in the list", () => {
    expect(shell.status).toBe(0);
    const [balance, created, orders] = shell.out.trim().split("\n");
    expect(JSON.parse(balance ?? "")).toMatchObject({ balance: 1_000_000 });
    const { order_id: id } = JSON.parse(created ?? "") as { order_id: string };
    expect(JSON.parse(orders ?? "")).toMatchObject({
      orders: [{ order_id: id, status: "resting", remaining_count_fp: "5.00" }],
    });
  });

  test("in TypeScript, and in Python where it is: an order that rests, one that trades, the feed", () => {
    writeFileSync(join(folder, "example.mjs"), example("ts"));
    const script = spawnSync(process.execPath, ["example.mjs"], {
      cwd: folder,
      encoding: "utf8",
      timeout: 120_000,
    });
    expect(script.stderr).toBe("");
    expect(script.stdout).toMatch(/^resting 2\.00\nsubscribed undefined\norderbook_snapshot 1\n/);
    const needed = "import cryptography";
    const hasPython = spawnSync("python3", ["-c", needed], { timeout: 120_000 }).status === 0;
    if (!hasPython) return;
    const python = spawnSync("python3", ["-c", example("python")], {
      cwd: folder,
      encoding: "utf8",
      timeout: 120_000,
    });
    expect(python.stderr).toBe("");
    expect(python.stdout).toMatch(/^[0-3]\.\d\d filled at (0\.\d{4}|None)\n$/);
  });
});

test("every flag, every kind of fault and every control route is described, and no other", () => {
  const flags = exchangeCommand().options.map(({ long }) => long ?? "");
  for (const flag of flags) expect(text).toContain(`\`${flag}`);
  const rows = [...text.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  expect(
    rows.filter((word) => !["chance", "times", "channel", "amount_ms"].includes(word ?? "")),
  ).toEqual([...FAULT_KINDS]);
  const source = readFileSync("src/exchange/rest/control-routes.ts", "utf8");
  const routes = [...source.matchAll(/own\("(\w+)", "([^"]+)"/g)].map(
    ([, method, path]) => `${method} ${path?.replace(":ticker", "<ticker>")}`,
  );
  const described = [...text.matchAll(/^\| `((?:GET|PUT|POST) \/control[^`]*)` \|/gm)];
  expect(described.map((match) => match[1])).toEqual(routes);
});

test("made-up markets are as busy as is said", () => {
  const told =
    /1, when left out, is about (\d+) messages.*; ([\d.]+) is about (\d+), and (\d+) about (\d+)\./;
  const [one, less, ofLess, more, ofMore] = (told.exec(text) ?? []).slice(1).map(Number);
  const measured = [1, less ?? NaN, more ?? NaN].map((activity) => Math.round(busyness(activity)));
  expect(measured).toEqual([one, ofLess, ofMore]);
});

/** Changes of a level and trades a second in a made-up market: what its feed tells of. */
function busyness(activity: number): number {
  const startUs = 1_795_176_000_000_000 as TimestampUs;
  const [markets, seconds] = [20, 120];
  const prng = Prng.fromSeed(42);
  const engine = new MatchingEngine({ startUs, ids: prng.fork("ids"), marketCapacity: markets });
  const lives = { markets, minutes: 15, activity, marketsMax: markets };
  const crowd = new MadeUpCrowd({ engine, prng: prng.fork("crowd"), startUs, ...lives });
  let count = 0;
  // Books that fill for the first time are not what goes on.
  const fromUs = startUs + 10 * US_PER_SECOND;
  const endUs = fromUs + seconds * US_PER_SECOND;
  for (let nextUs = crowd.nextUs(); nextUs !== null && nextUs <= endUs; nextUs = crowd.nextUs()) {
    engine.advanceTo(nextUs as TimestampUs);
    crowd.act(nextUs);
    const events = engine.collect();
    if (nextUs < fromUs) continue;
    count += events.filter(({ kind }) => kind === "level" || kind === "trade").length;
  }
  return count / markets / seconds;
}

test("the example of a fault script is one", () => {
  expect(readFaultRules(JSON.parse(example("json")), "script")).toHaveLength(4);
});
