/**
 * What a network is made of, and where each layer's parameters stand in the one flat array that
 * optimiser, checkpoint, model file and hash see. The canonical order: a shared trunk's layers, the
 * policy's, the value's; of each layer the weights [out, in] row-major, as in PyTorch, then the
 * biases. Values only; nothing here computes.
 */

export const ACTIVATIONS = ["tanh", "relu"] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/**
 * Which layers policy and value have in common.
 *   separate  none: two nets, each with hidden layers of its own
 *   shared    all hidden ones: a trunk that ends in a policy head and a value head
 */
export const TRUNKS = ["separate", "shared"] as const;
export type Trunk = (typeof TRUNKS)[number];

export interface NetworkShape {
  readonly observations: number;
  readonly actions: number;
  /** Widths of the hidden layers: of each net, or of the trunk that both share. */
  readonly hidden: readonly number[];
  readonly activation: Activation;
  readonly trunk: Trunk;
}

/** Where a layer's parameters stand in the flat array, and its size. */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** First of [out, in] weights; the [out] biases follow them. */
  readonly weights: number;
  readonly biases: number;
}

export interface NetworkLayers {
  /** Layers that both outputs pass through, each followed by the activation; none if separate. */
  readonly trunk: readonly Layer[];
  /** Layers from the trunk, or the observation, to the logits; the last without activation. */
  readonly policy: readonly Layer[];
  /** The same to the value. */
  readonly value: readonly Layer[];
  /** All of them, as they stand in the flat array. */
  readonly all: readonly Layer[];
  readonly parameterCount: number;
}

/** Lays the layers of `shape` out in canonical order. */
export function layersOf({ observations, actions, hidden, trunk }: NetworkShape): NetworkLayers {
  let end = 0;
  const layOut = (sizes: readonly number[]): Layer[] =>
    sizes.slice(1).map((outputs, index) => {
      const inputs = sizes[index] as number;
      const weights = end;
      const biases = weights + inputs * outputs;
      end = biases + outputs;
      return { inputs, outputs, weights, biases };
    });
  const body = [observations, ...hidden];
  const isShared = trunk === "shared";
  const common = isShared ? layOut(body) : [];
  const branch = isShared ? body.slice(-1) : body;
  const policy = layOut([...branch, actions]);
  const value = layOut([...branch, 1]);
  const all = [...common, ...policy, ...value];
  return { trunk: common, policy, value, all, parameterCount: end };
}

/** For people: "52-64-64-5, tanh, separate". */
export function nameOfShape(shape: NetworkShape): string {
  const { observations, hidden, actions, activation, trunk } = shape;
  return `${[observations, ...hidden, actions].join("-")}, ${activation}, ${trunk}`;
}

/** Whether `value`, from a file, is a network's shape: all keys, of their kinds. */
export function isNetworkShape(value: unknown): value is NetworkShape {
  const shape = Object(value) as Partial<Record<keyof NetworkShape, unknown>>;
  const { observations, actions, hidden, activation, trunk } = shape;
  if (!Array.isArray(hidden)) return false;
  const sizes: unknown[] = [observations, actions, ...(hidden as unknown[])];
  return (
    sizes.every((size) => Number.isInteger(size) && (size as number) > 0) &&
    (ACTIVATIONS as readonly unknown[]).includes(activation) &&
    (TRUNKS as readonly unknown[]).includes(trunk)
  );
}
