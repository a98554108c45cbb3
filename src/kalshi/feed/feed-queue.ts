/**
 * The queue between the connection and its reader, bounded. Nothing leaves it silently: where the
 * reader is too slow, market data is thrown away channel by channel, each with a gap in its place, and
 * goes on being thrown away until the reader has emptied the queue. Messages about our own account,
 * and all that is no message, are kept up to twice the bound; only then they go the same way.
 */
import { type Channel, CHANNELS, type FeedEvent } from "./channels.ts";

export interface QueueHealth {
  readonly length: number;
  readonly lengthMost: number;
  readonly overflows: number;
  readonly discarded: number;
}

export class FeedQueue {
  readonly #lengthMax: number;
  #events: FeedEvent[] = [];
  /** Channels whose messages are being thrown away, with how many were. */
  readonly #closed = new Map<Channel, number>();
  #lengthMost = 0;
  #overflows = 0;
  #discarded = 0;

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** Whether a channel's messages are being thrown away. */
  isClosed(channel: Channel): boolean {
    return this.#closed.has(channel);
  }

  health(): QueueHealth {
    return {
      length: this.#events.length,
      lengthMost: this.#lengthMost,
      overflows: this.#overflows,
      discarded: this.#discarded,
    };
  }

  /** Adds an event, or throws it away; true where an overflow has begun with it. */
  push(event: FeedEvent, nowUs: number): boolean {
    const channel = channelOf(event);
    if (channel !== null) {
      const discarded = this.#closed.get(channel);
      if (discarded !== undefined) {
        // What is missing within a gap belongs to it.
        const isMessage = event.kind === "message";
        this.#closed.set(channel, discarded + (isMessage ? 1 : 0));
        this.#discarded += isMessage ? 1 : 0;
        return false;
      }
    }
    this.#events.push(event);
    const length = this.#events.length;
    this.#lengthMost = Math.max(this.#lengthMost, length);
    if (length <= this.#lengthMax) return false;
    const hasPublic = this.#throwAway((channel) => !CHANNELS[channel].isPrivate, nowUs);
    if (hasPublic) return true;
    if (length <= 2 * this.#lengthMax) return false;
    return this.#throwAway(() => true, nowUs);
  }

  /**
   * Moves everything to `sink`, oldest first, and ends an overflow; the channels that are open again,
   * with the number of messages that each has lost since its gap.
   */
  drain(sink: FeedEvent[]): ReadonlyMap<Channel, number> {
    for (const event of this.#events) sink.push(event);
    this.#events = [];
    const reopened = new Map(this.#closed);
    this.#closed.clear();
    return reopened;
  }

  get length(): number {
    return this.#events.length;
  }

  /** Takes what some channels have in the queue out, with one gap each in the place of the first. */
  #throwAway(isMeant: (channel: Channel) => boolean, nowUs: number): boolean {
    const kept: FeedEvent[] = [];
    const places = new Map<Channel, { readonly at: number; fromUs: number; missing: number }>();
    for (const event of this.#events) {
      const channel = channelOf(event);
      if (channel === null || !isMeant(channel)) {
        kept.push(event);
        continue;
      }
      const fromUs = event.kind === "message" ? event.receivedUs : event.atUs;
      const place = places.get(channel) ?? { at: kept.length, fromUs, missing: 0 };
      if (!places.has(channel)) {
        places.set(channel, place);
        kept.push(event);
      }
      if (event.kind === "message") place.missing += 1;
      if (event.kind === "gap") {
        place.missing += event.missing ?? 0;
        place.fromUs = Math.min(place.fromUs, event.fromUs);
      }
    }
    for (const [channel, { at, fromUs, missing }] of places) {
      const cause = "overflow";
      kept[at] = { kind: "gap", channel, cause, tickers: null, fromUs, atUs: nowUs, missing };
      this.#closed.set(channel, 0);
      this.#discarded += missing;
    }
    this.#events = kept;
    if (places.size > 0) this.#overflows += 1;
    return places.size > 0;
  }
}

/** The channel whose course an event belongs to; null for what is not about one. */
function channelOf(event: FeedEvent): Channel | null {
  return event.kind === "message" || event.kind === "gap" || event.kind === "resumed"
    ? event.channel
    : null;
}
