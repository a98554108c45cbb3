/**
 * All that the matching engine is, in one place, with the few steps that several of its parts take:
 * telling what happened, ending an order, and summing up what a command did to accounts.
 *
 * Conservation: all accounts' cash, the fees, one dollar for each pair of contracts that is held, and
 * what rounding took at settlements add up to what was paid in, after every command.
 */
import {
  type CentiCents,
  type Lots,
  type MicroUsd,
  type Prng,
  SimulatedScheduler,
  type TimestampUs,
} from "../../core/index.ts";
import type { BookSide, MarketInfo } from "../../market/index.ts";
import type { VenuePosition } from "../../kalshi/index.ts";
import type { Cause, EngineEvent, UpdateReason } from "./engine-events.ts";
import type { EngineMarket } from "./engine-market.ts";
import { type EngineOrder, orderRecord } from "./engine-order.ts";
import type { ExchangeAccount } from "./exchange-account.ts";
import { nextId } from "./ids.ts";

export class EngineState {
  /** The exchange's clock, with what is due at times to come. */
  readonly time: SimulatedScheduler;
  readonly markets: EngineMarket[] = [];
  /** The facts of `markets`, in the same order. */
  readonly infos: MarketInfo[] = [];
  readonly marketOf = new Map<string, EngineMarket>();
  readonly accounts: ExchangeAccount[] = [];
  /** Open orders of all accounts but the crowd's. */
  readonly orders = new Map<string, EngineOrder>();
  /** What has happened and was not collected yet. */
  events: EngineEvent[] = [];
  exchangeActive = true;
  tradingActive = true;
  /** Micro-dollars that rounding to cents took at settlements. */
  settlementLoss = 0;
  /** The order that the present command is about. */
  cause: Cause | null = null;
  readonly #ids: Prng;
  /** Accounts, and their markets, that the present command has changed. */
  readonly #touched = new Map<ExchangeAccount, Set<number>>();

  constructor(startUs: TimestampUs, ids: Prng) {
    this.time = new SimulatedScheduler(startUs);
    this.#ids = ids;
  }

  get nowUs(): TimestampUs {
    return this.time.nowUs();
  }

  newId(): string {
    return nextId(this.#ids);
  }

  market(index: number): EngineMarket {
    return this.markets[index] as EngineMarket;
  }

  tell(event: EngineEvent): void {
    this.events.push(event);
  }

  tellLevel(market: number, side: BookSide, price: CentiCents, change: number): void {
    const { cause, nowUs } = this;
    this.events.push({
      kind: "level",
      market,
      side,
      price,
      change: change as Lots,
      cause,
      atUs: nowUs,
    });
  }

  tellOrder(order: EngineOrder, reason: UpdateReason | null): void {
    if (order.account.isCrowd) return;
    order.updatedUs = this.nowUs;
    const { ticker } = this.market(order.market);
    this.tell({
      kind: "order",
      account: order.account.index,
      order: orderRecord(order, ticker),
      reason,
    });
    this.touch(order.account);
  }

  /** Marks an account as changed, and a market of it where its position changed. */
  touch(account: ExchangeAccount, market?: number): void {
    if (account.isCrowd) return;
    let markets = this.#touched.get(account);
    if (markets === undefined) this.#touched.set(account, (markets = new Set()));
    if (market !== undefined) markets.add(market);
  }

  /** Takes an order that still stands in its queue out of the market. */
  cancel(order: EngineOrder, reason: UpdateReason): void {
    const { market, side, price, remaining } = order;
    this.market(market).book.remove(order);
    this.tellLevel(market, side, price, -remaining);
    this.finish(order, "canceled");
    this.tellOrder(order, reason);
  }

  /** Ends an order that stands in no queue any more. */
  finish(order: EngineOrder, status: "canceled" | "executed"): void {
    order.status = status;
    order.remaining = 0 as Lots;
    order.forgetExpiry?.();
    order.forgetExpiry = null;
    order.group?.orders.delete(order);
    order.account.ended(order);
    this.orders.delete(order.orderId);
  }

  /** Tells what the command did to accounts, once for each of their markets. */
  sumUp(): void {
    this.cause = null;
    if (this.#touched.size === 0) return;
    const atUs = this.nowUs;
    for (const [account, markets] of this.#touched) {
      for (const market of markets) this.#tellPosition(account, market);
      const { cash } = account.ledger;
      const { available } = account;
      this.tell({ kind: "cash", account: account.index, cash, available, atUs });
    }
    this.#touched.clear();
  }

  #tellPosition(account: ExchangeAccount, market: number): void {
    const position = positionRecord(account, market, this.market(market).ticker, this.nowUs);
    const volume = account.volume[market] as Lots;
    this.tell({ kind: "position", account: account.index, market, position, volume });
  }
}

function positionRecord(
  account: ExchangeAccount,
  market: number,
  ticker: string,
  nowUs: TimestampUs,
): VenuePosition {
  return {
    ticker,
    exchangeIndex: 0,
    position: account.ledger.position(market),
    totalTraded: account.traded[market] as MicroUsd,
    exposure: account.ledger.costs[market] as MicroUsd,
    realizedPnl: account.realized[market] as MicroUsd,
    feesPaid: account.fees[market] as MicroUsd,
    updatedUs: nowUs,
  };
}
