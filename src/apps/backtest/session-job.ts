/** One session of a back-test as a piece of work: plain data in, plain data out, on any thread. */
import { loadForBacktest, runSessionInSteps } from "../../sim/index.ts";
import type { BacktestSettings, SessionResult } from "../../sim/index.ts";
import type { StrategyDefinition } from "../../strategies/index.ts";
import { openStrategy, type StrategySource } from "./strategy-source.ts";

export interface BacktestWork {
  readonly folders: readonly string[];
  readonly source: StrategySource;
  readonly options: Readonly<Record<string, unknown>>;
  readonly settings: BacktestSettings;
}

export interface SessionDone {
  readonly result: SessionResult;
  /** Wall-clock time of the run itself, without loading the session. */
  readonly seconds: number;
}

export interface JobHooks {
  /** Told the share that is done, now and then. */
  progress(share: number): void;
  /** Asked now and then whether the run is to end early; may let others have their turn. */
  isStopped(): Promise<boolean>;
}

/** A strategy, opened once for all sessions of a thread. */
export type OpenedStrategy = Promise<StrategyDefinition>;

export function openStrategyOf({ source }: BacktestWork): OpenedStrategy {
  return openStrategy(source);
}

/** Runs session number `index`. */
export async function runSessionJob(
  { folders, options, settings }: BacktestWork,
  index: number,
  opened: OpenedStrategy,
  hooks: JobHooks,
): Promise<SessionDone> {
  const strategy = await opened;
  const loaded = loadForBacktest(folders[index] ?? "", strategy, settings);
  let startedAt = performance.now();
  let ms = 0;
  const steps = runSessionInSteps({ ...loaded, strategy, options, settings });
  let step = steps.next();
  while (step.done !== true) {
    ms += performance.now() - startedAt;
    hooks.progress(step.value);
    const isStopped = await hooks.isStopped();
    startedAt = performance.now();
    step = steps.next(isStopped);
  }
  ms += performance.now() - startedAt;
  return { result: step.value, seconds: ms / 1000 };
}
