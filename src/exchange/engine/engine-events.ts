/**
 * What happens at the exchange, in the order in which it happens. Records are copies in the venue's
 * own form: feed and reading model pass them on, and nobody can reach into the engine through them.
 */
import type { CentiCents, Lots, MicroUsd, TimestampUs } from "../../core/index.ts";
import type { BookSide } from "../../market/index.ts";
import type {
  FillMessage,
  GroupMessage,
  LifecycleMessage,
  VenueOrder,
  VenuePosition,
  VenueSettlement,
  VenueTrade,
} from "../../kalshi/index.ts";

/** Why an order changed, in the venue's words (field `last_update_reason`). */
export type UpdateReason =
  | "Decrease"
  | "Amend"
  | "SelfTradeCancel"
  | "ExpiryCancel"
  | "CloseCancel"
  | "HaltCancel"
  | "Trade"
  | "PostOnlyCrossCancel"
  | "ReduceOnlyCancel";

/** The order that set a change of the book off, for the connections of its owner. */
export interface Cause {
  readonly account: number;
  readonly clientOrderId: string;
}

export type EngineEvent =
  | {
      readonly kind: "level";
      readonly market: number;
      readonly side: BookSide;
      readonly price: CentiCents;
      readonly change: Lots;
      readonly cause: Cause | null;
      readonly atUs: TimestampUs;
    }
  | { readonly kind: "trade"; readonly market: number; readonly trade: VenueTrade }
  | { readonly kind: "fill"; readonly account: number; readonly fill: FillMessage }
  | {
      readonly kind: "order";
      readonly account: number;
      readonly order: VenueOrder;
      readonly reason: UpdateReason | null;
    }
  /** What an account has in a market, once a command for all its fills. */
  | {
      readonly kind: "position";
      readonly account: number;
      readonly market: number;
      readonly position: VenuePosition;
      readonly volume: Lots;
    }
  | {
      readonly kind: "cash";
      readonly account: number;
      /** Cash in hand, and what of it open orders leave free. */
      readonly cash: MicroUsd;
      readonly available: MicroUsd;
      readonly atUs: TimestampUs;
    }
  | { readonly kind: "settlement"; readonly account: number; readonly settlement: VenueSettlement }
  | { readonly kind: "group"; readonly account: number; readonly group: GroupMessage }
  | { readonly kind: "lifecycle"; readonly market: number; readonly message: LifecycleMessage };
