import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import {
  createSession,
  openSession,
  resumeSession,
  type SessionWriter,
} from "../../src/market/index.ts";
import { appendRandom, cents, facts, START_US, temporaryFolder } from "./sessions-fixture.ts";

const folder = temporaryFolder();
const SEED = Number(process.env["SEED"] ?? 11);

/** A finished session of seeded random events; `flushEvery` cuts its chunks. */
function randomSession(name: string, seed: number, flushEvery = 0, id = "test"): string {
  const path = join(folder, name);
  const writer = createSession(path, { ...facts(["A", "B"], ["SPX"]), id });
  const cut = flushEvery === 0 ? writer : flushing(writer, flushEvery);
  appendRandom(cut, Prng.fromSeed(seed), 4_000);
  writer.finish();
  return path;
}

/** The writer, with a flush after every n-th row. */
function flushing(writer: SessionWriter, every: number): SessionWriter {
  const row = writer.row.bind(writer);
  let count = 0;
  writer.row = (...values) => {
    row(...values);
    count += 1;
    if (count % every === 0) writer.flush();
  };
  return writer;
}

test("events come back as they were appended, whatever the chunks", () => {
  const whole = openSession(randomSession("whole", SEED));
  const cut = openSession(randomSession("cut", SEED, 37));
  const a = whole.readEvents();
  const b = cut.readEvents();
  expect(a.rowCount).toBe(b.rowCount);
  for (const column of ["code", "stream", "priceCc", "size", "stampUs"] as const) {
    expect(Buffer.from(b[column].buffer).equals(Buffer.from(a[column].buffer)), column).toBe(true);
  }
  expect(cut.counts).toEqual(whole.counts);
});

test("the content hash covers facts and events, and nothing else", () => {
  const first = openSession(randomSession("h1", SEED)).contentHash;
  expect(openSession(randomSession("h2", SEED, 101, "another name")).contentHash).toBe(first);
  expect(openSession(randomSession("h3", SEED + 1)).contentHash).not.toBe(first);
  const close = createSession(join(folder, "h4"), facts(["A", "B"], ["SPX"]));
  appendRandom(close, Prng.fromSeed(SEED), 4_000);
  const [a, b] = facts(["A", "B"]).markets;
  if (a === undefined || b === undefined) throw new Error("two markets");
  const told = { ...a, settlement: { valueCc: cents(100), source: "given" } as const };
  expect(close.finish({ markets: [told, b] })).not.toBe(first);
  expect(openSession(join(folder, "h4")).facts.markets[0]?.settlement?.valueCc).toBe(10_000);
});

test("the stored hash is the hash of what is stored", () => {
  const session = openSession(randomSession("stored", SEED));
  expect(session.computeContentHash()).toBe(session.contentHash);
});

test("nothing stands in the folder before a session is finished, nor after it was given up", () => {
  const path = join(folder, "atomic", "session");
  const writer = createSession(path, facts(["A"]));
  writer.snapshot(0, []);
  expect(existsSync(path)).toBe(false);
  writer.abort();
  expect(readdirSync(join(folder, "atomic"))).toEqual([]);
});

test("a session is not overwritten unless asked for", () => {
  const path = randomSession("kept", SEED);
  const before = openSession(path).contentHash;
  expect(() => createSession(path, facts(["A"]))).toThrow(/expected a new or empty folder/);
  const writer = createSession(path, facts(["A"]), { replace: true });
  writer.snapshot(0, []);
  expect(openSession(path).contentHash).toBe(before);
  writer.finish();
  expect(openSession(path).contentHash).not.toBe(before);
  expect(readdirSync(folder).filter((name) => name.startsWith("kept"))).toEqual(["kept"]);
});

test("a recorder's flushed events survive without a finish", () => {
  const path = join(folder, "live");
  const writer = createSession(path, facts(["A"]), { inPlace: true });
  writer.snapshot(0, []);
  writer.delta(0, 0, cents(40), 100, START_US);
  writer.flush();
  writer.gap({
    market: null,
    scope: "book",
    reason: "reported",
    missing: null,
    sid: null,
    firstSeq: null,
  });
  writer.delta(0, 0, cents(41), 100, START_US);
  const session = openSession(path);
  expect(session.finished).toBe(false);
  expect(session.counts.deltas).toBe(1);
  expect(session.gaps).toHaveLength(1);
  expect(session.readTape().rowCount).toBe(2);
  expect(existsSync(join(path, "session.tape"))).toBe(false);
  session.close();
  writer.abort();
});

test("a recording that was left is gone on with, as if nothing had happened", () => {
  const whole = createSession(join(folder, "uncut"), facts(["A", "B"], ["SPX"]));
  appendRandom(whole, Prng.fromSeed(SEED), 140_000);
  const contentHash = whole.finish();
  const { counts } = openSession(join(folder, "uncut"));
  const path = join(folder, "left");
  const first = flushing(createSession(path, facts(["A", "B"], ["SPX"]), { inPlace: true }), 1_013);
  const events = openSession(join(folder, "uncut")).readEvents();
  const append = (writer: SessionWriter, from: number, end: number): void => {
    for (let row = from; row < end; row++) {
      const code = events.code[row] as number;
      writer.row(
        (code & 15) as 0,
        events.stream[row] as number,
        ((code >> 4) & 1) as 0,
        events.priceCc[row] as number,
        events.size[row] as number,
        events.stampUs[row] as number,
        (code >> 5) as 0,
      );
    }
  };
  append(first, 0, 3_000);
  // What was not flushed is lost with the process; each time a bit more has been stored.
  let done = 2 * 1_013;
  for (const until of [9_000, 135_000, events.rowCount]) {
    const writer = resumeSession(path);
    expect(writer.position).toBe(done);
    append(writer, done, until);
    writer.flush();
    done = until;
    const { n } = new Database(join(path, "session.db"), { readonly: true })
      .prepare("SELECT count(*) AS n FROM chunk")
      .get() as { n: number };
    expect(n).toBeLessThan(6);
  }
  const last = resumeSession(path);
  expect(last.finish()).toBe(contentHash);
  const left = openSession(path);
  expect(left.counts).toEqual(counts);
  expect(left.computeContentHash()).toBe(contentHash);
  expect(() => resumeSession(path)).toThrow(/expected a recording that was not finished/);
});

test("markets come to a session while it is written, and results too", () => {
  const path = join(folder, "growing");
  const writer = createSession(path, facts(["A"]), { inPlace: true });
  writer.snapshot(0, []);
  const [a, b] = facts(["A", "B"]).markets;
  if (a === undefined || b === undefined) throw new Error("two markets");
  writer.changeFacts({ markets: [a, b] });
  writer.snapshot(1, []);
  writer.gap({
    market: "B",
    scope: "book",
    reason: "overflow",
    missing: 3,
    sid: null,
    firstSeq: null,
  });
  expect(openSession(path).gaps).toHaveLength(0);
  writer.flush();
  const settlement = { valueCc: cents(100), source: "venue" } as const;
  writer.changeFacts({ markets: [a, { ...b, settlement }] });
  const cut = openSession(path);
  expect(cut.facts.markets.map((market) => market.settlement)).toEqual([null, settlement]);
  expect(cut.gaps).toMatchObject([{ position: 2, market: "B", reason: "overflow" }]);
  expect(() => writer.changeFacts({ markets: [b, a] })).toThrow(/streams keep their numbers/);
  cut.close();
  writer.finish();
});

test("a recording that is read while it ends is finished all the same", () => {
  const path = join(folder, "live-read");
  const writer = createSession(path, facts(["A"]), { inPlace: true });
  writer.snapshot(0, []);
  writer.flush();
  const reader = openSession(path);
  const rows = reader.readEvents().rowCount;
  writer.delta(0, 0, cents(40), 100, START_US);
  const contentHash = writer.finish();
  reader.close();
  expect(rows).toBe(1);
  const session = openSession(path);
  expect(session).toMatchObject({ finished: true, contentHash });
  expect(session.computeContentHash()).toBe(contentHash);
});

test("a folder that cannot be made is refused, and the message says where", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  expect(() => createSession(join(file, "session"), facts(["A"]))).toThrow(
    /file\/session: expected a folder that can be written/,
  );
});

test("what is no session is refused, each kind with its own message", () => {
  expect(() => openSession(join(folder, "nowhere"))).toThrow(/expected a session folder/);
  const text = join(folder, "text");
  mkdirSync(text);
  writeFileSync(
    join(text, "session.db"),
    "this is no database at all, only a longer text\n".repeat(99),
  );
  expect(() => openSession(text)).toThrow(/expected a kalshi-gym session, was another kind/);
  const other = join(folder, "other");
  mkdirSync(other);
  const db = new Database(join(other, "session.db"));
  db.exec("CREATE TABLE session (key TEXT, value TEXT)");
  db.close();
  expect(() => openSession(other)).toThrow(/expected a kalshi-gym session, was another kind/);
  const newer = randomSession("newer", SEED);
  const raised = new Database(join(newer, "session.db"));
  raised.pragma("user_version = 99");
  raised.close();
  expect(() => openSession(newer)).toThrow(/expected format version 1, was 99/);
});

test("a damaged chunk is refused rather than read as something else", () => {
  const path = randomSession("chunk", SEED);
  const db = new Database(join(path, "session.db"));
  db.exec("UPDATE chunk SET price = zeroblob(12)");
  db.close();
  expect(() => openSession(path).readEvents()).toThrow(/is damaged/);
});

test("the tape file is a cache: missing, damaged or out of date, it is made anew", () => {
  const path = randomSession("tape", SEED);
  const file = join(path, "session.tape");
  const session = openSession(path);
  const reasons: string[] = [];
  const onRebuild = (reason: string): void => void reasons.push(reason);
  const expected = session.readTape({ onRebuild });
  const whole = readFileSync(file);
  expect(reasons).toEqual(["missing"]);
  const again = session.readTape({ onRebuild });
  expect(reasons).toEqual(["missing"]);
  expect(again).toEqual(expected);
  expect(again.atUs.buffer).toBeInstanceOf(SharedArrayBuffer);
  const damaged = Buffer.from(whole);
  damaged.writeUInt8(damaged.readUInt8(1000) ^ 1, 1000);
  writeFileSync(file, damaged);
  expect(session.readTape({ onRebuild })).toEqual(expected);
  expect(readFileSync(file).equals(whole)).toBe(true);
  truncateSync(file, whole.length - 1);
  expect(session.readTape({ onRebuild })).toEqual(expected);
  writeFileSync(file, "short");
  expect(session.readTape({ onRebuild })).toEqual(expected);
  randomSession("tape-of-another", SEED + 1);
  openSession(join(folder, "tape-of-another")).readTape();
  writeFileSync(file, readFileSync(join(folder, "tape-of-another", "session.tape")));
  expect(session.readTape({ onRebuild })).toEqual(expected);
  expect(reasons.slice(1)).toEqual(["damaged", "damaged", "damaged", "out of date"]);
  expect(readFileSync(file).equals(whole)).toBe(true);
});

test("where no tape file can be written, the session goes without one", () => {
  const path = randomSession("unwritable", SEED);
  // A folder in the file's place cannot be replaced, by root either.
  mkdirSync(join(path, "session.tape", "in-the-way"), { recursive: true });
  const reasons: string[] = [];
  const session = openSession(path);
  expect(session.readTape({ onRebuild: (reason) => void reasons.push(reason) }).rowCount).toBe(
    session.counts.rows,
  );
  expect(reasons).toHaveLength(2);
  expect(reasons[1]).toMatch(/^not stored: /);
  expect(readdirSync(path).sort()).toEqual(["session.db", "session.tape"]);
  rmSync(join(path, "session.tape"), { recursive: true });
});
