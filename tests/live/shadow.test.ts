/**
 * The orders of a run beside the simulator's, where chance is seeded: made-up traders post and take one
 * order at a time, which the queue model follows.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { replayPart } from "../../src/apps/live/live-replaying.ts";
import { baselinePolicy } from "../../src/apps/wire.ts";
import { type LiveEntry, LiveJournal, readLiveJournal } from "../../src/journal/index.ts";
import { EventKind, openSession } from "../../src/market/index.ts";
import { LiveWorld } from "./live-world.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-shadow-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const policy = () => {
  const join = baselinePolicy("join");
  if (join === undefined) throw new Error("there is a policy that joins the best prices");
  return join;
};

/** A run of five minutes. */
function journalOf(seed: number): { path: string; filled: number } {
  const world = new LiveWorld({ seed, markets: 3, policy, activity: 3 });
  const run = world.open();
  run.start();
  for (let at = 0; at < 60; at++) world.run(5);
  run.actor.take({ kind: "command", name: "stop", by: "test" });
  world.run(10);
  world.close();
  expect(run.isDone).toBe(true);
  const path = join(folder, `${seed}.db`);
  const journal = LiveJournal.open(path, run.header);
  for (const block of run.journal.blocks) {
    if (block.kind === "inputs") journal.inputs(block.entries);
    else journal.outputs(block.outputs);
  }
  journal.end("stopped", world.scheduler.nowUs());
  const entries = run.journal.blocks.flatMap((block) =>
    block.kind === "inputs" ? block.entries : ([] as readonly LiveEntry[]),
  );
  const filled = entries.reduce(
    (sum, { input }) =>
      input.kind === "order" && input.event.kind === "filled" ? sum + input.event.size : sum,
    0,
  );
  return { path, filled };
}

test.each([1, 2, 3])("the queue model fills as the venue did (seed %d)", (seed) => {
  const { path, filled } = journalOf(seed);
  const reader = readLiveJournal(path);
  const compared = (["queue", "touch", "through"] as const).map((shadow) => {
    const [part] = reader.parts;
    if (part === undefined) throw new Error("a journal has a part");
    const session = join(folder, `${seed}-${shadow}`);
    const replayed = replayPart(part, policy, { path, model: null, shadow, session });
    expect([replayed.result.difference, replayed.parity.different]).toEqual([null, 0]);
    if (replayed.shadow === null) throw new Error("a comparison was asked for");
    return replayed.shadow;
  });
  reader.close();
  // Each trade of others stands beside the change that it made, and of ours there is neither.
  const recording = openSession(join(folder, `${seed}-queue`));
  const { kind, pairRow } = recording.readTape();
  recording.close();
  const trades = [...kind.keys()].filter((row) => kind[row] === EventKind.trade);
  expect(trades.length).toBeGreaterThan(1_000);
  expect(trades.filter((row) => pairRow[row] === -1).length).toBeLessThan(3);
  const [queue, touch, through] = compared;
  if (queue === undefined || touch === undefined || through === undefined) throw new Error();
  expect(queue.orders.length).toBeGreaterThan(100);
  expect(queue.realLots).toBe(filled);
  expect(queue.same).toBeGreaterThan(0.95 * queue.orders.length);
  // What is left are orders that crossed with a trade on their way, and cancels of unknown place.
  for (const { why } of queue.orders) expect(why).toMatch(/^same$|before us|not there yet/);
  // The two bounds are far off, each to its side.
  expect(touch.simulatedLots).toBeGreaterThan(1.2 * filled);
  expect(through.simulatedLots).toBeLessThan(0.3 * filled);
  expect(touch.cents).toBeGreaterThan(20 * Math.abs(queue.cents));
  expect(through.cents).toBeLessThan(-15 * Math.abs(queue.cents));
});
