/** The latent game: its price is a fair one, and ends at the result. */
import { expect, test } from "vitest";
import { Prng, US_PER_SECOND } from "../../src/core/index.ts";
import { drawGame, Phase } from "../../src/market/generate-news.ts";
import { PROFILES } from "../../src/market/index.ts";

const MINUTES = 30;

test.each(["basketball", "fight"] as const)(
  "the fair price of a %s game is a martingale: nothing can be gained on average",
  (profile) => {
    const end = MINUTES * 60 * US_PER_SECOND;
    const games = Array.from({ length: 800 }, (_, seed) =>
      drawGame(Prng.fromSeed(seed), PROFILES[profile].game, 0, end),
    );
    // Means of result less fair price, where the fair price is high and where it is low.
    for (const moment of [0, 0.25, 0.5, 0.75, 0.95]) {
      for (const high of [false, true]) {
        let sum = 0;
        let squares = 0;
        let count = 0;
        for (const { news, result } of games) {
          const fair = news.filter(({ atUs }) => atUs <= moment * end).at(-1)?.fair ?? 0.5;
          if (fair >= 0.5 !== high) continue;
          const gain = (result === "yes" ? 1 : 0) - fair;
          sum += gain;
          squares += gain * gain;
          count += 1;
        }
        const error = Math.sqrt(squares) / count;
        // Four standard errors, and a cent and a half for the logistic in place of the normal.
        expect(Math.abs(sum / count), `${profile} at ${moment} high ${high}`).toBeLessThan(
          4 * error + 0.015,
        );
      }
    }
  },
);

test("news come in order, the last of them is the result, and it follows from what came before", () => {
  for (let seed = 0; seed < 50; seed++) {
    const end = MINUTES * 60 * US_PER_SECOND;
    const game = drawGame(Prng.fromSeed(seed), PROFILES.fight.game, 0, end);
    const last = game.news.at(-1);
    expect(last).toEqual({ atUs: end, phase: Phase.over, fair: game.result === "yes" ? 1 : 0 });
    for (let index = 1; index < game.news.length; index++) {
      const [before, after] = [game.news[index - 1], game.news[index]];
      expect(after?.atUs, `seed ${seed}`).toBeGreaterThanOrEqual(before?.atUs ?? 0);
    }
    expect(game.news[0]?.phase, "a fight session opens before the fight").toBe(Phase.quiet);
  }
});
