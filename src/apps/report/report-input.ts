/** What a report is made of: results, one recorded episode, and where they come from. */
import type { EpisodeJournal } from "../../journal/index.ts";
import type { IterationReport, ModelManifest, PolicyResult } from "../../learn/index.ts";
import type { MarketData } from "../../sim/index.ts";
import type { Configuration } from "../configuration.ts";

/** A model from elsewhere, of whose training nothing is known. */
export interface OtherModel {
  readonly modelHash: string;
  readonly description: string;
}

export interface ReportInput {
  readonly title: string;
  readonly model: ModelManifest | OtherModel;
  readonly configuration: Configuration;
  /** Held-out sessions by id. */
  readonly sessions: readonly string[];
  /** Profit per episode by policy ("agent", "hold", "random", "join"), for each fill model. */
  readonly evaluations: readonly {
    readonly fillModel: string;
    readonly results: ReadonlyMap<string, PolicyResult>;
  }[];
  /** The training run, iteration by iteration; empty where it was not seen. */
  readonly learning: readonly IterationReport[];
  /** One episode of the agent, and the market that it was played in. */
  readonly episode: { readonly journal: EpisodeJournal; readonly data: MarketData };
  /** Portfolio value in dollars over that same episode, by policy: [time in us, dollars]. */
  readonly equity: ReadonlyMap<string, readonly (readonly [number, number])[]>;
}
