/**
 * A back-test's trades, equity and markets as columns: for CSV, Arrow files and Arquero tables. Units
 * stand in the columns' names: prices in centi-cents of YES, sizes in lots, money in micro-dollars,
 * times in microseconds. What is not known is null, and empty in CSV.
 */
import type { ColumnTable } from "arquero";
import type { BacktestResult } from "./backtest.ts";
import { HORIZONS_S, type SessionResult, type WorldResult } from "./results.ts";

type Cell = number | string | null;
/** Columns of equal length, by name. */
export type Columns = Readonly<Record<string, readonly Cell[]>>;

/** One row a fill: sessions in their order, worlds within, times within. */
export function tradeColumns({ sessions }: BacktestResult): Columns {
  return columnsOf(TRADE_COLUMNS, sessions, function* ({ tickers }, { fills }) {
    for (const fill of fills) {
      yield [
        fill.atUs,
        tickers[fill.market] ?? "",
        fill.orderId,
        fill.sign === 1 ? "buy" : "sell",
        fill.priceCc,
        fill.lots,
        fill.isMaker ? "maker" : "taker",
        fill.fee,
        fill.evidence,
        fill.row,
        fill.markCc,
        ...fill.laterCc,
      ];
    }
  });
}

const TRADE_COLUMNS = [
  "at_us",
  "ticker",
  "order_id",
  "side",
  "price_cc",
  "lots",
  "role",
  "fee_micro_usd",
  "evidence",
  "tape_row",
  "mark_cc",
  ...HORIZONS_S.map((seconds) => `mark_${seconds}s_cc`),
];

/** One row a minute and world, and one at each end. */
export function equityColumns({ sessions }: BacktestResult): Columns {
  const names = ["at_us", "value_micro_usd", "cash_micro_usd", "stake_micro_usd", "open_orders"];
  return columnsOf(names, sessions, function* (_session, { equity }) {
    for (const { atUs, value, cash, stake, openOrders } of equity) {
      yield [atUs, value, cash, stake, openOrders];
    }
  });
}

/** One row a market and world: what it earned and what that is made of. */
export function marketColumns({ sessions }: BacktestResult): Columns {
  return columnsOf(MARKET_COLUMNS, sessions, function* (_session, { markets }) {
    for (const market of markets) {
      yield [
        market.ticker,
        market.eventTicker,
        market.fills,
        market.lots,
        market.profit,
        market.spread,
        market.adverse,
        market.settlement,
        market.fees,
        market.heldLots,
        market.endCc,
        market.isSettled ? "result" : "best price",
      ];
    }
  });
}

const MARKET_COLUMNS = [
  "ticker",
  "event_ticker",
  "fills",
  "lots",
  "profit_micro_usd",
  "spread_micro_usd",
  "adverse_micro_usd",
  "settlement_micro_usd",
  "fees_micro_usd",
  "held_lots",
  "end_cc",
  "ended_by",
];

function columnsOf(
  names: readonly string[],
  sessions: readonly SessionResult[],
  rowsOf: (session: SessionResult, world: WorldResult) => Iterable<readonly Cell[]>,
): Columns {
  const all = ["session", "world", ...names];
  const columns = all.map((): Cell[] => []);
  for (const session of sessions) {
    for (const world of session.worlds) {
      for (const row of rowsOf(session, world)) {
        columns[0]?.push(session.sessionId);
        columns[1]?.push(world.world);
        row.forEach((cell, index) => columns[index + 2]?.push(cell));
      }
    }
  }
  return Object.fromEntries(all.map((name, index) => [name, columns[index] ?? []]));
}

/** Columns as CSV with a line of names; text with commas or quotes in it is quoted. */
export function csvOf(columns: Columns): string {
  const names = Object.keys(columns);
  const lists = Object.values(columns);
  const lines = [names.join(",")];
  const count = lists[0]?.length ?? 0;
  for (let row = 0; row < count; row++) {
    lines.push(lists.map((list) => csvCell(list[row] ?? null)).join(","));
  }
  return `${lines.join("\n")}\n`;
}

function csvCell(cell: Cell): string {
  if (cell === null) return "";
  const text = String(cell);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Columns as an Arquero table. Arquero is loaded here and not with the room. */
export async function tableOf(columns: Columns): Promise<ColumnTable> {
  const { table } = await import("arquero");
  return table(columns);
}

/** Columns as the bytes of an Arrow file. */
export async function arrowOf(columns: Columns): Promise<Uint8Array> {
  const { toArrowIPC } = await import("arquero");
  return toArrowIPC(await tableOf(columns), { format: "file" });
}
