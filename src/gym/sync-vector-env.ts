/**
 * N environments stepped one after the other behind the `VectorEnv` contract. Every episode of a
 * lane has a seed of its own, drawn from the lane's stream, so a lane is known by its stream, its
 * episode's seed and the actions since; `restore` repeats those. That asks of an environment what
 * the checker asks of it: equal seeds and actions give equal bits.
 */
import {
  assert,
  bytesOf,
  OperationError,
  Prng,
  type PrngState,
  sha256Stream,
} from "../core/index.ts";
import type { Env } from "./env.ts";
import type { AutoresetMode, VectorEnv } from "./vector-env.ts";

/** What a lane is, as plain data. */
interface LaneState {
  /** Name of the environment. */
  readonly name: string;
  readonly prng: PrngState;
  readonly episodeSeed: number;
  readonly actions: readonly number[];
  /** SHA-256 of the lane's observation, which a repetition must lead to. */
  readonly observationHash: string;
}

export interface SyncVectorOptions {
  /**
   * Index of the first lane, 0 by default: an environment that holds lanes 8 to 15 of sixteen gives
   * what those sixteen give there.
   */
  readonly firstLane?: number;
}

interface Lane {
  readonly env: Env;
  prng: Prng;
  episodeSeed: number;
  actions: number[];
  episodeReturn: number;
  /** The episode has ended and its reset is still to come. */
  isEnded: boolean;
}

export class SyncVectorEnv implements VectorEnv {
  readonly count: number;
  readonly observationSize: number;
  readonly actionCount: number;
  readonly metadata: { readonly name: string; readonly autoreset: AutoresetMode };
  readonly observations: Float32Array;
  readonly finalObservations: Float32Array;
  readonly rewards: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly actionMasks: Uint8Array;
  readonly episodeReturns: Float64Array;
  readonly episodeLengths: Uint32Array;
  readonly #lanes: readonly Lane[];
  readonly #firstLane: number;
  #isReset = false;

  /** Makes one environment a factory; all have the same spaces. */
  constructor(
    factories: readonly (() => Env)[],
    autoreset: AutoresetMode = "same-step",
    { firstLane = 0 }: SyncVectorOptions = {},
  ) {
    const envs = factories.map((make) => make());
    const [first] = envs;
    assert(first !== undefined, "a vector environment has at least one lane");
    const N = envs.length;
    const O = first.observationSpace.low.length;
    const A = first.actionSpace.n;
    for (const env of envs) {
      const same = env.observationSpace.low.length === O && env.actionSpace.n === A;
      assert(same, "all lanes have the same spaces");
    }
    assert(new Set(envs).size === N, "every lane has an environment of its own");
    this.#lanes = envs.map((env) => ({
      env,
      prng: Prng.fromSeed(0),
      episodeSeed: 0,
      actions: [],
      episodeReturn: 0,
      isEnded: false,
    }));
    this.#firstLane = firstLane;
    this.count = N;
    this.observationSize = O;
    this.actionCount = A;
    this.metadata = { name: first.metadata.name, autoreset };
    this.observations = new Float32Array(N * O);
    this.finalObservations = new Float32Array(N * O);
    this.rewards = new Float64Array(N);
    this.terminated = new Uint8Array(N);
    this.truncated = new Uint8Array(N);
    this.actionMasks = new Uint8Array(N * A).fill(1);
    this.episodeReturns = new Float64Array(N);
    this.episodeLengths = new Uint32Array(N);
  }

  reset(seed: number | string): void {
    const root = Prng.fromSeed(seed);
    for (const [index, lane] of this.#lanes.entries()) {
      lane.prng = root.fork(`lane ${this.#firstLane + index}`);
      this.#startEpisode(index, lane);
    }
    this.#clearStep();
    this.#isReset = true;
  }

  step(actions: Int32Array): void {
    assert(this.#isReset, "reset comes before the first step");
    this.#clearStep();
    for (const [index, lane] of this.#lanes.entries()) {
      if (lane.isEnded) {
        if (this.metadata.autoreset === "next-step") this.#startEpisode(index, lane);
        continue;
      }
      this.#stepLane(index, lane, actions[index] as number);
    }
  }

  /** One entry a lane; arrays of the last step are not in it. */
  save(): readonly LaneState[] {
    return this.#lanes.map(({ prng, episodeSeed, actions }, index) => ({
      name: this.metadata.name,
      prng: prng.save(),
      episodeSeed,
      actions: [...actions],
      observationHash: this.#observationHash(index),
    }));
  }

  /**
   * Repeats each lane's episode up to where it was saved. `ENV_STATE` where the state is of another
   * environment, or where the repetition leads elsewhere: then the environment cannot be saved.
   */
  restore(state: unknown): void {
    const lanes = this.#requireLanes(state);
    this.#clearStep();
    for (const [index, lane] of this.#lanes.entries()) {
      const saved = lanes[index] as LaneState;
      lane.prng = Prng.restore(saved.prng);
      this.#beginAt(index, lane, saved.episodeSeed);
      for (const action of saved.actions) this.#stepLane(index, lane, action);
      if (this.#observationHash(index) !== saved.observationHash) {
        throw new OperationError(
          "ENV_STATE",
          `environment ${this.metadata.name}, lane ${this.#firstLane + index}: expected the same ` +
            `observations from the same seeds and actions, was others, so it cannot be saved and ` +
            `restored; start the run anew`,
        );
      }
    }
    this.#clearStep();
    this.#isReset = true;
  }

  close(): void {
    for (const { env } of this.#lanes) env.close();
  }

  #stepLane(index: number, lane: Lane, action: number): void {
    const [observation, reward, terminated, truncated, info] = lane.env.step(action);
    lane.actions.push(action);
    lane.episodeReturn += reward;
    this.rewards[index] = reward;
    this.#show(index, observation, info.actionMask);
    if (!terminated && !truncated) return;
    this.terminated[index] = terminated ? 1 : 0;
    // Gymnasium allows both at once; for values, an end that nothing follows comes first.
    this.truncated[index] = truncated && !terminated ? 1 : 0;
    this.finalObservations.set(observation, index * this.observationSize);
    this.episodeReturns[index] = lane.episodeReturn;
    this.episodeLengths[index] = lane.actions.length;
    if (this.metadata.autoreset === "same-step") this.#startEpisode(index, lane);
    else lane.isEnded = true;
  }

  #startEpisode(index: number, lane: Lane): void {
    this.#beginAt(index, lane, lane.prng.uint32());
  }

  #beginAt(index: number, lane: Lane, episodeSeed: number): void {
    const [observation, info] = lane.env.reset({ seed: episodeSeed });
    lane.episodeSeed = episodeSeed;
    lane.actions = [];
    lane.episodeReturn = 0;
    lane.isEnded = false;
    this.#show(index, observation, info.actionMask);
  }

  #show(index: number, observation: Float32Array, mask: Uint8Array | undefined): void {
    this.observations.set(observation, index * this.observationSize);
    const from = index * this.actionCount;
    // No mask means that everything is allowed, whatever an earlier one said.
    if (mask === undefined) this.actionMasks.fill(1, from, from + this.actionCount);
    else this.actionMasks.set(mask, from);
  }

  #clearStep(): void {
    this.rewards.fill(0);
    this.terminated.fill(0);
    this.truncated.fill(0);
  }

  #requireLanes(state: unknown): readonly LaneState[] {
    const { name } = this.metadata;
    const lanes: readonly unknown[] = Array.isArray(state) ? state : [];
    const names = lanes.map((lane) => (lane as Partial<LaneState> | null)?.name);
    const isOurs = names.every((known) => known === name);
    if (isOurs && lanes.length === this.count) return lanes as readonly LaneState[];
    const found = names.find((known) => known !== name) ?? (isOurs ? names[0] : undefined);
    throw new OperationError(
      "ENV_STATE",
      `environment state: expected ${this.count} lanes of ${name}, was ${lanes.length || "none"} ` +
        `of ${found ?? "another kind"}; resume with the environments that the checkpoint was made ` +
        `with`,
    );
  }

  #observationHash(index: number): string {
    const O = this.observationSize;
    const observation = this.observations.subarray(index * O, (index + 1) * O);
    return sha256Stream().update(bytesOf(observation)).digest("hex");
  }
}
