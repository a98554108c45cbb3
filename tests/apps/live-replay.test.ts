/**
 * What a live run on a local exchange leaves behind, read again: the same trader decides the same, the
 * run's recording shows what the agent saw, and the simulator's fills are the venue's but where the
 * report says why.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeAll, expect, test } from "vitest";
import { type LiveEntry, type LiveOutput, readLiveJournal } from "../../src/journal/index.ts";
import { EventKind, openSession } from "../../src/market/index.ts";
import { lastLine, until } from "./paper-case.ts";
import { openStage } from "./programs.ts";

const { folder, programs } = openStage("replay");
const out = join(folder, "run");

beforeAll(async () => {
  // Busy traders, so that orders are filled in a few seconds.
  const exchange = await programs.exchange(
    ...["--generate", "--minutes", "60", "--markets", "3", "--activity", "5"],
    ...["--key-kind", "ed25519", "--tier", "prestige"],
  );
  const { rest, ws, keyId, keyFile, tickers } = {
    ...exchange.addresses,
    tickers: await tickersOf(exchange.addresses.rest),
  };
  const where = ["--rest", rest, "--ws", ws, "--key-id", keyId, "--key-file", keyFile];
  const run = programs.launch([
    ...["paper", "--policy", "join", "--venue", "shadow", "--markets", tickers.join(",")],
    ...["--out", out, "--reconcile", "2", ...where, "--json"],
    // Beyond what one timer of the machine can count: it must not end at once.
    ...["--seconds", "3000000"],
  ]);
  await run.said("CALIBRATING -> READY");
  // On a busy machine that takes longer, and where few trade.
  await until("there is something to read again", () => hasEnough(join(out, "journal.db")), 200);
  await programs.launch(["paper", "stop", out]).ended;
  const end = await run.ended;
  expect([end.code, end.err]).toEqual([0, expect.stringMatching(/orders beside the fill model/)]);
  expect(end.err).toMatch(/^Deciding: the rule "join"\.\nRun kg-/m);
  expect(lastLine(end.out)).toMatchObject({ reconciled: true });
  exchange.child.kill("SIGKILL");
  await exchange.ended;
});

/** Decisions, orders, fills, and places in queues that the venue has told. */
function hasEnough(journal: string): boolean {
  const reader = readLiveJournal(journal);
  try {
    const blocks = reader.parts.flatMap((part) => [...part.blocks()]);
    const inputs = blocks.flatMap((block) => (block.kind === "inputs" ? block.entries : []));
    const outputs = blocks.flatMap((block) => (block.kind === "outputs" ? block.outputs : []));
    const places = inputs.filter(({ input }) => input.kind === "queue").length;
    const fills = inputs.filter(({ input: i }) => i.kind === "order" && i.event.kind === "filled");
    const of = (kind: LiveOutput["kind"]): number =>
      outputs.filter((output) => output.kind === kind).length;
    return of("decision") > 20 && of("sent") > 12 && fills.length > 5 && places > 1;
  } finally {
    reader.close();
  }
}

/** How many of the trades that the venue told have no fill of the run: up to the last tick, and in all. */
function othersTrades(journal: string): [number, number] {
  const reader = readLiveJournal(journal);
  const inputs = reader.parts.flatMap((part) =>
    [...part.blocks()].flatMap((block) => (block.kind === "inputs" ? block.entries : [])),
  );
  reader.close();
  const ours = new Set<string>();
  for (const { input } of inputs) {
    if (input.kind !== "order" || input.event.kind !== "filled") continue;
    if (input.event.evidence.kind === "venue") ours.add(input.event.evidence.tradeId);
  }
  expect(ours.size).toBeGreaterThan(3);
  const isOthers = ({ input }: LiveEntry): boolean =>
    input.kind === "market" && input.news.kind === "trade" && !ours.has(input.news.tradeId);
  const lastTick = inputs.findLastIndex(({ input }) => input.kind === "tick");
  return [inputs.slice(0, lastTick).filter(isOthers).length, inputs.filter(isOthers).length];
}

async function tickersOf(rest: string): Promise<string[]> {
  const answer = await fetch(`${rest}/markets?status=open`);
  const { markets } = (await answer.json()) as { markets: { ticker: string }[] };
  return markets.map(({ ticker }) => ticker);
}

interface Told {
  readonly identical: boolean;
  readonly parts: readonly {
    readonly identical: boolean;
    readonly decisions: number;
    readonly fills: number;
    readonly difference: { readonly output: number } | null;
    readonly journalHash: string;
    readonly contentHash?: string;
    readonly parity: { readonly compared: number; readonly different: number };
    readonly shadow?: {
      readonly orders: number;
      readonly same: number;
      readonly realLots: number;
      readonly simulatedLots: number;
      readonly queuePlaces: number;
      readonly differing: readonly { readonly why: string }[];
    };
  }[];
}

async function replay(...words: string[]): Promise<{ code: number | null; told: Told }> {
  const end = await programs.launch(["replay", ...words, "--json"]).ended;
  expect(end.err).not.toMatch(/error|bug/i);
  return { code: end.code, told: lastLine(end.out) as unknown as Told };
}

test("the same trader decides the same, on what a recording of the run shows", async () => {
  const session = join(folder, "session");
  const { code, told } = await replay(out, "--session", session);
  expect([code, told.identical]).toEqual([0, true]);
  const [part] = told.parts;
  expect(part?.difference).toBeNull();
  expect(part?.fills).toBeGreaterThan(3);
  expect(part?.parity.different).toBe(0);
  expect(part?.parity.compared).toBe(part?.decisions);
  expect(part?.decisions).toBeGreaterThan(20);
  const opened = openSession(session);
  expect(opened.contentHash).toBe(part?.contentHash);
  const { kind } = opened.readTape();
  opened.close();
  // Of the trades that the venue told, those are missing that were our own fills. What might have been
  // ours when the run ended is not known.
  const trades = kind.filter((each) => each === EventKind.trade).length;
  const [atLeast, atMost] = othersTrades(join(out, "journal.db"));
  expect(trades).toBeGreaterThanOrEqual(atLeast);
  expect(trades).toBeLessThanOrEqual(atMost);
  const again = await replay(out);
  expect(again.told.parts[0]?.journalHash).toBe(part?.journalHash);
});

test("the simulator fills as the venue did, and says why where not", async () => {
  const { told } = await replay(out, "--shadow");
  const shadow = told.parts[0]?.shadow;
  expect(shadow?.orders).toBeGreaterThan(5);
  expect(shadow?.realLots).toBeGreaterThan(0);
  // How many depends on how busy this machine is; tests/live/shadow.test.ts has the same without chance.
  expect(shadow?.same).toBeGreaterThan(0);
  expect((shadow?.same ?? 0) + (shadow?.differing.length ?? 0)).toBe(shadow?.orders);
  expect(shadow?.queuePlaces).toBeGreaterThan(0);
  for (const { why } of shadow?.differing ?? []) expect(why).not.toBe("");
  const optimist = (await replay(out, "--shadow", "touch")).told.parts[0]?.shadow;
  const pessimist = (await replay(out, "--shadow", "through")).told.parts[0]?.shadow;
  expect(optimist?.simulatedLots).toBeGreaterThanOrEqual(shadow?.simulatedLots ?? Infinity);
  expect(pessimist?.simulatedLots).toBeLessThanOrEqual(shadow?.simulatedLots ?? -1);
});

test("another trader is found out, and a journal that was touched too", async () => {
  const end = await programs.launch(["replay", join(out, "journal.db"), "--model", "none"]).ended;
  // The journal says that a rule decided: a model has no say.
  expect([end.code, end.err]).toEqual([
    0,
    `${join(out, "journal.db")}: the rule "join" decided; --model is not read\n`,
  ]);
  const copy = join(folder, "touched");
  cpSync(out, copy, { recursive: true });
  const db = new Database(join(copy, "journal.db"));
  const changed = db
    .prepare("UPDATE output SET body = replace(body, '\"action\":1', '\"action\":2')")
    .run();
  db.close();
  expect(changed.changes).toBeGreaterThan(0);
  const damaged = await programs.launch(["replay", copy]).ended;
  expect([damaged.code, damaged.err]).toEqual([1, expect.stringMatching(/journal.db.*row/s)]);
});

test("a flag for recorded episodes is refused", async () => {
  const end = await programs.launch(["replay", out, "--step", "3"]).ended;
  expect([end.code, end.err]).toEqual([
    2,
    expect.stringContaining("--step is a flag for a recorded"),
  ]);
});
