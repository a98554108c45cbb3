/**
 * The report's pictures, as SVG text: Observable Plot drawing into a linkedom document. Colours are
 * those of Okabe and Ito, which stay apart for colour-blind readers and on dark ground.
 */
import type * as PlotModule from "@observablehq/plot";
import { EventKind, BookSide, streamRows } from "../../market/index.ts";
import type { EpisodeJournal } from "../../journal/index.ts";
import type { IterationReport } from "../../learn/index.ts";
import type { MarketData } from "../../sim/index.ts";
import { ordersOf } from "./order-spans.ts";
import type { ReportInput } from "./report-input.ts";

export type Plot = typeof PlotModule;

export const COLOURS: Readonly<Record<string, string>> = {
  agent: "#0072b2",
  hold: "#7f7f7f",
  random: "#e69f00",
  join: "#009e73",
};
const BID = "#0072b2";
const ASK = "#d55e00";
const WIDTH = 900;

export interface Charts {
  readonly plot: Plot;
  /** The document that elements are made in; the project has no DOM types, nor needs them. */
  readonly document: object;
}

/** What is needed of a picture that Plot has made. */
interface Figure {
  setAttribute(name: string, value: string): void;
  readonly outerHTML: string;
}

interface Common {
  readonly document: object;
  readonly width: number;
  readonly style: Readonly<Record<string, string>>;
  readonly marginLeft: number;
  readonly marginBottom: number;
}

function common({ document }: Charts): Common {
  const style = {
    fontFamily: "DejaVu Sans, Verdana, sans-serif",
    fontSize: "12px",
    background: "transparent",
  };
  return { document, width: WIDTH, style, marginLeft: 60, marginBottom: 46 };
}

/** Mean return of the episodes that ended in each rollout, against environment steps. */
export function learningCurve(charts: Charts, learning: readonly IterationReport[]): string {
  const { plot: Plot } = charts;
  const ended = learning.filter(({ meanReturn }) => !Number.isNaN(meanReturn));
  return svg(
    Plot.plot({
      ...common(charts),
      height: 260,
      x: { label: "environment steps", tickFormat: "s", labelOffset: 40 },
      y: { label: "mean return of an episode ($)", grid: true },
      marks: [
        Plot.ruleY([0], { strokeOpacity: 0.4 }),
        Plot.line(ended, { x: "steps", y: "meanReturn", stroke: BID, strokeWidth: 2 }),
        Plot.dot(ended, { x: "steps", y: "meanReturn", fill: BID, r: 2.5 }),
      ],
    }),
    "Learning curve: mean return of the episodes that ended in each rollout",
  );
}

/** How far the policy is from one action only. */
export function entropyCurve(charts: Charts, learning: readonly IterationReport[]): string {
  const { plot: Plot } = charts;
  return svg(
    Plot.plot({
      ...common(charts),
      height: 160,
      x: { label: "environment steps", tickFormat: "s", labelOffset: 40 },
      y: { label: "entropy of the policy (nats)", grid: true, zero: true },
      marks: [Plot.line(learning, { x: "steps", y: "entropy", stroke: ASK, strokeWidth: 2 })],
    }),
    "Entropy of the policy over training",
  );
}

/** Mean profit per episode with its interval, by policy, one panel per fill model. */
export function resultChart(charts: Charts, evaluations: ReportInput["evaluations"]): string {
  const { plot: Plot } = charts;
  const rows = evaluations.flatMap(({ fillModel, results }) =>
    [...results].map(([policy, { mean, low, high }]) => ({ fillModel, policy, mean, low, high })),
  );
  return svg(
    Plot.plot({
      ...common(charts),
      height: 120 + 130 * evaluations.length,
      marginRight: 100,
      x: {
        label: "profit per episode after fees ($), mean and 95 % interval",
        grid: true,
        labelOffset: 40,
      },
      y: { label: null, domain: [...new Set(rows.map(({ policy }) => policy))] },
      fy: { label: "fill model", domain: evaluations.map(({ fillModel }) => fillModel) },
      marks: [
        Plot.ruleX([0], { strokeOpacity: 0.5 }),
        Plot.ruleY(rows, {
          x1: "low",
          x2: "high",
          y: "policy",
          fy: "fillModel",
          stroke: ({ policy }: { policy: string }) => COLOURS[policy] ?? "currentColor",
          strokeWidth: 3,
        }),
        Plot.dot(rows, {
          x: "mean",
          y: "policy",
          fy: "fillModel",
          r: 5,
          fill: ({ policy }: { policy: string }) => COLOURS[policy] ?? "currentColor",
        }),
      ],
    }),
    "Mean profit per episode of every policy with its interval",
  );
}

/** Portfolio value of every policy over one and the same episode. */
export function equityChart(charts: Charts, equity: ReportInput["equity"]): string {
  const { plot: Plot } = charts;
  const startUs = Math.min(...[...equity.values()].map((points) => points[0]?.[0] ?? Infinity));
  const rows = [...equity].flatMap(([policy, points]) =>
    points.map(([atUs, value]) => ({ policy, minutes: (atUs - startUs) / 60e6, value })),
  );
  return svg(
    Plot.plot({
      ...common(charts),
      height: 280,
      marginRight: 60,
      x: { label: "minutes into the episode", labelOffset: 40 },
      y: { label: "portfolio value ($)", grid: true, nice: true },
      marks: [
        Plot.line(rows, {
          x: "minutes",
          y: "value",
          z: "policy",
          stroke: ({ policy }: { policy: string }) => COLOURS[policy] ?? "currentColor",
          strokeWidth: 1.8,
        }),
        Plot.text(
          rows,
          Plot.selectLast({
            x: "minutes",
            y: "value",
            z: "policy",
            text: "policy",
            textAnchor: "start",
            dx: 6,
            fill: ({ policy }: { policy: string }) => COLOURS[policy] ?? "currentColor",
          }),
        ),
      ],
    }),
    "Portfolio value of agent and baselines over the same episode",
  );
}

/** The market of an episode and what the agent did in it. */
export function episodeChart(charts: Charts, journal: EpisodeJournal, data: MarketData): string {
  const { plot: Plot } = charts;
  const { steps } = journal;
  const startUs = steps[0]?.atUs ?? 0;
  const endUs = steps.at(-1)?.atUs ?? startUs;
  const minutes = (atUs: number): number => (atUs - startUs) / 60e6;
  const quotes = steps
    .filter(({ bid, ask }) => bid > 0 && ask < 10_000)
    .map(({ atUs, bid, ask }) => ({ minutes: minutes(atUs), bid: bid / 100, ask: ask / 100 }));
  const orders = ordersOf(journal).map((span) => ({
    from: minutes(span.fromUs),
    to: minutes(span.toUs),
    price: span.price / 100,
    colour: span.isBid ? BID : ASK,
  }));
  const fills = steps.flatMap(({ events }) =>
    events.flatMap((event) => {
      if (event.kind !== "filled") return [];
      const isBid = isBidOrder(journal, event.clientOrderId);
      return [
        {
          minutes: minutes(event.atUs),
          price: event.price / 100,
          colour: isBid ? BID : ASK,
          isBid,
        },
      ];
    }),
  );
  const trades = tradesBetween(data, startUs, endUs).map((trade) => ({
    minutes: minutes(trade.atUs),
    price: trade.price / 100,
    size: Math.sqrt(trade.size),
  }));
  const fillMarks = (some: typeof fills, symbol: string | object): PlotModule.Markish =>
    Plot.dot(some, {
      x: "minutes",
      y: "price",
      r: 5,
      symbol: symbol as PlotModule.SymbolType,
      fill: "colour",
      stroke: "white",
      strokeWidth: 0.7,
    });
  return svg(
    Plot.plot({
      ...common(charts),
      height: 380,
      x: { label: "minutes into the episode", labelOffset: 40 },
      y: { label: "YES price (cents)", grid: true, nice: true },
      r: { range: [0.5, 7] },
      marks: [
        Plot.areaY(quotes, {
          x: "minutes",
          y1: "bid",
          y2: "ask",
          curve: "step-after",
          fill: "currentColor",
          fillOpacity: 0.18,
        }),
        Plot.line(quotes, {
          x: "minutes",
          y: "bid",
          curve: "step-after",
          stroke: "currentColor",
          strokeOpacity: 0.45,
          strokeWidth: 0.8,
        }),
        Plot.line(quotes, {
          x: "minutes",
          y: "ask",
          curve: "step-after",
          stroke: "currentColor",
          strokeOpacity: 0.45,
          strokeWidth: 0.8,
        }),
        Plot.dot(trades, {
          x: "minutes",
          y: "price",
          r: "size",
          fill: "currentColor",
          fillOpacity: 0.25,
        }),
        Plot.ruleY(orders, { x1: "from", x2: "to", y: "price", stroke: "colour", strokeWidth: 2 }),
        fillMarks(
          fills.filter(({ isBid }) => isBid),
          "triangle",
        ),
        fillMarks(
          fills.filter(({ isBid }) => !isBid),
          TRIANGLE_DOWN,
        ),
      ],
      color: { type: "identity" },
    }),
    "Best bid and ask, trades, own orders and fills over the episode",
  );
}

/** The part of a canvas that draws a path. */
interface Path {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  closePath(): void;
}

const TRIANGLE_DOWN = {
  draw(context: Path, size: number): void {
    const half = Math.sqrt(size / 1.732);
    context.moveTo(0, half * 1.15);
    context.lineTo(half, -half * 0.58);
    context.lineTo(-half, -half * 0.58);
    context.closePath();
  },
};

/** A panel under the episode's picture: one number per decision. */
export function episodePanel(
  charts: Charts,
  journal: EpisodeJournal,
  panel: { label: string; title: string; of: (step: EpisodeJournal["steps"][number]) => number },
): string {
  const { plot: Plot } = charts;
  const startUs = journal.steps[0]?.atUs ?? 0;
  const rows = journal.steps.map((step) => ({
    minutes: (step.atUs - startUs) / 60e6,
    value: panel.of(step),
  }));
  return svg(
    Plot.plot({
      ...common(charts),
      height: 140,
      x: { label: null },
      y: { label: panel.label, grid: true, nice: true, ticks: 4 },
      marks: [Plot.line(rows, { x: "minutes", y: "value", curve: "step-after", stroke: BID })],
    }),
    panel.title,
  );
}

function isBidOrder(journal: EpisodeJournal, clientOrderId: string): boolean {
  for (const { sent } of journal.steps) {
    for (const command of sent) {
      if (command.kind === "submit" && command.request.clientOrderId === clientOrderId) {
        return command.request.side === BookSide.bid;
      }
    }
  }
  return true;
}

function tradesBetween(
  { tape, market }: MarketData,
  fromUs: number,
  toUs: number,
): { atUs: number; price: number; size: number }[] {
  const [first, end] = streamRows(tape, market);
  const trades: { atUs: number; price: number; size: number }[] = [];
  for (let row = first; row < end; row++) {
    const atUs = tape.atUs[row] as number;
    if (tape.kind[row] !== EventKind.trade || atUs < fromUs || atUs > toUs) continue;
    trades.push({ atUs, price: tape.priceCc[row] as number, size: tape.size[row] as number });
  }
  return trades;
}

/** The picture's text, with a title for those who cannot see it. */
function svg(plotted: unknown, title: string): string {
  const figure = plotted as Figure;
  figure.setAttribute("role", "img");
  figure.setAttribute("aria-label", title);
  figure.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return figure.outerHTML;
}
