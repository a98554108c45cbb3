/**
 * What a sweep is told: a base configuration, the settings that are searched, the seeds that every
 * setting is run with, the method and the score. The file is judged as a whole before anything runs,
 * down to the values that the search may draw. What comes out has the file's own form with all
 * defaults in it, so that the `sweep.json` of a finished sweep is a sweep file again.
 */
import { z } from "zod";
import { OperationError } from "../../core/index.ts";
import { PRESET_NAMES } from "../../learn/index.ts";
import { ENV_KEYS } from "../env-configuration.ts";
import { checkShape, keysAt, readJsonFile } from "../checked-json.ts";

const CODE = "SWEEP_FILE";
/** More is a slip of the keyboard, or a grid that nobody will wait for. */
export const RUNS_MAX = 10_000;

const whole = z.int().min(1);
const bounds = (number: z.ZodNumber) =>
  z.tuple([number, number]).refine(([low, high]) => low <= high, {
    error: "expected the lower bound before the upper one",
  });

const RANGE_KINDS = ["logUniform", "uniform", "integer", "choice"] as const;

const range = z
  .strictObject({
    logUniform: bounds(z.number().positive()).optional(),
    uniform: bounds(z.number()).optional(),
    integer: bounds(z.int()).optional(),
    choice: z.array(z.json()).min(1).optional(),
  })
  .refine((given) => RANGE_KINDS.filter((kind) => given[kind] !== undefined).length === 1, {
    error: `expected one of ${RANGE_KINDS.join(", ")}`,
  });

/** Values that a searched setting may take; one member is there. */
export type Range = z.infer<typeof range>;

const seed = z.union([z.int().min(0), z.string()], {
  error: "expected a whole number or a text",
});

const schema = z.strictObject({
  /** A configuration; or the name of a reference environment and a preset, and what differs. */
  base: z.looseObject({
    env: z.string().optional(),
    preset: z.string().optional(),
  }),
  seeds: z
    .union([z.array(seed).min(1), z.strictObject({ count: whole.max(RUNS_MAX) })], {
      error: "expected a list of seeds, or {count}",
    })
    .default([1, 2, 3]),
  search: z.record(z.string(), range).default({}),
  method: z.enum(["grid", "random", "halving"]).default("random"),
  /** Settings that random search and halving draw. */
  samples: whole.max(RUNS_MAX).optional(),
  halving: z
    .strictObject({
      rungs: whole.max(20).optional(),
      minSteps: whole.optional(),
      factor: z.int().min(2).default(3),
    })
    .optional(),
  score: z.enum(["meanReturn", "heldOut"]).default("meanReturn"),
  /** Sessions that no run trains on, for the score `heldOut`. */
  heldOut: z.array(z.string()).min(1).optional(),
  /** Seed of the draws. */
  seed: seed.default(42),
});

export type Seed = number | string;

export interface Sweep extends z.infer<typeof schema> {
  readonly seeds: Seed[];
}

export interface SweepOverrides {
  readonly samples?: number | undefined;
  readonly seed?: Seed | undefined;
}

/** An example with every key, of which hints for unknown ones are made. */
const EXAMPLE = {
  base: {},
  seeds: { count: 1 },
  search: {},
  method: "random",
  samples: 1,
  halving: { rungs: 1, minSteps: 1, factor: 3 },
  score: "meanReturn",
  heldOut: [""],
  seed: 42,
};

/** Reads a sweep file; flags override it. `SWEEP_FILE` names the file, the key and the mistake. */
export function readSweep(file: string, overrides: SweepOverrides = {}): Sweep {
  const value = readJsonFile(file, CODE, "a sweep file");
  const knownKeys = (path: readonly PropertyKey[]): readonly string[] =>
    path[0] === "search" && path.length === 2 ? RANGE_KINDS : keysAt(EXAMPLE, path);
  const written = checkShape({ schema, place: file, value, code: CODE, knownKeys });
  const { samples = written.samples, seed = written.seed } = overrides;
  const sweep: Sweep = {
    ...written,
    seeds: Array.isArray(written.seeds)
      ? written.seeds
      : Array.from({ length: written.seeds.count }, (_, index) => index + 1),
    ...(samples === undefined ? {} : { samples }),
    seed,
  };
  for (const refusal of refusals(sweep)) {
    throw new OperationError(CODE, `${file}: ${refusal}`);
  }
  return sweep.method === "halving" ? { ...sweep, halving: sweep.halving ?? { factor: 3 } } : sweep;
}

/** What only several keys together say; the sentences go on behind the file's name. */
function* refusals(sweep: Sweep): Generator<string> {
  yield* refusalsOfBase(sweep);
  yield* refusalsOfSearch(sweep);
  const { seeds, halving, method, samples, score, heldOut } = sweep;
  if (new Set(seeds.map(String)).size < seeds.length) {
    yield `seeds: expected seeds that differ, was ${JSON.stringify(seeds)}`;
  }
  if (method === "grid") {
    if (samples !== undefined) yield `samples: expected none for method grid, was ${samples}`;
  } else if (samples === undefined) {
    yield (
      `samples: expected a number of settings to draw for method ${method}, was none; ` +
      `write it here or give --samples`
    );
  }
  if (method !== "halving" && halving !== undefined) {
    yield `halving: expected none for method ${method}, was one; leave it out or change the method`;
  }
  if (halving?.rungs !== undefined && halving.minSteps !== undefined) {
    yield `halving: expected rungs or minSteps, was both; each follows from the other`;
  }
  if (score === "heldOut" && heldOut === undefined) {
    yield `heldOut: expected sessions that no run trains on, for the score heldOut, was none`;
  }
  if (score === "meanReturn" && heldOut !== undefined) {
    yield `heldOut: expected none with the score meanReturn, was some; set score to "heldOut"`;
  }
}

function* refusalsOfBase({ base, score }: Sweep): Generator<string> {
  if ("seed" in base) yield `base.seed: expected none, for the sweep sets it; write it into seeds`;
  const files = Object(base["files"]) as { readonly model?: unknown; readonly sessions?: unknown };
  if (files.model !== undefined) {
    yield `base.files.model: expected none, for every run has a folder of its own`;
  }
  if (base.env === undefined) {
    if (base.preset !== undefined) yield `base.preset: expected a base.env with it, was none`;
    if (files.sessions === undefined) {
      yield (
        `base: expected files.sessions to train on, or env, the name of a reference ` +
        `environment, was neither`
      );
    }
  } else {
    if (base.preset === undefined) {
      yield `base.preset: expected one of ${PRESET_NAMES.join(", ")} with base.env, was none`;
    }
    if (files.sessions !== undefined) yield `base: expected files.sessions or env, was both`;
    for (const key of Object.keys(base)) {
      if (key !== "env" && key !== "preset" && !isForEnv(key)) yield refusalForEnv("base", key);
    }
    if (score === "heldOut") {
      yield `score: expected meanReturn for a reference environment, was "heldOut"`;
    }
  }
}

function isForEnv(key: string): boolean {
  return ENV_KEYS.some((known) => key === known || key.startsWith(`${known}.`));
}

function refusalForEnv(place: string, key: string): string {
  return (
    `${place}.${key}: expected a key that a reference environment has a use for ` +
    `(environments, ppo, callbacks), was "${key}"`
  );
}

function* refusalsOfSearch({ base, search, method }: Sweep): Generator<string> {
  const keys = Object.keys(search);
  if (keys.length === 0 && method !== "grid") {
    yield (
      `search: expected at least one setting for method ${method}, was none; ` +
      `method grid runs the seeds alone`
    );
  }
  for (const key of keys) {
    if (/^(seed|files)(\.|$)/.test(key)) {
      yield (
        `search.${key}: expected a setting of the learner or the episode, was what the sweep ` +
        `sets itself`
      );
    }
    if (base.env !== undefined && !isForEnv(key)) yield refusalForEnv("search", key);
    const outer = keys.find((other) => key.startsWith(`${other}.`));
    if (outer !== undefined) {
      yield (
        `search.${key}: expected a setting by itself, was a part of ${outer}, which is ` +
        `searched too`
      );
    }
    const { logUniform, uniform } = search[key] ?? {};
    if (method === "grid" && (logUniform ?? uniform) !== undefined) {
      yield (
        `search.${key}: expected choice or integer for method grid, was a range without ` +
        `steps; list the values as a choice, or use method random`
      );
    }
    if (method === "halving" && /^ppo(\.totalSteps)?$/.test(key)) {
      yield (
        `search.${key}: expected ppo.totalSteps to be the same for all runs of method ` +
        `halving, was searched`
      );
    }
  }
}
