/**
 * One of the two queues of requests, reads and writes: who goes next, and when. A request goes when
 * the bucket has its tokens, no pause is on, and not too many are on their way. Cancels go before
 * others, and others leave some tokens for them, so that orders can be cancelled in the worst hour.
 */
import type { Scheduler } from "../../core/index.ts";
import type { BucketLimit } from "../wire/account.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface LaneSettings {
  readonly inFlightMax: number;
  /** Share of the bucket, in percent, that only urgent requests may use. */
  readonly urgentPercent: number;
}

interface Entry {
  readonly cost: number;
  readonly isUrgent: boolean;
  readonly run: () => void;
  readonly giveUp: (reason: string) => void;
  readonly callOffWait: () => void;
}

export interface LaneRequest {
  readonly cost: number;
  readonly isUrgent: boolean;
  /** Given up when it has waited that long. */
  readonly waitUsMax: number;
  /** Sends it; `leave` is to be called when it has ended. */
  readonly run: () => void;
  readonly giveUp: (reason: string) => void;
}

export class Lane {
  readonly #scheduler: Scheduler;
  readonly #settings: LaneSettings;
  readonly #bucket: TokenBucket;
  readonly #urgent: Entry[] = [];
  readonly #others: Entry[] = [];
  #inFlight = 0;
  #pausedUntilUs = -Infinity;
  #wake: (() => void) | null = null;

  constructor(scheduler: Scheduler, settings: LaneSettings, limit: BucketLimit) {
    this.#scheduler = scheduler;
    this.#settings = settings;
    this.#bucket = new TokenBucket(limit, scheduler.nowUs());
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#urgent.length + this.#others.length;
  }

  tokens(): number {
    return this.#bucket.tokens(this.#scheduler.nowUs());
  }

  setLimit(limit: BucketLimit): void {
    this.#bucket.setLimit(limit, this.#scheduler.nowUs());
    this.#pump();
  }

  /** The venue refused for want of tokens: none are left, and nothing goes for `forUs`. */
  pause(forUs: number): void {
    const nowUs = this.#scheduler.nowUs();
    this.#bucket.empty(nowUs);
    this.#pausedUntilUs = nowUs + forUs;
  }

  enter(request: LaneRequest): void {
    const { cost, isUrgent, waitUsMax, run, giveUp } = request;
    const queue = isUrgent ? this.#urgent : this.#others;
    const callOffWait = this.#scheduler.after(waitUsMax, () => {
      const at = queue.indexOf(entry);
      if (at === -1) return;
      queue.splice(at, 1);
      giveUp("it would have waited too long for the rate limit; it was not sent");
    });
    const entry: Entry = { cost, isUrgent, run, giveUp, callOffWait };
    queue.push(entry);
    this.#pump();
  }

  /** A request that was run has ended. */
  leave(): void {
    this.#inFlight -= 1;
    this.#pump();
  }

  /** Gives up all that waits. */
  clear(reason: string): void {
    this.#wake?.();
    this.#wake = null;
    for (const entry of [...this.#urgent.splice(0), ...this.#others.splice(0)]) {
      entry.callOffWait();
      entry.giveUp(reason);
    }
  }

  #pump(): void {
    this.#wake?.();
    this.#wake = null;
    while (this.#inFlight < this.#settings.inFlightMax) {
      const entry = this.#urgent[0] ?? this.#others[0];
      if (entry === undefined) return;
      const waitUs = this.#waitUs(entry);
      if (waitUs > 0 && waitUs < Infinity) {
        this.#wake = this.#scheduler.after(waitUs, () => {
          this.#wake = null;
          this.#pump();
        });
        return;
      }
      (entry.isUrgent ? this.#urgent : this.#others).shift();
      entry.callOffWait();
      if (waitUs === Infinity) {
        const capacity = this.#bucket.capacity;
        entry.giveUp(`it costs ${entry.cost} tokens, and the account's bucket holds ${capacity}`);
        continue;
      }
      this.#bucket.take(entry.cost, this.#scheduler.nowUs());
      this.#inFlight += 1;
      entry.run();
    }
  }

  #waitUs(entry: Entry): number {
    const nowUs = this.#scheduler.nowUs();
    const paused = Math.max(0, this.#pausedUntilUs - nowUs);
    const capacity = this.#bucket.capacity;
    // What is too large to leave the reserve may still go when the bucket is full.
    const reserve = entry.isUrgent
      ? 0
      : Math.min(
          Math.floor((capacity * this.#settings.urgentPercent) / 100),
          Math.max(0, capacity - entry.cost),
        );
    return Math.max(paused, this.#bucket.waitUs(entry.cost + reserve, nowUs));
  }
}
