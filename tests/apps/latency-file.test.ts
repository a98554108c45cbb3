/** Files of measured latencies: both forms of both formats, what is refused, and who keeps the hash. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { episodeSettings, readConfiguration } from "../../src/apps/configuration.ts";
import { readLatencyFile } from "../../src/apps/latency-file.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-latency-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** What is said of a file of this content, without its name. */
function refusal(name: string, content: unknown): string {
  const path = file(name, content);
  try {
    readLatencyFile(path);
  } catch (error) {
    expect(error).toMatchObject({ name: "OperationError", code: "LATENCY_FILE" });
    return (error as Error).message.replaceAll(path, "FILE");
  }
  throw new Error("the file was taken");
}

test("samples and quantiles, in CSV and JSON, are the same measurement with the same hash", () => {
  const samples = readLatencyFile(file("s.csv", "latency_us\n900\n1200\n80000\n"));
  expect(samples).toMatchObject({ samplesUs: [900, 1200, 80000] });
  expect(readLatencyFile(file("s.json", { samplesUs: [900, 1200, 80000] }))).toEqual(samples);
  const quantiles = readLatencyFile(
    file("q.csv", "quantile,latency_us\r\n0,900\r\n0.5,1200\r\n0.999999,5000\r\n1,80000\r\n"),
  );
  expect(quantiles).toMatchObject({
    quantilesUs: [
      [0, 900],
      [500_000, 1200],
      [999_999, 5000],
      [1_000_000, 80_000],
    ],
  });
  const pairs = [
    [0, 900],
    [0.5, 1200],
    [0.999999, 5000],
    [1, 80000],
  ];
  expect(readLatencyFile(file("q.json", { quantilesUs: pairs }))).toEqual(quantiles);
  expect(samples.contentHash).not.toBe(quantiles.contentHash);
});

test("what is not such a file is refused by line or key, with what was expected and found", () => {
  expect(refusal("a.csv", "latency\n1\n")).toBe(
    'FILE:1: expected latency_us or quantile,latency_us, was "latency"',
  );
  expect(refusal("b.csv", "latency_us\n12\n1.5\n")).toBe(
    'FILE:3: expected whole microseconds, was "1.5"',
  );
  expect(refusal("c.csv", "latency_us\n")).toBe(
    "FILE:2: expected at least one value, was the end of the list",
  );
  expect(refusal("d.csv", "latency_us\n3600000001\n")).toBe(
    "FILE:2: expected whole microseconds from 0 to 3600000000, was 3600000001",
  );
  expect(refusal("e.csv", "quantile,latency_us\n0.1,5\n1,6\n")).toBe(
    "FILE:2: expected the share 0 first, was [0.1,5]",
  );
  expect(refusal("f.csv", "quantile,latency_us\n0,5\n0.5,6\n")).toBe(
    "FILE:4: expected the share 1 last, was the end of the list",
  );
  expect(refusal("g.csv", "quantile,latency_us\n0,5\n0.5,4\n1,9\n")).toBe(
    "FILE:3: expected no less than the 5 us before it, was [0.5,4]",
  );
  expect(refusal("h.csv", "quantile,latency_us\n0,5\n50%,6\n1,9\n")).toBe(
    'FILE:3: expected a share from 0 to 1 with at most six decimals, was "50%"',
  );
  expect(refusal("i.json", { samplesMs: [1] })).toBe(
    "FILE: expected one key, samplesUs or quantilesUs, was samplesMs",
  );
  expect(refusal("j.json", { samplesUs: [1, "2"] })).toBe(
    'FILE: samplesUs.1: expected whole microseconds from 0 to 3600000000, was "2"',
  );
  expect(refusal("k.json", { quantilesUs: [[0, 1], 5] })).toBe(
    "FILE: quantilesUs.1: expected [share, microseconds], was 5",
  );
  expect(refusal("l.json", "{")).toMatch(/^FILE: expected JSON, was /);
  const many = { samplesUs: Array.from({ length: 10_001 }, () => 1) };
  expect(refusal("m.json", many)).toMatch(/^FILE: samplesUs\.10000: expected at most 10000 values/);
});

test("a configuration keeps the hash, and a file that has changed since is refused", () => {
  const latencies = file("now.csv", "latency_us\n10\n20\n");
  const configuration = file("run.json", {
    episode: { latency: { cancelUs: { file: latencies }, feedUs: { minUs: 1, maxUs: 9 } } },
  });
  const read = readConfiguration(configuration, {});
  const { contentHash } = readLatencyFile(latencies);
  expect(read.episode.latency.cancelUs).toEqual({ file: latencies, contentHash });
  expect(episodeSettings(read).latency).toMatchObject({
    feedUs: { minUs: 1, maxUs: 9 },
    cancelUs: { samplesUs: [10, 20], contentHash },
    answerUs: 25_000,
  });
  // As a manifest gives it to an evaluation, over which a file may say something else.
  const base = { episode: read.episode };
  file("now.csv", "latency_us\n10\n21\n");
  expect(() => readConfiguration(undefined, {}, base)).toThrow(
    /now\.csv: expected latencies with content [0-9a-f]{12}, as when they were first used, was /,
  );
  const other = file("other.json", { episode: { latency: { cancelUs: { file: latencies } } } });
  expect(episodeSettings(readConfiguration(other, {}, base)).latency).toMatchObject({
    cancelUs: { samplesUs: [10, 21] },
  });
});
