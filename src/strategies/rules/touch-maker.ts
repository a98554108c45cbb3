import { BookSide } from "../../market/index.ts";
import { defineStrategy } from "../strategy-options.ts";
import { quoteWithin } from "./quote-within.ts";
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
  make: ({ size, limit, spread, improve }) => {
    const bounds = { size: contracts(size), limit: contracts(limit) };
    return {
      decide(view, desk) {
        for (const market of view.due) {
          const bid = market.step(market.bestBid, improve);
          const ask = market.step(market.bestAsk, -improve);
          if (!market.isTwoSided || bid >= ask || market.step(bid, spread) > ask) {
            desk.withdraw(market);
            continue;
          }
          quoteWithin(desk, market, BookSide.bid, bid, bounds);
          quoteWithin(desk, market, BookSide.ask, ask, bounds);
        }
      },
    };
  },
});
