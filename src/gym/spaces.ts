/**
 * Spaces: what observations and actions may be. Gymnasium's `Box` and `Discrete`, the two that
 * small policies need; shapes are one-dimensional.
 */
import { assert, type Prng } from "../core/index.ts";

interface BoxDescription {
  readonly kind: "box";
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

/** float32 vectors between two bounds, both included. */
export class Box {
  readonly low: Float32Array;
  readonly high: Float32Array;

  /** Bounds of equal length, low at most high; infinities mean unbounded. */
  constructor(low: Float32Array, high: Float32Array) {
    assert(low.length === high.length, "the bounds of a box are equally long");
    assert(
      low.every((bound, index) => bound <= (high[index] as number)),
      "a box's low bound is at most its high bound",
    );
    this.low = low;
    this.high = high;
  }

  get shape(): readonly [number] {
    return [this.low.length];
  }

  contains(value: Float32Array): boolean {
    if (value.length !== this.low.length) return false;
    for (let index = 0; index < value.length; index++) {
      const number = value[index] as number;
      const inside =
        number >= (this.low[index] as number) && number <= (this.high[index] as number);
      if (!inside) return false;
    }
    return true;
  }

  /**
   * Uniform between finite bounds, normal where there is none, and where there is one only,
   * exponential from it (as Gymnasium draws).
   */
  sample(prng: Prng): Float32Array {
    return Float32Array.from(this.low, (low, index) => {
      const high = this.high[index] as number;
      if (low === -Infinity && high === Infinity) return prng.normal();
      if (high === Infinity) return low + prng.exponential();
      if (low === -Infinity) return high - prng.exponential();
      return low + (high - low) * prng.float();
    });
  }

  /** The bounds as plain data; null where there is none, since JSON has no infinity. */
  describe(): BoxDescription {
    const plain = (bounds: Float32Array): (number | null)[] =>
      Array.from(bounds, (bound) => (Number.isFinite(bound) ? bound : null));
    return { kind: "box", low: plain(this.low), high: plain(this.high) };
  }
}

/** Whole numbers 0 .. n - 1. */
export class Discrete {
  readonly n: number;

  constructor(n: number) {
    assert(Number.isInteger(n) && n >= 1, "a discrete space has at least one element");
    this.n = n;
  }

  contains(value: number): boolean {
    return Number.isInteger(value) && value >= 0 && value < this.n;
  }

  /** Any element, or any that `mask` allows (1 at its index). */
  sample(prng: Prng, mask?: Uint8Array): number {
    if (mask === undefined) return prng.integer(this.n);
    const allowed = [...mask.keys()].filter((action) => mask[action] === 1);
    assert(allowed.length > 0, "a mask allows at least one action");
    return allowed[prng.integer(allowed.length)] as number;
  }

  describe(): { readonly kind: "discrete"; readonly n: number } {
    return { kind: "discrete", n: this.n };
  }
}
