/** The figures of a back-test as rows of text, the same on the terminal and in the report. */
import type { BacktestResult, WorldSummary } from "../../sim/index.ts";
import { clock, dollars, grouped, percent } from "../report/formats.ts";

export interface SummaryRow {
  readonly label: string;
  /** How it is defined, in a few words. */
  readonly meaning: string;
  /** One a world, in their order. */
  readonly cells: readonly string[];
}

const NONE = "\u2013";

export function summaryRows({ worlds, settings }: BacktestResult): SummaryRow[] {
  const row = (
    label: string,
    meaning: string,
    of: (world: WorldSummary) => string,
  ): SummaryRow => ({
    label,
    meaning,
    cells: worlds.map(of),
  });
  const money = (microUsd: number): string => dollars(microUsd / 1e6);
  const ratio = (value: number | null): string =>
    value === null ? NONE : value.toFixed(2).replace("-", "\u2212");
  const share = (value: number | null): string => (value === null ? NONE : percent(value));
  const after = (seconds: number): SummaryRow =>
    row(
      `mark ${seconds} s after a fill`,
      "mean move our way, cents: maker / taker",
      ({ adverseSelection }) => {
        const at = adverseSelection.find((each) => each.seconds === seconds);
        const cents = (value: number | null | undefined): string =>
          typeof value === "number" ? signed(value) : NONE;
        return `${cents(at?.maker)} / ${cents(at?.taker)}`;
      },
    );
  const cash = money(settings.startingCash);
  return [
    row("profit after fees", "positions left open count at the best price", ({ profit }) =>
      money(profit),
    ),
    row("  95 % interval", "bootstrap over events", ({ interval }) =>
      interval === null ? NONE : `${money(interval.low)} to ${money(interval.high)}`,
    ),
    row("  spread", "fills' prices against the marks before them", ({ spread }) => money(spread)),
    row("  adverse selection", "moves of the marks while held", ({ adverse }) => money(adverse)),
    row("  settlement", "what positions ended at, less the last mark", ({ settlement }) =>
      money(settlement),
    ),
    row("  fees", "as the venue charges them", ({ fees }) => money(fees)),
    row("largest drawdown", `from ${cash} a session, by the second`, ({ drawdown }) =>
      money(drawdown),
    ),
    row("Sharpe", "of changes by the minute, for a day", ({ sharpe }) => ratio(sharpe)),
    row("Sortino", "likewise, over losses alone", ({ sortino }) => ratio(sortino)),
    row("orders", "accepted by the venue", ({ orders }) => grouped(orders.accepted)),
    row("fills, contracts", "", ({ fills, lots }) => `${grouped(fills)}, ${contracts(lots)}`),
    row("turnover", "contracts at the YES prices of their fills", ({ turnover }) =>
      money(turnover),
    ),
    row("maker share", "of contracts", ({ makerShare }) => share(makerShare)),
    row("filled", "of accepted orders, at least in part", ({ fillRate }) => share(fillRate)),
    row("cancelled", "of accepted orders, by us", ({ cancelRate }) => share(cancelRate)),
    after(1),
    after(10),
    after(60),
    row("time in position", "in any market; of the markets' open time", (world) =>
      [world.timeInPosition, world.marketTimeInPosition].map(share).join(" / "),
    ),
    row("stake", "what open positions cost: mean, most", ({ stakeMean, stakeMax }) =>
      [stakeMean, stakeMax].map(money).join(" / "),
    ),
    row("Brier score", "of prices held to settlement; contracts", ({ calibration }) =>
      calibration.brier === null
        ? NONE
        : `${calibration.brier.toFixed(3)}, ${contracts(calibration.contracts * 100)}`,
    ),
  ];
}

function signed(cents: number): string {
  const text = Math.abs(cents).toFixed(2);
  return `${cents < 0 && Number(text) !== 0 ? "\u2212" : "+"}${text}`;
}

/** Whole contracts where there are many. */
export function contracts(lots: number): string {
  const count = lots / 100;
  return grouped(count >= 1000 || Number.isInteger(count) ? Math.round(count) : count.toFixed(2));
}

/** What was run, in one line. */
export function scopeLine({ strategy, sessions, events, settings }: BacktestResult): string {
  const markets = sessions.reduce((sum, { tickers }) => sum + tickers.length, 0);
  const spanUs = sessions.reduce(
    (sum, { startUs, endUs }) => sum + Math.max(0, endUs - startUs),
    0,
  );
  const when = settings.cadence === "1s" ? "every second" : "at every change of a book";
  return (
    `${strategy}: ${count(sessions.length, "session")}, ${count(markets, "market")}, ` +
    `${clock(spanUs / 1e6, true)} hours, ${grouped(events)} events; decisions ${when}`
  );
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
