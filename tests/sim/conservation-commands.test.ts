/**
 * A million random commands of every kind, to several markets on one account, settlement included.
 * The reference keeps YES and NO of each market in separate piles and hears only of fills.
 *
 * SEED repeats a run, and ROUND with it only the round in which it failed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type CentiCents,
  type Lots,
  type MicroUsd,
  Prng,
  type TimestampUs,
  US_PER_SECOND,
} from "../../src/core/index.ts";
import {
  balanceStepOf,
  BookSide,
  dearestFees,
  type FeeType,
  GENERATE_START_US,
  generateSession,
  type MarketInfo,
  MEMBERSHIPS,
  openSession,
  type Tape,
} from "../../src/market/index.ts";
import {
  Account,
  type ApprovedOrder,
  type ClientOrderId,
  type OrderEvent,
  type OrderRequest,
  type TimeInForce,
} from "../../src/orders/index.ts";
import { FILL_MODELS, SimulatedOrderManager } from "../../src/sim/index.ts";

const COMMANDS = 1_000_000;
const MINUTES = 6;
const SEED = Number(process.env["SEED"] ?? 17);
const ONLY_ROUND = process.env["ROUND"] === undefined ? null : Number(process.env["ROUND"]);
const MODELS = [FILL_MODELS.queue, FILL_MODELS.touch, FILL_MODELS.level, FILL_MODELS.through];
const TERMS: readonly TimeInForce[] = [
  "good_till_canceled",
  "good_till_canceled",
  "good_till_canceled",
  "immediate_or_cancel",
  "fill_or_kill",
];
const FEE_TYPES: readonly FeeType[] = [
  "quadratic",
  "quadratic_with_maker_fees",
  "quadratic_with_combo_maker_fees",
];

let folder = "";
let tape: Tape;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "commands-"));
  const startUs = GENERATE_START_US;
  const options = { id: "many", seed: 5, events: 2, minutes: MINUTES, startUs } as const;
  generateSession(join(folder, "session"), { ...options, profile: "fight" });
  const session = openSession(join(folder, "session"));
  tape = session.readTape();
  session.close();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What fills alone say about an account of several markets. */
class Piles {
  readonly yes: number[];
  readonly no: number[];
  fees = 0;
  fills = 0;
  roles = { maker: 0, taker: 0 };
  /** Paid for all YES and NO ever bought. */
  #paid = 0;
  readonly #starting: number;
  /** Lots that own fills took of each recorded trade. */
  readonly #given = new Map<number, number>();

  constructor(markets: number, starting: number) {
    this.yes = Array.from({ length: markets }, () => 0);
    this.no = [...this.yes];
    this.#starting = starting;
  }

  /** Books a fill; null, or what is wrong with it. */
  fill(event: OrderEvent & { kind: "filled" }, { market, side }: OrderRequest) {
    const { evidence, role } = event;
    const isBid = side === BookSide.bid;
    const pile = isBid ? this.yes : this.no;
    pile[market] = (pile[market] as number) + event.size;
    this.#paid += (isBid ? event.price : 10_000 - event.price) * event.size;
    this.fees += event.fee;
    this.fills += 1;
    this.roles[role] += 1;
    if (event.fee < 0) return `a fee of ${event.fee}`;
    if (evidence.kind === "venue") return "a fill without evidence";
    if (event.size > evidence.size) return `${event.size} of ${evidence.size} lots`;
    if (evidence.kind === "trade") {
      const given = (this.#given.get(evidence.row) ?? 0) + event.size;
      this.#given.set(evidence.row, given);
      if (given > evidence.size) return `${given} of a trade of ${evidence.size}`;
    }
    return null;
  }

  /** Cash with every pair of YES and NO paid out. */
  get cash(): number {
    let cash = this.#starting - this.#paid - this.fees;
    for (let market = 0; market < this.yes.length; market++) {
      cash += Math.min(this.yes[market] as number, this.no[market] as number) * 10_000;
    }
    return cash;
  }

  /** Cash after all markets have paid, each in whole cents. */
  settled(infos: readonly MarketInfo[]): number {
    return infos.reduce((cash, { settlement }, market) => {
      const value = settlement?.valueCc ?? 0;
      const net = (this.yes[market] as number) - (this.no[market] as number);
      const pays = net > 0 ? net * value : -net * (10_000 - value);
      return cash + Math.floor(pays / 10_000) * 10_000;
    }, this.cash);
  }
}

/** One pass of the session with commands on the way. */
class Round {
  readonly piles: Piles;
  sent = 0;
  step = 0;
  readonly reasons = new Map<string, number>();
  readonly #prng: Prng;
  readonly #infos: readonly MarketInfo[];
  readonly #orders: SimulatedOrderManager;
  readonly #account: Account;
  readonly #requests = new Map<ClientOrderId, OrderRequest>();
  readonly #place: string;
  /** How far rounding may take cash below zero: not at all for direct members at whole cents. */
  readonly #stepShort: number;
  #nowUs: number;

  constructor(number: number) {
    this.#place = `SEED=${SEED} ROUND=${number}`;
    const prng = Prng.fromSeed(SEED).fork(`round ${number}`);
    this.#prng = prng;
    this.#infos = tape.markets.map((info) => randomFacts(info, prng));
    const cash = ([100, 3_000, 100_000, 1_000_000][prng.integer(4)] ?? 100) * 1_000_000;
    const membership = MEMBERSHIPS[prng.integer(5) === 0 ? 1 : 0];
    const term = { minUs: 0, maxUs: prng.integer(2) * 300_000 };
    this.#orders = new SimulatedOrderManager({
      tape: { ...tape, markets: this.#infos },
      markets: this.#infos.map((_, market) => market),
      startingCash: cash as MicroUsd,
      fillModel: MODELS[number % MODELS.length] ?? FILL_MODELS.queue,
      latency: {
        feedUs: 25_000,
        submitUs: term,
        amendUs: term,
        cancelUs: term,
        answerUs: term,
      },
      prng: prng.fork("latency"),
      membership: membership ?? "direct",
    });
    const step = balanceStepOf(membership ?? "direct");
    this.#stepShort = membership === "fcm" ? step : 0;
    this.#account = new Account(this.#infos.map(dearestFees), cash as MicroUsd, step);
    this.piles = new Piles(this.#infos.length, cash);
    this.#nowUs = GENERATE_START_US;
  }

  run(): void {
    const endUs = GENERATE_START_US + (MINUTES * 60 + 1) * US_PER_SECOND;
    while (this.#nowUs < endUs) {
      this.#advance(this.#prng.integer(20_000));
      for (let count = this.#prng.integer(8); count > 0; count--) this.#command();
    }
    while (this.#orders.hasMessagesInFlight()) this.#advance(US_PER_SECOND);
    this.#settle();
  }

  #advance(us: number): void {
    this.step += 1;
    this.#nowUs += us;
    this.#orders.advanceTo(this.#nowUs);
    const events: OrderEvent[] = [];
    if (this.#orders.drain(events) === 0) return;
    for (const event of events) this.#hear(event);
    const { ledger } = this.#account;
    const { piles } = this;
    this.#require("cash", ledger.cash, piles.cash);
    this.#require("fees", ledger.fees, piles.fees);
    for (let market = 0; market < this.#infos.length; market++) {
      const net = (piles.yes[market] as number) - (piles.no[market] as number);
      this.#require("position", ledger.positions[market], net);
    }
    const costs = ledger.costs.reduce((sum, cost) => sum + cost, 0);
    const gained = ledger.realized - costs - ledger.fees;
    this.#require("what was gained", ledger.cash - ledger.startingCash, gained);
    this.#require("cash short", this.#shortOf(this.#orders.venueLedger.cash), false);
    this.#require("cash short", this.#shortOf(ledger.cash), false);
  }

  #shortOf(cash: number): boolean {
    return cash < 0 && cash < -this.#stepShort * this.piles.fills;
  }

  #hear(event: OrderEvent): void {
    this.#account.apply(event);
    if ("reason" in event) {
      const reason = `${event.kind} ${event.reason}`;
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    }
    if (event.kind !== "filled") return;
    const request = this.#requests.get(event.clientOrderId) as OrderRequest;
    this.#require("a fill", this.piles.fill(event, request), null);
  }

  #command(): void {
    const prng = this.#prng;
    const market = prng.integer(this.#infos.length);
    const open = this.#account.openOrders(market);
    this.sent += 1;
    if (open.length < 2 || (open.length < 12 && prng.integer(2) === 0)) return this.#submit(market);
    const order = open[prng.integer(open.length)];
    const clientOrderId = order?.request.clientOrderId ?? ("none" as ClientOrderId);
    if (prng.integer(2) === 0 || order === undefined) {
      if (order !== undefined) this.#account.cancelSent(clientOrderId);
      return this.#orders.cancel(clientOrderId);
    }
    const price = prng.integer(2) === 0 ? order.price : this.#price(market, order.request.side);
    const sizes = [order.size, this.#size(), order.size + 100, Math.ceil(order.size / 2)];
    const size = (sizes[prng.integer(4)] ?? 1) as Lots;
    this.#account.amendSent(clientOrderId, price, size);
    this.#orders.amend(clientOrderId, price, size);
  }

  #submit(market: number): void {
    const prng = this.#prng;
    const side = prng.integer(2) as BookSide;
    const second = Math.ceil(this.#nowUs / US_PER_SECOND) + prng.integer(3);
    const request: OrderRequest = {
      clientOrderId: `c${this.sent}` as ClientOrderId,
      market,
      side,
      price: this.#price(market, side),
      size: this.#size(),
      timeInForce: TERMS[prng.integer(TERMS.length)] ?? "good_till_canceled",
      postOnly: prng.integer(6) === 0,
      reduceOnly: prng.integer(5) === 0,
      ...(prng.integer(5) === 0 && { expiresUs: (second * US_PER_SECOND) as TimestampUs }),
      ...(prng.integer(3) === 0 && { selfTradePrevention: "maker" }),
    };
    this.#requests.set(request.clientOrderId, request);
    this.#account.sent(request, this.#nowUs);
    // No gate of ours: the venue's own rules must hold.
    this.#orders.submit(request as ApprovedOrder);
  }

  /** Whole cents near the best prices. */
  #price(market: number, side: BookSide): CentiCents {
    const { book } = this.#orders.markets[market] as SimulatedOrderManager["markets"][number];
    const best = side === BookSide.bid ? book.bestBid() : book.bestAsk();
    const inside = this.#prng.integer(9) - 6;
    const away = inside * (side === BookSide.bid ? 100 : -100);
    return Math.min(9_900, Math.max(100, best + away)) as CentiCents;
  }

  #size(): Lots {
    const most = [5, 300, 3_000, 40_000][this.#prng.integer(4)] ?? 300;
    return (1 + this.#prng.integer(most)) as Lots;
  }

  #settle(): void {
    const { venueLedger } = this.#orders;
    this.#require("open orders", this.#account.openCount, 0);
    this.#require("locked cash", this.#account.locked, 0);
    this.#infos.forEach(({ settlement }, market) => {
      const value = settlement?.valueCc ?? (0 as CentiCents);
      venueLedger.settle(market, value);
      this.#account.settle(market, value);
    });
    this.#require("settled cash", venueLedger.cash, this.piles.settled(this.#infos));
    this.#require("what was heard", this.#account.ledger.save(), venueLedger.save());
    const { cash, startingCash, realized, fees } = venueLedger;
    this.#require("what was gained", cash - startingCash, realized - fees);
  }

  #require(what: string, found: unknown, expected: unknown): void {
    // An expectation a step would cost more than the step.
    if (typeof found !== "object" && found === expected) return;
    expect(found, `${this.#place} step ${this.step}: ${what}`).toEqual(expected);
  }
}

/** Fees of any kind that change in the middle, and any result. */
function randomFacts(info: MarketInfo, prng: Prng): MarketInfo {
  const fees = () => ({
    type: FEE_TYPES[prng.integer(3)] ?? "quadratic",
    multiplierPpm: [0, 500_000, 1_000_000][prng.integer(3)] ?? 1_000_000,
  });
  const atUs = (GENERATE_START_US + prng.integer(MINUTES * 60) * US_PER_SECOND) as TimestampUs;
  const results = [0, 10_000, 5_000, prng.integer(10_001)];
  return {
    ...info,
    fees: fees(),
    ...(prng.integer(2) === 0 && { feeChanges: [{ atUs, terms: fees() }] }),
    settlement: { valueCc: (results[prng.integer(4)] ?? 0) as CentiCents, source: "given" },
  };
}

test("a million random commands conserve money on one account of several markets", () => {
  expect(tape.markets.length).toBe(4);
  let sent = 0;
  const reasons = new Map<string, number>();
  const roles = { maker: 0, taker: 0 };
  for (let number = ONLY_ROUND ?? 0; sent < COMMANDS; number++) {
    const round = new Round(number);
    round.run();
    sent += round.sent;
    roles.maker += round.piles.roles.maker;
    roles.taker += round.piles.roles.taker;
    for (const [reason, count] of round.reasons) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + count);
    }
    if (ONLY_ROUND !== null) return;
  }
  // The walk must have been one in which everything happened.
  expect(Math.min(roles.maker, roles.taker)).toBeGreaterThan(2_000);
  for (const reason of [
    "cancelled expired",
    "cancelled exceeds_position",
    "cancelled immediate_or_cancel",
    "cancelled market_closed",
    "cancelled requested",
    "cancelled self_trade",
    "amendRejected not_found",
    "cancelRejected not_found",
    "rejected exceeds_position",
    "rejected fill_or_kill_unfilled",
    "rejected insufficient_balance",
    "rejected invalid_expiration",
    "rejected invalid_order",
    "rejected post_only_cross",
  ]) {
    expect([reason, (reasons.get(reason) ?? 0) > 20]).toEqual([reason, true]);
  }
});
