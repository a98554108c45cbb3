/**
 * The venue's words for why, in ours. Its codes are not catalogued, so whatever is not known here
 * becomes "venue".
 */
import type { CancelReason, OrderRequest, RejectReason } from "../../orders/index.ts";
import type { Fault } from "../wire/faults.ts";

const REJECT_REASONS: Readonly<Record<string, RejectReason>> = {
  insufficient_balance: "insufficient_balance",
  available_balance_too_low: "insufficient_balance",
  invalid_price: "invalid_price",
  invalid_order_size: "invalid_size",
  market_inactive: "market_closed",
  market_closed: "market_closed",
  trading_is_paused: "market_paused",
  exchange_is_paused: "market_paused",
  fill_or_kill_insufficient_resting_volume: "fill_or_kill_unfilled",
  order_already_exists: "duplicate_client_order_id",
  not_found: "not_found",
  market_not_found: "not_found",
  invalid_order: "invalid_order",
};

/** Why the venue refused. `nowUs` is when; an expiry that has passed by then is named as such. */
export function rejectReasonOf(fault: Fault, request: OrderRequest, nowUs: number): RejectReason {
  const code = fault.code.toLowerCase();
  const words = `${fault.message} ${fault.details}`.toLowerCase();
  if (words.includes("post only")) return "post_only_cross";
  if (code === "invalid_order" && words.includes("expiration")) return "invalid_expiration";
  const reason = Object.hasOwn(REJECT_REASONS, code) ? REJECT_REASONS[code] : undefined;
  if (reason !== "invalid_order") return reason ?? "venue";
  const { expiresUs } = request;
  return expiresUs !== undefined && expiresUs <= nowUs ? "invalid_expiration" : reason;
}

const CANCEL_REASONS: Readonly<Record<string, CancelReason>> = {
  SelfTradeCancel: "self_trade",
  ExpiryCancel: "expired",
  CloseCancel: "market_closed",
  HaltCancel: "halt",
  ReduceOnlyCancel: "exceeds_position",
};

/**
 * Why an order was cancelled, by the word of its last update (`last_update_reason`); null where the
 * word says nothing of it, as with plain cancels, which are told like decreases.
 */
export function cancelReasonOf(word: string | null): CancelReason | null {
  if (word === null) return null;
  return Object.hasOwn(CANCEL_REASONS, word) ? (CANCEL_REASONS[word] ?? null) : null;
}
