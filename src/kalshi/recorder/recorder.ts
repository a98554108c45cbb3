/**
 * Records markets for as long as it is not stopped: reads their facts, listens to the feed, finds new
 * markets of its series, asks for results, begins a new session each day. It owns no socket and no
 * clock: REST, feed and time are given to it, so that days of recording run within a test.
 */
import { clearList, OperationError, type Scheduler } from "../../core/index.ts";
import type { FeedClient } from "../feed/feed-client.ts";
import type { FeedEvent } from "../feed/channels.ts";
import { sentenceOf } from "../rest/answer.ts";
import type { RestClient } from "../rest/rest-client.ts";
import type { LifecycleMessage } from "../wire/feed-lifecycle.ts";
import type { VenueMarket } from "../wire/markets.ts";
import { FactsReader } from "./facts-reader.ts";
import { readFirstMarkets } from "./first-markets.ts";
import { Lives } from "./lives.ts";
import { isFinalStatus, isOpenStatus, settlementOf, type VenueFacts } from "./market-facts.ts";
import type { SessionFamily } from "./session-family.ts";
import { SessionSpool, type RecordedSession } from "./session-spool.ts";

export interface RecorderOptions {
  readonly rest: RestClient;
  readonly feed: FeedClient;
  readonly scheduler: Scheduler;
  readonly markets: readonly string[];
  readonly series: readonly string[];
  readonly sessions: SessionFamily;
  /** Something that a person should hear. */
  readonly onNote?: (text: string) => void;
  /** The recording has come to its end by itself: all is settled (null), or it cannot go on. */
  readonly onEnd?: (error: OperationError | null) => void;
}

/** How the recording is, for a status line. */
export interface RecorderHealth {
  readonly markets: number;
  readonly messages: number;
  readonly gaps: number;
  readonly sessions: number;
  /** Of the session that is written. */
  readonly folder: string;
  /** When the last message came, by this machine's clock; null before the first. */
  readonly lastMessageUs: number | null;
}

/** Between two flushes: half of what may be lost. */
const TICK_US = 500_000;
/** Between two looks into the feed's queue. */
const DRAIN_US = 20_000;
const DISCOVER_US = 60_000_000;
/** How old facts of series and events may be for a market that comes. */
const FORGET_US = 3_600_000_000;
/** Markets are subscribed to this long before they open. */
const AHEAD_US = 30_000_000;
/** A new market is told of a moment before it can be read. */
const CREATED_US = 2_000_000;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #facts: FactsReader;
  readonly #lives = new Lives();
  readonly #spool: SessionSpool;
  readonly #events: FeedEvent[] = [];
  #state: "new" | "running" | "over" = "new";
  #stopTick: (() => void) | null = null;
  #isDrainArranged = false;
  #discoverUs = Infinity;
  #forgetUs = Infinity;
  #isDiscovering = false;
  #messages = 0;
  #lastMessageUs: number | null = null;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#facts = new FactsReader(options.rest);
    this.#spool = new SessionSpool(options.sessions, (ticker) => {
      this.#lives.askSoon(ticker, this.#nowUs());
    });
  }

  /** Reads what is to be recorded and begins; `done` hears why it cannot, or null. */
  start(done: (error: OperationError | null) => void): void {
    const { rest, markets, series, sessions, scheduler } = this.#options;
    const known = attempt(() => sessions.leftMarkets());
    if (known instanceof OperationError) {
      scheduler.after(0, () => done(known));
      return;
    }
    const wanted = { markets, series, known };
    readFirstMarkets(rest, this.#facts, wanted, this.#nowUs(), (first) => {
      if (first instanceof OperationError) return done(first);
      const problem = attempt(() => this.#begin(first));
      done(problem instanceof OperationError ? problem : null);
    });
  }

  /** To be called when the feed has something. */
  wake(): void {
    if (this.#isDrainArranged || this.#state !== "running") return;
    this.#isDrainArranged = true;
    this.#options.scheduler.after(DRAIN_US, () => {
      this.#isDrainArranged = false;
      this.#guarded(() => this.#drain());
    });
  }

  health(): RecorderHealth {
    return {
      markets: this.#lives.count,
      messages: this.#messages,
      gaps: this.#spool.gaps,
      sessions: this.#spool.count,
      folder: this.#spool.folder,
      lastMessageUs: this.#lastMessageUs,
    };
  }

  /** Ends the recording with all that has come, and finishes its sessions. */
  finish(): readonly RecordedSession[] {
    if (this.#state === "running") this.#drain();
    this.#stop();
    return this.#spool.finish();
  }

  #nowUs(): number {
    return this.#options.scheduler.nowUs();
  }

  #begin(first: readonly VenueFacts[]): void {
    const nowUs = this.#nowUs();
    const { markets, series, feed } = this.#options;
    this.#forgetUs = nowUs + FORGET_US;
    this.#spool.begin(nowUs);
    this.#state = "running";
    this.#adopt(first, nowUs);
    // What an earlier recorder left without a result is asked for, whether it is wanted or not.
    for (const ticker of this.#spool.unsettled()) {
      if (!this.#lives.has(ticker)) this.#lives.leftOver(ticker, nowUs);
    }
    if (series.length > 0) this.#discover(nowUs);
    if (markets.length + series.length > 0) feed.watch("market_lifecycle_v2", "all");
    feed.start();
    this.#tickLater();
  }

  #tickLater(): void {
    this.#stopTick = this.#options.scheduler.after(TICK_US, () => {
      this.#guarded(() => this.#tick());
      if (this.#state === "running") this.#tickLater();
    });
  }

  #tick(): void {
    const nowUs = this.#nowUs();
    this.#drain();
    this.#spool.turn(nowUs, (ticker) => this.#lives.closeUsOf(ticker));
    if (nowUs >= this.#forgetUs) {
      this.#forgetUs = nowUs + FORGET_US;
      this.#facts.forget();
    }
    this.#spool.flush(nowUs);
    if (nowUs >= this.#discoverUs && !this.#isDiscovering) this.#discover(nowUs);
    this.#ask(nowUs);
    if (this.#options.series.length === 0 && this.#lives.isIdle(nowUs)) this.#end(null);
  }

  #drain(): void {
    clearList(this.#events);
    this.#options.feed.drain(this.#events);
    for (const event of this.#events) this.#hear(event);
  }

  #hear(event: FeedEvent): void {
    switch (event.kind) {
      case "message": {
        const { payload, receivedUs } = event;
        this.#messages += 1;
        this.#lastMessageUs = receivedUs;
        this.#spool.take(payload);
        if (payload.kind === "lifecycle") this.#lived(payload.body, receivedUs);
        else if (payload.kind === "eventFee") {
          const problem = this.#lives.feesChanged(payload.body, receivedUs, this.#spool);
          if (problem !== null) this.#note(problem);
        }
        return;
      }
      case "gap":
        this.#spool.missed(event);
        // What the channel of lifecycles would have told is asked for.
        if (event.channel === "market_lifecycle_v2") this.#askAll(event.atUs);
        return;
      case "resumed":
        if (event.channel === "market_lifecycle_v2") this.#askAll(event.atUs);
        return;
      case "refused":
        this.#note(
          `the feed refuses ${event.tickers.join(", ") || (event.channel ?? "a command")}: ` +
            event.fault.message,
        );
        return;
      case "disconnected":
        this.#note(`the feed is gone: ${event.reason}`);
        return;
      case "unreadable":
        this.#note(`a message could not be read: ${event.reason}`);
        return;
      case "connected":
        return;
      // No default: the compiler sees to it that every kind is named.
    }
  }

  /** A step in a market's life, of those that are recorded or of others. */
  #lived({ ticker, what, created, closeUs }: LifecycleMessage, nowUs: number): void {
    const isOfSeries = this.#options.series.some(
      (series) => created?.eventTicker.startsWith(`${series}-`) === true,
    );
    if (what === "created" && isOfSeries) {
      this.#discoverUs = Math.min(this.#discoverUs, nowUs + CREATED_US);
    }
    if (closeUs !== null) this.#lives.setClose(ticker, closeUs);
    if (what === "settled") this.#isOver(ticker);
  }

  /** Everything that there is to know about all of them is to be asked for. */
  #askAll(nowUs: number): void {
    this.#lives.askAll(nowUs);
    if (this.#options.series.length > 0) this.#discoverUs = nowUs;
  }

  /** Looks for markets of the series that are not recorded yet. */
  #discover(nowUs: number): void {
    const { series } = this.#options;
    this.#isDiscovering = true;
    this.#discoverUs = nowUs + DISCOVER_US;
    let left = series.length;
    for (const one of series) {
      this.#facts.marketsOf(one, nowUs, (answer) => {
        left -= 1;
        if (left === 0) this.#isDiscovering = false;
        if (answer.kind !== "ok") this.#note(`series ${one}: ${sentenceOf(answer)}`);
        else this.#guarded(() => this.#found(answer.value));
      });
    }
  }

  #found(markets: readonly VenueMarket[]): void {
    const nowUs = this.#nowUs();
    for (const market of markets) {
      const { ticker, openUs, status } = market;
      if (this.#lives.has(ticker) || !isOpenStatus(status)) continue;
      if (openUs > nowUs + AHEAD_US) {
        this.#discoverUs = Math.min(this.#discoverUs, openUs - AHEAD_US);
        continue;
      }
      this.#lives.reserve(ticker);
      this.#facts.complete(market, (answer) => {
        this.#lives.release(ticker);
        if (answer.kind !== "ok") this.#note(`${ticker}: ${sentenceOf(answer)}`);
        else this.#guarded(() => this.#adopt([answer.value], this.#nowUs()));
      });
    }
  }

  /** Records these markets from now on. */
  #adopt(all: readonly VenueFacts[], nowUs: number): void {
    if (this.#state !== "running") return;
    const { added, problems } = this.#lives.add(all, nowUs);
    for (const problem of problems) this.#note(problem);
    const tickers = added.map(({ info }) => info.ticker);
    if (tickers.length === 0) return;
    this.#spool.add(added);
    this.#options.feed.watch("orderbook_delta", tickers);
    this.#options.feed.watch("trade", tickers);
  }

  /** Asks the venue about markets that have closed, or may have. */
  #ask(nowUs: number): void {
    for (const tickers of this.#lives.due(nowUs)) {
      this.#facts.markets(tickers, (answer) => {
        const told = answer.kind === "ok" ? answer.value : [];
        const known = new Set(told.map(({ ticker }) => ticker));
        const gone = this.#lives.answered(tickers, (ticker) => {
          return answer.kind !== "ok" || known.has(ticker);
        });
        this.#guarded(() => {
          for (const market of told) this.#read(market);
          for (const ticker of gone) {
            this.#note(`${ticker}: the venue no longer tells of it; its result is not known`);
            this.#isOver(ticker);
          }
        });
      });
    }
  }

  /** What the venue says of a market, by REST. */
  #read({ ticker, status, closeUs, settlementValue, result }: VenueMarket): void {
    this.#lives.setClose(ticker, closeUs);
    if (isOpenStatus(status)) return this.#spool.stillOpen(ticker);
    this.#spool.closed(ticker);
    const settlement = settlementOf(settlementValue, result);
    if (settlement !== null) this.#spool.settle(ticker, settlement, isFinalStatus(status));
    if (isFinalStatus(status)) this.#isOver(ticker);
  }

  /** Nothing more will come of a market. */
  #isOver(ticker: string): void {
    if (!this.#lives.end(ticker)) return;
    this.#options.feed.unwatch("orderbook_delta", [ticker]);
    this.#options.feed.unwatch("trade", [ticker]);
  }

  #note(text: string): void {
    this.#options.onNote?.(text);
  }

  /** What the disk refuses ends the recording; what was stored stays. */
  #guarded(act: () => void): void {
    if (this.#state !== "running") return;
    const problem = attempt(act);
    if (problem instanceof OperationError) this.#end(problem);
  }

  #end(error: OperationError | null): void {
    this.#stop();
    this.#options.onEnd?.(error);
  }

  #stop(): void {
    this.#state = "over";
    this.#stopTick?.();
    this.#options.feed.close();
  }
}

/** What an act comes to, or what the world has against it. */
function attempt<T>(act: () => T): T | OperationError {
  try {
    return act();
  } catch (error) {
    if (error instanceof OperationError) return error;
    throw error;
  }
}
