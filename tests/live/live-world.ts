/**
 * A whole live run in one process: actor, trader, order manager, clients, the network between, and the
 * exchange with its traders, under simulated time. The same seed gives the same run.
 */
import { VenueLink } from "../../src/apps/live/venue-link.ts";
import {
  type CentiCents,
  type Lots,
  type MicroUsd,
  Prng,
  SimulatedScheduler,
  type TimestampUs,
} from "../../src/core/index.ts";
import {
  type EngineMarket,
  type ExchangeAccount,
  ExchangeDriver,
  type FaultRule,
  LocalExchange,
  limitsOf,
  type MarketSpec,
  SimulatedNetwork,
  type Write,
} from "../../src/exchange/index.ts";
import { SCHEMA_HASH } from "../../src/features/index.ts";
import type { LiveEntry, LiveHeader, LiveOutput, LiveSettings } from "../../src/journal/index.ts";
import { loadSigningKey, openVenue } from "../../src/kalshi/index.ts";
import { Actor, type LivePolicy, LiveTrader } from "../../src/live/index.ts";
import { BookSide, type MarketInfo } from "../../src/market/index.ts";
import { marketSpec, QUADRATIC, START_US } from "../exchange/exchange-case.ts";
import { KEY_ID, KEYS, pemOf } from "../exchange/rest-case.ts";
import { anything, SETTINGS } from "./live-case.ts";

const PEM = KEYS.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
const SECOND = 1_000_000;
const HOUR = 3_600 * SECOND;

export interface WorldOptions {
  readonly seed: number;
  readonly markets?: number;
  readonly settings?: Partial<LiveSettings>;
  readonly policy?: () => LivePolicy;
  /** Restarts begin with another one. */
  readonly idPrefix?: string;
  /** What others do in a second, on average, in each market. */
  readonly activity?: number;
  /** What is other than usual about every market. */
  readonly spec?: Partial<MarketSpec>;
}

/** What a run has journalled. */
export interface MemoryJournal {
  readonly blocks: (
    | { readonly kind: "inputs"; readonly entries: readonly LiveEntry[] }
    | { readonly kind: "outputs"; readonly outputs: readonly LiveOutput[] }
  )[];
  inputs(entries: readonly LiveEntry[]): void;
  outputs(outputs: readonly LiveOutput[]): void;
}

export function memoryJournal(): MemoryJournal {
  const blocks: MemoryJournal["blocks"] = [];
  return {
    blocks,
    inputs: (entries) => blocks.push({ kind: "inputs", entries: [...entries] }),
    outputs: (outputs) => blocks.push({ kind: "outputs", outputs: [...outputs] }),
  };
}

/** One actor with its way to the venue. */
export class LiveRun {
  readonly header: LiveHeader;
  readonly journal = memoryJournal();
  readonly trader: LiveTrader;
  readonly link: VenueLink;
  readonly actor: Actor;
  isDone = false;
  fatal: unknown = null;

  constructor(world: LiveWorld, idPrefix: string) {
    const { scheduler, network, prng, options } = world;
    const infos: MarketInfo[] = world.markets.map(({ spec: { info } }) => ({
      ...info,
      settlement: null,
    }));
    const makePolicy = options.policy ?? anything;
    this.header = {
      software: "kalshi-gym test",
      idPrefix,
      venue: "local",
      startedUs: scheduler.nowUs(),
      markets: infos,
      events: [],
      policy: { name: "test", modelHash: null, choice: "best" },
      seed: options.seed,
      schemaHash: SCHEMA_HASH,
      settings: { ...SETTINGS, ...options.settings },
    };
    const venue = openVenue({
      restUrl: "http://127.0.0.1/trade-api/v2",
      wsUrl: "ws://127.0.0.1/trade-api/ws/v2",
    });
    this.link = new VenueLink({
      venue,
      key: loadSigningKey(venue, { keyId: KEY_ID, pem: PEM }),
      network,
      scheduler,
      prng: prng.fork(`link ${idPrefix}`),
      tickers: infos.map(({ ticker }) => ticker),
      closesUs: infos.map(({ closeUs }) => (closeUs ?? START_US + HOUR) as TimestampUs),
      onNews: () => {
        this.actor.pump();
      },
    });
    this.trader = new LiveTrader({ header: this.header, makePolicy });
    this.actor = new Actor({
      trader: this.trader,
      journal: this.journal,
      orders: this.link.orders,
      desk: this.link,
      news: this.link,
      scheduler,
      onFatal: (error) => {
        this.fatal = error;
      },
      onDone: () => {
        this.isDone = true;
      },
    });
  }

  start(): void {
    this.link.start();
    this.actor.start("test");
  }

  /** As a killed process ends: nothing is sent and nothing is heard any more. */
  kill(): void {
    this.actor.close();
    this.link.close();
  }
}

export class LiveWorld {
  readonly options: WorldOptions;
  readonly scheduler = new SimulatedScheduler(START_US);
  readonly prng: Prng;
  readonly exchange: LocalExchange;
  readonly account: ExchangeAccount;
  readonly markets: readonly EngineMarket[];
  readonly network: SimulatedNetwork;
  /** Requests that the exchange was asked to carry out, also those that it refused. */
  readonly writes: Write[] = [];
  /** The others do nothing. */
  isCalm = false;
  readonly #driver: ExchangeDriver;
  readonly #crowd: Prng;
  #runs = 0;

  constructor(options: WorldOptions) {
    const { seed, markets = 2 } = options;
    this.options = options;
    this.prng = Prng.fromSeed(seed);
    this.#crowd = this.prng.fork("crowd");
    this.exchange = new LocalExchange({
      startUs: START_US,
      prng: this.prng.fork("exchange"),
      marketCapacity: markets,
      onWrite: (write) => this.writes.push(write),
    });
    const { engine } = this.exchange;
    this.markets = Array.from({ length: markets }, (_, index) => {
      const spec = marketSpec(options.spec, QUADRATIC);
      const ticker = `${spec.info.ticker}-${index}`;
      return engine.addMarket({ ...spec, info: { ...spec.info, ticker } });
    });
    this.account = engine.addAccount("ann", (100 * SECOND) as MicroUsd);
    const pem = pemOf(KEYS.publicKey);
    this.exchange.admit({
      keyId: KEY_ID,
      pem,
      account: this.account,
      limits: limitsOf("prestige"),
    });
    this.exchange.advanceTo(START_US);
    for (const market of this.markets) {
      for (let cents = 1; cents <= 5; cents++) {
        this.#quote(market, BookSide.bid, 45 - cents, 20);
        this.#quote(market, BookSide.ask, 45 + cents, 20);
      }
    }
    this.exchange.flush();
    this.#driver = new ExchangeDriver(this.exchange, this.scheduler);
    const delay = this.prng.fork("delays");
    const draw = (): number => 200 + delay.integer(2_000);
    this.network = new SimulatedNetwork({
      exchange: this.exchange,
      driver: this.#driver,
      scheduler: this.scheduler,
      delays: { request: draw, answer: draw, frame: draw },
    });
    this.#crowdLater();
  }

  /** From now on these go wrong; none ends them. */
  faults(rules: readonly FaultRule[]): void {
    this.exchange.faults.begin(rules, this.exchange.nowUs);
  }

  /** A run that has not been started. */
  open(): LiveRun {
    return new LiveRun(this, `kg-${this.options.seed}-${this.#runs++}-`);
  }

  run(seconds: number): void {
    this.#driver.wake();
    this.scheduler.advanceTo(
      (this.scheduler.nowUs() + Math.round(seconds * SECOND)) as TimestampUs,
    );
  }

  /** Does something at the exchange, now, and tells of it. */
  touch(act: () => void): void {
    this.exchange.advanceTo(this.#driver.nowUs());
    act();
    this.exchange.flush();
    this.#driver.wake();
  }

  close(): void {
    this.#driver.stop();
  }

  #crowdLater(): void {
    const { activity = 4, markets = 2 } = this.options;
    const meanUs = SECOND / (activity * markets);
    this.scheduler.after(1 + this.#crowd.integer(Math.round(2 * meanUs)), () => {
      if (!this.isCalm) {
        this.touch(() => {
          this.#act();
        });
      }
      this.#crowdLater();
    });
  }

  /** Somebody quotes near the middle, or takes something. */
  #act(): void {
    const crowd = this.#crowd;
    const market = this.markets[crowd.integer(this.markets.length)];
    if (market === undefined) return;
    const side = crowd.integer(2) as BookSide;
    const isBid = side === BookSide.bid;
    if (crowd.integer(3) === 0) {
      const price = ((isBid ? 60 : 30) * 100) as CentiCents;
      const size = ((1 + crowd.integer(12)) * 100) as Lots;
      this.exchange.engine.crowdTake({ market, side, price, size });
    } else {
      const away = 1 + crowd.integer(6);
      this.#quote(market, side, isBid ? 46 - away : 44 + away, 1 + crowd.integer(15));
    }
  }

  #quote(market: EngineMarket, side: BookSide, cents: number, contracts: number): void {
    const price = (cents * 100) as CentiCents;
    const size = (contracts * 100) as Lots;
    this.exchange.engine.crowdQuote({ market, side, price, size });
  }
}
