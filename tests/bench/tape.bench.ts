/**
 * Tape: one million events from session to tape (unpack, pair, order, store), from the tape file to
 * memory, and books replayed from the tape. Events are seeded, over 20 markets of about 95 levels.
 * Baselines in the same run: the tape file read without checking it, and a replay into maps.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CentiCents, Prng } from "../../src/core/index.ts";
import {
  BookSide,
  createSession,
  EventKind,
  LINEAR_CENT,
  openSession,
  OrderBook,
  PriceGrid,
  type SessionFacts,
  StampResolution,
  type Tape,
} from "../../src/market/index.ts";

const EVENTS = 1_000_000;
const MARKETS = 20;
const ROUNDS = 9;

export function run(_options: { json: boolean }): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-bench-"));
  try {
    const path = join(folder, "session");
    writeSession(path);
    const session = openSession(path);
    const tapeFile = join(path, "session.tape");
    const build = measure(() => {
      rmSync(tapeFile, { force: true });
      session.readTape();
    });
    const load = measure(() => void session.readTape());
    const plain = measure(() => void readFileSync(tapeFile));
    const tape = session.readTape();
    let deltas = 0;
    for (const kind of tape.kind) if (kind === EventKind.delta) deltas += 1;
    const replay = measure(() => replayBooks(tape));
    const maps = measure(() => replayMaps(tape));
    session.close();
    return Promise.resolve({
      events: EVENTS,
      session_to_tape_ms: build.median,
      session_to_tape_ms_min_max: [build.min, build.max],
      tape_to_memory_ms: load.median,
      tape_to_memory_ms_min_max: [load.min, load.max],
      baseline_read_file_ms: plain.median,
      replay_deltas_per_second: Math.round(deltas / (replay.median / 1000)),
      baseline_maps_deltas_per_second: Math.round(deltas / (maps.median / 1000)),
      targets: { session_to_tape_ms: 500, tape_to_memory_ms: 20, replay_deltas_per_second: 1e7 },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Median, least and most milliseconds over the rounds, after two to warm up. */
function measure(work: () => void): { median: number; min: number; max: number } {
  const times: number[] = [];
  for (let round = -2; round < ROUNDS; round++) {
    const start = performance.now();
    work();
    if (round >= 0) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (index: number): number => Math.round((times[index] ?? 0) * 100) / 100;
  return { median: at(ROUNDS >> 1), min: at(0), max: at(ROUNDS - 1) };
}

function writeSession(path: string): void {
  const facts: SessionFacts = {
    id: "bench",
    source: "bench",
    markets: Array.from({ length: MARKETS }, (_, index) => ({
      ticker: `KXBENCH-26-${String(index)}`,
      eventTicker: "KXBENCH-26",
      seriesTicker: "KXBENCH",
      closeUs: null,
      priceRanges: LINEAR_CENT,
      fees: { type: "quadratic", multiplierPpm: 1_000_000 },
      settlement: null,
    })),
    events: [{ eventTicker: "KXBENCH-26", exclusive: false, marketCount: null }],
    references: [],
  };
  const prng = Prng.fromSeed(1);
  const writer = createSession(path, facts);
  for (let market = 0; market < MARKETS; market++) {
    writer.snapshot(
      market,
      Array.from({ length: 95 }, (_, index) => {
        const cent = index < 48 ? index + 1 : index + 3;
        const side = index < 48 ? BookSide.bid : BookSide.ask;
        return { side, priceCc: cent * 100, size: 500_000_000 };
      }),
    );
  }
  let atUs = 1_773_862_560_000_000;
  while (writer.position < EVENTS) {
    atUs += prng.integer(2_000);
    const market = prng.integer(MARKETS);
    const side = prng.integer(2) === 0 ? BookSide.bid : BookSide.ask;
    // Near the touch of 48 and 52 cents, as in real books: nearly all changes are there.
    const depth = Math.min(prng.integer(6), prng.integer(30));
    const priceCc = ((side === BookSide.bid ? 48 - depth : 52 + depth) * 100) as CentiCents;
    const size = 100 * (1 + prng.integer(2_000));
    const trades = prng.integer(10) === 0;
    writer.delta(market, side, priceCc, trades || prng.integer(2) === 0 ? -size : size, atUs);
    if (!trades) continue;
    const secondUs = Math.floor(atUs / 1e6) * 1e6;
    writer.trade(market, side, priceCc, size, secondUs, StampResolution.second);
  }
  writer.finish();
}

function replayBooks(tape: Tape): void {
  for (let stream = 0; stream < tape.markets.length; stream++) {
    const book = new OrderBook(new PriceGrid(LINEAR_CENT));
    const end = tape.streamStart[stream + 1] ?? 0;
    for (let row = tape.streamStart[stream] ?? 0; row < end;) row = book.apply(tape, row);
  }
}

function replayMaps(tape: Tape): void {
  for (let stream = 0; stream < tape.markets.length; stream++) {
    const sides = [new Map<number, number>(), new Map<number, number>()] as const;
    const end = tape.streamStart[stream + 1] ?? 0;
    for (let row = tape.streamStart[stream] ?? 0; row < end; row++) {
      if (tape.kind[row] === EventKind.snapshot) for (const side of sides) side.clear();
      else if (tape.kind[row] === EventKind.delta || tape.kind[row] === EventKind.level) {
        const side = sides[tape.side[row] as BookSide];
        const price = tape.priceCc[row] ?? 0;
        const after = (side.get(price) ?? 0) + (tape.size[row] ?? 0);
        if (after > 0) side.set(price, after);
        else side.delete(price);
      }
    }
  }
}
