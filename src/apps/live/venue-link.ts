/**
 * A live run's way to the venue: the feed, the orders and the account as the actor's ports. What the
 * venue says becomes inputs, in the order in which it came; what the actor asks becomes calls. Nothing
 * of it decides anything, and nothing of it knows whether the venue is the demo exchange or a local one.
 */
import {
  type CentiCents,
  clearList,
  type Lots,
  type Prng,
  type Scheduler,
  type TimestampUs,
} from "../../core/index.ts";
import type {
  AccountReading,
  LinkName,
  LiveInput,
  MarketNews,
  MissedFill,
} from "../../journal/index.ts";
import {
  AccountReader,
  type AccountTruth,
  type Answer,
  type Channel,
  FeedClient,
  type FeedEvent,
  KalshiOrderManager,
  type Network,
  OrderEntry,
  type OrderNote,
  RestClient,
  sentenceOf,
  type SigningKey,
  type Venue,
} from "../../kalshi/index.ts";
import {
  ID_FAMILY,
  type NewsSource,
  type ServiceHealth,
  type VenueDesk,
} from "../../live/index.ts";
import { BookSide, MarketStatus, type SnapshotLevel } from "../../market/index.ts";
import type { ClientOrderId } from "../../orders/index.ts";
import { LIFECYCLE_STATUS, MarketStates, valueOfResult } from "./market-states.ts";
import { type FormerParts, MissedFills } from "./missed-fills.ts";

export interface VenueLinkOptions {
  readonly venue: Venue;
  readonly key: SigningKey;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly tickers: readonly string[];
  /** When the venue closes each market at the latest; nobody tells when it does. */
  readonly closesUs: readonly TimestampUs[];
  /** Earlier parts of the journal, whose last fills nobody may have heard of. */
  readonly former?: FormerParts;
  /** Something waits to be drained. */
  readonly onNews: () => void;
  /** What concerns nobody's decisions but belongs in the log. */
  readonly onNote?: (note: OrderNote) => void;
}

const PRIVATE: readonly Channel[] = ["fill", "user_orders"];

export class VenueLink implements NewsSource, VenueDesk {
  readonly client: RestClient;
  readonly entry: OrderEntry;
  readonly feed: FeedClient;
  readonly orders: KalshiOrderManager;
  readonly reader: AccountReader;
  readonly #options: VenueLinkOptions;
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #waiting: LiveInput[] = [];
  readonly #events: FeedEvent[] = [];
  readonly #closes: TimestampUs[];
  readonly #closeTimers: ((() => void) | null)[];
  readonly #startedUs: TimestampUs;
  readonly #missed: MissedFills;
  readonly #states: MarketStates;
  /** Channels of which something is missing. */
  readonly #missing = new Set<Channel>(["orderbook_delta", ...PRIVATE]);
  /** Markets whose books the venue does not tell. */
  readonly #bookless = new Set<string>();
  /** What has been told of each way. */
  readonly #told = new Map<LinkName, boolean>();
  /** Markets whose settlement has been told. */
  readonly #settled = new Set<string>();
  /** Up to when the first reading of the account was complete. */
  #firstUs: TimestampUs | null = null;
  #isClosed = false;

  constructor(options: VenueLinkOptions) {
    const { scheduler, prng, tickers, closesUs } = options;
    this.#options = options;
    this.#startedUs = scheduler.nowUs();
    this.#indexOf = new Map(tickers.map((ticker, index) => [ticker, index]));
    this.#closes = [...closesUs];
    this.#closeTimers = tickers.map(() => null);
    this.client = new RestClient(options);
    this.entry = new OrderEntry(this.client, scheduler, prng);
    const { client, entry } = this;
    this.#missed = new MissedFills(client, options.former ?? null);
    this.reader = new AccountReader({ client, scheduler, tickers });
    this.#states = new MarketStates({
      client,
      scheduler,
      tickers,
      tell: (news) => {
        this.#news(news);
        this.#tellLinks("markets are in another state");
        options.onNews();
      },
    });
    this.orders = new KalshiOrderManager({
      entry,
      client,
      scheduler,
      prng,
      tickers,
      prefix: ID_FAMILY,
      onEvents: options.onNews,
      log: (note) => {
        this.#noted(note);
      },
    });
    this.feed = new FeedClient({ ...options, onEvents: options.onNews });
  }

  start(): void {
    const { tickers } = this.#options;
    this.feed.watch("orderbook_delta", tickers);
    this.feed.watch("trade", tickers);
    this.feed.watch("fill", "all");
    this.feed.watch("user_orders", "all");
    this.feed.watch("market_lifecycle_v2", "all");
    this.feed.start();
    this.entry.signAhead();
    // Until it is answered, and where it is not, the lowest limits are kept to.
    this.client.learnLimits(() => undefined);
    tickers.forEach((_, market) => {
      this.#closeLater(market);
    });
  }

  /** Ends every connection and timer; nothing is told any more. */
  close(): void {
    this.#isClosed = true;
    for (const stop of this.#closeTimers) stop?.();
    this.#states.close();
    this.feed.close();
    this.client.close();
    this.entry.close();
    this.orders.close();
  }

  drain(sink: LiveInput[]): number {
    const before = sink.length;
    const events = this.#events;
    this.feed.drain(events);
    for (const event of events) this.#hear(event);
    clearList(events);
    for (const input of this.#waiting) sink.push(input);
    clearList(this.#waiting);
    return sink.length - before;
  }

  // --- what the actor asks ---

  readAccount(): void {
    const failed = (answer: Exclude<Answer<never>, { kind: "ok" }>): void => {
      const reason = sentenceOf(answer);
      this.#link("rest", false, reason);
      this.#waiting.push({ kind: "accountFailed", reason });
    };
    this.reader.read(
      (answer) => {
        if (this.#isClosed) return;
        if (answer.kind !== "ok") {
          failed(answer);
          this.#options.onNews();
          return;
        }
        this.#missed.find(answer.value, (found) => {
          if (this.#isClosed) return;
          if ("kind" in found) failed(found);
          else this.#tellReading(answer.value, found);
          this.#options.onNews();
        });
      },
      { settlementsSinceUs: this.#startedUs, fillsSinceUs: this.#missed.sinceUs },
    );
  }

  /** One reading for somebody else than the actor; null where it failed. */
  readOnce(): Promise<AccountReading | null> {
    return new Promise((resolve) => {
      this.reader.read((answer) => {
        resolve(answer.kind === "ok" ? this.#readingOf(answer.value) : null);
      });
    });
  }

  recover(): void {
    this.orders.recover();
  }

  cancelAll(): void {
    this.orders.cancelAll();
  }

  cancelForeign(orderIds: readonly string[]): void {
    // Whether they are gone shows at the next reading.
    for (const orderId of orderIds) this.entry.cancel(orderId, () => undefined);
  }

  setPositions(lots: readonly Lots[]): void {
    lots.forEach((position, market) => {
      this.orders.setPosition(market, position);
    });
  }

  /** How the connections are, for the status log. */
  services(): ServiceHealth[] {
    const feed = this.feed.health();
    const rest = this.client.health();
    const orders = this.orders.health();
    return [
      {
        name: "feed",
        state: feed.state,
        lastUs: feed.lastSignUs,
        detail:
          `${feed.connections} connections, ${feed.gaps} gaps, ${feed.booksKnown} books known, ` +
          `${feed.booksAwaited} awaited, ${feed.queue.length} waiting` +
          (feed.lastReason === null ? "" : `, last trouble: ${feed.lastReason}`),
      },
      {
        name: "rest",
        state: rest.failuresInRow === 0 ? "up" : `${rest.failuresInRow} failures in a row`,
        lastUs: rest.lastAnswerUs,
        detail:
          `${rest.inFlight} in flight, ${rest.waiting} waiting for tokens` +
          (rest.clockAheadSeconds === null || rest.clockAheadSeconds === 0
            ? ""
            : `, this clock is ${rest.clockAheadSeconds} s ahead of the venue's`) +
          (rest.lastFailure === null ? "" : `, last trouble: ${rest.lastFailure}`),
      },
      {
        name: "orders",
        state: orders.isRecovering ? "recovering" : "up",
        lastUs: orders.lastEventUs,
        detail:
          `${orders.open} open, ${orders.inFlight} in flight, ${orders.asking} unanswered, ` +
          `${orders.recoveries} recoveries, ${orders.foreignFills} foreign fills`,
      },
    ];
  }

  /** What somebody else did to the account is told nowhere else. */
  #noted(note: OrderNote): void {
    this.#options.onNote?.(note);
    if (note.kind !== "foreignFill" && note.kind !== "strayFill" && note.kind !== "lateFill")
      return;
    this.#waiting.push({ kind: "doubt", why: `${WORD_OF[note.kind]} in ${note.fill.ticker}` });
    this.#options.onNews();
  }

  // --- what the venue says ---

  #hear(event: FeedEvent): void {
    this.orders.hear(event);
    switch (event.kind) {
      case "message":
        this.#heardMessage(event);
        return;
      case "gap":
        this.#gap(event);
        return;
      case "resumed":
        this.#missing.delete(event.channel);
        this.#tellLinks("the feed is whole again");
        return;
      case "connected":
        this.#missing.clear();
        this.#bookless.clear();
        this.#states.read();
        this.#tellLinks("connected");
        return;
      case "disconnected":
        for (const channel of ["orderbook_delta", ...PRIVATE] as const) this.#missing.add(channel);
        this.#news({ kind: "gap", market: null, cause: "disconnected" });
        this.#tellLinks(event.reason);
        return;
      case "refused": {
        const { fault, channel } = event;
        const isOfBooks = channel === "orderbook_delta" && event.tickers.length > 0;
        if (isOfBooks) for (const ticker of event.tickers) this.#bookless.add(ticker);
        else if (channel !== null) this.#missing.add(channel);
        this.#tellLinks(`${channel ?? "a command"} refused: ${fault.message}`);
        return;
      }
      case "unreadable":
        return;
    }
  }

  #gap({ channel, cause, tickers }: Extract<FeedEvent, { kind: "gap" }>): void {
    // A hole in the numbers heals by a snapshot on the same connection; these do not.
    const isDown = cause === "disconnected" || cause === "ended" || cause === "stale";
    if (isDown || cause === "overflow") this.#missing.add(channel);
    if (channel === "market_lifecycle_v2") this.#states.read();
    if (channel === "orderbook_delta") {
      if (tickers === null) this.#news({ kind: "gap", market: null, cause });
      else
        for (const ticker of tickers)
          this.#newsOf(ticker, (market) => ({ kind: "gap", market, cause }));
    }
    this.#tellLinks(`${channel}: ${cause}`);
  }

  #heardMessage({ payload }: Extract<FeedEvent, { kind: "message" }>): void {
    switch (payload.kind) {
      case "delta": {
        const { ticker, side, price, change, atUs, clientOrderId } = payload.body;
        this.#newsOf(ticker, (market) => ({
          kind: "delta",
          market,
          side,
          price,
          change,
          stampUs: atUs,
          own: clientOrderId?.startsWith(ID_FAMILY) === true,
        }));
        return;
      }
      case "trade": {
        const { ticker, tradeId, takerSide, price, size, createdUs, isBlock } = payload.body;
        const hit = takerSide === BookSide.bid ? BookSide.ask : BookSide.bid;
        const stampUs = createdUs;
        this.#newsOf(ticker, (market) => ({
          kind: "trade",
          market,
          hit,
          price,
          size,
          stampUs,
          isBlock,
          tradeId,
        }));
        return;
      }
      case "snapshot": {
        const { ticker, bids, asks } = payload.body;
        const levels: SnapshotLevel[] = [
          ...bids.map(({ price, size }) => ({ side: BookSide.bid, priceCc: price, size })),
          ...asks.map(({ price, size }) => ({ side: BookSide.ask, priceCc: price, size })),
        ];
        this.#newsOf(ticker, (market) => ({ kind: "snapshot", market, levels }));
        if (this.#bookless.delete(ticker)) this.#tellLinks(`the book of ${ticker} came`);
        return;
      }
      case "lifecycle":
        this.#heardLifecycle(payload.body);
        return;
      default:
        // Fills and orders went to the order manager.
        return;
    }
  }

  /** True once every market has been settled. */
  get areMarketsSettled(): boolean {
    return this.#states.areSettled;
  }

  #heardLifecycle(body: {
    readonly ticker: string;
    readonly what: string;
    readonly closeUs: TimestampUs | null;
    readonly result: string | null;
    readonly settlementValue: CentiCents | null;
  }): void {
    const { ticker, what, closeUs, result, settlementValue } = body;
    const market = this.#indexOf.get(ticker);
    if (market === undefined) return;
    if (closeUs !== null) {
      this.#closes[market] = closeUs;
      this.#closeLater(market);
    }
    const status = LIFECYCLE_STATUS[what];
    if (status !== undefined) {
      this.#states.heard(market, status);
      this.#news({ kind: "status", market, status, stampUs: null });
      this.#tellLinks(`${ticker} is ${what}`);
    }
    const value = settlementValue ?? valueOfResult(result);
    if (what === "settled" && value !== null) this.#tellSettled(ticker, value);
  }

  #tellSettled(ticker: string, value: CentiCents): void {
    if (this.#settled.has(ticker)) return;
    this.#settled.add(ticker);
    this.#newsOf(ticker, (market) => ({ kind: "settled", market, value, stampUs: null }));
  }

  #closeLater(market: number): void {
    const { scheduler } = this.#options;
    const closeUs = this.#closes[market];
    if (closeUs === undefined) return;
    this.#closeTimers[market]?.();
    this.#closeTimers[market] = scheduler.after(Math.max(0, closeUs - scheduler.nowUs()), () => {
      const stampUs = closeUs;
      this.#news({ kind: "status", market, status: MarketStatus.closed, stampUs });
      this.#options.onNews();
    });
  }

  #tellReading(truth: AccountTruth, missed: readonly MissedFill[]): void {
    this.#link("rest", true, "answers");
    this.#firstUs ??= truth.completeUntilUs;
    const { exchangeActive, tradingActive } = truth.status;
    const isTrading = exchangeActive && tradingActive;
    this.#link("exchange", isTrading, isTrading ? "trading is on" : "trading is paused");
    for (const { ticker, result, value } of truth.settlements) {
      const paid = value === null ? valueOfResult(result) : ((value / 100) as CentiCents);
      if (paid !== null) this.#tellSettled(ticker, paid);
    }
    const reading = this.#readingOf(truth);
    this.#waiting.push({
      kind: "account",
      reading: missed.length === 0 ? reading : { ...reading, missed },
    });
  }

  #readingOf(truth: AccountTruth): AccountReading {
    const { tickers } = this.#options;
    return {
      available: truth.available,
      positions: [
        ...tickers.flatMap((ticker, index) => {
          const position = truth.positions[index];
          const cost = truth.costs[index];
          if (position === undefined || cost === undefined || position === 0) return [];
          return [{ ticker, position, cost }];
        }),
        ...truth.otherPositions.map(({ ticker, position, exposure }) => ({
          ticker,
          position,
          cost: exposure,
        })),
      ],
      resting: truth.resting.map(({ orderId, clientOrderId, ...order }) => ({
        orderId,
        clientOrderId: clientOrderId === "" ? null : (clientOrderId as ClientOrderId),
        ticker: order.ticker,
        side: order.side,
        price: order.price,
        filled: order.filled,
        remaining: order.remaining,
      })),
      askedUs: truth.askedUs,
      toldUs: truth.readUs,
      completeUntilUs: truth.completeUntilUs,
    };
  }

  #tellLinks(why: string): void {
    const hasBooks = !this.#missing.has("orderbook_delta");
    this.#link("feed", hasBooks && !this.#states.areAllWithout(this.#bookless), why);
    this.#link("account feed", !PRIVATE.some((channel) => this.#missing.has(channel)), why);
  }

  #link(link: LinkName, isUp: boolean, why: string): void {
    if (this.#told.get(link) === isUp) return;
    this.#told.set(link, isUp);
    this.#waiting.push({ kind: "link", link, isUp, why });
  }

  #newsOf(ticker: string, make: (market: number) => MarketNews): void {
    const market = this.#indexOf.get(ticker);
    if (market !== undefined) this.#news(make(market));
  }

  #news(news: MarketNews): void {
    this.#waiting.push({ kind: "market", news });
  }
}

const WORD_OF = {
  foreignFill: "a fill of somebody else's order",
  strayFill: "a fill of an order that nobody waits for",
  lateFill: "a fill of an order that had ended",
} as const;
