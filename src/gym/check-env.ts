/**
 * The environment checker: plays an environment and says in words what it does wrong. An empty list
 * is good. It looks at spaces, types, ranges, masks, what happens at and after an episode's end, and
 * at whether equal seeds and actions give equal bits.
 */
import { bytesOf, messageOf, Prng, sha256Stream } from "../core/index.ts";
import type { Env, EnvInfo, StepResult } from "./env.ts";

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
    findings.add("the same seed and actions gave other observations, rewards or masks");
  judgeMasked(env, seed, steps, findings);
  return [...findings];
}

/** Tries the first action that a mask excludes, where the metadata says what will happen. */
function judgeMasked(env: Env, seed: number | string, steps: number, findings: Set<string>): void {
  const { maskedActions } = env.metadata;
  if (maskedActions === undefined) return;
  const prng = Prng.fromSeed(seed).fork("masked");
  let [, info] = env.reset({ seed });
  for (let step = 0; step < steps; step++) {
    const mask = usableMask(env, info);
    const masked = mask?.indexOf(0) ?? -1;
    if (masked < 0) {
      const result = tryStep(env, env.actionSpace.sample(prng, mask));
      if (typeof result === "string") return;
      const [, , terminated, truncated, next] = result;
      info = terminated || truncated ? env.reset()[1] : next;
      continue;
    }
    const isRefused = typeof tryStep(env, masked) === "string";
    if (isRefused !== (maskedActions === "refused")) {
      findings.add(
        `at step ${step}: the masked action ${masked} is ${isRefused ? "" : "not "}refused, ` +
          `where the metadata says ${maskedActions}`,
      );
    }
    return;
  }
}

/** Plays with random allowed actions; returns a hash of everything that came back. */
function play(env: Env, seed: number | string, steps: number, findings: Set<string>): string {
  const prng = Prng.fromSeed(seed).fork("check");
  const hash = sha256Stream();
  const show = (observation: Float32Array, info: EnvInfo, place: string): void => {
    judge(env, observation, info, place, findings);
    if (observation instanceof Float32Array) hash.update(bytesOf(observation));
    hash.update(info.actionMask === undefined ? "all" : Uint8Array.from(info.actionMask));
  };
  let [observation, info] = env.reset({ seed });
  show(observation, info, "after reset");
  for (let step = 0; step < steps; step++) {
    const place = `at step ${step}`;
    const action = env.actionSpace.sample(prng, usableMask(env, info));
    const result = tryStep(env, action);
    if (typeof result === "string") {
      findings.add(`${place}: the allowed action ${action} is refused: ${result}`);
      break;
    }
    const [next, reward, terminated, truncated, nextInfo] = result;
    show(next, nextInfo, place);
    hash.update(`${reward} ${terminated} ${truncated}`);
    if (typeof reward !== "number" || !Number.isFinite(reward)) {
      findings.add(`${place}: the reward is ${String(reward)}`);
    }
    if (typeof terminated !== "boolean" || typeof truncated !== "boolean") {
      findings.add(`${place}: terminated and truncated are not both booleans`);
    }
    info = nextInfo;
    if (!terminated && !truncated) continue;
    if (typeof tryStep(env, action) !== "string") {
      findings.add(`${place}: a step after the end is not refused`);
    }
    [observation, info] = env.reset();
    show(observation, info, `${place}, after the reset`);
  }
  return hash.digest("hex");
}

/** The step's result, or what it threw in words. */
function tryStep(env: Env, action: number): StepResult<EnvInfo> | string {
  try {
    return env.step(action);
  } catch (error) {
    return messageOf(error);
  }
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
  } else if (mask.some((allowed) => allowed > 1)) {
    findings.add(`${place}: the mask has entries other than 0 and 1`);
  } else if (!mask.includes(1)) {
    findings.add(`${place}: the mask allows no action`);
  }
}

function usableMask(env: Env, { actionMask }: EnvInfo): Uint8Array | undefined {
  const usable = actionMask?.length === env.actionSpace.n && actionMask.includes(1);
  return usable ? actionMask : undefined;
}
