/** The order-by-order book under generated sessions: hand-worked cases and a naive reference. */
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { GeneratedBook, type RestingOrder } from "../../src/market/generate-book.ts";
import { BookSide } from "../../src/market/index.ts";

type Line = readonly [what: "delta" | "trade", side: BookSide, cents: number, size: number];

function recorded(): { readonly book: GeneratedBook; readonly lines: Line[] } {
  const lines: Line[] = [];
  const book = new GeneratedBook({
    delta: (side, cents, size) => lines.push(["delta", side, cents, size]),
    trade: (side, cents, size) => lines.push(["trade", side, cents, size]),
  });
  return { book, lines };
}

test("a taker's order takes the best price first and the oldest order of a price first", () => {
  const { book, lines } = recorded();
  book.rest(BookSide.ask, 56, 300, 0);
  book.rest(BookSide.ask, 55, 100, 1);
  book.rest(BookSide.ask, 55, 200, 2);
  book.open();
  expect(book.take(BookSide.ask, 56, 450, 3)).toBe(450);
  expect(lines).toEqual([
    ["delta", BookSide.ask, 55, -100],
    ["delta", BookSide.ask, 55, -200],
    ["delta", BookSide.ask, 56, -150],
    ["trade", BookSide.ask, 55, 100],
    ["trade", BookSide.ask, 55, 200],
    ["trade", BookSide.ask, 56, 150],
  ]);
  expect(book.bestAsk).toBe(56);
  expect(book.sizeAt(BookSide.ask, 56)).toBe(150);
});

test("a taker's order stops at its limit and leaves nothing behind", () => {
  const { book } = recorded();
  book.rest(BookSide.bid, 40, 100, 0);
  book.rest(BookSide.bid, 38, 100, 0);
  book.open();
  expect(book.take(BookSide.bid, 39, 500, 1)).toBe(100);
  expect(book.bestBid).toBe(38);
  expect(book.take(BookSide.ask, 99, 500, 2)).toBe(0);
});

test("a decrease keeps the order's place, a cancel gives it up", () => {
  const { book, lines } = recorded();
  const first = book.rest(BookSide.bid, 30, 500, 0);
  const second = book.rest(BookSide.bid, 30, 700, 0);
  book.open();
  book.cancel(first, 1, 200);
  book.take(BookSide.bid, 30, 100, 2);
  expect([first.size, second.size]).toEqual([200, 700]);
  book.cancel(first, 3);
  book.take(BookSide.bid, 30, 100, 4);
  expect([first.size, second.size]).toEqual([0, 600]);
  expect(lines.filter(([what]) => what === "delta").map(([, , , size]) => size)).toEqual([
    -200, -100, -200, -100,
  ]);
});

test("levels and best prices equal a plain list of orders under random play", () => {
  const seed = Number(process.env["SEED"] ?? 11);
  const prng = Prng.fromSeed(seed);
  const { book } = recorded();
  book.open();
  let orders: RestingOrder[] = [];
  for (let step = 0; step < 2_000; step++) {
    const side = prng.float() < 0.5 ? BookSide.bid : BookSide.ask;
    const cents = 1 + prng.integer(99);
    const roll = prng.float();
    const free = side === BookSide.bid ? cents < book.bestAsk : cents > book.bestBid;
    if (roll < 0.5 && free) {
      orders.push(book.rest(side, cents, 1 + prng.integer(500), step));
    } else if (roll < 0.75 && orders.length > 0) {
      const order = orders[prng.integer(orders.length)];
      if (order !== undefined) book.cancel(order, step, 1 + prng.integer(order.size));
    } else {
      book.take(side, cents, 1 + prng.integer(2_000), step);
    }
    orders = orders.filter((order) => order.size > 0);
    const bids = orders.filter((order) => order.side === BookSide.bid).map((order) => order.cents);
    const asks = orders.filter((order) => order.side === BookSide.ask).map((order) => order.cents);
    const where = `seed ${seed} step ${step}`;
    expect(book.bestBid, where).toBe(Math.max(0, ...bids));
    expect(book.bestAsk, where).toBe(Math.min(100, ...asks));
    let total = 0;
    for (const { size } of book.levels()) total += size;
    expect(total, where).toBe(orders.reduce((sum, order) => sum + order.size, 0));
  }
});
