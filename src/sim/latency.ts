/**
 * How long messages take, in microseconds, separately for the five legs. Times on a tape are when
 * data reached us; the exchange had them `feed` earlier. An order that we send at t acts at the
 * exchange at t + submit (amend, cancel), and its answer reaches us `answer` after that.
 *
 * Orders and answers draw anew for every message. The feed's latency is the distance between two
 * clocks of one tape: it is drawn once for each account over a recording, and holds.
 */
import { OperationError, Prng, type PrngState } from "../core/index.ts";
import {
  drawFrom,
  isDistribution,
  LATENCY_US_MAX,
  type LatencyDistribution,
} from "./latency-distribution.ts";

/** A constant in microseconds, a uniform range, or what was measured. */
export type LatencyTerm =
  number | { readonly minUs: number; readonly maxUs: number } | LatencyDistribution;

export interface LatencySettings {
  readonly feedUs: LatencyTerm;
  readonly submitUs: LatencyTerm;
  readonly amendUs: LatencyTerm;
  readonly cancelUs: LatencyTerm;
  readonly answerUs: LatencyTerm;
}

/** A home connection to the venue: 25 ms each way, and as much again in the gateway for orders. */
export const DEFAULT_LATENCY = {
  feedUs: 25_000,
  submitUs: 50_000,
  amendUs: 50_000,
  cancelUs: 50_000,
  answerUs: 25_000,
} as const satisfies LatencySettings;

export const NO_LATENCY = {
  feedUs: 0,
  submitUs: 0,
  amendUs: 0,
  cancelUs: 0,
  answerUs: 0,
} as const satisfies LatencySettings;

export class Latency {
  readonly feedUs: number;
  readonly #settings: LatencySettings;
  #prng: Prng;

  /** Terms must be whole, non-negative, ordered and at most an hour; else `LATENCY`. */
  constructor(settings: LatencySettings, prng: Prng) {
    for (const [leg, term] of Object.entries(settings) as [string, LatencyTerm][]) {
      requireTerm(leg, term);
    }
    this.#settings = settings;
    this.#prng = prng;
    const { feedUs } = settings;
    this.feedUs = typeof feedUs === "number" ? feedUs : draw(feedUs, prng.fork("feed"));
  }

  submit(): number {
    return draw(this.#settings.submitUs, this.#prng);
  }

  amend(): number {
    return draw(this.#settings.amendUs, this.#prng);
  }

  cancel(): number {
    return draw(this.#settings.cancelUs, this.#prng);
  }

  answer(): number {
    return draw(this.#settings.answerUs, this.#prng);
  }

  /** The stream of orders and answers; the feed's latency is with each market. */
  save(): PrngState {
    return this.#prng.save();
  }

  restore(state: PrngState): void {
    this.#prng = Prng.restore(state);
  }
}

function draw(term: LatencyTerm, prng: Prng): number {
  if (typeof term === "number") return term;
  if ("minUs" in term) return term.minUs + prng.integer(term.maxUs - term.minUs + 1);
  return drawFrom(term, prng);
}

function requireTerm(leg: string, term: LatencyTerm): void {
  if (typeof term === "object" && term !== null && !("minUs" in term)) {
    if (isDistribution(term)) return;
  } else {
    const { minUs, maxUs } = typeof term === "number" ? { minUs: term, maxUs: term } : (term ?? {});
    const isWhole = Number.isSafeInteger(minUs) && Number.isSafeInteger(maxUs);
    if (isWhole && minUs >= 0 && maxUs >= minUs && maxUs <= LATENCY_US_MAX) return;
  }
  throw new OperationError(
    "LATENCY",
    `latency.${leg}: expected whole microseconds from 0 to ${LATENCY_US_MAX}, a range of them, or a ` +
      `distribution as it was read, was ${JSON.stringify(term)?.slice(0, 100)}`,
  );
}
