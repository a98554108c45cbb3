/**
 * A recorder and a whole exchange in one process, under simulated time and network. What the exchange
 * sends is kept too, as a file of messages that the importer reads.
 */
import { existsSync } from "node:fs";
import {
  type MicroUsd,
  type OperationError,
  Prng,
  type Scheduler,
  SimulatedScheduler,
  type TimestampUs,
} from "../../src/core/index.ts";
import {
  ExchangeDriver,
  type FaultRule,
  LocalExchange,
  limitsOf,
  MadeUpCrowd,
  type Player,
  SimulatedNetwork,
} from "../../src/exchange/index.ts";
import {
  FeedClient,
  loadSigningKey,
  type Network,
  openVenue,
  Recorder,
  type RecordedSession,
  RestClient,
  SessionFamily,
} from "../../src/kalshi/index.ts";
import {
  BookSide,
  EventKind,
  openSession,
  type Session,
  type Tape,
} from "../../src/market/index.ts";
import { START_US } from "../exchange/exchange-case.ts";
import { KEY_ID, KEYS, pemOf } from "../exchange/rest-case.ts";

export const SECOND = 1_000_000;
const PEM = KEYS.privateKey.export({ format: "pem", type: "pkcs8" }).toString();

export interface WorldOptions {
  readonly out: string;
  readonly seed?: number;
  readonly startUs?: number;
  readonly markets?: number;
  readonly minutes?: number;
  readonly activity?: number;
  /** In the place of made-up traders. */
  readonly player?: (exchange: LocalExchange, startUs: TimestampUs) => Player;
}

export class RecordingWorld {
  readonly scheduler: SimulatedScheduler;
  readonly exchange: LocalExchange;
  /** Frames as they came, of all connections. */
  readonly frames: string[] = [];
  readonly notes: string[] = [];
  readonly out: string;
  readonly network: SimulatedNetwork;
  ended: OperationError | null | undefined;
  recorder: Recorder | null = null;
  #feed: FeedClient | null = null;
  #life: MortalScheduler | null = null;
  readonly #prng: Prng;

  constructor(options: WorldOptions) {
    const { out, seed = 1, markets = 2, minutes = 60, activity = 1, player } = options;
    const startUs = (options.startUs ?? START_US) as TimestampUs;
    const prng = Prng.fromSeed(seed);
    this.out = out;
    this.#prng = prng;
    this.scheduler = new SimulatedScheduler(startUs);
    const { scheduler } = this;
    this.exchange = new LocalExchange({ startUs, prng: prng.fork("e"), marketCapacity: 200 });
    const { engine } = this.exchange;
    const crowd = { markets, minutes, activity, marketsMax: 200 };
    this.exchange.addPlayer(
      player === undefined
        ? new MadeUpCrowd({ engine, prng: prng.fork("c"), startUs, ...crowd })
        : player(this.exchange, startUs),
    );
    const account = engine.addAccount("ann", (1_000 * SECOND) as MicroUsd);
    const pem = pemOf(KEYS.publicKey);
    this.exchange.admit({ keyId: KEY_ID, pem, account, limits: limitsOf("prestige") });
    this.exchange.advanceTo(startUs);
    const delay = prng.fork("delays");
    const draw = (): number => 200 + delay.integer(2_000);
    this.network = new SimulatedNetwork({
      exchange: this.exchange,
      driver: new ExchangeDriver(this.exchange, scheduler),
      scheduler,
      delays: { request: draw, answer: draw, frame: draw },
    });
  }

  get tickers(): string[] {
    return this.exchange.engine.markets.map(({ ticker }) => ticker);
  }

  /** Starts a recorder; what kept it from beginning, or null. */
  record(
    wanted: { markets?: readonly string[]; series?: readonly string[]; isDaily?: boolean },
    name = "r",
  ): OperationError | null {
    const { markets = [], series = [], isDaily = true } = wanted;
    const scheduler = new MortalScheduler(this.scheduler);
    this.#life = scheduler;
    const venue = openVenue({
      restUrl: "http://127.0.0.1/trade-api/v2",
      wsUrl: "ws://127.0.0.1/trade-api/ws/v2",
    });
    const key = loadSigningKey(venue, { keyId: KEY_ID, pem: PEM });
    const link = { venue, key, scheduler, prng: this.#prng.fork(name) };
    const rest = new RestClient({ ...link, network: this.network });
    const network = this.#listeningNetwork();
    const feed = new FeedClient({ ...link, network, onEvents: () => recorder.wake() });
    this.#feed = feed;
    const sessions = new SessionFamily(this.out, "test", isDaily);
    const recorder = new Recorder({
      rest,
      feed,
      scheduler,
      markets,
      series,
      sessions,
      onNote: (text) => this.notes.push(text),
      onEnd: (error) => (this.ended = error),
    });
    this.recorder = recorder;
    let answer: OperationError | null | undefined;
    recorder.start((error) => (answer = error));
    for (let wait = 0; wait < 600 && answer === undefined; wait++) this.run(0.1);
    if (answer === undefined) throw new Error("the recorder did not begin");
    return answer;
  }

  run(seconds: number): void {
    this.scheduler.advanceTo(this.scheduler.nowUs() + seconds * SECOND);
  }

  faults(rules: readonly FaultRule[]): void {
    this.exchange.faults.begin(rules, this.exchange.nowUs);
  }

  /** Ends all trading, so that nothing is on its way a moment later. */
  quiet(): void {
    for (const market of this.exchange.engine.markets) this.exchange.engine.deactivate(market);
    this.exchange.flush();
    this.run(1);
  }

  finish(): readonly RecordedSession[] {
    if (this.recorder === null) throw new Error("nothing is recorded");
    return this.recorder.finish();
  }

  /** Leaves everything as a kill would: nothing is flushed or finished. */
  kill(): void {
    this.#feed?.close();
    if (this.#life !== null) this.#life.isDead = true;
    this.recorder = null;
  }

  session(name = this.out): Session {
    if (!existsSync(name)) throw new Error(`${name} is there`);
    return openSession(name);
  }

  #listeningNetwork(): Network {
    const { network, frames } = this;
    return {
      request: (request, done) => network.request(request, done),
      openSocket: (headers, events) =>
        network.openSocket(headers, {
          ...events,
          opened: () => events.opened(),
          alive: () => events.alive(),
          closed: (reason) => events.closed(reason),
          message: (text) => {
            frames.push(text);
            events.message(text);
          },
        }),
    };
  }
}

/** Time that stands still for whoever is dead. */
class MortalScheduler implements Scheduler {
  isDead = false;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  nowUs(): TimestampUs {
    return this.#scheduler.nowUs();
  }

  after(delayUs: number, callback: () => void): () => void {
    return this.#scheduler.after(delayUs, () => {
      if (!this.isDead) callback();
    });
  }
}

export type Levels = [price: number, size: number][];

/** The book at the end of a market's stream, folded plainly from the tape's rows. */
export function lastBook(tape: Tape, ticker: string): { bids: Levels; asks: Levels } | null {
  const stream = tape.markets.findIndex((market) => market.ticker === ticker);
  const sides: [Map<number, number>, Map<number, number>] = [new Map(), new Map()];
  let isKnown = false;
  const end = tape.streamStart[stream + 1] as number;
  for (let row = tape.streamStart[stream] as number; row < end; row++) {
    const kind = tape.kind[row];
    const levels = sides[tape.side[row] as BookSide];
    const price = tape.priceCc[row] as number;
    if (kind === EventKind.gap) isKnown = false;
    if (kind === EventKind.snapshot) {
      isKnown = true;
      for (const side of sides) side.clear();
    } else if (kind === EventKind.level) levels.set(price, tape.size[row] as number);
    else if (kind === EventKind.delta) {
      const size = (levels.get(price) ?? 0) + (tape.size[row] as number);
      if (size === 0) levels.delete(price);
      else levels.set(price, size);
    }
  }
  if (!isKnown) return null;
  const [bids, asks] = sides;
  return {
    bids: [...bids].sort(([a], [b]) => b - a),
    asks: [...asks].sort(([a], [b]) => a - b),
  };
}

/** The book as the exchange has it. */
export function heldBook(exchange: LocalExchange, ticker: string): { bids: Levels; asks: Levels } {
  const market = exchange.engine.market(ticker);
  if (market === undefined) throw new Error(`${ticker} is there`);
  const side = (one: BookSide): Levels =>
    market.book.levelsOf(one).map(({ price, size }) => [price, size]);
  return { bids: side(BookSide.bid), asks: side(BookSide.ask) };
}
