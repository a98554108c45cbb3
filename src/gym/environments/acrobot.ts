/**
 * Acrobot-v1: two links hang from a pivot; a motor between them swings the tip above a bar one link
 * higher than the pivot. The dynamics are those of Gymnasium's environment in its "book" variant
 * (Sutton and Barto, 1998; a fourth-order Runge-Kutta step of 0.2 s). Gymnasium starts from float32
 * numbers, and so does this.
 *
 * Action space. Discrete(3): torque -1, 0, 1. Observation. Box(6): cosine and sine of the first
 * link's angle from straight down, the same of the second's relative to the first, both angular
 * velocities. Reward. -1 per step, 0 at the goal. Start. All four numbers uniform within 0.1.
 * Episode end. Terminated when the tip is above the bar; truncated after 500 steps.
 */
import { assert, cos, sin } from "../../core/index.ts";
import type { Env, EnvInfo, ResetOptions, StepResult } from "../env.ts";
import { streamOf } from "../numpy-random.ts";
import { Box, Discrete } from "../spaces.ts";

const PI = 3.141592653589793;
const STEP_S = 0.2;
const GRAVITY = 9.8;
const MASS_1 = 1;
const MASS_2 = 1;
const LENGTH_1 = 1;
/** From the joint to each link's centre of mass. */
const CENTRE_1 = 0.5;
const CENTRE_2 = 0.5;
const MOMENT = 1;
const SPIN_1_MAX = 4 * PI;
const SPIN_2_MAX = 9 * PI;
const STEP_LIMIT = 500;

/** Angle of each link, angular velocity of each. */
type AcrobotState = readonly [number, number, number, number];

export interface AcrobotResetOptions {
  /** Starts here instead of at random: two angles, two angular velocities. */
  readonly state?: AcrobotState;
}

export class Acrobot implements Env {
  readonly observationSpace = new Box(
    Float32Array.of(-1, -1, -1, -1, -SPIN_1_MAX, -SPIN_2_MAX),
    Float32Array.of(1, 1, 1, 1, SPIN_1_MAX, SPIN_2_MAX),
  );
  readonly actionSpace = new Discrete(3);
  readonly metadata = { name: "Acrobot-v1" };
  #stream = streamOf(0);
  #state: AcrobotState = [0, 0, 0, 0];
  #steps = 0;
  #isRunning = false;

  reset({ seed, options }: ResetOptions = {}): [Float32Array, EnvInfo] {
    if (seed !== undefined) this.#stream = streamOf(seed);
    const { state } = (options ?? {}) as AcrobotResetOptions;
    const draw = (): number => Math.fround(this.#stream.float() * 0.2 - 0.1);
    this.#state = state ?? [draw(), draw(), draw(), draw()];
    this.#steps = 0;
    this.#isRunning = true;
    return [this.#observe(), {}];
  }

  step(action: number): StepResult<EnvInfo> {
    assert(this.#isRunning, "reset comes before step, and after every ended episode");
    assert(this.actionSpace.contains(action), "the action is 0, 1 or 2");
    const [angle1, angle2, spin1, spin2] = rungeKutta(this.#state, action - 1);
    this.#state = [
      wrap(angle1),
      wrap(angle2),
      Math.min(Math.max(spin1, -SPIN_1_MAX), SPIN_1_MAX),
      Math.min(Math.max(spin2, -SPIN_2_MAX), SPIN_2_MAX),
    ];
    this.#steps += 1;
    const isAbove = -cos(this.#state[0]) - cos(this.#state[1] + this.#state[0]) > 1;
    const isOver = this.#steps >= STEP_LIMIT;
    this.#isRunning = !isAbove && !isOver;
    return [this.#observe(), isAbove ? 0 : -1, isAbove, isOver, {}];
  }

  close(): void {
    this.#isRunning = false;
  }

  #observe(): Float32Array {
    const [angle1, angle2, spin1, spin2] = this.#state;
    return Float32Array.of(cos(angle1), sin(angle1), cos(angle2), sin(angle2), spin1, spin2);
  }
}

function rungeKutta(state: AcrobotState, torque: number): AcrobotState {
  const k1 = rates(state, torque);
  const k2 = rates(advanced(state, STEP_S / 2, k1), torque);
  const k3 = rates(advanced(state, STEP_S / 2, k2), torque);
  const k4 = rates(advanced(state, STEP_S, k3), torque);
  const sum = (index: 0 | 1 | 2 | 3): number =>
    k1[index] + 2 * k2[index] + 2 * k3[index] + k4[index];
  return advanced(state, STEP_S / 6, [sum(0), sum(1), sum(2), sum(3)]);
}

function advanced(state: AcrobotState, seconds: number, rate: AcrobotState): AcrobotState {
  return [
    state[0] + seconds * rate[0],
    state[1] + seconds * rate[1],
    state[2] + seconds * rate[2],
    state[3] + seconds * rate[3],
  ];
}

/** Time derivatives; d and phi are the book's symbols, so numbered. */
function rates([angle1, angle2, spin1, spin2]: AcrobotState, torque: number): AcrobotState {
  const cosine = cos(angle2);
  const sine = sin(angle2);
  const coupling = MASS_2 * LENGTH_1 * CENTRE_2;
  const d1 =
    MASS_1 * CENTRE_1 * CENTRE_1 +
    MASS_2 * (LENGTH_1 * LENGTH_1 + CENTRE_2 * CENTRE_2 + 2 * LENGTH_1 * CENTRE_2 * cosine) +
    MOMENT +
    MOMENT;
  const d2 = MASS_2 * (CENTRE_2 * CENTRE_2 + LENGTH_1 * CENTRE_2 * cosine) + MOMENT;
  const phi2 = MASS_2 * CENTRE_2 * GRAVITY * cos(angle1 + angle2 - PI / 2);
  const phi1 =
    -coupling * (spin2 * spin2) * sine -
    2 * coupling * spin2 * spin1 * sine +
    (MASS_1 * CENTRE_1 + MASS_2 * LENGTH_1) * GRAVITY * cos(angle1 - PI / 2) +
    phi2;
  const spinRate2 =
    (torque + (d2 / d1) * phi1 - coupling * (spin1 * spin1) * sine - phi2) /
    (MASS_2 * CENTRE_2 * CENTRE_2 + MOMENT - (d2 * d2) / d1);
  const spinRate1 = -(d2 * spinRate2 + phi1) / d1;
  return [spin1, spin2, spinRate1, spinRate2];
}

/** The angle within a half turn of zero. */
function wrap(angle: number): number {
  let wrapped = angle;
  while (wrapped > PI) wrapped -= 2 * PI;
  while (wrapped < -PI) wrapped += 2 * PI;
  return wrapped;
}
