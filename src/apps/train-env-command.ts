/** `kalshi-gym train --env`: what the command line says of runs on reference environments. */
import type { Command } from "commander";
import {
  type CallbackFlags,
  callbackOverrides,
  type CallbackSettings,
  requireEvaluations,
} from "./callback-flags.ts";
import { readConfiguration } from "./configuration.ts";
import { ENVIRONMENT_NAMES, makeEnv } from "../gym/index.ts";
import { type Preset, PRESET_NAMES, presetFor } from "../learn/index.ts";
import type { Console } from "./console.ts";
import { type ConfiguredPreset, presetWithFile } from "./env-configuration.ts";
import { listenForInterruption } from "./interruption.ts";
import { coresHere, wholeNumber } from "./run-flags.ts";
import { type EnvTrainingResult, trainOnEnv } from "./train-env.ts";
import { bestJson, bestLines, ENDINGS } from "./training.ts";
import { ofFlags, wrongUsage } from "./wrong-usage.ts";

export interface EnvFlags extends CallbackFlags {
  readonly env?: string;
  readonly preset?: string;
  readonly seed?: number | string;
  readonly steps?: number;
  readonly threads?: number;
  readonly config?: string;
  readonly out?: string;
  readonly until?: number;
  readonly resume?: true;
  readonly replace?: true;
}

const DEFAULT_PRESET = "cleanrl";
const DEFAULT_SEED = 42;

/** Flags that belong to training on sessions; a reference environment has no use for them. */
const SESSION_FLAGS = {
  sessions: "--sessions",
  environments: "--environments",
  fillModel: "--fill-model",
  pricing: "--pricing",
  episodeSteps: "--episode-steps",
  evaluateOn: "--evaluate-on",
} as const;

export function addEnvFlags(command: Command): Command {
  return command
    .option("--env <name>", `train on a reference environment: ${ENVIRONMENT_NAMES.join(", ")}`)
    .option("--preset <name>", `settings for --env: ${PRESET_NAMES.join(", ")}`)
    .option(
      "--threads <n>",
      "threads that share the work, by default one a core; no result changes",
      wholeNumber,
    );
}

/** Carries the command out where `--env` asks for it; otherwise does nothing and gives false. */
export async function trainByEnvFlags(flags: EnvFlags, io: Console): Promise<boolean> {
  if (flags.env === undefined) {
    if (flags.preset === undefined) return false;
    throw wrongUsage("--preset: expected --env beside it, was none; sessions take --config");
  }
  const { preset, seed: written, callbacks: inFile } = presetOf(flags.env, flags);
  const seed = flags.seed ?? written ?? DEFAULT_SEED;
  const { threads = coresHere(), until = Infinity, resume = false, replace = false } = flags;
  const out = outOf(flags);
  const interruption = listenForInterruption(() => {
    io.warn("\nStopping after this iteration; Ctrl-C again quits at once.");
  });
  try {
    const callbacks = callbacksOf(inFile, flags);
    requireEvaluations(flags, callbacks.evaluateEvery !== null);
    const run = { preset, seed, threads, out, resume, replace, until, callbacks };
    tell(await trainOnEnv({ ...run, io, interruption }), { preset, seed, out }, io);
  } finally {
    interruption.release();
  }
  return true;
}

/** The folder that the run keeps its files in, if it does. */
function outOf({ out, until, resume, replace }: EnvFlags): string | null {
  if (out === undefined) {
    const needy = Object.entries({ until, resume, replace }).find(
      ([, value]) => value !== undefined,
    );
    if (needy === undefined) return null;
    throw wrongUsage(`--${needy[0]}: expected --out, a folder that the run is kept in, was none`);
  }
  return out;
}

/** Flags over the file over defaults. */
function callbacksOf(inFile: Partial<CallbackSettings>, flags: EnvFlags): CallbackSettings {
  const given = Object.entries(callbackOverrides(flags)).filter(([, value]) => value !== undefined);
  const callbacks = { ...inFile, ...(Object.fromEntries(given) as Partial<CallbackSettings>) };
  return readConfiguration(undefined, { callbacks }).callbacks;
}

/** The preset that the flags ask for, with the file's changes, of the length that `--steps` says. */
function presetOf(env: string, flags: EnvFlags): ConfiguredPreset {
  for (const [key, flag] of Object.entries(SESSION_FLAGS)) {
    if ((flags as Readonly<Record<string, unknown>>)[key] === undefined) continue;
    throw wrongUsage(
      `--env: expected none of ${Object.values(SESSION_FLAGS).join(", ")} beside it, was ${flag}; ` +
        `the preset says all of that. Leave ${flag} out, or --env to train on sessions`,
    );
  }
  const named = ofFlags(() => {
    // Says first what is wrong with the environment's name, should it be that.
    makeEnv(env).close();
    return presetFor(flags.preset ?? DEFAULT_PRESET, env);
  });
  const configured = presetWithFile(named, flags.config);
  if (flags.steps === undefined) return configured;
  const { preset } = configured;
  return { ...configured, preset: { ...preset, ppo: { ...preset.ppo, totalSteps: flags.steps } } };
}

interface Run {
  readonly preset: Preset;
  readonly seed: number | string;
  readonly out: string | null;
}

function tell(result: EnvTrainingResult, { preset, seed, out }: Run, io: Console): void {
  const { meanReturn, episodes, steps, stepsPerSecond, modelHash, ending } = result;
  const { environment, name, measure } = preset;
  io.line(
    `${ENDINGS[ending]} on ${environment} with ${name} after ` +
      `${steps.toLocaleString("en-US")} steps (${stepsPerSecond.toLocaleString("en-US")} steps/s, ` +
      `seed ${seed}).`,
  );
  const of =
    measure.kind === "training"
      ? `the last ${episodes} training episodes`
      : `${episodes} new episodes of the most likely actions`;
  io.line(
    meanReturn === null
      ? "No episode was measured."
      : `Mean return ${meanReturn.toFixed(2)} over ${of}; model ${modelHash.slice(0, 12)}.`,
  );
  for (const line of bestLines(result)) io.line(line);
  if (out !== null) {
    const goesOn = ending === "paused" || ending === "interrupted";
    io.line(`Kept in ${out}.${goesOn ? " Go on with the same command and --resume." : ""}`);
  }
  io.json({
    environment,
    preset: name,
    seed,
    meanReturn,
    measure: measure.kind,
    episodes,
    steps,
    stepsPerSecond,
    modelHash,
    ...bestJson(result),
  });
}
