/**
 * The four quantities of the product, as branded integers. They are chosen so that
 * price x size is cash with nothing to round.
 */
import { assert } from "./assert.ts";

declare const unit: unique symbol;
export type Unit<Name extends string> = number & { readonly [unit]: Name };

/** Price in centi-cents, Kalshi's own 1e-4 dollar: 5600 is 56 cents. Integer, 0..10_000. */
export type CentiCents = Unit<"CentiCents">;
/** Size in lots of 0.01 contract, Kalshi's smallest fraction: 250 is 2.50 contracts. Integer. */
export type Lots = Unit<"Lots">;
/** Cash in micro-dollars, 1e-6 dollar. Closed under trading: CentiCents x Lots = MicroUsd. */
export type MicroUsd = Unit<"MicroUsd">;
/** Microseconds since 1970-01-01T00:00:00Z. Integer. */
export type TimestampUs = Unit<"TimestampUs">;

/** One dollar as a price: what a winning contract pays. */
export const ONE_DOLLAR_CC = 10_000 as CentiCents;
export const LOTS_PER_CONTRACT = 100;
export const MICRO_USD_PER_USD = 1_000_000;
export const US_PER_SECOND = 1_000_000;

/** Brands an integer price in 0..10_000. */
export function centiCents(value: number): CentiCents {
  assert(Number.isInteger(value), "a price is an integer of centi-cents");
  assert(value >= 0 && value <= ONE_DOLLAR_CC, "a price lies between 0 and 10_000 centi-cents");
  return value as CentiCents;
}

/** Brands an integer size; negative only where a signed position or change is meant. */
export function lots(value: number): Lots {
  assert(Number.isSafeInteger(value), "a size is an integer of lots");
  return value as Lots;
}

/** Brands an integer amount of cash. */
export function microUsd(value: number): MicroUsd {
  assert(Number.isSafeInteger(value), "cash is an integer of micro-dollars");
  return value as MicroUsd;
}

/** Brands an integer time. */
export function timestampUs(value: number): TimestampUs {
  assert(Number.isSafeInteger(value), "a time is an integer of microseconds");
  return value as TimestampUs;
}

/** The price of the other outcome: YES at p is NO at one dollar minus p. */
export function complement(price: CentiCents): CentiCents {
  return (ONE_DOLLAR_CC - price) as CentiCents;
}
