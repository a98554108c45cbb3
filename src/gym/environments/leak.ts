/**
 * A market in which nothing can be earned, and the same one with a leak planted into it: the price's
 * next change stands in the observation. A learner must come close to what clairvoyance earns in the
 * second, and must not seem to earn anything in the first.
 */
import { assert, Prng } from "../../core/index.ts";
import type { Env, EnvInfo, ResetOptions, StepResult } from "../env.ts";
import { Box, Discrete } from "../spaces.ts";

/** Steps of an episode, at which it is truncated. */
const STEPS = 50;
/** What a step in the market costs: half the spread. */
const COST = 0.2;
const HOLD = 0;
const LONG = 1;
const SHORT = 2;

/**
 * Each step the agent holds (0), is long (1) or short (2), and earns the price's next change, a
 * standard normal number, with the sign of its position, less the cost. Observation: the last two
 * changes, and the next change where it `leaks`, else another normal number in its place.
 */
export class LeakEnv implements Env {
  readonly observationSpace = new Box(
    new Float32Array(3).fill(-Infinity),
    new Float32Array(3).fill(Infinity),
  );
  readonly actionSpace = new Discrete(3);
  readonly metadata: { readonly name: string };
  readonly #leaks: boolean;
  #prng = Prng.fromSeed(0);
  /** The one before the last, the last, and the next. */
  #changes: readonly [number, number, number] = [0, 0, 0];
  #step = STEPS;

  constructor(leaks: boolean) {
    this.#leaks = leaks;
    this.metadata = { name: leaks ? "Leak-planted" : "Leak-none" };
  }

  reset({ seed }: ResetOptions = {}): [Float32Array, EnvInfo] {
    if (seed !== undefined) this.#prng = Prng.fromSeed(seed);
    this.#changes = [this.#prng.normal(), this.#prng.normal(), this.#prng.normal()];
    this.#step = 0;
    return [this.#observe(), {}];
  }

  step(action: number): StepResult<EnvInfo> {
    assert(this.#step < STEPS, "reset comes before step, and after every ended episode");
    assert(action === HOLD || action === LONG || action === SHORT, "an action of the space");
    const [, last, next] = this.#changes;
    this.#changes = [last, next, this.#prng.normal()];
    this.#step += 1;
    const earned = action === LONG ? next : action === SHORT ? -next : 0;
    const reward = action === HOLD ? 0 : earned - COST;
    return [this.#observe(), reward, false, this.#step === STEPS, {}];
  }

  close(): void {
    this.#step = STEPS;
  }

  #observe(): Float32Array {
    const [before, last, next] = this.#changes;
    return Float32Array.of(before, last, this.#leaks ? next : this.#prng.normal());
  }
}
