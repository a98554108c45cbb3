/**
 * What an exchange keeps so that it comes back after an end of any kind: its settings and every write,
 * in a file of lines that only grows. A write stands there before it is carried out, so that whatever
 * a client was told of is kept; starting again carries all of them out anew, from the same seed.
 *
 * The last line may be cut off by a crash: then its write was not carried out and nobody was answered.
 */
import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, OperationError } from "../../core/index.ts";
import type { Write } from "../../exchange/index.ts";

const VERSION = 1;

/** What the first line says; a later start takes it over. */
export interface StateHead {
  readonly version: number;
  readonly keyId: string;
  readonly startUs: number;
  /** Settings that decide what happens, in canonical form. */
  readonly settings: string;
}

export interface KeptState {
  readonly head: StateHead;
  readonly writes: readonly Write[];
}

/** The writes of an exchange, in a folder of its own. */
export class ExchangeState {
  readonly keyFile: string;
  readonly #path: string;
  readonly #folder: string;
  #file: number | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, "writes.ndjson");
    this.keyFile = join(folder, "key.pem");
  }

  /** What an earlier run kept; null where there was none. `EXCHANGE_STATE` for another kind of file. */
  read(): KeptState | null {
    if (!existsSync(this.#path)) return null;
    const text = readFileSync(this.#path, "utf8");
    const end = text.lastIndexOf("\n") + 1;
    // A line that was cut off is taken away, so that the next one does not continue it.
    if (end < text.length) truncateSync(this.#path, Buffer.byteLength(text.slice(0, end)));
    const [first, ...rest] = text.slice(0, end).split("\n").slice(0, -1);
    if (first === undefined) return null;
    const head = this.#parse(first, 1) as StateHead;
    if (head.version !== VERSION) {
      throw new OperationError(
        "EXCHANGE_STATE",
        `${this.#path}: expected version ${VERSION} of a kept exchange, was ${String(head.version)}`,
      );
    }
    const writes = rest.map((line, index) => this.#parse(line, index + 2) as Write);
    return { head, writes };
  }

  makeFolder(): void {
    makeFolder(this.#folder);
  }

  /** Begins to keep: a new file with its head, or the file that is there. */
  begin(head: Omit<StateHead, "version"> | null): void {
    this.makeFolder();
    this.#file = openSync(this.#path, "a", 0o600);
    if (head !== null) this.#append({ version: VERSION, ...head });
  }

  add(write: Write): void {
    this.#append(write);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #append(value: object): void {
    if (this.#file !== null) writeSync(this.#file, `${JSON.stringify(value)}\n`);
  }

  #parse(line: string, number: number): unknown {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw new OperationError(
        "EXCHANGE_STATE",
        `${this.#path}:${number}: expected a line of a kept exchange, was something else`,
        { cause: error },
      );
    }
  }
}
