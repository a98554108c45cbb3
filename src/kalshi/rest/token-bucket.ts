/**
 * The venue's rate limit as the client keeps it: a bucket of tokens that fills steadily. Counted in
 * millionths of a token, of which a microsecond brings as many as a second brings tokens: integers
 * throughout. Source: docs.kalshi.com, page "rate limits".
 */
import { assert } from "../../core/index.ts";
import type { BucketLimit } from "../wire/account.ts";

const PER_TOKEN = 1_000_000;

export class TokenBucket {
  #refill: number;
  #capacity: number;
  #level: number;
  #atUs: number;

  /** Full at first. */
  constructor(limit: BucketLimit, nowUs: number) {
    this.#refill = Math.max(1, limit.refillPerSecond);
    this.#capacity = limit.capacity * PER_TOKEN;
    this.#level = this.#capacity;
    this.#atUs = nowUs;
  }

  get capacity(): number {
    return this.#capacity / PER_TOKEN;
  }

  /** Whole tokens that are there. */
  tokens(nowUs: number): number {
    this.#fill(nowUs);
    return Math.floor(this.#level / PER_TOKEN);
  }

  /** Microseconds until `cost` tokens are there, 0 where they are, Infinity where they never can be. */
  waitUs(cost: number, nowUs: number): number {
    this.#fill(nowUs);
    if (cost * PER_TOKEN > this.#capacity) return Infinity;
    return Math.max(0, Math.ceil((cost * PER_TOKEN - this.#level) / this.#refill));
  }

  take(cost: number, nowUs: number): void {
    assert(this.waitUs(cost, nowUs) === 0, "only tokens that are there are taken");
    this.#level -= cost * PER_TOKEN;
  }

  /** The venue said that there are none left. */
  empty(nowUs: number): void {
    this.#fill(nowUs);
    this.#level = Math.min(this.#level, 0);
  }

  /** The venue told its limits; tokens beyond the new capacity are gone. */
  setLimit(limit: BucketLimit, nowUs: number): void {
    this.#fill(nowUs);
    const wasFull = this.#level === this.#capacity;
    this.#refill = Math.max(1, limit.refillPerSecond);
    this.#capacity = limit.capacity * PER_TOKEN;
    this.#level = wasFull ? this.#capacity : Math.min(this.#level, this.#capacity);
  }

  #fill(nowUs: number): void {
    // A clock that was set back brings no tokens and takes none.
    const elapsed = Math.max(0, nowUs - this.#atUs);
    this.#atUs = nowUs;
    this.#level = Math.min(this.#capacity, this.#level + elapsed * this.#refill);
  }
}
