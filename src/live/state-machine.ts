/**
 * The states of a live run:
 *
 *   IDLE -> CALIBRATING -> READY <-> ACTING
 *               ^  |         |         |
 *               |  v         v         v
 *              ERROR <-----------------+     any state -> IDLE when it is stopped
 *
 * CALIBRATING waits until every way to the venue is up and the account has been read. ACTING has
 * commands at the venue whose answers are not there. ERROR cancels orders, waits, and calibrates anew.
 */
import type { LiveState } from "../journal/index.ts";
import type { Account, Order } from "../orders/index.ts";

export interface Transition {
  readonly from: LiveState;
  readonly to: LiveState;
  readonly why: string;
  readonly atUs: number;
}

/** Transitions kept for the status log; READY and ACTING alternate and are kept apart. */
const KEPT = 50;

export class StateMachine {
  state: LiveState = "IDLE";
  sinceUs = 0;
  readonly history: Transition[] = [];
  readonly #inFlight = new InFlight();
  /** How often each state was entered. */
  readonly entries: Record<LiveState, number> = {
    IDLE: 0,
    CALIBRATING: 0,
    READY: 0,
    ACTING: 0,
    ERROR: 0,
  };

  /** Goes to `to`; null where it is there already. */
  go(to: LiveState, why: string, atUs: number): Transition | null {
    const from = this.state;
    if (from === to) return null;
    const transition = { from, to, why, atUs };
    this.state = to;
    this.sinceUs = atUs;
    this.entries[to] += 1;
    if (!isRoutine(transition)) this.history.push(transition);
    if (this.history.length > KEPT) this.history.shift();
    return transition;
  }

  /** READY or ACTING, as the orders of an account stand; null where it is there already. */
  follow(account: Account | null, atUs: number): Transition | null {
    const isActing = account !== null && this.#inFlight.isAnyOf(account);
    return isActing
      ? this.go("ACTING", "commands are at the venue", atUs)
      : this.go("READY", "every command is answered", atUs);
  }

  /** Orders may be sent. */
  get isTrading(): boolean {
    return this.state === "READY" || this.state === "ACTING";
  }
}

/** In microseconds of the inputs' time. */
const ERROR_WAIT_US = 5_000_000;
const ERROR_WAIT_MAX_US = 60_000_000;

/** How long ERROR lasts: longer with each one until all is well. */
export class ErrorWait {
  #errors = 0;
  #untilUs = 0;

  begin(nowUs: number): void {
    this.#errors += 1;
    this.#untilUs = nowUs + Math.min(ERROR_WAIT_MAX_US, ERROR_WAIT_US * this.#errors);
  }

  isOver(nowUs: number): boolean {
    return nowUs >= this.#untilUs;
  }

  clear(): void {
    this.#errors = 0;
  }
}

/** Comes with every order, thousands of times: nobody is told. */
export function isRoutine({ from, to }: Pick<Transition, "from" | "to">): boolean {
  return (from === "READY" && to === "ACTING") || (from === "ACTING" && to === "READY");
}

/** A command for the order is at the venue. */
export function isInFlight({ status, cancelInFlight, amendInFlight }: Order): boolean {
  return status === "pending" || cancelInFlight || amendInFlight !== null;
}

/** Whether any order of an account is in flight; looked for anew only when its orders have changed. */
class InFlight {
  #account: Account | null = null;
  #changes = -1;
  #hasAny = false;

  isAnyOf(account: Account): boolean {
    if (account !== this.#account || account.changes !== this.#changes) {
      this.#account = account;
      this.#changes = account.changes;
      this.#hasAny = hasInFlight(account);
    }
    return this.#hasAny;
  }
}

function hasInFlight(account: Account): boolean {
  if (account.openCount === 0) return false;
  for (let market = 0; market < account.marketCount; market++) {
    if (account.openOrders(market).some(isInFlight)) return true;
  }
  return false;
}
