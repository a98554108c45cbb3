/**
 * Elementary functions against exact rational arithmetic: Taylor and Euler sums in BigInt with 60
 * decimals, which no floating-point unit has touched.
 */
import { expect, test } from "vitest";
import { cos, exp, ln, pow, Prng, sin, tanh } from "../../src/core/index.ts";

const DIGITS = 60n;
const ONE = 10n ** DIGITS;
const seed = Number(process.env["SEED"] ?? 23);

/** A double as an exact fraction of ONE. */
function exact(x: number): bigint {
  let scaled = x;
  let shift = 0n;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    shift += 1n;
  }
  return (BigInt(scaled) * ONE) / 2n ** shift;
}

function expExact(x: bigint): bigint {
  // e^x = (e^(x/1024))^1024.
  const small = x / 1024n;
  let term = ONE;
  let sum = ONE;
  for (let n = 1n; term !== 0n; n++) {
    term = (term * small) / (n * ONE);
    sum += term;
  }
  for (let squaring = 0; squaring < 10; squaring++) sum = (sum * sum) / ONE;
  return sum;
}

function sinExact(x: bigint): bigint {
  let term = x;
  let sum = x;
  for (let n = 1n; term !== 0n; n++) {
    term = (-term * x * x) / (ONE * ONE) / (2n * n * (2n * n + 1n));
    sum += term;
  }
  return sum;
}

/** Units in the last place of `value` between it and the exact result. */
function ulps(value: number, reference: bigint): number {
  const error = exact(value) - reference;
  const size = Math.abs(value);
  let unit = 2 ** -1074;
  while (unit * 2 ** 53 <= size) unit *= 2;
  return Math.abs(Number((error * 10n ** 6n) / (exact(unit) === 0n ? 1n : exact(unit)))) / 1e6;
}

test("exp, sin and cos are within one unit in the last place, tanh within six", () => {
  const prng = Prng.fromSeed(seed);
  for (let round = 0; round < 400; round++) {
    const x = prng.float() * 20 - 10;
    const place = `seed ${seed} x ${x}`;
    expect(ulps(exp(x), expExact(exact(x))), place).toBeLessThan(1);
    expect(ulps(sin(x), sinExact(exact(x))), place).toBeLessThan(1);
    // cos^2 = 1 - sin^2 would lose digits; the half-angle does not.
    const half = sinExact(exact(x) / 2n);
    expect(ulps(cos(x), ONE - (2n * half * half) / ONE), place).toBeLessThan(1);
    const double = expExact(2n * exact(x));
    expect(ulps(tanh(x), ((double - ONE) * ONE) / (double + ONE)), place).toBeLessThan(6);
  }
});

test("ln is the inverse of exp to within one unit in the last place", () => {
  const prng = Prng.fromSeed(seed);
  for (let round = 0; round < 400; round++) {
    const x = prng.float() * 100 + 1e-6;
    const y = ln(x);
    // ln is right to a unit if exp of it, exactly, brackets x between its neighbours.
    const relative = Number(((expExact(exact(y)) - exact(x)) * 10n ** 25n) / exact(x)) / 1e25;
    const unit = Math.abs(y) < 1e-300 ? 2 ** -1074 : Math.abs(y) * 2 ** -52;
    expect(Math.abs(relative), `seed ${seed} x ${x}`).toBeLessThan(unit);
  }
  expect(ln(1)).toBe(0);
  expect(ln(0)).toBe(-Infinity);
  expect(exp(0)).toBe(1);
  expect(exp(-800)).toBe(0);
  expect(exp(710)).toBe(Infinity);
  expect(tanh(0.001)).toBeCloseTo(0.001 - 1e-9 / 3, 15);
});

test("powers of small whole exponents are products, others go through exp and ln", () => {
  expect(pow(3, 4)).toBe(81);
  expect(pow(2, -3)).toBe(0.125);
  expect(Math.abs(pow(2, 0.5) - Math.SQRT2)).toBeLessThan(1e-15);
});
