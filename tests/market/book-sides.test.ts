/** Each side of a recorded book stays the side that it is, whatever its prices. */
import { expect, test } from "vitest";
import { openSession, OrderBook, PriceGrid, streamRows } from "../../src/market/index.ts";
import { importHarness } from "./import-fixture.ts";
import { deltaMessage, snapshotMessage } from "./recording-fixture.ts";

const { recording, run } = importHarness();
const TICKER = "KXTEST-26MAR18AAABBB-AAA";

test("YES bids above 50 cents are bids, and NO bids below are asks above", async () => {
  const opening = snapshotMessage(
    1,
    TICKER,
    [
      ["0.7000", "5.00"],
      ["0.7200", "3.00"],
    ],
    [["0.2500", "4.00"]],
  );
  const stamp = "2026-03-18T19:36:00.000001Z";
  const rise = deltaMessage(2, TICKER, "yes", "0.7300", "2.00", stamp);
  const ask = deltaMessage(3, TICKER, "no", "0.2600", "6.50", stamp);
  const { out } = await run([recording([opening, rise, ask])]);
  const session = openSession(out);
  const tape = session.readTape();
  session.close();
  const [market] = tape.markets;
  const book = new OrderBook(new PriceGrid(market?.priceRanges ?? []));
  const [first, end] = streamRows(tape, 0);
  for (let row = first; row < end;) row = book.apply(tape, row);
  expect([book.bestBid(), book.bestAsk()]).toEqual([7300, 7400]);
  expect([book.bidTotal, book.askTotal]).toEqual([1000, 1050]);
});
