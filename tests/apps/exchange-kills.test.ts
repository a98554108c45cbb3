/**
 * The real exchange, killed with `kill -9` at random moments while a client trades on it, and started
 * again. What the client was told must be there: orders, fills, positions, money, and the trades of
 * others. `KILLS=100 SEED=4 npx vitest run tests/apps/exchange-kills.test.ts` does it more often.
 */
import { spawn } from "node:child_process";
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { bundle } from "../fixtures/bundle.mjs";
import { until } from "./paper-case.ts";

const KILLS = Number(process.env["KILLS"] ?? 4);
const SEED = Number(process.env["SEED"] ?? 1);
const CASH_USD = 10_000;
const ORDERS = "/portfolio/events/orders";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-exchange-kills-"));
const state = join(folder, "state");
let program = "";

beforeAll(async () => {
  program = await bundle("src/apps/main.ts");
});

afterAll(() => {
  rmSync(program, { force: true });
  rmSync(folder, { recursive: true, force: true });
});

interface Addresses {
  readonly rest: string;
  readonly keyId: string;
  readonly keyFile: string;
}

function launch() {
  const flags = ["--markets", "3", "--minutes", "1", "--activity", "4", "--tier", "prestige"];
  const child = spawn(
    process.execPath,
    [
      program,
      "exchange",
      "--generate",
      ...flags,
      "--state",
      state,
      "--key-kind",
      "ed25519",
      "--json",
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let out = "";
  let err = "";
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const listening = new Promise<Addresses | null>((resolve) => {
    child.stdout.on("data", (data: Buffer) => {
      out += data.toString();
      if (out.includes("\n")) resolve(JSON.parse(out) as Addresses);
    });
    void ended.then(() => resolve(null));
  });
  const kill = (): Promise<void> => {
    child.kill("SIGKILL");
    return ended;
  };
  return { listening, kill, errors: () => err };
}

type Entry = Readonly<Record<string, string>>;
type Answer = Readonly<Record<string, unknown>>;

/** Signs and asks; null where no answer came. */
class Client {
  readonly #rest: string;
  readonly #keyId: string;
  readonly #key: KeyObject;

  constructor({ rest, keyId, keyFile }: Addresses) {
    this.#rest = rest;
    this.#keyId = keyId;
    this.#key = createPrivateKey(readFileSync(keyFile));
  }

  async ask(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: Answer } | null> {
    const atMs = String(Date.now());
    const text = `${atMs}${method}/trade-api/v2${path.split("?")[0]}`;
    try {
      const answer = await fetch(this.#rest + path, {
        method,
        headers: {
          "KALSHI-ACCESS-KEY": this.#keyId,
          "KALSHI-ACCESS-TIMESTAMP": atMs,
          "KALSHI-ACCESS-SIGNATURE": sign(null, Buffer.from(text), this.#key).toString("base64"),
          "Content-Type": "application/json",
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const told = await answer.text();
      return { status: answer.status, body: told === "" ? {} : (JSON.parse(told) as Answer) };
    } catch {
      return null;
    }
  }

  async get(path: string): Promise<Answer> {
    const answer = await this.ask("GET", path);
    if (answer?.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer.body;
  }

  /** All pages of a list. */
  async list(path: string, name: string): Promise<Entry[]> {
    const all: Entry[] = [];
    for (let cursor = ""; ;) {
      const page = await this.get(`${path}?limit=1000&cursor=${cursor}`);
      all.push(...(page[name] as Entry[]));
      cursor = String(page["cursor"]);
      if (cursor === "") return all;
    }
  }
}

/** What the client was told, over all lives of the exchange. */
class Memory {
  /** Least that each order had filled, and whether it was told to have ended. */
  readonly orders = new Map<string, { filled: number; isCancelled: boolean }>();
  readonly fills = new Map<string, Entry>();
  readonly trades = new Map<string, Entry>();
  readonly settlements = new Map<string, Entry>();

  get hasFill(): boolean {
    return [...this.orders.values()].some(({ filled }) => filled > 0);
  }

  async check(client: Client): Promise<void> {
    const orders = new Map(
      (await client.list("/portfolio/orders", "orders")).map((one) => [one["order_id"] ?? "", one]),
    );
    for (const [id, { filled, isCancelled }] of this.orders) {
      const order = orders.get(id);
      expect(order, `order ${id}`).toBeDefined();
      expect(Number(order?.["fill_count_fp"])).toBeGreaterThanOrEqual(filled);
      if (isCancelled) expect(order?.["status"]).not.toBe("resting");
    }
    await this.#compare(client, "/portfolio/fills", "fills", "fill_id", this.fills);
    await this.#compare(client, "/markets/trades", "trades", "trade_id", this.trades);
    await this.#compare(
      client,
      "/portfolio/settlements",
      "settlements",
      "ticker",
      this.settlements,
    );
    // What had arrived of requests without an answer belongs to the truth from now on.
    for (const [id, order] of orders) {
      const filled = Number(order["fill_count_fp"]);
      this.orders.set(id, { filled, isCancelled: order["status"] === "canceled" });
    }
  }

  /** Everything that was seen before is there and the same; what is new is remembered. */
  async #compare(
    client: Client,
    path: string,
    name: string,
    key: string,
    known: Map<string, Entry>,
  ) {
    const found = new Map((await client.list(path, name)).map((one) => [one[key] ?? "", one]));
    for (const [id, entry] of known) expect(found.get(id), `${name} ${id}`).toEqual(entry);
    for (const [id, entry] of found) known.set(id, entry);
  }
}

/** Millionths in a decimal text. */
function micro(text: string | undefined): number {
  return Math.round(Number(text) * 1_000_000);
}

/** Cash and positions as fills and settlements make them, by the venue's rules. */
async function isConsistent(client: Client): Promise<void> {
  expect((await client.ask("DELETE", ORDERS))?.status).toBe(204);
  const fills = (await client.list("/portfolio/fills", "fills")).reverse();
  const settlements = await client.list("/portfolio/settlements", "settlements");
  const balance = await client.get("/portfolio/balance");
  const { market_positions: positions } = await client.get("/portfolio/positions?limit=1000");
  const held = new Map<string, number>();
  let cash = CASH_USD * 1_000_000;
  for (const fill of fills) {
    const { ticker = "", book_side: side } = fill;
    const lots = Math.round(Number(fill["count_fp"]) * 100);
    const price = Math.round(Number(fill["yes_price_dollars"]) * 10_000);
    const before = held.get(ticker) ?? 0;
    const signed = side === "bid" ? lots : -lots;
    // A pair of YES and NO pays one dollar.
    const pairs = before * signed < 0 ? Math.min(Math.abs(before), lots) : 0;
    cash +=
      pairs * 10_000 - lots * (side === "bid" ? price : 10_000 - price) - micro(fill["fee_cost"]);
    held.set(ticker, before + signed);
  }
  for (const settlement of settlements) {
    cash += Number(settlement["revenue"]) * 10_000;
    held.delete(settlement["ticker"] ?? "");
  }
  // Settled while the lists were read: then the next look has both.
  if ((await client.list("/portfolio/settlements", "settlements")).length !== settlements.length)
    return;
  expect(micro(balance["balance_dollars"] as string)).toBe(cash);
  for (const { ticker = "", position_fp: size } of positions as Entry[]) {
    expect(Math.round(Number(size) * 100)).toBe(held.get(ticker) ?? 0);
  }
}

/** Trades until no answer comes any more. */
async function trade(client: Client, memory: Memory, prng: Prng, run: number): Promise<number> {
  let acknowledged = 0;
  for (let index = 0; ; index++) {
    const markets = await client.ask("GET", "/markets?status=open&limit=100");
    if (markets === null) return acknowledged;
    const open = (markets.body["markets"] as Entry[]) ?? [];
    const market = open[prng.integer(Math.max(1, open.length))];
    if (market === undefined) continue;
    const isBid = prng.integer(2) === 0;
    const crossing = prng.integer(2) === 0;
    const created = await client.ask("POST", ORDERS, {
      ticker: market["ticker"],
      client_order_id: `${run}-${index}`,
      side: isBid ? "bid" : "ask",
      price: market[isBid === crossing ? "yes_ask_dollars" : "yes_bid_dollars"],
      count: `${1 + prng.integer(5)}.00`,
      time_in_force: crossing ? "immediate_or_cancel" : "good_till_canceled",
      self_trade_prevention_type: "maker",
    });
    if (created === null) return acknowledged;
    if (created.status !== 201) continue;
    acknowledged += 1;
    const id = String(created.body["order_id"]);
    const known = { filled: Number(created.body["fill_count"]), isCancelled: false };
    memory.orders.set(id, known);
    const choice = prng.integer(4);
    if (choice === 0) {
      const answer = await client.ask("DELETE", `${ORDERS}/${id}`);
      if (answer === null) return acknowledged;
      if (answer.status === 200) memory.orders.set(id, { ...known, isCancelled: true });
    } else if (choice === 1) {
      await client.ask("POST", `${ORDERS}/${id}/decrease`, { reduce_to: "0.50" });
    } else if (choice === 2 && index % 3 === 0) {
      for (const path of ["/portfolio/fills", "/markets/trades"]) {
        const answer = await client.ask("GET", `${path}?limit=50`);
        if (answer === null) return acknowledged;
        const isFill = path === "/portfolio/fills";
        for (const one of answer.body[isFill ? "fills" : "trades"] as Entry[]) {
          if (isFill) memory.fills.set(one["fill_id"] ?? "", one);
          else memory.trades.set(one["trade_id"] ?? "", one);
        }
      }
    }
  }
}

test(
  "killed at random moments, it comes back with all that it had told",
  { timeout: 300_000 + KILLS * 10_000 },
  async () => {
    const prng = Prng.fromSeed(SEED);
    const memory = new Memory();
    let acknowledged = 0;
    for (let run = 0; run < KILLS; run++) {
      const exchange = launch();
      // Now and then it is killed while it is still starting.
      if (prng.integer(5) === 0) {
        await new Promise((resolve) => setTimeout(resolve, prng.integer(800)));
        await exchange.kill();
        continue;
      }
      const addresses = await exchange.listening;
      if (addresses === null) throw new Error(`seed ${SEED} run ${run}: ${exchange.errors()}`);
      const client = new Client(addresses);
      await memory.check(client);
      if (run % 10 === 9) await isConsistent(client);
      const known = memory.orders.size;
      const trading = trade(client, memory, prng, run);
      // However slow the machine: there is something to be lost.
      await until("it trades", () => memory.orders.size > known + 2 && memory.hasFill);
      await new Promise((resolve) => setTimeout(resolve, prng.integer(600)));
      await exchange.kill();
      acknowledged += await trading;
    }
    const last = launch();
    const addresses = await last.listening;
    if (addresses === null) throw new Error(last.errors());
    const client = new Client(addresses);
    await memory.check(client);
    await isConsistent(client);
    await last.kill();
    expect(acknowledged).toBeGreaterThan(KILLS);
    expect(memory.fills.size).toBeGreaterThan(0);
    expect(memory.trades.size).toBeGreaterThan(0);
  },
);
