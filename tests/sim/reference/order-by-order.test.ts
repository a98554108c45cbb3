/**
 * What the one number of an order stands for: the lots before it in a list of individual orders. Here
 * a price is such a list, ours among them; trades take from its front, cancels take the order that
 * they name. Where all of that is known, the simulator's number is the place in the list, and the
 * fills are those of the list.
 *
 * One patient order at a time, in recordings that say of every lot whose it is. A session ends for us
 * when an order of ours has filled and gone: from then on the recorded book has served others with
 * lots that we had, and no list can be had from it.
 */
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../../src/core/index.ts";
import type { ApprovedOrder, ClientOrderId, OrderEvent } from "../../../src/orders/index.ts";
import { FILL_MODELS, NO_LATENCY, SimulatedOrderManager } from "../../../src/sim/index.ts";
import type { Side } from "./money.ts";
import { pick, plainSession } from "./random-session.ts";
import type { RecordedMarket, RecordedRow } from "./recording.ts";

const SESSIONS = 600;

/** One order in a list. */
interface Waiting {
  /** The row with which it came; null for ours. */
  readonly row: number | null;
  lots: number;
}

interface Own {
  readonly id: ClientOrderId;
  readonly side: Side;
  price: number;
  /** Filled lots included. */
  size: number;
  filled: number;
  readonly waiting: Waiting;
}

interface Fill {
  readonly lots: number;
  readonly ahead: number;
}

/** The lists of one market. */
class Lists {
  own: Own | null = null;
  /** No list can be had any more. */
  isOver = false;
  isKnown = false;
  isClosed = false;
  readonly fills: Fill[] = [];
  readonly #lists = { bid: new Map<number, Waiting[]>(), ask: new Map<number, Waiting[]>() };
  readonly #recorded = { bid: new Map<number, number>(), ask: new Map<number, number>() };

  get ahead(): number {
    if (this.own === null) return 0;
    const list = this.#list(this.own.side, this.own.price);
    return sum(list.slice(0, list.indexOf(this.own.waiting)));
  }

  best(side: Side): number | null {
    const prices = [...this.#recorded[side]].filter(([, lots]) => lots > 0).map(([price]) => price);
    if (prices.length === 0) return null;
    return side === "bid" ? Math.max(...prices) : Math.min(...prices);
  }

  join(own: Own): void {
    this.own = own;
    this.#list(own.side, own.price).push(own.waiting);
  }

  leave(): void {
    if (this.own === null) return;
    if (this.own.filled > 0) this.isOver = true;
    const list = this.#list(this.own.side, this.own.price);
    list.splice(list.indexOf(this.own.waiting), 1);
    this.own = null;
  }

  happen(row: RecordedRow): void {
    if (this.isOver) return;
    const { side, price } = row;
    switch (row.kind) {
      case "delta":
        this.#recorded[side].set(price, (this.#recorded[side].get(price) ?? 0) + row.lots);
        if (row.lots > 0) this.#arrive(row);
        else if (row.pair > row.row) this.#match(side, price, -row.lots);
        else if (row.pair < 0) this.#cancel(row);
        return this.#trim(side, price);
      case "trade":
        if (row.pair > row.row) this.#match(side, price, row.lots);
        return;
      case "snapshot":
        return this.#show(row);
      case "gap":
        this.isKnown = false;
        return this.leave();
      case "close":
        this.isClosed = true;
        return this.leave();
      default:
        return;
    }
  }

  #arrive({ side, price, lots, row }: RecordedRow): void {
    this.#list(side, price).push({ row, lots });
    const { own } = this;
    if (own === null || own.side === side) return;
    // It meets ours: what becomes of the newcomer the recording does not say.
    if (own.side === "bid" ? price <= own.price : price >= own.price) this.isOver = true;
  }

  #cancel({ side, price, lots, whose }: RecordedRow): void {
    const list = this.#list(side, price);
    const named = list.find(({ row }) => row !== null && row === whose);
    if (named === undefined) takeFromBack(list, -lots);
    else named.lots -= -lots;
  }

  #match(side: Side, price: number, lots: number): void {
    const { own } = this;
    const isBeyond = own?.side === side && (side === "bid" ? price < own.price : price > own.price);
    if (isBeyond) {
      // A better price than the recorded makers': they are served with what we leave.
      this.#fill(Math.min(lots, own.waiting.lots), 0);
      this.isOver = true;
      return;
    }
    let left = lots;
    let ahead = 0;
    for (const waiting of this.#list(side, price)) {
      const part = Math.min(left, waiting.lots);
      if (part > 0 && waiting.row === null) this.#fill(part, ahead);
      else waiting.lots -= part;
      if (waiting.row !== null) ahead += part;
      left -= part;
    }
    if (own !== null && own.waiting.lots === 0) this.leave();
  }

  #fill(lots: number, ahead: number): void {
    if (this.own === null) return;
    this.own.waiting.lots -= lots;
    this.own.filled += lots;
    this.fills.push({ lots, ahead });
  }

  /** A snapshot of a book that was known keeps the lists; after a gap they start anew. */
  #show({ levels }: RecordedRow): void {
    for (const side of ["bid", "ask"] as const) {
      this.#recorded[side].clear();
      if (!this.isKnown) this.#lists[side].clear();
    }
    for (const { side, price, lots, row } of levels) {
      this.#recorded[side].set(price, lots);
      if (!this.isKnown) this.#lists[side].set(price, [{ row, lots }]);
    }
    this.isKnown = true;
  }

  /** Nobody stands there whom the recorded book does not show. */
  #trim(side: Side, price: number): void {
    const list = this.#list(side, price);
    const others = sum(list.filter(({ row }) => row !== null));
    takeFromBack(list, Math.max(0, others - (this.#recorded[side].get(price) ?? 0)));
  }

  #list(side: Side, price: number): Waiting[] {
    const list = this.#lists[side].get(price) ?? [];
    this.#lists[side].set(price, list);
    return list;
  }
}

function sum(list: readonly Waiting[]): number {
  return list.reduce((total, { lots }) => total + lots, 0);
}

/** Takes lots of others, the newest first. */
function takeFromBack(list: readonly Waiting[], lots: number): void {
  let left = lots;
  for (const waiting of [...list].reverse()) {
    if (waiting.row === null) continue;
    const part = Math.min(left, waiting.lots);
    waiting.lots -= part;
    left -= part;
  }
}

/** One session: the simulator beside the lists. */
class Play {
  readonly lists = new Lists();
  readonly #prng: Prng;
  readonly #market: RecordedMarket;
  readonly #simulator: SimulatedOrderManager;
  readonly #fills: Fill[] = [];
  /** How often fewer stood before an order than a moment ago. */
  comesForward = 0;
  #ids = 0;

  constructor(seed: string) {
    this.#prng = Prng.fromSeed(seed);
    const { tape, markets } = plainSession(this.#prng.fork("session"));
    this.#market = markets[0] as RecordedMarket;
    this.#simulator = new SimulatedOrderManager({
      tape,
      markets: [0],
      startingCash: 1_000_000_000_000 as MicroUsd,
      fillModel: FILL_MODELS.queue,
      latency: NO_LATENCY,
      prng: this.#prng.fork("latency"),
    });
  }

  /** Plays it to its end; `check` is told of each moment. */
  run(check: (simulator: unknown, lists: unknown, atUs: number) => void): void {
    const { rows } = this.#market;
    for (const [index, row] of rows.entries()) {
      const { own, ahead } = this.lists;
      this.lists.happen(row);
      if (own !== null && own === this.lists.own && this.lists.ahead < ahead)
        this.comesForward += 1;
      if (rows[index + 1]?.atUs === row.atUs) continue;
      this.#simulator.advanceTo(row.atUs);
      this.#hear();
      // What came after the end, in the same moment, is not compared.
      const { isOver, fills } = this.lists;
      check(isOver ? this.#fills.slice(0, fills.length) : this.#fills, fills, row.atUs);
      if (isOver) return;
      this.#command();
      this.#simulator.advanceTo(row.atUs);
      this.#hear();
      check(this.#places(), this.#expectedPlaces(), row.atUs);
    }
  }

  #command(): void {
    const { lists } = this;
    const chance = this.#prng.integer(20);
    if (!lists.isKnown || lists.isClosed) return;
    const { own } = lists;
    if (own === null) return this.#join();
    if (chance === 0 && own.filled === 0) {
      this.#simulator.cancel(own.id);
      lists.leave();
    } else if (chance < 3 && own.size - own.filled > 1) {
      const less = own.size - 1 - this.#prng.integer(own.size - own.filled - 1);
      this.#simulator.amend(own.id, own.price as CentiCents, less as Lots);
      own.size = less;
      own.waiting.lots = less - own.filled;
    } else if (chance === 3 && own.filled === 0) {
      this.#move(own);
    }
  }

  /** Joins anew: a larger size, or another price. */
  #move(own: Own): void {
    const price = this.#prng.integer(2) === 0 ? own.price : this.#price(own.side);
    const size = price === own.price ? own.size + 5 : own.size;
    if (price === null) return;
    this.#simulator.amend(own.id, price as CentiCents, size as Lots);
    this.lists.leave();
    this.lists.join({ ...own, price, size, waiting: { row: null, lots: size } });
  }

  #join(): void {
    const side = pick(this.#prng, ["bid", "ask"] as const);
    const price = this.#price(side);
    if (price === null) return;
    const id = `o${this.#ids++}` as ClientOrderId;
    const size = 1 + this.#prng.integer(pick(this.#prng, [20, 300, 3_000]));
    this.#simulator.submit({
      clientOrderId: id,
      market: 0,
      side: side === "bid" ? 0 : 1,
      price,
      size,
      timeInForce: "good_till_canceled",
      postOnly: true,
      reduceOnly: false,
    } as unknown as ApprovedOrder);
    const waiting = { row: null, lots: size };
    this.lists.join({ id, side, price, size, filled: 0, waiting });
  }

  /** At the best price, up to three ticks behind it, or one before it, where nobody is met. */
  #price(side: Side): number | null {
    const { prices } = this.#market;
    const best = this.lists.best(side);
    const other = this.lists.best(side === "bid" ? "ask" : "bid");
    if (best === null || other === null) return null;
    const towards = pick(this.#prng, [-3, -2, -1, 0, 0, 0, 1]);
    const price = prices[prices.indexOf(best) + (side === "bid" ? towards : -towards)];
    if (price === undefined) return null;
    return (side === "bid" ? price < other : price > other) ? price : null;
  }

  #places(): unknown {
    const resting = this.#simulator.markets[0]?.resting ?? [];
    return resting.map(({ price, size, filled, ahead }) => ({ price, size, filled, ahead }));
  }

  #expectedPlaces(): unknown {
    const { own, ahead } = this.lists;
    if (own === null) return [];
    return [{ price: own.price, size: own.size, filled: own.filled, ahead }];
  }

  #hear(): void {
    const events: OrderEvent[] = [];
    this.#simulator.drain(events);
    for (const event of events) {
      if (event.kind !== "filled") continue;
      const ahead = event.evidence.kind === "trade" ? event.evidence.ahead : -1;
      this.#fills.push({ lots: event.size, ahead });
    }
  }
}

test(`in ${SESSIONS} sessions an order stands where it stands in a list of orders`, () => {
  let fills = 0;
  let behind = 0;
  let comesForward = 0;
  for (let session = 0; session < SESSIONS; session++) {
    const seed = `list ${session}`;
    const play = new Play(seed);
    play.run((simulator, lists, atUs) => {
      if (isDeepStrictEqual(simulator, lists)) return;
      expect(simulator, `seed "${seed}" at ${atUs}`).toEqual(lists);
    });
    fills += play.lists.fills.length;
    comesForward += play.comesForward;
    behind += play.lists.fills.filter(({ ahead }) => ahead > 0).length;
  }
  // Or there would have been nothing to compare.
  expect(comesForward).toBeGreaterThan(SESSIONS);
  expect(fills).toBeGreaterThan(SESSIONS / 4);
  expect(behind).toBeGreaterThan(SESSIONS / 50);
});
