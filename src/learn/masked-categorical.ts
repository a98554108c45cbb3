/**
 * The distribution over actions: a categorical over the allowed ones. An action that the mask
 * excludes has probability exactly 0, is never drawn and gets no gradient (Huang and Ontanon, 2022).
 * Everything runs over the actions in ascending order.
 */
import { assert } from "../core/index.ts";
import type { Arithmetic, FloatArray } from "./arithmetic.ts";

/** Rows of [A] numbers inside flat arrays are named by where they begin. */
export interface MaskedCategorical {
  /**
   * Log-probabilities of the logits at `from` into `out` at `to`; -Infinity where masked out.
   * Returns the entropy, NaN where a logit of an allowed action is no finite number.
   */
  logProbabilities(
    out: FloatArray,
    to: number,
    logits: FloatArray,
    from: number,
    mask: Uint8Array,
    maskFrom: number,
  ): number;
  /** The action at cumulative probability `uniform` in [0, 1). */
  draw(logProbabilities: FloatArray, from: number, uniform: number): number;
  /** The most likely action, the lowest of equals. */
  mode(logProbabilities: FloatArray, from: number): number;
}

export function makeMaskedCategorical(arithmetic: Arithmetic, actions: number): MaskedCategorical {
  const { round, exp, ln } = arithmetic;

  function logProbabilities(
    out: FloatArray,
    to: number,
    logits: FloatArray,
    from: number,
    mask: Uint8Array,
    maskFrom: number,
  ): number {
    let top = -Infinity;
    let isAnyAllowed = false;
    for (let a = 0; a < actions; a++) {
      if (mask[maskFrom + a] !== 1) continue;
      isAnyAllowed = true;
      const logit = logits[from + a] as number;
      if (logit > top) top = logit;
    }
    assert(isAnyAllowed, "a mask allows an action");
    let total = 0;
    for (let a = 0; a < actions; a++) {
      if (mask[maskFrom + a] !== 1) continue;
      total = round(total + exp(round((logits[from + a] as number) - top)));
    }
    const logTotal = ln(total);
    let entropy = 0;
    for (let a = 0; a < actions; a++) {
      if (mask[maskFrom + a] !== 1) {
        out[to + a] = -Infinity;
        continue;
      }
      const log = round(round((logits[from + a] as number) - top) - logTotal);
      out[to + a] = log;
      entropy = round(entropy - round(exp(log) * log));
    }
    return entropy;
  }

  function draw(logs: FloatArray, from: number, uniform: number): number {
    let cumulative = 0;
    let last = -1;
    for (let a = 0; a < actions; a++) {
      const log = logs[from + a] as number;
      if (log === -Infinity) continue;
      last = a;
      cumulative = round(cumulative + exp(log));
      if (uniform < cumulative) return a;
    }
    // Rounding may leave the sum a little short of one.
    return last;
  }

  function mode(logs: FloatArray, from: number): number {
    let best = 0;
    for (let a = 1; a < actions; a++) {
      if ((logs[from + a] as number) > (logs[from + best] as number)) best = a;
    }
    return best;
  }

  return { logProbabilities, draw, mode };
}
