/**
 * Keeps an exchange's time moving: whenever something is due it is done, even while nobody asks for
 * anything. One entry stands in the scheduler at a time.
 */
import { type Scheduler, type TimestampUs, US_PER_SECOND } from "../../core/index.ts";
import type { LocalExchange } from "../local-exchange.ts";

const STEP_US = US_PER_SECOND;

export class ExchangeDriver {
  readonly #exchange: LocalExchange;
  readonly #scheduler: Scheduler;
  #callOff: (() => void) | null = null;
  #armedUs = Infinity;
  #isStopped = false;

  constructor(exchange: LocalExchange, scheduler: Scheduler) {
    this.#exchange = exchange;
    this.#scheduler = scheduler;
    this.wake();
  }

  /**
   * The present moment, which an exchange never sees go back. One that has more to do than there is time
   * for, or that slept, comes after in steps, so that it answers meanwhile; its clock is late then.
   */
  nowUs(): TimestampUs {
    const heldUs = this.#exchange.nowUs;
    const dueUs = Math.max(this.#exchange.nextUs() ?? Infinity, heldUs);
    const nowUs = Math.max(this.#scheduler.nowUs(), heldUs);
    return Math.min(nowUs, dueUs + STEP_US) as TimestampUs;
  }

  /** Looks anew when something is due; to be called after every request and frame. */
  wake(): void {
    if (this.#isStopped) return;
    const next = this.#exchange.nextUs() ?? Infinity;
    if (next === this.#armedUs) return;
    this.#callOff?.();
    this.#callOff = null;
    this.#armedUs = next;
    if (next === Infinity) return;
    const delayUs = Math.max(0, next - this.#scheduler.nowUs());
    this.#callOff = this.#scheduler.after(delayUs, () => {
      this.#callOff = null;
      this.#armedUs = Infinity;
      this.#exchange.advanceTo(this.nowUs());
      this.wake();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#callOff?.();
  }
}
