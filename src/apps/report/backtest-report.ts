/**
 * The report of a back-test: one HTML file that needs nothing else, and its pictures once more as PNG
 * beside it. Same result, same bytes.
 */
import { writeFileAtomically } from "../../core/index.ts";
import type { BacktestResult, SessionResult, WorldSummary } from "../../sim/index.ts";
import { contracts, scopeLine, summaryRows } from "../backtest/summary-rows.ts";
import { faultWords } from "../backtest/tell.ts";
import type { Configuration } from "../configuration.ts";
import {
  eventPicture,
  gainPicture,
  mainWorld,
  marketPicture,
  partsPicture,
  profitPicture,
} from "./backtest-pictures.ts";
import { loadCharts } from "./drawing.ts";
import { dollars, escape, grouped, moment, percent } from "./formats.ts";
import { figure, framed, items, table } from "./page-parts.ts";
import { rasterise } from "./rasterise.ts";
import { assumptions } from "./report-text.ts";

type PictureName = "profit" | "parts" | "gain" | "events" | "market";

/** Writes the page to `path` and its pictures beside it, the page last. `FILE_WRITE`. */
export async function buildBacktestReport(
  path: string,
  result: BacktestResult,
  configuration: Configuration,
): Promise<void> {
  const charts = await loadCharts();
  const pictures: Readonly<Record<PictureName, string>> = {
    profit: profitPicture(charts, result),
    parts: partsPicture(charts, result),
    gain: gainPicture(charts, result),
    events: eventPicture(charts, result),
    market: marketPicture(charts, result),
  };
  const stem = path.replace(/\.html?$/i, "");
  for (const [name, svg] of Object.entries(pictures)) {
    if (svg !== "") writeFileAtomically(`${stem}-${name}.png`, await rasterise(svg));
  }
  writeFileAtomically(path, backtestPage(result, configuration, pictures));
}

function backtestPage(
  result: BacktestResult,
  configuration: Configuration,
  pictures: Readonly<Record<PictureName, string>>,
): string {
  const { strategy, settings } = result;
  return framed(
    `Back-test of ${strategy}`,
    `<p class="lead">${escape(scopeLine(result))}. Journal
<code>${escape(result.journalHash.slice(0, 12))}</code>.</p>
${inShort(result)}
<h2>Result</h2>
${figure(pictures.profit, PROFIT_CAPTION)}
${summaryTable(result)}
<h2>Where it comes from</h2>
${figure(pictures.parts, PARTS_CAPTION)}
${figure(pictures.events, EVENTS_CAPTION)}
${marketTable(result)}
<h2>Over time</h2>
${figure(pictures.gain, GAIN_CAPTION)}
${figure(pictures.market, MARKET_CAPTION)}
${calibrationTable(result)}
<h2>What was run</h2>
${sessionTable(result)}
<details><summary>Settings and options</summary>
<pre>${escape(JSON.stringify({ strategy, options: result.options, settings }, null, 2))}</pre></details>
<h2>What the simulator assumes, and which way it errs</h2>
<ul>
${items(assumptions(configuration))}
</ul>`,
  );
}

const PROFIT_CAPTION =
  "The worlds differ in one thing, what resting orders get: in the optimistic one they stand first " +
  "at their price, in the expected one where the reconstructed queue puts them, in the pessimistic " +
  "one last. Dots are profits, lines their 95 % bootstrap intervals over events.";
const PARTS_CAPTION =
  "Spread: fills' prices against the middle of bid and ask just before them. Adverse selection: how " +
  "that middle moved afterwards on what was held, to the end of the market. Settlement: what " +
  "positions then came to, less the last middle. Fees as charged. Nothing is left over.";
const EVENTS_CAPTION =
  "The markets of an event share their fate, so events are what chance deals in.";
const MARKET_CAPTION =
  "An illustration, not evidence. Positions are paid out at the market's settlement, which is not drawn.";
const GAIN_CAPTION =
  "Each session begins with its own cash. Gaps between sessions are left out; thin lines are seams.";

function inShort(result: BacktestResult): string {
  const of = (name: string) => result.worlds.find(({ world }) => world === name);
  const [low, main, high] = [of("pessimistic"), of("expected"), of("optimistic")];
  const sentences: string[] = [];
  const shown = main ?? result.worlds[0];
  if (shown !== undefined) sentences.push(verdict(shown));
  if (low !== undefined && high !== undefined && low.profit <= 0 && high.profit > 0) {
    sentences.push(
      "It earns in the optimistic world and not in the pessimistic one: the result rests on its " +
        "place in the queue.",
    );
  }
  const warnings: string[] = [];
  if (result.fault !== null) {
    warnings.push(`The run ended early: ${faultWords(result.strategy, result.fault)}.`);
  } else if (!result.isComplete) warnings.push("The run was interrupted; these are parts of it.");
  if (result.fault === null && result.faultCount > 0) {
    const [first] = result.sessions.flatMap(({ faults }) => faults);
    const words = first === undefined ? "" : ` The first: ${faultWords(result.strategy, first)}.`;
    warnings.push(`${grouped(result.faultCount)} faults of the strategy were refused.${words}`);
  }
  const warned = warnings.map((text) => `<p class="warning">${escape(text)}</p>`).join("\n");
  const said = sentences.map((text) => `<p>${escape(text)}</p>`).join("\n");
  return `<section class="short" aria-label="In short">\n${said}\n${warned}</section>`;
}

function verdict({ world, profit, interval }: WorldSummary): string {
  const made = `In the ${world} world it ${profit < 0 ? "lost" : "made"} ${dollars(Math.abs(profit) / 1e6)} after fees`;
  if (interval === null) return `${made}; one event gives no interval.`;
  const range = `${dollars(interval.low / 1e6)} to ${dollars(interval.high / 1e6)}`;
  const sure =
    interval.low > 0 || interval.high < 0
      ? `and zero is not in it`
      : `in which zero lies: no profit can be claimed`;
  return `${made}; its 95 % interval over ${interval.events} events is ${range}, ${sure}.`;
}

function summaryTable(result: BacktestResult): string {
  const heads = result.worlds.map(({ world, fillModel }) => `${world} (${fillModel})`);
  const rows = summaryRows(result).map(({ label, meaning, cells }) => [
    escape(label.trim()),
    ...cells.map(escape),
    escape(meaning),
  ]);
  return table("Figures of each world", ["", ...heads, "meaning"], rows);
}

/** Markets shown; markets.csv has all. */
const MARKETS_SHOWN = 40;

function marketTable(result: BacktestResult): string {
  const world = mainWorld(result);
  const all = result.sessions.flatMap(({ worlds }) =>
    worlds.filter((each) => each.world === world).flatMap(({ markets }) => markets),
  );
  const traded = all.filter(({ fills }) => fills > 0).sort((a, b) => b.profit - a.profit);
  const money = (microUsd: number): string => dollars(microUsd / 1e6);
  const rows = traded
    .slice(0, MARKETS_SHOWN)
    .map((market) => [
      escape(market.ticker),
      grouped(market.fills),
      contracts(market.lots),
      money(market.profit),
      money(market.spread),
      money(market.adverse),
      money(market.settlement),
      money(market.fees),
      String(market.heldLots / 100),
      market.isSettled ? `${market.endCc / 100}\u00a2` : "open",
    ]);
  if (rows.length === 0) return "<p>Nothing was traded.</p>";
  const more = traded.length - rows.length;
  return table(
    `Markets, ${world}${more > 0 ? `; the first ${rows.length}, and ${more} more in markets.csv` : ""}`,
    [
      "market",
      "fills",
      "contracts",
      "profit",
      "spread",
      "adverse selection",
      "settlement",
      "fees",
      "held to the end",
      "settled at",
    ],
    rows,
  );
}

function calibrationTable(result: BacktestResult): string {
  const world = mainWorld(result);
  const calibration = result.worlds.find((each) => each.world === world)?.calibration;
  if (calibration === undefined || calibration.brier === null) return "";
  const cents = (price: number): string => `${(100 * price).toFixed(1)}\u00a2`;
  const rows = calibration.buckets.map((bucket) => [
    `${Math.round(100 * bucket.from)} to ${Math.round(100 * bucket.to)}\u00a2`,
    contracts(bucket.contracts * 100),
    cents(bucket.price),
    cents(bucket.outcome),
  ]);
  return table(
    `Prices held to settlement, ${world}: Brier score ${calibration.brier.toFixed(3)} over ` +
      `${calibration.markets} markets`,
    ["YES price paid", "contracts", "mean price", "mean outcome"],
    rows,
  );
}

function queueWords({ consistentShare, withoutQueues }: SessionResult["queues"]): string {
  const without = withoutQueues === 0 ? "" : `, not used in ${withoutQueues}`;
  return `${percent(consistentShare)}${without}`;
}

function sessionTable({ sessions }: BacktestResult): string {
  const rows = sessions.map((session) => [
    `<code>${escape(session.sessionId)}</code>`,
    String(session.tickers.length),
    grouped(session.events),
    queueWords(session.queues),
    moment(session.startUs),
    moment(Math.max(session.startUs, session.endUs)),
    session.isComplete ? "yes" : "no",
    ...session.worlds.map(({ profit }) => dollars(profit / 1e6)),
  ]);
  const worlds = sessions[0]?.worlds.map(({ world }) => `profit, ${world}`) ?? [];
  return table(
    "Sessions",
    [
      "session",
      "markets",
      "events",
      "trades that fit the queues",
      "start",
      "end",
      "complete",
      ...worlds,
    ],
    rows,
  );
}
