/** The training environment on as many threads as wanted: the same bits on any number of them. */
import { existsSync } from "node:fs";
import { OperationError } from "../core/index.ts";
import { type LaneModule, stackFrames, ThreadedVectorEnv, type VectorEnv } from "../gym/index.ts";
import { collectLanes } from "../learn/index.ts";
import type { EpisodeSettings } from "./episode.ts";
import { makeKalshiLanes } from "./kalshi-lanes-worker.ts";
import { KalshiVectorEnv } from "./kalshi-vector-env.ts";
import type { SessionData } from "./session-data.ts";
import { shareSession } from "./shared-session.ts";

export interface ThreadedKalshiOptions {
  readonly sessions: readonly SessionData[];
  /** Lanes. */
  readonly count: number;
  readonly settings: EpisodeSettings;
  /** Observations of an episode that are shown at once, oldest first; 1 by default. */
  readonly frames?: number;
  /** Threads, the caller's among them; 1 starts none. */
  readonly threads: number;
  /** What workers run; by default what `kalshiLaneModule` finds. */
  readonly module?: LaneModule;
}

/**
 * `KalshiVectorEnv` on threads that share the sessions' memory, and collect rollouts by themselves
 * for a trainer. Close it to end them. `LANE_MODULE` where there is no program for workers.
 */
export function threadedKalshiEnv(options: ThreadedKalshiOptions): VectorEnv {
  const { sessions, count, settings, frames = 1, threads } = options;
  if (threads === 1) return stackFrames(new KalshiVectorEnv(sessions, count, settings), frames);
  const module = options.module ?? kalshiLaneModule();
  if (module === null) {
    throw new OperationError(
      "LANE_MODULE",
      `environment on ${threads} threads: expected ${PROGRAM.href}, was none; step it on one ` +
        `thread, or give the module that exports ${NAME} of kalshi-gym's sim`,
    );
  }
  return new ThreadedVectorEnv({
    make: makeKalshiLanes,
    task: collectLanes,
    module,
    options: { sessions: sessions.map(shareSession), settings, frames },
    count,
    threads,
  });
}

/**
 * The program of workers, which lies beside this file where the package is compiled; null where it
 * does not, as in TypeScript sources and in bundles.
 */
export function kalshiLaneModule(): LaneModule | null {
  return PROGRAM.protocol === "file:" && existsSync(PROGRAM)
    ? { url: PROGRAM.href, name: NAME }
    : null;
}

const PROGRAM = new URL("./kalshi-lanes-worker.js", import.meta.url);
const NAME = "kalshiLanes";
