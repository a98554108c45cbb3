/**
 * A policy that was trained on stacked frames, as one that is shown single observations: it keeps
 * the last ones of the episode itself.
 */
import { FrameMemory } from "../gym/index.ts";
import type { EvaluatedPolicy } from "./evaluation.ts";

/** `policy` behind a memory of `frames` observations of `size` numbers; itself for one frame. */
export function rememberFrames(
  policy: EvaluatedPolicy,
  size: number,
  frames: number,
): EvaluatedPolicy {
  if (frames === 1) return policy;
  const memory = new FrameMemory(size, frames);
  return {
    name: policy.name,
    begin: () => {
      memory.begin();
      policy.begin?.();
    },
    act: (observation, mask, prng) => policy.act(memory.push(observation), mask, prng),
  };
}
