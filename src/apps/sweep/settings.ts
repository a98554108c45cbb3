/**
 * The settings of a sweep, all drawn before the first run: for a grid every combination, the last
 * key running fastest; else `samples` draws. Each value comes from a random stream of its own, named
 * by the sample's number and the key, so that more samples or other keys leave the rest as it was.
 */
import { assert, exp, ln, OperationError, Prng } from "../../core/index.ts";
import { presetFor } from "../../learn/index.ts";
import { checkConfiguration, type Configuration } from "../configuration.ts";
import { type Range, RUNS_MAX, type Sweep } from "./sweep-file.ts";

/** Values by searched key, in the order of the sweep file; numbers, texts or any other JSON. */
export type Setting = Readonly<Record<string, unknown>>;

/** Digits of a drawn number: short enough to read, and what is printed is what was used. */
const DIGITS = 6;

/** The settings of a sweep in order; `file` is blamed for values that no run can have. */
export function settingsOf(sweep: Sweep, file: string): Setting[] {
  const settings = sweep.method === "grid" ? grid(sweep, file) : draws(sweep);
  const runs = settings.length * sweep.seeds.length;
  if (runs > RUNS_MAX) {
    throw new OperationError(
      "SWEEP_FILE",
      `${file}: expected at most ${RUNS_MAX} runs, was ${runs}: ${settings.length} settings x ` +
        `${sweep.seeds.length} seeds`,
    );
  }
  checkConfiguration(file, configurationPart(sweep.base), ["base"]);
  for (const setting of settings) totalStepsOf(sweep, setting, file);
  return settings;
}

/** A run's configuration with all defaults; `CONFIGURATION` where a drawn value does not fit. */
function completeConfiguration(sweep: Sweep, setting: Setting, file: string): Configuration {
  return checkConfiguration(file, configurationOf(sweep, setting), ["search"]);
}

/** Steps of a setting's whole run. A preset's stand where neither base nor setting says any. */
export function totalStepsOf(sweep: Sweep, setting: Setting, file: string): number {
  const { env, preset } = sweep.base;
  const complete = completeConfiguration(sweep, setting, file).ppo.totalSteps;
  if (env === undefined || preset === undefined) return complete;
  const written = Object(configurationOf(sweep, setting)["ppo"]) as { totalSteps?: number };
  return written.totalSteps ?? presetSteps(preset, env, file);
}

function presetSteps(preset: string, env: string, file: string): number {
  try {
    return presetFor(preset, env).ppo.totalSteps;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw new OperationError(error.code, `${file}: base: ${error.message}`, { cause: error });
  }
}

/** What the base says with the setting's values in their places, as a configuration file. */
export function configurationOf(sweep: Sweep, setting: Setting): Record<string, unknown> {
  let configuration = configurationPart(sweep.base);
  for (const [key, value] of Object.entries(setting)) {
    configuration = withValue(configuration, key.split("."), value);
  }
  return configuration;
}

/** The base without what chooses an environment. */
function configurationPart(base: Sweep["base"]): Record<string, unknown> {
  const part: Record<string, unknown> = { ...base };
  delete part["env"];
  delete part["preset"];
  return part;
}

function withValue(
  whole: Record<string, unknown>,
  [key = "", ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  if (rest.length === 0) return { ...whole, [key]: value };
  const inner = whole[key];
  const isObject = typeof inner === "object" && inner !== null && !Array.isArray(inner);
  const part = isObject ? (inner as Record<string, unknown>) : {};
  return { ...whole, [key]: withValue(part, rest, value) };
}

function grid({ search }: Sweep, file: string): Setting[] {
  let settings: Setting[] = [{}];
  for (const [key, range] of Object.entries(search)) {
    const values = valuesOf(range);
    if (settings.length * values.length > RUNS_MAX) {
      throw new OperationError(
        "SWEEP_FILE",
        `${file}: search: expected at most ${RUNS_MAX} combinations, was more; ` +
          `use method random with samples`,
      );
    }
    settings = settings.flatMap((setting) => values.map((value) => ({ ...setting, [key]: value })));
  }
  return settings;
}

function valuesOf({ choice, integer }: Range): readonly unknown[] {
  if (choice !== undefined) return choice;
  assert(integer !== undefined, "a grid has only choices and integers");
  const [low, high] = integer;
  // One more than is allowed is enough to be refused.
  const count = Math.min(high - low, RUNS_MAX) + 1;
  return Array.from({ length: count }, (_, index) => low + index);
}

function draws({ search, samples = 0, seed }: Sweep): Setting[] {
  const prng = Prng.fromSeed(seed).fork("sweep");
  return Array.from({ length: samples }, (_, sample) => {
    const stream = prng.fork(`setting ${sample}`);
    return Object.fromEntries(
      Object.entries(search).map(([key, range]) => [key, draw(range, stream.fork(key))]),
    );
  });
}

/** One value of a range. Numbers have six digits, and never leave the range by being rounded. */
export function draw({ logUniform, uniform, integer, choice }: Range, prng: Prng): unknown {
  if (choice !== undefined) return choice[prng.integer(choice.length)];
  if (integer !== undefined) {
    const [low, high] = integer;
    return low + Math.floor(prng.float() * (high - low + 1));
  }
  if (uniform !== undefined) {
    const [low, high] = uniform;
    return rounded(low + prng.float() * (high - low), low, high);
  }
  assert(logUniform !== undefined, "a range has one kind");
  const [low, high] = logUniform;
  const [from, to] = [ln(low), ln(high)];
  return rounded(exp(from + prng.float() * (to - from)), low, high);
}

function rounded(value: number, low: number, high: number): number {
  // What prints as 0 is 0, not -0.
  return Math.min(high, Math.max(low, Number(value.toPrecision(DIGITS)))) + 0;
}
