/**
 * InvalidActionEnv: name the number shown, while most others are forbidden. After
 * `InvalidActionEnvDiscrete` of Stable-Baselines3's contributed tests (there with 80 actions, 60 of
 * them forbidden): a learner that does not respect masks is refused by an assertion, one that does
 * has a policy to find.
 *
 * Action space. Discrete(n); a forbidden action is a bug. Observation. Box(n): 1 at the number
 * wanted, 0 elsewhere. Reward. 1 for the number, else 0. Episode end. Truncated after 100 steps.
 */
import { assert, Prng } from "../../core/index.ts";
import type { Env, EnvInfo, ResetOptions, StepResult } from "../env.ts";
import { Box, Discrete } from "../spaces.ts";

const STEP_LIMIT = 100;

export class InvalidActionEnv implements Env {
  readonly observationSpace: Box;
  readonly actionSpace: Discrete;
  readonly metadata = { name: "InvalidActionEnvDiscrete", maskedActions: "refused" } as const;
  readonly #forbidden: number;
  #prng = Prng.fromSeed(0);
  #wanted = 0;
  #mask: Uint8Array;
  #steps = 0;
  #isRunning = false;

  /** Of `n` actions, `forbidden` are forbidden at each step, never the wanted one. */
  constructor(n: number, forbidden: number) {
    assert(forbidden >= 0 && forbidden < n, "at least one action is allowed");
    this.observationSpace = new Box(new Float32Array(n), new Float32Array(n).fill(1));
    this.actionSpace = new Discrete(n);
    this.#forbidden = forbidden;
    this.#mask = new Uint8Array(n);
  }

  reset({ seed }: ResetOptions = {}): [Float32Array, EnvInfo] {
    if (seed !== undefined) this.#prng = Prng.fromSeed(seed);
    this.#steps = 0;
    this.#isRunning = true;
    return this.#next();
  }

  step(action: number): StepResult<EnvInfo> {
    assert(this.#isRunning, "reset comes before step, and after every ended episode");
    assert(this.#mask[action] === 1, "the action is allowed");
    const reward = action === this.#wanted ? 1 : 0;
    this.#steps += 1;
    const isOver = this.#steps >= STEP_LIMIT;
    this.#isRunning = !isOver;
    const [observation, info] = this.#next();
    return [observation, reward, false, isOver, info];
  }

  close(): void {
    this.#isRunning = false;
  }

  #next(): [Float32Array, EnvInfo] {
    const { n } = this.actionSpace;
    this.#wanted = this.#prng.integer(n);
    this.#mask = new Uint8Array(n).fill(1);
    for (let left = this.#forbidden; left > 0;) {
      const action = this.#prng.integer(n);
      if (action === this.#wanted || this.#mask[action] === 0) continue;
      this.#mask[action] = 0;
      left -= 1;
    }
    const observation = new Float32Array(n);
    observation[this.#wanted] = 1;
    return [observation, { actionMask: this.#mask }];
  }
}
