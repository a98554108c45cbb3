/** Which of a model's outputs is the policy: models from elsewhere have up to three of them. */
import { OperationError } from "../../core/index.ts";
import type { DenseLayer } from "../dense-network.ts";

/** What lies behind an output. */
export interface Traced {
  /** From the input on, at least one. */
  readonly layers: readonly DenseLayer[];
  /** Where the layers end, by name: equal for outputs that are made of the same logits. */
  readonly at: string;
  /** Numbers that the model's input has per row; null where it does not say. */
  readonly inputWidth: number | null;
}

export interface Output {
  readonly name: string;
  /** `MODEL_UNSUPPORTED` where it is no MLP. */
  readonly trace: () => Traced;
}

/**
 * The layers of the output called "logits", or of the only one with `actions` numbers. A value has
 * one number, and a log-probability is no MLP, so Stable-Baselines3's three outputs leave one. Where
 * none fits, the nearest is given back, for its sizes to be told.
 */
export function policyAmong(
  place: string,
  outputs: readonly Output[],
  actions: number,
): readonly DenseLayer[] {
  const found = new Map<string, { names: string[]; layers: readonly DenseLayer[] }>();
  const refusals: OperationError[] = [];
  for (const { name, trace } of outputs) {
    try {
      const traced = trace();
      requireChain(place, name, traced);
      const same = found.get(traced.at);
      if (same === undefined) found.set(traced.at, { names: [name], layers: traced.layers });
      else same.names.push(name);
    } catch (error) {
      if (!(error instanceof OperationError) || error.code !== "MODEL_UNSUPPORTED") throw error;
      refusals.push(error);
    }
  }
  const all = [...found.values()];
  const width = ({ layers }: (typeof all)[number]): number => layers.at(-1)?.outputs ?? 0;
  const named = all.find(({ names }) => names.includes("logits"));
  if (named !== undefined) return named.layers;
  const fitting = all.filter((one) => width(one) === actions);
  if (fitting.length > 1) {
    throw new OperationError(
      "MODEL_UNSUPPORTED",
      `${place}: expected one output of ${actions} numbers, was ` +
        `${fitting.map(({ names }) => `"${names[0] ?? ""}"`).join(" and ")}; ` +
        `export the policy's alone, or call it "logits"`,
    );
  }
  const [refusal] = refusals;
  const nearest = fitting[0] ?? all.find((one) => width(one) > 1);
  if (nearest === undefined && refusal !== undefined) throw refusal;
  const chosen = nearest ?? all[0];
  if (chosen !== undefined) return chosen.layers;
  throw new OperationError(
    "MODEL_UNSUPPORTED",
    `${place}: expected an output, was none; export the model again`,
  );
}

/** Each layer takes what the one before gives; whatever stands between them moves no number. */
function requireChain(place: string, output: string, { layers, inputWidth }: Traced): void {
  let width = inputWidth;
  for (const [index, { inputs, outputs }] of layers.entries()) {
    if (width !== null && width !== inputs) {
      throw new OperationError(
        "MODEL_DAMAGED",
        `${place}: output "${output}": layer ${index + 1} of ${layers.length}: expected ${width} ` +
          `inputs, as many as it is given, was ${inputs}; export the model again`,
      );
    }
    width = outputs;
  }
}
