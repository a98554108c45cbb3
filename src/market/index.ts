/**
 * market: what happened. Market facts, the price grid, the order book, fees, recorded sessions and
 * their tapes, importers and the generator of sample sessions. It knows nothing of own orders.
 */
export {
  BALANCE_STEP,
  balanceStepOf,
  type ChargedFill,
  chargeFee,
  type FeeCharge,
  type FeeTerms,
  type FeeType,
  type LiquidityRole,
  type Membership,
  MEMBERSHIPS,
  parseFeeType,
  tradeFee,
} from "./fee-schedule.ts";
export {
  dearestFees,
  type FeeChange,
  type FeeOverride,
  feesAt,
  resolveFees,
} from "./fee-timeline.ts";
export type { EventInfo, MarketInfo, ResultSource, Settlement } from "./market-info.ts";
export { type BookLevels, OrderBook } from "./order-book.ts";
export { QUEUE_COUNT_FIELDS, queueQuality, type QueueQuality } from "./queue-reconstruction.ts";
export { LINEAR_CENT, PriceGrid, type PriceRange } from "./price-grid.ts";
export { BookSide, EventKind, marketIndexOf, MarketStatus, streamRows, type Tape } from "./tape.ts";
export {
  createSession,
  type CreateSessionOptions,
  isBlankSession,
  resumeSession,
} from "./create-session.ts";
export type { SessionWriter, SnapshotLevel } from "./session-writer.ts";
export { openSession, type ReadTapeOptions, type Session } from "./session.ts";
export {
  type Gap,
  type GapReason,
  SESSION_FILE,
  type SessionCounts,
  type SessionFacts,
  type SessionSpan,
} from "./session-format.ts";
export { type EventColumns, NO_STAMP, StampResolution } from "./event-columns.ts";
export type { GivenFees, ImportOptions, ImportReport, MarketReport } from "./import-options.ts";
export { importSession } from "./import-session.ts";
export { formatIsoTime, parseIsoTime } from "./iso-time.ts";
export { type QualityShare, type SessionQuality, sessionQuality } from "./session-quality.ts";
export { type MarketFindings, validateSession, type Validation } from "./validate-session.ts";
export { type ExportFormat, exportSession, sessionTable } from "./export-session.ts";
export {
  GENERATE_START_US,
  type GeneratedSummary,
  generateInSteps,
  type GenerateOptions,
  generateSession,
} from "./generate.ts";
export { SAMPLES, type SampleSession } from "./generate-samples.ts";
export { type ProfileName, PROFILES } from "./generate-profile.ts";
export {
  type MarketStatistics,
  marketStatistics,
  type PairStatistics,
  pairStatistics,
  type Quantiles,
  type StatisticsWindow,
} from "./session-statistics.ts";
