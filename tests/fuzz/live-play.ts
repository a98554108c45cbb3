/**
 * One seed, from its start to its end: the world of the plan, the run in it, its troubles, the calm
 * after them, and the stop. What happened is kept for the checks.
 */
import { assert } from "../../src/core/index.ts";
import type { EngineMarket } from "../../src/exchange/index.ts";
import { ID_FAMILY } from "../../src/live/index.ts";
import { USUAL_TERMS } from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import type { CentiCents, Lots, TimestampUs } from "../../src/core/index.ts";
import { LiveRun, LiveWorld } from "../live/live-world.ts";
import type { Deed, LivePlan } from "./live-plan.ts";
import { type Calms, livePolicies } from "./live-policies.ts";

const SECOND = 1_000_000;

/** By when a quiet book has been looked after: 30 s of silence, and what an answer may take. */
const QUIET_SECONDS = 45;
/** What a run has to do within after the last fault, in simulated seconds. */
export const RECOVERY_SECONDS = 90;
/** What may happen in one simulated second, in entries of the scheduler. */
const EVENTS_PER_SECOND_MAX = 4_000;

export interface Failure {
  readonly seed: number;
  readonly invariant: string;
  readonly detail: string;
}

/** A run with what is known of it from outside. */
export interface PlayedRun {
  readonly run: LiveRun;
  readonly calms: Calms;
  /** Cash of the account that was not locked, at the first reading. */
  availableAtStart: number | null;
  /** Orders of somebody else's rested then. */
  isHiddenAtStart: boolean;
  killedUs: number | null;
  /** It was told to stop; or it stopped by itself. */
  isStopAsked: boolean;
}

export class LivePlay {
  readonly plan: LivePlan;
  readonly world: LiveWorld;
  readonly runs: PlayedRun[] = [];
  readonly failures: Failure[] = [];
  /** Markets in which somebody else traded for the account. */
  readonly foreign = new Set<number>();
  /** Blocks of the last run's journal when everything was calm. */
  calmBlocks = 0;
  /** Then, at the exchange: the others' levels by market and side; null where there is no book. */
  calmBooks: (readonly [Map<number, number>, Map<number, number>] | null)[] = [];
  /** Scheduler entries of the busiest second. */
  busiest = 0;
  /** Seconds from the end of the faults until the run was well again. */
  recovered = 0;
  readonly trace: (line: string) => void;
  #hands = 0;
  #isCalm = false;

  constructor(plan: LivePlan, trace: (line: string) => void = () => undefined) {
    this.plan = plan;
    this.trace = trace;
    const { seed, markets, activity, settings } = plan;
    this.world = new LiveWorld({
      seed,
      markets,
      activity,
      settings,
      spec: { settlementTimerSeconds: 5 },
      policy: () => this.#nextPolicy(),
    });
  }

  /** The run that goes on, or went on last. */
  get last(): PlayedRun {
    const last = this.runs.at(-1);
    assert(last !== undefined, "a play begins with a run");
    return last;
  }

  get secondsGone(): number {
    return (this.world.scheduler.nowUs() - this.last.run.header.startedUs) / SECOND;
  }

  fail(invariant: string, detail: string): void {
    const { seed } = this.plan;
    if (this.failures.length < 20) this.failures.push({ seed, invariant, detail });
  }

  /** Plays up to the calm after the troubles. */
  trouble(): void {
    const { plan, world } = this;
    const startUs = world.scheduler.nowUs();
    this.#open();
    world.faults(plan.rules);
    for (const { at, deed } of plan.deeds) {
      this.#runUntil(startUs + at * SECOND);
      this.#do(deed);
    }
    this.#runUntil(startUs + plan.troubleSeconds * SECOND);
    this.trace(`${this.#clock()} the faults end`);
    world.faults([]);
    world.network.setDown(false);
    world.touch(() => {
      const { engine } = world.exchange;
      engine.setExchange(true);
      engine.setTrading(true);
      for (const market of world.markets) engine.activate(market);
    });
    if (this.last.killedUs !== null) this.#open();
  }

  /** Lets the run come to itself; then the others rest, and after a while everything is quiet. */
  calm(): void {
    const { world } = this;
    const fromUs = world.scheduler.nowUs();
    while (!this.#isWell() && world.scheduler.nowUs() < fromUs + RECOVERY_SECONDS * SECOND) {
      this.#runFor(1);
    }
    this.recovered = (world.scheduler.nowUs() - fromUs) / SECOND;
    if (!this.#isWell()) {
      const { trader } = this.last.run;
      const waiting = [trader.state, ...trader.waitingFor].join("; ");
      this.fail("recovery", `${this.recovered} s after the faults: ${waiting}`);
    }
    this.#handsOff();
    this.#runFor(3);
    this.trace(`${this.#clock()} everybody rests`);
    world.isCalm = true;
    this.#isCalm = true;
    const { reconcileUs } = this.last.run.header.settings;
    // A last message that was lost shows when the feed looks after a book that has been quiet for 30 s.
    const mayMiss = this.plan.rules.some(({ kind }) => kind === "gap");
    this.#runFor(Math.max(mayMiss ? QUIET_SECONDS : 0, 16 + (3 * reconcileUs) / SECOND));
    // An order that was held on its way may come even now; then the account is set right once more.
    const againUs = world.scheduler.nowUs();
    while (!this.#isWell() && world.scheduler.nowUs() < againUs + RECOVERY_SECONDS * SECOND) {
      this.#runFor(1);
    }
    this.calmBlocks = this.last.run.journal.blocks.length;
    const isDone = this.last.run.isDone;
    this.calmBooks = world.markets.map((market) => {
      if (isDone || market.phase !== "active") return null;
      return [BookSide.bid, BookSide.ask].map((side) => othersOf(market, side)) as never;
    });
  }

  /** Stops the run. */
  stop(): void {
    const { last } = this;
    if (!last.run.isDone) {
      last.isStopAsked = true;
      last.run.actor.take({ kind: "command", name: "stop", by: "the play" });
    }
    this.trace(`${this.#clock()} stop`);
    this.#runFor(30);
  }

  close(): void {
    for (const { run } of this.runs) run.kill();
    this.world.close();
  }

  // --- time ---

  #runFor(seconds: number): void {
    this.#runUntil(this.world.scheduler.nowUs() + seconds * SECOND);
  }

  #runUntil(atUs: number): void {
    const { scheduler } = this.world;
    this.world.run(0);
    while (scheduler.nowUs() < atUs) {
      const untilUs = Math.min(atUs, scheduler.nowUs() + SECOND);
      let events = 0;
      for (let next = scheduler.nextUs(); next !== null && next <= untilUs;) {
        scheduler.runNext();
        events += 1;
        this.#watch();
        if (events > EVENTS_PER_SECOND_MAX) {
          this.fail("busy loop", `${events} events in a second, at ${this.#clock()}`);
          throw new Error("a busy loop");
        }
        next = scheduler.nextUs();
      }
      this.busiest = Math.max(this.busiest, events);
      scheduler.advanceTo(untilUs as TimestampUs);
    }
  }

  /** What must hold at every moment. */
  #watch(): void {
    const { last } = this;
    const { trader } = last.run;
    if (last.availableAtStart === null && trader.trader !== null) {
      last.availableAtStart = trader.sync.lastReading?.available ?? 0;
      const orders = [...this.world.account.openOrders()];
      const told = trader.sync.lastReading?.resting ?? [];
      // The reading may be older than the moment, and the moment later than the reading.
      last.isHiddenAtStart =
        orders.some((order) => !isOurs(order)) ||
        told.some(({ clientOrderId }) => clientOrderId?.startsWith(ID_FAMILY) !== true);
    }
    if (!this.plan.holdsLong) this.#watchPositions();
  }

  #watchPositions(): void {
    const { account, markets } = this.world;
    const { positionLimit } = this.last.run.header.settings.limits;
    for (const { index } of markets) {
      if (this.foreign.has(index)) continue;
      const worst: [number, number] = [0, 0];
      for (const order of account.openIn(index)) {
        if (isOurs(order)) worst[order.side] = (worst[order.side] ?? 0) + order.remaining;
      }
      const position = account.ledger.position(index);
      const most = Math.max(position + worst[BookSide.bid], worst[BookSide.ask] - position);
      if (most <= positionLimit) continue;
      this.foreign.add(index);
      const facts = `position ${position}, bids ${worst[0]}, asks ${worst[1]}`;
      this.fail("position limit", `market ${index} at ${this.#clock()}: ${facts}`);
    }
  }

  #isWell(): boolean {
    const { run } = this.last;
    if (run.isDone) return true;
    const { trader } = run;
    if (trader.stopReason !== null) return false;
    const isUp = [...trader.links.values()].every((link) => link.isUp);
    return isUp && (trader.state === "READY" || trader.state === "ACTING");
  }

  #clock(): string {
    const us = this.world.scheduler.nowUs() - (this.runs[0]?.run.header.startedUs ?? 0);
    return `${(us / SECOND).toFixed(3)} s`;
  }

  // --- runs and deeds ---

  #nextPolicy() {
    // The run that is being made; its markets' policies are made one by one.
    const calms = this.#calmsOfNext;
    return livePolicies(this.plan, () => this.#isCalm, calms)();
  }

  #calmsOfNext: Calms = [];

  #open(): void {
    const calms: Calms = [];
    this.#calmsOfNext = calms;
    const run = this.world.open();
    const unknown = { availableAtStart: null, isHiddenAtStart: false, killedUs: null };
    this.runs.push({ run, calms, ...unknown, isStopAsked: false });
    this.trace(`${this.#clock()} run ${run.header.idPrefix} starts`);
    run.start();
  }

  #do(deed: Deed): void {
    this.trace(`${this.#clock()} ${JSON.stringify(deed)}`);
    this.world.touch(() => {
      this.#doNow(deed);
    });
  }

  #doNow(deed: Deed): void {
    const { engine } = this.world.exchange;
    switch (deed.kind) {
      case "network":
        this.world.network.setDown(deed.isDown);
        break;
      case "trading":
        engine.setTrading(deed.isActive);
        break;
      case "exchange":
        engine.setExchange(deed.isActive);
        break;
      case "pause":
      case "go on": {
        const market = this.#market(deed.market);
        if (deed.kind === "pause") engine.deactivate(market);
        else engine.activate(market);
        break;
      }
      case "close":
        this.#closeMarket(deed);
        break;
      case "hand":
        this.#hand(deed);
        break;
      case "hands off":
        this.#handsOff();
        break;
      case "die":
        this.#die(deed.forSeconds);
        break;
      case "command":
        this.#command(deed.name);
        break;
    }
  }

  #market(index: number) {
    const market = this.world.markets[index];
    assert(market !== undefined, "a plan names markets of its world");
    return market;
  }

  #closeMarket({ market: index, afterSeconds, value, isTold }: Deed & { kind: "close" }): void {
    const { scheduler, exchange } = this.world;
    const { engine } = exchange;
    const market = this.#market(index);
    const closeUs = (scheduler.nowUs() + (isTold ? SECOND : 0)) as TimestampUs;
    if (isTold) engine.moveClose(market, closeUs);
    else engine.close(market);
    scheduler.after(SECOND + afterSeconds * SECOND + 1, () => {
      this.world.touch(() => {
        engine.determine(market, value);
      });
    });
  }

  #hand({ market: index, isBid, cents, contracts, isImmediate }: Deed & { kind: "hand" }): void {
    const { exchange, account } = this.world;
    const market = this.#market(index);
    const side = isBid ? BookSide.bid : BookSide.ask;
    exchange.engine.create(account, {
      ticker: market.ticker,
      clientOrderId: `hand-${this.#hands++}`,
      side,
      size: (100 * contracts) as Lots,
      price: (100 * cents) as CentiCents,
      ...USUAL_TERMS,
      timeInForce: isImmediate ? "immediate_or_cancel" : "good_till_canceled",
    });
    // Wherever it stands, it may trade.
    this.foreign.add(index);
  }

  #handsOff(): void {
    const { exchange, account } = this.world;
    this.world.touch(() => {
      for (const order of [...account.openOrders()]) {
        if (!isOurs(order)) exchange.engine.cancel(account, order.orderId);
      }
    });
  }

  #die(forSeconds: number): void {
    const { last } = this;
    if (last.killedUs !== null) return;
    last.killedUs = this.world.scheduler.nowUs();
    last.run.kill();
    const wasStopped = last.isStopAsked || last.run.trader.stopReason !== null;
    this.world.scheduler.after(forSeconds * SECOND, () => {
      if (!wasStopped && this.last.killedUs !== null) this.#open();
    });
  }

  #command(name: "stop" | "kill"): void {
    const { last } = this;
    if (last.killedUs !== null) return;
    last.isStopAsked = true;
    last.run.actor.take({ kind: "command", name, by: "the play" });
  }
}

/** An order of one of our runs. */
export function isOurs(order: { readonly clientOrderId: string }): boolean {
  return order.clientOrderId.startsWith(ID_FAMILY);
}

/** Lots of the others by price. */
function othersOf(market: EngineMarket, side: BookSide): Map<number, number> {
  const levels = new Map<number, number>();
  for (const order of market.book.orders(side)) {
    if (isOurs(order)) continue;
    levels.set(order.price, (levels.get(order.price) ?? 0) + order.remaining);
  }
  return levels;
}
