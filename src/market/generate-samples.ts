/**
 * The sample sessions that come with the product, as the options that make them. Their files under
 * `sessions/` are what `kalshi-gym sessions generate --samples` writes; a test makes them again.
 * Four are meant for training and two for evaluation, which no training run should see.
 */
import { type TimestampUs, US_PER_SECOND } from "../core/index.ts";
import { GENERATE_START_US, type GenerateOptions } from "./generate.ts";
import type { ProfileName } from "./generate-profile.ts";

export interface SampleSession extends GenerateOptions {
  readonly use: "train" | "evaluate";
}

const DAY_US = 86_400 * US_PER_SECOND;

const PLAN: readonly (readonly [ProfileName, SampleSession["use"]])[] = [
  ["basketball", "train"],
  ["basketball", "train"],
  ["fight", "train"],
  ["basketball", "train"],
  ["basketball", "evaluate"],
  ["fight", "evaluate"],
];

/** One event of half an hour each, on days in a row; the seed is the sample's number. */
export const SAMPLES: readonly SampleSession[] = PLAN.map(([profile, use], index) => ({
  id: `sample-${index + 1}`,
  seed: index + 1,
  events: 1,
  minutes: 30,
  profile,
  startUs: (GENERATE_START_US + index * DAY_US) as TimestampUs,
  use,
}));
