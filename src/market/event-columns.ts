/**
 * The raw events of a session, as columns: what was received, in order of arrival, each with its own
 * stamp. Nothing is derived here; effective times and pairs are made when the tape is built.
 *
 * A row's `code` holds its EventKind, its book side and the resolution of its stamp. A snapshot is
 * a `snapshot` row, whose size is the number of its levels, followed by that many `level` rows. A
 * `close` row has size 1 where a final empty snapshot told of it, else 0.
 */
import type { BookSide, EventKind } from "./tape.ts";

/** How exact a stamp is. Codes are stored in session databases. */
export const StampResolution = { none: 0, microsecond: 1, millisecond: 2, second: 3 } as const;
export type StampResolution = (typeof StampResolution)[keyof typeof StampResolution];

/** Microseconds that a stamp of each resolution spans; a microsecond stamp is exact. */
export const RESOLUTION_US: readonly number[] = [0, 1, 1_000, 1_000_000];

/** The stamp of an event that carries none. */
export const NO_STAMP = -1;

/** Packs a row's kind, side and stamp resolution into its code. */
export function eventCode(kind: EventKind, side: BookSide, resolution: StampResolution): number {
  return kind | (side << 4) | (resolution << 5);
}

export function kindOf(code: number): EventKind {
  return (code & 15) as EventKind;
}

export function sideOf(code: number): BookSide {
  return ((code >>> 4) & 1) as BookSide;
}

export function resolutionOf(code: number): StampResolution {
  return ((code >>> 5) & 3) as StampResolution;
}

export interface EventColumns {
  /** Number of rows, N. */
  readonly rowCount: number;
  /** `eventCode`. [N] */
  readonly code: Uint8Array;
  /** Market index, or number of markets + index of the reference. [N] */
  readonly stream: Uint16Array;
  /** YES price in centi-cents of delta, trade and level rows, else 0. [N] */
  readonly priceCc: Uint16Array;
  /** Lots, or what EventKind says. [N] */
  readonly size: Float64Array;
  /** Own stamp in microseconds, NO_STAMP for none. [N] */
  readonly stampUs: Float64Array;
}

/** Columns for `capacity` rows, all zero. */
export function eventColumns(capacity: number): EventColumns {
  return {
    rowCount: capacity,
    code: new Uint8Array(capacity),
    stream: new Uint16Array(capacity),
    priceCc: new Uint16Array(capacity),
    size: new Float64Array(capacity),
    stampUs: new Float64Array(capacity),
  };
}

/** Rows `from` ... `end` - 1, over the same memory. */
export function columnsWithin(columns: EventColumns, from: number, end: number): EventColumns {
  const { code, stream, priceCc, size, stampUs } = columns;
  return {
    rowCount: end - from,
    code: code.subarray(from, end),
    stream: stream.subarray(from, end),
    priceCc: priceCc.subarray(from, end),
    size: size.subarray(from, end),
    stampUs: stampUs.subarray(from, end),
  };
}
