/**
 * The network of Node: HTTP over connections that are kept open, WebSocket through `ws`. It goes to
 * the one venue that it is given and follows no redirect elsewhere. Errors name the host and what is
 * wrong, never a header.
 */
import http from "node:http";
import https from "node:https";
import { WebSocket } from "ws";
import { messageOf } from "../core/index.ts";
import type { HttpOutcome, HttpRequest, Network, Socket, SocketEvents } from "./network.ts";
import type { Venue } from "./venue.ts";
import { FRAME_LENGTH_MAX } from "./wire/feed-messages.ts";
import { JSON_LENGTH_MAX } from "./wire/json.ts";

/** Idle connections are given up before most servers give them up, so that few requests meet a closed one. */
const IDLE_MS = 20_000;
const CONNECTIONS_MAX = 32;

export class NodeNetwork implements Network {
  readonly #venue: Venue;
  readonly #rest: URL;
  readonly #agent: http.Agent;
  /** Connections that were made, which later requests use again. */
  readonly #connected = new WeakSet<object>();

  constructor(venue: Venue) {
    this.#venue = venue;
    this.#rest = new URL(venue.restUrl);
    const settings = { keepAlive: true, maxSockets: CONNECTIONS_MAX, timeout: IDLE_MS };
    const isSecure = this.#rest.protocol === "https:";
    this.#agent = isSecure ? new https.Agent(settings) : new http.Agent(settings);
  }

  request(request: HttpRequest, done: (outcome: HttpOutcome) => void): () => void {
    let isEnded = false;
    const end = (outcome: HttpOutcome): void => {
      if (isEnded) return;
      isEnded = true;
      done(outcome);
    };
    let sent: http.ClientRequest;
    try {
      sent = this.#start(request);
    } catch (error) {
      const reason = messageOf(error);
      queueMicrotask(() => {
        end({ kind: "unsent", reason });
      });
      return () => {
        isEnded = true;
      };
    }
    this.#listen(sent, end);
    sent.end(request.body ?? undefined);
    return () => {
      isEnded = true;
      sent.destroy();
    };
  }

  openSocket(headers: Readonly<Record<string, string>>, events: SocketEvents): Socket {
    return openNodeSocket(this.#venue.wsUrl, headers, events);
  }

  /** Closes idle connections; a program would otherwise wait for them before it ends. */
  close(): void {
    this.#agent.destroy();
  }

  #start({ method, path, headers, body }: HttpRequest): http.ClientRequest {
    const { protocol, hostname, port } = this.#rest;
    const bytes = body === null ? {} : { "content-length": Buffer.byteLength(body) };
    const start = protocol === "https:" ? https.request : http.request;
    return start({
      method,
      path,
      // Brackets belong to an IPv6 address in a URL alone.
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? undefined : Number(port),
      headers: { ...headers, ...bytes },
      agent: this.#agent,
    });
  }

  #listen(request: http.ClientRequest, end: (outcome: HttpOutcome) => void): void {
    // Until there is a connection nothing can have reached the venue.
    let isConnected = false;
    request.on("socket", (socket) => {
      socket.setNoDelay(true);
      if (this.#connected.has(socket)) {
        isConnected = true;
        return;
      }
      const event = this.#rest.protocol === "https:" ? "secureConnect" : "connect";
      socket.once(event, () => {
        this.#connected.add(socket);
        isConnected = true;
      });
    });
    request.on("error", (error) => {
      end({ kind: isConnected ? "lost" : "unsent", reason: this.#reason(error) });
    });
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length <= JSON_LENGTH_MAX) return;
        end({ kind: "lost", reason: `the answer is longer than ${JSON_LENGTH_MAX} bytes` });
        request.destroy();
      });
      response.on("error", (error) => {
        end({ kind: "lost", reason: this.#reason(error) });
      });
      response.on("end", () => {
        const date = Date.parse(response.headers.date ?? "");
        end({
          kind: "answer",
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString("utf8"),
          dateMs: Number.isNaN(date) ? null : date,
        });
      });
    });
    request.on("close", () => {
      end({ kind: "lost", reason: `${this.#rest.host} broke the connection off` });
    });
  }

  #reason(error: Error): string {
    return plainReason(error, this.#rest);
  }
}

/** What a system's error means, for the sentence of an outcome. */
function plainReason(error: Error & { readonly code?: string }, { host, hostname }: URL): string {
  switch (error.code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the name ${hostname} could not be found; is there a network?`;
    case "ECONNREFUSED":
      return `nothing listens at ${host}`;
    case "ECONNRESET":
    case "EPIPE":
      return `${host} broke the connection off`;
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "ETIMEDOUT":
      return `${host} cannot be reached; is there a network?`;
    default:
      return `${host}: ${error.message}`;
  }
}

function openNodeSocket(
  url: string,
  headers: Readonly<Record<string, string>>,
  events: SocketEvents,
): Socket {
  const place = new URL(url);
  const socket = new WebSocket(url, {
    headers: { ...headers },
    perMessageDeflate: false,
    maxPayload: FRAME_LENGTH_MAX,
    followRedirects: false,
  });
  let isEnded = false;
  let reason: string | null = null;
  const end = (): void => {
    if (isEnded) return;
    isEnded = true;
    events.closed(reason ?? `${place.host} closed the connection`);
  };
  socket.on("open", () => {
    if (!isEnded) events.opened();
  });
  socket.on("message", (data, isBinary) => {
    if (isEnded) return;
    if (isBinary) {
      reason = `${place.host} sent a frame that is no text`;
      socket.terminate();
    } else events.message((data as Buffer).toString("utf8"));
  });
  for (const sign of ["ping", "pong"] as const) {
    socket.on(sign, () => {
      if (!isEnded) events.alive();
    });
  }
  socket.on("unexpected-response", (request, response) => {
    const status = response.statusCode ?? 0;
    reason = `${place.host} answered the handshake with status ${status}`;
    if (status === 401) reason += ": the key or the signature was refused, or the clock is wrong";
    request.destroy();
    socket.terminate();
  });
  socket.on("error", (error) => {
    reason ??= plainReason(error, place);
  });
  socket.on("close", (code, words) => {
    const told = words.toString("utf8").slice(0, 120);
    reason ??= `${place.host} closed the connection (${code}${told === "" ? "" : `, ${told}`})`;
    end();
  });
  return {
    send(text) {
      // A failure shows as the connection's end.
      if (socket.readyState === WebSocket.OPEN) socket.send(text, () => undefined);
    },
    ping() {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    },
    close() {
      isEnded = true;
      socket.terminate();
    },
  };
}
