/**
 * `kalshi-gym demo`: everything once, on the sample sessions. Trains, evaluates on held-out
 * sessions under an optimistic and a pessimistic fill model, records an episode, replays it to
 * prove that it is identical, writes a report, and says what happened and what to try next.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { OperationError } from "../core/index.ts";
import { compareEpisodes, readEpisode } from "../journal/index.ts";
import type { PolicyResult } from "../learn/index.ts";
import { GENERATE_START_US, type GenerateOptions } from "../market/index.ts";
import { readConfiguration } from "./configuration.ts";
import { type Console, consoleFor } from "./console.ts";
import { recordShowcase } from "./evaluate-command.ts";
import { collapseWarning, type ModelEvaluation, runAnswers } from "./evaluating.ts";
import { generateInto } from "./generate-command.ts";
import { type Interruption, listenForInterruption } from "./interruption.ts";
import { replayEpisode } from "./episode-replaying.ts";
import { wholeNumber } from "./run-flags.ts";
import { clearModelFolder } from "./run-files.ts";
import { trainOnSessions } from "./train-sessions.ts";
import {
  agentPolicy,
  type LoadedSession,
  loadSessions,
  openModel,
  PACKAGE_ROOT,
  SAMPLE_HELD_OUT,
  SAMPLE_TRAINING,
} from "./wire.ts";

/** Steps that train in a quarter of a minute on two cores. */
const DEMO_STEPS = 1_015_808;
const DEMO_EPISODES = 40;
/**
 * Made anew for every demo: a million steps on the eight markets of the samples alone would learn
 * these by heart, and lose on any other.
 */
const PRACTICE: readonly GenerateOptions[] = [
  { id: "practice-1", profile: "basketball", events: 13, seed: 101 },
  { id: "practice-2", profile: "fight", events: 10, seed: 102 },
].map((options) => ({ ...options, minutes: 30, startUs: GENERATE_START_US }) as GenerateOptions);

interface DemoFlags {
  readonly steps: number;
  readonly seed: number;
  readonly out: string;
}

export function demoCommand(): Command {
  const command = new Command("demo")
    .description("train, evaluate, replay and report on the sample sessions, in two minutes")
    .option("--steps <n>", "training steps", wholeNumber, DEMO_STEPS)
    .option("--seed <n>", "seed of the run", wholeNumber, 42)
    .option("--out <folder>", "where model, episode and report go", "models/demo")
    .option("--json", "one JSON object as the last line")
    .addHelpText(
      "after",
      "\nExample:\n  kalshi-gym demo --steps 3000000 --seed 7 --out models/longer",
    );
  return command.action(async (flags: DemoFlags) => {
    const io = consoleFor(command);
    const interruption = listenForInterruption(() => {
      io.warn("\nStopping; what was made so far stays. Ctrl-C again quits at once.");
    });
    try {
      await runDemo(flags, io, interruption);
    } finally {
      interruption.release();
    }
  });
}

async function runDemo(flags: DemoFlags, io: Console, interruption: Interruption): Promise<void> {
  const { out } = flags;
  const configuration = readConfiguration(undefined, {
    seed: flags.seed,
    ppo: { totalSteps: flags.steps },
    evaluation: { episodes: DEMO_EPISODES },
  });
  clearModelFolder(out);
  const practice = await generatePractice(out, io, interruption);
  if (practice === null) return;
  const training = loadSessions([...samples(SAMPLE_TRAINING), ...practice], io);
  const heldOut = loadSessions(samples(SAMPLE_HELD_OUT), io);
  io.line(`1. Training on ${count(training)} markets of ${training.length} generated sessions.`);
  const trained = await trainOnSessions({
    configuration,
    sessions: training,
    out,
    resume: false,
    io,
    interruption,
  });
  const { manifest } = trained;
  io.line(
    `   ${manifest.steps.toLocaleString("en-US")} steps at ` +
      `${trained.stepsPerSecond.toLocaleString("en-US")} steps/s. ` +
      `Model ${manifest.modelHash.slice(0, 12)} in ${out}`,
  );
  if (trained.ending === "interrupted") return;

  io.line(`2. Evaluating on ${heldOut.length} sessions that the agent has never seen.`);
  const evaluations = await runAnswers({
    configuration,
    sessions: heldOut,
    agent: agentPolicy(await openModel({ path: out }), configuration.evaluation.choice),
    episodes: configuration.evaluation.episodes,
    io,
    interruption,
  });
  if (interruption.requested) return;

  const episodeFile = join(out, "episode.jsonl");
  const place = { path: out };
  const showcase = recordShowcase({
    model: await openModel(place),
    place,
    configuration,
    sessions: heldOut,
    interruption,
  });
  if (interruption.requested) return;
  showcase.agent.writer.save(episodeFile);
  const recorded = readEpisode(episodeFile);
  io.line(`3. Replaying the recorded episode ${episodeFile} from its header.`);
  const replayed = await replayEpisode(recorded, {}, io);
  const identical =
    compareEpisodes(recorded, replayed) === null && recorded.journalHash === replayed.journalHash;
  io.line(
    identical
      ? `   Identical, bit for bit: ${recorded.steps.length} steps, journal ` +
          `${recorded.journalHash.slice(0, 12)}`
      : `   DIFFERENT: run "kalshi-gym replay ${episodeFile} --verify" to see where.`,
  );
  if (!identical) process.exitCode = 1;

  const reportFile = join(out, "report.html");
  // Pictures need heavy libraries, which load only here.
  const { buildReport } = await import("./report/build-report.ts");
  await buildReport(reportFile, {
    title: "kalshi-gym demo",
    model: manifest,
    configuration,
    sessions: heldOut.map(({ data }) => data.sessionId),
    evaluations,
    learning: trained.history,
    episode: { journal: recorded, data: showcase.data },
    equity: showcase.equity,
  });
  tellEnd(out, reportFile, episodeFile, evaluations, io);
  io.json({
    model: out,
    modelHash: manifest.modelHash,
    steps: manifest.steps,
    stepsPerSecond: trained.stepsPerSecond,
    identical,
    journalHash: recorded.journalHash,
    report: reportFile,
  });
}

/** Makes sessions to learn from below `out`; their folders, or null where it was interrupted. */
async function generatePractice(
  out: string,
  io: Console,
  interruption: Interruption,
): Promise<string[] | null> {
  const folders: string[] = [];
  for (const options of PRACTICE) {
    const folder = join(out, options.id);
    const made = await generateInto(folder, options, { replace: true }, io, interruption);
    if (made === null) return null;
    folders.push(folder);
  }
  return folders;
}

function tellEnd(
  out: string,
  report: string,
  episode: string,
  evaluations: readonly ModelEvaluation[],
  io: Console,
): void {
  io.line();
  io.line("What happened");
  io.line(
    "  An agent learnt to trade from recorded order books, was judged on others, and one of its\n" +
      "  episodes was shown to repeat exactly. The fill models differ in where our orders stand in a\n" +
      "  queue; it was trained under queue. Profit under touch alone proves nothing.",
  );
  for (const { fillModel, results } of evaluations) {
    const warning = collapseWarning(results.get("agent"));
    if (warning !== null) io.line(`  ${fillModel}: ${warning}`);
    if (fillModel === "queue") io.line(`  ${verdict(results)}`);
  }
  io.line("Files");
  io.line(`  ${report}   the report: open it in a browser`);
  io.line(`  ${out}   the model: manifest, weights, checkpoint, metrics`);
  io.line(`  ${episode}   the recorded episode`);
  io.line("Try next");
  io.line(`  npx kalshi-gym replay ${episode} --step 10`);
  io.line(`  npx kalshi-gym sessions info sessions/sample-5`);
  io.line(
    `  npx kalshi-gym train --sessions sessions/sample-1 sessions/sample-2 --fill-model through ` +
      `--steps 1000000 --out models/cautious`,
  );
}

/** Whether the agent has done better than staying out, in words. */
function verdict(results: ReadonlyMap<string, PolicyResult>): string {
  const agent = results.get("agent");
  if (agent !== undefined && agent.low > 0) {
    return "Under queue it does better than staying out, on these sessions and with this seed.";
  }
  if (agent !== undefined && agent.high < 0) return "Under queue it does worse than staying out.";
  return "Under queue its profit cannot be told from that of staying out.";
}

function count(sessions: readonly LoadedSession[]): number {
  return sessions.reduce((sum, { data }) => sum + data.markets.length, 0);
}

/** Folders of sample sessions: beside the user where there are any, else the package's own. */
function samples(names: readonly string[]): string[] {
  return names.map((name) => {
    const beside = join("sessions", name);
    const own = join(PACKAGE_ROOT, "sessions", name);
    const folder = existsSync(join(beside, "session.db")) ? beside : own;
    if (existsSync(join(folder, "session.db"))) return folder;
    throw new OperationError(
      "SESSION_MISSING",
      `${folder}: expected a sample session, was none; ` +
        `"kalshi-gym sessions generate --samples" makes them`,
    );
  });
}
