/** A network in simulated time whose answers a test decides, request by request. */
import { generateKeyPairSync } from "node:crypto";
import { centiCents, lots, Prng, SimulatedScheduler, timestampUs } from "../../src/core/index.ts";
import {
  loadSigningKey,
  openVenue,
  type OrderTicket,
  USUAL_TERMS,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import type {
  HttpOutcome,
  HttpRequest,
  Network,
  Socket,
  SocketEvents,
} from "../../src/kalshi/network.ts";

export const START_US = timestampUs(1_790_000_000_000_000);

export const venue = openVenue({
  restUrl: "http://127.0.0.1:9000/trade-api/v2",
  wsUrl: "ws://127.0.0.1:9000/trade-api/ws/v2",
});

const pair = generateKeyPairSync("ed25519");
export const publicKey = pair.publicKey;
export const key = loadSigningKey(venue, {
  keyId: "test-key",
  pem: pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
});

export const TICKET: OrderTicket & { clientOrderId: string } = {
  ticker: "T",
  clientOrderId: "c-1",
  side: BookSide.bid,
  size: lots(100),
  price: centiCents(4_300),
  ...USUAL_TERMS,
};

/** What a test answers: an outcome and when, or null for never. */
export interface Reply {
  readonly outcome: HttpOutcome | null;
  readonly afterUs: number;
}

export function answer(status: number, body: unknown, afterUs = 1_000): Reply {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { outcome: { kind: "answer", status, body: text, dateMs: null }, afterUs };
}

export function lost(afterUs = 1_000): Reply {
  return { outcome: { kind: "lost", reason: "the connection broke off" }, afterUs };
}

export function unsent(afterUs = 1_000): Reply {
  return { outcome: { kind: "unsent", reason: "nothing listens" }, afterUs };
}

export const silence: Reply = { outcome: null, afterUs: 0 };

export class ScriptedSocket implements Socket {
  readonly sent: string[] = [];
  readonly headers: Readonly<Record<string, string>>;
  readonly events: SocketEvents;
  pings = 0;
  isClosed = false;

  constructor(headers: Readonly<Record<string, string>>, events: SocketEvents) {
    this.headers = headers;
    this.events = events;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  ping(): void {
    this.pings += 1;
  }

  close(): void {
    this.isClosed = true;
  }
}

export class ScriptedNetwork implements Network {
  readonly scheduler = new SimulatedScheduler(START_US);
  readonly prng = Prng.fromSeed(1);
  /** All requests, with the moment at which each was sent, in microseconds since the start. */
  readonly requests: (HttpRequest & { readonly atUs: number })[] = [];
  readonly sockets: ScriptedSocket[] = [];
  respond: (request: HttpRequest, number: number) => Reply = () => silence;

  request(request: HttpRequest, done: (outcome: HttpOutcome) => void): () => void {
    const atUs = this.scheduler.nowUs() - START_US;
    this.requests.push({ ...request, atUs });
    const { outcome, afterUs } = this.respond(request, this.requests.length);
    if (outcome === null) return () => undefined;
    return this.scheduler.after(afterUs, () => {
      done(outcome);
    });
  }

  openSocket(headers: Readonly<Record<string, string>>, events: SocketEvents): Socket {
    const socket = new ScriptedSocket(headers, events);
    this.sockets.push(socket);
    return socket;
  }

  /** Runs the next `seconds` of simulated time. */
  pass(seconds: number): void {
    this.scheduler.advanceTo(this.scheduler.nowUs() + Math.round(seconds * 1_000_000));
  }
}
