/**
 * From raw events to the tape: gives every event its effective time and every trade its delta.
 * Integer arithmetic only, no state outside; equal events give an equal tape.
 *
 * The rules (docs/sessions.md says why):
 * 1. A trade pairs with the delta that it made: same market, side and price, the opposite change of
 *    the same size, in the same second, at most 60 unpaired events away; the nearest one before it,
 *    else the nearest after it. It takes that delta's time. (Paired events do not count, because one
 *    taker may sweep a hundred equal orders at once, whose deltas all come before their trades.)
 *    A stamp to the microsecond says itself when the trade counted, as in a live run's recording.
 * 2. A trade without a delta takes the end of what its stamp spans: never a moment before it can
 *    have happened. So do block trades, which pair with nothing.
 * 3. A snapshot without a stamp takes that of the next delta of the session; anything else without
 *    one takes the time of the event before it.
 * 4. Time never runs backwards: each time is at least that of the event before it.
 * 5. A loss of book messages becomes a gap row in each market concerned that has a later snapshot.
 * 6. Cancels are attributed to the orders that arrived before them (`queue-reconstruction.ts`).
 */
import { assert, US_PER_SECOND } from "../core/index.ts";
import { type EventColumns, RESOLUTION_US, StampResolution } from "./event-columns.ts";
import { QUEUE_COUNT_FIELDS, reconstructQueues } from "./queue-reconstruction.ts";
import type { Gap, SessionFacts } from "./session-format.ts";
import { EventKind, type Tape } from "./tape.ts";

/** How far from a trade its delta may lie, in unpaired events of the same market. */
const PAIR_REACH = 60;

/** Arrays of one tape over one shared block of memory, so that threads and files take it whole. */
export interface TapeArrays {
  readonly atUs: Float64Array;
  readonly size: Float64Array;
  readonly pairRow: Int32Array;
  readonly queueRow: Int32Array;
  readonly queueCounts: Uint32Array;
  readonly order: Uint32Array;
  readonly streamStart: Uint32Array;
  readonly priceCc: Uint16Array;
  readonly kind: Uint8Array;
  readonly side: Uint8Array;
}

/** Bytes of the arrays of a tape with `rows` rows and `streams` streams. */
export function tapeBytes(rows: number, streams: number): number {
  return rows * 32 + (streams * (QUEUE_COUNT_FIELDS + 1) + 1) * 4;
}

/** Lays the arrays over `buffer` from `offset` (a multiple of 8), widest first, so all align. */
export function tapeArrays(
  buffer: SharedArrayBuffer,
  offset: number,
  rows: number,
  streams: number,
): TapeArrays {
  let at = offset;
  const take = (bytes: number): number => {
    const start = at;
    at += bytes;
    return start;
  };
  return {
    atUs: new Float64Array(buffer, take(rows * 8), rows),
    size: new Float64Array(buffer, take(rows * 8), rows),
    pairRow: new Int32Array(buffer, take(rows * 4), rows),
    queueRow: new Int32Array(buffer, take(rows * 4), rows),
    queueCounts: new Uint32Array(
      buffer,
      take(streams * QUEUE_COUNT_FIELDS * 4),
      streams * QUEUE_COUNT_FIELDS,
    ),
    order: new Uint32Array(buffer, take(rows * 4), rows),
    streamStart: new Uint32Array(buffer, take((streams + 1) * 4), streams + 1),
    priceCc: new Uint16Array(buffer, take(rows * 2), rows),
    kind: new Uint8Array(buffer, take(rows), rows),
    side: new Uint8Array(buffer, take(rows), rows),
  };
}

/** Builds the tape of a session's events. */
export function buildTape(
  facts: SessionFacts,
  gaps: readonly Gap[],
  events: EventColumns,
  contentHash: string,
): Tape {
  const streams = facts.markets.length + facts.references.length;
  const insertions = gapInsertions(facts, gaps, events);
  const rows = events.rowCount + insertions.length;
  assert(rows < 2_147_483_648, "rows fit 31 bits");
  const arrays = tapeArrays(new SharedArrayBuffer(tapeBytes(rows, streams)), 0, rows, streams);
  const stamps = scatter(events, insertions, streams, arrays);
  pairTrades(arrays, stamps, streams);
  assignTimes(arrays, stamps);
  reconstructQueues(arrays, facts.markets.length);
  return {
    sessionId: facts.id,
    contentHash,
    markets: facts.markets,
    events: facts.events,
    references: facts.references,
    rowCount: rows,
    ...arrays,
  };
}

/** A gap row to be put before event row `position` into stream `stream`. */
interface Insertion {
  readonly position: number;
  readonly stream: number;
}

/**
 * Which markets a loss makes unknown: those with a later snapshot of their own, which ends the
 * unknown stretch. Where none follows, the rest of the recording is used as it is and the gap stands
 * in the session's table, unless the session is strict about gaps.
 */
function gapInsertions(
  facts: SessionFacts,
  gaps: readonly Gap[],
  events: EventColumns,
): Insertion[] {
  const losses = gaps.filter((gap) => gap.scope === "book");
  if (losses.length === 0) return [];
  const lastSnapshot = new Float64Array(facts.markets.length).fill(-1);
  const firstSnapshot = new Float64Array(facts.markets.length).fill(Infinity);
  for (let row = 0; row < events.rowCount; row++) {
    if (((events.code[row] as number) & 15) !== EventKind.snapshot) continue;
    const stream = events.stream[row] as number;
    lastSnapshot[stream] = row;
    if (row < (firstSnapshot[stream] as number)) firstSnapshot[stream] = row;
  }
  const insertions: Insertion[] = [];
  for (const { position, market } of [...losses].sort((a, b) => a.position - b.position)) {
    facts.markets.forEach(({ ticker }, stream) => {
      if (market !== null && market !== ticker) return;
      // Before its first snapshot a book is unknown anyway.
      const known = (firstSnapshot[stream] as number) < position;
      const restored = (lastSnapshot[stream] as number) >= position;
      if (known && (restored || facts.strictGaps === true)) insertions.push({ position, stream });
    });
  }
  return insertions;
}

/** Raw stamps and their spans by tape row. */
interface Stamps {
  readonly stampUs: Float64Array;
  readonly resolution: Uint8Array;
}

/** Puts the rows in stream order and fills `order`; times and pairs come later. */
function scatter(
  events: EventColumns,
  insertions: readonly Insertion[],
  streams: number,
  arrays: TapeArrays,
): Stamps {
  const { streamStart, kind, side, priceCc, size, order } = arrays;
  const count = events.rowCount;
  const next = new Uint32Array(streams + 1);
  for (let row = 0; row < count; row++) {
    const stream = events.stream[row] as number;
    next[stream + 1] = (next[stream + 1] as number) + 1;
  }
  for (const { stream } of insertions) next[stream + 1] = (next[stream + 1] as number) + 1;
  for (let stream = 0; stream < streams; stream++) {
    next[stream + 1] = (next[stream + 1] as number) + (next[stream] as number);
  }
  streamStart.set(next);
  const stampUs = new Float64Array(order.length);
  const resolution = new Uint8Array(order.length);
  let inserted = 0;
  let place = 0;
  for (let row = 0; row <= count; row++) {
    let insertion = insertions[inserted];
    while (insertion !== undefined && insertion.position <= row) {
      const at = next[insertion.stream] as number;
      next[insertion.stream] = at + 1;
      kind[at] = EventKind.gap;
      order[place++] = at;
      insertion = insertions[++inserted];
    }
    if (row === count) break;
    const stream = events.stream[row] as number;
    const at = next[stream] as number;
    next[stream] = at + 1;
    const code = events.code[row] as number;
    kind[at] = code & 15;
    side[at] = (code >>> 4) & 1;
    priceCc[at] = events.priceCc[row] as number;
    size[at] = events.size[row] as number;
    stampUs[at] = events.stampUs[row] as number;
    resolution[at] = code >>> 5;
    order[place++] = at;
  }
  return { stampUs, resolution };
}

/** Rule 1, market by market. Unpaired rows keep -1. */
function pairTrades(arrays: TapeArrays, stamps: Stamps, streams: number): void {
  const { streamStart, kind, pairRow } = arrays;
  pairRow.fill(-1);
  for (let stream = 0; stream < streams; stream++) {
    const start = streamStart[stream] as number;
    const end = streamStart[stream + 1] as number;
    for (let trade = start; trade < end; trade++) {
      if (kind[trade] !== EventKind.trade) continue;
      let delta = pairBefore(arrays, stamps, trade, start);
      if (delta < 0) delta = pairAfter(arrays, stamps, trade, end);
      if (delta < 0) continue;
      pairRow[trade] = delta;
      pairRow[delta] = trade;
    }
  }
}

function pairBefore(arrays: TapeArrays, stamps: Stamps, trade: number, start: number): number {
  const { kind, pairRow } = arrays;
  let left = PAIR_REACH;
  for (let row = trade - 1; row >= start && left > 0; row--) {
    const what = kind[row] as number;
    if (what === EventKind.level || pairRow[row] !== -1) continue;
    left -= 1;
    if (what === EventKind.delta && fits(arrays, stamps, trade, row)) return row;
  }
  return -1;
}

function pairAfter(arrays: TapeArrays, stamps: Stamps, trade: number, end: number): number {
  const { kind, pairRow } = arrays;
  let left = PAIR_REACH;
  for (let row = trade + 1; row < end && left > 0; row++) {
    const what = kind[row] as number;
    if (what === EventKind.level || pairRow[row] !== -1) continue;
    left -= 1;
    if (what === EventKind.delta && fits(arrays, stamps, trade, row)) return row;
  }
  return -1;
}

function fits(arrays: TapeArrays, stamps: Stamps, trade: number, delta: number): boolean {
  const { size, priceCc, side } = arrays;
  if (size[delta] !== -(size[trade] as number)) return false;
  if (priceCc[delta] !== priceCc[trade] || side[delta] !== side[trade]) return false;
  // A trade without a stamp cannot contradict its delta.
  if (stamps.resolution[trade] === 0) return true;
  const deltaSecond = Math.floor((stamps.stampUs[delta] as number) / US_PER_SECOND);
  return deltaSecond === Math.floor((stamps.stampUs[trade] as number) / US_PER_SECOND);
}

/** Rules 2 to 4. */
function assignTimes(arrays: TapeArrays, stamps: Stamps): void {
  const { atUs, kind, order, pairRow } = arrays;
  const { stampUs, resolution } = stamps;
  // Backwards, so that a snapshot finds the next delta; 0 where there is nothing to go by, which the
  // running maximum then lifts to the time of the event before.
  let nextDeltaUs = 0;
  for (let place = order.length - 1; place >= 0; place--) {
    const row = order[place] as number;
    const what = kind[row] as number;
    const stamped = resolution[row] as number;
    if (what === EventKind.delta) nextDeltaUs = stampUs[row] as number;
    if (stamped === 0) {
      // A level has its snapshot's time, which is that of the row before it.
      atUs[row] = what === EventKind.snapshot ? nextDeltaUs : 0;
    } else if (what === EventKind.trade || what === EventKind.blockTrade) {
      const delta = pairRow[row] as number;
      const own = stampUs[row] as number;
      if (stamped === StampResolution.microsecond) atUs[row] = own;
      else
        atUs[row] =
          delta < 0 ? own + (RESOLUTION_US[stamped] as number) : (stampUs[delta] as number);
    } else atUs[row] = stampUs[row] as number;
  }
  let nowUs = 0;
  for (let place = 0; place < order.length; place++) {
    const row = order[place] as number;
    const own = atUs[row] as number;
    if (own > nowUs) nowUs = own;
    atUs[row] = nowUs;
  }
}
