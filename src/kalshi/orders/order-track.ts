/**
 * One order as the venue's facts tell it. Facts come from the answers to our requests, from the feed
 * and from readings, in any order, twice, late, or not at all; what comes out is a sequence of events
 * that the fold of `orders/order.ts` takes: accepted, then fills and amendments, then one end.
 *
 * Three rules keep the sequence right.
 *   1. Fills are told once, by their trade id. An order ends only when as many lots have been told as
 *      the venue says were filled; until then it owes fills, and whoever holds it asks for them.
 *   2. Ends, fill counts and trade ids never become untrue, so stale facts about them do no harm. Price
 *      and size can: a state is believed about them only if it is younger than the last sure one, in
 *      the milliseconds that the venue tells.
 *   3. While an amendment of ours is on its way, its effects may be heard before its answer. They are
 *      known by what only they can bring about: the new price, or more than the former size. The
 *      amendment is then told first.
 *
 * Pure: no clock, no requests. Times are the venue's.
 */
import { assert, type CentiCents, type Lots, type MicroUsd } from "../../core/index.ts";
import { BookSide } from "../../market/index.ts";
import type {
  CancelReason,
  FillEvidence,
  OrderEvent,
  OrderRequest,
  RejectReason,
} from "../../orders/index.ts";
import type { OrderAmended, OrderCreated, VenueOrder } from "../wire/orders.ts";
import type { VenueFill } from "../wire/portfolio.ts";
import { cancelReasonOf } from "./venue-words.ts";

type WithoutTime<T> = T extends unknown ? Omit<T, "atUs" | "clientOrderId"> : never;
/** An event that still lacks its order and its time. */
export type TrackEvent = WithoutTime<OrderEvent>;

/** What the venue says of an order at one moment. */
export interface OrderState extends Pick<
  VenueOrder,
  "orderId" | "status" | "price" | "filled" | "remaining" | "updatedUs"
> {
  /** Why it changed last, in the venue's word or null; absent where the source does not tell. */
  readonly reason?: string | null;
}

export type FillFact = Pick<
  VenueFill,
  "tradeId" | "orderId" | "price" | "size" | "fee" | "isTaker" | "createdUs"
>;

export interface Terms {
  readonly price: CentiCents;
  readonly size: Lots;
}

interface AmendAnswer extends Pick<OrderAmended, "filled" | "remaining"> {
  readonly atUs: number;
}

interface Amendment extends Terms {
  readonly before: Terms;
  isTold: boolean;
}

/** How an order ended at the venue. */
interface End {
  /** Lots that had filled by then. */
  filled: Lots;
  reason: CancelReason | null;
  /** Whether the count is the venue's, and not reckoned by us. */
  isSure: boolean;
}

const US_PER_MS = 1_000;

export class OrderTrack {
  readonly request: OrderRequest;
  readonly #tell: (event: TrackEvent) => void;
  #phase: "pending" | "open" | "ended" = "pending";
  #orderId: string | null = null;
  /** Terms and fills as they were told. */
  #price: CentiCents;
  #size: Lots;
  #filled = 0 as Lots;
  /** Most that the venue has said to be filled. */
  #filledMost = 0 as Lots;
  readonly #trades = new Set<string>();
  /** When the terms were last known for sure. */
  #termsUs = -Infinity;
  #amendment: Amendment | null = null;
  #end: End | null = null;
  #isExecuted = false;
  /** Why we have asked for its cancel, if we have. */
  #cancelAsked: CancelReason | null = null;

  constructor(request: OrderRequest, tell: (event: TrackEvent) => void) {
    this.request = request;
    this.#tell = tell;
    this.#price = request.price;
    this.#size = request.size;
  }

  get orderId(): string | null {
    return this.#orderId;
  }

  /** Told to be accepted, and not to have ended. */
  get isOpen(): boolean {
    return this.#phase === "open";
  }

  get isEnded(): boolean {
    return this.#phase === "ended";
  }

  get filled(): Lots {
    return this.#filled;
  }

  /** When its terms were last known for sure, by the venue's clock. */
  get termsUs(): number {
    return this.#termsUs;
  }

  get remaining(): Lots {
    return (this.#size - this.#filled) as Lots;
  }

  /** Ended at the venue, whatever has been told of it: nothing more can be asked of it. */
  get isOver(): boolean {
    return this.isEnded || this.#isExecuted || this.#end !== null;
  }

  /** The venue knows more of it than has been told: fills are missing, or the cause of its end. */
  get isOwing(): boolean {
    if (this.#phase !== "open") return false;
    return this.#end !== null || this.#filledMost > this.#filled;
  }

  /** Names the order at the venue, before anything else is known of it. */
  bind(orderId: string): void {
    this.#orderId ??= orderId;
  }

  /** The answer to its creation. */
  created({ orderId, filled, remaining, atUs }: OrderCreated): void {
    this.bind(orderId);
    this.#accept();
    if (this.#phase === "ended") return;
    this.#sawFilled(filled);
    this.#termsUs = Math.max(this.#termsUs, atUs);
    if (remaining === 0 && filled < this.request.size) this.#endAt(filled, null);
    this.#settle();
  }

  /** It was not created. False where the venue has shown it all the same. */
  notCreated(reason: RejectReason): boolean {
    if (this.#phase !== "pending") return false;
    this.#phase = "ended";
    this.#tell({ kind: "rejected", reason });
    return true;
  }

  /** After its creation went without an answer it was found, as it is now. */
  foundCreated(state: OrderState): void {
    this.bind(state.orderId);
    const reason = this.#stillbornReason(state);
    if (this.#phase !== "pending" || reason === null) this.state(state);
    else this.notCreated(reason);
  }

  /** Its state at some moment, by the feed or by a reading. */
  state(state: OrderState): void {
    this.bind(state.orderId);
    // Whether it was refused on arrival or lived for a moment, the answer to its creation says.
    if (this.#phase === "pending" && this.#stillbornReason(state) !== null) return;
    this.#accept();
    if (this.#phase === "ended") return;
    this.#sawFilled(state.filled);
    switch (state.status) {
      case "resting":
        this.#terms(state);
        break;
      case "canceled":
        this.#endAt(state.filled, this.#reasonOf(state.reason));
        break;
      case "executed":
        this.#executed(state);
        break;
      case "unknown":
        break;
      // No default: the compiler sees to it that every state is named.
    }
    this.#settle();
  }

  /** One fill: told, told before, or too late, for the order had ended with all its fills. */
  fill(fill: FillFact): "told" | "repeated" | "late" {
    this.bind(fill.orderId);
    if (this.#trades.has(fill.tradeId)) return "repeated";
    this.#trades.add(fill.tradeId);
    this.#accept();
    if (this.#phase === "ended") return "late";
    this.#amendmentShownBy(fill);
    const total = (this.#filled + fill.size) as Lots;
    // The venue fills no more than it was asked for: somebody else has made the order larger, or an
    // amendment of ours that was given up has arrived.
    if (total > this.#size) this.#tellTerms({ price: this.#price, size: total });
    this.#filled = total;
    this.#sawFilled(total);
    const { price, size, tradeId } = fill;
    const fee = Math.max(0, fill.fee) as MicroUsd;
    const role = fill.isTaker ? "taker" : "maker";
    const evidence: FillEvidence = { kind: "venue", tradeId };
    this.#tell({ kind: "filled", price, size, fee, role, evidence });
    if (total === this.#size) this.#phase = "ended";
    this.#settle();
    return "told";
  }

  /** An amendment is on its way. */
  amendSent({ price, size }: Terms): void {
    assert(this.#amendment === null, "one amendment at a time is on its way");
    const before = { price: this.#price, size: this.#size };
    this.#amendment = { price, size, before, isTold: false };
  }

  amendDone({ filled, remaining, atUs }: AmendAnswer): void {
    const amendment = this.#takeAmendment();
    if (this.#phase !== "open" || amendment === null) return;
    this.#termsUs = Math.max(this.#termsUs, atUs);
    this.#sawFilled(filled ?? this.#filledMost);
    if (!amendment.isTold) this.#tellTerms(amendment);
    // As much as was still wanted had been told to be filled already.
    if (amendment.size <= this.#filled && amendment.size < this.#size) {
      this.#endAt(amendment.size, "requested");
    } else if (remaining === 0 && filled !== null && filled < amendment.size) {
      this.#endAt(filled, null);
    }
    this.#settle();
  }

  amendNotDone(reason: RejectReason): void {
    const amendment = this.#takeAmendment();
    if (this.#phase !== "open" || amendment === null) return;
    // What seemed to be its effect was none: the former terms hold.
    if (amendment.isTold) this.#tellTerms(amendment.before);
    else this.#tell({ kind: "amendRejected", reason });
    this.#settle();
  }

  /** After an amendment went without an answer the order was found so, and no other way any more. */
  amendFound(state: OrderState): void {
    const { filled, remaining, price } = state;
    const amendment = this.#amendment;
    if (amendment === null) return this.state(state);
    if (state.status === "resting") {
      const isDone = price === amendment.price && filled + remaining === amendment.size;
      if (isDone) this.amendDone({ filled, remaining, atUs: timeOf(state) });
      else this.amendNotDone("venue");
    } else {
      const isNewPrice = price === amendment.price && price !== this.#price;
      if (this.#phase === "open" && isNewPrice && !amendment.isTold) this.#tellTerms(amendment);
      this.#amendment = null;
    }
    this.state(state);
  }

  /** A cancel is on its way, or was asked for. */
  cancelSent(reason: CancelReason): void {
    this.#cancelAsked ??= reason;
  }

  /** The answer to a cancel, which took `reducedBy` lots off. */
  cancelDone(reducedBy: Lots): void {
    if (this.#phase !== "open" || this.#end !== null) return;
    // With an amendment on its way the size at the venue is not known: then its state is asked for.
    const isSure = this.#amendment === null;
    const reckoned = isSure ? this.#size - reducedBy : 0;
    const filled = Math.max(this.#filledMost, reckoned) as Lots;
    this.#endAt(filled, this.#cancelAsked ?? "requested", isSure);
    this.#settle();
  }

  cancelNotDone(reason: RejectReason): void {
    this.#cancelAsked = null;
    if (this.#phase === "open" && this.#end === null)
      this.#tell({ kind: "cancelRejected", reason });
  }

  /** The venue no longer knows it: it ends with what is known to be filled. */
  gone(): void {
    if (this.#phase !== "open") return;
    if (this.#end === null) this.#endAt(this.#filledMost, this.#cancelAsked ?? "venue");
    this.#settle();
  }

  /** Nobody has told why it ended, and nobody will: the likeliest cause is taken. */
  guessReason(nowUs: number): void {
    if (this.#phase !== "open" || this.#end?.isSure !== true) return;
    this.#end.reason ??= this.#likelyReason(nowUs);
    this.#settle();
  }

  #likelyReason(nowUs: number): CancelReason {
    const { timeInForce, expiresUs } = this.request;
    if (this.#cancelAsked !== null) return this.#cancelAsked;
    if (timeInForce !== "good_till_canceled") return "immediate_or_cancel";
    return expiresUs !== undefined && expiresUs <= nowUs ? "expired" : "venue";
  }

  #accept(): void {
    if (this.#phase !== "pending") return;
    this.#phase = "open";
    this.#tell({ kind: "accepted" });
  }

  #sawFilled(filled: Lots): void {
    if (filled > this.#filledMost) this.#filledMost = filled;
  }

  #takeAmendment(): Amendment | null {
    const amendment = this.#amendment;
    this.#amendment = null;
    return amendment;
  }

  /** Tells new terms where they leave something to fill; else its end is going to be heard. */
  #tellTerms({ price, size }: Terms): void {
    if (size <= this.#filled) return;
    this.#price = price;
    this.#size = size;
    this.#tell({ kind: "amended", price, size });
  }

  #terms(state: OrderState): void {
    const { price, filled, remaining } = state;
    const size = (filled + remaining) as Lots;
    const atUs = timeOf(state);
    const amendment = this.#amendment;
    if (amendment !== null) {
      const isItsDoing = price === amendment.price && size === amendment.size;
      if (isItsDoing && !amendment.isTold && isLater(atUs, this.#termsUs)) {
        this.#tellTerms(amendment);
        amendment.isTold = true;
        this.#termsUs = atUs;
      }
      return;
    }
    if (price === this.#price && size === this.#size) {
      this.#termsUs = Math.max(this.#termsUs, atUs);
    } else if (isLater(atUs, this.#termsUs)) {
      // Somebody else has changed it.
      this.#termsUs = atUs;
      this.#tellTerms({ price, size });
    }
  }

  /** Filled for good: what filled is then its size. */
  #executed({ price, filled }: OrderState): void {
    const amendment = this.#amendment;
    this.#isExecuted = true;
    const isAmended = price === amendment?.price && filled === amendment.size;
    if (isAmended && !amendment.isTold) {
      this.#tellTerms(amendment);
      amendment.isTold = true;
    }
    if (filled === this.#size) return;
    if (filled > this.#filled) this.#tellTerms({ price, size: filled });
    else this.#endAt(filled, this.#cancelAsked ?? "requested");
  }

  /** Tells an amendment that is on its way where only it can have brought a fill about. */
  #amendmentShownBy({ price, size, isTaker, createdUs }: FillFact): void {
    const amendment = this.#amendment;
    if (amendment === null || amendment.isTold) return;
    if (createdUs !== null && isLater(this.#termsUs, createdUs)) return;
    const sign = this.request.side === BookSide.bid ? 1 : -1;
    // As maker it fills at its price; as taker up to its price, and what rests has taken all that
    // its former price would reach.
    const beyond = sign * (price - this.#price);
    const isNewPrice = isTaker
      ? beyond > 0 && sign * (amendment.price - price) >= 0
      : beyond !== 0 && price === amendment.price;
    const total = this.#filled + size;
    const isLarger = total > this.#size && total <= amendment.size;
    if (!isNewPrice && !isLarger) return;
    this.#tellTerms(amendment);
    amendment.isTold = true;
  }

  #endAt(filled: Lots, reason: CancelReason | null, isSure = true): void {
    this.#end = { filled, reason: reason ?? this.#end?.reason ?? null, isSure };
  }

  #settle(): void {
    if (this.#phase !== "open" || this.#end === null) return;
    const { filled, reason, isSure } = this.#end;
    if (this.#filled < filled || reason === null || !isSure) return;
    this.#phase = "ended";
    this.#tell({ kind: "cancelled", reason });
  }

  /** Why it was cancelled, by a state; null where that is to be heard from another source. */
  #reasonOf(word: string | null | undefined): CancelReason | null {
    const known = cancelReasonOf(word ?? null) ?? this.#cancelAsked;
    if (known !== null || word === undefined) return known;
    return this.request.timeInForce === "good_till_canceled" ? "venue" : "immediate_or_cancel";
  }

  /**
   * Why an order that the venue shows as cancelled without a fill may have been refused on arrival,
   * or null. The venue keeps those that it refuses because they cross, or cannot be filled whole.
   */
  #stillbornReason({ status, filled, reason }: OrderState): RejectReason | null {
    if (status !== "canceled" || filled !== 0) return null;
    if (reason === "PostOnlyCrossCancel") return "post_only_cross";
    if (cancelReasonOf(reason ?? null) !== null) return null;
    if (this.request.timeInForce === "fill_or_kill") return "fill_or_kill_unfilled";
    return this.request.postOnly ? "post_only_cross" : null;
  }
}

function timeOf({ updatedUs }: OrderState): number {
  return updatedUs ?? -Infinity;
}

/** Whether one time is later than another, in whole milliseconds. */
function isLater(aUs: number, bUs: number): boolean {
  return Math.floor(aUs / US_PER_MS) > Math.floor(bUs / US_PER_MS);
}
