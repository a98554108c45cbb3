/**
 * The exchange on real sockets: HTTP by `node:http`, WebSocket by `ws`, on loopback and nowhere else.
 * It takes what comes in apart and hands it on; what it means is decided elsewhere. Whatever is sent,
 * it ends in an answer or a closed connection.
 */
import http from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { messageOf, OperationError, type Scheduler, US_PER_SECOND } from "../../core/index.ts";
import { FeedFaultCode, feedFaultOf, writeMessage } from "../../kalshi/index.ts";
import type { FeedLine, Handling, LocalExchange } from "../local-exchange.ts";
import { type ExchangeAnswer, flat } from "../rest/request.ts";
import { PREFIX, WS_PATH } from "../rest/route.ts";
import { ExchangeDriver } from "./exchange-driver.ts";

const HOST = "127.0.0.1";
const BODY_BYTES_MAX = 1_048_576;
const FRAME_BYTES_MAX = 1_048_576;
const PATIENCE_MS = 30_000;
/** How often connections are looked through for those that are late. */
const CHECK_MS = 5_000;
const HEARTBEAT_US = 10 * US_PER_SECOND;
/** A client that leaves so much unread is cut off. */
const UNREAD_BYTES_MAX = 16_777_216;

export interface ServerOptions {
  readonly exchange: LocalExchange;
  readonly scheduler: Scheduler;
  /** 0 for any that is free. */
  readonly port: number;
  /** Milliseconds in which a request must have arrived whole. */
  readonly patienceMs?: number;
}

export interface ExchangeServer {
  readonly rest: string;
  readonly ws: string;
  /** Ends all connections and listens no more. */
  close(): Promise<void>;
}

/** Opens the exchange on loopback; `EXCHANGE_PORT` where the port cannot be had. */
export async function serveExchange(options: ServerOptions): Promise<ExchangeServer> {
  const { exchange, scheduler, port, patienceMs = PATIENCE_MS } = options;
  const driver = new ExchangeDriver(exchange, scheduler);
  const server = http.createServer({
    requestTimeout: patienceMs,
    headersTimeout: patienceMs,
    connectionsCheckingInterval: Math.min(patienceMs, CHECK_MS),
    maxHeaderSize: 16_384,
  });
  const lines = new Lines(exchange, driver);
  server.on("request", (request, response) => {
    void serveRequest(exchange, driver, request, response);
  });
  server.on("upgrade", (request, socket, head) => {
    lines.upgrade(request, socket, head);
  });
  server.on("clientError", (_, socket) => {
    socket.destroy();
  });
  const taken = await listen(server, port).catch((error: unknown) => {
    // Its timers would keep a program from ending.
    driver.stop();
    throw error;
  });
  const stopHeartbeat = beat(scheduler, () => {
    lines.ping();
  });
  return {
    rest: `http://${HOST}:${taken}${PREFIX}`,
    ws: `ws://${HOST}:${taken}${WS_PATH}`,
    close: async () => {
      stopHeartbeat();
      driver.stop();
      lines.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

function listen(server: http.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const what = `port ${port}: expected one that is free, was: ${messageOf(error)}`;
      reject(new OperationError("EXCHANGE_PORT", what, { cause: error }));
    });
    server.listen(port, HOST, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function beat(scheduler: Scheduler, act: () => void): () => void {
  let callOff: () => void;
  const arrange = (): void => {
    callOff = scheduler.after(HEARTBEAT_US, () => {
      act();
      arrange();
    });
  };
  arrange();
  return () => {
    callOff();
  };
}

async function serveRequest(
  exchange: LocalExchange,
  driver: ExchangeDriver,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  request.socket.setNoDelay(true);
  const body = await bodyOf(request);
  if (body === null) {
    return write(response, flat(413, "request_too_large", "request too large"), driver.nowUs());
  }
  exchange.request(
    {
      method: request.method ?? "GET",
      path: request.url ?? "/",
      headers: headersOf(request),
      body,
    },
    driver.nowUs(),
    (handling) => {
      finish(request, response, handling);
    },
  );
  driver.wake();
}

function finish(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  handling: Handling,
): void {
  if (handling.kind === "broken") request.socket.resetAndDestroy();
  else write(response, handling.answer, handling.dateUs);
}

function write(
  response: http.ServerResponse,
  { status, body }: ExchangeAnswer,
  dateUs: number,
): void {
  if (response.destroyed) return;
  response.sendDate = false;
  const length = { "content-length": Buffer.byteLength(body) };
  response.writeHead(status, {
    date: new Date(Math.floor(dateUs / 1_000)).toUTCString(),
    ...(body === "" ? {} : { "content-type": "application/json" }),
    // An answer without content has no length, not even none (RFC 9110, 8.6).
    ...(status === 204 ? {} : length),
  });
  response.end(body);
}

/** A request's body, or null where it is too long. */
async function bodyOf(request: http.IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request) {
      length += (chunk as Buffer).length;
      // The rest is read and thrown away, so that the answer reaches the client.
      if (length <= BODY_BYTES_MAX) chunks.push(chunk as Buffer);
      else if (length > 16 * BODY_BYTES_MAX) request.destroy();
    }
  } catch {
    // The client went away; nobody hears the answer.
    return null;
  }
  return length > BODY_BYTES_MAX ? null : Buffer.concat(chunks).toString("utf8");
}

function headersOf({ headers }: http.IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : value,
    ]),
  );
}

/** The feed connections on real sockets. */
class Lines {
  readonly #exchange: LocalExchange;
  readonly #driver: ExchangeDriver;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: FRAME_BYTES_MAX });
  readonly #sockets = new Set<WebSocket>();

  constructor(exchange: LocalExchange, driver: ExchangeDriver) {
    this.#exchange = exchange;
    this.#driver = driver;
  }

  upgrade(request: http.IncomingMessage, raw: Duplex, head: Buffer): void {
    // A client that goes away during its handshake is no failure of ours.
    raw.on("error", () => raw.destroy());
    const handshake = {
      method: "GET",
      path: request.url ?? "/",
      headers: headersOf(request),
    };
    let socket: WebSocket | null = null;
    const gather = gatheringFor(raw);
    const line = this.#exchange.connect(handshake, this.#driver.nowUs(), {
      deliver: (frame) => {
        if (socket === null) return;
        gather();
        const isTaken = deliver(socket, frame);
        if (!isTaken && line !== null && !("status" in line)) line.leave();
      },
      broken: () => {
        socket?.terminate();
      },
    });
    this.#driver.wake();
    if (line === null) raw.destroy();
    else if ("status" in line) refuse(raw, line);
    else {
      this.#server.handleUpgrade(request, raw, head, (opened) => {
        socket = opened;
        this.#open(opened, line);
      });
      // A handshake that is no WebSocket's is answered by the library and opens nothing.
      if (socket === null) line.leave();
    }
  }

  ping(): void {
    for (const socket of this.#sockets) socket.ping("heartbeat");
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
    this.#server.close();
  }

  #open(socket: WebSocket, line: FeedLine): void {
    this.#sockets.add(socket);
    socket.on("message", (data, isBinary) => {
      const text = isBinary ? "" : (data as Buffer).toString("utf8");
      line.receive(text, this.#driver.nowUs());
      this.#driver.wake();
    });
    socket.on("error", () => {
      // The end of the connection follows, and is what counts.
    });
    socket.on("close", () => {
      this.#sockets.delete(socket);
      line.leave();
    });
  }
}

/** Sends a frame; false where the client has left too much unread, and is told so behind all that. */
function deliver(socket: WebSocket, frame: string): boolean {
  if (socket.readyState !== socket.OPEN) return true;
  if (socket.bufferedAmount <= UNREAD_BYTES_MAX) {
    // The venue's frames end so.
    socket.send(`${frame}\n`);
    return true;
  }
  const body = feedFaultOf(FeedFaultCode.bufferOverflow);
  socket.send(`${writeMessage({}, { kind: "fault", body })}\n`);
  // Whoever does not read this either is cut off by the library after half a minute.
  socket.close();
  return false;
}

/**
 * Has all that is written until the present turn ends go out at once: a turn tells several things, and
 * the system's calls are what the feed costs most.
 */
function gatheringFor(raw: Duplex): () => void {
  let isGathering = false;
  return () => {
    if (isGathering) return;
    isGathering = true;
    raw.cork();
    queueMicrotask(() => {
      isGathering = false;
      raw.uncork();
    });
  };
}

function refuse(raw: Duplex, { status, body }: ExchangeAnswer): void {
  const words = http.STATUS_CODES[status] ?? "";
  raw.end(
    `HTTP/1.1 ${status} ${words}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
