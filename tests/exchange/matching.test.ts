/** The matching rules by cases that are worked out by hand. Money is in dollars unless said. */
import { describe, expect, test } from "vitest";
import type { Lots } from "../../src/core/index.ts";
import type { Refusal } from "../../src/exchange/index.ts";
import { after, ExchangeCase, marketSpec, QUADRATIC, START_US, TICKER } from "./exchange-case.ts";

const ioc = { timeInForce: "immediate_or_cancel" } as const;
const fok = { timeInForce: "fill_or_kill" } as const;

function refused(code: string, details = ""): Refusal {
  return { kind: "refused", code: code as Refusal["code"], details };
}

describe("price and time", () => {
  test("the best price trades first, then the oldest order of a price, at the resting price", () => {
    const at = new ExchangeCase();
    const [ann, ben, cat, dan] = ["ann", "ben", "cat", "dan"].map((name) => at.account(name));
    if (!ann || !ben || !cat || !dan) throw new Error("four accounts");
    at.put(ann, "ask", 50, 10);
    at.put(ben, "ask", 49, 5);
    at.put(cat, "ask", 50, 10);
    at.engine.collect();
    const taken = at.put(dan, "bid", 52, 18);
    expect(taken).toMatchObject({ filled: 1800, remaining: 0, averagePrice: 497_200 });
    const fills = at.heard("fill").map(({ account, fill }) => [account, fill.price, fill.size]);
    expect(fills).toEqual([
      [ben.index, 4900, 500],
      [dan.index, 4900, 500],
      [ann.index, 5000, 1000],
      [dan.index, 5000, 1000],
      [cat.index, 5000, 300],
      [dan.index, 5000, 300],
    ]);
    expect(at.book()).toEqual({ bids: [], asks: ["50 x 7"] });
  });

  test("a bid for YES at p meets an ask that buys NO at 1 - p, and both pay their part", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 45, 10);
    at.put(ben, "bid", 45, 10);
    expect(ann.ledger.cash).toBe(100_000_000 - 5_500_000);
    expect(ben.ledger.cash).toBe(100_000_000 - 4_500_000);
    expect([ann.ledger.position(0), ben.ledger.position(0)]).toEqual([-1000, 1000]);
    expect(at.engine.markets[0]?.openInterest).toBe(1000);
  });

  test("YES and NO of one account net, and a pair pays one dollar", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 45, 10);
    at.put(ben, "bid", 45, 10);
    at.put(ann, "bid", 40, 10);
    at.put(ben, "ask", 40, 10);
    expect([ann.ledger.cash, ben.ledger.cash]).toEqual([100_500_000, 99_500_000]);
    expect(at.engine.markets[0]?.openInterest).toBe(0);
  });

  test("equal commands give equal events", () => {
    const run = (): unknown => {
      const at = new ExchangeCase();
      const [ann, ben] = [at.account("ann"), at.account("ben")];
      at.put(ann, "ask", 45, 10);
      at.put(ben, "bid", 45, 4);
      return at.engine.collect();
    };
    expect(run()).toEqual(run());
  });
});

describe("time in force", () => {
  test("immediate or cancel takes what there is and leaves nothing", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 50, 3);
    expect(at.put(ben, "bid", 51, 5, ioc)).toMatchObject({ filled: 300, remaining: 0 });
    expect(at.put(ben, "bid", 51, 5, ioc)).toMatchObject({ filled: 0, averagePrice: null });
    expect(at.book()).toEqual({ bids: [], asks: [] });
    const last = at.heard("order").at(-1);
    expect(last?.order).toMatchObject({ status: "canceled", remaining: 0, initial: 500 });
  });

  test("fill or kill trades wholly or not at all, and a killed one uses up its id", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 50, 3);
    at.put(ann, "ask", 51, 3);
    const terms = { ...fok, clientOrderId: "once" };
    expect(at.send(ben, "bid", 50, 4, terms)).toEqual(
      refused("fill_or_kill_insufficient_resting_volume"),
    );
    expect(at.book().asks).toEqual(["50 x 3", "51 x 3"]);
    expect(at.send(ben, "bid", 51, 4, terms)).toEqual(refused("order_already_exists"));
    expect(at.put(ben, "bid", 51, 4, fok)).toMatchObject({ filled: 400, remaining: 0 });
  });

  test("a fill-or-kill order that meets an own one is taken as immediate", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 50, 3);
    at.put(ben, "ask", 51, 3);
    expect(at.put(ben, "bid", 51, 6, fok)).toMatchObject({ filled: 300, remaining: 0 });
    expect(at.book().asks).toEqual(["51 x 3"]);
  });

  test("an order expires at its second, and not before", () => {
    const at = new ExchangeCase();
    const ann = at.account("ann");
    at.put(ann, "bid", 50, 3, { expiresUs: after(10) });
    at.engine.advanceTo((after(10) - 1) as typeof START_US);
    expect(at.book().bids).toEqual(["50 x 3"]);
    at.engine.advanceTo(after(10));
    expect(at.book().bids).toEqual([]);
    const last = at.heard("order").at(-1);
    expect(last).toMatchObject({ reason: "ExpiryCancel", order: { status: "canceled" } });
    expect(last?.order.updatedUs).toBe(after(10));
  });

  test("an expiry that has passed, or of an order that does not rest, is refused", () => {
    const at = new ExchangeCase();
    const ann = at.account("ann");
    const past = at.send(ann, "bid", 50, 3, { expiresUs: START_US });
    expect(past).toEqual(refused("invalid_order", "expiration_time has passed"));
    expect(at.send(ann, "bid", 50, 3, { ...ioc, expiresUs: after(10) })).toMatchObject({
      code: "invalid_order",
    });
  });
});

describe("self-trade prevention", () => {
  test("taker_at_cross: the newcomer ends at the cross, keeps its fills, and the other stays", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 49, 2);
    at.put(ben, "ask", 50, 2);
    at.put(ann, "ask", 51, 2);
    expect(at.put(ben, "bid", 51, 6)).toMatchObject({ filled: 200, remaining: 0 });
    expect(at.book()).toEqual({ bids: [], asks: ["50 x 2", "51 x 2"] });
    expect(at.heard("order").at(-1)).toMatchObject({
      reason: "SelfTradeCancel",
      order: { status: "canceled", filled: 200, remaining: 0 },
    });
  });

  test("maker: the resting order ends, and the newcomer goes on", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 49, 2);
    at.put(ben, "ask", 50, 2);
    at.put(ann, "ask", 51, 2);
    const taken = at.put(ben, "bid", 51, 6, { selfTradePrevention: "maker" });
    expect(taken).toMatchObject({ filled: 400, remaining: 200 });
    expect(at.book()).toEqual({ bids: ["51 x 2"], asks: [] });
  });
});

describe("post-only and reduce-only", () => {
  test("a post-only order that would cross is refused, and stays on record as cancelled", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 50, 2);
    at.engine.collect();
    expect(at.send(ben, "bid", 50, 2, { postOnly: true })).toEqual(
      refused("invalid_order", "post only cross"),
    );
    expect(at.heard("order")).toMatchObject([
      { reason: "PostOnlyCrossCancel", order: { status: "canceled", filled: 0, remaining: 0 } },
    ]);
    expect(at.put(ben, "bid", 49, 2, { postOnly: true })).toMatchObject({ remaining: 200 });
  });

  test("a reduce-only order closes what is held and no more", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 50, 2);
    at.put(ben, "bid", 50, 2);
    at.put(ann, "bid", 48, 10);
    const reduce = { ...ioc, reduceOnly: true };
    expect(at.put(ben, "ask", 48, 5, reduce)).toMatchObject({ filled: 200, remaining: 0 });
    expect(ben.ledger.position(0)).toBe(0);
    expect(at.put(ben, "ask", 48, 5, reduce)).toMatchObject({ filled: 0, remaining: 0 });
    expect(at.send(ben, "ask", 48, 5, { reduceOnly: true })).toMatchObject({
      code: "invalid_order",
    });
  });
});

describe("changes of resting orders", () => {
  /** Ben's two contracts stand before Ann's in the queue at 50. */
  function queue(): { at: ExchangeCase; trade(): string[]; first: string } {
    const at = new ExchangeCase();
    const [ann, ben, cat] = [at.account("ann"), at.account("ben"), at.account("cat")];
    const first = at.put(ben, "bid", 50, 4).orderId;
    at.put(ann, "bid", 50, 4);
    at.engine.collect();
    const trade = (): string[] => {
      at.put(cat, "ask", 50, 1);
      const makers = at.heard("fill").filter(({ fill }) => !fill.isTaker);
      return makers.map(({ account }) => (account === ben.index ? "ben" : "ann"));
    };
    return { at, trade, first };
  }
  const benOf = (at: ExchangeCase) => {
    const ben = at.engine.accounts.find(({ userId }) => userId === "ben");
    if (ben === undefined) throw new Error("ben is there");
    return ben;
  };

  test("a smaller size keeps the place", () => {
    const { at, trade, first } = queue();
    at.amend(benOf(at), first, 50, 2);
    expect(trade()).toEqual(["ben"]);
    expect(at.engine.queuePosition(benOf(at), first)).toBe(0);
  });

  test("a larger size goes to the back", () => {
    const { at, trade, first } = queue();
    expect(at.amend(benOf(at), first, 50, 5)).toMatchObject({ remaining: 500 });
    expect(at.engine.queuePosition(benOf(at), first)).toBe(400);
    expect(trade()).toEqual(["ann"]);
  });

  test("a price that comes back comes back last", () => {
    const { at, trade, first } = queue();
    at.amend(benOf(at), first, 49, 4);
    at.amend(benOf(at), first, 50, 4);
    expect(trade()).toEqual(["ann"]);
  });

  test("a decrease keeps the place, and to nothing it is a cancel", () => {
    const { at, trade, first } = queue();
    const decrease = { exchangeIndex: null, ticker: null };
    const by = { ...decrease, by: 100 as Lots, to: null };
    expect(at.engine.decrease(benOf(at), first, by)).toMatchObject({ remaining: 300 });
    expect(trade()).toEqual(["ben"]);
    const to = { ...decrease, by: null, to: 0 as Lots };
    expect(at.engine.decrease(benOf(at), first, to)).toMatchObject({ remaining: 0 });
    expect(at.book().bids).toEqual(["50 x 4"]);
    expect(at.engine.cancel(benOf(at), first)).toEqual(refused("not_found"));
  });

  test("an amended size counts what has filled, and may not fall to it", () => {
    const { at, trade, first } = queue();
    trade();
    expect(at.amend(benOf(at), first, 50, 1)).toEqual(refused("invalid_order_size"));
    expect(at.amend(benOf(at), first, 50, 3)).toMatchObject({ filled: 100, remaining: 200 });
  });

  test("an amendment may cross, and then trades", () => {
    const { at, first } = queue();
    const cat = at.engine.accounts.find(({ userId }) => userId === "cat");
    if (cat === undefined) throw new Error("cat is there");
    at.put(cat, "ask", 52, 1);
    const outcome = at.amend(benOf(at), first, 52, 4);
    expect(outcome).toMatchObject({ filled: 100, remaining: 300, averagePrice: 520_000 });
    expect(at.book()).toEqual({ bids: ["52 x 3", "50 x 4"], asks: [] });
  });

  test("ids, ticker and side of an amendment must be the order's", () => {
    const { at, first } = queue();
    const wrong = (more: object) => at.amend(benOf(at), first, 50, 2, more);
    expect(wrong({ clientOrderId: "other" })).toEqual(
      refused("order_id_and_client_order_id_mismatch"),
    );
    expect(wrong({ side: 1 })).toEqual(refused("order_side_mismatch"));
    expect(wrong({ ticker: "KXOTHER" })).toEqual(refused("order_ticker_mismatch"));
    expect(at.book().bids).toEqual(["50 x 8"]);
  });

  test("nobody changes another's order", () => {
    const { at, first } = queue();
    const cat = at.account("dan");
    expect(at.engine.cancel(cat, first)).toEqual(refused("not_found"));
    expect(at.amend(cat, first, 50, 1)).toEqual(refused("not_found"));
  });

  test("cancel all leaves other accounts' orders", () => {
    const { at } = queue();
    at.put(benOf(at), "bid", 40, 1);
    expect(at.engine.cancelAll(benOf(at))).toBeNull();
    expect(at.book().bids).toEqual(["50 x 4"]);
  });
});

describe("client ids, prices, sizes and markets", () => {
  test("a client id never becomes free, not even of a cancelled order", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    const { orderId } = at.put(ann, "bid", 50, 1, { clientOrderId: "mine" });
    at.engine.cancel(ann, orderId);
    const again = at.send(ann, "bid", 50, 1, { clientOrderId: "mine" });
    expect(again).toEqual(refused("order_already_exists"));
    expect(at.send(ben, "bid", 50, 1, { clientOrderId: "mine" })).toMatchObject({ kind: "done" });
  });

  test("off the grid, at 0 and 1 dollar, without a size, in no market", () => {
    const at = new ExchangeCase();
    const ann = at.account("ann");
    expect(at.send(ann, "bid", 50.5, 1)).toEqual(refused("invalid_price"));
    expect(at.send(ann, "bid", 0, 1)).toEqual(refused("invalid_price"));
    expect(at.send(ann, "bid", 100, 1)).toEqual(refused("invalid_price"));
    expect(at.send(ann, "bid", 50, 0)).toEqual(refused("invalid_order_size"));
    const nowhere = at.send(ann, "bid", 50, 1, { ticker: "KXNONE" });
    expect(nowhere).toEqual(refused("market_not_found"));
    expect(at.put(ann, "bid", 50, 0.01)).toMatchObject({ remaining: 1 });
    expect(at.engine.markets[0]?.ticker).toBe(TICKER);
  });
});

describe("collateral and fees", () => {
  test("a bid locks its price and the most its fee can be; beyond that it is refused", () => {
    const at = new ExchangeCase(marketSpec({}, QUADRATIC));
    const ann = at.account("ann", 10);
    // 19 x 0.50 = 9.50, taker fee 0.07 x 19 x 0.25 = 0.3325; one more would need 10.35.
    expect(at.send(ann, "bid", 50, 20)).toEqual(refused("insufficient_balance"));
    at.put(ann, "bid", 50, 19);
    expect(ann.locked).toBeGreaterThanOrEqual(9_832_500);
    expect(ann.locked).toBeLessThan(9_835_000);
    expect(at.send(ann, "bid", 30, 1)).toEqual(refused("insufficient_balance"));
  });

  test("an ask locks the other side of the dollar, but for what is held", () => {
    const at = new ExchangeCase();
    const [ann, ben] = [at.account("ann", 10), at.account("ben")];
    at.put(ben, "ask", 50, 10);
    at.put(ann, "bid", 50, 10);
    expect(ann.available).toBe(5_000_000);
    at.put(ann, "ask", 60, 10);
    expect(ann.locked).toBe(0);
    expect(at.send(ann, "ask", 60, 13)).toEqual(refused("insufficient_balance"));
    at.put(ann, "ask", 60, 12);
    expect(ann.locked).toBeGreaterThanOrEqual(4_800_000);
  });

  test("fees of captured fills: 1 at 0.52 costs 0.0175, 1 at 0.99 costs 0.0007", () => {
    const at = new ExchangeCase(marketSpec({}, QUADRATIC));
    const [ann, ben] = [at.account("ann"), at.account("ben")];
    at.put(ann, "ask", 52, 1);
    at.put(ann, "ask", 99, 1);
    const taken = at.put(ben, "bid", 99, 2);
    const fees = at.heard("fill").filter(({ fill }) => fill.isTaker);
    expect(fees.map(({ fill }) => fill.fee)).toEqual([17_500, 700]);
    expect(taken).toMatchObject({ averagePrice: 755_000, averageFee: 9_100 });
    expect(ben.ledger.cash).toBe(100_000_000 - 520_000 - 990_000 - 18_200);
    expect(ann.ledger.fees).toBe(0);
  });
});
