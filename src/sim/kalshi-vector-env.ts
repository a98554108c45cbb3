/**
 * N episodes in one set of arrays: the training environment. Each lane draws its own markets and
 * starts from its own random stream, so a lane's history does not depend on how many others there
 * are. Reset happens in the same step: an episode that ends hands its last observation out in
 * `finalObservations`, and `observations` is already the next one's.
 *
 * Nothing is allocated per step but the order messages themselves.
 */
import { assert, MICRO_USD_PER_USD, OperationError, Prng, type PrngState } from "../core/index.ts";
import { FEATURE_COUNT } from "../features/index.ts";
import type { VectorEnv } from "../gym/index.ts";
import { type Action, ACTION_COUNT } from "../orders/index.ts";
import { Episode, type EpisodeSettings } from "./episode.ts";
import { drawStart } from "./episode-start.ts";
import type { MarketData, SessionData } from "./session-data.ts";

/** A lane's position, enough to repeat it: the episode's start and the actions since. */
interface LaneState {
  readonly prng: PrngState;
  readonly episodePrng: PrngState;
  readonly market: number;
  readonly startRow: number;
  readonly actions: readonly number[];
}

interface Lane {
  prng: Prng;
  episode: Episode;
  /** What the current episode was made from, for `save`. */
  episodePrng: PrngState;
  market: number;
  startRow: number;
  actions: number[];
  episodeReturnMicroUsd: number;
}

export interface KalshiVectorOptions {
  /**
   * Index of the first lane, 0 by default: an environment that holds lanes 8 to 15 of sixteen gives
   * what those sixteen give there.
   */
  readonly firstLane?: number;
}

export class KalshiVectorEnv implements VectorEnv {
  readonly count: number;
  readonly observationSize = FEATURE_COUNT;
  readonly actionCount = ACTION_COUNT;
  readonly metadata = { name: "MarketAgnosticKalshi-v0", autoreset: "same-step" } as const;
  readonly observations: Float32Array;
  readonly finalObservations: Float32Array;
  readonly rewards: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly actionMasks: Uint8Array;
  readonly episodeReturns: Float64Array;
  readonly episodeLengths: Uint32Array;
  readonly #markets: readonly MarketData[];
  readonly #settings: EpisodeSettings;
  readonly #firstLane: number;
  #lanes: Lane[] = [];

  /** Every market of every session is as likely as every other. */
  constructor(
    sessions: readonly SessionData[],
    count: number,
    settings: EpisodeSettings,
    { firstLane = 0 }: KalshiVectorOptions = {},
  ) {
    assert(Number.isInteger(count) && count >= 1, "a vector environment has at least one lane");
    this.count = count;
    this.#markets = sessions.flatMap((session) => session.markets);
    assert(this.#markets.length > 0, "there is a market to act in");
    this.#settings = settings;
    this.#firstLane = firstLane;
    this.observations = new Float32Array(count * FEATURE_COUNT);
    this.finalObservations = new Float32Array(count * FEATURE_COUNT);
    this.rewards = new Float64Array(count);
    this.terminated = new Uint8Array(count);
    this.truncated = new Uint8Array(count);
    this.actionMasks = new Uint8Array(count * ACTION_COUNT);
    this.episodeReturns = new Float64Array(count);
    this.episodeLengths = new Uint32Array(count);
  }

  reset(seed: number | string): void {
    const root = Prng.fromSeed(seed);
    this.#lanes = [];
    for (let lane = 0; lane < this.count; lane++) {
      this.#lanes.push(this.#startLane(root.fork(`lane ${this.#firstLane + lane}`)));
      this.#show(lane);
    }
    this.rewards.fill(0);
    this.terminated.fill(0);
    this.truncated.fill(0);
    this.episodeReturns.fill(0);
    this.episodeLengths.fill(0);
  }

  step(actions: Int32Array): void {
    assert(this.#lanes.length === this.count, "reset comes before the first step");
    for (let index = 0; index < this.count; index++) {
      const lane = this.#lanes[index] as Lane;
      const { episode } = lane;
      const action = actions[index] as Action;
      lane.actions.push(action);
      episode.step(action);
      lane.episodeReturnMicroUsd += episode.reward;
      this.rewards[index] = episode.reward / MICRO_USD_PER_USD;
      const { end } = episode;
      this.terminated[index] = end === "terminated" ? 1 : 0;
      this.truncated[index] = end === "truncated" ? 1 : 0;
      if (end !== "running") this.#endEpisode(index, lane);
      this.#show(index);
    }
  }

  /** One entry a lane. */
  save(): readonly LaneState[] {
    return this.#lanes.map(({ prng, episodePrng, market, startRow, actions }) => ({
      prng: prng.save(),
      episodePrng,
      market,
      startRow,
      actions: [...actions],
    }));
  }

  /** Repeats each lane's episode up to where it was saved. `ENV_STATE` where it does not fit. */
  restore(state: unknown): void {
    const saved = state as readonly LaneState[];
    if (!Array.isArray(saved) || saved.length !== this.count) {
      throw new OperationError(
        "ENV_STATE",
        `environment state: expected ${this.count} lanes, was ${Array.isArray(saved) ? saved.length : typeof saved}; ` +
          `resume with the number of environments that the checkpoint was made with`,
      );
    }
    this.#lanes = saved.map((lane) => {
      const data = this.#markets[lane.market];
      const known = data !== undefined && data.rows.valid[lane.startRow] === 1;
      if (!known) {
        throw new OperationError(
          "ENV_STATE",
          `environment state: expected the sessions that the checkpoint was made with, was a set ` +
            `without start ${lane.startRow} of market ${lane.market}`,
        );
      }
      const restored: Lane = {
        prng: Prng.restore(lane.prng),
        episode: new Episode(data, this.#settings, lane.startRow, Prng.restore(lane.episodePrng)),
        episodePrng: lane.episodePrng,
        market: lane.market,
        startRow: lane.startRow,
        actions: [...lane.actions],
        episodeReturnMicroUsd: 0,
      };
      for (const action of lane.actions) {
        restored.episode.step(action as Action);
        restored.episodeReturnMicroUsd += restored.episode.reward;
      }
      return restored;
    });
    for (let lane = 0; lane < this.count; lane++) this.#show(lane);
  }

  close(): void {
    this.#lanes = [];
  }

  #startLane(prng: Prng): Lane {
    const { market, startRow } = drawStart(this.#markets, this.#settings.steps, prng);
    const episodePrng = prng.fork(`episode ${prng.uint32()}`);
    const data = this.#markets[market] as MarketData;
    return {
      prng,
      episode: new Episode(data, this.#settings, startRow, episodePrng),
      episodePrng: episodePrng.save(),
      market,
      startRow,
      actions: [],
      episodeReturnMicroUsd: 0,
    };
  }

  #endEpisode(index: number, lane: Lane): void {
    this.episodeReturns[index] = lane.episodeReturnMicroUsd / MICRO_USD_PER_USD;
    this.episodeLengths[index] = lane.episode.stepCount;
    lane.episode.observe(this.finalObservations, index * FEATURE_COUNT);
    this.#lanes[index] = this.#startLane(lane.prng);
  }

  #show(index: number): void {
    const { episode } = this.#lanes[index] as Lane;
    episode.observe(this.observations, index * FEATURE_COUNT);
    episode.mask(this.actionMasks, index * ACTION_COUNT);
  }
}
