/**
 * Made-up traders as the crowd of the exchange: nobody's data, from a seed, and without an end. They
 * live in the markets in which accounts trade, and take their orders as they take one another's.
 *
 * Each market has a fair price that wanders, makers who quote a ladder on both sides of it and move it
 * when the price has moved, and takers who come at random. A market lives for some minutes; when it
 * closes, its fair price decides its result, and its successor opens, of which the exchange tells half
 * a minute before. So a series rolls over as the venue's short ones do.
 */
import {
  type CentiCents,
  type Lots,
  type Prng,
  SimulatedScheduler,
  type TimestampUs,
  US_PER_SECOND,
} from "../../core/index.ts";
import { BookSide, formatIsoTime, LINEAR_CENT } from "../../market/index.ts";
import type { EngineMarket, MarketSpec } from "../engine/engine-market.ts";
import type { EngineOrder } from "../engine/engine-order.ts";
import type { MatchingEngine } from "../engine/matching-engine.ts";
import type { Player } from "../local-exchange.ts";

export interface MadeUpCrowdOptions {
  readonly engine: MatchingEngine;
  readonly prng: Prng;
  readonly startUs: TimestampUs;
  /** Markets that are open at a time. */
  readonly markets: number;
  /** How long each of them lives. */
  readonly minutes: number;
  /** How busy they are: 1 gives some eleven deltas and trades a second in each, 5 some thirty. */
  readonly activity: number;
  /** Markets that there may be in all; then nothing new opens. */
  readonly marketsMax: number;
}

const MAKERS = 5;
const LEVELS = 3;
/** Moments a second in which somebody does something, at activity 1. */
const MOMENTS_PER_SECOND = 4;
/** Deviation of the fair price's steps, in cents for the root of a second. */
const WANDER = 0.6;
const ANNOUNCED_US = 30 * US_PER_SECOND;
const DETERMINED_AFTER_US = 5 * US_PER_SECOND;
const SETTLEMENT_TIMER_SECONDS = 10;

export class MadeUpCrowd implements Player {
  readonly #options: MadeUpCrowdOptions;
  /** When who acts. */
  readonly #time: SimulatedScheduler;

  constructor(options: MadeUpCrowdOptions) {
    this.#options = options;
    this.#time = new SimulatedScheduler(options.startUs);
    for (let index = 0; index < options.markets; index++) this.#begin(index, options.startUs);
  }

  nextUs(): number | null {
    return this.#time.nextUs();
  }

  act(atUs: number): void {
    this.#time.advanceTo(Math.max(atUs, this.#time.nowUs()));
  }

  #arrange(life: Life): void {
    this.#time.after(Math.max(0, life.nextUs - this.#time.nowUs()), () => {
      const step = life.step();
      if (step === "announce") this.#begin(life.index, life.market.closeUs);
      if (step !== "over") this.#arrange(life);
    });
  }

  #begin(index: number, openUs: TimestampUs): void {
    const { engine, prng, minutes, activity, marketsMax } = this.#options;
    if (engine.markets.length >= marketsMax) return;
    const spec = specOf(index, openUs, minutes);
    const market = engine.addMarket(spec);
    this.#arrange(new Life(index, engine, market, prng.fork(spec.info.ticker), activity));
  }
}

function specOf(index: number, openUs: TimestampUs, minutes: number): MarketSpec {
  const closeUs = (openUs + Math.round(minutes * 60) * US_PER_SECOND) as TimestampUs;
  const seriesTicker = `KXLOCAL${index}`;
  const eventTicker = `${seriesTicker}-${formatIsoTime(closeUs).slice(2, 19).replace(/\D/g, "")}`;
  return {
    info: {
      ticker: `${eventTicker}-UP`,
      eventTicker,
      seriesTicker,
      closeUs,
      priceRanges: LINEAR_CENT,
      fees: { type: "quadratic", multiplierPpm: 1_000_000 },
      settlement: null,
    },
    title: `Made up ${index}`,
    isExclusive: false,
    openUs,
    closeUs,
    outcome: null,
    settlementTimerSeconds: SETTLEMENT_TIMER_SECONDS,
  };
}

interface Maker {
  readonly halfSpread: number;
  readonly contracts: number;
  /** Cents that the fair price must move before the quotes do. */
  readonly patience: number;
  belief: number;
  orders: EngineOrder[];
}

/** One market and everybody in it. */
class Life {
  readonly index: number;
  readonly market: EngineMarket;
  nextUs: number;
  readonly #engine: MatchingEngine;
  readonly #prng: Prng;
  readonly #rate: number;
  readonly #makers: Maker[] = [];
  #fair: number;
  #wanderedUs: number;
  #isAnnounced = false;

  constructor(
    index: number,
    engine: MatchingEngine,
    market: EngineMarket,
    prng: Prng,
    activity: number,
  ) {
    this.index = index;
    this.market = market;
    this.#engine = engine;
    this.#prng = prng;
    this.#rate = MOMENTS_PER_SECOND * activity;
    this.#fair = 25 + 50 * prng.float();
    this.nextUs = market.spec.openUs;
    this.#wanderedUs = market.spec.openUs;
    for (let maker = 0; maker < MAKERS; maker++) {
      this.#makers.push({
        halfSpread: 0.5 + maker * 0.6 + prng.float(),
        contracts: 5 + prng.integer(20) * (1 + maker * maker),
        patience: 0.3 + prng.float(),
        belief: -1_000,
        orders: [],
      });
    }
  }

  /** Does what is due at `nextUs`; says when a successor is to be announced, and when all is over. */
  step(): "announce" | "over" | "on" {
    const { market } = this;
    const atUs = this.nextUs;
    if (atUs >= market.closeUs + DETERMINED_AFTER_US) {
      const value = (this.#fair >= 50 ? 10_000 : 0) as CentiCents;
      this.#engine.determine(market, value);
      return "over";
    }
    if (market.phase === "active") this.#live(atUs);
    const nextUs = atUs + this.#pauseUs();
    const announceUs = market.closeUs - ANNOUNCED_US;
    // Nothing happens in a closed market but its end.
    this.nextUs = nextUs < market.closeUs ? nextUs : market.closeUs + DETERMINED_AFTER_US;
    if (this.#isAnnounced || this.nextUs < announceUs) return "on";
    this.#isAnnounced = true;
    return "announce";
  }

  #pauseUs(): number {
    return 1 + Math.ceil((this.#prng.exponential() / this.#rate) * US_PER_SECOND);
  }

  #live(atUs: number): void {
    this.#wander(atUs);
    const [first] = this.#makers;
    // At its opening a market has no quotes, and all makers come at once.
    if (first !== undefined && first.belief < 0)
      for (const maker of this.#makers) this.#quote(maker);
    const choice = this.#prng.integer(MAKERS + 2);
    const maker = this.#makers[choice];
    if (maker === undefined) this.#take();
    else this.#quote(maker);
  }

  #wander(atUs: number): void {
    const seconds = (atUs - this.#wanderedUs) / US_PER_SECOND;
    this.#wanderedUs = atUs;
    const moved = this.#fair + WANDER * Math.sqrt(seconds) * this.#prng.normal();
    this.#fair = Math.min(96, Math.max(4, moved));
  }

  /** Takes back what a maker no longer wants, and quotes what is missing. */
  #quote(maker: Maker): void {
    if (Math.abs(this.#fair - maker.belief) >= maker.patience) maker.belief = this.#fair;
    const wanted = new Set<number>();
    for (let level = 0; level < LEVELS; level++) {
      const away = maker.halfSpread + level * (1 + maker.halfSpread / 2);
      wanted.add(keyOf(BookSide.bid, Math.floor(maker.belief - away)));
      wanted.add(keyOf(BookSide.ask, Math.ceil(maker.belief + away)));
    }
    maker.orders = maker.orders.filter((order) => {
      if (!order.isQueued) return false;
      if (wanted.delete(keyOf(order.side, order.price / 100))) return true;
      this.#engine.crowdReduce(order, order.remaining);
      return false;
    });
    for (const key of wanted) {
      const side = (key & 1) as BookSide;
      const cents = key >> 1;
      if (cents < 1 || cents > 99) continue;
      const contracts = 1 + this.#prng.integer(2 * maker.contracts);
      const order = this.#engine.crowdQuote(this.#terms(side, cents, contracts));
      if (order !== null) maker.orders.push(order);
    }
  }

  #take(): void {
    const isBid = this.#prng.integer(2) === 0;
    const { yesBid, yesAsk } = this.market;
    const cents = (isBid ? yesAsk : yesBid) / 100;
    if (cents < 1 || cents > 99) return;
    const contracts = 1 + Math.floor(this.#prng.exponential() * 12);
    this.#engine.crowdTake(this.#terms(isBid ? BookSide.bid : BookSide.ask, cents, contracts));
  }

  #terms(side: BookSide, cents: number, contracts: number) {
    const price = (cents * 100) as CentiCents;
    return { market: this.market, side, price, size: (contracts * 100) as Lots };
  }
}

function keyOf(side: BookSide, cents: number): number {
  return cents * 2 + side;
}
