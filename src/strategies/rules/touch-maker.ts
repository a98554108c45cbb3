import { BookSide } from "../../market/index.ts";
import { defineStrategy } from "../strategy-options.ts";
import { contracts, limit, size } from "./shared-options.ts";

export const touchMaker = defineStrategy({
  name: "touch",
  description: "a market maker that joins the best bid and the best ask",
  options: {
    size,
    limit,
    spread: { default: 1, min: 0, whole: true, describe: "least spread to quote in, in ticks" },
    improve: { default: 0, min: 0, whole: true, describe: "ticks inside the best prices" },
  },
  make: ({ size, limit, spread, improve }) => ({
    decide(view, desk) {
      for (const market of view.due) {
        const bid = market.step(market.bestBid, improve);
        const ask = market.step(market.bestAsk, -improve);
        if (!market.isTwoSided || bid >= ask || market.step(bid, spread) > ask) {
          desk.withdraw(market);
          continue;
        }
        for (const [side, price, held] of [
          [BookSide.bid, bid, market.position],
          [BookSide.ask, ask, -market.position],
        ] as const) {
          const lots = Math.min(contracts(size), contracts(limit) - held, market.room(side));
          if (lots > 0) desk.quote(market, side, price, lots);
          else desk.withdraw(market, side);
        }
      }
    },
  }),
});
