/**
 * Matrix products, in tiles that fit into registers. Every output element is one sum in the order of
 * k that starts from `init`; vectors run over columns only, so the shape of a tile changes no bit.
 * Columns are padded to a multiple of 8 floats; strides are in bytes.
 *
 * Each micro-kernel is a function of its own, because the engine then keeps all its sums in
 * registers; 2 rows of 4 vectors reach more than nine tenths of the machine's multiply-add rate.
 */

/** c[2][16] = init[2][16] + a[2][K] . w[K][16] */
function product2x4(
  out: usize,
  outStride: usize,
  init: usize,
  initStride: usize,
  a: usize,
  aStride: usize,
  w: usize,
  wStride: usize,
  K: i32,
): void {
  const init1 = init + initStride;
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  let c02 = v128.load(init, 32);
  let c03 = v128.load(init, 48);
  let c10 = v128.load(init1);
  let c11 = v128.load(init1, 16);
  let c12 = v128.load(init1, 32);
  let c13 = v128.load(init1, 48);
  let a1 = a + aStride;
  const end = a + (<usize>K << 2);
  while (a < end) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const w2 = v128.load(w, 32);
    const w3 = v128.load(w, 48);
    let s = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(s, w0));
    c01 = f32x4.add(c01, f32x4.mul(s, w1));
    c02 = f32x4.add(c02, f32x4.mul(s, w2));
    c03 = f32x4.add(c03, f32x4.mul(s, w3));
    s = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(s, w0));
    c11 = f32x4.add(c11, f32x4.mul(s, w1));
    c12 = f32x4.add(c12, f32x4.mul(s, w2));
    c13 = f32x4.add(c13, f32x4.mul(s, w3));
    a += 4;
    a1 += 4;
    w += wStride;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
  v128.store(out, c02, 32);
  v128.store(out, c03, 48);
  out += outStride;
  v128.store(out, c10);
  v128.store(out, c11, 16);
  v128.store(out, c12, 32);
  v128.store(out, c13, 48);
}

/** c[4][8] = init[4][8] + a[4][K] . w[K][8] */
function product4x2(
  out: usize,
  outStride: usize,
  init: usize,
  initStride: usize,
  a: usize,
  aStride: usize,
  w: usize,
  wStride: usize,
  K: i32,
): void {
  const init1 = init + initStride;
  const init2 = init1 + initStride;
  const init3 = init2 + initStride;
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  let c10 = v128.load(init1);
  let c11 = v128.load(init1, 16);
  let c20 = v128.load(init2);
  let c21 = v128.load(init2, 16);
  let c30 = v128.load(init3);
  let c31 = v128.load(init3, 16);
  let a1 = a + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  const end = a + (<usize>K << 2);
  while (a < end) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    let s = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(s, w0));
    c01 = f32x4.add(c01, f32x4.mul(s, w1));
    s = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(s, w0));
    c11 = f32x4.add(c11, f32x4.mul(s, w1));
    s = v128.load32_splat(a2);
    c20 = f32x4.add(c20, f32x4.mul(s, w0));
    c21 = f32x4.add(c21, f32x4.mul(s, w1));
    s = v128.load32_splat(a3);
    c30 = f32x4.add(c30, f32x4.mul(s, w0));
    c31 = f32x4.add(c31, f32x4.mul(s, w1));
    a += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    w += wStride;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
  out += outStride;
  v128.store(out, c10);
  v128.store(out, c11, 16);
  out += outStride;
  v128.store(out, c20);
  v128.store(out, c21, 16);
  out += outStride;
  v128.store(out, c30);
  v128.store(out, c31, 16);
}

/** c[1][32] = init[1][32] + a[1][K] . w[K][32]: one sample, where rows cannot share a load. */
function product1x8(out: usize, init: usize, a: usize, w: usize, wStride: usize, K: i32): void {
  let c0 = v128.load(init);
  let c1 = v128.load(init, 16);
  let c2 = v128.load(init, 32);
  let c3 = v128.load(init, 48);
  let c4 = v128.load(init, 64);
  let c5 = v128.load(init, 80);
  let c6 = v128.load(init, 96);
  let c7 = v128.load(init, 112);
  const end = a + (<usize>K << 2);
  while (a < end) {
    const s = v128.load32_splat(a);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(w)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(w, 16)));
    c2 = f32x4.add(c2, f32x4.mul(s, v128.load(w, 32)));
    c3 = f32x4.add(c3, f32x4.mul(s, v128.load(w, 48)));
    c4 = f32x4.add(c4, f32x4.mul(s, v128.load(w, 64)));
    c5 = f32x4.add(c5, f32x4.mul(s, v128.load(w, 80)));
    c6 = f32x4.add(c6, f32x4.mul(s, v128.load(w, 96)));
    c7 = f32x4.add(c7, f32x4.mul(s, v128.load(w, 112)));
    a += 4;
    w += wStride;
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
  v128.store(out, c2, 32);
  v128.store(out, c3, 48);
  v128.store(out, c4, 64);
  v128.store(out, c5, 80);
  v128.store(out, c6, 96);
  v128.store(out, c7, 112);
}

/** c[1][8] = init[1][8] + a[1][K] . w[K][8] */
function product1x2(out: usize, init: usize, a: usize, w: usize, wStride: usize, K: i32): void {
  let c0 = v128.load(init);
  let c1 = v128.load(init, 16);
  const end = a + (<usize>K << 2);
  while (a < end) {
    const s = v128.load32_splat(a);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(w)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(w, 16)));
    a += 4;
    w += wStride;
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
}

/**
 * out[rows][columns] = init + a[rows][K] . w[K][columns]. `initStride` 0 starts every row alike, as
 * a bias does; `init` may be `out`. Up to 3 rows behind the last are overwritten.
 */
export function product(
  out: usize,
  outStride: usize,
  init: usize,
  initStride: usize,
  a: usize,
  aStride: usize,
  w: usize,
  wStride: usize,
  rows: i32,
  K: i32,
  columns: i32,
): void {
  let column: i32 = 0;
  if (rows == 1) {
    for (; column + 32 <= columns; column += 32) {
      const at = <usize>column << 2;
      product1x8(out + at, init + at, a, w + at, wStride, K);
    }
    for (; column < columns; column += 8) {
      const at = <usize>column << 2;
      product1x2(out + at, init + at, a, w + at, wStride, K);
    }
    return;
  }
  for (; column + 16 <= columns; column += 16) {
    const at = <usize>column << 2;
    for (let row: i32 = 0; row < rows; row += 2) {
      const o = out + <usize>row * outStride + at;
      const i = init + <usize>row * initStride + at;
      product2x4(o, outStride, i, initStride, a + <usize>row * aStride, aStride, w + at, wStride, K);
    }
  }
  if (column < columns) {
    const at = <usize>column << 2;
    for (let row: i32 = 0; row < rows; row += 4) {
      const o = out + <usize>row * outStride + at;
      const i = init + <usize>row * initStride + at;
      product4x2(o, outStride, i, initStride, a + <usize>row * aStride, aStride, w + at, wStride, K);
    }
  }
}

/** g[2][16] += x[rows][2]^T . dy[rows][16] */
function gradient2x4(
  g: usize,
  gStride: usize,
  x: usize,
  xStride: usize,
  dy: usize,
  dyStride: usize,
  rows: i32,
): void {
  const g1 = g + gStride;
  let c00 = v128.load(g);
  let c01 = v128.load(g, 16);
  let c02 = v128.load(g, 32);
  let c03 = v128.load(g, 48);
  let c10 = v128.load(g1);
  let c11 = v128.load(g1, 16);
  let c12 = v128.load(g1, 32);
  let c13 = v128.load(g1, 48);
  const end = dy + <usize>rows * dyStride;
  while (dy < end) {
    const d0 = v128.load(dy);
    const d1 = v128.load(dy, 16);
    const d2 = v128.load(dy, 32);
    const d3 = v128.load(dy, 48);
    let s = v128.load32_splat(x);
    c00 = f32x4.add(c00, f32x4.mul(s, d0));
    c01 = f32x4.add(c01, f32x4.mul(s, d1));
    c02 = f32x4.add(c02, f32x4.mul(s, d2));
    c03 = f32x4.add(c03, f32x4.mul(s, d3));
    s = v128.load32_splat(x, 4);
    c10 = f32x4.add(c10, f32x4.mul(s, d0));
    c11 = f32x4.add(c11, f32x4.mul(s, d1));
    c12 = f32x4.add(c12, f32x4.mul(s, d2));
    c13 = f32x4.add(c13, f32x4.mul(s, d3));
    x += xStride;
    dy += dyStride;
  }
  v128.store(g, c00);
  v128.store(g, c01, 16);
  v128.store(g, c02, 32);
  v128.store(g, c03, 48);
  v128.store(g1, c10);
  v128.store(g1, c11, 16);
  v128.store(g1, c12, 32);
  v128.store(g1, c13, 48);
}

/** g[4][8] += x[rows][4]^T . dy[rows][8] */
function gradient4x2(
  g: usize,
  gStride: usize,
  x: usize,
  xStride: usize,
  dy: usize,
  dyStride: usize,
  rows: i32,
): void {
  const g1 = g + gStride;
  const g2 = g1 + gStride;
  const g3 = g2 + gStride;
  let c00 = v128.load(g);
  let c01 = v128.load(g, 16);
  let c10 = v128.load(g1);
  let c11 = v128.load(g1, 16);
  let c20 = v128.load(g2);
  let c21 = v128.load(g2, 16);
  let c30 = v128.load(g3);
  let c31 = v128.load(g3, 16);
  const end = dy + <usize>rows * dyStride;
  while (dy < end) {
    const d0 = v128.load(dy);
    const d1 = v128.load(dy, 16);
    let s = v128.load32_splat(x);
    c00 = f32x4.add(c00, f32x4.mul(s, d0));
    c01 = f32x4.add(c01, f32x4.mul(s, d1));
    s = v128.load32_splat(x, 4);
    c10 = f32x4.add(c10, f32x4.mul(s, d0));
    c11 = f32x4.add(c11, f32x4.mul(s, d1));
    s = v128.load32_splat(x, 8);
    c20 = f32x4.add(c20, f32x4.mul(s, d0));
    c21 = f32x4.add(c21, f32x4.mul(s, d1));
    s = v128.load32_splat(x, 12);
    c30 = f32x4.add(c30, f32x4.mul(s, d0));
    c31 = f32x4.add(c31, f32x4.mul(s, d1));
    x += xStride;
    dy += dyStride;
  }
  v128.store(g, c00);
  v128.store(g, c01, 16);
  v128.store(g1, c10);
  v128.store(g1, c11, 16);
  v128.store(g2, c20);
  v128.store(g2, c21, 16);
  v128.store(g3, c30);
  v128.store(g3, c31, 16);
}

/** g[1][8] += x[rows][1]^T . dy[rows][8] */
function gradient1x2(
  g: usize,
  x: usize,
  xStride: usize,
  dy: usize,
  dyStride: usize,
  rows: i32,
): void {
  let c0 = v128.load(g);
  let c1 = v128.load(g, 16);
  const end = dy + <usize>rows * dyStride;
  while (dy < end) {
    const s = v128.load32_splat(x);
    c0 = f32x4.add(c0, f32x4.mul(s, v128.load(dy)));
    c1 = f32x4.add(c1, f32x4.mul(s, v128.load(dy, 16)));
    x += xStride;
    dy += dyStride;
  }
  v128.store(g, c0);
  v128.store(g, c1, 16);
}

/**
 * g[K][columns] += x[rows][K]^T . dy[rows][columns], and the row behind it, the bias's, += the sum of
 * dy; sample by sample.
 */
export function addGradient(
  g: usize,
  gStride: usize,
  x: usize,
  xStride: usize,
  dy: usize,
  dyStride: usize,
  rows: i32,
  K: i32,
  columns: i32,
): void {
  let column: i32 = 0;
  for (; column + 16 <= columns; column += 16) {
    const at = <usize>column << 2;
    let k: i32 = 0;
    for (; k + 2 <= K; k += 2) {
      const from = x + (<usize>k << 2);
      gradient2x4(g + <usize>k * gStride + at, gStride, from, xStride, dy + at, dyStride, rows);
    }
    if (k < K) {
      const to = g + <usize>k * gStride + at;
      const from = x + (<usize>k << 2);
      gradient1x2(to, from, xStride, dy + at, dyStride, rows);
      gradient1x2(to + 32, from, xStride, dy + at + 32, dyStride, rows);
    }
  }
  if (column < columns) {
    const at = <usize>column << 2;
    let k: i32 = 0;
    for (; k + 4 <= K; k += 4) {
      const from = x + (<usize>k << 2);
      gradient4x2(g + <usize>k * gStride + at, gStride, from, xStride, dy + at, dyStride, rows);
    }
    for (; k < K; k++) {
      const from = x + (<usize>k << 2);
      gradient1x2(g + <usize>k * gStride + at, from, xStride, dy + at, dyStride, rows);
    }
  }
  const bias = g + <usize>K * gStride;
  for (let at: usize = 0; at < <usize>columns << 2; at += 16) {
    let sum = v128.load(bias + at);
    let from = dy + at;
    for (let row: i32 = 0; row < rows; row++) {
      sum = f32x4.add(sum, v128.load(from));
      from += dyStride;
    }
    v128.store(bias + at, sum);
  }
}
