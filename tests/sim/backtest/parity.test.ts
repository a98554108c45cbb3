/** A policy does in a back-test what it does in an episode: the same orders, fills and cash. */
import { expect, test } from "vitest";
import { Prng } from "../../../src/core/index.ts";
import {
  DEFAULT_EPISODE,
  Episode,
  type MarketData,
  runBacktest,
  type SessionData,
  SessionDataLoader,
  type WorldName,
} from "../../../src/sim/index.ts";
import { JOIN, policyStrategy } from "../../../src/strategies/index.ts";

const ANSWERS = [
  ["optimistic", "touch"],
  ["expected", "queue"],
  ["pessimistic", "through"],
] as const;

function episodeCash(
  data: MarketData,
  fillModel: "touch" | "queue" | "through",
): { cash: number; sent: number } {
  const settings = { ...DEFAULT_EPISODE, steps: null, fillModel };
  const episode = new Episode(data, settings, data.rows.warm, Prng.fromSeed(1));
  const prng = Prng.fromSeed("join");
  const observation = new Float32Array(52);
  const mask = new Uint8Array(5);
  let sent = 0;
  episode.trader.observer = {
    sent: (command) => (sent += command.kind === "submit" ? 1 : 0),
    refused: () => undefined,
    received: () => undefined,
  };
  while (episode.end === "running") {
    episode.observe(observation, 0);
    episode.mask(mask, 0);
    episode.step(JOIN.act(observation, mask, prng));
  }
  expect(episode.end).toBe("terminated");
  return { cash: episode.trader.account.ledger.cash, sent };
}

function backtestCash(session: SessionData, ticker: string, world: WorldName) {
  // One policy a market, and one market: its random numbers are those of the episode.
  const strategy = policyStrategy("join", "", () => {
    const prng = Prng.fromSeed("join");
    return { name: "join", act: (observation, mask) => JOIN.act(observation, mask, prng) };
  });
  const { startingCash, orderSize, positionLimit, openOrdersMax } = DEFAULT_EPISODE;
  const result = runBacktest({
    sessions: [session],
    strategy,
    settings: {
      worlds: [world],
      tickers: [ticker],
      startingCash,
      orderSize,
      limits: { orderSizeMax: orderSize, positionLimit, openOrdersMax },
    },
  });
  const [summary] = result.worlds;
  return { cash: startingCash + (summary?.profit ?? 0), sent: summary?.orders.submitted };
}

test("one market played by a policy: episode and back-test agree to the micro-dollar", () => {
  const session = new SessionDataLoader().load("sessions/sample-1");
  for (const data of session.markets) {
    for (const [world, fillModel] of ANSWERS) {
      const episode = episodeCash(data, fillModel);
      expect(episode.sent).toBeGreaterThan(5);
      expect(
        backtestCash(session, data.info.ticker, world),
        `${data.info.ticker} ${world}`,
      ).toEqual(episode);
    }
  }
});
