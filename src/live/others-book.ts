/**
 * One market's book without our own orders. Recordings know nothing of us, and a policy is to see
 * live what it saw in training: so what we rest, and what is taken of it, is left out of the changes
 * that go on to the encoder.
 *
 * The venue's messages about the book, our orders and our fills come in any order, so each level
 * keeps what is settled and what is still to come:
 *   shown     lots the venue shows, ours among them
 *   own       ours of these, as far as the book's messages have told of them
 *   awaited   of ours that have filled, while the book has not yet said so
 *   untold    taken from a level with orders of ours, while no fill has yet said whose they were
 * Others have shown - awaited - own, never less than nothing. A delta that comes before its fill is
 * laid to the others' account and given back when the fill comes: for a moment the others seem fewer.
 */
import { type CentiCents, type Lots } from "../core/index.ts";
import { BookSide, type PriceGrid, type SnapshotLevel } from "../market/index.ts";
import type { Order } from "../orders/index.ts";

/** Told of each change of the others' level, signed. */
export type OthersChange = (side: BookSide, price: CentiCents, change: Lots) => void;

/** An order of ours that rests in the market. */
export interface OwnResting {
  readonly side: BookSide;
  readonly price: CentiCents;
  readonly remaining: Lots;
}

export function restingOf({ request, price, size, filled }: Order): OwnResting {
  return { side: request.side, price, remaining: (size - filled) as Lots };
}

export class OthersBook {
  readonly #grid: PriceGrid;
  /** By side and tick. [2 x ticks] */
  readonly #shown: Float64Array;
  readonly #own: Float64Array;
  readonly #awaited: Float64Array;
  readonly #untold: Float64Array;
  readonly #others: Float64Array;

  constructor(grid: PriceGrid) {
    const levels = 2 * grid.count;
    this.#grid = grid;
    this.#shown = new Float64Array(levels);
    this.#own = new Float64Array(levels);
    this.#awaited = new Float64Array(levels);
    this.#untold = new Float64Array(levels);
    this.#others = new Float64Array(levels);
  }

  /** A delta of the venue; `isOwn` where it says that an order of ours caused it. */
  delta(side: BookSide, price: CentiCents, change: Lots, isOwn: boolean, told: OthersChange): void {
    const at = this.#place(side, price);
    const own = this.#own[at] as number;
    this.#shown[at] = Math.max(0, (this.#shown[at] as number) + change);
    if (isOwn) {
      // Our own taking from others changes a level where we have less than what went.
      this.#own[at] = Math.max(0, own + change);
    } else if (change < 0) {
      const awaited = this.#awaited[at] as number;
      const explained = Math.min(awaited, -change);
      this.#awaited[at] = awaited - explained;
      if (own > 0) this.#untold[at] = (this.#untold[at] as number) - change - explained;
    }
    this.#tell(at, side, price, told);
  }

  /** An order of ours that rested was filled. */
  filled(side: BookSide, price: CentiCents, size: Lots, told: OthersChange): void {
    const at = this.#place(side, price);
    const own = this.#own[at] as number;
    // What the book never said we had, it will not say that it is gone.
    const known = Math.min(own, size);
    const untold = this.#untold[at] as number;
    const explained = Math.min(untold, known);
    this.#own[at] = own - known;
    this.#untold[at] = untold - explained;
    this.#awaited[at] = (this.#awaited[at] as number) + known - explained;
    this.#tell(at, side, price, told);
  }

  /** A whole book of the venue, and what we have resting by now: the others' levels. */
  snapshot(levels: readonly SnapshotLevel[], resting: readonly OwnResting[]): SnapshotLevel[] {
    this.#shown.fill(0);
    this.#own.fill(0);
    this.#awaited.fill(0);
    this.#untold.fill(0);
    this.#others.fill(0);
    for (const { side, priceCc, size } of levels) {
      this.#shown[this.#place(side, priceCc as CentiCents)] = size;
    }
    for (const { side, price, remaining } of resting) {
      const at = this.#place(side, price);
      this.#own[at] = Math.min(this.#shown[at] as number, (this.#own[at] as number) + remaining);
    }
    const others: SnapshotLevel[] = [];
    for (const { side, priceCc } of levels) {
      const at = this.#place(side, priceCc as CentiCents);
      const size = (this.#shown[at] as number) - (this.#own[at] as number);
      this.#others[at] = size;
      if (size > 0) others.push({ side, priceCc, size });
    }
    return others;
  }

  /**
   * Takes our resting orders for what is ours in the book; for a moment at which nothing of ours is on
   * its way. Mends what lost or unmarked messages have left behind.
   */
  settle(resting: readonly OwnResting[], told: OthersChange): void {
    const wanted = new Map<number, number>();
    for (const { side, price, remaining } of resting) {
      const at = this.#place(side, price);
      wanted.set(at, (wanted.get(at) ?? 0) + remaining);
    }
    const { count, prices } = this.#grid;
    for (let at = 0; at < 2 * count; at++) {
      const own = Math.min(this.#shown[at] as number, wanted.get(at) ?? 0);
      const isSettled = this.#own[at] === own && this.#awaited[at] === 0 && this.#untold[at] === 0;
      if (isSettled) continue;
      this.#own[at] = own;
      this.#awaited[at] = 0;
      this.#untold[at] = 0;
      const isBid = at < count;
      const side = isBid ? BookSide.bid : BookSide.ask;
      this.#tell(at, side, prices[isBid ? at : at - count] as CentiCents, told);
    }
  }

  #place(side: BookSide, price: CentiCents): number {
    return (this.#grid.ticks[price] as number) + (side === BookSide.bid ? 0 : this.#grid.count);
  }

  #tell(at: number, side: BookSide, price: CentiCents, told: OthersChange): void {
    const hidden = (this.#awaited[at] as number) + (this.#own[at] as number);
    const now = Math.max(0, (this.#shown[at] as number) - hidden);
    const before = this.#others[at] as number;
    if (now === before) return;
    this.#others[at] = now;
    told(side, price, (now - before) as Lots);
  }
}
