/**
 * Where the mid has been: the mid in force at past moments, its range over the last minute and the
 * deviation of its changes from second to second. Mids are integers here (bid + ask in centi-cents,
 * twice the mid), so sums of squares are exact and the order of adding cannot matter.
 *
 * A mid is in force from its own change up to the next one. Time passed in never decreases.
 */
import { US_PER_SECOND } from "../core/index.ts";
import { grown } from "./event-windows.ts";
import { FEATURE_CONSTANTS } from "./feature-schema.ts";

const WINDOW_US = FEATURE_CONSTANTS.window_s * US_PER_SECOND;
const LONG_WINDOW_US = FEATURE_CONSTANTS.long_window_s * US_PER_SECOND;
const FIRST_CAPACITY = 256;

/** The mid in force 60 and 600 seconds ago; before the first change, the first mid. */
export class MidHistory {
  #times = new Float64Array(FIRST_CAPACITY);
  #mids = new Float64Array(FIRST_CAPACITY);
  #head = 0;
  /** Positions of the mids in force when the two windows open. */
  #minute = 0;
  #long = 0;

  restart(atUs: number, mid2: number): void {
    this.#times[0] = atUs;
    this.#mids[0] = mid2;
    this.#head = 1;
    this.#minute = 0;
    this.#long = 0;
  }

  push(atUs: number, mid2: number): void {
    if (this.#head - this.#long === this.#times.length) {
      this.advance(atUs);
      if (this.#head - this.#long === this.#times.length) {
        this.#times = grown(this.#times, this.#long, this.#head);
        this.#mids = grown(this.#mids, this.#long, this.#head);
      }
    }
    const slot = this.#head & (this.#times.length - 1);
    this.#times[slot] = atUs;
    this.#mids[slot] = mid2;
    this.#head += 1;
  }

  advance(nowUs: number): void {
    this.#minute = this.#inForce(this.#minute, nowUs - WINDOW_US);
    this.#long = this.#inForce(this.#long, nowUs - LONG_WINDOW_US);
  }

  minuteAgo(): number {
    return this.#mids[this.#minute & (this.#mids.length - 1)] as number;
  }

  longAgo(): number {
    return this.#mids[this.#long & (this.#mids.length - 1)] as number;
  }

  /** Position, from `from` on, of the last mid that began at or before `atUs`. */
  #inForce(from: number, atUs: number): number {
    const times = this.#times;
    const mask = times.length - 1;
    const last = this.#head - 1;
    let at = from;
    while (at < last && (times[(at + 1) & mask] as number) <= atUs) at += 1;
    return at;
  }
}

/**
 * Highest and lowest mid of the last minute, the one in force when it opens included: a former mid
 * counts as long as its end lies inside. Two deques keep only those that no later one outdoes.
 */
export class MidRange {
  readonly #highest = new EndedMids(1);
  readonly #lowest = new EndedMids(-1);

  restart(): void {
    this.#highest.restart();
    this.#lowest.restart();
  }

  /** `mid2` was in force until `endUs`. */
  push(mid2: number, endUs: number): void {
    this.#highest.push(mid2, endUs);
    this.#lowest.push(mid2, endUs);
  }

  /** Highest minus lowest, `mid2` being in force at `nowUs`. */
  range(mid2: number, nowUs: number): number {
    const open = nowUs - WINDOW_US;
    return this.#highest.extreme(mid2, open) - this.#lowest.extreme(mid2, open);
  }
}

/** A monotone deque: values times `sign` fall from front to back, ends rise. */
class EndedMids {
  readonly #sign: number;
  #values = new Float64Array(FIRST_CAPACITY);
  #ends = new Float64Array(FIRST_CAPACITY);
  #head = 0;
  #tail = 0;

  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  restart(): void {
    this.#head = 0;
    this.#tail = 0;
  }

  push(mid2: number, endUs: number): void {
    const value = mid2 * this.#sign;
    const mask = this.#values.length - 1;
    let head = this.#head;
    while (head > this.#tail && (this.#values[(head - 1) & mask] as number) <= value) head -= 1;
    if (head - this.#tail === this.#values.length) {
      this.#values = grown(this.#values, this.#tail, head);
      this.#ends = grown(this.#ends, this.#tail, head);
    }
    const slot = head & (this.#values.length - 1);
    this.#values[slot] = value;
    this.#ends[slot] = endUs;
    this.#head = head + 1;
  }

  /** The extreme of `mid2` and all that ended after `openUs`. */
  extreme(mid2: number, openUs: number): number {
    const mask = this.#values.length - 1;
    while (this.#tail < this.#head && (this.#ends[this.#tail & mask] as number) <= openUs) {
      this.#tail += 1;
    }
    const value = mid2 * this.#sign;
    if (this.#tail === this.#head) return mid2;
    return Math.max(value, this.#values[this.#tail & mask] as number) * this.#sign;
  }
}

const GRID_CHANGES = FEATURE_CONSTANTS.volatility_window_s;
const GRID_SLOTS = 512;
const GRID_MASK = GRID_SLOTS - 1;
/** d / (d + 0.003) in units of r below: 0.003 dollars are so many half centi-cents. */
const HALF_MID2 = 2 * FEATURE_CONSTANTS.volatility_half_cc;

/**
 * Mids at whole UTC seconds, the newest 301, and the deviation of their 300 differences. A second is
 * entered once it has passed, because events of its very moment may still come.
 */
export class VolatilityGrid {
  readonly #mids = new Float64Array(GRID_SLOTS);
  /** The last whole second entered, and how many mids there are, 301 at most. */
  #second = 0;
  #count = 0;
  /** Sum of the squared differences. */
  #squares = 0;

  /** The book is known from `atUs` on. */
  restart(atUs: number): void {
    this.#second = Math.ceil(atUs / US_PER_SECOND) - 1;
    this.#count = 0;
    this.#squares = 0;
  }

  /** Enters the whole seconds before `atUs`; `mid2` was in force since the last call. */
  advance(atUs: number, mid2: number): void {
    const until = Math.ceil(atUs / US_PER_SECOND) - 1;
    if (until - this.#second > GRID_CHANGES + 1) {
      // So long a silence fills the grid with one mid.
      this.#mids.fill(mid2);
      this.#count = GRID_CHANGES + 1;
      this.#squares = 0;
      this.#second = until;
    }
    while (this.#second < until) {
      if (this.#count > 0) this.#squares += this.#squareTo(mid2);
      if (this.#count > GRID_CHANGES) this.#squares -= this.#oldestSquare();
      else this.#count += 1;
      this.#second += 1;
      this.#mids[this.#second & GRID_MASK] = mid2;
    }
  }

  /** d / (d + 0.003) at `nowUs`, up to which the grid was advanced with `mid2` now in force. */
  regime(nowUs: number, mid2: number): number {
    let changes = this.#count - 1;
    let squares = this.#squares;
    let last = this.#second;
    let newest = this.#mids[last & GRID_MASK] as number;
    if ((last + 1) * US_PER_SECOND === nowUs && changes >= 0) {
      // This very second stands in the grid too, with the mid as it is known by now.
      squares += this.#squareTo(mid2);
      if (changes === GRID_CHANGES) squares -= this.#oldestSquare();
      else changes += 1;
      last += 1;
      newest = mid2;
    }
    if (changes < 2) return 0;
    // The sum of the differences telescopes.
    const sum = newest - (this.#mids[(last - changes) & GRID_MASK] as number);
    const root = Math.sqrt(changes * squares - sum * sum);
    return root / (root + HALF_MID2 * changes);
  }

  #squareTo(mid2: number): number {
    const change = mid2 - (this.#mids[this.#second & GRID_MASK] as number);
    return change * change;
  }

  /** Square of the oldest of 300 differences, which leaves when another comes. */
  #oldestSquare(): number {
    const oldest = this.#second - GRID_CHANGES;
    const mids = this.#mids;
    const change =
      (mids[(oldest + 1) & GRID_MASK] as number) - (mids[oldest & GRID_MASK] as number);
    return change * change;
  }
}
