/** The network of Node against real servers on this machine. */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openVenue } from "../../src/kalshi/index.ts";
import type { HttpOutcome, HttpRequest } from "../../src/kalshi/network.ts";
import { NodeNetwork } from "../../src/kalshi/node-network.ts";
import { silentPort } from "../fixtures/ports.ts";

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  closings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

const serve = (
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> => listening(http.createServer({ keepAliveTimeout: 600_000 }, handle));

function networkTo(port: number): NodeNetwork {
  const at = `127.0.0.1:${port}`;
  const network = new NodeNetwork(
    openVenue({ restUrl: `http://${at}/trade-api/v2`, wsUrl: `ws://${at}/trade-api/ws/v2` }),
  );
  closings.push(() => {
    network.close();
  });
  return network;
}

const GET: HttpRequest = { method: "GET", path: "/trade-api/v2/x?y=%20z", headers: {}, body: null };

function outcomeOf(network: NodeNetwork, request: HttpRequest): Promise<HttpOutcome> {
  return new Promise((resolve) => void network.request(request, resolve));
}

test("a request arrives as it was written, and its answer comes back whole", async () => {
  const seen: unknown[] = [];
  const port = await serve((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { method, url, headers } = request;
      seen.push([method, url, body, headers["content-length"], headers["x-test"]]);
      response.writeHead(201, { date: "Thu, 01 Oct 2026 00:00:00 GMT" });
      // In two pieces that cut a letter of two bytes.
      const bytes = Buffer.from('{"word":"ä"}');
      response.write(bytes.subarray(0, 10));
      setTimeout(() => response.end(bytes.subarray(10)), 5);
    });
  });
  const network = networkTo(port);
  const post: HttpRequest = { ...GET, method: "POST", headers: { "x-test": "1" }, body: '{"é":1}' };
  expect(await outcomeOf(network, post)).toEqual({
    kind: "answer",
    status: 201,
    body: '{"word":"ä"}',
    dateMs: Date.UTC(2026, 9, 1),
  });
  expect(seen).toEqual([["POST", GET.path, '{"é":1}', "8", "1"]]);
});

test("connections are kept open from one request to the next", async () => {
  const ports = new Set<number | undefined>();
  const port = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    response.end("{}");
  });
  const network = networkTo(port);
  // Listeners that are left behind on a connection would show as a warning.
  const warnings: string[] = [];
  const warn = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", warn);
  for (let times = 0; times < 30; times++) await outcomeOf(network, GET);
  process.off("warning", warn);
  expect(ports.size).toBe(1);
  expect(warnings).toEqual([]);
});

test("where nobody listens nothing was sent", async () => {
  const { port, release } = await silentPort();
  closings.push(release);
  expect(await outcomeOf(networkTo(port), GET)).toEqual({
    kind: "unsent",
    reason: `nothing listens at 127.0.0.1:${port}`,
  });
});

test("a connection that breaks after it was made is a loss, at every stage", async () => {
  const stages: ((socket: Socket) => void)[] = [
    (socket) => socket.once("data", () => socket.destroy()),
    (socket) => socket.once("data", () => socket.resetAndDestroy()),
    (socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")),
    (socket) =>
      socket.once("data", () =>
        socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
      ),
    (socket) => socket.once("data", () => socket.end("this is not HTTP\r\n\r\n")),
  ];
  for (const stage of stages) {
    const port = await listening(createServer(stage));
    const outcome = await outcomeOf(networkTo(port), { ...GET, method: "DELETE" });
    expect([outcome.kind, stages.indexOf(stage)]).toEqual(["lost", stages.indexOf(stage)]);
  }
});

test("an answer without end is cut off, and a redirect is an answer like others", async () => {
  const port = await serve((request, response) => {
    if (request.url === "/moved") {
      response.writeHead(307, { location: "http://127.0.0.1:1/elsewhere" }).end();
      return;
    }
    const piece = Buffer.alloc(4_000_000, 32);
    const more = (): void => {
      if (!response.destroyed) response.write(piece, more);
    };
    more();
  });
  const network = networkTo(port);
  expect(await outcomeOf(network, { ...GET, path: "/moved" })).toMatchObject({ status: 307 });
  const outcome = await outcomeOf(network, GET);
  expect(outcome).toMatchObject({ kind: "lost" });
  expect(outcome.kind === "lost" && outcome.reason).toContain("longer than");
});

test("a request that waited for a connection of another one is lost, not unsent, when it breaks", async () => {
  let count = 0;
  const port = await serve((request, response) => {
    count += 1;
    // The first 32 take all connections; one that comes after them is broken off.
    if (count <= 32) setTimeout(() => response.end("{}"), 30);
    else request.socket.destroy();
  });
  const network = networkTo(port);
  const outcomes = await Promise.all(
    Array.from({ length: 33 }, () => outcomeOf(network, { ...GET, method: "DELETE" })),
  );
  expect(outcomes.map(({ kind }) => kind).sort()).toEqual([
    ...Array.from({ length: 32 }, () => "answer"),
    "lost",
  ]);
});

test("a request that was called off tells nothing any more", async () => {
  let arrived: (() => void) | undefined;
  const there = new Promise<void>((resolve) => (arrived = resolve));
  const port = await serve((_, response) => {
    arrived?.();
    response.end("{}");
  });
  const network = networkTo(port);
  const outcomes: HttpOutcome[] = [];
  const callOff = network.request(GET, (outcome) => outcomes.push(outcome));
  callOff();
  const second = network.request(GET, (outcome) => outcomes.push(outcome));
  await there;
  second();
  await outcomeOf(network, GET);
  expect(outcomes).toEqual([]);
});

test("a request that cannot be written at all was not sent, and is told of later", async () => {
  const network = networkTo(1);
  let isLater = false;
  const outcome = new Promise<HttpOutcome>((resolve) => {
    network.request({ ...GET, path: "/with a space" }, (result) => {
      expect(isLater).toBe(true);
      resolve(result);
    });
    isLater = true;
  });
  expect(await outcome).toMatchObject({ kind: "unsent" });
});
