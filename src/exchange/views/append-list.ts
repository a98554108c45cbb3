/**
 * A list that only grows at its end and forgets from its front. Entries keep their number for ever, so
 * that a page can go on where the one before it ended, whatever has been added since.
 */
export class AppendList<T> {
  readonly #most: number;
  readonly #forgotten: ((entry: T) => void) | null;
  #entries: T[] = [];
  /** Number of the first entry that is kept. */
  #first = 0;

  constructor(most: number, forgotten: ((entry: T) => void) | null = null) {
    this.#most = most;
    this.#forgotten = forgotten;
  }

  /** Number that the next entry will have. */
  get end(): number {
    return this.#first + this.#entries.length;
  }

  get first(): number {
    return this.#first;
  }

  push(entry: T): void {
    this.#entries.push(entry);
    // A tenth at a time, so that forgetting costs little.
    if (this.#entries.length < this.#most * 1.1) return;
    const dropped = this.#entries.length - this.#most;
    if (this.#forgotten !== null)
      for (const old of this.#entries.slice(0, dropped)) this.#forgotten(old);
    this.#entries = this.#entries.slice(dropped);
    this.#first += dropped;
  }

  at(number: number): T | undefined {
    return this.#entries[number - this.#first];
  }
}
