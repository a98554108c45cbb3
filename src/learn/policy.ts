/**
 * A trained policy at work: observation and mask in, action out. Where it was trained does not
 * matter: it is a network that gives logits, and the normaliser that its observations pass through.
 * It allocates nothing per decision and keeps no state between two.
 */
import { assert, OperationError, type Prng } from "../core/index.ts";
import { FLOAT32, type FloatArray } from "./arithmetic.ts";
import { type DenseLayer, denseLayersOf, type LogitNetwork } from "./dense-network.ts";
import { FrozenNormaliser, type NormaliserStatistics, statisticsOf } from "./frozen-normaliser.ts";
import { KernelDenseNetwork } from "./kernel/kernel-dense-network.ts";
import { makeMaskedCategorical, type MaskedCategorical } from "./masked-categorical.ts";
import type { NetworkShape } from "./network-shape.ts";
import type { NormaliserState } from "./observation-normaliser.ts";

export class Policy {
  /** Numbers in an observation, and actions. */
  readonly observations: number;
  readonly actions: number;
  readonly #network: LogitNetwork;
  readonly #categorical: MaskedCategorical;
  readonly #logs: FloatArray;
  readonly #normaliser: FrozenNormaliser | null;
  readonly #normalised: Float32Array<ArrayBuffer>;

  /**
   * `normaliser` is what the network was trained behind, or null. `MODEL_SHAPE` where it is one of
   * other observations.
   */
  constructor(network: LogitNetwork, normaliser: NormaliserStatistics | null) {
    const { observations, actions } = network;
    if (normaliser !== null) requireFitting(normaliser, observations);
    this.observations = observations;
    this.actions = actions;
    this.#network = network;
    this.#categorical = makeMaskedCategorical(FLOAT32, actions);
    this.#logs = FLOAT32.allocate(actions);
    this.#normaliser = normaliser === null ? null : new FrozenNormaliser(normaliser);
    this.#normalised = new Float32Array(observations);
  }

  /**
   * The policy of an actor-critic with all its parameters, which are copied. `MODEL_SHAPE` where
   * sizes do not fit the shape.
   */
  static ofNetwork(
    shape: NetworkShape,
    params: Float32Array,
    normaliser: NormaliserState | null = null,
  ): Policy {
    const { trunk, policy } = denseLayersOf(shape, params);
    return Policy.ofLayers(
      [...trunk, ...policy],
      normaliser === null ? null : statisticsOf(normaliser),
    );
  }

  /** The policy of dense layers, which are copied. */
  static ofLayers(
    layers: readonly DenseLayer[],
    normaliser: NormaliserStatistics | null = null,
  ): Policy {
    return new Policy(new KernelDenseNetwork(layers), normaliser);
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

  /** Logits before any mask, copied. [A] */
  logits(observation: Float32Array): Float32Array {
    return Float32Array.from(this.#logits(observation));
  }

  #logits(observation: Float32Array): FloatArray {
    assert(observation.length === this.observations, "the observation fits the policy");
    this.#normaliser?.apply(this.#normalised, observation);
    const seen = this.#normaliser === null ? (observation as FloatArray) : this.#normalised;
    return this.#network.logits(seen);
  }

  #evaluate(observation: Float32Array, mask: Uint8Array): FloatArray {
    const logits = this.#logits(observation);
    const entropy = this.#categorical.logProbabilities(this.#logs, 0, logits, 0, mask, 0);
    if (!Number.isFinite(entropy)) refuse(observation, logits);
    return this.#logs;
  }
}

/** Weights from elsewhere may be such that sums overflow; that is no bug of ours. */
function refuse(observation: Float32Array, logits: FloatArray): never {
  assert(observation.every(Number.isFinite), "observations are numbers");
  throw new OperationError(
    "MODEL_OUTPUT",
    `model: expected finite logits, was ${Array.from(logits).join(", ")}; its weights are too ` +
      `large for these observations, or it needs a normaliser`,
  );
}

function requireFitting({ mean, variance }: NormaliserStatistics, observations: number): void {
  if (mean.length === observations && variance.length === observations) return;
  throw new OperationError(
    "MODEL_SHAPE",
    `model: expected a normaliser of ${observations} observations, was one of ` +
      `${mean.length} means and ${variance.length} variances`,
  );
}
