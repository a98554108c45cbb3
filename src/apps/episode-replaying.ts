/** A recorded episode played again: its market and policy found, and its journal made anew. */
import { OperationError } from "../core/index.ts";
import { SCHEMA_HASH } from "../features/index.ts";
import type { EpisodeHeader, EpisodeJournal } from "../journal/index.ts";
import type { EvaluatedPolicy } from "../learn/index.ts";
import { DEFAULT_EPISODE, type EpisodeSettings, type MarketData } from "../sim/index.ts";
import type { Console } from "./console.ts";
import { recordEpisode } from "./episode-recording.ts";
import { agentPolicy, baselinePolicy, findMarket, loadSessions, openModel } from "./wire.ts";

/** Where things are now, if not where they were when an episode was recorded. */
export interface Whereabouts {
  readonly sessions?: readonly string[] | undefined;
  readonly model?: string | undefined;
  readonly normaliser?: string | undefined;
}

/** Runs a recorded episode again from its header. */
export async function replayEpisode(
  recorded: EpisodeJournal,
  where: Whereabouts,
  io: Console,
): Promise<EpisodeJournal> {
  const { header, hints } = recorded;
  const { journal } = recordEpisode({
    data: recordedMarket(recorded, where, io),
    startRow: header.startRow,
    settings: header.settings as EpisodeSettings,
    seed: header.seed,
    policy: await recordedPolicy(recorded, where),
    policyName: header.policy,
    hints,
  });
  return journal;
}

/** The market that an episode was recorded in, when it can be played by this version. */
export function recordedMarket(
  { header, hints }: EpisodeJournal,
  where: Whereabouts,
  io: Console,
): MarketData {
  if (header.schemaHash !== SCHEMA_HASH) {
    throw new OperationError(
      "EPISODE_SCHEMA",
      `episode: expected observation schema ${SCHEMA_HASH.slice(0, 12)}, was ` +
        `${header.schemaHash.slice(0, 12)}; replay it with ${header.software}`,
    );
  }
  const paths = where.sessions ?? (hints.sessionFolder === undefined ? [] : [hints.sessionFolder]);
  const sessions = loadSessions(paths, io);
  const data = findMarket(sessions, header.session.contentHash, header.ticker);
  if (data === undefined) {
    throw new OperationError(
      "EPISODE_SESSION",
      `episode: expected session ${header.session.id} with content ` +
        `${header.session.contentHash.slice(0, 12)} and market ${header.ticker}, was not among ` +
        `${paths.join(", ") || "no sessions"}; name its folder with --sessions`,
    );
  }
  requireReplayable(header, data);
  return data;
}

/** Settings of episodes that stand in no default. */
const OPTIONAL_SETTINGS: readonly string[] = [
  "membership",
  "overlay",
] satisfies readonly (keyof EpisodeSettings)[];

/** What the hashes cannot show: that settings and start are such as this version can play. */
function requireReplayable({ settings, startRow, software }: EpisodeHeader, data: MarketData) {
  const known = Object.keys(DEFAULT_EPISODE);
  const given = Object.keys(settings as object);
  const odd =
    known.find((key) => !given.includes(key)) ??
    given.find((key) => !known.includes(key) && !OPTIONAL_SETTINGS.includes(key));
  if (odd !== undefined) {
    throw new OperationError(
      "EPISODE_SETTINGS",
      `episode: settings.${odd}: expected the settings ${known.join(", ")}, was ` +
        `${given.includes(odd) ? "one more" : "missing"}; replay it with ${software}`,
    );
  }
  if (data.rows.valid[startRow] !== 1) {
    throw new OperationError(
      "EPISODE_START",
      `episode: startRow: expected a row of ${data.info.ticker} at which its book is known, ` +
        `was ${startRow} of ${data.rows.count}`,
    );
  }
}

/** Who decided in a recorded episode, ready to decide again. */
export async function recordedPolicy(
  { header, hints }: EpisodeJournal,
  where: Whereabouts,
): Promise<EvaluatedPolicy> {
  const { name, modelHash, choice } = header.policy;
  if (modelHash === null) {
    const baseline = baselinePolicy(name);
    if (baseline !== undefined) return baseline;
    throw new OperationError("EPISODE_POLICY", `episode: expected a known policy, was "${name}"`);
  }
  const place = where.model ?? hints.modelFolder;
  if (place === undefined) {
    throw new OperationError(
      "EPISODE_POLICY",
      `episode: expected to be told where model ${modelHash.slice(0, 12)} is; name it with --model`,
    );
  }
  // Statistics that were named for another place need not be those of this one.
  const named = where.normaliser ?? (where.model === undefined ? hints.normaliserFile : undefined);
  const model = await openModel({ path: place, normaliser: named });
  if (model.modelHash !== modelHash) {
    throw new OperationError(
      "EPISODE_POLICY",
      `${place}: expected model ${modelHash.slice(0, 12)}, was ` +
        `${model.modelHash.slice(0, 12)}; name the episode's own model with --model`,
    );
  }
  return agentPolicy(model, choice);
}
