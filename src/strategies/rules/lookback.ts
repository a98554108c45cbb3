/** Marks of the last seconds of one market, one a second, in constant memory and time. */
import { US_PER_SECOND } from "../../core/index.ts";

export class Lookback {
  /** First mark of each of the last seconds, by second modulo its length; -1 where none was seen. */
  readonly #marks: Float64Array;
  /** The last second seen. */
  #last = -Infinity;
  #sum = 0;
  #count = 0;

  /** Looks back `seconds`. */
  constructor(seconds: number) {
    this.#marks = new Float64Array(seconds + 1).fill(-1);
  }

  push(atUs: number, mark: number): void {
    const second = Math.floor(atUs / US_PER_SECOND);
    if (second === this.#last) return;
    const length = this.#marks.length;
    // Seconds that were not seen are forgotten, as are those that are too old.
    const from = Math.max(this.#last + 1, second - length + 1);
    for (let each = from; each <= second; each++) this.#forget(each % length);
    this.#marks[second % length] = mark;
    this.#sum += mark;
    this.#count += 1;
    this.#last = second;
  }

  /** The mark as it was so many seconds before the last one; null where none was seen then. */
  ago(): number | null {
    // The place behind the newest is that of the oldest.
    const mark = this.#marks[(this.#last + 1) % this.#marks.length];
    return mark === undefined || mark < 0 ? null : mark;
  }

  /** The mean of what is looked back on, rounded down; null until that is all of it. */
  mean(): number | null {
    return this.ago() === null ? null : Math.floor(this.#sum / this.#count);
  }

  #forget(place: number): void {
    const mark = this.#marks[place] as number;
    if (mark < 0) return;
    this.#sum -= mark;
    this.#count -= 1;
    this.#marks[place] = -1;
  }
}
