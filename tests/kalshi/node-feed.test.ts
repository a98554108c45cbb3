/** The feed over real sockets: a `ws` server in this process, the machine's clock, short time-outs. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { afterEach, expect, test } from "vitest";
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { Prng, type Scheduler, SimulatedScheduler } from "../../src/core/index.ts";
import {
  AUTH_HEADERS,
  FeedClient,
  type FeedEvent,
  type FeedSettings,
  isSignatureOf,
  NodeNetwork,
  openVenue,
  readCommand,
  textToSign,
} from "../../src/kalshi/index.ts";
import { silentPort } from "../fixtures/ports.ts";
import { brief, delta, snapshot } from "./scripted-feed.ts";
import { key, publicKey } from "./scripted-network.ts";

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

interface Served {
  readonly port: number;
  /** Sockets that were accepted, and requests of which the signature was right. */
  readonly sockets: WebSocket[];
  readonly signed: boolean[];
}

/** A server that lets in who signs well, and tells `talk` of each connection. */
async function serve(talk: (socket: WebSocket, count: number) => void): Promise<Served> {
  const server = http.createServer();
  const sockets: WebSocket[] = [];
  const signed: boolean[] = [];
  const upgrades = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    const told = (name: string): string => String(request.headers[name.toLowerCase()] ?? "");
    const text = textToSign(told(AUTH_HEADERS.time), "GET", request.url ?? "");
    const isGood = isSignatureOf(publicKey, text, told(AUTH_HEADERS.signature));
    signed.push(isGood);
    if (!isGood) {
      socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    upgrades.handleUpgrade(request, socket, head, (accepted) => {
      sockets.push(accepted);
      accepted.on("error", () => undefined);
      talk(accepted, sockets.length);
    });
  });
  closings.push(() => {
    for (const socket of sockets) socket.terminate();
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, sockets, signed };
}

/** A feed whose events are collected; `until` waits for what they add up to. */
function feedAt(
  port: number,
  settings: Partial<FeedSettings> = {},
  scheduler: Scheduler = new MachineScheduler(),
) {
  const at = `127.0.0.1:${port}`;
  const venue = openVenue({
    restUrl: `http://${at}/trade-api/v2`,
    wsUrl: `ws://${at}/trade-api/ws/v2`,
  });
  const network = new NodeNetwork(venue);
  const events: FeedEvent[] = [];
  let wake = (): void => undefined;
  const client = new FeedClient({
    venue,
    key,
    network,
    scheduler,
    prng: Prng.fromSeed(1),
    settings: { tickUs: 20_000, backoff: { firstUs: 10_000, mostUs: 50_000 }, ...settings },
    onEvents: () => {
      client.drain(events);
      wake();
    },
  });
  closings.push(() => {
    client.close();
    network.close();
  });
  const until = async (isEnough: () => boolean): Promise<void> => {
    while (!isEnough()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { client, events, until };
}

/** Agrees to any subscription, with sid 1, and begins with a snapshot. */
function agree(socket: WebSocket): void {
  socket.on("message", (data: Buffer) => {
    const command = readCommand(data.toString());
    if (command.kind !== "subscribe") return;
    const [channel] = command.channels;
    // The demo exchange's frames end in a new line.
    socket.send(
      JSON.stringify({ id: command.id, type: "subscribed", msg: { channel, sid: 1 } }) + "\n",
    );
    socket.send(snapshot(1) + "\n");
  });
}

test("a signed handshake is let in, and frames arrive in order", async () => {
  const served = await serve((socket) => {
    agree(socket);
    socket.on("message", () => {
      for (let seq = 2; seq < 500; seq++) socket.send(delta(seq));
    });
  });
  const { client, events, until } = feedAt(served.port);
  client.watch("orderbook_delta", ["A"]);
  client.start();
  await until(() => events.length >= 500);
  expect(served.signed).toEqual([true]);
  expect(brief(events).slice(0, 3)).toEqual(["connected", "snapshot A", "delta A"]);
  expect(client.health()).toMatchObject({ state: "open", gaps: 0, repeated: 0 });
});

test("connections that are reset, closed or refused are made anew, with a gap between", async () => {
  const served = await serve((socket, count) => {
    agree(socket);
    if (count === 1) socket.once("message", () => setTimeout(() => socket.terminate(), 20));
    if (count === 2) socket.once("message", () => setTimeout(() => socket.close(1011, "bye"), 20));
    if (count === 3)
      socket.once("message", () => setTimeout(() => socket.send(Buffer.from([1, 2])), 20));
    if (count === 4)
      socket.once("message", () => setTimeout(() => socket.send("x".repeat(5_000_000)), 20));
  });
  const { client, events, until } = feedAt(served.port);
  client.watch("orderbook_delta", ["A"]);
  client.start();
  await until(() => brief(events).filter((words) => words === "snapshot A").length === 5);
  const reasons = events.flatMap((event) => (event.kind === "disconnected" ? [event.reason] : []));
  const at = `127.0.0.1:${served.port}`;
  expect(reasons).toEqual([
    `${at} closed the connection (1006)`,
    `${at} closed the connection (1011, bye)`,
    `${at} sent a frame that is no text`,
    expect.stringContaining("Max payload size exceeded"),
  ]);
  expect(brief(events).filter((words) => words.startsWith("gap"))).toEqual(
    Array.from({ length: 4 }, () => "gap orderbook_delta disconnected"),
  );
});

test("a refused handshake says why, and is tried again", async () => {
  const server = http.createServer();
  let tries = 0;
  server.on("upgrade", (_, socket) => {
    tries += 1;
    socket.end(
      `HTTP/1.1 ${tries === 1 ? "401 Unauthorized" : "502 Bad Gateway"}\r\nContent-Length: 0\r\n\r\n`,
    );
  });
  closings.push(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { client, events, until } = feedAt(port);
  client.start();
  await until(() => events.length >= 2);
  const reasons = events.map((event) =>
    event.kind === "disconnected" ? event.reason : event.kind,
  );
  const at = `127.0.0.1:${port}`;
  expect(reasons.slice(0, 2)).toEqual([
    `${at} answered the handshake with status 401: the key or the signature was refused, or the clock is wrong`,
    `${at} answered the handshake with status 502`,
  ]);
});

test("where nobody listens the feed goes on trying", async () => {
  const { port, release } = await silentPort();
  closings.push(release);
  const { client, events, until } = feedAt(port);
  client.start();
  await until(() => events.length >= 3);
  expect(events[0]).toMatchObject({
    kind: "disconnected",
    reason: `nothing listens at 127.0.0.1:${port}`,
  });
});

test("pings are answered, and a server that falls silent is left", async () => {
  let pongs = 0;
  let isAnswering = true;
  // The client's time goes on by turns of this process: where it stands still, nobody was silent.
  const nowUs = new MachineScheduler().nowUs();
  const clock = new SimulatedScheduler(nowUs);
  let turns = 0;
  const served = await serve((socket) => {
    agree(socket);
    socket.on("pong", () => (pongs += 1));
    const timer = setInterval(() => {
      if (isAnswering) socket.ping("heartbeat");
      turns += 1;
      clock.advanceTo(nowUs + turns * 20_000);
    }, 5);
    closings.push(() => {
      clearInterval(timer);
    });
    // A server that does not even answer pings any more.
    socket.on("ping", () => undefined);
  });
  const patience = { pingAfterUs: 100_000, deadAfterUs: 300_000 };
  const { client, events, until } = feedAt(served.port, patience, clock);
  client.watch("orderbook_delta", ["A"]);
  client.start();
  await until(() => events.length >= 2);
  const from = turns;
  while (turns < from + 60) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(client.health()).toMatchObject({ state: "open", connections: 1 });
  expect(pongs).toBeGreaterThan(3);
  isAnswering = false;
  for (const socket of served.sockets) socket.pause();
  await until(() => brief(events).includes("disconnected"));
  expect(client.health().lastReason).toMatch(/^no sign of life/);
});
