/**
 * The shell of a live run: takes inputs as they come, journals them, folds them into the trader,
 * journals what comes of them, and carries it out. Time and timers come from a `Scheduler`, the venue
 * stands behind ports, so that a whole run also goes on inside a test.
 *
 * Nothing is acted on before it is journalled, and nothing is sent before it is. The queue is what the
 * feed holds for its reader, which is bounded and says what it drops; the rest are few.
 */
import {
  clearList,
  type Lots,
  messageOf,
  OperationError,
  type Scheduler,
  US_PER_SECOND,
} from "../core/index.ts";
import type { LiveEntry, LiveInput, LiveOutput } from "../journal/index.ts";
import type { OrderEvent, OrderManager } from "../orders/index.ts";
import { AHEAD_US } from "./live-market.ts";
import type { LiveTrader } from "./live-trader.ts";
import type { LiveEffect } from "./outbox.ts";

/** What the actor asks of the venue beside orders. Answers come back as inputs. */
export interface VenueDesk {
  /** Reads the account; an input `account` or `accountFailed` follows, always. */
  readAccount(): void;
  /** Own orders and fills are read again, and what was missed is told as order events. */
  recover(): void;
  /** Every order of ours is cancelled, whatever else is on its way. */
  cancelAll(): void;
  cancelForeign(orderIds: readonly string[]): void;
  /** What the account holds in each market, for orders that may only reduce it. */
  setPositions(lots: readonly Lots[]): void;
}

/** Where the run is recorded before it goes on. */
export interface RunJournal {
  inputs(entries: readonly LiveEntry[]): void;
  outputs(outputs: readonly LiveOutput[]): void;
}

/** Events that wait for their reader: market news and links. */
export interface NewsSource {
  /** Appends what has come since the last call, oldest first; its number. */
  drain(sink: LiveInput[]): number;
}

export interface ActorOptions {
  readonly trader: LiveTrader;
  readonly journal: RunJournal;
  readonly orders: OrderManager;
  readonly desk: VenueDesk;
  readonly news: NewsSource;
  readonly scheduler: Scheduler;
  /** Told of outputs once they are journalled and carried out: telling may take its time. */
  readonly observers?: readonly ((outputs: readonly LiveOutput[]) => void)[];
  /**
   * The run cannot go on, and cancels have been sent: `JOURNAL_WRITE` where the journal cannot be
   * written, `CLOCK` where the machine's clock was set back.
   */
  readonly onFatal: (error: OperationError) => void;
  /** The run has stopped, with nothing open. */
  readonly onDone: () => void;
}

/** How long messages took, as the actor sees it; see `bench -- live`. */
export interface ActorProbe {
  /** A batch of inputs has been handled: when it was taken, how many, when it was done. */
  batch(takenUs: number, inputs: number, doneUs: number): void;
}

/** A clock that was set back by more would keep ticks away for as long, while orders rest. */
const BACK_US_MAX = 2_000_000;

export class Actor {
  probe: ActorProbe | null = null;
  readonly trader: LiveTrader;
  /** Inputs handled so far. */
  handled = 0;
  /** The largest number of inputs that waited together. */
  mostWaiting = 0;
  /** Seconds whose decisions were left out because the loop was late. */
  ticksMissed = 0;
  readonly #options: ActorOptions;
  readonly #waiting: LiveInput[] = [];
  readonly #entries: LiveEntry[] = [];
  readonly #orderEvents: OrderEvent[] = [];
  readonly #outputs: LiveOutput[] = [];
  readonly #effects: LiveEffect[] = [];
  /** The next whole second at which a decision is due. */
  #nextTickUs = Infinity;
  #latestUs = -Infinity;
  #stopTimer: (() => void) | null = null;
  #isPumping = false;
  #isDue = false;
  #isOver = false;

  constructor(options: ActorOptions) {
    this.#options = options;
    this.trader = options.trader;
  }

  /** Begins the run: ticks, and the command to start. */
  start(by: string): void {
    const nowUs = this.#options.scheduler.nowUs();
    this.#nextTickUs = Math.ceil(nowUs / US_PER_SECOND) * US_PER_SECOND;
    this.#tickLater();
    this.take({ kind: "command", name: "start", by });
  }

  /** Takes an input in. */
  take(input: LiveInput): void {
    this.#waiting.push(input);
    this.pump();
  }

  /** Something waits at the feed or the order manager. */
  pump(): void {
    this.#isDue = true;
    if (this.#isPumping || this.#isOver) return;
    this.#isPumping = true;
    try {
      while (this.#isDue && !this.#isOver) {
        this.#isDue = false;
        this.#round();
      }
    } finally {
      this.#isPumping = false;
    }
  }

  /** Ends at once: no timer is left, and nothing more is handled. */
  close(): void {
    this.#isOver = true;
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #round(): void {
    const takenUs = this.#options.scheduler.nowUs();
    const backUs = this.#latestUs - takenUs;
    if (backUs > BACK_US_MAX) {
      const seconds = Math.round(backUs / US_PER_SECOND);
      const found = `was set back by ${seconds} s; start the run again`;
      this.#giveUp(
        new OperationError("CLOCK", `this machine's clock: expected to go on, ${found}`),
      );
      return;
    }
    this.#latestUs = Math.max(this.#latestUs, takenUs);
    const entries = this.#collect(takenUs);
    if (entries.length === 0) return;
    this.mostWaiting = Math.max(this.mostWaiting, entries.length);
    if (!this.#journal(() => this.#options.journal.inputs(entries))) return;
    for (const entry of entries) this.trader.handle(entry);
    this.handled += entries.length;
    const count = entries.length;
    clearList(entries);
    this.#carryOut();
    this.probe?.batch(takenUs, count, this.#options.scheduler.nowUs());
    if (this.trader.isDone && !this.#isOver) {
      this.close();
      this.#options.onDone();
    }
  }

  /** All that waits, in order: what happened to our orders, what was asked for, then the market. */
  #collect(nowUs: number): LiveEntry[] {
    const { orders, news } = this.#options;
    const entries = this.#entries;
    const events = this.#orderEvents;
    const waiting = this.#waiting;
    // Fills come over the feed as well: draining it is what tells the order manager of them.
    news.drain(waiting);
    if (orders.drain(events) > 0) {
      for (const event of events) entries.push({ atUs: nowUs, input: { kind: "order", event } });
      clearList(events);
    }
    for (const input of waiting) {
      this.#tickBefore(input, nowUs);
      entries.push({ atUs: nowUs, input });
    }
    clearList(waiting);
    this.#tickUntil(nowUs, nowUs);
    return entries;
  }

  /** A message of a later second than the next tick comes after that tick. */
  #tickBefore(input: LiveInput, nowUs: number): void {
    if (input.kind !== "market" || !("stampUs" in input.news)) return;
    const { stampUs } = input.news;
    if (stampUs !== null) this.#tickUntil(Math.min(stampUs - 1, nowUs + AHEAD_US), nowUs);
  }

  /** Whole seconds up to `atUs`; where several have come due at once, only the last is decided on. */
  #tickUntil(atUs: number, nowUs: number): void {
    if (this.#nextTickUs > atUs) return;
    const last = Math.floor(atUs / US_PER_SECOND) * US_PER_SECOND;
    this.ticksMissed += (last - this.#nextTickUs) / US_PER_SECOND;
    this.#entries.push({ atUs: nowUs, input: { kind: "tick", atUs: last } });
    this.#nextTickUs = last + US_PER_SECOND;
  }

  #tickLater(): void {
    const { scheduler } = this.#options;
    const waitUs = Math.max(0, this.#nextTickUs - scheduler.nowUs());
    this.#stopTimer = scheduler.after(waitUs, () => {
      this.pump();
      if (!this.#isOver) this.#tickLater();
    });
  }

  #carryOut(): void {
    const outputs = this.#outputs;
    const effects = this.#effects;
    this.trader.take(outputs, effects);
    if (outputs.length > 0) {
      if (!this.#journal(() => this.#options.journal.outputs(outputs))) return;
    }
    for (const effect of effects) this.#carry(effect);
    if (outputs.length > 0) for (const tell of this.#options.observers ?? []) tell(outputs);
    clearList(outputs);
    clearList(effects);
  }

  #carry(effect: LiveEffect): void {
    const { orders, desk } = this.#options;
    switch (effect.kind) {
      case "submit":
        orders.submit(effect.order);
        break;
      case "amend":
        orders.amend(effect.clientOrderId, effect.price, effect.size);
        break;
      case "cancel":
        orders.cancel(effect.clientOrderId);
        break;
      case "cancel foreign":
        desk.cancelForeign(effect.orderIds);
        break;
      case "positions":
        desk.setPositions(effect.lots);
        break;
      case "ask":
        if (effect.what === "account") desk.readAccount();
        else if (effect.what === "recover") desk.recover();
        else desk.cancelAll();
        break;
    }
  }

  /** Journals; without a journal nothing may be done but cancel what is open. */
  #journal(write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      const what = `the journal: ${messageOf(error)}`;
      this.#giveUp(new OperationError("JOURNAL_WRITE", what, { cause: error }));
      return false;
    }
  }

  #giveUp(error: OperationError): void {
    this.close();
    this.#options.desk.cancelAll();
    this.#options.onFatal(error);
  }
}
