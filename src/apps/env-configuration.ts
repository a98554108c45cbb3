/**
 * A preset with what a configuration file says over it, for runs on reference environments: lanes,
 * seed and everything of `ppo` and `callbacks`. What else a configuration has is about order books,
 * and is refused rather than passed over.
 */
import { OperationError } from "../core/index.ts";
import type { Preset } from "../learn/index.ts";
import { readJsonFile } from "./checked-json.ts";
import { checkConfiguration, type Configuration } from "./configuration.ts";

/** What may be written; checked values, any of which may be missing. */
interface Written extends Partial<Pick<Configuration, "seed" | "environments">> {
  readonly ppo?: Partial<Configuration["ppo"]>;
  readonly callbacks?: Partial<Configuration["callbacks"]>;
}

/** Keys of a configuration that a run on a reference environment has a use for. */
export const ENV_KEYS = ["seed", "environments", "ppo", "callbacks"] as const;

export interface ConfiguredPreset {
  readonly preset: Preset;
  readonly seed: Configuration["seed"] | undefined;
  /** Of the file; what it leaves out is not there. */
  readonly callbacks: Partial<Configuration["callbacks"]>;
}

/** The preset as it is where there is no file. `CONFIGURATION` names file, key and mistake. */
export function presetWithFile(preset: Preset, file: string | undefined): ConfiguredPreset {
  if (file === undefined) return { preset, seed: undefined, callbacks: {} };
  const written = readJsonFile(file, "CONFIGURATION", "a configuration file");
  checkConfiguration(file, written, []);
  const other = Object.keys(written as object).find(
    (key) => !ENV_KEYS.some((known) => known === key),
  );
  if (other !== undefined) {
    throw new OperationError(
      "CONFIGURATION",
      `${file}: ${other}: expected only ${ENV_KEYS.join(", ")} beside --env, was "${other}", which ` +
        `is about sessions; leave it out`,
    );
  }
  const { seed, environments, ppo, callbacks = {} } = written as Written;
  if (callbacks.evaluateOn !== undefined) {
    throw new OperationError(
      "CONFIGURATION",
      `${file}: callbacks.evaluateOn: expected none beside --env, was sessions; leave it out, and ` +
        `set callbacks.evaluateEvery for evaluations on new episodes`,
    );
  }
  const merged = { ...preset.ppo, ...ppo, adam: { ...preset.ppo.adam, ...ppo?.adam } };
  return {
    preset: { ...preset, environments: environments ?? preset.environments, ppo: merged },
    seed,
    callbacks,
  };
}
