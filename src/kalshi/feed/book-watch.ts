/**
 * Which books are known. A book is known from its snapshot on, until something of it was missed; then
 * it is awaited, and a snapshot asked for. A book whose snapshot does not come is asked for once more.
 */

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
  /** Never known: there may be no such market. */
  readonly never: readonly string[];
}

const TRIES_MAX = 2;

export class BookWatch {
  readonly #awaitUs: number;
  readonly #known = new Set<string>();
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

  get awaitedCount(): number {
    return this.#awaited.size;
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

  arrived(ticker: string): void {
    this.#known.add(ticker);
    this.#everKnown.add(ticker);
    this.#awaited.delete(ticker);
  }

  forget(ticker: string): void {
    this.#known.delete(ticker);
    this.#awaited.delete(ticker);
  }

  /** What is overdue; it is awaited anew, or, after the last try, no more. */
  overdue(nowUs: number): Overdue {
    const again: string[] = [];
    const lost: string[] = [];
    const never: string[] = [];
    for (const [ticker, awaited] of this.#awaited) {
      if (nowUs < awaited.deadlineUs) continue;
      awaited.tries += 1;
      awaited.deadlineUs = nowUs + this.#awaitUs;
      if (awaited.tries < TRIES_MAX) again.push(ticker);
      else {
        (this.#everKnown.has(ticker) ? lost : never).push(ticker);
        this.#awaited.delete(ticker);
      }
    }
    return { again, lost, never };
  }
}
