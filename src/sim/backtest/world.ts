/**
 * One answer: an account with a strategy of its own in front of a simulated venue. Worlds of a run
 * share the session's feed and nothing else. A strategy that does what it should not is noted and,
 * where the settings say so, ends the run.
 */
import { type CentiCents, messageOf, type Prng, US_PER_SECOND } from "../../core/index.ts";
import { createAccountView, encodeAccount } from "../../features/index.ts";
import {
  balanceStepOf,
  dearestFees,
  type MarketInfo,
  type PriceGrid,
  type Tape,
} from "../../market/index.ts";
import { MarketGroups } from "../../orders/index.ts";
import {
  factsOf,
  type IntentFault,
  type MarketFeed,
  type MarketView,
  OrderDesk,
  type Strategy,
  type StrategyDefinition,
  Trader,
  ViewOfAccount,
} from "../../strategies/index.ts";
import { SimulatedOrderManager } from "../simulated-order-manager.ts";
import { Recorder } from "./recorder.ts";
import type { Fault, OrderCounts } from "./results.ts";
import { SecondSampler } from "./second-sampler.ts";
import type { FeatureSource, SessionFeed } from "./session-feed.ts";
import { type BacktestSettings, worldModel, type WorldName } from "./settings.ts";

export interface WorldOptions {
  readonly world: WorldName;
  readonly tape: Tape;
  /** Tape indices of the traded markets, and what belongs to each. */
  readonly markets: readonly number[];
  readonly infos: readonly MarketInfo[];
  readonly grids: readonly PriceGrid[];
  readonly feed: SessionFeed;
  readonly features: FeatureSource | null;
  readonly settings: BacktestSettings;
  readonly strategy: StrategyDefinition;
  readonly options: Readonly<Record<string, unknown>>;
  readonly prng: Prng;
}

/** What a position was when its market paid it out. */
export interface Held {
  readonly lots: number;
  readonly cost: number;
  readonly endCc: number;
  readonly isSettled: boolean;
  /** What rounding to whole cents took of the payout, in micro-dollars. */
  readonly lost: number;
}

/** Thrown through a strategy that is to be stopped. */
const STOPPED = new Error("the run ends here");
/** Faults whose words are kept; all are counted. */
const FAULTS_KEPT = 20;
/** Longest time that the venue is given for its last answers. */
const LAST_ANSWERS_US = 3600 * US_PER_SECOND;

export class World {
  readonly name: WorldName;
  readonly trader: Trader;
  readonly recorder: Recorder;
  readonly sampler: SecondSampler;
  /** What each market's position came to; null while it is open. [M] */
  readonly held: (Held | null)[];
  /** The fault that ends the run, or null. */
  fault: Fault | null = null;
  readonly faults: Fault[] = [];
  faultCount = 0;
  readonly #orders: SimulatedOrderManager;
  readonly #view: ViewOfAccount;
  readonly #desk: OrderDesk;
  readonly #strategy: Strategy;
  readonly #feeds: readonly MarketFeed[];
  readonly #infos: readonly MarketInfo[];
  readonly #settings: BacktestSettings;
  readonly #usesFeatures: boolean;
  readonly #accountView = createAccountView();
  #unsettled: number;

  constructor(options: WorldOptions) {
    const { world, infos, grids, feed, features, settings, strategy } = options;
    this.name = world;
    this.#feeds = feed.feeds;
    this.#infos = infos;
    this.#settings = settings;
    this.#usesFeatures = strategy.usesFeatures;
    this.#orders = venueOf(options);
    this.trader = traderOf(options, this.#orders);
    const { account } = this.trader;
    this.recorder = new Recorder((id) => account.order(id) !== undefined);
    this.trader.observer = this.recorder;
    this.#view = new ViewOfAccount({
      account,
      infos,
      events: options.tape.events,
      grids,
      feeds: feed.feeds,
      limits: settings.limits,
      observe: features === null ? null : this.#observer(features),
    });
    this.sampler = new SecondSampler(account, feed.feeds, this.#view.events);
    this.#desk = new OrderDesk({
      trader: this.trader,
      view: this.#view,
      grids,
      idPrefix: "d",
      onFault: (fault) => this.#onIntentFault(fault),
    });
    this.held = infos.map(() => null);
    this.#unsettled = infos.length;
    const prng = options.prng.fork("strategy");
    this.#strategy = strategy.make(options.options, {
      markets: infos.map(factsOf),
      limits: settings.limits,
      prng,
    });
  }

  get orderCounts(): OrderCounts {
    return this.recorder.counts(this.#orders.uncertainOrders);
  }

  /** Before the first decision, at `nowUs`. */
  start(nowUs: number): void {
    this.advance(nowUs);
    try {
      this.#strategy.start?.(this.#view);
    } catch (error) {
      this.#threw(error);
    }
  }

  /** Lets the venue run to `nowUs`, and hears what it has answered by then. */
  advance(nowUs: number): void {
    this.#view.nowUs = nowUs;
    this.#orders.advanceTo(nowUs);
    this.trader.receive();
  }

  /** A whole second: closed markets pay out, and the account is looked at. */
  second(nowUs: number, openCount: number): void {
    if (this.#unsettled > 0) this.#settleClosed(nowUs);
    this.sampler.sample(nowUs, openCount);
  }

  /** Has the strategy decide about the markets `due`, at the time of the last `advance`. */
  decide(due: readonly number[]): void {
    const view = this.#view;
    const list = view.due;
    // Usually the same markets as the last time.
    if (list.length !== due.length) list.length = 0;
    for (let at = 0; at < due.length; at++) {
      const market = due[at] as number;
      list[at] = view.markets[market] as MarketView;
      if (this.#usesFeatures) {
        const { book } = this.#feeds[market] as MarketFeed;
        this.trader.showQuote(market, book.bestBid(), book.bestAsk());
      }
    }
    let returned: unknown;
    try {
      returned = this.#strategy.decide(view, this.#desk) as unknown;
    } catch (error) {
      this.#threw(error);
      return;
    }
    // What a desk's method returns may fall out of a short function; orders and promises may not.
    if (returned !== undefined && returned !== null && typeof returned !== "string")
      this.#returned(returned);
  }

  /** Hears the venue's last answers, and values what is left at the best prices that buy it. */
  finish(nowUs: number): void {
    let untilUs = nowUs;
    while (this.#orders.hasMessagesInFlight() && untilUs < nowUs + LAST_ANSWERS_US) {
      untilUs += US_PER_SECOND;
      this.advance(untilUs);
    }
    this.#settleClosed(untilUs);
    const { ledger } = this.trader.account;
    let value: number = ledger.cash;
    for (let market = 0; market < this.held.length; market++) {
      if (this.held[market] !== null) continue;
      const { book } = this.#feeds[market] as MarketFeed;
      const lots = ledger.position(market);
      const endCc = lots >= 0 ? book.bestBid() : book.bestAsk();
      const cost = ledger.costs[market] as number;
      this.held[market] = { lots, cost, endCc, isSettled: false, lost: 0 };
      value += ledger.liquidationValue(market, book.bestBid(), book.bestAsk());
    }
    this.sampler.finish(nowUs, value);
  }

  #settleClosed(nowUs: number): void {
    const { account } = this.trader;
    for (let market = 0; market < this.held.length; market++) {
      if (this.held[market] !== null || !(this.#feeds[market] as MarketFeed).isClosed) continue;
      const settlement = this.#infos[market]?.settlement ?? null;
      // The news of the last orders' end comes first.
      if (settlement === null || account.openOrders(market).length > 0) continue;
      const endCc: CentiCents = settlement.valueCc;
      const { ledger } = account;
      const cost = ledger.costs[market] as number;
      const lots = ledger.position(market);
      const lost = account.settle(market, endCc);
      this.held[market] = { lots, cost, endCc, isSettled: true, lost };
      this.#unsettled -= 1;
      this.#orders.venueLedger.settle(market, endCc);
      this.recorder.digest.settled(market, endCc, nowUs);
    }
  }

  #observer(features: FeatureSource) {
    const { positionLimit } = this.#settings.limits;
    return (market: number, nowUs: number, out: Float32Array): boolean => {
      const { row } = this.#feeds[market] as MarketFeed;
      if (!features.observe(market, nowUs, row, out)) return false;
      this.trader.fillView(this.#accountView, market, nowUs, positionLimit);
      encodeAccount(out, 0, this.#accountView);
      return true;
    };
  }

  #threw(error: unknown): void {
    if (this.#desk.bug !== null) throw this.#desk.bug;
    if (error === STOPPED) return;
    this.#note(`threw ${JSON.stringify(messageOf(error))}`, null);
  }

  #returned(returned: unknown): void {
    const isPromise = typeof (returned as { then?: unknown } | null)?.then === "function";
    // Nobody waits for it, so that what becomes of it must not end the program.
    if (isPromise) void Promise.resolve(returned).catch(() => undefined);
    const what = isPromise ? "a promise" : typeof returned === "object" ? "an object" : "a value";
    this.#note(`decide returned ${what} where it must return nothing`, null);
  }

  #onIntentFault({ reason, order }: IntentFault): void {
    this.#note(reason, order);
    if (this.fault === null) return;
    // A strategy may catch what is thrown here; nothing that it then wants is carried out.
    this.#desk.isClosed = true;
    throw STOPPED;
  }

  #note(reason: string, order: string | null): void {
    const atUs = this.#view.nowUs;
    const fault: Fault = { world: this.name, atUs, reason, order };
    this.recorder.digest.fault(`${reason} ${order ?? ""}`, atUs);
    this.faultCount += 1;
    if (this.faults.length < FAULTS_KEPT) this.faults.push(fault);
    if (this.#settings.onError === "stop") this.fault ??= fault;
  }
}

function venueOf({ world, tape, markets, grids, settings, prng }: WorldOptions) {
  return new SimulatedOrderManager({
    tape,
    markets,
    grids,
    startingCash: settings.startingCash,
    fillModel: worldModel(world, settings),
    latency: settings.latency,
    prng: prng.fork("latency"),
    membership: settings.membership ?? "direct",
    overlay: settings.overlay,
  });
}

function traderOf(options: WorldOptions, orders: SimulatedOrderManager): Trader {
  const { tape, infos, grids, settings } = options;
  const { startingCash, limits, pricing, orderSize, membership = "direct" } = settings;
  const { positionLimit } = limits;
  return new Trader({
    orders,
    fees: infos.map(dearestFees),
    balanceStep: balanceStepOf(membership),
    grids,
    startingCash,
    planner: { pricing, orderSize, positionLimit },
    limits,
    groups: new MarketGroups(infos, tape.events),
    idPrefix: "e",
  });
}
