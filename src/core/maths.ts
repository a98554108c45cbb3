/**
 * Elementary functions whose every bit is the same on all machines and engines. JavaScript leaves
 * the last bits of `Math.exp`, `Math.log`, `Math.sin` and their kin to the engine; here they are
 * built from IEEE 754 addition, multiplication, division, square root and exponent bits alone.
 * The reductions and minimax coefficients are those of fdlibm (Sun Microsystems, 1993).
 *
 * Accuracy, measured in `tests/core/maths.test.ts` against exact sums of 60 digits: `ln`, `exp`,
 * `sin` and `cos` are within 1 unit in the last place, `tanh` within 6.
 */
import { assert } from "./assert.ts";

export const TWO_PI = 6.283185307179586;

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const INVERSE_LN2 = 1.442695040888963387;

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);
// Which half of a double holds its exponent depends on the processor's byte order.
float64[0] = 1;
const HIGH = words[1] === 0x3ff00000 ? 1 : 0;

/** Natural logarithm. ln(0) is -Infinity; negative and NaN arguments are a bug. */
export function ln(x: number): number {
  assert(x >= 0, "ln takes a number from 0 up");
  if (x === 0) return -Infinity;
  if (x === Infinity) return Infinity;
  let exponent = 0;
  let scaled = x;
  if (scaled < 2.2250738585072014e-308) {
    scaled *= 18_014_398_509_481_984; // 2^54, to leave the subnormal range
    exponent = -54;
  }
  float64[0] = scaled;
  const high = words[HIGH] ?? 0;
  exponent += (high >>> 20) - 1023;
  // The mantissa is brought into [sqrt(1/2), sqrt(2)).
  const mantissaHigh = high & 0xfffff;
  const carry = (mantissaHigh + 0x95f64) & 0x100000;
  words[HIGH] = mantissaHigh | (carry ^ 0x3ff00000);
  exponent += carry >>> 20;
  const f = float64[0] - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even =
    w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const odd =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  const half = 0.5 * f * f;
  const correction = s * (half + even + odd);
  return exponent * LN2_HIGH - (half - (correction + exponent * LN2_LOW) - f);
}

/** e to the power x; 0 below about -745, Infinity above about 709.78. */
export function exp(x: number): number {
  assert(x === x, "exp takes a number");
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019411) return 0;
  const k = Math.floor(INVERSE_LN2 * x + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const t = r * r;
  const c =
    r -
    t *
      (1.66666666666666019037e-1 +
        t *
          (-2.77777777770155933842e-3 +
            t *
              (6.61375632143793436117e-5 +
                t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))));
  const y = 1 - (low - (r * c) / (2 - c) - high);
  // Two steps keep the scale a normal number where the result is subnormal or near the top.
  const first = k >> 1;
  return y * powerOfTwo(first) * powerOfTwo(k - first);
}

/** Hyperbolic tangent. */
export function tanh(x: number): number {
  assert(x === x, "tanh takes a number");
  const magnitude = Math.abs(x);
  if (magnitude > 22) return x < 0 ? -1 : 1;
  if (magnitude < 0.15) {
    // Taylor's series; exp(2x) - 1 would cancel here.
    const z = x * x;
    const series =
      z *
      (-1 / 3 +
        z *
          (2 / 15 +
            z *
              (-17 / 315 +
                z *
                  (62 / 2835 +
                    z * (-1382 / 155925 + z * (21844 / 6081075 + z * (-929569 / 638512875)))))));
    return x + x * series;
  }
  const tail = 2 / (exp(2 * magnitude) + 1);
  return x < 0 ? tail - 1 : 1 - tail;
}

/** Sine, for |x| up to 1e5. */
export function sin(x: number): number {
  const quadrant = reduce(x);
  switch (quadrant) {
    case 0:
      return kernelSin(reduced, reducedTail);
    case 1:
      return kernelCos(reduced, reducedTail);
    case 2:
      return -kernelSin(reduced, reducedTail);
    default:
      return -kernelCos(reduced, reducedTail);
  }
}

/** Cosine, for |x| up to 1e5. */
export function cos(x: number): number {
  const quadrant = reduce(x);
  switch (quadrant) {
    case 0:
      return kernelCos(reduced, reducedTail);
    case 1:
      return -kernelSin(reduced, reducedTail);
    case 2:
      return -kernelCos(reduced, reducedTail);
    default:
      return kernelSin(reduced, reducedTail);
  }
}

/** x to the power y for positive x; by repeated multiplication where y is a small integer. */
export function pow(x: number, y: number): number {
  assert(x > 0, "pow takes a positive base");
  if (Number.isInteger(y) && Math.abs(y) <= 64) {
    let product = 1;
    for (let step = 0; step < Math.abs(y); step++) product *= x;
    return y < 0 ? 1 / product : product;
  }
  return exp(y * ln(x));
}

function powerOfTwo(exponent: number): number {
  words[1 - HIGH] = 0;
  words[HIGH] = (exponent + 1023) << 20;
  return float64[0] ?? 0;
}

// The reduced argument and what rounding left of it: two results without an allocation.
let reduced = 0;
let reducedTail = 0;

/** x minus the nearest multiple of pi/2, in two doubles; returns the quadrant 0..3. */
function reduce(x: number): number {
  assert(Math.abs(x) <= 1e5, "sin and cos take arguments up to 1e5");
  const n = Math.floor(x * 6.36619772367581382433e-1 + 0.5);
  // pi/2 in three parts of 33 bits, so that n times each of the first two is exact.
  let r = x - n * 1.57079632673412561417;
  let w = n * 6.0771005063039659766e-11;
  const before = r;
  r = before - w;
  w = n * 2.02226624879595063154e-21 - (before - r - w);
  reduced = r - w;
  reducedTail = r - reduced - w;
  return ((n % 4) + 4) % 4;
}

function kernelSin(x: number, tail: number): number {
  const z = x * x;
  const v = z * x;
  const r =
    8.33333333332248946124e-3 +
    z *
      (-1.98412698298579493134e-4 +
        z *
          (2.75573137070700676789e-6 +
            z * (-2.50507602534068634195e-8 + z * 1.58969099521155010221e-10)));
  return x - (z * (0.5 * tail - v * r) - tail - v * -1.66666666666666324348e-1);
}

function kernelCos(x: number, tail: number): number {
  const z = x * x;
  const r =
    z *
    (4.16666666666666019037e-2 +
      z *
        (-1.38888888888741095749e-3 +
          z *
            (2.48015872894767294178e-5 +
              z *
                (-2.75573143513906633035e-7 +
                  z * (2.0875723212981748279e-9 + z * -1.13596475577881948265e-11)))));
  const half = 0.5 * z;
  const w = 1 - half;
  return w + (1 - w - half + (z * r - x * tail));
}
