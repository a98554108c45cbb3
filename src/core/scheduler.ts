/**
 * Time as a thing that is passed in. Code that must wait asks a `Scheduler`; a program gives it the
 * machine's clock, a simulation gives it `SimulatedScheduler`, whose time stands still between
 * callbacks, so that whole systems run in one process with the same result each time.
 */
import { assert } from "./assert.ts";
import type { TimestampUs } from "./units.ts";

export interface Scheduler {
  /** Microseconds since 1970. May be set back by the machine's owner; never use it for waiting. */
  nowUs(): TimestampUs;
  /** Runs `callback` once, `delayUs` from now at the earliest; returns what calls it off. */
  after(delayUs: number, callback: () => void): () => void;
}

interface Entry {
  readonly atUs: number;
  /** Order of arrangement: of two entries at one time, the one arranged first runs first. */
  readonly order: number;
  callback: (() => void) | null;
}

/** Time that moves only by `advanceTo` and `runNext`. Entries run by time, then by arrangement. */
export class SimulatedScheduler implements Scheduler {
  #nowUs: number;
  #orders = 0;
  /** A binary heap: the earliest entry first. */
  readonly #heap: Entry[] = [];

  constructor(startUs: TimestampUs) {
    this.#nowUs = startUs;
  }

  nowUs(): TimestampUs {
    return this.#nowUs as TimestampUs;
  }

  after(delayUs: number, callback: () => void): () => void {
    assert(delayUs >= 0, "nothing is arranged in the past");
    const atUs = this.#nowUs + Math.ceil(delayUs);
    const entry: Entry = { atUs, order: this.#orders++, callback };
    this.#insert(entry);
    return () => {
      entry.callback = null;
    };
  }

  /** Time of the next entry, null where nothing is arranged. */
  nextUs(): number | null {
    while (this.#heap.length > 0 && this.#heap[0]?.callback === null) this.#removeFirst();
    return this.#heap[0]?.atUs ?? null;
  }

  /** Moves to the next entry and runs it; false where nothing is arranged. */
  runNext(): boolean {
    const atUs = this.nextUs();
    if (atUs === null) return false;
    const entry = this.#removeFirst();
    this.#nowUs = Math.max(this.#nowUs, atUs);
    const callback = entry?.callback;
    if (entry !== undefined) entry.callback = null;
    callback?.();
    return true;
  }

  /** Runs all that falls due until `atUs`, and what that arranges until then; ends at `atUs`. */
  advanceTo(atUs: number): void {
    assert(atUs >= this.#nowUs, "time does not run back");
    for (let next = this.nextUs(); next !== null && next <= atUs; next = this.nextUs()) {
      this.runNext();
    }
    this.#nowUs = atUs;
  }

  #insert(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #removeFirst(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      const right = heap[child + 1];
      if (left === undefined) break;
      const smaller = right !== undefined && isBefore(right, left) ? right : left;
      if (smaller === right) child += 1;
      if (isBefore(last, smaller)) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
