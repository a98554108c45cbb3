/** Intents as commands: what `quote` keeps, changes and replaces, and what it leaves in flight. */
import { expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd } from "../../src/core/index.ts";
import { BookSide, PriceGrid, streamRows } from "../../src/market/index.ts";
import type { OrderCommand, OrderEvent, OrderManager } from "../../src/orders/index.ts";
import {
  type IntentFault,
  MarketFeed,
  type MarketView,
  OrderDesk,
  Trader,
  ViewOfAccount,
} from "../../src/strategies/index.ts";
import { marketInfo, TapeBuilder } from "../fixtures/tape-builder.ts";

const { bid, ask } = BookSide;

/** A desk before a venue that does what the test says, in a market of 45 to 47 cents. */
function open(limits: { orderSizeMax?: number; positionLimit?: number } = {}) {
  const info = marketInfo();
  const grid = new PriceGrid(info.priceRanges);
  const tape = new TapeBuilder()
    .snapshot(
      [
        [45, 100],
        [43, 7],
      ],
      [[47, 50]],
    )
    .loneTrade(bid, 45, 2)
    .loneTrade(ask, 47, 3)
    .finish();
  const feed = new MarketFeed(tape, streamRows(tape, 0), grid);
  feed.advance(Infinity);
  const sent: OrderCommand[] = [];
  const events: OrderEvent[] = [];
  const manager: OrderManager = {
    submit: (request) => void sent.push({ kind: "submit", request }),
    amend: (clientOrderId, price, size) =>
      void sent.push({ kind: "amend", clientOrderId, price, size }),
    cancel: (clientOrderId) => void sent.push({ kind: "cancel", clientOrderId }),
    drain: (sink) => sink.push(...events.splice(0)) - sink.length + 1,
  };
  const all = {
    orderSizeMax: (limits.orderSizeMax ?? 10_000) as Lots,
    positionLimit: (limits.positionLimit ?? 10_000) as Lots,
    openOrdersMax: 10,
  };
  const trader = new Trader({
    orders: manager,
    fees: [info.fees],
    grids: [grid],
    startingCash: 1_000_000_000 as MicroUsd,
    planner: { pricing: "join", orderSize: 1000 as Lots, positionLimit: all.positionLimit },
    limits: all,
    idPrefix: "e",
  });
  const view = new ViewOfAccount({
    account: trader.account,
    infos: [info],
    events: [],
    grids: [grid],
    feeds: [feed],
    limits: all,
    observe: null,
  });
  const faults: IntentFault[] = [];
  const onFault = (fault: IntentFault): void => void faults.push(fault);
  const desk = new OrderDesk({ trader, view, grids: [grid], idPrefix: "d", onFault });
  const market = view.markets[0] as MarketView;
  /** The commands since the last call, short. */
  const commands = (): string[] =>
    sent.splice(0).map((command) => {
      if (command.kind === "cancel") return `cancel ${command.clientOrderId}`;
      if (command.kind === "amend") {
        return `amend ${command.clientOrderId} ${command.size}@${command.price}`;
      }
      const { clientOrderId, side, price, size, timeInForce, postOnly } = command.request;
      const how = postOnly ? "resting" : timeInForce;
      return `${side === bid ? "buy" : "sell"} ${clientOrderId} ${size}@${price} ${how}`;
    });
  const hear = (...told: object[]): void => {
    events.push(...(told.map((event) => ({ atUs: 0, ...event })) as OrderEvent[]));
    trader.receive();
  };
  const filled = (clientOrderId: string, size: number, price = 4500): object => ({
    kind: "filled",
    clientOrderId,
    price: price as CentiCents,
    size: size as Lots,
    fee: 0,
    role: "maker",
    evidence: { kind: "venue", tradeId: "t" },
  });
  return { desk, market, view, faults, commands, hear, filled };
}

test("a quote is sent once, kept while it fits, and amended when its price moves", () => {
  const { desk, market, commands, hear } = open();
  desk.quote(market, bid, 4500, 1000);
  expect(commands()).toEqual(["buy d0 1000@4500 resting"]);
  // On its way: nothing more is sent, whatever is asked.
  desk.quote(market, bid, 4400, 1000);
  expect(commands()).toEqual([]);
  hear({ kind: "accepted", clientOrderId: "d0" });
  desk.quote(market, bid, 4500, 1000);
  expect(commands()).toEqual([]);
  desk.quote(market, bid, 4400, 1000);
  expect(commands()).toEqual(["amend d0 1000@4400"]);
  desk.quote(market, bid, 4300, 1000);
  expect(commands()).toEqual([]);
  hear({ kind: "amended", clientOrderId: "d0", price: 4400, size: 1000 });
  desk.quote(market, bid, 4300, 1000);
  expect(commands()).toEqual(["amend d0 1000@4300"]);
});

test("an order that filled in part keeps its place until it moves or more is asked for", () => {
  const { desk, market, commands, hear, filled } = open();
  desk.quote(market, bid, 4500, 1000);
  hear({ kind: "accepted", clientOrderId: "d0" }, filled("d0", 400));
  commands();
  desk.quote(market, bid, 4500, 1000);
  expect(commands()).toEqual([]);
  // Less than is left: the size falls, the place stays.
  desk.quote(market, bid, 4500, 500);
  expect(commands()).toEqual(["amend d0 900@4500"]);
  hear({ kind: "amended", clientOrderId: "d0", price: 4500, size: 900 });
  desk.quote(market, bid, 4500, 500);
  expect(commands()).toEqual([]);
  desk.quote(market, bid, 4500, 800);
  expect(commands()).toEqual(["amend d0 1200@4500"]);
  hear({ kind: "amended", clientOrderId: "d0", price: 4500, size: 1200 }, filled("d0", 800));
  // Full: the next one is a new order.
  desk.quote(market, bid, 4500, 800);
  expect(commands()).toEqual(["buy d1 800@4500 resting"]);
});

test("a side has one quote: others of that side are cancelled, the other side is left alone", () => {
  const { desk, market, commands, hear } = open();
  desk.submit({ market, side: bid, price: 4500, size: 100 });
  desk.submit({ market, side: bid, price: 4300, size: 100 });
  desk.submit({ market, side: ask, price: 4700, size: 100 });
  hear(...["d0", "d1", "d2"].map((clientOrderId) => ({ kind: "accepted", clientOrderId })));
  commands();
  desk.quote(market, bid, 4500, 100);
  // Asked for 100 for the first time: what is there is taken as asked for with less.
  expect(commands()).toEqual(["cancel d1", "amend d0 100@4500"]);
  desk.withdraw(market, ask);
  expect(commands()).toEqual(["cancel d2"]);
  desk.withdraw(market);
  expect(commands()).toEqual(["cancel d0"]);
  desk.withdraw(market);
  expect(commands()).toEqual([]);
  // Beside an order that is being cancelled a new one may be sent.
  desk.quote(market, bid, 4500, 100);
  expect(commands()).toEqual(["buy d3 100@4500 resting"]);
});

test("taking is an order that does not rest", () => {
  const { desk, market, commands } = open();
  expect(desk.take(market, ask, 4500, 300)).toBeNull();
  expect(commands()).toEqual(["sell d0 300@4500 immediate_or_cancel"]);
});

test("room is what limits leave, orders that are being cancelled taken off", () => {
  const { desk, market, hear, filled, commands } = open({
    orderSizeMax: 3000,
    positionLimit: 4000,
  });
  expect([market.room(bid), market.room(ask)]).toEqual([3000, 3000]);
  desk.quote(market, bid, 4500, 2500);
  hear({ kind: "accepted", clientOrderId: "d0" }, filled("d0", 1500));
  expect([market.position, market.room(bid), market.room(ask)]).toEqual([1500, 2500, 3000]);
  desk.withdraw(market);
  expect(market.room(bid)).toBe(1500);
  commands();
  expect(desk.quote(market, bid, 4400, market.room(bid))).toBeNull();
  expect(desk.quote(market, ask, 4700, 3000)).toBeNull();
  expect(commands()).toEqual(["buy d1 1500@4400 resting", "sell d2 3000@4700 resting"]);
});

test("the gate's refusals come back; those that a sound strategy avoids are faults", () => {
  const { desk, market, faults, commands } = open({ positionLimit: 1000 });
  expect(desk.quote(market, bid, 4500, 1001)).toBe("position_limit");
  expect(desk.submit({ market, side: ask, price: 4700, size: 500, reduceOnly: true })).toBeNull();
  expect(commands()).toEqual([]);
  expect(faults.map(({ reason }) => reason)).toEqual(["position_limit"]);
});

test("a view tells of the book, of trades, of steps and of what is held", () => {
  const { desk, market, view, hear, filled } = open();
  expect([market.bestBid, market.bestAsk, market.bidSize, market.askSize]).toEqual([
    4500, 4700, 10_000, 5000,
  ]);
  expect([market.mark, market.isOpen, market.isTwoSided]).toEqual([4600, true, true]);
  expect(market.levels(bid, 5)).toEqual([
    { price: 4500, size: 10_000 },
    { price: 4300, size: 700 },
  ]);
  expect(market.sizeAt(bid, 4300)).toBe(700);
  expect([market.sizeAt(bid, 4400), market.sizeAt(bid, 4350)]).toEqual([0, 0]);
  expect(market.trades(5).map(({ price, size, hit }) => [price, size, hit])).toEqual([
    [4700, 300, ask],
    [4500, 200, bid],
  ]);
  expect([market.tradeCount, market.tradedLots, market.lastTrade?.price]).toEqual([2, 500, 4700]);
  const steps: readonly [number, number, number][] = [
    [4500, 1, 4600],
    [4500, -2, 4300],
    [9900, 3, 9900],
    [100, -1, 100],
    // Off the grid: no bid at all, no ask at all, a mark between two ticks.
    [0, 1, 100],
    [10_000, -1, 9900],
    [4550, 1, 4600],
    [4550, -1, 4500],
    [4550, 2, 4700],
    [4550, 0, 4600],
  ];
  for (const [from, ticks, to] of steps) {
    expect(market.step(from as CentiCents, ticks), `${from} ${ticks}`).toBe(to);
  }
  desk.quote(market, ask, 4700, 1000);
  hear({ kind: "accepted", clientOrderId: "d0" }, filled("d0", 600, 4700));
  expect([market.position, market.averageCost, market.event.stake]).toEqual([
    -600, 5300, 3_180_000,
  ]);
  expect(view.cash).toBe(1_000_000_000 - 3_180_000);
  expect(view.available).toBeLessThan(view.cash);
  expect([market.working(ask)?.size, market.working(bid)]).toEqual([1000, null]);
});
