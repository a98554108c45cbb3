/**
 * The protocol on one connection, from its opening to its end: subscriptions, numbers, books, signs of
 * life. It has no clock and no socket: it is told what came and when, and tells its host what to do.
 *
 * Numbers are checked before anything else is made of a message. They are dense for each subscription,
 * and replies to commands have some too. After a hole the books of the subscription are unknown: their
 * deltas are withheld and snapshots asked for, on the same connection; where none comes, the host is
 * asked to reconnect. A market may be quiet for hours, so silence alone proves nothing: when a book
 * subscription has been silent for a while one snapshot is asked for, whose number and content show
 * whether anything was missed. Without such a subscription the list of subscriptions is asked for.
 */
import { messageOf, OperationError } from "../../core/index.ts";
import { type FeedCommand, FeedFaultCode, writeCommand } from "../wire/feed-commands.ts";
import {
  type BookDelta,
  type BookSnapshot,
  type Envelope,
  type FeedFault,
  readEnvelope,
  readPayload,
} from "../wire/feed-messages.ts";
import { BookWatch } from "./book-watch.ts";
import { type Channel, channelOfType, type GapCause } from "./channels.ts";
import type { ChannelHealth, SessionHost, SessionSettings } from "./session-host.ts";
import { Subscription } from "./subscription.ts";

/** Commands that belong to no channel's subscription. */
type Question =
  | { readonly kind: "snapshots"; readonly tickers: readonly string[]; readonly sentUs: number }
  | { readonly kind: "probe"; readonly ticker: string; readonly sentUs: number; isQuiet: boolean }
  | { readonly kind: "list"; readonly sentUs: number };

const GAPS_IN_ROW_MAX = 5;
const UNREADABLE_IN_ROW_MAX = 20;

export class FeedSession {
  readonly #host: SessionHost;
  readonly #settings: SessionSettings;
  readonly #subscriptions = new Map<Channel, Subscription>();
  readonly #bySid = new Map<number, Subscription>();
  /** Subscriptions that are over; what still comes of them is not listened to. */
  readonly #endedSids = new Set<number>();
  readonly #questions = new Map<number, Question>();
  readonly #books: BookWatch;
  #nextId = 1;
  #lastSignUs: number;
  #lastFrameUs: number;
  #pingUs = -Infinity;
  #gapsInRow = 0;
  #unreadableInRow = 0;
  #isSuspended: boolean;
  #repeated = 0;

  constructor(host: SessionHost, settings: SessionSettings, nowUs: number, isSuspended: boolean) {
    this.#host = host;
    this.#settings = settings;
    this.#books = new BookWatch(settings.snapshotUs);
    this.#lastSignUs = nowUs;
    this.#lastFrameUs = nowUs;
    this.#isSuspended = isSuspended;
  }

  /** Last moment at which the connection was known to be good. */
  get lastSignUs(): number {
    return this.#lastSignUs;
  }

  counts(): { readonly known: number; readonly awaited: number; readonly repeated: number } {
    return {
      known: this.#books.knownCount,
      awaited: this.#books.awaitedCount,
      repeated: this.#repeated,
    };
  }

  channels(): readonly ChannelHealth[] {
    return [...this.#subscriptions.values()].map(({ channel, sid, tickers, lastUs }) => ({
      channel,
      isSubscribed: sid !== null,
      markets: tickers.length,
      lastMessageUs: lastUs,
    }));
  }

  /** Brings the venue nearer to what is wanted; call it when that has changed. */
  update(nowUs: number): void {
    for (const channel of this.#host.wanted.keys()) {
      if (!this.#subscriptions.has(channel)) {
        this.#subscriptions.set(channel, new Subscription(channel, nowUs));
      }
    }
    for (const subscription of this.#subscriptions.values()) {
      const wanted = this.#host.wanted.get(subscription.channel);
      const command = subscription.next(wanted, this.#nextId, nowUs);
      if (command === null) continue;
      this.#nextId += 1;
      this.#forgetBooks(subscription, command);
      this.#host.send(writeCommand(command));
    }
  }

  /** Books that are asked for no more are awaited no more. */
  #forgetBooks({ channel, tickers }: Subscription, command: FeedCommand): void {
    if (channel !== "orderbook_delta") return;
    if (command.kind === "unsubscribe") for (const ticker of tickers) this.#books.forget(ticker);
    if (command.kind === "update" && command.action === "delete_markets") {
      for (const ticker of command.tickers) this.#books.forget(ticker);
    }
  }

  /** A ping or a pong came. */
  alive(nowUs: number): void {
    this.#lastSignUs = nowUs;
  }

  /** The reader is too slow: books are not followed until `resume`. */
  suspend(): void {
    this.#isSuspended = true;
    this.#books.suspend();
  }

  /** The reader is ready again: fresh snapshots of all books. */
  resume(nowUs: number): void {
    this.#isSuspended = false;
    const books = this.#subscriptions.get("orderbook_delta");
    if (books !== undefined && books.sid !== null) this.#askForSnapshots(books.tickers, nowUs);
  }

  frame(text: string, nowUs: number): void {
    this.#lastSignUs = nowUs;
    this.#lastFrameUs = nowUs;
    let envelope: Envelope;
    try {
      envelope = readEnvelope(text);
    } catch (error) {
      this.#isUnreadable(error, nowUs);
      return;
    }
    const { sid } = envelope;
    if (sid !== null && this.#endedSids.has(sid)) return;
    const subscription = this.#subscriptionOf(envelope);
    if (subscription !== null && envelope.seq !== null) {
      const fromUs = subscription.lastUs;
      const place = subscription.take(envelope.seq);
      if (place.kind === "repeated") {
        this.#repeated += 1;
        return;
      }
      subscription.lastUs = nowUs;
      if (place.kind === "gap") this.#gap(subscription, "sequence", fromUs, nowUs, place.missing);
    } else if (subscription !== null) subscription.lastUs = nowUs;
    this.#read(envelope, subscription, nowUs);
  }

  /** Lets time pass: call it about once a second. */
  tick(nowUs: number): void {
    const { pingAfterUs, deadAfterUs } = this.#settings;
    const silentUs = nowUs - this.#lastSignUs;
    if (silentUs >= deadAfterUs) {
      return this.#host.reconnect(`no sign of life for ${Math.floor(silentUs / 1_000_000)} s`);
    }
    if (silentUs >= pingAfterUs && nowUs - this.#pingUs >= pingAfterUs) {
      this.#pingUs = nowUs;
      this.#host.ping();
    }
    if (this.#isUnanswered(nowUs)) return;
    if (this.#hasLostBooks(nowUs)) return;
    this.#probe(nowUs);
    this.update(nowUs);
  }

  #subscriptionOf({ sid, type }: Envelope): Subscription | null {
    const bySid = sid === null ? undefined : this.#bySid.get(sid);
    if (bySid !== undefined) return bySid;
    const channel = channelOfType(type);
    return channel === null ? null : (this.#subscriptions.get(channel) ?? null);
  }

  #read(envelope: Envelope, subscription: Subscription | null, nowUs: number): void {
    let payload;
    try {
      payload = readPayload(envelope, true);
    } catch (error) {
      this.#isUnreadable(error, nowUs);
      if (subscription !== null) this.#gap(subscription, "unreadable", nowUs, nowUs, 1);
      return;
    }
    this.#unreadableInRow = 0;
    switch (payload.kind) {
      case "subscribed": {
        const asked = this.#asking(envelope.id);
        if (asked !== null) this.#agreed(asked, payload.body.sid, nowUs);
        return;
      }
      case "unsubscribed":
      case "updated": {
        const asked = this.#asking(envelope.id);
        if (asked !== null) this.#agreed(asked, null, nowUs);
        else if (envelope.id !== null) this.#questions.delete(envelope.id);
        return;
      }
      case "subscriptions":
        if (envelope.id !== null) this.#questions.delete(envelope.id);
        this.#compare(new Set(payload.body.map(({ sid }) => sid)), nowUs);
        return;
      case "fault":
        return this.#fault(envelope, payload.body, nowUs);
      case "other":
        return;
      case "snapshot":
        if (!this.#snapshot(payload.body, nowUs)) return;
        break;
      case "delta":
        if (!this.#delta(payload.body, nowUs)) return;
        break;
      default:
    }
    const channel = channelOfType(envelope.type);
    if (channel !== null) this.#host.tell({ kind: "message", channel, payload, receivedUs: nowUs });
  }

  /** Whether a snapshot is to be told. */
  #snapshot(snapshot: BookSnapshot, nowUs: number): boolean {
    // While the reader is behind, the queue counts what it throws away.
    if (this.#isSuspended) return true;
    const { ticker } = snapshot;
    const books = this.#subscriptions.get("orderbook_delta");
    if (books?.has(ticker) !== true) return false;
    for (const [id, question] of this.#questions) {
      if (question.kind === "snapshots" && question.tickers.includes(ticker)) {
        this.#questions.delete(id);
      } else if (question.kind === "probe" && question.ticker === ticker) {
        this.#questions.delete(id);
        const mayCompare = question.isQuiet && this.#books.isKnown(ticker);
        if (mayCompare && !this.#books.agrees(snapshot)) {
          this.#tellStale(books, nowUs);
          this.#host.reconnect("a book had changed without a word of it");
          return false;
        }
      }
    }
    this.#books.arrived(snapshot);
    if (this.#books.awaitedCount === 0) this.#gapsInRow = 0;
    return true;
  }

  /** Whether a delta is to be told: only of a book that is known. */
  #delta(delta: BookDelta, nowUs: number): boolean {
    if (this.#isSuspended) return true;
    if (!this.#books.isKnown(delta.ticker)) return false;
    for (const question of this.#questions.values()) {
      if (question.kind === "probe" && question.ticker === delta.ticker) question.isQuiet = false;
    }
    if (this.#books.change(delta)) return true;
    const books = this.#subscriptions.get("orderbook_delta");
    if (books !== undefined) this.#gap(books, "contradiction", nowUs, nowUs, null);
    return false;
  }

  /** The subscription whose command has this id. */
  #asking(id: number | null): Subscription | null {
    if (id === null) return null;
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.inFlight?.id === id) return subscription;
    }
    return null;
  }

  #agreed(subscription: Subscription, sid: number | null, nowUs: number): void {
    const kind = subscription.inFlight?.kind;
    const former = subscription.sid;
    const tickers = subscription.agreed(sid);
    if (former !== null && subscription.sid === null) this.#endSid(former);
    subscription.lastUs = nowUs;
    if (sid !== null) this.#bySid.set(sid, subscription);
    const { channel } = subscription;
    if (channel === "orderbook_delta" && !this.#isSuspended) {
      // A snapshot may have come before the agreement.
      this.#books.await(
        tickers.filter((ticker) => !this.#books.isKnown(ticker)),
        nowUs,
      );
    }
    if (kind === "subscribe") this.#host.covered(channel);
    this.update(nowUs);
  }

  /** The venue has ended a subscription; it is asked for again from `againUs` on. */
  #ended(subscription: Subscription, sid: number, againUs: number): void {
    this.#endSid(sid);
    if (subscription.channel === "orderbook_delta") {
      for (const ticker of subscription.tickers) this.#books.forget(ticker);
    }
    subscription.ended(againUs);
  }

  #endSid(sid: number): void {
    this.#bySid.delete(sid);
    this.#endedSids.add(sid);
  }

  #fault(envelope: Envelope, fault: FeedFault, nowUs: number): void {
    const { id, sid } = envelope;
    const { channelError, bufferOverflow, tooManyRequests } = FeedFaultCode;
    const isTerminal = fault.code === channelError || fault.code === bufferOverflow;
    const subscribed = sid === null ? undefined : this.#bySid.get(sid);
    const againUs = nowUs + this.#settings.againUs;
    if (isTerminal && sid !== null && subscribed !== undefined) {
      this.#gap(subscribed, "ended", subscribed.lastUs, nowUs, null);
      this.#ended(subscribed, sid, againUs);
      return;
    }
    const question = id === null ? undefined : this.#questions.get(id);
    if (id !== null && question !== undefined) {
      this.#questions.delete(id);
      this.#questionRefused(question, fault, nowUs);
      return;
    }
    const asking = this.#asking(id);
    const channel = asking?.channel ?? null;
    if (asking === null) {
      this.#host.tell({ kind: "refused", channel, tickers: fault.tickers, fault, atUs: nowUs });
    } else if (fault.code === tooManyRequests || fault.code === 18) asking.postponed(againUs);
    else {
      const tickers = asking.declined();
      if (tickers !== null)
        this.#host.tell({ kind: "refused", channel, tickers, fault, atUs: nowUs });
      this.update(nowUs);
    }
  }

  #questionRefused(question: Question, fault: FeedFault, nowUs: number): void {
    if (question.kind !== "snapshots") return;
    const { tickers } = question;
    // One market that the venue does not know must not cost the others their snapshots.
    if (tickers.length > 1) for (const ticker of tickers) this.#askForSnapshots([ticker], nowUs);
    else {
      const channel = "orderbook_delta";
      this.#host.tell({ kind: "refused", channel, tickers, fault, atUs: nowUs });
    }
  }

  #gap(
    subscription: Subscription,
    cause: GapCause,
    fromUs: number,
    nowUs: number,
    missing: number | null,
  ): void {
    const { channel } = subscription;
    this.#host.tell({ kind: "gap", channel, cause, tickers: null, fromUs, atUs: nowUs, missing });
    if (channel !== "orderbook_delta" || cause === "ended" || this.#isSuspended) return;
    this.#gapsInRow += 1;
    if (this.#gapsInRow > GAPS_IN_ROW_MAX) {
      this.#host.reconnect("the book messages have one gap after another");
    } else this.#askForSnapshots(subscription.tickers, nowUs);
  }

  #askForSnapshots(tickers: readonly string[], nowUs: number): void {
    this.#books.await(tickers, nowUs);
    this.#sendForSnapshots(tickers, nowUs);
  }

  #sendForSnapshots(tickers: readonly string[], nowUs: number): void {
    const sid = this.#subscriptions.get("orderbook_delta")?.sid ?? null;
    if (sid === null || tickers.length === 0) return;
    const command = { kind: "update", id: 0, sid, action: "get_snapshot", tickers } as const;
    this.#ask(command, { kind: "snapshots", tickers, sentUs: nowUs });
  }

  #ask(command: FeedCommand, question: Question): void {
    const id = this.#nextId++;
    this.#questions.set(id, question);
    this.#host.send(writeCommand({ ...command, id }));
  }

  #isUnanswered(nowUs: number): boolean {
    const { answerUs, snapshotUs } = this.#settings;
    for (const [id, question] of this.#questions) {
      if (nowUs - question.sentUs < answerUs) continue;
      // Books that do not come are counted one by one; a probe or a list must come.
      if (question.kind === "snapshots") {
        if (nowUs - question.sentUs > answerUs + snapshotUs) this.#questions.delete(id);
        continue;
      }
      const books = this.#subscriptions.get("orderbook_delta");
      if (books !== undefined) this.#tellStale(books, nowUs);
      this.#host.reconnect("the venue no longer answers for the subscriptions");
      return true;
    }
    for (const { inFlight } of this.#subscriptions.values()) {
      if (inFlight === null || nowUs - inFlight.sentUs < answerUs) continue;
      this.#host.reconnect("the venue did not answer a command");
      return true;
    }
    return false;
  }

  #tellStale(books: Subscription, nowUs: number): void {
    const { channel, lastUs } = books;
    const cause = "stale";
    this.#host.tell({
      kind: "gap",
      channel,
      cause,
      tickers: null,
      fromUs: lastUs,
      atUs: nowUs,
      missing: null,
    });
  }

  #hasLostBooks(nowUs: number): boolean {
    const { again, lost, never } = this.#books.overdue(nowUs);
    if (lost.length > 0) {
      this.#host.reconnect(`no snapshot came for ${lost.length} books`);
      return true;
    }
    if (again.length > 0) this.#sendForSnapshots(again, nowUs);
    if (never.length > 0) {
      const fault = {
        code: 0,
        message: "no snapshot came; is there such a market?",
        tickers: never,
      };
      const channel = "orderbook_delta";
      this.#host.tell({ kind: "refused", channel, tickers: never, fault, atUs: nowUs });
    }
    return false;
  }

  /** Asks a silent subscription for a sign of life. */
  #probe(nowUs: number): void {
    for (const { kind } of this.#questions.values()) if (kind !== "snapshots") return;
    const { quietUs } = this.#settings;
    const books = this.#subscriptions.get("orderbook_delta");
    if (books !== undefined && books.sid !== null && !this.#isSuspended) {
      const { sid, lastUs, tickers } = books;
      const ticker = tickers.find((one) => this.#books.isKnown(one));
      if (ticker !== undefined) {
        if (nowUs - lastUs < quietUs) return;
        const command = { kind: "update", id: 0, sid, action: "get_snapshot" } as const;
        const question = { kind: "probe", ticker, sentUs: nowUs, isQuiet: true } as const;
        this.#ask({ ...command, tickers: [ticker] }, { ...question });
        return;
      }
    }
    const hasAny = [...this.#subscriptions.values()].some(({ sid }) => sid !== null);
    if (hasAny && nowUs - this.#lastFrameUs >= quietUs) {
      this.#ask({ kind: "list", id: 0 }, { kind: "list", sentUs: nowUs });
    }
  }

  /** The venue has told its subscriptions: those that it has lost are asked for again. */
  #compare(sids: ReadonlySet<number>, nowUs: number): void {
    for (const [sid, subscription] of [...this.#bySid]) {
      if (sids.has(sid)) continue;
      this.#gap(subscription, "ended", subscription.lastUs, nowUs, null);
      this.#ended(subscription, sid, nowUs);
    }
    this.update(nowUs);
  }

  #isUnreadable(error: unknown, nowUs: number): void {
    if (!(error instanceof OperationError)) throw error;
    this.#host.tell({ kind: "unreadable", reason: messageOf(error), atUs: nowUs });
    this.#unreadableInRow += 1;
    if (this.#unreadableInRow >= UNREADABLE_IN_ROW_MAX) {
      this.#host.reconnect("the venue's messages cannot be read");
    }
  }
}
