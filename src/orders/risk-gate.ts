/**
 * The gate that every order passes before it is sent, and the only maker of `ApprovedOrder`s. It
 * looks at limits and at what the account is known to hold; a refusal is a value with a reason.
 */
import { assert, type CentiCents, type Lots, type MicroUsd } from "../core/index.ts";
import { BookSide, type PriceGrid } from "../market/index.ts";
import { type Account, exposureOf } from "./account.ts";
import type { Exposure } from "./collateral.ts";
import { exposureIn, type MarketGroup, type MarketGroups } from "./exposure.ts";
import { contradictionIn, type Order, type OrderRequest } from "./order.ts";
import type { ApprovedOrder } from "./order-manager.ts";

export interface RiskLimits {
  /** Largest size of one order. */
  readonly orderSizeMax: Lots;
  /** Largest position in one market, YES or NO, with everything open on that side filled. */
  readonly positionLimit: Lots;
  /** Most open orders at once, over all markets. */
  readonly openOrdersMax: number;
  /** Most that may be at stake in one event, in positions and open orders; no limit where absent. */
  readonly eventExposureMax?: MicroUsd;
  /** The same over all events of one series. */
  readonly seriesExposureMax?: MicroUsd;
}

export type RiskRefusalReason =
  | "price_off_grid"
  | "size_not_positive"
  | "order_size_limit"
  | "position_limit"
  | "open_orders_limit"
  | "nothing_to_reduce"
  | "event_exposure_limit"
  | "series_exposure_limit"
  | "invalid_order"
  | "invalid_expiration"
  | "unknown_order"
  | "insufficient_cash";

export interface RiskRefusal {
  readonly kind: "refused";
  readonly reason: RiskRefusalReason;
}

export type RiskVerdict =
  { readonly kind: "approved"; readonly order: ApprovedOrder } | RiskRefusal;

export class RiskGate {
  readonly limits: RiskLimits;
  readonly #grids: readonly PriceGrid[];
  readonly #groups: MarketGroups | null;

  /** `groups` are needed where the limits speak of events or series. */
  constructor(limits: RiskLimits, grids: readonly PriceGrid[], groups: MarketGroups | null = null) {
    const isGrouped =
      limits.eventExposureMax !== undefined || limits.seriesExposureMax !== undefined;
    assert(!isGrouped || groups !== null, "limits on events and series come with the groups");
    this.limits = limits;
    this.#grids = grids;
    this.#groups = groups;
  }

  /** Judges a new order. */
  approve(request: OrderRequest, account: Account): RiskVerdict {
    const contradiction = contradictionIn(request);
    if (contradiction !== null) return refused(contradiction);
    if (account.openCount >= this.limits.openOrdersMax) return refused("open_orders_limit");
    const reason = this.#judge(request, null, request.price, request.size, account);
    if (reason !== null) return refused(reason);
    return { kind: "approved", order: request as ApprovedOrder };
  }

  /** Judges a new price and total size of an open order; null is consent. */
  refuseAmend(
    order: Order,
    price: CentiCents,
    size: Lots,
    account: Account,
  ): RiskRefusalReason | null {
    return this.#judge(order.request, order, price, (size - order.filled) as Lots, account);
  }

  #judge(
    request: OrderRequest,
    replaced: Order | null,
    price: CentiCents,
    remaining: Lots,
    account: Account,
  ): RiskRefusalReason | null {
    const { market, side, reduceOnly } = request;
    if (!(this.#grids[market] as PriceGrid).has(price)) return "price_off_grid";
    if (remaining <= 0) return "size_not_positive";
    if (remaining > this.limits.orderSizeMax) return "order_size_limit";
    const position = account.ledger.position(market);
    const towards = side === BookSide.bid ? position : -position;
    if (reduceOnly && towards >= 0) return "nothing_to_reduce";
    const exposures: Exposure[] = [];
    let sameSide: number = remaining;
    for (const order of account.openOrders(market)) {
      if (order === replaced) continue;
      const exposure = exposureOf(order);
      exposures.push(exposure);
      if (exposure.side === side) sameSide += exposure.remaining;
    }
    // Also for orders that may only reduce: several of them, with others that are on their way out,
    // may fill before the venue or the order manager ends them.
    if (towards + sameSide > this.limits.positionLimit) return "position_limit";
    if (replaced !== null) {
      // Until the venue answers, the order may have its old or its new terms: the dearer count.
      const amend = { price, size: (remaining + replaced.filled) as Lots };
      exposures.push(exposureOf(replaced, amend));
    } else {
      exposures.push({ side, price, remaining });
    }
    const more = account.lockWith(market, exposures) - account.lockedIn(market);
    if (more > account.available) return "insufficient_cash";
    return more > 0 ? this.#judgeExposure(market, more, account) : null;
  }

  /** Limits on what belongs together, with `more` cash locked in a market of it. */
  #judgeExposure(market: number, more: number, account: Account): RiskRefusalReason | null {
    if (this.#groups === null) return null;
    const { eventExposureMax, seriesExposureMax } = this.limits;
    const isAbove = (group: MarketGroup, most: MicroUsd | undefined): boolean =>
      most !== undefined && exposureIn(account, group) + more > most;
    if (isAbove(this.#groups.eventOf(market), eventExposureMax)) return "event_exposure_limit";
    return isAbove(this.#groups.seriesOf(market), seriesExposureMax)
      ? "series_exposure_limit"
      : null;
  }
}

function refused(reason: RiskRefusalReason): RiskRefusal {
  return { kind: "refused", reason };
}
