/** `kalshi-gym backtest` as a user calls it: figures, files, reports, threads, strategies of files. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rolldown } from "rolldown";
import { bundle } from "../fixtures/bundle.mjs";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-backtest-"));
const SAMPLES = ["sessions/sample-1", "sessions/sample-2", "sessions/sample-3"];
const page = readFileSync("docs/backtest.md", "utf8");
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

function backtest(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, "backtest", ...args]);
    let [out, err] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    child.on("close", (code) => resolve({ out, err, code }));
  });
}

interface Printed {
  readonly complete: boolean;
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly orders: number;
  readonly fills: number;
  readonly pnl: Readonly<Record<"optimistic" | "expected" | "pessimistic", string>>;
  readonly fees: string;
  readonly journalHash: string;
}

function printed({ out, err }: Run): Printed {
  const lines = out.trimEnd().split("\n");
  expect(lines, err).toHaveLength(1);
  return JSON.parse(lines[0] ?? "") as Printed;
}

/** A file of a strategy, its text as given. */
function strategyFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("figures", () => {
  test("JSON has exact dollars, and the same bytes come of any number of threads", async () => {
    const runs: Printed[] = [];
    for (const threads of ["1", "2", "3"]) {
      const out = join(folder, `threads-${threads}`);
      const flags = ["--sessions", ...SAMPLES, "--threads", threads, "--out", out, "--json"];
      const run = await backtest("--strategy", "random", "--option", "every=9", ...flags);
      expect(run.code, run.err).toBe(0);
      runs.push(printed(run));
    }
    const [one, ...others] = runs;
    const exact = /^-?\d+\.\d{6}$/;
    expect(one).toMatchObject({
      complete: true,
      sessions: 3,
      faults: 0,
      fees: expect.stringMatching(exact) as string,
      journalHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    for (const money of Object.values(one?.pnl ?? {})) expect(money).toMatch(exact);
    expect(Object.keys(one?.pnl ?? {})).toEqual(["optimistic", "expected", "pessimistic"]);
    expect(one?.orders).toBeGreaterThan(100);
    expect(one?.fills).toBeGreaterThan(100);
    expect(one?.events).toBeGreaterThan(100_000);
    for (const other of others) {
      expect({ ...other, seconds: 0, eventsPerSecond: 0 }).toEqual({
        ...one,
        seconds: 0,
        eventsPerSecond: 0,
      });
    }
    const names = readdirSync(join(folder, "threads-1")).sort();
    expect(names).toEqual([
      "equity.arrow",
      "equity.csv",
      "markets.arrow",
      "markets.csv",
      "summary.json",
      "trades.arrow",
      "trades.csv",
    ]);
    for (const name of names) {
      const bytes = readFileSync(join(folder, "threads-1", name));
      expect(readFileSync(join(folder, "threads-2", name)).equals(bytes), name).toBe(true);
      expect(readFileSync(join(folder, "threads-3", name)).equals(bytes), name).toBe(true);
    }
  });

  test("tables, summary and JSON agree", async () => {
    const out = join(folder, "tables");
    const flags = ["--sessions", ...SAMPLES.slice(0, 2), "--out", out, "--json"];
    const result = printed(await backtest("--strategy", "touch", ...flags));
    const rowsOf = (name: string): Record<string, string>[] => {
      const [head = "", ...lines] = readFileSync(join(out, name), "utf8").trimEnd().split("\n");
      const names = head.split(",");
      return lines.map((line) =>
        Object.fromEntries(line.split(",").map((cell, index) => [names[index] ?? "", cell])),
      );
    };
    const trades = rowsOf("trades.csv");
    const expected = trades.filter(({ world }) => world === "expected");
    expect(expected).toHaveLength(result.fills);
    for (const world of ["optimistic", "expected", "pessimistic"] as const) {
      const markets = rowsOf("markets.csv").filter((row) => row["world"] === world);
      const sum = (name: string) =>
        markets.reduce((total, market) => total + Number(market[name]), 0);
      const profit = sum("profit_micro_usd");
      expect((profit / 1e6).toFixed(6)).toBe(result.pnl[world]);
      const parts = ["spread", "adverse", "settlement", "fees"];
      const added = parts.reduce((total, part) => total + sum(`${part}_micro_usd`), 0);
      expect(added).toBe(profit);
      // What the account was worth at the end of each session, less what it began with.
      const ends = new Map(
        rowsOf("equity.csv")
          .filter((row) => row["world"] === world)
          .map((row) => [row["session"], Number(row["value_micro_usd"])]),
      );
      const gained = [...ends.values()].reduce((total, value) => total + value - 1e9, 0);
      expect(gained).toBe(profit);
    }
    const { fromArrow } = await import("arquero");
    const arrow = fromArrow(readFileSync(join(out, "trades.arrow")));
    expect(arrow.numRows()).toBe(trades.length);
    expect(arrow.columnNames()).toEqual(Object.keys(trades[0] ?? {}));
    const last = arrow.object(trades.length - 1) as Record<string, unknown>;
    for (const [name, cell] of Object.entries(trades.at(-1) ?? {})) {
      expect(String(last[name] ?? ""), name).toBe(cell);
    }
  });

  test("people get every figure of every world, and a report that needs nothing else", async () => {
    const report = join(folder, "report.html");
    const words = ["--strategy", "inventory", "--sessions", SAMPLES[0] ?? "", "--report"];
    const { out, err, code } = await backtest(...words, report);
    expect(code, err).toBe(0);
    for (const label of [
      "profit after fees",
      "95 % interval",
      "spread",
      "adverse selection",
      "settlement",
      "largest drawdown",
      "Sharpe",
      "Sortino",
      "maker share",
      "mark 60 s after a fill",
      "time in position",
      "Brier score",
    ]) {
      expect(out).toContain(label);
    }
    expect(out).toMatch(/optimistic \(touch\)\s+expected \(queue\)\s+pessimistic \(through\)/);
    const html = readFileSync(report, "utf8");
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    expect(html.match(/<svg /g)).toHaveLength(5);
    expect(html).toMatch(
      /NaN|undefined|\[object/.test(html) ? /^never$/ : /Back-test of inventory/,
    );
    for (const name of ["profit", "parts", "gain", "events", "market"]) {
      expect(existsSync(join(folder, `report-${name}.png`)), name).toBe(true);
    }
    const again = join(folder, "again.html");
    await backtest(...words, again);
    expect(readFileSync(again, "utf8")).toBe(html);
  });
});

describe("strategies of files", () => {
  const example = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? "";

  test("the example of the page runs as it stands there, and its options are checked", async () => {
    const file = strategyFile("my-strategy.mjs", example);
    const sessions = ["--sessions", ...SAMPLES.slice(0, 2), "--json"];
    const size = ["--option", "size=4", "--option", "depth=20"];
    const run = await backtest("--strategy", file, ...size, ...sessions);
    expect(run.code, run.err).toBe(0);
    expect(printed(run).orders).toBeGreaterThan(20);
    const wrong = await backtest("--strategy", file, "--option", "size=0", ...sessions);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toMatch(
      /strategy my-strategy: option size: expected a number from 1 to 100, was "0"/,
    );
  });

  test("a strategy that asks for nonsense stops the run; what it did is kept, marked", async () => {
    const file = strategyFile(
      "wrong.mjs",
      `export default ({ after }) => {
         let count = 0;
         return {
           decide(view, desk) {
             const [market] = view.due;
             if (!market.isTwoSided) return;
             const lots = Math.min(500, market.room(0));
             if (lots > 0) desk.quote(market, 0, market.bestBid, lots);
             if (++count === after) desk.take(market, 1, market.bestBid + 1, 500);
           },
         };
       };`,
    );
    const out = join(folder, "stopped");
    const words = ["--strategy", file, "--option", "after=900", "--sessions", ...SAMPLES];
    const stopped = await backtest(...words, "--out", out, "--json", "--threads", "2");
    expect(stopped.code).toBe(1);
    expect(stopped.err).toMatch(
      /error: strategy wrong: at 20\d\d-\S+Z, world optimistic: price_off_grid, asked for: take sell 500 lots at \d+ centi-cents in KXSAMPLE\S*; session sample-1/,
    );
    expect(printed(stopped)).toMatchObject({ complete: false, sessions: 1 });
    const summary = JSON.parse(readFileSync(join(out, "summary.json"), "utf8")) as {
      readonly complete: boolean;
      readonly fault: object;
      readonly worlds: readonly { readonly fills: number }[];
    };
    expect(summary.complete).toBe(false);
    expect(summary.fault).toMatchObject({ sessionId: "sample-1", reason: "price_off_grid" });
    expect(summary.worlds[0]?.fills).toBeGreaterThan(0);
    expect(existsSync(join(out, "trades.csv"))).toBe(true);
    const one = await backtest(...words, "--json", "--threads", "1");
    expect(printed(one).journalHash).toBe(printed(stopped).journalHash);

    const refused = await backtest(...words, "--on-error", "refuse", "--json");
    expect(refused.code, refused.err).toBe(0);
    expect(printed(refused)).toMatchObject({ complete: true, sessions: 3, faults: 9 });
    expect(refused.err).toMatch(/faults were refused: 9/);
  });

  test.each([
    ["no file at all", null, /nowhere\.mjs: expected a JavaScript module .*was no file/],
    ["that does not parse", "export default {", /was one that does not load: /],
    ["without a default export", "export const x = 1;", /a default export of type undefined/],
    ["whose strategy cannot decide", "export default () => ({})", /has no function decide/],
    ["that throws when made", "export default () => { throw new Error('oh') }", /throws: oh/],
  ])("a file %s is refused in one line", async (_what, text, expected) => {
    const path =
      text === null ? join(folder, "nowhere.mjs") : strategyFile(`odd-${text.length}.mjs`, text);
    const { code, err, out } = await backtest(
      "--strategy",
      path,
      "--sessions",
      SAMPLES[0] ?? "",
      "--json",
    );
    expect(code).toBe(1);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(err).toMatch(expected);
    expect(out).toBe("");
  });
});

describe("what is asked for", () => {
  test.each([
    [["--strategy", "tuch"], /expected one of hold, .*was "tuch"; did you mean "touch"\?/, 2],
    [["--strategy", "model"], /--strategy model: expected --model/, 2],
    [["--strategy", "touch", "--model", "models/x"], /--model: expected with --strategy model/, 2],
    [["--strategy", "touch", "--option", "size"], /--option: expected key=value/, 2],
    [["--strategy", "touch", "--option", "sise=5"], /was "sise"; did you mean "size"\?/, 1],
    [["--strategy", "touch", "--markets", "KXNONE"], /expected some of KXSAMPLE.*was KXNONE/, 1],
    [[], /--strategy: expected on the command line, or as backtest.strategy/, 2],
  ] as const)("%j is refused in one line", async (words, expected, exitCode) => {
    const { code, err } = await backtest(...words, "--sessions", SAMPLES[0] ?? "");
    expect(code).toBe(exitCode);
    expect(err).toMatch(expected);
  });

  test("a configuration file says it all, and flags say otherwise", async () => {
    const config = strategyFile(
      "run.json",
      JSON.stringify({
        seed: "a text",
        files: { sessions: SAMPLES.slice(0, 1) },
        backtest: {
          strategy: "touch",
          options: { size: 3 },
          cadence: "event",
          worlds: ["expected"],
          startingCashUsd: 50,
        },
      }),
    );
    const out = join(folder, "configured");
    const run = await backtest("--config", config, "--option", "limit=6", "--out", out, "--json");
    expect(run.code, run.err).toBe(0);
    expect(printed(run).pnl).toMatchObject({ optimistic: null, pessimistic: null });
    const summary = JSON.parse(readFileSync(join(out, "summary.json"), "utf8")) as object;
    expect(summary).toMatchObject({
      options: { size: 3, limit: "6" },
      settings: { cadence: "event", startingCash: 50_000_000, seed: "a text" },
    });
    writeFileSync(config, '{"backtest": {"cadense": "1s"}}');
    const odd = await backtest("--config", config);
    expect(odd.code).toBe(1);
    expect(odd.err).toMatch(/backtest\.cadense: expected a known key.*did you mean "cadence"\?/);
  });

  test("a model is a strategy like any other", async () => {
    const model = join(folder, "model");
    const words = ["--sessions", SAMPLES[0] ?? "", "--steps", "2048", "--out", model];
    execFileSync(process.execPath, [program, "train", ...words], { stdio: "ignore" });
    const flags = ["--strategy", "model", "--model", model, "--sessions", SAMPLES[1] ?? ""];
    const first = printed(await backtest(...flags, "--choice", "sample", "--json"));
    expect(first.orders).toBeGreaterThan(10);
    const event = ["--choice", "sample", "--cadence", "event", "--worlds", "expected", "--json"];
    expect(printed(await backtest(...flags, ...event)).orders).toBeGreaterThan(10);
  });
});

test("the library's example runs and says what it should", async () => {
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const place = join("node_modules", ".cache", `kalshi-gym-backtest-${process.pid}`);
  const input = join(folder, "example.ts");
  writeFileSync(
    input,
    code.replaceAll('"kalshi-gym"', JSON.stringify(join(process.cwd(), "src/index.ts"))),
  );
  try {
    const built = await rolldown({
      input,
      platform: "node",
      external: ["better-sqlite3", "seedrandom", "arquero"],
      logLevel: "silent",
    });
    const file = join(place, "example.mjs");
    await built.write({ file, format: "esm", codeSplitting: false });
    await built.close();
    const output = execFileSync(process.execPath, [file], { encoding: "utf8" });
    expect(output).toMatch(
      /^(optimistic|expected|pessimistic) -?\d+\.\d\d dollars, [1-9]\d* markets held\n/,
    );
    expect(output).toMatch(/[1-9]\d* trades, [1-9]\d* minutes\n$/);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});
