/**
 * The picture of a sweep: one panel per searched setting, its values against the score, so that one
 * sees which settings matter and where the good values lie. A dot is a run, a short bar the mean of
 * a setting's seeds; the fuller the tone, the further halving let it come. The best stands out in
 * every panel.
 */
import {
  type Charts,
  common,
  type LegendEntry,
  type Panel,
  picture,
  WIDTH,
} from "../report/drawing.ts";
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

const NOTHING_SEARCHED: readonly [string, Range] = ["base", { choice: ["as it is"] }];
const PANEL_HEIGHT = 210;
const LABEL_ROOM = 44;
/** Of an axis's step from one whole number to the next, for those that share one. */
const SHARED_WIDTH = 0.6;
const TICKS_MAX = 10;
/** Of a character of the axis, in pixels. */
const LETTER_WIDTH = 6.7;
/** Rungs that the legend has room for; further tones lie between them and the full one. */
const LEGEND_RUNGS_MAX = 4;

export function sweepPicture(charts: Charts, shown: SweepShown): string {
  const searched = Object.entries(shown.sweep.search);
  // Seeds alone still make a picture: one place with all runs.
  const keys = searched.length > 0 ? searched : [NOTHING_SEARCHED];
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
  const best = bestOf(shown);
  const places = placesOf(shown, key, range);
  const mark = (setting: number, score: number, rungs: number): Mark => ({
    x: places.get(setting) ?? 0,
    score,
    tone: toneOf(rungs, shown.rungs),
    colour: paint(setting === best ? "ask" : "agent"),
  });
  // From the worst to the best, so that nothing is drawn over what one looks for.
  const worstFirst = [...shown.summaries].reverse();
  const dots = worstFirst.flatMap(({ setting }) =>
    shown.runs.flatMap(({ setting: of, result }) => {
      const last = result.rungs.at(-1)?.score ?? null;
      if (of !== setting || last === null || result.error !== null) return [];
      return [mark(setting, last, result.rungs.length)];
    }),
  );
  const means = worstFirst.flatMap(({ setting, score, rungs }) =>
    score === null ? [] : [mark(setting, score, rungs)],
  );
  const height = PANEL_HEIGHT + LABEL_ROOM;
  const plotted = Plot.plot({
    ...common(charts),
    height,
    marginBottom: LABEL_ROOM,
    x: { label: key, labelOffset: 36, labelAnchor: "center", inset: 10, ...xScale(range) },
    y: { label: shown.scoreName, grid: true, nice: true, ticks: 5 },
    symbol: { type: "identity" },
    opacity: { type: "identity" },
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
  });
  return { height, plotted };
}

/** The number of the best setting; -1 where none has a score. */
function bestOf({ summaries }: SweepShown): number {
  const [first] = summaries;
  return first === undefined || first.score === null ? -1 : first.setting;
}

/**
 * Where each setting stands on the axis: at its value, or at the number of its choice. Settings that
 * share a whole number or a choice stand beside one another, in their order.
 */
function placesOf({ summaries }: SweepShown, key: string, range: Range): Map<number, number> {
  const { choice, integer } = range;
  const texts = choice?.map((value) => JSON.stringify(value));
  const values = summaries
    .map(({ setting, values }) => ({
      setting,
      value:
        texts === undefined ? Number(values[key]) : Math.max(0, texts.indexOf(jsonOf(values[key]))),
    }))
    .sort((a, b) => a.setting - b.setting);
  if (choice === undefined && integer === undefined) {
    return new Map(values.map(({ setting, value }) => [setting, value]));
  }
  return new Map(
    values.map(({ setting, value }) => {
      const sharing = values.filter((other) => other.value === value);
      const nth = sharing.findIndex((other) => other.setting === setting);
      return [setting, value + SHARED_WIDTH * ((nth + 0.5) / sharing.length - 0.5)];
    }),
  );
}

/** Also of what is not there, which no choice equals. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value) ?? "";
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

function xScale({
  choice,
  logUniform,
  uniform,
  integer,
}: Range): Readonly<Record<string, unknown>> {
  if (logUniform !== undefined) {
    return { type: "log", domain: logUniform, ticks: 6, tickFormat: "~g" };
  }
  if (uniform !== undefined) return { domain: uniform };
  const [low, high] = integer ?? [0, (choice?.length ?? 1) - 1];
  const domain = [low - 0.5, high + 0.5];
  if (choice === undefined) return { domain, ticks: Math.min(TICKS_MAX, high - low + 1) };
  const length = Math.floor(WIDTH / choice.length / LETTER_WIDTH) - 2;
  const label = (index: number): string => {
    const text = String(cell(choice[index]));
    return text.length <= length ? text : `${text.slice(0, Math.max(1, length - 1))}\u2026`;
  };
  return { domain, ticks: choice.map((_, index) => index), tickFormat: label };
}

function legendOf(shown: SweepShown): LegendEntry[] {
  const { rungs } = shown;
  const run = (colour: "agent" | "ask", tone: number): string =>
    `<circle cx="8" cy="6" r="3" fill="${paint(colour)}" fill-opacity="${tone}"/>`;
  const bar = (colour: "agent" | "ask"): string =>
    `<path d="M1 6h14" stroke="${paint(colour)}" stroke-width="2.5"/>`;
  const given = Array.from({ length: Math.max(0, rungs - 1) }, (_, rung) => ({
    mark: run("agent", toneOf(rung + 1, rungs)),
    label: `rung ${rung + 1}`,
  }));
  const best = bestOf(shown);
  return [
    ...given.slice(0, LEGEND_RUNGS_MAX),
    { mark: run("agent", 1), label: rungs > 1 ? "a run in full" : "a run" },
    { mark: bar("agent"), label: "mean of the seeds" },
    ...(best < 0 ? [] : [{ mark: run("ask", 1) + bar("ask"), label: `best: setting ${best}` }]),
  ];
}
