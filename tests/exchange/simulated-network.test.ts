/**
 * The venue's client and the exchange in one process, under simulated time and network, with faults by
 * seed. Whatever goes wrong: when it stops, the client's book is the exchange's, every order's outcome
 * is what the exchange has, and no order was made twice.
 */
import { expect, test } from "vitest";
import {
  type CentiCents,
  type Lots,
  type MicroUsd,
  Prng,
  SimulatedScheduler,
  type TimestampUs,
} from "../../src/core/index.ts";
import {
  ExchangeDriver,
  LocalExchange,
  limitsOf,
  MadeUpCrowd,
  readFaultRules,
  SimulatedNetwork,
} from "../../src/exchange/index.ts";
import {
  type EntryOutcome,
  FeedClient,
  type FeedEvent,
  loadSigningKey,
  openVenue,
  OrderEntry,
  type OrderCreated,
  type OrderTicket,
  RestClient,
  USUAL_TERMS,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { START_US } from "./exchange-case.ts";
import { KEY_ID, KEYS, pemOf } from "./rest-case.ts";

const SECOND = 1_000_000;
const PEM = KEYS.privateKey.export({ format: "pem", type: "pkcs8" }).toString();

const FAULTS = readFaultRules(
  [
    { kind: "refuse", chance: 0.03 },
    { kind: "reset", chance: 0.02 },
    { kind: "loseAnswer", chance: 0.1 },
    { kind: "fail", chance: 0.03 },
    { kind: "failAfter", chance: 0.05 },
    { kind: "tooMany", chance: 0.05 },
    { kind: "slow", chance: 0.1, amount_ms: 300 },
    { kind: "held", chance: 0.03, amount_ms: 1_500 },
    { kind: "stale", from_ms: 5_000, until_ms: 15_000, amount_ms: 800 },
    { kind: "feedDown", chance: 0.3 },
    { kind: "resetFeed", chance: 0.002 },
    { kind: "gap", chance: 0.01 },
    { kind: "duplicate", chance: 0.01, amount_ms: 20 },
    { kind: "late", chance: 0.01, amount_ms: 700 },
  ],
  "rules",
);

class World {
  readonly scheduler = new SimulatedScheduler(START_US);
  readonly exchange: LocalExchange;
  readonly outcomes = new Map<string, EntryOutcome<OrderCreated>>();
  readonly bids = new Map<number, number>();
  readonly asks = new Map<number, number>();
  readonly #feed: FeedClient;
  readonly #entry: OrderEntry;
  readonly #ticker: string;
  isBookKnown = false;
  gaps = 0;

  constructor(seed: number) {
    const prng = Prng.fromSeed(seed);
    const { scheduler } = this;
    const startUs = START_US;
    this.exchange = new LocalExchange({ startUs, prng: prng.fork("e"), marketCapacity: 9 });
    const { engine } = this.exchange;
    const crowd = { markets: 1, minutes: 60, activity: 1, marketsMax: 9 };
    this.exchange.addPlayer(new MadeUpCrowd({ engine, prng: prng.fork("c"), startUs, ...crowd }));
    const account = engine.addAccount("ann", (1_000 * SECOND) as MicroUsd);
    const pem = pemOf(KEYS.publicKey);
    this.exchange.admit({ keyId: KEY_ID, pem, account, limits: limitsOf("prestige") });
    this.exchange.advanceTo(startUs);
    this.#ticker = engine.markets[0]?.ticker ?? "";
    const delay = prng.fork("delays");
    const draw = () => 200 + delay.integer(2_000);
    const network = new SimulatedNetwork({
      exchange: this.exchange,
      driver: new ExchangeDriver(this.exchange, scheduler),
      scheduler,
      delays: { request: draw, answer: draw, frame: draw },
    });
    const venue = openVenue({
      restUrl: "http://127.0.0.1/trade-api/v2",
      wsUrl: "ws://127.0.0.1/trade-api/ws/v2",
    });
    const key = loadSigningKey(venue, { keyId: KEY_ID, pem: PEM });
    const options = { venue, key, network, scheduler, prng };
    this.#entry = new OrderEntry(new RestClient(options), scheduler, prng);
    this.#feed = new FeedClient({ ...options, onEvents: () => this.#read() });
    this.#feed.watch("orderbook_delta", [this.#ticker]);
    this.#feed.start();
  }

  run(seconds: number): void {
    this.scheduler.advanceTo(this.scheduler.nowUs() + seconds * SECOND);
  }

  order(id: string): void {
    const ticket: OrderTicket & { clientOrderId: string } = {
      ticker: this.#ticker,
      clientOrderId: id,
      side: BookSide.bid,
      size: 100 as Lots,
      price: 100 as CentiCents,
      ...USUAL_TERMS,
      postOnly: true,
    };
    this.#entry.create(ticket, (outcome) => {
      expect(this.outcomes.has(id)).toBe(false);
      this.outcomes.set(id, outcome);
    });
  }

  /** Client ids of the account's orders at the exchange. */
  made(): string[] {
    const [, , account] = this.exchange.engine.accounts;
    return [...(account?.openOrders() ?? [])].map(({ clientOrderId }) => clientOrderId);
  }

  /** The levels of a side as the exchange has them. */
  held(side: BookSide): [number, number][] {
    const levels = this.exchange.engine.markets[0]?.book.levelsOf(side) ?? [];
    return levels.map(({ price, size }) => [price, size]);
  }

  /** The levels of a side as the client has them. */
  told(side: BookSide): [number, number][] {
    const levels = [...(side === BookSide.bid ? this.bids : this.asks)];
    return levels.sort(([a], [b]) => (side === BookSide.bid ? b - a : a - b));
  }

  #read(): void {
    const events: FeedEvent[] = [];
    this.#feed.drain(events);
    for (const event of events) {
      if (event.kind === "gap" && event.channel === "orderbook_delta") {
        this.isBookKnown = false;
        this.gaps += 1;
      } else if (event.kind === "message") {
        const { payload } = event;
        if (payload.kind === "snapshot") {
          this.bids.clear();
          this.asks.clear();
          for (const { price, size } of payload.body.bids) this.bids.set(price, size);
          for (const { price, size } of payload.body.asks) this.asks.set(price, size);
          this.isBookKnown = true;
        } else if (payload.kind === "delta" && this.isBookKnown) {
          const { side, price, change } = payload.body;
          const levels = side === BookSide.bid ? this.bids : this.asks;
          const size = (levels.get(price) ?? 0) + change;
          if (size === 0) levels.delete(price);
          else levels.set(price, size);
        }
      }
    }
  }
}

function play(seed: number): World {
  const world = new World(seed);
  world.run(2);
  world.exchange.faults.begin(FAULTS, world.exchange.nowUs);
  for (let index = 0; index < 40; index++) {
    world.order(`${seed}-${index}`);
    world.run(0.5);
  }
  world.exchange.faults.begin([], world.exchange.nowUs);
  world.run(60);
  return world;
}

test("after any faults the client's book and orders are the exchange's", () => {
  const first = Number(process.env["SEED"] ?? 1);
  let gaps = 0;
  for (let seed = first; seed < first + 12; seed++) {
    const world = play(seed);
    const { outcomes, exchange } = world;
    gaps += world.gaps;
    expect(world.isBookKnown, `seed ${seed}`).toBe(true);
    // The crowd is stopped, so that nothing is on its way.
    const [market] = exchange.engine.markets;
    if (market === undefined) throw new Error("a market is there");
    exchange.engine.deactivate(market);
    exchange.flush();
    world.run(1);
    for (const side of [BookSide.bid, BookSide.ask]) {
      expect(world.told(side), `seed ${seed}`).toEqual(world.held(side));
    }
    const made = world.made();
    expect(new Set(made).size, `seed ${seed}`).toBe(made.length);
    expect(outcomes.size, `seed ${seed}`).toBe(40);
    for (const [id, { kind }] of outcomes) {
      const isThere = kind === "done" || kind === "found";
      expect(made.includes(id), `seed ${seed} ${id} ${kind}`).toBe(isThere);
    }
  }
  expect(gaps).toBeGreaterThan(10);
});

test("one seed, one course of things, to the last event", () => {
  const trace = (): string => {
    const { outcomes, exchange, scheduler, gaps } = play(99);
    const kinds = [...outcomes].map(([id, { kind }]) => [id, kind]);
    const markets = exchange.engine.markets.map((market) => market.record());
    const now: TimestampUs = scheduler.nowUs();
    return JSON.stringify([kinds, markets, gaps, now]);
  };
  expect(trace()).toBe(trace());
});
