/** Listens to a trader: counts orders, keeps fills, and hashes everything. */
import { BookSide } from "../../market/index.ts";
import type {
  ClientOrderId,
  OrderCommand,
  OrderEvent,
  RiskRefusalReason,
} from "../../orders/index.ts";
import type { TraderObserver } from "../../strategies/index.ts";
import { JournalDigest } from "./journal-digest.ts";
import type { FillRow, OrderCounts } from "./results.ts";

/** A fill before the marks around it are known. */
export type RawFill = Omit<FillRow, "markCc" | "laterCc">;

interface OpenOrder {
  readonly market: number;
  readonly side: BookSide;
  isTouched: boolean;
}

export class Recorder implements TraderObserver {
  readonly digest = new JournalDigest();
  readonly fills: RawFill[] = [];
  readonly #open = new Map<ClientOrderId, OpenOrder>();
  readonly #isOpen: (clientOrderId: ClientOrderId) => boolean;
  readonly #counts = {
    submitted: 0,
    accepted: 0,
    rejected: 0,
    amended: 0,
    cancelsSent: 0,
    cancelled: 0,
    ended: 0,
    touched: 0,
    filled: 0,
  };
  readonly #refused: Record<string, number> = {};

  /** `isOpen` tells whether an order may still have events. */
  constructor(isOpen: (clientOrderId: ClientOrderId) => boolean) {
    this.#isOpen = isOpen;
  }

  /** The counts, with how many orders met a gap, which only the venue knows. */
  counts(uncertain: number): OrderCounts {
    return { ...this.#counts, uncertain, refused: { ...this.#refused } };
  }

  sent(command: OrderCommand, atUs: number): void {
    this.digest.command(command, atUs);
    if (command.kind === "cancel") this.#counts.cancelsSent += 1;
    if (command.kind !== "submit") return;
    const { clientOrderId, market, side } = command.request;
    this.#counts.submitted += 1;
    this.#open.set(clientOrderId, { market, side, isTouched: false });
  }

  refused(command: OrderCommand, reason: RiskRefusalReason, atUs: number): void {
    this.digest.refused(command, reason, atUs);
    this.#refused[reason] = (this.#refused[reason] ?? 0) + 1;
  }

  received(event: OrderEvent): void {
    this.digest.event(event);
    const counts = this.#counts;
    switch (event.kind) {
      case "accepted":
        counts.accepted += 1;
        return;
      case "amended":
        counts.amended += 1;
        return;
      case "filled":
        return this.#filled(event);
      case "rejected":
        counts.rejected += 1;
        this.#open.delete(event.clientOrderId);
        return;
      case "cancelled":
        if (event.reason === "requested") counts.cancelled += 1;
        else counts.ended += 1;
        this.#open.delete(event.clientOrderId);
        return;
      default:
        return;
    }
  }

  #filled(event: OrderEvent & { kind: "filled" }): void {
    const { clientOrderId, atUs, price, size, fee, role, evidence } = event;
    const order = this.#open.get(clientOrderId);
    if (order === undefined) return;
    if (!order.isTouched) this.#counts.touched += 1;
    order.isTouched = true;
    this.fills.push({
      atUs,
      market: order.market,
      orderId: clientOrderId,
      sign: order.side === BookSide.bid ? 1 : -1,
      priceCc: price,
      lots: size,
      fee,
      isMaker: role === "maker",
      evidence: evidence.kind,
      row: evidence.kind === "venue" ? -1 : evidence.row,
    });
    if (this.#isOpen(clientOrderId)) return;
    this.#counts.filled += 1;
    this.#open.delete(clientOrderId);
  }
}
