/**
 * Successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943), in its plain form: all settings
 * train up to the first rung's steps; the best share of them goes on to the next rung, from where it
 * stood, until the last ones are trained in full. A rung is judged when all its runs are there, so
 * nothing depends on which of them was quicker.
 */
import { assert } from "../../core/index.ts";

export interface RungOptions {
  /** Settings at the start. */
  readonly samples: number;
  /** Steps of a whole run, which is the last rung. */
  readonly totalSteps: number;
  readonly factor: number;
  readonly rungs?: number | undefined;
  readonly minSteps?: number | undefined;
}

/**
 * Steps at which each rung ends, rising to `totalSteps`, each `factor` times the one before. Of as
 * many `rungs` as told, or from `minSteps` on, or as many as leave one setting for the last rung.
 */
export function rungSteps({ samples, totalSteps, factor, ...given }: RungOptions): number[] {
  const steps = [totalSteps];
  const { rungs = given.minSteps === undefined ? rungsFor(samples, factor) : Infinity } = given;
  const least = Math.max(1, given.minSteps ?? 1);
  for (let divisor = factor; steps.length < rungs; divisor *= factor) {
    const next = Math.ceil(totalSteps / divisor);
    if (next < least || next >= (steps[0] ?? 0)) break;
    steps.unshift(next);
  }
  return steps;
}

function rungsFor(samples: number, factor: number): number {
  let rungs = 1;
  for (let left = Math.floor(samples / factor); left >= 1; left = Math.floor(left / factor)) {
    rungs++;
  }
  return rungs;
}

/** How many of `count` settings go on. */
export function survivorCount(count: number, factor: number): number {
  return Math.max(1, Math.floor(count / factor));
}

/**
 * The settings that go on, by number, ascending: the best `1 / factor` of `candidates` by score,
 * the lower number first among equals. One without a score (null) never goes on.
 */
export function survivors(
  candidates: readonly number[],
  scoreOf: (setting: number) => number | null,
  factor: number,
): number[] {
  return ranked(candidates, scoreOf)
    .filter((setting) => scoreOf(setting) !== null)
    .slice(0, survivorCount(candidates.length, factor))
    .sort((a, b) => a - b);
}

/** Settings by falling score, then by number; those without a score come last. */
export function ranked(
  settings: readonly number[],
  scoreOf: (setting: number) => number | null,
): number[] {
  return [...settings].sort((a, b) => {
    const [first, second] = [scoreOf(a) ?? -Infinity, scoreOf(b) ?? -Infinity];
    if (first === second) return a - b;
    return first > second ? -1 : 1;
  });
}

/** The mean of the seeds' scores in their order, or null where one has none. */
export function meanScore(scores: readonly (number | null)[]): number | null {
  assert(scores.length > 0, "a setting has runs");
  let sum = 0;
  for (const score of scores) {
    if (score === null) return null;
    sum += score;
  }
  return sum / scores.length;
}
