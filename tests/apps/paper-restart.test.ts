/**
 * Runs that are killed and begin again, and exchanges that go away and come back, with real processes.
 * `KILLS=100 SEED=4 npx vitest run tests/apps/paper-restart.test.ts` does it more often.
 */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import {
  CALM,
  checkJournal,
  eventsOf,
  Eye,
  lastLine,
  type PaperRunning,
  startPaper,
  until,
} from "./paper-case.ts";
import { freePort } from "../fixtures/ports.ts";
import { openStage } from "./programs.ts";

const KILLS = Number(process.env["KILLS"] ?? 3);
const SEED = Number(process.env["SEED"] ?? 1);

const { folder, programs } = openStage("paper-restart");

/** No fill is lost or in two parts, and positions are what the fills come to. */
async function isTheVenues(eye: Eye, out: string): Promise<void> {
  const { fills } = checkJournal(join(out, "journal.db"));
  const venue = await eye.fills();
  const ours = new Map(fills.map((fill) => [fill.tradeId, fill]));
  expect(fills).toHaveLength(ours.size);
  expect([...ours.keys()].sort()).toEqual(venue.map(({ trade_id: id = "" }) => id).sort());
  const held = new Map<string, number>();
  for (const fill of venue) {
    const { trade_id: id = "", ticker = "", book_side: side, count_fp: count } = fill;
    const lots = Math.round(Number(count) * 100);
    const { market, sizeLots, side: told } = ours.get(id) ?? {};
    expect([market, told, sizeLots]).toEqual([ticker, side, lots]);
    held.set(ticker, (held.get(ticker) ?? 0) + (side === "bid" ? lots : -lots));
  }
  const positions = new Map([...held].filter(([, lots]) => lots !== 0));
  expect(new Map([...(await eye.positions())].sort())).toEqual(new Map([...positions].sort()));
}

test.concurrent("fills that happen while it is down are in the next part, once", async () => {
  const { addresses } = await programs.exchange(...CALM, "--activity", "0.001");
  const out = join(folder, "missed");
  const eye = new Eye(addresses);
  const first = startPaper(programs, addresses, out);
  await until("orders rest", async () => (await eye.resting()).length > 0);
  // Run and watchdog both: nobody is left who would cancel. One that stands still starts no other.
  first.child.kill("SIGSTOP");
  const beside = programs.find({ of: first.child.pid });
  for (const pid of [...beside, first.child.pid ?? 0]) process.kill(pid, "SIGKILL");
  await first.ended;
  const before = (await eye.fills()).length;
  const [order = {}] = await eye.orders();
  const { ticker = "", book_side: side } = order;
  const price = side === "bid" ? "0.0100" : "0.9900";
  const other = { side: side === "bid" ? "ask" : "bid", price, count: "5000.00", takes: true };
  await eye.ask("POST", `/control/markets/${ticker}/crowd`, other);
  await until("it is filled", async () => (await eye.fills()).length > before);
  const second = startPaper(programs, addresses, out, "--json");
  await second.said("-> READY");
  expect((await programs.launch(["paper", "stop", out]).ended).code).toBe(0);
  const end = await second.ended;
  expect([end.code, lastLine(end.out)["reconciled"]], end.err).toEqual([0, true]);
  expect(end.err).toMatch(/(bought|sold) [\d.]+ of \S+ at [\d.]+ while nobody listened/);
  await isTheVenues(eye, out);
  const { parts, fills } = checkJournal(join(out, "journal.db"));
  expect(parts.map(({ isEnded }) => isEnded)).toEqual([false, true]);
  expect(fills.filter(({ part }) => part === 2).length).toBeGreaterThan(0);
});

test.concurrent(
  "killed at random moments, it goes on with the venue's truth",
  { timeout: 300_000 + KILLS * 15_000 },
  async () => {
    const { addresses } = await programs.exchange(...CALM, "--activity", "3");
    const out = join(folder, "killed");
    const prng = Prng.fromSeed(SEED);
    const eye = new Eye(addresses);
    for (let kill = 0; kill < KILLS; kill++) {
      const run = startPaper(programs, addresses, out);
      // Some die while they start, the others while they trade.
      await wait(300 + prng.integer(6_000));
      if (prng.integer(3) === 0) {
        for (const pid of programs.find({ of: run.child.pid })) process.kill(pid, "SIGKILL");
      }
      run.child.kill("SIGKILL");
      const { out: said, err } = await run.ended;
      expect(`${said}${err}`, `seed ${SEED} kill ${kill}`).not.toMatch(/error|bug/);
      if (prng.integer(2) === 0) await wait(prng.integer(3_000));
    }
    const last = startPaper(programs, addresses, out, "--json");
    await last.said("CALIBRATING -> READY");
    // On a busy machine most may have died before they traded.
    await until("fills to be lost", async () => (await eye.fills()).length > KILLS / 4);
    last.child.kill("SIGINT");
    const end = await last.ended;
    expect([end.code, lastLine(end.out)["reconciled"]], end.err).toEqual([130, true]);
    expect(await eye.resting()).toEqual([]);
    await isTheVenues(eye, out);
  },
);

test.concurrent(
  "an exchange that is killed at random moments finds the run there again",
  { timeout: 300_000 + KILLS * 45_000 },
  async () => {
    const state = join(folder, "state");
    const [port, prng] = [await freePort(), Prng.fromSeed(SEED + 1)];
    const words = [...CALM, "--activity", "3", "--state", state, "--port", String(port)];
    const open = () => programs.exchange(...words);
    let exchange = await open();
    const out = join(folder, "exchange-killed");
    const run = startPaper(programs, exchange.addresses, out, "--json");
    // What of its events was there when the exchange went.
    let seen = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await until("it trades", () => isTrading(run, seen));
      await wait(prng.integer(3_000));
      exchange.child.kill("SIGKILL");
      await exchange.ended;
      seen = eventsOf(out).length;
      if (prng.integer(2) === 0) await wait(prng.integer(3_000));
      exchange = await open();
    }
    await until("it trades again", () => isTrading(run, seen));
    await wait(3_000);
    run.child.kill("SIGINT");
    const end = await run.ended;
    const eye = new Eye(exchange.addresses);
    expect([end.code, lastLine(end.out)], end.err).toMatchObject([130, { reconciled: true }]);
    expect(await eye.resting()).toEqual([]);
    await isTheVenues(eye, out);
  },
);

test.concurrent("refused by the network for a while, it comes back by itself", async () => {
  const { addresses } = await programs.exchange(...CALM);
  const out = join(folder, "refused");
  const eye = new Eye(addresses);
  const run = startPaper(programs, addresses, out, "--json", "--reconcile", "1");
  await until("orders rest", async () => (await eye.resting()).length > 0);
  const seen = eventsOf(out).length;
  await eye.faults({ kind: "refuse", until_ms: 5_000 }, { kind: "resetFeed", times: 1 });
  const since = (): string => eventsOf(out).slice(seen);
  await until("it trades no more", () => /-> (CALIBRATING|ERROR)/.test(since()));
  await until("it trades again", () => isTrading(run, seen));
  await until("orders rest again", async () => (await eye.resting()).length > 0);
  run.child.kill("SIGINT");
  const end = await run.ended;
  expect([end.code, lastLine(end.out)], end.err).toMatchObject([130, { reconciled: true }]);
  expect(await eye.resting()).toEqual([]);
  await isTheVenues(eye, out);
});

/** Whether it has become ready behind so much of its events, and is so. */
function isTrading(run: PaperRunning, seen: number): boolean {
  const { exitCode, signalCode } = run.child;
  if (exitCode !== null || signalCode !== null) throw new Error("the run has ended");
  const states = [
    ...eventsOf(run.out)
      .slice(seen)
      .matchAll(/^\S+ [A-Z]+ -> ([A-Z]+)/gm),
  ];
  return /READY|ACTING/.test(states.at(-1)?.[1] ?? "");
}
