/**
 * The run's account and the venue's readings of it. The account is set right in one way alone, by
 * calibration: nothing of ours is open, nothing has happened to it for a while, and then a reading is
 * the truth, position by position and to the last micro-dollar. While the run trades, readings are
 * only compared; what differs twice is a reason to calibrate anew.
 */
import { canonicalJson, formatCentiCents, formatFixed, type MicroUsd } from "../core/index.ts";
import { BookSide } from "../market/index.ts";
import type { AccountReading, Correction, LiveHeader } from "../journal/index.ts";
import type { Account, OrderManager } from "../orders/index.ts";
import type { Trader } from "../strategies/index.ts";
import {
  CONFIRM_US,
  corrected,
  differencesIn,
  Doubts,
  isOfFamily,
  type ReconciliationOptions,
  strangersIn,
} from "./reconciliation.ts";
import { ReadingAge } from "./reading-age.ts";
import { openTrader } from "./trader-setup.ts";

/** Failed readings in a row that make an error. */
const FAILURES_MAX = 5;
/** Between a calibration and one for the sake of cash alone. */
const CASH_AGAIN_US = 20_000_000;
/** By then the order manager has found out what became of an order that nobody answered. */
const UNANSWERED_US = 30_000_000;
/** Between two readings while something is open. */
const URGENT_US = 1_000_000;

export class AccountSync {
  /** Null until the first reading. */
  trader: Trader | null = null;
  readonly doubts = new Doubts();
  lastReading: AccountReading | null = null;
  /** Readings that were compared with our view. */
  reconciled = 0;
  corrections = 0;
  /** The account was set right since the calibration began. */
  isCalibrated = false;
  /** Our own account broke: the next calibration forgets its orders. */
  isBroken = false;
  readonly #header: LiveHeader;
  readonly #orders: OrderManager;
  readonly #tickers: readonly string[];
  /** Cash that is not the run's; null as long as orders of somebody's hide how much that is. */
  #outside: MicroUsd | null = null;
  /** The account was set right while such orders hid how much cash there is. */
  #isCashOpen = false;
  /** The last two readings told the same. */
  #isStill = false;
  readonly #age = new ReadingAge();
  /** Readings in a row without orders of somebody's. */
  #ownReadings = 0;
  #calibratedUs = -Infinity;
  #isReading = false;
  #askedUs = -Infinity;
  #failures = 0;

  constructor(header: LiveHeader, orders: OrderManager) {
    this.#header = header;
    this.#orders = orders;
    this.#tickers = header.markets.map(({ ticker }) => ticker);
  }

  /** Nothing is known that the venue has not told: a run may end with it. */
  get isSettled(): boolean {
    return this.trader === null || this.isCalibrated;
  }

  /** What a calibration waits for, in words; null once it is done. */
  get waitsFor(): string | null {
    if (this.isCalibrated) return null;
    const openCount = this.trader?.account.openCount ?? 0;
    return openCount > 0 ? `the end of ${openCount} orders` : "a reading of the account";
  }

  isDue(nowUs: number, isUrgent: boolean): boolean {
    if (this.#isReading) return false;
    const { reconcileUs } = this.#header.settings;
    return nowUs - this.#askedUs >= (isUrgent ? Math.min(URGENT_US, reconcileUs) : reconcileUs);
  }

  asked(nowUs: number): void {
    this.#isReading = true;
    this.#askedUs = nowUs;
  }

  /** What is told of a reading. */
  arrived(reading: AccountReading): string[] {
    this.#isReading = false;
    this.#failures = 0;
    this.#isStill = this.lastReading !== null && isSame(this.lastReading, reading);
    this.lastReading = reading;
    this.#ownReadings = reading.resting.every(isOfFamily) ? this.#ownReadings + 1 : 0;
    this.#age.arrived(reading);
    return (reading.missed ?? []).map(
      ({ clientOrderId, ticker, side, price, size }) =>
        `${side === BookSide.bid ? "bought" : "sold"} ${formatFixed(size, 2)} of ${ticker} at ` +
        `${formatCentiCents(price)} while nobody listened, by ${clientOrderId}`,
    );
  }

  /** A reading did not come; true where it is one too many. */
  failed(): boolean {
    this.#isReading = false;
    this.#failures += 1;
    return this.#failures >= FAILURES_MAX;
  }

  /** What was asked for is not waited for any more. */
  forget(): void {
    this.#isReading = false;
    this.#failures = 0;
  }

  /** Ids of resting orders of ours that nobody here knows: of a former run, or come late. */
  strangers(reading: AccountReading): string[] {
    const account = this.isBroken ? null : (this.trader?.account ?? null);
    return strangersIn(reading, account).map(({ orderId }) => orderId);
  }

  /**
   * Takes the last reading for the truth; what it corrected, or null where it is none yet. `lastOwnUs`
   * is when something happened to orders of ours last. The parts of one reading may be of different
   * moments: only what two have told alike was so at one.
   */
  calibrate(reading: AccountReading, lastOwnUs: number): Correction[] | null {
    const { trader } = this;
    if (!this.#isStill || reading.askedUs < lastOwnUs + CONFIRM_US) return null;
    if (this.#age.isBefore(reading, lastOwnUs, trader === null)) return null;
    if (trader === null) {
      const opened = openTrader(this.#header, this.#orders, reading);
      this.trader = opened.trader;
      this.#outside = opened.outside;
      this.#isCashOpen = reading.resting.length > 0;
      this.#calibratedUs = reading.askedUs;
      this.isCalibrated = true;
      return [];
    }
    const { account } = trader;
    if (this.isBroken) {
      if (this.#isAnyUnanswered(account, reading)) return null;
      this.#tickers.forEach((_, market) => account.abandonOrders(market));
    }
    if (account.openCount > 0) return null;
    this.isBroken = false;
    this.isCalibrated = true;
    this.#calibratedUs = reading.askedUs;
    this.doubts.clear();
    const corrections = differencesIn(reading, this.#facts(trader));
    account.restore(corrected(account.save(), corrections, reading, this.#tickers));
    this.corrections += corrections.length;
    if (reading.resting.length === 0) {
      this.#isCashOpen = false;
      this.#outside ??= (reading.available - account.ledger.cash) as MicroUsd;
    } else this.#isCashOpen = true;
    return corrections;
  }

  /** Compares; what an earlier reading told too. */
  reconcile(reading: AccountReading): Correction[] {
    const { trader } = this;
    if (trader === null) return [];
    this.reconciled += 1;
    return this.doubts.confirm(differencesIn(reading, this.#facts(trader)), reading);
  }

  /** What a reading tells otherwise; nothing is made of it. */
  differences(reading: AccountReading): Correction[] {
    return this.trader === null ? [] : differencesIn(reading, this.#facts(this.trader));
  }

  /**
   * Cash could not be compared when positions were set right, and now it can. Orders of somebody's that
   * come and go are waited out, or the run would calibrate with each.
   */
  owesCash({ askedUs }: AccountReading): boolean {
    const isTime = askedUs - this.#calibratedUs >= CASH_AGAIN_US && this.#ownReadings > 1;
    return this.#isCashOpen && isTime;
  }

  /** An order that may not have reached the venue yet shows in no reading, and is not forgotten. */
  #isAnyUnanswered(account: Account, { askedUs }: AccountReading): boolean {
    return this.#tickers.some((_, market) =>
      account
        .openOrders(market)
        .some(({ status, sentUs }) => status === "pending" && askedUs - sentUs < UNANSWERED_US),
    );
  }

  #facts({ account }: Trader): ReconciliationOptions {
    return { tickers: this.#tickers, account, outside: this.#outside };
  }
}

function isSame(one: AccountReading, other: AccountReading): boolean {
  const told = ({ available, positions, resting }: AccountReading): string =>
    canonicalJson([available, positions, resting]);
  return told(one) === told(other);
}
