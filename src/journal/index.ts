/**
 * journal: what happened in a run, written so that it can be proved. Episode records with a hash
 * chain, their reader, and the comparison that names the first difference. It records what it is
 * handed; it neither simulates nor decides.
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
