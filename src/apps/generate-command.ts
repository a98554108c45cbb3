/**
 * `kalshi-gym sessions generate`: sessions from the market generator, for those who have no
 * recording at hand, and the samples that come with the product.
 */
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { OperationError, type TimestampUs } from "../core/index.ts";
import {
  GENERATE_START_US,
  type GenerateOptions,
  generateSession,
  parseIsoTime,
  type ProfileName,
  PROFILES,
  SAMPLES,
} from "../market/index.ts";
import { type Console, consoleFor } from "./console.ts";

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
  return command.action((flags: GenerateFlags) => {
    const io = consoleFor(command);
    if (flags.samples === true) generateSamples(flags, io);
    else generateOne(flags, io);
  });
}

function generateOne(flags: GenerateFlags, io: Console): void {
  const { out } = flags;
  if (out === undefined) {
    throw new OperationError(
      "GENERATE_OPTIONS",
      "--out: expected the folder of the new session, was missing; " +
        "for example --out sessions/mine",
    );
  }
  const start = flags.start === undefined ? GENERATE_START_US : parseStart(flags.start);
  const { seed, events, minutes, profile } = flags;
  const id = out.split(/[\\/]/).filter(Boolean).at(-1) ?? "generated";
  const options = { id, seed, events, minutes, profile, startUs: start };
  const made = generateInto(out, options, flags, io);
  io.line(
    `${out}: ${made.rows} rows of ${events * 2} markets, ${minutes} minutes, ` +
      `seed ${seed}; content ${made.contentHash.slice(0, 12)}`,
  );
  io.json({ folder: out, id, seed, events, minutes, profile, ...made });
}

function generateSamples(flags: GenerateFlags, io: Console): void {
  const parent = flags.out ?? "sessions";
  const sessions = SAMPLES.map(({ use, ...options }) => {
    const folder = join(parent, options.id);
    const made = generateInto(folder, options, flags, io);
    io.line(`${folder} (${use}): ${made.rows} rows, content ${made.contentHash.slice(0, 12)}`);
    return { folder, use, ...options, ...made };
  });
  io.json({ sessions });
}

function generateInto(
  folder: string,
  options: GenerateOptions,
  flags: GenerateFlags,
  io: Console,
): { rows: number; contentHash: string } {
  const progress = io.progress(`generating ${options.id}`, options.minutes, "min");
  try {
    const creation = { replace: flags.replace === true };
    return generateSession(folder, options, creation, (minutes) => progress.update(minutes));
  } finally {
    progress.stop();
  }
}

function parseStart(text: string): TimestampUs {
  return parseIsoTime(text, "--start");
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}

function decimalNumber(text: string): number {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError("Expected a number.");
  return Number(text);
}
