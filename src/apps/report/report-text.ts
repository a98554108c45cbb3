/** What the report says in words. */
import { basename } from "node:path";
import { type Interval, pairedDifferences, type PolicyResult } from "../../learn/index.ts";
import { ACTION_NAMES } from "../../orders/index.ts";
import type { Configuration } from "../configuration.ts";
import type { WrittenTerm } from "../latency-file.ts";
import { dollars, percent } from "./formats.ts";
import type { ReportInput } from "./report-input.ts";

/** Share of one action from which a policy is said to have collapsed. */
const COLLAPSE_SHARE = 0.95;

/** A fill model's name with what it means for the result. */
export function describeFillModel(fillModel: string): string {
  if (fillModel === "touch") return "touch (optimistic: our orders stand first in every queue)";
  if (fillModel === "queue") return "queue (expected: our orders wait in the reconstructed queues)";
  if (fillModel === "level") return "level (our orders wait behind the totals of levels)";
  if (fillModel === "through") return "through (pessimistic: our orders stand last)";
  return fillModel;
}

/**
 * By how much the agent's profit exceeds each other policy's, over the same episodes, with 95 %
 * intervals. Pairing takes out what the episodes have in common, so it can tell policies apart whose
 * own intervals overlap. Empty without an agent.
 */
export function advantages(results: ReadonlyMap<string, PolicyResult>): Map<string, Interval> {
  if (!results.has("agent")) return new Map();
  const differences = pairedDifferences(results, "agent", "report");
  return new Map(
    [...differences].map(([name, { mean, low, high }]) => [
      name,
      { mean: -mean, low: -high, high: -low },
    ]),
  );
}

export interface Verdict {
  readonly sentence: string;
  /** One per baseline. */
  readonly comparisons: readonly string[];
  readonly warning: string | null;
}

/** For each fill model, what the agent made, and whether it can be told from each baseline. */
export function verdicts(evaluations: ReportInput["evaluations"]): Verdict[] {
  return evaluations.flatMap(({ fillModel, results }) => {
    const agent = results.get("agent");
    if (agent === undefined) return [];
    const sentence =
      `Under the fill model ${describeFillModel(fillModel)} the agent made ` +
      `${dollars(agent.mean)} per episode, 95 % interval ${range(agent)}.`;
    const comparisons = [...advantages(results)].map(([name, advantage]) =>
      comparison(name, advantage),
    );
    return [{ sentence, comparisons, warning: collapse(agent) }];
  });
}

function comparison(name: string, advantage: Interval): string {
  const { mean, low, high } = advantage;
  const figures = `${dollars(mean)} per episode, 95 % interval ${range(advantage)}`;
  if (low > 0) return `It made more than ${name}: a difference of ${figures}.`;
  if (high < 0) return `It made less than ${name}: a difference of ${figures}.`;
  if (low === 0 && high === 0) return `It made exactly what ${name} made.`;
  return `No difference from ${name} can be claimed: ${figures}, in which zero lies.`;
}

function range({ low, high }: Interval): string {
  return `${dollars(low)} to ${dollars(high)}`;
}

function collapse({ actionShares }: PolicyResult): string | null {
  const most = Math.max(...actionShares);
  if (most < COLLAPSE_SHARE) return null;
  const action = ACTION_NAMES[actionShares.indexOf(most)] ?? "one action";
  return (
    `The agent chose ${action} in ${percent(most)} of its steps: it may have collapsed to that ` +
    `one action, and then its result is not a strategy's.`
  );
}

/**
 * One sentence where the optimistic and the pessimistic fill model disagree about a profit; null
 * where there is nothing to warn of.
 */
export function disagreement(evaluations: ReportInput["evaluations"]): string | null {
  const agentUnder = (name: string): PolicyResult | undefined =>
    evaluations.find(({ fillModel }) => fillModel === name)?.results.get("agent");
  const touch = agentUnder("touch");
  const through = agentUnder("through");
  if (touch === undefined || through === undefined) return null;
  if (touch.low <= 0 || through.low > 0) return null;
  return (
    "The profit shows under touch and not under through: it rests on a place at the head of the " +
    "queue, which a real order has to wait for. It proves nothing."
  );
}

/** The simulator's assumptions with the configuration's own numbers. */
export function assumptions({ episode }: Configuration): string[] {
  const { latency, overlay } = episode;
  const milliseconds = (term: WrittenTerm): string => {
    if (typeof term === "number") return `${term / 1000} ms`;
    if ("file" in term) return `as measured (${basename(term.file)})`;
    return `${term.minUs / 1000} to ${term.maxUs / 1000} ms`;
  };
  return [
    "Under queue our orders wait behind those who were at their price before them, and come forward " +
      "as the reconstructed queue says who trades and who cancels; where a recording has no such " +
      "detail, cancels come from behind first. Under touch they stand first and fill whenever a trade " +
      "reaches their price: too good. Under through they stand last and fill only when the price " +
      "trades through them: too bad.",
    "Orders that cross take the recorded depth, level by level, and what they took stays taken for " +
      "as long as the recording has it. Others do not react to us: too good for large orders.",
    "A book that shrinks is not a trade. Every fill names the recorded trade, quote or depth that " +
      "caused it.",
    `Messages take time: orders ${milliseconds(latency.submitUs)}, amendments ` +
      `${milliseconds(latency.amendUs)}, cancels ${milliseconds(latency.cancelUs)}, answers ` +
      `${milliseconds(latency.answerUs)}; market data is ${milliseconds(latency.feedUs)} old when it ` +
      `reaches us. Real delays vary and grow when it matters: too good.`,
    "Fees are Kalshi's, with their rounding; makers pay none in most series. Cash is collateral: " +
      "nothing is traded on credit.",
    "Positions are valued at what the best quote pays for them, as if it had room for all of them: " +
      "slightly too good for positions larger than the best level.",
    "Nothing rests or fills while the feed has a gap, and an episode ends there.",
    ...(overlay === undefined ? [] : [chanceIn(overlay)]),
  ];
}

/** What chance does on top of the fill model. */
function chanceIn(overlay: NonNullable<Configuration["episode"]["overlay"]>): string {
  const { slippageTicks, improvementTicks } = overlay;
  return (
    "Chance takes part on top of the fill model: an order gets what is there for it with probability " +
    `${overlay.fillProbability}, only a part with ${overlay.partialProbability}; aggressive fills are ` +
    `up to ${slippageTicks} ticks worse with ${overlay.slippageProbability}, up to ` +
    `${improvementTicks} better with ${overlay.improvementProbability}; orders are refused with ` +
    `${overlay.rejectionProbability}.`
  );
}
