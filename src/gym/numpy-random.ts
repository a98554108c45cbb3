/**
 * NumPy's `default_rng(seed).uniform`, bit for bit, so that the reference environments start where
 * Gymnasium's do. A seed is spread over a pool of words by `SeedSequence` (O'Neill's seed_seq),
 * which starts PCG64, the 128-bit linear congruence with the XSL-RR output (O'Neill, 2014). 128-bit
 * numbers are eight limbs of 16 bits, lowest first: products of limbs are exact in doubles.
 *
 * Left out: every other distribution. Streams of our own are core's `Prng`.
 */
import { assert, Prng } from "../core/index.ts";

/** Where an environment's numbers come from. */
export interface UniformStream {
  /** A double in [0, 1) with 53 random bits. */
  float(): number;
}

const POOL_WORDS = 4;
const LIMBS = 8;
/** 0x2360ed051fc65da44385df649fccf645 */
const MULTIPLIER = Uint16Array.of(0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360);

/**
 * The stream of a seed as Gymnasium's environments take it: NumPy's of a whole number, one of our
 * own of a text, which NumPy does not take.
 */
export function streamOf(seed: number | string): UniformStream {
  return typeof seed === "string" ? Prng.fromSeed(seed) : new NumpyRandom(seed);
}

export class NumpyRandom implements UniformStream {
  #state = new Uint16Array(LIMBS);
  #next = new Uint16Array(LIMBS);
  readonly #increment = new Uint16Array(LIMBS);
  #high = 0;
  #low = 0;

  /** `seed` is a whole number from 0 up; as a bigint of any size. */
  constructor(seed: number | bigint) {
    assert(typeof seed === "bigint" || Number.isSafeInteger(seed), "a numeric seed is whole");
    assert(seed >= 0, "a numeric seed is not negative");
    const words = seedSequence(seed, LIMBS);
    // Words come as 64-bit numbers, the low half first, and the high number of a pair before the
    // low one: first the state's, then the increment's.
    const initial = limbsOf([words[2], words[3], words[0], words[1]]);
    const [w4 = 0, w5 = 0, w6 = 0, w7 = 0] = words.slice(4);
    this.#increment.set(
      limbsOf([
        (w6 << 1) | 1,
        (w7 << 1) | (w6 >>> 31),
        (w4 << 1) | (w7 >>> 31),
        (w5 << 1) | (w4 >>> 31),
      ]),
    );
    this.#advance();
    let carry = 0;
    for (let i = 0; i < LIMBS; i++) {
      const sum = (this.#state[i] as number) + (initial[i] as number) + carry;
      this.#state[i] = sum;
      carry = sum >>> 16;
    }
    this.#advance();
  }

  float(): number {
    this.#draw();
    return (this.#high * 2_097_152 + (this.#low >>> 11)) / 9_007_199_254_740_992;
  }

  /** The next 64 random bits. */
  uint64(): bigint {
    this.#draw();
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** Leaves the next output in `#high` and `#low`: the halves' exclusive or, rotated. */
  #draw(): void {
    this.#advance();
    const s = this.#state;
    const word = (at: number): number => ((s[at + 1] as number) << 16) | (s[at] as number);
    let high = word(2) ^ word(6);
    let low = word(0) ^ word(4);
    let rotation = (s[7] as number) >>> 10;
    if (rotation >= 32) {
      [high, low] = [low, high];
      rotation -= 32;
    }
    if (rotation > 0) {
      const rotated = (high >>> rotation) | (low << (32 - rotation));
      low = (low >>> rotation) | (high << (32 - rotation));
      high = rotated;
    }
    this.#high = high >>> 0;
    this.#low = low >>> 0;
  }

  /** state x multiplier + increment, modulo 2^128. */
  #advance(): void {
    const state = this.#state;
    const next = this.#next;
    let carry = 0;
    for (let i = 0; i < LIMBS; i++) {
      let sum = (this.#increment[i] as number) + carry;
      for (let j = 0; j <= i; j++) sum += (state[j] as number) * (MULTIPLIER[i - j] as number);
      next[i] = sum;
      carry = Math.floor(sum / 65_536);
    }
    this.#state = next;
    this.#next = state;
  }
}

/** `count` 32-bit words of `SeedSequence(seed).generate_state`. */
export function seedSequence(seed: number | bigint, count: number): number[] {
  const pool = poolOf(entropyOf(seed));
  let constant = 0x8b51f9dd;
  return Array.from({ length: count }, (_, index) => {
    let word = (pool[index % POOL_WORDS] as number) ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    word = Math.imul(word, constant);
    return (word ^ (word >>> 16)) >>> 0;
  });
}

/** The number's 32-bit words, lowest first. */
function entropyOf(seed: number | bigint): number[] {
  if (typeof seed === "number") return [seed >>> 0, Math.floor(seed / 4_294_967_296)];
  const words: number[] = [];
  for (let rest = seed; rest > 0n; rest >>= 32n) words.push(Number(rest & 0xffff_ffffn));
  return words;
}

function poolOf(entropy: readonly number[]): number[] {
  let constant = 0x43b0d7e5;
  const hash = (value: number): number => {
    let word = value ^ constant;
    constant = Math.imul(constant, 0x931e8875);
    word = Math.imul(word, constant);
    return word ^ (word >>> 16);
  };
  const mix = (x: number, y: number): number => {
    const word = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return word ^ (word >>> 16);
  };
  const pool = Array.from({ length: POOL_WORDS }, (_, index) => hash(entropy[index] ?? 0));
  for (let from = 0; from < POOL_WORDS; from++) {
    for (let to = 0; to < POOL_WORDS; to++) {
      if (from !== to) pool[to] = mix(pool[to] as number, hash(pool[from] as number));
    }
  }
  for (const word of entropy.slice(POOL_WORDS)) {
    for (let to = 0; to < POOL_WORDS; to++) pool[to] = mix(pool[to] as number, hash(word));
  }
  return pool;
}

/** Four 32-bit words, lowest first, as limbs. */
function limbsOf(words: readonly (number | undefined)[]): Uint16Array {
  return Uint16Array.from({ length: LIMBS }, (_, index) => {
    const word = words[index >> 1] ?? 0;
    return index % 2 === 0 ? word & 0xffff : word >>> 16;
  });
}
