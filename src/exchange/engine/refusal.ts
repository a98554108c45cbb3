/**
 * Why the exchange says no: values, not exceptions. Codes are the venue's where one was captured or
 * is documented; the others (marked) are spelled like them, for no list of codes is published.
 */

export const REFUSALS = {
  insufficient_balance: 400,
  invalid_price: 400,
  invalid_order: 400,
  invalid_order_size: 400,
  order_id_and_client_order_id_mismatch: 400,
  order_side_mismatch: 400,
  order_ticker_mismatch: 400,
  /** Spelled after the FIX interface's MARKET_INACTIVE. */
  market_inactive: 400,
  /** Not captured. */
  trading_is_paused: 409,
  /** Not captured. */
  exchange_is_paused: 409,
  /** Not captured. */
  order_group_triggered: 409,
  not_found: 404,
  /** Not captured. */
  market_not_found: 404,
  /** Not captured. */
  order_group_not_found: 404,
  order_already_exists: 409,
  fill_or_kill_insufficient_resting_volume: 409,
} as const;

export type RefusalCode = keyof typeof REFUSALS;

export interface Refusal {
  readonly kind: "refused";
  readonly code: RefusalCode;
  readonly details: string;
}

export function refuse(code: RefusalCode, details = ""): Refusal {
  return { kind: "refused", code, details };
}
