/**
 * Keeps an exchange's time moving: whenever something is due it is done, even while nobody asks for
 * anything. One entry stands in the scheduler at a time.
 */
import type { Scheduler, TimestampUs } from "../../core/index.ts";
import type { LocalExchange } from "../local-exchange.ts";

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

  /** The present moment, which an exchange never sees go back. */
  nowUs(): TimestampUs {
    return Math.max(this.#scheduler.nowUs(), this.#exchange.nowUs) as TimestampUs;
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
