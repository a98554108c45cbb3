import { BookSide } from "../../market/index.ts";
import { defineStrategy } from "../strategy-options.ts";
import { Lookback } from "./lookback.ts";
import { contracts, size } from "./shared-options.ts";

export const meanReversion = defineStrategy({
  name: "reversion",
  description: "quotes against moves away from the mean, and closes when the price is back",
  options: {
    size,
    window: { default: 300, min: 2, max: 86_400, whole: true, describe: "seconds of the mean" },
    threshold: { default: 3, min: 0.01, max: 100, describe: "distance to act on, in cents" },
  },
  make: ({ size, window, threshold }, { markets }) => {
    const lookbacks = markets.map(() => new Lookback(window));
    return {
      decide(view, desk) {
        for (const market of view.due) {
          const lookback = lookbacks[market.index] as Lookback;
          lookback.push(view.nowUs, market.mark);
          const mean = lookback.mean();
          if (mean === null || !market.isTwoSided) {
            desk.withdraw(market);
            continue;
          }
          const above = market.mark - mean;
          const { position } = market;
          let wanted: number = position;
          if (Math.abs(above) >= threshold * 100) wanted = -Math.sign(above) * contracts(size);
          else if (position * above >= 0) wanted = 0;
          const missing = wanted - position;
          for (const side of [BookSide.bid, BookSide.ask]) {
            const isBid = side === BookSide.bid;
            const lots = Math.min(isBid ? missing : -missing, market.room(side));
            if (lots > 0) desk.quote(market, side, isBid ? market.bestBid : market.bestAsk, lots);
            else desk.withdraw(market, side);
          }
        }
      },
    };
  },
});
