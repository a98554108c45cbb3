/**
 * What the WebSocket's messages about trades, quotes, own orders, fills and positions carry. They
 * tell the same things as REST under other names, and become the same records here.
 * Source: AsyncAPI "Kalshi Market Data WebSocket API" 2.0.0, of about 2026-10.
 */
import type { CentiCents, Lots, MicroUsd, TimestampUs } from "../../core/index.ts";
import type { SelfTradePrevention } from "../../orders/index.ts";
import {
  bookSide,
  cash,
  defaulted,
  field,
  flag,
  formatWireTime,
  integer,
  named,
  natural,
  oneOf,
  optional,
  price,
  record,
  shortCash,
  size,
  text,
  unixMs,
  unixSeconds,
} from "./codec.ts";
import { takerWords, type VenueTrade } from "./markets.ts";
import { formerSide, noPrice, orderStatus, type VenueOrder } from "./orders.ts";
import type { VenueFill } from "./portfolio.ts";

export const tradeMessage = record<VenueTrade>(
  {
    tradeId: field("trade_id", named),
    ticker: field("market_ticker", named),
    size: field("count_fp", size),
    price: field("yes_price_dollars", price),
    takerSide: field("taker_book_side", bookSide),
    isBlock: defaulted("is_block_trade", flag, false),
    createdUs: field("ts_ms", unixMs),
  },
  (trade) => ({
    ...noPrice(trade.price),
    ...takerWords(trade.takerSide),
    ts: unixSeconds.write(trade.createdUs),
  }),
);

/** A market's quotes and totals. */
export interface TickerMessage {
  readonly ticker: string;
  readonly marketId: string;
  readonly lastPrice: CentiCents;
  readonly yesBid: CentiCents;
  readonly yesAsk: CentiCents;
  readonly yesBidSize: Lots;
  readonly yesAskSize: Lots;
  readonly lastTradeSize: Lots;
  readonly volume: Lots;
  readonly openInterest: Lots;
  /** Whole dollars. */
  readonly dollarVolume: number;
  readonly dollarOpenInterest: number;
  readonly atUs: TimestampUs;
}

const NO_SIZE = 0 as Lots;

export const tickerMessage = record<TickerMessage>(
  {
    ticker: field("market_ticker", named),
    marketId: defaulted("market_id", text, ""),
    lastPrice: field("price_dollars", price),
    yesBid: field("yes_bid_dollars", price),
    yesAsk: field("yes_ask_dollars", price),
    yesBidSize: defaulted("yes_bid_size_fp", size, NO_SIZE),
    yesAskSize: defaulted("yes_ask_size_fp", size, NO_SIZE),
    lastTradeSize: defaulted("last_trade_size_fp", size, NO_SIZE),
    volume: field("volume_fp", size),
    openInterest: field("open_interest_fp", size),
    dollarVolume: defaulted("dollar_volume", integer, 0),
    dollarOpenInterest: defaulted("dollar_open_interest", integer, 0),
    atUs: field("ts_ms", unixMs),
  },
  ({ atUs }) => ({ ts: unixSeconds.write(atUs), time: formatWireTime(atUs) }),
);

/** A fill, with what REST does not tell of it. */
export interface FillMessage extends VenueFill {
  readonly clientOrderId: string | null;
  /** The position after the fill. */
  readonly position: Lots;
}

export const fillMessage = record<FillMessage>(
  {
    tradeId: field("trade_id", named),
    orderId: field("order_id", named),
    clientOrderId: optional("client_order_id", text),
    ticker: field("market_ticker", named),
    exchangeIndex: defaulted("exchange_index", integer, 0),
    side: field("book_side", bookSide),
    size: field("count_fp", size),
    price: field("yes_price_dollars", price),
    isTaker: field("is_taker", flag),
    fee: field("fee_cost", cash),
    position: field("post_position_fp", size),
    createdUs: optional("ts_ms", unixMs),
    subaccount: optional("subaccount", natural),
  },
  (fill) => ({
    ...formerSide(fill.side),
    purchased_side: formerSide(fill.side)["outcome_side"],
    ...(fill.createdUs === null ? {} : { ts: unixSeconds.write(fill.createdUs) }),
  }),
);

/** An order's state after a change, and the change's reason where it is told. */
export interface OrderMessage extends Omit<VenueOrder, "cancelOnPause"> {
  /** "Trade", "Amend", "Decrease", "SelfTradeCancel" and others; the list is open. */
  readonly reason: string | null;
}

export const orderMessage = record<OrderMessage>(
  {
    orderId: field("order_id", named),
    userId: defaulted("user_id", text, ""),
    clientOrderId: defaulted("client_order_id", text, ""),
    ticker: field("ticker", named),
    exchangeIndex: defaulted("exchange_index", integer, 0),
    status: field("status", orderStatus),
    side: field("book_side", bookSide),
    price: field("yes_price_dollars", price),
    initial: field("initial_count_fp", size),
    filled: field("fill_count_fp", size),
    remaining: field("remaining_count_fp", size),
    takerCost: field("taker_fill_cost_dollars", cash),
    makerCost: field("maker_fill_cost_dollars", cash),
    takerFees: field("taker_fees_dollars", cash),
    makerFees: field("maker_fees_dollars", cash),
    orderGroupId: optional("order_group_id", text),
    selfTradePrevention: optional(
      "self_trade_prevention_type",
      oneOf<SelfTradePrevention>("taker_at_cross", "maker"),
    ),
    createdUs: optional("created_ts_ms", unixMs),
    updatedUs: optional("last_updated_ts_ms", unixMs),
    expiresUs: optional("expiration_ts_ms", unixMs),
    reason: optional("last_update_reason", text),
    subaccount: optional("subaccount_number", natural),
  },
  (order) => ({
    ...formerSide(order.side),
    is_yes: true,
    ...(order.createdUs === null ? {} : { created_time: formatWireTime(order.createdUs) }),
    ...(order.updatedUs === null ? {} : { last_update_time: formatWireTime(order.updatedUs) }),
    ...(order.expiresUs === null ? {} : { expiration_time: formatWireTime(order.expiresUs) }),
  }),
);

/** A market's position after a change; the position's cost is without its fees. */
export interface PositionMessage {
  readonly userId: string;
  readonly ticker: string;
  readonly position: Lots;
  readonly cost: MicroUsd;
  readonly realizedPnl: MicroUsd;
  readonly feesPaid: MicroUsd;
  readonly positionFees: MicroUsd;
  readonly volume: Lots;
  readonly subaccount: number | null;
}

export const positionMessage = record<PositionMessage>({
  userId: defaulted("user_id", text, ""),
  ticker: field("market_ticker", named),
  position: field("position_fp", size),
  cost: field("position_cost_dollars", shortCash),
  realizedPnl: field("realized_pnl_dollars", shortCash),
  feesPaid: field("fees_paid_dollars", shortCash),
  positionFees: defaulted("position_fee_cost_dollars", shortCash, 0 as MicroUsd),
  volume: field("volume_fp", size),
  subaccount: optional("subaccount", natural),
});

export interface GroupMessage {
  /** "created", "triggered", "reset", "deleted" or "limit_updated". */
  readonly what: string;
  readonly orderGroupId: string;
  readonly limit: Lots | null;
  readonly atUs: TimestampUs | null;
}

export const groupMessage = record<GroupMessage>({
  what: field("event_type", named),
  orderGroupId: field("order_group_id", named),
  limit: optional("contracts_limit_fp", size),
  atUs: optional("ts_ms", unixMs),
});
