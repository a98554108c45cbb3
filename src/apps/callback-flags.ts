/** Flags of what a training run does beside learning, and what they and the file make of it. */
import type { Command } from "commander";
import { OperationError } from "../core/index.ts";
import type { CallbackOptions } from "./callbacks.ts";
import { type Configuration, without } from "./configuration.ts";
import type { HeldOutOptions } from "./held-out.ts";
import { wholeNumber } from "./run-flags.ts";
import { wrongUsage } from "./wrong-usage.ts";

export interface CallbackFlags {
  readonly evaluateOn?: string[];
  readonly evaluateEvery?: number;
  readonly evaluateEpisodes?: number;
  readonly patience?: number;
  readonly checkpointEvery?: number;
}

export type CallbackSettings = Configuration["callbacks"];

export function addCallbackFlags(command: Command): Command {
  return command
    .option("--evaluate-on <folders...>", "sessions to evaluate on while training, held out")
    .option(
      "--evaluate-every <steps>",
      "steps between evaluations; a tenth of the run",
      wholeNumber,
    )
    .option("--evaluate-episodes <n>", "episodes of an evaluation", wholeNumber)
    .option("--patience <n>", "end after n evaluations without a new best", wholeNumber)
    .option("--checkpoint-every <n>", "iterations between checkpoints", wholeNumber);
}

/** The flags' part of a configuration. */
export function callbackOverrides(flags: CallbackFlags) {
  const { evaluateOn, evaluateEvery, evaluateEpisodes, patience, checkpointEvery } = flags;
  return { evaluateOn, evaluateEvery, evaluateEpisodes, patience, checkpointEvery };
}

/** Refuses flags about evaluations where there are none, rather than to pass over them. */
export function requireEvaluations(flags: CallbackFlags, areThere: boolean): void {
  const { evaluateEvery, evaluateEpisodes, patience } = flags;
  const about = {
    "--evaluate-every": evaluateEvery,
    "--evaluate-episodes": evaluateEpisodes,
    "--patience": patience,
  };
  const idle = Object.entries(about).find(([, value]) => value !== undefined);
  if (!areThere && idle !== undefined) throw wrongUsage(lacksEvaluations(idle[0]));
}

function lacksEvaluations(place: string): string {
  return (
    `${place}: expected evaluations while training, was none; name held-out sessions with ` +
    `--evaluate-on (with --env: give --evaluate-every), or leave it out`
  );
}

/** What a manifest keeps of them: not where files lay, nor how often the run was saved. */
export function recordedCallbacks(settings: CallbackSettings): object {
  return without(settings, ["evaluateOn", "checkpointEvery"]);
}

/** What evaluations are of, as the caller knows it. */
export type HeldOutData = Pick<HeldOutOptions, "identity" | "sessions" | "evaluate">;

/** The settings as a run takes them; `data` is null where nothing is evaluated. */
export function callbackOptions(
  settings: CallbackSettings,
  totalSteps: number,
  data: HeldOutData | null,
): CallbackOptions {
  const { alarms, checkpointEvery, evaluateEvery, keepBest, patience } = settings;
  if (data === null) {
    const idle = Object.entries({ evaluateEvery, patience }).find(([, value]) => value !== null);
    if (idle !== undefined) {
      throw new OperationError("CONFIGURATION", lacksEvaluations(`callbacks.${idle[0]}`));
    }
  }
  const every = evaluateEvery ?? Math.max(1, Math.floor(totalSteps / 10));
  return {
    alarms,
    checkpointEvery,
    heldOut: data === null ? null : { ...data, every, patience, keepBest },
  };
}
