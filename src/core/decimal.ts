/**
 * Exact conversion between decimal strings and scaled integers. Nothing here passes through a
 * binary fraction: digits become integers, integers become digits.
 */
import { assert } from "./assert.ts";
import { OperationError } from "./operation-error.ts";
import type { CentiCents, Lots } from "./units.ts";

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?$/;

/**
 * Integer count of 10^-places units in a decimal string: ("0.5600", 4) is 5600. Trailing zeros
 * beyond `places` are accepted, other digits there are `DECIMAL_PRECISION`; anything else that is
 * not a decimal number is `DECIMAL_FORMAT`; beyond 2^53 is `DECIMAL_RANGE`. `field` names the place.
 */
export function parseFixed(text: string, places: number, field: string): number {
  const match = DECIMAL.exec(text);
  if (match === null) {
    throw new OperationError(
      "DECIMAL_FORMAT",
      `${field}: expected a decimal number, was ${JSON.stringify(text)}`,
    );
  }
  const [, sign, whole = "0", fractionText = ""] = match;
  const fraction = fractionText.replace(/0+$/, "");
  if (fraction.length > places) {
    throw new OperationError(
      "DECIMAL_PRECISION",
      `${field}: expected at most ${places} decimals, was "${text}"`,
    );
  }
  const magnitude = Number(whole + fraction.padEnd(places, "0"));
  if (!Number.isSafeInteger(magnitude)) {
    throw new OperationError("DECIMAL_RANGE", `${field}: too large to be exact, was "${text}"`);
  }
  return sign === "-" && magnitude !== 0 ? -magnitude : magnitude;
}

/** The inverse of `parseFixed`: (5600, 4) is "0.5600". Always prints `places` decimals. */
export function formatFixed(value: number, places: number): string {
  assert(Number.isSafeInteger(value), "only integers are formatted as fixed decimals");
  const digits = String(Math.abs(value)).padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places);
  return `${value < 0 ? "-" : ""}${whole}${places > 0 ? `.${fraction}` : ""}`;
}

/** A dollar price such as "0.5600"; outside 0..1 dollar is `DECIMAL_RANGE`. */
export function parseCentiCents(text: string, field: string): CentiCents {
  const value = parseFixed(text, 4, field);
  if (value < 0 || value > 10_000) {
    throw new OperationError(
      "DECIMAL_RANGE",
      `${field}: expected a price from 0 to 1 dollar, was "${text}"`,
    );
  }
  return value as CentiCents;
}

/** A number of contracts such as "12.50", possibly signed. */
export function parseLots(text: string, field: string): Lots {
  return parseFixed(text, 2, field) as Lots;
}

/** Dollars with four decimals: 5600 is "0.5600". */
export function formatCentiCents(price: CentiCents): string {
  return formatFixed(price, 4);
}
