/**
 * Many hostile messages, from a seed, against the real server: requests on kept connections, commands
 * on several feed connections. Meanwhile an honest listener rebuilds the book, once in each price form.
 * Every request gets an answer that can be read and is no failure of the server; at the end the rebuilt
 * books are the exchange's, and money is what it was.
 * `FUZZ=100000 SEED=9 npx vitest run tests/exchange/hostile-fuzz.test.ts` sends more of them.
 */
import { Agent, request as httpRequest } from "node:http";
import { sign } from "node:crypto";
import { expect, test } from "vitest";
import WebSocket from "ws";
import { Prng } from "../../src/core/index.ts";
import { Attacker, type HostileRequest } from "./hostile-case.ts";
import { KEYS, pemOf } from "./rest-case.ts";
import { ServedCase, TICKER } from "./served-case.ts";

const SEED = Number(process.env["SEED"] ?? 3);
const COUNT = Number(process.env["FUZZ"] ?? 4_000);
const WS_PATH = "/trade-api/ws/v2";
const KEY_ID = "fast-key";
const WITHOUT_END = { refillPerSecond: 1_000_000_000, capacity: 1_000_000_000 };
const ALLOWED = new Set([200, 201, 204, 400, 401, 404, 409, 410, 413]);

/** Headers that sign; one signature serves for a second. */
class Signer {
  readonly #made = new Map<string, { atMs: number; headers: Record<string, string> }>();

  headers(method: string, path: string): Record<string, string> {
    const text = method + (path.split("?")[0] ?? "");
    const held = this.#made.get(text);
    const atMs = Date.now();
    if (held !== undefined && atMs - held.atMs < 1_000) return held.headers;
    const headers = {
      "KALSHI-ACCESS-KEY": KEY_ID,
      "KALSHI-ACCESS-TIMESTAMP": String(atMs),
      "KALSHI-ACCESS-SIGNATURE": sign(null, Buffer.from(atMs + text), KEYS.privateKey).toString(
        "base64",
      ),
    };
    if (this.#made.size > 5_000) this.#made.clear();
    this.#made.set(text, { atMs, headers });
    return headers;
  }
}

/** One side of the book from the feed, by its price on the wire. */
class Listener {
  readonly levels = { yes: new Map<string, number>(), no: new Map<string, number>() };
  #seq = 0;
  problem: string | null = null;

  hear(text: string): void {
    const { type, seq, msg } = JSON.parse(text) as { type: string; seq?: number; msg: Message };
    if (type === "subscribed") return;
    if (seq !== this.#seq + 1) this.problem ??= `number ${seq} after ${this.#seq}`;
    this.#seq = seq ?? 0;
    if (type === "orderbook_snapshot") {
      for (const [price, size] of msg.yes_dollars_fp ?? [])
        this.levels.yes.set(price, Number(size));
      for (const [price, size] of msg.no_dollars_fp ?? []) this.levels.no.set(price, Number(size));
      return;
    }
    const side = this.levels[msg.side];
    const size =
      Math.round(((side.get(msg.price_dollars) ?? 0) + Number(msg.delta_fp)) * 100) / 100;
    if (size < 0) this.problem ??= `a level below nothing at ${msg.price_dollars}`;
    if (size === 0) side.delete(msg.price_dollars);
    else side.set(msg.price_dollars, size);
  }
}

interface Message {
  readonly yes_dollars_fp?: [string, string][];
  readonly no_dollars_fp?: [string, string][];
  readonly side: "yes" | "no";
  readonly price_dollars: string;
  readonly delta_fp: string;
}

function openFeed(url: string, signer: Signer): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers: signer.headers("GET", WS_PATH) });
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(socket));
    socket.on("error", reject);
  });
}

async function listen(url: string, signer: Signer, useYesPrice: boolean) {
  const listener = new Listener();
  const socket = await openFeed(url, signer);
  socket.on("message", (data: Buffer) => listener.hear(data.toString()));
  const params = {
    channels: ["orderbook_delta"],
    market_tickers: [TICKER],
    use_yes_price: useYesPrice,
  };
  socket.send(JSON.stringify({ id: 1, cmd: "subscribe", params }));
  return { listener, socket };
}

test(
  "hostile messages end in answers, and book and money stay right",
  { timeout: 300_000 + COUNT * 10 },
  async () => {
    const at = await ServedCase.open();
    const limits = { tier: "prestige", read: WITHOUT_END, write: WITHOUT_END };
    at.exchange.admit({ keyId: KEY_ID, pem: pemOf(KEYS.publicKey), account: at.account, limits });
    const before = at.exchange.engine.total();
    const signer = new Signer();
    const attacker = new Attacker(Prng.fromSeed(SEED));
    const { ws, rest } = at.server;
    const { listener, socket } = await listen(ws, signer, false);
    const other = await listen(ws, signer, true);
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const feeds = await Promise.all([0, 1, 2].map(() => openFeed(ws, signer)));
    const commands = { sent: 0, answered: 0 };
    for (const feed of feeds) {
      feed.on("message", (data: Buffer) => {
        const { type } = JSON.parse(data.toString()) as { type: unknown };
        if (typeof type === "string") commands.answered += 1;
      });
    }
    const statuses = new Map<number, number>();
    const port = Number(new URL(rest).port);
    const send = (one: HostileRequest) =>
      ask(agent, port, one, signer).then(({ status, body }) => {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const where = `seed ${SEED}: ${one.method} ${one.path} ${one.body}: ${status} ${body}`;
        if (!ALLOWED.has(status)) throw new Error(where);
        if (status !== 204) remember(attacker, JSON.parse(body));
      });
    const waiting = new Set<Promise<void>>();
    const { market } = at;
    let levelCount = 0;
    const compare = async (): Promise<void> => {
      await Promise.all(waiting);
      // What a feed is told last comes behind everything else that it was told.
      await Promise.all([...feeds, socket, other.socket].map((feed) => untilPong(feed)));
      expect([listener.problem, other.listener.problem]).toEqual([null, null]);
      const bids = market.book.levelsOf(0).map(({ price, size }) => [price, size]);
      const asks = market.book.levelsOf(1).map(({ price, size }) => [price, size]);
      const complement = asks.map(([price = 0, size]) => [10_000 - price, size]);
      expect(levelsOf(listener.levels.yes)).toEqual(sorted(bids));
      expect(levelsOf(listener.levels.no)).toEqual(sorted(complement));
      expect(levelsOf(other.listener.levels.yes)).toEqual(sorted(bids));
      expect(levelsOf(other.listener.levels.no)).toEqual(sorted(asks));
      levelCount += bids.length + asks.length;
    };
    for (let index = 0; index < COUNT; index++) {
      if (index % Math.floor(COUNT / 20) === 0) await compare();
      if (index % 2 === 0) {
        const feed = feeds[index % feeds.length];
        if (feed?.readyState === WebSocket.OPEN) feed.send(attacker.command());
        commands.sent += 1;
        continue;
      }
      const asked = send(attacker.request()).finally(() => waiting.delete(asked));
      waiting.add(asked);
      if (waiting.size >= 16) await Promise.race(waiting);
    }
    await compare();
    expect(at.exchange.engine.total()).toBe(before);
    expect(at.account.available).toBeGreaterThanOrEqual(-1_000_000);
    // It was no monologue: all kinds of answers came, and something traded.
    for (const status of [200, 201, 400, 404, 409]) expect(statuses.get(status)).toBeGreaterThan(0);
    expect(commands.answered).toBeGreaterThan(commands.sent / 4);
    expect(market.volume).toBeGreaterThan(0);
    expect(levelCount).toBeGreaterThan(20);
    for (const feed of [...feeds, socket, other.socket]) feed.terminate();
    agent.destroy();
    await at.server.close();
  },
);

function ask(
  agent: Agent,
  port: number,
  { method, path, body }: HostileRequest,
  signer: Signer,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...signer.headers(method, path),
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const asked = httpRequest(
      { agent, port, host: "127.0.0.1", method, path, headers },
      (answer) => {
        let text = "";
        answer.on("data", (data: Buffer) => (text += data.toString()));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}

function remember(attacker: Attacker, answer: unknown): void {
  const { order_id: order, order_group_id: group } = answer as Record<string, unknown>;
  if (typeof order === "string") attacker.orders.push(order);
  if (typeof group === "string") attacker.groups.push(group);
}

/** Waits for what was sent before, and for what is answered before a pong. */
function untilPong(feed: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      feed.off("close", done);
      resolve();
    };
    feed.once("pong", done);
    feed.once("close", done);
    if (feed.readyState === WebSocket.OPEN) feed.ping();
    else resolve();
  });
}

function levelsOf(levels: ReadonlyMap<string, number>): number[][] {
  return sorted(
    [...levels].map(([price, size]) => [
      Math.round(Number(price) * 10_000),
      Math.round(size * 100),
    ]),
  );
}

function sorted(levels: readonly (number | undefined)[][]): number[][] {
  return (levels as number[][]).toSorted(([a = 0], [b = 0]) => a - b);
}
