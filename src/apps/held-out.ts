/**
 * Evaluation on held-out data while a run trains: when it is due, which result was the best, and
 * when there was no better one for long enough. Every evaluation plays the same episodes, so that
 * results differ by the policy and not by luck. What it remembers goes into the checkpoint: a
 * resumed run finds the same best and stops at the same step.
 */
import type { Env } from "../gym/index.ts";
import {
  type EvaluatedPolicy,
  evaluateInSteps,
  type Interval,
  type Policy,
} from "../learn/index.ts";
import { breathe } from "./interruption.ts";

/** What a run is told about its evaluations. */
export interface HeldOutOptions {
  /** Steps from one evaluation to the next; there is one more at the end. */
  readonly every: number;
  /** Evaluations in a row without a new best after which the run ends; null for none. */
  readonly patience: number | null;
  /** Keeps the best model so far. */
  readonly keepBest: boolean;
  /** Names what is evaluated on: results on other data cannot be compared. */
  readonly identity: string;
  /** Content hashes of what is evaluated on, by id, for manifests. */
  readonly sessions: Readonly<Record<string, string>>;
  evaluate(policy: Policy): Promise<Interval>;
}

export interface BestResult extends Interval {
  /** Steps of the run after which it was so good. */
  readonly steps: number;
}

/** Plain data. */
export interface HeldOutState {
  readonly identity: string;
  readonly evaluations: number;
  readonly best: BestResult | null;
  /** Evaluations since the best. */
  readonly sinceBest: number;
}

export class HeldOut {
  readonly #options: HeldOutOptions;
  #state: HeldOutState;

  constructor(options: HeldOutOptions) {
    this.#options = options;
    const { identity } = options;
    this.#state = { identity, evaluations: 0, best: null, sinceBest: 0 };
  }

  get state(): HeldOutState {
    return this.#state;
  }

  restore(state: HeldOutState): void {
    this.#state = state;
  }

  /** Whether an evaluation is due between two numbers of steps; `isDone` asks for the last one. */
  isDue(before: number, after: number, isDone: boolean): boolean {
    const { every } = this.#options;
    return isDone || Math.floor(after / every) > Math.floor(before / every);
  }

  /** Judges `policy`, and says whether none was better; of equals the first stays the best. */
  async judge(policy: Policy, steps: number): Promise<{ result: Interval; isBest: boolean }> {
    const { mean, low, high } = await this.#options.evaluate(policy);
    const { evaluations, best, sinceBest } = this.#state;
    const isBest = best === null || mean > best.mean;
    this.#state = {
      ...this.#state,
      evaluations: evaluations + 1,
      best: isBest ? { mean, low, high, steps } : best,
      sinceBest: isBest ? 0 : sinceBest + 1,
    };
    return { result: { mean, low, high }, isBest };
  }

  /** Whether patience is at its end. */
  get isOver(): boolean {
    const { patience } = this.#options;
    return patience !== null && this.#state.sinceBest >= patience;
  }
}

/**
 * Returns of `episodes` episodes of `env`, the same ones for the same seed; others may run between
 * two of them.
 */
export async function evaluateEpisodes(
  env: Env,
  policy: EvaluatedPolicy,
  episodes: number,
  seed: string,
): Promise<Interval> {
  const steps = evaluateInSteps({ policies: [policy], env, episodes, seed });
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done !== true) {
      await breathe();
      continue;
    }
    const [result] = step.value.values();
    if (result !== undefined) return result;
  }
}
