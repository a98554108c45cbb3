/** An exchange on real sockets, with one market, an RSA key and somebody to trade with. */
import { generateKeyPairSync } from "node:crypto";
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import type { TimestampUs } from "../../src/core/index.ts";
import {
  type EngineMarket,
  type ExchangeAccount,
  type ExchangeServer,
  LocalExchange,
  serveExchange,
} from "../../src/exchange/index.ts";
import type { AccountLimits } from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { marketSpec, QUADRATIC, TICKER } from "./exchange-case.ts";

export const RSA = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
export const KEY_ID = "5a0e6d0c-0000-4000-a000-000000000002";

const MANY = { refillPerSecond: 10_000, capacity: 10_000 };
const GENEROUS: AccountLimits = { tier: "prime", read: MANY, write: MANY };

export class ServedCase {
  readonly exchange: LocalExchange;
  readonly server: ExchangeServer;
  readonly account: ExchangeAccount;
  readonly market: EngineMarket;

  private constructor(exchange: LocalExchange, server: ExchangeServer, account: ExchangeAccount) {
    this.exchange = exchange;
    this.server = server;
    this.account = account;
    const [market] = exchange.engine.markets;
    if (market === undefined) throw new Error("a market is there");
    this.market = market;
  }

  static async open({
    limits = GENEROUS,
    patienceMs = 30_000,
  }: { limits?: AccountLimits; patienceMs?: number } = {}): Promise<ServedCase> {
    const scheduler = new MachineScheduler();
    const startUs = scheduler.nowUs();
    const exchange = new LocalExchange({ startUs, prng: Prng.fromSeed(1), marketCapacity: 4 });
    const closeUs = (startUs + 3_600_000_000) as TimestampUs;
    exchange.engine.addMarket(marketSpec({ openUs: startUs, closeUs }, QUADRATIC));
    const account = exchange.engine.addAccount("user-1", 100_000_000 as MicroUsd);
    exchange.admit({ keyId: KEY_ID, pem: RSA.publicKey, account, limits });
    exchange.flush();
    const server = await serveExchange({ exchange, scheduler, port: 0, patienceMs });
    return new ServedCase(exchange, server, account);
  }

  /** Somebody else's order: rests, or takes what there is. */
  crowd(side: "bid" | "ask", cents: number, contracts: number, takes = false): void {
    const terms = {
      market: this.market,
      side: BookSide[side],
      price: (cents * 100) as CentiCents,
      size: (contracts * 100) as Lots,
    };
    if (takes) this.exchange.engine.crowdTake(terms);
    else this.exchange.engine.crowdQuote(terms);
    this.exchange.flush();
  }
}

export { TICKER };
