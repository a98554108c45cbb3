/** Lives of markets, pauses and order groups, by cases that are worked out by hand. */
import { describe, expect, test } from "vitest";
import type { CentiCents, Lots } from "../../src/core/index.ts";
import type { EngineMarket } from "../../src/exchange/index.ts";
import { after, ExchangeCase, marketSpec, QUADRATIC, TICKER } from "./exchange-case.ts";

function only(at: ExchangeCase): EngineMarket {
  const [market] = at.engine.markets;
  if (market === undefined) throw new Error("a market is there");
  return market;
}

/** What the lifecycle channel has been told since the last call. */
function told(at: ExchangeCase): string[] {
  return at.heard("lifecycle").map(({ message }) => message.what);
}

describe("a market's life", () => {
  test("opens and closes at its times, which nobody is told", () => {
    const at = new ExchangeCase(marketSpec({ openUs: after(10), closeUs: after(20) }));
    const ann = at.account("ann");
    expect(told(at)).toEqual(["created"]);
    expect(only(at).phase).toBe("initialized");
    expect(at.send(ann, "bid", 50, 1)).toMatchObject({ code: "market_inactive" });
    at.engine.advanceTo(after(10));
    expect(only(at).phase).toBe("active");
    at.put(ann, "bid", 50, 1);
    at.engine.advanceTo(after(20));
    expect(only(at).phase).toBe("closed");
    expect(told(at)).toEqual([]);
  });

  test("after the close nothing is taken, not even a cancel, and orders end a second later", () => {
    const at = new ExchangeCase(marketSpec({ closeUs: after(20) }));
    const ann = at.account("ann");
    const { orderId } = at.put(ann, "bid", 50, 1);
    at.engine.advanceTo(after(20));
    expect(at.engine.cancel(ann, orderId)).toMatchObject({ code: "market_inactive" });
    expect(at.amend(ann, orderId, 50, 0.5)).toMatchObject({ code: "market_inactive" });
    at.engine.collect();
    at.engine.advanceTo(after(21));
    expect(at.heard("order")).toMatchObject([
      { reason: "CloseCancel", order: { status: "canceled", remaining: 0 } },
    ]);
    expect(ann.locked).toBe(0);
  });

  test("a close that is moved holds at its new time alone", () => {
    const at = new ExchangeCase(marketSpec({ closeUs: after(20) }));
    at.engine.moveClose(only(at), after(40));
    expect(told(at)).toEqual(["created", "close_date_updated"]);
    at.engine.advanceTo(after(30));
    expect(only(at).phase).toBe("active");
    at.engine.moveClose(only(at), after(35));
    at.engine.advanceTo(after(35));
    expect(only(at).phase).toBe("closed");
  });

  test("is determined and paid a minute later, as its specification says", () => {
    const outcome = { value: 10_000 as CentiCents, determinedUs: after(30) };
    const at = new ExchangeCase(marketSpec({ closeUs: after(20), outcome }, QUADRATIC));
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 45, 10);
    at.put(ben, "bid", 45, 10);
    // Ben's fee: 0.07 x 10 x 0.45 x 0.55 = 0.17325, in steps of a ten-thousandth 0.1733.
    expect(ben.ledger.cash).toBe(100_000_000 - 4_500_000 - 173_300);
    at.engine.advanceTo(after(30));
    expect(only(at).record()).toMatchObject({ status: "determined", result: "yes" });
    expect(told(at)).toEqual(["created", "determined"]);
    at.engine.advanceTo(after(90));
    expect(only(at).record()).toMatchObject({ status: "finalized", settlementValue: 10_000 });
    const events = at.engine.collect();
    const settlements = events.filter((event) => event.kind === "settlement");
    expect(settlements.map(({ settlement }) => settlement)).toMatchObject([
      { result: "yes", noSize: 1000, noCost: 5_500_000, revenue: 0, fees: 0, yesSize: 0 },
      { result: "yes", yesSize: 1000, yesCost: 4_500_000, revenue: 10_000_000, fees: 173_300 },
    ]);
    expect(ben.ledger.cash).toBe(100_000_000 + 5_500_000 - 173_300);
    expect(ann.ledger.cash).toBe(100_000_000 - 5_500_000);
    expect(only(at).openInterest).toBe(0);
  });

  test("a scalar value pays both sides, in whole cents", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 45, 1.5);
    at.put(ben, "bid", 45, 1.5);
    at.engine.determine(only(at), 3_333 as CentiCents);
    at.engine.advanceTo(after(60));
    // 1.5 x 0.3333 = 0.49995 and 1.5 x 0.6667 = 1.00005.
    expect(ben.ledger.cash).toBe(100_000_000 - 675_000 + 490_000);
    expect(ann.ledger.cash).toBe(100_000_000 - 825_000 + 1_000_000);
  });

  test("a pause keeps orders, takes cancels alone, and its end cancels what rested", () => {
    const at = new ExchangeCase();
    const ann = at.account("ann");
    const first = at.put(ann, "bid", 50, 1).orderId;
    at.put(ann, "bid", 49, 1);
    at.engine.deactivate(only(at));
    expect(at.send(ann, "bid", 50, 1)).toMatchObject({ code: "market_inactive" });
    expect(at.engine.cancel(ann, first)).toMatchObject({ kind: "done" });
    expect(at.book().bids).toEqual(["49 x 1"]);
    at.engine.collect();
    at.engine.activate(only(at));
    const events = at.engine.collect();
    expect(events.map((event) => event.kind)).toEqual(["level", "order", "lifecycle", "cash"]);
    expect(at.book().bids).toEqual([]);
    at.put(ann, "bid", 50, 1);
  });

  test("finer prices from now on: orders that rest stay, even where no new one may", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "bid", 49, 1);
    const range = { startCc: 0 as CentiCents, endCc: 10_000 as CentiCents };
    at.engine.restructure(only(at), "deci_cent", [{ ...range, stepCc: 10 as CentiCents }]);
    at.put(ann, "bid", 49.1, 1);
    at.engine.restructure(only(at), "linear_cent", [{ ...range, stepCc: 100 as CentiCents }]);
    expect(at.send(ann, "bid", 49.1, 1)).toMatchObject({ code: "invalid_price" });
    expect(at.book().bids).toEqual(["49.1 x 1", "49 x 1"]);
    expect(at.put(ben, "ask", 49, 2)).toMatchObject({ filled: 200 });
  });
});

describe("pauses of the exchange", () => {
  test("trading: nothing new, cancels yes, and orders end that asked to", () => {
    const at = new ExchangeCase();
    const ann = at.account("ann");
    const { orderId } = at.put(ann, "bid", 50, 1);
    at.put(ann, "bid", 49, 1, { cancelOnPause: true });
    at.engine.setTrading(false);
    expect(at.book().bids).toEqual(["50 x 1"]);
    expect(at.send(ann, "bid", 48, 1)).toMatchObject({ code: "trading_is_paused" });
    expect(at.amend(ann, orderId, 50, 0.5)).toMatchObject({ code: "trading_is_paused" });
    expect(at.engine.cancel(ann, orderId)).toMatchObject({ kind: "done" });
    at.engine.setTrading(true);
    at.put(ann, "bid", 48, 1);
  });

  test("all: nothing is taken", () => {
    const at = new ExchangeCase();
    const ann = at.account("ann");
    const { orderId } = at.put(ann, "bid", 50, 1);
    at.engine.setExchange(false);
    expect(at.engine.cancel(ann, orderId)).toMatchObject({ code: "exchange_is_paused" });
    expect(at.engine.cancelAll(ann)).toMatchObject({ code: "exchange_is_paused" });
    expect(at.book().bids).toEqual(["50 x 1"]);
  });
});

describe("order groups", () => {
  /** A group of at most 10 contracts in 15 seconds, and somebody to trade with. */
  function grouped() {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    const group = at.engine.createGroup(ann, 1_000 as Lots);
    if ("kind" in group) throw new Error(group.code);
    const orderGroupId = group.orderGroupId;
    const bid = (cents: number, contracts: number) =>
      at.send(ann, "bid", cents, contracts, { orderGroupId });
    const sell = (contracts: number) => at.put(ben, "ask", 40, contracts, IOC);
    return { at, ann, orderGroupId, bid, sell, heard: () => groupEvents(at) };
  }
  const IOC = { timeInForce: "immediate_or_cancel" } as const;
  const groupEvents = (at: ExchangeCase) => at.heard("group").map(({ group }) => group.what);

  test("at its limit its orders end and new ones are refused until it is reset", () => {
    const { at, ann, orderGroupId, bid, sell, heard } = grouped();
    bid(50, 6);
    bid(49, 6);
    bid(48, 6);
    sell(9);
    expect(at.book().bids).toEqual(["49 x 3", "48 x 6"]);
    sell(1);
    expect(at.book().bids).toEqual([]);
    expect(heard()).toEqual(["created", "triggered"]);
    expect(bid(50, 1)).toMatchObject({ code: "order_group_triggered" });
    at.engine.resetGroup(ann, orderGroupId);
    expect(bid(50, 1)).toMatchObject({ kind: "done" });
  });

  test("matches count for fifteen seconds", () => {
    const { at, bid, sell } = grouped();
    bid(50, 20);
    sell(9);
    at.engine.advanceTo(after(14));
    expect(at.book().bids).toEqual(["50 x 11"]);
    at.engine.advanceTo(after(15));
    sell(9);
    expect(at.book().bids).toEqual(["50 x 2"]);
    sell(1);
    expect(at.book().bids).toEqual([]);
  });

  test("an order that takes beyond the limit ends where the limit was met", () => {
    const { at, bid } = grouped();
    const cat = at.account("cat");
    at.put(cat, "ask", 50, 8);
    at.put(cat, "ask", 51, 8);
    at.put(cat, "ask", 52, 8);
    expect(bid(55, 24)).toMatchObject({ filled: 1600, remaining: 0 });
    expect(at.book()).toEqual({ bids: [], asks: ["52 x 8"] });
  });

  test("a limit below what has matched triggers; so does the owner", () => {
    const { at, ann, orderGroupId, bid, sell, heard } = grouped();
    bid(50, 20);
    sell(5);
    at.engine.limitGroup(ann, orderGroupId, 500 as Lots);
    expect(at.book().bids).toEqual(["50 x 15"]);
    at.engine.limitGroup(ann, orderGroupId, 400 as Lots);
    expect(at.book().bids).toEqual([]);
    at.engine.resetGroup(ann, orderGroupId);
    bid(50, 2);
    at.engine.triggerGroup(ann, orderGroupId);
    expect(at.book().bids).toEqual([]);
    expect(heard()).toEqual([
      ...["created", "limit_updated", "limit_updated", "triggered", "reset", "triggered"],
    ]);
  });

  test("deleting cancels its orders and nobody else's", () => {
    const { at, ann, orderGroupId, bid } = grouped();
    bid(50, 2);
    at.put(ann, "bid", 50, 3);
    expect(at.engine.deleteGroup(ann, orderGroupId)).toBeNull();
    expect(at.book().bids).toEqual(["50 x 3"]);
    expect(bid(50, 1)).toMatchObject({ code: "order_group_not_found" });
    expect(at.engine.deleteGroup(ann, orderGroupId)).toMatchObject({
      code: "order_group_not_found",
    });
    expect(at.engine.markets[0]?.ticker).toBe(TICKER);
  });
});
