/**
 * Every mark that a market had, so that one can look up afterwards what it was at a row or a time.
 * A mark is half of best bid and best ask, rounded down to a centi-cent.
 */
import { type CentiCents, ONE_DOLLAR_CC } from "../../core/index.ts";
import type { MarkListener } from "../../strategies/index.ts";

/** The mark of a market whose book was never known. */
const UNKNOWN_MARK = (ONE_DOLLAR_CC / 2) as CentiCents;

export class MarkLog implements MarkListener {
  #count = 0;
  /** Row that brought the mark, its time, the mark; ascending, growing. */
  #rows = new Int32Array(1024);
  #times = new Float64Array(1024);
  #marks = new Uint16Array(1024);

  marked(row: number, atUs: number, mark: CentiCents): void {
    const count = this.#count;
    if (count > 0 && this.#marks[count - 1] === mark) return;
    if (count === this.#rows.length) this.#grow();
    this.#rows[count] = row;
    this.#times[count] = atUs;
    this.#marks[count] = mark;
    this.#count = count + 1;
  }

  /** The mark before tape row `row` happened. */
  before(row: number): CentiCents {
    return this.#markOf(countBelow(this.#rows, this.#count, row) - 1);
  }

  /** The mark after everything with time `atUs` or an earlier one. */
  at(atUs: number): CentiCents {
    // The least double above a whole number of microseconds lies below the next one.
    return this.#markOf(countBelow(this.#times, this.#count, atUs + 0.5) - 1);
  }

  #markOf(index: number): CentiCents {
    return index < 0 ? UNKNOWN_MARK : (this.#marks[index] as CentiCents);
  }

  #grow(): void {
    const length = 2 * this.#rows.length;
    const rows = new Int32Array(length);
    const times = new Float64Array(length);
    const marks = new Uint16Array(length);
    rows.set(this.#rows);
    times.set(this.#times);
    marks.set(this.#marks);
    [this.#rows, this.#times, this.#marks] = [rows, times, marks];
  }
}

/** How many of the first `count` values, which ascend, are below `bound`. */
function countBelow(values: Int32Array | Float64Array, count: number, bound: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
