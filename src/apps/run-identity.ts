/**
 * What a run is of, beside its network and the learner's settings: where it trains, on which data,
 * with which seed and episodes. A checkpoint goes on with the same alone, for with anything else the
 * model's manifest would tell of a run that never was. What only looks on (callbacks, evaluation),
 * and the learner's own settings, which the trainer compares, are left out.
 */
import { canonicalJson, OperationError } from "../core/index.ts";
import type { CheckpointFacts, ModelFacts } from "../learn/index.ts";
import { without } from "./configuration.ts";

export interface RunIdentity extends Pick<ModelFacts, "schemaHash" | "sessions" | "seed"> {
  readonly configuration: object;
}

const NOT_COMPARED = ["callbacks", "evaluation", "environments", "ppo"] as const;
const START_ANEW = "or start a new run in another --out";

/**
 * Holds the checkpoint at `path`, made by a run as its `facts` say, against the run of `now`.
 * `CHECKPOINT_ENVIRONMENT`, `CHECKPOINT_SCHEMA`, `CHECKPOINT_SESSIONS`, `CHECKPOINT_SETTINGS`.
 */
export function requireSameRun(path: string, facts: CheckpointFacts, now: RunIdentity): void {
  const configuration = Object(facts["configuration"]) as object;
  const [is, was] = [now.configuration, configuration].map(environmentOf);
  if (is !== was) {
    throw new OperationError(
      "CHECKPOINT_ENVIRONMENT",
      `${path}: expected the checkpoint of a run on ${is}, was of one on ${was}; ` +
        `resume with what it was started with, ${START_ANEW}`,
    );
  }
  const { schemaHash, software } = facts;
  if (schemaHash !== now.schemaHash) {
    throw new OperationError(
      "CHECKPOINT_SCHEMA",
      `${path}: expected a checkpoint for observation schema ${short(now.schemaHash)}, was one for ` +
        `${short(schemaHash)}; resume with the version of kalshi-gym that wrote it ` +
        `(${String(software)}), ${START_ANEW}`,
    );
  }
  requireSameSessions(path, Object(facts["sessions"]) as Sessions, now.sessions);
  const madeWith = leavesOf({ seed: facts["seed"], ...without(configuration, NOT_COMPARED) });
  const wanted = leavesOf({ seed: now.seed, ...without(now.configuration, NOT_COMPARED) });
  for (const key of new Set([...wanted.keys(), ...madeWith.keys()])) {
    const [expected = "none", found = "none"] = [wanted.get(key), madeWith.get(key)];
    if (expected === found) continue;
    throw new OperationError(
      "CHECKPOINT_SETTINGS",
      `${path}: ${key}: expected ${expected}, was ${found}; ` +
        `resume with the flags and the configuration that it was started with, ${START_ANEW}`,
    );
  }
}

function environmentOf(configuration: object): string {
  const { environment } = configuration as { readonly environment?: unknown };
  return typeof environment === "string" ? `--env ${environment}` : "recorded sessions";
}

function short(hash: unknown): string {
  return String(hash).slice(0, 12);
}

type Sessions = RunIdentity["sessions"];

/** Their order counts: a lane's market is a number in it. */
function requireSameSessions(path: string, was: Sessions, now: Sessions): void {
  if (JSON.stringify(was) === JSON.stringify(now)) return;
  const changed = Object.keys(now).find((id) => id in was && was[id] !== now[id]);
  const [expected, found] = [now, was].map((sessions) => Object.keys(sessions).join(", "));
  throw new OperationError(
    "CHECKPOINT_SESSIONS",
    changed === undefined
      ? `${path}: expected the checkpoint of a run on the sessions ${expected}, was of one on ` +
          `${found}; name the same sessions in the same order, ${START_ANEW}`
      : `${path}: expected the checkpoint of a run on session ${changed} as it is now ` +
          `(${short(now[changed])}), was of one on other content (${short(was[changed])}); ` +
          `restore the session, ${START_ANEW}`,
  );
}

/** Values that are no objects as JSON, by their path. */
function leavesOf(value: object, path = ""): Map<string, string> {
  return new Map(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? [...leavesOf(inner, `${path}${key}.`)]
        : inner === undefined
          ? []
          : [[`${path}${key}`, canonicalJson(inner)] as const],
    ),
  );
}
