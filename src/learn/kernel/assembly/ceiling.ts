/**
 * What this machine can do at most: multiplications and additions of vectors in registers, in twelve
 * chains, which is enough to hide their latency. 96 floating-point operations a round. The
 * benchmark holds the update against it.
 */
export function ceiling(memory: usize, rounds: i32): void {
  const a = v128.load(memory);
  const b = v128.load(memory, 16);
  let c0 = v128.load(memory, 32);
  let c1 = f32x4.add(c0, a);
  let c2 = f32x4.add(c1, a);
  let c3 = f32x4.add(c2, a);
  let c4 = f32x4.add(c3, a);
  let c5 = f32x4.add(c4, a);
  let c6 = f32x4.add(c5, a);
  let c7 = f32x4.add(c6, a);
  let c8 = f32x4.add(c7, a);
  let c9 = f32x4.add(c8, a);
  let c10 = f32x4.add(c9, a);
  let c11 = f32x4.add(c10, a);
  for (let round: i32 = 0; round < rounds; round++) {
    c0 = f32x4.add(f32x4.mul(c0, a), b);
    c1 = f32x4.add(f32x4.mul(c1, a), b);
    c2 = f32x4.add(f32x4.mul(c2, a), b);
    c3 = f32x4.add(f32x4.mul(c3, a), b);
    c4 = f32x4.add(f32x4.mul(c4, a), b);
    c5 = f32x4.add(f32x4.mul(c5, a), b);
    c6 = f32x4.add(f32x4.mul(c6, a), b);
    c7 = f32x4.add(f32x4.mul(c7, a), b);
    c8 = f32x4.add(f32x4.mul(c8, a), b);
    c9 = f32x4.add(f32x4.mul(c9, a), b);
    c10 = f32x4.add(f32x4.mul(c10, a), b);
    c11 = f32x4.add(f32x4.mul(c11, a), b);
  }
  c0 = f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3));
  c4 = f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7));
  c8 = f32x4.add(f32x4.add(c8, c9), f32x4.add(c10, c11));
  // Stored, so that nothing of it can be left out.
  v128.store(memory, f32x4.add(c0, f32x4.add(c4, c8)), 48);
}
