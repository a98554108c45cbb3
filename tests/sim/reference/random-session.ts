/**
 * Small random recordings: queues of others, takers that sweep them, gaps, snapshots, closes. In a
 * tame one every cancel names its order; a wild one holds what a recording should not: crossed
 * books, changes below zero, cancels of the wrong order, trades without a book change.
 */
import { type CentiCents, Prng, timestampUs } from "../../../src/core/index.ts";
import {
  EventKind,
  type FeeChange,
  type FeeTerms,
  type MarketInfo,
  PriceGrid,
  type PriceRange,
  QUEUE_COUNT_FIELDS,
  type Tape,
} from "../../../src/market/index.ts";
import { marketInfo, SECOND, START_US, ticksOf } from "../../fixtures/tape-builder.ts";
import type { Side } from "./money.ts";
import type { Quote, RecordedMarket, RecordedRow } from "./recording.ts";

/** A row before it is known where it stands. */
interface Draft {
  kind: RecordedRow["kind"];
  atUs: number;
  side: Side;
  price: number;
  lots: number;
  pair: Draft | null;
  whose: Source | null;
  levels: Source[];
  row: number;
}

/** Whose lots they are: a row that arrived, or a level of a snapshot. */
interface Source {
  side: Side;
  price: number;
  lots: number;
  row: number;
}

interface Standing {
  readonly source: Source;
  lots: number;
}

export interface RandomSession {
  readonly tape: Tape;
  readonly markets: readonly RecordedMarket[];
  readonly startUs: number;
  readonly endUs: number;
}

const FEES: readonly FeeTerms[] = [
  { type: "quadratic", multiplierPpm: 1_000_000 },
  { type: "quadratic", multiplierPpm: 500_000 },
  { type: "quadratic", multiplierPpm: 0 },
  { type: "quadratic_with_maker_fees", multiplierPpm: 1_000_000 },
  { type: "quadratic_with_maker_fees", multiplierPpm: 333_333 },
  { type: "quadratic_with_combo_maker_fees", multiplierPpm: 1_000_000 },
];
const CENTS: readonly PriceRange[] = ticksOf(100);
const TENTHS: readonly PriceRange[] = ticksOf(10);
/** Made once: a grid costs more than a session. */
const GRIDS = new Map([CENTS, TENTHS].map((ranges) => [ranges, new PriceGrid(ranges)]));
const WAITS_US = [0, 0, 0, 1, 700, 1_000, 1_000, 5_000, 20_000, 150_000];

export function pick<T>(prng: Prng, of: readonly T[]): T {
  return of[prng.integer(of.length)] as T;
}

export function randomSession(prng: Prng): RandomSession {
  const count = 1 + prng.integer(3);
  const kinds = ["tame", "tame", "wild"] as const;
  const books = Array.from(
    { length: count },
    (_, index) => new RandomBook(prng.fork(`${index}`), pick(prng, kinds)),
  );
  for (const book of books) book.play(15 + prng.integer(50));
  return layOut(books);
}

function randomFeeChanges(prng: Prng): FeeChange[] {
  const times = Array.from({ length: 1 + prng.integer(2) }, () => prng.integer(3_000_000));
  return times
    .sort((a, b) => a - b)
    .map((us) => ({ atUs: timestampUs(START_US + us), terms: pick(prng, FEES) }));
}

/** One market as its generator sees it: the real queues of others. */
class RandomBook {
  readonly info: MarketInfo;
  readonly grid: PriceGrid;
  readonly drafts: Draft[] = [];
  readonly quotes: Quote[] = [];
  readonly #prng: Prng;
  readonly #queues = { bid: new Map<number, Standing[]>(), ask: new Map<number, Standing[]>() };
  /** Book changes of trades that were told before them. */
  readonly #owed: Draft[] = [];
  readonly #kind: "plain" | "tame" | "wild";
  #lowest: number;
  #middle: number;
  #nowUs = START_US;

  constructor(prng: Prng, kind: "plain" | "tame" | "wild") {
    this.#prng = prng;
    this.#kind = kind;
    const ranges = pick(prng, [CENTS, CENTS, TENTHS]);
    this.grid = GRIDS.get(ranges) as PriceGrid;
    this.#lowest = prng.integer(this.grid.count - 12);
    this.#middle = this.#lowest + 6;
    const value = pick(prng, [0, 10_000, prng.integer(10_001)]);
    this.info = marketInfo({
      ticker: `KXTEST-${prng.uint32()}`,
      priceRanges: ranges,
      fees: pick(prng, FEES),
      ...(prng.integer(3) === 0 ? { feeChanges: randomFeeChanges(prng) } : {}),
      settlement: { valueCc: value as CentiCents, source: "given" },
    });
  }

  play(actions: number): void {
    const prng = this.#prng;
    // Sometimes the first messages are lost to us: a book that nobody knows yet.
    if (prng.integer(5) === 0) this.#arrival();
    this.#opening();
    for (let action = 0; action < actions; action++) {
      this.#nowUs += pick(prng, WAITS_US);
      // Orders expire on whole seconds.
      if (prng.integer(20) === 0) this.#nowUs = Math.ceil(this.#nowUs / SECOND) * SECOND;
      this.#act();
      if (prng.integer(3) === 0) this.#payOwed();
      if (prng.integer(8) === 0) this.#middle += prng.integer(3) - 1;
      this.#showQuote();
    }
    this.#payOwed();
    if (prng.integer(3) > 0) {
      this.#row({ kind: "close" });
      for (let after = prng.integer(4); after > 0; after--) this.#act();
      this.#payOwed();
    }
  }

  #act(): void {
    const chance = this.#prng.integer(100);
    if (this.#kind === "wild" && chance < 15) return this.#nonsense();
    if (chance < 50) return this.#arrival();
    if (chance < 70) return this.#cancel();
    if (chance < 90) return this.#taker();
    if (chance < 92) return void this.#row({ kind: "status", lots: 1 });
    if (chance < 93) return this.#lone("blockTrade");
    if (chance < 96) return this.#snapshot();
    if (chance < 98) return this.#lone(this.#kind === "plain" ? "blockTrade" : "trade");
    this.#payOwed();
    this.#row({ kind: "gap" });
    this.#nowUs += pick(this.#prng, WAITS_US);
    for (let unseen = this.#prng.integer(3); unseen > 0; unseen--) this.#arrival();
    if (this.#prng.integer(4) > 0) this.#opening();
  }

  /** A snapshot of orders that nobody has seen arrive. */
  #opening(): void {
    const { bid, ask } = this.#queues;
    bid.clear();
    ask.clear();
    const levels: Source[] = [];
    for (let tick = this.#lowest; tick < this.#lowest + 12; tick++) {
      if (this.#prng.integer(3) === 0 || tick === this.#middle) continue;
      const side = tick < this.#middle ? "bid" : "ask";
      levels.push({ side, price: this.#price(tick), lots: this.#lots(), row: -1 });
    }
    this.#shuffle(levels);
    for (const source of levels) {
      this.#queues[source.side].set(source.price, [{ source, lots: source.lots }]);
    }
    this.#row({ kind: "snapshot", lots: levels.length, levels });
    this.#showQuote();
  }

  /** A snapshot of what stands, or, in a wild recording, of something like it. */
  #snapshot(): void {
    this.#payOwed();
    if (this.#kind === "wild" && this.#prng.integer(2) === 0) {
      // Somewhere else, perhaps through our orders.
      this.#middle = this.#lowest + 3 + this.#prng.integer(7);
      return this.#opening();
    }
    const levels: Source[] = [];
    for (const side of ["bid", "ask"] as const) {
      for (const [price, queue] of this.#queues[side]) {
        const lots = queue.reduce((sum, standing) => sum + standing.lots, 0);
        if (lots > 0) levels.push({ side, price, lots, row: -1 });
      }
    }
    this.#row({ kind: "snapshot", lots: levels.length, levels });
  }

  #arrival(): void {
    const side = pick(this.#prng, ["bid", "ask"] as const);
    const away = this.#prng.integer(6);
    const other = side === "bid" ? this.#best("ask") : this.#best("bid");
    // Up to the other side's best price, which it does not reach.
    const limit = other ?? this.#middle;
    const tick =
      side === "bid"
        ? Math.max(this.#lowest, Math.min(limit - 1, this.#middle + 1) - away)
        : Math.min(this.#lowest + 11, Math.max(limit + 1, this.#middle - 1) + away);
    if (other !== null && (side === "bid" ? tick >= other : tick <= other)) return;
    if (tick < 0 || tick >= this.grid.count) return;
    this.#arrive(side, this.#price(tick), this.#lots());
  }

  #arrive(side: Side, price: number, lots: number): void {
    const source = this.#row({ kind: "delta", side, price, lots });
    const queue = this.#queues[side].get(price) ?? [];
    queue.push({ source, lots });
    this.#queues[side].set(price, queue);
  }

  #cancel(): void {
    const side = pick(this.#prng, ["bid", "ask"] as const);
    const queues = [...this.#queues[side]].filter(([, queue]) => queue.length > 0);
    if (queues.length === 0) return;
    const [price, queue] = pick(this.#prng, queues);
    const standing = pick(this.#prng, queue);
    const isWhole = this.#prng.integer(3) > 0;
    const lots = isWhole ? standing.lots : 1 + this.#prng.integer(standing.lots);
    // What nobody can attribute goes from the back.
    const isKnown = this.#prng.integer(6) > 0;
    if (isKnown) {
      standing.lots -= lots;
      if (standing.lots === 0) queue.splice(queue.indexOf(standing), 1);
    } else takeFrom(queue, lots, "back");
    const whose = isKnown ? standing.source : null;
    this.#row({ kind: "delta", side, price, lots: -lots, whose });
  }

  /** A taker sweeps as many orders as it takes, over several prices. */
  #taker(): void {
    const prng = this.#prng;
    const side = pick(prng, ["bid", "ask"] as const);
    let left = 1 + prng.integer(pick(prng, [50, 500, 3_000]));
    const order = prng.integer(this.#kind === "plain" ? 9 : 10);
    const late: Draft[] = [];
    for (let best = this.#best(side); best !== null && left > 0; best = this.#best(side)) {
      const price = this.#price(best);
      const queue = this.#queues[side].get(price) as Standing[];
      // Mostly one maker a trade, as on the venue; else as many as there are.
      const makers = prng.integer(3) > 0 ? queue.slice(0, 1) : queue;
      const lots = Math.min(
        left,
        makers.reduce((sum, maker) => sum + maker.lots, 0),
      );
      takeFrom(queue, lots, "front");
      left -= lots;
      const delta = this.#draft({ kind: "delta", side, price, lots: -lots });
      const trade = this.#draft({ kind: "trade", side, price, lots });
      delta.pair = trade;
      trade.pair = delta;
      if (order < 5) this.#write(delta, trade);
      else if (order < 8) {
        this.#write(delta);
        late.push(trade);
      } else if (order < 9) this.#write(trade, delta);
      else {
        this.#write(trade);
        this.#owed.push(delta);
      }
    }
    if (prng.integer(3) === 0) this.#nowUs += pick(prng, WAITS_US);
    this.#write(...late);
  }

  #lone(kind: "trade" | "blockTrade"): void {
    const side = pick(this.#prng, ["bid", "ask"] as const);
    const price = this.#price(this.#somewhere());
    this.#row({ kind, side, price, lots: this.#lots() });
  }

  /** What a recording should not hold. */
  #nonsense(): void {
    const prng = this.#prng;
    const side = pick(prng, ["bid", "ask"] as const);
    const price = this.#price(this.#somewhere());
    const lots = this.#lots();
    const chance = prng.integer(14);
    if (chance === 0) return this.#snapshot();
    if (chance > 11) return this.#renew(side);
    if (chance < 6) return this.#arrive(side, price, lots);
    const earlier = this.drafts.filter((draft) => draft.kind === "delta" && draft.lots > 0);
    const whose = earlier.length > 0 && prng.integer(3) > 0 ? pick(prng, earlier) : null;
    takeFrom(this.#queues[side].get(price) ?? [], lots, "back");
    this.#row({ kind: "delta", side, price, lots: -lots, whose });
  }

  /** At the best price somebody comes, and those in front go, part by part. */
  #renew(side: Side): void {
    const best = this.#best(side);
    if (best === null) return;
    const price = this.#price(best);
    this.#arrive(side, price, this.#lots());
    const front = this.#queues[side].get(price)?.[0];
    for (let parts = this.#prng.integer(4); front !== undefined && parts > 0; parts--) {
      if (front.lots < 2) return;
      const lots = 1 + this.#prng.integer(front.lots - 1);
      front.lots -= lots;
      this.#row({ kind: "delta", side, price, lots: -lots, whose: front.source });
    }
  }

  #payOwed(): void {
    this.#write(...this.#owed.splice(0));
  }

  #somewhere(): number {
    return this.#lowest + this.#prng.integer(12);
  }

  #lots(): number {
    return 1 + this.#prng.integer(pick(this.#prng, [5, 100, 100, 1_000, 20_000]));
  }

  #price(tick: number): number {
    return this.grid.prices[tick] as number;
  }

  /** Best occupied tick of the queues. */
  #best(side: Side): number | null {
    const ticks = [...this.#queues[side]]
      .filter(([, queue]) => queue.length > 0)
      .map(([price]) => this.grid.ticks[price] as number);
    if (ticks.length === 0) return null;
    return side === "bid" ? Math.max(...ticks) : Math.min(...ticks);
  }

  #showQuote(): void {
    const bid = this.#best("bid") ?? this.#lowest;
    const ask = this.#best("ask") ?? this.#lowest + 11;
    const at = (side: Side, tick: number): { price: number; lots: number } => {
      const queue = this.#queues[side].get(this.#price(tick)) ?? [];
      return { price: this.#price(tick), lots: queue.reduce((sum, { lots }) => sum + lots, 0) };
    };
    this.quotes.push({ atUs: this.#nowUs, bid: at("bid", bid), ask: at("ask", ask) });
  }

  #shuffle(list: Source[]): void {
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.#prng.integer(last + 1);
      const kept = list[last] as Source;
      list[last] = list[other] as Source;
      list[other] = kept;
    }
  }

  #draft(of: Partial<Draft> & Pick<Draft, "kind">): Draft {
    const none = { side: "bid" as const, price: 0, lots: 0, pair: null, whose: null, levels: [] };
    return { ...none, atUs: this.#nowUs, row: -1, ...of };
  }

  #row(of: Partial<Draft> & Pick<Draft, "kind">): Draft {
    const draft = this.#draft(of);
    this.#write(draft);
    return draft;
  }

  #write(...drafts: Draft[]): void {
    for (const draft of drafts) {
      draft.atUs = this.#nowUs;
      this.drafts.push(draft);
    }
  }
}

function takeFrom(queue: Standing[], lots: number, end: "front" | "back"): void {
  let left = lots;
  while (left > 0 && queue.length > 0) {
    const standing = (end === "front" ? queue[0] : queue.at(-1)) as Standing;
    const part = Math.min(left, standing.lots);
    standing.lots -= part;
    left -= part;
    if (standing.lots > 0) return;
    if (end === "front") queue.shift();
    else queue.pop();
  }
}

/** One market of which every lot is known: whose it is, and that its trade came with its change. */
export function plainSession(prng: Prng): RandomSession {
  const book = new RandomBook(prng.fork("book"), "plain");
  book.play(30 + prng.integer(60));
  return layOut([book]);
}

/** Gives every row its place and makes both forms of the recording. */
function layOut(books: readonly RandomBook[]): RandomSession {
  const streamStart = [0];
  let next = 0;
  for (const { drafts } of books) {
    for (const draft of drafts) {
      draft.row = next++;
      for (const level of draft.levels) level.row = next++;
    }
    streamStart.push(next);
  }
  const tape = {
    sessionId: "random",
    contentHash: "0".repeat(64),
    markets: books.map(({ info }) => info),
    events: [{ eventTicker: "KXTEST-26MAR18", exclusive: false, marketCount: null }],
    references: [],
    rowCount: next,
    streamStart: Uint32Array.from(streamStart),
    atUs: new Float64Array(next),
    kind: new Uint8Array(next),
    side: new Uint8Array(next),
    priceCc: new Uint16Array(next),
    size: new Float64Array(next),
    pairRow: new Int32Array(next).fill(-1),
    queueRow: new Int32Array(next).fill(-1),
    queueCounts: new Uint32Array(books.length * QUEUE_COUNT_FIELDS),
    order: Uint32Array.from({ length: next }, (_, row) => row),
  } satisfies Tape;
  for (const draft of books.flatMap(({ drafts }) => drafts)) {
    tape.pairRow[draft.row] = draft.pair?.row ?? -1;
    tape.queueRow[draft.row] = draft.whose?.row ?? -1;
    put(tape, draft, EventKind[draft.kind], draft.atUs);
    for (const level of draft.levels) put(tape, level, EventKind.level, draft.atUs);
  }
  tape.order.sort((a, b) => (tape.atUs[a] ?? 0) - (tape.atUs[b] ?? 0) || a - b);
  const times = books.flatMap(({ drafts }) => drafts.map(({ atUs }) => atUs));
  return {
    tape,
    markets: books.map(recorded),
    startUs: timestampUs(Math.min(...times)),
    endUs: timestampUs(Math.max(...times)),
  };
}

function put(tape: Tape, source: Source, kind: EventKind, atUs: number): void {
  tape.atUs[source.row] = atUs;
  tape.kind[source.row] = kind;
  tape.side[source.row] = source.side === "bid" ? 0 : 1;
  tape.priceCc[source.row] = source.price;
  tape.size[source.row] = source.lots;
}

function recorded({ drafts, grid, info, quotes }: RandomBook): RecordedMarket {
  const rows = drafts.map((draft) => ({
    kind: draft.kind,
    row: draft.row,
    lastRow: draft.row + draft.levels.length,
    atUs: draft.atUs,
    side: draft.side,
    price: draft.price,
    lots: draft.lots,
    pair: draft.pair?.row ?? -1,
    whose: draft.whose?.row ?? -1,
    levels: draft.levels,
  }));
  const { priceRanges, fees, feeChanges = [], settlement } = info;
  if (settlement === null) throw new Error("a random market has a settlement");
  return { rows, prices: [...grid.prices], priceRanges, fees, feeChanges, settlement, quotes };
}
