import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sessionsCommand } from "../../src/apps/sessions-command.ts";
import { createSession } from "../../src/market/index.ts";
import {
  deltaMessage,
  snapshotMessage,
  tradeMessage,
  writeRecording,
} from "../market/recording-fixture.ts";
import { facts } from "../market/sessions-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-apps-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TICKER = "KXTEST-26MAR18AAABBB-AAA";
const file = join(folder, "recording.ndjson.gz");
const session = join(folder, "sessions", "one");

/** Runs the commands as a program would; returns what went to the two outputs. */
async function run(...args: string[]): Promise<{ out: string; err: string; code: number }> {
  const outputs = { out: "", err: "" };
  const { stdout, stderr } = process;
  const real = { out: stdout.write.bind(stdout), err: stderr.write.bind(stderr) };
  stdout.write = (text: string | Uint8Array) => ((outputs.out += String(text)), true);
  stderr.write = (text: string | Uint8Array) => ((outputs.err += String(text)), true);
  const program = new Command("kalshi-gym").option("--json").exitOverride();
  program.addCommand(sessionsCommand());
  for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
    command.exitOverride();
  }
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await program.parseAsync(["sessions", ...args], { from: "user" });
    return { ...outputs, code: process.exitCode };
  } finally {
    process.exitCode = before;
    stdout.write = real.out;
    stderr.write = real.err;
  }
}

function lastObject(text: string): Record<string, unknown> {
  return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
}

beforeAll(async () => {
  writeRecording(
    file,
    [
      snapshotMessage(1, TICKER, [["0.4000", "10.00"]], [["0.5900", "20.00"]]),
      deltaMessage(2, TICKER, "no", "0.5900", "-5.00", "2026-03-18T19:36:00.000100Z"),
      tradeMessage(1, TICKER, "yes", "0.4100", "5.00", 1_773_862_560),
      deltaMessage(4, TICKER, "yes", "0.4000", "1.00", "2026-03-18T19:36:01Z"),
      { type: "ticker", sid: 3 },
    ],
    true,
  );
  const result = await run(
    "import",
    file,
    "--out",
    session,
    "--result",
    `${TICKER}=0.25`,
    "--json",
  );
  expect(lastObject(result.out)).toMatchObject({
    id: "one",
    deltas: 2,
    skippedTypes: { ticker: 1 },
  });
});

test("import tells counts, losses, results and what it assumed", async () => {
  const { out } = await run("import", file, "--out", join(folder, "two"));
  expect(out).toContain("1 market, 1 snapshot, 2 deltas, 1 trade, 1 gap");
  expect(out).toContain("result unknown");
  expect(out).toContain("1 message lost (sid 1, seq 3)");
  expect(out).toContain('1 message of type "ticker" skipped');
  expect(out).toContain("Fees were taken as quadratic");
  await expect(run("import", file, "--out", session)).rejects.toThrow(
    /expected a new or empty folder/,
  );
  await run("import", file, "--out", join(folder, "two"), "--replace");
});

test("info gives exactly the promised keys as JSON, last on standard output", async () => {
  const { out } = await run("info", session, "--json");
  expect(out.trimEnd().split("\n")).toHaveLength(1);
  // One trade, on the opening lump; no cancel; one of four book messages is lost.
  const counts = {
    trades: 1,
    unpairedTrades: 0,
    openingTrades: 1,
    consistentTrades: 0,
    cancels: 0,
    exactCancels: 0,
    twofoldCancels: 0,
    decreases: 0,
    openingCancels: 0,
    unattributedCancels: 0,
    consistentShare: 1,
    exactShare: 1,
    used: true,
  };
  const whole = { bookKnown: 1, paired: 1, consistent: 1, attributed: 1 };
  expect(lastObject(out)).toEqual({
    id: "one",
    markets: [TICKER],
    snapshots: 1,
    deltas: 2,
    trades: 1,
    gaps: 1,
    startUs: 1_773_862_560_000_100,
    endUs: 1_773_862_561_000_000,
    contentHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    quality: { score: 0.75, weakest: "received", received: 0.75, ...whole },
    reconstruction: { ...counts, markets: [{ ticker: TICKER, ...counts }] },
  });
});

test("info draws the path of the mid and the book in the middle of the session", async () => {
  const { out } = await run("info", session);
  expect(out).toMatch(/0\.50 ┤[▁▂▃▄▅▆▇█ ]+\n/);
  expect(out).toContain("ask 0.41   ▒");
  expect(out).toContain("bid 0.40   █");
  expect(out).toContain("0.25 (given)");
  expect(out).toContain("quality 75.0 of 100, by its weakest share: book messages received");
  expect(out).toContain("queues: 100.0 % of the trades after the opening fit the order in front");
  await expect(run("info", session, "--market", "KXNO")).rejects.toThrow(
    /--market: expected one of KXTEST-26MAR18AAABBB-AAA, was KXNO/,
  );
});

test("validate says what is wrong, and fails on a session that is not sound", async () => {
  const sound = await run("validate", session);
  expect(sound.code).toBe(0);
  expect(sound.out).toContain("The session is sound");
  const path = join(folder, "negative");
  const writer = createSession(path, facts([TICKER]));
  writer.snapshot(0, []);
  writer.delta(0, 0, 4000 as never, -100, 1_773_862_560_000_000);
  writer.finish();
  const { out, code } = await run("validate", path, "--json");
  expect(code).toBe(1);
  expect(lastObject(out)).toMatchObject({ sound: false, markets: [{ negativeLevels: 1 }] });
});

test("list shows the sessions of a folder and warns of what is broken", async () => {
  const parent = join(folder, "listed");
  await run("import", file, "--out", join(parent, "good"));
  await run("import", file, "--out", join(parent, "broken"));
  writeFileSync(join(parent, "broken", "session.db"), "not a database, but long enough".repeat(50));
  const { out, err } = await run("list", parent, "--json");
  expect(lastObject(out)).toMatchObject({ sessions: [{ id: "good", trades: 1 }] });
  expect(err).toContain("expected a kalshi-gym session");
  await expect(run("list", join(folder, "nowhere"))).rejects.toThrow(
    /expected a folder of sessions/,
  );
});

test("export writes the rows", async () => {
  const csv = join(folder, "rows.csv");
  const { out } = await run("export", session, "--out", csv, "--json");
  expect(lastObject(out)).toEqual({ rows: 6, file: csv, format: "csv" });
  expect(readFileSync(csv, "utf8").split("\n")[0]).toBe(
    "at_us,stream,kind,side,price_cc,size,pair_row",
  );
  await expect(run("export", session, "--format", "parquet")).rejects.toThrow(/are csv, arrow/);
});

test("flags that say nonsense are refused before anything is read", async () => {
  const out = join(folder, "never");
  const cases: [string[], RegExp][] = [
    [["--result", "KX"], /TICKER=yes/],
    [["--result", "KX=1.5"], /price from 0 to 1 dollar/],
    [["--close", "KX=soon"], /ISO 8601/],
    [["--event", "KX=2"], /exclusive:N/],
    [["--price-ranges", "0:1"], /linear_cent/],
    [["--fee-multiplier", "much"], /decimal number/],
    [["--feed", "some"], /complete or partial/],
    [["--fee-type", "flat"], /expected one of quadratic/],
    [["--fees", "KX=flat:1"], /expected one of quadratic.*no formula/],
    [["--fees", "KX=0.5"], /Expected KEY=quadratic:0.5 or/],
    [["--fees", "KX=quadratic:0.5@noon"], /expected an ISO/],
    [["--fee-waiver", "KX"], /TICKER=/],
  ];
  for (const [flags, message] of cases) {
    await expect(run("import", file, "--out", out, ...flags), flags.join(" ")).rejects.toThrow(
      message,
    );
  }
  expect(readdirSync(folder)).not.toContain("never");
});

test("tick structures are known by the venue's names or given as bands", async () => {
  const named = join(folder, "named");
  const { out } = await run(
    "import",
    file,
    ...["--out", named, "--price-ranges", "tapered_deci_cent", "--ticker", "unused"],
    ...["--close", `${TICKER}=2026-03-19T04:00:00Z`, "--fee-type", "quadratic_with_maker_fees"],
    ...["--fee-multiplier", "0.5", "--event", "KXTEST-26MAR18AAABBB=exclusive:2"],
  );
  expect(out).not.toContain("note: Fees");
  expect(out).not.toContain("note: Without an expected close");
});
