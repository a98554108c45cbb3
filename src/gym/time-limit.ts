/**
 * TimeLimit: an environment whose episodes are truncated after a number of steps. For environments
 * without a limit of their own; the reference environments have theirs built in.
 */
import { assert } from "../core/index.ts";
import type { Env, EnvInfo, EnvMetadata, ResetOptions, StepResult } from "./env.ts";
import type { Box, Discrete } from "./spaces.ts";

export class TimeLimit<Info extends EnvInfo = EnvInfo> implements Env<Info> {
  readonly observationSpace: Box;
  readonly actionSpace: Discrete;
  readonly metadata: EnvMetadata;
  readonly #env: Env<Info>;
  readonly #stepLimit: number;
  #steps: number;

  constructor(env: Env<Info>, stepLimit: number) {
    assert(Number.isInteger(stepLimit) && stepLimit >= 1, "a step limit is a positive integer");
    this.observationSpace = env.observationSpace;
    this.actionSpace = env.actionSpace;
    this.metadata = env.metadata;
    this.#env = env;
    this.#stepLimit = stepLimit;
    this.#steps = stepLimit;
  }

  reset(options?: ResetOptions): [Float32Array, Info] {
    this.#steps = 0;
    return this.#env.reset(options);
  }

  /** The last step is truncated, and may be terminated at once; no step follows it. */
  step(action: number): StepResult<Info> {
    assert(this.#steps < this.#stepLimit, "reset comes before step, and after every ended episode");
    const [observation, reward, terminated, truncated, info] = this.#env.step(action);
    this.#steps += 1;
    return [observation, reward, terminated, truncated || this.#steps >= this.#stepLimit, info];
  }

  close(): void {
    this.#env.close();
  }
}
