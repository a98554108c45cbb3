/**
 * The recording's own features of whole markets, row by row: worked out once per session, market
 * and cadence, and read by every environment. One pass over the session in its order feeds one
 * encoder a market, so rows are those that a live encoder gives, bit for bit, and the markets of an
 * event see each other. A row holds only what was known at its time; a close or a later gap is not
 * in it.
 */
import { assert, US_PER_SECOND } from "../core/index.ts";
import { EventKind, PriceGrid, streamRows, type Tape } from "../market/index.ts";
import { EventGroup } from "./event-group.ts";
import {
  ACCOUNT_OFFSET,
  FEATURE_CONSTANTS,
  MARKET_FEATURE_COUNT,
  TEMPORAL_OFFSET,
} from "./feature-schema.ts";
import { MarketEncoder } from "./market-encoder.ts";

const TEMPORAL_COUNT = MARKET_FEATURE_COUNT - ACCOUNT_OFFSET;
const WARM_UP_US = FEATURE_CONSTANTS.warm_up_s * US_PER_SECOND;

/** When decisions fall: at whole UTC seconds, or on each change of the market's book. */
export type Cadence = "1s" | "event";

/** The rows of one market, R of them, in time order. */
export interface FeatureRows {
  readonly marketIndex: number;
  readonly cadence: Cadence;
  readonly count: number;
  /** Decision times, microseconds. [R] */
  readonly atUs: Float64Array;
  /** Features 0..20, then 38..51; see `copyMarketRow`. [R, 35] */
  readonly rows: Float32Array;
  /** 0 while the book is unknown after a gap, and from the close on; features of a gap are 0. [R] */
  readonly valid: Uint8Array;
  /** The first row of the market's stream that had not been applied at the decision. [R] */
  readonly tapeRow: Uint32Array;
  /** Best prices; 0 and 10,000 where a side is empty or unknown. [R] */
  readonly bestBidCc: Uint16Array;
  readonly bestAskCc: Uint16Array;
  /** Time of the market's first book; NaN where it never had one (then R is 0). */
  readonly firstBookUs: number;
  /** Where episodes should start at the earliest: 600 s after the first book if there are such rows. */
  readonly warm: number;
}

export interface PrecomputeOptions {
  /** Stream indices of the markets wanted; all of the tape when left out. */
  readonly markets?: readonly number[];
  readonly cadence: Cadence;
}

/**
 * Encodes the wanted markets of `tape`, one `FeatureRows` each, in the order wanted. At the 1 s
 * cadence rows stand at every whole second from the first book to the close or the end of the
 * recording; a second at which the market has just closed is the last row, and not valid.
 */
export function precomputeFeatures(tape: Tape, options: PrecomputeOptions): FeatureRows[] {
  const wanted = options.markets ?? tape.markets.map((_, index) => index);
  const endUs = tape.rowCount === 0 ? 0 : (tape.atUs[tape.order[tape.rowCount - 1] ?? 0] as number);
  const runners = createRunners(tape, wanted, options.cadence, endUs);
  const active = runners.filter((runner) => runner !== null);
  const streamOf = streamOfRows(tape);
  const onSeconds = options.cadence === "1s";
  let tickUs = Infinity;
  for (let index = 0; index < tape.rowCount; index++) {
    const row = tape.order[index] as number;
    const runner = runners[streamOf[row] as number];
    if (runner === null || runner === undefined) continue;
    const atUs = tape.atUs[row] as number;
    while (tickUs < atUs) {
      for (const each of active) each.tick(tickUs);
      tickUs += US_PER_SECOND;
    }
    runner.feed(tape, row);
    if (onSeconds && tickUs === Infinity && runner.encoder.isKnown()) {
      tickUs = Math.ceil(atUs / US_PER_SECOND) * US_PER_SECOND;
    }
  }
  for (; tickUs <= endUs; tickUs += US_PER_SECOND) {
    for (const each of active) each.tick(tickUs);
  }
  return wanted.map((market) => {
    const runner = runners[market];
    assert(runner !== null && runner !== undefined, "every wanted market has its runner");
    return runner.finish();
  });
}

/** Copies row `row` into a 52-wide observation at `out[offset]`; the account's part stays. */
export function copyMarketRow(
  rows: FeatureRows,
  row: number,
  out: Float32Array,
  offset: number,
): void {
  const from = rows.rows;
  let at = row * MARKET_FEATURE_COUNT;
  for (let to = offset; to < offset + ACCOUNT_OFFSET; to++) out[to] = from[at++] as number;
  const temporal = offset + TEMPORAL_OFFSET;
  for (let to = temporal; to < temporal + TEMPORAL_COUNT; to++) out[to] = from[at++] as number;
}

/** The schema's feature of each column of `FeatureRows.rows`. [35] */
export const MARKET_FEATURES: readonly number[] = Array.from(
  { length: MARKET_FEATURE_COUNT },
  (_, column) => (column < ACCOUNT_OFFSET ? column : column - ACCOUNT_OFFSET + TEMPORAL_OFFSET),
);

/** One market on its way through the session. */
class Runner {
  readonly encoder: MarketEncoder;
  readonly #market: number;
  readonly #cadence: Cadence;
  readonly #isWanted: boolean;
  readonly #atUs: Float64Array;
  readonly #rows: Float32Array;
  readonly #valid: Uint8Array;
  readonly #tapeRow: Uint32Array;
  readonly #bestBidCc: Uint16Array;
  readonly #bestAskCc: Uint16Array;
  #count = 0;
  #nextRow: number;
  #firstBookUs = NaN;
  #closedUs = Infinity;

  constructor(
    encoder: MarketEncoder,
    market: number,
    cadence: Cadence,
    firstRow: number,
    capacity: number,
  ) {
    this.encoder = encoder;
    this.#market = market;
    this.#cadence = cadence;
    this.#isWanted = capacity > 0;
    this.#nextRow = firstRow;
    // Threads that step environments read the same rows.
    const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);
    this.#atUs = new Float64Array(shared(capacity * 8));
    this.#rows = new Float32Array(shared(capacity * MARKET_FEATURE_COUNT * 4));
    this.#valid = new Uint8Array(shared(capacity));
    this.#tapeRow = new Uint32Array(shared(capacity * 4));
    this.#bestBidCc = new Uint16Array(shared(capacity * 2));
    this.#bestAskCc = new Uint16Array(shared(capacity * 2));
  }

  feed(tape: Tape, row: number): void {
    // A snapshot's level rows went with it.
    if (row < this.#nextRow) return;
    const encoder = this.encoder;
    const changes = encoder.bookChanges();
    this.#nextRow = encoder.applyRow(tape, row);
    const atUs = tape.atUs[row] as number;
    if (this.#firstBookUs !== this.#firstBookUs && encoder.isKnown()) this.#firstBookUs = atUs;
    if (this.#closedUs === Infinity && encoder.isClosed()) this.#closedUs = atUs;
    if (this.#cadence === "event" && encoder.bookChanges() !== changes) this.#write(atUs);
  }

  tick(atUs: number): void {
    // Before the first book, NaN, the comparison fails as it should.
    if (atUs >= this.#firstBookUs && atUs <= this.#closedUs) this.#write(atUs);
  }

  #write(atUs: number): void {
    if (!this.#isWanted) return;
    const encoder = this.encoder;
    const row = this.#count;
    assert(row < this.#atUs.length, "a row was counted before it is written");
    const isKnown = encoder.isKnown();
    if (isKnown) {
      const at = row * MARKET_FEATURE_COUNT;
      encoder.encode(atUs, this.#rows, at, at + ACCOUNT_OFFSET);
    }
    this.#atUs[row] = atUs;
    this.#valid[row] = isKnown && !encoder.isClosed() ? 1 : 0;
    this.#tapeRow[row] = this.#nextRow;
    this.#bestBidCc[row] = encoder.bestBidCc();
    this.#bestAskCc[row] = encoder.bestAskCc();
    this.#count = row + 1;
  }

  finish(): FeatureRows {
    const count = this.#count;
    const warmUs = this.#firstBookUs + WARM_UP_US;
    const warm = this.#atUs.subarray(0, count).findIndex((atUs) => atUs >= warmUs);
    return {
      marketIndex: this.#market,
      cadence: this.#cadence,
      count,
      atUs: this.#atUs.subarray(0, count),
      rows: this.#rows.subarray(0, count * MARKET_FEATURE_COUNT),
      valid: this.#valid.subarray(0, count),
      tapeRow: this.#tapeRow.subarray(0, count),
      bestBidCc: this.#bestBidCc.subarray(0, count),
      bestAskCc: this.#bestAskCc.subarray(0, count),
      firstBookUs: this.#firstBookUs,
      warm: warm < 0 ? 0 : warm,
    };
  }
}

/** A runner for each wanted market and for the others of its event; null for the rest. [markets] */
function createRunners(
  tape: Tape,
  wanted: readonly number[],
  cadence: Cadence,
  endUs: number,
): (Runner | null)[] {
  const groups = new Map<string, EventGroup>();
  for (const market of wanted) {
    const info = tape.markets[market];
    assert(info !== undefined, "a wanted market is on the tape");
    const event = tape.events.find((each) => each.eventTicker === info.eventTicker);
    if (event?.exclusive === true && !groups.has(event.eventTicker)) {
      groups.set(event.eventTicker, new EventGroup(event));
    }
  }
  return tape.markets.map((info, market) => {
    const group = groups.get(info.eventTicker);
    const isWanted = wanted.includes(market);
    if (!isWanted && group === undefined) return null;
    const grid = new PriceGrid(info.priceRanges);
    const encoder = new MarketEncoder({
      grid,
      closeUs: info.closeUs,
      ...(group === undefined ? {} : { group }),
    });
    const [from] = streamRows(tape, market);
    const capacity = isWanted ? countRows(tape, market, cadence, endUs) : 0;
    return new Runner(encoder, market, cadence, from, capacity);
  });
}

/** An upper bound of the rows that a market will have. */
function countRows(tape: Tape, market: number, cadence: Cadence, endUs: number): number {
  const [from, to] = streamRows(tape, market);
  if (cadence === "event") {
    let changes = 0;
    for (let row = from; row < to; row++) {
      const kind = tape.kind[row];
      if (kind === EventKind.delta || kind === EventKind.snapshot) changes += 1;
    }
    return changes;
  }
  for (let row = from; row < to; row++) {
    if (tape.kind[row] !== EventKind.snapshot) continue;
    let lastUs = endUs;
    for (let later = row; later < to; later++) {
      if (tape.kind[later] === EventKind.close) lastUs = tape.atUs[later] as number;
    }
    return Math.floor((lastUs - (tape.atUs[row] as number)) / US_PER_SECOND) + 2;
  }
  return 0;
}

/** The stream of each row. [R] */
function streamOfRows(tape: Tape): Uint16Array {
  const streams = new Uint16Array(tape.rowCount);
  for (let stream = 0; stream + 1 < tape.streamStart.length; stream++) {
    const [from, to] = streamRows(tape, stream);
    streams.fill(stream, from, to);
  }
  return streams;
}
