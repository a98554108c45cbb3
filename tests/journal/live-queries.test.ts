/** The queries of docs/journal.md, run as they stand there, on a run worked out by hand. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterAll, expect, test } from "vitest";
import { LiveJournal } from "../../src/journal/index.ts";
import { feedOf, filled, headerOf, scriptedBlock, START_US, submitted } from "./live-case.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const page = readFileSync(join(root, "docs", "journal.md"), "utf8");
const queries = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-live-queries-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, "journal.db");
const journal = LiveJournal.open(path, headerOf());
journal.inputs(feedOf(10, 1));
journal.outputs([
  { kind: "state", from: "READY", to: "ACTING", why: "the book is known", atUs: START_US },
  // A decision (action 3), an order of 1 contract at 44 cents, a note.
  ...(scriptedBlock(1, 1) as Parameters<LiveJournal["outputs"]>[0]),
  submitted("t1-2", START_US + 1000, 1),
]);
journal.inputs([filled("order-1-0", "a", START_US + 1_000_004_000, 40)]);
journal.inputs([filled("t1-2", "b", START_US + 251_000), filled("t1-2", "b", START_US + 300_000)]);
journal.outputs([
  {
    kind: "correction",
    correction: { what: "position", name: "KXTEST-26-A", ours: 40, venue: 60 },
    atUs: START_US + 2_000_000,
  },
]);
journal.end("stopped", START_US + 3_000_000);

test("each answers what its sentence asks", () => {
  const db = new Database(path, { readonly: true });
  const answers = queries.map((sql) => db.prepare(sql).all());
  db.close();
  expect(answers).toEqual([
    [
      { part: 1, kind: "correction", times: 1 },
      { part: 1, kind: "decision", times: 1 },
      { part: 1, kind: "note", times: 1 },
      { part: 1, kind: "sent", times: 2 },
      { part: 1, kind: "state", times: 1 },
    ],
    [
      {
        market: "KXTEST-26-A",
        side: "bid",
        cents: 44,
        contracts: 0.4,
        fee_dollars: 0.0173,
        after_ms: 3,
      },
      {
        market: "KXTEST-26-B",
        side: "bid",
        cents: 44,
        contracts: 1,
        fee_dollars: 0.0173,
        after_ms: 250,
      },
    ],
    [
      { market: "KXTEST-26-A", position: 0.4, paid_dollars: 0.1933 },
      { market: "KXTEST-26-B", position: 1, paid_dollars: 0.4573 },
    ],
    [{ action: 3, times: 1 }],
    [
      { at: "2026-09-21 14:13:20", kind: "state", what: "the book is known" },
      { at: "2026-09-21 14:13:22", kind: "correction", what: "position" },
    ],
  ]);
});

test("the page names every table and column", () => {
  const db = new Database(path, { readonly: true });
  const columns = db
    .prepare(
      `SELECT t.name AS "table", c.name AS "column" FROM sqlite_master t, pragma_table_info(t.name) c
       WHERE t.type = 'table'`,
    )
    .all() as { table: string; column: string }[];
  db.close();
  expect(columns.length).toBeGreaterThan(30);
  const missing = columns.filter(({ table, column }) => {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${table}\` |`)) ?? "";
    return !row.includes(`\`${column}\``);
  });
  expect(missing).toEqual([]);
});
