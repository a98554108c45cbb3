/**
 * PPO's arithmetic a number at a time, rounded after every operation: the reference that the compute
 * kernel is tested against, bit for bit. Fifty times slower, and easy to read.
 */
import { ActorCritic, TILE } from "./actor-critic.ts";
import { FLOAT32 } from "./arithmetic.ts";
import { makeMaskedCategorical, type MaskedCategorical } from "./masked-categorical.ts";
import type {
  EngineOptions,
  LearnerState,
  MinibatchReport,
  PpoEngine,
  RolloutArrays,
  UpdateRates,
} from "./ppo-engine.ts";
import type { PpoSettings } from "./ppo-settings.ts";
import { PpoUpdate } from "./ppo-update.ts";

export class ScalarEngine implements PpoEngine {
  readonly rollout: RolloutArrays;
  readonly actorPlan = null;
  readonly #network: ActorCritic;
  readonly #update: PpoUpdate;
  readonly #categorical: MaskedCategorical;
  readonly #settings: PpoSettings;
  readonly #logs: Float32Array;

  constructor({ shape, settings, lanes }: Omit<EngineOptions, "threads">) {
    const { observations: O, actions: A } = shape;
    const B = settings.rolloutSteps * lanes;
    this.#settings = settings;
    this.#network = new ActorCritic(shape, FLOAT32);
    this.#update = new PpoUpdate(this.#network, settings, B / settings.minibatches);
    this.#categorical = makeMaskedCategorical(FLOAT32, A);
    this.#logs = new Float32Array(A);
    this.rollout = {
      observations: new Float32Array(B * O),
      masks: new Uint8Array(B * A),
      actions: new Int32Array(B),
      logProbabilities: new Float32Array(B),
      values: new Float32Array(B),
      advantages: new Float32Array(B),
      returns: new Float32Array(B),
      indices: new Uint32Array(B),
      uniforms: new Float64Array(B),
    };
  }

  act(from: number, rows: number): void {
    const { observations: O, actions: A } = this.#network.shape;
    const { observations, masks, actions, logProbabilities, uniforms } = this.rollout;
    for (let at = from; at < from + rows; at += TILE) {
      const count = Math.min(TILE, from + rows - at);
      const logits = this.#network.logits(observations.subarray(at * O, (at + count) * O), count);
      for (let b = 0; b < count; b++) {
        const logs = this.#logs;
        this.#categorical.logProbabilities(logs, 0, logits, b * A, masks, (at + b) * A);
        const action = this.#categorical.draw(logs, 0, uniforms[at + b] as number);
        actions[at + b] = action;
        logProbabilities[at + b] = logs[action] as number;
      }
    }
  }

  evaluate(): void {
    const { observations, values } = this.rollout;
    this.#valuesOf(observations, values.length, values, 0);
  }

  valuesOf(observations: Float32Array, into: Float32Array, at: number): void {
    const rows = observations.length / this.#network.shape.observations;
    this.#valuesOf(observations, rows, into, at);
  }

  #valuesOf(observations: Float32Array, count: number, into: Float32Array, at: number): void {
    const O = this.#network.shape.observations;
    for (let from = 0; from < count; from += TILE) {
      const B = Math.min(TILE, count - from);
      const values = this.#network.values(observations.subarray(from * O, (from + B) * O), B);
      for (let b = 0; b < B; b++) into[at + from + b] = values[b] as number;
    }
  }

  learn(rates: UpdateRates): MinibatchReport[] {
    const { minibatches } = this.#settings;
    const M = this.rollout.values.length / minibatches;
    return Array.from({ length: minibatches }, (_, index) => {
      const indices = this.rollout.indices.subarray(index * M, (index + 1) * M);
      return this.#update.minibatch(this.rollout, indices, rates);
    });
  }

  save(): LearnerState {
    return {
      params: Float32Array.from(this.#network.params),
      first: Float32Array.from(this.#update.first),
      second: Float32Array.from(this.#update.second),
      beta1Power: this.#update.beta1Power,
      beta2Power: this.#update.beta2Power,
    };
  }

  restore({ params, first, second, beta1Power, beta2Power }: LearnerState): void {
    this.#network.params.set(params);
    this.#update.first.set(first);
    this.#update.second.set(second);
    this.#update.beta1Power = beta1Power;
    this.#update.beta2Power = beta2Power;
  }

  close(): void {
    // It has no threads.
  }
}
