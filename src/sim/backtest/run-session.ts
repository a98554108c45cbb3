/**
 * A strategy through one recorded session, in up to three worlds at once. The feed is replayed once;
 * after every second, or every change of a book, each world's venue catches up, its answers are
 * heard, and its strategy decides. Equal tape, strategy, options, settings and seed give equal bytes.
 */
import { assert, OperationError, Prng, US_PER_SECOND } from "../../core/index.ts";
import {
  type MarketInfo,
  PriceGrid,
  queueQuality,
  streamRows,
  type Tape,
} from "../../market/index.ts";
import type { StrategyDefinition } from "../../strategies/index.ts";
import type { SessionData } from "../session-data.ts";
import { type Course, marketResults, withMarks } from "./attribution.ts";
import type { QueueTrust, SessionResult, WorldResult } from "./results.ts";
import { FeatureSource, SessionFeed } from "./session-feed.ts";
import { type BacktestSettings, WORLD_NAMES, worldModel } from "./settings.ts";
import { World } from "./world.ts";

export interface SessionRunOptions {
  readonly tape: Tape;
  /** The session's features at the settings' cadence, for strategies that use them. */
  readonly data?: SessionData;
  readonly strategy: StrategyDefinition;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly settings: BacktestSettings;
}

/** Decisions between two looks at whether others want their turn. */
const DECISIONS_A_STEP = 2048;
const US_PER_MINUTE = 60 * US_PER_SECOND;

/** The whole session at once. */
export function runSession(options: SessionRunOptions): SessionResult {
  const steps = runSessionInSteps(options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * The session in steps: yields the share that is done, so that the caller may show it or let others
 * run. Where `true` is passed to `next` the run ends there, and its result says so.
 */
export function* runSessionInSteps(
  options: SessionRunOptions,
): Generator<number, SessionResult, boolean | undefined> {
  const run = new SessionRun(options);
  const steps = run.isEmpty ? [] : run.steps();
  let isStopped = false;
  for (const done of steps) {
    if (run.hasFault) break;
    if ((yield done) === true) {
      isStopped = true;
      break;
    }
  }
  return run.finish(!isStopped && !run.hasFault);
}

class SessionRun {
  readonly #tape: Tape;
  readonly #markets: readonly number[];
  readonly #infos: readonly MarketInfo[];
  readonly #feed: SessionFeed;
  readonly #worlds: readonly World[];
  readonly #settings: BacktestSettings;
  readonly #minutes: { atUs: number; marksCc: number[] }[] = [];
  /** Places of the open markets. */
  readonly #open: number[] = [];
  readonly #endUs: number;
  readonly #startUs: number;
  #nowUs: number;

  constructor({ tape, data, strategy, options = {}, settings }: SessionRunOptions) {
    this.#tape = tape;
    this.#settings = settings;
    this.#markets = chosenMarkets(tape, settings);
    this.#infos = this.#markets.map((market) => tape.markets[market] as MarketInfo);
    const grids = this.#infos.map((info) => new PriceGrid(info.priceRanges));
    this.#feed = new SessionFeed(tape, this.#markets, grids);
    assert(!strategy.usesFeatures || data !== undefined, "features come with the session's data");
    const rows = this.#markets.map(
      (market) => data?.markets.find((each) => each.market === market)?.rows ?? null,
    );
    const prng = Prng.fromSeed(settings.seed).fork(`backtest ${tape.contentHash}`);
    const chosen = WORLD_NAMES.filter((name) => settings.worlds.includes(name));
    this.#worlds = chosen.map(
      (world) =>
        new World({
          world,
          tape,
          markets: this.#markets,
          infos: this.#infos,
          grids,
          feed: this.#feed,
          // A cursor each, for worlds ask at the same times but in turn.
          features: strategy.usesFeatures ? new FeatureSource(rows, settings.cadence) : null,
          settings,
          strategy,
          options,
          prng,
        }),
    );
    [this.#startUs, this.#endUs] = spanOf(tape, this.#markets);
    this.#nowUs = this.#startUs;
  }

  get isEmpty(): boolean {
    return this.#endUs < this.#startUs;
  }

  get hasFault(): boolean {
    return this.#worlds.some(({ fault }) => fault !== null);
  }

  /** Runs to the end of the recording, a while at a time. */
  *steps(): Generator<number, void, undefined> {
    for (const world of this.#worlds) world.start(this.#startUs);
    if (this.hasFault) return;
    yield* this.#settings.cadence === "1s" ? this.#bySeconds() : this.#byChanges();
  }

  *#bySeconds(): Generator<number, void, undefined> {
    let decisions = 0;
    for (let atUs = this.#startUs; ; atUs += US_PER_SECOND) {
      this.#nowUs = atUs;
      this.#feed.advance(atUs);
      this.#feed.findOpen(this.#open);
      for (const world of this.#worlds) {
        world.advance(atUs);
        world.second(atUs, this.#open.length);
        if (this.#open.length > 0) world.decide(this.#open);
      }
      this.#noteMinute(atUs);
      if (this.hasFault || atUs >= this.#endUs) return;
      if (++decisions % DECISIONS_A_STEP === 0) yield this.#share();
    }
  }

  *#byChanges(): Generator<number, void, undefined> {
    const { order, atUs, rowCount } = this.#tape;
    const places = placeOfRows(this.#tape, this.#markets);
    const due = [0];
    let decisions = 0;
    let tickUs = this.#startUs;
    for (let place = 0; place < rowCount; place++) {
      const row = order[place] as number;
      const market = places[row] as number;
      const feed = this.#feed.feeds[market];
      // Streams that are not traded, and levels that went with their snapshot.
      if (feed === undefined || row < feed.row) continue;
      const rowUs = atUs[row] as number;
      for (; tickUs < rowUs; tickUs += US_PER_SECOND) this.#tick(tickUs);
      const hasChanged = this.#feed.apply(market);
      if (!hasChanged || rowUs < this.#startUs || !feed.isKnown || feed.isClosed) continue;
      this.#nowUs = rowUs;
      due[0] = market;
      for (const world of this.#worlds) {
        world.advance(rowUs);
        world.decide(due);
      }
      if (this.hasFault) return;
      if (++decisions % DECISIONS_A_STEP === 0) yield this.#share();
    }
    for (; tickUs <= this.#endUs; tickUs += US_PER_SECOND) this.#tick(tickUs);
  }

  /** A whole second at the cadence of events: nobody decides, but the account is looked at. */
  #tick(atUs: number): void {
    this.#nowUs = atUs;
    this.#feed.findOpen(this.#open);
    for (const world of this.#worlds) {
      world.advance(atUs);
      world.second(atUs, this.#open.length);
    }
    this.#noteMinute(atUs);
  }

  #noteMinute(atUs: number): void {
    if (atUs % US_PER_MINUTE !== 0) return;
    this.#minutes.push({ atUs, marksCc: this.#feed.feeds.map(({ mark }) => mark) });
  }

  #share(): number {
    const span = this.#endUs - this.#startUs;
    return span > 0 ? (this.#nowUs - this.#startUs) / span : 1;
  }

  finish(isComplete: boolean): SessionResult {
    const { sessionId, contentHash } = this.#tape;
    for (const world of this.#worlds) world.finish(this.#nowUs);
    const courses = this.#feed.marks.map((marks, market) => ({
      marks,
      lastUs: Math.min(this.#feed.lastUs(market), this.#nowUs),
    }));
    const faults = this.#worlds.flatMap((world) => world.faults);
    return {
      sessionId,
      contentHash,
      tickers: this.#infos.map(({ ticker }) => ticker),
      events: this.#feed.events,
      queues: queueTrust(this.#tape, this.#markets),
      startUs: this.#startUs,
      endUs: this.#nowUs,
      isComplete,
      fault: this.#worlds.find(({ fault }) => fault !== null)?.fault ?? null,
      faults: faults.sort((a, b) => a.atUs - b.atUs).slice(0, 20),
      faultCount: this.#worlds.reduce((sum, { faultCount }) => sum + faultCount, 0),
      minutes: this.#minutes,
      worlds: this.#worlds.map((world) => this.#resultOf(world, courses)),
    };
  }

  #resultOf(world: World, courses: readonly Course[]): WorldResult {
    const { recorder, sampler, held, name } = world;
    const fills = withMarks(recorder.fills, courses);
    const markets = marketResults({ infos: this.#infos, courses, fills, held });
    const profit = markets.reduce((sum, market) => sum + market.profit, 0);
    const value = sampler.equity.at(-1)?.value ?? this.#settings.startingCash;
    assert(profit === value - this.#settings.startingCash, "the parts of profits add up to them");
    return {
      world: name,
      fillModel: worldModel(name, this.#settings).name,
      profit,
      orders: world.orderCounts,
      seconds: sampler.sums,
      markets,
      fills,
      equity: sampler.equity,
      journalHash: recorder.digest.digest(),
    };
  }
}

/** Tape indices of the markets to trade. `UNKNOWN_MARKET` where the session has none of them. */
function chosenMarkets({ sessionId, markets }: Tape, { tickers }: BacktestSettings): number[] {
  const all = markets.map((_, market) => market);
  if (tickers === null) return all;
  const chosen = all.filter((market) => tickers.includes(markets[market]?.ticker ?? ""));
  if (chosen.length > 0) return chosen;
  throw new OperationError(
    "UNKNOWN_MARKET",
    `session ${sessionId}: expected some of ${markets.map(({ ticker }) => ticker).join(", ")}, was ` +
      `${tickers.join(", ")}`,
  );
}

function queueTrust(tape: Tape, markets: readonly number[]): QueueTrust {
  const { consistentShare, exactShare } = queueQuality(tape, markets);
  const withoutQueues = markets.filter((market) => !queueQuality(tape, [market]).used).length;
  return { consistentShare, exactShare, withoutQueues };
}

/** First whole second with a row of a market at or before it, and the last one that is needed. */
function spanOf(tape: Tape, markets: readonly number[]): readonly [number, number] {
  let first = Infinity;
  let last = -Infinity;
  for (const market of markets) {
    const [start, end] = streamRows(tape, market);
    if (start === end) continue;
    first = Math.min(first, tape.atUs[start] as number);
    last = Math.max(last, tape.atUs[end - 1] as number);
  }
  const wholeSecond = (atUs: number): number => Math.ceil(atUs / US_PER_SECOND) * US_PER_SECOND;
  return first === Infinity ? [0, -1] : [wholeSecond(first), wholeSecond(last)];
}

/** The place of each row's market among `markets`; their number for rows of others. */
function placeOfRows(tape: Tape, markets: readonly number[]): Uint16Array {
  const places = new Uint16Array(tape.rowCount).fill(markets.length);
  markets.forEach((market, place) => places.fill(place, ...streamRows(tape, market)));
  return places;
}
