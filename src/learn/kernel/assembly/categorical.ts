/**
 * The masked categorical distribution of four samples at once, one in each lane, so that every
 * sample's sums run over its actions in ascending order. An action that a mask excludes has
 * log-probability -Infinity and adds nothing.
 */
import { exp4, ln4 } from "./functions";

/** Four samples' entropies; their log-probabilities are in `logs` [A, 4]. */
export function logProbabilities(
  logs: usize,
  logits: usize,
  stride: usize,
  actions: i32,
  mask0: usize,
  mask1: usize,
  mask2: usize,
  mask3: usize,
): v128 {
  const never = f32x4.splat(-Infinity);
  const logits1 = logits + stride;
  const logits2 = logits1 + stride;
  const logits3 = logits2 + stride;
  let top = never;
  let at: usize = 0;
  for (let a: i32 = 0; a < actions; a++) {
    let logit = v128.load32_zero(logits + at);
    logit = v128.load_lane<f32>(logits1 + at, logit, 1);
    logit = v128.load_lane<f32>(logits2 + at, logit, 2);
    logit = v128.load_lane<f32>(logits3 + at, logit, 3);
    let allowed = i32x4.splat(load<u8>(mask0 + a));
    allowed = i32x4.replace_lane(allowed, 1, load<u8>(mask1 + a));
    allowed = i32x4.replace_lane(allowed, 2, load<u8>(mask2 + a));
    allowed = i32x4.replace_lane(allowed, 3, load<u8>(mask3 + a));
    logit = v128.bitselect(logit, never, i32x4.eq(allowed, i32x4.splat(1)));
    v128.store(logs + (at << 2), logit);
    top = v128.bitselect(logit, top, f32x4.gt(logit, top));
    at += 4;
  }
  const end = logs + (<usize>actions << 4);
  let total = f32x4.splat(0);
  for (let log = logs; log < end; log += 16) {
    const shifted = f32x4.sub(v128.load(log), top);
    v128.store(log, shifted);
    total = f32x4.add(total, exp4(shifted));
  }
  const logTotal = ln4(total);
  let entropy = f32x4.splat(0);
  for (let at = logs; at < end; at += 16) {
    const log = f32x4.sub(v128.load(at), logTotal);
    v128.store(at, log);
    const less = f32x4.sub(entropy, f32x4.mul(exp4(log), log));
    entropy = v128.bitselect(entropy, less, f32x4.eq(log, never));
  }
  return entropy;
}

/**
 * The action of one lane at cumulative probability `uniform` in [0, 1); `log` is its first
 * log-probability, in steps of 16 bytes. Rounding may leave the sum a little short of one: then the
 * last allowed action.
 */
export function draw(log: usize, probability: usize, actions: i32, uniform: f64): i32 {
  let cumulative: f32 = 0;
  let last: i32 = -1;
  for (let a: i32 = 0; a < actions; a++) {
    if (load<f32>(log) != -Infinity) {
      last = a;
      cumulative += load<f32>(probability);
      if (uniform < <f64>cumulative) return a;
    }
    log += 16;
    probability += 16;
  }
  return last;
}

/** What is done where a logit is no number, which leaves no log-probability that tells of the mask. */
export function lastAllowed(mask: usize, actions: i32): i32 {
  let action = actions - 1;
  while (action > 0 && load<u8>(mask + action) != 1) action--;
  return action;
}

/** The most likely action, the lowest of equals. */
export function mode(log: usize, actions: i32): i32 {
  let best: i32 = 0;
  let most = load<f32>(log);
  for (let a: i32 = 1; a < actions; a++) {
    log += 16;
    const value = load<f32>(log);
    if (value > most) {
      most = value;
      best = a;
    }
  }
  return best;
}

/** probabilities [A, 4] of log-probabilities [A, 4]. */
export function exponentiate(probabilities: usize, logs: usize, actions: i32): void {
  const end = logs + (<usize>actions << 4);
  for (; logs < end; logs += 16) {
    v128.store(probabilities, exp4(v128.load(logs)));
    probabilities += 16;
  }
}
