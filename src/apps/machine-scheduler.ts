/** Time as this machine has it, for programs; everything else is given a `Scheduler`. */
import type { Scheduler, TimestampUs } from "../core/index.ts";

/** The longest wait that a timer of Node takes, in milliseconds. */
const WAIT_MS_MAX = 2_147_483_647;
/** How far the fine clock may be off before it is set anew, in milliseconds. */
const DRIFT_MS_MAX = 20;

/**
 * The machine's clock. Between two looks at the wall clock microseconds come from a clock that only
 * goes forward; it is set anew where both have come apart, as after a sleep of the machine.
 */
export class MachineScheduler implements Scheduler {
  #originMs = Date.now() - performance.now();

  nowUs(): TimestampUs {
    const wallMs = Date.now();
    let nowMs = this.#originMs + performance.now();
    if (Math.abs(wallMs - nowMs) > DRIFT_MS_MAX) {
      this.#originMs = wallMs - performance.now();
      nowMs = wallMs;
    }
    return Math.floor(nowMs * 1_000) as TimestampUs;
  }

  after(delayUs: number, callback: () => void): () => void {
    let delayMs = Math.ceil(delayUs / 1_000);
    let timer: NodeJS.Timeout;
    const arrange = (): void => {
      const part = Math.min(delayMs, WAIT_MS_MAX);
      delayMs -= part;
      timer = setTimeout(delayMs > 0 ? arrange : callback, part);
    };
    arrange();
    return () => {
      clearTimeout(timer);
    };
  }
}
