/** Counts of the events in a stretch of rows, as a session keeps them with each of its chunks. */
import { type EventColumns, kindOf } from "./event-columns.ts";
import type { SessionCounts } from "./session-format.ts";
import { EventKind } from "./tape.ts";

/** Rows by their EventKind; behind them the closes that a snapshot told. */
export type Tally = number[];

const CLOSING_SNAPSHOTS = 16;

export function tallyOf({ rowCount, code, size }: EventColumns): Tally {
  const tally = new Array<number>(CLOSING_SNAPSHOTS + 1).fill(0);
  for (let row = 0; row < rowCount; row++) {
    const kind = kindOf(code[row] as number);
    tally[kind] = (tally[kind] as number) + 1;
    if (kind !== EventKind.close) continue;
    tally[CLOSING_SNAPSHOTS] = (tally[CLOSING_SNAPSHOTS] as number) + (size[row] as number);
  }
  return tally;
}

/** Adds `more` to `tally`. */
export function addTally(tally: Tally, more: Tally): void {
  more.forEach((count, kind) => {
    tally[kind] = (tally[kind] ?? 0) + count;
  });
}

export function countsOf(tally: Tally, rows: number): SessionCounts {
  const of = (kind: number): number => tally[kind] ?? 0;
  return {
    rows,
    snapshots: of(EventKind.snapshot) + of(CLOSING_SNAPSHOTS),
    deltas: of(EventKind.delta),
    trades: of(EventKind.trade),
    blockTrades: of(EventKind.blockTrade),
    references: of(EventKind.reference),
    other: of(EventKind.close) + of(EventKind.status) - of(CLOSING_SNAPSHOTS),
  };
}
