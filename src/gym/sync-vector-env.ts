/** N environments stepped one after the other behind the `VectorEnv` contract. */
import { assert, OperationError, Prng } from "../core/index.ts";
import type { Env } from "./env.ts";
import type { AutoresetMode, VectorEnv } from "./vector-env.ts";

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
  readonly #envs: readonly Env[];
  readonly #returns: Float64Array;
  readonly #lengths: Uint32Array;
  /** 1 where a lane's episode has ended and its reset is still to come. */
  readonly #ended: Uint8Array;

  /** Makes one environment a factory; all have the same spaces. */
  constructor(factories: readonly (() => Env)[], autoreset: AutoresetMode = "same-step") {
    this.#envs = factories.map((make) => make());
    const [first] = this.#envs;
    assert(first !== undefined, "a vector environment has at least one lane");
    const N = this.#envs.length;
    const O = first.observationSpace.low.length;
    const A = first.actionSpace.n;
    for (const env of this.#envs) {
      const same = env.observationSpace.low.length === O && env.actionSpace.n === A;
      assert(same, "all lanes have the same spaces");
    }
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
    this.#returns = new Float64Array(N);
    this.#lengths = new Uint32Array(N);
    this.#ended = new Uint8Array(N);
  }

  reset(seed: number | string): void {
    const root = Prng.fromSeed(seed);
    for (const lane of this.#envs.keys()) {
      this.#resetLane(lane, root.fork(`lane ${lane}`).uint32());
      this.rewards[lane] = 0;
      this.terminated[lane] = 0;
      this.truncated[lane] = 0;
    }
  }

  step(actions: Int32Array): void {
    const { autoreset } = this.metadata;
    for (const [lane, env] of this.#envs.entries()) {
      this.rewards[lane] = 0;
      this.terminated[lane] = 0;
      this.truncated[lane] = 0;
      if (this.#ended[lane] === 1) {
        if (autoreset === "next-step") this.#resetLane(lane);
        continue;
      }
      const [observation, reward, terminated, truncated, info] = env.step(actions[lane] as number);
      this.rewards[lane] = reward;
      this.#returns[lane] = (this.#returns[lane] as number) + reward;
      this.#lengths[lane] = (this.#lengths[lane] as number) + 1;
      this.#show(lane, observation, info.actionMask);
      if (!terminated && !truncated) continue;
      this.terminated[lane] = terminated ? 1 : 0;
      // Gymnasium allows both at once; for values, an end that nothing follows comes first.
      this.truncated[lane] = truncated && !terminated ? 1 : 0;
      this.finalObservations.set(observation, lane * this.observationSize);
      this.episodeReturns[lane] = this.#returns[lane] as number;
      this.episodeLengths[lane] = this.#lengths[lane] as number;
      if (autoreset === "same-step") this.#resetLane(lane);
      else this.#ended[lane] = 1;
    }
  }

  /** Environments of unknown kind keep their state to themselves. */
  save(): unknown {
    return { name: this.metadata.name, canResume: false };
  }

  /** Always `ENV_STATE`: a run over these environments starts anew. */
  restore(): void {
    throw new OperationError(
      "ENV_STATE",
      `environment ${this.metadata.name}: expected one that can be saved, was one that cannot; ` +
        `start the run anew`,
    );
  }

  close(): void {
    for (const env of this.#envs) env.close();
  }

  #resetLane(lane: number, seed?: number): void {
    const env = this.#envs[lane] as Env;
    const [observation, info] = env.reset(seed === undefined ? {} : { seed });
    this.#show(lane, observation, info.actionMask);
    this.#returns[lane] = 0;
    this.#lengths[lane] = 0;
    this.#ended[lane] = 0;
  }

  #show(lane: number, observation: Float32Array, mask: Uint8Array | undefined): void {
    this.observations.set(observation, lane * this.observationSize);
    if (mask !== undefined) this.actionMasks.set(mask, lane * this.actionCount);
  }
}
