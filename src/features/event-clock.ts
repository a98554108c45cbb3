/**
 * Gives a live feed's events the times under which they count. Messages arrive late or out of order,
 * but a decision that has been taken saw what it saw: an event that a tick has missed counts just
 * after that tick, live and when the session is read again.
 */
export class EventClock {
  #earliestUs = -Infinity;

  /**
   * The effective time of an event stamped `stampUs` that arrives now: its own, or that of the event
   * before it, or a microsecond after the tick before it, whichever is latest. The microsecond puts
   * it behind the tick for good, since a decision at a tick takes in all events up to its time.
   */
  eventAt(stampUs: number): number {
    if (stampUs > this.#earliestUs) this.#earliestUs = stampUs;
    return this.#earliestUs;
  }

  /**
   * Whether the decision at `atUs`, a whole second, may still be taken: false where events that
   * arrived already lie after it. Events that follow count after it.
   */
  tickAt(atUs: number): boolean {
    if (this.#earliestUs > atUs) return false;
    this.#earliestUs = atUs + 1;
    return true;
  }
}
