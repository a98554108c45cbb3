/**
 * The number system that kernels compute in. Training uses FLOAT32: every operation is rounded to
 * single precision at once, as strict SIMD does it, so that the fast kernels give the same bits.
 * FLOAT64 is the same code in double precision, for tests against references.
 *
 * The float32 functions are built from IEEE multiplication, addition, division and rounding alone:
 * exp and ln by Cephes' minimax polynomials (Moshier), tanh by Eigen's 13/6 rational. Accuracy is
 * measured in tests/learn/mathematics.test.ts.
 */
import { exp, ln, tanh } from "../core/index.ts";

export type FloatArray = Float32Array | Float64Array;

export interface Arithmetic {
  readonly name: "float32" | "float64";
  readonly round: (x: number) => number;
  readonly exp: (x: number) => number;
  readonly ln: (x: number) => number;
  readonly tanh: (x: number) => number;
  readonly allocate: (length: number) => FloatArray;
}

const f = Math.fround;

const LOG2_E = f(1.4426950408889634);
const LN2_HIGH = f(0.693359375);
const LN2_LOW = f(-2.1219444e-4);
const EXP = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
  5.0000001201e-1,
].map(f);
const [E0, E1, E2, E3, E4, E5] = EXP as [number, number, number, number, number, number];

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** Beyond it e^x would ask for a power of two that float32 does not have. */
const EXP_LIMIT = f(88.37);

/** e to the x in float32; 0 below -87.3, 2.39e38 above 88.37, NaN of NaN. */
export function exp32(x: number): number {
  if (x < -87.3) return 0;
  const top = x > EXP_LIMIT ? EXP_LIMIT : x;
  const k = Math.floor(f(f(top * LOG2_E) + 0.5));
  const r = f(f(top - f(k * LN2_HIGH)) - f(k * LN2_LOW));
  const z = f(r * r);
  let y = E0;
  y = f(f(y * r) + E1);
  y = f(f(y * r) + E2);
  y = f(f(y * r) + E3);
  y = f(f(y * r) + E4);
  y = f(f(y * r) + E5);
  y = f(f(f(y * z) + r) + 1);
  bits[0] = (k + 127) << 23;
  return f(y * (float[0] as number));
}

const LN = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1,
  -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(f);
const [L0, L1, L2, L3, L4, L5, L6, L7, L8] = LN as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];
const SQRT_HALF = f(0.707106781186547524);

/** Natural logarithm of a normal float32; -Infinity of 0, NaN of negative numbers and NaN. */
export function ln32(x: number): number {
  if (!(x > 0 && x < Infinity)) return x === 0 ? -Infinity : x === Infinity ? x : Number.NaN;
  float[0] = x;
  const word = bits[0] as number;
  let exponent = ((word >> 23) & 0xff) - 126;
  bits[0] = (word & 0x007fffff) | 0x3f000000;
  let m = float[0] as number;
  if (m < SQRT_HALF) {
    exponent -= 1;
    m = f(f(m + m) - 1);
  } else {
    m = f(m - 1);
  }
  const z = f(m * m);
  let y = L0;
  y = f(f(y * m) + L1);
  y = f(f(y * m) + L2);
  y = f(f(y * m) + L3);
  y = f(f(y * m) + L4);
  y = f(f(y * m) + L5);
  y = f(f(y * m) + L6);
  y = f(f(y * m) + L7);
  y = f(f(y * m) + L8);
  y = f(f(y * m) * z);
  y = f(y + f(exponent * LN2_LOW));
  y = f(y - f(0.5 * z));
  return f(f(m + y) + f(exponent * LN2_HIGH));
}

const TANH_LIMIT = f(7.90531110763549805);
const A1 = f(4.89352455891786e-3);
const A3 = f(6.37261928875436e-4);
const A5 = f(1.48572235717979e-5);
const A7 = f(5.12229709037114e-8);
const A9 = f(-8.60467152213735e-11);
const A11 = f(2.00018790482477e-13);
const A13 = f(-2.76076847742355e-16);
const B0 = f(4.89352518554385e-3);
const B2 = f(2.268434632439e-3);
const B4 = f(1.18534705686654e-4);
const B6 = f(1.19825839466702e-6);

/** Hyperbolic tangent in float32. */
export function tanh32(x: number): number {
  const c = x > TANH_LIMIT ? TANH_LIMIT : x < -TANH_LIMIT ? -TANH_LIMIT : x;
  const z = f(c * c);
  let p = A13;
  p = f(f(p * z) + A11);
  p = f(f(p * z) + A9);
  p = f(f(p * z) + A7);
  p = f(f(p * z) + A5);
  p = f(f(p * z) + A3);
  p = f(f(p * z) + A1);
  p = f(p * c);
  let q = B6;
  q = f(f(q * z) + B4);
  q = f(f(q * z) + B2);
  q = f(f(q * z) + B0);
  return f(p / q);
}

export const FLOAT32: Arithmetic = {
  name: "float32",
  round: Math.fround,
  exp: exp32,
  ln: ln32,
  tanh: tanh32,
  allocate: (length) => new Float32Array(length),
};

export const FLOAT64: Arithmetic = {
  name: "float64",
  round: (x) => x,
  exp,
  ln,
  tanh,
  allocate: (length) => new Float64Array(length),
};
