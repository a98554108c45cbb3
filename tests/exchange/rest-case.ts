/** A whole exchange without sockets, and a client that signs: for tests of requests and answers. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type MicroUsd, Prng, type TimestampUs } from "../../src/core/index.ts";
import {
  type ExchangeAccount,
  type Handling,
  LocalExchange,
  type MemberOptions,
} from "../../src/exchange/index.ts";
import { textToSign } from "../../src/kalshi/index.ts";
import { marketSpec, QUADRATIC, START_US, TICKER } from "./exchange-case.ts";

export const PREFIX = "/trade-api/v2";
export const KEY_ID = "5a0e6d0c-0000-4000-a000-000000000001";

/** One pair for all tests: making one takes a while. */
export const KEYS = generateKeyPairSync("ed25519");

export function pemOf(key: KeyObject): string {
  return key.export({ format: "pem", type: "spki" }).toString();
}

export function signatureOf(text: string, key: KeyObject = KEYS.privateKey): string {
  return sign(null, Buffer.from(text), key).toString("base64");
}

export function signedBy(
  atUs: number,
  method: string,
  path: string,
  keyId = KEY_ID,
): Record<string, string> {
  const atMs = String(Math.floor(atUs / 1_000));
  return {
    "kalshi-access-key": keyId,
    "kalshi-access-timestamp": atMs,
    "kalshi-access-signature": signatureOf(textToSign(atMs, method, path)),
  };
}

export interface Told {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export class RestCase {
  readonly exchange: LocalExchange;
  readonly account: ExchangeAccount;

  constructor(changes: Partial<MemberOptions> = {}, seed = 1) {
    this.exchange = new LocalExchange({
      startUs: START_US,
      prng: Prng.fromSeed(seed),
      marketCapacity: 4,
    });
    this.exchange.engine.addMarket(marketSpec({}, QUADRATIC));
    const other = { ...marketSpec().info, ticker: "KXOTHER-1", eventTicker: "KXOTHER" };
    this.exchange.engine.addMarket({ ...marketSpec(), info: other });
    this.account = this.exchange.engine.addAccount("user-1", 100_000_000 as MicroUsd);
    const pem = pemOf(KEYS.publicKey);
    this.exchange.admit({ keyId: KEY_ID, pem, account: this.account, ...changes });
    this.exchange.flush();
  }

  /** Moves time on by so many seconds. */
  wait(seconds: number): void {
    const { nowUs } = this.exchange;
    this.exchange.advanceTo((nowUs + seconds * 1_000_000) as TimestampUs);
  }

  /** Sends a signed request; what has come of it by now. */
  send(method: string, path: string, body?: unknown): Handling | undefined {
    let handling: Handling | undefined;
    const full = path.startsWith("/control") ? path : PREFIX + path;
    const headers = { ...signedBy(this.exchange.nowUs, method, full), ...JSON_TYPE };
    const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const request = { method, path: full, headers, body: text };
    this.exchange.request(request, this.exchange.nowUs, (told) => {
      handling = told;
    });
    return handling;
  }

  /** As `send`, where an answer must come at once. */
  ask(method: string, path: string, body?: unknown): Told {
    return toldOf(this.send(method, path, body));
  }

  /** An order as the venue takes it. */
  order(side: "bid" | "ask", price: string, count: string, more: object = {}): Told {
    return this.ask("POST", "/portfolio/events/orders", this.ticket(side, price, count, more));
  }

  ticket(side: "bid" | "ask", price: string, count: string, more: object = {}): object {
    return {
      ticker: TICKER,
      side,
      price,
      count,
      time_in_force: "good_till_canceled",
      self_trade_prevention_type: "taker_at_cross",
      ...more,
    };
  }

  /** Somebody else's order: rests, or takes what there is. */
  crowd(side: "bid" | "ask", price: string, count: string, takes = false): Told {
    const body = { side, price, count, takes };
    return this.ask("POST", `/control/markets/${TICKER}/crowd`, body);
  }
}

const JSON_TYPE = { "content-type": "application/json" };

export function toldOf(handling: Handling | undefined): Told {
  if (handling?.kind !== "answer") throw new Error(`no answer: ${JSON.stringify(handling)}`);
  const { status, body } = handling.answer;
  return { status, body: body === "" ? {} : (JSON.parse(body) as Told["body"]) };
}
