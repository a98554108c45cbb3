/**
 * A run read again as a recording: what the agent saw live, own orders in the book, late messages and
 * gaps included, is bit for bit what an environment over the recording of the run would show it.
 */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bytesOf, type CentiCents, type Lots, Prng, sha256 } from "../../src/core/index.ts";
import {
  ACCOUNT_OFFSET,
  copyMarketRow,
  FEATURE_COUNT,
  precomputeFeatures,
  TEMPORAL_OFFSET,
} from "../../src/features/index.ts";
import { RunRecording } from "../../src/live/index.ts";
import { BookSide, EventKind, openSession } from "../../src/market/index.ts";
import { marketInfo } from "../fixtures/tape-builder.ts";
import { anything, LiveCase, SECOND } from "./live-case.ts";

const folder = join(tmpdir(), `run-parity-${process.pid}`);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const MARKETS = ["A", "B"].map((name) => marketInfo({ ticker: `KXTEST-26MAR18-${name}` }));

/** A run of random messages: of others, of our own orders and their fills, in any order, some late. */
function randomRun(
  seed: number,
  seconds: number,
  to: string,
): { live: LiveCase; othersTrades: number } {
  const prng = Prng.fromSeed(seed);
  const header = new LiveCase({ markets: MARKETS, exclusive: true }).header;
  const recording = new RunRecording(to, header, { replace: true });
  const live = new LiveCase({
    markets: MARKETS,
    exclusive: true,
    policy: anything,
    listener: recording,
    settings: { staleBookUs: seed % 2 === 0 ? 0 : 2 * SECOND },
  });
  live.take({ kind: "command", name: "start", by: "test" });
  live.links();
  live.still();
  const open = new Map<
    string,
    { side: BookSide; price: CentiCents; left: number; market: number }
  >();
  const late = (): number => live.nowUs - prng.integer(1_500_000) + prng.integer(300_000);
  let trades = 0;
  let othersTrades = 0;
  const someBook = (market: number): void => {
    const middle = 30 + prng.integer(40);
    live.book(
      [
        [middle - 1, 1 + prng.integer(50)],
        [middle - 3, 1 + prng.integer(50)],
      ],
      [
        [middle + 1, 1 + prng.integer(50)],
        [middle + 2, 1 + prng.integer(50)],
      ],
      market,
    );
  };
  for (let second = 0; second < seconds; second++) {
    for (let count = prng.integer(25); count > 0; count--) {
      live.wait(prng.integer(40_000));
      const market = prng.integer(2);
      const side = prng.integer(2) as BookSide;
      const price = ((20 + prng.integer(60)) * 100) as CentiCents;
      const dice = prng.integer(100);
      const stampUs = late();
      if (dice < 3) live.news({ kind: "gap", market: dice === 0 ? null : market, cause: "test" });
      else if (dice < 8) someBook(market);
      else if (dice < 60) {
        const change = (1 + prng.integer(900)) as Lots;
        live.news({ kind: "delta", market, side, price, change, stampUs, own: false });
      } else if (dice < 85) {
        const tradeId = `others-${trades++}`;
        const size = (1 + prng.integer(900)) as Lots;
        const trade = { market, hit: side, price, size, stampUs, tradeId };
        live.news({ kind: "trade", ...trade, isBlock: dice === 84 });
        if (dice < 84) othersTrades += 1;
      } else fillSome(live, prng, open, stampUs);
      for (const effect of live.done()) {
        if (effect.kind === "submit") {
          const { clientOrderId, ...order } = effect.order;
          live.accept(clientOrderId);
          const left = order.size as number;
          open.set(clientOrderId, {
            side: order.side,
            price: order.price,
            left,
            market: order.market,
          });
          const rests = { market: order.market, side: order.side, price: order.price };
          live.news({ kind: "delta", ...rests, change: order.size, stampUs, own: true });
        } else if (effect.kind === "cancel" && open.delete(effect.clientOrderId)) {
          const { clientOrderId } = effect;
          live.order({ kind: "cancelled", clientOrderId, atUs: live.nowUs, reason: "requested" });
        } else if (effect.kind === "amend") {
          const { clientOrderId } = effect;
          live.order({ kind: "amendRejected", clientOrderId, atUs: live.nowUs, reason: "venue" });
        }
      }
    }
    live.second();
  }
  recording.finish(live.nowUs);
  return { live, othersTrades };
}

function fillSome(
  live: LiveCase,
  prng: Prng,
  open: Map<string, { side: BookSide; price: CentiCents; left: number; market: number }>,
  stampUs: number,
): void {
  const [id, order] = [...open][0] ?? [];
  if (id === undefined || order === undefined) return;
  const size = Math.min(order.left, 100 * (1 + prng.integer(5)));
  const tradeId = `ours-${live.entries.length}`;
  const { market, side, price } = order;
  const messages = [
    () => {
      live.fill(id as never, price / 100, size / 100, tradeId);
    },
    () => {
      const change = -size as Lots;
      live.news({ kind: "delta", market, side, price, change, stampUs, own: false });
    },
    () => {
      const lots = size as Lots;
      const trade = { market, hit: side, price, size: lots, stampUs, tradeId, isBlock: false };
      live.news({ kind: "trade", ...trade });
    },
  ];
  if (prng.integer(2) === 0) messages.reverse();
  for (const message of messages) message();
  order.left -= size;
  if (order.left === 0) open.delete(id);
}

describe("parity", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])(
    "run %i gives the recording's observations",
    (seed) => {
      const to = join(folder, `run-${seed}`);
      const { live, othersTrades } = randomRun(seed, 700, to);
      const session = openSession(to);
      const tape = session.readTape();
      session.close();
      // None of our own is among the trades, whether the fill was told before it or after it.
      expect(tape.kind.filter((kind) => kind === EventKind.trade)).toHaveLength(othersTrades);
      const rows = precomputeFeatures(tape, { cadence: "1s" });
      const decisions = live.outputs.filter((output) => output.kind === "decision");
      expect(decisions.length).toBeGreaterThan(200);
      expect(live.seen).toHaveLength(decisions.length);
      for (const [number, { market, atUs, observationHash, bid, ask }] of decisions.entries()) {
        const of = rows[market];
        const row = of?.atUs.indexOf(atUs) ?? -1;
        expect(row, `second ${atUs} is a row`).toBeGreaterThanOrEqual(0);
        if (of === undefined) continue;
        expect(of.valid[row]).toBe(1);
        expect([of.bestBidCc[row], of.bestAskCc[row]]).toEqual([bid, ask]);
        // The account's part is the run's own: the market's is put in its place from the recording.
        const observation = Float32Array.from(live.seen[number] ?? []);
        expect(observation).toHaveLength(FEATURE_COUNT);
        observation.fill(NaN, 0, ACCOUNT_OFFSET).fill(NaN, TEMPORAL_OFFSET);
        copyMarketRow(of, row, observation, 0);
        const differing = [...observation.keys()].filter(
          (index) => observation[index] !== live.seen[number]?.[index],
        );
        expect(differing, `market ${market} at ${atUs}`).toEqual([]);
        expect(sha256(bytesOf(observation))).toBe(observationHash);
      }
    },
  );
});
