/**
 * Normaliser statistics in a file beside a model, for a graph of weights does not hold them. Our own
 * form, and what users of Stable-Baselines3 get when they write VecNormalize's statistics as JSON:
 *   { "mean": [...], "variance" or "var": [...], "clip" or "clip_obs": 10, "epsilon": 1e-8 }
 * The last two may be left out and are then VecNormalize's defaults, which are ours too.
 */
import { readFileSync } from "node:fs";
import { messageOf, OperationError } from "../../core/index.ts";
import type { NormaliserStatistics } from "../frozen-normaliser.ts";
import { EPSILON, LIMIT } from "../observation-normaliser.ts";

/** The name under which a model's reader looks for it, beside the model. */
export const NORMALISER_FILE = "normaliser.json";

const KEYS = ["mean", "variance", "var", "clip", "clip_obs", "epsilon", "count"];
const WAY_OUT = "docs/models.md shows how to export it";

/** The text of our own form. */
export function normaliserText({ mean, variance, clip, epsilon }: NormaliserStatistics): string {
  return `${JSON.stringify({ clip, epsilon, mean, variance }, null, 1)}\n`;
}

/**
 * Reads statistics. `NORMALISER_MISSING` where the file cannot be read, `NORMALISER_FORMAT` where it
 * is none.
 */
export function readNormaliser(file: string): NormaliserStatistics {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new OperationError(
      "NORMALISER_MISSING",
      `${file}: expected normaliser statistics, was: ${messageOf(error)}; ${WAY_OUT}`,
      { cause: error },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new OperationError(
      "NORMALISER_FORMAT",
      `${file}: expected JSON, was: ${messageOf(error)}; ${WAY_OUT}`,
      { cause: error },
    );
  }
  return statisticsIn(file, value);
}

function statisticsIn(file: string, value: unknown): NormaliserStatistics {
  const refuse = (what: string, expected: string, was: unknown): never => {
    const shown = was === undefined ? "missing" : (JSON.stringify(was) ?? "missing").slice(0, 60);
    throw new OperationError(
      "NORMALISER_FORMAT",
      `${file}: ${what}: expected ${expected}, was ${shown}; ${WAY_OUT}`,
    );
  };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse("(top level)", "an object with mean and variance", value);
  }
  const members = new Map<string, unknown>(Object.entries(value));
  for (const key of members.keys()) {
    if (!KEYS.includes(key)) refuse(key, `one of ${KEYS.join(", ")}`, `a key "${key}"`);
  }
  const either = (first: string, second: string): [string, unknown] => {
    if (members.has(first) && members.has(second)) refuse(second, `no second ${first}`, second);
    return members.has(second) ? [second, members.get(second)] : [first, members.get(first)];
  };
  const list = (key: string, given: unknown, least: number): number[] => {
    if (!Array.isArray(given)) return refuse(key, "a list of numbers", given);
    const odd = given.findIndex((number) => !Number.isFinite(number) || (number as number) < least);
    if (odd >= 0)
      refuse(`${key}[${odd}]`, `a number${least === 0 ? " from 0 up" : ""}`, given[odd]);
    return given as number[];
  };
  const positive = (key: string, given: unknown, otherwise: number): number => {
    if (given === undefined) return otherwise;
    if (typeof given === "number" && Number.isFinite(given) && given > 0) return given;
    return refuse(key, "a positive number", given);
  };
  const [varianceKey, varianceGiven] = either("variance", "var");
  const mean = list("mean", members.get("mean"), -Infinity);
  const variance = list(varianceKey, varianceGiven, 0);
  if (mean.length !== variance.length) {
    refuse(varianceKey, `as many numbers as mean has (${mean.length})`, variance.length);
  }
  const [clipKey, clipGiven] = either("clip", "clip_obs");
  const clip = positive(clipKey, clipGiven, LIMIT);
  return { mean, variance, clip, epsilon: positive("epsilon", members.get("epsilon"), EPSILON) };
}
