/**
 * Who cancelled: the queue at every price, reconstructed order by order from a feed of levels.
 *
 * Kalshi's feed is nearly order by order. A positive delta is one order arriving at the back of its
 * price, and its row is the order's name. A trade takes from the front. A negative delta without a
 * trade is a cancel or a decrease of one order, and the feed does not say whose. It is attributed,
 * looking only at rows before it, by the first of these rules that fits (sizes are what is left of
 * an order; the order that a snapshot's level opens with is a lump of unknown orders in front):
 *   1. the newest order of exactly its size;
 *   2. two orders that come to its size, the newest such pair among the newest 64: an order that was
 *      increased arrived in two parts. The newer one's row is given;
 *   3. the newest larger order that was decreased before;
 *   4. the newest larger order, last of all the opening lump;
 *   5. nobody: it is taken from the back, and the row is -1.
 * Newest first, because those who requote cancel what they sent last; measured against the oldest,
 * the largest and the smallest, these rules contradicted the fewest trades.
 *
 * How far to trust it is measured beside it: an order in front that is smaller than the trade which
 * took it shows that the list was wrong. Where too much contradicts, all rows are -1, and a reader
 * has the totals of levels only.
 */
import type { TapeArrays } from "./build-tape.ts";
import { EventKind, type Tape } from "./tape.ts";

/** What the reconstruction of one market's queues came to. */
export interface QueueCounts {
  /** Trades while the book was known, and those among them that pair with no delta. */
  readonly trades: number;
  readonly unpairedTrades: number;
  /** Paired trades that met the opening lump, of which nothing is known. */
  readonly openingTrades: number;
  /** Of the other paired trades, those that the order in front was large enough for. */
  readonly consistentTrades: number;
  /** Negative deltas without a trade; rules 1 to 5 make up the whole. */
  readonly cancels: number;
  readonly exactCancels: number;
  readonly twofoldCancels: number;
  readonly decreases: number;
  readonly openingCancels: number;
  readonly unattributedCancels: number;
}

const FIELDS = [
  "trades",
  "unpairedTrades",
  "openingTrades",
  "consistentTrades",
  "cancels",
  "exactCancels",
  "twofoldCancels",
  "decreases",
  "openingCancels",
  "unattributedCancels",
] as const satisfies readonly (keyof QueueCounts)[];

/** Numbers that a tape keeps for each stream. */
export const QUEUE_COUNT_FIELDS = FIELDS.length;

/**
 * Shares below which a market's queues are not used, both of what does not touch the opening lump; a
 * market without such events passes.
 */
const CONSISTENT_MIN = 0.85;
const EXACT_MIN = 0.5;

/** How good the reconstruction of a market, or of several together, is. */
export interface QueueQuality extends QueueCounts {
  /** Of the paired trades after the opening, the share that the front order was large enough for. */
  readonly consistentShare: number;
  /** Share of the cancels that are one order of exactly their size. */
  readonly exactShare: number;
  /** True where the queues are good enough to be used; else level totals stand for them. */
  readonly used: boolean;
}

/** The quality over `markets` of a tape, counts added up; of all its markets when left out. */
export function queueQuality(tape: Tape, markets?: readonly number[]): QueueQuality {
  const sums = new Array<number>(QUEUE_COUNT_FIELDS).fill(0);
  let used = true;
  for (const market of markets ?? tape.markets.keys()) {
    const from = market * QUEUE_COUNT_FIELDS;
    const counts = tape.queueCounts.subarray(from, from + QUEUE_COUNT_FIELDS);
    counts.forEach((count, field) => (sums[field] = (sums[field] as number) + count));
    used &&= sharesOf(counts).used;
  }
  const counts = Object.fromEntries(FIELDS.map((name, index) => [name, sums[index]]));
  return { ...(counts as unknown as QueueCounts), ...sharesOf(sums), used };
}

function sharesOf(
  counts: ArrayLike<number>,
): Pick<QueueQuality, "consistentShare" | "exactShare" | "used"> {
  const of = (name: keyof QueueCounts): number => counts[FIELDS.indexOf(name)] ?? 0;
  const judged = of("trades") - of("unpairedTrades") - of("openingTrades");
  const consistentShare = judged === 0 ? 1 : of("consistentTrades") / judged;
  const exactShare = of("cancels") === 0 ? 1 : of("exactCancels") / of("cancels");
  const exactMin = EXACT_MIN * (of("cancels") - of("openingCancels"));
  const used = consistentShare >= CONSISTENT_MIN && of("exactCancels") >= exactMin;
  return { consistentShare, exactShare, used };
}

/** Fills `queueRow` and `queueCounts` of the first `markets` streams; pairs must be known. */
export function reconstructQueues(arrays: TapeArrays, markets: number): void {
  const { streamStart, queueRow, queueCounts } = arrays;
  queueRow.fill(-1);
  let longest = 0;
  for (let stream = 0; stream < markets; stream++) {
    const length = (streamStart[stream + 1] as number) - (streamStart[stream] as number);
    longest = Math.max(longest, length);
  }
  const queues = new Queues(arrays, longest);
  for (let stream = 0; stream < markets; stream++) {
    const counts = queues.run(streamStart[stream] as number, streamStart[stream + 1] as number);
    const values = FIELDS.map((name) => counts[name]);
    queueCounts.set(values, stream * QUEUE_COUNT_FIELDS);
    if (!sharesOf(values).used) {
      queueRow.fill(-1, streamStart[stream] as number, streamStart[stream + 1] as number);
    }
  }
}

const PAIR_REACH = 64;
/** Keys of levels: prices of bids from 0, of asks from here. */
const ASKS = 10_001;

type Counts = { -readonly [Name in keyof QueueCounts]: number };

/** The queues of one market: a doubly linked list a level, whose links are tape rows. */
class Queues {
  readonly #tape: TapeArrays;
  /** By row less the stream's first: lots left, neighbours in the queue, decreased before. */
  readonly #left: Float64Array;
  readonly #ahead: Int32Array;
  readonly #behind: Int32Array;
  readonly #decreased: Uint8Array;
  /** By level: the order in front and the newest, -1 where nobody stands. */
  readonly #front = new Int32Array(2 * ASKS).fill(-1);
  readonly #back = new Int32Array(2 * ASKS).fill(-1);
  /** By level: the row of the last snapshot that had it. */
  readonly #seen = new Int32Array(2 * ASKS);
  /** Levels that may be occupied, each once. */
  #levels: number[] = [];
  readonly #listed = new Uint8Array(2 * ASKS);
  #first = 0;
  #counts: Counts = emptyCounts();

  constructor(tape: TapeArrays, length: number) {
    this.#tape = tape;
    this.#left = new Float64Array(length);
    this.#ahead = new Int32Array(length);
    this.#behind = new Int32Array(length);
    this.#decreased = new Uint8Array(length);
  }

  /** Goes through the stream of rows [first, end). */
  run(first: number, end: number): QueueCounts {
    const { kind, size, pairRow, queueRow } = this.#tape;
    const counts = (this.#counts = emptyCounts());
    this.#first = first;
    this.#clear();
    let known = false;
    for (let row = first; row < end; row++) {
      const what = kind[row];
      if (what === EventKind.snapshot) {
        this.#snapshot(row);
        known = true;
      } else if (what === EventKind.gap) {
        this.#clear();
        known = false;
      } else if (!known) {
        continue;
      } else if (what === EventKind.trade) {
        counts.trades += 1;
        const pair = pairRow[row] as number;
        if (pair < 0) counts.unpairedTrades += 1;
        else if (pair > row) this.#trade(this.#levelOf(row), size[row] as number);
      } else if (what === EventKind.delta) {
        const change = size[row] as number;
        const pair = pairRow[row] as number;
        if (change > 0) this.#arrive(row, change);
        // A match is where the first of its two rows stands.
        else if (pair > row) this.#trade(this.#levelOf(row), -change);
        else if (pair < 0) queueRow[row] = this.#cancel(this.#levelOf(row), -change);
      }
    }
    return counts;
  }

  #levelOf(row: number): number {
    const { side, priceCc } = this.#tape;
    return (side[row] as number) * ASKS + (priceCc[row] as number);
  }

  #arrive(row: number, size: number): void {
    const level = this.#levelOf(row);
    const at = row - this.#first;
    const newest = this.#back[level] as number;
    this.#left[at] = size;
    this.#decreased[at] = 0;
    this.#ahead[at] = newest;
    this.#behind[at] = -1;
    if (newest < 0) this.#front[level] = at;
    else this.#behind[newest] = at;
    this.#back[level] = at;
    if (this.#listed[level] === 0) {
      this.#listed[level] = 1;
      this.#levels.push(level);
    }
  }

  #remove(level: number, at: number): void {
    const ahead = this.#ahead[at] as number;
    const behind = this.#behind[at] as number;
    if (ahead < 0) this.#front[level] = behind;
    else this.#behind[ahead] = behind;
    if (behind < 0) this.#back[level] = ahead;
    else this.#ahead[behind] = ahead;
  }

  #isOpening(at: number): boolean {
    return this.#tape.kind[at + this.#first] === EventKind.level;
  }

  #trade(level: number, size: number): void {
    const front = this.#front[level] as number;
    if (front >= 0 && this.#isOpening(front)) this.#counts.openingTrades += 1;
    else if (front >= 0 && (this.#left[front] as number) >= size) {
      this.#counts.consistentTrades += 1;
    }
    let due = size;
    while (due > 0) {
      const at = this.#front[level] as number;
      if (at < 0) return;
      due = this.#take(level, at, due);
    }
  }

  /** Takes up to `due` lots off an order; returns what is left to take. */
  #take(level: number, at: number, due: number): number {
    const left = this.#left[at] as number;
    if (left > due) {
      this.#left[at] = left - due;
      return 0;
    }
    this.#remove(level, at);
    return due - left;
  }

  /** The row that a cancel of `size` is attributed to, or -1. */
  #cancel(level: number, size: number): number {
    const counts = this.#counts;
    counts.cancels += 1;
    let larger = -1;
    let decreased = -1;
    let opening = -1;
    for (let at = this.#back[level] as number; at >= 0; at = this.#ahead[at] as number) {
      const left = this.#left[at] as number;
      if (left < size) continue;
      if (this.#isOpening(at)) opening = at;
      else if (left === size) {
        counts.exactCancels += 1;
        this.#remove(level, at);
        return at + this.#first;
      } else if (larger < 0) larger = at;
      if (left > size && decreased < 0 && this.#decreased[at] === 1) decreased = at;
    }
    const newer = this.#cancelTwo(level, size);
    if (newer >= 0) {
      counts.twofoldCancels += 1;
      return newer + this.#first;
    }
    const whose = decreased >= 0 ? decreased : larger >= 0 ? larger : opening;
    if (whose < 0) {
      counts.unattributedCancels += 1;
      this.#takeFromBack(level, size);
      return -1;
    }
    if (this.#isOpening(whose)) counts.openingCancels += 1;
    else counts.decreases += 1;
    this.#decreased[whose] = 1;
    this.#take(level, whose, size);
    return whose + this.#first;
  }

  /** Removes two orders that come to `size` and returns the newer, or -1 where there are none. */
  #cancelTwo(level: number, size: number): number {
    let reach = PAIR_REACH;
    for (let newer = this.#back[level] as number; newer >= 0 && reach > 0; reach--) {
      const wanted = size - (this.#left[newer] as number);
      let steps = reach - 1;
      if (wanted > 0 && !this.#isOpening(newer)) {
        let older = this.#ahead[newer] as number;
        for (; older >= 0 && steps > 0; steps--) {
          if (this.#left[older] === wanted && !this.#isOpening(older)) {
            this.#remove(level, newer);
            this.#remove(level, older);
            return newer;
          }
          older = this.#ahead[older] as number;
        }
      }
      newer = this.#ahead[newer] as number;
    }
    return -1;
  }

  #takeFromBack(level: number, size: number): void {
    let due = size;
    while (due > 0) {
      const at = this.#back[level] as number;
      if (at < 0) return;
      due = this.#take(level, at, due);
    }
  }

  /**
   * A snapshot after a book that was known keeps the queues: what a level has lost is taken from the
   * back, what it has won stands there as a lump.
   */
  #snapshot(row: number): void {
    const { size } = this.#tape;
    const end = row + (size[row] as number);
    for (let at = row + 1; at <= end; at++) {
      const level = this.#levelOf(at);
      this.#seen[level] = row;
      let missing = size[at] as number;
      for (let order = this.#front[level] as number; order >= 0;) {
        missing -= this.#left[order] as number;
        order = this.#behind[order] as number;
      }
      if (missing > 0) this.#arrive(at, missing);
      else if (missing < 0) this.#takeFromBack(level, -missing);
    }
    this.#levels = this.#levels.filter((level) => {
      if (this.#seen[level] === row) return true;
      this.#empty(level);
      return false;
    });
  }

  #empty(level: number): void {
    this.#front[level] = -1;
    this.#back[level] = -1;
    this.#listed[level] = 0;
  }

  #clear(): void {
    for (const level of this.#levels) this.#empty(level);
    this.#levels = [];
  }
}

function emptyCounts(): Counts {
  return {
    trades: 0,
    unpairedTrades: 0,
    openingTrades: 0,
    consistentTrades: 0,
    cancels: 0,
    exactCancels: 0,
    twofoldCancels: 0,
    decreases: 0,
    openingCancels: 0,
    unattributedCancels: 0,
  };
}
