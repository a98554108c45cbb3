/** `kalshi-gym replay`: look into a recorded episode, or prove that it happens again bit for bit. */
import { Command } from "commander";
import { MICRO_USD_PER_USD, OperationError } from "../core/index.ts";
import { SCHEMA_HASH } from "../features/index.ts";
import {
  compareEpisodes,
  type EpisodeHeader,
  type EpisodeJournal,
  type JournalStep,
  readEpisode,
} from "../journal/index.ts";
import type { EvaluatedPolicy } from "../learn/index.ts";
import { ACTION_NAMES, type OrderCommand, type OrderEvent } from "../orders/index.ts";
import { DEFAULT_EPISODE, type EpisodeSettings, type MarketData } from "../sim/index.ts";
import { readConfiguration } from "./configuration.ts";
import { type Console, consoleFor } from "./console.ts";
import { recordEpisode } from "./episode-recording.ts";
import { wholeNumberFrom0 } from "./run-flags.ts";
import { agentPolicy, baselinePolicy, findMarket, loadSessions, openModel } from "./wire.ts";

interface ReplayFlags {
  readonly config?: string;
  readonly verify?: true;
  readonly sessions?: string[];
  readonly model?: string;
  readonly normaliser?: string;
  readonly step?: number;
}

export function replayCommand(): Command {
  const command = new Command("replay")
    .description("show a recorded episode, or run it again and compare")
    .argument("<episode>", "file that evaluate --record or the demo wrote")
    .option("--verify", "run it again and name the first step that differs")
    .option("--config <file>", "configuration file; its files.sessions and files.model are used")
    .option("--sessions <folders...>", "where the session is; else where it was when recorded")
    .option("--model <path>", "where the model is; else where it was when recorded")
    .option("--normaliser <file>", "statistics for a model from elsewhere (docs/models.md)")
    .option("--step <n>", "show this step in full; the first is 0", wholeNumberFrom0)
    .option("--json", "one JSON object as the last line")
    .addHelpText(
      "after",
      "\nExample:\n  kalshi-gym replay runs/demo/episode.jsonl --verify\n\n" +
        "With --verify the exit code is 0 where the episodes are identical, else 1.",
    );
  return command.action(async (path: string, flags: ReplayFlags) => {
    const io = consoleFor(command);
    const recorded = readEpisode(path);
    if (flags.verify === true) {
      await verify(recorded, flags, io);
      return;
    }
    if (flags.step !== undefined) showStep(path, recorded, flags.step, io);
    else for (const line of summaryLines(recorded)) io.line(line);
    io.json({ steps: recorded.steps.length, journalHash: recorded.journalHash });
  });
}

async function verify(recorded: EpisodeJournal, flags: ReplayFlags, io: Console): Promise<void> {
  // A file is read only where one is named: an episode carries all its settings itself.
  const { sessions, model, normaliser } = flags;
  const named = { files: { sessions, model, normaliser } };
  const { files } = flags.config === undefined ? named : readConfiguration(flags.config, named);
  const replayed = await replayEpisode(recorded, files, io);
  const difference = compareEpisodes(recorded, replayed);
  const identical = difference === null && recorded.journalHash === replayed.journalHash;
  const steps = recorded.steps.length;
  const journalHash = replayed.journalHash;
  if (identical) {
    io.line(`Identical: ${steps} steps, journal ${journalHash.slice(0, 12)}`);
    io.json({ identical, steps, journalHash });
    return;
  }
  process.exitCode = 1;
  const {
    step,
    field,
    recorded: was,
    replayed: is,
  } = difference ?? {
    step: steps,
    field: "journalHash",
    recorded: recorded.journalHash,
    replayed: journalHash,
  };
  const place = step < 0 ? "the header" : `step ${step}`;
  io.line(`Different: ${place} differs first, in ${field}`);
  io.line(`  recorded: ${JSON.stringify(was)}`);
  io.line(`  replayed: ${JSON.stringify(is)}`);
  io.json({
    identical,
    steps,
    journalHash,
    difference: { step, field, recorded: was, replayed: is },
  });
}

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
  const { journal } = recordEpisode({
    data,
    startRow: header.startRow,
    settings: header.settings as EpisodeSettings,
    seed: header.seed,
    policy: await policyOf(recorded, where),
    policyName: header.policy,
    hints,
  });
  return journal;
}

/** What the hashes cannot show: that settings and start are such as this version can play. */
function requireReplayable({ settings, startRow, software }: EpisodeHeader, data: MarketData) {
  const known = Object.keys(DEFAULT_EPISODE);
  const given = Object.keys(settings as object);
  const odd =
    known.find((key) => !given.includes(key)) ?? given.find((key) => !known.includes(key));
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

async function policyOf(
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

const usd = (amount: number): string => `$${(amount / MICRO_USD_PER_USD).toFixed(2)}`;
const cents = (price: number): string => `${price / 100}c`;
const time = (atUs: number): string => new Date(atUs / 1000).toISOString().slice(11, 23);

function summaryLines({ header, steps, end, journalHash }: EpisodeJournal): string[] {
  const fills = steps.flatMap(({ events }) => events.filter((event) => event.kind === "filled"));
  const sent = steps.reduce((sum, step) => sum + step.sent.length, 0);
  const first = steps[0];
  const lines = [
    `${header.ticker} of session ${header.session.id}, ${header.policy.name}, seed ${header.seed}`,
    `${end.steps} steps from ${first === undefined ? "?" : new Date(first.atUs / 1000).toISOString()}, ` +
      `${end.end}; ${sent} order messages, ${fills.length} fills; ends at ${usd(end.value)}`,
    `journal ${journalHash}`,
  ];
  for (const step of steps) {
    for (const event of step.events) {
      if (event.kind === "filled") lines.push(`  step ${step.step}  ${eventLine(event)}`);
    }
  }
  return lines;
}

function showStep(path: string, journal: EpisodeJournal, number: number, io: Console): void {
  const step = journal.steps[number];
  if (step === undefined) {
    throw new OperationError(
      "EPISODE_STEP",
      `${path}: expected a step from 0 to ${journal.steps.length - 1}, was ${number}`,
    );
  }
  for (const line of stepLines(step)) io.line(line);
}

function stepLines(step: JournalStep): string[] {
  const allowed = [...step.mask].flatMap((digit, action) =>
    digit === "1" ? [ACTION_NAMES[action] ?? String(action)] : [],
  );
  return [
    `step ${step.step} at ${time(step.atUs)}: bid ${cents(step.bid)}, ask ${cents(step.ask)}`,
    `  allowed: ${allowed.join(", ")}`,
    `  action:  ${ACTION_NAMES[step.action] ?? step.action}`,
    ...step.sent.map((command) => `  sent:    ${commandLine(command)}`),
    ...step.refused.map((reason) => `  stopped by the risk gate: ${reason}`),
    ...step.events.map((event) => `  heard:   ${eventLine(event)}`),
    `  after:   value ${usd(step.value)}, cash ${usd(step.cash)}, ` +
      `position ${step.position / 100} contracts, reward ${usd(step.reward)}`,
  ];
}

function commandLine(command: OrderCommand): string {
  if (command.kind === "submit") {
    const { clientOrderId, side, price, size } = command.request;
    return `${clientOrderId} ${side === 0 ? "bid" : "ask"} ${size / 100} at ${cents(price)}`;
  }
  if (command.kind === "cancel") return `${command.clientOrderId} cancel`;
  return `${command.clientOrderId} amend to ${command.size / 100} at ${cents(command.price)}`;
}

function eventLine(event: OrderEvent): string {
  const head = `${time(event.atUs)} ${event.clientOrderId} ${event.kind}`;
  if (event.kind === "filled") {
    const { evidence } = event;
    const ahead = evidence.kind === "trade" ? `, ${evidence.ahead / 100} ahead` : "";
    const why =
      evidence.kind === "venue"
        ? `trade ${evidence.tradeId}`
        : `${evidence.kind} of ${evidence.size / 100} at ${cents(evidence.price)}${ahead}, row ${evidence.row}`;
    return `${head} ${event.size / 100} at ${cents(event.price)} as ${event.role}, fee ${usd(event.fee)} (${why})`;
  }
  return "reason" in event ? `${head}: ${event.reason}` : head;
}
