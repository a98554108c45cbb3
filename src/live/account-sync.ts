/**
 * The run's account and the venue's readings of it: when to ask, the first reading that the account is
 * made from, and the corrections of later ones.
 */
import type { MicroUsd } from "../core/index.ts";
import type { AccountReading, Correction, LiveHeader } from "../journal/index.ts";
import type { OrderManager } from "../orders/index.ts";
import type { Trader } from "../strategies/index.ts";
import {
  corrected,
  differencesIn,
  Doubts,
  type ReconciliationOptions,
  strangersIn,
} from "./reconciliation.ts";
import { openTrader } from "./trader-setup.ts";

/** Failed readings in a row that make an error. */
const FAILURES_MAX = 5;
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
  /** The account was read since the calibration began, with nothing of a former run left. */
  isCalibrated = false;
  /** Our own account broke: the next reading replaces it. */
  isBroken = false;
  readonly #header: LiveHeader;
  readonly #orders: OrderManager;
  readonly #tickers: readonly string[];
  #outside = 0 as MicroUsd;
  #isReading = false;
  #askedUs = -Infinity;
  #failures = 0;

  constructor(header: LiveHeader, orders: OrderManager) {
    this.#header = header;
    this.#orders = orders;
    this.#tickers = header.markets.map(({ ticker }) => ticker);
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

  arrived(reading: AccountReading): void {
    this.#isReading = false;
    this.#failures = 0;
    this.lastReading = reading;
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

  /** Ids of resting orders that are of a former run of ours. */
  strangers(reading: AccountReading): string[] {
    return strangersIn(reading, this.trader?.account ?? null).map(({ orderId }) => orderId);
  }

  /** Takes a reading for the truth at once; what it corrected. */
  calibrate(reading: AccountReading): Correction[] {
    this.isCalibrated = true;
    const { trader } = this;
    if (trader === null) {
      const opened = openTrader(this.#header, this.#orders, reading);
      this.trader = opened.trader;
      this.#outside = opened.outside;
      return [];
    }
    if (!this.isBroken) return this.reconcile(reading);
    this.isBroken = false;
    this.#tickers.forEach((_, market) => {
      trader.account.abandonOrders(market);
    });
    return this.#correct(differencesIn(reading, this.#facts(trader)), reading, trader);
  }

  /** Compares; what an earlier reading told too is corrected. */
  reconcile(reading: AccountReading): Correction[] {
    const { trader } = this;
    if (trader === null) return [];
    this.reconciled += 1;
    const differences = differencesIn(reading, this.#facts(trader));
    return this.#correct(this.doubts.confirm(differences, reading), reading, trader);
  }

  /** What differs in a reading, without a second look. */
  differences(reading: AccountReading): Correction[] {
    return this.trader === null ? [] : differencesIn(reading, this.#facts(this.trader));
  }

  #facts({ account }: Trader): ReconciliationOptions {
    return { tickers: this.#tickers, account, outside: this.#outside };
  }

  #correct(
    corrections: readonly Correction[],
    reading: AccountReading,
    { account }: Trader,
  ): Correction[] {
    if (corrections.length > 0) {
      this.corrections += corrections.length;
      account.restore(corrected(account.save(), corrections, reading, this.#tickers));
    }
    return [...corrections];
  }
}
