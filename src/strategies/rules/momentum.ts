import { BookSide } from "../../market/index.ts";
import { defineStrategy } from "../strategy-options.ts";
import { Lookback } from "./lookback.ts";
import { contracts, size } from "./shared-options.ts";

export const momentum = defineStrategy({
  name: "momentum",
  description: "takes the side that the price has moved to, and lets go when it moves no more",
  options: {
    size,
    window: { default: 60, min: 1, max: 86_400, whole: true, describe: "seconds looked back" },
    threshold: { default: 3, min: 0.01, max: 100, describe: "move to follow, in cents" },
    spread: { default: 1, min: 0.01, max: 100, describe: "widest spread to cross, in cents" },
  },
  make: ({ size, window, threshold, spread }, { markets }) => {
    const lookbacks = markets.map(() => new Lookback(window));
    return {
      decide(view, desk) {
        for (const market of view.due) {
          const lookback = lookbacks[market.index] as Lookback;
          lookback.push(view.nowUs, market.mark);
          const past = lookback.ago();
          if (past === null || !market.isTwoSided || market.orders.length > 0) continue;
          if (market.bestAsk - market.bestBid > spread * 100) continue;
          const move = market.mark - past;
          const strong = Math.abs(move) >= threshold * 100;
          const wanted = strong ? Math.sign(move) * contracts(size) : 0;
          // A position is kept while the price still moves its way.
          if (!strong && market.position * move > 0) continue;
          const missing = wanted - market.position;
          const side = missing > 0 ? BookSide.bid : BookSide.ask;
          const lots = Math.min(Math.abs(missing), market.room(side));
          if (lots > 0)
            desk.take(market, side, missing > 0 ? market.bestAsk : market.bestBid, lots);
        }
      },
    };
  },
});
