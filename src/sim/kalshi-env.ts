/**
 * MarketAgnosticKalshiEnv: recorded Kalshi markets as a Gymnasium environment.
 *
 * Description. The agent trades one market of one recorded session through a simulated venue. Which
 * market it is stands nowhere in the observation.
 *
 * Action space. Discrete(5): 0 HOLD leaves orders alone; 1 BUY_YES_LIMIT has a bid working at the
 * best YES bid; 2 SELL_YES_LIMIT an ask at the best YES ask, up to the YES held; 3 BUY_NO_LIMIT a
 * NO bid at the best NO bid; 4 SELL_NO_LIMIT a NO ask at the best NO ask, up to the NO held. An
 * action conflicts with the orders of the others and cancels them. `info.actionMask` says which can
 * be carried out; one that cannot is like HOLD.
 *
 * Observation. Box(52) of float32, docs/observation.md: what the feed had told by the decision, and
 * the account as the agent knows it.
 *
 * Reward. Change of the portfolio's value in dollars, after fees: cash and positions at what they
 * could be sold for now (or at the mid price).
 *
 * Start. A market and a decision time drawn from the seed, at least ten minutes into the recording
 * where it allows; 100 dollars and no position by default.
 *
 * Episode end. Terminated by settlement; truncated by the step limit, by the end of the recording,
 * and by a gap in the feed.
 */
import { assert, MICRO_USD_PER_USD, OperationError, Prng } from "../core/index.ts";
import { FEATURE_COUNT, FEATURES } from "../features/index.ts";
import { Box, Discrete, type Env, type ResetOptions } from "../gym/index.ts";
import { type Action, ACTION_COUNT } from "../orders/index.ts";
import { DEFAULT_EPISODE, Episode, type EpisodeSettings } from "./episode.ts";
import { drawStart } from "./episode-start.ts";
import type { MarketData, SessionData } from "./session-data.ts";

export interface KalshiInfo {
  /** 1 where the action can be carried out. [5] */
  readonly actionMask: Uint8Array;
  /** Time of the decision, in microseconds. */
  readonly atUs: number;
  readonly ticker: string;
  readonly sessionId: string;
  /** Feature row of the decision; the first one repeats the episode through `options.startRow`. */
  readonly row: number;
  /** Portfolio value in dollars. */
  readonly valueUsd: number;
  readonly feesUsd: number;
  /** Signed contracts: YES positive, NO negative. */
  readonly position: number;
  readonly openOrders: number;
}

/** Names an episode instead of drawing it. */
export interface KalshiResetOptions {
  readonly ticker?: string;
  readonly sessionId?: string;
  readonly startRow?: number;
}

export interface MarketAgnosticKalshiEnvOptions extends Partial<EpisodeSettings> {
  readonly sessions: readonly SessionData[];
}

export class MarketAgnosticKalshiEnv implements Env<KalshiInfo> {
  readonly observationSpace = new Box(
    Float32Array.from(FEATURES, ({ low }) => low),
    Float32Array.from(FEATURES, ({ high }) => high),
  );
  readonly actionSpace = new Discrete(ACTION_COUNT);
  readonly metadata = { name: "MarketAgnosticKalshi-v0", maskedActions: "harmless" } as const;
  readonly settings: EpisodeSettings;
  readonly #markets: readonly { readonly sessionId: string; readonly data: MarketData }[];
  #prng = Prng.fromSeed(0);
  #episode: Episode | null = null;

  constructor(options: MarketAgnosticKalshiEnvOptions) {
    const { sessions, ...settings } = options;
    this.settings = { ...DEFAULT_EPISODE, ...settings };
    this.#markets = sessions.flatMap(({ sessionId, markets }) =>
      markets.map((data) => ({ sessionId, data })),
    );
    assert(this.#markets.length > 0, "there is a market to act in");
  }

  /** The episode that runs, for recorders. */
  get episode(): Episode {
    assert(this.#episode !== null, "reset comes before anything else");
    return this.#episode;
  }

  /**
   * Starts an episode: the one that `options` name, or one drawn from the seed. Without a seed the
   * environment's own stream goes on. `UNKNOWN_EPISODE` where there is none of that name.
   */
  reset(options: ResetOptions = {}): [Float32Array, KalshiInfo] {
    if (options.seed !== undefined) this.#prng = Prng.fromSeed(options.seed);
    const wanted: KalshiResetOptions = options.options ?? {};
    const drawn = this.#draw(wanted);
    const episodePrng = this.#prng.fork(`episode ${this.#prng.uint32()}`);
    this.#episode = new Episode(drawn.data, this.settings, drawn.startRow, episodePrng);
    return [this.#observe(), this.#info()];
  }

  step(action: number): [Float32Array, number, boolean, boolean, KalshiInfo] {
    const { episode } = this;
    if (!this.actionSpace.contains(action)) {
      throw new OperationError(
        "ACTION",
        `action: expected a whole number from 0 to ${ACTION_COUNT - 1}, was ${action}`,
      );
    }
    episode.step(action as Action);
    const reward = episode.reward / MICRO_USD_PER_USD;
    const { end } = episode;
    return [this.#observe(), reward, end === "terminated", end === "truncated", this.#info()];
  }

  close(): void {
    this.#episode = null;
  }

  #draw(wanted: KalshiResetOptions): { data: MarketData; startRow: number } {
    const fitting = this.#markets.filter(
      ({ sessionId, data }) =>
        (wanted.sessionId === undefined || wanted.sessionId === sessionId) &&
        (wanted.ticker === undefined || wanted.ticker === data.info.ticker),
    );
    const markets = fitting.map(({ data }) => data);
    if (markets.length === 0) {
      const known = this.#markets.map(({ sessionId, data }) => `${sessionId}/${data.info.ticker}`);
      throw new OperationError(
        "UNKNOWN_EPISODE",
        `reset: expected one of ${known.join(", ")}, was ${wanted.sessionId ?? "*"}/${wanted.ticker ?? "*"}`,
      );
    }
    const drawn = drawStart(markets, this.settings.steps, this.#prng);
    const data = markets[drawn.market] as MarketData;
    const startRow = wanted.startRow ?? drawn.startRow;
    if (data.rows.valid[startRow] !== 1) {
      throw new OperationError(
        "UNKNOWN_EPISODE",
        `reset: expected a row of ${data.info.ticker} at which its book is known, was ${startRow} ` +
          `of ${data.rows.count}`,
      );
    }
    return { data, startRow };
  }

  #observe(): Float32Array {
    const observation = new Float32Array(FEATURE_COUNT);
    this.episode.observe(observation, 0);
    return observation;
  }

  #info(): KalshiInfo {
    const { episode } = this;
    const { account } = episode.trader;
    const actionMask = new Uint8Array(ACTION_COUNT);
    episode.mask(actionMask, 0);
    const entry = this.#markets.find(({ data }) => data === episode.data);
    return {
      actionMask,
      atUs: episode.nowUs,
      ticker: episode.data.info.ticker,
      sessionId: entry?.sessionId ?? "",
      row: episode.row,
      valueUsd: episode.value / MICRO_USD_PER_USD,
      feesUsd: account.ledger.fees / MICRO_USD_PER_USD,
      position: account.ledger.position(0) / 100,
      openOrders: account.openCount,
    };
  }
}
