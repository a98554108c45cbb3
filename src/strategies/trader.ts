/**
 * The trader: one account in front of one `OrderManager`, the same object in training, back-test,
 * replay and live trading. It folds what has reached it, keeps the best prices it was shown, turns
 * an action into orders through planner and risk gate, and fills in the account's part of the
 * observation. Time comes with every call; it owns no clock, no policy and no market data.
 *
 * One decision: `receive` -> `showQuote` -> (`mask`, `fillView`) -> `act`.
 */
import {
  type CentiCents,
  clearList,
  type Lots,
  type MicroUsd,
  ONE_DOLLAR_CC,
} from "../core/index.ts";
import type { AccountView } from "../features/index.ts";
import { BookSide, type FeeTerms, type PriceGrid } from "../market/index.ts";
import {
  Account,
  type AccountState,
  type Action,
  type ClientOrderId,
  type MarketGroups,
  type Order,
  type OrderCommand,
  type OrderEvent,
  type OrderManager,
  Planner,
  type PlannerSettings,
  RiskGate,
  type RiskLimits,
  type RiskRefusalReason,
} from "../orders/index.ts";

/** Told of everything that passes between the trader and its order manager, as it happens. */
export interface TraderObserver {
  sent(command: OrderCommand, atUs: number): void;
  refused(command: OrderCommand, reason: RiskRefusalReason, atUs: number): void;
  received(event: OrderEvent): void;
}

export interface TraderOptions {
  readonly orders: OrderManager;
  /** The dearest terms that each market may come to charge. */
  readonly fees: readonly FeeTerms[];
  /** The step to which the account's cash is floored; a direct member's unless given. */
  readonly balanceStep?: MicroUsd;
  readonly grids: readonly PriceGrid[];
  readonly startingCash: MicroUsd;
  readonly planner: PlannerSettings;
  readonly limits: RiskLimits;
  /** Events and series of the markets, where the limits speak of them. */
  readonly groups?: MarketGroups;
  /** Begins every client order id, so that ids of different runs differ. */
  readonly idPrefix: string;
}

/** A trader at one moment; shared by copies, so nothing of it is ever changed. */
export interface TraderState {
  readonly account: AccountState;
  readonly bids: readonly number[];
  readonly asks: readonly number[];
  readonly idCount: number;
  readonly peakValue: number;
}

export class Trader {
  readonly account: Account;
  readonly planner: Planner;
  readonly gate: RiskGate;
  observer: TraderObserver | null = null;
  readonly #orders: OrderManager;
  /** Best prices last shown, in centi-cents; 0 and one dollar where none is known. [M] */
  readonly #bids: Float64Array;
  readonly #asks: Float64Array;
  readonly #events: OrderEvent[] = [];
  readonly #commands: OrderCommand[] = [];
  #idCount = 0;
  #peakValue: number;

  constructor(options: TraderOptions) {
    const { orders, fees, grids, startingCash, planner, limits, idPrefix } = options;
    this.#orders = orders;
    this.account = new Account(fees, startingCash, options.balanceStep);
    const nextId = (): ClientOrderId => `${idPrefix}${this.#idCount++}` as ClientOrderId;
    this.planner = new Planner(planner, grids, nextId);
    this.gate = new RiskGate(limits, grids, options.groups);
    this.#bids = new Float64Array(fees.length);
    this.#asks = new Float64Array(fees.length).fill(ONE_DOLLAR_CC);
    this.#peakValue = startingCash;
  }

  /** Folds the events that have reached us; their count. */
  receive(): number {
    const events = this.#events;
    if (this.#orders.drain(events) === 0) return 0;
    const count = events.length;
    try {
      for (const event of events) {
        this.account.apply(event);
        this.observer?.received(event);
      }
    } finally {
      // One that breaks the account must not come again and again.
      clearList(events);
    }
    return count;
  }

  /** Shows the best prices of a market as they are now known. */
  showQuote(market: number, bid: CentiCents, ask: CentiCents): void {
    this.#bids[market] = bid;
    this.#asks[market] = ask;
    const value = this.portfolioValue();
    if (value > this.#peakValue) this.#peakValue = value;
  }

  quote(market: number): { readonly bid: CentiCents; readonly ask: CentiCents } {
    return { bid: this.#bids[market] as CentiCents, ask: this.#asks[market] as CentiCents };
  }

  /** What the positions could be sold for now: YES at the bid, NO at one dollar minus the ask. */
  positionsValue(): MicroUsd {
    const { ledger } = this.account;
    let value = 0;
    for (let market = 0; market < this.#bids.length; market++) {
      if (ledger.positions[market] === 0) continue;
      const { bid, ask } = this.quote(market);
      value += ledger.liquidationValue(market, bid, ask);
    }
    return value as MicroUsd;
  }

  /** Positions at the middle of bid and ask, rounded down to a micro-dollar. */
  positionsValueAtMid(): MicroUsd {
    const { positions } = this.account.ledger;
    let value = 0;
    for (let market = 0; market < this.#bids.length; market++) {
      const position = positions[market] as number;
      if (position === 0) continue;
      const twice = (this.#bids[market] as number) + (this.#asks[market] as number);
      value += position > 0 ? position * twice : -position * (2 * ONE_DOLLAR_CC - twice);
    }
    return Math.floor(value / 2) as MicroUsd;
  }

  /** Cash and positions at liquidation prices. */
  portfolioValue(): MicroUsd {
    return (this.account.ledger.cash + this.positionsValue()) as MicroUsd;
  }

  /** Which actions can be carried out in a market now; writes five bytes. */
  mask(market: number, mask: Uint8Array, offset = 0): void {
    this.planner.mask(market, this.account, this.quote(market), mask, offset);
  }

  /** Carries an action out: plans, asks the gate, sends. */
  act(action: Action, market: number, atUs: number): void {
    const commands = this.#commands;
    try {
      this.planner.plan(action, market, this.account, this.quote(market), commands);
      for (const command of commands) this.send(command, atUs);
    } finally {
      clearList(commands);
    }
  }

  /** Sends one command, if the gate lets it through; the reason if not. */
  send(command: OrderCommand, atUs: number): RiskRefusalReason | null {
    const reason = this.#sendThroughGate(command, atUs);
    if (reason === null) this.observer?.sent(command, atUs);
    else this.observer?.refused(command, reason, atUs);
    return reason;
  }

  #sendThroughGate(command: OrderCommand, atUs: number): RiskRefusalReason | null {
    const { account } = this;
    if (command.kind === "submit") {
      const verdict = this.gate.approve(command.request, account);
      if (verdict.kind === "refused") return verdict.reason;
      account.sent(command.request, atUs);
      this.#orders.submit(verdict.order);
      return null;
    }
    const { clientOrderId } = command;
    if (command.kind === "cancel") {
      account.cancelSent(clientOrderId);
      this.#orders.cancel(clientOrderId);
      return null;
    }
    const { price, size } = command;
    const order = account.order(clientOrderId);
    if (order === undefined) return "unknown_order";
    const reason = this.gate.refuseAmend(order, price, size, account);
    if (reason !== null) return reason;
    account.amendSent(clientOrderId, price, size);
    this.#orders.amend(clientOrderId, price, size);
    return null;
  }

  /** All that decides how it goes on, but for its order manager, which is saved by itself. */
  save(): TraderState {
    return {
      account: this.account.save(),
      bids: [...this.#bids],
      asks: [...this.#asks],
      idCount: this.#idCount,
      peakValue: this.#peakValue,
    };
  }

  restore(state: TraderState): void {
    this.account.restore(state.account);
    this.#bids.set(state.bids);
    this.#asks.set(state.asks);
    this.#idCount = state.idCount;
    this.#peakValue = state.peakValue;
  }

  /** Refreshes the account's part of an observation of `market`. */
  fillView(view: AccountView, market: number, nowUs: number, positionLimit: Lots): void {
    const { account } = this;
    const { ledger } = account;
    const bid = this.#bids[market] as number;
    const ask = this.#asks[market] as number;
    view.nowUs = nowUs;
    view.midCc2 = bid + ask;
    fillOrders(view, account.openOrders(market));
    const cash = ledger.cash;
    const value = this.positionsValue();
    view.cashLockedMicroUsd = account.locked;
    view.cashAvailableMicroUsd = cash - account.locked;
    view.positionsValueMicroUsd = value;
    let count = 0;
    let yesCount = 0;
    let absolute = 0;
    let cost = 0;
    for (let index = 0; index < ledger.positions.length; index++) {
      const position = ledger.positions[index] as number;
      if (position === 0) continue;
      count += 1;
      if (position > 0) yesCount += 1;
      absolute += Math.abs(position);
      cost += ledger.costs[index] as number;
    }
    view.positionCount = count;
    view.yesPositionCount = yesCount;
    view.positionAbsLotsTotal = absolute;
    const net = ledger.positions[market] as number;
    view.netLots = net;
    view.positionLimitLots = positionLimit;
    view.maxLossMicroUsd = cost;
    view.unrealizedPnlMicroUsd = value - cost;
    view.realizedPnlMicroUsd = ledger.realized - ledger.fees;
    view.startingCashMicroUsd = ledger.startingCash;
    const entry = net === 0 ? 0 : (ledger.costs[market] as number) / Math.abs(net);
    view.averageEntryCc = net < 0 ? ONE_DOLLAR_CC - entry : entry;
    view.peakPvMicroUsd = this.#peakValue;
  }
}

function fillOrders(view: AccountView, open: readonly Order[]): void {
  view.hasOpenBuy = false;
  view.hasOpenSell = false;
  view.bestOwnBidCc = 0;
  view.bestOwnAskCc = ONE_DOLLAR_CC;
  view.newestOrderSentUs = -1;
  for (const { request, price, sentUs } of open) {
    if (request.side === BookSide.bid) {
      view.hasOpenBuy = true;
      view.bestOwnBidCc = Math.max(view.bestOwnBidCc, price);
    } else {
      view.hasOpenSell = true;
      view.bestOwnAskCc = Math.min(view.bestOwnAskCc, price);
    }
    view.newestOrderSentUs = Math.max(view.newestOrderSentUs, sentUs);
  }
}
