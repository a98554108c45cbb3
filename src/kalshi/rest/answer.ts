/**
 * What became of a call, as a value: an expected no is no exception. `sentenceOf` says it to a person.
 * The sentences never hold a key, a signature or a header.
 */
import { OperationError, unreachable } from "../../core/index.ts";
import { type Fault, TOO_MANY_REQUESTS } from "../wire/faults.ts";

export type Answer<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** The venue said no. Nothing happened. */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly fault: Fault;
      /** How far this machine's clock is ahead of the venue's, in seconds, where that is known. */
      readonly clockAheadSeconds: number | null;
    }
  /** Nothing happened: it was never sent, or it was only a reading, which failed. */
  | { readonly kind: "failed"; readonly reason: string }
  /** Something was sent and no answer came: it may have happened, or not. */
  | { readonly kind: "unknown"; readonly reason: string };

/** What the venue's codes mean to someone who has to do something about them. */
const MEANINGS: Readonly<Record<string, string>> = {
  insufficient_balance: "there is not enough free cash for the order and its fee",
  available_balance_too_low: "there is not enough free cash for the order and its fee",
  invalid_price: "the price is not on the market's tick grid",
  invalid_order_size: "the size is not one that the market takes",
  not_found: "the venue knows no such order or market, or the order is no longer open",
  market_not_found: "the venue knows no such market",
  order_already_exists: "an order with this client id was placed before",
  fill_or_kill_insufficient_resting_volume: "the book held too little to fill the order at once",
  market_inactive: "the market is closed for trading",
  market_closed: "the market is closed for trading",
  trading_is_paused: "trading is paused at the venue",
  exchange_is_paused: "the exchange is paused",
  deprecated_v1_order_endpoint: "this endpoint was switched off",
  signature_is_missing_from_headers: "this needs a key, and none was given",
  [TOO_MANY_REQUESTS]: "the account's rate limit was reached; nothing was done",
};

/** One plain sentence without its full stop, for anything but success. */
export function sentenceOf(answer: Exclude<Answer<unknown>, { kind: "ok" }>): string {
  switch (answer.kind) {
    case "refused":
      return refusal(answer.status, answer.fault, answer.clockAheadSeconds);
    case "failed":
      return answer.reason;
    case "unknown":
      return `${answer.reason}; whether the venue acted is not known`;
    default:
      return unreachable(answer);
  }
}

function refusal(status: number, fault: Fault, aheadSeconds: number | null): string {
  const { code, message, details } = fault;
  if (code === "header_timestamp_expired") {
    const by =
      aheadSeconds === null || aheadSeconds === 0
        ? "is wrong"
        : `is ${Math.abs(aheadSeconds)} s ${aheadSeconds > 0 ? "ahead of" : "behind"} the venue's`;
    return `the venue refused the request's time: this machine's clock ${by}; set it`;
  }
  if (details === "INCORRECT_API_KEY_SIGNATURE") {
    return "the venue refused the signature: the private key does not belong to this key id";
  }
  if (code === "authentication_error") {
    return "the venue does not know this key id; keys of the demo exchange and of production differ";
  }
  const told = [code || message, details].filter((part) => part !== "").join(": ");
  const meaning = MEANINGS[code.toLowerCase()];
  const words = told === "" ? `with status ${status}` : `with status ${status}, ${told}`;
  return meaning === undefined
    ? `the venue refused ${words}`
    : `${meaning} (the venue refused ${words})`;
}

/** The value of an answer that must be a success; else `VENUE_ANSWER`, `VENUE_FAILED`, `VENUE_UNKNOWN`. */
export function valueOf<T>(answer: Answer<T>, what: string): T {
  switch (answer.kind) {
    case "ok":
      return answer.value;
    case "refused":
      throw new OperationError("VENUE_ANSWER", `${what}: ${sentenceOf(answer)}`);
    case "failed":
      throw new OperationError("VENUE_FAILED", `${what}: ${sentenceOf(answer)}`);
    case "unknown":
      throw new OperationError("VENUE_UNKNOWN", `${what}: ${sentenceOf(answer)}`);
    default:
      return unreachable(answer);
  }
}
