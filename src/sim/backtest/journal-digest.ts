/**
 * A hash over everything that passed between a strategy's trader and its venue, in its order: two
 * runs that differ in one order, one fill or one microsecond differ in it. Nothing is kept.
 */
import { bytesOf, sha256Stream } from "../../core/index.ts";
import type { OrderCommand, OrderEvent } from "../../orders/index.ts";

const KINDS = {
  submit: 1,
  amend: 2,
  cancel: 3,
  refused: 4,
  accepted: 5,
  rejected: 6,
  filled: 7,
  amended: 8,
  amendRejected: 9,
  cancelled: 10,
  cancelRejected: 11,
  settled: 12,
  fault: 13,
} as const;

/** Numbers gathered before they are hashed. */
const BATCH = 4096;

export class JournalDigest {
  readonly #hash = sha256Stream();
  readonly #numbers = new Float64Array(BATCH);
  #count = 0;

  command(command: OrderCommand, atUs: number): void {
    this.#number(KINDS[command.kind]);
    this.#number(atUs);
    if (command.kind === "submit") {
      const { clientOrderId, market, side, price, size, postOnly, reduceOnly } = command.request;
      this.#text(clientOrderId);
      this.#number(market);
      this.#number(side);
      this.#number(price);
      this.#number(size);
      this.#number((postOnly ? 1 : 0) + (reduceOnly ? 2 : 0));
      this.#text(command.request.timeInForce);
      const { expiresUs, selfTradePrevention } = command.request;
      if (expiresUs !== undefined) this.#text(`expires ${expiresUs}`);
      if (selfTradePrevention !== undefined) this.#text(selfTradePrevention);
    } else {
      this.#text(command.clientOrderId);
      if (command.kind === "cancel") return;
      this.#number(command.price);
      this.#number(command.size);
    }
  }

  refused(command: OrderCommand, reason: string, atUs: number): void {
    this.#number(KINDS.refused);
    this.#text(reason);
    this.command(command, atUs);
  }

  event(event: OrderEvent): void {
    this.#number(KINDS[event.kind]);
    this.#number(event.atUs);
    this.#text(event.clientOrderId);
    switch (event.kind) {
      case "filled":
        this.#number(event.price);
        this.#number(event.size);
        this.#number(event.fee);
        this.#number(event.role === "maker" ? 1 : 0);
        this.#number(event.evidence.kind === "venue" ? -1 : event.evidence.row);
        break;
      case "amended":
        this.#number(event.price);
        this.#number(event.size);
        break;
      case "rejected":
      case "amendRejected":
      case "cancelRejected":
      case "cancelled":
        this.#text(event.reason);
        break;
      default:
        break;
    }
  }

  settled(market: number, valueCc: number, atUs: number): void {
    this.#number(KINDS.settled);
    this.#number(atUs);
    this.#number(market);
    this.#number(valueCc);
  }

  fault(text: string, atUs: number): void {
    this.#number(KINDS.fault);
    this.#number(atUs);
    this.#text(text);
  }

  /** The hash of all that was told; nothing may follow. */
  digest(): string {
    this.#flush();
    return this.#hash.digest("hex");
  }

  #text(text: string): void {
    this.#number(text.length);
    for (let index = 0; index < text.length; index++) this.#number(text.charCodeAt(index));
  }

  #number(value: number): void {
    if (this.#count === BATCH) this.#flush();
    this.#numbers[this.#count++] = value;
  }

  #flush(): void {
    this.#hash.update(bytesOf(this.#numbers.subarray(0, this.#count)));
    this.#count = 0;
  }
}
