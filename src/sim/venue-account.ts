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
import { type Exposure, Ledger, lockedCash } from "../orders/index.ts";
import type { ExchangeOrder } from "./simulated-market.ts";

/** One fill of an order of ours. */
export interface BookedFill {
  readonly market: number;
  readonly order: ExchangeOrder;
  readonly price: CentiCents;
  readonly size: Lots;
  readonly role: LiquidityRole;
  readonly atUs: number;
}

export class VenueAccount {
  readonly ledger: Ledger;
  readonly #infos: readonly MarketInfo[];
  readonly #dearestFees: readonly FeeTerms[];
  readonly #balanceStep: MicroUsd;
  /** Reused by every look at what is funded. */
  readonly #exposures: Exposure[] = [];

  constructor(infos: readonly MarketInfo[], startingCash: MicroUsd, membership: Membership) {
    this.ledger = new Ledger(infos.length, startingCash);
    this.#infos = infos;
    this.#balanceStep = balanceStepOf(membership);
    this.#dearestFees = infos.map(dearestFees);
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
    resting: readonly { readonly resting: readonly ExchangeOrder[] }[],
    market: number,
    replaced: ExchangeOrder | null,
    added: Exposure,
  ): boolean {
    const exposures = this.#exposures;
    let locked = 0;
    for (let index = 0; index < resting.length; index++) {
      const orders = (resting[index] as { readonly resting: readonly ExchangeOrder[] }).resting;
      for (const order of orders) if (order !== replaced) exposures.push(order);
      if (index === market) exposures.push(added);
      const position = this.ledger.position(index);
      const fees = this.#dearestFees[index] as FeeTerms;
      locked += lockedCash(fees, position, exposures, this.#balanceStep);
      clearList(exposures);
    }
    return locked <= this.ledger.cash;
  }

  /** Books a fill at the fees in force; the net fee. */
  book({ market, order, price, size, role, atUs }: BookedFill): MicroUsd {
    const { ledger } = this;
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
