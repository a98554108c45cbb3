/**
 * Everyone in a generated market who is not a maker: takers without knowledge, whose sizes have
 * heavy tails; takers who see news within a fraction of a second and take quotes that are wrong by
 * more than their costs; and patient traders who leave an order in the book for a while. The
 * informed ones keep stale quotes from standing, and are what a maker is paid for bearing.
 */
import { exp, ln, LOTS_PER_CONTRACT, type Prng, US_PER_SECOND } from "../core/index.ts";
import type { GeneratedBook, RestingOrder } from "./generate-book.ts";
import type { Surroundings } from "./generate-makers.ts";
import { type CrowdProfile, PATIENT_SIZES } from "./generate-profile.ts";
import { BookSide } from "./tape.ts";

/** Someone who acts at moments of its own choice. */
export interface Actor {
  nextUs: number;
  act(atUs: number): void;
  /** News have happened. */
  hear(atUs: number): void;
}

export interface ActorOptions {
  readonly crowd: CrowdProfile;
  readonly book: GeneratedBook;
  readonly around: Surroundings;
  readonly startUs: number;
}

function contracts(count: number): number {
  return Math.max(1, Math.round(count)) * LOTS_PER_CONTRACT;
}

function delayUs(prng: Prng, perSecond: number): number {
  return Math.ceil((prng.exponential() / perSecond) * US_PER_SECOND);
}

/** Takes liquidity for reasons of its own. */
export class NoiseTaker implements Actor {
  nextUs: number;
  readonly #prng: Prng;
  readonly #crowd: CrowdProfile;
  readonly #book: GeneratedBook;
  readonly #around: Surroundings;
  /** The side it leans to: crowds buy for a while, then sell. */
  #leansToBuy = true;

  constructor(prng: Prng, options: ActorOptions) {
    const { crowd, book, around, startUs } = options;
    this.#prng = prng;
    this.#crowd = crowd;
    this.#book = book;
    this.#around = around;
    this.nextUs = startUs + delayUs(prng, crowd.noiseTakerRate * around.activity());
  }

  hear(): void {
    // It does not follow the game.
  }

  act(atUs: number): void {
    const prng = this.#prng;
    if (prng.float() < 0.08) this.#leansToBuy = !this.#leansToBuy;
    const buys = prng.float() < 0.65 ? this.#leansToBuy : !this.#leansToBuy;
    const size = contracts(exp(ln(this.#crowd.takerMedian) + 1.85 * prng.normal()));
    const slack = prng.float() < 0.75 ? 0 : 1 + prng.integer(3);
    if (buys) this.#book.take(BookSide.ask, this.#book.bestAsk + slack, size, atUs);
    else this.#book.take(BookSide.bid, this.#book.bestBid - slack, size, atUs);
    this.nextUs = atUs + delayUs(prng, this.#crowd.noiseTakerRate * this.#around.activity());
  }
}

/** Takes quotes that are wrong by more than it costs to take them. */
export class InformedTaker implements Actor {
  nextUs: number;
  readonly #prng: Prng;
  readonly #crowd: CrowdProfile;
  readonly #book: GeneratedBook;
  readonly #around: Surroundings;

  constructor(prng: Prng, options: ActorOptions) {
    const { crowd, book, around, startUs } = options;
    this.#prng = prng;
    this.#crowd = crowd;
    this.#book = book;
    this.#around = around;
    this.nextUs = startUs + delayUs(prng, crowd.informedTakerRate);
  }

  hear(atUs: number): void {
    const delay = exp(ln(300_000) + 0.8 * this.#prng.normal());
    this.nextUs = Math.min(this.nextUs, atUs + Math.ceil(delay));
  }

  act(atUs: number): void {
    const prng = this.#prng;
    const fair = this.#around.fairCents(0);
    // The fee and something for the risk; less where the fee is small.
    const p = Math.min(0.99, Math.max(0.01, fair / 100));
    const edge = 0.3 + 7 * p * (1 - p) * (0.3 + 0.7 * prng.float());
    const size = contracts(exp(ln(this.#crowd.takerMedian * 5) + 1.4 * prng.normal()));
    let taken = 0;
    if (this.#book.bestAsk <= fair - edge) {
      taken = this.#book.take(BookSide.ask, Math.floor(fair - edge), size, atUs);
    } else if (this.#book.bestBid >= fair + edge) {
      taken = this.#book.take(BookSide.bid, Math.ceil(fair + edge), size, atUs);
    }
    this.nextUs =
      taken > 0
        ? atUs + Math.ceil((30 + 250 * prng.exponential()) * 1_000)
        : atUs + delayUs(prng, this.#crowd.informedTakerRate * (0.2 + this.#around.activity()));
  }
}

/** People who leave an order in the book, and take it back or forget it. */
export class PatientCrowd implements Actor {
  nextUs: number;
  readonly #prng: Prng;
  readonly #crowd: CrowdProfile;
  readonly #book: GeneratedBook;
  readonly #around: Surroundings;
  readonly #orders: RestingOrder[] = [];

  constructor(prng: Prng, options: ActorOptions) {
    const { crowd, book, around, startUs } = options;
    this.#prng = prng;
    this.#crowd = crowd;
    this.#book = book;
    this.#around = around;
    this.nextUs = startUs + Math.ceil(prng.float() * US_PER_SECOND);
  }

  hear(): void {
    // They look at their own pace.
  }

  /** The orders that stand when the session opens: some near the best, lumps at the ends. */
  open(atUs: number): void {
    for (let count = 0; count < 25; count++) this.#place(atUs);
    for (let cents = 1; cents <= 10; cents++) {
      const lump = (100_000 * exp(1.5 * this.#prng.normal())) / (cents * cents);
      if (cents < this.#book.bestAsk) this.#rest(BookSide.bid, cents, lump, atUs);
      if (100 - cents > this.#book.bestBid) this.#rest(BookSide.ask, 100 - cents, lump, atUs);
    }
  }

  act(atUs: number): void {
    const prng = this.#prng;
    const arrivals = this.#crowd.patientRate * this.#around.activity();
    // Lifetimes are exponential, so that any order is as likely to leave next as another.
    const leaving =
      (Math.max(0, this.#orders.length - 20) * (0.2 + this.#around.activity())) /
      this.#crowd.patientSeconds;
    if (prng.float() * (arrivals + leaving) < arrivals) this.#place(atUs);
    else this.#leave(atUs);
    this.nextUs = atUs + delayUs(prng, arrivals + leaving + 0.001);
  }

  #place(atUs: number): void {
    const prng = this.#prng;
    const book = this.#book;
    const side = prng.float() < 0.5 ? BookSide.bid : BookSide.ask;
    const roll = prng.float();
    const behind =
      roll < 0.1 ? -1 : roll < 0.55 ? 0 : roll < 0.8 ? 1 + prng.integer(2) : 3 + prng.integer(8);
    const cents = side === BookSide.bid ? book.bestBid - behind : book.bestAsk + behind;
    const allowed =
      cents >= 1 &&
      cents <= 99 &&
      (side === BookSide.bid ? cents < book.bestAsk : cents > book.bestBid);
    if (!allowed) return;
    const size =
      prng.float() < 0.5
        ? (PATIENT_SIZES[prng.integer(PATIENT_SIZES.length)] ?? 10)
        : exp(ln(this.#crowd.takerMedian) + 1.6 * prng.normal());
    this.#rest(side, cents, size, atUs);
  }

  #rest(side: BookSide, cents: number, count: number, atUs: number): void {
    this.#orders.push(this.#book.rest(side, cents, contracts(count), atUs));
  }

  #leave(atUs: number): void {
    while (this.#orders.length > 0) {
      const index = this.#prng.integer(this.#orders.length);
      const order = this.#orders[index];
      const last = this.#orders.pop();
      if (order === undefined || last === undefined) return;
      if (order !== last) this.#orders[index] = last;
      if (order.size === 0) continue; // Filled meanwhile: nobody leaves, look at the next.
      this.#book.cancel(order, atUs);
      return;
    }
  }
}
