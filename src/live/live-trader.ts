/**
 * A live run as a fold: inputs in, outputs and effects out. It reads no clock, opens nothing and waits
 * for nothing; the same inputs give the same decisions, in front of the venue and in a replay. The
 * actor around it journals what goes in and out and carries the effects out.
 *
 *   input -> book, account, links -> state -> decisions -> planner -> risk gate -> effects
 */
import { clearList, type MicroUsd, messageOf, Prng } from "../core/index.ts";
import { EventClock } from "../features/index.ts";
import type {
  AccountReading,
  LinkName,
  LiveEntry,
  LiveHeader,
  LiveOutput,
  LiveState,
  MarketNews,
} from "../journal/index.ts";
import type { FillEvent, Order, OrderEvent, OrderRequest } from "../orders/index.ts";
import type { Trader } from "../strategies/index.ts";
import { AccountSync } from "./account-sync.ts";
import { cancelBlind, cancelOrders } from "./cancelling.ts";
import { Decider, type LivePolicy } from "./decider.ts";
import { LastWord } from "./last-word.ts";
import { Links } from "./links.ts";
import { type LiveMarket, payOut, type RunListener, settleMarkets } from "./live-market.ts";
import { LossLimit } from "./loss-limit.ts";
import { openMarkets } from "./market-setup.ts";
import { type LiveEffect, Outbox } from "./outbox.ts";
import { type OwnResting, restingOf } from "./others-book.ts";
import { OwnTrades } from "./own-trades.ts";
import { wordsOf } from "./reconciliation.ts";
import { ErrorWait, StateMachine, type Transition } from "./state-machine.ts";
import { tellCommands } from "./tell-commands.ts";

export interface LiveTraderOptions {
  readonly header: LiveHeader;
  /** A policy that has seen nothing; one for each market, because policies may remember. */
  readonly makePolicy: () => LivePolicy;
  readonly listener?: RunListener | null;
  /** Told of each fill of an order that is followed. */
  readonly onFill?: (fill: FillEvent, request: OrderRequest) => void;
}

// Waits of the run, in microseconds of its inputs' time.
/** Between two sweeps of open orders that should be gone. */
const SWEEP_US = 3_000_000;

export class LiveTrader {
  readonly header: LiveHeader;
  readonly machine = new StateMachine();
  readonly markets: readonly LiveMarket[];
  readonly decider: Decider;
  readonly sync: AccountSync;
  /** Stopped for good: by a command, or by the loss limit. */
  stopReason: string | null = null;
  /** Why no order may be sent yet; empty when ready. */
  waitingFor: readonly string[] = [];
  readonly #loss: LossLimit;
  readonly #links = new Links();
  readonly #ownTrades = new OwnTrades();
  readonly #onFill: LiveTraderOptions["onFill"];
  readonly #clock = new EventClock();
  readonly #outputs: LiveOutput[] = [];
  readonly #effects: LiveEffect[] = [];
  readonly #outbox = new Outbox(this.#effects);
  #nowUs = 0;
  readonly #errorWait = new ErrorWait();
  #sweptUs = -Infinity;
  #lastOwnUs = -Infinity;
  readonly #lastWord = new LastWord();

  constructor({ header, makePolicy, listener = null, onFill }: LiveTraderOptions) {
    this.#onFill = onFill;
    this.header = header;
    this.sync = new AccountSync(header, this.#outbox);
    this.#loss = new LossLimit(header.settings.lossMax);
    this.markets = openMarkets(header, this.#clock, listener);
    const prng = Prng.fromSeed(header.seed).fork("actions");
    this.decider = new Decider(this.markets, makePolicy, prng, header.settings.limits);
  }

  /** Takes one input in. What comes of it is in `take`. */
  handle({ atUs, input }: LiveEntry): void {
    this.#nowUs = Math.max(this.#nowUs, atUs);
    try {
      this.#ownTrades.release(this.#nowUs, false);
      switch (input.kind) {
        case "market":
          this.#news(input.news);
          break;
        case "order":
          this.#order(input.event);
          break;
        case "tick":
          this.#tick(input.atUs);
          break;
        case "account":
          this.#account(input.reading);
          break;
        case "doubt":
          this.#doubt(input.why);
          break;
        case "accountFailed":
          this.#accountFailed(input.reason);
          break;
        case "link":
          this.#link(input.link, input.isUp, input.why);
          break;
        case "command":
          this.#command(input.name, input.by);
          break;
        case "queue":
          // For whoever compares the run with a simulation.
          break;
      }
    } catch (error) {
      // A strategy or a fold that breaks must not leave orders behind: cancel, and begin anew.
      this.sync.isBroken = true;
      this.#fail(`${input.kind}: ${messageOf(error)}`);
    }
    this.#settleState();
  }

  /** Moves outputs and effects since the last call out, in their order. */
  take(outputs: LiveOutput[], effects: LiveEffect[]): void {
    outputs.push(...this.#outputs);
    effects.push(...this.#effects);
    clearList(this.#outputs);
    clearList(this.#effects);
  }

  get links(): Links["all"] {
    return this.#links.all;
  }

  /** Null until the account has been read. */
  get trader(): Trader | null {
    return this.sync.trader;
  }

  /** What everything was worth at the start; null until all that was held has a price. */
  get startValue(): MicroUsd | null {
    return this.#loss.startValue;
  }

  get state(): LiveState {
    return this.machine.state;
  }

  /** Stopped, with nothing open. */
  get isDone(): boolean {
    return this.stopReason !== null && this.state === "IDLE";
  }

  get openCount(): number {
    return this.trader?.account.openCount ?? 0;
  }

  // --- market ---

  #news(news: MarketNews): void {
    const nowUs = this.#nowUs;
    if (news.kind === "gap") {
      for (const market of this.markets) {
        if (news.market !== null && news.market !== market.index) continue;
        market.gap(nowUs);
        if (this.header.settings.staleBookUs === 0) this.#forget(market);
      }
      return;
    }
    const market = this.markets[news.market];
    if (market === undefined) return;
    const changes = market.encoder.bookChanges();
    switch (news.kind) {
      case "delta":
        market.delta(news, nowUs);
        break;
      case "trade":
        market.heard(nowUs);
        this.#ownTrades.take(news, this.#open(market.index), market, nowUs);
        break;
      case "snapshot":
        market.snapshot(news.levels, this.#resting(market.index), nowUs);
        break;
      case "status":
        market.status(news.status, news.stampUs, nowUs);
        break;
      case "settled":
        market.settledAt ??= news.value;
        this.#paySettled();
        break;
    }
    const isDue = this.header.settings.cadence === "event";
    if (isDue && market.encoder.bookChanges() !== changes) {
      // A book that fell may have reached the limit: it is not traded on before the next second.
      this.decider.showQuote(market, this.trader);
      this.#watchLoss();
      // The event's own time, which no other call has moved since.
      this.#decide(market, this.#clock.eventAt(-Infinity));
    }
  }

  #forget(market: LiveMarket): void {
    market.forget(this.#nowUs);
    this.decider.begin(market.index);
  }

  #open(market: number): readonly Order[] {
    return this.trader?.account.openOrders(market) ?? [];
  }

  #resting(market: number): OwnResting[] {
    const isResting = ({ status }: Order): boolean => status === "resting";
    return this.#open(market).filter(isResting).map(restingOf);
  }

  #paySettled(): void {
    const { trader } = this;
    if (trader === null) return;
    for (const { info, settledAt } of payOut(this.markets, trader.account)) {
      this.#note(`${info.ticker} has paid ${(settledAt ?? 0) / 100} cents for YES`);
    }
  }

  // --- orders ---

  #order(event: OrderEvent): void {
    const { trader } = this;
    this.#lastOwnUs = this.#nowUs;
    if (trader === null) return;
    const before = trader.account.order(event.clientOrderId);
    this.#ownTrades.follow(event, before, this.#nowUs);
    const market = this.markets[before?.request.market ?? -1];
    if (market !== undefined) market.ownUs = this.#nowUs;
    if (before === undefined && this.#isForgotten(event)) return;
    this.#outbox.arrived(event);
    trader.receive();
    if (event.kind === "filled" && before !== undefined) this.#filled(event, before);
    this.#paySettled();
  }

  #filled(event: FillEvent, { request }: Order): void {
    this.#onFill?.(event, request);
    if (event.role !== "maker") return;
    const maker = { side: request.side, price: event.price, remaining: event.size };
    this.markets[request.market]?.ownFill(maker, this.#nowUs);
  }

  /** An event of an order that was forgotten when the account broke: only a reading tells its effect. */
  #isForgotten({ kind, clientOrderId }: OrderEvent): boolean {
    if (kind === "cancelRejected" || kind === "amendRejected") return false;
    this.#doubt(`${clientOrderId}, which is not followed any more, was ${kind}`);
    return true;
  }

  // --- time ---

  #tick(atUs: number): void {
    const { settings } = this.header;
    this.#ownTrades.release(this.#nowUs, true);
    for (const market of this.markets) {
      const gapUs = this.#nowUs - (market.gapSinceUs ?? Infinity);
      if (gapUs >= settings.staleBookUs) this.#forget(market);
    }
    if (this.trader !== null) settleMarkets(this.markets, this.trader.account, this.#nowUs);
    if (this.state === "ERROR" && this.#errorWait.isOver(this.#nowUs)) {
      this.#calibrate("the wait after an error is over");
    }
    this.#watchLinks();
    if (this.stopReason !== null || !this.machine.isTrading) this.#sweep();
    this.#askWhenDue();
    if (!this.#clock.tickAt(atUs)) return;
    this.decider.showQuotes(this.trader);
    this.#watchLoss();
    if (this.trader !== null) cancelBlind(this.trader, this.markets, this.#nowUs);
    if (settings.cadence === "1s") for (const market of this.markets) this.#decide(market, atUs);
  }

  #decide(market: LiveMarket, atUs: number): void {
    const { trader } = this;
    if (trader === null || !this.machine.isTrading || this.stopReason !== null) return;
    if (!market.isOpen) return;
    this.decider.decide(market.index, atUs, trader, (decision) => this.#outputs.push(decision));
    this.#settleState();
  }

  #cancelAll(): void {
    const { trader } = this;
    this.#sweptUs = this.#nowUs;
    if (trader === null) return;
    for (const { index } of this.markets) cancelOrders(trader, index, this.#nowUs);
  }

  /** While orders are open that should be gone. */
  #sweep(): void {
    if (this.openCount === 0 || this.#nowUs - this.#sweptUs < SWEEP_US) return;
    this.#sweptUs = this.#nowUs;
    this.#ask("cancel all");
    this.#ask("recover");
  }

  #watchLoss(): void {
    const { trader } = this;
    if (trader === null) return;
    this.#loss.begin(trader, this.markets);
    const reason = this.#loss.reached(trader);
    if (reason !== null && this.stopReason === null) this.#stop(reason);
  }

  // --- account ---

  #askWhenDue(): void {
    if (this.state === "IDLE") return;
    const isUrgent = this.state === "CALIBRATING" || this.sync.doubts.count > 0;
    if (this.sync.isDue(this.#nowUs, isUrgent)) this.#askAccount();
  }

  #askAccount(): void {
    this.sync.asked(this.#nowUs);
    this.#ask("account");
  }

  #account(reading: AccountReading): void {
    const { sync } = this;
    for (const text of sync.arrived(reading)) this.#note(text);
    if (this.state === "IDLE" || this.state === "ERROR") return;
    if (!sync.isCalibrated) {
      this.#calibrateBy(reading);
      return;
    }
    const differences = sync.reconcile(reading);
    const foreign = differences.filter(({ what }) => what === "foreign order");
    if (foreign.length > 0) this.#cancelForeign(foreign.map(({ name }) => name));
    if (differences.some(({ what }) => what === "order")) this.#ask("recover");
    const wrong = differences.find(({ what }) => what === "position" || what === "cash");
    if (wrong === undefined && !sync.owesCash(reading)) return;
    this.#calibrate(wrong === undefined ? "cash can be compared again" : wordsOf(wrong));
    this.#calibrateBy(reading);
  }

  #calibrateBy(reading: AccountReading): void {
    const strangers = this.sync.strangers(reading);
    if (strangers.length > 0) {
      this.#cancelForeign(strangers);
      return;
    }
    const isFirst = this.trader === null;
    const corrections = this.sync.calibrate(reading, this.#lastOwnUs);
    const { trader } = this;
    if (corrections === null || trader === null) return;
    for (const correction of corrections) {
      this.#outputs.push({ kind: "correction", correction, atUs: this.#nowUs });
    }
    const lots = this.markets.map(({ index }) => trader.account.ledger.position(index));
    this.#effects.push({ kind: "positions", lots });
    if (isFirst) {
      this.#observe(trader);
      this.decider.showQuotes(trader);
      this.#loss.begin(trader, this.markets);
    }
    this.#paySettled();
  }

  /** Something has happened to the account that only a reading tells, a while from now. */
  #doubt(why: string): void {
    this.#lastOwnUs = this.#nowUs;
    for (const market of this.markets) market.ownUs = this.#nowUs;
    // While it stands still, after an error too, it calibrates anyhow before it trades.
    if (this.state === "IDLE" || this.state === "ERROR") return;
    if (this.sync.isCalibrated) this.#calibrate(why);
  }

  #accountFailed(reason: string): void {
    this.#note(`the account could not be read: ${reason}`);
    const isBad = this.sync.failed();
    if (isBad && this.state !== "IDLE") this.#fail(`the account cannot be read: ${reason}`);
  }

  // --- state ---

  #link(name: LinkName, isUp: boolean, why: string): void {
    const isNew = this.#links.set(name, { isUp, why, sinceUs: this.#nowUs });
    if (!isNew || !this.machine.isTrading) return;
    if (isUp) {
      // What happened meanwhile is asked for.
      this.#ask("recover");
      this.#askAccount();
    } else this.#watchLinks();
  }

  /** Without a feed the run goes on for a while, as configured; without anything else it does not. */
  #watchLinks(): void {
    const [missing] = this.#linksMissing();
    if (missing === undefined || !this.machine.isTrading) return;
    this.#calibrate(`${missing.name} is down: ${missing.why}`);
  }

  #linksMissing(): ReturnType<Links["missing"]> {
    return this.#links.missing(this.#nowUs, this.header.settings.staleBookUs);
  }

  #command(name: "start" | "stop" | "kill", by: string): void {
    if (name === "start") {
      if (this.state !== "IDLE" || this.stopReason !== null) return;
      // What a run before this one did may not be in the readings yet.
      this.#lastOwnUs = this.#nowUs;
      this.#calibrate(`started by ${by}`);
      return;
    }
    this.#stop(`${name} by ${by}`);
    if (name === "kill") this.#ask("cancel all");
  }

  #stop(reason: string): void {
    this.stopReason ??= reason;
    // There is no point in waiting before the last look at the account.
    if (this.state === "ERROR") this.#calibrate(reason);
    else this.#cancelAll();
  }

  #calibrate(why: string): void {
    this.sync.isCalibrated = false;
    this.#go("CALIBRATING", why);
    this.#cancelAll();
    if (this.trader !== null) this.#ask("recover");
    this.#askAccount();
  }

  #fail(why: string): void {
    this.#errorWait.begin(this.#nowUs);
    this.sync.forget();
    this.sync.isCalibrated = false;
    this.#go("ERROR", why);
    try {
      this.#cancelAll();
    } catch {
      // The account itself is broken: the venue cancels what it has.
    }
    this.#ask("cancel all");
  }

  /** READY or ACTING as orders stand; out of CALIBRATING when nothing is missing. */
  #settleState(): void {
    const { state } = this;
    if (state === "CALIBRATING") {
      const missing = this.#missing();
      this.waitingFor = missing;
      if (missing.length === 0) {
        this.#errorWait.clear();
        this.#go("READY", "all links are up and the account is known");
      }
    } else if (this.machine.isTrading) {
      this.#moved(this.machine.follow(this.trader?.account ?? null, this.#nowUs));
    }
    const isBusy = this.stopReason === null || this.openCount > 0;
    if (!this.#lastWord.mayEnd(isBusy, this.sync.isSettled, this.#nowUs)) return;
    this.#go("IDLE", this.stopReason ?? "");
  }

  #missing(): string[] {
    const missing = this.#linksMissing().map(({ name, why }) => `${name} (${why})`);
    if (this.trader !== null && this.#loss.isBlind) missing.push("a price of all that is held");
    const { waitsFor } = this.sync;
    return waitsFor === null ? missing : [...missing, waitsFor];
  }

  // --- outputs ---

  #go(to: LiveState, why: string): void {
    this.#moved(this.machine.go(to, why, this.#nowUs));
  }

  #moved(transition: Transition | null): void {
    if (transition !== null) this.#outputs.push({ kind: "state", ...transition });
  }

  #ask(what: "account" | "recover" | "cancel all"): void {
    this.#outputs.push({ kind: "ask", what, atUs: this.#nowUs });
    this.#effects.push({ kind: "ask", what });
  }

  #cancelForeign(orderIds: readonly string[]): void {
    this.#outputs.push({ kind: "ask", what: "cancel foreign", orderIds, atUs: this.#nowUs });
    this.#effects.push({ kind: "cancel foreign", orderIds });
  }

  #note(text: string): void {
    this.#outputs.push({ kind: "note", text, atUs: this.#nowUs });
  }

  #observe(trader: Trader): void {
    const nowUs = (): number => this.#nowUs;
    tellCommands(trader, nowUs, (output) => {
      if (output.kind === "sent") this.#lastOwnUs = output.atUs;
      this.#outputs.push(output);
    });
  }
}
