/**
 * The run's side of its watchdog: starts it, tells it what to watch and that the run is alive, and says
 * goodbye. Where the watchdog ends by itself another one takes its place.
 */
import type { ChildProcess } from "node:child_process";
import { messageOf, OperationError } from "../../core/index.ts";
import { startChild } from "./child-program.ts";
import { WATCH_VARIABLE, type WatchMessage, type WatchOrder } from "./watchdog.ts";

/** How long a watchdog may take to begin. */
const BEGIN_MS = 30_000;
const AGAIN_MS = 1_000;

export class Watch {
  readonly #say: (text: string) => void;
  #child: ChildProcess | null = null;
  #order: WatchOrder | null = null;
  #again: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** Starts the process; before `begin` it has nothing to do yet. */
  start(): void {
    // What a message tells is lost where the run ends before the program listens.
    const told = this.#order === null ? {} : { [WATCH_VARIABLE]: JSON.stringify(this.#order) };
    const child = startChild(["paper", "watch"], "ignore", told);
    this.#child = child;
    const gone = (how: string): void => {
      if (this.#isOver || this.#child !== child) return;
      this.#child = null;
      this.#say(`the watchdog has ended (${how}); another one takes its place`);
      this.#again = setTimeout(() => {
        this.start();
      }, AGAIN_MS);
    };
    child.on("error", (error) => {
      // One that could not be started has no other end; of the others it is said below.
      if (child.pid === undefined) gone(messageOf(error));
      else this.#say(`the watchdog: ${messageOf(error)}`);
    });
    child.once("exit", (code, signal) => {
      gone(signal ?? `code ${code}`);
    });
  }

  /** Resolves when the watchdog watches; nothing may be sent before. `WATCHDOG` where it does not. */
  async begin(order: WatchOrder): Promise<void> {
    this.#order = order;
    const child = this.#child;
    const begun = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), BEGIN_MS);
      const settle = (isWatching: boolean): void => {
        clearTimeout(timer);
        resolve(isWatching);
      };
      child?.once("message", () => settle(true));
      child?.once("exit", () => settle(false));
      child?.once("error", () => settle(false));
      if (child === null) settle(false);
    });
    this.#tell(order);
    if (await begun) return;
    throw new OperationError(
      "WATCHDOG",
      "the process that cancels orders where the run cannot: expected it to start, was not so",
    );
  }

  alive(): void {
    this.#tell({ kind: "alive" });
  }

  /** No order is left, and there is nothing to watch any more. */
  goodbye(): void {
    this.#isOver = true;
    this.#tell({ kind: "goodbye" });
  }

  /** Lets go of it; without a goodbye it makes sure that no order is left. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#again);
    if (this.#child?.connected === true) this.#child.disconnect();
    this.#child?.unref();
  }

  #tell(message: WatchMessage): void {
    if (this.#child?.connected === true) this.#child.send(message, () => undefined);
  }
}
