/**
 * What a thread makes its lanes of `KalshiVectorEnv` from. Workers import this file by its URL, the
 * caller's thread as any other.
 */
import { type LaneFactory, laneWorker, stackFrames } from "../gym/index.ts";
import { collectLanes } from "../learn/index.ts";
import type { EpisodeSettings } from "./episode.ts";
import { KalshiVectorEnv } from "./kalshi-vector-env.ts";
import { openShared, type SharedSession } from "./shared-session.ts";

export interface KalshiLaneOptions {
  readonly sessions: readonly SharedSession[];
  readonly settings: EpisodeSettings;
  /** Observations that are shown at once. */
  readonly frames: number;
}

export const makeKalshiLanes: LaneFactory<KalshiLaneOptions> = (options, firstLane, count) => {
  const sessions = options.sessions.map(openShared);
  const lanes = new KalshiVectorEnv(sessions, count, options.settings, { firstLane });
  return stackFrames(lanes, options.frames);
};

export const kalshiLanes = laneWorker(makeKalshiLanes, collectLanes);
