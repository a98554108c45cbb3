import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  compareEpisodes,
  type EpisodeJournal,
  EpisodeWriter,
  type JournalStep,
  readEpisode,
} from "../../src/journal/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-journal-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HEADER = {
  session: { id: "s", contentHash: "c".repeat(64) },
  ticker: "KXTEST-A",
  startRow: 5,
  settings: { steps: 3 },
  seed: 1,
  policy: { name: "hold", modelHash: null, choice: "best" },
  schemaHash: "f".repeat(64),
  software: "test",
} as const;

function step(number: number, change: Partial<JournalStep> = {}): JournalStep {
  return {
    step: number,
    atUs: 1_000_000 * number,
    observationHash: "0".repeat(64),
    mask: "11010",
    action: 0,
    bid: 4400,
    ask: 4700,
    sent: [],
    refused: [],
    events: [],
    reward: 0,
    value: 100,
    cash: 100,
    position: 0,
    ...change,
  };
}

function write(path: string, steps: readonly JournalStep[]): EpisodeJournal {
  const writer = new EpisodeWriter(HEADER, { sessionFolder: "sessions/s" });
  for (const each of steps) writer.step(each);
  const journal = writer.finish({ end: "truncated", steps: steps.length, value: 100 });
  writer.save(path);
  return journal;
}

describe("a recorded episode", () => {
  const path = join(folder, "episode.jsonl");
  let written: EpisodeJournal;
  beforeAll(() => {
    written = write(path, [step(0), step(1, { action: 1 }), step(2)]);
  });

  test("is read back as it was written", () => {
    const read = readEpisode(path);
    expect(read.journalHash).toBe(written.journalHash);
    expect(compareEpisodes(written, read)).toBeNull();
  });

  test("has the same hash wherever it was recorded: hints are not part of it", () => {
    const writer = new EpisodeWriter(HEADER, { sessionFolder: "elsewhere" });
    for (const each of [step(0), step(1, { action: 1 }), step(2)]) writer.step(each);
    const { journalHash } = writer.finish({ end: "truncated", steps: 3, value: 100 });
    expect(journalHash).toBe(written.journalHash);
  });

  test("shows any line that was changed afterwards", () => {
    const lines = readFileSync(path, "utf8").split("\n");
    const changed = join(folder, "changed.jsonl");
    for (const [index, from, to] of [
      [0, '"startRow":5', '"startRow":6'],
      [2, '"action":1', '"action":2'],
      [4, '"value":100', '"value":101'],
    ] as const) {
      const copy = [...lines];
      copy[index] = (copy[index] as string).replace(from, to);
      expect(copy[index]).not.toBe(lines[index]);
      writeFileSync(changed, copy.join("\n"));
      const line = index === 0 ? 2 : index + 1;
      expect(() => readEpisode(changed)).toThrow(new RegExp(`changed.jsonl:${line}: expected`));
    }
    writeFileSync(changed, lines.slice(0, 3).join("\n"));
    expect(() => readEpisode(changed)).toThrow(/expected a closing line/);
    writeFileSync(changed, `${lines[0]}\nnot json\n`);
    expect(() => readEpisode(changed)).toThrow(/changed.jsonl:2: expected a JSON object/);
    writeFileSync(changed, '{"other": 1}\n');
    expect(() => readEpisode(changed)).toThrow(/expected the header of a kalshi-gym episode/);
    expect(() => readEpisode(join(folder, "none"))).toThrow(/none: expected a recorded episode/);
  });

  test("is compared step by step, and the first difference is named", () => {
    const other = join(folder, "other.jsonl");
    const replayed = write(other, [
      step(0),
      step(1, { action: 1, bid: 4300 }),
      step(2, { ask: 1 }),
    ]);
    expect(compareEpisodes(written, replayed)).toEqual({
      step: 1,
      field: "bid",
      recorded: 4400,
      replayed: 4300,
    });
    expect(compareEpisodes(written, write(other, [step(0), step(1, { action: 1 })]))).toEqual({
      step: 2,
      field: "steps",
      recorded: 3,
      replayed: 2,
    });
  });
});
