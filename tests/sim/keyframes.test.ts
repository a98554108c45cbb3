import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import {
  BookSide,
  EventKind,
  LINEAR_CENT,
  MarketStatus,
  OrderBook,
  PriceGrid,
} from "../../src/market/index.ts";
import { Keyframes } from "../../src/sim/keyframes.ts";
import { TapeBuilder } from "../fixtures/tape-builder.ts";

test("a start anywhere finds the book and whether trading is paused", () => {
  const builder = new TapeBuilder({ capacity: 6_000 });
  const prng = Prng.fromSeed(5);
  builder.snapshot([[44, 500]], [[47, 500]]);
  for (let row = 0; row < 4_000; row++) {
    builder.wait(prng.integer(1_000));
    const dice = prng.integer(400);
    if (dice === 0) builder.status(MarketStatus.inactive);
    else if (dice === 1) builder.status(MarketStatus.active);
    else builder.delta(prng.integer(2) as BookSide, 1 + prng.integer(98), 1 + prng.integer(9));
  }
  const { tape } = builder;
  const grid = new PriceGrid(LINEAR_CENT);
  const keyframes = Keyframes.of(tape, 0, grid);
  const naive = new OrderBook(grid);
  const restored = new OrderBook(grid);
  let isPaused = false;
  let pauses = 0;
  for (let row = 0; row < tape.rowCount;) {
    if (row === 0 || row % 61 === 0) {
      expect(keyframes.restore(row, restored), `row ${row}`).toBe(isPaused);
      expect(restored.save()).toEqual(naive.save());
      if (isPaused) pauses += 1;
    }
    if (tape.kind[row] === EventKind.status) isPaused = tape.size[row] === MarketStatus.inactive;
    row = naive.apply(tape, row);
  }
  expect(pauses).toBeGreaterThan(5);
});
