/**
 * exp, ln, tanh and relu over four float32 lanes: the polynomials and rationals of
 * src/learn/arithmetic.ts, operation for operation, so the bits are those of the scalar code.
 */

// @ts-ignore: decorator
@inline
function f(x: f32): v128 {
  return f32x4.splat(x);
}

// @ts-ignore: decorator
@inline
function step(y: v128, x: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(y, x), f32x4.splat(c));
}

/** The largest float32 below -87.3: from there down exp is 0. */
const EXP_ZERO: f32 = -87.3;
const EXP_LIMIT: f32 = 88.37;

// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const top = f32x4.pmin(x, f(EXP_LIMIT));
  const k = f32x4.floor(f32x4.add(f32x4.mul(top, f(1.4426950408889634)), f(0.5)));
  const r = f32x4.sub(
    f32x4.sub(top, f32x4.mul(k, f(0.693359375))),
    f32x4.mul(k, f(-2.1219444e-4)),
  );
  const z = f32x4.mul(r, r);
  let y = f(1.98756915e-4);
  y = step(y, r, 1.3981999507e-3);
  y = step(y, r, 8.3334519073e-3);
  y = step(y, r, 4.1665795894e-2);
  y = step(y, r, 1.6666665459e-1);
  y = step(y, r, 5.0000001201e-1);
  y = f32x4.add(f32x4.add(f32x4.mul(y, z), r), f(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(k), i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(y, power), f32x4.le(x, f(EXP_ZERO)));
}

// @ts-ignore: decorator
@inline
export function ln4(x: v128): v128 {
  let exponent = i32x4.sub(
    v128.and(i32x4.shr_u(x, 23), i32x4.splat(0xff)),
    i32x4.splat(126),
  );
  const m0 = v128.or(v128.and(x, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const isLow = f32x4.lt(m0, f(0.707106781186547524));
  // A true lane is -1.
  exponent = i32x4.add(exponent, isLow);
  const m = f32x4.sub(v128.bitselect(f32x4.add(m0, m0), m0, isLow), f(1));
  const e = f32x4.convert_i32x4_s(exponent);
  const z = f32x4.mul(m, m);
  let y = f(7.0376836292e-2);
  y = step(y, m, -1.151461031e-1);
  y = step(y, m, 1.167699874e-1);
  y = step(y, m, -1.2420140846e-1);
  y = step(y, m, 1.4249322787e-1);
  y = step(y, m, -1.6668057665e-1);
  y = step(y, m, 2.0000714765e-1);
  y = step(y, m, -2.4999993993e-1);
  y = step(y, m, 3.3333331174e-1);
  y = f32x4.mul(f32x4.mul(y, m), z);
  y = f32x4.add(y, f32x4.mul(e, f(-2.1219444e-4)));
  y = f32x4.sub(y, f32x4.mul(f(0.5), z));
  y = f32x4.add(f32x4.add(m, y), f32x4.mul(e, f(0.693359375)));
  const isInfinite = f32x4.eq(x, f(Infinity));
  const isPositive = f32x4.gt(x, f(0));
  const beyond = v128.bitselect(
    f(-Infinity),
    v128.bitselect(f(Infinity), f(NaN), isInfinite),
    f32x4.eq(x, f(0)),
  );
  return v128.bitselect(y, beyond, v128.andnot(isPositive, isInfinite));
}

const TANH_LIMIT: f32 = 7.90531110763549805;

// @ts-ignore: decorator
@inline
function clamp(x: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, f(TANH_LIMIT)), f(-TANH_LIMIT));
}

/** tanh of 16 floats in place: four vectors hide each other's latency and share the coefficients. */
function tanh16(y: usize): void {
  const c0 = clamp(v128.load(y));
  const c1 = clamp(v128.load(y, 16));
  const c2 = clamp(v128.load(y, 32));
  const c3 = clamp(v128.load(y, 48));
  const z0 = f32x4.mul(c0, c0);
  const z1 = f32x4.mul(c1, c1);
  const z2 = f32x4.mul(c2, c2);
  const z3 = f32x4.mul(c3, c3);
  let k = f(-2.76076847742355e-16);
  let p0 = k;
  let p1 = k;
  let p2 = k;
  let p3 = k;
  k = f(2.00018790482477e-13);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  p2 = f32x4.add(f32x4.mul(p2, z2), k);
  p3 = f32x4.add(f32x4.mul(p3, z3), k);
  k = f(-8.60467152213735e-11);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  p2 = f32x4.add(f32x4.mul(p2, z2), k);
  p3 = f32x4.add(f32x4.mul(p3, z3), k);
  k = f(5.12229709037114e-8);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  p2 = f32x4.add(f32x4.mul(p2, z2), k);
  p3 = f32x4.add(f32x4.mul(p3, z3), k);
  k = f(1.48572235717979e-5);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  p2 = f32x4.add(f32x4.mul(p2, z2), k);
  p3 = f32x4.add(f32x4.mul(p3, z3), k);
  k = f(6.37261928875436e-4);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  p2 = f32x4.add(f32x4.mul(p2, z2), k);
  p3 = f32x4.add(f32x4.mul(p3, z3), k);
  k = f(4.89352455891786e-3);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  p2 = f32x4.add(f32x4.mul(p2, z2), k);
  p3 = f32x4.add(f32x4.mul(p3, z3), k);
  k = f(1.19825839466702e-6);
  let q0 = k;
  let q1 = k;
  let q2 = k;
  let q3 = k;
  k = f(1.18534705686654e-4);
  q0 = f32x4.add(f32x4.mul(q0, z0), k);
  q1 = f32x4.add(f32x4.mul(q1, z1), k);
  q2 = f32x4.add(f32x4.mul(q2, z2), k);
  q3 = f32x4.add(f32x4.mul(q3, z3), k);
  k = f(2.268434632439e-3);
  q0 = f32x4.add(f32x4.mul(q0, z0), k);
  q1 = f32x4.add(f32x4.mul(q1, z1), k);
  q2 = f32x4.add(f32x4.mul(q2, z2), k);
  q3 = f32x4.add(f32x4.mul(q3, z3), k);
  k = f(4.89352518554385e-3);
  q0 = f32x4.add(f32x4.mul(q0, z0), k);
  q1 = f32x4.add(f32x4.mul(q1, z1), k);
  q2 = f32x4.add(f32x4.mul(q2, z2), k);
  q3 = f32x4.add(f32x4.mul(q3, z3), k);
  v128.store(y, f32x4.div(f32x4.mul(p0, c0), q0));
  v128.store(y, f32x4.div(f32x4.mul(p1, c1), q1), 16);
  v128.store(y, f32x4.div(f32x4.mul(p2, c2), q2), 32);
  v128.store(y, f32x4.div(f32x4.mul(p3, c3), q3), 48);
}

/** tanh of 8 floats in place. */
function tanh8(y: usize): void {
  const c0 = clamp(v128.load(y));
  const c1 = clamp(v128.load(y, 16));
  const z0 = f32x4.mul(c0, c0);
  const z1 = f32x4.mul(c1, c1);
  let k = f(-2.76076847742355e-16);
  let p0 = k;
  let p1 = k;
  k = f(2.00018790482477e-13);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  k = f(-8.60467152213735e-11);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  k = f(5.12229709037114e-8);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  k = f(1.48572235717979e-5);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  k = f(6.37261928875436e-4);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  k = f(4.89352455891786e-3);
  p0 = f32x4.add(f32x4.mul(p0, z0), k);
  p1 = f32x4.add(f32x4.mul(p1, z1), k);
  k = f(1.19825839466702e-6);
  let q0 = k;
  let q1 = k;
  k = f(1.18534705686654e-4);
  q0 = f32x4.add(f32x4.mul(q0, z0), k);
  q1 = f32x4.add(f32x4.mul(q1, z1), k);
  k = f(2.268434632439e-3);
  q0 = f32x4.add(f32x4.mul(q0, z0), k);
  q1 = f32x4.add(f32x4.mul(q1, z1), k);
  k = f(4.89352518554385e-3);
  q0 = f32x4.add(f32x4.mul(q0, z0), k);
  q1 = f32x4.add(f32x4.mul(q1, z1), k);
  v128.store(y, f32x4.div(f32x4.mul(p0, c0), q0));
  v128.store(y, f32x4.div(f32x4.mul(p1, c1), q1), 16);
}

export const LINEAR: i32 = 0;
export const TANH: i32 = 1;
export const RELU: i32 = 2;

/** y[n] = activation(y[n]), in place; n is a multiple of 8. */
export function activate(y: usize, n: i32, activation: i32): void {
  const end = y + (<usize>n << 2);
  if (activation == TANH) {
    const whole = y + (<usize>(n & ~15) << 2);
    for (; y < whole; y += 64) tanh16(y);
    if (y < end) tanh8(y);
  } else if (activation == RELU) {
    for (; y < end; y += 16) {
      const x = v128.load(y);
      v128.store(y, v128.andnot(x, f32x4.lt(x, f(0))));
    }
  }
}

/** dy[n] *= the activation's slope where its result was y[n]; n is a multiple of 8. */
export function activateBackward(dy: usize, y: usize, n: i32, activation: i32): void {
  const end = y + (<usize>n << 2);
  if (activation == TANH) {
    for (; y < end; y += 16) {
      const value = v128.load(y);
      const slope = f32x4.sub(f(1), f32x4.mul(value, value));
      v128.store(dy, f32x4.mul(v128.load(dy), slope));
      dy += 16;
    }
  } else if (activation == RELU) {
    for (; y < end; y += 16) {
      v128.store(dy, v128.and(v128.load(dy), f32x4.gt(v128.load(y), f(0))));
      dy += 16;
    }
  }
}
