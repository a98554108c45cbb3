/**
 * One episode in a picture: the market as the agent knew it, the trades of others, its own orders
 * and fills, and under them what it held and what that was worth, on one time axis.
 */
import type * as PlotModule from "@observablehq/plot";
import { ONE_DOLLAR_CC } from "../../core/index.ts";
import type { EpisodeJournal, JournalStep } from "../../journal/index.ts";
import { BookSide, EventKind, streamRows } from "../../market/index.ts";
import type { MarketData } from "../../sim/index.ts";
import {
  changes,
  type Charts,
  common,
  type LegendEntry,
  picture,
  timeAxis,
  type TimeAxis,
  timeScale,
} from "./drawing.ts";
import { type Fill, ordersOf, type Orders } from "./order-spans.ts";
import { paint } from "./palette.ts";

/** Trades drawn; of more, the largest. Thousands of dots say nothing and make the file slow. */
const TRADES_DRAWN = 1500;

const PRICE_HEIGHT = 340;
const PANEL_HEIGHT = 104;

export function episodePicture(charts: Charts, journal: EpisodeJournal, data: MarketData): string {
  const orders = ordersOf(journal);
  const startUs = journal.steps[0]?.atUs ?? 0;
  const secondsOf = (atUs: number): number => (atUs - startUs) / 1e6;
  const axis = timeAxis(secondsOf(orders.endUs));
  const panel = (of: (step: JournalStep) => number, label: string, isLowest: boolean): object =>
    statePanel(charts, axis, stateRows(journal, orders.endUs, of), label, isLowest);
  return picture(
    {
      heading: `${journal.header.ticker}: what the agent saw and did`,
      description:
        "Best bid and ask, trades of others, own orders and fills, position and portfolio value " +
        "over the episode",
      legend: LEGEND,
    },
    [
      { height: PRICE_HEIGHT, plotted: pricePanel(charts, axis, { journal, data, orders }) },
      {
        height: PANEL_HEIGHT,
        plotted: panel(
          ({ position }) => position / 100,
          "position (contracts of YES; NO below 0)",
          false,
        ),
      },
      {
        height: PANEL_HEIGHT + 36,
        plotted: panel(({ value }) => value / 1e6, "portfolio value ($)", true),
      },
    ],
  );
}

const LEGEND: readonly LegendEntry[] = [
  {
    mark: `<rect y="1" width="16" height="10" fill-opacity="0.15"/>`,
    label: "best bid to best ask",
  },
  { mark: `<circle cx="8" cy="6" r="3" fill-opacity="0.35"/>`, label: "trade" },
  { mark: line("bid"), label: "own bid" },
  { mark: line("ask"), label: "own ask" },
  {
    mark: `<path d="M8 0L13 10H3Z" fill="${paint("bid")}"/>`,
    label: "bought YES or sold NO",
  },
  {
    mark: `<path d="M8 11L13 1H3Z" fill="${paint("ask")}"/>`,
    label: "sold YES or bought NO",
  },
];

function line(colour: "bid" | "ask"): string {
  return `<path d="M0 6h16" stroke="${paint(colour)}" stroke-width="2.5"/>`;
}

interface Shown {
  readonly journal: EpisodeJournal;
  readonly data: MarketData;
  readonly orders: Orders;
}

function pricePanel(charts: Charts, axis: TimeAxis, { journal, data, orders }: Shown): object {
  const { plot: Plot } = charts;
  const startUs = journal.steps[0]?.atUs ?? 0;
  const secondsOf = (atUs: number): number => (atUs - startUs) / 1e6;
  const quotes = quoteRows(journal, orders.endUs);
  const spans = orders.spans.map(({ isBid, price, fromUs, toUs }) => ({
    from: secondsOf(fromUs),
    to: secondsOf(toUs),
    price: price / 100,
    colour: paint(isBid ? "bid" : "ask"),
  }));
  const recorded = tradesBetween(data, startUs, orders.endUs);
  const largest = recorded.reduce((most, { size }) => Math.max(most, size), 1);
  const trades = recorded.map(({ atUs, price, size }) => ({
    seconds: secondsOf(atUs),
    price: price / 100,
    radius: 1 + 5 * Math.sqrt(size / largest),
  }));
  const edge = (y: "bid" | "ask"): PlotModule.Markish =>
    Plot.line(quotes, {
      x: "seconds",
      y,
      curve: "step-after",
      strokeOpacity: 0.45,
      strokeWidth: 0.8,
    });
  return Plot.plot({
    ...common(charts),
    height: PRICE_HEIGHT,
    marginBottom: 8,
    x: timeScale(axis, false),
    y: { label: "YES price (cents)", grid: true, nice: true },
    r: { type: "identity" },
    marks: [
      Plot.gridX(axis.ticks),
      Plot.areaY(quotes, {
        x: "seconds",
        y1: "bid",
        y2: "ask",
        curve: "step-after",
        fillOpacity: 0.13,
      }),
      edge("bid"),
      edge("ask"),
      Plot.dot(trades, {
        x: "seconds",
        y: "price",
        r: "radius",
        fill: "currentColor",
        fillOpacity: 0.3,
      }),
      Plot.ruleY(spans, {
        x1: "from",
        x2: "to",
        y: "price",
        stroke: "colour",
        strokeWidth: 2.5,
      }),
      ...fillMarks(charts, orders.fills, secondsOf),
    ],
  });
}

function fillMarks(
  { plot: Plot }: Charts,
  fills: readonly Fill[],
  secondsOf: (atUs: number) => number,
): PlotModule.Markish[] {
  // Many fills would cover the market; they are drawn smaller.
  const r = fills.length <= 60 ? 5 : 3.6;
  return [BookSide.bid, BookSide.ask].map((side) => {
    const isBid = side === BookSide.bid;
    const rows = fills
      .filter(({ request }) => request.side === side)
      .map(({ event }) => ({ seconds: secondsOf(event.atUs), price: event.price / 100 }));
    return Plot.dot(rows, {
      x: "seconds",
      y: "price",
      r,
      symbol: isBid ? "triangle" : TRIANGLE_DOWN,
      fill: paint(isBid ? "bid" : "ask"),
      stroke: paint("ground"),
      strokeWidth: 0.8,
    });
  });
}

/** The part of a canvas that draws a path. */
interface Path {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  closePath(): void;
}

/** The mirror of Plot's own "triangle"; `size` is its area in square pixels. */
const TRIANGLE_DOWN = {
  draw(context: Path, size: number): void {
    const unit = Math.sqrt(size / 1.732);
    context.moveTo(0, unit * 1.15);
    context.lineTo(unit, -unit * 0.58);
    context.lineTo(-unit, -unit * 0.58);
    context.closePath();
  },
} as unknown as PlotModule.SymbolType;

/** Best bid and ask in cents, where they change; undefined for an empty side, which breaks lines. */
function quoteRows(
  { steps }: EpisodeJournal,
  endUs: number,
): { seconds: number; bid: number | undefined; ask: number | undefined }[] {
  const startUs = steps[0]?.atUs ?? 0;
  const rows = steps.map(({ atUs, bid, ask }) => ({
    seconds: (atUs - startUs) / 1e6,
    bid: bid > 0 ? bid / 100 : undefined,
    ask: ask < ONE_DOLLAR_CC ? ask / 100 : undefined,
  }));
  const last = rows.at(-1);
  if (last !== undefined) rows.push({ ...last, seconds: (endUs - startUs) / 1e6 });
  return changes(rows, (a, b) => a.bid === b.bid && a.ask === b.ask);
}

/** What holds after each step, from the next decision on, where it changes. */
function stateRows(
  { steps }: EpisodeJournal,
  endUs: number,
  of: (step: JournalStep) => number,
): { seconds: number; value: number }[] {
  const startUs = steps[0]?.atUs ?? 0;
  const rows = steps.map((step, index) => ({
    seconds: ((steps[index + 1]?.atUs ?? endUs) - startUs) / 1e6,
    value: of(step),
  }));
  return changes(rows, (a, b) => a.value === b.value);
}

function statePanel(
  charts: Charts,
  axis: TimeAxis,
  rows: readonly { seconds: number; value: number }[],
  label: string,
  isLowest: boolean,
): object {
  const { plot: Plot } = charts;
  return Plot.plot({
    ...common(charts),
    height: PANEL_HEIGHT + (isLowest ? 36 : 0),
    marginBottom: isLowest ? 44 : 8,
    x: timeScale(axis, isLowest),
    y: { label, grid: true, nice: true, ticks: 4 },
    marks: [
      Plot.gridX(axis.ticks),
      Plot.line(rows, {
        x: "seconds",
        y: "value",
        curve: "step-after",
        stroke: paint("agent"),
        strokeWidth: 1.6,
      }),
    ],
  });
}

interface TradeDot {
  readonly atUs: number;
  readonly price: number;
  readonly size: number;
}

/** Recorded trades of the market in a span of time, the largest of them, in the tape's order. */
function tradesBetween({ tape, market }: MarketData, fromUs: number, toUs: number): TradeDot[] {
  const [first, end] = streamRows(tape, market);
  const trades: TradeDot[] = [];
  for (let row = first; row < end; row++) {
    const atUs = tape.atUs[row] as number;
    if (tape.kind[row] !== EventKind.trade || atUs < fromUs || atUs > toUs) continue;
    trades.push({ atUs, price: tape.priceCc[row] as number, size: tape.size[row] as number });
  }
  if (trades.length <= TRADES_DRAWN) return trades;
  const sizes = trades.map(({ size }) => size).sort((a, b) => b - a);
  const least = sizes[TRADES_DRAWN - 1] ?? 0;
  return trades.filter(({ size }) => size >= least).slice(0, TRADES_DRAWN);
}
