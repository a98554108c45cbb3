/**
 * The report of an evaluation: one HTML file that needs nothing else, and its pictures once more as
 * PNG beside it. Same input, same bytes: no clock and nothing random is in it.
 */
import { writeFileAtomically } from "../../core/index.ts";
import type { EpisodeJournal } from "../../journal/index.ts";
import { ACTION_NAMES } from "../../orders/index.ts";
import {
  type Charts,
  entropyCurve,
  episodeChart,
  episodePanel,
  equityChart,
  learningCurve,
  resultChart,
} from "./charts.ts";
import { rasterise } from "./rasterise.ts";
import type { ReportInput } from "./report-input.ts";
import { assumptions, verdicts } from "./report-text.ts";

export interface BuiltReport {
  readonly html: string;
  /** PNG files beside it. */
  readonly pictures: readonly string[];
}

/** Writes `path` and its pictures; `FILE_WRITE` where that cannot be. */
export async function buildReport(path: string, input: ReportInput): Promise<BuiltReport> {
  const charts = await loadCharts();
  const { journal, data } = input.episode;
  const learning = input.learning.length > 0 ? learningCurve(charts, input.learning) : "";
  const results = resultChart(charts, input.evaluations);
  const equity = equityChart(charts, input.equity);
  const episode = episodeChart(charts, journal, data);
  const position = episodePanel(charts, journal, {
    label: "position (contracts)",
    title: "The agent's position: YES above zero, NO below",
    of: (step) => step.position / 100,
  });
  const value = episodePanel(charts, journal, {
    label: "value ($)",
    title: "The agent's portfolio value",
    of: (step) => step.value / 1e6,
  });
  const entropy = input.learning.length > 0 ? entropyCurve(charts, input.learning) : "";
  const html = page(input, { learning, entropy, results, equity, episode, position, value });
  const pictures: string[] = [];
  const stem = path.replace(/\.html?$/i, "");
  for (const [name, picture] of Object.entries({
    "learning-curve": learning,
    results,
    equity,
    episode,
  })) {
    if (picture === "") continue;
    const file = `${stem}-${name}.png`;
    writeFileAtomically(file, await rasterise(picture));
    pictures.push(file);
  }
  writeFileAtomically(path, html);
  return { html: path, pictures };
}

async function loadCharts(): Promise<Charts> {
  const [plot, { parseHTML }] = await Promise.all([
    import("@observablehq/plot"),
    import("linkedom"),
  ]);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return { plot, document };
}

interface Pictures {
  readonly learning: string;
  readonly entropy: string;
  readonly results: string;
  readonly equity: string;
  readonly episode: string;
  readonly position: string;
  readonly value: string;
}

function page(input: ReportInput, pictures: Pictures): string {
  const { title, model, configuration, episode } = input;
  const figure = (picture: string, caption: string): string =>
    picture === "" ? "" : `<figure>${picture}<figcaption>${escape(caption)}</figcaption></figure>`;
  const { header } = episode.journal;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
<p class="lead">A policy trained for ${model.steps.toLocaleString("en-US")} steps with seed
${escape(String(model.seed))} on ${list(Object.keys(model.sessions))}, judged on
${list(input.sessions)}, which it has ${heldOut(input) ? "never seen" : "partly seen in training"}.
Model <code>${model.modelHash.slice(0, 12)}</code>.</p>
<h2>Results</h2>
${verdicts(input.evaluations)
  .map((sentence) => `<p>${escape(sentence)}</p>`)
  .join("\n")}
${figure(pictures.results, "Profit per episode after fees, positions valued at what they could be sold for. The dot is the mean over the same episodes for every policy, the line its 95 % bootstrap interval.")}
${input.evaluations.map(resultTable).join("\n")}
${pictures.learning === "" ? "" : "<h2>Training</h2>"}
${figure(pictures.learning, "Mean return of the episodes that ended in each rollout, with the training's own fill model. It is noisy: markets differ more than policies do.")}
${figure(pictures.entropy, "Entropy of the policy. Falling to zero means that it has settled on single actions.")}
<h2>One episode</h2>
<p>${escape(header.ticker)} of session ${escape(header.session.id)}, fill model
${escape(String((header.settings as { fillModel?: unknown }).fillModel))}, ${episode.journal.end.steps} decisions,
${escape(episode.journal.end.end)}. Journal <code>${episode.journal.journalHash.slice(0, 12)}</code>;
<code>kalshi-gym replay &lt;episode&gt; --verify</code> runs it again and compares every byte.</p>
${figure(pictures.episode, "Grey band: best bid to best ask. Grey dots: trades of others. Lines: the agent's resting orders, bids blue and asks red. Triangles: its fills, up for bought YES (or sold NO), down for sold YES (or bought NO).")}
${figure(pictures.position, "Position.")}
${figure(pictures.value, "Portfolio value.")}
${figure(pictures.equity, "The same episode played by every policy.")}
${fillTable(episode.journal)}
<h2>What the simulator assumes, and which way it errs</h2>
<ul>
${assumptions(configuration)
  .map((sentence) => `<li>${escape(sentence)}</li>`)
  .join("\n")}
</ul>
<details><summary>Configuration</summary><pre>${escape(JSON.stringify(configuration, null, 2))}</pre></details>
</main>
</body>
</html>
`;
}

function heldOut({ model, episode }: ReportInput): boolean {
  return !Object.values(model.sessions).includes(episode.journal.header.session.contentHash);
}

function list(names: readonly string[]): string {
  return names.map((name) => `<code>${escape(name)}</code>`).join(", ");
}

function resultTable({ fillModel, results }: ReportInput["evaluations"][number]): string {
  const actions = ACTION_NAMES.map((name) => `<th>${name}</th>`).join("");
  const rows = [...results].map(([policy, { mean, low, high, returns, actionShares }]) => {
    const shares = actionShares.map((share) => `<td>${(100 * share).toFixed(1)} %</td>`).join("");
    return (
      `<tr><th scope="row">${escape(policy)}</th><td>${dollars(mean)}</td>` +
      `<td>${dollars(low)} to ${dollars(high)}</td><td>${returns.length}</td>${shares}</tr>`
    );
  });
  return (
    `<div class="scroll"><table><caption>Fill model ${escape(fillModel)}</caption>` +
    `<thead><tr><th>policy</th><th>mean</th><th>95 % interval</th><th>episodes</th>${actions}</tr>` +
    `</thead><tbody>${rows.join("")}</tbody></table></div>`
  );
}

/** Fills shown in the table; the journal has them all. */
const FILLS_SHOWN = 30;

function fillTable({ steps }: EpisodeJournal): string {
  const fills = steps.flatMap(({ step, events }) =>
    events.flatMap((event) => (event.kind === "filled" ? [{ step, event }] : [])),
  );
  if (fills.length === 0) return "<p>The agent had no fill in this episode.</p>";
  const rows = fills.slice(0, FILLS_SHOWN).map(({ step, event }) => {
    const { evidence } = event;
    const why =
      evidence.kind === "venue"
        ? `trade ${escape(evidence.tradeId)}`
        : `${evidence.kind} of ${evidence.size / 100} at ${evidence.price / 100}c, tape row ${evidence.row}`;
    return (
      `<tr><td>${step}</td><td>${escape(event.clientOrderId)}</td><td>${event.size / 100}</td>` +
      `<td>${event.price / 100}c</td><td>${event.role}</td><td>${dollars(event.fee / 1e6)}</td>` +
      `<td>${why}</td></tr>`
    );
  });
  const more = fills.length - rows.length;
  return (
    `<div class="scroll"><table><caption>Fills, each with the recorded fact it rests on` +
    `${more > 0 ? ` (the first ${rows.length} of ${fills.length})` : ""}</caption><thead><tr>` +
    `<th>step</th><th>order</th><th>contracts</th><th>YES price</th><th>role</th><th>fee</th>` +
    `<th>because of</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`
  );
}

function dollars(amount: number): string {
  return `${amount < 0 ? "\u2212" : ""}$${Math.abs(amount).toFixed(3)}`;
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --soft: #5c6670; --line: #d8dee4; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171a; --ink: #e3e7eb; --soft: #9aa4ae; --line: #343b42; }
}
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 "DejaVu Sans", Verdana, sans-serif; }
main { max-width: 940px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; margin: .5rem 0; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
.lead { color: var(--soft); }
figure { margin: 1.2rem 0; } figure svg { max-width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: .85rem; }
table { border-collapse: collapse; font-size: .82rem; margin: 1rem 0; white-space: nowrap; }
caption { text-align: left; font-weight: bold; padding-bottom: .3rem; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .7rem .25rem 0; text-align: left; }
.scroll { overflow-x: auto; } code, pre { font-size: .85em; }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .8rem; }
`.trim();
