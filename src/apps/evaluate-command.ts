/** `kalshi-gym evaluate`: a model against baselines on sessions that it has not seen. */
import { Command, Option } from "commander";
import type { ModelManifest } from "../learn/index.ts";
import { present, Prng } from "../core/index.ts";
import { drawStart } from "../sim/index.ts";
import { BASELINES } from "../strategies/index.ts";
import { type Configuration, episodeSettings, type Overrides, wanted } from "./configuration.ts";
import { type Console, consoleFor } from "./console.ts";
import { recordEpisode, type Recording, type RecordingOptions } from "./episode-recording.ts";
import {
  answersJson,
  collapseWarning,
  type ModelEvaluation,
  policiesJson,
  runAnswers,
} from "./evaluating.ts";
import { type Interruption, listenForInterruption } from "./interruption.ts";
import { addRunFlags, configurationOf, type RunFlags, wholeNumber } from "./run-flags.ts";
import { requireWritable } from "./writable-place.ts";
import {
  agentPolicy,
  type Choice,
  type LoadedSession,
  loadSessions,
  type ModelPlace,
  type OpenedModel,
  openModel,
} from "./wire.ts";

interface EvaluateFlags extends RunFlags {
  readonly model?: string;
  readonly normaliser?: string;
  readonly sessions?: string[];
  readonly episodes?: number;
  readonly choice?: Choice;
  readonly record?: string;
  readonly report?: string;
}

export function evaluateCommand(): Command {
  const command = new Command("evaluate")
    .description("compare a model with baselines on the same episodes")
    .option("--model <path>", "model folder as train makes it, model.json or an .onnx file")
    .option("--normaliser <file>", "statistics for a model from elsewhere (docs/models.md)")
    .option("--sessions <folders...>", "sessions, or folders of sessions")
    .option("--episodes <n>", "episodes that every policy plays", wholeNumber)
    .addOption(
      new Option("--choice <how>", "draw the agent's actions or take the most likely").choices([
        "best",
        "sample",
      ]),
    )
    .option("--record <file>", "record one of the agent's episodes, for replay")
    .option("--report <file>", "write a report (one HTML file)");
  addRunFlags(command).addHelpText(
    "after",
    "\nExample:\n  kalshi-gym evaluate --model models/first --sessions sessions/sample-5 " +
      "sessions/sample-6 --report report.html",
  );
  return command.action(async (flags: EvaluateFlags) => {
    const io = consoleFor(command);
    const { episodes, choice } = flags;
    const more = {
      evaluation: { episodes, choice },
      files: { sessions: flags.sessions, model: flags.model, normaliser: flags.normaliser },
    };
    const named = configurationOf(flags, more).files;
    const place: ModelPlace = {
      path: wanted("--model", "files.model", named.model),
      normaliser: named.normaliser,
    };
    const model = await openModel(place);
    const { manifest } = model;
    // A policy is judged in the world that it was trained in, unless told otherwise.
    const configuration = configurationOf(flags, more, trainedWorld(manifest));
    const { files } = configuration;
    for (const path of [flags.record, flags.report]) if (path !== undefined) requireWritable(path);
    const sessions = loadSessions(wanted("--sessions", "files.sessions", files.sessions), io);
    if (manifest === null) io.line(`Policy: ${model.description}.`);
    else warnOfSeenSessions(manifest, sessions, io);
    const interruption = listenForInterruption(() => io.warn("\nStopping after this episode."));
    try {
      const agent = agentPolicy(model, configuration.evaluation.choice);
      const { episodes } = configuration.evaluation;
      const shared = { configuration, sessions, interruption };
      const evaluations = await runAnswers({ ...shared, agent, episodes, io }, flags.fillModel);
      if (interruption.requested) return;
      const own = evaluations.find(
        ({ fillModel }) => fillModel === configuration.episode.fillModel,
      );
      const { results } = present(own, "the configured fill model is evaluated");
      const warning = collapseWarning(results.get("agent"));
      if (warning !== null) io.warn(warning);
      if (flags.record !== undefined || flags.report !== undefined) {
        await recordAndReport({ ...shared, model, place }, flags, evaluations, io);
      }
      io.json({
        episodes,
        policies: policiesJson(results),
        answers: answersJson(evaluations),
      });
    } finally {
      interruption.release();
    }
  });
}

/** The episode settings that a model was trained with, where its manifest tells of any. */
function trainedWorld(manifest: ModelManifest | null): Pick<Overrides, "episode"> {
  const { episode } = (manifest?.configuration ?? {}) as Pick<Overrides, "episode">;
  return episode === undefined ? {} : { episode };
}

/** A figure from sessions that a model was trained on says little; whoever makes one is told. */
function warnOfSeenSessions(
  manifest: ModelManifest,
  sessions: readonly LoadedSession[],
  io: Console,
): void {
  const seen = new Set(Object.values(manifest.sessions));
  for (const { folder, data } of sessions) {
    if (!seen.has(data.contentHash)) continue;
    io.warn(`${folder}: the model was trained on this session; its result here is not held out.`);
  }
}

async function recordAndReport(
  options: ShowcaseOptions,
  flags: EvaluateFlags,
  evaluations: readonly ModelEvaluation[],
  io: Console,
): Promise<void> {
  const { model, place, configuration, sessions } = options;
  const shown = recordShowcase(options);
  if (flags.record !== undefined) {
    shown.agent.writer.save(flags.record);
    io.line(`Episode recorded in ${flags.record}`);
  }
  if (flags.report !== undefined) {
    const { buildReport } = await import("./report/build-report.ts");
    await buildReport(flags.report, {
      title: `Evaluation of ${place.path}`,
      model: model.manifest ?? { modelHash: model.modelHash, description: model.description },
      evaluations,
      sessions: sessions.map(({ data }) => data.sessionId),
      configuration,
      learning: [],
      episode: { journal: shown.agent.journal, data: shown.data },
      equity: shown.equity,
    });
    io.line(`Report in ${flags.report}`);
  }
}

export interface Showcase {
  readonly agent: Recording;
  readonly data: LoadedSession["data"]["markets"][number];
  /** Portfolio value over the same episode, by policy: [time, dollars] per decision. */
  readonly equity: ReadonlyMap<string, readonly (readonly [number, number])[]>;
}

export interface ShowcaseOptions {
  readonly model: OpenedModel;
  /** Where it was opened, which the recording hints at. */
  readonly place: ModelPlace;
  readonly configuration: Configuration;
  readonly sessions: readonly LoadedSession[];
  readonly interruption: Interruption;
}

/** Draws of an episode to show, and fills from which it is worth showing. */
const SHOWCASE_DRAWS = 12;
const SHOWCASE_FILLS = 4;

/**
 * One episode, drawn from the seed, played and recorded by the agent and by every baseline. Of a
 * dozen draws it is the first in which the agent trades a little; an agent that never does is shown
 * doing nothing.
 */
export function recordShowcase(options: ShowcaseOptions): Showcase {
  const { model, place, configuration, sessions, interruption } = options;
  const settings = episodeSettings(configuration);
  const { choice } = configuration.evaluation;
  const entries = sessions.flatMap(({ folder, data }) =>
    data.markets.map((market) => ({ folder, market })),
  );
  const markets = entries.map(({ market }) => market);
  const seed = `showcase ${configuration.seed}`;
  const prng = Prng.fromSeed(seed);
  let shown: { agent: Recording; shared: SharedRecording } | null = null;
  for (let draw = 0; draw < SHOWCASE_DRAWS && !interruption.requested; draw++) {
    const start = drawStart(markets, settings.steps, prng);
    const { folder, market: data } = present(entries[start.market], "a drawn market is there");
    const shared = { data, startRow: start.startRow, settings, seed, interruption };
    const agent = recordEpisode({
      ...shared,
      policy: agentPolicy(model, choice),
      policyName: { name: "agent", modelHash: model.modelHash, choice },
      hints: {
        sessionFolder: folder,
        modelFolder: place.path,
        ...(place.normaliser === undefined ? {} : { normaliserFile: place.normaliser }),
      },
    });
    const isLively = fillCount(agent) >= SHOWCASE_FILLS;
    if (shown === null || isLively) shown = { agent, shared };
    if (isLively) break;
  }
  const { agent, shared } = present(shown, "at least one episode was drawn");
  const equity = new Map([["agent", equityOf(agent)]]);
  for (const policy of BASELINES) {
    const policyName = { name: policy.name, modelHash: null, choice: "sample" } as const;
    equity.set(policy.name, equityOf(recordEpisode({ ...shared, policy, policyName })));
  }
  return { agent, data: shared.data, equity };
}

type SharedRecording = Omit<RecordingOptions, "policy" | "policyName" | "hints">;

function fillCount({ journal }: Recording): number {
  return journal.steps.reduce(
    (sum, { events }) => sum + events.filter((event) => event.kind === "filled").length,
    0,
  );
}

function equityOf({ journal }: Recording): readonly [number, number][] {
  return journal.steps.map(({ atUs, value }) => [atUs, value / 1e6]);
}
