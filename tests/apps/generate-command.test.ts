/** `sessions generate` and `sessions statistics`, run as commander runs them. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateCommand } from "../../src/apps/generate-command.ts";
import { statisticsCommand } from "../../src/apps/statistics-command.ts";
import { openSession } from "../../src/market/index.ts";

let scratch = "";
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "generate-command-"));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** Runs a command line and returns what it wrote to standard output. */
async function run(...words: string[]): Promise<string> {
  const program = new Command().exitOverride();
  program.addCommand(
    generateCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined }),
  );
  program.addCommand(statisticsCommand());
  const { stdout, stderr } = process;
  const [write, complain] = [stdout.write.bind(stdout), stderr.write.bind(stderr)];
  let text = "";
  stdout.write = ((chunk: string) => (text += chunk) !== "") as typeof stdout.write;
  stderr.write = (() => true) as typeof stderr.write;
  try {
    await program.parseAsync(words, { from: "user" });
  } finally {
    stdout.write = write;
    stderr.write = complain;
  }
  return text;
}

test("generate writes the session that its flags describe, and says so in one JSON object", async () => {
  const out = join(scratch, "mine");
  const flags = ["--seed", "7", "--minutes", "2.5", "--events", "2", "--profile", "fight"];
  const text = await run("generate", "--out", out, ...flags, "--json");
  const told = JSON.parse(text) as Record<string, unknown>;
  const session = openSession(out);
  expect(told).toMatchObject({
    folder: out,
    id: "mine",
    seed: 7,
    events: 2,
    minutes: 2.5,
    profile: "fight",
    contentHash: session.contentHash,
  });
  const { markets } = session.readTape();
  expect(markets).toHaveLength(4);
  expect(new Set(markets.map(({ seriesTicker }) => seriesTicker))).toEqual(
    new Set(["KXSAMPLEFIGHT"]),
  );
  session.close();
});

test("generate leaves a session that is there alone, unless told to replace it", async () => {
  const out = join(scratch, "kept");
  await run("generate", "--out", out, "--minutes", "1", "--seed", "1");
  const hash = openSession(out).contentHash;
  await expect(run("generate", "--out", out, "--minutes", "1", "--seed", "2")).rejects.toThrow(
    /expected a new or empty folder/,
  );
  expect(openSession(out).contentHash).toBe(hash);
  await run("generate", "--out", out, "--minutes", "1", "--seed", "2", "--replace");
  expect(openSession(out).contentHash).not.toBe(hash);
});

test("flags that make no sense are refused before anything is written", async () => {
  const out = join(scratch, "never");
  await expect(run("generate")).rejects.toThrow(/--out: expected the folder/);
  for (const wrong of [
    ["--seed", "-1"],
    ["--seed", "1.5"],
    ["--events", "14"],
    ["--minutes", "soon"],
    ["--profile", "chess"],
    ["--start", "yesterday"],
  ]) {
    await expect(run("generate", "--out", out, ...wrong), wrong.join(" ")).rejects.toThrow();
  }
  expect(existsSync(out)).toBe(false);
});

test("statistics prints one column a market, and numbers with --json", async () => {
  const out = join(scratch, "measured");
  await run("generate", "--out", out, "--minutes", "3", "--seed", "4");
  const lines = (await run("statistics", out)).trim().split("\n");
  expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) expect(line.split("|")).toHaveLength(5);
  expect(lines.join()).not.toMatch(/NaN|undefined|Infinity/);
  const told = JSON.parse(await run("statistics", out, "--json")) as {
    markets: { statistics: { trades: number } }[];
  };
  const trades = told.markets.reduce((sum, { statistics }) => sum + statistics.trades, 0);
  const session = openSession(out);
  expect(trades).toBe(session.counts.trades);
  session.close();
  await expect(run("statistics", out, "--market", "NONE")).rejects.toThrow(/was NONE/);
});
