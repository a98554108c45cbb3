/**
 * Features: what one event and one encoding cost, and a whole session. The market is synthetic and
 * about as busy as the recorded ones: 95 levels, 60 changes a second. Baseline in the same run: the
 * book alone, and encodings of a book that has not changed.
 */
import { Prng } from "../../src/core/index.ts";
import {
  MARKET_FEATURE_COUNT,
  MarketEncoder,
  precomputeFeatures,
} from "../../src/features/index.ts";
import { LINEAR_CENT, OrderBook, PriceGrid, type Tape } from "../../src/market/index.ts";
import {
  ASK,
  BID,
  buildTestTape,
  delta,
  type Level,
  NOON,
  SECOND,
  snapshot,
  type TestEvent,
  trade,
} from "../features/tape-builder.ts";

const EVENTS = 400_000;
const PER_SECOND = 60;
const ROUNDS = 7;

export function run(_options: { json: boolean }): Promise<object> {
  const tape = busyTape();
  const events = EVENTS;
  const bookNs = median(() => feedBook(tape)) / events;
  const feedNs = median(() => feed(tape, 0)) / events;
  const encodes = Math.floor(EVENTS / PER_SECOND);
  const encodeNs = (median(() => feed(tape, SECOND)) - feedNs * events) / encodes;
  const everyNs = (median(() => feed(tape, 1)) - feedNs * events) / events;
  const idleNs = median(() => encodeIdle(tape)) / 100_000;
  const precomputeMs =
    median(() => {
      precomputeFeatures(tape, { cadence: "1s" });
    }) / 1e6;
  return Promise.resolve({
    events,
    book_ns_per_event: round(bookNs),
    encoder_ns_per_event: round(feedNs),
    encode_each_second_ns: round(encodeNs),
    encode_each_event_ns: round(everyNs),
    encode_unchanged_ns: round(idleNs),
    precompute_session_ms: round(precomputeMs),
  });
}

/** A market with 95 levels whose touch moves, and a trade for every tenth change. */
function busyTape(): Tape {
  const prng = Prng.fromSeed(1);
  const sizes = new Map<string, number>();
  const levels: Level[] = [];
  for (let cent = 2; cent <= 97; cent++) {
    const side = cent < 50 ? BID : ASK;
    if (cent === 50) continue;
    const lots = 100 * (1 + prng.integer(20_000));
    levels.push([side, cent * 100, lots]);
    sizes.set(`${side}:${cent}`, lots);
  }
  const events: TestEvent[] = [snapshot(NOON, levels)];
  for (let index = 1; index < EVENTS; index++) {
    const atUs = NOON + Math.floor((index * SECOND) / PER_SECOND);
    const side = prng.integer(2) === 0 ? BID : ASK;
    const away = prng.integer(6) === 0 ? prng.integer(45) : prng.integer(4);
    const cent = side === BID ? 49 - away : 51 + away;
    if (index % 10 === 0) {
      events.push(trade(atUs, side, cent * 100, 100 * (1 + prng.integer(300))));
      continue;
    }
    const key = `${side}:${cent}`;
    const had = sizes.get(key) ?? 0;
    const remove = had > 0 && prng.integer(2) === 0;
    // Often the whole level goes, so that best prices move.
    const whole = prng.integer(4) === 0;
    const change = remove
      ? whole
        ? -had
        : -Math.ceil(had / 300) * 100
      : 100 * (1 + prng.integer(9));
    const after = Math.max(0, had + change);
    sizes.set(key, after);
    events.push(delta(atUs, side, cent * 100, after - had));
  }
  return buildTestTape(events);
}

function feedBook(tape: Tape): void {
  const book = new OrderBook(new PriceGrid(LINEAR_CENT));
  for (let row = 0; row < tape.rowCount;) row = book.apply(tape, row);
}

/** Feeds the tape; encodes whenever `everyUs` have passed, never for 0. */
function feed(tape: Tape, everyUs: number): void {
  const encoder = new MarketEncoder({ grid: new PriceGrid(LINEAR_CENT), closeUs: NOON });
  const out = new Float32Array(MARKET_FEATURE_COUNT);
  let nextUs = everyUs === 0 ? Infinity : NOON + everyUs;
  for (let row = 0; row < tape.rowCount;) {
    const atUs = tape.atUs[row] as number;
    row = encoder.applyRow(tape, row);
    if (atUs < nextUs) continue;
    encoder.encode(atUs, out, 0, 21);
    nextUs = everyUs === 1 ? atUs + 1 : nextUs + everyUs;
  }
}

function encodeIdle(tape: Tape): void {
  const encoder = new MarketEncoder({ grid: new PriceGrid(LINEAR_CENT), closeUs: NOON });
  const out = new Float32Array(MARKET_FEATURE_COUNT);
  for (let row = 0; row < 20_000;) row = encoder.applyRow(tape, row);
  const atUs = tape.atUs[20_000] as number;
  for (let count = 0; count < 100_000; count++) encoder.encode(atUs + count, out, 0, 21);
}

/** Median duration in nanoseconds after two rounds of warming up. */
function median(work: () => void): number {
  const times: number[] = [];
  for (let index = 0; index < ROUNDS + 2; index++) {
    const from = process.hrtime.bigint();
    work();
    if (index >= 2) times.push(Number(process.hrtime.bigint() - from));
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
