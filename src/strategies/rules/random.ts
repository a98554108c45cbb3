import { BookSide } from "../../market/index.ts";
import { defineStrategy } from "../strategy-options.ts";
import { contracts, size, limit } from "./shared-options.ts";

export const random = defineStrategy({
  name: "random",
  description: "now and then takes or quotes a side that a coin chooses",
  options: {
    size,
    limit,
    every: { default: 30, min: 1, whole: true, describe: "decisions between two acts, on average" },
  },
  make: ({ size, limit, every }, { prng }) => ({
    decide(view, desk) {
      for (const market of view.due) {
        if (prng.integer(every) > 0 || !market.isTwoSided) continue;
        const side = prng.integer(2) === 0 ? BookSide.bid : BookSide.ask;
        const isBid = side === BookSide.bid;
        const towards = isBid ? market.position : -market.position;
        const lots = Math.min(contracts(size), contracts(limit) - towards, market.room(side));
        desk.withdraw(market);
        if (lots <= 0) continue;
        if (prng.integer(2) === 0) {
          desk.take(market, side, isBid ? market.bestAsk : market.bestBid, lots);
        } else {
          desk.quote(market, side, isBid ? market.bestBid : market.bestAsk, lots);
        }
      }
    },
  }),
});
