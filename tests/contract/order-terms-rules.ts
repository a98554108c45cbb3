/** The part of the contract about what an order is sent with: time in force, expiry, self-trades. */
import { expect } from "vitest";
import { BookSide } from "../../src/market/index.ts";
import type { Rule } from "./contract-session.ts";

const { bid, ask } = BookSide;

export function orderTermsRules(rule: Rule): void {
  rule("an immediate-or-cancel order takes what is there and no more", async (session) => {
    const id = session.send(bid, 47, 60, { timeInForce: "immediate_or_cancel" });
    await session.run();
    expect(session.kindsOf(id)).toEqual(["accepted", "filled", "cancelled"]);
    expect(session.account.ledger.position(0)).toBe(5000);
  });

  rule("a fill-or-kill order that cannot be filled is refused whole", async (session) => {
    const id = session.send(bid, 47, 60, { timeInForce: "fill_or_kill" });
    await session.run();
    expect(session.kindsOf(id)).toEqual(["rejected"]);
    expect(session.reasonsOf(id)).toEqual(["fill_or_kill_unfilled"]);
  });

  rule("own orders never trade with each other: the newcomer is cancelled", async (session) => {
    const resting = session.send(ask, 46, 10);
    await session.run();
    const crossing = session.send(bid, 46, 10);
    await session.run();
    expect(session.kindsOf(resting)).toEqual(["accepted"]);
    expect(session.kindsOf(crossing)).toEqual(["accepted", "cancelled"]);
    expect(session.reasonsOf(crossing)).toEqual(["self_trade"]);
  });

  rule("what a newcomer took before it met an own order stays", async (session) => {
    const resting = session.send(ask, 48, 10);
    await session.run();
    const crossing = session.send(bid, 48, 180);
    await session.run();
    expect(session.kindsOf(resting)).toEqual(["accepted"]);
    expect(session.kindsOf(crossing).at(0)).toBe("accepted");
    expect(session.kindsOf(crossing).at(-1)).toBe("cancelled");
    expect(session.reasonsOf(crossing)).toEqual(["self_trade"]);
    // 50 at 47 stood before ours, and as many at 48 as were there before it.
    const fills = session.fillsOf(crossing);
    expect(fills[0]).toMatchObject({ price: 4700, size: 5000, role: "taker" });
    expect(session.account.ledger.position(0)).toBe(fills.reduce((sum, { size }) => sum + size, 0));
  });

  rule("a newcomer with `maker` prevention cancels own orders and goes on", async (session) => {
    const nearer = session.send(ask, 46, 10);
    const farther = session.send(ask, 48, 10);
    const away = session.send(ask, 49, 10);
    await session.run();
    const terms = {
      timeInForce: "immediate_or_cancel",
      selfTradePrevention: "maker",
    } as const;
    const crossing = session.send(bid, 48, 100, terms);
    await session.run();
    // 50 at 47, 50 of the 100 at 48: it is full before it comes to the own order behind them,
    // unless own orders stand first there.
    expect(session.reasonsOf(nearer)).toEqual(["self_trade"]);
    expect(session.kindsOf(nearer)).toEqual(["accepted", "cancelled"]);
    expect(session.kindsOf(away)).toEqual(["accepted"]);
    expect(session.fillsOf(crossing).map((fill) => [fill.price, fill.size])).toEqual([
      [4700, 5000],
      [4800, 5000],
    ]);
    expect(session.account.order(farther)?.filled ?? 0).toBe(0);
    expect(session.account.ledger.position(0)).toBe(10_000);
  });

  rule("a fill-or-kill order that meets an own order is immediate-or-cancel", async (session) => {
    const resting = session.send(ask, 48, 10);
    await session.run();
    const second = session.send(bid, 48, 160, { timeInForce: "fill_or_kill" });
    await session.run();
    expect(session.kindsOf(resting)).toEqual(["accepted"]);
    expect(session.kindsOf(second)[0]).toBe("accepted");
    expect(session.fillsOf(second)[0]).toMatchObject({ price: 4700, size: 5000 });
    expect(session.reasonsOf(second)).toEqual(["self_trade"]);
  });

  rule("a fill-or-kill order that can be filled is", async (session) => {
    const id = session.send(bid, 48, 60, { timeInForce: "fill_or_kill" });
    await session.run();
    expect(session.kindsOf(id)).toEqual(["accepted", "filled", "filled"]);
  });

  rule("an immediate reduce-only order is cut to what is held", async (session) => {
    session.send(bid, 47, 10);
    await session.run();
    const terms = { timeInForce: "immediate_or_cancel", reduceOnly: true } as const;
    const sale = session.send(ask, 45, 30, terms);
    await session.run();
    expect(session.kindsOf(sale)).toEqual(["accepted", "filled", "cancelled"]);
    expect(session.reasonsOf(sale)).toEqual(["exceeds_position"]);
    expect(session.account.ledger.position(0)).toBe(0);
    const again = session.send(ask, 45, 30, terms);
    await session.run();
    expect(session.kindsOf(again)).toEqual(["accepted", "cancelled"]);
  });

  rule("terms that exclude each other are refused", async (session) => {
    const expiresUs = session.secondsOn(60);
    const immediate = { timeInForce: "immediate_or_cancel", expiresUs } as const;
    const whole = { timeInForce: "fill_or_kill", reduceOnly: true } as const;
    const ids = [session.send(bid, 45, 10, immediate), session.send(bid, 45, 10, whole)];
    await session.run();
    for (const id of ids) expect(session.reasonsOf(id)).toEqual(["invalid_order"]);
  });

  rule("what is left of an order is cancelled at its expiry, and not before", async (session) => {
    const expiresUs = session.secondsOn(3);
    const id = session.send(bid, 46, 40, { expiresUs });
    await session.run();
    session.world.trade(bid, 45, 30);
    // In real time a machine that stands still must not come to the expiry here.
    await session.passTo(expiresUs - 2_000_000);
    expect(session.kindsOf(id)).toEqual(["accepted", "filled"]);
    await session.passTo(expiresUs);
    expect(session.kindsOf(id)).toEqual(["accepted", "filled", "cancelled"]);
    const [end] = session.events.filter(({ kind }) => kind === "cancelled");
    expect(end?.atUs).toBeGreaterThanOrEqual(expiresUs);
    expect(session.reasonsOf(id)).toEqual(["expired"]);
    expect(session.account.locked).toBe(0);
    session.world.trade(bid, 45, 20);
    session.cancel(id);
    await session.run();
    expect(session.account.ledger.position(0)).toBe(3000);
    expect(session.kindsOf(id).at(-1)).toBe("cancelRejected");
  });

  rule("an expiry that has passed is refused", async (session) => {
    const past = session.secondsOn(-5);
    const id = session.send(bid, 45, 10, { expiresUs: past });
    await session.run();
    expect(session.reasonsOf(id)).toEqual(["invalid_expiration"]);
  });

  rule("a smaller size keeps its place in the queue, a larger one loses it", async (session) => {
    const first = session.send(bid, 46, 20);
    const second = session.send(bid, 46, 20);
    await session.run();
    session.amend(first, 46, 10);
    await session.run();
    session.world.trade(bid, 45, 5);
    await session.run();
    expect([first, second].map((id) => session.fillsOf(id).length)).toEqual([1, 0]);
    session.amend(first, 46, 15);
    await session.run();
    session.world.trade(bid, 45, 5);
    await session.run();
    expect([first, second].map((id) => session.fillsOf(id).length)).toEqual([1, 1]);
  });
}
