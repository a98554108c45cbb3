/**
 * What a market's recording looks like, in numbers that two sessions can be compared by: arrivals,
 * spread, depth, sizes, cancels, sweeps, price moves and what takers gain. One pass over a tape.
 *
 * The book is sampled at whole seconds; orders are followed by size within their level, newest
 * first, as far as a feed of levels shows them. It leaves out anything about own orders, and says
 * nothing of intervals with lost messages: choose a window without them.
 */
import { LOTS_PER_CONTRACT, type TimestampUs, US_PER_SECOND } from "../core/index.ts";
import { OrderBook } from "./order-book.ts";
import { PriceGrid } from "./price-grid.ts";
import { BookSide, EventKind, streamRows, type Tape } from "./tape.ts";

/** Quantiles 0.1, 0.5, 0.9 and 0.99 of a sample. */
export type Quantiles = readonly [number, number, number, number];

export interface MarketStatistics {
  readonly ticker: string;
  readonly seconds: number;
  readonly deltas: number;
  readonly trades: number;
  /** Deltas and trades per second: overall, and quantiles over whole seconds. */
  readonly eventsPerSecond: number;
  readonly eventsInSecond: Quantiles;
  /** Share of seconds with at least one event. */
  readonly secondsWithEvents: number;
  /** Time between two deltas, in milliseconds. */
  readonly interArrivalMs: Quantiles;
  /** Share of seconds with a spread of 1, 2, 3 and more cents; crossed and one-sided ones apart. */
  readonly spreadShares: readonly [number, number, number, number];
  readonly crossedShare: number;
  /** Contracts at the best price of a side, and within 5 cents of it. */
  readonly bestDepth: Quantiles;
  readonly nearDepth: Quantiles;
  /** Mean number of occupied levels, both sides. */
  readonly levels: number;
  /** Contracts of an arriving order and of a trade. */
  readonly orderSize: Quantiles;
  readonly tradeSize: Quantiles;
  /** Shares of deltas that are arrivals, cancels and trades. */
  readonly flow: readonly [number, number, number];
  /** Share of arrivals that better the best price, join it, come 1-2, 3-5, and more cents behind. */
  readonly arrivalDistance: readonly [number, number, number, number, number];
  /** Share of cancels whose size equals one order that was seen arriving and still stands. */
  readonly wholeCancels: number;
  /** Lifetime of those orders, in milliseconds. */
  readonly lifetimeMs: Quantiles;
  /** Maker orders hit per taker order: mean, and share of taker orders that hit more than one. */
  readonly makersPerSweep: number;
  readonly multiSweeps: number;
  /** Standard deviation of the mid's change over 1 and 60 seconds, in cents. */
  readonly midChange1s: number;
  readonly midChange60s: number;
  /** Share of seconds over which the mid changed, and correlation of one change with the next. */
  readonly midMoves: number;
  readonly midCorrelation: number;
  /**
   * Cents: a taker's distance from the mid just before, and how far the mid has moved its way 5 and
   * 60 seconds later, means over taker orders. A maker earns the first less the others.
   */
  readonly effectiveHalfSpread: number;
  readonly impact5s: number;
  readonly impact60s: number;
}

/** Two markets of which exactly one pays: how well their prices complement each other. */
export interface PairStatistics {
  /** Mean distance of the two mids' sum from a dollar, in cents, over whole seconds. */
  readonly meanGap: number;
  /** Share of seconds in which both could be sold for more, or bought for less, than a dollar. */
  readonly arbitrageShare: number;
}

export interface StatisticsWindow {
  readonly fromUs?: TimestampUs;
  readonly toUs?: TimestampUs;
}

/** Measures market `market` of a tape, between two times if given. */
export function marketStatistics(
  tape: Tape,
  market: number,
  window: StatisticsWindow = {},
): MarketStatistics {
  const collector = new Collector(tape, market, window);
  const [first, end] = streamRows(tape, market);
  let row = first;
  while (row < end) row = collector.take(row);
  return collector.result();
}

/**
 * Compares two complementary markets of a tape in seconds in which both have two-sided books, until
 * one of them closes.
 */
export function pairStatistics(
  tape: Tape,
  first: number,
  second: number,
  window: StatisticsWindow = {},
): PairStatistics {
  const gaps: number[] = [];
  let arbitrage = 0;
  let closed = false;
  const books = [first, second].map((market) => {
    const book = new OrderBook(new PriceGrid(tape.markets[market]?.priceRanges ?? []));
    const [row, end] = streamRows(tape, market);
    return { book, row, end };
  });
  const starts = books.map(({ row }) => tape.atUs[row] ?? 0);
  const ends = books.map(({ row, end }) => (end > row ? (tape.atUs[end - 1] as number) : 0));
  const fromUs = window.fromUs ?? Math.max(...starts);
  const toUs = window.toUs ?? Math.max(...ends);
  const firstUs = Math.ceil(fromUs / US_PER_SECOND) * US_PER_SECOND;
  for (let atUs = firstUs; atUs <= toUs; atUs += US_PER_SECOND) {
    for (const state of books) {
      while (state.row < state.end && (tape.atUs[state.row] as number) <= atUs) {
        closed ||= tape.kind[state.row] === EventKind.close;
        state.row = state.book.apply(tape, state.row);
      }
    }
    if (closed) break;
    if (!books.every(({ book }) => book.hasBid() && book.hasAsk())) continue;
    const bids = books.reduce((sum, { book }) => sum + book.bestBid(), 0);
    const asks = books.reduce((sum, { book }) => sum + book.bestAsk(), 0);
    gaps.push(Math.abs((bids + asks) / 200 - 100));
    if (bids > 10_000 || asks < 10_000) arbitrage += 1;
  }
  return { meanGap: mean(gaps), arbitrageShare: arbitrage / Math.max(1, gaps.length) };
}

/** Sizes of the orders standing at one level, with their arrival times, oldest first. */
interface LevelOrders {
  readonly sizes: number[];
  readonly bornUs: number[];
}

interface Sweep {
  readonly atUs: number;
  readonly sign: number;
  readonly midBefore: number;
  readonly offset: number;
}

class Collector {
  readonly #tape: Tape;
  readonly #market: number;
  readonly #fromUs: number;
  readonly #toUs: number;
  readonly #book: OrderBook;
  readonly #orders = new Map<number, LevelOrders>();
  readonly #mids: number[] = [];
  readonly #spreads: number[] = [];
  readonly #counts: number[] = [];
  readonly #bestDepth: number[] = [];
  readonly #nearDepth: number[] = [];
  readonly #gapsMs: number[] = [];
  readonly #orderSizes: number[] = [];
  readonly #tradeSizes: number[] = [];
  readonly #lifetimesMs: number[] = [];
  readonly #distances = [0, 0, 0, 0, 0];
  readonly #sweeps: Sweep[] = [];
  #levelTotal = 0;
  #sampleUs: number;
  #lastDeltaUs = -1;
  #sweepUs = -1;
  #sweepSide = -1;
  #cancels = 0;
  #wholeCancels = 0;
  #fills = 0;
  #makers = 0;
  #multi = 0;
  #makersNow = 0;
  #countNow = 0;

  constructor(tape: Tape, market: number, window: StatisticsWindow) {
    this.#tape = tape;
    this.#market = market;
    const [first, end] = streamRows(tape, market);
    const firstUs = tape.atUs[first] ?? 0;
    const lastUs = end > first ? (tape.atUs[end - 1] as number) : firstUs;
    this.#fromUs = window.fromUs ?? firstUs;
    this.#toUs = window.toUs ?? lastUs;
    this.#sampleUs = Math.ceil(this.#fromUs / US_PER_SECOND) * US_PER_SECOND;
    this.#book = new OrderBook(new PriceGrid(tape.markets[market]?.priceRanges ?? []));
  }

  /** Takes one row, and a snapshot's levels with it; returns the next row. */
  take(row: number): number {
    const tape = this.#tape;
    const atUs = tape.atUs[row] as number;
    while (this.#sampleUs < atUs && this.#sampleUs <= this.#toUs) this.#sample();
    const inside = atUs >= this.#fromUs && atUs <= this.#toUs;
    const kind = tape.kind[row] as EventKind;
    if (kind === EventKind.snapshot) this.#orders.clear();
    if (kind === EventKind.delta) this.#delta(row, atUs, inside);
    if (inside && (kind === EventKind.delta || kind === EventKind.trade)) this.#countNow += 1;
    return this.#book.apply(tape, row);
  }

  #sample(): void {
    const book = this.#book;
    const grid = book.grid;
    this.#sampleUs += US_PER_SECOND;
    this.#counts.push(this.#countNow);
    this.#countNow = 0;
    if (!book.hasBid() || !book.hasAsk()) {
      this.#mids.push(this.#mids.at(-1) ?? Number.NaN);
      this.#spreads.push(Number.NaN);
      return;
    }
    const bid = book.bestBid();
    const ask = book.bestAsk();
    this.#mids.push((bid + ask) / 200);
    this.#spreads.push((ask - bid) / 100);
    let bidNear = 0;
    let askNear = 0;
    let levels = 0;
    for (let tick = 0; tick < grid.count; tick++) {
      const bids = book.bids[tick] as number;
      const asks = book.asks[tick] as number;
      const price = grid.prices[tick] as number;
      if (bids > 0 && price >= bid - 500) bidNear += bids;
      if (asks > 0 && price <= ask + 500) askNear += asks;
      levels += (bids > 0 ? 1 : 0) + (asks > 0 ? 1 : 0);
    }
    this.#levelTotal += levels;
    this.#nearDepth.push(bidNear / LOTS_PER_CONTRACT, askNear / LOTS_PER_CONTRACT);
    const atBid = book.sizeAt(BookSide.bid, book.bestBidTick);
    const atAsk = book.sizeAt(BookSide.ask, book.bestAskTick);
    this.#bestDepth.push(atBid / LOTS_PER_CONTRACT, atAsk / LOTS_PER_CONTRACT);
  }

  #delta(row: number, atUs: number, inside: boolean): void {
    const tape = this.#tape;
    const side = tape.side[row] as BookSide;
    const price = tape.priceCc[row] as number;
    const size = tape.size[row] as number;
    if (inside) {
      if (this.#lastDeltaUs >= 0) this.#gapsMs.push((atUs - this.#lastDeltaUs) / 1000);
      this.#lastDeltaUs = atUs;
    }
    const key = side * 16_384 + price;
    const level = this.#orders.get(key) ?? { sizes: [], bornUs: [] };
    this.#orders.set(key, level);
    if (size > 0) {
      level.sizes.push(size);
      level.bornUs.push(atUs);
      if (inside) this.#arrival(side, price, size);
    } else if ((tape.pairRow[row] as number) >= 0) {
      takeFromFront(level, -size);
      if (inside) this.#fill(side, price, -size, atUs);
    } else {
      const index = level.sizes.lastIndexOf(-size);
      if (inside) this.#cancels += 1;
      if (index >= 0) {
        if (inside) {
          this.#wholeCancels += 1;
          this.#lifetimesMs.push((atUs - (level.bornUs[index] ?? atUs)) / 1000);
        }
        level.sizes.splice(index, 1);
        level.bornUs.splice(index, 1);
      }
    }
  }

  #arrival(side: BookSide, price: number, size: number): void {
    this.#orderSizes.push(size / LOTS_PER_CONTRACT);
    const book = this.#book;
    const behind = (side === BookSide.bid ? book.bestBid() - price : price - book.bestAsk()) / 100;
    const band = behind < 0 ? 0 : behind === 0 ? 1 : behind <= 2 ? 2 : behind <= 5 ? 3 : 4;
    this.#distances[band] = (this.#distances[band] ?? 0) + 1;
  }

  #fill(side: BookSide, price: number, size: number, atUs: number): void {
    this.#fills += 1;
    this.#tradeSizes.push(size / LOTS_PER_CONTRACT);
    if (atUs === this.#sweepUs && side === this.#sweepSide) {
      this.#makersNow += 1;
      this.#makers += 1;
      if (this.#makersNow === 2) this.#multi += 1;
      return;
    }
    this.#sweepUs = atUs;
    this.#sweepSide = side;
    this.#makersNow = 1;
    this.#makers += 1;
    const midBefore = (this.#book.bestBid() + this.#book.bestAsk()) / 200;
    const sign = side === BookSide.ask ? 1 : -1;
    this.#sweeps.push({ atUs, sign, midBefore, offset: sign * (price / 100 - midBefore) });
  }

  result(): MarketStatistics {
    while (this.#sampleUs <= this.#toUs) this.#sample();
    const arrivals = this.#orderSizes.length;
    const deltas = arrivals + this.#cancels + this.#fills;
    const seconds = this.#counts.length;
    const samples = Math.max(1, this.#bestDepth.length / 2);
    const events = this.#counts.reduce((sum, count) => sum + count, 0);
    const changes1s = changes(this.#mids, 1);
    const sweeps = Math.max(1, this.#sweeps.length);
    return {
      ticker: this.#tape.markets[this.#market]?.ticker ?? "",
      seconds,
      deltas,
      trades: this.#fills,
      eventsPerSecond: events / Math.max(1, seconds),
      eventsInSecond: quantiles(this.#counts),
      secondsWithEvents: share(this.#counts, (count) => count > 0),
      interArrivalMs: quantiles(this.#gapsMs),
      spreadShares: [
        share(this.#spreads, (spread) => spread > 0 && spread <= 1),
        share(this.#spreads, (spread) => spread > 1 && spread <= 2),
        share(this.#spreads, (spread) => spread > 2 && spread <= 3),
        share(this.#spreads, (spread) => spread > 3),
      ],
      crossedShare: share(this.#spreads, (spread) => spread <= 0),
      bestDepth: quantiles(this.#bestDepth),
      nearDepth: quantiles(this.#nearDepth),
      levels: this.#levelTotal / samples,
      orderSize: quantiles(this.#orderSizes),
      tradeSize: quantiles(this.#tradeSizes),
      flow: [arrivals / deltas, this.#cancels / deltas, this.#fills / deltas],
      arrivalDistance: [0, 1, 2, 3, 4].map(
        (band) => (this.#distances[band] ?? 0) / Math.max(1, arrivals),
      ) as [number, number, number, number, number],
      wholeCancels: this.#wholeCancels / Math.max(1, this.#cancels),
      lifetimeMs: quantiles(this.#lifetimesMs),
      makersPerSweep: this.#makers / sweeps,
      multiSweeps: this.#multi / sweeps,
      midChange1s: deviation(changes1s),
      midChange60s: deviation(changes(this.#mids, 60)),
      midMoves: share(changes1s, (change) => change !== 0),
      midCorrelation: correlation(changes1s.slice(0, -1), changes1s.slice(1)),
      effectiveHalfSpread: mean(this.#sweeps.map((sweep) => sweep.offset)),
      impact5s: this.#impact(5),
      impact60s: this.#impact(60),
    };
  }

  /** Mean move of the mid in the taker's direction, `seconds` after it, from just before it. */
  #impact(seconds: number): number {
    const originUs = Math.ceil(this.#fromUs / US_PER_SECOND) * US_PER_SECOND;
    const moves: number[] = [];
    for (const { atUs, sign, midBefore } of this.#sweeps) {
      const later = this.#mids[Math.ceil((atUs - originUs) / US_PER_SECOND) + seconds];
      if (later !== undefined) moves.push(sign * (later - midBefore));
    }
    return mean(moves);
  }
}

/** Removes `size` lots from the oldest orders of a level. */
function takeFromFront(level: LevelOrders, size: number): void {
  let left = size;
  while (left > 0 && level.sizes.length > 0) {
    const front = level.sizes[0] ?? 0;
    if (front > left) {
      level.sizes[0] = front - left;
      return;
    }
    left -= front;
    level.sizes.shift();
    level.bornUs.shift();
  }
}

function quantiles(sample: number[]): Quantiles {
  const sorted = Float64Array.from(sample).sort();
  const at = (q: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  return [at(0.1), at(0.5), at(0.9), at(0.99)];
}

function share(sample: readonly number[], holds: (value: number) => boolean): number {
  let count = 0;
  for (const value of sample) if (holds(value)) count += 1;
  return sample.length === 0 ? 0 : count / sample.length;
}

function mean(sample: readonly number[]): number {
  let sum = 0;
  for (const value of sample) sum += value;
  return sample.length === 0 ? 0 : sum / sample.length;
}

function deviation(sample: readonly number[]): number {
  const centre = mean(sample);
  return Math.sqrt(mean(sample.map((value) => (value - centre) * (value - centre))));
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const meanA = mean(a);
  const meanB = mean(b);
  const products = a.map((value, index) => (value - meanA) * ((b[index] ?? 0) - meanB));
  const scale = deviation(a) * deviation(b);
  return scale === 0 ? 0 : mean(products) / scale;
}

/** Changes of a series over `lag` steps where both ends are known. */
function changes(series: readonly number[], lag: number): number[] {
  const result: number[] = [];
  for (let index = lag; index < series.length; index++) {
    const change = (series[index] ?? Number.NaN) - (series[index - lag] ?? Number.NaN);
    if (change === change) result.push(change);
  }
  return result;
}
