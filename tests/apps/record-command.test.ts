/** The recorder as a user starts it, over real sockets: what it writes, how it ends, what it refuses. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { Prng } from "../../src/core/index.ts";
import { FeedClient, loadSigningKey, NodeNetwork, openVenue } from "../../src/kalshi/index.ts";
import { EventKind, openSession, validateSession } from "../../src/market/index.ts";
import { freePort } from "../fixtures/ports.ts";
import { until } from "./paper-case.ts";
import { type Addresses, openStage, venueWords } from "./programs.ts";

const { folder, programs } = openStage("record");
const KILLS = Number(process.env["KILLS"] ?? 4);
const SEED = Number(process.env["SEED"] ?? 1);
let addresses: Addresses;

beforeAll(async () => {
  const words = ["--generate", "--markets", "2", "--minutes", "60", "--activity", "5"];
  ({ addresses } = await programs.exchange(...words, "--key-kind", "ed25519"));
});

const SERIES = ["--series", "KXLOCAL0,KXLOCAL1"];
const record = (out: string, ...words: string[]) =>
  programs.launch(["record", ...words, "--out", out, ...venueWords(addresses)]);

/** Whether a recording that goes on has stored something. */
function hasRows(out: string): boolean {
  const session = openSession(out);
  session.close();
  return session.counts.rows > 0;
}

test("it records for so many seconds, and says what", async () => {
  const out = join(folder, "plain");
  const { ended } = record(out, ...SERIES, "--seconds", "3", "--json");
  const end = await ended;
  expect(end.code).toBe(0);
  const told = JSON.parse(end.out.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
  const session = openSession(out);
  const { snapshots, deltas, trades } = session.counts;
  const counts = { markets: 2, snapshots, deltas, trades, gaps: 0 };
  const one = { session: out, ...counts, contentHash: session.contentHash };
  expect(told).toEqual({ ...one, sessions: [one] });
  expect(deltas).toBeGreaterThan(0);
  expect(validateSession(session).sound).toBe(true);
  expect(end.err).toMatch(`Recording into ${out}`);
  expect(existsSync(`${out}.lock`)).toBe(false);
});

test("Ctrl-C once finishes the session", async () => {
  const out = join(folder, "interrupted");
  const { child, said, ended } = record(out, ...SERIES, "--seconds", "3000000");
  await said("Recording into");
  await until("something is stored", () => hasRows(out));
  const busy = await record(out, ...SERIES).ended;
  expect([busy.code, busy.err]).toEqual([1, expect.stringMatching("was in use by process")]);
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(openSession(out).finished).toBe(true);
});

/**
 * What an independent listener hears of the same exchange, with the time of its arrival, and the longest
 * time for which this process stood still: the machine may do that to any.
 */
function listen(tickers: readonly string[]) {
  const { rest, ws, keyId, keyFile } = addresses;
  const venue = openVenue({ restUrl: rest, wsUrl: ws });
  const key = loadSigningKey(venue, { keyId, file: keyFile });
  const network = new NodeNetwork(venue);
  const scheduler = new MachineScheduler();
  const heard: { text: string; atUs: number; receivedUs: number }[] = [];
  const drain = (): void => {
    const events: Parameters<FeedClient["drain"]>[0] = [];
    feed.drain(events);
    for (const event of events) {
      if (event.kind !== "message" || event.payload.kind !== "delta") continue;
      const { ticker, side, price, change, atUs } = event.payload.body;
      const text = [ticker, side, price, change, atUs].join();
      heard.push({ text, atUs, receivedUs: event.receivedUs });
    }
  };
  const link = { venue, key, network, scheduler, prng: Prng.fromSeed(1), onEvents: drain };
  const feed = new FeedClient(link);
  feed.watch("orderbook_delta", tickers);
  feed.start();
  let [turnUs, stillUs] = [scheduler.nowUs(), 0];
  const turn = (): void => {
    const nowUs = scheduler.nowUs();
    stillUs = Math.max(stillUs, nowUs - turnUs);
    turnUs = nowUs;
  };
  const timer = setInterval(turn, 10);
  const close = (): void => {
    clearInterval(timer);
    feed.close();
    network.close();
  };
  const longestStillUs = (): number => {
    turn();
    return stillUs;
  };
  return { heard, close, nowUs: () => scheduler.nowUs(), longestStillUs };
}

test(
  "killed at any moment it has lost at most the last moment, and goes on",
  async () => {
    const out = join(folder, "killed");
    const prng = Prng.fromSeed(SEED);
    const tickers = openSession(join(folder, "plain")).facts.markets.map(({ ticker }) => ticker);
    const { heard, close, nowUs, longestStillUs } = listen(tickers);
    let rows = 0;
    let runs = 0;
    let judged = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const { child, said, ended } = record(out, "--markets", tickers.join());
      // Some die while they start, the others once they have recorded for a while.
      const isEarly = kill % 2 === 0;
      const afterMs = (isEarly ? 250 : 3_000) + prng.integer(2_500);
      if (!isEarly) await said("Recording into");
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      const killedUs = nowUs();
      // It stores each half second, tests/kalshi/recorder.test.ts; a busy machine may be late.
      const lostUs = 2_000_000 + longestStillUs();
      child.kill("SIGKILL");
      await ended;
      if (!existsSync(join(out, "session.db"))) continue;
      const session = openSession(out);
      const where = `seed ${SEED} kill ${kill} after ${afterMs} ms`;
      expect(session.finished, where).toBe(false);
      expect(validateSession(session).sound, where).toBe(true);
      const { rowCount, code, stream, priceCc, size, stampUs } = session.readEvents();
      const recorded = new Set<string>();
      let firstUs = Infinity;
      for (let row = rows; row < rowCount; row++) {
        if (((code[row] as number) & 15) !== EventKind.delta) continue;
        firstUs = Math.min(firstUs, stampUs[row] as number);
        const side = ((code[row] as number) >> 4) & 1;
        const ticker = tickers[stream[row] as number];
        recorded.add([ticker, side, priceCc[row], size[row], stampUs[row]].join());
      }
      const due = heard.filter(
        ({ atUs, receivedUs }) => atUs > firstUs && receivedUs <= killedUs - lostUs,
      );
      judged += due.length;
      const lost = due.filter(({ text }) => !recorded.has(text));
      expect(lost, where).toEqual([]);
      if (rowCount > rows) runs += 1;
      rows = rowCount;
      heard.length = 0;
      session.close();
    }
    close();
    expect(judged).toBeGreaterThan(0);
    const last = await record(out, "--markets", tickers.join(), "--seconds", "1").ended;
    expect(last.code).toBe(0);
    const session = openSession(out);
    expect(session.finished).toBe(true);
    expect(session.computeContentHash()).toBe(session.contentHash);
    expect(validateSession(session).sound).toBe(true);
    expect(session.gaps.length).toBeGreaterThanOrEqual(runs);
    expect(session.gaps.every(({ reason }) => reason === "interrupted")).toBe(true);
  },
  300_000 + KILLS * 10_000,
);

test("an exchange that is killed and comes back leaves a gap, and the recording goes on", async () => {
  const state = join(folder, "state");
  const port = String(await freePort());
  const market = ["--generate", "--markets", "1", "--activity", "20"];
  const words = [...market, "--state", state, "--port", port];
  const exchange = await programs.exchange(...words);
  const out = join(folder, "outlived");
  const venue = venueWords(exchange.addresses);
  const recorder = programs.launch(["record", "--series", "KXLOCAL0", "--out", out, ...venue]);
  await recorder.said("Recording into");
  await until("something is stored", () => hasRows(out));
  exchange.child.kill("SIGKILL");
  await exchange.ended;
  await recorder.said("the feed is gone");
  await programs.exchange(...words);
  await until("the books are known again, and something has changed in them", () => {
    const session = openSession(out);
    session.close();
    const gap = session.gaps.at(-1);
    return gap !== undefined && session.counts.rows > gap.position + 20;
  });
  recorder.child.kill("SIGINT");
  expect((await recorder.ended).code).toBe(130);
  const session = openSession(out);
  expect(session.gaps).toMatchObject([{ scope: "book", reason: "reconnect" }]);
  expect(session.counts.snapshots).toBeGreaterThanOrEqual(2);
  expect(validateSession(session).sound).toBe(true);
});

const canLimit = ((): boolean => {
  try {
    execFileSync("prlimit", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!canLimit)("a disk that is full ends it, and leaves what was recorded", async () => {
  const out = join(folder, "full");
  const words = ["record", ...SERIES, "--out", out, ...venueWords(addresses)];
  const end = await programs.launch(words, ["prlimit", "--fsize=185000"]).ended;
  expect(end.err).toMatch(/error: .*full: the session could not be written/);
  expect(end.code).toBe(1);
  const session = openSession(out);
  expect(session.finished).toBe(false);
  expect(session.counts.deltas).toBeGreaterThan(0);
  expect(validateSession(session).sound).toBe(true);
  session.close();
  expect((await record(out, ...SERIES, "--seconds", "1").ended).code).toBe(0);
});

test("what cannot be done is told in one sentence, and nothing is left", async () => {
  const foreign = join(folder, "foreign");
  const open = join(folder, "open.pem");
  writeFileSync(open, "no key", { mode: 0o644 });
  const { rest, ws, keyId, keyFile } = addresses;
  const key = ["--key-id", keyId, "--key-file", keyFile];
  const local = (restUrl: string, wsUrl: string): string[] => [
    ...["--venue", "local", "--rest", restUrl, "--ws", wsUrl],
  ];
  const production = "https://api.elections.kalshi.com/trade-api/v2";
  const cases: [string[], number, RegExp][] = [
    [[...local(rest, ws), ...key], 2, /expected --markets or --series/],
    [[...SERIES], 1, /expected a key, was none/],
    [[...SERIES, "--venue", "local", ...key], 2, /expected --rest and --ws/],
    [[...SERIES, "--venue", "demo", "--rest", rest, "--ws", ws, ...key], 2, /--venue local for/],
    [
      [...SERIES, "--rest", production, "--ws", "wss://api.elections.kalshi.com/x", ...key],
      2,
      /production host/,
    ],
    [[...SERIES, ...local(rest, ws), "--key-id", "nobody", "--key-file", keyFile], 1, /key id/],
    [[...SERIES, ...local(rest, ws), "--key-id", keyId, "--key-file", open], 1, /chmod 600/],
    [["--markets", "KXNONE-1", ...local(rest, ws), ...key], 1, /market KXNONE-1: expected one/],
    [["--series", "KXNONE", ...local(rest, ws), ...key], 1, /series KXNONE: expected one/],
    [["--markets", "a b", ...local(rest, ws), ...key], 2, /Expected tickers/],
    [["--seconds", "0", ...SERIES, ...local(rest, ws), ...key], 2, /Expected a number above 0, up/],
    [
      [...SERIES, ...local("http://127.0.0.1:9/trade-api/v2", "ws://127.0.0.1:9/x"), ...key],
      1,
      /nothing listens at 127.0.0.1:9/,
    ],
  ];
  const ends = cases.map(
    ([words], index) => programs.launch(["record", "--out", `${foreign}-${index}`, ...words]).ended,
  );
  for (const [index, [words, code, sentence]] of cases.entries()) {
    const end = await (ends[index] as (typeof ends)[number]);
    expect(end.err, words.join(" ")).toMatch(sentence);
    expect(end.code, words.join(" ")).toBe(code);
    expect(end.err.trim().split("\n").length, end.err).toBeLessThan(4);
  }
  const taken = await record(join(folder, "plain"), ...SERIES).ended;
  expect([taken.code, taken.err]).toEqual([
    1,
    expect.stringMatching(/plain: expected a new folder/),
  ]);
  expect(readdirSync(folder).filter((name) => name.startsWith("foreign"))).toEqual([]);
});
