import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readConfiguration } from "../../src/apps/configuration.ts";
import { consoleFor } from "../../src/apps/console.ts";
import { openMetrics } from "../../src/apps/metrics-file.ts";
import { METRICS_FILE } from "../../src/apps/run-files.ts";
import { trainOnSessions } from "../../src/apps/train-sessions.ts";
import type { TrainingResult } from "../../src/apps/training.ts";
import { loadSessions } from "../../src/apps/wire.ts";
import { Command } from "commander";

const scratch = mkdtempSync(join(tmpdir(), "metrics-file-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const configuration = readConfiguration(undefined, {
  environments: 4,
  ppo: { totalSteps: 1024, rolloutSteps: 64, epochs: 1, minibatches: 4 },
});

/** Trains in `out`; Ctrl-C comes during iteration `stopAt`. */
function train(out: string, resume: boolean, stopAt = Infinity): Promise<TrainingResult> {
  const io = consoleFor(new Command().option("--json").parse(["--json"], { from: "user" }));
  let looks = 0;
  const interruption = {
    get requested() {
      return looks++ >= stopAt;
    },
    release: () => undefined,
  };
  const sessions = loadSessions(["sessions/sample-1"], io);
  return trainOnSessions({ configuration, sessions, out, resume, io, interruption });
}

test("a run that was cut off and resumed has the metrics of an uninterrupted one", async () => {
  const [whole, cut] = [join(scratch, "whole"), join(scratch, "cut")];
  const uninterrupted = await train(whole, false);
  const first = await train(cut, false, 2);
  expect(first.ending).toBe("interrupted");
  // As a killed run leaves it: iterations after the last checkpoint, the last line cut off.
  const stray = { ...uninterrupted.history[2], meanReturn: 1e9 };
  appendFileSync(join(cut, METRICS_FILE), `${JSON.stringify(stray)}\n{"steps":10`);
  const resumed = await train(cut, true);
  const read = (folder: string): string => readFileSync(join(folder, METRICS_FILE), "utf8");
  expect(read(cut)).toBe(read(whole));
  expect(resumed.manifest).toEqual(uninterrupted.manifest);
});

test("resuming a finished run keeps its metrics and its result", async () => {
  const out = join(scratch, "finished");
  const finished = await train(out, false);
  const before = readFileSync(join(out, METRICS_FILE), "utf8");
  const again = await train(out, true);
  expect(again.manifest.result).toEqual(finished.manifest.result);
  expect(readFileSync(join(out, METRICS_FILE), "utf8")).toBe(before);
});

test("metrics that cannot be written are an error in plain words", () => {
  expect(() => openMetrics("package.json", 0)).toThrow(
    /package\.json\/metrics\.jsonl: could not be written/,
  );
});
