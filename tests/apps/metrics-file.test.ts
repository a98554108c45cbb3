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

/** Numbers of one varint, and where it ends. */
function varint(bytes: Buffer, from: number): [value: number, next: number] {
  let [value, scale, at] = [0, 1, from];
  for (;;) {
    const byte = bytes.readUInt8(at++);
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
    scale *= 128;
  }
}

/** Fields of a protobuf message, by number. */
function fields(bytes: Buffer): [field: number, value: Buffer | number][] {
  const found: [number, Buffer | number][] = [];
  for (let at = 0; at < bytes.length;) {
    const [key, start] = varint(bytes, at);
    const kind = key % 8;
    let [value, end]: [Buffer | number, number] = [0, start];
    if (kind === 0) [value, end] = varint(bytes, start);
    else if (kind === 1) [value, end] = [bytes.readDoubleLE(start), start + 8];
    else if (kind === 5) [value, end] = [bytes.readFloatLE(start), start + 4];
    else {
      const [length, from] = varint(bytes, start);
      [value, end] = [bytes.subarray(from, from + length), from + length];
    }
    found.push([Math.floor(key / 8), value]);
    at = end;
  }
  return found;
}

/** Steps and values by tag of each event in an event file, after its header. */
function eventsOf(bytes: Buffer): { step: number; values: Map<string, number> }[] {
  const events: { step: number; values: Map<string, number> }[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const event = new Map(fields(bytes.subarray(at + 12, at + 12 + length)));
    at += 12 + length + 4;
    if (!event.has(5)) continue;
    const values = fields(event.get(5) as Buffer).map(([, value]) => {
      const scalar = new Map(fields(value as Buffer));
      return [String(scalar.get(1)), scalar.get(2) as number] as const;
    });
    events.push({ step: event.get(2) as number, values: new Map(values) });
  }
  return events;
}

test("lines, table and events say the same", () => {
  const out = join(scratch, "three");
  const metrics = openMetrics(out, 0, ["HOLD"]);
  const base = { iteration: 1, steps: 300, valueLoss: 0.1, learningRate: 1e-3 };
  const shares = { actionShares: [0.25, 0.75] };
  metrics.append({ ...base, meanReturn: NaN, ...shares, heldOutReturn: 3, alarms: ["a", "b"] });
  const later = { iteration: 2, steps: 600, valueLoss: -0, learningRate: 0 };
  metrics.append({ ...later, meanReturn: 7, ...shares, heldOutReturn: null, alarms: [] });

  const [one, two] = metrics.lines;
  expect(readFileSync(join(out, METRICS_FILE), "utf8")).toBe(
    `${JSON.stringify(one)}\n${JSON.stringify(two)}\n`,
  );
  expect(one).toMatchObject({ meanReturn: null, alarms: ["a", "b"] });
  expect(readFileSync(join(out, "metrics.csv"), "utf8")).toBe(
    "iteration,steps,valueLoss,learningRate,meanReturn," +
      "actionShares.HOLD,actionShares.1,heldOutReturn,alarms\n" +
      "1,300,0.1,0.001,,0.25,0.75,3,a b\n" +
      "2,600,0,0,7,0.25,0.75,,\n",
  );
  const events = eventsOf(readFileSync(join(out, "events.out.tfevents.kalshi-gym")));
  expect(events.map(({ step }) => step)).toEqual([300, 600]);
  expect([...(events[0]?.values ?? [])]).toEqual([
    ["rollout/iteration", 1],
    ["losses/valueLoss", Math.fround(0.1)],
    ["schedules/learningRate", Math.fround(1e-3)],
    ["actionShares/HOLD", 0.25],
    ["actionShares/1", 0.75],
    ["heldOut/heldOutReturn", 3],
  ]);
  expect(events[1]?.values.get("rollout/meanReturn")).toBe(7);
  expect(events[1]?.values.has("heldOut/heldOutReturn")).toBe(false);

  // Whoever goes on from step 300 finds all three as they were then.
  const again = openMetrics(out, 300, ["HOLD"]);
  expect(again.lines).toEqual([one]);
  again.append({ ...later, meanReturn: 7, ...shares, heldOutReturn: null, alarms: [] });
  expect(again.lines).toEqual([one, two]);
  expect(eventsOf(readFileSync(join(out, "events.out.tfevents.kalshi-gym")))).toEqual(events);
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
