/** The states of markets by readings and by the feed, which may overtake one another. */
import { expect, test } from "vitest";
import { MarketStates, type MarketStatesOptions } from "../../src/apps/live/market-states.ts";
import { SimulatedScheduler, type TimestampUs } from "../../src/core/index.ts";
import type { MarketNews } from "../../src/journal/index.ts";
import { MarketStatus } from "../../src/market/index.ts";

type Done = (answer: never) => void;

function open() {
  const asked: Done[] = [];
  const told: MarketNews[] = [];
  const client = {
    sendForAll: (_pageAt: unknown, done: Done) => void asked.push(done),
  } as unknown as MarketStatesOptions["client"];
  const scheduler = new SimulatedScheduler(0 as TimestampUs);
  const tell = (news: MarketNews): void => void told.push(news);
  const states = new MarketStates({ client, scheduler, tickers: ["A", "B"], tell });
  const answer = (...words: string[]): void => {
    const value = words.map((status, market) => ({ ticker: "AB"[market], status }));
    asked.shift()?.({ kind: "ok", value } as never);
  };
  const toldOf = (): unknown[] =>
    told.splice(0).map((news) => (news.kind === "status" ? [news.market, news.status] : news));
  return { states, answer, toldOf };
}

test("what the feed told during a reading is younger than its answer", () => {
  const { states, answer, toldOf } = open();
  states.read();
  states.heard(0, MarketStatus.inactive);
  answer("active", "inactive");
  expect(toldOf()).toEqual([[1, MarketStatus.inactive]]);
  // The next reading is of a time after it.
  states.read();
  answer("active", "inactive");
  expect(toldOf()).toEqual([[0, MarketStatus.active]]);
});

test("a market that has closed does not open again", () => {
  const { states, answer, toldOf } = open();
  states.read();
  answer("closed", "active");
  states.read();
  answer("active", "active");
  expect(toldOf()).toEqual([[0, MarketStatus.closed]]);
});
