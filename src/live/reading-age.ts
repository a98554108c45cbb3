/**
 * How old a reading of the account is. The venue tells up to which moment, by its own clock, a reading
 * is complete; how much later than usual that reaches us is its lag. A lag that is the same from the
 * first reading on cannot be told from clocks that differ.
 */
import type { AccountReading } from "../journal/index.ts";

/** Readings lag by less; what seems more is a clock that was set. */
const LAG_US_MAX = 10_000_000;
/** So far the venue's time must have gone on since the first reading before one is believed. */
const FIRST_PASSED_US = 1_500_000;

export class ReadingAge {
  /** By how much our clock was ahead of the moment up to which a reading was complete, at least. */
  #leastUs = Infinity;
  /** Up to when the first reading was complete, by the venue's clock. */
  #firstUs: number | null = null;

  /** Takes in a reading; call it before anything is asked about it. */
  arrived({ completeUntilUs, toldUs }: AccountReading): void {
    if (completeUntilUs === null) return;
    this.#firstUs ??= completeUntilUs;
    const distanceUs = toldUs - completeUntilUs;
    const isClockSet = distanceUs - this.#leastUs > LAG_US_MAX;
    this.#leastUs = isClockSet ? distanceUs : Math.min(this.#leastUs, distanceUs);
  }

  /**
   * Whether a reading tells of a time before `atUs`, as far as the venue says. At a start nothing is
   * known of the clocks: it is before until the venue's has gone on.
   */
  isBefore({ completeUntilUs, toldUs }: AccountReading, atUs: number, isStart: boolean): boolean {
    if (completeUntilUs === null || toldUs - atUs >= LAG_US_MAX) return false;
    const passedUs = completeUntilUs - (this.#firstUs ?? completeUntilUs);
    if (isStart && passedUs < FIRST_PASSED_US) return true;
    return completeUntilUs + this.#leastUs < atUs;
  }
}
