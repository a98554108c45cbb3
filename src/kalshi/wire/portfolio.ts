/**
 * What an account has and what happened to it: balance, positions, fills, settlements, order groups.
 * Source: OpenAPI of Kalshi's Trade API 3.30 (package kalshi-typescript) and demo answers of 2026-06.
 */
import type { CentiCents, Lots, MicroUsd, TimestampUs } from "../../core/index.ts";
import type { BookSide } from "../../market/index.ts";
import {
  bookSide,
  cash,
  type Codec,
  defaulted,
  field,
  flag,
  integer,
  isoTime,
  listOrNone,
  named,
  natural,
  nullable,
  optional,
  type Page,
  page,
  price,
  record,
  shortCash,
  size,
  text,
  timeOrNull,
  unixSeconds,
  wholeCents,
} from "./codec.ts";
import { formerSide, noPrice } from "./orders.ts";

export interface ShardBalance {
  readonly exchangeIndex: number;
  readonly cash: MicroUsd;
}

/** Cash that is free for orders, and what the positions are worth, without the cash. */
export interface Balance {
  readonly cash: MicroUsd;
  /** In whole cents. */
  readonly portfolioValue: MicroUsd;
  /** Whole seconds. */
  readonly updatedUs: TimestampUs;
  /** Empty for keys that are bound to a subaccount. */
  readonly shards: readonly ShardBalance[];
}

export const balance = record<Balance>(
  {
    cash: field("balance_dollars", shortCash),
    portfolioValue: field("portfolio_value", wholeCents),
    updatedUs: field("updated_ts", unixSeconds),
    shards: listOrNone(
      "balance_breakdown",
      record<ShardBalance>({
        exchangeIndex: field("exchange_index", integer),
        cash: field("balance", shortCash),
      }),
    ),
  },
  ({ cash }) => ({ balance: wholeCents.write(cash) }),
);

/** One market's position: YES lots are positive, NO lots negative. */
export interface VenuePosition {
  readonly ticker: string;
  readonly exchangeIndex: number;
  readonly position: Lots;
  readonly totalTraded: MicroUsd;
  /** What the open position cost. */
  readonly exposure: MicroUsd;
  readonly realizedPnl: MicroUsd;
  readonly feesPaid: MicroUsd;
  readonly updatedUs: TimestampUs | null;
}

const venuePosition = record<VenuePosition>({
  ticker: field("ticker", named),
  exchangeIndex: defaulted("exchange_index", integer, 0),
  position: field("position_fp", size),
  totalTraded: field("total_traded_dollars", cash),
  exposure: field("market_exposure_dollars", cash),
  realizedPnl: field("realized_pnl_dollars", cash),
  feesPaid: field("fees_paid_dollars", cash),
  updatedUs: timeOrNull("last_updated_ts"),
});

export interface EventPosition {
  readonly eventTicker: string;
  readonly totalCost: MicroUsd;
  readonly totalCostShares: Lots;
  readonly exposure: MicroUsd;
  readonly realizedPnl: MicroUsd;
  readonly feesPaid: MicroUsd;
}

export interface PositionPage extends Page<VenuePosition> {
  readonly events: readonly EventPosition[];
}

export const positionPage = record<PositionPage>({
  items: listOrNone("market_positions", venuePosition),
  events: listOrNone(
    "event_positions",
    record<EventPosition>({
      eventTicker: field("event_ticker", named),
      totalCost: field("total_cost_dollars", cash),
      totalCostShares: field("total_cost_shares_fp", size),
      exposure: field("event_exposure_dollars", cash),
      realizedPnl: field("realized_pnl_dollars", cash),
      feesPaid: field("fees_paid_dollars", cash),
    }),
  ),
  cursor: defaulted("cursor", text, ""),
});

/** One fill of one of our orders. The venue does not tell the client's id of the order here. */
export interface VenueFill {
  readonly tradeId: string;
  readonly orderId: string;
  readonly ticker: string;
  readonly exchangeIndex: number;
  readonly side: BookSide;
  readonly size: Lots;
  /** The resting order's YES price. */
  readonly price: CentiCents;
  readonly isTaker: boolean;
  /** Net of rebates. */
  readonly fee: MicroUsd;
  readonly createdUs: TimestampUs | null;
  readonly subaccount: number | null;
}

export const venueFill = record<VenueFill>(
  {
    tradeId: field("trade_id", named),
    orderId: field("order_id", named),
    ticker: field("ticker", named),
    exchangeIndex: defaulted("exchange_index", integer, 0),
    side: field("book_side", bookSide),
    size: field("count_fp", size),
    price: field("yes_price_dollars", price),
    isTaker: field("is_taker", flag),
    fee: field("fee_cost", cash),
    createdUs: timeOrNull("created_time"),
    subaccount: nullable("subaccount_number", natural),
  },
  (fill) => ({
    ...formerSide(fill.side),
    ...noPrice(fill.price),
    fill_id: fill.tradeId,
    market_ticker: fill.ticker,
    ...(fill.createdUs === null ? {} : { ts: unixSeconds.write(fill.createdUs) }),
  }),
);

export const fillPage = page("fills", venueFill);

/** What a settled market paid. */
export interface VenueSettlement {
  readonly ticker: string;
  readonly exchangeIndex: number;
  readonly eventTicker: string;
  /** "yes", "no" or "scalar". */
  readonly result: string;
  readonly yesSize: Lots;
  readonly yesCost: MicroUsd;
  readonly noSize: Lots;
  readonly noCost: MicroUsd;
  /** In whole cents. */
  readonly revenue: MicroUsd;
  /** What a YES contract paid, in whole cents; null where it was not told. */
  readonly value: MicroUsd | null;
  /** Fees of the position's trades. */
  readonly fees: MicroUsd;
  readonly settledUs: TimestampUs;
}

export const settlementPage = page(
  "settlements",
  record<VenueSettlement>({
    ticker: field("ticker", named),
    exchangeIndex: defaulted("exchange_index", integer, 0),
    eventTicker: defaulted("event_ticker", text, ""),
    result: field("market_result", named),
    yesSize: field("yes_count_fp", size),
    yesCost: field("yes_total_cost_dollars", cash),
    noSize: field("no_count_fp", size),
    noCost: field("no_total_cost_dollars", cash),
    revenue: field("revenue", wholeCents),
    value: nullable("value", wholeCents),
    fees: field("fee_cost", cash),
    settledUs: field("settled_time", isoTime),
  }),
);

/** A limit on what a group's orders may match in any 15 seconds. */
export interface OrderGroup {
  readonly orderGroupId: string;
  readonly limit: Lots | null;
  readonly isAutoCancelEnabled: boolean;
  readonly exchangeIndex: number | null;
}

export const orderGroups = record<{ readonly items: readonly OrderGroup[] }>({
  items: listOrNone(
    "order_groups",
    record<OrderGroup>({
      orderGroupId: field("id", named),
      limit: optional("contracts_limit_fp", size),
      isAutoCancelEnabled: defaulted("is_auto_cancel_enabled", flag, true),
      exchangeIndex: optional("exchange_index", integer),
    }),
  ),
});

export interface OrderGroupDetails {
  readonly limit: Lots | null;
  readonly isAutoCancelEnabled: boolean;
  /** Ids of the group's orders. */
  readonly orders: readonly string[];
  readonly exchangeIndex: number | null;
}

export const orderGroupDetails = record<OrderGroupDetails>({
  limit: optional("contracts_limit_fp", size),
  isAutoCancelEnabled: defaulted("is_auto_cancel_enabled", flag, true),
  orders: listOrNone("orders", text),
  exchangeIndex: optional("exchange_index", integer),
});

/** A request for a group or for another limit; `whole` counts contracts, `limit` lots. */
export interface OrderGroupTicket {
  readonly limit: Lots | null;
  readonly whole: number | null;
  readonly subaccount: number | null;
  readonly exchangeIndex: number | null;
}

export const orderGroupTicket: Codec<OrderGroupTicket> = record<OrderGroupTicket>({
  limit: optional("contracts_limit_fp", size),
  whole: optional("contracts_limit", natural),
  subaccount: optional("subaccount", natural),
  exchangeIndex: optional("exchange_index", integer),
});

export interface OrderGroupCreated {
  readonly orderGroupId: string;
  readonly subaccount: number;
  readonly exchangeIndex: number | null;
}

export const orderGroupCreated = record<OrderGroupCreated>({
  orderGroupId: field("order_group_id", named),
  subaccount: defaulted("subaccount", natural, 0),
  exchangeIndex: optional("exchange_index", integer),
});
