/**
 * Environments so small that it is known what a learner must find in them, each one step harder
 * than the one before (after Andy Jones, "Debugging Reinforcement Learning Systems", 2021).
 */
import { assert, Prng } from "../../core/index.ts";
import type { Env, EnvInfo, ResetOptions, StepResult } from "../env.ts";
import { Box, Discrete } from "../spaces.ts";

export type Probe = "constant" | "observed" | "delayed" | "chosen" | "matched";

/**
 * constant  one step, reward 1: the value is 1
 * observed  one step, reward as the observation (-1 or 1): the value follows it
 * delayed   two steps, reward 1 at the second: the first is worth gamma
 * chosen    one step, reward 1 for action 1 and 0 for action 0
 * matched   one step, reward 1 if the action fits the observation (-1: 0, 1: 1), else -1
 */
export class ProbeEnv implements Env {
  readonly observationSpace = new Box(Float32Array.of(-1), Float32Array.of(1));
  readonly actionSpace = new Discrete(2);
  readonly metadata: { readonly name: string };
  readonly #probe: Probe;
  #prng = Prng.fromSeed(0);
  #observation = 0;
  #step = 0;
  #isRunning = false;

  constructor(probe: Probe) {
    this.#probe = probe;
    this.metadata = { name: `Probe-${probe}` };
  }

  reset({ seed }: ResetOptions = {}): [Float32Array, EnvInfo] {
    if (seed !== undefined) this.#prng = Prng.fromSeed(seed);
    const isDrawn = this.#probe === "observed" || this.#probe === "matched";
    this.#observation = isDrawn ? 2 * this.#prng.integer(2) - 1 : 0;
    this.#step = 0;
    this.#isRunning = true;
    return [Float32Array.of(this.#observation), {}];
  }

  step(action: number): StepResult<EnvInfo> {
    assert(this.#isRunning, "reset comes before step, and after every ended episode");
    this.#step += 1;
    const isLast = this.#probe !== "delayed" || this.#step === 2;
    this.#isRunning = !isLast;
    if (this.#probe === "delayed") this.#observation = this.#step === 1 ? 1 : 0;
    return [Float32Array.of(this.#observation), this.#reward(action), isLast, false, {}];
  }

  close(): void {
    this.#isRunning = false;
  }

  #reward(action: number): number {
    switch (this.#probe) {
      case "observed":
        return this.#observation;
      case "delayed":
        return this.#step === 2 ? 1 : 0;
      case "chosen":
        return action;
      case "matched":
        return (action === 1) === (this.#observation === 1) ? 1 : -1;
      default:
        return 1;
    }
  }
}
