/**
 * Configuration of a run: defaults, overridden by a JSON file, overridden by flags. Every key is
 * checked; an unknown one is an error that names the nearest known one. What comes out is complete
 * and goes into the manifest of whatever the run makes.
 */
import { z } from "zod";
import { type Lots, type MicroUsd, OperationError } from "../core/index.ts";
import { ACTIVATIONS, DEFAULT_PPO, type PpoSettings, SCHEDULES, TRUNKS } from "../learn/index.ts";
import { MEMBERSHIPS } from "../market/index.ts";
import { PRICINGS } from "../orders/index.ts";
import {
  DEFAULT_EPISODE,
  DEFAULT_LATENCY,
  type EpisodeSettings,
  FILL_MODELS,
  IDLE_OVERLAY,
  LATENCY_US_MAX,
  type OverlaySettings,
  WORLD_NAMES,
} from "../sim/index.ts";
import { checkShape, keysAt, readJsonFile } from "./checked-json.ts";
import { LATENCY_LEGS, measuredLatency, withHashes } from "./latency-file.ts";
import { ofFlags, wrongUsage } from "./wrong-usage.ts";

/**
 * PPO on order books: CleanRL's settings, but a learning rate and batch for short runs, a shorter
 * horizon (33 s at one decision a second) and little entropy bonus, for most seconds ask for HOLD.
 * Four shards, so that up to four threads can share an update.
 */
const MARKET_PPO: PpoSettings = {
  ...DEFAULT_PPO,
  learningRate: 1e-3,
  gamma: 0.97,
  entropyCoefficient: 0.001,
  minibatches: 8,
  shards: 4,
};

const whole = z.int().min(1);
const share = z.number().min(0).max(1);
const positive = z.number().positive();
/** What is more would not fit into memory, and is a slip of the keyboard. */
const ROLLOUT_ROWS_MAX = 2 ** 22;
const LAYER_UNITS_MAX = 2048;
const LAYERS_MAX = 8;
const FRAMES_MAX = 32;

/** Dollars or contracts of which `scale` times as many are whole, so that nothing is rounded. */
const amount = (scale: number, most: number) =>
  positive
    .max(most, { abort: true })
    .refine((value) => isExact(value, scale), { error: `expected a multiple of ${1 / scale}` });
const STARTING_CASH_USD_MAX = 1e9;
const CONTRACTS_MAX = 1e7;

/** A probability in whole millionths, for it is drawn in integers. */
const chance = share.refine((value) => value === 0 || isExact(value, 1e6), {
  error: "expected at most six decimals",
});
const ticks = whole.max(100);

const wholeUs = z.int().min(0).max(LATENCY_US_MAX);
const latencyRange = z
  .strictObject({ minUs: wholeUs, maxUs: wholeUs })
  .refine(({ minUs, maxUs }) => minUs <= maxUs, { error: "expected minUs to be at most maxUs" });
/** What was measured, in a file; the hash, which a run adds, holds the file to what it was then. */
const latencyFile = z.strictObject({ file: z.string().min(1), contentHash: z.string().optional() });
const latencyUs = z.union([wholeUs, latencyRange, latencyFile], {
  error: "expected whole microseconds up to an hour, {minUs, maxUs} or {file}",
});

const schema = z.strictObject({
  /** What a command works on, where its flags do not say. */
  files: z
    .strictObject({
      sessions: z.array(z.string()).min(1).optional(),
      model: z.string().optional(),
      normaliser: z.string().optional(),
    })
    .prefault({}),
  seed: z
    .union([z.int().min(0), z.string()], { error: "expected a whole number or a text" })
    .default(42),
  /** Lanes of the training environment. */
  environments: whole.default(32),
  /** Observations that the policy sees at once: the last ones of the episode. */
  frames: whole.max(FRAMES_MAX).default(1),
  episode: z
    .strictObject({
      steps: whole.nullable().default(DEFAULT_EPISODE.steps),
      startingCashUsd: amount(1e6, STARTING_CASH_USD_MAX).default(
        DEFAULT_EPISODE.startingCash / 1e6,
      ),
      orderContracts: amount(100, CONTRACTS_MAX).default(DEFAULT_EPISODE.orderSize / 100),
      positionLimitContracts: amount(100, CONTRACTS_MAX).default(
        DEFAULT_EPISODE.positionLimit / 100,
      ),
      openOrdersMax: whole.default(DEFAULT_EPISODE.openOrdersMax),
      pricing: z.enum(PRICINGS).default(DEFAULT_EPISODE.pricing),
      fillModel: z
        .enum(Object.keys(FILL_MODELS) as [keyof typeof FILL_MODELS])
        .default(DEFAULT_EPISODE.fillModel),
      rewardBasis: z.enum(["liquidation", "mid"]).default(DEFAULT_EPISODE.rewardBasis),
      /** Whose account it is, which decides how cash is rounded; a direct member's unless given. */
      membership: z.enum(MEMBERSHIPS).optional(),
      /** Chance on top of the fill model; none unless given. */
      overlay: z
        .strictObject({
          fillProbability: chance.default(1),
          partialProbability: chance.default(0),
          slippageProbability: chance.default(0),
          slippageTicks: ticks.default(IDLE_OVERLAY.slippageTicks),
          improvementProbability: chance.default(0),
          improvementTicks: ticks.default(IDLE_OVERLAY.improvementTicks),
          rejectionProbability: chance.default(0),
        })
        .optional(),
      latency: z
        .strictObject({
          feedUs: latencyUs.default(DEFAULT_LATENCY.feedUs),
          submitUs: latencyUs.default(DEFAULT_LATENCY.submitUs),
          amendUs: latencyUs.default(DEFAULT_LATENCY.amendUs),
          cancelUs: latencyUs.default(DEFAULT_LATENCY.cancelUs),
          answerUs: latencyUs.default(DEFAULT_LATENCY.answerUs),
        })
        .prefault({}),
    })
    .prefault({}),
  ppo: z
    .strictObject({
      totalSteps: whole.default(MARKET_PPO.totalSteps),
      rolloutSteps: whole.default(MARKET_PPO.rolloutSteps),
      epochs: whole.default(MARKET_PPO.epochs),
      minibatches: whole.default(MARKET_PPO.minibatches),
      shards: whole.default(MARKET_PPO.shards),
      gamma: share.default(MARKET_PPO.gamma),
      lambda: share.default(MARKET_PPO.lambda),
      learningRate: positive.default(MARKET_PPO.learningRate),
      learningRateSchedule: z.enum(SCHEDULES).default(MARKET_PPO.learningRateSchedule),
      clip: positive.default(MARKET_PPO.clip),
      clipSchedule: z.enum(SCHEDULES).default(MARKET_PPO.clipSchedule),
      valueClip: positive.nullable().default(MARKET_PPO.valueClip),
      entropyCoefficient: z.number().min(0).default(MARKET_PPO.entropyCoefficient),
      entropySchedule: z.enum(SCHEDULES).default(MARKET_PPO.entropySchedule),
      valueCoefficient: z.number().min(0).default(MARKET_PPO.valueCoefficient),
      halfValueLoss: z.boolean().default(MARKET_PPO.halfValueLoss),
      gradientNormMax: positive.default(MARKET_PPO.gradientNormMax),
      normaliseAdvantages: z.boolean().default(MARKET_PPO.normaliseAdvantages),
      normaliseObservations: z.boolean().default(MARKET_PPO.normaliseObservations),
      normaliseRewards: z.boolean().default(MARKET_PPO.normaliseRewards),
      targetKl: positive.nullable().default(MARKET_PPO.targetKl),
      hidden: z
        .array(whole.max(LAYER_UNITS_MAX))
        .min(1)
        .max(LAYERS_MAX)
        .default([...MARKET_PPO.hidden]),
      activation: z.enum(ACTIVATIONS).default(MARKET_PPO.activation),
      trunk: z.enum(TRUNKS).default(MARKET_PPO.trunk),
      adam: z
        .strictObject({
          beta1: share.default(MARKET_PPO.adam.beta1),
          beta2: share.default(MARKET_PPO.adam.beta2),
          epsilon: positive.default(MARKET_PPO.adam.epsilon),
        })
        .prefault({}),
    })
    .prefault({}),
  /** What a training run does beside learning; none of it changes what is learnt. */
  callbacks: z
    .strictObject({
      /** Sessions for evaluations during training: data that the run does not train on. */
      evaluateOn: z.array(z.string()).min(1).optional(),
      /** Steps between them; null is a tenth of the run. */
      evaluateEvery: whole.nullable().default(null),
      evaluateEpisodes: whole.default(20),
      /** Whether the best model so far is kept, in the folder `best`. */
      keepBest: z.boolean().default(true),
      /** Evaluations without a new best after which the run ends; null never ends it. */
      patience: whole.nullable().default(null),
      /** Iterations between checkpoints; null is about every twenty seconds. */
      checkpointEvery: whole.nullable().default(null),
      /** Whether signs of a run that goes wrong are looked for. */
      alarms: z.boolean().default(true),
    })
    .prefault({}),
  /** What `backtest` runs where its flags do not say; what is left out has its own defaults. */
  backtest: z
    .strictObject({
      strategy: z.string().optional(),
      /** The strategy's own. */
      options: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])).optional(),
      cadence: z.enum(["1s", "event"]).optional(),
      /** Tickers to trade; all when left out. */
      markets: z.array(z.string()).min(1).optional(),
      startingCashUsd: amount(1e6, STARTING_CASH_USD_MAX).optional(),
      orderContractsMax: amount(100, CONTRACTS_MAX).optional(),
      positionLimitContracts: amount(100, CONTRACTS_MAX).optional(),
      openOrdersMax: whole.optional(),
      eventExposureMaxUsd: amount(1e6, STARTING_CASH_USD_MAX).optional(),
      seriesExposureMaxUsd: amount(1e6, STARTING_CASH_USD_MAX).optional(),
      worlds: z.array(z.enum(WORLD_NAMES)).min(1).optional(),
      onError: z.enum(["stop", "refuse"]).optional(),
    })
    .optional(),
  evaluation: z
    .strictObject({
      episodes: whole.default(40),
      /** Whether a learned policy draws its action or takes the most likely one. */
      choice: z.enum(["best", "sample"]).default("best"),
    })
    .prefault({}),
});

export type Configuration = z.infer<typeof schema>;

/** Parts of a configuration, as flags give them; undefined members are left to file and defaults. */
export type Overrides = {
  readonly [Key in keyof Configuration]?: Configuration[Key] extends object
    ? { readonly [Inner in keyof Configuration[Key]]?: Configuration[Key][Inner] | undefined }
    : Configuration[Key] | undefined;
};

/**
 * Defaults, then `base`, then the file, then flags. `CONFIGURATION` names the file, the key, what
 * was expected and what was found.
 */
export function readConfiguration(
  file: string | undefined,
  overrides: Overrides,
  base: Pick<Overrides, "episode"> = {},
): Configuration {
  const place = file ?? "configuration";
  const written =
    file === undefined ? {} : readJsonFile(file, "CONFIGURATION", "a configuration file");
  // The file is judged by itself first, so that an error in it is not blamed on a flag.
  requireRollout(place, check(place, written));
  const merged = merge(merge(base, written as object), overrides);
  const read = (): Configuration => {
    const whole = check("flags", merged);
    requireRollout("flags", whole);
    return whole;
  };
  // What stands beneath the flags otherwise may be at fault as well.
  const whole = Object.keys(base).length === 0 ? ofFlags(read) : read();
  const { latency } = whole.episode;
  return { ...whole, episode: { ...whole.episode, latency: withHashes(latency) } };
}

/**
 * Judges part of another file as a configuration: it stands there at the key `under`, by which
 * errors (`CONFIGURATION`) name it. Comes back complete.
 */
export function checkConfiguration(
  place: string,
  value: unknown,
  under: readonly PropertyKey[],
): Configuration {
  const whole = check(place, value, under);
  requireRollout([place, ...under].join(": "), whole);
  return whole;
}

/** Keys that only together are too large. */
function requireRollout(place: string, { environments, frames, ppo }: Configuration): void {
  const rows = environments * ppo.rolloutSteps * frames;
  if (rows <= ROLLOUT_ROWS_MAX) return;
  const stacked = frames === 1 ? "" : ` x ${frames} frames`;
  throw new OperationError(
    "CONFIGURATION",
    `${place}: ppo.rolloutSteps: expected at most ${ROLLOUT_ROWS_MAX} rows of ${environments} ` +
      `environments x ${ppo.rolloutSteps} steps${stacked} in a rollout, was ${rows}; lower one of them`,
  );
}

function check(place: string, value: unknown, under: readonly PropertyKey[] = []): Configuration {
  return checkShape({ schema, place, value, code: "CONFIGURATION", under, knownKeys });
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  // What is optional stands in no default, but is known.
  const optional = {
    files: { sessions: [""], model: "", normaliser: "" },
    episode: { membership: "direct", overlay: {} },
    callbacks: { evaluateOn: [""] },
    backtest: {
      strategy: "",
      options: {},
      cadence: "1s",
      markets: [""],
      startingCashUsd: 1,
      orderContractsMax: 1,
      positionLimitContracts: 1,
      openOrdersMax: 1,
      eventExposureMaxUsd: 1,
      seriesExposureMaxUsd: 1,
      worlds: ["expected"],
      onError: "stop",
    },
  };
  return keysAt(schema.parse(optional), path);
}

function merge(written: unknown, overrides: object): unknown {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const merged: Record<string, unknown> = isObject(written) ? { ...written } : {};
  for (const [key, value] of Object.entries(overrides)) {
    if (value === undefined) continue;
    // A latency is one value in several forms, of which none goes into another.
    const isWhole = LATENCY_LEGS.some((leg) => leg === key);
    merged[key] = isObject(value) && !isWhole ? merge(merged[key], value) : (value as unknown);
  }
  return merged;
}

/**
 * The simulator's settings of a configuration; its amounts were found to be exact on reading. Files of
 * latencies are read: `LATENCY_FILE` where one is not what it was.
 */
export function episodeSettings({ episode }: Configuration): EpisodeSettings {
  const { startingCashUsd, orderContracts, positionLimitContracts, membership, overlay, ...rest } =
    episode;
  return {
    ...rest,
    ...(overlay !== undefined && { overlay: overlayOf(overlay) }),
    latency: measuredLatency(episode.latency),
    ...(membership !== undefined && { membership }),
    startingCash: Math.round(startingCashUsd * 1e6) as MicroUsd,
    orderSize: Math.round(orderContracts * 100) as Lots,
    positionLimit: Math.round(positionLimitContracts * 100) as Lots,
  };
}

function overlayOf(written: NonNullable<Configuration["episode"]["overlay"]>): OverlaySettings {
  const ppm = (probability: number): number => Math.round(probability * 1e6);
  return {
    fillPpm: ppm(written.fillProbability),
    partialPpm: ppm(written.partialProbability),
    slippagePpm: ppm(written.slippageProbability),
    slippageTicks: written.slippageTicks,
    improvementPpm: ppm(written.improvementProbability),
    improvementTicks: written.improvementTicks,
    rejectionPpm: ppm(written.rejectionProbability),
  };
}

export function ppoSettings({ ppo }: Configuration): PpoSettings {
  return ppo;
}

/** What a flag or else the file says; wrong usage where neither does. */
export function wanted<T>(flag: string, key: string, given: T | undefined): T {
  if (given !== undefined) return given;
  throw wrongUsage(
    `${flag}: expected on the command line, or as ${key} in the configuration file, was neither`,
  );
}

/** The members of an object but for some. */
export function without(whole: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(whole).filter(([key]) => !keys.includes(key)));
}

function isExact(value: number, scale: number): boolean {
  const scaled = Math.round(value * scale);
  return Math.abs(scaled - value * scale) < 1e-6 && Number.isSafeInteger(scaled) && scaled > 0;
}
