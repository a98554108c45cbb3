/** Runs on paper in processes of their own, and an eye on the exchange that is none of theirs. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { baselinePolicy } from "../../src/apps/wire.ts";
import { type LiveFill, type LivePart, readLiveJournal } from "../../src/journal/index.ts";
import { replayRun } from "../../src/live/index.ts";
import { type Addresses, type Programs, type Running, venueWords } from "./programs.ts";

/** A market that lasts longer than any test, with somebody who trades. */
export const CALM = [
  ...["--generate", "--minutes", "60", "--key-kind", "ed25519"],
  ...["--tier", "prestige"],
];

export type Entry = Readonly<Record<string, string>>;

/** Asks the exchange with a signature of its own making. */
export class Eye {
  readonly #addresses: Addresses;
  readonly #key: KeyObject;

  constructor(addresses: Addresses) {
    this.#addresses = addresses;
    this.#key = createPrivateKey(readFileSync(addresses.keyFile));
  }

  async ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const { rest, keyId } = this.#addresses;
    const isControl = path.startsWith("/control/");
    const atMs = String(Date.now());
    const signed = `${atMs}${method}${isControl ? "" : "/trade-api/v2"}${path.split("?")[0]}`;
    const answer = await fetch((isControl ? new URL(rest).origin : rest) + path, {
      method,
      headers: {
        "KALSHI-ACCESS-KEY": keyId,
        "KALSHI-ACCESS-TIMESTAMP": atMs,
        "KALSHI-ACCESS-SIGNATURE": sign(null, Buffer.from(signed), this.#key).toString("base64"),
        "Content-Type": "application/json",
        // A connection that is kept may be closed by the exchange as the next request leaves.
        Connection: "close",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  }

  /** What rests. */
  async orders(): Promise<Entry[]> {
    return this.#list("/portfolio/orders?status=resting", "orders");
  }

  /** Client order ids of what rests. */
  async resting(): Promise<string[]> {
    return (await this.orders()).map((order) => order["client_order_id"] ?? "");
  }

  async fills(): Promise<Entry[]> {
    return this.#list("/portfolio/fills?", "fills");
  }

  /** Lots by ticker, of positions that are not zero. */
  async positions(): Promise<Map<string, number>> {
    const positions = await this.#list("/portfolio/positions?", "market_positions");
    const held = positions.map(
      ({ ticker = "", position_fp: size }) => [ticker, Math.round(Number(size) * 100)] as const,
    );
    return new Map(held.filter(([, lots]) => lots !== 0));
  }

  async tickers(): Promise<string[]> {
    const markets = await this.#list("/markets?status=open", "markets");
    return markets.map(({ ticker = "" }) => ticker);
  }

  async faults(...rules: readonly object[]): Promise<void> {
    await this.ask("PUT", "/control/faults", { rules });
  }

  async #list(path: string, name: string): Promise<Entry[]> {
    const all: Entry[] = [];
    for (let cursor = ""; ;) {
      const page = await this.ask("GET", `${path}&limit=1000&cursor=${cursor}`);
      all.push(...(page[name] as Entry[]));
      cursor = String(page["cursor"] ?? "");
      if (cursor === "") return all;
    }
  }
}

export interface PaperRunning extends Running {
  readonly out: string;
}

/** Starts `paper` with the rule "join" against an exchange that runs. */
export function startPaper(
  programs: Programs,
  addresses: Addresses,
  out: string,
  ...words: string[]
): PaperRunning {
  const rule = words.includes("--model") ? [] : ["--policy", "join"];
  const running = programs.launch([
    "paper",
    ...rule,
    "--out",
    out,
    ...venueWords(addresses),
    ...words,
  ]);
  return { ...running, out };
}

/** Waits until something holds; `what` is told where it does not within `seconds`, on any machine. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  seconds = 90,
): Promise<void> {
  for (const fromMs = performance.now(); ; await wait(100)) {
    if (await holds()) return;
    if (performance.now() - fromMs > seconds * 1_000)
      throw new Error(`not within ${seconds} s: ${what}`);
  }
}

export function statusOf(out: string): string {
  return textOf(join(out, "status.txt"));
}

/** What the process beside a run has said so far. */
export function besideLog(out: string): string {
  return textOf(join(out, "watchdog.log"));
}

/** What has happened in a run so far: its states, orders and fills, a line each. */
export function eventsOf(out: string): string {
  return textOf(join(out, "events.log"));
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** The state that the status block tells. */
export function stateOf(out: string): string {
  return /^state +([A-Z]+)/m.exec(statusOf(out))?.[1] ?? "";
}

/** Its last line, as JSON. */
export function lastLine(text: string): Record<string, unknown> {
  return JSON.parse(text.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
}

export interface ReadJournal {
  readonly parts: readonly LivePart[];
  readonly hashes: readonly string[];
  readonly fills: readonly LiveFill[];
  readonly decisions: readonly number[];
}

/** Reads and verifies a journal, and has every part happen once more: no output may differ. */
export function checkJournal(path: string, policy = "join"): ReadJournal {
  const journal = readLiveJournal(path);
  try {
    const facts = journal.verify();
    const rule = baselinePolicy(policy);
    if (rule === undefined) throw new Error(policy);
    for (const part of journal.parts) {
      const { difference } = replayRun({
        header: part.header,
        blocks: part.blocks(),
        makePolicy: () => rule,
      });
      if (difference !== null)
        throw new Error(`part ${part.number}: ${JSON.stringify(difference)}`);
    }
    const { parts } = journal;
    const decisions = facts.map(({ counts }) => counts.decisions);
    return { parts, hashes: facts.map(({ hash }) => hash), fills: journal.fills(), decisions };
  } finally {
    journal.close();
  }
}
