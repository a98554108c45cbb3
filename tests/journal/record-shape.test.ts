/**
 * Records whose chain is right but which are not episodes: as another program might write them, or
 * somebody who recomputes the hashes. The chain is made here by its definition, not by the writer.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { canonicalJson, sha256 } from "../../src/core/index.ts";
import { readEpisode } from "../../src/journal/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-shape-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "episode.jsonl");

type Members = Record<string, unknown>;

const header: Members = {
  format: "kalshi-gym episode",
  formatVersion: 1,
  session: { id: "s", contentHash: "c".repeat(64) },
  ticker: "KXTEST-A",
  startRow: 5,
  settings: {},
  seed: 1,
  policy: { name: "hold", modelHash: null, choice: "best" },
  schemaHash: "f".repeat(64),
  software: "test",
};
const step: Members = {
  ...{ atUs: 1, observationHash: "0", mask: "10000", action: 0, bid: 4400, ask: 4700 },
  ...{ sent: [], refused: [], events: [], reward: 0, value: 100, cash: 100, position: 0 },
};
const good = {
  header,
  steps: [
    { step: 0, ...step },
    { step: 1, ...step },
  ] as Members[],
};
const end: Members = { end: "truncated", steps: 2, value: 100 };

/** Writes an episode with a true chain, and reads it. */
function read(episode: { header: Members; steps: Members[]; end: Members }): number {
  let chain = sha256(canonicalJson(episode.header));
  const lines: object[] = [{ header: episode.header, hints: {} }];
  for (const record of episode.steps) {
    chain = sha256(chain + canonicalJson(record));
    lines.push({ ...record, chain });
  }
  lines.push({ ...episode.end, journalHash: sha256(chain + canonicalJson(episode.end)) });
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return readEpisode(path).steps.length;
}

function without(record: Members, key: string): Members {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

test("an episode with a chain by its definition is read", () => {
  expect(read({ ...good, end })).toBe(2);
});

test("every member that is missing is named with its line", () => {
  for (const key of Object.keys(header).filter((name) => !name.startsWith("format"))) {
    const broken = { ...good, header: without(header, key), end };
    expect(() => read(broken), key).toThrow(`${path}:1: ${key}: expected a`);
  }
  for (const key of Object.keys({ step: 1, ...step })) {
    const steps = [good.steps[0] ?? {}, without(good.steps[1] ?? {}, key)];
    expect(() => read({ header, steps, end }), key).toThrow(
      new RegExp(`:3: ${key}: expected .*, was missing$`),
    );
  }
  for (const key of Object.keys(end)) {
    expect(() => read({ ...good, end: without(end, key) }), key).toThrow(
      new RegExp(`:4: ${key}: expected .*, was missing$`),
    );
  }
});

test.each<[string, Partial<{ header: Members; steps: Members[]; end: Members }>, string]>([
  ["a list that is text", { steps: [{ step: 0, ...step, events: "x" }] }, ":2: events: expected"],
  ["a step left out", { steps: [{ step: 1, ...step }] }, ":2: step: expected 0, was 1"],
  ["another count of steps", { end: { ...end, steps: 3 } }, ":4: steps: expected 2, the steps"],
  ["an unknown end", { end: { ...end, end: "maybe" } }, ":4: end: expected one of terminated"],
  ["half a row", { header: { ...header, startRow: 0.5 } }, ":1: startRow: expected a whole number"],
  [
    "a policy without a name",
    { header: { ...header, policy: { modelHash: null, choice: "best" } } },
    ":1: policy.name: expected a text, was missing",
  ],
])("%s is refused", (_, change, message) => {
  expect(() => read({ ...good, end, ...change })).toThrow(`${path}${message}`);
});
