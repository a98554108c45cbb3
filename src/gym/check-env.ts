/**
 * The environment checker: plays an environment and says in words what it does wrong. An empty list
 * is good. It looks at spaces, types, ranges, masks, what happens at and after an episode's end, and
 * at whether equal seeds and actions give equal bits.
 */
import { bytesOf, Prng, sha256Stream } from "../core/index.ts";
import type { Env, EnvInfo } from "./env.ts";

export interface CheckOptions {
  readonly seed?: number | string;
  readonly steps?: number;
}

/** Findings about `env`, each a sentence with the step at which it was made. */
export function checkEnv(env: Env, options: CheckOptions = {}): string[] {
  const { seed = 0, steps = 2000 } = options;
  const findings = new Set<string>();
  const first = play(env, seed, steps, findings);
  const second = play(env, seed, steps, findings);
  if (first !== second)
    findings.add("the same seed and actions gave other observations or rewards");
  return [...findings];
}

/** Plays with random allowed actions; returns a hash of everything that came back. */
function play(env: Env, seed: number | string, steps: number, findings: Set<string>): string {
  const prng = Prng.fromSeed(seed).fork("check");
  const hash = sha256Stream();
  let [observation, info] = env.reset({ seed });
  judge(env, observation, info, "after reset", findings);
  for (let step = 0; step < steps; step++) {
    const place = `at step ${step}`;
    const action = env.actionSpace.sample(prng, usableMask(env, info));
    const [next, reward, terminated, truncated, nextInfo] = env.step(action);
    hash.update(bytesOf(next)).update(bytesOf(Float64Array.of(reward)));
    hash.update(nextInfo.actionMask ?? "").update(`${terminated} ${truncated}`);
    if (typeof reward !== "number" || !Number.isFinite(reward)) {
      findings.add(`${place}: the reward is ${String(reward)}`);
    }
    if (typeof terminated !== "boolean" || typeof truncated !== "boolean") {
      findings.add(`${place}: terminated and truncated are not both booleans`);
    }
    judge(env, next, nextInfo, place, findings);
    observation = next;
    info = nextInfo;
    if (!terminated && !truncated) continue;
    if (!refusesStep(env)) findings.add(`${place}: a step after the end is not refused`);
    [observation, info] = env.reset();
    judge(env, observation, info, `${place}, after the reset`, findings);
  }
  hash.update(bytesOf(observation));
  return hash.digest("hex");
}

function judge(
  env: Env,
  observation: Float32Array,
  info: EnvInfo,
  place: string,
  findings: Set<string>,
): void {
  const size = env.observationSpace.low.length;
  if (!(observation instanceof Float32Array) || observation.length !== size) {
    findings.add(`${place}: the observation is not a Float32Array of ${size}`);
    return;
  }
  const nan = observation.findIndex(Number.isNaN);
  if (nan >= 0) findings.add(`${place}: observation number ${nan} is NaN`);
  else if (!env.observationSpace.contains(observation)) {
    findings.add(`${place}: the observation is outside its space`);
  }
  const mask = info.actionMask;
  if (mask === undefined) return;
  if (mask.length !== env.actionSpace.n) {
    findings.add(`${place}: the mask has ${mask.length} entries for ${env.actionSpace.n} actions`);
  } else if (!mask.includes(1)) {
    findings.add(`${place}: the mask allows no action`);
  }
}

function usableMask(env: Env, { actionMask }: EnvInfo): Uint8Array | undefined {
  const usable = actionMask?.length === env.actionSpace.n && actionMask.includes(1);
  return usable ? actionMask : undefined;
}

function refusesStep(env: Env): boolean {
  try {
    env.step(0);
    return false;
  } catch {
    return true;
  }
}
