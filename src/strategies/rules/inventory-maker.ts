import { BookSide } from "../../market/index.ts";
import { defineStrategy } from "../strategy-options.ts";
import { quoteWithin } from "./quote-within.ts";
import { contracts, limit, size } from "./shared-options.ts";

export const inventoryMaker = defineStrategy({
  name: "inventory",
  description: "a market maker that leans its quotes against what it holds",
  options: {
    size,
    limit,
    back: { default: 0, min: 0, whole: true, describe: "ticks behind the best prices" },
    lean: { default: 2, min: 0, whole: true, describe: "ticks that both move at the limit" },
  },
  make: ({ size, limit, back, lean }) => {
    const bounds = { size: contracts(size), limit: contracts(limit) };
    return {
      decide(view, desk) {
        for (const market of view.due) {
          if (!market.isTwoSided) {
            desk.withdraw(market);
            continue;
          }
          // A long position lowers both quotes: it buys less eagerly and sells more so.
          const down = Math.round((lean * market.position) / Math.max(1, bounds.limit));
          const { bestBid, bestAsk } = market;
          const bid = Math.min(market.step(bestAsk, -1), market.step(bestBid, -back - down));
          const ask = Math.max(market.step(bestBid, 1), market.step(bestAsk, back - down));
          quoteWithin(desk, market, BookSide.bid, bid, bounds);
          quoteWithin(desk, market, BookSide.ask, ask, bounds);
        }
      },
    };
  },
});
