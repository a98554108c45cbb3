/**
 * The port through which the simulator asks when a resting order of ours fills. A model sees one of
 * our orders and one recorded fact that may reach it, and says how many lots the order gets. Prices
 * decide only by their order, so a model sees ticks.
 *
 *   touch    the order stands first at its price: it fills when the price touches it. Optimistic.
 *   through  the order stands last: it fills only when the price trades through it. Pessimistic.
 */
import { BookSide } from "../market/index.ts";

/** A resting order as fill models see it. */
export interface RestingTerms {
  readonly side: BookSide;
  readonly tick: number;
  readonly remaining: number;
}

export interface FillModel {
  readonly name: string;
  /** Lots that the order gets of a recorded trade of `size` at `tick`, which hit its side. */
  ofTrade(order: RestingTerms, tick: number, size: number): number;
  /** Lots that the order gets of `size` newly quoted at `tick` on the other side. */
  ofQuote(order: RestingTerms, tick: number, size: number): number;
}

/** How far beyond the order's own price `tick` is, in ticks; negative where it is not reached. */
function beyond(order: RestingTerms, tick: number): number {
  return order.side === BookSide.bid ? order.tick - tick : tick - order.tick;
}

export const TOUCH: FillModel = {
  name: "touch",
  ofTrade: (order, tick, size) => (beyond(order, tick) >= 0 ? Math.min(order.remaining, size) : 0),
  ofQuote: (order, tick, size) => (beyond(order, tick) >= 0 ? Math.min(order.remaining, size) : 0),
};

export const THROUGH: FillModel = {
  name: "through",
  ofTrade: (order, tick, size) => (beyond(order, tick) > 0 ? Math.min(order.remaining, size) : 0),
  ofQuote: (order, tick, size) => (beyond(order, tick) > 0 ? Math.min(order.remaining, size) : 0),
};

export const FILL_MODELS = { touch: TOUCH, through: THROUGH } as const;
export type FillModelName = keyof typeof FILL_MODELS;
