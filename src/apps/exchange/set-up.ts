/** A local exchange put together: where its liquidity comes from, its one account, its limits. */
import { MICRO_USD_PER_USD, type MicroUsd, Prng, type TimestampUs } from "../../core/index.ts";
import {
  type ExchangeAccount,
  type FaultRule,
  limitsOf,
  LocalExchange,
  MadeUpCrowd,
  nextId,
  RecordedCrowd,
  type Tier,
  type Write,
} from "../../exchange/index.ts";
import { openSession, type Tape } from "../../market/index.ts";

export type LiquiditySource =
  | {
      readonly kind: "session";
      readonly folder: string;
      /** Recorded seconds a second. */
      readonly speed: number;
      /** Seconds of the recording that happen at once, at the start. */
      readonly skipSeconds: number;
    }
  | {
      readonly kind: "generate";
      readonly markets: number;
      readonly minutes: number;
      readonly activity: number;
    };

export interface ExchangeSetup {
  readonly source: LiquiditySource;
  readonly seed: number | string;
  readonly startUs: TimestampUs;
  readonly cashDollars: number;
  readonly tier: Tier;
  readonly keyId: string;
  /** The account's key in PEM form; of a private one the public half is taken. */
  readonly pem: string;
  readonly faults: readonly FaultRule[];
  readonly onWrite?: (write: Write) => void;
}

export interface OpenedExchange {
  readonly exchange: LocalExchange;
  readonly account: ExchangeAccount;
  /** What stands behind the markets: the recording's hash, or the made-up traders' settings. */
  readonly source: string;
}

/** Markets that made-up traders may open before the exchange is started anew. */
const MARKETS_MAX = 20_000;

export function setUpExchange(setup: ExchangeSetup): OpenedExchange {
  const { source, seed, startUs, onWrite } = setup;
  const prng = Prng.fromSeed(seed);
  const tape = source.kind === "session" ? readTape(source.folder) : null;
  const exchange = new LocalExchange({
    startUs,
    prng: prng.fork("exchange"),
    marketCapacity: tape === null ? MARKETS_MAX : tape.markets.length,
    ...(onWrite === undefined ? {} : { onWrite }),
  });
  const { engine } = exchange;
  if (source.kind === "generate") {
    const { markets, minutes, activity } = source;
    const crowd = { markets, minutes, activity, marketsMax: MARKETS_MAX };
    exchange.addPlayer(new MadeUpCrowd({ engine, prng: prng.fork("crowd"), startUs, ...crowd }));
  } else if (tape !== null) {
    const { speed, skipSeconds } = source;
    const skipUs = Math.round(skipSeconds * 1_000_000);
    exchange.addPlayer(new RecordedCrowd({ engine, tape, startUs, speed, skipUs }));
  }
  const account = engine.addAccount(nextId(prng.fork("user")), dollars(setup.cashDollars));
  exchange.admit({
    keyId: setup.keyId,
    pem: setup.pem,
    account,
    limits: limitsOf(setup.tier),
  });
  exchange.faults.begin(setup.faults, startUs);
  exchange.advanceTo(startUs);
  return { exchange, account, source: tape?.contentHash ?? JSON.stringify(source) };
}

function readTape(folder: string): Tape {
  const session = openSession(folder);
  try {
    return session.readTape();
  } finally {
    session.close();
  }
}

function dollars(amount: number): MicroUsd {
  return Math.round(amount * MICRO_USD_PER_USD) as MicroUsd;
}
