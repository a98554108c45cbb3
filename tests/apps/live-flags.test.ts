/** Flags of `exchange` and `paper` that do not fit together, and what a status says of a run that hangs. */
import { mkdirSync, mkdtempSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { LIVE_APPLICATION_ID } from "../../src/journal/live-format.ts";
import { openStage } from "./programs.ts";

const { folder, programs } = openStage("live-flags");

const LOCAL = [
  ...["--rest", "http://127.0.0.1:1/trade-api/v2", "--ws", "ws://127.0.0.1:1/trade-api/ws/v2"],
  ...["--key-id", "a", "--key-file", "a.pem"],
];

test.concurrent.each([
  ["exchange --generate --speed 2", "--speed belongs to --session, was given with --generate"],
  ["exchange --generate --skip 2", "--skip belongs to --session, was given with --generate"],
  ["exchange --session x --markets 2", "--markets belongs to --generate, was given with --session"],
  ["exchange --session x --minutes 2", "--minutes belongs to --generate, was given with --session"],
  [
    "exchange --session x --generate",
    "expected one of --session <folder> and --generate, was both",
  ],
  [
    "exchange --generate --markets 1001",
    "option '--markets <n>' argument '1001' is invalid. Expected a whole number from 1 to 1000.",
  ],
  [
    "paper --policy join --local-markets 1001",
    "option '--local-markets <n>' argument '1001' is invalid. Expected a whole number from 1 to 1000.",
  ],
  [
    "paper --seconds -4",
    "option '--seconds <n>' argument '-4' is invalid. Expected a number above 0, up to a billion.",
  ],
  ["paper --policy join --speed 2", "--speed: expected --session beside it, was none"],
  ["paper --policy join --normaliser x", "--normaliser: expected --model beside it, was none"],
  [
    "paper --policy join --session x --local-markets 2",
    "expected one of --session and --local-markets, was both",
  ],
  [
    `paper --policy join --cash 5 ${LOCAL.join(" ")}`,
    "--cash is of a local exchange of the run's own: expected it without --rest and --ws and " +
      "with --venue local",
  ],
  [
    `paper --policy join --venue demo --markets A ${LOCAL.join(" ")}`,
    "expected --venue local for http://127.0.0.1:1/trade-api/v2, was demo",
  ],
])("%s", async (line, sentence) => {
  const { code, err } = await programs.launch(line.split(" ")).ended;
  const told = err.split("\n").filter((each) => each.startsWith("error: "));
  expect([code, told]).toEqual([2, [`error: ${sentence}`]]);
});

test.concurrent("a word that is no command of paper's gets a suggestion", async () => {
  const { code, err } = await programs.launch(["paper", "stauts", "x"]).ended;
  expect([code, err]).toEqual([2, expect.stringMatching(/^error: unknown command 'paper stauts'/)]);
  expect(err).toMatch("(Did you mean paper status?)");
});

test.concurrent("the key file of an exchange is told by its whole path", async () => {
  const state = relative(process.cwd(), join(folder, "state"));
  const { addresses, child } = await programs.exchange("--generate", "--state", state);
  expect(isAbsolute(addresses.keyFile)).toBe(true);
  child.kill("SIGKILL");
});

test.concurrent("a status says how long the run has been silent", async () => {
  const run = join(folder, "silent");
  mkdirSync(run);
  const note = { pid: process.pid, venue: "local", idPrefix: "kg-", startedUs: 0, endedUs: null };
  writeFileSync(join(run, "run.json"), JSON.stringify(note));
  writeFileSync(join(run, "status.txt"), "state READY\n");
  const status = async (): Promise<string> =>
    (await programs.launch(["paper", "status", run]).ended).out;
  const silence = /but has written no status for \d+ s: it hangs or is paused/;
  // However long the program takes to start, its status is no older than that.
  const later = Date.now() / 1_000 + 600;
  utimesSync(join(run, "status.txt"), later, later);
  expect(await status()).not.toMatch(silence);
  const long = Date.now() / 1_000 - 60;
  utimesSync(join(run, "status.txt"), long, long);
  expect(await status()).toMatch(silence);
});

test.concurrent.each([["{}"], ["null"], ["[1"], ['{"pid":"1","endedUs":null}']])(
  "a run.json that holds %s is no run's",
  async (text) => {
    const run = mkdtempSync(join(folder, "odd-"));
    writeFileSync(join(run, "run.json"), text);
    for (const word of ["status", "stop"]) {
      const { code, err } = await programs.launch(["paper", word, run]).ended;
      expect([code, err]).toEqual([1, expect.stringMatching(/expected the folder of a live run/)]);
    }
  },
);

test.concurrent("a journal that was cut short is told as one", async () => {
  const path = join(folder, "cut.db");
  const db = new Database(path);
  db.exec(`PRAGMA application_id = ${LIVE_APPLICATION_ID}; PRAGMA user_version = 1`);
  db.exec("CREATE TABLE part (part INTEGER); CREATE TABLE filler (x)");
  db.exec("INSERT INTO filler VALUES (zeroblob(200000))");
  db.close();
  truncateSync(path, 5_000);
  const { code, err } = await programs.launch(["replay", path]).ended;
  expect([code, err]).toEqual([1, expect.stringMatching(/was one that is damaged or cut short/)]);
});
