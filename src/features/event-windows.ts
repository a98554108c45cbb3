/**
 * What happened in the last minutes: counts over sliding windows (now - W, now] of event time, exact
 * to the microsecond. Events lie in growing rings; each window is a pointer into its ring that only
 * moves forward, so an event is passed once per window and costs amortised constant time. Nothing is
 * allocated but the doubling of a ring. Times passed in never decrease; the encoder asserts that.
 */
import { US_PER_SECOND } from "../core/index.ts";
import { FEATURE_CONSTANTS } from "./feature-schema.ts";

const WINDOW_S = FEATURE_CONSTANTS.window_s;
const WINDOW_US = WINDOW_S * US_PER_SECOND;
const FIRST_CAPACITY = 256;
/** Whole seconds remembered for persistence: the 61 that a minute can touch, as a power of two. */
const SECOND_SLOTS = 64;

/** Times of book changes. */
export class ChangeWindow {
  #times = new Float64Array(FIRST_CAPACITY);
  /** Positions count all pushes; a ring's slot is the position modulo its length. */
  #head = 0;
  #recentTail = 0;
  #earlierTail = 0;
  /** Whole seconds (s - 1, s] with a change, oldest first; a ring of its own. */
  readonly #seconds = new Float64Array(SECOND_SLOTS);
  #secondHead = 0;
  #secondTail = 0;
  /** First and last change in each such second, at slot s modulo 64. */
  readonly #first = new Float64Array(SECOND_SLOTS).fill(-Infinity);
  readonly #last = new Float64Array(SECOND_SLOTS).fill(-Infinity);

  restart(): void {
    this.#head = 0;
    this.#recentTail = 0;
    this.#earlierTail = 0;
    this.#secondHead = 0;
    this.#secondTail = 0;
    this.#first.fill(-Infinity);
    this.#last.fill(-Infinity);
  }

  push(atUs: number): void {
    if (this.#head - this.#earlierTail === this.#times.length) {
      this.advance(atUs);
      if (this.#head - this.#earlierTail === this.#times.length) {
        this.#times = grown(this.#times, this.#earlierTail, this.#head);
      }
    }
    this.#times[this.#head & (this.#times.length - 1)] = atUs;
    this.#head += 1;
    const second = Math.ceil(atUs / US_PER_SECOND);
    const slot = second & (SECOND_SLOTS - 1);
    if ((this.#last[slot] as number) <= (second - 1) * US_PER_SECOND) {
      this.#first[slot] = atUs;
      this.#dropSeconds(second);
      this.#seconds[this.#secondHead & (SECOND_SLOTS - 1)] = second;
      this.#secondHead += 1;
    }
    this.#last[slot] = atUs;
  }

  /** Moves both windows up to `nowUs`. */
  advance(nowUs: number): void {
    const times = this.#times;
    const mask = times.length - 1;
    const head = this.#head;
    const open = nowUs - WINDOW_US;
    let tail = this.#recentTail;
    while (tail < head && (times[tail & mask] as number) <= open) tail += 1;
    this.#recentTail = tail;
    const earlierOpen = open - WINDOW_US;
    tail = this.#earlierTail;
    while (tail < head && (times[tail & mask] as number) <= earlierOpen) tail += 1;
    this.#earlierTail = tail;
  }

  /** Changes in the minute that ends now. */
  recent(): number {
    return this.#head - this.#recentTail;
  }

  /** Changes in the minute before that one. */
  earlier(): number {
    return this.#recentTail - this.#earlierTail;
  }

  /** How many of the seconds (now - k - 1, now - k], k from 0 to 59, saw a change. */
  activeSeconds(nowUs: number): number {
    const second = Math.ceil(nowUs / US_PER_SECOND);
    if (second * US_PER_SECOND !== nowUs) return this.#activeBetween(nowUs, second);
    this.#dropSeconds(second);
    return this.#secondHead - this.#secondTail;
  }

  /**
   * The same where now is no whole second: then each of the seconds is the end of one whole second
   * and the start of the next, so the last change of the one and the first of the other decide.
   */
  #activeBetween(nowUs: number, ceiling: number): number {
    const first = this.#first;
    const last = this.#last;
    let second = ceiling;
    let to = nowUs;
    let count = 0;
    let newest = first[second & (SECOND_SLOTS - 1)] as number;
    for (let k = 0; k < WINDOW_S; k++) {
      const from = to - US_PER_SECOND;
      second -= 1;
      const slot = second & (SECOND_SLOTS - 1);
      const end = last[slot] as number;
      if ((newest > from && newest <= to) || (end > from && end <= to)) count += 1;
      newest = first[slot] as number;
      to = from;
    }
    return count;
  }

  /** Drops the whole seconds that are a minute old when `second` ends. */
  #dropSeconds(second: number): void {
    let tail = this.#secondTail;
    const seconds = this.#seconds;
    const open = second - WINDOW_S;
    while (tail < this.#secondHead && (seconds[tail & (SECOND_SLOTS - 1)] as number) <= open) {
      tail += 1;
    }
    this.#secondTail = tail;
  }
}

/** Lots traded in the minute that ends now, by who took them. */
export class TradeWindow {
  #times = new Float64Array(FIRST_CAPACITY);
  /** Lots, positive where a YES buyer took them. */
  #signed = new Float64Array(FIRST_CAPACITY);
  #head = 0;
  #tail = 0;
  /** Lots taken by YES buyers, and by NO buyers. */
  yesLots = 0;
  noLots = 0;

  restart(): void {
    this.#head = 0;
    this.#tail = 0;
    this.yesLots = 0;
    this.noLots = 0;
  }

  push(atUs: number, lots: number, byYesBuyer: boolean): void {
    if (this.#head - this.#tail === this.#times.length) {
      this.advance(atUs);
      if (this.#head - this.#tail === this.#times.length) {
        this.#times = grown(this.#times, this.#tail, this.#head);
        this.#signed = grown(this.#signed, this.#tail, this.#head);
      }
    }
    const slot = this.#head & (this.#times.length - 1);
    this.#times[slot] = atUs;
    this.#signed[slot] = byYesBuyer ? lots : -lots;
    this.#head += 1;
    if (byYesBuyer) this.yesLots += lots;
    else this.noLots += lots;
  }

  /** Drops what is a minute old by `nowUs`. */
  advance(nowUs: number): void {
    const times = this.#times;
    const mask = times.length - 1;
    const open = nowUs - WINDOW_US;
    while (this.#tail < this.#head && (times[this.#tail & mask] as number) <= open) {
      const signed = this.#signed[this.#tail & mask] as number;
      if (signed > 0) this.yesLots -= signed;
      else this.noLots += signed;
      this.#tail += 1;
    }
  }
}

/** A ring of twice the length, holding positions `from` up to `to` of `ring`. */
export function grown(
  ring: Float64Array<ArrayBuffer>,
  from: number,
  to: number,
): Float64Array<ArrayBuffer> {
  const bigger = new Float64Array(ring.length * 2);
  for (let at = from; at < to; at++) {
    bigger[at & (bigger.length - 1)] = ring[at & (ring.length - 1)] as number;
  }
  return bigger;
}
