/**
 * How long messages take, in microseconds, separately for the four legs. Times on a tape are when
 * data reached us; the exchange had them `feed` earlier. An order that we send at t acts at the
 * exchange at t + submit (amend, cancel), and its answer reaches us `answer` after that.
 */
import { assert, OperationError, type Prng } from "../core/index.ts";

export type LatencyLeg = "feed" | "submit" | "amend" | "cancel" | "answer";

/** A constant in microseconds, or a uniform range drawn anew for every message. */
export type LatencyTerm = number | { readonly minUs: number; readonly maxUs: number };

/** The feed's latency is constant, because it is the distance between two clocks of one tape. */
export interface LatencySettings {
  readonly feedUs: number;
  readonly submitUs: LatencyTerm;
  readonly amendUs: LatencyTerm;
  readonly cancelUs: LatencyTerm;
  readonly answerUs: LatencyTerm;
}

/** A home connection to the venue: 25 ms each way, and as much again in the gateway for orders. */
export const DEFAULT_LATENCY: LatencySettings = {
  feedUs: 25_000,
  submitUs: 50_000,
  amendUs: 50_000,
  cancelUs: 50_000,
  answerUs: 25_000,
};

export const NO_LATENCY: LatencySettings = {
  feedUs: 0,
  submitUs: 0,
  amendUs: 0,
  cancelUs: 0,
  answerUs: 0,
};

export class Latency {
  readonly feedUs: number;
  readonly #settings: LatencySettings;
  readonly #prng: Prng;

  /** Terms must be whole, non-negative and ordered; else `LATENCY`. */
  constructor(settings: LatencySettings, prng: Prng) {
    for (const [leg, term] of Object.entries(settings) as [string, LatencyTerm][]) {
      const range = typeof term === "number" ? { minUs: term, maxUs: term } : term;
      const whole = Number.isSafeInteger(range.minUs) && Number.isSafeInteger(range.maxUs);
      if (!whole || range.minUs < 0 || range.maxUs < range.minUs) {
        throw new OperationError(
          "LATENCY",
          `latency.${leg}: expected whole microseconds from 0 up, was ${JSON.stringify(term)}`,
        );
      }
    }
    this.feedUs = settings.feedUs;
    this.#settings = settings;
    this.#prng = prng;
  }

  submit(): number {
    return this.#draw(this.#settings.submitUs);
  }

  amend(): number {
    return this.#draw(this.#settings.amendUs);
  }

  cancel(): number {
    return this.#draw(this.#settings.cancelUs);
  }

  answer(): number {
    return this.#draw(this.#settings.answerUs);
  }

  #draw(term: LatencyTerm): number {
    if (typeof term === "number") return term;
    const span = term.maxUs - term.minUs + 1;
    assert(span <= 4_294_967_296, "a latency range is below 2^32 microseconds");
    return term.minUs + this.#prng.integer(span);
  }
}
