/**
 * Where a strategy comes from: the product's own by name, a file of the user's, or a model. A source
 * is plain data, so that each thread can open it for itself.
 */
import { existsSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, nearestOf, OperationError } from "../../core/index.ts";
import {
  BASELINES,
  defineStrategy,
  type OptionSpecs,
  policyStrategy,
  STRATEGIES,
  type Strategy,
  type StrategyContext,
  type StrategyDefinition,
} from "../../strategies/index.ts";
import { agentPolicy, type Choice, type ModelPlace, openModel } from "../wire.ts";
import { wrongUsage } from "../wrong-usage.ts";

export type StrategySource =
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "model"; readonly place: ModelPlace; readonly choice: Choice };

/** Name of the strategy that is a model. */
export const MODEL_STRATEGY = "model";

/** The baselines of the environment, under names that no rule has. */
const POLICIES: readonly StrategyDefinition[] = BASELINES.filter(
  ({ name }) => !STRATEGIES.some((strategy) => strategy.name === name),
).map((policy) =>
  policyStrategy(policy.name, `the environment's baseline "${policy.name}"`, () => policy),
);

export const NAMED_STRATEGIES: readonly StrategyDefinition[] = [...STRATEGIES, ...POLICIES];

export interface StrategyWords {
  /** A name, or the path of a JavaScript file. */
  readonly strategy: string;
  readonly model: ModelPlace | undefined;
  readonly choice: Choice;
}

/** What `--strategy` means. Wrong usage where it is neither a name nor a file. */
export function strategySource({ strategy, model, choice }: StrategyWords): StrategySource {
  if (strategy === MODEL_STRATEGY) {
    if (model !== undefined) return { kind: "model", place: model, choice };
    throw wrongUsage("--strategy model: expected --model with a model folder, was none");
  }
  if (model !== undefined) {
    throw wrongUsage(
      `--model: expected with --strategy model alone, was with "${strategy}"; leave one out`,
    );
  }
  const isFile = /\.[cm]?js$/.test(strategy) || /[\\/]/.test(strategy);
  if (isFile) return { kind: "file", path: resolve(strategy) };
  if (NAMED_STRATEGIES.some(({ name }) => name === strategy)) {
    return { kind: "named", name: strategy };
  }
  const names = [...NAMED_STRATEGIES.map(({ name }) => name), MODEL_STRATEGY];
  const nearest = nearestOf(strategy, names);
  throw wrongUsage(
    `--strategy: expected one of ${names.join(", ")}, or a file such as ./my-strategy.mjs, was ` +
      `"${strategy}"${nearest === null ? "" : `; did you mean "${nearest}"?`}`,
  );
}

/** Opens a strategy; errors are of its file, or of its model. */
export async function openStrategy(source: StrategySource): Promise<StrategyDefinition> {
  switch (source.kind) {
    case "named": {
      const named = NAMED_STRATEGIES.find(({ name }) => name === source.name);
      if (named !== undefined) return named;
      throw new OperationError("STRATEGY_UNKNOWN", `${source.name}: no such strategy`);
    }
    case "model": {
      const model = await openModel(source.place);
      const description = `${model.description}, model ${model.modelHash.slice(0, 12)}`;
      return policyStrategy(MODEL_STRATEGY, description, () => agentPolicy(model, source.choice));
    }
    default:
      return strategyOfFile(source.path);
  }
}

type Factory = (options: never, context: StrategyContext) => Strategy;

interface FileParts {
  readonly name?: unknown;
  readonly description?: unknown;
  readonly options?: unknown;
  readonly usesFeatures?: unknown;
  readonly make?: unknown;
}

/**
 * The default export of a file: a function (options, context) that makes a strategy and takes any
 * options, or an object {name, description, options, usesFeatures, make} whose options are checked.
 */
async function strategyOfFile(path: string): Promise<StrategyDefinition> {
  const name = basename(path, extname(path));
  const wrong = (was: string, cause?: unknown): OperationError =>
    new OperationError(
      "STRATEGY_FILE",
      `${path}: expected a JavaScript module whose default export makes a strategy ` +
        `(docs/backtest.md), was ${was}`,
      { cause },
    );
  if (!existsSync(path)) throw wrong("no file");
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw wrong(`one that does not load: ${messageOf(error)}`, error);
  }
  if (typeof exported === "function") {
    return looseStrategy(name, (given, context) =>
      madeBy(wrong, () => (exported as Factory)(given as never, context)),
    );
  }
  const { make, options = {}, ...parts } = (exported ?? {}) as FileParts;
  if (typeof make !== "function") throw wrong(`a default export of type ${typeof exported}`);
  return defineStrategy({
    name: typeof parts.name === "string" ? parts.name : name,
    description: typeof parts.description === "string" ? parts.description : `strategy of ${name}`,
    options: options as OptionSpecs,
    usesFeatures: parts.usesFeatures === true,
    make: (values, context) => madeBy(wrong, () => (make as Factory)(values as never, context)),
  });
}

/** A strategy that takes whatever options are given; numbers as numbers. */
function looseStrategy(
  name: string,
  make: (given: Readonly<Record<string, unknown>>, context: StrategyContext) => Strategy,
): StrategyDefinition {
  const plain = (value: unknown): unknown =>
    typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return {
    name,
    description: `strategy of ${name}`,
    options: {},
    usesFeatures: false,
    make: (given, context) =>
      make(
        Object.fromEntries(Object.entries(given).map(([key, value]) => [key, plain(value)])),
        context,
      ),
  };
}

function madeBy(
  wrong: (was: string, cause?: unknown) => OperationError,
  make: () => unknown,
): Strategy {
  let made: unknown;
  try {
    made = make();
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw wrong(`one that throws: ${messageOf(error)}`, error);
  }
  const { decide } = (made ?? {}) as Partial<Strategy>;
  if (typeof decide !== "function") throw wrong("one whose strategy has no function decide");
  return made as Strategy;
}
