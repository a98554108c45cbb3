import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, expect, test } from "vitest";
import { canonicalJson, type CentiCents, OperationError } from "../../src/core/index.ts";
import {
  lastPart,
  type LiveBlock,
  type LiveEntry,
  LiveJournal,
  type LiveOutput,
  readLiveJournal,
} from "../../src/journal/index.ts";
import { chainAfter, outputText } from "../../src/journal/live-format.ts";
import { delta, feedOf, filled, headerOf, orderId, START_US, submitted } from "./live-case.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-live-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newPath = (): string => join(folder, `journal-${files++}.db`);

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof OperationError) return error.code;
    throw error;
  }
  return "none";
}

/** Blocks of all parts, without their ids, and what the parts come to. */
function readAll(path: string) {
  const reader = readLiveJournal(path);
  try {
    const blocks: LiveBlock[][] = reader.parts.map((part) => [...part.blocks()]);
    return { parts: reader.parts, blocks, facts: reader.verify(), fills: reader.fills() };
  } finally {
    reader.close();
  }
}

test("decisions, written out by hand, are canonical JSON as all outputs are", () => {
  const base = { kind: "decision", atUs: 1_790_000_000_123_456, observationHash: "0af" } as const;
  for (const action of [0, 4, -0, 0.5, NaN, undefined as unknown as number]) {
    const prices = { bid: 0 as CentiCents, ask: 10_000 as CentiCents };
    const decision: LiveOutput = { ...base, market: 99, mask: "11010", action, ...prices };
    const textOf = (write: (output: LiveOutput) => string): string => {
      try {
        return write(decision);
      } catch {
        return "refused";
      }
    };
    expect(textOf(outputText)).toBe(textOf(canonicalJson));
  }
});

test("a row's hash is SHA-256 over what came before, its columns and its body", () => {
  const chain = Uint8Array.from({ length: 16 }, (_, index) => index);
  for (const text of ["", "plain", "\u20ac \u{1f600} \u00e9", "long \u20ac".repeat(20_000)]) {
    for (const body of [text, new TextEncoder().encode(text)]) {
      const whole = createHash("sha256").update(chain).update('["input",7,null]\n').update(body);
      const expected = whole.digest().subarray(0, 16);
      expect(Buffer.from(chainAfter(chain, ["input", 7, null], body))).toEqual(expected);
    }
  }
});

const state: LiveOutput = { kind: "state", from: "IDLE", to: "READY", why: "all is well", atUs: 5 };
const cancel: LiveOutput = {
  kind: "sent",
  command: { kind: "cancel", clientOrderId: orderId("t1-1") },
  atUs: START_US + 9,
};

test("blocks come back in the order in which they were stored", () => {
  const path = newPath();
  const journal = LiveJournal.open(path, headerOf());
  const feed = feedOf(700, 1);
  const steps: (LiveEntry[] | LiveOutput[])[] = [];
  for (let at = 0; at < 700; at += 2) steps.push(feed.slice(at, at + 2), [state, cancel]);
  for (const step of steps) {
    if (step[0] !== undefined && "input" in step[0]) journal.inputs(step as LiveEntry[]);
    else journal.outputs(step as LiveOutput[]);
  }
  journal.inputs([]);
  journal.outputs([]);
  const { hash, counts } = journal;
  expect(journal.end("stopped", START_US + 99)).toBe(hash);
  const { parts, blocks, facts } = readAll(path);
  expect(
    blocks[0]?.map((block) => (block.kind === "inputs" ? block.entries : block.outputs)),
  ).toEqual(steps);
  expect(parts[0]).toMatchObject({
    number: 1,
    header: headerOf(),
    startedUs: START_US,
    isEnded: true,
    reason: "stopped",
    endedUs: START_US + 99,
    storedHash: hash,
  });
  expect(facts[0]).toMatchObject({ hash, counts });
  expect(counts).toEqual({
    inputs: 700,
    outputs: 700,
    decisions: 0,
    orders: 0,
    fills: 0,
    corrections: 0,
  });
});

test("the hash is that of what happened, not of the calls that stored it", () => {
  const feed = feedOf(40, 2);
  const outputs = [submitted("t1-1", 8), state, cancel];
  const hashes = [1, 3, 40].map((size) => {
    const journal = LiveJournal.open(newPath(), headerOf());
    for (let at = 0; at < 40; at += size) {
      journal.inputs(feed.slice(at, at + size));
      if (size === 1 && at < 3) journal.outputs(outputs.slice(at, at + 1));
    }
    if (size !== 1) journal.outputs(outputs);
    return journal.end(`in blocks of ${size}`, START_US);
  });
  expect(new Set(hashes).size).toBe(1);
  const other = LiveJournal.open(newPath(), headerOf());
  other.inputs([...feed.slice(0, 39), delta(START_US, 4500, 1)]);
  other.outputs(outputs);
  expect(other.end("one input differs", START_US)).not.toBe(hashes[0]);
});

test("a fill is stored once, with its order's market, whoever tells of it again", () => {
  const path = newPath();
  const first = LiveJournal.open(path, headerOf());
  first.outputs([submitted("t1-1", START_US, 1)]);
  first.inputs([filled("t1-1", "trade-1", START_US + 5), filled("t1-1", "trade-1", START_US + 6)]);
  expect([first.hasFill("trade-1"), first.hasFill("trade-2")]).toEqual([true, false]);
  expect(first.counts).toMatchObject({ orders: 1, fills: 1, inputs: 2 });
  first.close();
  const second = LiveJournal.open(path, headerOf(START_US + 1000));
  expect(second.hasFill("trade-1")).toBe(true);
  second.inputs([
    filled("t1-1", "trade-1", START_US + 1007),
    filled("t1-1", "trade-2", START_US + 1008),
    filled("unknown", "trade-3", START_US + 1008),
  ]);
  expect(second.counts.fills).toBe(2);
  second.end("stopped", START_US + 2000);
  const { fills, facts } = readAll(path);
  expect(facts.map(({ counts }) => counts.fills)).toEqual([1, 2]);
  expect(fills).toMatchObject([
    { tradeId: "trade-1", part: 1, atUs: START_US + 5, market: "KXTEST-26-B", side: "bid" },
    { tradeId: "trade-2", part: 2, atUs: START_US + 1008, market: "KXTEST-26-B", priceCc: 4400 },
    { tradeId: "trade-3", part: 2, market: null, side: null, feeMicroUsd: 17_300, role: "taker" },
  ]);
});

test("a restart learns of the part before it, ended or not", () => {
  const path = newPath();
  expect(lastPart(path)).toBeNull();
  const first = LiveJournal.open(path, headerOf());
  first.inputs([filled("t1-1", "trade-1", START_US + 5)]);
  expect(lastPart(path)).toMatchObject({ number: 1, isEnded: false, lastUs: START_US + 5 });
  first.close();
  const second = LiveJournal.open(path, headerOf(START_US + 50));
  expect(second.part).toBe(2);
  second.end("the end", START_US + 60);
  const last = lastPart(path);
  expect(last).toMatchObject({
    number: 2,
    isEnded: true,
    reason: "the end",
    lastUs: START_US + 60,
  });
  expect(last?.header).toEqual(headerOf(START_US + 50));
  expect([...(last?.fills ?? [])]).toEqual(["trade-1"]);
});

test("a reader sees each commit while a journal is written, and a part that begins meanwhile", () => {
  const path = newPath();
  const writer = LiveJournal.open(path, headerOf());
  writer.inputs(feedOf(3, 3));
  const reader = readLiveJournal(path);
  const read = (): number =>
    [...(reader.parts[0]?.blocks() ?? [])]
      .map((block) => (block.kind === "inputs" ? block.entries.length : 0))
      .reduce((sum, count) => sum + count, 0);
  expect(read()).toBe(3);
  writer.inputs(feedOf(4, 4));
  expect(read()).toBe(7);
  writer.end("stopped", START_US);
  const next = LiveJournal.open(path, headerOf());
  next.inputs(feedOf(5, 5));
  expect(read()).toBe(7);
  reader.close();
  next.close();
  expect(readAll(path).facts.map(({ counts }) => counts.inputs)).toEqual([7, 5]);
});

test("one journal has one writer", () => {
  const path = newPath();
  const writer = LiveJournal.open(path, headerOf());
  expect(codeOf(() => LiveJournal.open(path, headerOf()))).toBe("JOURNAL_BUSY");
  writer.inputs(feedOf(3, 3));
  writer.close();
  writer.close();
  const next = LiveJournal.open(path, headerOf());
  next.end("stopped", START_US);
  expect(readAll(path).facts.map(({ counts }) => counts.inputs)).toEqual([3, 0]);
});

test("what is no journal, or one of another version, is refused and left as it is", () => {
  const text = newPath();
  writeFileSync(
    text,
    "no database at all, but longer than a header of one hundred bytes".repeat(9),
  );
  expect(codeOf(() => LiveJournal.open(text, headerOf()))).toBe("JOURNAL_FORMAT");
  expect(codeOf(() => readLiveJournal(text))).toBe("JOURNAL_FORMAT");
  const foreign = newPath();
  const db = new Database(foreign);
  db.exec("CREATE TABLE theirs (x)");
  db.close();
  expect(codeOf(() => LiveJournal.open(foreign, headerOf()))).toBe("JOURNAL_FORMAT");
  expect(existsSync(`${foreign}-lock`)).toBe(false);
  expect(codeOf(() => LiveJournal.open(folder, headerOf()))).toBe("JOURNAL_FORMAT");
  const older = newPath();
  LiveJournal.open(older, headerOf()).end("stopped", START_US);
  const change = new Database(older);
  change.pragma("user_version = 9");
  change.close();
  expect(codeOf(() => LiveJournal.open(older, headerOf()))).toBe("JOURNAL_VERSION");
  expect(codeOf(() => readLiveJournal(older))).toBe("JOURNAL_VERSION");
  expect(codeOf(() => readLiveJournal(newPath()))).toBe("JOURNAL_MISSING");
  expect(codeOf(() => LiveJournal.open(join(text, "below.db"), headerOf()))).toBe("JOURNAL_WRITE");
});

test("a row that fits the chain and is none of ours is named, not taken", () => {
  for (const kind of ["input", "output"]) {
    const path = newPath();
    const journal = LiveJournal.open(path, headerOf());
    journal.close();
    const db = new Database(path);
    const { begin_chain } = db.prepare("SELECT begin_chain FROM part").get() as {
      begin_chain: Buffer;
    };
    if (kind === "input") {
      const body = Buffer.from([0xff]);
      const chain = chainAfter(begin_chain, ["input", 2, 1, 1, 5, 5], body);
      db.prepare("INSERT INTO input VALUES (2, 1, 1, 5, 5, ?, ?)").run(body, chain);
    } else {
      const chain = chainAfter(begin_chain, ["output", 2, 1, 2, 5, "note", null], "{");
      db.prepare("INSERT INTO output VALUES (2, 1, 2, 5, 'note', NULL, '{', ?)").run(chain);
    }
    db.close();
    expect(codeOf(() => readAll(path))).toBe("JOURNAL_DAMAGED");
  }
});

test("folders that are not there are made", () => {
  const path = join(folder, "of", "this", "week", "journal.db");
  LiveJournal.open(path, headerOf()).end("stopped", START_US);
  expect(readAll(path).parts).toHaveLength(1);
});

test("a file that was made and never filled becomes a journal", () => {
  const path = newPath();
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.close();
  LiveJournal.open(path, headerOf()).end("stopped", START_US);
  expect(readAll(path).parts).toHaveLength(1);
});
