/** Evaluation as commands and the demo do it: agent and baselines on the same episodes. */
import { evaluateInSteps, type EvaluatedPolicy, type PolicyResult } from "../learn/index.ts";
import { ACTION_NAMES } from "../orders/index.ts";
import { MarketAgnosticKalshiEnv } from "../sim/index.ts";
import { BASELINES } from "../strategies/index.ts";
import { type Configuration, episodeSettings } from "./configuration.ts";
import type { Console } from "./console.ts";
import { breathe, type Interruption } from "./interruption.ts";
import { advantages } from "./report/report-text.ts";
import type { LoadedSession } from "./wire.ts";

export interface EvaluatingOptions {
  readonly configuration: Configuration;
  readonly sessions: readonly LoadedSession[];
  readonly agent: EvaluatedPolicy | null;
  readonly episodes: number;
  readonly io: Console;
  readonly interruption: Interruption;
  readonly title?: string;
}

/**
 * Profit per episode in dollars, after fees, of the agent and every baseline; null where it was
 * interrupted.
 */
export async function runEvaluation(
  options: EvaluatingOptions,
): Promise<Map<string, PolicyResult> | null> {
  const { configuration, sessions, agent, episodes, io, interruption } = options;
  const env = new MarketAgnosticKalshiEnv({
    sessions: sessions.map(({ data }) => data),
    ...episodeSettings(configuration),
  });
  const policies = [...(agent === null ? [] : [agent]), ...BASELINES];
  const progress = io.progress(
    options.title ?? "evaluating",
    policies.length * episodes,
    "episodes",
  );
  try {
    const seed = `evaluation ${configuration.seed}`;
    const steps = evaluateInSteps({ policies, env, episodes, seed });
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return step.value;
      progress.update(step.value);
      await breathe();
      if (interruption.requested) return null;
    }
  } finally {
    progress.stop();
  }
}

/** A table for the terminal: one line per policy. */
export function evaluationLines(results: ReadonlyMap<string, PolicyResult>): string[] {
  const dollars = (value: number): string =>
    `${value < 0 ? "-" : " "}$${Math.abs(value).toFixed(3)}`;
  const lines = ["  policy     mean profit     95 % interval           most frequent action"];
  for (const [name, { mean, low, high, actionShares }] of results) {
    const interval = `${dollars(low)} to ${dollars(high)}`;
    const most = actionShares.indexOf(Math.max(...actionShares));
    const share = `${Math.round(100 * (actionShares[most] ?? 0))} % ${ACTION_NAMES[most] ?? ""}`;
    lines.push(
      `  ${name.padEnd(9)} ${dollars(mean).padStart(12)}     ${interval.padEnd(22)}  ${share}`,
    );
  }
  for (const [name, advantage] of advantages(results)) {
    const interval = `${dollars(advantage.low)} to ${dollars(advantage.high)}`;
    lines.push(
      `  agent less ${name.padEnd(7)}${dollars(advantage.mean).padStart(8)}     ${interval}  paired`,
    );
  }
  return lines;
}

/** Says so where one action makes up nearly everything an agent does: it may have collapsed. */
export function collapseWarning(result: PolicyResult | undefined): string | null {
  if (result === undefined) return null;
  const most = Math.max(...result.actionShares);
  if (most < 0.95) return null;
  const action = ACTION_NAMES[result.actionShares.indexOf(most)] ?? "";
  return (
    `The agent chose ${action} in ${(100 * most).toFixed(1)} % of its steps: it may have collapsed ` +
    `to one action.`
  );
}
