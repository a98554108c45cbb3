/** What the order manager notes beside the events of orders, in words for people. */
import { formatFixed } from "../../core/index.ts";
import type { OrderNote } from "../../kalshi/index.ts";
import { dealWords } from "../../live/index.ts";

type Fill = Extract<OrderNote, { readonly fill: unknown }>["fill"];

export function noteWords(note: OrderNote): string {
  switch (note.kind) {
    case "trouble":
      return `${note.write} ${note.clientOrderId}: ${note.sentence}`;
    case "foreignFill":
      return `somebody else traded on this account: ${fillWords(note.fill)}`;
    case "strayOrder": {
      const { ticker, status, remaining } = note.order;
      const what = `${status}, with ${formatFixed(remaining, 2)} open in ${ticker}`;
      return `${note.clientOrderId}, which nobody waits for any more, is at the venue: ${what}`;
    }
    case "strayFill":
      return `${note.clientOrderId}, which nobody waits for any more, ${fillWords(note.fill)}`;
    case "lateFill":
      return `${note.clientOrderId}, which had ended, ${fillWords(note.fill)}`;
    case "rebate":
      return `the venue paid ${formatFixed(note.amount, 6)} $ back for a fill of ${note.clientOrderId}`;
    case "recovered":
      return `own orders were read again, ${note.readings} readings`;
  }
}

function fillWords({ side, size, ticker, price }: Fill): string {
  return dealWords(side, size, ticker, price);
}
