/**
 * Comparing policies: every one plays the same episodes from the same seeds, so that differences
 * are of the policies and not of luck. Intervals are 95 % percentile bootstraps of the mean over
 * episodes, seeded.
 */
import { assert, Prng } from "../core/index.ts";
import type { Env, EnvInfo } from "../gym/index.ts";

/** Chooses an action from what an environment shows; once for each observation of an episode. */
export interface EvaluatedPolicy {
  readonly name: string;
  /** An episode begins; who remembers observations forgets those of the last one. */
  begin?(): void;
  act(observation: Float32Array, mask: Uint8Array, prng: Prng): number;
}

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface PolicyResult extends Interval {
  /** Return of each episode, in the order of the seeds. */
  readonly returns: readonly number[];
  /** Share of each action, over all episodes. [A] */
  readonly actionShares: readonly number[];
}

export interface EvaluationOptions {
  readonly policies: readonly EvaluatedPolicy[];
  readonly env: Env;
  readonly episodes: number;
  readonly seed: number | string;
}

const RESAMPLES = 2000;

/** Results by policy name, in the order given. */
export function evaluatePolicies(options: EvaluationOptions): Map<string, PolicyResult> {
  const steps = evaluateInSteps(options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * The same evaluation, one episode at a time: yields how many of policies x episodes are done, so
 * that the caller may show it, let others run, or stop.
 */
export function* evaluateInSteps(
  options: EvaluationOptions,
): Generator<number, Map<string, PolicyResult>> {
  const { policies, env, episodes, seed } = options;
  assert(episodes >= 1, "an evaluation has at least one episode");
  const results = new Map<string, PolicyResult>();
  let done = 0;
  for (const policy of policies) {
    const returns: number[] = [];
    const counts = new Array<number>(env.actionSpace.n).fill(0);
    for (let episode = 0; episode < episodes; episode++) {
      const prng = Prng.fromSeed(`${seed} actions ${episode}`).fork(policy.name);
      returns.push(playEpisode(env, policy, `${seed} episode ${episode}`, prng, counts));
      yield ++done;
    }
    const total = counts.reduce((sum, count) => sum + count, 0);
    results.set(policy.name, {
      ...meanInterval(returns, Prng.fromSeed(`${seed} bootstrap`)),
      returns,
      actionShares: counts.map((count) => count / total),
    });
  }
  return results;
}

function playEpisode(
  env: Env,
  policy: EvaluatedPolicy,
  seed: string,
  prng: Prng,
  counts: number[],
): number {
  const everything = new Uint8Array(env.actionSpace.n).fill(1);
  const maskOf = (info: EnvInfo): Uint8Array => info.actionMask ?? everything;
  let [observation, info] = env.reset({ seed });
  policy.begin?.();
  let total = 0;
  for (;;) {
    const action = policy.act(observation, maskOf(info), prng);
    counts[action] = (counts[action] as number) + 1;
    const [next, reward, terminated, truncated, nextInfo] = env.step(action);
    total += reward;
    if (terminated || truncated) return total;
    observation = next;
    info = nextInfo;
  }
}

/**
 * What each other policy earns more than `baseline`, episode by episode: the interval of the mean
 * difference is narrower than those of the means, for both had the same luck. Seeded bootstrap, 95 %.
 */
export function pairedDifferences(
  results: ReadonlyMap<string, PolicyResult>,
  baseline: string,
  seed: number | string,
): Map<string, Interval> {
  const reference = results.get(baseline);
  assert(reference !== undefined, "the baseline is one of the policies");
  const differences = new Map<string, Interval>();
  for (const [name, { returns }] of results) {
    if (name === baseline) continue;
    assert(returns.length === reference.returns.length, "both played the same episodes");
    const paired = returns.map((value, index) => value - (reference.returns[index] as number));
    differences.set(name, meanInterval(paired, Prng.fromSeed(`${seed} paired`)));
  }
  return differences;
}

/** Mean of `values` with a 95 % percentile bootstrap interval. */
export function meanInterval(values: readonly number[], prng: Prng): Interval {
  assert(values.length > 0, "a mean is of something");
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const means = new Float64Array(RESAMPLES);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    let sum = 0;
    for (let draw = 0; draw < n; draw++) sum += values[prng.integer(n)] as number;
    means[resample] = sum / n;
  }
  means.sort();
  const at = (share: number): number => means[Math.floor(share * (RESAMPLES - 1))] as number;
  return { mean, low: at(0.025), high: at(0.975) };
}
