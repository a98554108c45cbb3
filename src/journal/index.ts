/**
 * journal: what happened in a run, written so that it can be proved. Episode records with a hash
 * chain, their reader, and the comparison that names the first difference; the journal of live runs,
 * which survives the death of its process. It records what it is handed; it neither simulates nor
 * decides.
 */
export {
  compareEpisodes,
  type Difference,
  type EpisodeHeader,
  type EpisodeHints,
  type EpisodeJournal,
  EpisodeWriter,
  type JournalEnd,
  type JournalStep,
  readEpisode,
} from "./episode-journal.ts";
export type { LiveCounts, LiveFill, SentOrder } from "./live-format.ts";
export { LiveJournal } from "./live-journal.ts";
export {
  type LastPart,
  lastPart,
  type LiveBlock,
  LiveJournalReader,
  type LivePart,
  type LivePartFacts,
  readLiveJournal,
} from "./live-reader.ts";
export {
  type AccountReading,
  type Correction,
  LIVE_STATES,
  type LinkName,
  type LiveEntry,
  type LiveHeader,
  type LiveInput,
  type LiveOutput,
  type LiveSettings,
  type LiveState,
  type MarketNews,
  type MissedFill,
  type RestingOrder,
} from "./live-record.ts";
