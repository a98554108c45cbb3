/**
 * One channel on one connection: what was asked for, what the venue has agreed to, and where its
 * numbering stands. One command is on its way at a time. A command that names several markets and is
 * refused is cut in half, so that one unknown market does not keep the others out.
 */
import { assert } from "../../core/index.ts";
import type { FeedCommand } from "../wire/feed-commands.ts";
import { type Channel, CHANNELS } from "./channels.ts";

/** The markets that are wanted on a channel: a set of tickers, or all. */
export type Wanted = ReadonlySet<string> | "all";

/** What a command on its way is to achieve. */
interface InFlight {
  readonly id: number;
  readonly kind: "subscribe" | "add" | "delete" | "unsubscribe";
  readonly tickers: readonly string[];
  readonly sentUs: number;
}

/** Where a number stands in the sequence. */
export type Place =
  | { readonly kind: "next" }
  | { readonly kind: "repeated" }
  | { readonly kind: "gap"; readonly missing: number };

const NEXT: Place = { kind: "next" };
const REPEATED: Place = { kind: "repeated" };

export class Subscription {
  readonly channel: Channel;
  sid: number | null = null;
  /** When the last message of the subscription came, replies among them. */
  lastUs: number;
  /** No further command before this time, after the venue has asked for patience. */
  notBeforeUs = -Infinity;
  readonly #asked = new Set<string>();
  readonly #refused = new Set<string>();
  #chunkMax = 1_000;
  #inFlight: InFlight | null = null;
  #isDead = false;
  #lastSeq = 0;

  constructor(channel: Channel, nowUs: number) {
    this.channel = channel;
    this.lastUs = nowUs;
  }

  /** Markets that the venue has agreed to, or has been asked for. */
  get tickers(): readonly string[] {
    return [...this.#asked];
  }

  get inFlight(): InFlight | null {
    return this.#inFlight;
  }

  has(ticker: string): boolean {
    return this.#asked.has(ticker);
  }

  /** Takes a message's number. The first one is 1. */
  take(seq: number): Place {
    const expected = this.#lastSeq + 1;
    if (seq < expected) return REPEATED;
    this.#lastSeq = seq;
    return seq === expected ? NEXT : { kind: "gap", missing: seq - expected };
  }

  /** The command that brings the venue nearer to what is wanted; null where there is none to send. */
  next(wanted: Wanted | undefined, id: number, nowUs: number): FeedCommand | null {
    if (this.#inFlight !== null || this.#isDead || nowUs < this.notBeforeUs) return null;
    if (wanted === undefined || (wanted !== "all" && wanted.size === 0)) {
      return this.sid === null ? null : this.#unsubscribe(id, nowUs);
    }
    if (wanted === "all") return this.sid === null ? this.#subscribe(id, [], nowUs) : null;
    const missing = [...wanted].filter((one) => !this.#asked.has(one) && !this.#refused.has(one));
    if (missing.length > 0) {
      const chunk = missing.slice(0, this.#chunkMax);
      return this.sid === null ? this.#subscribe(id, chunk, nowUs) : this.#add(id, chunk, nowUs);
    }
    const surplus = [...this.#asked].filter((one) => !wanted.has(one)).slice(0, this.#chunkMax);
    return surplus.length > 0 && this.sid !== null ? this.#delete(id, surplus, nowUs) : null;
  }

  /** The venue agreed to the command on its way; the markets that are new by it. */
  agreed(sid: number | null): readonly string[] {
    const done = this.#inFlight;
    assert(done !== null, "an agreement answers a command");
    this.#inFlight = null;
    switch (done.kind) {
      case "subscribe":
        this.sid = sid;
        return done.tickers;
      case "add":
        return done.tickers;
      case "delete":
        return [];
      case "unsubscribe":
        this.#forget();
        return [];
    }
  }

  /**
   * The venue refused the command on its way: the markets that are refused for good, or null where it
   * is to be tried again in smaller pieces, or does not matter.
   */
  declined(): readonly string[] | null {
    const done = this.#inFlight;
    assert(done !== null, "a refusal answers a command");
    this.#inFlight = null;
    if (done.kind === "delete" || done.kind === "unsubscribe") {
      // Nothing is lost: what still comes is not listened to.
      for (const ticker of done.tickers) this.#asked.delete(ticker);
      if (done.kind === "unsubscribe") this.#isDead = true;
      return null;
    }
    for (const ticker of done.tickers) this.#asked.delete(ticker);
    if (done.tickers.length > 1) {
      this.#chunkMax = Math.ceil(done.tickers.length / 2);
      return null;
    }
    for (const ticker of done.tickers) this.#refused.add(ticker);
    if (done.tickers.length === 0) this.#isDead = true;
    return done.tickers;
  }

  /** The venue asked for patience: the command is to be sent again, later. */
  postponed(untilUs: number): void {
    const done = this.#inFlight;
    assert(done !== null, "a postponement answers a command");
    this.#inFlight = null;
    this.notBeforeUs = untilUs;
    if (done.kind === "subscribe" || done.kind === "add") {
      for (const ticker of done.tickers) this.#asked.delete(ticker);
    } else for (const ticker of done.tickers) this.#asked.add(ticker);
  }

  /** The venue ended the subscription; it may be asked for again from `untilUs` on. */
  ended(untilUs: number): void {
    this.#inFlight = null;
    this.notBeforeUs = untilUs;
    this.#forget();
  }

  #forget(): void {
    this.sid = null;
    this.#asked.clear();
    this.#lastSeq = 0;
  }

  #subscribe(id: number, tickers: readonly string[], nowUs: number): FeedCommand {
    assert(
      tickers.length > 0 || CHANNELS[this.channel].tickers !== "must",
      "a book channel names its markets",
    );
    this.#send({ id, kind: "subscribe", tickers, sentUs: nowUs });
    return {
      kind: "subscribe",
      id,
      channels: [this.channel],
      tickers,
      useYesPrice: true,
      sendInitialSnapshot: this.channel === "ticker",
    };
  }

  #add(id: number, tickers: readonly string[], nowUs: number): FeedCommand {
    this.#send({ id, kind: "add", tickers, sentUs: nowUs });
    return { kind: "update", id, sid: this.sid ?? 0, action: "add_markets", tickers };
  }

  #delete(id: number, tickers: readonly string[], nowUs: number): FeedCommand {
    this.#send({ id, kind: "delete", tickers, sentUs: nowUs });
    for (const ticker of tickers) this.#asked.delete(ticker);
    return { kind: "update", id, sid: this.sid ?? 0, action: "delete_markets", tickers };
  }

  #unsubscribe(id: number, nowUs: number): FeedCommand {
    this.#send({ id, kind: "unsubscribe", tickers: [...this.#asked], sentUs: nowUs });
    return { kind: "unsubscribe", id, sids: [this.sid ?? 0] };
  }

  #send(inFlight: InFlight): void {
    this.#inFlight = inFlight;
    if (inFlight.kind === "subscribe" || inFlight.kind === "add") {
      for (const ticker of inFlight.tickers) this.#asked.add(ticker);
    }
  }
}
