/**
 * sim: a recorded session as a world to act in. The simulated venue behind the `OrderManager` port,
 * its fill models and latencies, and the environments that agents train in. It reads tapes and
 * feature rows; it knows no file format, no clock and no network.
 */
export {
  type BacktestOptions,
  type BacktestResult,
  loadForBacktest,
  runBacktest,
  summarise,
  type WorldSummary,
} from "./backtest/backtest.ts";
export { profitsOfEvents } from "./backtest/measures.ts";
export type { FillRow, MarketResult, SessionResult, WorldResult } from "./backtest/results.ts";
export { runSessionInSteps } from "./backtest/run-session.ts";
export {
  type BacktestSettings,
  DEFAULT_BACKTEST,
  WORLD_NAMES,
  type WorldName,
} from "./backtest/settings.ts";
export {
  arrowOf,
  type Columns,
  csvOf,
  equityColumns,
  marketColumns,
  tableOf,
  tradeColumns,
} from "./backtest/tables.ts";
export {
  DEFAULT_EPISODE,
  Episode,
  type EpisodeEnd,
  type EpisodeSettings,
  type EpisodeState,
} from "./episode.ts";
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
  faultIn,
  LATENCY_US_MAX,
  type LatencyDistribution,
  latencyDistribution,
  type LatencyFault,
  type LatencyValues,
} from "./latency-distribution.ts";
export { IDLE_OVERLAY, type OverlaySettings } from "./overlay.ts";
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
export type { VenueState } from "./venue-state.ts";
