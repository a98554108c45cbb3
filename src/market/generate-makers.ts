/**
 * Makers of a generated market: each quotes a ladder on both sides of what it believes to be the
 * fair price, and moves it when its belief has moved far enough. A maker sees news late by its own
 * latency, works through its changes a few orders at a time (cancels first, new orders some
 * milliseconds later), and never crosses the book: whoever is faster takes its stale quotes.
 */
import { LOTS_PER_CONTRACT, ln, type Prng, exp, US_PER_SECOND } from "../core/index.ts";
import type { GeneratedBook, RestingOrder } from "./generate-book.ts";
import { type CrowdProfile, DEEP_SIZES, THIN_SIZES } from "./generate-profile.ts";
import { BookSide } from "./tape.ts";

/** What traders can see and feel of the moment. */
export interface Surroundings {
  /** Fair price of this market in cents, as it was `latencyUs` ago. */
  fairCents(latencyUs: number): number;
  /** How busy the market is; 1 is ordinary play. */
  activity(): number;
}

export type MakerStyle = "tight" | "ladder" | "far";

/** What a maker does again and again; drawn once for each. */
interface Habits {
  readonly halfSpread: number;
  readonly levels: number;
  readonly gap: number;
  /** Cents that the belief must move before the quotes do. */
  readonly tolerance: number;
  /** Deviation of the belief from the fair price, in cents. */
  readonly opinion: number;
  readonly latencyUs: number;
  readonly size: number;
  /** Orders changed at one moment, and the mean time to the next such moment. */
  readonly batch: number;
  readonly pauseMs: number;
  readonly rate: number;
  /** Chance of replacing an order without cause at a look. */
  readonly flicker: number;
}

export interface MakerOptions {
  readonly style: MakerStyle;
  /** Whether it quotes large sizes. */
  readonly deep: boolean;
  readonly crowd: CrowdProfile;
  readonly book: GeneratedBook;
  readonly around: Surroundings;
  readonly startUs: number;
}

export class Maker {
  nextUs: number;
  readonly #prng: Prng;
  readonly #habits: Habits;
  readonly #book: GeneratedBook;
  readonly #around: Surroundings;
  readonly #orders: RestingOrder[] = [];
  #belief: number;
  #opinion: number;
  /** In the midst of a change. */
  #busy = false;
  /** Ticks wanted on each side at the moment; kept between wakes to save allocation. */
  readonly #wanted: readonly [Set<number>, Set<number>] = [new Set(), new Set()];

  constructor(prng: Prng, options: MakerOptions) {
    const { style, deep, crowd, book, around, startUs } = options;
    this.#prng = prng;
    this.#habits = drawHabits(prng, style, deep, crowd);
    this.#book = book;
    this.#around = around;
    this.#opinion = this.#habits.opinion * prng.normal();
    this.#belief = around.fairCents(0) + this.#opinion;
    this.nextUs = startUs + Math.ceil(prng.float() * US_PER_SECOND);
  }

  /** Quotes everything at once, before the opening. */
  open(atUs: number): void {
    this.#want();
    while (this.#placeMissing(atUs, 99) > 0);
  }

  /** News have happened: it will look as soon as it has seen them. */
  hear(atUs: number): void {
    const delay = this.#habits.latencyUs * (1 + 0.5 * this.#prng.float());
    this.nextUs = Math.min(this.nextUs, atUs + Math.ceil(delay));
  }

  /** Looks at the market and does the next few things that it wants done. */
  act(atUs: number): void {
    const { batch, tolerance, opinion, flicker, latencyUs } = this.#habits;
    this.#forgetFilled();
    // The opinion wanders back to the fair price, and less the calmer it is; in the midst of a
    // change it stays.
    if (!this.#busy) {
      const scale = opinion * Math.min(1, 0.25 + this.#around.activity());
      this.#opinion = 0.9 * this.#opinion + 0.436 * scale * this.#prng.normal();
    }
    const view = this.#around.fairCents(latencyUs) + this.#opinion;
    if (Math.abs(view - this.#belief) > tolerance) this.#belief = view;
    this.#want();
    this.#busy = this.#cancelUnwanted(atUs, batch) > 0 || this.#placeMissing(atUs, batch) > 0;
    if (this.#busy) {
      this.nextUs = atUs + this.#pauseUs(this.#habits.pauseMs);
      return;
    }
    if (this.#prng.float() < flicker && this.#orders.length > 0) {
      this.#replaceOne(atUs);
      return;
    }
    const rate = this.#habits.rate * this.#around.activity();
    this.nextUs = atUs + Math.ceil((this.#prng.exponential() / rate) * US_PER_SECOND);
  }

  #replaceOne(atUs: number): void {
    const index = this.#prng.integer(this.#orders.length);
    const order = this.#orders[index];
    if (order === undefined) return;
    if (this.#prng.float() < 0.04 && order.size > 2 * LOTS_PER_CONTRACT) {
      const contracts = Math.floor(order.size / LOTS_PER_CONTRACT);
      this.#book.cancel(order, atUs, (1 + this.#prng.integer(contracts - 1)) * LOTS_PER_CONTRACT);
    } else {
      this.#book.cancel(order, atUs);
      this.#orders.splice(index, 1);
    }
    this.nextUs = atUs + this.#pauseUs(4 * this.#habits.pauseMs);
  }

  /** Time between one batch and the next, with mean `meanMs` and a long tail. */
  #pauseUs(meanMs: number): number {
    const stretch = this.#prng.exponential();
    return 20 + Math.ceil(0.5 * stretch * stretch * meanMs * 1_000);
  }

  #forgetFilled(): void {
    for (let index = this.#orders.length - 1; index >= 0; index--) {
      if (this.#orders[index]?.size === 0) this.#orders.splice(index, 1);
    }
  }

  /** Writes down the ticks at which it wants an order. */
  #want(): void {
    const { halfSpread, levels, gap } = this.#habits;
    const [bids, asks] = this.#wanted;
    bids.clear();
    asks.clear();
    for (let level = 0; level < levels; level++) {
      const away = halfSpread + level * gap;
      const bid = Math.floor(this.#belief - away);
      const ask = Math.ceil(this.#belief + away);
      if (bid >= 1) bids.add(Math.min(bid, 99));
      if (ask <= 99) asks.add(Math.max(ask, 1));
    }
  }

  /** Cancels up to `most` orders that it no longer wants, those it would lose most by first. */
  #cancelUnwanted(atUs: number, most: number): number {
    for (let done = 0; done < most; done++) {
      let worst = -1;
      let worstLoss = -Infinity;
      for (let index = 0; index < this.#orders.length; index++) {
        const order = this.#orders[index];
        if (order === undefined || this.#wanted[order.side].has(order.cents)) continue;
        const above = order.cents - this.#belief;
        const loss = order.side === BookSide.bid ? above : -above;
        if (loss > worstLoss) {
          worst = index;
          worstLoss = loss;
        }
      }
      const [order] = worst < 0 ? [] : this.#orders.splice(worst, 1);
      if (order === undefined) return done;
      this.#book.cancel(order, atUs);
    }
    return most;
  }

  #placeMissing(atUs: number, most: number): number {
    for (const order of this.#orders) this.#wanted[order.side].delete(order.cents);
    let done = 0;
    for (const side of [BookSide.bid, BookSide.ask]) {
      for (const cents of this.#wanted[side]) {
        if (done >= most) return done;
        // Post-only: what would cross waits until the stale side has gone.
        const crosses =
          side === BookSide.bid ? cents >= this.#book.bestAsk : cents <= this.#book.bestBid;
        if (crosses) continue;
        this.#orders.push(this.#book.rest(side, cents, this.#drawSize(), atUs));
        this.#wanted[side].delete(cents);
        done += 1;
      }
    }
    return done;
  }

  #drawSize(): number {
    const roll = this.#prng.float();
    const { size } = this.#habits;
    const contracts = roll < 0.5 ? size : size * exp(0.7 * this.#prng.normal());
    return Math.max(1, Math.round(contracts)) * LOTS_PER_CONTRACT;
  }
}

function drawHabits(prng: Prng, style: MakerStyle, deep: boolean, crowd: CrowdProfile): Habits {
  const latencyUs = Math.ceil(exp(ln(40_000) + 0.7 * prng.normal()));
  const sizes = deep ? DEEP_SIZES : THIN_SIZES;
  const choice = sizes[prng.integer(sizes.length)] ?? 1_000;
  const size = Math.max(Math.min(10, choice), Math.round(choice * crowd.makerScale));
  const pauseMs = 2 + 14 * prng.float();
  const common = { latencyUs, pauseMs, rate: crowd.makerRate };
  switch (style) {
    case "tight":
      return {
        ...common,
        halfSpread: (0.2 + 0.5 * prng.float()) * crowd.spreadScale,
        levels: 1 + prng.integer(3),
        gap: 1,
        tolerance: 0.15 + 0.4 * prng.float(),
        opinion: 0.3,
        size,
        batch: 1 + prng.integer(2),
        flicker: 0.4,
      };
    case "ladder":
      return {
        ...common,
        halfSpread: (0.9 + 1.2 * prng.float()) * crowd.spreadScale,
        levels: 3 + prng.integer(6),
        gap: 1 + prng.integer(2),
        tolerance: 0.6 + 0.8 * prng.float(),
        opinion: 0.4,
        size: Math.max(1, Math.round(size / 8)),
        batch: 1 + prng.integer(3),
        flicker: 0.5,
      };
    case "far":
      return {
        halfSpread: 5 + 4 * prng.float(),
        levels: 60,
        gap: 1,
        tolerance: 2.5,
        opinion: 0.5,
        latencyUs: latencyUs * 4,
        pauseMs: pauseMs * 2,
        size: Math.max(1, Math.round(crowd.makerScale * 400 * (1 + prng.integer(12)))),
        batch: 1 + prng.integer(5),
        rate: crowd.makerRate / 2,
        flicker: 0.6,
      };
  }
}
