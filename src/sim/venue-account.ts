/**
 * Our account as the simulated venue keeps it: cash, positions, fees and what is funded. It is ahead
 * of what we have heard. It knows no book and no time but that of the fill it is told of.
 */
import { type CentiCents, clearList, type Lots, type MicroUsd } from "../core/index.ts";
import {
  balanceStepOf,
  BookSide,
  chargeFee,
  dearestFees,
  type FeeTerms,
  feesAt,
  type LiquidityRole,
  type MarketInfo,
  type Membership,
  tradeFee,
} from "../market/index.ts";
import { type Exposure, Ledger, type LedgerState, lockedCash } from "../orders/index.ts";
import type { ExchangeOrder } from "./exchange-order.ts";

/** One fill of an order of ours. */
export interface BookedFill {
  readonly market: number;
  readonly order: ExchangeOrder;
  readonly price: CentiCents;
  readonly size: Lots;
  readonly role: LiquidityRole;
  readonly atUs: number;
}

/** The resting orders of each market. [M] */
type Resting = readonly { readonly resting: readonly ExchangeOrder[] }[];

function ordersIn(resting: Resting, market: number): readonly ExchangeOrder[] {
  return (resting[market] as Resting[number]).resting;
}

export class VenueAccount {
  readonly ledger: Ledger;
  readonly #infos: readonly MarketInfo[];
  readonly #dearestFees: readonly FeeTerms[];
  readonly #balanceStep: MicroUsd;
  /** Reused by every look at what is funded. */
  readonly #exposures: Exposure[] = [];
  /** Cash that each market's resting orders lock, their sum, and where it has to be found anew. [M] */
  readonly #locked: Float64Array;
  #lockedTotal = 0;
  readonly #isStale: Uint8Array;
  #hasStale = false;

  constructor(infos: readonly MarketInfo[], startingCash: MicroUsd, membership: Membership) {
    this.ledger = new Ledger(infos.length, startingCash);
    this.#infos = infos;
    this.#balanceStep = balanceStepOf(membership);
    this.#dearestFees = infos.map(dearestFees);
    this.#locked = new Float64Array(infos.length);
    this.#isStale = new Uint8Array(infos.length);
  }

  /** Becomes the account whose ledger was saved, with the orders that rest then. */
  restore(ledger: LedgerState): void {
    this.ledger.restore(ledger);
    this.#isStale.fill(1);
    this.#hasStale = true;
  }

  /** Told whenever a market's resting orders, or the position that covers them, change. */
  changed(market: number): void {
    this.#isStale[market] = 1;
    this.#hasStale = true;
  }

  /** Lots of the position that an order of `side` closes. */
  reducible(market: number, side: BookSide): number {
    const position = this.ledger.position(market);
    return Math.max(0, side === BookSide.bid ? -position : position);
  }

  /**
   * True where cash covers all open orders, which `resting` has by market, with `added` in place of
   * `replaced`. Every market locks for itself: what exclusive markets could share is not counted.
   */
  isFunded(
    resting: Resting,
    market: number,
    replaced: ExchangeOrder | null,
    added: Exposure,
  ): boolean {
    if (this.#hasStale) this.#relock(resting);
    const own = this.#lockOf(market, ordersIn(resting, market), replaced, added);
    return this.#lockedTotal - (this.#locked[market] as number) + own <= this.ledger.cash;
  }

  #relock(resting: Resting): void {
    this.#hasStale = false;
    for (let market = 0; market < this.#locked.length; market++) {
      if (this.#isStale[market] === 0) continue;
      this.#isStale[market] = 0;
      const locked = this.#lockOf(market, ordersIn(resting, market), null, null);
      this.#lockedTotal += locked - (this.#locked[market] as number);
      this.#locked[market] = locked;
    }
  }

  #lockOf(
    market: number,
    orders: readonly ExchangeOrder[],
    replaced: ExchangeOrder | null,
    added: Exposure | null,
  ): number {
    const exposures = this.#exposures;
    for (const order of orders) if (order !== replaced) exposures.push(order);
    if (added !== null) exposures.push(added);
    const fees = this.#dearestFees[market] as FeeTerms;
    const position = this.ledger.position(market);
    const locked = lockedCash(fees, position, exposures, this.#balanceStep);
    clearList(exposures);
    return locked;
  }

  /** Books a fill at the fees in force; the net fee. */
  book({ market, order, price, size, role, atUs }: BookedFill): MicroUsd {
    const { ledger } = this;
    this.changed(market);
    const trade = tradeFee(feesAt(this.#infos[market] as MarketInfo, atUs), role, price, size);
    const before = ledger.cash;
    // The fee's rounding depends on the cash that the fill moves, so the fill is booked free first.
    ledger.fill(market, order.side, price, size, 0 as MicroUsd);
    const revenue = (ledger.cash - before) as MicroUsd;
    const fill = { trade, revenue, carry: order.feeCarry as MicroUsd };
    const { fee, carry } = chargeFee(fill, this.#balanceStep);
    ledger.chargeFee(fee);
    order.feeCarry = carry;
    return fee;
  }
}
