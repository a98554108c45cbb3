/** `paper` as a user starts it: with an exchange of its own, and beside one that runs. */
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  besideLog,
  CALM,
  checkJournal,
  eventsOf,
  Eye,
  lastLine,
  startPaper,
  statusOf,
  until,
} from "./paper-case.ts";
import { openStage } from "./programs.ts";

const { folder, programs } = openStage("paper");

test.concurrent(
  "with an exchange of its own it needs nothing, and ends with what it did",
  async () => {
    const out = join(folder, "own");
    const run = programs.launch(["paper", "--policy", "join", "--out", out, "--json"]);
    await run.said("ends it");
    const beside = programs.find({ of: run.child.pid });
    const sent = (): number => eventsOf(out).match(/^\S+ (bid|ask) /gm)?.length ?? 0;
    await until("four orders", () => sent() >= 4);
    expect((await programs.launch(["paper", "stop", out]).ended).code).toBe(0);
    const end = await run.ended;
    expect([end.code, end.err]).toEqual([0, expect.stringMatching("CALIBRATING -> READY")]);
    const told = lastLine(end.out);
    const keys = ["state", "decisions", "orders", "fills", "reconciled", "journal", "journalHash"];
    expect(Object.keys(told)).toEqual(keys);
    expect(told).toMatchObject({
      state: "IDLE",
      reconciled: true,
      journal: join(out, "journal.db"),
    });
    const { parts, hashes, fills, decisions } = checkJournal(join(out, "journal.db"));
    expect(hashes).toEqual([told["journalHash"]]);
    expect([decisions, fills.length]).toEqual([[told["decisions"]], told["fills"]]);
    expect(parts.map(({ isEnded, reason }) => [isEnded, reason])).toEqual([[true, "stopped"]]);
    expect(told["decisions"]).toBeGreaterThanOrEqual(4);
    expect(told["orders"]).toBeGreaterThanOrEqual(4);
    expect(beside).toHaveLength(2);
    await isGone(beside);
  },
);

test.concurrent("it ends by itself after so many seconds", async () => {
  const out = join(folder, "seconds");
  const words = ["paper", "--policy", "hold", "--out", out, "--seconds", "1", "--json"];
  const end = await programs.launch(words).ended;
  expect([end.code, lastLine(end.out)], end.err).toMatchObject([0, { state: "IDLE", orders: 0 }]);
  expect(eventsOf(out)).toMatch("-> IDLE: stop by --seconds 1");
  checkJournal(join(out, "journal.db"), "hold");
});

function isGone(pids: readonly number[]): Promise<void> {
  return until("nothing is left running", () => {
    const left = programs.find();
    return pids.every((pid) => !left.includes(pid));
  });
}

/** Starts an exchange and a run on it that has orders in the book. */
async function trading(name: string, ...words: string[]) {
  const { child, addresses, ended } = await programs.exchange(...CALM);
  const out = join(folder, name);
  const run = startPaper(programs, addresses, out, ...words);
  const eye = new Eye(addresses);
  await until("orders rest", async () => (await eye.resting()).length > 0);
  const beside = programs.find({ of: run.child.pid });
  expect(beside).toHaveLength(1);
  const noWatchdog = (): Promise<void> => isGone(beside);
  const close = (): Promise<unknown> => {
    child.kill("SIGKILL");
    return ended;
  };
  return { run, eye, out, addresses, close, noWatchdog };
}

test.concurrent.each(["SIGINT", "SIGTERM"] as const)(
  "%s cancels the orders and ends it",
  async (signal) => {
    const { run, eye, out, close, noWatchdog } = await trading(signal, "--json");
    run.child.kill(signal);
    const end = await run.ended;
    expect(await eye.resting()).toEqual([]);
    expect(end.code).toBe(130);
    const told = lastLine(end.out);
    expect(told).toMatchObject({ state: "IDLE", reconciled: true });
    expect(checkJournal(join(out, "journal.db")).hashes).toEqual([told["journalHash"]]);
    await noWatchdog();
    await close();
  },
);

test.concurrent(
  "paper stop ends a run, and paper status tells of it before and after",
  async () => {
    const { run, eye, out, close, noWatchdog } = await trading("stop");
    // The status is of the second before.
    await until("the status tells of an order", () => /^order +kg-/m.test(statusOf(out)));
    const during = await programs.launch(["paper", "status", out, "--json"]).ended;
    expect(lastLine(during.out)).toMatchObject({
      running: true,
      pid: run.child.pid,
      endedUs: null,
    });
    expect(String(lastLine(during.out)["status"])).toMatch(/^order +kg-/m);
    const stop = await programs.launch(["paper", "stop", out, "--json"]).ended;
    expect([stop.code, stop.err]).toEqual([0, expect.stringMatching("has ended")]);
    expect(lastLine(stop.out)["stopped"]).toBe(true);
    // By itself, for its exit code is 0: one that is ended after ten seconds has none.
    expect(lastLine(stop.out)["seconds"]).toBeGreaterThan(0);
    const end = await run.ended;
    expect([end.code, await eye.resting()]).toEqual([0, []]);
    await noWatchdog();
    const after = await programs.launch(["paper", "status", out]).ended;
    expect(after.out).toMatch(/The run ended at .*\n.*\nstate +IDLE/);
    const again = await programs.launch(["paper", "stop", out]).ended;
    expect([again.code, again.err]).toEqual([
      1,
      expect.stringMatching("expected a run that goes on"),
    ]);
    await close();
  },
);

test.concurrent("killed, its orders are cancelled by the process beside it", async () => {
  const { run, eye, out, close, noWatchdog } = await trading("killed");
  run.child.kill("SIGKILL");
  const fromMs = performance.now();
  await until("it cancels", () => besideLog(out).includes("the run is gone: cancelling"));
  // Silence alone would have it act after ten seconds.
  expect(performance.now() - fromMs).toBeLessThan(9_000);
  await until("orders are gone", async () => (await eye.resting()).length === 0);
  await noWatchdog();
  expect(besideLog(out)).toMatch("nothing of the run's rests any more");
  const status = await programs.launch(["paper", "status", out]).ended;
  expect(status.out).toMatch("no order was left at");
  checkJournal(join(out, "journal.db"));
  await close();
});

test.concurrent("a run whose loop hangs loses its orders after ten seconds", async () => {
  const { run, eye, out, close, noWatchdog } = await trading("silent");
  const fromMs = performance.now();
  run.child.kill("SIGSTOP");
  // Fills may empty the book of them before; that tells nothing of the process beside it.
  const isSilent = (): boolean => besideLog(out).includes("gives no sign of life: cancelling");
  await until("it cancels", isSilent);
  // Ten from the last sign of life; where it slept itself, it begins to count anew.
  expect(performance.now() - fromMs).toBeGreaterThan(5_000);
  expect(performance.now() - fromMs).toBeLessThan(30_000);
  await until("orders are gone", async () => (await eye.resting()).length === 0);
  // It wakes up, finds its orders gone, and trades on.
  run.child.kill("SIGCONT");
  await until("orders rest again", async () => (await eye.resting()).length > 0);
  // The process beside it does not go on cancelling what is now looked after again.
  // Where nothing was found for long, it has done so before the run was back.
  const isOver = (): boolean => /the run is back|nothing of the run's rests/.test(besideLog(out));
  await until("it is left alone", isOver);
  run.child.kill("SIGINT");
  const end = await run.ended;
  expect([end.code, await eye.resting()]).toEqual([130, []]);
  checkJournal(join(out, "journal.db"));
  await noWatchdog();
  await close();
});

test.concurrent("paper stop works where the loop hangs", async () => {
  const { run, eye, out, close, noWatchdog } = await trading("hanging");
  run.child.kill("SIGSTOP");
  const stop = await programs.launch(["paper", "stop", out, "--json"]).ended;
  expect([stop.code, await eye.resting()]).toEqual([0, []]);
  await run.ended;
  await noWatchdog();
  expect(besideLog(out)).toMatch("the run did not end");
  checkJournal(join(out, "journal.db"));
  await close();
});

test.concurrent("an exchange of its own goes with a run that is killed", async () => {
  const out = join(folder, "own-killed");
  const run = programs.launch(["paper", "--policy", "join", "--out", out]);
  await run.said(" bid 10.00 of ");
  const beside = programs.find({ of: run.child.pid });
  expect(beside).toHaveLength(2);
  run.child.kill("SIGKILL");
  await isGone(beside);
  const status = await programs.launch(["paper", "status", out]).ended;
  expect(status.out).toMatch(/broke off, process \d+; no order was left at/);
});

test.concurrent("a run whose own exchange dies says so", async () => {
  const out = join(folder, "own-dead");
  const run = programs.launch(["paper", "--policy", "join", "--out", out]);
  await run.said("-> READY");
  const beside = programs.find({ of: run.child.pid });
  const [exchange = 0] = programs.find({ words: " exchange ", of: run.child.pid });
  expect(exchange).toBeGreaterThan(0);
  process.kill(exchange, "SIGKILL");
  const { code, err } = await run.ended;
  expect([code, err]).toEqual([1, expect.stringMatching("the local exchange has ended by itself")]);
  await isGone(beside);
});

test.concurrent("a watchdog that dies is replaced", async () => {
  const { run, eye, close, noWatchdog } = await trading("watchdog");
  for (const pid of programs.find({ of: run.child.pid })) process.kill(pid, "SIGKILL");
  await noWatchdog();
  await until("another one", () => programs.find({ of: run.child.pid }).length === 1);
  const beside = programs.find({ of: run.child.pid });
  await until("orders rest", async () => (await eye.resting()).length > 0);
  run.child.kill("SIGKILL");
  await until("orders are gone", async () => (await eye.resting()).length === 0);
  await isGone(beside);
  await close();
});
