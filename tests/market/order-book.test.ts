import { expect, test } from "vitest";
import { type CentiCents, centiCents, ONE_DOLLAR_CC, Prng } from "../../src/core/index.ts";
import { BookSide, LINEAR_CENT, OrderBook, PriceGrid } from "../../src/market/index.ts";

const TAPERED = [
  { startCc: centiCents(0), endCc: centiCents(1_000), stepCc: centiCents(10) },
  { startCc: centiCents(1_000), endCc: centiCents(9_000), stepCc: centiCents(100) },
  { startCc: centiCents(9_000), endCc: ONE_DOLLAR_CC, stepCc: centiCents(10) },
];

test("a book equals a plain map of levels under random changes, on coarse and fine grids", () => {
  const seed = Number(process.env["SEED"] ?? 17);
  for (const ranges of [LINEAR_CENT, TAPERED]) {
    const grid = new PriceGrid(ranges);
    const book = new OrderBook(grid);
    const copy = new OrderBook(grid);
    const plain = [new Map<number, number>(), new Map<number, number>()] as const;
    let negative = 0;
    const prng = Prng.fromSeed(seed);
    for (let step = 0; step < 20_000; step++) {
      const side = prng.integer(2) === 0 ? BookSide.bid : BookSide.ask;
      // Sparse phases make the bitmap search over empty words.
      const tick = prng.integer(step % 2_000 < 1_000 ? grid.count : 7);
      const delta = 100 * (prng.integer(21) - 11);
      const after = (plain[side].get(tick) ?? 0) + delta;
      if (after < 0) negative += 1;
      if (after <= 0) plain[side].delete(tick);
      else plain[side].set(tick, after);
      book.change(side, tick, delta);
      if (step % 50 !== 0) continue;
      const where = `seed ${seed} step ${step}`;
      const bids = [...plain[0].keys()].sort((a, b) => b - a);
      const asks = [...plain[1].keys()].sort((a, b) => a - b);
      expect(book.bestBidTick, where).toBe(bids[0] ?? -1);
      expect(book.bestAskTick, where).toBe(asks[0] ?? grid.count);
      expect(book.bestBid(), where).toBe(bids[0] === undefined ? 0 : grid.prices[bids[0]]);
      expect(book.bestAsk(), where).toBe(asks[0] === undefined ? 10_000 : grid.prices[asks[0]]);
      const total = (side: 0 | 1): number => [...plain[side].values()].reduce((a, b) => a + b, 0);
      expect(book.bidTotal, where).toBe(total(0));
      expect(book.askTotal, where).toBe(total(1));
      copy.copyFrom(book);
      const seen: number[] = [];
      for (let at = copy.bestBidTick; at >= 0; at = copy.bidBelow(at)) seen.push(at);
      expect(seen, where).toEqual(bids);
      seen.length = 0;
      for (let at = copy.bestAskTick; at < grid.count; at = copy.askAbove(at)) seen.push(at);
      expect(seen, where).toEqual(asks);
    }
    expect(book.negativeLevelCount).toBe(negative);
    book.clear();
    expect([book.hasBid(), book.hasAsk(), book.bidTotal, book.askTotal]).toEqual([
      false,
      false,
      0,
      0,
    ]);
  }
});

test("price ranges become ticks: ends included, 0 and 1 dollar left out", () => {
  expect([...new PriceGrid(LINEAR_CENT).prices]).toEqual(
    Array.from({ length: 99 }, (_, index) => (index + 1) * 100),
  );
  const grid = new PriceGrid(TAPERED);
  expect(grid.count).toBe(99 + 1 + 79 + 1 + 99);
  expect(grid.has(centiCents(950))).toBe(true);
  expect(grid.has(centiCents(1_050))).toBe(false);
  expect(grid.floor(1_099)).toBe(1_000);
  expect(grid.ceil(8_901)).toBe(9_000);
  expect(grid.ceil(9_001)).toBe(9_010);
  expect(grid.floor(9)).toBeNull();
  expect(grid.ceil(9_991)).toBeNull();
  for (const [tick, price] of grid.prices.entries()) {
    expect(grid.tickOf(price as CentiCents)).toBe(tick);
    expect(grid.priceOf(tick)).toBe(price);
  }
  expect(() => grid.require(centiCents(1_050), "here")).toThrow(
    /nearest 0.1000 and 0.1100.*0.1050/,
  );
  const step = { startCc: centiCents(0), endCc: centiCents(100), stepCc: centiCents(0) };
  expect(() => new PriceGrid([step])).toThrow(/positive step/);
});
