import { describe, expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd } from "../../src/core/index.ts";
import { BookSide, LINEAR_CENT, PriceGrid } from "../../src/market/index.ts";
import {
  Account,
  Action,
  type ClientOrderId,
  type OrderCommand,
  type OrderRequest,
  Planner,
  type PlannerSettings,
  RiskGate,
} from "../../src/orders/index.ts";

const GRID = new PriceGrid(LINEAR_CENT);
const FEES = [{ type: "quadratic", multiplierPpm: 1_000_000 } as const];
const QUOTE = { bid: 4500 as CentiCents, ask: 4700 as CentiCents };
const { bid, ask } = BookSide;

function setUp(change: Partial<PlannerSettings> = {}, cash = 100_000_000) {
  let ids = 0;
  const settings: PlannerSettings = {
    pricing: "join",
    orderSize: 1000 as Lots,
    positionLimit: 5000 as Lots,
    ...change,
  };
  const planner = new Planner(settings, [GRID], () => `p${ids++}` as ClientOrderId);
  const account = new Account(FEES, cash as MicroUsd);
  const plan = (action: Action, quote = QUOTE): OrderCommand[] => {
    const commands: OrderCommand[] = [];
    planner.plan(action, 0, account, quote, commands);
    return commands;
  };
  const mask = (quote = QUOTE): number[] => {
    const out = new Uint8Array(5);
    planner.mask(0, account, quote, out);
    return [...out];
  };
  /** Sends what a submit command asks for and has it rest. */
  const rest = (command: OrderCommand | undefined): OrderRequest => {
    if (command?.kind !== "submit") throw new Error("expected a submit command");
    account.sent(command.request, 0);
    const { clientOrderId } = command.request;
    account.apply({ kind: "accepted", clientOrderId, atUs: 1 });
    return command.request;
  };
  return { account, plan, mask, rest };
}

function submitted(commands: OrderCommand[]) {
  return commands.map((command) =>
    command.kind === "submit"
      ? [command.request.side, command.request.price, command.request.size]
      : command.kind,
  );
}

describe("the five actions", () => {
  test("from flat, buying YES bids at the best bid and buying NO asks at the best ask", () => {
    const { plan, mask } = setUp();
    expect(mask()).toEqual([1, 1, 0, 1, 0]);
    expect(plan(Action.hold)).toEqual([]);
    expect(submitted(plan(Action.buyYes))).toEqual([[bid, 4500, 1000]]);
    // The best NO bid is one dollar less the best YES ask: 0.53, an ask at 0.47 in the YES book.
    expect(submitted(plan(Action.buyNo))).toEqual([[ask, 4700, 1000]]);
    expect(plan(Action.sellYes)).toEqual([]);
    expect(plan(Action.sellNo)).toEqual([]);
  });

  test("selling YES offers what is held and no more", () => {
    const { account, plan, mask } = setUp();
    account.ledger.fill(0, bid, 4500 as CentiCents, 350 as Lots, 0 as MicroUsd);
    expect(mask()).toEqual([1, 1, 1, 1, 0]);
    const [command] = plan(Action.sellYes);
    expect(command).toMatchObject({
      request: { side: ask, price: 4700, size: 350, reduceOnly: true },
    });
  });

  test("selling NO bids at one dollar less the best NO ask, up to what is held", () => {
    const { account, plan, mask } = setUp();
    account.ledger.fill(0, ask, 4700 as CentiCents, 2000 as Lots, 0 as MicroUsd);
    expect(mask()).toEqual([1, 1, 0, 1, 1]);
    const [command] = plan(Action.sellNo);
    expect(command).toMatchObject({
      request: { side: bid, price: 4500, size: 1000, reduceOnly: true },
    });
  });

  test("an account that is all in may still sell", () => {
    const { account, mask } = setUp({}, 5_300_000);
    account.ledger.fill(0, ask, 4700 as CentiCents, 1000 as Lots, 0 as MicroUsd);
    expect(account.available).toBe(0);
    // Buying YES closes the NO that is held, so it needs no cash either; more NO does.
    expect(mask()).toEqual([1, 1, 0, 0, 1]);
  });

  test("nothing is bought where the book gives no price", () => {
    const { mask } = setUp();
    expect(mask({ bid: 0 as CentiCents, ask: 4700 as CentiCents })).toEqual([1, 0, 0, 1, 0]);
    expect(mask({ bid: 4500 as CentiCents, ask: 10_000 as CentiCents })).toEqual([1, 1, 0, 0, 0]);
  });

  test("the position limit bounds what is bought", () => {
    const { account, plan, mask } = setUp({ positionLimit: 1200 as Lots });
    account.ledger.fill(0, bid, 4500 as CentiCents, 900 as Lots, 0 as MicroUsd);
    expect(submitted(plan(Action.buyYes))).toEqual([[bid, 4500, 300]]);
    account.ledger.fill(0, bid, 4500 as CentiCents, 300 as Lots, 0 as MicroUsd);
    expect(mask()).toEqual([1, 0, 1, 1, 0]);
  });

  test("an order is as large as cash can be locked for, in whole contracts", () => {
    // 10 x 0.45 + fee is more than 2 dollars; 4 x 0.45 = 1.80 and its fee 0.0693 fit.
    const { plan } = setUp({}, 2_000_000);
    expect(submitted(plan(Action.buyYes))).toEqual([[bid, 4500, 400]]);
  });
});

describe("orders that are already working", () => {
  test("a fitting one is kept, and amended when the price has moved", () => {
    const { plan, rest } = setUp();
    const { clientOrderId } = rest(plan(Action.buyYes)[0]);
    expect(plan(Action.buyYes)).toEqual([]);
    expect(plan(Action.buyYes, { bid: 4600 as CentiCents, ask: 4700 as CentiCents })).toEqual([
      { kind: "amend", clientOrderId, price: 4600, size: 1000 },
    ]);
  });

  test("an amendment counts what has filled already", () => {
    const { account, plan, rest } = setUp();
    const { clientOrderId } = rest(plan(Action.buyYes)[0]);
    account.apply({
      kind: "filled",
      clientOrderId,
      atUs: 2,
      price: 4500 as CentiCents,
      size: 400 as Lots,
      fee: 0 as MicroUsd,
      role: "maker",
      evidence: { kind: "venue", tradeId: "t" },
    });
    expect(plan(Action.buyYes, { bid: 4600 as CentiCents, ask: 4700 as CentiCents })).toEqual([
      { kind: "amend", clientOrderId, price: 4600, size: 1400 },
    ]);
  });

  test("one of another action is cancelled, and HOLD leaves it alone", () => {
    const { plan, rest } = setUp();
    const { clientOrderId } = rest(plan(Action.buyYes)[0]);
    expect(plan(Action.hold)).toEqual([]);
    const commands = plan(Action.buyNo);
    expect(commands[0]).toEqual({ kind: "cancel", clientOrderId });
    expect(commands[1]).toMatchObject({ kind: "submit", request: { side: ask, price: 4700 } });
  });

  test("one with a message on its way is waited for", () => {
    const { account, plan, rest } = setUp();
    const { clientOrderId } = rest(plan(Action.buyYes)[0]);
    account.amendSent(clientOrderId, 4600 as CentiCents, 1000 as Lots);
    expect(plan(Action.buyYes, { bid: 4400 as CentiCents, ask: 4700 as CentiCents })).toEqual([]);
  });
});

describe("pricing", () => {
  const wide = { bid: 4500 as CentiCents, ask: 4800 as CentiCents };
  const tight = { bid: 4500 as CentiCents, ask: 4600 as CentiCents };
  const price = (pricing: PlannerSettings["pricing"], action: Action, quote: typeof QUOTE) =>
    submitted(setUp({ pricing }).plan(action, quote))[0]?.[1];

  test("improve goes one tick inside, and joins where there is no room", () => {
    expect(price("improve", Action.buyYes, wide)).toBe(4600);
    expect(price("improve", Action.buyNo, wide)).toBe(4700);
    expect(price("improve", Action.buyYes, tight)).toBe(4500);
    expect(price("improve", Action.buyNo, tight)).toBe(4600);
  });

  test("cross takes the other side's best price", () => {
    expect(price("cross", Action.buyYes, wide)).toBe(4800);
    expect(price("cross", Action.buyNo, wide)).toBe(4500);
  });

  test("mid stands next to the middle without crossing it", () => {
    expect(price("mid", Action.buyYes, wide)).toBe(4600);
    expect(price("mid", Action.buyNo, wide)).toBe(4700);
    expect(price("mid", Action.buyYes, tight)).toBe(4500);
  });
});

describe("the risk gate", () => {
  const gate = new RiskGate(
    { orderSizeMax: 1000 as Lots, positionLimit: 2000 as Lots, openOrdersMax: 2 },
    [GRID],
  );
  const request = (change: Partial<OrderRequest> = {}): OrderRequest => ({
    clientOrderId: "g" as ClientOrderId,
    market: 0,
    side: bid,
    price: 4500 as CentiCents,
    size: 1000 as Lots,
    timeInForce: "good_till_canceled",
    postOnly: false,
    reduceOnly: false,
    ...change,
  });
  const verdict = (account: Account, change: Partial<OrderRequest> = {}) => {
    const answer = gate.approve(request(change), account);
    return answer.kind === "approved" ? "approved" : answer.reason;
  };

  test("lets through what is within its limits and names the limit that is not kept", () => {
    const account = new Account(FEES, 100_000_000 as MicroUsd);
    expect(verdict(account)).toBe("approved");
    expect(verdict(account, { price: 4550 as CentiCents })).toBe("price_off_grid");
    expect(verdict(account, { size: 0 as Lots })).toBe("size_not_positive");
    expect(verdict(account, { size: 1001 as Lots })).toBe("order_size_limit");
    expect(verdict(account, { side: ask, reduceOnly: true })).toBe("nothing_to_reduce");
    expect(verdict(new Account(FEES, 1_000_000 as MicroUsd))).toBe("insufficient_cash");
  });

  test("counts open orders as if they had filled", () => {
    const account = new Account(FEES, 100_000_000 as MicroUsd);
    account.ledger.fill(0, bid, 4500 as CentiCents, 600 as Lots, 0 as MicroUsd);
    account.sent(request({ clientOrderId: "a" as ClientOrderId, size: 500 as Lots }), 0);
    expect(verdict(account, { size: 900 as Lots })).toBe("approved");
    expect(verdict(account, { size: 901 as Lots })).toBe("position_limit");
    expect(verdict(account, { side: ask, size: 1000 as Lots })).toBe("approved");
    account.sent(request({ clientOrderId: "b" as ClientOrderId, size: 100 as Lots }), 0);
    expect(verdict(account, { size: 100 as Lots })).toBe("open_orders_limit");
  });

  test("counts reducing orders too: several of them may fill before any is ended", () => {
    const account = new Account(FEES, 100_000_000 as MicroUsd);
    account.ledger.fill(0, bid, 4500 as CentiCents, 300 as Lots, 0 as MicroUsd);
    const selling = { side: ask, reduceOnly: true };
    account.sent(request({ clientOrderId: "a" as ClientOrderId, side: ask }), 0);
    // 300 held, 1000 being sold: 1300 more lead to the limit of 2000 the other way.
    expect(verdict(account, { ...selling, size: 300 as Lots })).toBe("approved");
    const tight = new RiskGate(
      { orderSizeMax: 1000 as Lots, positionLimit: 900 as Lots, openOrdersMax: 9 },
      [GRID],
    );
    const judged = (size: number) =>
      tight.approve(request({ ...selling, size: size as Lots }), account).kind;
    expect([judged(200), judged(201)]).toEqual(["approved", "refused"]);
  });
});
