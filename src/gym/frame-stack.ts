/**
 * Frame stacking: the last k observations shown as one, oldest first, for policies that must see how
 * things move. An episode begins with its first observation repeated, as Gymnasium's
 * FrameStackObservation does by default. `FrameStack` is for the lanes of a vector environment,
 * `FrameMemory` for one episode at a time, where a policy is at work; both show the same bits.
 */
import { assert, OperationError } from "../core/index.ts";
import type { AutoresetMode, VectorEnv } from "./vector-env.ts";

/** `frames` observations of `size` numbers. */
interface Stacking {
  readonly frames: number;
  readonly size: number;
}

/** The frames of one episode after another. */
export class FrameMemory {
  /** What a policy sees; overwritten by `push`. [k x O] */
  readonly stacked: Float32Array;
  readonly #stacking: Stacking;
  #isNew = true;

  /** For `frames` observations of `size` numbers. */
  constructor(size: number, frames: number) {
    requireFrames(frames);
    assert(Number.isInteger(size) && size >= 1, "an observation has at least one number");
    this.stacked = new Float32Array(size * frames);
    this.#stacking = { frames, size };
  }

  /** An episode begins: the next observation is its first. */
  begin(): void {
    this.#isNew = true;
  }

  /** Takes in the episode's next observation [O], once each; what is to be seen [k x O]. */
  push(observation: Float32Array): Float32Array {
    assert(observation.length === this.#stacking.size, "the observation fits the memory");
    const take = this.#isNew ? repeat : shift;
    take(this.stacked, 0, observation, 0, this.#stacking);
    this.#isNew = false;
    return this.stacked;
  }
}

interface LaneState {
  readonly frames: number;
  readonly env: unknown;
  /** Bits of the stacked observation, which decimal numbers could not hold (-0, NaN). [k x O] */
  readonly bits: readonly number[];
  /** 1 where the lane has ended and was not reset. */
  readonly isOver: number;
}

/** `env` with the last `frames` observations of each lane; `env` itself for one. */
export function stackFrames(env: VectorEnv, frames: number): VectorEnv {
  return frames === 1 ? env : new FrameStack(env, frames);
}

export class FrameStack implements VectorEnv {
  readonly count: number;
  readonly observationSize: number;
  readonly actionCount: number;
  readonly metadata: { readonly name: string; readonly autoreset: AutoresetMode };
  /** [N, k x O] each */
  readonly observations: Float32Array;
  readonly finalObservations: Float32Array;
  readonly rewards: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly actionMasks: Uint8Array;
  readonly episodeReturns: Float64Array;
  readonly episodeLengths: Uint32Array;
  readonly #env: VectorEnv;
  readonly #stacking: Stacking;
  readonly #isOver: Uint8Array;

  /** Takes `env` over: it is stepped, reset, saved and closed through this one. */
  constructor(env: VectorEnv, frames: number) {
    requireFrames(frames);
    this.#env = env;
    this.#stacking = { frames, size: env.observationSize };
    this.count = env.count;
    this.observationSize = frames * env.observationSize;
    this.actionCount = env.actionCount;
    this.metadata = env.metadata;
    this.observations = new Float32Array(env.count * this.observationSize);
    this.finalObservations = new Float32Array(env.count * this.observationSize);
    this.rewards = env.rewards;
    this.terminated = env.terminated;
    this.truncated = env.truncated;
    this.actionMasks = env.actionMasks;
    this.episodeReturns = env.episodeReturns;
    this.episodeLengths = env.episodeLengths;
    this.#isOver = new Uint8Array(env.count);
  }

  reset(seed: number | string): void {
    this.#env.reset(seed);
    this.#isOver.fill(0);
    for (let lane = 0; lane < this.count; lane++) this.#begin(lane);
  }

  step(actions: Int32Array): void {
    this.#env.step(actions);
    for (let lane = 0; lane < this.count; lane++) this.#stepLane(lane);
  }

  save(): readonly LaneState[] {
    const { observationSize: width } = this;
    const bits = bitsOf(this.observations);
    return this.#env.save().map((env, lane) => ({
      frames: this.#stacking.frames,
      env,
      bits: [...bits.subarray(lane * width, (lane + 1) * width)],
      isOver: this.#isOver[lane] as number,
    }));
  }

  /** `ENV_STATE` where the state is of other frames, or leads elsewhere than it did. */
  restore(state: unknown): void {
    const lanes = this.#requireLanes(state);
    this.#env.restore(lanes.map(({ env }) => env));
    const bits = bitsOf(this.observations);
    for (const [lane, saved] of lanes.entries()) {
      bits.set(saved.bits, lane * this.observationSize);
      this.#isOver[lane] = saved.isOver;
      this.#requireLast(lane);
    }
  }

  #requireLanes(state: unknown): readonly LaneState[] {
    const lanes = (Array.isArray(state) ? state : []) as readonly Partial<LaneState>[];
    const expected = this.#stacking.frames;
    const fits = lanes.every(
      (lane) => lane.frames === expected && lane.bits?.length === this.observationSize,
    );
    if (lanes.length === this.count && fits) return lanes as readonly LaneState[];
    throw new OperationError(
      "ENV_STATE",
      `environment state: expected ${this.count} lanes of ${expected} stacked frames, was ` +
        `${lanes.length || "none"} of ${lanes[0]?.frames ?? "another kind"}; resume with the frames ` +
        `and environments that the checkpoint was made with`,
    );
  }

  close(): void {
    this.#env.close();
  }

  #stepLane(lane: number): void {
    const env = this.#env;
    const mode = env.metadata.autoreset;
    if (this.#isOver[lane] === 1) {
      // A lane that has ended shows its last observation until it is reset.
      if (mode === "disabled") return;
      this.#isOver[lane] = 0;
      this.#begin(lane);
      return;
    }
    const { observations, finalObservations, observationSize: width } = this;
    const at = lane * width;
    const from = lane * env.observationSize;
    const ended = env.terminated[lane] === 1 || env.truncated[lane] === 1;
    if (!ended) {
      shift(observations, at, env.observations, from, this.#stacking);
      return;
    }
    shift(observations, at, env.finalObservations, from, this.#stacking);
    for (let k = 0; k < width; k++) finalObservations[at + k] = observations[at + k] as number;
    if (mode === "same-step") this.#begin(lane);
    else this.#isOver[lane] = 1;
  }

  #begin(lane: number): void {
    const { observations, observationSize } = this.#env;
    const at = lane * this.observationSize;
    repeat(this.observations, at, observations, lane * observationSize, this.#stacking);
  }

  /** The newest of the restored frames is what the restored environment shows. */
  #requireLast(lane: number): void {
    const { observations, observationSize: O } = this.#env;
    const shown = observations.subarray(lane * O, (lane + 1) * O);
    const from = (lane + 1) * this.observationSize - shown.length;
    const kept = this.observations.subarray(from, from + shown.length);
    if (shown.every((number, index) => Object.is(number, kept[index]))) return;
    throw new OperationError(
      "ENV_STATE",
      `environment state: expected a lane to show what it showed when it was saved, was something ` +
        `else; start the run anew`,
    );
  }
}

/** The same memory. */
function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

/**
 * Moves the frames [k, O] at `at` one place towards the oldest and copies the observation at `from`
 * of `source` behind them.
 */
function shift(
  rows: Float32Array,
  at: number,
  source: Float32Array,
  from: number,
  { frames, size }: Stacking,
): void {
  const last = at + (frames - 1) * size;
  rows.copyWithin(at, at + size, last + size);
  for (let k = 0; k < size; k++) rows[last + k] = source[from + k] as number;
}

/** All frames at `at` become the observation at `from` of `source`. */
function repeat(
  rows: Float32Array,
  at: number,
  source: Float32Array,
  from: number,
  { frames, size }: Stacking,
): void {
  for (let frame = 0; frame < frames; frame++) {
    for (let k = 0; k < size; k++) rows[at + frame * size + k] = source[from + k] as number;
  }
}

function requireFrames(frames: number): void {
  assert(Number.isInteger(frames) && frames >= 1, "frames are a whole number from 1 up");
}
