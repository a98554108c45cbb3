/**
 * A local exchange in a process of its own, for benchmarks of its clients: made-up traders in
 * `markets` markets at `activity`. Prints where it listens and whose key it knows, and ends with its
 * standard input.
 */
import { generateKeyPairSync } from "node:crypto";
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { type MicroUsd, Prng } from "../../src/core/index.ts";
import { limitsOf, LocalExchange, MadeUpCrowd, serveExchange } from "../../src/exchange/index.ts";

const [markets = 10, activity = 1] = process.argv.slice(2).map(Number);
const scheduler = new MachineScheduler();
const startUs = scheduler.nowUs();
const prng = Prng.fromSeed(1);
const exchange = new LocalExchange({ startUs, prng: prng.fork("e"), marketCapacity: markets });
const { engine } = exchange;
const crowd = { markets, minutes: 60, activity, marketsMax: markets };
exchange.addPlayer(new MadeUpCrowd({ engine, prng: prng.fork("c"), startUs, ...crowd }));
const account = engine.addAccount("user-1", 1_000_000_000_000 as MicroUsd);
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
const keyId = "bench";
exchange.admit({ keyId, pem, account, limits: limitsOf("prime") });
exchange.advanceTo(startUs);
const { rest, ws } = await serveExchange({ exchange, scheduler, port: 0 });
const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const tickers = engine.markets.map(({ ticker }) => ticker);
process.stdout.write(`${JSON.stringify({ rest, ws, keyId, key, tickers })}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
