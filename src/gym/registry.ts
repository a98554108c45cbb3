/**
 * The reference environments by name: Gymnasium's names where they are Gymnasium's, so that figures
 * published for a name can be compared with ours.
 */
import { nearestOf, OperationError } from "../core/index.ts";
import type { Env } from "./env.ts";
import { Acrobot } from "./environments/acrobot.ts";
import { CartPole } from "./environments/cart-pole.ts";
import { InvalidActionEnv } from "./environments/invalid-action.ts";
import { LeakEnv } from "./environments/leak.ts";
import { MountainCar } from "./environments/mountain-car.ts";
import { ProbeEnv } from "./environments/probes.ts";

const MAKERS: ReadonlyMap<string, () => Env> = new Map<string, () => Env>([
  ["CartPole-v1", () => new CartPole()],
  ["Acrobot-v1", () => new Acrobot()],
  ["MountainCar-v0", () => new MountainCar()],
  ["InvalidActionEnvDiscrete", () => new InvalidActionEnv(80, 60)],
  ["Probe-constant", () => new ProbeEnv("constant")],
  ["Probe-observed", () => new ProbeEnv("observed")],
  ["Probe-delayed", () => new ProbeEnv("delayed")],
  ["Probe-chosen", () => new ProbeEnv("chosen")],
  ["Probe-matched", () => new ProbeEnv("matched")],
  ["Leak-planted", () => new LeakEnv(true)],
  ["Leak-none", () => new LeakEnv(false)],
]);

/** Names that `makeEnv` knows; each is its environment's `metadata.name`. */
export const ENVIRONMENT_NAMES: readonly string[] = [...MAKERS.keys()];

/** A new environment called `name`. `UNKNOWN_ENVIRONMENT` where there is none of the name. */
export function makeEnv(name: string): Env {
  const make = MAKERS.get(name);
  if (make !== undefined) return make();
  const nearest = nearestOf(name, ENVIRONMENT_NAMES);
  const known = `there are ${ENVIRONMENT_NAMES.join(", ")}`;
  throw new OperationError(
    "UNKNOWN_ENVIRONMENT",
    `environment: expected a name that is known, was ${JSON.stringify(name)}; ` +
      (nearest === null ? known : `did you mean ${nearest}? In all ${known}`),
  );
}
