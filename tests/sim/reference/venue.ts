/**
 * The venue of the simulation, slowly: several recorded markets on one account, orders and answers on
 * their way. Whatever is next in time happens next, one thing at a time: a recorded row before an
 * order of ours of the same moment, markets in their order, rows and orders in theirs.
 */
import type { CentiCents, Lots, MicroUsd, Prng } from "../../../src/core/index.ts";
import type { FillEvidence, OrderEvent, OrderRequest } from "../../../src/orders/index.ts";
import { type Model, type OwnOrder, ReferenceMarket, remaining } from "./market.ts";
import {
  type BookedFill,
  cashOf,
  lockOf,
  dearestTerms,
  modelFee,
  netFee,
  type OpenOrder,
  positionOf,
  sideOf,
  STEPS,
  termsAt,
} from "./money.ts";
import type { RecordedMarket } from "./recording.ts";

export type Command =
  | { readonly kind: "submit"; readonly request: OrderRequest }
  | { readonly kind: "amend"; readonly id: string; readonly price: number; readonly size: number }
  | { readonly kind: "cancel"; readonly id: string };

/** Microseconds, or a range from which each message draws. */
export type Term = number | { readonly minUs: number; readonly maxUs: number };

export interface Latencies {
  readonly feedUs: number;
  readonly submitUs: Term;
  readonly amendUs: Term;
  readonly cancelUs: Term;
  readonly answerUs: Term;
}

export interface VenueSettings {
  readonly startingCash: number;
  readonly model: Model;
  readonly membership: "direct" | "fcm";
  readonly latency: Latencies;
}

/** What an event says before it is known when it reaches us. */
type Happened = Omit<OrderEvent, "atUs" | "clientOrderId"> & { readonly [fact: string]: unknown };

export class ReferenceVenue {
  readonly markets: readonly ReferenceMarket[];
  readonly fills: BookedFill[] = [];
  readonly #recording: readonly RecordedMarket[];
  readonly #settings: VenueSettings;
  readonly #prng: Prng;
  /** Rows of each market that have happened. */
  readonly #happened: number[];
  readonly #underWay: { readonly atUs: number; readonly command: Command }[] = [];
  readonly #answers: OrderEvent[] = [];
  readonly #ids = new Set<string>();
  #lastArrivalUs = -Infinity;
  #lastAnswerUs = -Infinity;
  #nowUs = -Infinity;

  constructor(recording: readonly RecordedMarket[], settings: VenueSettings, prng: Prng) {
    this.#recording = recording;
    this.#settings = settings;
    this.#prng = prng;
    this.#happened = recording.map(() => 0);
    this.markets = recording.map(
      (market, index) =>
        new ReferenceMarket(market, settings.latency.feedUs, settings.model, {
          reducible: (order) => this.#reducible(index, order),
          filled: (...fill) => this.#book(index, ...fill),
          ended: (order, reason, atUs) => this.#answer(order, { kind: "cancelled", reason }, atUs),
        }),
    );
  }

  get cash(): bigint {
    const { startingCash } = this.#settings;
    return cashOf(BigInt(startingCash), this.fills, this.markets.length);
  }

  position(market: number): bigint {
    return positionOf(this.fills, market);
  }

  get #step(): bigint {
    return STEPS[this.#settings.membership];
  }

  /** Cash that the resting orders lock. */
  get locked(): bigint {
    return this.#lockWith(null, null);
  }

  send(command: Command): void {
    const { submitUs, amendUs, cancelUs } = this.#settings.latency;
    const way = { submit: submitUs, amend: amendUs, cancel: cancelUs }[command.kind];
    // Messages keep their order.
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, this.#nowUs + this.#draw(way));
    this.#underWay.push({ atUs: this.#lastArrivalUs, command });
  }

  advanceTo(atUs: number): void {
    for (;;) {
      const next = this.#nextRow();
      const order = this.#underWay[0];
      const orderUs = order?.atUs ?? Infinity;
      const expiryUs = this.#nextExpiryUs();
      const dueUs = Math.min(next.atUs, expiryUs, orderUs);
      if (dueUs > atUs) break;
      if (next.atUs === dueUs) {
        this.#happened[next.market] = (this.#happened[next.market] ?? 0) + 1;
        next.happen();
      } else if (expiryUs === dueUs) {
        for (const market of this.markets) market.expire(dueUs);
      } else if (order !== undefined) {
        this.#underWay.shift();
        this.#carryOut(order.command, dueUs);
      }
    }
    this.#nowUs = atUs;
  }

  /** Events that have reached us since the last call. */
  heard(): OrderEvent[] {
    const heard = this.#answers.filter((event) => event.atUs <= this.#nowUs);
    this.#answers.splice(0, heard.length);
    return heard;
  }

  get isQuiet(): boolean {
    return this.#underWay.length === 0 && this.#answers.length === 0;
  }

  /** The earliest row that has not happened; of equal times the first market's. */
  #nextRow(): { market: number; atUs: number; happen: () => void } {
    let next = { market: -1, atUs: Infinity, happen: () => {} };
    for (const [market, { rows }] of this.#recording.entries()) {
      const row = rows[this.#happened[market] ?? 0];
      if (row === undefined) continue;
      const atUs = row.atUs - this.#settings.latency.feedUs;
      if (atUs >= next.atUs) continue;
      next = { market, atUs, happen: () => this.markets[market]?.happen(row) };
    }
    return next;
  }

  #nextExpiryUs(): number {
    let next = Infinity;
    for (const market of this.markets) {
      for (const { request } of market.resting)
        next = Math.min(next, request.expiresUs ?? Infinity);
    }
    return next;
  }

  #carryOut(command: Command, atUs: number): void {
    if (command.kind === "submit") return this.#submit(command.request, atUs);
    const order = this.#restingOrder(command.id);
    if (order === undefined) {
      const kind = command.kind === "amend" ? "amendRejected" : "cancelRejected";
      return this.#answer(command.id, { kind, reason: "not_found" }, atUs);
    }
    if (command.kind === "amend") return this.#amend(order, command.price, command.size, atUs);
    this.#marketOf(order).remove(order);
    this.#answer(order, { kind: "cancelled", reason: "requested" }, atUs);
  }

  #submit(request: OrderRequest, atUs: number): void {
    const reason = this.#refusal(request, atUs);
    if (reason !== null) {
      return this.#answer(request.clientOrderId, { kind: "rejected", reason }, atUs);
    }
    this.#ids.add(request.clientOrderId);
    this.#answer(request.clientOrderId, { kind: "accepted" }, atUs);
    const order: OwnOrder = {
      request,
      side: sideOf(request.side),
      price: request.price,
      size: request.size,
      filled: 0,
      account: 0n,
      joinedRow: 0,
      joinedAfter: 0,
    };
    this.#marketOf(order).place(order, atUs);
  }

  #refusal(request: OrderRequest, atUs: number): string | null {
    const market = this.markets[request.market] as ReferenceMarket;
    const { price, size, timeInForce } = request;
    const side = sideOf(request.side);
    const { expiresUs, reduceOnly } = request;
    const mayRest = timeInForce === "good_till_canceled";
    if (this.#ids.has(request.clientOrderId)) return "duplicate_client_order_id";
    if (reduceOnly && timeInForce === "fill_or_kill") return "invalid_order";
    if (expiresUs !== undefined && !mayRest) return "invalid_order";
    if (expiresUs !== undefined && expiresUs % 1_000_000 !== 0) return "invalid_expiration";
    if (market.closed) return "market_closed";
    if (!market.bookKnown) return "book_unknown";
    if (!this.#hasPrice(request.market, price)) return "invalid_price";
    if (!Number.isInteger(size) || size < 1) return "invalid_size";
    if (expiresUs !== undefined && expiresUs <= atUs) return "invalid_expiration";
    const held = this.#reducibleBy(request.market, side);
    if (reduceOnly && mayRest && held < size) return "exceeds_position";
    const lots = reduceOnly ? Math.min(size, held) : size;
    if (!this.#isFunded(request.market, null, side, price, lots)) return "insufficient_balance";
    if (request.postOnly && market.crosses(side, price)) return "post_only_cross";
    const isWhole = timeInForce === "fill_or_kill" && !market.crossesOwn(side, price);
    if (isWhole && market.depthWithin(side, price) < size) return "fill_or_kill_unfilled";
    return null;
  }

  #amend(order: OwnOrder, price: number, size: number, atUs: number): void {
    const reason = this.#amendRefusal(order, price, size);
    if (reason !== null) return this.#answer(order, { kind: "amendRejected", reason }, atUs);
    this.#answer(order, { kind: "amended", price, size }, atUs);
    const keepsPlace = price === order.price && size <= order.size;
    order.size = size;
    if (keepsPlace) return;
    this.#marketOf(order).remove(order);
    order.price = price;
    this.#marketOf(order).place(order, atUs);
  }

  #amendRefusal(order: OwnOrder, price: number, size: number): string | null {
    const { market, reduceOnly, postOnly } = order.request;
    if (!this.#hasPrice(market, price)) return "invalid_price";
    if (!Number.isInteger(size) || size <= order.filled) return "invalid_size";
    const open = size - order.filled;
    if (reduceOnly && this.#reducibleBy(market, order.side) < open) return "exceeds_position";
    if (!this.#isFunded(market, order, order.side, price, open)) return "insufficient_balance";
    const moves = price !== order.price;
    return postOnly && moves && this.#marketOf(order).crosses(order.side, price)
      ? "post_only_cross"
      : null;
  }

  #hasPrice(market: number, price: number): boolean {
    return (this.#recording[market] as RecordedMarket).prices.includes(price);
  }

  #reducible(market: number, order: OwnOrder): number {
    return this.#reducibleBy(market, order.side);
  }

  #reducibleBy(market: number, side: "bid" | "ask"): number {
    const position = Number(this.position(market));
    return Math.max(0, side === "bid" ? -position : position);
  }

  #isFunded(
    market: number,
    replaced: OwnOrder | null,
    side: "bid" | "ask",
    price: number,
    lots: number,
  ): boolean {
    const added = { side, price: BigInt(price), remaining: BigInt(lots) };
    return this.#lockWith(replaced, { market, added }) <= this.cash;
  }

  /** The lock of all resting orders, with one in place of another. */
  #lockWith(
    replaced: OwnOrder | null,
    more: { readonly market: number; readonly added: OpenOrder } | null,
  ): bigint {
    let lock = 0n;
    for (const [index, market] of this.markets.entries()) {
      const open = market.resting
        .filter((order) => order !== replaced)
        .map((order) => ({
          side: order.side,
          price: BigInt(order.price),
          remaining: BigInt(remaining(order)),
        }));
      if (more?.market === index) open.push(more.added);
      const dearest = dearestTerms(this.#recording[index] as RecordedMarket);
      lock += lockOf(dearest, this.position(index), open, this.#step);
    }
    return lock;
  }

  #book(
    market: number,
    order: OwnOrder,
    price: number,
    lots: number,
    role: "maker" | "taker",
    evidence: FillEvidence,
    atUs: number,
  ): void {
    const terms = termsAt(this.#recording[market] as RecordedMarket, atUs);
    const fill = { market, side: order.side, price: BigInt(price), lots: BigInt(lots), fee: 0n };
    const before = this.cash;
    const tradeFee = modelFee(terms, role, fill.price, fill.lots);
    this.fills.push(fill);
    const { fee, account } = netFee(tradeFee, this.cash - before, order.account, this.#step);
    this.fills[this.fills.length - 1] = { ...fill, fee };
    order.account = account;
    const told = { price: price as CentiCents, size: lots as Lots, fee: Number(fee) as MicroUsd };
    this.#answer(order, { kind: "filled", ...told, role, evidence }, atUs);
  }

  #marketOf(order: OwnOrder): ReferenceMarket {
    return this.markets[order.request.market] as ReferenceMarket;
  }

  #restingOrder(id: string): OwnOrder | undefined {
    return this.markets
      .flatMap((market) => market.resting)
      .find((order) => order.request.clientOrderId === id);
  }

  /** Answers keep their order, too. */
  #answer(order: OwnOrder | string, happened: Happened, atUs: number): void {
    const id = typeof order === "string" ? order : order.request.clientOrderId;
    const way = this.#draw(this.#settings.latency.answerUs);
    this.#lastAnswerUs = Math.max(this.#lastAnswerUs, atUs + way);
    const event = { ...happened, clientOrderId: id, atUs: this.#lastAnswerUs };
    this.#answers.push(event as unknown as OrderEvent);
  }

  #draw(term: Term): number {
    if (typeof term === "number") return term;
    return term.minUs + this.#prng.integer(term.maxUs - term.minUs + 1);
  }
}
