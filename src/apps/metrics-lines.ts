/**
 * What a run's metrics say of its episodes, read back from the file. Lines that are none, or not
 * whole because they are being written or were cut off, are passed over.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

export interface RolloutLine {
  readonly steps: number;
  /** Episodes that ended in the rollout, and their mean return; null without any. */
  readonly episodes: number;
  readonly meanReturn: number | null;
}

/** The rollouts in the last `bytes` of the file, in order; none where there is no file. */
export function readRollouts(path: string, bytes = Infinity): RolloutLine[] {
  if (!existsSync(path)) return [];
  return endOf(path, bytes)
    .split("\n")
    .map(rolloutIn)
    .filter((rollout) => rollout !== null);
}

/** A mean, and the number of episodes that it is of; null without any. */
export interface EpisodesMean {
  readonly meanReturn: number | null;
  readonly episodes: number;
}

/** The mean return of the last rollouts' episodes: as many as hold at least `least` of them. */
export function meanOfLast(rollouts: readonly RolloutLine[], least: number): EpisodesMean {
  let [episodes, total] = [0, 0];
  for (let at = rollouts.length - 1; at >= 0 && episodes < least; at--) {
    const { episodes: ended = 0, meanReturn = null } = rollouts[at] ?? {};
    if (ended === 0 || meanReturn === null) continue;
    episodes += ended;
    total += ended * meanReturn;
  }
  return { meanReturn: episodes === 0 ? null : total / episodes, episodes };
}

function rolloutIn(line: string): RolloutLine | null {
  try {
    const value = JSON.parse(line) as Partial<RolloutLine> | null;
    return typeof value?.steps === "number" && typeof value.episodes === "number"
      ? { steps: value.steps, episodes: value.episodes, meanReturn: value.meanReturn ?? null }
      : null;
  } catch {
    return null;
  }
}

function endOf(path: string, bytes: number): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const from = Math.max(0, size - bytes);
    const buffer = Buffer.alloc(size - from);
    const read = readSync(file, buffer, 0, buffer.length, from);
    return buffer.toString("utf8", 0, read);
  } finally {
    closeSync(file);
  }
}
