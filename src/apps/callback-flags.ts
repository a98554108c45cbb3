/** Flags of what a training run does beside learning, and what they and the file make of it. */
import type { Command } from "commander";
import { OperationError } from "../core/index.ts";
import type { CallbackOptions } from "./callbacks.ts";
import type { Configuration } from "./configuration.ts";
import type { HeldOutOptions } from "./held-out.ts";
import { wholeNumber } from "./run-flags.ts";

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

/** What evaluations are of, as the caller knows it. */
export type HeldOutData = Pick<HeldOutOptions, "identity" | "sessions" | "evaluate">;

/** The settings as a run takes them; `data` is null where nothing is evaluated. */
export function callbackOptions(
  settings: CallbackSettings,
  totalSteps: number,
  data: HeldOutData | null,
): CallbackOptions {
  const { alarms, checkpointEvery, evaluateEvery, keepBest, patience } = settings;
  if (data === null && patience !== null) {
    throw new OperationError(
      "CONFIGURATION",
      `callbacks.patience: expected evaluations to be patient with, was none; name held-out ` +
        `sessions with --evaluate-on (for --env: give --evaluate-every)`,
    );
  }
  const every = evaluateEvery ?? Math.max(1, Math.floor(totalSteps / 10));
  return {
    alarms,
    checkpointEvery,
    heldOut: data === null ? null : { ...data, every, patience, keepBest },
  };
}
