/** `kalshi-gym replay`: look into a recorded episode, or prove that it happens again bit for bit. */
import { existsSync, statSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { messageOf, MICRO_USD_PER_USD, OperationError } from "../core/index.ts";
import {
  compareEpisodes,
  type EpisodeJournal,
  type JournalStep,
  readEpisode,
} from "../journal/index.ts";
import {
  type Action,
  ACTION_NAMES,
  type FillEvidence,
  type OrderCommand,
  type OrderEvent,
} from "../orders/index.ts";
import { FILL_MODELS, type FillModelName } from "../sim/index.ts";
import { readConfiguration } from "./configuration.ts";
import { type Console, consoleFor } from "./console.ts";
import { replayEpisode, type Whereabouts } from "./episode-replaying.ts";
import { wholeNumberFrom0 } from "./run-flags.ts";
import { liveJournalAt, type ReplayedPart, replayLive } from "./live/live-replaying.ts";
import { tellReplayedRun } from "./live/tell-replay.ts";
import { wrongUsage } from "./wrong-usage.ts";
import { type Then, THENS, whatIf, whatIfLines } from "./what-if.ts";

interface ReplayFlags {
  readonly config?: string;
  readonly verify?: true;
  readonly sessions?: string[];
  readonly model?: string;
  readonly normaliser?: string;
  readonly step?: number;
  readonly act?: Action;
  readonly then: Then;
  readonly shadow?: FillModelName;
  readonly session?: string;
}

export function replayCommand(): Command {
  const command = new Command("replay")
    .description("show a recorded episode, or run it again and compare")
    .argument("<episode>", "file that evaluate --record or the demo wrote, or a live run's folder")
    .option("--verify", "run it again and name the first step that differs")
    .option("--config <file>", "configuration file; its files.sessions and files.model are used")
    .option("--sessions <folders...>", "where the session is; else where it was when recorded")
    .option("--model <path>", "where the model is; else where it was when recorded")
    .option("--normaliser <file>", "statistics for a model from elsewhere (docs/models.md)")
    .option("--step <n>", "show this step in full; the first is 0", wholeNumberFrom0)
    .addOption(
      new Option("--act <action>", "what if the agent had done this at --step: a name or 0 to 4")
        .argParser(actionWord)
        .conflicts("verify"),
    )
    .addOption(
      new Option("--then <how>", "with --act: who decides afterwards")
        .choices(THENS)
        .default("recorded"),
    )
    .addOption(
      new Option("--shadow [model]", "a live run: its orders beside the same ones in the simulator")
        .choices(Object.keys(FILL_MODELS))
        .preset("queue"),
    )
    .option("--session <folder>", "a live run: keep its recording as a session")
    .option("--json", "one JSON object as the last line")
    .addHelpText(
      "after",
      "\nExamples:\n  kalshi-gym replay runs/demo/episode.jsonl --verify\n" +
        "  kalshi-gym replay runs/demo/episode.jsonl --step 90 --act SELL_YES_LIMIT\n" +
        "  kalshi-gym replay live/local --model models/first --shadow\n\n" +
        "With --verify the exit code is 0 where the episodes are identical, else 1.",
    );
  return command.action(async (path: string, flags: ReplayFlags) => {
    const io = consoleFor(command);
    if (liveJournalAt(path) !== null) {
      refuseFlagsOfOther(path, true, flags);
      await replayRun(path, flags, io);
      return;
    }
    const recorded = episodeAt(path);
    refuseFlagsOfOther(path, false, flags);
    if (flags.verify === true) {
      await verify(recorded, flags, io);
      return;
    }
    if (flags.act !== undefined) {
      const { step, act: action, then } = flags;
      if (step === undefined)
        return command.error("error: option '--act <action>' needs '--step <n>'");
      requireStepOf(path, recorded, step);
      const answer = await whatIf({ recorded, step, action, then, where: placesOf(flags), io });
      for (const line of whatIfLines(answer)) io.line(line);
      io.json({
        step,
        recorded: { action: answer.recorded.action, value: answer.recorded.value },
        other: { action: answer.other.action, value: answer.other.value },
        difference: answer.other.value - answer.recorded.value,
      });
      return;
    }
    if (flags.step !== undefined) showStep(path, recorded, flags.step, io);
    else for (const line of summaryLines(recorded)) io.line(line);
    io.json({ steps: recorded.steps.length, journalHash: recorded.journalHash });
  });
}

/** A flag that says nothing about what stands at the path would be passed over without a word. */
function refuseFlagsOfOther(path: string, isLive: boolean, flags: ReplayFlags): void {
  const ofOther = isLive
    ? (["config", "sessions", "step", "act"] as const)
    : (["shadow", "session"] as const);
  const given = ofOther.find((flag) => flags[flag] !== undefined);
  if (given === undefined) return;
  const [found, of] = isLive
    ? ["a live run", "a recorded episode"]
    : ["a recorded episode", "a live run"];
  throw wrongUsage(`--${given} is a flag for ${of}, and ${path} is ${found}`);
}

/** A live run is always run again: there is nothing else to see in it that its status does not tell. */
async function replayRun(path: string, flags: ReplayFlags, io: Console): Promise<void> {
  const { model, normaliser, shadow = null, session = null } = flags;
  const place = model === undefined ? null : { path: model, normaliser };
  const parts = await replayLive({ path, model: place, shadow, session });
  const { policy } = parts.at(-1)?.header ?? {};
  if (place !== null && policy !== undefined && parts.every(isDecidedByRule)) {
    io.warn(`${path}: the rule "${policy.name}" decided; --model is not read`);
  }
  if (!tellReplayedRun(parts, io)) process.exitCode = 1;
}

function isDecidedByRule({ header }: ReplayedPart): boolean {
  return header.policy.modelHash === null;
}

/** Reads an episode; where the path is none, the sentence names all that can be replayed. */
function episodeAt(path: string): EpisodeJournal {
  try {
    return readEpisode(path);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const { code, cause } = error;
    if (code !== "EPISODE_MISSING" && code !== "EPISODE_NONE") throw error;
    const found = code === "EPISODE_NONE" ? "something else" : missingAt(path, cause);
    throw new OperationError(
      code,
      `${path}: expected a recorded episode, or the journal of a live run or its folder, was ${found}`,
      { cause: error },
    );
  }
}

function missingAt(path: string, cause: unknown): string {
  if (!existsSync(path)) return "nothing there";
  return statSync(path).isDirectory() ? "a folder without a journal.db" : `: ${messageOf(cause)}`;
}

/** A file is read only where one is named: an episode carries all its settings itself. */
function placesOf({ sessions, model, normaliser, config }: ReplayFlags): Whereabouts {
  const named = { files: { sessions, model, normaliser } };
  return config === undefined ? named.files : readConfiguration(config, named).files;
}

/** An action by its name or number. */
function actionWord(text: string): Action {
  const names: readonly string[] = ACTION_NAMES;
  const action = /^\d$/.test(text) ? Number(text) : names.indexOf(text.toUpperCase());
  if (action >= 0 && action < names.length) return action as Action;
  throw new InvalidArgumentError(
    `Expected one of ${names.join(", ")}, or 0 to ${names.length - 1}.`,
  );
}

async function verify(recorded: EpisodeJournal, flags: ReplayFlags, io: Console): Promise<void> {
  const replayed = await replayEpisode(recorded, placesOf(flags), io);
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
  for (const line of stepLines(requireStepOf(path, journal, number))) io.line(line);
}

function requireStepOf(path: string, journal: EpisodeJournal, number: number): JournalStep {
  const step = journal.steps[number];
  if (step !== undefined) return step;
  throw new OperationError(
    "EPISODE_STEP",
    `${path}: expected a step from 0 to ${journal.steps.length - 1}, was ${number}`,
  );
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
        : `${evidence.kind} of ${evidence.size / 100} at ${cents(evidence.price)}${ahead}, row ${evidence.row}${chanceIn(evidence)}`;
    return `${head} ${event.size / 100} at ${cents(event.price)} as ${event.role}, fee ${usd(event.fee)} (${why})`;
  }
  return "reason" in event ? `${head}: ${event.reason}` : head;
}

/** What chance did to a fill, where any took part. */
function chanceIn({ overlay }: Exclude<FillEvidence, { kind: "venue" }>): string {
  if (overlay === undefined) return "";
  const { withheld, ticks } = overlay;
  const slip = ticks === 0 ? "" : `, ${Math.abs(ticks)} ticks ${ticks > 0 ? "worse" : "better"}`;
  return `, ${withheld / 100} withheld${slip}`;
}
