/**
 * features: what an agent sees. The 52-feature observation and its schema, the encoder of one
 * market that recorded and live data are both fed through, the account's part, precomputed rows of
 * a tape and the check of observations over sessions. It never decides, reads no clock and knows
 * nothing of results: only of what has happened by now.
 */
export { type AccountView, createAccountView, encodeAccount } from "./account-features.ts";
export { EventClock } from "./event-clock.ts";
export { EventGroup } from "./event-group.ts";
export {
  ACCOUNT_OFFSET,
  type Feature,
  FEATURE_CONSTANTS,
  FEATURE_COUNT,
  FEATURE_NAMES,
  type FeatureGroup,
  FEATURES,
  featureTable,
  MARKET_FEATURE_COUNT,
  requireSchema,
  SCHEMA_HASH,
  SCHEMA_VERSION,
  TEMPORAL_OFFSET,
} from "./feature-schema.ts";
export { MarketEncoder, type MarketEncoderOptions } from "./market-encoder.ts";
export {
  type Cadence,
  copyMarketRow,
  type FeatureRows,
  MARKET_FEATURES,
  precomputeFeatures,
  type PrecomputeOptions,
} from "./precompute.ts";
export {
  type FeatureReport,
  formatObservationCheck,
  fullObservationSet,
  type MirrorReport,
  observationCheck,
  type ObservationReport,
  type ObservationSet,
  observationSet,
} from "./observation-check.ts";
