/**
 * What every `OrderManager` does, whatever stands behind it. Each implementation brings a world: a
 * market with a known book, whose other participants the test moves. Differences are allowed only
 * by a written reason.
 *
 * The market opens with bids 44 x 100 and 45 x 50 and asks 47 x 50 and 48 x 100 (cents x contracts)
 * on a whole-cent grid, charges the quadratic fee, and the account holds 100 dollars and nothing
 * else. Fees come to whole ten-thousandths of a dollar.
 */
import { afterEach, describe, expect, test } from "vitest";
import type { CentiCents, Lots } from "../../src/core/index.ts";
import { BookSide } from "../../src/market/index.ts";
import type { ClientOrderId } from "../../src/orders/index.ts";
import { DOLLAR, Session, type World } from "./contract-session.ts";
import { orderTermsRules } from "./order-terms-rules.ts";

export type { World } from "./contract-session.ts";

/** Runs the contract over an implementation. `differs` maps a test's name to a written reason. */
export function orderManagerContract(
  name: string,
  open: () => Promise<World>,
  differs: Readonly<Record<string, string>> = {},
): void {
  const { bid, ask } = BookSide;
  const disposals: (() => Promise<void>)[] = [];

  function rule(title: string, body: (session: Session) => Promise<void>): void {
    if (title in differs) {
      test(`${title} (differs: ${differs[title]})`, () => {
        expect(differs[title]?.length).toBeGreaterThan(20);
      });
      return;
    }
    test(title, async () => {
      const world = await open();
      disposals.push(() => world.dispose());
      await body(new Session(world));
    });
  }

  describe(`order manager contract: ${name}`, () => {
    afterEach(async () => {
      for (const dispose of disposals.splice(0)) await dispose();
    });

    orderTermsRules(rule);

    rule("an order that does not cross is accepted and rests", async (session) => {
      const id = session.send(bid, 45, 10);
      await session.run();
      expect(session.kindsOf(id)).toEqual(["accepted"]);
      expect(session.account.order(id)?.status).toBe("resting");
      // 10 x 0.45, the taker fee at that price (0.17325) and the rounding reserve.
      expect(session.account.locked).toBeGreaterThanOrEqual(4_500_000 + 173_250);
      expect(session.account.locked).toBeLessThan(4_500_000 + 175_000);
    });

    rule(
      "a crossing order takes the best levels first and rests with the rest",
      async (session) => {
        const id = session.send(bid, 47, 60);
        await session.run();
        const fills = session.fillsOf(id);
        expect(fills.map((fill) => [fill.price, fill.size, fill.role])).toEqual([
          [4700, 5000, "taker"],
        ]);
        expect(session.account.order(id)?.filled).toBe(5000);
        expect(session.account.ledger.position(0)).toBe(5000);
      },
    );

    rule("cash moves by price x size + fee", async (session) => {
      const id = session.send(bid, 48, 60);
      await session.run();
      const fills = session.fillsOf(id);
      expect(fills.map((fill) => [fill.price, fill.size])).toEqual([
        [4700, 5000],
        [4800, 1000],
      ]);
      // 0.07 x 50 x 0.47 x 0.53 = 0.871850 -> 0.8719; 0.07 x 10 x 0.48 x 0.52 = 0.174720, less
      // what the first rounding left over: 0.87185 rounds by 0.00005, 0.17472 by 0.00008; the two
      // make one step of 0.0001, which is paid back.
      expect(fills.map((fill) => fill.fee)).toEqual([871_900, 174_700]);
      expect(session.account.ledger.cash).toBe(
        100 * DOLLAR - 50 * 470_000 - 10 * 480_000 - 871_900 - 174_700,
      );
    });

    rule("a resting order is filled by others, never beyond its size", async (session) => {
      const id = session.send(bid, 46, 10);
      await session.run();
      session.world.trade(bid, 45, 30);
      await session.run();
      const fills = session.fillsOf(id);
      expect(fills.reduce((sum, fill) => sum + fill.size, 0)).toBe(1000);
      expect(fills.every((fill) => fill.price === 4600 && fill.role === "maker")).toBe(true);
      expect(session.account.order(id)).toBeUndefined();
      expect(session.account.locked).toBe(0);
    });

    rule("a cancelled order has no further events, and cancelling twice is as once", async (s) => {
      const id = s.send(bid, 46, 10);
      await s.run();
      s.cancel(id);
      s.world.orders.cancel(id);
      await s.run();
      s.world.trade(bid, 45, 30);
      await s.run();
      const kinds = s.kindsOf(id);
      expect(kinds.slice(0, 2)).toEqual(["accepted", "cancelled"]);
      expect(kinds.slice(2).every((kind) => kind === "cancelRejected")).toBe(true);
      expect(s.account.ledger.cash).toBe(100 * DOLLAR);
    });

    rule("a fill that races a cancel is kept, and the rest is cancelled", async (session) => {
      const id = session.send(bid, 46, 40);
      await session.run();
      session.world.trade(bid, 45, 30);
      session.cancel(id);
      await session.run();
      const filled = session.fillsOf(id).reduce((sum, fill) => sum + fill.size, 0);
      expect(filled).toBe(3000);
      expect(session.kindsOf(id).at(-1)).toBe("cancelled");
      expect(session.account.ledger.position(0)).toBe(3000);
    });

    rule("a post-only order that would cross is rejected, by an event", async (session) => {
      const id = session.send(bid, 47, 10, { postOnly: true });
      await session.run();
      expect(session.kindsOf(id)).toEqual(["rejected"]);
      expect(session.reasonsOf(id)).toEqual(["post_only_cross"]);
    });

    rule("an amendment gives a new price and a total size that counts what filled", async (s) => {
      const id = s.send(bid, 46, 40);
      await s.run();
      s.world.trade(bid, 45, 30);
      await s.run();
      s.amend(id, 45, 50);
      await s.run();
      expect(s.kindsOf(id).at(-1)).toBe("amended");
      expect(s.account.order(id)?.price).toBe(4500);
      expect(s.account.order(id)?.size).toBe(5000);
      expect(s.account.order(id)?.filled).toBe(3000);
    });

    rule("an amendment to a crossing price trades", async (session) => {
      const id = session.send(bid, 45, 10);
      await session.run();
      session.amend(id, 47, 10);
      await session.run();
      expect(session.kindsOf(id)).toEqual(["accepted", "amended", "filled"]);
      expect(session.fillsOf(id)[0]?.price).toBe(4700);
      expect(session.fillsOf(id)[0]?.role).toBe("taker");
    });

    rule("what is unknown is refused by an event", async (session) => {
      const id = "never-sent" as ClientOrderId;
      session.world.orders.cancel(id);
      session.world.orders.amend(id, 4500 as CentiCents, 1000 as Lots);
      await session.run();
      expect(session.kindsOf(id)).toEqual(["cancelRejected", "amendRejected"]);
    });

    rule("what is not funded is refused", async (session) => {
      const id = session.send(bid, 45, 1000);
      await session.run();
      expect(session.kindsOf(id)).toEqual(["rejected"]);
      expect(session.reasonsOf(id)).toEqual(["insufficient_balance"]);
      // 100 dollars and an open order of 90: a second one of 20 is too much.
      const first = session.send(bid, 45, 190);
      const second = session.send(ask, 47, 30);
      await session.run();
      expect(session.kindsOf(first)).toEqual(["accepted"]);
      expect(session.reasonsOf(second)).toEqual(["insufficient_balance"]);
    });

    rule("nothing is sold from flat unless asked for as a NO purchase", async (session) => {
      const sale = session.send(ask, 45, 10, { reduceOnly: true });
      await session.run();
      expect(session.kindsOf(sale)).toEqual(["rejected"]);
      expect(session.account.ledger.cash).toBe(100 * DOLLAR);
      const purchase = session.send(ask, 45, 10);
      await session.run();
      expect(session.account.ledger.position(0)).toBe(-1000);
      const fee = session.fillsOf(purchase)[0]?.fee ?? 0;
      // Ten NO at 55 cents are paid for: no cash comes from selling YES that nobody held.
      expect(session.account.ledger.cash).toBe(100 * DOLLAR - 5_500_000 - fee);
    });

    rule("a pair of YES and NO is worth exactly one dollar", async (session) => {
      session.send(bid, 47, 10);
      await session.run();
      session.send(ask, 45, 10);
      await session.run();
      const fees = session.events.reduce((sum, e) => sum + (e.kind === "filled" ? e.fee : 0), 0);
      expect(session.account.ledger.position(0)).toBe(0);
      expect(session.account.ledger.cash).toBe(100 * DOLLAR - 200_000 - fees);
    });

    rule("a price off the grid or a size of nothing is refused", async (session) => {
      const price = session.send(bid, 45.5, 10);
      await session.run();
      expect(session.kindsOf(price)).toEqual(["rejected"]);
      expect(session.reasonsOf(price)).toEqual(["invalid_price"]);
    });

    rule("a client order id is used once", async (session) => {
      const id = session.send(bid, 44, 10);
      await session.run();
      session.cancel(id);
      await session.run();
      session.send(bid, 44, 10, { clientOrderId: id });
      await session.run();
      expect(session.kindsOf(id)).toEqual(["accepted", "cancelled", "rejected"]);
      expect(session.reasonsOf(id).at(-1)).toBe("duplicate_client_order_id");
    });

    rule("a closed market cancels what rests and refuses what comes", async (session) => {
      const resting = session.send(bid, 44, 10);
      await session.run();
      session.world.closeMarket();
      await session.run();
      expect(session.kindsOf(resting)).toEqual(["accepted", "cancelled"]);
      const late = session.send(bid, 44, 10);
      await session.run();
      expect(session.reasonsOf(late)).toEqual(["market_closed"]);
    });

    rule("events come in order, with times that never go back", async (session) => {
      const ids = [session.send(bid, 45, 5), session.send(bid, 47, 60), session.send(ask, 46, 5)];
      await session.run();
      session.world.trade(bid, 44, 40);
      for (const id of ids) session.cancel(id);
      await session.run();
      const times = session.events.map((event) => event.atUs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      for (const id of ids) expect(session.kindsOf(id)[0]).toBe("accepted");
    });
  });
}
