/**
 * MountainCar-v0: a car too weak for the hill gathers speed by swinging. The dynamics are those of
 * Gymnasium's environment (Moore, 1990).
 *
 * Action space. Discrete(3): push left, not at all, right. Observation. Box(2): position and
 * velocity. Reward. -1 per step. Start. At rest, uniformly from -0.6 to -0.4. Episode end.
 * Terminated at position 0.5; truncated after 200 steps.
 */
import { assert, cos } from "../../core/index.ts";
import type { Env, EnvInfo, ResetOptions, StepResult } from "../env.ts";
import { streamOf } from "../numpy-random.ts";
import { Box, Discrete } from "../spaces.ts";

const POSITION_MIN = -1.2;
const POSITION_MAX = 0.6;
const SPEED_MAX = 0.07;
const GOAL_POSITION = 0.5;
const FORCE = 0.001;
const GRAVITY = 0.0025;
const STEP_LIMIT = 200;
/** -0.4 - -0.6 as a double, which is how NumPy spans the start; 0.2 is another number. */
const START_RANGE = -0.4 - -0.6;

export interface MountainCarResetOptions {
  /** Starts here instead of at random: position, velocity. */
  readonly state?: readonly [number, number];
}

export class MountainCar implements Env {
  readonly observationSpace = new Box(
    Float32Array.of(POSITION_MIN, -SPEED_MAX),
    Float32Array.of(POSITION_MAX, SPEED_MAX),
  );
  readonly actionSpace = new Discrete(3);
  readonly metadata = { name: "MountainCar-v0" };
  #stream = streamOf(0);
  #position = 0;
  #velocity = 0;
  #steps = 0;
  #isRunning = false;

  reset({ seed, options }: ResetOptions = {}): [Float32Array, EnvInfo] {
    if (seed !== undefined) this.#stream = streamOf(seed);
    const { state } = (options ?? {}) as MountainCarResetOptions;
    [this.#position, this.#velocity] = state ?? [this.#stream.float() * START_RANGE - 0.6, 0];
    this.#steps = 0;
    this.#isRunning = true;
    return [this.#observe(), {}];
  }

  step(action: number): StepResult<EnvInfo> {
    assert(this.#isRunning, "reset comes before step, and after every ended episode");
    assert(this.actionSpace.contains(action), "the action is 0, 1 or 2");
    const acceleration = (action - 1) * FORCE + cos(3 * this.#position) * -GRAVITY;
    this.#velocity = clamp(this.#velocity + acceleration, -SPEED_MAX, SPEED_MAX);
    this.#position = clamp(this.#position + this.#velocity, POSITION_MIN, POSITION_MAX);
    // The wall on the left stops the car.
    if (this.#position === POSITION_MIN && this.#velocity < 0) this.#velocity = 0;
    this.#steps += 1;
    const isThere = this.#position >= GOAL_POSITION && this.#velocity >= 0;
    const isOver = this.#steps >= STEP_LIMIT;
    this.#isRunning = !isThere && !isOver;
    return [this.#observe(), -1, isThere, isOver, {}];
  }

  close(): void {
    this.#isRunning = false;
  }

  #observe(): Float32Array {
    return Float32Array.of(this.#position, this.#velocity);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
