/**
 * Waits between tries: each base is twice the one before, up to a bound; half of it is waited for
 * certain and the other half at random, so that many clients do not come back at one moment.
 */
import type { Prng } from "../core/index.ts";

export interface BackoffSettings {
  readonly firstUs: number;
  readonly mostUs: number;
}

/** Microseconds to wait before try `attempt + 1`; `attempt` counts failures from 0. */
export function backoffUs(settings: BackoffSettings, attempt: number, prng: Prng): number {
  let base = settings.firstUs;
  for (let times = 0; times < attempt && base < settings.mostUs; times++) base *= 2;
  const half = Math.floor(Math.min(base, settings.mostUs) / 2);
  return half + prng.integer(half + 1);
}
