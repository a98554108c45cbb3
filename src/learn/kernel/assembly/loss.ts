/**
 * The loss of PPO and its gradient with respect to logits and values, four samples at once, one in
 * each lane. Source: Schulman et al., 2017 (arXiv:1707.06347), in the form of CleanRL's ppo.py;
 * src/learn/ppo-update.ts has the same, a sample at a time, and the same bits.
 */
import { exponentiate, logProbabilities } from "./categorical";
import { exp4 } from "./functions";
import { Factors, Network, Report, Samples, Thread, Update } from "./structures";

// @ts-ignore: decorator
@inline
function f(x: f32): v128 {
  return f32x4.splat(x);
}

/** Four floats of `array` at the places that four sample numbers name. */
// @ts-ignore: decorator
@inline
function gather(array: usize, i0: usize, i1: usize, i2: usize, i3: usize): v128 {
  let v = v128.load32_zero(array + (i0 << 2));
  v = v128.load_lane<f32>(array + (i1 << 2), v, 1);
  v = v128.load_lane<f32>(array + (i2 << 2), v, 2);
  return v128.load_lane<f32>(array + (i3 << 2), v, 3);
}

/** Stores the first `count` lanes. */
// @ts-ignore: decorator
@inline
function put(to: usize, v: v128, count: i32): void {
  if (count >= 4) {
    v128.store(to, v);
    return;
  }
  store<f32>(to, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(to, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(to, f32x4.extract_lane(v, 2), 8);
}

// @ts-ignore: decorator
@inline
function sampleOf(indices: usize, at: i32): usize {
  return <usize>load<u32>(indices + (<usize>at << 2));
}

/**
 * The policy's terms of samples `from` .. `from + rows - 1` of the minibatch, and the gradient of
 * their logits in the thread's `dLogits`.
 */
export function policyLoss(
  update: Update,
  factors: Factors,
  report: Report,
  thread: Thread,
  indices: usize,
  from: i32,
  rows: i32,
  logits: usize,
  logitsStride: i32,
): void {
  const network = changetype<Network>(update.network);
  const samples = changetype<Samples>(update.samples);
  const A = network.actions;
  const width = <usize>A;
  const stride = <usize>logitsStride << 2;
  const low = f(factors.clipLow);
  const high = f(factors.clipHigh);
  const weight = f(factors.entropyCoefficient);
  const M = f(<f32>update.M);
  const logs = thread.logs;
  const probabilities = thread.probabilities;
  let clipped: i32 = 0;
  for (let row: i32 = 0; row < rows; row += 4) {
    const left = rows - row;
    // A tile that is not full repeats its last sample, and keeps nothing of the repetition.
    const last = row + (left < 4 ? left - 1 : 3);
    const i0 = sampleOf(indices, from + row);
    const i1 = sampleOf(indices, from + min(row + 1, last));
    const i2 = sampleOf(indices, from + min(row + 2, last));
    const i3 = sampleOf(indices, from + last);
    const masks = samples.masks;
    const rowLogits = logits + <usize>row * stride;
    const entropy = logProbabilities(
      logs,
      rowLogits,
      stride,
      A,
      masks + i0 * width,
      masks + i1 * width,
      masks + i2 * width,
      masks + i3 * width,
    );
    exponentiate(probabilities, logs, A);
    const actions = samples.actions;
    const a0 = load<i32>(actions + (i0 << 2));
    const a1 = load<i32>(actions + (i1 << 2));
    const a2 = load<i32>(actions + (i2 << 2));
    const a3 = load<i32>(actions + (i3 << 2));
    let log = v128.load32_zero(logs + (<usize>a0 << 4));
    log = v128.load_lane<f32>(logs + (<usize>a1 << 4) + 4, log, 1);
    log = v128.load_lane<f32>(logs + (<usize>a2 << 4) + 8, log, 2);
    log = v128.load_lane<f32>(logs + (<usize>a3 << 4) + 12, log, 3);
    const logRatio = f32x4.sub(log, gather(samples.logProbabilities, i0, i1, i2, i3));
    const ratio = exp4(logRatio);
    const m = <usize>(from + row) << 2;
    const advantage = f32x4.neg(loadAdvantages(thread.advantages + m, left));
    const isLow = f32x4.lt(ratio, low);
    const isHigh = f32x4.gt(ratio, high);
    const bounded = v128.bitselect(low, v128.bitselect(high, ratio, isHigh), isLow);
    const free = f32x4.mul(advantage, ratio);
    const bound = f32x4.mul(advantage, bounded);
    const loss = v128.bitselect(free, bound, f32x4.gt(free, bound));
    put(update.policyLosses + m, loss, left);
    put(update.entropies + m, entropy, left);
    put(update.kls + m, f32x4.sub(f32x4.sub(ratio, f(1)), logRatio), left);
    const beyond = i32x4.bitmask(v128.or(isLow, isHigh));
    clipped += popcnt(left < 4 ? beyond & ((1 << left) - 1) : beyond);
    // Where the clipped term is the larger, moving the policy further changes nothing.
    const dLog = v128.and(free, f32x4.ge(free, bound));
    const chosen = i32x4.replace_lane(
      i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(a0), 1, a1), 2, a2),
      3,
      a3,
    );
    const out = thread.dLogits + <usize>row * stride;
    for (let a: i32 = 0; a < A; a++) {
      const at = <usize>a << 4;
      const logA = v128.load(logs + at);
      const p = v128.load(probabilities + at);
      const isChosen = i32x4.eq(chosen, i32x4.splat(a));
      const toward = v128.bitselect(f32x4.sub(f(1), p), f32x4.neg(p), isChosen);
      const spread = f32x4.mul(weight, f32x4.mul(p, f32x4.add(logA, entropy)));
      const slope = f32x4.div(f32x4.add(f32x4.mul(dLog, toward), spread), M);
      const d = v128.andnot(slope, f32x4.eq(logA, f(-Infinity)));
      const to = out + (<usize>a << 2);
      v128.store_lane<f32>(to, d, 0);
      v128.store_lane<f32>(to + stride, d, 1);
      v128.store_lane<f32>(to + stride * 2, d, 2);
      v128.store_lane<f32>(to + stride * 3, d, 3);
    }
  }
  atomic.add<i32>(changetype<usize>(report) + offsetof<Report>("clipped"), clipped);
}

/** Four advantages; where fewer are left, zeros behind them. */
// @ts-ignore: decorator
@inline
function loadAdvantages(at: usize, left: i32): v128 {
  if (left >= 4) return v128.load(at);
  let v = v128.load32_zero(at);
  if (left > 1) v = v128.load_lane<f32>(at + 4, v, 1);
  if (left > 2) v = v128.load_lane<f32>(at + 8, v, 2);
  return v;
}

/** The value's terms, and the gradient of the values [TILE, stride] in the thread's `dValues`. */
export function valueLoss(
  update: Update,
  thread: Thread,
  indices: usize,
  from: i32,
  rows: i32,
  values: usize,
  valuesStride: i32,
): void {
  const samples = changetype<Samples>(update.samples);
  const stride = <usize>valuesStride << 2;
  const M = f(<f32>update.M);
  const bound = f(update.valueClip);
  const factor = f(update.valueFactor);
  for (let row: i32 = 0; row < rows; row += 4) {
    const left = rows - row;
    const last = row + (left < 4 ? left - 1 : 3);
    const i0 = sampleOf(indices, from + row);
    const i1 = sampleOf(indices, from + min(row + 1, last));
    const i2 = sampleOf(indices, from + min(row + 2, last));
    const i3 = sampleOf(indices, from + last);
    const at = values + <usize>row * stride;
    let value = v128.load32_zero(at);
    value = v128.load_lane<f32>(at + stride, value, 1);
    value = v128.load_lane<f32>(at + stride * 2, value, 2);
    value = v128.load_lane<f32>(at + stride * 3, value, 3);
    const target = gather(samples.returns, i0, i1, i2, i3);
    const error = f32x4.sub(value, target);
    let loss = f32x4.mul(error, error);
    let slope = error;
    if (update.clipsValue) {
      const old = gather(samples.values, i0, i1, i2, i3);
      const change = f32x4.sub(value, old);
      let bounded = v128.bitselect(bound, change, f32x4.gt(change, bound));
      bounded = v128.bitselect(f32x4.neg(bound), bounded, f32x4.lt(change, f32x4.neg(bound)));
      const clippedError = f32x4.sub(f32x4.add(old, bounded), target);
      const clippedLoss = f32x4.mul(clippedError, clippedError);
      const isWorse = f32x4.gt(clippedLoss, loss);
      const clippedSlope = v128.and(clippedError, f32x4.eq(change, bounded));
      loss = v128.bitselect(clippedLoss, loss, isWorse);
      slope = v128.bitselect(clippedSlope, slope, isWorse);
    }
    if (update.halfValueLoss) loss = f32x4.mul(f(0.5), loss);
    const m = <usize>(from + row) << 2;
    put(update.valueLosses + m, loss, left);
    const d = f32x4.div(f32x4.mul(factor, slope), M);
    const to = thread.dValues + <usize>row * stride;
    v128.store_lane<f32>(to, d, 0);
    v128.store_lane<f32>(to + stride, d, 1);
    v128.store_lane<f32>(to + stride * 2, d, 2);
    v128.store_lane<f32>(to + stride * 3, d, 3);
  }
}
