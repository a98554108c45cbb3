/** A back-test on the terminal, for people, and as JSON, for machines. */
import { formatFixed } from "../../core/index.ts";
import { formatIsoTime } from "../../market/index.ts";
import type { BacktestResult, WorldName } from "../../sim/index.ts";
import type { Console } from "../console.ts";
import { scopeLine, summaryRows } from "./summary-rows.ts";

export function tellBacktest(result: BacktestResult, io: Console): void {
  io.line(scopeLine(result));
  const heads = result.worlds.map(({ world, fillModel }) => `${world} (${fillModel})`);
  const rows = summaryRows(result);
  const width = Math.max(22, ...rows.flatMap(({ cells }) => cells.map(({ length }) => length + 3)));
  io.line(`  ${"".padEnd(22)}${heads.map((head) => head.padStart(width)).join("")}`);
  for (const { label, cells } of rows) {
    const text = cells.map((cell) => cell.padStart(width)).join("");
    io.line(`  ${label.padEnd(22)}${text}`.replaceAll("\u2212", "-").replaceAll("\u2013", "-"));
  }
  for (const { world, orders } of result.worlds) {
    const refused = Object.entries(orders.refused);
    if (refused.length === 0) continue;
    const reasons = refused.map(([reason, times]) => `${times} ${reason}`).join(", ");
    io.line(`  ${world}: the risk gate refused ${reasons}.`);
  }
  tellTrust(result, io);
  io.line(`  journal ${result.journalHash.slice(0, 12)}`);
  if (result.faultCount > 0 && result.fault === null) {
    io.warn(`The strategy's faults were refused: ${result.faultCount}. The first:`);
    for (const fault of result.sessions.flatMap(({ faults }) => faults).slice(0, 3)) {
      io.warn(`  ${faultWords(result.strategy, fault)}`);
    }
  }
}

/** What the recordings cannot tell: queues that do not fit, orders over gaps. */
function tellTrust({ sessions, worlds }: BacktestResult, io: Console): void {
  for (const { sessionId, queues, tickers } of sessions) {
    if (queues.withoutQueues === 0) continue;
    io.warn(
      `${sessionId}: the queues of ${queues.withoutQueues} of ${tickers.length} markets could not be ` +
        `reconstructed; there the expected world goes by the totals of levels.`,
    );
  }
  for (const { world, orders } of worlds) {
    if (orders.uncertain === 0) continue;
    io.line(`  ${world}: ${orders.uncertain} orders rested at a gap of the feed: uncertain.`);
  }
}

type FaultOf = Pick<NonNullable<BacktestResult["fault"]>, "world" | "atUs" | "reason" | "order">;

/** A fault in one sentence: strategy, time, world, what was wrong, the order. */
export function faultWords(strategy: string, { world, atUs, reason, order }: FaultOf): string {
  const asked = order === null ? "" : `, asked for: ${order}`;
  return `strategy ${strategy}: at ${formatIsoTime(atUs)}, world ${world}: ${reason}${asked}`;
}

/** Micro-dollars as exact dollars. */
export function exactDollars(microUsd: number): string {
  return formatFixed(microUsd, 6);
}

/** What `--json` prints; orders, fills and fees are those of the expected world. */
export function backtestJson(result: BacktestResult, seconds: number): object {
  const of = (name: WorldName) => result.worlds.find(({ world }) => world === name);
  const main = of("expected") ?? result.worlds[0];
  const pnl = (name: WorldName): string | null => {
    const world = of(name);
    return world === undefined ? null : exactDollars(world.profit);
  };
  return {
    strategy: result.strategy,
    complete: result.isComplete,
    sessions: result.sessions.length,
    events: result.events,
    seconds: Math.round(seconds * 1000) / 1000,
    eventsPerSecond: seconds > 0 ? Math.round(result.events / seconds) : 0,
    orders: main?.orders.submitted ?? 0,
    fills: main?.fills ?? 0,
    pnl: {
      optimistic: pnl("optimistic"),
      expected: pnl("expected"),
      pessimistic: pnl("pessimistic"),
    },
    fees: exactDollars(main === undefined ? 0 : 0 - main.fees),
    faults: result.faultCount,
    journalHash: result.journalHash,
  };
}
