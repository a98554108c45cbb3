/** The last fills, for people: what was bought and sold, with what order, and what it cost. */
import { type CentiCents, formatCentiCents, formatFixed, type Lots } from "../core/index.ts";
import { BookSide } from "../market/index.ts";
import type { FillEvent, OrderRequest } from "../orders/index.ts";

export interface ToldFill {
  /** When it reached us, in microseconds. */
  readonly atUs: number;
  readonly words: string;
}

/** Fills kept. */
const KEPT = 8;

export class FillLog {
  /** Oldest first. */
  readonly last: ToldFill[] = [];
  readonly #untold: ToldFill[] = [];

  /** A fill of the order that `request` made. */
  hear(event: FillEvent, request: OrderRequest, ticker: string): void {
    const fill = { atUs: event.atUs, words: fillWords(event, request, ticker) };
    this.last.push(fill);
    this.last.splice(0, this.last.length - KEPT);
    this.#untold.push(fill);
  }

  /** Those that have come since the last call. */
  take(): ToldFill[] {
    return this.#untold.splice(0);
  }
}

/** What was bought or sold, of what and at what price. */
export function dealWords(side: BookSide, size: Lots, ticker: string, price: CentiCents): string {
  const word = side === BookSide.bid ? "bought" : "sold";
  return `${word} ${formatFixed(size, 2)} of ${ticker} at ${formatCentiCents(price)}`;
}

function fillWords(
  { clientOrderId, price, size, fee, role }: FillEvent,
  { side }: OrderRequest,
  ticker: string,
): string {
  const deal = dealWords(side, size, ticker, price);
  return `${deal} as ${role}, fee ${formatFixed(fee, 6)} $, ${clientOrderId}`;
}
