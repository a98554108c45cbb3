/**
 * Which books are known, and what is in them. A book is known from its snapshot on, until something of
 * it was missed; then it is awaited, and a snapshot asked for. A book whose snapshot does not come is
 * asked for once more, and then once in a while: in a storm of gaps several may be lost. The contents serve to catch a venue that contradicts itself: a level below
 * zero, or a later snapshot that differs although nothing was told in between.
 */
import { BookSide } from "../../market/index.ts";
import type { BookDelta, BookSnapshot } from "../wire/feed-messages.ts";

interface Awaited {
  /** When its snapshot is overdue. */
  deadlineUs: number;
  /** Snapshots that were asked for in vain. */
  tries: number;
}

/** Books whose snapshot is overdue, by what is to be done about them. */
export interface Overdue {
  /** To be asked for again. */
  readonly again: readonly string[];
  /** Known before on this connection: something is wrong with the connection. */
  readonly lost: readonly string[];
  /** Never known: there may be no such market. Told once. */
  readonly never: readonly string[];
}

const TRIES_MAX = 2;
/** A book that never came is asked for again after so many waits. */
const REST_WAITS = 12;

export class BookWatch {
  readonly #awaitUs: number;
  /** Sizes by level, of each known book. */
  readonly #known = new Map<string, Map<number, number>>();
  readonly #everKnown = new Set<string>();
  readonly #awaited = new Map<string, Awaited>();

  constructor(awaitUs: number) {
    this.#awaitUs = awaitUs;
  }

  isKnown(ticker: string): boolean {
    return this.#known.has(ticker);
  }

  get knownCount(): number {
    return this.#known.size;
  }

  /** Books that should come soon. */
  get awaitedCount(): number {
    let count = 0;
    for (const { tries } of this.#awaited.values()) if (tries < TRIES_MAX) count += 1;
    return count;
  }

  /** From now on these books are unknown and their snapshots awaited. */
  await(tickers: Iterable<string>, nowUs: number): void {
    for (const ticker of tickers) {
      this.#known.delete(ticker);
      this.#awaited.set(ticker, { deadlineUs: nowUs + this.#awaitUs, tries: 0 });
    }
  }

  /** All are unknown, and nothing is awaited as long as nobody would read it. */
  suspend(): void {
    this.#known.clear();
    this.#awaited.clear();
  }

  arrived(snapshot: BookSnapshot): void {
    const { ticker } = snapshot;
    this.#known.set(ticker, levelsOf(snapshot));
    this.#everKnown.add(ticker);
    this.#awaited.delete(ticker);
  }

  /** Follows a known book; false where a level would have less than nothing. */
  change({ ticker, side, price, change }: BookDelta): boolean {
    const levels = this.#known.get(ticker);
    if (levels === undefined) return true;
    const level = 2 * price + side;
    const size = (levels.get(level) ?? 0) + change;
    if (size > 0) levels.set(level, size);
    else levels.delete(level);
    return size >= 0;
  }

  /** Whether a snapshot shows the book as it is known. */
  agrees(snapshot: BookSnapshot): boolean {
    const known = this.#known.get(snapshot.ticker);
    const told = levelsOf(snapshot);
    if (known?.size !== told.size) return false;
    for (const [level, size] of told) if (known.get(level) !== size) return false;
    return true;
  }

  forget(ticker: string): void {
    this.#known.delete(ticker);
    this.#awaited.delete(ticker);
  }

  /** What is overdue; it is awaited anew, but for what was lost. */
  overdue(nowUs: number): Overdue {
    const again: string[] = [];
    const lost: string[] = [];
    const never: string[] = [];
    for (const [ticker, awaited] of this.#awaited) {
      if (nowUs < awaited.deadlineUs) continue;
      awaited.tries += 1;
      awaited.deadlineUs = nowUs + this.#awaitUs;
      if (awaited.tries < TRIES_MAX) again.push(ticker);
      else if (this.#everKnown.has(ticker)) {
        lost.push(ticker);
        this.#awaited.delete(ticker);
      } else {
        (awaited.tries === TRIES_MAX ? never : again).push(ticker);
        awaited.deadlineUs = nowUs + REST_WAITS * this.#awaitUs;
      }
    }
    return { again, lost, never };
  }
}

function levelsOf({ bids, asks }: BookSnapshot): Map<number, number> {
  const levels = new Map<number, number>();
  for (const { price, size } of bids) levels.set(2 * price + BookSide.bid, size);
  for (const { price, size } of asks) levels.set(2 * price + BookSide.ask, size);
  return levels;
}
