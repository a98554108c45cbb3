/** What the documentation says of training is what there is: names in both directions, and defaults. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readConfiguration } from "../../src/apps/configuration.ts";
import { trainCommand } from "../../src/apps/train-command.ts";
import { DEFAULT_PPO } from "../../src/learn/index.ts";
import { ALARM_KINDS } from "../../src/learn/alarms.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-training-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Cells of the first table after a heading, its head left out; backquotes are kept. */
function tableUnder(page: string, heading: string): string[][] {
  const text = readFileSync(`docs/${page}`, "utf8");
  const from = text.indexOf(`\n${heading}\n`);
  expect(from, `${page}: ${heading}`).toBeGreaterThan(0);
  const lines = text.slice(from).split("\n");
  const start = lines.findIndex((line) => line.startsWith("|---"));
  const end = lines.findIndex((line, at) => at > start && !line.startsWith("|"));
  return lines.slice(start + 1, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What stands in backquotes. */
function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

const keysOf = (rows: string[][]): string[] => rows.flatMap(([key = ""]) => quoted(key));

test("docs/ppo.md explains every metric that a run writes, and no other", async () => {
  const short = ["--env", "CartPole-v1", "--steps", "512", "--json"];
  const evaluated = ["--evaluate-every", "512", "--evaluate-episodes", "1"];
  for (const [name, flags] of Object.entries({ alone: [], evaluated })) {
    const out = join(folder, name);
    const words = [...short, ...flags, "--out", out];
    await trainCommand().exitOverride().parseAsync(words, { from: "user" });
    const [line = ""] = readFileSync(join(out, "metrics.jsonl"), "utf8").split("\n");
    const written = Object.keys(JSON.parse(line) as object);
    expect(keysOf(tableUnder("ppo.md", "### Metrics")).sort()).toEqual(written.sort());
  }
});

test("docs/ppo.md explains every alarm, and no other", () => {
  expect(keysOf(tableUnder("ppo.md", "### Alarms"))).toEqual([...ALARM_KINDS]);
});

test("docs/ppo.md has every setting of PPO, with the library's and the command line's default", () => {
  const valueOf = (settings: object, path: string): unknown => {
    let at: unknown = settings;
    for (const key of path.split(".")) at = (at as Record<string, unknown>)[key];
    return at;
  };
  const leaves = Object.entries(DEFAULT_PPO).flatMap(([key, value]: [string, unknown]) =>
    key === "adam" ? Object.keys(value as object).map((inner) => `adam.${inner}`) : [key],
  );
  const { ppo } = readConfiguration(undefined, {});
  const rows = tableUnder("ppo.md", "## Settings");
  expect(keysOf(rows).sort()).toEqual(leaves.sort());
  const words = (value: unknown): string =>
    typeof value === "string" ? value : JSON.stringify(value);
  for (const [key = "", library = "", commandLine = ""] of rows) {
    const wanted = (settings: object) => quoted(key).map((path) => words(valueOf(settings, path)));
    const said = (cell: string) =>
      quoted(key).length === 1 ? [cell.replaceAll("`", "")] : cell.replaceAll("`", "").split(", ");
    // Numbers as JSON prints them, but for 0.00001.
    const plain = (texts: string[]) => texts.map((text) => text.replace("1e-5", "0.00001"));
    expect(said(library), key).toEqual(plain(wanted(DEFAULT_PPO)));
    expect(said(commandLine === "" ? library : commandLine), key).toEqual(plain(wanted(ppo)));
    if (commandLine !== "") expect(commandLine).not.toBe(library);
  }
});

test("docs/ppo.md has every callback with its default and its flag", () => {
  const rows = tableUnder("ppo.md", "### Callbacks");
  const { callbacks } = readConfiguration(undefined, {});
  const known = ["evaluateOn", ...Object.keys(callbacks)];
  expect(keysOf(rows).sort()).toEqual(known.sort());
  const flags = trainCommand().options.map(({ long }) => long);
  for (const [key = "", value = "", flag = ""] of rows) {
    const name = key.replaceAll("`", "");
    const found = (callbacks as Record<string, unknown>)[name];
    expect(value, name).toBe(found === undefined ? "none" : JSON.stringify(found));
    if (flag !== "") {
      expect(flags).toContain(quoted(flag)[0]);
      // A flag is its key in other letters.
      expect(flag).toBe(`\`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}\``);
    }
  }
  const everywhere = tableUnder("cli.md", "## Configuration files");
  const row = everywhere.find(([key]) => key === "`callbacks.*`");
  expect((quoted(row?.[2] ?? "")[0] ?? "").split(", ").sort()).toEqual(known);
});

test("docs/cli.md has every flag of train, and no other", () => {
  const flags = trainCommand().options.map(({ flags: text }) => text);
  expect(keysOf(tableUnder("cli.md", "## Flags of train")).sort()).toEqual(flags.sort());
});
