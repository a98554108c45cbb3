/**
 * The book without our orders. In every order in which the venue's messages about one thing may come,
 * what is left in the end is what others have.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CentiCents, Lots } from "../../src/core/index.ts";
import { OthersBook } from "../../src/live/index.ts";
import { BookSide, LINEAR_CENT, PriceGrid } from "../../src/market/index.ts";

const GRID = new PriceGrid(LINEAR_CENT);
const PRICE = 4500 as CentiCents;
const { bid } = BookSide;

/** A book with one level of interest, and the sum of what was told of it. */
function open(atFirst: number): {
  book: OthersBook;
  others: () => number;
  changes: () => number;
  tell: (side: BookSide, price: CentiCents, change: Lots) => void;
} {
  const book = new OthersBook(GRID);
  const levels = atFirst > 0 ? [{ side: bid, priceCc: PRICE, size: atFirst }] : [];
  book.snapshot(levels, []);
  let others = atFirst;
  let changes = 0;
  return {
    book,
    others: () => others,
    changes: () => changes,
    tell: (side, price, change) => {
      expect([side, price]).toEqual([bid, PRICE]);
      others += change;
      changes += 1;
      expect(others).toBeGreaterThanOrEqual(0);
    },
  };
}

describe("the others' book", () => {
  test("passes others' changes on and keeps ours", () => {
    const { book, others, changes, tell } = open(300);
    book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: true }, 0, tell);
    expect(others()).toBe(300);
    book.delta({ side: bid, price: PRICE, change: 200 as Lots, own: false }, 0, tell);
    expect(others()).toBe(500);
    book.delta({ side: bid, price: PRICE, change: -1000 as Lots, own: true }, 0, tell);
    expect([others(), changes()]).toEqual([500, 1]);
  });

  test("a fill that comes before its delta makes no change of the others", () => {
    const { book, others, changes, tell } = open(300);
    book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: true }, 0, tell);
    book.filled({ side: bid, price: PRICE, remaining: 400 as Lots }, 0, tell);
    book.delta({ side: bid, price: PRICE, change: -400 as Lots, own: false }, 0, tell);
    expect([others(), changes()]).toEqual([300, 0]);
  });

  test("a fill that comes after its delta gives back what the others seemed to lose", () => {
    const { book, others, tell } = open(300);
    book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: true }, 0, tell);
    book.delta({ side: bid, price: PRICE, change: -200 as Lots, own: false }, 0, tell);
    expect(others()).toBe(100);
    book.filled({ side: bid, price: PRICE, remaining: 200 as Lots }, 0, tell);
    expect(others()).toBe(300);
  });

  test("a fill is known by the delta of its size among those of others", () => {
    const { book, others, changes, tell } = open(1200);
    const gone = (lots: number): void => {
      book.delta({ side: bid, price: PRICE, change: -lots as Lots, own: false }, 0, tell);
    };
    book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: true }, 0, tell);
    book.filled({ side: bid, price: PRICE, remaining: 800 as Lots }, 0, tell);
    gone(500);
    expect(others()).toBe(700);
    gone(800);
    expect(others()).toBe(700);
    gone(700);
    expect([others(), changes()]).toEqual([0, 2]);
  });

  test("a fill told before the order stood in the book makes no change of the others", () => {
    const { book, others, changes, tell } = open(300);
    book.filled({ side: bid, price: PRICE, remaining: 1000 as Lots }, 0, tell);
    book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: true }, 0, tell);
    book.delta({ side: bid, price: PRICE, change: -1000 as Lots, own: false }, 0, tell);
    expect([others(), changes()]).toEqual([300, 0]);
  });

  test("a delta of others from long before a fill is not taken for it", () => {
    const { book, others, changes, tell } = open(300);
    book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: true }, 0, tell);
    book.delta({ side: bid, price: PRICE, change: -100 as Lots, own: false }, 0, tell);
    book.filled({ side: bid, price: PRICE, remaining: 100 as Lots }, 1_000_001, tell);
    book.delta({ side: bid, price: PRICE, change: -100 as Lots, own: false }, 1_000_002, tell);
    expect([others(), changes()]).toEqual([200, 1]);
  });

  test("more than the others have was ours, where one delta tells of two", () => {
    const { book, others, tell } = open(300);
    book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: true }, 0, tell);
    book.filled({ side: bid, price: PRICE, remaining: 400 as Lots }, 0, tell);
    book.delta({ side: bid, price: PRICE, change: -700 as Lots, own: false }, 0, tell);
    expect(others()).toBe(0);
    book.delta({ side: bid, price: PRICE, change: 50 as Lots, own: false }, 0, tell);
    expect(others()).toBe(50);
  });

  test("a fill whose delta does not come is given up, as after a snapshot without it", () => {
    const { book, others, tell } = open(300);
    book.filled({ side: bid, price: PRICE, remaining: 1000 as Lots }, 0, tell);
    book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: true }, 0, tell);
    expect(others()).toBe(300);
    book.delta({ side: bid, price: PRICE, change: 100 as Lots, own: false }, 1_000_001, tell);
    expect(others()).toBe(1400);
  });

  test("an order told to be gone where a fill of it was told first", () => {
    const { book, others, tell } = open(300);
    const delta = (change: number, own: boolean): void => {
      book.delta({ side: bid, price: PRICE, change: change as Lots, own }, 0, tell);
    };
    // An order is cancelled and another one in its place filled, before the feed tells of either.
    delta(100, true);
    book.filled({ side: bid, price: PRICE, remaining: 100 as Lots }, 0, tell);
    for (const [change, own] of [
      [-100, true],
      [100, true],
      [-100, false],
    ] as const)
      delta(change, own);
    expect(others()).toBe(300);
  });

  test("where we alone stand, nothing of a fill is told in either order", () => {
    for (const fillFirst of [true, false]) {
      const { book, changes, tell } = open(0);
      book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: true }, 0, tell);
      if (fillFirst) book.filled({ side: bid, price: PRICE, remaining: 1000 as Lots }, 0, tell);
      book.delta({ side: bid, price: PRICE, change: -1000 as Lots, own: false }, 0, tell);
      if (!fillFirst) book.filled({ side: bid, price: PRICE, remaining: 1000 as Lots }, 0, tell);
      expect(changes()).toBe(0);
    }
  });

  test("what we take from others is a change of theirs", () => {
    const { book, others, tell } = open(300);
    book.delta({ side: bid, price: PRICE, change: -300 as Lots, own: true }, 0, tell);
    expect(others()).toBe(0);
  });

  test("a snapshot has our resting orders in it", () => {
    const { book } = open(0);
    const levels = [
      { side: bid, priceCc: PRICE, size: 1500 },
      { side: bid, priceCc: 4400, size: 200 },
      { side: BookSide.ask, priceCc: 4700, size: 100 },
    ];
    const resting = [
      { side: bid, price: PRICE, remaining: 1000 as Lots },
      { side: BookSide.ask, price: 4700 as CentiCents, remaining: 100 as Lots },
    ];
    expect(book.snapshot(levels, resting)).toEqual([
      { side: bid, priceCc: PRICE, size: 500 },
      { side: bid, priceCc: 4400, size: 200 },
    ]);
  });

  test("settling mends what unmarked messages left behind", () => {
    const { book, others, tell } = open(300);
    // The venue did not mark our order as ours.
    book.delta({ side: bid, price: PRICE, change: 1000 as Lots, own: false }, 0, tell);
    expect(others()).toBe(1300);
    book.settle([{ side: bid, price: PRICE, remaining: 1000 as Lots }], tell);
    expect(others()).toBe(300);
    book.settle([{ side: bid, price: PRICE, remaining: 1000 as Lots }], tell);
    expect(others()).toBe(300);
  });

  test("with fills told before their deltas, only others' changes are told, at each moment", () => {
    const step = fc.record({
      kind: fc.constantFrom("rest" as const, "join" as const, "leave" as const, "fill" as const),
      size: fc.integer({ min: 1, max: 50 }),
      lag: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { book, others, changes, tell } = open(0);
        // The feed comes behind the fills by up to three messages; sizes tell which is which.
        const feed: { change: number; own: boolean; isTheirs: boolean }[] = [];
        let [ours, theirs, told, toldCount] = [0, 0, 0, 0];
        const deliver = (left: number): void => {
          for (const { change, own, isTheirs } of feed.splice(0, feed.length - left)) {
            book.delta({ side: bid, price: PRICE, change: change as Lots, own }, 0, tell);
            if (isTheirs) [told, toldCount] = [told + change, toldCount + 1];
            expect([others(), changes()]).toEqual([told, toldCount]);
          }
        };
        for (const [index, { kind, size, lag }] of steps.entries()) {
          // Sizes differ: ours are even, others' odd, and none is there twice.
          const [even, odd] = [2 * (size + 100 * index), 2 * (size + 100 * index) + 1];
          if (kind === "rest") {
            ours += even;
            feed.push({ change: even, own: true, isTheirs: false });
          } else if (kind === "join") {
            theirs += odd;
            feed.push({ change: odd, own: false, isTheirs: true });
          } else if (kind === "leave" && theirs > 0) {
            const gone = Math.min(odd, theirs);
            theirs -= gone;
            feed.push({ change: -gone, own: false, isTheirs: true });
          } else if (kind === "fill" && ours > 0) {
            const filled = Math.min(even, ours);
            ours -= filled;
            book.filled({ side: bid, price: PRICE, remaining: filled as Lots }, 0, tell);
            feed.push({ change: -filled, own: false, isTheirs: false });
          }
          deliver(Math.min(lag, feed.length));
        }
        deliver(0);
        expect(others()).toBe(theirs);
      }),
      { numRuns: 2_000 },
    );
  });

  test("any history, its fills told early or late, leaves what others have", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("rest" as const), size: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant("cancel" as const), size: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant("join" as const), size: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant("leave" as const), size: fc.integer({ min: 1, max: 50 }) }),
      fc.record({
        kind: fc.constant("fill" as const),
        size: fc.integer({ min: 1, max: 50 }),
        early: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { book, others, tell } = open(0);
        let ours = 0;
        let theirs = 0;
        const delta = (change: number, own: boolean): void => {
          if (change !== 0)
            book.delta({ side: bid, price: PRICE, change: change as Lots, own }, 0, tell);
        };
        for (const each of steps) {
          const { kind, size } = each;
          if (kind === "rest") {
            ours += size;
            delta(size, true);
          } else if (kind === "join") {
            theirs += size;
            delta(size, false);
          } else if (kind === "cancel") {
            const gone = Math.min(size, ours);
            ours -= gone;
            delta(-gone, true);
          } else if (kind === "leave") {
            const gone = Math.min(size, theirs);
            theirs -= gone;
            delta(-gone, false);
          } else {
            const filled = Math.min(size, ours);
            if (filled === 0) continue;
            ours -= filled;
            if (each.early)
              book.filled({ side: bid, price: PRICE, remaining: filled as Lots }, 0, tell);
            delta(-filled, false);
            if (!each.early)
              book.filled({ side: bid, price: PRICE, remaining: filled as Lots }, 0, tell);
          }
        }
        const resting = [{ side: bid, price: PRICE, remaining: ours as Lots }];
        book.settle(ours > 0 ? resting : [], tell);
        expect(others()).toBe(theirs);
      }),
      { numRuns: 2_000 },
    );
  });
});
