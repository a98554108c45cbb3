/**
 * live: the actor that trades now. A fold from inputs to decisions and orders, the state machine, the
 * others' book, reconciliation with the venue's truth, the status log, and the shell that feeds it.
 * It knows no venue and no socket: market news, order events and readings come in as data, and orders
 * leave through the `OrderManager` port.
 */
export {
  Actor,
  type ActorOptions,
  type ActorProbe,
  type NewsSource,
  type RunJournal,
  type VenueDesk,
} from "./actor.ts";
export { type Decision, type LivePolicy } from "./decider.ts";
export { LINKS } from "./links.ts";
export { LiveTrader, type LiveTraderOptions } from "./live-trader.ts";
export type { RunListener } from "./live-market.ts";
export { OthersBook, type OwnResting } from "./others-book.ts";
export type { LiveEffect } from "./outbox.ts";
export { ID_FAMILY, strangersIn } from "./reconciliation.ts";
export {
  type FoldedInput,
  type JournalBlock,
  type ReplayOptions,
  type ReplayResult,
  replayRun,
} from "./replay.ts";
export {
  outputLine,
  outputWords,
  type ServiceHealth,
  type StatusFacts,
  statusText,
} from "./status-log.ts";
export { DecisionLog, type ToldDecision } from "./decision-log.ts";
export { dealWords, FillLog, type ToldFill } from "./fill-log.ts";
export { type Remark, Remarks } from "./remarks.ts";
export { RunRecording, type RunRecordingOptions } from "./run-recording.ts";
