/** Flags that commands which run episodes share, and how they override a configuration file. */
import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { PRICINGS } from "../orders/index.ts";
import { FILL_MODELS } from "../sim/index.ts";
import { type Configuration, type Overrides, readConfiguration } from "./configuration.ts";

export interface RunFlags {
  readonly config?: string;
  readonly seed?: number | string;
  readonly fillModel?: keyof typeof FILL_MODELS;
  readonly pricing?: (typeof PRICINGS)[number];
  readonly episodeSteps?: number | null;
}

export function addRunFlags(command: Command): Command {
  return command
    .option("--config <file>", "configuration file (JSON); flags override it")
    .option("--seed <seed>", "seed of everything random: a whole number or any text", seedWord)
    .addOption(
      new Option(
        "--fill-model <name>",
        "when resting orders fill: queue, or touch (errs high), level, through (low)",
      ).choices(Object.keys(FILL_MODELS)),
    )
    .addOption(new Option("--pricing <name>", "where orders are placed").choices(PRICINGS))
    .option("--episode-steps <n>", 'decisions in an episode, or "all" to the close', stepsOrAll)
    .option("--json", "one JSON object as the last line");
}

/** The configuration that file and flags make; `more` are flags of one command alone. */
export function configurationOf(
  flags: RunFlags,
  more: Overrides = {},
  base: Pick<Overrides, "episode"> = {},
): Configuration {
  const { fillModel, pricing, episodeSteps: steps } = flags;
  const overrides = { seed: flags.seed, ...more, episode: { fillModel, pricing, steps } };
  return readConfiguration(flags.config, overrides, base);
}

/** How many threads may work at once; no result depends on it. */
export function coresHere(): number {
  return availableParallelism();
}

export function wholeNumber(text: string): number {
  return wholeNumberFrom(1, text);
}

export function wholeNumberFrom0(text: string): number {
  return wholeNumberFrom(0, text);
}

function wholeNumberFrom(least: number, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${least} up.`);
}

export function seedWord(text: string): number | string {
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : text;
}

function stepsOrAll(text: string): number | null {
  return text === "all" ? null : wholeNumber(text);
}
