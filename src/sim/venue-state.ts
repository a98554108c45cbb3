/**
 * What of the simulated venue decides how it goes on, as it is saved in the middle of a recording.
 * States are shared by all that is restored from them, so nothing of them is ever changed. They hold
 * what is live: levels that are occupied, orders that rest, messages on their way.
 */
import type { CentiCents, Lots, PrngState } from "../core/index.ts";
import type { BookLevels } from "../market/index.ts";
import type { ClientOrderId, LedgerState, OrderEvent, OrderRequest } from "../orders/index.ts";
import type { AcceptedOrdersState } from "./accepted-orders.ts";
import type { DepletionState } from "./depletion.ts";
import type { ExchangeOrder } from "./exchange-order.ts";

/** A message of ours that acts at the exchange at `atUs`. */
export type Command =
  | { readonly kind: "submit"; readonly atUs: number; readonly order: OrderRequest }
  | {
      readonly kind: "amend";
      readonly atUs: number;
      readonly clientOrderId: ClientOrderId;
      readonly price: CentiCents;
      readonly size: Lots;
    }
  | { readonly kind: "cancel"; readonly atUs: number; readonly clientOrderId: ClientOrderId };

/** A market in the middle of its tape. */
export interface MarketState {
  readonly row: number;
  readonly feedUs: number;
  readonly bookKnown: boolean;
  readonly closed: boolean;
  readonly paused: boolean;
  readonly uncertainOrders: number;
  readonly book: BookLevels;
  readonly depletion: DepletionState;
  /** The overlay's stream, where there is one. */
  readonly overlay: PrngState | null;
  /** Oldest first. */
  readonly resting: readonly Readonly<ExchangeOrder>[];
}

/** A venue in the middle of its tape. */
export interface VenueState {
  readonly markets: readonly MarketState[];
  readonly ledger: LedgerState;
  readonly accepted: AcceptedOrdersState;
  /** The stream of latencies. */
  readonly latency: PrngState;
  /** Messages on their way to the venue, and to us. */
  readonly commands: readonly Command[];
  readonly answers: readonly OrderEvent[];
  readonly nowUs: number;
  readonly expiryUs: number;
  readonly lastArrivalUs: number;
  readonly lastAnswerUs: number;
}
