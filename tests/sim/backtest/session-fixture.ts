/** Hand-made sessions of several markets, and strategies that do what a test says, when it says. */
import {
  type Desk,
  defineStrategy,
  type StrategyDefinition,
  type View,
} from "../../../src/strategies/index.ts";
import type { EventInfo, Tape } from "../../../src/market/index.ts";
import {
  type BacktestOptions,
  type BacktestResult,
  type BacktestSettings,
  runBacktest,
  type WorldName,
  type WorldSummary,
} from "../../../src/sim/index.ts";
import { NO_LATENCY } from "../../../src/sim/index.ts";
import { SECOND, START_US } from "../../fixtures/tape-builder.ts";

/** Tapes of one market each as one session, its rows in order of time. */
export function joined(tapes: readonly Tape[], events: readonly EventInfo[] = []): Tape {
  const total = tapes.reduce((sum, { rowCount }) => sum + rowCount, 0);
  const starts = [0];
  for (const { rowCount } of tapes) starts.push((starts.at(-1) ?? 0) + rowCount);
  const column = <Column extends { set(from: Column, at: number): void }>(
    make: (length: number) => Column,
    of: (tape: Tape) => Column,
  ): Column => {
    const whole = make(total);
    tapes.forEach((tape, index) => whole.set(of(tape), starts[index] ?? 0));
    return whole;
  };
  const rowsOf = (of: (tape: Tape) => Int32Array): Int32Array => {
    const whole = new Int32Array(total);
    tapes.forEach((tape, index) => {
      const shift = starts[index] ?? 0;
      whole.set(
        of(tape).map((row) => (row < 0 ? row : row + shift)),
        shift,
      );
    });
    return whole;
  };
  const atUs = column<Float64Array>(
    (length) => new Float64Array(length),
    (tape) => tape.atUs,
  );
  const order = Uint32Array.from({ length: total }, (_, row) => row);
  order.sort((a, b) => (atUs[a] as number) - (atUs[b] as number) || a - b);
  const [first] = tapes;
  if (first === undefined) throw new Error("a session has a market");
  return {
    ...first,
    contentHash: "1".repeat(64),
    markets: tapes.flatMap(({ markets }) => markets),
    events: events.length > 0 ? events : first.events,
    rowCount: total,
    streamStart: Uint32Array.from(starts),
    atUs,
    kind: column<Uint8Array>(
      (length) => new Uint8Array(length),
      (tape) => tape.kind,
    ),
    side: column<Uint8Array>(
      (length) => new Uint8Array(length),
      (tape) => tape.side,
    ),
    priceCc: column<Uint16Array>(
      (length) => new Uint16Array(length),
      (tape) => tape.priceCc,
    ),
    size: column<Float64Array>(
      (length) => new Float64Array(length),
      (tape) => tape.size,
    ),
    pairRow: rowsOf(({ pairRow }) => pairRow),
    queueRow: rowsOf(({ queueRow }) => queueRow),
    queueCounts: new Uint32Array((first.queueCounts.length / first.markets.length) * tapes.length),
    order,
  };
}

export type Acts = Readonly<Record<number, (view: View, desk: Desk) => void>>;

/** Acts at the given seconds after the start of hand-made tapes, and at no others. */
export function scripted(acts: Acts, name = "scripted"): StrategyDefinition {
  return defineStrategy({
    name,
    description: "what a test says",
    options: {},
    make: () => ({
      decide: (view, desk) => acts[(view.nowUs - START_US) / SECOND]?.(view, desk),
    }),
  });
}

/** A run without latency unless settings say otherwise. */
export function backtest(
  session: BacktestOptions["sessions"][number],
  strategy: StrategyDefinition,
  settings: Partial<BacktestSettings> = {},
): BacktestResult {
  return runBacktest({
    sessions: [session],
    strategy,
    settings: { latency: NO_LATENCY, ...settings },
  });
}

export function worldOf(result: BacktestResult, name: WorldName): WorldSummary {
  const world = result.worlds.find((each) => each.world === name);
  if (world === undefined) throw new Error(`no world ${name}`);
  return world;
}
