/** The environment: its contract, and the ways in which a trading environment may lie. */
import { beforeAll, describe, expect, test } from "vitest";
import { bytesOf, type CentiCents, Prng, sha256 } from "../../src/core/index.ts";
import { FEATURE_NAMES } from "../../src/features/index.ts";
import { checkEnv, checkVectorEnv } from "../../src/gym/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { Action } from "../../src/orders/index.ts";
import {
  DEFAULT_EPISODE,
  Episode,
  type EpisodeSettings,
  KalshiVectorEnv,
  MarketAgnosticKalshiEnv,
  NO_LATENCY,
  prepareTape,
  type SessionData,
  SessionDataLoader,
} from "../../src/sim/index.ts";
import { marketInfo, SECOND, TapeBuilder } from "../fixtures/tape-builder.ts";

const { bid, ask } = BookSide;
const feature = (name: string): number => (FEATURE_NAMES as readonly string[]).indexOf(name);
let sample: SessionData;

beforeAll(() => {
  sample = new SessionDataLoader().load("sessions/sample-1");
});

/** A quiet market of one minute, 44 bid and 47 asked, which the test goes on writing. */
function quietMarket(): TapeBuilder {
  const builder = new TapeBuilder({ capacity: 4000 });
  builder.snapshot([[44, 1000]], [[47, 1000]]);
  for (let second = 0; second < 60; second++) {
    builder.wait(SECOND).delta(bid, 40, 1);
  }
  return builder;
}

function episodeOf(builder: TapeBuilder, change: Partial<EpisodeSettings> = {}): Episode {
  const data = prepareTape(builder.finish());
  const [market] = data.markets;
  if (market === undefined) throw new Error("the tape has a market");
  const settings: EpisodeSettings = {
    ...DEFAULT_EPISODE,
    steps: null,
    fillModel: "touch",
    latency: NO_LATENCY,
    ...change,
  };
  return new Episode(market, settings, market.starts[0] ?? 0, Prng.fromSeed(1));
}

describe("the contract", () => {
  test("holds in the environment checker on a generated session", () => {
    const env = new MarketAgnosticKalshiEnv({ sessions: [sample], steps: 120 });
    expect(checkEnv(env, { steps: 1500 })).toEqual([]);
  });

  test("holds for episodes side by side, with what they save and restore", () => {
    const { observationSpace } = new MarketAgnosticKalshiEnv({ sessions: [sample] });
    const env = new KalshiVectorEnv([sample], 4, { ...DEFAULT_EPISODE, steps: 90 });
    expect(checkVectorEnv(env, { observationSpace, steps: 400 })).toEqual([]);
  });

  test("holds with random latencies and every pricing", () => {
    for (const pricing of ["join", "improve", "cross", "mid"] as const) {
      const env = new MarketAgnosticKalshiEnv({
        sessions: [sample],
        steps: 60,
        pricing,
        fillModel: "touch",
        latency: {
          feedUs: 5000,
          submitUs: { minUs: 0, maxUs: 3_000_000 },
          amendUs: { minUs: 0, maxUs: 3_000_000 },
          cancelUs: { minUs: 0, maxUs: 3_000_000 },
          answerUs: { minUs: 0, maxUs: 3_000_000 },
        },
      });
      expect(checkEnv(env, { steps: 400 })).toEqual([]);
    }
  });

  test("an episode can be named and then repeats, and unknown names are refused", () => {
    const env = new MarketAgnosticKalshiEnv({ sessions: [sample] });
    const [, info] = env.reset({ seed: 4 });
    const { ticker, sessionId, row } = info;
    const [again, named] = env.reset({ seed: 9, options: { ticker, sessionId, startRow: row } });
    expect(named.atUs).toBe(info.atUs);
    expect(again.length).toBe(52);
    expect(() => env.reset({ options: { ticker: "KXNONE" } })).toThrow(
      /expected one of .*was .*KXNONE/,
    );
    expect(() => env.reset({ options: { ticker, startRow: 1e9 } })).toThrow(/a row of/);
    env.reset();
    expect(() => env.step(7)).toThrow(/expected a whole number from 0 to 4, was 7/);
  });

  test("a lane of the vector environment does not depend on how many others there are", () => {
    const play = (count: number): string => {
      const env = new KalshiVectorEnv([sample], count, { ...DEFAULT_EPISODE, steps: 40 });
      env.reset(3);
      const seen: string[] = [];
      const actions = new Int32Array(count);
      for (let step = 0; step < 150; step++) {
        actions.fill(step % 5);
        env.step(actions);
        seen.push(sha256(bytesOf(env.observations.slice(0, 52))), String(env.rewards[0]));
      }
      return sha256(seen.join());
    };
    expect(play(1)).toBe(play(7));
  });

  test("the vector environment gives what the single one gives", () => {
    const settings = { ...DEFAULT_EPISODE, steps: 30 };
    const vector = new KalshiVectorEnv([sample], 1, settings);
    vector.reset(3);
    const actions = Int32Array.of(0);
    const rewards: number[] = [];
    for (let step = 0; step < 30; step++) {
      actions[0] = step % 5;
      vector.step(actions);
      rewards.push(vector.rewards[0] as number);
    }
    expect(vector.truncated[0]).toBe(1);
    expect(vector.episodeLengths[0]).toBe(30);
    const total = rewards.reduce((sum, reward) => sum + reward, 0);
    expect(vector.episodeReturns[0]).toBeCloseTo(total, 9);
  });
});

describe("what the predecessor got wrong", () => {
  test("order features show the agent's orders", () => {
    const episode = episodeOf(quietMarket());
    const observation = new Float32Array(52);
    episode.step(Action.buyYes);
    episode.observe(observation, 0);
    expect(observation[feature("has_open_buy")]).toBe(1);
    expect(observation[feature("has_open_sell")]).toBe(0);
    // 45.5 mid, 44 own bid, in units of ten cents.
    expect(observation[feature("buy_distance_from_mid")]).toBeCloseTo(0.15, 6);
    expect(observation[feature("time_since_order")]).toBeCloseTo(1 / 300, 6);
    expect(observation[feature("reserved_cash_ratio")]).toBeGreaterThan(0.04);
  });

  test("a resting order is checked for fills, and a position has its value", () => {
    const builder = quietMarket();
    builder.wait(SECOND / 2).trade(bid, 44, 500);
    builder.wait(2 * SECOND).delta(bid, 40, 1);
    const episode = episodeOf(builder);
    let reward = 0;
    while (episode.end === "running") {
      episode.step(Action.buyYes);
      reward += episode.reward;
    }
    expect(episode.trader.account.ledger.position(0)).toBe(1000);
    // Ten YES bought at 44 as maker, free of fees, and still worth the bid of 44.
    expect(episode.value).toBe(100_000_000);
    expect(reward).toBe(0);
  });

  test("NO is priced as one dollar less the YES price of the other side", () => {
    const episode = episodeOf(quietMarket(), { pricing: "cross" });
    episode.step(Action.buyNo);
    // NO bought at 1 - 0.44 = 0.56, worth 1 - 0.47 = 0.53 now; the fee is 0.07 x 10 x 0.44 x 0.56.
    expect(episode.trader.account.ledger.position(0)).toBe(-1000);
    expect(episode.value).toBe(100_000_000 - 5_600_000 - 172_500 + 5_300_000);
  });

  test("a final position is settled at the result, and that ends the episode for good", () => {
    for (const [valueCc, paid] of [
      [10_000, 10_000_000],
      [0, 0],
    ] as const) {
      const builder = new TapeBuilder({
        capacity: 4000,
        info: marketInfo({ settlement: { valueCc: valueCc as CentiCents, source: "given" } }),
      });
      builder.snapshot([[44, 1000]], [[47, 1000]]);
      for (let second = 0; second < 20; second++) builder.wait(SECOND).delta(bid, 40, 1);
      builder.wait(SECOND / 2).close();
      const episode = episodeOf(builder, { pricing: "cross" });
      episode.step(Action.buyYes);
      const cost = 4_700_000;
      const fee = 174_400;
      while (episode.end === "running") episode.step(Action.hold);
      expect(episode.end).toBe("terminated");
      expect(episode.value).toBe(100_000_000 - cost - fee + paid);
    }
  });

  test("without a known result the end is a truncation, and the position keeps its value", () => {
    const builder = new TapeBuilder({ capacity: 4000, info: marketInfo({ settlement: null }) });
    builder.snapshot([[44, 1000]], [[47, 1000]]);
    for (let second = 0; second < 20; second++) builder.wait(SECOND).delta(bid, 40, 1);
    builder.wait(SECOND / 2).close();
    const episode = episodeOf(builder, { pricing: "cross" });
    episode.step(Action.buyYes);
    while (episode.end === "running") episode.step(Action.hold);
    expect(episode.end).toBe("truncated");
    expect(episode.value).toBe(100_000_000 - 4_700_000 - 174_400 + 4_400_000);
  });

  test("an episode ends at a gap, and nothing fills across it", () => {
    const builder = quietMarket();
    builder.wait(SECOND / 2).gap();
    builder.wait(SECOND).trade(bid, 44, 500);
    builder.wait(5 * SECOND).snapshot([[44, 10]], [[47, 10]]);
    builder.wait(5 * SECOND).delta(bid, 40, 1);
    const episode = episodeOf(builder);
    while (episode.end === "running") episode.step(Action.buyYes);
    expect(episode.end).toBe("truncated");
    expect(episode.trader.account.ledger.position(0)).toBe(0);
    expect(episode.trader.account.openCount).toBe(0);
  });
});

test("an observation does not change when the future does", () => {
  const build = (future: (builder: TapeBuilder) => void): Float32Array => {
    const builder = quietMarket();
    const until = builder.nowUs;
    future(builder);
    const episode = episodeOf(builder);
    const out: number[] = [];
    const observation = new Float32Array(52);
    while (episode.end === "running" && episode.nowUs < until) {
      episode.observe(observation, 0);
      out.push(...observation);
      episode.step(Action.buyYes);
    }
    return Float32Array.from(out);
  };
  const calm = build((builder) => builder.wait(5 * SECOND).delta(bid, 40, 1));
  const wild = build((builder) => {
    builder.wait(3 * SECOND).trade(ask, 47, 1000);
    builder.wait(SECOND).delta(ask, 90, 5);
    builder.wait(SECOND).close();
  });
  expect(calm.length).toBeGreaterThan(52 * 50);
  expect([...wild]).toEqual([...calm]);
});
