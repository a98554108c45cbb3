/**
 * What an exchange keeps so that it comes back after an end of any kind: its settings and every write,
 * in a file of lines that only grows. A write stands there before it is carried out, so that whatever
 * a client was told of is kept; starting again carries all of them out anew, from the same seed.
 *
 * The last line may be cut off by a crash: then its write was not carried out and nobody was answered.
 * Lines are in the system's hands, not forced to disk: the end of the process loses nothing, that of
 * the machine may lose the last seconds.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { makeFolder, messageOf, OperationError } from "../../core/index.ts";
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
  /** Held as long as the exchange runs; it goes with the process, however that ends. */
  readonly #lock: Database.Database;
  #file: number | null = null;
  #isBroken = false;

  /** Takes the folder. `EXCHANGE_STATE` where another exchange has it, or it cannot be made. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, "writes.ndjson");
    this.keyFile = join(folder, "key.pem");
    this.#lock = lockFolder(folder);
  }

  /** What an earlier run kept; null where there was none. `EXCHANGE_STATE` for another kind of file. */
  read(): KeptState | null {
    if (!existsSync(this.#path)) return null;
    const text = this.#readText();
    const end = text.lastIndexOf("\n") + 1;
    // A line that was cut off is taken away, so that the next one does not continue it.
    if (end < text.length) truncateSync(this.#path, Buffer.byteLength(text.slice(0, end)));
    const [first, ...rest] = text.slice(0, end).split("\n").slice(0, -1);
    if (first === undefined) return null;
    const head = this.#parse(first, 1) as unknown as StateHead;
    if (head.version !== VERSION) {
      throw new OperationError(
        "EXCHANGE_STATE",
        `${this.#path}: expected version ${VERSION} of a kept exchange, was ${String(head.version)}`,
      );
    }
    const writes = rest.map((line, index) => {
      const write = this.#parse(line, index + 2);
      if (isWrite(write)) return write;
      throw this.#damaged(index + 2);
    });
    return { head, writes };
  }

  /** Begins to keep: a new file with its head, or the file that is there. */
  begin(head: Omit<StateHead, "version"> | null): void {
    this.#file = openSync(this.#path, "a", 0o600);
    if (head !== null) this.#append({ version: VERSION, ...head });
  }

  add(write: Write): void {
    this.#append(write);
  }

  /** Gives the folder back; one that nothing was kept in goes with all that was made in it. */
  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    this.#lock.close();
    if (existsSync(this.#path)) return;
    rmSync(this.#lock.name, { force: true });
    rmSync(this.keyFile, { force: true });
    try {
      rmdirSync(this.#folder);
    } catch {
      // Something of the user's is in it.
    }
  }

  /** After a failure nothing more is kept, and so nothing more may be carried out. */
  #append(value: object): void {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
    try {
      if (this.#file === null || this.#isBroken) throw new Error("the file is not open");
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
    } catch (error) {
      this.#isBroken = true;
      throw new OperationError(
        "EXCHANGE_STATE",
        `${this.#path}: could not be written, was: ${messageOf(error)}; the exchange ends, ` +
          "and what it answered so far is kept",
        { cause: error },
      );
    }
  }

  #readText(): string {
    try {
      return readFileSync(this.#path, "utf8");
    } catch (error) {
      throw new OperationError(
        "EXCHANGE_STATE",
        `${this.#path}: expected a kept exchange, was: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  #parse(line: string, number: number): Readonly<Record<string, unknown>> {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw this.#damaged(number);
    }
    if (typeof value !== "object" || value === null) throw this.#damaged(number);
    return value as Readonly<Record<string, unknown>>;
  }

  #damaged(number: number): OperationError {
    return new OperationError(
      "EXCHANGE_STATE",
      `${this.#path}:${number}: expected a line of a kept exchange, was something else`,
    );
  }
}

function isWrite(value: Readonly<Record<string, unknown>>): value is typeof value & Write {
  const { atUs, keyId, method, path, body } = value;
  return (
    Number.isSafeInteger(atUs) &&
    [keyId, method, path, body].every((one) => typeof one === "string")
  );
}

/** A lock that no crash leaves behind: one of SQLite's on a file that stays empty. */
function lockFolder(folder: string): Database.Database {
  let lock: Database.Database | null = null;
  try {
    makeFolder(folder);
    lock = new Database(join(folder, "lock"), { timeout: 0 });
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    const isTaken = (error as { readonly code?: string }).code === "SQLITE_BUSY";
    throw new OperationError(
      "EXCHANGE_STATE",
      isTaken
        ? `${folder}: expected a folder that no other exchange uses, was in use`
        : `${folder}: expected a folder for the exchange's state, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
