/** All forms of REST bodies in one place, by what they are, with the way from and to their text. */
import { accountLimits, endpointCosts, exchangeStatus } from "./account.ts";
import { shardTransfer, shardTransferred, userDataTime } from "./account.ts";
import type { Codec } from "./codec.ts";
import { parseJsonObject } from "./json.ts";
import * as markets from "./markets.ts";
import * as orders from "./orders.ts";
import * as portfolio from "./portfolio.ts";

/** Codecs of requests and answers. */
export const bodies = {
  // Requests that change orders, and their answers.
  orderTicket: orders.orderTicket,
  orderTickets: orders.orderTickets,
  orderCreated: orders.orderCreated,
  batchCreated: orders.batchCreated,
  orderAmendment: orders.orderAmendment,
  orderAmended: orders.orderAmended,
  orderDecrease: orders.orderDecrease,
  orderDecreased: orders.orderDecreased,
  orderCancelled: orders.orderCancelled,
  cancelTickets: orders.cancelTickets,
  batchCancelled: orders.batchCancelled,
  orderGroupTicket: portfolio.orderGroupTicket,
  orderGroupCreated: portfolio.orderGroupCreated,
  shardTransfer,
  shardTransferred,
  // What an account has.
  order: orders.orderAnswer,
  orders: orders.orderPage,
  queuePosition: orders.queuePosition,
  queuePositions: orders.queuePositions,
  balance: portfolio.balance,
  positions: portfolio.positionPage,
  fills: portfolio.fillPage,
  settlements: portfolio.settlementPage,
  orderGroup: portfolio.orderGroupDetails,
  orderGroups: portfolio.orderGroups,
  accountLimits,
  endpointCosts,
  userDataTime,
  // What may be traded.
  exchangeStatus,
  market: markets.marketAnswer,
  markets: markets.marketPage,
  event: markets.eventAnswer,
  events: markets.eventPage,
  series: markets.seriesAnswer,
  seriesFeeChanges: markets.seriesFeeChanges,
  book: markets.bookAnswer,
  books: markets.booksAnswer,
  trades: markets.tradePage,
} as const;

/** Reads a body; an `OperationError` that begins with `place` where it cannot be read. */
export function readBody<T>(codec: Codec<T>, text: string, place: string): T {
  return codec.read(parseJsonObject(text, place), place, "");
}

export function writeBody<T>(codec: Codec<T>, value: T): string {
  return JSON.stringify(codec.write(value));
}
