/**
 * Strategies by name, with their parameters: each says what its options are, so that they can be
 * checked, listed and documented. Values come from command lines and files, as text or as JSON.
 */
import { nearestOf, OperationError } from "../core/index.ts";
import type { Strategy, StrategyContext } from "./strategy.ts";

export interface OptionSpec {
  readonly default: number | boolean | string;
  /** Bounds of a number; a whole one where `whole` is set. */
  readonly min?: number;
  readonly max?: number;
  readonly whole?: boolean;
  /** The words that a text may be. */
  readonly choices?: readonly string[];
  readonly describe: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;
export type OptionValues = Readonly<Record<string, number | boolean | string>>;

type ValueOf<Default> = Default extends number
  ? number
  : Default extends boolean
    ? boolean
    : string;
export type ValuesOf<Specs extends OptionSpecs> = {
  readonly [Key in keyof Specs]: ValueOf<Specs[Key]["default"]>;
};

export interface StrategyDefinition {
  readonly name: string;
  readonly description: string;
  readonly options: OptionSpecs;
  /** True where it asks for the 52 features, which cost time to work out. */
  readonly usesFeatures: boolean;
  /** A new strategy; `given` are checked. Errors are `STRATEGY_OPTION`. */
  make(given: Readonly<Record<string, unknown>>, context: StrategyContext): Strategy;
}

export interface StrategyParts<Specs extends OptionSpecs> {
  readonly name: string;
  readonly description: string;
  readonly options: Specs;
  readonly usesFeatures?: boolean;
  make(options: ValuesOf<Specs>, context: StrategyContext): Strategy;
}

/** A strategy's definition, its options checked before it is made. */
export function defineStrategy<const Specs extends OptionSpecs>(
  parts: StrategyParts<Specs>,
): StrategyDefinition {
  const { name, description, options, usesFeatures = false } = parts;
  return {
    name,
    description,
    options,
    usesFeatures,
    make: (given, context) =>
      parts.make(checkOptions(name, options, given) as ValuesOf<Specs>, context),
  };
}

/** Defaults with what is given over them. `STRATEGY_OPTION` names strategy, option and mistake. */
export function checkOptions(
  strategy: string,
  specs: OptionSpecs,
  given: Readonly<Record<string, unknown>>,
): OptionValues {
  const values: Record<string, number | boolean | string> = {};
  for (const [key, spec] of Object.entries(specs)) values[key] = spec.default;
  for (const [key, value] of Object.entries(given)) {
    const spec = Object.hasOwn(specs, key) ? specs[key] : undefined;
    if (spec === undefined) throw unknownOption(strategy, key, Object.keys(specs));
    values[key] = checkValue(`strategy ${strategy}: option ${key}`, spec, value);
  }
  return values;
}

function unknownOption(strategy: string, key: string, known: readonly string[]): OperationError {
  const nearest = nearestOf(key, known);
  const hint =
    known.length === 0
      ? "it has none"
      : nearest === null
        ? `it has ${known.join(", ")}`
        : `did you mean "${nearest}"?`;
  return new OperationError(
    "STRATEGY_OPTION",
    `strategy ${strategy}: expected a known option, was "${key}"; ${hint}`,
  );
}

function checkValue(place: string, spec: OptionSpec, value: unknown): number | boolean | string {
  const wrong = (expected: string): OperationError =>
    new OperationError(
      "STRATEGY_OPTION",
      `${place}: expected ${expected}, was ${JSON.stringify(value) ?? "missing"}`,
    );
  switch (typeof spec.default) {
    case "number": {
      const { min = -Infinity, max = Infinity, whole = false } = spec;
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      const fits =
        typeof number === "number" &&
        Number.isFinite(number) &&
        number >= min &&
        number <= max &&
        (!whole || Number.isSafeInteger(number));
      if (!fits) throw wrong(`${whole ? "a whole number" : "a number"}${bounds(min, max)}`);
      return number;
    }
    case "boolean":
      if (value === true || value === "true") return true;
      if (value === false || value === "false") return false;
      throw wrong("true or false");
    default: {
      const { choices } = spec;
      if (typeof value !== "string") throw wrong("a text");
      if (choices !== undefined && !choices.includes(value)) {
        throw wrong(`one of ${choices.join(", ")}`);
      }
      return value;
    }
  }
}

function bounds(min: number, max: number): string {
  if (min === -Infinity) return max === Infinity ? "" : ` up to ${max}`;
  return max === Infinity ? ` from ${min} up` : ` from ${min} to ${max}`;
}
