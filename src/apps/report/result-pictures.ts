/**
 * Pictures of a run: how it learnt, what its policy earns beside others, and what each policy's
 * portfolio was worth over one and the same episode.
 */
import type { IterationReport } from "../../learn/index.ts";
import {
  changes,
  type Charts,
  common,
  type Panel,
  picture,
  timeAxis,
  timeScale,
} from "./drawing.ts";
import { dollars, grouped } from "./formats.ts";
import { paint, policyPaint } from "./palette.ts";
import type { ReportInput } from "./report-input.ts";
import { describeFillModel } from "./report-text.ts";

/** Rollouts that the learning curve's line averages over. */
const SMOOTHED_ROLLOUTS = 8;

/**
 * Mean return of the episodes that ended in each rollout against environment steps, where any
 * ended, and the policy's entropy under it.
 */
export function learningPicture(charts: Charts, learning: readonly IterationReport[]): string {
  const { plot: Plot } = charts;
  const ended = learning.filter(({ meanReturn }) => Number.isFinite(meanReturn));
  const steps = Math.max(...learning.map((report) => report.steps));
  const x = (isLowest: boolean): object =>
    isLowest
      ? {
          domain: [0, steps],
          label: "environment steps",
          labelOffset: 38,
          tickFormat: grouped,
          labelAnchor: "center",
        }
      : { domain: [0, steps], axis: null };
  const returns = Plot.plot({
    ...common(charts),
    height: 230,
    marginBottom: 8,
    x: x(false),
    y: { label: "return of an episode ($)", grid: true, nice: true },
    marks: [
      Plot.ruleY([0], { strokeOpacity: 0.4 }),
      Plot.dot(ended, { x: "steps", y: "meanReturn", fill: paint("hold"), r: 2.2 }),
      Plot.line(smoothed(ended), { x: "steps", y: "mean", stroke: paint("agent"), strokeWidth: 2 }),
    ],
  });
  const entropy = Plot.plot({
    ...common(charts),
    height: 150,
    marginBottom: 44,
    x: x(true),
    y: { label: "entropy of the policy (nats)", grid: true, zero: true, nice: true, ticks: 4 },
    marks: [
      Plot.line(learning, { x: "steps", y: "entropy", stroke: paint("ask"), strokeWidth: 2 }),
    ],
  });
  const panels: Panel[] = ended.length === 0 ? [] : [{ height: 230, plotted: returns }];
  return picture(
    {
      heading: "Learning curve",
      description: "Learning curve: return of an episode and entropy of the policy over training",
      ...(ended.length === 0
        ? {}
        : {
            legend: [
              {
                mark: `<circle cx="8" cy="6" r="2.5" fill="${paint("hold")}"/>`,
                label: "mean of the episodes that ended in one rollout",
              },
              {
                mark: `<path d="M0 6h16" stroke="${paint("agent")}" stroke-width="2"/>`,
                label: `mean of the last ${SMOOTHED_ROLLOUTS} rollouts with any`,
              },
            ],
          }),
    },
    [...panels, { height: 150, plotted: entropy }],
  );
}

function smoothed(ended: readonly IterationReport[]): { steps: number; mean: number }[] {
  return ended.map(({ steps }, index) => {
    const last = ended.slice(Math.max(0, index + 1 - SMOOTHED_ROLLOUTS), index + 1);
    const episodes = last.reduce((sum, report) => sum + report.episodes, 0);
    const total = last.reduce((sum, report) => sum + report.meanReturn * report.episodes, 0);
    return { steps, mean: total / episodes };
  });
}

/** Mean profit per episode with its interval, by policy, one panel per fill model. */
export function resultPicture(charts: Charts, evaluations: ReportInput["evaluations"]): string {
  const { plot: Plot } = charts;
  const bounds = evaluations.flatMap(({ results }) =>
    [...results.values()].flatMap(({ low, high }) => [low, high]),
  );
  const [least, greatest] = [Math.min(0, ...bounds), Math.max(0, ...bounds)];
  const pad = greatest > least ? 0.04 * (greatest - least) : 1;
  const domain = [least - pad, greatest + pad];
  const panels = evaluations.map(({ fillModel, results }, index): Panel => {
    const isLowest = index === evaluations.length - 1;
    const rows = [...results].map(([policy, { mean, low, high }]) => {
      const text = `${dollars(mean)}   (${dollars(low)} to ${dollars(high)})`;
      return { policy, low, high, mean, text, colour: policyPaint(policy) };
    });
    const height = 34 + 30 * rows.length + (isLowest ? 46 : 6);
    const plotted = Plot.plot({
      ...common(charts),
      marginRight: 210,
      marginTop: 34,
      marginBottom: isLowest ? 46 : 6,
      height,
      x: isLowest
        ? {
            domain,
            label: "profit per episode after fees ($)",
            labelOffset: 38,
            labelAnchor: "center",
            ticks: 8,
          }
        : { domain, axis: null },
      y: { label: null, domain: rows.map(({ policy }) => policy), tickSize: 0 },
      marks: [
        Plot.gridX({ ticks: 8 }),
        Plot.ruleX([0], { strokeOpacity: 0.5 }),
        Plot.ruleY(rows, {
          x1: "low",
          x2: "high",
          y: "policy",
          stroke: "colour",
          strokeWidth: 3,
          strokeLinecap: "round",
        }),
        Plot.dot(rows, { x: "mean", y: "policy", r: 5, fill: "colour" }),
        Plot.text(rows, {
          y: "policy",
          text: "text",
          frameAnchor: "right",
          textAnchor: "start",
          dx: 12,
          fill: "colour",
        }),
        Plot.text([`fill model ${describeFillModel(fillModel)}`], {
          frameAnchor: "top-left",
          textAnchor: "start",
          dy: -20,
          fontWeight: "bold",
          fill: paint("soft"),
        }),
      ],
    });
    return { height, plotted };
  });
  return picture(
    {
      heading: "Profit per episode: mean and 95 % interval",
      description: "Mean profit per episode of every policy with its interval, by fill model",
    },
    panels,
  );
}

/** Height of the equity panel's frame and of a line of its labels, in pixels. */
const EQUITY_FRAME = 230;
const LABEL_HEIGHT = 15;

/** Portfolio value of every policy over one and the same episode. */
export function equityPicture(charts: Charts, equity: ReportInput["equity"]): string {
  const { plot: Plot } = charts;
  const startUs = Math.min(...[...equity.values()].map((points) => points[0]?.[0] ?? Infinity));
  // The agent last, so that nothing is drawn over it.
  const rows = [...equity].reverse().flatMap(([policy, points]) =>
    changes(points, (a, b) => a[1] === b[1]).map(([atUs, value]) => ({
      policy,
      seconds: (atUs - startUs) / 1e6,
      value,
      colour: policyPaint(policy),
    })),
  );
  let [least, greatest, end] = [Infinity, -Infinity, 0];
  for (const { value, seconds } of rows) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
    end = Math.max(end, seconds);
  }
  const pad = greatest > least ? 0.05 * (greatest - least) : 1;
  const domain: readonly [number, number] = [least - pad, greatest + pad];
  const axis = timeAxis(end);
  const height = EQUITY_FRAME + 26 + 44;
  const plotted = Plot.plot({
    ...common(charts),
    height,
    marginRight: 130,
    marginBottom: 44,
    x: timeScale(axis, true),
    y: { label: "portfolio value ($)", grid: true, domain },
    marks: [
      Plot.line(rows, {
        x: "seconds",
        y: "value",
        z: "policy",
        curve: "step-after",
        stroke: "colour",
        strokeWidth: 1.8,
      }),
      Plot.text(endLabels(equity, domain), {
        y: "value",
        text: "text",
        frameAnchor: "right",
        textAnchor: "start",
        dx: 10,
        fill: "colour",
      }),
    ],
  });
  return picture(
    {
      heading: "The same episode played by every policy",
      description: "Portfolio value of agent and baselines over the same episode",
    },
    [{ height, plotted }],
  );
}

interface EndLabel {
  readonly text: string;
  readonly colour: string;
  /** Where it stands, in dollars. */
  readonly value: number;
}

/** Names and final values at the lines' ends, pushed apart where they would overlap. */
function endLabels(
  equity: ReportInput["equity"],
  [least, greatest]: readonly [number, number],
): EndLabel[] {
  const gap = ((greatest - least) * LABEL_HEIGHT) / EQUITY_FRAME;
  const ends = [...equity].flatMap(([policy, points]) => {
    const value = points.at(-1)?.[1];
    return value === undefined ? [] : [{ policy, value }];
  });
  ends.sort((a, b) => a.value - b.value || (a.policy < b.policy ? -1 : 1));
  let lowest = -Infinity;
  const labels = ends.map(({ policy, value }) => {
    lowest = Math.max(value, lowest + gap);
    return { text: `${policy} ${dollars(value)}`, colour: policyPaint(policy), value: lowest };
  });
  // Those that were pushed beyond the frame come back down, the ones under them with them.
  let highest = greatest;
  return labels.reverse().map((label) => {
    const value = Math.min(label.value, highest);
    highest = value - gap;
    return { ...label, value };
  });
}
