/**
 * When would our orders have filled? One order of ten contracts at a time joins the best bid or ask
 * of a market, every minute, and rests for ten: under the reconstructed queue (`queue`), the
 * totals of levels (`level`), and the two bounds. Each order has a world of its own and no latency.
 *
 * On generated sessions the true queues are known, so there the models are compared with the truth;
 * on the recordings, with one another.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../src/core/index.ts";
import { BookSide, openSession, queueQuality, SAMPLES, type Tape } from "../../src/market/index.ts";
import type { ApprovedOrder, ClientOrderId, OrderEvent } from "../../src/orders/index.ts";
import {
  FILL_MODELS,
  type FillModel,
  type MarketData,
  NO_LATENCY,
  prepareTape,
  SimulatedOrderManager,
} from "../../src/sim/index.ts";
import { hasRecordings, importRecording, recordingFiles } from "../fixtures/recordings.ts";
import { generateTrueQueues } from "../fixtures/true-queues.ts";
import { significant } from "./measure.ts";

const SIZE = 1000 as Lots;
const EVERY_US = 60 * 1_000_000;
const REST_US = 600 * 1_000_000;

/** Seconds after which an order had its first fill, and was full; Infinity where it was not. */
interface Outcome {
  readonly first: number;
  readonly full: number;
}

export async function run(): Promise<object> {
  const models: object[] = [];
  const pairs: object[] = [];
  const add = (name: string, outcomes: ReadonlyMap<string, readonly Outcome[]>): void => {
    for (const [model, found] of outcomes) models.push({ orders: name, model, ...summary(found) });
    const reference = outcomes.has("truth") ? "truth" : "queue";
    for (const [model, found] of outcomes) {
      if (model === reference) continue;
      pairs.push({
        orders: name,
        model,
        against: reference,
        ...comparison(found, outcomes.get(reference) ?? []),
      });
    }
  };
  if (hasRecordings) {
    for (const name of ["kalshi-ws-26MAR18", "kalshi-ws-26MAR07", "kalshi-ws-ufc"]) {
      const { folder, dispose } = await importRecording(recordingFiles(name));
      const session = openSession(folder);
      add(name, outcomesOf(session.readTape()));
      session.close();
      dispose();
    }
  }
  const { tape, truth, attributed } = generated();
  add("generated", outcomesOf(tape, truth));
  return { fillTimes: models, compared: pairs, generated: { ...attributed } };
}

/** One generated session of eight events, with the share of its cancels that are attributed right. */
function generated(): { tape: Tape; truth: Tape; attributed: object } {
  const parent = mkdtempSync(join(tmpdir(), "kalshi-gym-bench-"));
  try {
    const [sample] = SAMPLES;
    if (sample === undefined) throw new Error("there is a sample session");
    const options = { ...sample, id: "true", events: 8, minutes: 60 };
    const { tape, truth } = generateTrueQueues(join(parent, "session"), options);
    let right = 0;
    for (let row = 0; row < tape.rowCount; row++) {
      const whose = truth.queueRow[row] as number;
      if (whose >= 0 && whose === tape.queueRow[row]) right += 1;
    }
    const { cancels, consistentShare, exactShare } = queueQuality(tape);
    const rightShare = significant(right / cancels);
    return { tape, truth, attributed: { cancels, rightShare, consistentShare, exactShare } };
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

function outcomesOf(tape: Tape, truth?: Tape): Map<string, Outcome[]> {
  const { markets } = prepareTape(tape);
  const outcomes = new Map<string, Outcome[]>();
  const worlds: [string, FillModel, Tape][] = Object.values(FILL_MODELS).map((model) => [
    model.name,
    model,
    tape,
  ]);
  if (truth !== undefined) worlds.unshift(["truth", FILL_MODELS.queue, truth]);
  for (const [name, model, world] of worlds) {
    const found: Outcome[] = [];
    for (const market of markets) {
      let nextUs = 0;
      for (const row of market.starts) {
        const atUs = market.rows.atUs[row] as number;
        if (atUs < nextUs) continue;
        nextUs = atUs + EVERY_US;
        for (const side of [BookSide.bid, BookSide.ask]) {
          const outcome = outcomeOf(market, world, model, row, side);
          if (outcome !== null) found.push(outcome);
        }
      }
    }
    outcomes.set(name, found);
  }
  return outcomes;
}

/** Null where the side has no best price that an order can join. */
function outcomeOf(
  market: MarketData,
  tape: Tape,
  fillModel: FillModel,
  row: number,
  side: BookSide,
): Outcome | null {
  const startUs = market.rows.atUs[row] as number;
  const price = (side === BookSide.bid ? market.rows.bestBidCc : market.rows.bestAskCc)[row];
  if (price === undefined || price <= 0 || price >= 10_000) return null;
  const orders = new SimulatedOrderManager({
    tape,
    markets: [market.market],
    grids: [market.grid],
    startingCash: 1_000_000_000 as MicroUsd,
    fillModel,
    latency: NO_LATENCY,
    prng: Prng.fromSeed(1),
  });
  const tapeRow = market.rows.tapeRow[row] as number;
  orders.markets[0]?.startFrom((book) => market.keyframes.restore(tapeRow, book), tapeRow);
  orders.advanceTo(startUs);
  const order = {
    clientOrderId: "o" as ClientOrderId,
    market: 0,
    side,
    price: price as CentiCents,
    size: SIZE,
    timeInForce: "good_till_canceled",
    postOnly: true,
    reduceOnly: false,
  };
  orders.submit(order as unknown as ApprovedOrder);
  orders.advanceTo(startUs + REST_US);
  const events: OrderEvent[] = [];
  orders.drain(events);
  let first = Infinity;
  let left: number = SIZE;
  let full = Infinity;
  for (const event of events) {
    if (event.kind === "rejected") return null;
    if (event.kind !== "filled") continue;
    const seconds = (event.atUs - startUs) / 1e6;
    first = Math.min(first, seconds);
    left -= event.size;
    if (left === 0) full = seconds;
  }
  return { first, full };
}

function summary(outcomes: readonly Outcome[]): object {
  const share = (test: (outcome: Outcome) => boolean): number =>
    significant(outcomes.filter(test).length / outcomes.length);
  const sorted = outcomes.map(({ first }) => first).sort((a, b) => a - b);
  return {
    count: outcomes.length,
    filledIn10s: share(({ first }) => first <= 10),
    filledIn60s: share(({ first }) => first <= 60),
    filledIn600s: share(({ first }) => first <= 600),
    fullIn600s: share(({ full }) => full <= 600),
    medianSeconds: significant(sorted[sorted.length >> 1] ?? Infinity),
  };
}

/** First fills of a model beside those of the same orders under another. */
function comparison(model: readonly Outcome[], other: readonly Outcome[]): object {
  const pairs = model.map((outcome, index) => [outcome.first, other[index]?.first ?? NaN] as const);
  const share = (test: (own: number, its: number) => boolean): number =>
    significant(pairs.filter(([own, its]) => test(own, its)).length / pairs.length);
  const both = pairs.filter(([own, its]) => own < Infinity && its < Infinity);
  const later = both.map(([own, its]) => own - its).sort((a, b) => a - b);
  const mean = later.reduce((sum, value) => sum + value, 0) / later.length;
  return {
    same: share((own, its) => own === its),
    earlier: share((own, its) => own < its),
    later: share((own, its) => own > its),
    onlyThis: share((own, its) => own < Infinity && its === Infinity),
    onlyOther: share((own, its) => own === Infinity && its < Infinity),
    meanSecondsLater: significant(mean),
    ninthDecileLater: significant(later[Math.floor(later.length * 0.9)] ?? NaN),
  };
}
