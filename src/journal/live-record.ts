/**
 * What goes into a live run and what comes out of it, as plain data. A run is a fold: the same
 * inputs in the same order give the same outputs, and so a journal of inputs is the whole run.
 * Market news says what the venue told, own orders still in it; markets are indices into the
 * header's list. Prices are centi-cents of YES, sizes lots, times microseconds, money micro-dollars.
 */
import type { CentiCents, Lots, MicroUsd } from "../core/index.ts";
import type {
  BookSide,
  EventInfo,
  MarketInfo,
  MarketStatus,
  Membership,
  SnapshotLevel,
} from "../market/index.ts";
import type {
  ClientOrderId,
  OrderCommand,
  OrderEvent,
  RiskLimits,
  RiskRefusalReason,
} from "../orders/index.ts";

/** What the venue told about a market. `stampUs` is the venue's own time of it, null for none. */
export type MarketNews =
  | {
      readonly kind: "delta";
      readonly market: number;
      readonly side: BookSide;
      readonly price: CentiCents;
      /** What the level changes by, signed. */
      readonly change: Lots;
      readonly stampUs: number;
      /** The venue says that an order of ours caused it. */
      readonly own: boolean;
    }
  | {
      readonly kind: "trade";
      readonly market: number;
      /** The book side that was hit. */
      readonly hit: BookSide;
      readonly price: CentiCents;
      readonly size: Lots;
      readonly stampUs: number;
      readonly isBlock: boolean;
      readonly tradeId: string;
    }
  | {
      readonly kind: "snapshot";
      readonly market: number;
      readonly levels: readonly SnapshotLevel[];
    }
  /** Messages are missing; `market` null: of all markets. */
  | { readonly kind: "gap"; readonly market: number | null; readonly cause: string }
  | {
      readonly kind: "status";
      readonly market: number;
      readonly status: MarketStatus;
      readonly stampUs: number | null;
    }
  /** The market pays `value` to each YES contract. */
  | {
      readonly kind: "settled";
      readonly market: number;
      readonly value: CentiCents;
      readonly stampUs: number | null;
    };

/** An order that the venue has resting. */
export interface RestingOrder {
  readonly orderId: string;
  /** Null where it has none, so that it is none of ours. */
  readonly clientOrderId: ClientOrderId | null;
  readonly ticker: string;
  readonly side: BookSide;
  readonly price: CentiCents;
  readonly filled: Lots;
  readonly remaining: Lots;
}

/** A fill of an order that a former part of the journal sent, of which no part has told. */
export interface MissedFill {
  readonly tradeId: string;
  readonly clientOrderId: ClientOrderId;
  readonly ticker: string;
  readonly side: BookSide;
  readonly price: CentiCents;
  readonly size: Lots;
  readonly fee: MicroUsd;
  readonly role: Extract<OrderEvent, { kind: "filled" }>["role"];
  readonly atUs: number;
}

/** The account as the venue tells it, at one moment. */
export interface AccountReading {
  /** Cash that is free for orders. */
  readonly available: MicroUsd;
  /** Signed lots and what they cost. Markets that are not the run's are in here too. */
  readonly positions: readonly {
    readonly ticker: string;
    readonly position: Lots;
    readonly cost: MicroUsd;
  }[];
  readonly resting: readonly RestingOrder[];
  /** By our clock, when the reading was asked for, and when its last part came. */
  readonly askedUs: number;
  readonly toldUs: number;
  /** The moment, by the venue's clock, up to which it is complete; null where it does not say. */
  readonly completeUntilUs: number | null;
  /** What happened while nobody listened; it is in the positions already. Left out where nothing did. */
  readonly missed?: readonly MissedFill[];
}

/** A way to the venue that may be up or down. */
export type LinkName = "feed" | "account feed" | "rest" | "exchange";

export type LiveInput =
  | { readonly kind: "market"; readonly news: MarketNews }
  | { readonly kind: "order"; readonly event: OrderEvent }
  /** A whole second has come: the time for decisions. */
  | { readonly kind: "tick"; readonly atUs: number }
  | { readonly kind: "account"; readonly reading: AccountReading }
  | { readonly kind: "accountFailed"; readonly reason: string }
  /** The account has changed in a way that no order event tells. */
  | { readonly kind: "doubt"; readonly why: string }
  /** How many lots stand before resting orders of ours, as the venue says. Nothing depends on it. */
  | {
      readonly kind: "queue";
      readonly places: readonly { readonly clientOrderId: ClientOrderId; readonly ahead: Lots }[];
    }
  | {
      readonly kind: "link";
      readonly link: LinkName;
      readonly isUp: boolean;
      readonly why: string;
    }
  | { readonly kind: "command"; readonly name: "start" | "stop" | "kill"; readonly by: string };

/** An input and when it was taken, by this machine's clock. */
export interface LiveEntry {
  readonly atUs: number;
  readonly input: LiveInput;
}

export const LIVE_STATES = ["IDLE", "CALIBRATING", "READY", "ACTING", "ERROR"] as const;
export type LiveState = (typeof LIVE_STATES)[number];

/** Where the venue's truth replaced our view. */
export interface Correction {
  readonly what: "position" | "cash" | "order" | "foreign order";
  /** Ticker or id of the order. */
  readonly name: string;
  readonly ours: number | string;
  readonly venue: number | string;
}

export type LiveOutput =
  | {
      readonly kind: "decision";
      readonly market: number;
      readonly atUs: number;
      /** SHA-256 of the 52 float32 numbers that the agent saw. */
      readonly observationHash: string;
      /** Allowed actions, one digit each. */
      readonly mask: string;
      readonly action: number;
      readonly bid: CentiCents;
      readonly ask: CentiCents;
    }
  | { readonly kind: "sent"; readonly command: OrderCommand; readonly atUs: number }
  | {
      readonly kind: "refused";
      readonly command: OrderCommand;
      readonly reason: RiskRefusalReason;
      readonly atUs: number;
    }
  | {
      readonly kind: "state";
      readonly from: LiveState;
      readonly to: LiveState;
      readonly why: string;
      readonly atUs: number;
    }
  | { readonly kind: "correction"; readonly correction: Correction; readonly atUs: number }
  /** What is asked of the venue beside orders. */
  | {
      readonly kind: "ask";
      readonly what: "account" | "recover" | "cancel all";
      readonly atUs: number;
    }
  | {
      readonly kind: "ask";
      readonly what: "cancel foreign";
      readonly orderIds: readonly string[];
      readonly atUs: number;
    }
  /** Something worth telling that changes nothing. */
  | { readonly kind: "note"; readonly text: string; readonly atUs: number };

/** Everything that shapes a live run, but for its inputs. Plain data. */
export interface LiveHeader {
  readonly software: string;
  /** Begins the ids of all orders; other than those of every other run of the account. */
  readonly idPrefix: string;
  readonly venue: string;
  readonly startedUs: number;
  readonly markets: readonly MarketInfo[];
  readonly events: readonly EventInfo[];
  readonly policy: {
    readonly name: string;
    readonly modelHash: string | null;
    readonly choice: "best" | "sample";
  };
  readonly seed: number | string;
  readonly schemaHash: string;
  readonly settings: LiveSettings;
}

export interface LiveSettings {
  readonly cadence: "1s" | "event";
  readonly pricing: string;
  readonly orderSize: Lots;
  readonly limits: RiskLimits;
  readonly membership: Membership;
  /** The run uses at most this much of the account's cash; null: all of it. */
  readonly budget: MicroUsd | null;
  /** Portfolio value may fall by this much below that of the start; then the run ends. Null: never. */
  readonly lossMax: MicroUsd | null;
  /** For how long the last known book may be traded on without a feed; 0: not at all. */
  readonly staleBookUs: number;
  /** Time between reconciliations. */
  readonly reconcileUs: number;
  /** Observations that the policy sees at once. */
  readonly frames: number;
}
