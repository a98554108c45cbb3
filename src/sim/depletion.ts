/**
 * What our aggressive orders took from the recorded book, and how long it stays taken.
 *
 * In our world the lots that we took are gone from the front of their level, while the recording
 * still has them. So a level gives `recorded - taken`, for as long as the recording keeps the lots
 * that we took. Three kinds of lots stand at a level in the recording: those we took, those that we
 * left standing when we last took, and those that arrived since. A recorded trade takes what we left
 * and then what arrived since; in our world its taker had to go on to these. A cancel of an order
 * that was there when we took counts against what we left first, and then against what we took. One
 * that is attributed to nobody comes from behind. A level never has more taken than stands there, and
 * a snapshot shows a new book.
 */
import type { BookSide } from "../market/index.ts";

/** Place of the level (side and tick), lots taken, lots left then, and the next row then. */
type DepletedLevel = readonly [at: number, taken: number, left: number, row: number];
export type DepletionState = readonly DepletedLevel[];

export class Depletion {
  /** Levels from which something is taken; nothing else here need be asked while it is 0. */
  levels = 0;
  readonly #ticks: number;
  /** By side and tick: lots taken, lots left standing at that time, and the next row then. */
  readonly #taken: Float64Array;
  readonly #left: Float64Array;
  readonly #row: Int32Array;

  constructor(ticks: number) {
    this.#ticks = ticks;
    this.#taken = new Float64Array(2 * ticks);
    this.#left = new Float64Array(2 * ticks);
    this.#row = new Int32Array(2 * ticks);
  }

  /** Lots that may still be taken where `recorded` lots stand. */
  available(side: BookSide, tick: number, recorded: number): number {
    return recorded - (this.#taken[side * this.#ticks + tick] as number);
  }

  /** Takes `size` lots where `recorded` stand; rows from `row` on are still to happen. */
  take(side: BookSide, tick: number, size: number, recorded: number, row: number): void {
    const at = side * this.#ticks + tick;
    const before = this.#taken[at] as number;
    if (before === 0) this.levels += 1;
    this.#taken[at] = before + size;
    this.#left[at] = recorded - before - size;
    this.#row[at] = row;
  }

  /** A recorded trade has taken `size` lots, after which `recorded` stand. */
  traded(side: BookSide, tick: number, size: number, recorded: number): void {
    const at = side * this.#ticks + tick;
    if (this.#taken[at] === 0) return;
    this.#left[at] = Math.max(0, (this.#left[at] as number) - size);
    this.#fit(at, recorded);
  }

  /** `size` lots of the order that arrived at row `whose`, or -1, were cancelled. */
  cancelled(side: BookSide, tick: number, size: number, whose: number, recorded: number): void {
    const at = side * this.#ticks + tick;
    if (this.#taken[at] === 0) return;
    if (whose >= 0 && whose < (this.#row[at] as number)) {
      const left = this.#left[at] as number;
      this.#left[at] = Math.max(0, left - size);
      if (size > left) this.#taken[at] = Math.max(0, (this.#taken[at] as number) - size + left);
    }
    this.#fit(at, recorded);
  }

  /** The levels from which something is taken. */
  save(): DepletionState {
    const levels: DepletedLevel[] = [];
    if (this.levels === 0) return levels;
    for (let at = 0; at < this.#taken.length; at++) {
      const taken = this.#taken[at] as number;
      if (taken === 0) continue;
      levels.push([at, taken, this.#left[at] as number, this.#row[at] as number]);
    }
    return levels;
  }

  restore(state: DepletionState): void {
    this.clear();
    for (const [at, taken, left, row] of state) {
      this.#taken[at] = taken;
      this.#left[at] = left;
      this.#row[at] = row;
    }
    this.levels = state.length;
  }

  clear(): void {
    if (this.levels === 0) return;
    this.#taken.fill(0);
    this.levels = 0;
  }

  #fit(at: number, recorded: number): void {
    const taken = Math.min(this.#taken[at] as number, recorded);
    this.#taken[at] = taken;
    this.#left[at] = Math.min(this.#left[at] as number, recorded - taken);
    if (taken === 0) this.levels -= 1;
  }
}
