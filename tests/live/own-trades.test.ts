/** Trades of others count at once where they cannot be ours, and ours do not count. */
import { describe, expect, test } from "vitest";
import type { CentiCents, Lots } from "../../src/core/index.ts";
import type { RunListener } from "../../src/live/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { Action } from "../../src/orders/index.ts";
import { always, LiveCase, SECOND } from "./live-case.ts";

/** A run with a bid at 44 cents that rests, and the trades that were passed on with their times. */
function resting() {
  const trades: { lots: number; atUs: number }[] = [];
  const nothing = (): void => undefined;
  const listener: RunListener = {
    ...{ snapshot: nothing, delta: nothing, blockTrade: nothing, status: nothing, gap: nothing },
    trade: (_market, _hit, _price, lots, atUs) => trades.push({ lots, atUs }),
  };
  let hasBid = false;
  const once = () => ({
    ...always(Action.hold)(),
    act: () => {
      const action = hasBid ? Action.hold : Action.buyYes;
      hasBid = true;
      return action;
    },
  });
  const live = new LiveCase({ policy: once, listener });
  live.ready();
  live.second();
  const id = live.submitted();
  const trade = (tradeId: string, hit: BookSide, cents: number, contracts = 3): void => {
    const [price, size] = [(cents * 100) as CentiCents, (contracts * 100) as Lots];
    const stampUs = live.nowUs;
    live.news({ kind: "trade", market: 0, hit, price, size, stampUs, tradeId, isBlock: false });
  };
  /** Something that is no trade. */
  const anything = (): void => {
    live.take({ kind: "link", link: "feed", isUp: true, why: "test" });
  };
  return { live, id, trade, trades, anything };
}

const lotsOf = (trades: readonly { lots: number }[]): number[] => trades.map(({ lots }) => lots);

describe("own trades", () => {
  test.each(["fill first", "trade first"])("%s: it is none of the others'", (order) => {
    const { live, id, trade, trades } = resting();
    live.accept(id);
    if (order === "fill first") live.fill(id, 44, 3, "ours");
    live.wait(10_000);
    trade("ours", BookSide.bid, 44);
    live.wait(90_000);
    if (order === "trade first") live.fill(id, 44, 3, "ours");
    // Told once more, as after a reconnect.
    trade("ours", BookSide.bid, 44);
    live.second();
    live.second();
    expect(trades).toEqual([]);
  });

  test("the last fill of an order comes before its trade too", () => {
    const { live, id, trade, trades } = resting();
    live.accept(id);
    live.fill(id, 44, 10, "ours");
    expect(live.run.openCount).toBe(0);
    trade("ours", BookSide.bid, 44, 10);
    trade("others", BookSide.bid, 44, 2);
    expect(lotsOf(trades)).toEqual([200]);
  });

  test("one that no order of ours can have been in counts at once", () => {
    const { live, id, trade, trades } = resting();
    live.accept(id);
    live.wait(250_000);
    const atUs = live.nowUs;
    // At another price, and of the other side beyond our limit.
    trade("a", BookSide.bid, 43, 1);
    trade("b", BookSide.ask, 46, 2);
    expect(trades).toEqual([
      { lots: 100, atUs },
      { lots: 200, atUs },
    ]);
  });

  test("one that may be ours waits a tenth of a second, and counts at its own time", () => {
    const { live, id, trade, trades, anything } = resting();
    live.accept(id);
    live.wait(250_000);
    const atUs = live.nowUs;
    trade("a", BookSide.bid, 44, 1);
    live.wait(99_999);
    anything();
    expect(trades).toEqual([]);
    live.wait(1);
    anything();
    expect(trades).toEqual([{ lots: 100, atUs }]);
  });

  test("an order that nobody has answered yet may have taken", () => {
    const taking = resting();
    taking.trade("ours", BookSide.ask, 44);
    expect(taking.trades).toEqual([]);
    taking.live.accept(taking.id);
    taking.live.fill(taking.id, 44, 3, "ours");
    taking.live.wait(SECOND);
    taking.live.second();
    expect(taking.trades).toEqual([]);
  });

  test("a fill at the price that an order has just left is told apart too", () => {
    const { live, id, trade, trades } = resting();
    live.accept(id);
    const [price, size] = [4300 as CentiCents, 1000 as Lots];
    live.order({ kind: "amended", clientOrderId: id, atUs: live.nowUs, price, size });
    live.wait(1_000);
    trade("ours", BookSide.bid, 44, 3);
    live.fill(id, 44, 3, "ours");
    live.wait(100_000);
    trade("others", BookSide.bid, 44, 1);
    expect(lotsOf(trades)).toEqual([100]);
  });

  test("what was held counts for the decision of its second", () => {
    const { live, id, trade, trades } = resting();
    live.accept(id);
    live.wait(SECOND - 1_000);
    trade("others", BookSide.bid, 44, 1);
    expect(trades).toEqual([]);
    live.second();
    expect(lotsOf(trades)).toEqual([100]);
    // Seconds since the last trade: a thousandth of one.
    const shown = live.seen.at(-1)?.[39] ?? 1;
    expect(shown).toBeCloseTo(0.001 / 5.001, 6);
  });
});
