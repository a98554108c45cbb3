/** What the report says in words. */
import type { Configuration } from "../configuration.ts";
import type { ReportInput } from "./report-input.ts";

/** For each fill model, whether the agent can be told from each baseline. */
export function verdicts(evaluations: ReportInput["evaluations"]): string[] {
  return evaluations.flatMap(({ fillModel, results }) => {
    const agent = results.get("agent");
    if (agent === undefined) return [];
    const comparisons = [...results].flatMap(([name, other]) => {
      if (name === "agent") return [];
      if (agent.low > other.high) return [`more than ${name}`];
      if (agent.high < other.low) return [`less than ${name}`];
      return [`not measurably different from ${name} (the intervals overlap)`];
    });
    const sentence =
      `Under the fill model ${fillModel} the agent made ${dollars(agent.mean)} per episode ` +
      `(95 % interval ${dollars(agent.low)} to ${dollars(agent.high)}): ${comparisons.join(", ")}.`;
    const most = Math.max(...agent.actionShares);
    if (most < 0.95) return [sentence];
    const warning =
      `It chose one action in ${(100 * most).toFixed(1)} % of its steps, so it may have collapsed ` +
      `to that action.`;
    return [sentence, warning];
  });
}

/** The simulator's assumptions with the configuration's own numbers. */
export function assumptions({ episode }: Configuration): string[] {
  const { latency } = episode;
  const milliseconds = (term: Configuration["episode"]["latency"]["submitUs"]): string =>
    typeof term === "number"
      ? `${term / 1000} ms`
      : `${term.minUs / 1000} to ${term.maxUs / 1000} ms`;
  return [
    "The place of our orders in the queue is not known here. Under touch they stand first and fill " +
      "whenever a trade reaches their price: too good. Under through they stand last and fill only " +
      "when the price trades through them: too bad. The truth lies between the two.",
    "Orders that cross take the recorded depth, level by level, and what they took stays taken " +
      "until the recording changes that level. Others do not react to us: too good for large orders.",
    "A book that shrinks is not a trade. Every fill names the recorded trade, quote or depth that " +
      "caused it.",
    `Messages take time: orders ${milliseconds(latency.submitUs)}, cancels ` +
      `${milliseconds(latency.cancelUs)}, answers ${milliseconds(latency.answerUs)}; market data is ` +
      `${latency.feedUs / 1000} ms old when it reaches us. Real delays vary and grow when it matters.`,
    "Fees are Kalshi's, with their rounding; makers pay none in most series. Cash is collateral: " +
      "nothing is traded on credit.",
    "Positions are valued at what the best quote pays for them, as if it had room for all of them: " +
      "slightly too good for positions larger than the best level.",
    "Nothing rests or fills while the feed has a gap, and an episode ends there.",
  ];
}

function dollars(amount: number): string {
  return `${amount < 0 ? "\u2212" : ""}$${Math.abs(amount).toFixed(2)}`;
}
