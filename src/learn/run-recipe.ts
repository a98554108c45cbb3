/**
 * What a run was made with, and what a checkpoint of it therefore fits alone: its network, lanes and
 * settings. A run that resumes is refused by the first of them that differs, by name.
 */
import { canonicalJson, OperationError } from "../core/index.ts";
import { nameOfShape, type NetworkShape } from "./network-shape.ts";
import type { PpoSettings } from "./ppo-settings.ts";

/** Plain data for checkpoints. */
export interface RunRecipe {
  readonly shape: NetworkShape;
  /** Environments side by side. */
  readonly lanes: number;
  readonly settings: PpoSettings;
}

const WAY_OUT = "resume with the configuration that it was made with, or start a new run";

/**
 * `CHECKPOINT_SHAPE` where a checkpoint was `made` of another network than the run has `now`,
 * `CHECKPOINT_SETTINGS` where lanes or settings differ.
 */
export function requireSameRecipe(made: RunRecipe, now: RunRecipe): void {
  if (canonicalJson(made.shape) !== canonicalJson(now.shape)) {
    throw new OperationError(
      "CHECKPOINT_SHAPE",
      `checkpoint: expected a network of ${nameOfShape(now.shape)}, was one of ` +
        `${nameOfShape(made.shape)}; ${WAY_OUT}`,
    );
  }
  const [were, are] = [made, now].map(({ lanes, settings }) => named(lanes, settings));
  for (const key of new Set([...Object.keys({ ...are }), ...Object.keys({ ...were })])) {
    const [was, expected] = [were?.[key], are?.[key]];
    if (was === expected) continue;
    throw new OperationError(
      "CHECKPOINT_SETTINGS",
      `checkpoint: ${key}: expected ${expected ?? "none"}, was ${was ?? "none"}; ${WAY_OUT}`,
    );
  }
}

/** Settings as JSON, by the names that a configuration has for them. */
function named(lanes: number, settings: PpoSettings): Record<string, string> {
  const entries = Object.entries(settings).map(([key, value]) => [
    `ppo.${key}`,
    canonicalJson(value),
  ]);
  return { environments: String(lanes), ...(Object.fromEntries(entries) as object) };
}
