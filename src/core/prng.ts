/**
 * Seeded random streams. Each consumer forks its own stream by name from the seed of the run, so
 * adding a consumer never shifts the numbers of another. The generator is xoshiro128** (Blackman
 * and Vigna, 2018): four 32-bit words, integer arithmetic only, hence the same on every machine.
 * String seeds are expanded through the library `seedrandom`.
 */
import seedrandom from "seedrandom";
import { assert } from "./assert.ts";
import { cos, ln, TWO_PI } from "./maths.ts";

/** The four words of a stream followed by the four words of its name; plain data for checkpoints. */
export type PrngState = readonly number[];

const UINT32 = 2 ** 32; // tidy-ok: an exact power of two, folded at compile time

export class Prng {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  readonly #key: readonly [number, number, number, number];

  private constructor(key: readonly [number, number, number, number]) {
    this.#key = key;
    [this.#a, this.#b, this.#c, this.#d] = key;
    // All zero is the generator's one fixed point.
    if ((this.#a | this.#b | this.#c | this.#d) === 0) this.#a = 1;
  }

  /** A stream from a seed: a safe non-negative integer, or any text. */
  static fromSeed(seed: number | string): Prng {
    if (typeof seed === "string") {
      const expand = seedrandom(seed);
      const word = (): number => expand.int32() >>> 0;
      return new Prng([word(), word(), word(), word()]);
    }
    assert(
      Number.isSafeInteger(seed) && seed >= 0,
      "a numeric seed is a safe non-negative integer",
    );
    return new Prng(keyFrom([seed >>> 0, Math.floor(seed / UINT32) >>> 0]));
  }

  /**
   * The stream called `name` of this one. It depends on this stream's seed and on the name, not on
   * how many numbers were drawn, so forks may be made in any order.
   */
  fork(name: string): Prng {
    const words: number[] = [...this.#key];
    for (let index = 0; index < name.length; index++) words.push(name.charCodeAt(index));
    return new Prng(keyFrom(words));
  }

  /** The next 32 random bits as an integer in [0, 2^32). */
  uint32(): number {
    const b = this.#b;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    this.#c ^= this.#a;
    this.#d ^= b;
    this.#b = b ^ this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A double in [0, 1) with 53 random bits. */
  float(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  /** An integer in [0, bound), unbiased; `bound` is from 1 to 2^32. */
  integer(bound: number): number {
    assert(Number.isInteger(bound) && bound >= 1 && bound <= UINT32, "a bound is from 1 to 2^32");
    const limit = UINT32 - (UINT32 % bound);
    for (;;) {
      const word = this.uint32();
      if (word < limit) return word % bound;
    }
  }

  /** A standard normal number (Box and Muller, 1958), one per call. */
  normal(): number {
    const radius = Math.sqrt(-2 * ln(1 - this.float()));
    return radius * cos(TWO_PI * this.float());
  }

  /** An exponential number with mean 1. */
  exponential(): number {
    return -ln(1 - this.float());
  }

  /** Everything the stream is, for a checkpoint. */
  save(): PrngState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0, ...this.#key];
  }

  /** The stream that `save` described: it continues with the same numbers and forks. */
  static restore(state: PrngState): Prng {
    assert(state.length === 8, "a saved stream has eight words");
    const [a = 0, b = 0, c = 0, d = 0, k0 = 0, k1 = 0, k2 = 0, k3 = 0] = state;
    const prng = new Prng([k0, k1, k2, k3]);
    prng.#a = a;
    prng.#b = b;
    prng.#c = c;
    prng.#d = d;
    return prng;
  }
}

/** Mixes any number of words into a key of four (murmur3's finaliser over a running state). */
function keyFrom(words: readonly number[]): [number, number, number, number] {
  let state = 0x9e3779b9;
  for (const word of words) state = mix((state ^ word) + 0x9e3779b9);
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    return mix(state) >>> 0;
  };
  // Two words take part a second time, so that the key keeps more than 32 bits of a long input.
  let second = 0x85ebca6b;
  for (let index = words.length - 1; index >= 0; index--) {
    second = mix(Math.imul(second, 31) + (words[index] ?? 0) + 0x27d4eb2f);
  }
  const first = next();
  const third = next();
  state ^= second;
  return [first, next(), third, (next() ^ second) >>> 0];
}

function mix(word: number): number {
  let value = word | 0;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}
