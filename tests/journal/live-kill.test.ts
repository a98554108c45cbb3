/** Processes that write a journal and are killed, refused, or run out of room. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OperationError, Prng } from "../../src/core/index.ts";
import { LiveJournal, readLiveJournal } from "../../src/journal/index.ts";
import { bundle } from "../fixtures/bundle.mjs";
import { feedOf, headerOf, isInputs, scriptedBlock, START_US } from "./live-case.ts";

const seed = Number(process.env["SEED"] ?? 12);
const KILLS = Number(process.env["KILLS"] ?? 20);
const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-live-kill-"));
let program = "";
beforeAll(async () => {
  program = await bundle("tests/journal/live-writer.ts");
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(program, { force: true });
});

/** Runs the writer until it ends, or is killed `afterMs` from its start or from its n-th line. */
async function write(
  path: string,
  kill: { line: number; afterMs: number } | null,
  shell = "",
): Promise<string[]> {
  const child = shell.length > 0 ? inShell(shell, path) : spawn(process.execPath, [program, path]);
  const end = new Promise((resolve) => child.once("close", resolve));
  const arrange = (): unknown => setTimeout(() => child.kill("SIGKILL"), kill?.afterMs);
  let [text, isArranged] = ["", false];
  if (kill?.line === 0) arrange();
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (kill === null || kill.line === 0 || isArranged) return;
    isArranged = text.split("\n").length > kill.line;
    if (isArranged) arrange();
  });
  let trouble = "";
  child.stderr.on("data", (chunk: Buffer) => (trouble += chunk.toString()));
  await end;
  expect(trouble).toBe("");
  // A line that was cut by the kill was not said.
  return text.split("\n").slice(0, -1);
}

function inShell(command: string, path: string) {
  return spawn("sh", ["-c", `${command}; exec "$0" "$1" "$2"`, process.execPath, program, path]);
}

/** Verifies all, and compares the last part's blocks and fills with what the writer meant to write. */
function readBack(path: string): { parts: number; blocks: number } {
  const reader = readLiveJournal(path);
  try {
    const parts = reader.verify().length;
    const last = reader.parts.at(-1);
    const trades: string[] = [];
    let blocks = 0;
    for (const block of last?.blocks() ?? []) {
      const meant = scriptedBlock(parts, blocks);
      const found = block.kind === "inputs" ? block.entries : block.outputs;
      // Vitest's own comparison takes longer than everything else here.
      if (!isDeepStrictEqual(found, meant)) expect(found).toEqual(meant);
      if (isInputs(meant) && blocks % 8 === 3) trades.push(`trade-${parts}-${blocks - 3}`);
      blocks += 1;
    }
    const fills = reader.fills().filter(({ part }) => part === parts);
    expect(fills.map(({ tradeId }) => tradeId)).toEqual(trades);
    return { parts, blocks };
  } finally {
    reader.close();
  }
}

test(`kill -9 at ${KILLS} random moments loses no commit that was told (seed ${seed})`, async () => {
  const path = join(folder, "killed.db");
  const prng = Prng.fromSeed(seed);
  let parts = 0;
  let told = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    // Some die while they open the journal, the others as they write; a few live long enough to move
    // their log into the file.
    const isEarly = kill % 4 === 0;
    const isLong = kill % 5 === 3;
    const lines = await write(
      path,
      isEarly
        ? { line: 0, afterMs: 40 + prng.integer(160) }
        : { line: isLong ? KILLS : 1, afterMs: prng.integer(isLong ? 500 : 30) },
    );
    if (!existsSync(path)) continue;
    const place = `kill ${kill} of seed ${seed}`;
    const acknowledged = lines.filter((line) => line.startsWith("block ")).length;
    let back;
    try {
      back = readBack(path);
    } catch (error) {
      // Killed before the journal had its tables: it is no journal yet, and becomes one next time.
      expect(parts, place).toBe(0);
      expect((error as OperationError).code, place).toBe("JOURNAL_FORMAT");
      continue;
    }
    if (lines[0] !== undefined) {
      expect(lines[0], place).toBe(`part ${back.parts}`);
      expect(back.parts, place).toBe(parts + 1);
      expect(back.blocks, place).toBeGreaterThanOrEqual(acknowledged);
      expect(back.blocks, place).toBeLessThanOrEqual(acknowledged + 1);
    } else expect(back.parts - parts, place).toBeLessThanOrEqual(1);
    parts = back.parts;
    told += acknowledged;
  }
  expect(parts).toBeGreaterThanOrEqual((KILLS * 3) / 4);
  expect(told).toBeGreaterThan(KILLS);
  const next = LiveJournal.open(path, headerOf());
  expect(next.part).toBe(parts + 1);
  next.end("stopped", START_US);
});

test("a second process is refused while one writes", async () => {
  const path = join(folder, "busy.db");
  const journal = LiveJournal.open(path, headerOf());
  expect(await write(path, null)).toEqual(["error JOURNAL_BUSY"]);
  journal.inputs(feedOf(2, 1));
  journal.close();
  expect(readLiveJournal(path).verify()).toHaveLength(1);
});

test("a file that may not grow ends the run with a plain error, and what was told is there", async () => {
  const path = join(folder, "limited.db");
  const lines = await write(path, null, "ulimit -f 600");
  expect(lines.at(-1)).toBe("error JOURNAL_WRITE");
  const acknowledged = lines.filter((line) => line.startsWith("block ")).length;
  expect(acknowledged).toBeGreaterThan(20);
  expect(readBack(path)).toEqual({ parts: 1, blocks: acknowledged });
});

test("on a full disk nothing is half stored, and the same call works when there is room", () => {
  const path = join(folder, "full.db");
  // SQLite's own limit stands for the disk's.
  const opened: Database.Database[] = [];
  const { pragma } = Database.prototype as Database.Database;
  Database.prototype.pragma = function (this: Database.Database, source, options) {
    if (source.startsWith("synchronous")) opened.push(this);
    return pragma.call(this, source, options);
  };
  const journal = LiveJournal.open(path, headerOf());
  Database.prototype.pragma = pragma;
  const limit = (pages: number): unknown => opened[0]?.pragma(`max_page_count = ${pages}`);
  limit(40);
  const reference = LiveJournal.open(join(folder, "roomy.db"), headerOf());
  const codes: string[] = [];
  for (let index = 0; index < 400; index++) {
    const block = scriptedBlock(1, index);
    const store = (into: LiveJournal): void =>
      isInputs(block) ? into.inputs(block) : into.outputs(block);
    store(reference);
    const before = [journal.hash, journal.counts];
    try {
      store(journal);
    } catch (error) {
      codes.push((error as OperationError).code);
      expect([journal.hash, journal.counts]).toEqual(before);
      limit(1000);
      store(journal);
    }
  }
  expect(codes).toEqual(["DISK_FULL"]);
  expect(journal.end("stopped", START_US)).toBe(reference.end("stopped", START_US));
  expect(readBack(path)).toEqual({ parts: 1, blocks: 400 });
});
