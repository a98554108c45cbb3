/** Cancels of orders that are to rest no longer; what has been asked for is not asked for again. */
import type { Trader } from "../strategies/index.ts";
import type { LiveMarket } from "./live-market.ts";

/** Cancels the open orders of one market. */
export function cancelOrders(trader: Trader, market: number, nowUs: number): void {
  for (const { request, cancelInFlight } of [...trader.account.openOrders(market)]) {
    if (cancelInFlight) continue;
    trader.send({ kind: "cancel", clientOrderId: request.clientOrderId }, nowUs);
  }
}

/** Nobody knows what happens to orders in a market whose book is unknown: they go. */
export function cancelBlind(trader: Trader, markets: readonly LiveMarket[], nowUs: number): void {
  for (const { encoder, index } of markets) {
    if (!encoder.isKnown()) cancelOrders(trader, index, nowUs);
  }
}
