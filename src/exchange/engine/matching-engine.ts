/**
 * The exchange's inside, pure and synchronous: commands and times go in, answers and events come out.
 * It reads no clock and draws ids from a stream that is passed in, so equal commands at equal times
 * give equal answers and events. Before each command the caller moves time with `advanceTo`, at which
 * orders expire and markets open, close and settle by themselves.
 */
import {
  assert,
  type CentiCents,
  type Lots,
  type MicroUsd,
  ONE_DOLLAR_CC,
  OperationError,
  type Prng,
  type TimestampUs,
} from "../../core/index.ts";
import type { BookSide, PriceRange } from "../../market/index.ts";
import type {
  OrderAmendment,
  OrderDecrease,
  OrderTicket,
  QueuePosition,
} from "../../kalshi/index.ts";
import type { EngineEvent } from "./engine-events.ts";
import type { EngineMarket, MarketSpec } from "./engine-market.ts";
import { EngineState } from "./engine-state.ts";
import { ExchangeAccount } from "./exchange-account.ts";
import { createGroup, deleteGroup, limitGroup, pullGroup, resetGroup } from "./group-desk.ts";
import * as lifecycle from "./lifecycle.ts";
import {
  amend,
  cancel,
  cancelAll,
  create,
  createCrowd,
  decrease,
  type Done,
} from "./order-desk.ts";
import type { EngineOrder } from "./engine-order.ts";
import type { OrderGroupState } from "./order-groups.ts";
import { refuse, type Refusal } from "./refusal.ts";

export interface EngineOptions {
  readonly startUs: TimestampUs;
  /** Where ids come from. */
  readonly ids: Prng;
  /** How many markets there may be while it runs. */
  readonly marketCapacity: number;
}

/** An order of the crowd: no ticket, no client, no limit of cash. */
export interface CrowdTerms {
  readonly market: EngineMarket;
  readonly side: BookSide;
  readonly price: CentiCents;
  readonly size: Lots;
}

/** One billion dollars: no crowd runs out of it. */
const CROWD_CASH = 1_000_000_000_000_000 as MicroUsd;

export class MatchingEngine {
  readonly #state: EngineState;
  readonly #marketCapacity: number;
  /** Those who rest, and those who take: two, so that they can trade with one another. */
  readonly #crowdMaker: ExchangeAccount;
  readonly #crowdTaker: ExchangeAccount;

  constructor({ startUs, ids, marketCapacity }: EngineOptions) {
    assert(marketCapacity > 0, "an exchange has markets");
    this.#state = new EngineState(startUs, ids);
    this.#marketCapacity = marketCapacity;
    this.#crowdMaker = this.#newAccount("crowd", CROWD_CASH, true);
    this.#crowdTaker = this.#newAccount("crowd", CROWD_CASH, true);
  }

  get nowUs(): TimestampUs {
    return this.#state.nowUs;
  }

  get markets(): readonly EngineMarket[] {
    return this.#state.markets;
  }

  get accounts(): readonly ExchangeAccount[] {
    return this.#state.accounts;
  }

  get exchangeActive(): boolean {
    return this.#state.exchangeActive;
  }

  get tradingActive(): boolean {
    return this.#state.tradingActive;
  }

  /** When something falls due by itself, null for never. */
  nextUs(): number | null {
    return this.#state.time.nextUs();
  }

  /** Moves time on; what falls due on the way happens. A time that has passed already changes nothing. */
  advanceTo(atUs: TimestampUs): void {
    // Something may be due at this very moment.
    if (atUs >= this.nowUs) this.#state.time.advanceTo(atUs);
  }

  /** What has happened since the last call, in order. */
  collect(): EngineEvent[] {
    const { events } = this.#state;
    this.#state.events = [];
    return events;
  }

  market(ticker: string): EngineMarket | undefined {
    return this.#state.marketOf.get(ticker);
  }

  openOrder(orderId: string): EngineOrder | undefined {
    return this.#state.orders.get(orderId);
  }

  /** `EXCHANGE_MARKETS` where there is no room, or the ticker is taken. */
  addMarket(spec: MarketSpec): EngineMarket {
    const { ticker } = spec.info;
    if (this.#state.marketOf.has(ticker)) {
      throw new OperationError("EXCHANGE_MARKETS", `${ticker}: expected a new market, was there`);
    }
    if (this.markets.length === this.#marketCapacity) {
      throw new OperationError(
        "EXCHANGE_MARKETS",
        `${ticker}: expected at most ${this.#marketCapacity} markets, was one more`,
      );
    }
    const market = lifecycle.addMarket(this.#state, spec);
    this.#state.time.advanceTo(this.nowUs);
    return market;
  }

  addAccount(userId: string, cash: MicroUsd): ExchangeAccount {
    const account = this.#newAccount(userId, cash, false);
    this.#state.touch(account);
    this.#state.sumUp();
    return account;
  }

  create(account: ExchangeAccount, ticket: OrderTicket): Done | Refusal {
    return this.#ended(create(this.#state, account, ticket));
  }

  amend(account: ExchangeAccount, orderId: string, change: OrderAmendment): Done | Refusal {
    return this.#ended(amend(this.#state, account, orderId, change));
  }

  decrease(account: ExchangeAccount, orderId: string, change: OrderDecrease): Done | Refusal {
    return this.#ended(decrease(this.#state, account, orderId, change));
  }

  cancel(account: ExchangeAccount, orderId: string): Done | Refusal {
    return this.#ended(cancel(this.#state, account, orderId));
  }

  cancelAll(account: ExchangeAccount): Refusal | null {
    return this.#ended(cancelAll(this.#state, account));
  }

  /** Lots that trade before an order of the account. */
  queuePosition(account: ExchangeAccount, orderId: string): Lots | Refusal {
    const order = this.#state.orders.get(orderId);
    if (order === undefined || order.account !== account) return refuse("not_found");
    return this.#state.market(order.market).book.ahead(order);
  }

  queuePositions(account: ExchangeAccount): QueuePosition[] {
    return [...account.openOrders()].map((order) => {
      const { ticker, book } = this.#state.market(order.market);
      return { orderId: order.orderId, ticker, ahead: book.ahead(order) };
    });
  }

  createGroup(account: ExchangeAccount, limit: Lots): OrderGroupState | Refusal {
    return this.#ended(createGroup(this.#state, account, limit));
  }

  limitGroup(account: ExchangeAccount, id: string, limit: Lots): Refusal | null {
    return this.#ended(limitGroup(this.#state, account, id, limit));
  }

  triggerGroup(account: ExchangeAccount, id: string): Refusal | null {
    return this.#ended(pullGroup(this.#state, account, id));
  }

  resetGroup(account: ExchangeAccount, id: string): Refusal | null {
    return this.#ended(resetGroup(this.#state, account, id));
  }

  deleteGroup(account: ExchangeAccount, id: string): Refusal | null {
    return this.#ended(deleteGroup(this.#state, account, id));
  }

  /** Stops or starts trading. At a stop orders rest, but for those that asked not to. */
  setTrading(isActive: boolean): void {
    const { orders } = this.#state;
    this.#state.tradingActive = isActive;
    if (!isActive) {
      for (const order of [...orders.values()]) {
        if (order.cancelOnPause && order.isQueued) this.#state.cancel(order, "HaltCancel");
      }
    }
    this.#state.sumUp();
  }

  /** Stops or starts everything: while it stands still nothing is taken, cancels neither. */
  setExchange(isActive: boolean): void {
    this.#state.exchangeActive = isActive;
  }

  deactivate(market: EngineMarket): boolean {
    return this.#ended(lifecycle.deactivate(this.#state, market));
  }

  activate(market: EngineMarket): boolean {
    return this.#ended(lifecycle.activate(this.#state, market));
  }

  close(market: EngineMarket): void {
    lifecycle.close(this.#state, market);
    this.#state.sumUp();
  }

  moveClose(market: EngineMarket, closeUs: TimestampUs): boolean {
    return this.#ended(lifecycle.moveClose(this.#state, market, closeUs));
  }

  restructure(market: EngineMarket, label: string, ranges: readonly PriceRange[]): void {
    lifecycle.restructure(this.#state, market, label, ranges);
  }

  determine(market: EngineMarket, value: CentiCents): boolean {
    return this.#ended(lifecycle.determine(this.#state, market, value));
  }

  /** Rests an order of the crowd; null where the market does not trade, or where nothing rests. */
  crowdQuote({ market, side, price, size }: CrowdTerms): EngineOrder | null {
    const terms = { side, price, size, isImmediate: false };
    const order = this.#ended(createCrowd(this.#state, this.#crowdMaker, market, terms));
    return order?.isQueued === true ? order : null;
  }

  /** Takes what rests up to a price, for the crowd; returns the lots that traded. */
  crowdTake({ market, side, price, size }: CrowdTerms): Lots {
    const terms = { side, price, size, isImmediate: true };
    const order = this.#ended(createCrowd(this.#state, this.#crowdTaker, market, terms));
    return order?.filled ?? (0 as Lots);
  }

  /** Takes lots off an order of the crowd, in its place in the queue. */
  crowdReduce(order: EngineOrder, size: number): void {
    assert(order.account.isCrowd, "only the crowd's orders are reduced so");
    if (!order.isQueued) return;
    const by = Math.min(size, order.remaining);
    this.#state.market(order.market).book.reduce(order, by);
    this.#state.tellLevel(order.market, order.side, order.price, -by);
    if (order.remaining === 0) this.#state.finish(order, "canceled");
  }

  isCrowd(order: EngineOrder): boolean {
    return order.account === this.#crowdMaker;
  }

  /**
   * What all accounts have and all that left them; equal before and after every command. Micro-dollars.
   */
  total(): number {
    let sum = this.#state.settlementLoss;
    for (const { ledger } of this.accounts) sum += ledger.cash + ledger.fees;
    for (const { openInterest } of this.markets) sum += openInterest * ONE_DOLLAR_CC;
    return sum;
  }

  #newAccount(userId: string, cash: MicroUsd, isCrowd: boolean): ExchangeAccount {
    const { accounts, infos } = this.#state;
    const index = accounts.length;
    const marketCapacity = this.#marketCapacity;
    const account = new ExchangeAccount({ index, userId, cash, isCrowd, infos, marketCapacity });
    accounts.push(account);
    return account;
  }

  #ended<T>(outcome: T): T {
    this.#state.sumUp();
    return outcome;
  }
}
