/**
 * CartPole-v1: a pole on a cart is kept upright by pushing left or right. The dynamics are those of
 * Gymnasium's environment (Barto, Sutton and Anderson, 1983; Euler steps of 0.02 s); sine and
 * cosine are core's, so that trajectories are the same on every machine.
 */
import { assert, cos, sin } from "../../core/index.ts";
import type { Env, EnvInfo, ResetOptions, StepResult } from "../env.ts";
import { streamOf } from "../numpy-random.ts";
import { Box, Discrete } from "../spaces.ts";

const GRAVITY = 9.8;
const CART_MASS = 1;
const POLE_MASS = 0.1;
const TOTAL_MASS = POLE_MASS + CART_MASS;
/** Half the pole's length. */
const LENGTH = 0.5;
const POLE_MOMENT = POLE_MASS * LENGTH;
const FORCE = 10;
const STEP_S = 0.02;
const ANGLE_LIMIT = (12 * 2 * 3.141592653589793) / 360;
const POSITION_LIMIT = 2.4;
const STEP_LIMIT = 500;

export interface CartPoleResetOptions {
  /** Starts here instead of at random: position, velocity, angle, angular velocity. */
  readonly state?: readonly [number, number, number, number];
}

export class CartPole implements Env {
  readonly observationSpace = new Box(
    Float32Array.of(-POSITION_LIMIT * 2, -Infinity, -ANGLE_LIMIT * 2, -Infinity),
    Float32Array.of(POSITION_LIMIT * 2, Infinity, ANGLE_LIMIT * 2, Infinity),
  );
  readonly actionSpace = new Discrete(2);
  readonly metadata = { name: "CartPole-v1" };
  #stream = streamOf(0);
  #state: [number, number, number, number] = [0, 0, 0, 0];
  #steps = 0;
  #isRunning = false;

  reset({ seed, options }: ResetOptions = {}): [Float32Array, EnvInfo] {
    if (seed !== undefined) this.#stream = streamOf(seed);
    const { state } = (options ?? {}) as CartPoleResetOptions;
    const draw = (): number => this.#stream.float() * 0.1 - 0.05;
    this.#state = state === undefined ? [draw(), draw(), draw(), draw()] : [...state];
    this.#steps = 0;
    this.#isRunning = true;
    return [Float32Array.from(this.#state), {}];
  }

  step(action: number): StepResult<EnvInfo> {
    assert(this.#isRunning, "reset comes before step, and after every ended episode");
    assert(this.actionSpace.contains(action), "the action is 0 or 1");
    const [position, velocity, angle, spin] = this.#state;
    const force = action === 1 ? FORCE : -FORCE;
    const cosine = cos(angle);
    const sine = sin(angle);
    const push = (force + POLE_MOMENT * (spin * spin) * sine) / TOTAL_MASS;
    const spinRate =
      (GRAVITY * sine - cosine * push) /
      (LENGTH * (4 / 3 - (POLE_MASS * (cosine * cosine)) / TOTAL_MASS));
    const acceleration = push - (POLE_MOMENT * spinRate * cosine) / TOTAL_MASS;
    const next: [number, number, number, number] = [
      position + STEP_S * velocity,
      velocity + STEP_S * acceleration,
      angle + STEP_S * spin,
      spin + STEP_S * spinRate,
    ];
    this.#state = next;
    this.#steps += 1;
    const fell = Math.abs(next[0]) > POSITION_LIMIT || Math.abs(next[2]) > ANGLE_LIMIT;
    const isOver = this.#steps >= STEP_LIMIT;
    this.#isRunning = !fell && !isOver;
    return [Float32Array.from(next), 1, fell, isOver, {}];
  }

  close(): void {
    this.#isRunning = false;
  }
}
