/** Random damage to a recorded episode: it is named, or it changed nothing that was recorded. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { OperationError, Prng } from "../../src/core/index.ts";
import { EpisodeWriter, readEpisode } from "../../src/journal/index.ts";

const seed = Number(process.env["SEED"] ?? 41);
const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-damage-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function recorded(path: string): string {
  const writer = new EpisodeWriter({
    session: { id: "s", contentHash: "c".repeat(64) },
    ticker: "KXTEST-A",
    startRow: 5,
    settings: { steps: 4, latency: { feed: 50_000 } },
    seed: "a text",
    policy: { name: "agent", modelHash: "d".repeat(64), choice: "sample" },
    schemaHash: "f".repeat(64),
    software: "test",
  });
  for (let step = 0; step < 4; step++) {
    writer.step({
      step,
      atUs: 1_700_000_000_000_000 + step,
      observationHash: `${step}`.repeat(64),
      mask: "11010",
      action: step,
      bid: 4400,
      ask: 4700,
      sent: [],
      refused: ["position limit"],
      events: [],
      reward: -1_250_000,
      value: 100_000_000,
      cash: 56_000_000,
      position: 100,
    });
  }
  const { journalHash } = writer.finish({ end: "truncated", steps: 4, value: 100_000_000 });
  writer.save(path);
  return journalHash;
}

const path = join(folder, "episode.jsonl");
const journalHash = recorded(path);
const text = readFileSync(path, "utf8");

/** The error's code, or null where the file was read; anything but an `OperationError` is thrown. */
function read(content: string): { code: string | null; hash: string | null } {
  writeFileSync(path, content);
  try {
    return { code: null, hash: readEpisode(path).journalHash };
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    expect(error.message).toContain("episode.jsonl");
    return { code: error.code, hash: null };
  }
}

test("any one character changed is an error, or leaves the episode what it was", () => {
  const prng = Prng.fromSeed(seed);
  const characters = '0123456789eE.-+"{}[]:,abcn \n';
  let found = 0;
  for (let round = 0; round < 3000; round++) {
    const at = prng.integer(text.length);
    const character = characters[prng.integer(characters.length)] as string;
    if (text[at] === character) continue;
    const { code, hash } = read(text.slice(0, at) + character + text.slice(at + 1));
    if (code === null) expect(hash, `seed ${seed} at ${at}: ${character}`).toBe(journalHash);
    else found += 1;
  }
  expect(found).toBeGreaterThan(2500);
});

test("a number too large for a double is an error, not a bug", () => {
  expect(read(text.replace("1700000000000000", "1e999999")).code).toBe("EPISODE_FORMAT");
});

test("lines removed, swapped, repeated or added are found", () => {
  const lines = text.trimEnd().split("\n");
  const without = (index: number) => lines.filter((_, other) => other !== index).join("\n");
  for (let index = 0; index < lines.length; index++) {
    expect(read(without(index)).code, `without line ${index + 1}`).toMatch(/^EPISODE_/);
    const twice = lines.toSpliced(index, 0, lines[index] as string).join("\n");
    expect(read(twice).code, `line ${index + 1} twice`).toMatch(/^EPISODE_/);
  }
  const [first, second, third, ...rest] = lines;
  expect(read([first, third, second, ...rest].join("\n")).code).toBe("EPISODE_DAMAGED");
  expect(read(`${text}{"step": 4}\n`).code).toBe("EPISODE_DAMAGED");
  expect(read(text)).toEqual({ code: null, hash: journalHash });
});

test("a file cut off anywhere before its closing line ends is an error", () => {
  for (let length = 0; length < text.length - 1; length += 7) {
    expect(read(text.slice(0, length)).code, `length ${length}`).toMatch(/^EPISODE_/);
  }
});

test("a recording of another format version says so", () => {
  const { code } = read(text.replace('"formatVersion":1', '"formatVersion":2'));
  expect(code).toBe("EPISODE_VERSION");
});
