/**
 * The simulated venue behind the `OrderManager` port: recorded markets, latency both ways, and the
 * venue's own ledger, against which it refuses what is not funded.
 *
 * Time is event time, and it moves only through `advanceTo`. Four sources compete for the next
 * turn; at equal times they act in this order, which is part of every result:
 *   1. market data at the exchange (a tape row acts `feed` before the tape's time, which is when it
 *      reached us), then, with it, the expiry of resting orders, by market and then by age,
 *   2. our orders at the exchange (`submit`, `amend`, `cancel` after they were sent),
 *   3. market data reaching us (the caller's observation at the time it advanced to),
 *   4. answers reaching us (`answer` after they happened; `drain` hands them out).
 * Messages of ours arrive in the order in which they were sent, and so do the answers.
 */
import {
  assert,
  type CentiCents,
  clearList,
  type Lots,
  type MicroUsd,
  type Prng,
  unreachable,
} from "../core/index.ts";
import {
  type MarketInfo,
  type Membership,
  PriceGrid,
  streamRows,
  type Tape,
} from "../market/index.ts";
import {
  type ApprovedOrder,
  type CancelReason,
  type ClientOrderId,
  contradictionIn,
  type Ledger,
  type OrderEvent,
  type OrderManager,
  type OrderRequest,
  type RejectReason,
} from "../orders/index.ts";
import { AcceptedOrders } from "./accepted-orders.ts";
import type { ExchangeOrder, FillSink } from "./exchange-order.ts";
import type { FillModel } from "./fill-model.ts";
import { Latency, type LatencySettings } from "./latency.ts";
import { Overlay, type OverlaySettings } from "./overlay.ts";
import { SimulatedMarket } from "./simulated-market.ts";
import { VenueAccount } from "./venue-account.ts";
import type { Command, VenueState } from "./venue-state.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface SimulatedOrderManagerOptions {
  readonly tape: Tape;
  /** Tape indices of the traded markets; an order's `market` indexes this list. */
  readonly markets: readonly number[];
  /** The markets' grids where the caller has them already. */
  readonly grids?: readonly PriceGrid[];
  readonly startingCash: MicroUsd;
  readonly fillModel: FillModel;
  readonly latency: LatencySettings;
  readonly prng: Prng;
  /** Whose account it is, which decides how cash is rounded; a direct member's unless given. */
  readonly membership?: Membership;
  /** Chance on top of the fill model; none where absent. */
  readonly overlay?: OverlaySettings | undefined;
}

export class SimulatedOrderManager implements OrderManager {
  /** The recorded markets with our orders in them, in the order of `markets`. */
  readonly markets: readonly SimulatedMarket[];
  /** Positions and cash as the venue has them: ahead of what we have heard. */
  readonly venueLedger: Ledger;
  readonly #account: VenueAccount;
  readonly #latency: Latency;
  readonly #accepted = new AcceptedOrders();
  /** No resting order expires before this time. */
  #expiryUs = Infinity;
  #commands: Command[] = [];
  #commandHead = 0;
  #answers: OrderEvent[] = [];
  #answerHead = 0;
  #nowUs = -Infinity;
  #lastArrivalUs = -Infinity;
  #lastAnswerUs = -Infinity;
  #isAdvancing = false;

  constructor(options: SimulatedOrderManagerOptions) {
    const { tape, markets, grids, startingCash, fillModel, latency, prng, overlay } = options;
    this.#latency = new Latency(latency, prng);
    const infos = markets.map((market) => tape.markets[market] as MarketInfo);
    this.#account = new VenueAccount(infos, startingCash, options.membership ?? "direct");
    this.venueLedger = this.#account.ledger;
    this.markets = infos.map((info, index) => {
      const grid = grids?.[index] ?? new PriceGrid(info.priceRanges);
      const rows = streamRows(tape, markets[index] as number);
      const { feedUs } = this.#latency;
      return new SimulatedMarket({
        tape,
        rows,
        grid,
        feedUs,
        model: fillModel,
        sink: this.#sinkOf(index),
        overlay: overlay === undefined ? null : new Overlay(overlay, prng.fork(`overlay ${index}`)),
      });
    });
  }

  submit(order: ApprovedOrder): void {
    this.#send({ kind: "submit", atUs: this.#arrival(this.#latency.submit()), order });
  }

  amend(clientOrderId: ClientOrderId, price: CentiCents, size: Lots): void {
    const atUs = this.#arrival(this.#latency.amend());
    this.#send({ kind: "amend", atUs, clientOrderId, price, size });
  }

  cancel(clientOrderId: ClientOrderId): void {
    this.#send({ kind: "cancel", atUs: this.#arrival(this.#latency.cancel()), clientOrderId });
  }

  drain(sink: OrderEvent[]): number {
    let count = 0;
    while (this.#answerHead < this.#answers.length) {
      const event = this.#answers[this.#answerHead] as OrderEvent;
      if (event.atUs > this.#nowUs) break;
      sink.push(event);
      this.#answerHead += 1;
      count += 1;
    }
    if (isMostlyRead(this.#answers, this.#answerHead)) {
      this.#answers = withoutRead(this.#answers, this.#answerHead);
      this.#answerHead = 0;
    }
    return count;
  }

  /** Lets the exchange run until our clock shows `atUs`. Time never goes back. */
  advanceTo(atUs: number): void {
    assert(atUs >= this.#nowUs, "time never goes back");
    for (;;) {
      const command = this.#commands[this.#commandHead];
      const commandUs = command?.atUs ?? Infinity;
      const dueUs = Math.min(commandUs, this.#expiryUs);
      if (dueUs > atUs) break;
      this.#advanceMarkets(dueUs);
      if (this.#expiryUs <= commandUs) {
        this.#expire(dueUs);
      } else if (command !== undefined) {
        this.#commandHead += 1;
        this.#execute(command);
      }
    }
    if (isMostlyRead(this.#commands, this.#commandHead)) {
      this.#commands = withoutRead(this.#commands, this.#commandHead);
      this.#commandHead = 0;
    }
    this.#advanceMarkets(atUs);
    this.#nowUs = atUs;
  }

  /** Orders of ours that a feed gap has met so far: what became of them is not known. */
  get uncertainOrders(): number {
    return this.markets.reduce((sum, market) => sum + market.uncertainOrders, 0);
  }

  /** True while an order of ours, or an answer to one, is on its way. */
  hasMessagesInFlight(): boolean {
    return this.#commandHead < this.#commands.length || this.#answerHead < this.#answers.length;
  }

  /** All that decides how it goes on; costs grow with what is live, not with what has been. */
  save(): VenueState {
    return {
      markets: this.markets.map((market) => market.save()),
      ledger: this.venueLedger.save(),
      accepted: this.#accepted.save(),
      latency: this.#latency.save(),
      commands: this.#commands.slice(this.#commandHead),
      answers: this.#answers.slice(this.#answerHead),
      nowUs: this.#nowUs,
      expiryUs: this.#expiryUs,
      lastArrivalUs: this.#lastArrivalUs,
      lastAnswerUs: this.#lastAnswerUs,
    };
  }

  /** Becomes the venue that was saved, which is of the same tape, markets and settings. */
  restore(state: VenueState): void {
    assert(state.markets.length === this.markets.length, "a venue is restored with its markets");
    state.markets.forEach((market, index) => this.markets[index]?.restore(market));
    this.#account.restore(state.ledger);
    this.#accepted.restore(state.accepted);
    this.#latency.restore(state.latency);
    this.#commands = [...state.commands];
    this.#commandHead = 0;
    this.#answers = [...state.answers];
    this.#answerHead = 0;
    this.#nowUs = state.nowUs;
    this.#expiryUs = state.expiryUs;
    this.#lastArrivalUs = state.lastArrivalUs;
    this.#lastAnswerUs = state.lastAnswerUs;
  }

  #arrival(latencyUs: number): number {
    assert(Number.isFinite(this.#nowUs), "orders are sent after time has started");
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, this.#nowUs + latencyUs);
    return this.#lastArrivalUs;
  }

  #send(command: Command): void {
    this.#commands.push(command);
  }

  /**
   * Runs the markets up to exchange time `atUs`, one after another: what happens to our orders in one
   * changes nothing in another before our next command. Their answers are put in order of time, those
   * of one moment in the order of the markets.
   */
  #advanceMarkets(atUs: number): void {
    const answers = this.#answers;
    const from = answers.length;
    this.#isAdvancing = true;
    for (const market of this.markets) market.advance(atUs);
    this.#isAdvancing = false;
    if (this.markets.length > 1) sortByTime(answers, from);
    for (let index = from; index < answers.length; index++) {
      const event = answers[index] as Writable<OrderEvent>;
      event.atUs = this.#answerUs(event.atUs);
    }
  }

  /** Ends the resting orders whose time has come, and finds the next one. */
  #expire(atUs: number): void {
    let next = Infinity;
    for (const market of this.markets) {
      for (const order of [...market.resting]) {
        const { clientOrderId, expiresUs = Infinity } = order.request;
        if (expiresUs > atUs) {
          next = Math.min(next, expiresUs);
          continue;
        }
        market.remove(order);
        this.#account.changed(order.request.market);
        this.#cancelled(clientOrderId, "expired", atUs);
      }
    }
    this.#expiryUs = next;
  }

  #execute(command: Command): void {
    switch (command.kind) {
      case "submit":
        return this.#executeSubmit(command.order, command.atUs);
      case "amend":
        return this.#executeAmend(command);
      case "cancel":
        return this.#executeCancel(command.clientOrderId, command.atUs);
      default:
        return unreachable(command);
    }
  }

  #executeSubmit(request: OrderRequest, atUs: number): void {
    const market = this.markets[request.market];
    assert(market !== undefined, "an order names a traded market");
    const { clientOrderId } = request;
    const tick = market.grid.ticks[request.price] ?? -1;
    const isRefused = (): boolean => market.overlay?.rejects() === true;
    const reason = this.#refusal(request, market, tick, atUs) ?? (isRefused() ? "venue" : null);
    if (reason !== null) {
      this.#answers.push({ kind: "rejected", clientOrderId, reason, atUs: this.#answerUs(atUs) });
      return;
    }
    this.#accepted.add(clientOrderId, request.market);
    if (request.expiresUs !== undefined) {
      this.#expiryUs = Math.min(this.#expiryUs, request.expiresUs);
    }
    this.#answers.push({ kind: "accepted", clientOrderId, atUs: this.#answerUs(atUs) });
    const order: ExchangeOrder = {
      request,
      side: request.side,
      tick,
      price: request.price,
      size: request.size,
      filled: 0,
      remaining: request.size,
      feeCarry: 0,
      restedRow: 0,
      ahead: 0,
    };
    this.#account.changed(request.market);
    market.place(order, atUs);
  }

  #refusal(
    request: OrderRequest,
    market: SimulatedMarket,
    tick: number,
    atUs: number,
  ): RejectReason | null {
    if (this.#accepted.marketOf(request.clientOrderId) !== undefined)
      return "duplicate_client_order_id";
    const contradiction = contradictionIn(request);
    if (contradiction !== null) return contradiction;
    if (market.closed) return "market_closed";
    if (market.paused) return "market_paused";
    if (!market.bookKnown) return "book_unknown";
    if (tick < 0) return "invalid_price";
    if (!Number.isInteger(request.size) || request.size <= 0) return "invalid_size";
    const { market: index, side, price, size, reduceOnly, timeInForce } = request;
    if (request.expiresUs !== undefined && request.expiresUs <= atUs) return "invalid_expiration";
    const reducible = reduceOnly ? this.#account.reducible(index, side) : size;
    if (timeInForce === "good_till_canceled" && reducible < size) return "exceeds_position";
    const remaining = Math.min(size, reducible) as Lots;
    if (!this.#account.isFunded(this.markets, index, null, { side, price, remaining })) {
      return "insufficient_balance";
    }
    if (request.postOnly && market.crosses(side, tick)) return "post_only_cross";
    // One that meets an order of our own is treated as immediate-or-cancel by the venue.
    const isWhole = timeInForce === "fill_or_kill" && !market.crossesOwn(side, tick);
    if (isWhole && market.depthWithin(side, tick) < size) return "fill_or_kill_unfilled";
    return null;
  }

  #executeAmend(command: Command & { kind: "amend" }): void {
    const { clientOrderId, price, size, atUs } = command;
    const found = this.#find(clientOrderId);
    if (found === null) {
      this.#answers.push({
        kind: "amendRejected",
        clientOrderId,
        reason: "not_found",
        atUs: this.#answerUs(atUs),
      });
      return;
    }
    const { market, order } = found;
    const tick = market.grid.ticks[price] ?? -1;
    const reason = this.#amendRefusal(market, order, price, size, tick);
    if (reason !== null) {
      this.#answers.push({
        kind: "amendRejected",
        clientOrderId,
        reason,
        atUs: this.#answerUs(atUs),
      });
      return;
    }
    this.#account.changed(order.request.market);
    const keepsPlace = price === order.price && size <= order.size;
    const { restedRow } = order;
    this.#answers.push({ kind: "amended", clientOrderId, price, size, atUs: this.#answerUs(atUs) });
    order.size = size;
    order.remaining = (size - order.filled) as Lots;
    if (keepsPlace) {
      order.restedRow = restedRow;
      return;
    }
    market.remove(order);
    order.price = price;
    order.tick = tick;
    market.place(order, atUs);
  }

  #amendRefusal(
    market: SimulatedMarket,
    order: ExchangeOrder,
    price: CentiCents,
    size: Lots,
    tick: number,
  ): RejectReason | null {
    if (market.paused) return "market_paused";
    if (tick < 0) return "invalid_price";
    if (!Number.isInteger(size) || size <= order.filled) return "invalid_size";
    const { side, request } = order;
    const remaining = (size - order.filled) as Lots;
    if (request.reduceOnly && this.#account.reducible(request.market, side) < remaining) {
      return "exceeds_position";
    }
    const added = { side, price, remaining };
    if (!this.#account.isFunded(this.markets, request.market, order, added)) {
      return "insufficient_balance";
    }
    // An own order never stands in its own way.
    return request.postOnly && price !== order.price && market.crosses(side, tick)
      ? "post_only_cross"
      : null;
  }

  #executeCancel(clientOrderId: ClientOrderId, atUs: number): void {
    const found = this.#find(clientOrderId);
    if (found === null) {
      this.#answers.push({
        kind: "cancelRejected",
        clientOrderId,
        reason: "not_found",
        atUs: this.#answerUs(atUs),
      });
      return;
    }
    found.market.remove(found.order);
    this.#account.changed(found.order.request.market);
    this.#cancelled(clientOrderId, "requested", atUs);
  }

  #cancelled(clientOrderId: ClientOrderId, reason: CancelReason, exchangeUs: number): void {
    const atUs = this.#answerUs(exchangeUs);
    this.#answers.push({ kind: "cancelled", clientOrderId, reason, atUs });
  }

  #find(id: ClientOrderId): { market: SimulatedMarket; order: ExchangeOrder } | null {
    const market = this.markets[this.#accepted.marketOf(id) ?? -1];
    if (market === undefined) return null;
    for (const order of market.resting) {
      if (order.request.clientOrderId === id) return { market, order };
    }
    return null;
  }

  /**
   * When an answer to what happened at `exchangeUs` reaches us: never before an earlier one. While
   * markets advance it is the time at the exchange still, by which the answers are then ordered.
   */
  #answerUs(exchangeUs: number): number {
    if (this.#isAdvancing) return exchangeUs;
    this.#lastAnswerUs = Math.max(this.#lastAnswerUs, exchangeUs + this.#latency.answer());
    return this.#lastAnswerUs;
  }

  #sinkOf(market: number): FillSink {
    const account = this.#account;
    return {
      tradable: (order, size) =>
        order.request.reduceOnly ? Math.min(size, account.reducible(market, order.side)) : size,
      filled: (order, price, size, role, evidence, exchangeUs) => {
        const fee = account.book({ market, order, price, size, role, atUs: exchangeUs });
        const { clientOrderId } = order.request;
        const atUs = this.#answerUs(exchangeUs);
        this.#answers.push({
          kind: "filled",
          clientOrderId,
          price,
          size,
          fee,
          role,
          evidence,
          atUs,
        });
      },
      ended: (order, reason, atUs) => {
        account.changed(market);
        this.#cancelled(order.request.clientOrderId, reason, atUs);
      },
    };
  }
}

/** Sorts `events` from index `from` on by time, in place; equal times keep their order. */
function sortByTime(events: OrderEvent[], from: number): void {
  for (let index = from + 1; index < events.length; index++) {
    const event = events[index] as OrderEvent;
    let at = index;
    for (; at > from && (events[at - 1] as OrderEvent).atUs > event.atUs; at--) {
      events[at] = events[at - 1] as OrderEvent;
    }
    events[at] = event;
  }
}

/** Messages that are kept after they were read, where others are always on their way. */
const READ_KEPT = 256;

/** True where a list whose first `head` members were read should let go of them. */
function isMostlyRead(list: readonly unknown[], head: number): boolean {
  return head > 0 && (head === list.length || (head > READ_KEPT && 2 * head > list.length));
}

/** The list without its first `head` members: itself, emptied, where all were read. */
function withoutRead<T>(list: T[], head: number): T[] {
  if (head < list.length) return list.slice(head);
  clearList(list);
  return list;
}
