/**
 * `kalshi-gym sessions statistics`: what markets look like in numbers, side by side, as a Markdown
 * table. The table in `docs/generator.md` is made by it.
 */
import { Command, InvalidArgumentError } from "commander";
import { OperationError, type TimestampUs } from "../core/index.ts";
import {
  type MarketStatistics,
  marketStatistics,
  openSession,
  type PairStatistics,
  pairStatistics,
  streamRows,
  type Tape,
} from "../market/index.ts";
import { consoleFor } from "./console.ts";

interface StatisticsFlags {
  readonly market?: string[];
  readonly from?: number;
  readonly to?: number;
}

interface Column {
  readonly session: string;
  readonly statistics: MarketStatistics;
  /** Null for a market without a complement in its session. */
  readonly pair: PairStatistics | null;
}

/** The subcommand `statistics` of `sessions`. */
export function statisticsCommand(): Command {
  const command = new Command("statistics")
    .description("compare markets by their statistics: arrivals, spread, depth, sizes, moves")
    .argument("<sessions...>", "session folders")
    .option("--market <ticker>", "these markets only; may be repeated", collect)
    .option("--from <minutes>", "begin so long before a market's last event", minutes)
    .option("--to <minutes>", "end so long before a market's last event", minutes)
    .option("--json", "one JSON object as the last line")
    .addHelpText(
      "after",
      "\nExample:\n  kalshi-gym sessions statistics sessions/sample-1 sessions/nba --from 150 --to 15",
    );
  return command.action((folders: string[], flags: StatisticsFlags) => {
    const io = consoleFor(command);
    const columns = folders.flatMap((folder) => columnsOf(folder, flags));
    if (columns.length === 0) {
      throw new OperationError(
        "SESSION_MARKET",
        `--market: expected tickers of these sessions, was ${(flags.market ?? []).join(", ")}`,
      );
    }
    for (const line of statisticsTable(columns)) io.line(line);
    io.json({ markets: columns });
  });
}

function columnsOf(folder: string, flags: StatisticsFlags): Column[] {
  const session = openSession(folder);
  try {
    const tape = session.readTape();
    return tape.markets.flatMap(({ ticker }, market) => {
      if (flags.market !== undefined && !flags.market.includes(ticker)) return [];
      const window = windowOf(tape, market, flags);
      const other = complementOf(tape, market);
      return {
        session: session.id,
        statistics: marketStatistics(tape, market, window),
        pair: other === null ? null : pairStatistics(tape, market, other, window),
      };
    });
  } finally {
    session.close();
  }
}

function windowOf(
  tape: Tape,
  market: number,
  flags: StatisticsFlags,
): { fromUs?: TimestampUs; toUs?: TimestampUs } {
  const [, end] = streamRows(tape, market);
  const before = (count: number): TimestampUs =>
    ((tape.atUs[end - 1] ?? 0) - count * 60_000_000) as TimestampUs;
  return {
    ...(flags.from !== undefined && { fromUs: before(flags.from) }),
    ...(flags.to !== undefined && { toUs: before(flags.to) }),
  };
}

/** The other market of an event that is known to have two of which one pays, or null. */
function complementOf(tape: Tape, market: number): number | null {
  const eventTicker = tape.markets[market]?.eventTicker;
  const event = tape.events.find((info) => info.eventTicker === eventTicker);
  if (event?.exclusive !== true || event.marketCount !== 2) return null;
  const other = tape.markets.findIndex(
    (info, index) => index !== market && info.eventTicker === eventTicker,
  );
  return other < 0 ? null : other;
}

type Cell = (column: Column) => string;

const ROWS: readonly (readonly [name: string, cell: Cell])[] = [
  ["seconds", ({ statistics }) => number(statistics.seconds)],
  ["events a second", ({ statistics }) => number(statistics.eventsPerSecond)],
  ["events in a second (q)", ({ statistics }) => list(statistics.eventsInSecond)],
  ["seconds with an event", ({ statistics }) => percent(statistics.secondsWithEvents)],
  ["time between changes, ms (q)", ({ statistics }) => list(statistics.interArrivalMs)],
  ["spread 1, 2, 3, more cents", ({ statistics }) => percents(statistics.spreadShares)],
  ["crossed or locked", ({ statistics }) => percent(statistics.crossedShare)],
  ["contracts at the best price (q)", ({ statistics }) => list(statistics.bestDepth)],
  ["contracts within 5 cents (q)", ({ statistics }) => list(statistics.nearDepth)],
  ["occupied levels, mean", ({ statistics }) => number(statistics.levels)],
  ["contracts of an order (q)", ({ statistics }) => list(statistics.orderSize)],
  ["contracts of a trade (q)", ({ statistics }) => list(statistics.tradeSize)],
  ["arrivals, cancels, trades", ({ statistics }) => percents(statistics.flow)],
  [
    "arrivals better, at best, 1-2, 3-5, more cents behind",
    ({ statistics }) => percents(statistics.arrivalDistance),
  ],
  ["cancels of one whole order", ({ statistics }) => percent(statistics.wholeCancels)],
  ["lifetime of cancelled orders, ms (q)", ({ statistics }) => list(statistics.lifetimeMs)],
  ["maker orders a taker hits, mean", ({ statistics }) => number(statistics.makersPerSweep)],
  ["takers that hit several", ({ statistics }) => percent(statistics.multiSweeps)],
  ["mid's change in 1 s, deviation, cents", ({ statistics }) => number(statistics.midChange1s)],
  ["mid's change in 60 s, deviation, cents", ({ statistics }) => number(statistics.midChange60s)],
  ["seconds in which the mid moves", ({ statistics }) => percent(statistics.midMoves)],
  ["correlation of successive moves", ({ statistics }) => number(statistics.midCorrelation)],
  ["taker pays over mid, cents", ({ statistics }) => number(statistics.effectiveHalfSpread)],
  ["mid moves the taker's way in 5 s, cents", ({ statistics }) => number(statistics.impact5s)],
  ["and in 60 s", ({ statistics }) => number(statistics.impact60s)],
  ["two mids' distance from a dollar, cents", ({ pair }) => (pair ? number(pair.meanGap) : "-")],
  ["seconds with arbitrage", ({ pair }) => (pair ? percent(pair.arbitrageShare) : "-")],
];

/** The lines of a Markdown table, one column a market; (q) are quantiles 10, 50, 90 and 99 %. */
function statisticsTable(columns: readonly Column[]): string[] {
  const heads = columns.map(({ session, statistics }) => {
    const team = statistics.ticker.split("-").at(-1) ?? statistics.ticker;
    return `${session} ${team}`;
  });
  return [
    `| | ${heads.join(" | ")} |`,
    `|---|${heads.map(() => "---:|").join("")}`,
    ...ROWS.map(([name, cell]) => `| ${name} | ${columns.map(cell).join(" | ")} |`),
  ];
}

function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(size >= 10 ? 1 : 2);
}

function list(values: readonly number[]): string {
  return values.map(number).join(" / ");
}

function percent(value: number): string {
  return `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`;
}

function percents(values: readonly number[]): string {
  return `${values.map((value) => (value * 100).toFixed(0)).join(" / ")} %`;
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function minutes(text: string): number {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError("Expected minutes.");
  return Number(text);
}
