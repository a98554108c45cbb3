/** An order manager with its clients, an exchange, and the network between them, in one process. */
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
  LocalExchange,
  limitsOf,
  SimulatedNetwork,
  type Write,
} from "../../src/exchange/index.ts";
import {
  AccountReader,
  FeedClient,
  type FeedEvent,
  KalshiOrderManager,
  loadSigningKey,
  openVenue,
  OrderEntry,
  type OrderNote,
  RestClient,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { marketSpec, QUADRATIC, START_US, TICKER } from "../exchange/exchange-case.ts";
import { KEY_ID, KEYS, pemOf } from "../exchange/rest-case.ts";

const PEM = KEYS.privateKey.export({ format: "pem", type: "pkcs8" }).toString();

export const SECOND = 1_000_000;
export const OTHER_TICKER = "KXOTHER-1";

/** What others do in a market. */
export class Others {
  readonly #exchange: LocalExchange;
  readonly #market: EngineMarket;

  constructor(exchange: LocalExchange, market: EngineMarket) {
    this.#exchange = exchange;
    this.#market = market;
  }

  /** Bids 44 x 100 and 45 x 50, asks 47 x 50 and 48 x 100. */
  open(): void {
    this.rest("bid", 44, 100);
    this.rest("bid", 45, 50);
    this.rest("ask", 47, 50);
    this.rest("ask", 48, 100);
  }

  rest(side: "bid" | "ask", cents: number, contracts: number): void {
    this.#exchange.engine.crowdQuote(this.#terms(BookSide[side], cents, contracts));
    this.#exchange.flush();
  }

  /** Takes what rests on the side `hit`, down or up to a price. */
  take(hit: BookSide, cents: number, contracts: number): void {
    const side = hit === BookSide.bid ? BookSide.ask : BookSide.bid;
    this.#exchange.engine.crowdTake(this.#terms(side, cents, contracts));
    this.#exchange.flush();
  }

  close(): void {
    this.#exchange.engine.close(this.#market);
    this.#exchange.flush();
  }

  #terms(side: BookSide, cents: number, contracts: number) {
    const price = Math.round(cents * 100) as CentiCents;
    return { market: this.#market, side, price, size: Math.round(contracts * 100) as Lots };
  }
}

export interface CaseOptions {
  readonly seed?: number;
  readonly dollars?: number;
  readonly prefix?: string;
  readonly withFeed?: boolean;
  /** How long each way takes, in microseconds; drawn from 0.2 to 2.2 ms unless given. */
  readonly delayUs?: number;
}

export class SimulatedCase {
  readonly scheduler = new SimulatedScheduler(START_US);
  readonly exchange: LocalExchange;
  readonly account: ExchangeAccount;
  readonly market: EngineMarket;
  readonly others: Others;
  readonly network: SimulatedNetwork;
  readonly client: RestClient;
  readonly entry: OrderEntry;
  readonly feed: FeedClient;
  readonly manager: KalshiOrderManager;
  readonly reader: AccountReader;
  readonly notes: OrderNote[] = [];
  /** Requests that the exchange was asked to carry out, also those that it refused. */
  readonly writes: Write[] = [];
  readonly prng: Prng;
  readonly #driver: ExchangeDriver;
  /** How often the manager has said that events wait. */
  announcements = 0;
  onEvents: () => void = () => undefined;

  constructor(given: CaseOptions = {}) {
    const { seed = 1, dollars = 100, prefix = "", withFeed = true, delayUs } = given;
    const prng = Prng.fromSeed(seed);
    const { scheduler } = this;
    this.prng = prng;
    const startUs = START_US;
    this.exchange = new LocalExchange({
      startUs,
      prng: prng.fork("e"),
      marketCapacity: 4,
      onWrite: (write) => this.writes.push(write),
    });
    const { engine } = this.exchange;
    this.market = engine.addMarket(marketSpec({}, QUADRATIC));
    const other = { ...marketSpec().info, ticker: OTHER_TICKER, eventTicker: "KXOTHER" };
    engine.addMarket({ ...marketSpec({}, QUADRATIC), info: other });
    this.account = engine.addAccount("ann", (dollars * SECOND) as MicroUsd);
    const pem = pemOf(KEYS.publicKey);
    const limits = limitsOf("prestige");
    this.exchange.admit({ keyId: KEY_ID, pem, account: this.account, limits });
    this.exchange.advanceTo(startUs);
    this.exchange.flush();
    this.others = new Others(this.exchange, this.market);
    this.#driver = new ExchangeDriver(this.exchange, scheduler);
    const delay = prng.fork("delays");
    const draw = (): number => delayUs ?? 200 + delay.integer(2_000);
    this.network = new SimulatedNetwork({
      exchange: this.exchange,
      driver: this.#driver,
      scheduler,
      delays: { request: draw, answer: draw, frame: draw },
    });
    const venue = openVenue({
      restUrl: "http://127.0.0.1/trade-api/v2",
      wsUrl: "ws://127.0.0.1/trade-api/ws/v2",
    });
    const key = loadSigningKey(venue, { keyId: KEY_ID, pem: PEM });
    const options = { venue, key, network: this.network, scheduler, prng };
    this.client = new RestClient(options);
    this.entry = new OrderEntry(this.client, scheduler, prng);
    this.feed = new FeedClient({ ...options, onEvents: () => this.#hear() });
    const tickers = [TICKER, OTHER_TICKER];
    const { client, entry } = this;
    this.reader = new AccountReader({ client, scheduler, tickers });
    this.manager = new KalshiOrderManager({
      entry,
      client,
      scheduler,
      prng,
      tickers,
      prefix,
      onEvents: () => {
        this.announcements += 1;
        this.onEvents();
      },
      log: (note) => this.notes.push(note),
    });
    if (!withFeed) return;
    this.feed.watch("fill", "all");
    this.feed.watch("user_orders", "all");
    this.feed.start();
    this.run(1);
  }

  /** Lets time pass. */
  run(seconds: number): void {
    this.#driver.wake();
    this.scheduler.advanceTo(this.scheduler.nowUs() + Math.round(seconds * SECOND));
  }

  advanceTo(us: number): void {
    this.#driver.wake();
    this.scheduler.advanceTo(Math.max(us, this.scheduler.nowUs()) as TimestampUs);
  }

  close(): void {
    this.feed.close();
    this.client.close();
    this.entry.close();
    this.manager.close();
    this.#driver.stop();
  }

  #hear(): void {
    const events: FeedEvent[] = [];
    this.feed.drain(events);
    for (const event of events) this.manager.hear(event);
  }
}
