/** Changes to a stored journal: every one is named, or it changed nothing that is read. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import Database from "better-sqlite3";
import { afterAll, expect, test } from "vitest";
import { OperationError, Prng } from "../../src/core/index.ts";
import { LiveJournal, readLiveJournal } from "../../src/journal/index.ts";
import { headerOf, isInputs, scriptedBlock, START_US } from "./live-case.ts";

const seed = Number(process.env["SEED"] ?? 43);
const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-live-damage-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const whole = join(folder, "whole.db");
const changed = join(folder, "changed.db");
for (const part of [1, 2, 3]) {
  const journal = LiveJournal.open(whole, headerOf(START_US + part));
  for (let index = 0; index < 8; index++) {
    const block = scriptedBlock(part, index);
    if (isInputs(block)) journal.inputs(block);
    else journal.outputs(block);
  }
  if (part === 2) journal.close();
  else journal.end(`reason ${part}`, START_US + part);
}

/** Everything that can be read of a journal, or the code of the refusal. */
function read(path: string): unknown {
  try {
    const reader = readLiveJournal(path);
    try {
      const blocks = reader.parts.map((part) => [...part.blocks()]);
      const parts = reader.parts.map(({ header, reason, storedHash }) => [
        header,
        reason,
        storedHash,
      ]);
      const rows = [reader.fills(), reader.sentOrders(), reader.lastUs()];
      return { blocks, parts, facts: reader.verify(), rows };
    } finally {
      reader.close();
    }
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    expect(error.message).toContain("changed.db");
    return error.code;
  }
}

const original = read(whole);

function afterChange(change: (db: Database.Database) => void): unknown {
  copyFileSync(whole, changed);
  const db = new Database(changed);
  change(db);
  db.close();
  return read(changed);
}

const KEYS = { part: "part", input: "id", output: "id", sent_order: "output", fill: "input" };
const tables = Object.entries(KEYS).map(([table, key]) => {
  const db = new Database(whole, { readonly: true });
  const rows = db.prepare(`SELECT * FROM ${table} ORDER BY ${key}`).all();
  db.close();
  return { table, key, rows: rows as Record<string, number | string | Buffer | null>[] };
});

test("a changed value in any column of any row is named", () => {
  expect(original).toBeTypeOf("object");
  let changes = 0;
  for (const { table, key, rows } of tables) {
    expect(rows.length).toBeGreaterThan(2);
    for (const row of rows) {
      for (const [column, value] of Object.entries(row)) {
        const found = afterChange((db) => {
          db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`).run(
            otherThan(column, value),
            row[key],
          );
        });
        expect([table, row[key], column, found]).toEqual([
          table,
          row[key],
          column,
          "JOURNAL_DAMAGED",
        ]);
        changes += 1;
      }
    }
  }
  expect(changes).toBeGreaterThan(250);
});

function otherThan(column: string, value: number | string | Buffer | null): unknown {
  if (value === null)
    return /(_us|_id)$/.test(column) ? 1 : column === "end_chain" ? Buffer.from("x") : "x";
  if (typeof value === "number") return value + 1000;
  if (typeof value === "string") return column === "body" ? value.replace("1", "2") : `${value} `;
  const bytes = Buffer.from(value);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  return bytes;
}

test("a row that is missing, or one too many, is named", () => {
  for (const { table, key, rows } of tables) {
    for (const row of rows) {
      const found = afterChange((db) =>
        db.prepare(`DELETE FROM ${table} WHERE ${key} = ?`).run(row[key]),
      );
      expect([table, row[key], found]).toEqual([table, row[key], "JOURNAL_DAMAGED"]);
    }
    const more = afterChange((db) => {
      const row = { ...rows.at(-1), client_order_id: "more", trade_id: "more", part: 4, id: 999 };
      const columns = Object.keys(rows[0] ?? {});
      const values = columns.map((column) => row[column as keyof typeof row]);
      db.prepare(`INSERT INTO ${table} VALUES (${columns.map(() => "?").join()})`).run(...values);
    });
    expect([table, more]).toEqual([table, "JOURNAL_DAMAGED"]);
  }
});

test("two blocks that changed places are named", () => {
  const found = afterChange((db) => {
    db.exec(`UPDATE input SET id = -1 WHERE id = 2; UPDATE input SET id = 2 WHERE id = 6;
             UPDATE input SET id = 6 WHERE id = -1;`);
  });
  expect(found).toBe("JOURNAL_DAMAGED");
});

test(`random bytes of the file, changed: named, or nothing else is read (seed ${seed})`, () => {
  const prng = Prng.fromSeed(seed);
  const bytes = readFileSync(whole);
  let named = 0;
  for (let trial = 0; trial < 400; trial++) {
    const at = prng.integer(bytes.length);
    const flip = 1 + prng.integer(255);
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ flip;
    writeFileSync(changed, copy);
    const found = read(changed);
    if (typeof found === "string") named += 1;
    else if (!isDeepStrictEqual(found, original)) {
      expect({ at, flip, found }).toEqual({ at, flip, found: original });
    }
  }
  expect(named).toBeGreaterThan(30);
});
