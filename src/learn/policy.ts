/**
 * A trained policy at work: observation and mask in, action out. It allocates nothing per decision
 * and keeps no state between two.
 */
import { assert, OperationError, type Prng } from "../core/index.ts";
import { ActorCritic } from "./actor-critic.ts";
import { FLOAT32, type FloatArray } from "./arithmetic.ts";
import { makeMaskedCategorical, type MaskedCategorical } from "./masked-categorical.ts";
import type { NetworkShape } from "./network-shape.ts";
import { type NormaliserState, ObservationNormaliser } from "./observation-normaliser.ts";

export class Policy {
  readonly shape: NetworkShape;
  readonly #network: ActorCritic;
  readonly #categorical: MaskedCategorical;
  readonly #logs: FloatArray;
  readonly #normaliser: ObservationNormaliser | null;
  readonly #normalised: Float32Array<ArrayBuffer>;

  /**
   * `params` are copied; a `normaliser` is what the policy was trained with, and stays frozen.
   * `MODEL_SHAPE` where their sizes do not fit the shape.
   */
  constructor(
    shape: NetworkShape,
    params: Float32Array,
    normaliser: NormaliserState | null = null,
  ) {
    this.shape = shape;
    this.#network = new ActorCritic(shape, FLOAT32);
    if (params.length !== this.#network.params.length) {
      throw new OperationError(
        "MODEL_SHAPE",
        `model: expected ${this.#network.params.length} parameters for layers ` +
          `${[shape.observations, ...shape.hidden, shape.actions].join("-")}, was ${params.length}`,
      );
    }
    this.#network.params.set(params);
    this.#categorical = makeMaskedCategorical(FLOAT32, shape.actions);
    this.#logs = FLOAT32.allocate(shape.actions);
    this.#normaliser = normaliser === null ? null : frozen(normaliser, shape.observations);
    this.#normalised = new Float32Array(shape.observations);
  }

  /** Draws an allowed action from the policy's distribution. */
  sample(observation: Float32Array, mask: Uint8Array, prng: Prng): number {
    return this.#categorical.draw(this.#evaluate(observation, mask), 0, prng.float());
  }

  /** The most likely allowed action. */
  best(observation: Float32Array, mask: Uint8Array): number {
    return this.#categorical.mode(this.#evaluate(observation, mask), 0);
  }

  /** Probabilities of all actions, 0 where masked out. [A] */
  probabilities(observation: Float32Array, mask: Uint8Array): number[] {
    return Array.from(this.#evaluate(observation, mask), (log) =>
      log === -Infinity ? 0 : FLOAT32.exp(log),
    );
  }

  #evaluate(observation: Float32Array, mask: Uint8Array): FloatArray {
    assert(observation.length === this.shape.observations, "the observation fits the policy");
    this.#normaliser?.apply(this.#normalised, observation, 1);
    const seen = this.#normaliser === null ? (observation as FloatArray) : this.#normalised;
    const logits = this.#network.logits(seen, 1);
    const entropy = this.#categorical.logProbabilities(this.#logs, 0, logits, 0, mask, 0);
    assert(Number.isFinite(entropy), "observations and weights are numbers");
    return this.#logs;
  }
}

function frozen(state: NormaliserState, observations: number): ObservationNormaliser {
  const { mean, variance } = state;
  if (mean.length !== observations || variance.length !== observations) {
    throw new OperationError(
      "MODEL_SHAPE",
      `model: expected a normaliser of ${observations} observations, was one of ` +
        `${mean.length} means and ${variance.length} variances`,
    );
  }
  const normaliser = new ObservationNormaliser(observations);
  normaliser.restore(state);
  return normaliser;
}
