/**
 * One order with its requests: what is sent for it, one at a time, and what their outcomes mean. An
 * amendment waits for the creation and for what was sent before it; a cancel waits too, but goes
 * before an amendment that waits. Of several amendments that wait the last one counts.
 */
import { unreachable } from "../../core/index.ts";
import type { CancelReason, OrderRequest, RejectReason } from "../../orders/index.ts";
import { sentenceOf } from "../rest/answer.ts";
import type { EntryOutcome, OrderEntry } from "../rest/order-entry.ts";
import {
  type OrderAmended,
  type OrderCancelled,
  type OrderCreated,
  type OrderTicket,
  USUAL_TERMS,
} from "../wire/orders.ts";
import type { WriteKind } from "./order-notes.ts";
import { OrderTrack, type Terms, type TrackEvent } from "./order-track.ts";
import { rejectReasonOf } from "./venue-words.ts";

/** What an order needs of its manager. */
export interface OrderHost {
  readonly entry: OrderEntry;
  nowUs(): number;
  tell(request: OrderRequest, event: TrackEvent): void;
  trouble(request: OrderRequest, write: WriteKind, sentence: string): void;
  /** To be called after everything that may have changed an order. */
  changed(order: ManagedOrder): void;
  /** A creation went unanswered, and no order was found: it may still come to be. */
  absent(): void;
  /** The order's state is doubtful: the venue has to be asked for it. */
  doubt(order: ManagedOrder): void;
}

/** Where the client was closed before an outcome was known, it stays so, and nothing more is sent. */
type Known<T> = Exclude<EntryOutcome<T>, { kind: "unknown" }>;

const ABSENT = "no answer came, and the venue has no such order";

export class ManagedOrder {
  readonly track: OrderTrack;
  readonly ticker: string;
  /** Its creation went unanswered, and the venue is held not to have it. */
  isAbsent = false;
  /** The last cancel was refused. */
  isCancelRefused = false;
  readonly #host: OrderHost;
  #isCreating = false;
  #isAmending = false;
  #isCancelling = false;
  #amendWaiting: Terms | null = null;
  #cancelWaiting: CancelReason | null = null;

  constructor(host: OrderHost, request: OrderRequest, ticker: string) {
    this.#host = host;
    this.ticker = ticker;
    this.track = new OrderTrack(request, (event) => host.tell(request, event));
  }

  get request(): OrderRequest {
    return this.track.request;
  }

  get orderId(): string | null {
    return this.track.orderId;
  }

  get isOwing(): boolean {
    return this.track.isOwing;
  }

  /** Requests whose outcome is not known yet. */
  get inFlight(): number {
    return Number(this.#isCreating) + Number(this.#isAmending) + Number(this.#isCancelling);
  }

  /** A cancel is on its way or is going to be sent. */
  get isBeingCancelled(): boolean {
    return this.#isCancelling || this.#cancelWaiting !== null;
  }

  toldAll(): void {
    this.track.guessReason(this.#host.nowUs());
    this.#host.changed(this);
  }

  create(): void {
    this.#isCreating = true;
    this.#host.entry.create(ticketOf(this.request, this.ticker), (outcome) => {
      if (outcome.kind === "unknown") return this.#trouble("create", sentenceOf(outcome));
      this.#isCreating = false;
      this.#created(outcome);
      this.#next();
    });
  }

  amend(terms: Terms): void {
    this.#amendWaiting = terms;
    this.#next();
  }

  cancel(reason: CancelReason): void {
    if (this.#isCancelling) return;
    this.#cancelWaiting ??= reason;
    this.#next();
  }

  /** Cancels even while an amendment is on its way; one that waits is not sent any more. */
  cancelAtOnce(reason: CancelReason): void {
    if (this.#amendWaiting !== null) {
      this.#amendWaiting = null;
      this.#host.tell(this.request, { kind: "amendRejected", reason: "venue" });
    }
    const { orderId } = this.track;
    if (this.#isCancelling || this.track.isOver) return;
    if (this.track.isOpen && orderId !== null) this.#sendCancel(orderId, reason);
    else this.#cancelWaiting ??= reason;
  }

  /** Sends what waits, where nothing is on its way; to be called when facts have come in. */
  pump(): void {
    const { orderId, isOpen, isOver } = this.track;
    // It is soon told how it ended, which answers what waits.
    if (isOver) this.#amendWaiting = this.#cancelWaiting = null;
    // That the venue tells of it is its creation's outcome, whenever the answer comes.
    if (!isOpen || isOver || orderId === null) return;
    if (this.#isAmending || this.#isCancelling) return;
    const cancel = this.#cancelWaiting;
    const amend = this.#amendWaiting;
    if (cancel !== null) this.#sendCancel(orderId, cancel);
    else if (amend !== null) this.#sendAmend(orderId, amend);
  }

  #next(): void {
    this.pump();
    this.#host.changed(this);
  }

  #created(outcome: Known<OrderCreated>): void {
    switch (outcome.kind) {
      case "done":
        return this.track.created(outcome.answer);
      case "found":
        return this.track.foundCreated(outcome.order);
      case "refused":
        this.#trouble("create", sentenceOf(outcome));
        return this.#notCreated(rejectReasonOf(outcome.fault, this.request, this.#host.nowUs()));
      case "failed":
        this.#trouble("create", sentenceOf(outcome));
        return this.#notCreated("venue");
      case "absent":
        this.#trouble("create", ABSENT);
        this.isAbsent = true;
        this.#host.absent();
        return this.#notCreated("venue");
      default:
        return unreachable(outcome);
    }
  }

  #notCreated(reason: RejectReason): void {
    if (this.track.notCreated(reason)) return;
    // The feed has shown it: whatever the answer meant, there is an order to be asked for.
    this.isAbsent = false;
    this.#host.doubt(this);
  }

  #sendAmend(orderId: string, terms: Terms): void {
    this.#amendWaiting = null;
    if (terms.size <= this.track.filled) {
      this.#host.tell(this.request, { kind: "amendRejected", reason: "invalid_size" });
      return;
    }
    this.#isAmending = true;
    this.track.amendSent(terms);
    const { clientOrderId, side } = this.request;
    const amendment = {
      ticker: this.ticker,
      side,
      ...terms,
      clientOrderId,
      updatedClientOrderId: null,
      exchangeIndex: null,
    };
    const amended = (outcome: EntryOutcome<OrderAmended>): void => {
      if (outcome.kind === "unknown") return this.#trouble("amend", sentenceOf(outcome));
      this.#isAmending = false;
      this.#amended(outcome);
      this.#next();
    };
    this.#host.entry.amend(orderId, amendment, amended, this.track.termsUs);
  }

  #amended(outcome: Known<OrderAmended>): void {
    const { track } = this;
    switch (outcome.kind) {
      case "done":
        return track.amendDone(outcome.answer);
      case "found":
        return track.amendFound(outcome.order);
      case "refused": {
        this.#trouble("amend", sentenceOf(outcome));
        const reason = rejectReasonOf(outcome.fault, this.request, this.#host.nowUs());
        track.amendNotDone(reason);
        // It has ended, or filled beyond the new size.
        if (reason === "not_found" || reason === "invalid_size") this.#host.doubt(this);
        return;
      }
      case "failed":
        this.#trouble("amend", sentenceOf(outcome));
        return track.amendNotDone("venue");
      case "absent":
        this.#trouble("amend", ABSENT);
        track.amendNotDone("not_found");
        return track.gone();
      default:
        return unreachable(outcome);
    }
  }

  #sendCancel(orderId: string, reason: CancelReason): void {
    this.#cancelWaiting = null;
    this.#isCancelling = true;
    this.isCancelRefused = false;
    this.track.cancelSent(reason);
    this.#host.entry.cancel(orderId, (outcome) => {
      if (outcome.kind === "unknown") return this.#trouble("cancel", sentenceOf(outcome));
      this.#isCancelling = false;
      this.#cancelled(outcome);
      this.#next();
    });
  }

  #cancelled(outcome: Known<OrderCancelled>): void {
    const { track } = this;
    switch (outcome.kind) {
      case "done":
        return track.cancelDone(outcome.answer.reducedBy);
      case "found":
        if (outcome.order.status === "resting") this.#notCancelled("venue");
        return track.state(outcome.order);
      case "refused": {
        this.#trouble("cancel", sentenceOf(outcome));
        return this.#notCancelled(rejectReasonOf(outcome.fault, this.request, this.#host.nowUs()));
      }
      case "failed":
        this.#trouble("cancel", sentenceOf(outcome));
        return this.#notCancelled("venue");
      case "absent":
        this.#trouble("cancel", ABSENT);
        return track.gone();
      default:
        return unreachable(outcome);
    }
  }

  #notCancelled(reason: RejectReason): void {
    this.isCancelRefused = true;
    this.track.cancelNotDone(reason);
  }

  #trouble(write: WriteKind, sentence: string): void {
    this.#host.trouble(this.request, write, sentence);
  }
}

function ticketOf(
  request: OrderRequest,
  ticker: string,
): OrderTicket & { readonly clientOrderId: string } {
  const { clientOrderId, side, size, price, timeInForce, postOnly, reduceOnly } = request;
  return {
    ...USUAL_TERMS,
    ticker,
    clientOrderId,
    side,
    size,
    price,
    timeInForce,
    selfTradePrevention: request.selfTradePrevention ?? USUAL_TERMS.selfTradePrevention,
    expiresUs: request.expiresUs ?? null,
    postOnly,
    // The venue takes it with immediate orders alone.
    reduceOnly: reduceOnly && timeInForce === "immediate_or_cancel",
  };
}
