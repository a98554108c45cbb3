/**
 * The venue behind the `OrderManager` port. Orders go out by REST through `OrderEntry`, which finds
 * out what became of requests without an answer; what happens to them comes back by the private
 * channels `fill` and `user_orders`, by answers, and by readings where messages were lost. All of it
 * goes into one `OrderTrack` an order, which makes the events of it.
 *
 * It keeps no books but one number a market: the position, for orders that may rest and may only
 * reduce, which the venue does not have. See docs/kalshi.md.
 */
import { assert, type CentiCents, clearList, type Lots, ONE_DOLLAR_CC } from "../../core/index.ts";
import type { Prng, Scheduler, TimestampUs } from "../../core/index.ts";
import {
  type ApprovedOrder,
  type ClientOrderId,
  contradictionIn,
  type OrderEvent,
  type OrderManager,
  type OrderRequest,
  type RejectReason,
} from "../../orders/index.ts";
import type { FeedEvent } from "../feed/channels.ts";
import type { OrderEntry } from "../rest/order-entry.ts";
import type { RestClient } from "../rest/rest-client.ts";
import type { VenueFill } from "../wire/portfolio.ts";
import type { OrderMessage } from "../wire/feed-records.ts";
import type { VenueOrder } from "../wire/orders.ts";
import { HeldPositions } from "./held-positions.ts";
import { ManagedOrder } from "./managed-order.ts";
import type { OrderNote, WriteKind } from "./order-notes.ts";
import {
  type Debtor,
  OrderRecovery,
  RECOVERY_SETTINGS,
  type RecoverySettings,
} from "./order-recovery.ts";
import type { TrackEvent } from "./order-track.ts";
import { OtherOrders } from "./other-orders.ts";

export interface KalshiOrderManagerOptions {
  readonly entry: OrderEntry;
  readonly client: RestClient;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  /** By the index that orders name their market with. */
  readonly tickers: readonly string[];
  /** Positions at the start, by market; none where absent. */
  readonly positions?: readonly Lots[];
  /**
   * What all our client ids begin with. An order that has it and is not known here, sent by an earlier
   * process, is cancelled when it is seen; without a prefix it is somebody else's.
   */
  readonly prefix?: string;
  readonly settings?: Partial<RecoverySettings>;
  /** Called when events wait that were not there at the last drain; never within a call of the port. */
  readonly onEvents?: () => void;
  /** Hears what is no event of an order. */
  readonly log?: (note: OrderNote) => void;
}

/** How the manager is, for a status log. */
export interface OrderManagerHealth {
  /** Orders that have not ended; of these, how many the venue has not yet been heard to take. */
  readonly open: number;
  readonly pending: number;
  /** Requests whose outcome is not known. */
  readonly inFlight: number;
  /** Requests that got no answer and are being asked for. */
  readonly asking: number;
  /** Orders whose missing fills or end are being asked for. */
  readonly owing: number;
  readonly isRecovering: boolean;
  readonly recoveries: number;
  /** When the venue was last heard of orders, by message. */
  readonly lastEventUs: number | null;
  /** Fills that were heard more than once and told once. */
  readonly repeatedFills: number;
  readonly lateFills: number;
  readonly foreignFills: number;
  readonly strayOrders: number;
  readonly strayFills: number;
}

/** Orders that have ended and are still known, for messages that come late. */
const ENDED_KEPT = 4_096;
/** So many client ids at least are known to have been used; older ones the venue refuses itself. */
const USED_KEPT = 32_768;

/** For how long after it was held to be absent an order may be found all the same. */
const LOOK_OUT_US = 600_000_000;

interface CancelGroup {
  readonly left: Set<ManagedOrder>;
  readonly done: (open: number) => void;
  refused: number;
}

export class KalshiOrderManager implements OrderManager {
  readonly #options: KalshiOrderManagerOptions;
  readonly #held: HeldPositions;
  readonly #others: OtherOrders;
  readonly #recovery: OrderRecovery;
  /** Client ids that were submitted, and those before them. */
  #used = new Set<string>();
  #usedBefore = new Set<string>();
  readonly #byClient = new Map<string, ManagedOrder>();
  readonly #byOrderId = new Map<string, ManagedOrder>();
  readonly #live = new Set<ManagedOrder>();
  /** Ended orders, oldest first. */
  readonly #ended = new Set<ManagedOrder>();
  readonly #groups = new Set<CancelGroup>();
  #events: OrderEvent[] = [];
  #lastUs = -Infinity;
  #lastEventUs: number | null = null;
  /** When an order was last held to be absent. */
  #absentUs: number | null = null;
  #isTold = false;
  #isInPort = false;
  #isClosed = false;
  #recoveries = 0;
  #repeatedFills = 0;
  #lateFills = 0;

  constructor(options: KalshiOrderManagerOptions) {
    const { entry, client, scheduler, prng, tickers, prefix } = options;
    this.#options = options;
    this.#held = new HeldPositions(tickers, options.positions ?? []);
    const log = (note: OrderNote): void => this.#log(note);
    const nowUs = (): number => scheduler.nowUs();
    const watch = (stray: Debtor): void => this.#recovery.watch(stray);
    this.#others = new OtherOrders({ entry, nowUs, log, watch, prefix: prefix ?? null });
    this.#recovery = new OrderRecovery({
      host: {
        openOrders: () => [...this.#live].filter(({ track }) => track.isOpen),
        heardOrder: (order) => this.#heardOrder(order),
        heardFill: (fill) => this.#heardFill(fill, null),
        unknownSinceUs: () => this.#unknownSinceUs(),
        recovered: (readings, sinceUs) => {
          this.#recoveries += 1;
          this.#log({ kind: "recovered", atUs: scheduler.nowUs(), readings, sinceUs });
        },
      },
      client,
      scheduler,
      prng,
      settings: { ...RECOVERY_SETTINGS, ...options.settings },
    });
  }

  submit(request: ApprovedOrder): void {
    this.#inPort(() => {
      const { clientOrderId, market } = request;
      if (this.#isUsed(clientOrderId)) {
        return this.#tell(request, { kind: "rejected", reason: "duplicate_client_order_id" });
      }
      this.#use(clientOrderId);
      const reason = this.#refusal(request);
      if (reason !== null) return this.#tell(request, { kind: "rejected", reason });
      const order = new ManagedOrder(this.#orderHost(), request, this.#held.tickerOf(market));
      this.#byClient.set(clientOrderId, order);
      this.#live.add(order);
      order.create();
    });
  }

  amend(clientOrderId: ClientOrderId, price: CentiCents, size: Lots): void {
    this.#inPort(() => {
      const order = this.#byClient.get(clientOrderId);
      const reason = this.#amendRefusal(order, price, size);
      if (reason !== null) {
        this.#push({ kind: "amendRejected", clientOrderId, reason, atUs: this.#now() });
      } else order?.amend({ price, size });
    });
  }

  cancel(clientOrderId: ClientOrderId): void {
    this.#inPort(() => {
      const order = this.#byClient.get(clientOrderId);
      if (order === undefined || order.track.isEnded) {
        const reason = "not_found";
        this.#push({ kind: "cancelRejected", clientOrderId, reason, atUs: this.#now() });
      } else order.cancel("requested");
    });
  }

  drain(sink: OrderEvent[]): number {
    const count = this.#events.length;
    for (const event of this.#events) sink.push(event);
    clearList(this.#events);
    this.#isTold = false;
    return count;
  }

  /** Takes what the feed tells; what does not concern own orders is passed over. */
  hear(event: FeedEvent): void {
    if (this.#isClosed) return;
    switch (event.kind) {
      case "message": {
        const { payload, receivedUs } = event;
        if (payload.kind === "fill") this.#heardFill(payload.body, payload.body.clientOrderId);
        else if (payload.kind === "order") this.#heardOrder(payload.body);
        else return;
        this.#lastEventUs = receivedUs;
        return;
      }
      case "gap":
      case "resumed":
        if (event.channel === "fill" || event.channel === "user_orders") this.recover();
        return;
      case "connected":
        // What happened while nobody listened is not told by any message.
        if (this.#live.size > 0) this.recover();
        return;
      case "disconnected":
      case "refused":
      case "unreadable":
        return;
      // No default: the compiler sees to it that every kind is named.
    }
  }

  /** Looks at all own orders by REST, and at what of them has not been told. */
  recover(): void {
    this.#recovery.recover();
  }

  /**
   * Cancels every order that has not ended, also those whose creation or amendment is still on its
   * way. `done` hears, once each of them has ended or its cancel was refused, how many were refused.
   */
  cancelAll(done: (refused: number) => void = () => undefined): void {
    this.#inPort(() => {
      const group: CancelGroup = { left: new Set(this.#live), done, refused: 0 };
      this.#groups.add(group);
      for (const order of [...this.#live]) {
        order.isCancelRefused = false;
        order.cancelAtOnce("requested");
      }
      if (group.left.size === 0) {
        this.#options.scheduler.after(0, () => this.#finishGroup(group));
      }
    });
  }

  /** The account's position in a market, as reconciliation has found it. */
  setPosition(market: number, position: Lots): void {
    this.#held.set(market, position);
    this.#capReducing();
  }

  health(): OrderManagerHealth {
    let pending = 0;
    let inFlight = 0;
    for (const order of this.#live) {
      if (!order.track.isOpen) pending += 1;
      inFlight += order.inFlight;
    }
    return {
      open: this.#live.size,
      pending,
      inFlight,
      asking: this.#options.entry.asking,
      owing: this.#recovery.owing,
      isRecovering: this.#recovery.isRecovering,
      recoveries: this.#recoveries,
      lastEventUs: this.#lastEventUs,
      repeatedFills: this.#repeatedFills,
      lateFills: this.#lateFills,
      ...this.#others.counts(),
    };
  }

  /** Ends: nothing more is asked or told; what waits can still be drained. */
  close(): void {
    this.#isClosed = true;
    this.#recovery.close();
  }

  #orderHost(): ConstructorParameters<typeof ManagedOrder>[0] {
    const { entry, scheduler } = this.#options;
    return {
      entry,
      nowUs: () => scheduler.nowUs(),
      tell: (request, event) => this.#tell(request, event),
      trouble: (request, write, sentence) => this.#trouble(request, write, sentence),
      changed: (order) => this.#changed(order),
      absent: () => {
        this.#absentUs = scheduler.nowUs();
      },
      doubt: (order) => this.#recovery.ask(order),
    };
  }

  #use(clientOrderId: string): void {
    if (this.#used.size === USED_KEPT) {
      this.#usedBefore = this.#used;
      this.#used = new Set();
    }
    this.#used.add(clientOrderId);
  }

  #isUsed(clientOrderId: string): boolean {
    return this.#used.has(clientOrderId) || this.#usedBefore.has(clientOrderId);
  }

  /** What is refused before it is sent, because the venue could not be asked for it. */
  #refusal(request: OrderRequest): RejectReason | null {
    const contradiction = contradictionIn(request);
    if (contradiction !== null) return contradiction;
    const { market, side, price, size, reduceOnly, timeInForce } = request;
    if (!isPrice(price)) return "invalid_price";
    if (!isSize(size)) return "invalid_size";
    const mayRest = reduceOnly && timeInForce === "good_till_canceled";
    return mayRest && size > this.#held.reducible(market, side) ? "exceeds_position" : null;
  }

  #amendRefusal(order: ManagedOrder | undefined, price: number, size: number): RejectReason | null {
    if (order === undefined || order.track.isOver) return "not_found";
    if (!isPrice(price)) return "invalid_price";
    const { filled } = order.track;
    if (!isSize(size) || size <= filled) return "invalid_size";
    const { market, side, reduceOnly } = order.request;
    const isBeyond = reduceOnly && size - filled > this.#held.reducible(market, side);
    return isBeyond ? "exceeds_position" : null;
  }

  #heardOrder(state: OrderMessage | VenueOrder): void {
    const order = this.#orderOf(state.orderId, state.clientOrderId);
    if (order === null) return this.#others.order(state, this.#ageOf(state.clientOrderId));
    order.track.state(state);
    order.pump();
    this.#changed(order);
  }

  #heardFill(fill: VenueFill, clientOrderId: string | null): void {
    const order = this.#orderOf(fill.orderId, clientOrderId);
    if (order === null) {
      const isNew = this.#others.fill(fill, clientOrderId, this.#ageOf(clientOrderId));
      if (isNew) this.#position(fill);
      return;
    }
    const { clientOrderId: id } = order.request;
    const atUs = this.#options.scheduler.nowUs();
    switch (order.track.fill(fill)) {
      case "repeated":
        this.#repeatedFills += 1;
        return;
      case "late":
        this.#lateFills += 1;
        this.#log({ kind: "lateFill", atUs, clientOrderId: id, fill });
        return this.#position(fill);
      case "told": {
        const { tradeId, fee } = fill;
        if (fee < 0) {
          this.#log({ kind: "rebate", atUs, clientOrderId: id, tradeId, amount: -fee });
        }
        order.pump();
        this.#changed(order);
        return this.#position(fill);
      }
      // No default: the compiler sees to it that every outcome is named.
    }
  }

  /** The order that is meant, unless it is one that only has its client id. */
  #orderOf(orderId: string, clientOrderId: string | null): ManagedOrder | null {
    const order = this.#byOrderId.get(orderId) ?? this.#byClient.get(clientOrderId ?? "");
    if (order === undefined || order.isAbsent) return null;
    const known = order.track.orderId;
    return known === null || known === orderId ? order : null;
  }

  /** Orders that were held to be absent are looked out for as long as one may still come to be. */
  #unknownSinceUs(): TimestampUs | null {
    const nowUs = this.#options.scheduler.nowUs();
    if (this.#absentUs === null || nowUs - this.#absentUs > LOOK_OUT_US) return null;
    return (nowUs - 2 * LOOK_OUT_US) as TimestampUs;
  }

  /** What is known of a client id whose order is not followed. */
  #ageOf(clientOrderId: string | null): "ours" | "forgotten" | "unknown" {
    const id = clientOrderId ?? "";
    if (!this.#isUsed(id)) return "unknown";
    return this.#byClient.has(id) ? "ours" : "forgotten";
  }

  #position({ ticker, side, size }: VenueFill): void {
    this.#held.filled(ticker, side, size);
    this.#capReducing();
  }

  /** Cancels resting orders that may only reduce and are larger than what there is to reduce. */
  #capReducing(): void {
    for (const order of [...this.#live]) {
      const { request, track } = order;
      const { market, side, reduceOnly, timeInForce } = request;
      if (!reduceOnly || timeInForce !== "good_till_canceled" || order.isBeingCancelled) continue;
      if (track.remaining > this.#held.reducible(market, side)) order.cancel("exceeds_position");
    }
  }

  #changed(order: ManagedOrder): void {
    const { track } = order;
    if (track.orderId !== null && !order.isAbsent) this.#byOrderId.set(track.orderId, order);
    if (track.isOwing) this.#recovery.watch(order);
    if (track.isEnded && this.#live.delete(order)) this.#keepEnded(order);
    for (const group of this.#groups) {
      if (!group.left.has(order)) continue;
      const isRefused = order.isCancelRefused && !order.isBeingCancelled;
      if (!track.isEnded && !isRefused) continue;
      group.left.delete(order);
      if (!track.isEnded) group.refused += 1;
      if (group.left.size === 0) this.#finishGroup(group);
    }
    this.#announce();
  }

  #finishGroup(group: CancelGroup): void {
    if (this.#groups.delete(group) && !this.#isClosed) group.done(group.refused);
  }

  #keepEnded(order: ManagedOrder): void {
    this.#ended.add(order);
    if (this.#ended.size <= ENDED_KEPT) return;
    const [oldest] = this.#ended;
    if (oldest === undefined) return;
    this.#ended.delete(oldest);
    this.#byClient.delete(oldest.request.clientOrderId);
    if (oldest.track.orderId !== null) this.#byOrderId.delete(oldest.track.orderId);
  }

  #tell({ clientOrderId }: OrderRequest, event: TrackEvent): void {
    this.#push({ ...event, clientOrderId, atUs: this.#now() } as OrderEvent);
  }

  #push(event: OrderEvent): void {
    if (!this.#isClosed) this.#events.push(event);
  }

  /** The time of an event that is told now: never before the one that was told last. */
  #now(): number {
    this.#lastUs = Math.max(this.#lastUs, this.#options.scheduler.nowUs());
    return this.#lastUs;
  }

  /** Whatever is told within a call of the port is announced after it. */
  #inPort(act: () => void): void {
    assert(!this.#isClosed, "a closed order manager takes no orders");
    this.#isInPort = true;
    act();
    this.#isInPort = false;
    if (this.#events.length > 0) this.#options.scheduler.after(0, () => this.#announce());
  }

  #announce(): void {
    if (this.#isInPort || this.#isTold || this.#isClosed || this.#events.length === 0) return;
    this.#isTold = true;
    this.#options.onEvents?.();
  }

  #trouble({ clientOrderId }: OrderRequest, write: WriteKind, sentence: string): void {
    const atUs = this.#options.scheduler.nowUs();
    this.#log({ kind: "trouble", atUs, clientOrderId, write, sentence });
  }

  #log(note: OrderNote): void {
    if (!this.#isClosed) this.#options.log?.(note);
  }
}

function isPrice(price: number): boolean {
  return Number.isInteger(price) && price > 0 && price < ONE_DOLLAR_CC;
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size > 0;
}
