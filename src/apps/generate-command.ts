/**
 * `kalshi-gym sessions generate`: sessions from the market generator, for those who have no
 * recording at hand, and the samples that come with the product.
 */
import { basename, join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { OperationError } from "../core/index.ts";
import {
  GENERATE_START_US,
  type GeneratedSummary,
  generateInSteps,
  type GenerateOptions,
  parseIsoTime,
  type ProfileName,
  PROFILES,
  SAMPLES,
} from "../market/index.ts";
import { type Console, consoleFor } from "./console.ts";
import { type Interruption, listenForInterruption } from "./interruption.ts";
import { ofFlags, wrongUsage } from "./wrong-usage.ts";

interface GenerateFlags {
  readonly out?: string;
  readonly seed: number;
  readonly events: number;
  readonly minutes: number;
  readonly profile: ProfileName;
  readonly start?: string;
  readonly samples?: true;
  readonly replace?: true;
}

/** The subcommand `generate` of `sessions`. */
export function generateCommand(): Command {
  const command = new Command("generate")
    .description("make a session with the market generator: two markets for every event")
    .option("--out <folder>", "the session's folder (with --samples: the folder of all samples)")
    .option("--seed <n>", "same seed and options, same session", wholeNumber, 1)
    .option("--events <n>", "number of games", wholeNumber, 1)
    .option("--minutes <n>", "length of the session", decimalNumber, 30)
    .addOption(
      new Option("--profile <name>", "what is played")
        .choices(Object.keys(PROFILES))
        .default("basketball"),
    )
    .option("--start <time>", "first moment, such as 2026-01-10T18:00:00Z")
    .option("--samples", "make the sample sessions that come with the product")
    .option("--replace", "replace a session that is there")
    .option("--json", "one JSON object as the last line")
    .addHelpText(
      "after",
      "\nExample:\n  kalshi-gym sessions generate --out sessions/mine --seed 7 --minutes 45",
    );
  return command.action(async (flags: GenerateFlags) => {
    const io = consoleFor(command);
    const interruption = listenForInterruption(() => io.warn("Stopping."));
    try {
      if (flags.samples === true) await generateSamples(flags, io, interruption);
      else await generateOne(flags, io, interruption);
    } finally {
      interruption.release();
    }
  });
}

async function generateOne(
  flags: GenerateFlags,
  io: Console,
  interruption: Interruption,
): Promise<void> {
  const { out } = flags;
  if (out === undefined) {
    throw wrongUsage(
      "--out: expected the folder of the new session, was missing; " +
        "for example --out sessions/mine",
    );
  }
  const { start } = flags;
  const startUs =
    start === undefined ? GENERATE_START_US : ofFlags(() => parseIsoTime(start, "--start"));
  const { seed, events, minutes, profile } = flags;
  const id = basename(resolve(out));
  const options = { id, seed, events, minutes, profile, startUs };
  const made = await generateInto(out, options, flags, io, interruption).catch(asFlags);
  if (made === null) return;
  io.line(
    `${out}: ${made.rows} rows of ${events * 2} markets, ${minutes} minutes, ` +
      `seed ${seed}; content ${made.contentHash.slice(0, 12)}`,
  );
  io.json({ folder: out, id, seed, events, minutes, profile, ...made });
}

/** Options out of range are those of the flags, by whose names they go. */
function asFlags(error: unknown): never {
  if (!(error instanceof OperationError) || error.code !== "GENERATE_OPTIONS") throw error;
  throw wrongUsage(`--${error.message}`, error);
}

async function generateSamples(
  flags: GenerateFlags,
  io: Console,
  interruption: Interruption,
): Promise<void> {
  const parent = flags.out ?? "sessions";
  const sessions: object[] = [];
  for (const { use, ...options } of SAMPLES) {
    const folder = join(parent, options.id);
    const made = await generateInto(folder, options, flags, io, interruption);
    if (made === null) return;
    io.line(`${folder} (${use}): ${made.rows} rows, content ${made.contentHash.slice(0, 12)}`);
    sessions.push({ folder, use, ...options, ...made });
  }
  io.json({ sessions });
}

/** Makes one session; null when it was interrupted, and then nothing of it is left. */
export async function generateInto(
  folder: string,
  options: GenerateOptions,
  flags: Pick<GenerateFlags, "replace">,
  io: Console,
  interruption: Interruption,
): Promise<GeneratedSummary | null> {
  const progress = io.progress(`generating ${options.id}`, options.minutes, "min");
  const steps = generateInSteps(folder, options, { replace: flags.replace === true });
  try {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      progress.update(step.value);
      // Signals are heard only when the event loop turns.
      await setImmediate();
      if (interruption.requested) {
        io.warn(`${folder}: interrupted, nothing was written.`);
        return null;
      }
    }
  } finally {
    steps.return({ rows: 0, contentHash: "" });
    progress.stop();
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}

function decimalNumber(text: string): number {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError("Expected a number.");
  return Number(text);
}
