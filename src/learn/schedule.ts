/** How a rate changes over a run: it stays, or falls from its value to 0 at the last step. */
import { cos } from "../core/index.ts";

export const SCHEDULES = ["constant", "linear", "cosine"] as const;
export type Schedule = (typeof SCHEDULES)[number];

/**
 * `value` when `shareLeft` of a run is still to come, 1 at its start: the value itself, value x
 * share, or value x (1 + cos(pi x (1 - share))) / 2, which falls slowly at both ends.
 */
export function scheduled(value: number, schedule: Schedule, shareLeft: number): number {
  if (schedule === "constant") return value;
  if (schedule === "linear") return value * shareLeft;
  return value * (0.5 * (1 + cos(Math.PI * (1 - shareLeft))));
}
