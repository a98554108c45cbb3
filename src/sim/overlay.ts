/**
 * Chance on top of any fill model, to see what a result is worth when less goes well than the
 * recording allows: fills that others get, fills of a part, aggressive orders that pay more or less
 * than the level they take, orders that the venue refuses. Off by default.
 *
 * It only ever takes lots away: what it withholds has gone to others, so no lot of a trade, quote or
 * level is given twice and own fills never exceed what was there. It draws from a stream of its own
 * for each market, in the market's own order, so that it changes nothing else and does not depend on
 * when anybody looks. Probabilities are whole millionths.
 */
import { type Lots, OperationError, Prng, type PrngState } from "../core/index.ts";
import { BookSide, type OrderBook } from "../market/index.ts";
import type { FillEvidence } from "../orders/index.ts";
import type { ExchangeOrder } from "./exchange-order.ts";

const ALL_PPM = 1_000_000;
const TICKS_MAX = 100;

export interface OverlaySettings {
  /** That an order gets what a trade, a quote or a level has for it; else others do. */
  readonly fillPpm: number;
  /** That of what it gets it gets only a part: any number of lots below all, each as likely. */
  readonly partialPpm: number;
  /** That an aggressive fill is 1 to `slippageTicks` worse than its level, within the order's limit. */
  readonly slippagePpm: number;
  readonly slippageTicks: number;
  /** That, where it is not worse, it is 1 to `improvementTicks` better, within the spread. */
  readonly improvementPpm: number;
  readonly improvementTicks: number;
  /** That the venue refuses an order which it would have taken. */
  readonly rejectionPpm: number;
}

/** Changes nothing, but says so in the evidence of every fill. */
export const IDLE_OVERLAY: OverlaySettings = {
  fillPpm: ALL_PPM,
  partialPpm: 0,
  slippagePpm: 0,
  slippageTicks: 1,
  improvementPpm: 0,
  improvementTicks: 1,
  rejectionPpm: 0,
};

/** The overlay of one market. */
export class Overlay {
  readonly #settings: OverlaySettings;
  #prng: Prng;

  /** `OVERLAY` where a setting is missing, unknown or out of range. */
  constructor(settings: OverlaySettings, prng: Prng) {
    requireSettings(settings);
    this.#settings = settings;
    this.#prng = prng;
  }

  /** Lots that an order gets of `wanted`, which is at least one; all or nothing stays so. */
  given(order: ExchangeOrder, wanted: number): number {
    const { fillPpm, partialPpm } = this.#settings;
    if (order.request.timeInForce === "fill_or_kill") return wanted;
    if (!this.#happens(fillPpm)) return 0;
    if (wanted === 1 || !this.#happens(partialPpm)) return wanted;
    return 1 + this.#prng.integer(wanted - 1);
  }

  /** The tick that an aggressive order pays for a level: never beyond its limit or the spread. */
  paidTick(side: BookSide, tick: number, limit: number, book: OrderBook): number {
    const worse = this.#ticksWorse();
    if (side === BookSide.bid) {
      const best = Math.min(tick, book.bestBidTick + 1);
      return Math.min(limit, Math.max(best, tick + worse));
    }
    const best = Math.max(tick, book.bestAskTick - 1);
    return Math.max(limit, Math.min(best, tick - worse));
  }

  #ticksWorse(): number {
    const { slippagePpm, slippageTicks, improvementPpm, improvementTicks } = this.#settings;
    if (this.#happens(slippagePpm)) return 1 + this.#prng.integer(slippageTicks);
    return this.#happens(improvementPpm) ? -1 - this.#prng.integer(improvementTicks) : 0;
  }

  rejects(): boolean {
    return this.#happens(this.#settings.rejectionPpm);
  }

  save(): PrngState {
    return this.#prng.save();
  }

  restore(state: PrngState): void {
    this.#prng = Prng.restore(state);
  }

  #happens(ppm: number): boolean {
    if (ppm === 0 || ppm === ALL_PPM) return ppm > 0;
    return this.#prng.integer(ALL_PPM) < ppm;
  }
}

/** The evidence of a fill with what the overlay did to it, where there is one. */
export function traced(
  overlay: Overlay | null,
  fact: FillEvidence,
  withheld: number,
  ticks = 0,
): FillEvidence {
  if (overlay === null || fact.kind === "venue") return fact;
  return { ...fact, overlay: { withheld: withheld as Lots, ticks } };
}

function requireSettings(settings: OverlaySettings): void {
  const given = Object(settings) as Readonly<Record<string, unknown>>;
  for (const key of new Set([...Object.keys(IDLE_OVERLAY), ...Object.keys(given)])) {
    const [least, most] = key.endsWith("Ticks") ? [1, TICKS_MAX] : [0, ALL_PPM];
    const value = given[key];
    const isIn = Number.isSafeInteger(value) && (value as number) >= least;
    if (key in IDLE_OVERLAY && isIn && (value as number) <= most) continue;
    const expected = key in IDLE_OVERLAY ? `a whole number from ${least} to ${most}` : "none";
    throw new OperationError(
      "OVERLAY",
      `overlay.${key}: expected ${expected}, was ${JSON.stringify(value) ?? "missing"}`,
    );
  }
}
