/**
 * sim: a recorded session as a world to act in. The simulated venue behind the `OrderManager` port,
 * its fill models and latencies, and the environments that agents train in. It reads tapes and
 * feature rows; it knows no file format, no clock and no network.
 */
export { DEFAULT_EPISODE, Episode, type EpisodeEnd, type EpisodeSettings } from "./episode.ts";
export { drawStart, type EpisodeStart } from "./episode-start.ts";
export { FILL_MODELS, type FillModel, type FillModelName } from "./fill-model.ts";
export {
  type KalshiInfo,
  type KalshiResetOptions,
  MarketAgnosticKalshiEnv,
  type MarketAgnosticKalshiEnvOptions,
} from "./kalshi-env.ts";
export { KalshiVectorEnv } from "./kalshi-vector-env.ts";
export { DEFAULT_LATENCY, type LatencySettings, type LatencyTerm, NO_LATENCY } from "./latency.ts";
export {
  type MarketData,
  prepareTape,
  type SessionData,
  SessionDataLoader,
  type SessionDataOptions,
} from "./session-data.ts";
export { openShared, shareSession, type SharedSession } from "./shared-session.ts";
export {
  SimulatedOrderManager,
  type SimulatedOrderManagerOptions,
} from "./simulated-order-manager.ts";
export {
  kalshiLaneModule,
  threadedKalshiEnv,
  type ThreadedKalshiOptions,
} from "./threaded-kalshi-env.ts";
