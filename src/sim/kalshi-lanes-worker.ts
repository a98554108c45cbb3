/**
 * What a thread makes its lanes of `KalshiVectorEnv` from. Workers import this file by its URL, the
 * caller's thread as any other.
 */
import { type LaneFactory, laneWorker } from "../gym/index.ts";
import type { EpisodeSettings } from "./episode.ts";
import { KalshiVectorEnv } from "./kalshi-vector-env.ts";
import { openShared, type SharedSession } from "./shared-session.ts";

export interface KalshiLaneOptions {
  readonly sessions: readonly SharedSession[];
  readonly settings: EpisodeSettings;
}

export const makeKalshiLanes: LaneFactory<KalshiLaneOptions> = (options, firstLane, count) =>
  new KalshiVectorEnv(options.sessions.map(openShared), count, options.settings, { firstLane });

export const kalshiLanes = laneWorker(makeKalshiLanes);
