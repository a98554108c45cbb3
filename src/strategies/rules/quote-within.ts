import { BookSide } from "../../market/index.ts";
import type { Desk, MarketView } from "../strategy.ts";

/** How far a strategy goes, in lots. */
export interface Bounds {
  readonly size: number;
  /** Most that is held, YES or NO. */
  readonly limit: number;
}

/** Has an order rest on a side, a smaller one near the limit and none at it. */
export function quoteWithin(
  desk: Desk,
  market: MarketView,
  side: BookSide,
  price: number,
  { size, limit }: Bounds,
): void {
  const held = side === BookSide.bid ? market.position : -market.position;
  const lots = Math.min(size, limit - held, market.room(side));
  if (lots > 0) desk.quote(market, side, price, lots);
  else desk.withdraw(market, side);
}
