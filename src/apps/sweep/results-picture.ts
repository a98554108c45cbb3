/**
 * The picture of a sweep: one panel per searched setting, its values against the score, so that one
 * sees which settings matter and where the good values lie. A dot is a run, a short bar the mean of
 * a setting's seeds; the fuller the tone, the further halving let it come. The best stands out in
 * every panel.
 */
import { type Charts, common, type LegendEntry, type Panel, picture } from "../report/drawing.ts";
import { paint } from "../report/palette.ts";
import { cell, type Summary } from "./results.ts";
import type { SweepOutcome } from "./run-sweep.ts";
import type { Range, Sweep } from "./sweep-file.ts";

export interface SweepShown extends SweepOutcome {
  readonly sweep: Sweep;
  /** Settings, the best first. */
  readonly summaries: readonly Summary[];
  /** What the score is, with its unit. */
  readonly scoreName: string;
}

const PANEL_HEIGHT = 210;
const LABEL_ROOM = 44;

export function sweepPicture(charts: Charts, shown: SweepShown): string {
  const keys = Object.entries(shown.sweep.search);
  const panels = keys.map(([key, range]) => panelOf(charts, shown, key, range));
  const failed = shown.runs.filter(({ result }) => result.error !== null).length;
  const count = `${shown.runs.length} runs${failed > 0 ? `, ${failed} failed and not shown` : ""}`;
  return picture(
    {
      heading: `${shown.scoreName} by searched setting (${count})`,
      description: `Score of every run of a sweep against ${keys.map(([key]) => key).join(", ")}`,
      legend: legendOf(shown),
    },
    panels,
  );
}

interface Mark {
  readonly x: number | string;
  readonly score: number;
  /** Opacity: 1 for the last rung. */
  readonly tone: number;
  readonly colour: string;
}

/** One searched setting's values against the scores of runs and the means of settings. */
function panelOf(charts: Charts, shown: SweepShown, key: string, range: Range): Panel {
  const { plot: Plot } = charts;
  const [first] = shown.summaries;
  const best = first === undefined || first.score === null ? -1 : first.setting;
  const mark = (setting: number, value: unknown, score: number, rungs: number): Mark => ({
    x: range.choice === undefined ? Number(value) : String(cell(value)),
    score,
    tone: toneOf(rungs, shown.rungs),
    colour: paint(setting === best ? "ask" : "agent"),
  });
  // From the worst to the best, so that nothing is drawn over what one looks for.
  const order = shown.summaries.map(({ setting }) => setting).reverse();
  const dots = order.flatMap((setting) =>
    shown.runs.flatMap(({ setting: of, values, result }) => {
      const last = result.rungs.at(-1)?.score ?? null;
      if (of !== setting || last === null || result.error !== null) return [];
      return [mark(setting, values[key], last, result.rungs.length)];
    }),
  );
  const means = [...shown.summaries].reverse().flatMap(({ setting, values, score, rungs }) => {
    return score === null ? [] : [mark(setting, values[key], score, rungs)];
  });
  const height = PANEL_HEIGHT + LABEL_ROOM;
  const plotted = Plot.plot({
    ...common(charts),
    height,
    marginBottom: LABEL_ROOM,
    x: xScale(key, range),
    y: { label: shown.scoreName, grid: true, nice: true, ticks: 5 },
    symbol: { type: "identity" },
    marks: [
      Plot.dot(dots, { x: "x", y: "score", r: 2.5, fill: "colour", fillOpacity: "tone" }),
      Plot.dot(means, {
        x: "x",
        y: "score",
        symbol: MEAN,
        r: 7,
        stroke: "colour",
        strokeOpacity: "tone",
        strokeWidth: 2.5,
      }),
    ],
    opacity: { type: "identity" },
  });
  return { height, plotted };
}

/** A short level bar, as a symbol: it keeps its length on any scale. */
const MEAN = {
  draw(
    context: { moveTo(x: number, y: number): void; lineTo(x: number, y: number): void },
    size: number,
  ): void {
    const half = Math.sqrt(size / Math.PI);
    context.moveTo(-half, 0);
    context.lineTo(half, 0);
  },
};

function toneOf(reached: number, rungs: number): number {
  return rungs <= 1 ? 1 : 0.25 + (0.75 * (reached - 1)) / (rungs - 1);
}

function xScale(key: string, range: Range): Readonly<Record<string, unknown>> {
  const common = { label: key, labelOffset: 36, labelAnchor: "center" };
  const { choice, logUniform, uniform, integer } = range;
  if (choice !== undefined) {
    const domain = choice.map((value) => String(cell(value)));
    return { ...common, type: "point", domain, padding: 0.5 };
  }
  if (logUniform !== undefined) return { ...common, type: "log", domain: logUniform, ticks: 6 };
  const whole = integer === undefined ? {} : { ticks: Math.min(10, integer[1] - integer[0] + 1) };
  return { ...common, ...whole, domain: uniform ?? integer };
}

function legendOf({ rungs, summaries }: SweepShown): LegendEntry[] {
  const run = (colour: "agent" | "ask", tone: number): string =>
    `<circle cx="8" cy="6" r="3" fill="${paint(colour)}" fill-opacity="${tone}"/>`;
  const tones = Array.from({ length: rungs > 1 ? rungs : 0 }, (_, rung) => ({
    mark: run("agent", toneOf(rung + 1, rungs)),
    label: rung + 1 === rungs ? "trained in full" : `left at rung ${rung + 1}`,
  }));
  const seeds = { mark: run("agent", 1), label: "one run" };
  const best = summaries[0]?.setting ?? 0;
  return [
    ...(rungs > 1 ? tones : [seeds]),
    {
      mark: `<path d="M1 6h14" stroke="${paint("agent")}" stroke-width="2.5"/>`,
      label: "mean of a setting's seeds",
    },
    {
      mark: `${run("ask", 1)}<path d="M1 6h14" stroke="${paint("ask")}" stroke-width="2.5"/>`,
      label: `the best setting (number ${best})`,
    },
  ];
}
