/**
 * Pictures as SVG text: Observable Plot draws panels into a linkedom document, and `picture` sets
 * them under one another with a heading and a legend, so that a picture can be read by itself.
 * Nothing is measured: there is no layout engine here, and text widths are estimates.
 */
import type * as PlotModule from "@observablehq/plot";
import { clock, escape } from "./formats.ts";
import { paint } from "./palette.ts";

export type Plot = typeof PlotModule;

export interface Charts {
  readonly plot: Plot;
  /** The document that elements are made in; the project has no DOM types, nor needs them. */
  readonly document: object;
}

/** Loads the libraries, which are heavy and needed by nothing else. */
export async function loadCharts(): Promise<Charts> {
  const [plot, { parseHTML }] = await Promise.all([
    import("@observablehq/plot"),
    import("linkedom"),
  ]);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return { plot, document };
}

export const WIDTH = 900;
const FONT = "DejaVu Sans, Verdana, sans-serif";
/** Of one character at 12 px, on average; for the legend's places. */
const CHARACTER_WIDTH = 6.7;

/** Options that all panels share. */
export function common({ document }: Charts): {
  readonly document: object;
  readonly width: number;
  readonly marginLeft: number;
  readonly marginRight: number;
  readonly marginTop: number;
  readonly color: { readonly type: "identity" };
} {
  const color = { type: "identity" } as const;
  return { document, width: WIDTH, marginLeft: 64, marginRight: 24, marginTop: 26, color };
}

export interface Panel {
  readonly height: number;
  /** What `Plot.plot` gave. */
  readonly plotted: unknown;
}

/** An entry of a legend: `mark` draws within 16 x 12 pixels. */
export interface LegendEntry {
  readonly mark: string;
  readonly label: string;
}

export interface PictureText {
  readonly heading: string;
  /** For those who cannot see the picture. */
  readonly description: string;
  readonly legend?: readonly LegendEntry[];
}

/** Panels under one another, with a heading, as one SVG element. */
export function picture(text: PictureText, panels: readonly Panel[]): string {
  const { heading, description, legend = [] } = text;
  const parts = [
    `<text x="8" y="20" text-anchor="start" font-size="14" font-weight="bold">` +
      `${escape(heading)}</text>`,
  ];
  let y = 30;
  if (legend.length > 0) {
    parts.push(`<g transform="translate(8,${y})" text-anchor="start">${row(legend)}</g>`);
    y += 22;
  }
  for (const { height, plotted } of panels) {
    parts.push(`<g transform="translate(0,${y})">${contentOf(plotted)}</g>`);
    y += height;
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" ` +
    `height="${y}" font-family="${FONT}" font-size="12" fill="currentColor" ` +
    `text-anchor="middle" role="img" aria-label="${escape(description)}">` +
    `<title>${escape(description)}</title>${parts.join("")}</svg>`
  );
}

/** Panels of equal width beside one another, as one. */
export function sideBySide(panels: readonly Panel[]): Panel {
  const parts = panels.map(({ plotted }, index) => {
    const x = (index * WIDTH) / panels.length;
    return `<g transform="translate(${x},0)">${contentOf(plotted)}</g>`;
  });
  return {
    height: Math.max(...panels.map(({ height }) => height)),
    plotted: { innerHTML: parts.join("") },
  };
}

function row(legend: readonly LegendEntry[]): string {
  let x = 0;
  const entries = legend.map(({ mark, label }) => {
    const entry =
      `<g transform="translate(${x.toFixed(0)},0)">${mark}` +
      `<text x="21" y="10.5" fill="${paint("soft")}">${escape(label)}</text></g>`;
    x += 21 + label.length * CHARACTER_WIDTH + 16;
    return entry;
  });
  return entries.join("");
}

/** Plot's element without its own style sheet, which is for an element that stands by itself. */
function contentOf(plotted: unknown): string {
  const { innerHTML } = plotted as { readonly innerHTML: string };
  return innerHTML.replace(/<style>[^]*?<\/style>/, "");
}

/** Steps between ticks of a time axis, in seconds. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200];

/** A time axis from 0 to `end` seconds, with at most eleven ticks where a day or less is shown. */
export interface TimeAxis {
  readonly end: number;
  readonly ticks: readonly number[];
}

export function timeAxis(end: number): TimeAxis {
  const step = TIME_STEPS.find((seconds) => end / seconds <= 10) ?? 86_400;
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step);
  return { end: Math.max(end, 1), ticks };
}

/** The x scale of a panel over time; only the lowest panel of a picture bears its label. */
export function timeScale(
  { end, ticks }: TimeAxis,
  isLowest: boolean,
): Readonly<Record<string, unknown>> {
  const domain = [0, end];
  if (!isLowest) return { domain, axis: null };
  const form = end < 3600 ? "minutes:seconds" : "hours:minutes:seconds";
  const label = `time since the episode's start (${form})`;
  return {
    domain,
    ticks,
    tickFormat: (seconds: number) => clock(seconds, end >= 3600),
    label,
    labelOffset: 38,
    labelAnchor: "center",
  };
}

/**
 * Points at which a value changes, and the last one: all that a line of steps needs. `same` tells
 * whether two points have equal values.
 */
export function changes<Point>(
  points: readonly Point[],
  same: (a: Point, b: Point) => boolean,
): Point[] {
  return points.filter((point, index) => {
    const before = points[index - 1];
    return before === undefined || index === points.length - 1 || !same(before, point);
  });
}
