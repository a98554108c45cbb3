/**
 * The engine under random commands: nothing is made or lost, the book is the sum of its orders, and
 * every trade is the one that a second matcher finds. The second one is a plain list that is searched
 * from end to end; it knows prices, times and sizes and nothing of money.
 */
import { expect, test } from "vitest";
import { type CentiCents, type Lots, Prng } from "../../src/core/index.ts";
import type { Done, ExchangeAccount } from "../../src/exchange/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { after, ExchangeCase, marketSpec, QUADRATIC } from "./exchange-case.ts";

interface Plain {
  readonly id: string;
  readonly owner: number;
  readonly isBid: boolean;
  price: number;
  left: number;
  turn: number;
}

/** Price-time priority by definition. */
class PlainBook {
  orders: Plain[] = [];
  #turn = 0;

  /** Lets an order trade, and rest if it may; "maker owner, price, size" of each trade. */
  arrive(order: Omit<Plain, "turn">, rests: boolean, cancelsOwn: boolean): string[] {
    const trades: string[] = [];
    let left = order.left;
    while (left > 0) {
      const facing = this.orders.filter(
        (other) =>
          other.isBid !== order.isBid &&
          (order.isBid ? other.price <= order.price : other.price >= order.price),
      );
      facing.sort(
        (a, b) => (order.isBid ? a.price - b.price : b.price - a.price) || a.turn - b.turn,
      );
      const [maker] = facing;
      if (maker === undefined) break;
      if (maker.owner === order.owner) {
        if (!cancelsOwn) return trades;
        this.remove(maker.id);
        continue;
      }
      const size = Math.min(left, maker.left);
      trades.push(`${maker.owner} ${maker.price} ${size}`);
      left -= size;
      maker.left -= size;
      if (maker.left === 0) this.remove(maker.id);
    }
    if (left > 0 && rests) this.orders.push({ ...order, left, turn: this.#turn++ });
    return trades;
  }

  remove(id: string): Plain | undefined {
    const found = this.orders.find((order) => order.id === id);
    this.orders = this.orders.filter((order) => order !== found);
    return found;
  }

  levels(isBid: boolean): string[] {
    const sums = new Map<number, number>();
    for (const order of this.orders) {
      if (order.isBid !== isBid) continue;
      sums.set(order.price, (sums.get(order.price) ?? 0) + order.left);
    }
    const prices = [...sums.keys()].sort((a, b) => (isBid ? b - a : a - b));
    return prices.map((price) => `${price / 100} x ${(sums.get(price) ?? 0) / 100}`);
  }
}

class RandomPlay {
  readonly at = new ExchangeCase(marketSpec({}, QUADRATIC));
  readonly plain = new PlainBook();
  readonly accounts: ExchangeAccount[];
  readonly #prng: Prng;
  readonly #paidIn: number;

  constructor(seed: number) {
    this.#prng = Prng.fromSeed(seed);
    this.accounts = ["ann", "ben", "cat"].map((name) => this.at.account(name, 500));
    this.#paidIn = this.at.engine.total();
    this.at.engine.collect();
  }

  step(): void {
    const choice = this.#prng.integer(10);
    const account = this.#one(this.accounts);
    const own = this.plain.orders.filter(({ owner }) => owner === account.index);
    const known = own.length === 0 ? undefined : this.#one(own);
    if (choice < 6 || known === undefined) this.#create(account);
    else if (choice < 8) this.#cancel(account, known);
    else this.#amend(account, known);
    this.#check();
  }

  #create(account: ExchangeAccount): void {
    const prng = this.#prng;
    const isBid = prng.integer(2) === 0;
    const cents = 40 + prng.integer(20);
    const contracts = (1 + prng.integer(2_000)) / 100;
    const timeInForce = prng.integer(3) === 0 ? "immediate_or_cancel" : "good_till_canceled";
    const selfTradePrevention = prng.integer(2) === 0 ? "maker" : "taker_at_cross";
    const outcome = this.at.send(account, isBid ? "bid" : "ask", cents, contracts, {
      timeInForce,
      selfTradePrevention,
    });
    if (outcome.kind === "refused") {
      expect(outcome.code).toBe("insufficient_balance");
      return;
    }
    const rests = timeInForce === "good_till_canceled";
    this.#arrived(
      account,
      outcome,
      isBid,
      cents,
      Math.round(contracts * 100),
      rests,
      selfTradePrevention === "maker",
    );
  }

  #arrived(
    account: ExchangeAccount,
    outcome: Done,
    isBid: boolean,
    cents: number,
    left: number,
    rests: boolean,
    cancelsOwn: boolean,
  ): void {
    const order = { id: outcome.orderId, owner: account.index, isBid, price: cents * 100, left };
    const expected = this.plain.arrive(order, rests, cancelsOwn);
    const makers = this.at.heard("fill").filter(({ fill }) => !fill.isTaker);
    expect(makers.map(({ account: of, fill }) => `${of} ${fill.price} ${fill.size}`)).toEqual(
      expected,
    );
  }

  #cancel(account: ExchangeAccount, known: Plain): void {
    const outcome = this.at.engine.cancel(account, known.id);
    expect(outcome).toMatchObject({ kind: "done", reducedBy: known.left });
    this.plain.remove(known.id);
  }

  #amend(account: ExchangeAccount, known: Plain): void {
    const order = this.at.engine.openOrder(known.id);
    if (order === undefined) throw new Error("the plain book has an order that the engine has not");
    const cents = this.#prng.integer(2) === 0 ? known.price / 100 : 40 + this.#prng.integer(20);
    const left = 1 + this.#prng.integer(2_000);
    const { filled, selfTradePrevention } = order;
    const outcome = this.at.amend(account, known.id, cents, (filled + left) / 100);
    if (outcome.kind === "refused") {
      expect(outcome.code).toBe("insufficient_balance");
      return;
    }
    if (cents * 100 === known.price && left <= known.left) {
      known.left = left;
      return;
    }
    this.plain.remove(known.id);
    this.#arrived(
      account,
      outcome,
      known.isBid,
      cents,
      left,
      true,
      selfTradePrevention === "maker",
    );
  }

  #check(): void {
    const { engine } = this.at;
    engine.collect();
    expect(engine.total()).toBe(this.#paidIn);
    expect(this.at.book()).toEqual({
      bids: this.plain.levels(true),
      asks: this.plain.levels(false),
    });
    expect(engine.accounts.reduce((sum, { ledger }) => sum + ledger.position(0), 0)).toBe(0);
    for (const { ledger } of this.accounts) expect(ledger.cash).toBeGreaterThanOrEqual(0);
    const [best, ask] = [engine.markets[0]?.yesBid ?? 0, engine.markets[0]?.yesAsk ?? 0];
    expect(best).toBeLessThan(ask);
  }

  /** Closes and pays the market out; the payments are what was held. */
  settle(value: number): void {
    const { engine } = this.at;
    const [market] = engine.markets;
    if (market === undefined) throw new Error("a market is there");
    engine.determine(market, value as CentiCents);
    const held = this.accounts.map(({ ledger }) => ({
      cash: ledger.cash,
      lots: ledger.position(0),
    }));
    engine.advanceTo(after(7_200));
    expect(market.phase).toBe("finalized");
    this.accounts.forEach(({ ledger }, index) => {
      const { cash = 0, lots = 0 } = held[index] ?? {};
      const exact = lots > 0 ? lots * value : -lots * (10_000 - value);
      expect(ledger.cash - cash).toBe(Math.floor(exact / 10_000) * 10_000);
      expect(ledger.position(0)).toBe(0);
    });
    expect(engine.total()).toBe(this.#paidIn);
    expect(this.at.book()).toEqual({ bids: [], asks: [] });
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#prng.integer(list.length)] as T;
  }
}

test("random commands: nothing is made or lost, and trades are by price and time", () => {
  const first = Number(process.env["SEED"] ?? 1);
  for (let seed = first; seed < first + 20; seed++) {
    const play = new RandomPlay(seed);
    for (let step = 0; step < 150; step++) {
      try {
        play.step();
      } catch (error) {
        throw new Error(`seed ${seed} step ${step}`, { cause: error });
      }
    }
    play.settle([10_000, 0, 3_333][seed % 3] ?? 0);
  }
});

test("the crowd trades with itself and with accounts, and nothing is made or lost", () => {
  const at = new ExchangeCase(marketSpec({}, QUADRATIC));
  const ann = at.account("ann");
  const [market] = at.engine.markets;
  if (market === undefined) throw new Error("a market is there");
  const before = at.engine.total();
  const terms = (side: BookSide, cents: number, size: number) => ({
    market,
    side,
    price: (cents * 100) as CentiCents,
    size: size as Lots,
  });
  const quote = at.engine.crowdQuote(terms(BookSide.ask, 50, 1_000));
  at.put(ann, "ask", 50, 3);
  expect(at.engine.crowdTake(terms(BookSide.bid, 50, 1_100))).toBe(1_100);
  expect(ann.ledger.position(0)).toBe(-100);
  expect(quote?.isQueued).toBe(false);
  expect(at.book().asks).toEqual(["50 x 2"]);
  expect(at.engine.total()).toBe(before);
});
