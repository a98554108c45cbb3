/**
 * kalshi-gym as a library: sessions, the environment, its simulated venue, and PPO. `kalshi-gym/gym`
 * and `kalshi-gym/learn` are the parts that know nothing of Kalshi; `kalshi-gym/kalshi`,
 * `kalshi-gym/exchange` and `kalshi-gym/live` are the venue, one of our own, and the live run.
 */
export { MachineScheduler } from "./apps/machine-scheduler.ts";
export { OperationError, Prng, type Scheduler } from "./core/index.ts";
export { FEATURE_NAMES, SCHEMA_HASH } from "./features/index.ts";
export {
  type LiveBlock,
  type LiveEntry,
  type LiveFill,
  type LiveHeader,
  type LiveJournalReader,
  type LiveOutput,
  type LivePart,
  readLiveJournal,
} from "./journal/index.ts";
export {
  BookSide,
  dearestFees,
  openSession,
  PriceGrid,
  type Session,
  type Tape,
} from "./market/index.ts";
export {
  Account,
  Action,
  ACTION_NAMES,
  type ApprovedOrder,
  exposureIn,
  MarketGroups,
  type Order,
  type OrderCommand,
  type OrderEvent,
  type OrderManager,
  type OrderRequest,
  Planner,
  RiskGate,
  worstLossOf,
} from "./orders/index.ts";
export {
  type BacktestOptions,
  type BacktestResult,
  type BacktestSettings,
  csvOf,
  DEFAULT_BACKTEST,
  DEFAULT_EPISODE,
  Episode,
  type EpisodeSettings,
  type EpisodeState,
  equityColumns,
  FILL_MODELS,
  IDLE_OVERLAY,
  KalshiVectorEnv,
  latencyDistribution,
  type LatencySettings,
  MarketAgnosticKalshiEnv,
  marketColumns,
  NO_LATENCY,
  type OverlaySettings,
  prepareTape,
  runBacktest,
  type SessionData,
  SessionDataLoader,
  SimulatedOrderManager,
  tableOf,
  threadedKalshiEnv,
  tradeColumns,
  type WorldSummary,
} from "./sim/index.ts";
export {
  BASELINES,
  defineStrategy,
  type Desk,
  type MarketView,
  policyStrategy,
  STRATEGIES,
  type Strategy,
  type StrategyDefinition,
  Trader,
  type View,
} from "./strategies/index.ts";
export { DEFAULT_PPO, evaluatePolicies, loadModel, Policy, PpoTrainer } from "./learn/index.ts";
