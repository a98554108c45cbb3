/**
 * Asks the venue for what messages have not told. Two occasions: an order owes something, fills that
 * the venue has counted or the cause of its end; and the private channels may have lost messages, so
 * that all own orders have to be looked at.
 *
 * Readings lag behind. What they tell is true all the same, only not all: so an order is asked for
 * until it owes nothing, and own orders are read again until the venue's answers are complete up to
 * `landingUs` after the moment of the first reading, by the venue's own clock.
 */
import type { Prng, Scheduler, TimestampUs } from "../../core/index.ts";
import { backoffUs, type BackoffSettings } from "../backoff.ts";
import { calls, queryTime } from "../rest/calls.ts";
import type { RestClient } from "../rest/rest-client.ts";
import type { VenueOrder } from "../wire/orders.ts";
import type { VenueFill } from "../wire/portfolio.ts";
import type { ManagedOrder } from "./managed-order.ts";

export interface RecoverySettings {
  /** How long messages may be late before the venue is asked. */
  readonly patienceUs: number;
  /** How far answers must be complete beyond the first reading. */
  readonly landingUs: number;
  readonly backoff: BackoffSettings;
}

export const RECOVERY_SETTINGS: RecoverySettings = {
  patienceUs: 2_000_000,
  landingUs: 5_000_000,
  backoff: { firstUs: 500_000, mostUs: 2_000_000 },
};

/** An order that may owe something: fills that the venue has counted, or its end. */
export interface Debtor {
  readonly orderId: string | null;
  readonly isOwing: boolean;
  /** Everything that can be read of it has been: nobody is going to tell more. */
  readonly toldAll?: () => void;
}

/** Where readings go. */
export interface RecoveryHost {
  /** Own orders that have been accepted and have not ended. */
  openOrders(): readonly ManagedOrder[];
  heardOrder(order: VenueOrder): void;
  heardFill(fill: VenueFill): void;
  /** Since when orders may have been created that nobody knows of; null for never. */
  unknownSinceUs(): TimestampUs | null;
  recovered(readings: number, sinceUs: number): void;
}

export interface RecoveryOptions {
  readonly host: RecoveryHost;
  readonly client: RestClient;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly settings: RecoverySettings;
}

interface Round {
  readonly sinceUs: number;
  readings: number;
  /** How complete answers were at the first reading. */
  firstUs: number | null;
  /** Something was lost since: what has been read is not enough. */
  isStale: boolean;
}

const PAGE = 1_000;

export class OrderRecovery {
  readonly #options: RecoveryOptions;
  readonly #prng: Prng;
  readonly #asking = new Set<Debtor>();
  readonly #timers = new Set<() => void>();
  #round: Round | null = null;
  #isClosed = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#prng = options.prng.fork("order recovery");
  }

  /** Orders that owe something. */
  get owing(): number {
    let owing = 0;
    for (const { isOwing } of this.#asking) if (isOwing) owing += 1;
    return owing;
  }

  get isRecovering(): boolean {
    return this.#round !== null;
  }

  /** Asks for an order that owes something, after a while and until it owes nothing. */
  watch(order: Debtor): void {
    if (this.#asking.has(order)) return;
    this.#asking.add(order);
    this.#later(this.#options.settings.patienceUs, () => this.#ask(order, 0));
  }

  /** Asks for an order in doubt, whether it is known to owe anything or not. */
  ask(order: Debtor): void {
    this.#readOrder(order, () => undefined);
  }

  /** Looks at all own orders. */
  recover(): void {
    if (this.#isClosed) return;
    if (this.#round !== null) {
      this.#round.isStale = true;
      return;
    }
    const sinceUs = this.#options.scheduler.nowUs();
    this.#round = { sinceUs, readings: 0, firstUs: null, isStale: false };
    this.#read(this.#round, 0);
  }

  close(): void {
    this.#isClosed = true;
    for (const callOff of this.#timers) callOff();
    this.#timers.clear();
  }

  #ask(order: Debtor, attempt: number): void {
    if (!order.isOwing) {
      this.#asking.delete(order);
      return;
    }
    this.#readOrder(order, (isHeard) => {
      this.#readFills(order, (areHeard) => {
        if (isHeard && areHeard) order.toldAll?.();
        this.#laterBy(attempt, () => this.#ask(order, attempt + 1));
      });
    });
  }

  #readOrder({ orderId }: Debtor, done: (isHeard: boolean) => void): void {
    if (orderId === null) return done(false);
    this.#options.client.send(calls.order(orderId), (answer) => {
      if (this.#isClosed) return;
      if (answer.kind === "ok") this.#options.host.heardOrder(answer.value);
      // One that cannot be read yet, or not any more, keeps nothing from going on.
      done(answer.kind === "ok" || (answer.kind === "refused" && answer.status === 404));
    });
  }

  #readFills({ orderId }: Debtor, done: (areHeard: boolean) => void): void {
    const { client, host } = this.#options;
    if (orderId === null) return done(false);
    client.sendForAll(
      (cursor) => calls.fills({ order_id: orderId, limit: PAGE, cursor }),
      (answer) => {
        if (this.#isClosed) return;
        if (answer.kind === "ok") {
          // The newest stand first.
          for (const fill of [...answer.value].reverse()) host.heardFill(fill);
        }
        done(answer.kind === "ok");
      },
    );
  }

  #read(round: Round, attempt: number): void {
    const { client, settings } = this.#options;
    const again = (): void => {
      const next = round.isStale ? 0 : attempt + 1;
      this.#laterBy(next, () => this.#read(round, next));
    };
    if (round.isStale) {
      round.isStale = false;
      round.firstUs = null;
    }
    // First how complete the answers are, then the answers: they are then at least as complete.
    client.send(calls.userDataTime(), (complete) => {
      if (this.#isClosed) return;
      if (complete.kind !== "ok") return again();
      round.firstUs ??= complete.value;
      const isFinal = complete.value >= round.firstUs + settings.landingUs;
      this.#readAll((isWhole) => {
        round.readings += 1;
        if (!isWhole || !isFinal || round.isStale) return again();
        this.#round = null;
        this.#options.host.recovered(round.readings, round.sinceUs);
      });
    });
  }

  /** Reads what rests, and each own order that should rest and does not. */
  #readAll(done: (isWhole: boolean) => void): void {
    const { client, host } = this.#options;
    const expected = host.openOrders();
    client.sendForAll(
      (cursor) => calls.orders({ status: "resting", limit: PAGE, cursor }),
      (answer) => {
        if (this.#isClosed) return;
        if (answer.kind !== "ok") return done(false);
        for (const order of answer.value) host.heardOrder(order);
        const resting = new Set(answer.value.map(({ orderId }) => orderId));
        const missing = expected.filter(
          ({ track }) => track.isOpen && !resting.has(track.orderId ?? ""),
        );
        let left = missing.length + 1;
        let isWhole = true;
        const heard = (isHeard: boolean): void => {
          isWhole &&= isHeard;
          if (--left === 0) done(isWhole);
        };
        this.#readUnknown(heard);
        for (const order of missing) this.#readOrder(order, heard);
      },
    );
  }

  /** Reads orders of any state, so that those are seen that came to be and ended unheard. */
  #readUnknown(done: (areHeard: boolean) => void): void {
    const { client, host } = this.#options;
    const sinceUs = host.unknownSinceUs();
    if (sinceUs === null) return done(true);
    client.sendForAll(
      (cursor) => calls.orders({ min_ts: queryTime(sinceUs), limit: PAGE, cursor }),
      (answer) => {
        if (this.#isClosed) return;
        if (answer.kind === "ok") for (const order of answer.value) host.heardOrder(order);
        done(answer.kind === "ok");
      },
    );
  }

  #laterBy(attempt: number, act: () => void): void {
    this.#later(backoffUs(this.#options.settings.backoff, attempt, this.#prng), act);
  }

  #later(delayUs: number, act: () => void): void {
    if (this.#isClosed) return;
    const callOff = this.#options.scheduler.after(delayUs, () => {
      this.#timers.delete(callOff);
      act();
    });
    this.#timers.add(callOff);
  }
}
