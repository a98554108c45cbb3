import { BookSide } from "../../market/index.ts";
import { defineStrategy } from "../strategy-options.ts";
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
  make: ({ size, limit, back, lean }) => ({
    decide(view, desk) {
      for (const market of view.due) {
        if (!market.isTwoSided) {
          desk.withdraw(market);
          continue;
        }
        // A long position lowers both quotes: it buys less eagerly and sells more so.
        const most = Math.max(1, contracts(limit));
        const down = Math.round((lean * market.position) / most);
        const { bestBid, bestAsk } = market;
        const bid = Math.min(market.step(bestAsk, -1), market.step(bestBid, -back - down));
        const ask = Math.max(market.step(bestBid, 1), market.step(bestAsk, back - down));
        for (const [side, price, held] of [
          [BookSide.bid, bid, market.position],
          [BookSide.ask, ask, -market.position],
        ] as const) {
          const lots = Math.min(contracts(size), most - held, market.room(side));
          if (lots > 0) desk.quote(market, side, price, lots);
          else desk.withdraw(market, side);
        }
      }
    },
  }),
});
