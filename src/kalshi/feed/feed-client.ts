/**
 * The WebSocket feed: keeps one connection to the venue for as long as it is not closed, and queues
 * what comes for one reader. Reconnection has no limit of tries; its waits grow and vary. What was
 * missed is told as gaps: on a lost connection, after holes in the numbering, and where the reader was
 * too slow, who then gets fresh snapshots of all books.
 */
import type { Prng, Scheduler } from "../../core/index.ts";
import { backoffUs, type BackoffSettings } from "../backoff.ts";
import type { Network, Socket } from "../network.ts";
import { signedHeaders } from "../signing.ts";
import type { SigningKey } from "../signing-key.ts";
import type { Venue } from "../venue.ts";
import { type Channel, CHANNELS, type FeedEvent } from "./channels.ts";
import { FeedQueue, type QueueHealth } from "./feed-queue.ts";
import { FeedSession } from "./feed-session.ts";
import { type ChannelHealth, SESSION_SETTINGS, type SessionSettings } from "./session-host.ts";
import type { Wanted } from "./subscription.ts";

export interface FeedSettings extends SessionSettings {
  /** A connection that is not open after this time is given up. */
  readonly openUs: number;
  readonly tickUs: number;
  readonly backoff: BackoffSettings;
  /** After this time an open connection counts as good, and the next wait is the shortest again. */
  readonly stableUs: number;
  /** Events that may wait for the reader. */
  readonly queueMax: number;
}

export const FEED_SETTINGS: FeedSettings = {
  ...SESSION_SETTINGS,
  openUs: 10_000_000,
  tickUs: 1_000_000,
  backoff: { firstUs: 250_000, mostUs: 30_000_000 },
  stableUs: 10_000_000,
  queueMax: 50_000,
};

export interface FeedClientOptions {
  readonly venue: Venue;
  readonly key: SigningKey;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly settings?: Partial<FeedSettings>;
  /** Called when events wait that were not there at the last drain. */
  readonly onEvents?: () => void;
}

/** How the feed is, for a status log. */
export interface FeedHealth {
  readonly state: "idle" | "connecting" | "open" | "waiting" | "closed";
  readonly openSinceUs: number | null;
  /** Last moment at which the connection was known to be good. */
  readonly lastSignUs: number | null;
  readonly connections: number;
  /** Failed tries since the last good connection. */
  readonly attempt: number;
  readonly lastReason: string | null;
  readonly gaps: number;
  /** Messages that came twice and were told once. */
  readonly repeated: number;
  readonly booksKnown: number;
  readonly booksAwaited: number;
  /** Of the present connection. */
  readonly channels: readonly ChannelHealth[];
  readonly queue: QueueHealth;
}

export class FeedClient {
  readonly #options: FeedClientOptions;
  readonly #settings: FeedSettings;
  readonly #prng: Prng;
  readonly #path: string;
  readonly #queue: FeedQueue;
  readonly #wanted = new Map<Channel, Wanted>();
  readonly #covered = new Set<Channel>();
  readonly #gapped = new Set<Channel>();
  #state: FeedHealth["state"] = "idle";
  #socket: Socket | null = null;
  #session: FeedSession | null = null;
  #stopTimer: (() => void) | null = null;
  #openSinceUs: number | null = null;
  #connections = 0;
  #attempt = 0;
  #lastReason: string | null = null;
  #gaps = 0;
  #repeated = 0;
  #isTold = false;

  constructor(options: FeedClientOptions) {
    this.#options = options;
    this.#settings = { ...FEED_SETTINGS, ...options.settings };
    this.#prng = options.prng.fork("feed");
    this.#path = new URL(options.venue.wsUrl).pathname;
    this.#queue = new FeedQueue(this.#settings.queueMax);
  }

  /** Adds markets to a channel, or "all" where the channel allows it. */
  watch(channel: Channel, tickers: readonly string[] | "all"): void {
    const { tickers: rule } = CHANNELS[channel];
    const before = this.#wanted.get(channel);
    if (rule === "none" || (rule === "may" && (tickers === "all" || before === "all"))) {
      this.#wanted.set(channel, "all");
    } else {
      const former = before === undefined || before === "all" ? [] : before;
      this.#wanted.set(channel, new Set([...former, ...(tickers === "all" ? [] : tickers)]));
    }
    this.#session?.update(this.#now());
  }

  /** Takes markets out of a channel; "all" ends it. */
  unwatch(channel: Channel, tickers: readonly string[] | "all"): void {
    const before = this.#wanted.get(channel);
    if (before === undefined) return;
    const gone = new Set(tickers);
    const left =
      tickers === "all" || before === "all" ? [] : [...before].filter((one) => !gone.has(one));
    if (before === "all" && tickers !== "all") return;
    this.#wanted.set(channel, new Set(left));
    if (left.length === 0) this.#covered.delete(channel);
    this.#session?.update(this.#now());
  }

  start(): void {
    if (this.#state === "idle") this.#connect();
  }

  /** Ends the connection; nothing is told any more, and what waits can still be drained. */
  close(): void {
    this.#state = "closed";
    this.#dropConnection();
  }

  /** Moves all events that wait to `sink`, oldest first; their number. */
  drain(sink: FeedEvent[]): number {
    const before = sink.length;
    this.#isTold = false;
    const reopened = this.#queue.drain(sink);
    if (reopened.size > 0) this.#reopen(reopened, sink);
    return sink.length - before;
  }

  health(): FeedHealth {
    const counts = this.#session?.counts();
    return {
      state: this.#state,
      openSinceUs: this.#openSinceUs,
      lastSignUs: this.#session?.lastSignUs ?? null,
      connections: this.#connections,
      attempt: this.#attempt,
      lastReason: this.#lastReason,
      gaps: this.#gaps,
      repeated: this.#repeated + (counts?.repeated ?? 0),
      booksKnown: counts?.known ?? 0,
      booksAwaited: counts?.awaited ?? 0,
      channels: this.#session?.channels() ?? [],
      queue: this.#queue.health(),
    };
  }

  #now(): number {
    return this.#options.scheduler.nowUs();
  }

  #connect(): void {
    const { network, key, scheduler } = this.#options;
    this.#state = "connecting";
    const connection = (this.#connections += 1);
    const isCurrent = (): boolean => this.#connections === connection && this.#socket !== null;
    const told = (react: () => void): void => {
      if (!isCurrent()) return;
      react();
      this.#announce();
    };
    const headers = signedHeaders(key, scheduler.nowUs(), "GET", this.#path);
    this.#socket = network.openSocket(headers, {
      opened: () => {
        told(() => {
          this.#opened(isCurrent);
        });
      },
      message: (text) => {
        told(() => this.#session?.frame(text, this.#now()));
      },
      alive: () => {
        told(() => this.#session?.alive(this.#now()));
      },
      closed: (reason) => {
        told(() => {
          this.#lost(reason);
        });
      },
    });
    const { openUs } = this.#settings;
    this.#stopTimer = scheduler.after(openUs, () => {
      told(() => {
        this.#lost(`no connection within ${openUs / 1_000_000} s`);
      });
    });
  }

  #opened(isCurrent: () => boolean): void {
    const nowUs = this.#now();
    this.#stopTimer?.();
    this.#state = "open";
    this.#openSinceUs = nowUs;
    const session = new FeedSession(
      {
        wanted: this.#wanted,
        send: (frame) => this.#socket?.send(frame),
        ping: () => this.#socket?.ping(),
        // A session that has asked for its end may still speak for a moment.
        tell: (event) => {
          if (isCurrent()) this.#tell(event);
        },
        reconnect: (reason) => {
          if (isCurrent()) this.#lost(reason);
        },
        covered: (channel) => {
          if (isCurrent()) this.#isCovered(channel);
        },
      },
      this.#settings,
      nowUs,
      this.#queue.isClosed("orderbook_delta"),
    );
    this.#session = session;
    this.#push({ kind: "connected", atUs: nowUs });
    session.update(nowUs);
    this.#tickLater(session);
  }

  #tickLater(session: FeedSession): void {
    this.#stopTimer = this.#options.scheduler.after(this.#settings.tickUs, () => {
      if (this.#session !== session) return;
      const nowUs = this.#now();
      if (this.#openSinceUs !== null && nowUs - this.#openSinceUs >= this.#settings.stableUs) {
        this.#attempt = 0;
      }
      session.tick(nowUs);
      if (this.#session === session) this.#tickLater(session);
      this.#announce();
    });
  }

  /** The connection is gone, or of no use: everything that was covered is not any more. */
  #lost(reason: string): void {
    const nowUs = this.#now();
    const fromUs = this.#session?.lastSignUs ?? nowUs;
    this.#lastReason = reason;
    this.#dropConnection();
    this.#push({ kind: "disconnected", atUs: nowUs, reason });
    for (const channel of this.#covered) {
      this.#gapped.add(channel);
      this.#push(disconnectedGap(channel, fromUs, nowUs));
    }
    this.#covered.clear();
    this.#state = "waiting";
    const waitUs = backoffUs(this.#settings.backoff, this.#attempt, this.#prng);
    this.#attempt += 1;
    this.#stopTimer = this.#options.scheduler.after(waitUs, () => {
      this.#connect();
    });
  }

  #dropConnection(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#repeated += this.#session?.counts().repeated ?? 0;
    this.#session = null;
    this.#openSinceUs = null;
    this.#socket?.close();
    this.#socket = null;
  }

  #tell(event: FeedEvent): void {
    if (event.kind === "gap" && (event.cause === "ended" || event.cause === "stale")) {
      this.#covered.delete(event.channel);
      this.#gapped.add(event.channel);
    }
    this.#push(event);
  }

  #isCovered(channel: Channel): void {
    this.#covered.add(channel);
    if (!this.#gapped.delete(channel)) return;
    this.#push({ kind: "resumed", channel, atUs: this.#now(), discarded: 0 });
  }

  #push(event: FeedEvent): void {
    if (event.kind === "gap") this.#gaps += 1;
    const hasOverflown = this.#queue.push(event, this.#now());
    if (!hasOverflown) return;
    this.#gaps += 1;
    if (this.#queue.isClosed("orderbook_delta")) this.#session?.suspend();
  }

  /** The reader has caught up: channels that were closed to it are open again. */
  #reopen(reopened: ReadonlyMap<Channel, number>, sink: FeedEvent[]): void {
    const nowUs = this.#now();
    for (const [channel, discarded] of reopened) {
      // Without a connection the gap goes on, for another reason.
      if (this.#covered.has(channel))
        sink.push({ kind: "resumed", channel, atUs: nowUs, discarded });
      else sink.push(disconnectedGap(channel, nowUs, nowUs));
    }
    if (reopened.has("orderbook_delta")) this.#session?.resume(nowUs);
  }

  #announce(): void {
    if (this.#isTold || this.#queue.length === 0) return;
    this.#isTold = true;
    this.#options.onEvents?.();
  }
}

function disconnectedGap(channel: Channel, fromUs: number, atUs: number): FeedEvent {
  const cause = "disconnected";
  return { kind: "gap", channel, cause, tickers: null, fromUs, atUs, missing: null };
}
