/**
 * The gate that every order passes before it is sent, and the only maker of `ApprovedOrder`s. It
 * looks at limits and at what the account is known to hold; a refusal is a value with a reason.
 */
import type { CentiCents, Lots } from "../core/index.ts";
import { BookSide, type PriceGrid } from "../market/index.ts";
import { type Account, exposureOf } from "./account.ts";
import type { Exposure } from "./collateral.ts";
import type { Order, OrderRequest } from "./order.ts";
import type { ApprovedOrder } from "./order-manager.ts";

export interface RiskLimits {
  /** Largest size of one order. */
  readonly orderSizeMax: Lots;
  /** Largest position in one market, YES or NO, with everything open on that side filled. */
  readonly positionLimit: Lots;
  /** Most open orders at once, over all markets. */
  readonly openOrdersMax: number;
}

export type RiskRefusalReason =
  | "price_off_grid"
  | "size_not_positive"
  | "order_size_limit"
  | "position_limit"
  | "open_orders_limit"
  | "nothing_to_reduce"
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

  constructor(limits: RiskLimits, grids: readonly PriceGrid[]) {
    this.limits = limits;
    this.#grids = grids;
  }

  /** Judges a new order. */
  approve(request: OrderRequest, account: Account): RiskVerdict {
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
    if (!reduceOnly && towards + sameSide > this.limits.positionLimit) return "position_limit";
    if (replaced !== null) {
      // Until the venue answers, the order may have its old or its new terms: the dearer count.
      exposures.push(
        exposureOf({
          ...replaced,
          amendInFlight: { price, size: (remaining + replaced.filled) as Lots },
        }),
      );
    } else {
      exposures.push({ side, price, remaining });
    }
    const more = account.lockWith(market, exposures) - account.lockedIn(market);
    return more > account.available ? "insufficient_cash" : null;
  }
}

function refused(reason: RiskRefusalReason): RiskRefusal {
  return { kind: "refused", reason };
}
