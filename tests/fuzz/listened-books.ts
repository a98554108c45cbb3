/** The others' books as a run has told its listener of them, level by level. */
import type { CentiCents, Lots } from "../../src/core/index.ts";
import type { RunListener } from "../../src/live/index.ts";
import type { BookSide, SnapshotLevel } from "../../src/market/index.ts";

type Levels = Map<number, number>;

export class ListenedBooks implements RunListener {
  readonly #books: (readonly [Levels, Levels] | null)[];

  constructor(markets: number) {
    this.#books = Array.from({ length: markets }, () => null);
  }

  isKnown(market: number): boolean {
    return this.#books[market] !== null;
  }

  levels(market: number, side: BookSide): Levels {
    return this.#books[market]?.[side] ?? new Map();
  }

  snapshot(market: number, levels: readonly SnapshotLevel[]): void {
    const book: readonly [Levels, Levels] = [new Map(), new Map()];
    for (const { side, priceCc, size } of levels) book[side].set(priceCc, size);
    this.#books[market] = book;
  }

  delta(market: number, side: BookSide, price: CentiCents, change: Lots): void {
    const levels = this.#books[market]?.[side];
    if (levels === undefined) return;
    const size = (levels.get(price) ?? 0) + change;
    if (size === 0) levels.delete(price);
    else levels.set(price, size);
  }

  gap(market: number): void {
    this.#books[market] = null;
  }

  trade(): void {
    // Trades tell their book by deltas.
  }

  blockTrade(): void {
    // Off the book.
  }

  status(): void {
    // No matter of the book.
  }
}
