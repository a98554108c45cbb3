/**
 * The local exchange as a process of its own, on real sockets, while one client hears all deltas and
 * trades of 100 made-up markets, about 2,000 messages a second.
 *   messagesPerSecond   what the client received
 *   cpuShare            of one core, of the exchange's process alone (Linux: from /proc)
 *   order, cancel       milliseconds from the first byte sent to the last one received, on one kept
 *                       connection, 100 pairs a second; signing is not counted, checking is
 *   status              the same for a public request that needs no signature: the baseline
 *   quiet               orders again while nobody hears the feed
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createPrivateKey, type KeyObject, sign, constants } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { loadavg } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import WebSocket from "ws";
import { significant } from "./measure.ts";

const MARKETS = 100;
const ACTIVITY = 2.3;
const PAIRS = 600;
const PAUSE_MS = 10;
const TICKS_PER_SECOND = 100;
const ORDERS = "/trade-api/v2/portfolio/events/orders";

interface Exchange {
  readonly child: ChildProcess;
  readonly rest: string;
  readonly ws: string;
  readonly keyId: string;
  readonly key: KeyObject;
}

export async function run(): Promise<object> {
  const program = await bundleProgram();
  try {
    return {
      loadAverage: loadavg()[0]?.toFixed(2),
      rsa: await measure(program, "rsa"),
      ed25519: await measure(program, "ed25519"),
      loadAverageAfter: loadavg()[0]?.toFixed(2),
    };
  } finally {
    rmSync(program, { force: true });
  }
}

/** The program in one file, where it finds the package that it belongs to. */
async function bundleProgram(): Promise<string> {
  const file = join("node_modules", ".kalshi-gym-programs", `bench-${process.pid}.mjs`);
  const root = process.cwd();
  const built = await rolldown({
    input: join(root, "src/apps/main.ts"),
    platform: "node",
    external: (id) => /^[a-z@]/i.test(id) && !id.startsWith(root),
    logLevel: "silent",
  });
  await built.write({ file, format: "esm", codeSplitting: false });
  await built.close();
  return file;
}

async function measure(program: string, kind: "rsa" | "ed25519"): Promise<object> {
  const exchange = await start(program, kind);
  try {
    await pause(2_000);
    const quiet = await latencies(exchange);
    const feed = await listen(exchange);
    await pause(2_000);
    const alone = await load(exchange, feed, pause(10_000));
    const latency = latencies(exchange);
    const busy = await load(exchange, feed, latency);
    feed.socket.terminate();
    return {
      feedAlone: alone,
      feedAndOrders: busy,
      latencyMs: await latency,
      quietLatencyMs: quiet,
    };
  } finally {
    exchange.child.kill();
  }
}

async function start(program: string, kind: string): Promise<Exchange> {
  const flags = [
    "--markets",
    String(MARKETS),
    "--activity",
    String(ACTIVITY),
    "--tier",
    "prestige",
  ];
  const child = spawn(
    process.execPath,
    [program, "exchange", "--generate", "--minutes", "60", ...flags, "--key-kind", kind, "--json"],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const line = await new Promise<string>((resolve) =>
    child.stdout.once("data", (data) => resolve(String(data))),
  );
  const { rest, ws, keyId, keyFile } = JSON.parse(line) as Record<string, string>;
  if (rest === undefined || ws === undefined || keyId === undefined || keyFile === undefined) {
    throw new Error("the exchange says where it is");
  }
  return { child, rest, ws, keyId, key: createPrivateKey(readFileSync(keyFile)) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function headersOf({ keyId, key }: Exchange, method: string, path: string): Record<string, string> {
  const atMs = String(Date.now());
  const text = Buffer.from(atMs + method + path);
  const signature =
    key.asymmetricKeyType === "ed25519"
      ? sign(null, text, key)
      : sign("sha256", text, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  return {
    "KALSHI-ACCESS-KEY": keyId,
    "KALSHI-ACCESS-TIMESTAMP": atMs,
    "KALSHI-ACCESS-SIGNATURE": signature.toString("base64"),
    "Content-Type": "application/json",
  };
}

async function listen(exchange: Exchange): Promise<{ socket: WebSocket; count: () => number }> {
  const { ws, rest } = exchange;
  const answer = await fetch(`${rest}/markets?status=open&limit=1000`);
  const { markets } = (await answer.json()) as { markets: { ticker: string }[] };
  const socket = new WebSocket(ws, { headers: headersOf(exchange, "GET", "/trade-api/ws/v2") });
  let count = 0;
  socket.on("message", () => (count += 1));
  await new Promise((resolve) => socket.on("open", resolve));
  const params = {
    channels: ["orderbook_delta", "trade"],
    market_tickers: markets.map(({ ticker }) => ticker),
    use_yes_price: true,
  };
  socket.send(JSON.stringify({ id: 1, cmd: "subscribe", params }));
  return { socket, count: () => count };
}

/** What the exchange sends and takes of a core while something goes on. */
async function load(
  { child }: Exchange,
  { count }: { count: () => number },
  during: Promise<unknown>,
): Promise<object> {
  const [ticks, sent, startMs] = [ticksOf(child), count(), performance.now()];
  await during;
  const seconds = (performance.now() - startMs) / 1_000;
  const used = (ticksOf(child) - ticks) / TICKS_PER_SECOND;
  const messages = count() - sent;
  return {
    messagesPerSecond: significant(messages / seconds),
    cpuShare: significant(used / seconds),
    cpuUsPerMessage: significant((used / messages) * 1e6),
  };
}

/** Processor time that a process has used; not a number where the system does not tell. */
function ticksOf({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return NaN;
  }
}

async function latencies(exchange: Exchange): Promise<object> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = { order: [] as number[], cancel: [] as number[], status: [] as number[] };
  const port = Number(new URL(exchange.rest).port);
  const ask = async (into: number[], method: string, path: string, body = ""): Promise<string> => {
    const signed = path.endsWith("status") ? {} : headersOf(exchange, method, path);
    const headers = { ...signed, "Content-Length": Buffer.byteLength(body) };
    const startMs = performance.now();
    const text = await new Promise<string>((resolve, reject) => {
      const asked = request({ agent, port, host: "127.0.0.1", method, path, headers }, (answer) => {
        let told = "";
        answer.on("data", (data: Buffer) => (told += data.toString()));
        answer.on("end", () => resolve(told));
      });
      asked.on("error", reject);
      asked.end(body);
    });
    into.push(performance.now() - startMs);
    return text;
  };
  const listed = await ask([], "GET", "/trade-api/v2/markets");
  const ticker = (JSON.parse(listed) as { markets: { ticker: string }[] }).markets[0]?.ticker;
  const body = JSON.stringify({
    ticker,
    side: "bid",
    count: "1.00",
    price: "0.0100",
    time_in_force: "good_till_canceled",
    self_trade_prevention_type: "taker_at_cross",
  });
  for (let index = 0; index < PAIRS; index++) {
    // The first ones are of a cold program.
    if (index === PAIRS / 6) for (const list of Object.values(times)) list.length = 0;
    const { order_id: id } = JSON.parse(await ask(times.order, "POST", ORDERS, body)) as {
      order_id: string;
    };
    await ask(times.cancel, "DELETE", `${ORDERS}/${id}`);
    await ask(times.status, "GET", "/trade-api/v2/exchange/status");
    await pause(PAUSE_MS);
  }
  agent.destroy();
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, spreadOf(list)]));
}

function spreadOf(times: readonly number[]): object {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    significant(sorted[Math.floor(share * (sorted.length - 1))] ?? NaN);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
