/**
 * The report's page: HTML that needs nothing else, neither scripts nor the network. All text that
 * comes from outside passes through `escape`.
 */
import type { EpisodeJournal } from "../../journal/index.ts";
import type { ModelManifest } from "../../learn/index.ts";
import { queueQuality, type Tape } from "../../market/index.ts";
import { ACTION_NAMES, actionOf, type FillEvidence } from "../../orders/index.ts";
import { clock, dollars, escape, grouped, moment, percent } from "./formats.ts";
import { ordersOf } from "./order-spans.ts";
import { figure, framed, items, table } from "./page-parts.ts";
import type { ReportInput } from "./report-input.ts";
import {
  advantages,
  assumptions,
  describeFillModel,
  disagreement,
  verdicts,
} from "./report-text.ts";

/** SVG text; "" for a picture that there is nothing to draw for. */
export interface Pictures {
  readonly learning: string;
  readonly results: string;
  readonly equity: string;
  readonly episode: string;
}

/** The whole page. */
export function page(input: ReportInput, pictures: Pictures): string {
  const { title, configuration, model } = input;
  return framed(
    title,
    `${lead(input)}
${inShort(input)}
<h2>Results</h2>
${figure(pictures.results, RESULTS_CAPTION)}
${input.evaluations.map(resultTable).join("\n")}
${training(pictures.learning)}
<h2>One episode</h2>
${facts(input)}
${figure(pictures.episode, EPISODE_CAPTION)}
${fillTable(input.episode.journal)}
${figure(pictures.equity, EQUITY_CAPTION)}
<h2>What the simulator assumes, and which way it errs</h2>
<ul>
${items(assumptions(configuration))}
</ul>
<details><summary>Configuration of this evaluation</summary>
<pre>${escape(JSON.stringify(configuration, null, 2))}</pre></details>
<details><summary>Model</summary>
<pre>${escape(JSON.stringify(model, withoutMoments, 2))}</pre></details>`,
  );
}

/** Leaves out the moments of 52 observations: long, and of use to nobody who reads. */
function withoutMoments(key: string, value: unknown): unknown {
  return key === "normaliser" ? undefined : value;
}

const RESULTS_CAPTION =
  "The dot is the mean over the same episodes for every policy, the line its 95 % bootstrap " +
  "interval over episodes. Positions left at the end are valued at what they could be sold for. " +
  "Episodes of one market resemble each other, so with few markets the intervals are too narrow.";
const LEARNING_CAPTION =
  "Profit of the episodes that ended during training, under the training's own fill model: noisy, " +
  "for markets differ more than policies do, and not held out. Entropy falls as the policy settles; " +
  "at zero it always does the same.";
const EPISODE_CAPTION =
  "Quotes are those that the agent decided on, as late as its feed. An order's line begins with the " +
  "decision that sent it and ends with the news of its end. Trades are dots by size; of very many " +
  "the largest are drawn.";
const EQUITY_CAPTION =
  "One episode is an illustration, not evidence: the results above are what counts.";

function lead(input: ReportInput): string {
  const { model, sessions } = input;
  const names = (some: readonly string[]): string =>
    some.map((name) => `<code>${escape(name)}</code>`).join(", ");
  if (!("sessions" in model)) {
    return `<p class="lead">A policy from elsewhere (${escape(model.description)}), judged on
${names(sessions)}; what it was trained on is not known.
Model <code>${escape(model.modelHash.slice(0, 12))}</code>.</p>`;
  }
  const held = isHeldOut(model, input)
    ? "which it has never seen"
    : "<strong>parts of which it was trained on</strong>";
  return `<p class="lead">A policy trained for ${grouped(model.steps)} steps with seed
${escape(String(model.seed))} on ${names(Object.keys(model.sessions))}, judged on
${names(sessions)}, ${held}.
Model <code>${escape(model.modelHash.slice(0, 12))}</code>, ${escape(model.software)}.</p>`;
}

/** By name, and the shown episode's session by content. */
function isHeldOut(model: ModelManifest, { sessions, episode }: ReportInput): boolean {
  const { contentHash } = episode.journal.header.session;
  return (
    !Object.values(model.sessions).includes(contentHash) &&
    sessions.every((id) => !Object.hasOwn(model.sessions, id))
  );
}

function inShort({ evaluations }: ReportInput): string {
  const warnings = evaluations.length > 1 ? disagreement(evaluations) : null;
  const parts = verdicts(evaluations).map(
    ({ sentence, comparisons, warning }) =>
      `<p>${escape(sentence)}</p>\n<ul>\n${items(comparisons)}\n</ul>${warningLine(warning)}`,
  );
  return `<section class="short" aria-label="In short">\n${parts.join("\n")}${warningLine(warnings)}</section>`;
}

function warningLine(warning: string | null): string {
  return warning === null ? "" : `\n<p class="warning">${escape(warning)}</p>`;
}

function training(picture: string): string {
  return picture === "" ? "" : `<h2>Training</h2>\n${figure(picture, LEARNING_CAPTION)}`;
}

function resultTable({ fillModel, results }: ReportInput["evaluations"][number]): string {
  const leads = advantages(results);
  const rows = [...results].map(([policy, result]) => {
    const { mean, low, high, returns, actionShares } = result;
    const lead = leads.get(policy);
    return [
      escape(policy),
      dollars(mean),
      `${dollars(low)} to ${dollars(high)}`,
      lead === undefined
        ? "\u2013"
        : `${dollars(lead.mean)} (${dollars(lead.low)} to ${dollars(lead.high)})`,
      String(returns.length),
      ...actionShares.map(percent),
    ];
  });
  const heads = ["policy", "mean profit", "95 % interval", "agent minus this (95 %)", "episodes"];
  return table(
    `Fill model ${escape(describeFillModel(fillModel))}: profit per episode, shares of actions`,
    [...heads, ...ACTION_NAMES.map(actionWords)],
    rows,
  );
}

/** "BUY_YES_LIMIT" as "buy YES". */
function actionWords(name: string): string {
  const [verb = "", outcome = ""] = name.split("_");
  return `${verb.toLowerCase()} ${outcome}`.trim();
}

interface Settings {
  readonly fillModel?: unknown;
  readonly steps?: unknown;
}

function whyEnded({ end, steps }: EpisodeJournal["end"], settings: Settings): string {
  if (end === "terminated") return "the market settled";
  if (end === "interrupted") return "interrupted by the user";
  return steps === settings.steps ? "its step limit" : "the recording, or its unbroken feed, ended";
}

/** How well the session's queues are reconstructed. */
function queueWords(tape: Tape): string {
  const { consistentShare, exactShare, used } = queueQuality(tape);
  return (
    `${percent(consistentShare)} of the session's trades fit the order believed to be in front, ` +
    `${percent(exactShare)} of its cancels one order of their size` +
    (used ? "" : "; where that is too little, level totals are used instead")
  );
}

function facts({ episode: { journal, data }, equity }: ReportInput): string {
  const { header, steps, end, journalHash } = journal;
  const { fills, endUs } = ordersOf(journal);
  const startUs = steps[0]?.atUs ?? 0;
  const contracts = fills.reduce((sum, { event }) => sum + event.size, 0) / 100;
  const fees = fills.reduce((sum, { event }) => sum + event.fee, 0) / 1e6;
  const settings = header.settings as Settings;
  const { fillModel } = settings;
  const hold = equity.get("hold")?.at(-1)?.[1];
  const rows: [string, string][] = [
    ["market", escape(header.ticker)],
    ["session", `<code>${escape(header.session.id)}</code>`],
    ["played by", `${escape(header.policy.name)}, ${CHOICES[header.policy.choice]}`],
    ...(typeof fillModel === "string"
      ? [["fill model", escape(describeFillModel(fillModel))] as [string, string]]
      : []),
    ["start", moment(startUs)],
    [
      "end",
      `${moment(endUs)}, after ${clock((endUs - startUs) / 1e6)}: ${whyEnded(end, settings)}`,
    ],
    ["queues", escape(queueWords(data.tape))],
    ["decisions", grouped(end.steps)],
    ["fills", `${grouped(fills.length)}, of ${grouped(contracts)} contracts in all`],
    ["fees", fees === 0 ? "none" : dollars(fees, 4)],
    [
      "final value",
      dollars(end.value / 1e6) +
        (hold === undefined ? "" : ` (${dollars(end.value / 1e6 - hold)} against holding still)`),
    ],
    [
      "journal",
      `<code>${escape(journalHash.slice(0, 12))}</code>; <code>kalshi-gym replay &lt;episode&gt; ` +
        `--verify</code> plays it again and compares every byte`,
    ],
  ];
  return `<dl>${rows.map(([term, value]) => `<dt>${term}</dt><dd>${value}</dd>`).join("\n")}</dl>`;
}

const CHOICES = { best: "always its most likely action", sample: "drawing its actions" } as const;

/** Fills shown in the table; the journal has them all. */
const FILLS_SHOWN = 20;

function fillTable(journal: EpisodeJournal): string {
  const { fills } = ordersOf(journal);
  if (fills.length === 0) return "<p>The agent had no fill in this episode.</p>";
  const startUs = journal.steps[0]?.atUs ?? 0;
  const rows = fills
    .slice(0, FILLS_SHOWN)
    .map(({ request, event }) => [
      clock((event.atUs - startUs) / 1e6),
      actionWords(ACTION_NAMES[actionOf(request)]),
      String(event.size / 100),
      `${event.price / 100}\u00a2`,
      escape(event.role),
      dollars(event.fee / 1e6, 4),
      evidenceWords(event.evidence),
    ]);
  const more = fills.length - rows.length;
  const shown = more > 0 ? `; the first ${rows.length}, and ${more} more in the journal` : "";
  return table(
    `Fills, each with the recorded fact that it rests on${shown}`,
    ["time", "order", "contracts", "YES price", "role", "fee", "because of"],
    rows,
  );
}

function evidenceWords(evidence: FillEvidence): string {
  if (evidence.kind === "venue") return `the venue's trade ${escape(evidence.tradeId)}`;
  const { kind, row } = evidence;
  const what = `${grouped(evidence.size / 100)} at ${evidence.price / 100}\u00a2`;
  const verb = { trade: "a trade of", quote: "a quote of", book: "resting depth of" }[kind];
  const ahead = evidence.kind === "trade" ? `, ${grouped(evidence.ahead / 100)} ahead` : "";
  return `${verb} ${what}${ahead}, tape row ${row}`;
}
