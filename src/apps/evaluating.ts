/** Evaluation as commands and the demo do it: agent and baselines on the same episodes. */
import { evaluateInSteps, type EvaluatedPolicy, type PolicyResult } from "../learn/index.ts";
import { ACTION_NAMES } from "../orders/index.ts";
import { type FillModelName, MarketAgnosticKalshiEnv } from "../sim/index.ts";
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

/** What one fill model says. */
export interface ModelEvaluation {
  readonly fillModel: FillModelName;
  readonly results: ReadonlyMap<string, PolicyResult>;
}

/** The three answers, by the fill model that gives each, and what it takes for granted. */
const ANSWERS = [
  { answer: "optimistic", fillModel: "touch", meaning: "our orders stand first in every queue" },
  { answer: "expected", fillModel: "queue", meaning: "where they would have stood" },
  { answer: "pessimistic", fillModel: "through", meaning: "our orders stand last" },
] as const;

export type Answer = (typeof ANSWERS)[number]["answer"];

/** Which of the three answers a fill model gives; null for others. */
export function answerOf(fillModel: FillModelName): Answer | null {
  return ANSWERS.find((each) => each.fillModel === fillModel)?.answer ?? null;
}

/**
 * The same episodes under the fill model of each answer, told as they come; what was finished before
 * an interruption. A model that gives none of the answers, or one that is `wanted` alone, is all.
 */
export async function runAnswers(
  options: EvaluatingOptions,
  wanted?: FillModelName,
): Promise<ModelEvaluation[]> {
  const { configuration, episodes, io } = options;
  const single = wanted ?? configuration.episode.fillModel;
  const isSingle = wanted !== undefined || answerOf(single) === null;
  const models = isSingle ? [single] : ANSWERS.map(({ fillModel }) => fillModel);
  const evaluations: ModelEvaluation[] = [];
  for (const fillModel of models) {
    const results = await runEvaluation({
      ...options,
      configuration: { ...configuration, episode: { ...configuration.episode, fillModel } },
      title: `evaluating (${fillModel})`,
    });
    if (results === null) break;
    evaluations.push({ fillModel, results });
    const found = ANSWERS.find((each) => each.fillModel === fillModel);
    const meaning = found === undefined ? "" : ` (${found.answer}: ${found.meaning})`;
    io.line(
      `Profit per episode after fees, ${episodes} episodes each, fill model ${fillModel}${meaning}:`,
    );
    for (const line of evaluationLines(results)) io.line(line);
  }
  return evaluations;
}

/**
 * Profit per episode in dollars, after fees, of the agent and every baseline; null where it was
 * interrupted.
 */
async function runEvaluation(
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

/** Means and intervals of every policy, by answer. */
export function answersJson(evaluations: readonly ModelEvaluation[]): object {
  return Object.fromEntries(
    evaluations.flatMap(({ fillModel, results }) => {
      const answer = answerOf(fillModel);
      return answer === null ? [] : [[answer, policiesJson(results)]];
    }),
  );
}

export function policiesJson(results: ReadonlyMap<string, PolicyResult>): object {
  return Object.fromEntries(
    [...results].map(([name, { mean, low, high }]) => [name, { mean, low, high }]),
  );
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
