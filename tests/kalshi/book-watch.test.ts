/** When a book whose snapshot does not come is asked for again, and what is told of it. */
import { expect, test } from "vitest";
import { BookWatch } from "../../src/kalshi/feed/book-watch.ts";

const WAIT = 5_000_000;
const NOTHING = { again: [], lost: [], never: [] };

test("a book that never came is told once, and asked for once in a while", () => {
  const books = new BookWatch(WAIT);
  books.await(["A"], 0);
  expect(books.overdue(WAIT - 1)).toEqual(NOTHING);
  expect(books.overdue(WAIT)).toEqual({ ...NOTHING, again: ["A"] });
  expect(books.awaitedCount).toBe(1);
  expect(books.overdue(2 * WAIT)).toEqual({ ...NOTHING, never: ["A"] });
  // It holds nothing else up.
  expect(books.awaitedCount).toBe(0);
  for (let minute = 1; minute < 4; minute++) {
    expect(books.overdue(2 * WAIT + minute * 12 * WAIT - 1)).toEqual(NOTHING);
    expect(books.overdue(2 * WAIT + minute * 12 * WAIT)).toEqual({ ...NOTHING, again: ["A"] });
  }
  books.arrived({ ticker: "A", bids: [], asks: [] } as never);
  expect(books.overdue(1_000 * WAIT)).toEqual(NOTHING);
});

test("one that was there before on the connection is lost", () => {
  const books = new BookWatch(WAIT);
  books.arrived({ ticker: "A", bids: [], asks: [] } as never);
  books.await(["A"], 0);
  books.overdue(WAIT);
  expect(books.overdue(2 * WAIT)).toEqual({ ...NOTHING, lost: ["A"] });
  expect(books.overdue(1_000 * WAIT)).toEqual(NOTHING);
});
