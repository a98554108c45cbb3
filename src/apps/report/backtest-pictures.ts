/**
 * Pictures of a back-test: what the three worlds earned and what that is made of, value over time,
 * profit by event, and the market in which most was traded.
 */
import { type BacktestResult, profitsOfEvents, type WorldName } from "../../sim/index.ts";
import {
  changes,
  type Charts,
  common,
  type LegendEntry,
  type Panel,
  picture,
  timeAxis,
  timeScale,
} from "./drawing.ts";
import { dollars } from "./formats.ts";
import { type Colour, paint } from "./palette.ts";

const WORLD_COLOURS: Readonly<Record<WorldName, Colour>> = {
  optimistic: "join",
  expected: "agent",
  pessimistic: "ask",
};

function worldPaint(world: WorldName): string {
  return paint(WORLD_COLOURS[world]);
}

function worldLegend({ worlds }: BacktestResult): LegendEntry[] {
  return worlds.map(({ world, fillModel }) => ({
    mark: `<path d="M0 6h16" stroke="${worldPaint(world)}" stroke-width="2.5"/>`,
    label: `${world} (${fillModel})`,
  }));
}

/** The world that stands for all where only one can be shown. */
export function mainWorld({ worlds }: BacktestResult): WorldName {
  return (worlds.find(({ world }) => world === "expected") ?? worlds[0])?.world ?? "expected";
}

/** Profit of each world with its interval. */
export function profitPicture(charts: Charts, { worlds }: BacktestResult): string {
  const { plot: Plot } = charts;
  const rows = worlds.map(({ world, profit, interval }) => ({
    world,
    profit: profit / 1e6,
    low: (interval?.low ?? profit) / 1e6,
    high: (interval?.high ?? profit) / 1e6,
    text:
      interval === null
        ? dollars(profit / 1e6)
        : `${dollars(profit / 1e6)}   (${dollars(interval.low / 1e6)} to ` +
          `${dollars(interval.high / 1e6)})`,
    colour: worldPaint(world),
  }));
  const height = 34 + 30 * rows.length + 46;
  const plotted = Plot.plot({
    ...common(charts),
    marginLeft: 100,
    marginRight: 250,
    marginBottom: 46,
    height,
    x: {
      domain: spanOf(rows.flatMap(({ low, high }) => [low, high])),
      label: "profit after fees ($)",
      labelOffset: 38,
      labelAnchor: "center",
      ticks: 7,
    },
    y: { label: null, domain: rows.map(({ world }) => world), tickSize: 0 },
    marks: [
      Plot.gridX({ ticks: 7 }),
      Plot.ruleX([0], { strokeOpacity: 0.5 }),
      Plot.ruleY(rows, { x1: "low", x2: "high", y: "world", stroke: "colour", strokeWidth: 3 }),
      Plot.dot(rows, { x: "profit", y: "world", r: 5, fill: "colour" }),
      Plot.text(rows, {
        y: "world",
        text: "text",
        frameAnchor: "right",
        textAnchor: "start",
        dx: 12,
        fill: "colour",
      }),
    ],
  });
  return picture(
    {
      heading: "Profit: three answers to the same question",
      description: "Profit of the strategy in each world with its 95 % interval",
    },
    [{ height, plotted }],
  );
}

const PARTS = [
  ["spread", "spread"],
  ["adverse", "adverse selection"],
  ["settlement", "settlement"],
  ["fees", "fees"],
] as const;

/** The parts of each world's profit as bars. */
export function partsPicture(charts: Charts, { worlds }: BacktestResult): string {
  const { plot: Plot } = charts;
  const rows = worlds.flatMap((summary) =>
    PARTS.map(([key, part]) => ({
      world: summary.world,
      part,
      value: summary[key] / 1e6,
      text: dollars(summary[key] / 1e6),
      colour: worldPaint(summary.world),
    })),
  );
  const domain = spanOf(rows.map(({ value }) => value));
  const panels = worlds.map(({ world }, index): Panel => {
    const isLowest = index === worlds.length - 1;
    const own = rows.filter((row) => row.world === world);
    const height = 26 + 24 * PARTS.length + (isLowest ? 46 : 6);
    const plotted = Plot.plot({
      ...common(charts),
      height,
      marginLeft: 140,
      marginRight: 110,
      marginBottom: isLowest ? 46 : 6,
      x: isLowest
        ? { domain, label: "dollars", labelOffset: 38, labelAnchor: "center", ticks: 7 }
        : { domain, axis: null },
      y: { label: null, domain: PARTS.map(([, part]) => part), tickSize: 0, padding: 0.25 },
      marks: [
        Plot.gridX({ ticks: 7 }),
        Plot.barX(own, { x: "value", y: "part", fill: "colour" }),
        Plot.ruleX([0], { strokeOpacity: 0.5 }),
        Plot.text(own, {
          y: "part",
          text: "text",
          frameAnchor: "right",
          textAnchor: "start",
          dx: 12,
          fill: "colour",
        }),
        Plot.text([world], {
          frameAnchor: "top-left",
          textAnchor: "start",
          dy: -18,
          fontWeight: "bold",
          fill: paint("soft"),
        }),
      ],
    });
    return { height, plotted };
  });
  return picture(
    {
      heading: "What the profit is made of: the parts add up to it",
      description: "Spread, adverse selection, settlement and fees of each world",
    },
    panels,
  );
}

/** Gains over time, sessions one after another, by the minute. */
export function gainPicture(charts: Charts, result: BacktestResult): string {
  const { plot: Plot } = charts;
  const { rows, seconds, seams } = gainRows(result);
  const axis = timeAxis(seconds);
  const height = 300;
  const plotted = Plot.plot({
    ...common(charts),
    height,
    marginBottom: 44,
    x: { ...timeScale(axis, true), label: "time, sessions one after another (h:mm:ss)" },
    y: { label: "gain ($)", grid: true, domain: spanOf(rows.map(({ gain }) => gain)) },
    marks: [
      Plot.ruleX(seams, { strokeOpacity: 0.25 }),
      Plot.ruleY([0], { strokeOpacity: 0.4 }),
      Plot.line(rows, {
        x: "seconds",
        y: "gain",
        z: "world",
        curve: "step-after",
        stroke: "colour",
        strokeWidth: 1.8,
      }),
    ],
  });
  return picture(
    {
      heading: "Gain over time: cash and positions at the middle of bid and ask",
      description: "Gain of each world over the sessions, by the minute",
      legend: worldLegend(result),
    },
    [{ height, plotted }],
  );
}

interface GainRow {
  readonly world: WorldName;
  readonly seconds: number;
  readonly gain: number;
  readonly colour: string;
}

function gainRows({ sessions, settings }: BacktestResult) {
  const rows: GainRow[] = [];
  const seams: number[] = [];
  const gained = new Map<WorldName, number>();
  let seconds = 0;
  for (const { startUs, endUs, worlds } of sessions) {
    if (seconds > 0) seams.push(seconds);
    for (const { world, equity, profit } of worlds) {
      const before = gained.get(world) ?? 0;
      const points = changes(equity, (a, b) => a.value === b.value).map(({ atUs, value }) => ({
        world,
        seconds: seconds + (atUs - startUs) / 1e6,
        gain: (before + value - settings.startingCash) / 1e6,
        colour: worldPaint(world),
      }));
      rows.push({ world, seconds, gain: before / 1e6, colour: worldPaint(world) }, ...points);
      gained.set(world, before + profit);
    }
    seconds += Math.max(0, endUs - startUs) / 1e6;
  }
  return { rows, seconds, seams };
}

/** Events drawn; of more, those in which most was won or lost. */
const EVENTS_DRAWN = 24;

/** Profit of each event in the main world. */
export function eventPicture(charts: Charts, result: BacktestResult): string {
  const { plot: Plot } = charts;
  const world = mainWorld(result);
  const all = profitsOfEvents(result.sessions, world);
  const names = new Set(all.map(({ eventTicker }) => eventTicker));
  const rows = all
    .map(({ sessionId, eventTicker, profit }) => ({
      // The same event may be in two sessions.
      name: names.size === all.length ? eventTicker : `${eventTicker} in ${sessionId}`,
      profit: profit / 1e6,
      text: dollars(profit / 1e6),
    }))
    .sort((a, b) => Math.abs(b.profit) - Math.abs(a.profit) || (a.name < b.name ? -1 : 1))
    .slice(0, EVENTS_DRAWN)
    .sort((a, b) => b.profit - a.profit || (a.name < b.name ? -1 : 1));
  const height = 26 + 22 * rows.length + 46;
  const plotted = Plot.plot({
    ...common(charts),
    height,
    marginLeft: 260,
    marginRight: 110,
    marginBottom: 46,
    x: {
      domain: spanOf(rows.map(({ profit }) => profit)),
      label: "profit after fees ($)",
      labelOffset: 38,
      labelAnchor: "center",
      ticks: 6,
    },
    y: { label: null, domain: rows.map(({ name }) => name), tickSize: 0, padding: 0.25 },
    marks: [
      Plot.gridX({ ticks: 6 }),
      Plot.barX(rows, { x: "profit", y: "name", fill: worldPaint(world) }),
      Plot.ruleX([0], { strokeOpacity: 0.5 }),
      Plot.text(rows, {
        y: "name",
        text: "text",
        frameAnchor: "right",
        textAnchor: "start",
        dx: 12,
      }),
    ],
  });
  return picture(
    {
      heading: `Profit by event, ${world}`,
      description: `Profit of each event in the world called ${world}`,
    },
    [{ height, plotted }],
  );
}

/** Fills drawn; of more, one in so many, for they would hide the market. */
const FILLS_DRAWN = 600;

/** The market with the most fills in the main world: its marks by the minute, and the fills. */
export function marketPicture(charts: Charts, result: BacktestResult): string {
  const { plot: Plot } = charts;
  const shown = busiestMarket(result);
  if (shown === null) return "";
  const { session, market, ticker, fills } = shown;
  const secondsOf = (atUs: number): number => (atUs - session.startUs) / 1e6;
  const axis = timeAxis(secondsOf(session.endUs));
  const marks = session.minutes.map(({ atUs, marksCc }) => ({
    seconds: secondsOf(atUs),
    price: (marksCc[market] ?? 0) / 100,
  }));
  const every = Math.ceil(fills.length / FILLS_DRAWN);
  const dots = fills
    .filter((_, index) => index % every === 0)
    .map(({ atUs, priceCc, sign }) => ({
      seconds: secondsOf(atUs),
      price: priceCc / 100,
      colour: paint(sign === 1 ? "bid" : "ask"),
    }));
  const positions: { seconds: number; contracts: number }[] = [{ seconds: 0, contracts: 0 }];
  let lots = 0;
  for (const fill of fills) {
    lots += fill.sign * fill.lots;
    positions.push({ seconds: secondsOf(fill.atUs), contracts: lots / 100 });
  }
  positions.push({ seconds: axis.end, contracts: lots / 100 });
  const priced = Plot.plot({
    ...common(charts),
    height: 260,
    marginBottom: 8,
    x: timeScale(axis, false),
    y: { label: "YES price (cents)", grid: true, nice: true },
    marks: [
      Plot.line(marks, {
        x: "seconds",
        y: "price",
        curve: "step-after",
        stroke: paint("hold"),
        strokeWidth: 1.4,
      }),
      Plot.dot(dots, { x: "seconds", y: "price", r: 2.4, fill: "colour", fillOpacity: 0.75 }),
    ],
  });
  const held = Plot.plot({
    ...common(charts),
    height: 150,
    marginBottom: 44,
    x: { ...timeScale(axis, true), label: "time since the session's start (h:mm:ss)" },
    y: { label: "bought less sold (contracts)", grid: true, nice: true, ticks: 4 },
    marks: [
      Plot.line(positions, {
        x: "seconds",
        y: "contracts",
        curve: "step-after",
        stroke: worldPaint(mainWorld(result)),
        strokeWidth: 1.5,
      }),
    ],
  });
  const dot = (colour: Colour): string => `<circle cx="8" cy="6" r="3" fill="${paint(colour)}"/>`;
  const drawn = every === 1 ? "" : `, one in ${every}`;
  return picture(
    {
      heading: `${ticker}: the market with most fills, ${mainWorld(result)}`,
      description: `Marks of ${ticker} by the minute with the strategy's fills, and its position`,
      legend: [
        {
          mark: `<path d="M0 6h16" stroke="${paint("hold")}" stroke-width="2"/>`,
          label: "middle of bid and ask, by the minute",
        },
        { mark: dot("bid"), label: `bought YES or sold NO${drawn}` },
        { mark: dot("ask"), label: `sold YES or bought NO${drawn}` },
      ],
    },
    [
      { height: 260, plotted: priced },
      { height: 150, plotted: held },
    ],
  );
}

function busiestMarket(result: BacktestResult) {
  const world = mainWorld(result);
  let best = null;
  let most = 0;
  for (const session of result.sessions) {
    const own = session.worlds.find((each) => each.world === world);
    if (own === undefined) continue;
    for (const [market, { fills, ticker }] of own.markets.entries()) {
      if (fills <= most) continue;
      most = fills;
      best = { session, market, ticker, fills: own.fills.filter((fill) => fill.market === market) };
    }
  }
  return best;
}

/** A domain with zero in it and a little room at its ends. */
function spanOf(values: readonly number[]): [number, number] {
  let [least, greatest] = [0, 0];
  for (const value of values) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  const pad = greatest > least ? 0.04 * (greatest - least) : 1;
  return [least - pad, greatest + pad];
}
