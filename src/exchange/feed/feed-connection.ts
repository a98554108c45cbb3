/**
 * One connection to the feed: commands come in as text, messages go out as text. What it subscribes to
 * is its own; what it is told comes from the engine's events. It knows no socket and no time of its
 * own: a frame goes to whoever the connection was given.
 */
import { type TimestampUs, unreachable } from "../../core/index.ts";
import {
  type BucketLimit,
  type FeedCommand,
  FeedFaultCode,
  feedFaultOf,
  type FeedPayload,
  readCommand,
  TokenBucket,
  writeMessage,
} from "../../kalshi/index.ts";
import type { EngineEvent } from "../engine/engine-events.ts";
import type { EngineMarket } from "../engine/engine-market.ts";
import { takeTokens } from "../rest/access.ts";
import {
  addMarkets,
  type Channel,
  isChannel,
  isUnfiltered,
  Subscription,
} from "./subscriptions.ts";

/** What a connection looks up at the exchange. */
export interface FeedSource {
  readonly markets: readonly EngineMarket[];
  market(ticker: string): EngineMarket | undefined;
  readonly nowUs: TimestampUs;
}

/** Takes a frame for a client; `channel` is null for answers to commands. */
export type SendFrame = (frame: string, channel: Channel | null) => void;

export interface FeedConnectionOptions {
  readonly source: FeedSource;
  /** Index and name of the account whose key opened the connection. */
  readonly account: number;
  readonly userId: string;
  readonly send: SendFrame;
}

/** Commands a second and connection. Source: docs.kalshi.com, changelog of 2026-06-18. */
const COMMANDS: BucketLimit = { refillPerSecond: 10_000, capacity: 10_000 };

export class FeedConnection {
  readonly account: number;
  readonly #userId: string;
  readonly #source: FeedSource;
  readonly #send: SendFrame;
  readonly #bySid = new Map<number, Subscription>();
  readonly #byChannel = new Map<Channel, Subscription>();
  #sids = 0;
  readonly #commands: TokenBucket;

  constructor({ source, account, userId, send }: FeedConnectionOptions) {
    this.#commands = new TokenBucket(COMMANDS, source.nowUs);
    this.account = account;
    this.#userId = userId;
    this.#source = source;
    this.#send = send;
  }

  /** True where somebody must compute the market's quotes for this connection. */
  wantsTicker(market: number): boolean {
    return this.#byChannel.get("ticker")?.has(market) === true;
  }

  /** Does what a client's frame asks for, or says why not. */
  receive(frame: string): void {
    if (!takeTokens(this.#commands, 1, this.#source.nowUs)) {
      return this.#refuse(0, FeedFaultCode.tooManyRequests);
    }
    const command = readCommand(frame);
    switch (command.kind) {
      case "refused":
        return this.#answer(command.id, { kind: "fault", body: command.fault });
      case "subscribe":
        return this.#subscribe(command);
      case "unsubscribe":
        return this.#unsubscribe(command);
      case "update":
        return this.#update(command);
      case "list": {
        const body = [...this.#bySid.values()].map(({ channel, sid }) => ({ channel, sid }));
        return this.#answer(command.id, { kind: "subscriptions", body });
      }
      default:
        return unreachable(command);
    }
  }

  /** Tells what concerns this connection of an event. */
  deliver(event: EngineEvent): void {
    switch (event.kind) {
      case "level":
        return this.#deliverLevel(event);
      case "trade":
        return this.#tell("trade", event.market, { kind: "trade", body: event.trade });
      case "fill":
        return this.#tellOwn("fill", event.account, event.fill.ticker, {
          kind: "fill",
          body: event.fill,
        });
      case "order": {
        const body = { ...event.order, reason: event.reason };
        return this.#tellOwn("user_orders", event.account, body.ticker, { kind: "order", body });
      }
      case "position":
        return this.#deliverPosition(event);
      case "group":
        if (event.account !== this.account) return;
        return this.#tell("order_group_updates", 0, { kind: "group", body: event.group });
      case "lifecycle":
        return this.#tell("market_lifecycle_v2", event.market, {
          kind: "lifecycle",
          body: event.message,
        });
      // REST alone tells of these.
      case "cash":
      case "settlement":
        return;
      default:
        return unreachable(event);
    }
  }

  deliverTicker(market: EngineMarket): void {
    const body = market.ticking(this.#source.nowUs);
    this.#tell("ticker", market.index, { kind: "ticker", body });
  }

  #deliverLevel(event: Extract<EngineEvent, { kind: "level" }>): void {
    const subscription = this.#byChannel.get("orderbook_delta");
    if (subscription?.has(event.market) !== true) return;
    const market = this.#source.markets[event.market];
    if (market === undefined) return;
    const own = event.cause !== null && event.cause.account === this.account;
    const id = own ? (event.cause?.clientOrderId ?? "") : "";
    const payload: FeedPayload = {
      kind: "delta",
      body: {
        ticker: market.ticker,
        marketId: market.marketId,
        side: event.side,
        price: event.price,
        change: event.change,
        atUs: event.atUs,
        clientOrderId: id === "" ? null : id,
        subaccount: own ? 0 : null,
      },
    };
    this.#emit(subscription, subscription.dataHead(), payload);
  }

  #deliverPosition(event: Extract<EngineEvent, { kind: "position" }>): void {
    const { position, volume } = event;
    this.#tellOwn("market_positions", event.account, position.ticker, {
      kind: "position",
      body: {
        userId: this.#userId,
        ticker: position.ticker,
        position: position.position,
        cost: position.exposure,
        realizedPnl: position.realizedPnl,
        feesPaid: position.feesPaid,
        positionFees: position.feesPaid,
        volume,
        subaccount: 0,
      },
    });
  }

  #subscribe(command: Extract<FeedCommand, { kind: "subscribe" }>): void {
    const markets = this.#marketsOf(command.tickers);
    if (Array.isArray(markets)) {
      for (const name of command.channels) this.#subscribeTo(name, markets, command);
    } else this.#answer(command.id, markets);
  }

  #subscribeTo(
    name: string,
    markets: readonly EngineMarket[],
    command: Extract<FeedCommand, { kind: "subscribe" }>,
  ): void {
    const { id } = command;
    if (!isChannel(name)) return this.#refuse(id, FeedFaultCode.unknownChannel);
    if (name === "orderbook_delta" && markets.length === 0) {
      return this.#refuse(id, FeedFaultCode.tickerRequired);
    }
    const isAll = markets.length === 0 || isUnfiltered(name);
    const indices = markets.map(({ index }) => index);
    const held = this.#byChannel.get(name);
    if (held !== undefined) {
      if (isAll) held.markets = null;
      const fresh = addMarkets(held, indices);
      this.#emit(held, { id, ...held.answerHead() }, this.#updated(held));
      return this.#opening(held, fresh, command.sendInitialSnapshot);
    }
    this.#sids += 1;
    const chosen = isAll ? null : new Set(indices);
    const subscription = new Subscription(name, this.#sids, chosen, command.useYesPrice);
    this.#byChannel.set(name, subscription);
    this.#bySid.set(subscription.sid, subscription);
    const body = { channel: name, sid: subscription.sid };
    this.#answer(id, { kind: "subscribed", body });
    this.#opening(subscription, indices, command.sendInitialSnapshot);
  }

  /** What new markets of a subscription begin with. */
  #opening(subscription: Subscription, markets: readonly number[], initialTicker: boolean): void {
    const { channel } = subscription;
    if (channel === "orderbook_delta") {
      for (const market of markets) this.#snapshot(subscription, market);
    } else if (channel === "ticker" && initialTicker) {
      const all = subscription.markets === null;
      for (const market of this.#source.markets) {
        if (all || markets.includes(market.index)) this.deliverTicker(market);
      }
    }
  }

  #update(command: Extract<FeedCommand, { kind: "update" }>): void {
    const { id, sid, action, tickers } = command;
    const subscription = this.#bySid.get(sid);
    if (subscription === undefined) return this.#refuse(id, FeedFaultCode.unknownSid);
    const head = (): { id: number; sid: number; seq: number } => ({
      id,
      ...subscription.answerHead(),
    });
    const markets = this.#marketsOf(tickers);
    if (!Array.isArray(markets)) return this.#emit(subscription, head(), markets);
    const indices = markets.map(({ index }) => index);
    switch (action) {
      case "add_markets": {
        const fresh = addMarkets(subscription, indices);
        this.#emit(subscription, head(), this.#updated(subscription));
        return this.#opening(subscription, fresh, false);
      }
      case "delete_markets":
        for (const index of indices) subscription.markets?.delete(index);
        return this.#emit(subscription, head(), this.#updated(subscription));
      case "get_snapshot": {
        const isBook = subscription.channel === "orderbook_delta";
        const absent = tickers.filter((_, at) => !subscription.has(indices[at] ?? -1));
        if (!isBook || absent.length > 0) {
          const code = isBook ? FeedFaultCode.invalidParameter : FeedFaultCode.unsupportedAction;
          const body = feedFaultOf(code, absent);
          return this.#emit(subscription, head(), { kind: "fault", body });
        }
        for (const index of indices) this.#snapshot(subscription, index, id);
        return;
      }
      default:
        return unreachable(action);
    }
  }

  #unsubscribe({ id, sids }: Extract<FeedCommand, { kind: "unsubscribe" }>): void {
    let isUnknown = false;
    for (const sid of sids) {
      const subscription = this.#bySid.get(sid);
      if (subscription === undefined) {
        isUnknown = true;
        continue;
      }
      this.#bySid.delete(sid);
      this.#byChannel.delete(subscription.channel);
      this.#answer(id, { kind: "unsubscribed", body: null }, subscription.answerHead());
    }
    // Told once for all: a frame may name half a million of them.
    if (isUnknown) this.#refuse(id, FeedFaultCode.unknownSid);
  }

  #snapshot(subscription: Subscription, index: number, id?: number): void {
    const market = this.#source.markets[index];
    if (market === undefined) return;
    const { ticker, marketId, book } = market;
    const body = { ticker, marketId, ...book.view() };
    const head = subscription.dataHead();
    const payload: FeedPayload = { kind: "snapshot", body };
    this.#emit(subscription, id === undefined ? head : { id, ...head }, payload);
  }

  #updated({ markets }: Subscription): FeedPayload {
    if (markets === null) return { kind: "updated", body: null };
    const body = [...markets].flatMap((index) => this.#source.markets[index]?.ticker ?? []);
    return { kind: "updated", body };
  }

  /** The markets of a list of tickers, or the fault that names those that are not there. */
  #marketsOf(tickers: readonly string[]): EngineMarket[] | Extract<FeedPayload, { kind: "fault" }> {
    const markets: EngineMarket[] = [];
    const unknown: string[] = [];
    for (const ticker of tickers) {
      const market = this.#source.market(ticker);
      if (market === undefined) unknown.push(ticker);
      else markets.push(market);
    }
    if (unknown.length === 0) return markets;
    return { kind: "fault", body: feedFaultOf(FeedFaultCode.invalidParameter, unknown) };
  }

  #tellOwn(channel: Channel, account: number, ticker: string, payload: FeedPayload): void {
    if (account !== this.account || !this.#byChannel.has(channel)) return;
    const market = this.#source.market(ticker);
    if (market !== undefined) this.#tell(channel, market.index, payload);
  }

  #tell(channel: Channel, market: number, payload: FeedPayload): void {
    const subscription = this.#byChannel.get(channel);
    if (subscription?.has(market) !== true) return;
    this.#emit(subscription, subscription.dataHead(), payload);
  }

  #emit(
    subscription: Subscription,
    head: { id?: number; sid: number; seq?: number },
    payload: FeedPayload,
  ): void {
    const frame = writeMessage(head, payload, subscription.useYesPrice);
    this.#send(frame, subscription.channel);
  }

  #refuse(id: number, code: number): void {
    this.#answer(id, { kind: "fault", body: feedFaultOf(code) });
  }

  #answer(id: number, payload: FeedPayload, head: { sid?: number; seq?: number } = {}): void {
    this.#send(writeMessage(id === 0 ? head : { id, ...head }, payload), null);
  }
}
