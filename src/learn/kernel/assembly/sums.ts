/**
 * Sums over long vectors: 16 lanes, element i in lane i mod 16, closed by a fixed tree (lanes 8
 * apart, then 4, 2, 1). Vectors are float32.
 */

// @ts-ignore: decorator
@inline
function close(a: v128, b: v128, c: v128, d: v128): f32 {
  a = f32x4.add(a, c);
  b = f32x4.add(b, d);
  a = f32x4.add(a, b);
  const low = f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 2);
  const high = f32x4.extract_lane(a, 1) + f32x4.extract_lane(a, 3);
  return low + high;
}

/** The last n mod 16 elements and zeros: adding a zero changes no sum that began at zero. */
function tail(x: usize, n: i32, lane: i32): v128 {
  let v = f32x4.splat(0);
  if (lane < n) v = f32x4.replace_lane(v, 0, load<f32>(x + (<usize>lane << 2)));
  if (lane + 1 < n) v = f32x4.replace_lane(v, 1, load<f32>(x + (<usize>(lane + 1) << 2)));
  if (lane + 2 < n) v = f32x4.replace_lane(v, 2, load<f32>(x + (<usize>(lane + 2) << 2)));
  if (lane + 3 < n) v = f32x4.replace_lane(v, 3, load<f32>(x + (<usize>(lane + 3) << 2)));
  return v;
}

export function sum(x: usize, n: i32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  const end = x + (<usize>(n & ~15) << 2);
  for (; x < end; x += 64) {
    a = f32x4.add(a, v128.load(x));
    b = f32x4.add(b, v128.load(x, 16));
    c = f32x4.add(c, v128.load(x, 32));
    d = f32x4.add(d, v128.load(x, 48));
  }
  const rest = n & 15;
  if (rest > 0) {
    a = f32x4.add(a, tail(x, rest, 0));
    b = f32x4.add(b, tail(x, rest, 4));
    c = f32x4.add(c, tail(x, rest, 8));
    d = f32x4.add(d, tail(x, rest, 12));
  }
  return close(a, b, c, d);
}

// @ts-ignore: decorator
@inline
function addSquare(sum: v128, x: v128, center: v128): v128 {
  const distance = f32x4.sub(x, center);
  return f32x4.add(sum, f32x4.mul(distance, distance));
}

/** Sum of (x[i] - center)^2. */
export function sumOfSquares(x: usize, center: f32, n: i32): f32 {
  const m = f32x4.splat(center);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  const end = x + (<usize>(n & ~15) << 2);
  for (; x < end; x += 64) {
    a = addSquare(a, v128.load(x), m);
    b = addSquare(b, v128.load(x, 16), m);
    c = addSquare(c, v128.load(x, 32), m);
    d = addSquare(d, v128.load(x, 48), m);
  }
  const rest = n & 15;
  if (rest > 0) {
    a = addSquare(a, tailAt(x, rest, 0, center), m);
    b = addSquare(b, tailAt(x, rest, 4, center), m);
    c = addSquare(c, tailAt(x, rest, 8, center), m);
    d = addSquare(d, tailAt(x, rest, 12, center), m);
  }
  return close(a, b, c, d);
}

/** As `tail`, but with the center where there is no element, whose distance is zero. */
function tailAt(x: usize, n: i32, lane: i32, center: f32): v128 {
  let v = f32x4.splat(center);
  if (lane < n) v = f32x4.replace_lane(v, 0, load<f32>(x + (<usize>lane << 2)));
  if (lane + 1 < n) v = f32x4.replace_lane(v, 1, load<f32>(x + (<usize>(lane + 1) << 2)));
  if (lane + 2 < n) v = f32x4.replace_lane(v, 2, load<f32>(x + (<usize>(lane + 2) << 2)));
  if (lane + 3 < n) v = f32x4.replace_lane(v, 3, load<f32>(x + (<usize>(lane + 3) << 2)));
  return v;
}
