/**
 * The picture of a training run as its metrics tell of it: returns above, with those on held-out
 * data where there were evaluations, and under them the figures that say whether learning is sound.
 * Long runs are drawn as means over stretches of iterations, so that the picture stays small.
 */
import {
  type Charts,
  common,
  type LegendEntry,
  type Panel,
  picture,
  sideBySide,
} from "./drawing.ts";
import { grouped } from "./formats.ts";
import { type Colour, paint } from "./palette.ts";

/** An iteration's metrics; members that are no numbers count as missing. */
export type CurveLine = Readonly<Record<string, unknown>>;

export interface CurveText {
  readonly heading: string;
  /** Unit of returns; empty for none. */
  readonly unit: string;
}

/** Points that a line has at most. */
const POINTS_MAX = 400;
/** Points that the curve of returns averages over. */
const SMOOTHED_POINTS = 8;
const RETURN_HEIGHT = 250;
const SMALL_HEIGHT = 148;
/** Room for half of the last number of steps. */
const MARGIN_RIGHT = 36;

interface SmallPanel {
  readonly name: string;
  readonly label: string;
  readonly colour: Colour;
  /** What is less is drawn here. */
  readonly least?: number;
}

const SMALL_PANELS: readonly SmallPanel[] = [
  { name: "policyLoss", label: "policy loss", colour: "agent" },
  { name: "valueLoss", label: "value loss", colour: "agent" },
  { name: "entropy", label: "entropy of the policy (nats)", colour: "join" },
  // Where returns hardly vary it falls without a bound, and would hide the rest of the run.
  { name: "explainedVariance", label: "explained variance (from −1)", colour: "join", least: -1 },
  { name: "approxKl", label: "KL of an update (nats)", colour: "random" },
  { name: "clipFraction", label: "share of clipped samples", colour: "random" },
];

export function learningCurve(
  charts: Charts,
  lines: readonly CurveLine[],
  { heading, unit }: CurveText,
): string {
  const end = Math.max(1, ...lines.map((line) => numberOf(line, "steps") ?? 0));
  const returns = returnPanel(charts, lines, end, unit);
  const small = SMALL_PANELS.map(({ name, label, colour, least = -Infinity }, index) =>
    smallPanel(charts, pointsOf(lines, name, least), {
      end,
      label,
      colour,
      isLowest: index >= SMALL_PANELS.length - 2,
    }),
  );
  return picture(
    {
      heading,
      description: `${heading}: returns, losses, entropy, explained variance and KL over training`,
      legend: legendOf(lines),
    },
    [returns, ...[0, 2, 4].map((from) => sideBySide(small.slice(from, from + 2)))],
  );
}

interface Point {
  readonly steps: number;
  readonly value: number;
}

/** A figure over the run, as means of stretches where there are too many iterations. */
function pointsOf(lines: readonly CurveLine[], name: string, least = -Infinity): Point[] {
  const points = lines.flatMap((line) => {
    const [steps, value] = [numberOf(line, "steps"), numberOf(line, name)];
    return steps === null || value === null ? [] : [{ steps, value: Math.max(least, value) }];
  });
  const stretch = Math.ceil(points.length / POINTS_MAX);
  if (stretch <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / stretch) }, (_, index) => {
    const part = points.slice(index * stretch, (index + 1) * stretch);
    return { steps: part.at(-1)?.steps ?? 0, value: meanOf(part) };
  });
}

function meanOf(points: readonly Point[]): number {
  return points.reduce((sum, { value }) => sum + value, 0) / points.length;
}

function numberOf(line: CurveLine, name: string): number | null {
  const value = line[name];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Each point the mean of the last few, itself included. */
function smoothed(points: readonly Point[]): Point[] {
  return points.map(({ steps }, index) => ({
    steps,
    value: meanOf(points.slice(Math.max(0, index + 1 - SMOOTHED_POINTS), index + 1)),
  }));
}

interface HeldOutPoint extends Point {
  readonly low: number;
  readonly high: number;
}

function heldOutOf(lines: readonly CurveLine[]): HeldOutPoint[] {
  return lines.flatMap((line) => {
    const [steps, value] = [numberOf(line, "steps"), numberOf(line, "heldOutReturn")];
    const [low, high] = [numberOf(line, "heldOutLow"), numberOf(line, "heldOutHigh")];
    if (steps === null || value === null || low === null || high === null) return [];
    return [{ steps, value, low, high }];
  });
}

function returnPanel(
  charts: Charts,
  lines: readonly CurveLine[],
  end: number,
  unit: string,
): Panel {
  const { plot: Plot } = charts;
  const points = pointsOf(lines, "meanReturn");
  const heldOut = heldOutOf(lines);
  const isEmpty = points.length + heldOut.length === 0;
  const plotted = Plot.plot({
    ...common(charts),
    marginRight: MARGIN_RIGHT,
    height: RETURN_HEIGHT,
    marginBottom: 44,
    x: stepScale(end, true),
    y: {
      label: `return of an episode${unit === "" ? "" : ` (${unit})`}`,
      grid: true,
      nice: true,
      ...(isEmpty ? { domain: [0, 1] } : {}),
    },
    marks: [
      Plot.dot(points, { x: "steps", y: "value", fill: paint("hold"), fillOpacity: 0.7, r: 2 }),
      Plot.line(smoothed(points), {
        x: "steps",
        y: "value",
        stroke: paint("agent"),
        strokeWidth: 2,
      }),
      Plot.ruleX(heldOut, { x: "steps", y1: "low", y2: "high", ...HELD_OUT_RULE }),
      Plot.line(heldOut, { x: "steps", y: "value", stroke: paint("ask"), strokeWidth: 1.5 }),
      Plot.dot(heldOut, { x: "steps", y: "value", fill: paint("ask"), r: 3.2 }),
      ...(isEmpty ? [Plot.text(["no episode ended"], { frameAnchor: "middle" })] : []),
    ],
  });
  return { height: RETURN_HEIGHT, plotted };
}

const HELD_OUT_RULE = { stroke: paint("ask"), strokeOpacity: 0.45, strokeWidth: 2 } as const;

interface SmallText {
  readonly end: number;
  readonly label: string;
  readonly colour: Colour;
  readonly isLowest: boolean;
}

function smallPanel(
  charts: Charts,
  points: readonly Point[],
  { end, label, colour, isLowest }: SmallText,
): Panel {
  const { plot: Plot } = charts;
  const shared = common(charts);
  const height = isLowest ? SMALL_HEIGHT + 32 : SMALL_HEIGHT;
  const plotted = Plot.plot({
    ...shared,
    width: shared.width / 2,
    marginRight: MARGIN_RIGHT,
    height,
    marginBottom: isLowest ? 44 : 12,
    x: stepScale(end, isLowest),
    y: {
      label,
      grid: true,
      nice: true,
      ticks: 4,
      ...(points.length === 0 ? { domain: [0, 1] } : {}),
    },
    marks: [
      Plot.line(points, { x: "steps", y: "value", stroke: paint(colour), strokeWidth: 1.5 }),
      // A line of one point is none.
      ...(points.length === 1 ? [Plot.dot(points, { x: "steps", y: "value", r: 2 })] : []),
    ],
  });
  return { height, plotted };
}

function stepScale(end: number, hasAxis: boolean): Readonly<Record<string, unknown>> {
  const domain = [0, end];
  if (!hasAxis) return { domain, axis: null };
  return {
    domain,
    label: "environment steps",
    labelOffset: 38,
    labelAnchor: "center",
    ticks: 5,
    tickFormat: grouped,
  };
}

function legendOf(lines: readonly CurveLine[]): LegendEntry[] {
  const heldOut = {
    mark:
      `<path d="M0 6h16" stroke="${paint("ask")}" stroke-width="1.5"/>` +
      `<circle cx="8" cy="6" r="3.2" fill="${paint("ask")}"/>`,
    label: "held-out data, with 95 % interval",
  };
  return [
    {
      mark: `<circle cx="8" cy="6" r="2.5" fill="${paint("hold")}"/>`,
      label: "mean of the episodes that ended in a rollout",
    },
    {
      mark: `<path d="M0 6h16" stroke="${paint("agent")}" stroke-width="2"/>`,
      label: `mean of the last ${SMOOTHED_POINTS}`,
    },
    ...(heldOutOf(lines).length > 0 ? [heldOut] : []),
  ];
}
