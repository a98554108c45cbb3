/**
 * What the encoder asks of one side of a book beyond its best price: contracts near the best, the
 * cost of taking 1,000 contracts, the three largest levels. Worked out when it is read, and only if
 * the side has changed since; the largest levels only if a change could have moved them.
 */
import { ln, LOTS_PER_CONTRACT } from "../core/index.ts";
import { BookSide, type OrderBook } from "../market/index.ts";
import { FEATURE_CONSTANTS } from "./feature-schema.ts";

const NEAR_CC = FEATURE_CONSTANTS.near_best_cc;
const IMPACT_LOTS = FEATURE_CONSTANTS.impact_size_lots;
/** x / (x + 0.01) for a cost in centi-cents x lots. */
const IMPACT_HALF = FEATURE_CONSTANTS.impact_half_cc * IMPACT_LOTS;

const LN_VOLUME = ln(1 + FEATURE_CONSTANTS.volume_cap_contracts);

export class SideDepth {
  /** Lots at the best price, and within 5 cents of it. */
  bestLots = 0;
  nearLots = 0;
  /** The two as cap(ln(1 + contracts) / ln(1 + 1e7)). */
  bestVolume = 0;
  nearVolume = 0;
  /** x / (x + 0.01), x what 1,000 contracts cost beyond the best price; 1 if there are fewer. */
  impact = 1;
  /** Lots in the three largest levels. */
  largestLots = 0;
  readonly #book: OrderBook;
  readonly #side: BookSide;
  /** Size of the third largest level when last worked out; smaller levels cannot matter. */
  #third = 0;
  #stale = true;
  #largestStale = true;

  constructor(book: OrderBook, side: BookSide) {
    this.#book = book;
    this.#side = side;
  }

  /** A level went from `before` to `after` lots. */
  levelChanged(before: number, after: number): void {
    this.#stale = true;
    if (before >= this.#third || after >= this.#third) this.#largestStale = true;
  }

  /** The whole side was replaced. */
  replaced(): void {
    this.#stale = true;
    this.#largestStale = true;
  }

  /** Brings the numbers up to the book. */
  refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    if (this.#side === BookSide.bid) this.#walkBids();
    else this.#walkAsks();
    this.bestVolume = volume(this.bestLots);
    this.nearVolume = volume(this.nearLots);
    if (!this.#largestStale) return;
    this.#largestStale = false;
    this.#findLargest();
  }

  #walkBids(): void {
    const book = this.#book;
    const prices = book.grid.prices;
    let tick = book.bestBidTick;
    this.bestLots = tick < 0 ? 0 : (book.bids[tick] as number);
    const enough = book.bidTotal >= IMPACT_LOTS;
    const best = tick < 0 ? 0 : (prices[tick] as number);
    let near = 0;
    let left = enough ? IMPACT_LOTS : 0;
    let cost = 0;
    while (tick >= 0) {
      const behind = best - (prices[tick] as number);
      if (behind > NEAR_CC && left === 0) break;
      const size = book.bids[tick] as number;
      if (behind <= NEAR_CC) near += size;
      const take = size < left ? size : left;
      cost += take * behind;
      left -= take;
      tick = book.bidBelow(tick);
    }
    this.nearLots = near;
    this.impact = enough ? cost / (cost + IMPACT_HALF) : 1;
  }

  #walkAsks(): void {
    const book = this.#book;
    const prices = book.grid.prices;
    const count = book.grid.count;
    let tick = book.bestAskTick;
    this.bestLots = tick >= count ? 0 : (book.asks[tick] as number);
    const enough = book.askTotal >= IMPACT_LOTS;
    const best = tick >= count ? 0 : (prices[tick] as number);
    let near = 0;
    let left = enough ? IMPACT_LOTS : 0;
    let cost = 0;
    while (tick < count) {
      const behind = (prices[tick] as number) - best;
      if (behind > NEAR_CC && left === 0) break;
      const size = book.asks[tick] as number;
      if (behind <= NEAR_CC) near += size;
      const take = size < left ? size : left;
      cost += take * behind;
      left -= take;
      tick = book.askAbove(tick);
    }
    this.nearLots = near;
    this.impact = enough ? cost / (cost + IMPACT_HALF) : 1;
  }

  #findLargest(): void {
    const book = this.#book;
    const isBid = this.#side === BookSide.bid;
    const sizes = isBid ? book.bids : book.asks;
    const count = book.grid.count;
    let first = 0;
    let second = 0;
    let third = 0;
    let tick = isBid ? book.bestBidTick : book.bestAskTick;
    while (tick >= 0 && tick < count) {
      const size = sizes[tick] as number;
      if (size > third) {
        if (size > first) {
          third = second;
          second = first;
          first = size;
        } else if (size > second) {
          third = second;
          second = size;
        } else third = size;
      }
      tick = isBid ? book.bidBelow(tick) : book.askAbove(tick);
    }
    this.largestLots = first + second + third;
    this.#third = third;
  }
}

function volume(lots: number): number {
  const x = ln(1 + lots / LOTS_PER_CONTRACT) / LN_VOLUME;
  return x > 1 ? 1 : x;
}
