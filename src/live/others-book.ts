/**
 * One market's book without our own orders. Recordings know nothing of us, and a policy is to see
 * live what it saw in training: so what we rest, and what is taken of it, is left out of the changes
 * that go on to the encoder.
 *
 * The venue's messages about the book, our orders and our fills come in any order, so each level
 * keeps what is settled and what is still to come:
 *   shown     lots the venue shows, ours among them
 *   own       ours of these, as far as the book's messages have told of them
 *   awaited   fills of ours whose delta has not come yet, and what of them is still shown
 *   untold    taken from a level with orders of ours, while no fill has yet said whose they were
 * Others have shown - own - what of the awaited is shown, never less than nothing. A fill is one delta of
 * its size, and is known by it. A delta that comes before its fill is laid to the others' account and
 * given back when the fill comes: for a moment the others seem fewer.
 */
import { type CentiCents, type Lots } from "../core/index.ts";
import { BookSide, type PriceGrid, type SnapshotLevel } from "../market/index.ts";
import type { MarketNews } from "../journal/index.ts";
import type { Order } from "../orders/index.ts";

type BookDelta = Pick<Extract<MarketNews, { kind: "delta" }>, "side" | "price" | "change" | "own">;

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

interface AwaitedFill {
  size: number;
  /** Of it, what stands in the book as far as the book has told. */
  shown: number;
  readonly atUs: number;
}

interface UntoldDelta {
  readonly size: number;
  readonly atUs: number;
}

/** A fill that comes later than this after its delta is not known by it. */
const UNTOLD_US = 1_000_000;

export class OthersBook {
  readonly #grid: PriceGrid;
  /** By side and tick. [2 x ticks] */
  readonly #shown: Float64Array;
  readonly #own: Float64Array;
  readonly #others: Float64Array;
  /** By place, oldest first; places without any are left out. */
  readonly #awaited = new Map<number, AwaitedFill[]>();
  readonly #untold = new Map<number, UntoldDelta[]>();

  constructor(grid: PriceGrid) {
    const levels = 2 * grid.count;
    this.#grid = grid;
    this.#shown = new Float64Array(levels);
    this.#own = new Float64Array(levels);
    this.#others = new Float64Array(levels);
  }

  /** A delta of the venue; `isOwn` where it says that an order of ours caused it. */
  delta({ side, price, change, own: isOwn }: BookDelta, nowUs: number, told: OthersChange): void {
    const at = this.#place(side, price);
    this.#giveUp(at, nowUs - UNTOLD_US);
    const own = this.#own[at] as number;
    this.#shown[at] = Math.max(0, (this.#shown[at] as number) + change);
    if (isOwn && change > 0) this.#own[at] = own + this.#shownNow(at, change);
    // Our own taking from others changes a level where we have less than what went.
    else if (isOwn) this.#leave(at, -change);
    else if (change < 0) this.#gone(at, -change, nowUs);
    this.#tell(at, side, price, told);
  }

  /** An order of ours was filled, of which so much rested. */
  filled({ side, price, remaining: size }: OwnResting, nowUs: number, told: OthersChange): void {
    const at = this.#place(side, price);
    this.#giveUp(at, nowUs - UNTOLD_US);
    const own = this.#own[at] as number;
    // The book may not have told yet that we stand there.
    const shown = Math.min(own, size);
    this.#own[at] = own - shown;
    const untold = this.#untoldSince(at, nowUs - UNTOLD_US);
    const known = own < size ? -1 : untold.findIndex((delta) => delta.size === size);
    if (known >= 0) untold.splice(known, 1);
    else this.#awaited.set(at, [...(this.#awaited.get(at) ?? []), { size, shown, atUs: nowUs }]);
    this.#tell(at, side, price, told);
  }

  /** A whole book of the venue, and what we have resting by now: the others' levels. */
  snapshot(levels: readonly SnapshotLevel[], resting: readonly OwnResting[]): SnapshotLevel[] {
    this.#shown.fill(0);
    this.#own.fill(0);
    this.#others.fill(0);
    this.#awaited.clear();
    this.#untold.clear();
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
      this.#untold.delete(at);
      if (!this.#awaited.delete(at) && this.#own[at] === own) continue;
      this.#own[at] = own;
      const isBid = at < count;
      const side = isBid ? BookSide.bid : BookSide.ask;
      this.#tell(at, side, prices[isBid ? at : at - count] as CentiCents, told);
    }
  }

  /** Lots that went without a word of who had them: of a fill we know, of others, or not known yet. */
  #gone(at: number, size: number, nowUs: number): void {
    const awaited = this.#awaited.get(at) ?? [];
    const known = awaited.findIndex((fill) => fill.size === size && fill.shown === size);
    if (known >= 0) awaited.splice(known, 1);
    else {
      // More than the others have: the rest was ours.
      let rest = Math.max(0, size - (this.#others[at] as number));
      for (const fill of awaited) {
        const part = Math.min(rest, fill.shown);
        fill.size -= part;
        fill.shown -= part;
        rest -= part;
      }
      if ((this.#own[at] as number) > 0) {
        const untold = this.#untoldSince(at, nowUs - UNTOLD_US);
        untold.push({ size, atUs: nowUs });
        this.#untold.set(at, untold);
      }
    }
    if (awaited.length === 0) this.#awaited.delete(at);
  }

  /** Fills whose delta has not come by now: it was lost, or came before them. Spent ones go too. */
  #giveUp(at: number, sinceUs: number): void {
    const awaited = this.#awaited.get(at);
    if (awaited === undefined) return;
    const left = awaited.filter((fill) => fill.atUs >= sinceUs && fill.size > 0);
    if (left.length === 0) this.#awaited.delete(at);
    else this.#awaited.set(at, left);
  }

  /** Lots of ours that we took out of the book; more than stand there are those of an order filled since. */
  #leave(at: number, size: number): void {
    const own = this.#own[at] as number;
    this.#own[at] = Math.max(0, own - size);
    let rest = Math.max(0, size - own);
    for (const fill of [...(this.#awaited.get(at) ?? [])].reverse()) {
      const part = Math.min(rest, fill.shown);
      fill.shown -= part;
      rest -= part;
    }
  }

  /** Takes our order that the book shows now for what has filled of it already; what is left of it. */
  #shownNow(at: number, size: number): number {
    let left = size;
    for (const fill of this.#awaited.get(at) ?? []) {
      const part = Math.min(left, fill.size - fill.shown);
      fill.shown += part;
      left -= part;
    }
    return left;
  }

  #untoldSince(at: number, sinceUs: number): UntoldDelta[] {
    const untold = this.#untold.get(at);
    while ((untold?.[0]?.atUs ?? Infinity) < sinceUs) untold?.shift();
    return untold ?? [];
  }

  #awaitedShown(at: number): number {
    const awaited = this.#awaited.get(at);
    return awaited === undefined ? 0 : awaited.reduce((sum, { shown }) => sum + shown, 0);
  }

  #place(side: BookSide, price: CentiCents): number {
    return (this.#grid.ticks[price] as number) + (side === BookSide.bid ? 0 : this.#grid.count);
  }

  #tell(at: number, side: BookSide, price: CentiCents, told: OthersChange): void {
    const ours = (this.#own[at] as number) + this.#awaitedShown(at);
    const now = Math.max(0, (this.#shown[at] as number) - ours);
    const before = this.#others[at] as number;
    if (now === before) return;
    this.#others[at] = now;
    told(side, price, (now - before) as Lots);
  }
}
